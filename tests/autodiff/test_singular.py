"""Points without a derivative: the three policies, at every order, and no guard where none is needed."""

import numpy as np
import pytest

import graphad as ga

X = ga.input("x", (3,))
FUNCTIONS = {
    "sqrt": ga.sqrt,
    "cbrt": ga.cbrt,
    "log": ga.log,
    "log2": ga.log2,
    "log10": ga.log10,
    "log1p": lambda x: ga.log1p(x - 1),
    "reciprocal": ga.reciprocal,
    "divide": lambda x: 2 / x,
    "quotient": lambda x: x / x,
    "power": lambda x: x**0.5,
    "negative power": lambda x: x**-2.0,
    "power of nodes": lambda x: ga.power(x, x + 0.5),
    "hypot": lambda x: ga.hypot(x, 2 * x),
    "norm": ga.linalg.norm,
    "norm by hand": lambda x: ga.sqrt(ga.sum(x * x)),
    "norm of rows": lambda x: ga.linalg.norm(ga.outer(x, x), axis=1),
    "std": ga.std,
    "arcsin": lambda x: ga.arcsin(1 - x),
    "arccos": lambda x: ga.arccos(x - 1),
    "arccosh": lambda x: ga.arccosh(1 + x),
    "arctanh": lambda x: ga.arctanh(1 - x),
    "arctan2": lambda x: ga.arctan2(x, 2 * x),
    "complex abs": lambda x: ga.abs(x + 1j * x),
}


def gradient(name, **keywords):
    return ga.grad(ga.sum(FUNCTIONS[name](X)), X, **keywords)


def run(node, values=(0.0, 0.0, 0.0)):
    with np.errstate(all="ignore"):
        return ga.compile([X], node)(np.array(values))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_subgradient_is_finite_at_every_order_and_warns_of_nothing(name):
    first = gradient(name)
    second = ga.grad(ga.sum(first * [1.0, 2.0, 3.0]), X)
    f = ga.compile([X], [first, second])
    with np.errstate(all="raise"):
        for found in f(np.zeros(3)):
            assert np.all(np.isfinite(found)), found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_is_the_formula_in_ieee_arithmetic(name):
    assert not np.all(np.isfinite(run(gradient(name, singular="nan"))))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_raise_names_the_line(name):
    f = ga.compile([X], gradient(name, singular="raise"))
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"vjp of \w+ at .*test_singular.py"):
        f(np.zeros(3))


@pytest.mark.parametrize("policy", ["subgradient", "nan", "raise"])
@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"std"}))
def test_policies_agree_elsewhere(name, policy):
    values = (0.2, 0.3, 0.5)
    np.testing.assert_allclose(
        run(gradient(name, singular=policy), values), run(gradient(name), values), rtol=1e-12, atol=1e-15
    )


def test_every_transform_takes_the_policy():
    x, y = X, ga.sqrt(X)
    one = np.ones(3)
    for node in (
        ga.vjp(y, x, one, singular="nan"),
        ga.jvp(y, x, one, singular="nan"),
        ga.jacobian(y, x, singular="nan"),
        ga.hvp(ga.sum(y), x, one, singular="nan"),
        ga.hessian(ga.sum(y), x, singular="nan"),
    ):
        assert not np.all(np.isfinite(run(node)))


def test_what_is_known_to_be_nonzero_is_not_guarded():
    for y in (1 / (2 + X * X), ga.log(ga.sum(ga.exp(X))), ga.sqrt(ga.mean(X * X) + 1e-5), X / 3):
        assert "where" not in ga.compile([X], ga.grad(ga.sum(y), X)).source


def test_an_unknown_policy_is_refused():
    with pytest.raises(ga.errors.ArgumentError, match="subgradient"):
        ga.grad(ga.sum(X), X, singular="zero")


def test_masks_stay_outside():
    x = ga.input("x")
    cases = [
        (ga.where(x > 0, ga.sqrt(x), 0), 0.0),
        (ga.sqrt(ga.maximum(0, x)), -1.0),
        (ga.linalg.norm(x) ** 2, 0.0),
        (ga.where(x == 0, 0, ga.log(x)), 0.0),
    ]
    for y, at in cases:
        with np.errstate(all="ignore"):
            assert (
                ga.compile([x], ga.grad(y, x, singular="nan" if at == 0 and y.op.name == "where" else "subgradient"))(
                    at
                )
                == 0
            )


@pytest.mark.parametrize(("policy", "words"), [("subgradient", "taken as 0"), ("raise", "raises where"), ("nan", "")])
def test_the_report_lists_every_decision(policy, words):
    y = ga.sum(ga.log(X)) + ga.linalg.norm(X) + ga.sum(1 / (1 + X * X))
    lines = ga.compile([X], ga.grad(y, X, singular=policy)).report().decisions
    assert len(lines) == (2 if words else 0), lines  # the quotient is regular
    assert all(words in line and "test_singular.py" in line for line in lines)
    assert {"log", "euclidean_norm"} <= {line.split(",")[0].removeprefix("vjp of ") for line in lines} or not words
