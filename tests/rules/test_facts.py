"""Facts about signs: true of what they claim on sampled values, and silent where nothing is known."""

import numpy as np
import pytest

import graphad as ga
from graphad.ir.graph import toposort
from graphad.rules.facts import bounds, is_nonnegative, is_nonzero, is_positive

X, Y = ga.input("x", ("n", 3)), ga.input("y", ("n", 3))
K, U = ga.input("i", ("n", 3), dtype="int32"), ga.input("u", ("n", 3), dtype="uint8")
Z = ga.input("z", ("n", 3), dtype="complex128")

POSITIVE = {
    "exp": ga.exp(X),
    "exp2": ga.exp2(X),
    "sigmoid": ga.sigmoid(X),
    "one less sigmoid": 1 - ga.sigmoid(X),
    "softplus": ga.softplus(X),
    "cosh": ga.cosh(X),
    "one plus square": 1 + X * X,
    "one plus tanh": 1 + ga.tanh(X),
    "two less cosine": 2 - ga.cos(X),
    "quotient": ga.exp(X) / (1 + ga.abs(Y)),
    "power": ga.exp(X) ** Y,
    "root": ga.sqrt(X**2 + 1e-3),
    "arms": ga.where(X > 0, 1.0, ga.exp(X)),
    "cast": ga.exp(X).astype("float32"),
    "rows": ga.exp(X)[1:, None],
    "largest": ga.maximum(X, 0.5),
    "array": ga.constant(np.array([1.0, 2.0])) * ga.exp(ga.input("v", (2,))),
    "total": ga.sum(ga.exp(ga.input("w", (3, 2))), axis=0),
    "negatives": (-ga.exp(X)) * (-ga.exp(Y)),
    "unsigned and one": U.astype("float64") + 1,
}
NONNEGATIVE = {
    "square": X**2,
    "product": X * X,
    "absolute": ga.abs(X),
    "modulus": ga.abs(Z),
    "root": ga.sqrt(X),
    "relu": ga.relu(X),
    "norm": ga.linalg.norm(X),
    "mean of squares": ga.mean(ga.square(X), axis=0),
    "total over a named axis": ga.sum(ga.exp(X), axis=0),
    "mask": (X > 0).astype("float64"),
    "unsigned": U,
    "masked": ga.where(X > 0, ga.exp(X), 0),
}
UNKNOWN = {
    "input": X,
    "integer square": K * K,  # wraps around
    "integer modulus": ga.abs(K),  # of the least integer
    "complex square": Z * Z,
    "cube": X**3,
    "sum": X + ga.exp(Y),
    "difference": ga.exp(X) - ga.exp(Y),
    "arms": ga.where(X > 0, X, ga.exp(X)),
    "sine": 1 - 2 * ga.sin(X),
    "narrow cast": (1000 * ga.exp(X)).astype("int8"),
    "infinite": ga.constant(np.inf) - ga.exp(X),
    "nan": ga.constant(np.array([np.nan, 1.0])),
}


def named(table):
    return [pytest.param(node, id=name) for name, node in table.items()]


@pytest.mark.parametrize("node", named(POSITIVE))
def test_positive(node):
    assert is_positive(node)
    assert is_nonnegative(node)
    assert is_nonzero(node)


@pytest.mark.parametrize("node", named(NONNEGATIVE))
def test_nonnegative(node):
    assert is_nonnegative(node)
    assert not is_positive(node)


@pytest.mark.parametrize("node", named(UNKNOWN))
def test_unknown(node):
    assert not is_positive(node)
    assert not is_nonnegative(node)


def test_zero_is_excluded_on_both_sides():
    assert is_nonzero(-ga.exp(X))
    assert is_nonzero(ga.constant(np.array([-1.0, 2.0])))
    assert not is_nonzero(ga.constant(np.array([-1.0, 0.0])))
    assert not is_nonzero(X)


@pytest.mark.parametrize("node", [n for t in (POSITIVE, NONNEGATIVE, UNKNOWN) for n in named(t)])
def test_bounds_hold_on_sampled_values(node):
    inputs = [x for x in toposort([node]) if "placeholder" in x.op.traits]
    inputs = inputs or [X]
    f, b = ga.compile(inputs, node, optimize="none"), bounds(node)
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1, 30):
        values = []
        for x in inputs:
            value = scale * rng.standard_normal([s if isinstance(s, int) else 4 for s in x.shape])
            values.append((np.abs(value) if x.dtype.kind == "u" else value).astype(x.dtype))
        with np.errstate(all="ignore"):
            out = np.asarray(f(*values))
        if out.dtype.kind != "c":
            known = out[~np.isnan(out)]
            assert np.all(known >= b.low)
            assert np.all(known <= b.high)


def test_a_look_is_short_on_deep_and_wide_graphs():
    deep = X
    for _ in range(5000):
        deep = deep + ga.exp(deep)
    assert not is_positive(deep)
    balanced = [ga.exp(X) for _ in range(64)]
    while len(balanced) > 1:
        balanced = [a * b for a, b in zip(balanced[::2], balanced[1::2], strict=True)]
    assert is_positive(balanced[0]) in (True, False)
