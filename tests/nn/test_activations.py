"""Activations: closed forms, derivatives of two orders against differences, extremes, kinks."""

import math

import numpy as np
import pytest
from scipy import special
from support import directional

import graphad as ga
from graphad import nn
from graphad.ops.leaves import input as declare

FORMS = {
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
    "relu6": lambda x: np.minimum(np.maximum(x, 0), 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1)),
    "celu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "gelu": lambda x: x * 0.5 * (1 + special.erf(x / math.sqrt(2))),
    "silu": lambda x: x * special.expit(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "logsigmoid": lambda x: -np.logaddexp(0, -x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "heaviside_step": lambda x: np.heaviside(x, 0.5),
    "sigmoid": special.expit,
    "tanh": np.tanh,
}
POINTS = np.array([-7.3, -3.7, -1.4, -0.6, -0.2, 0.3, 0.8, 2.1, 4.4, 7.9])


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def derivatives(f, dtype="float64"):
    """The function and its first two derivatives at each point."""
    x = declare("x", ("n",), dtype)
    y = f(x)
    first = ga.grad(ga.sum(y), x)
    return ga.compile(x, [y, first, ga.grad(ga.sum(first), x)])


@pytest.mark.parametrize("name", FORMS)
def test_values_and_derivatives(name):
    f = derivatives(getattr(nn, name))
    y, first, second = f(POINTS)
    np.testing.assert_allclose(y, FORMS[name](POINTS), rtol=1e-12, atol=1e-12)
    ones = [np.ones_like(POINTS)]
    np.testing.assert_allclose(first, directional(FORMS[name], [POINTS], ones), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(second, directional(lambda v: f(v)[1], [POINTS], ones), rtol=1e-6, atol=1e-8)


def test_threshold():
    f = derivatives(lambda x: nn.threshold(x, 0.5, -2.0))
    y, first, second = f(np.array([-1.0, 0.5, 0.7, 3.0]))
    np.testing.assert_array_equal(y, [-2, -2, 0.7, 3])
    np.testing.assert_array_equal(first, [0, 0, 1, 1])
    np.testing.assert_array_equal(second, 0)
    assert nn.threshold(ga.input("x", (3,), "float32"), 0.5, -2.0).dtype == np.float32


def test_tanh_form_of_gelu():
    f = derivatives(lambda x: nn.gelu(x, approximate="tanh"))
    y, first, _ = f(POINTS)
    np.testing.assert_allclose(y, tanh_gelu(POINTS), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(first, directional(tanh_gelu, [POINTS], [np.ones_like(POINTS)]), rtol=1e-7, atol=1e-8)
    with pytest.raises(ga.GraphadError, match="'none' or 'tanh', not 'sigmoid'"):
        nn.gelu(ga.input("x", (3,)), approximate="sigmoid")


def test_negative_tail_of_gelu_does_not_cancel():
    x = np.array([-10.0, -20.0])
    y = ga.compile(s := declare("s", (2,)), nn.gelu(s))(x)
    np.testing.assert_allclose(y, x * special.ndtr(x), rtol=1e-12)
    assert np.all(y < 0)


LIMITS = {  # value at 1e4, derivative there; value and derivative at -1e4
    "relu": (1e4, 1, 0, 0),
    "relu6": (6, 0, 0, 0),
    "leaky_relu": (1e4, 1, -1e2, 0.01),
    "elu": (1e4, 1, -1, 0),
    "celu": (1e4, 1, -1, 0),
    "gelu": (1e4, 1, 0, 0),
    "silu": (1e4, 1, 0, 0),
    "mish": (1e4, 1, 0, 0),
    "softplus": (1e4, 1, 0, 0),
    "logsigmoid": (0, 0, -1e4, 1),
    "softsign": (1e4 / 10001, 1 / 10001**2, -1e4 / 10001, 1 / 10001**2),
    "hardtanh": (1, 0, -1, 0),
    "hardsigmoid": (1, 0, 0, 0),
    "hardswish": (1e4, 1, 0, 0),
    "heaviside_step": (1, 0, 0, 0),
    "sigmoid": (1, 0, 0, 0),
    "tanh": (1, 0, -1, 0),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [*LIMITS, "gelu_tanh"])
def test_extremes(name, dtype):
    op = getattr(nn, name, lambda x: nn.gelu(x, "tanh"))
    y, first, second = derivatives(op, dtype)(np.array([1e4, -1e4], dtype))
    high, slope, low, other = LIMITS.get(name, LIMITS["gelu"])
    rtol = 1e-11 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(y, [high, low], rtol=rtol)
    np.testing.assert_allclose(first, [slope, other], rtol=rtol, atol=1e-11 if dtype == "float32" else 0)
    np.testing.assert_allclose(second, 0, atol=1e-9)
    assert {a.dtype for a in (y, first, second)} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    ("name", "point", "slope"),
    [
        ("relu", 0, 0),
        ("relu6", 0, 0),
        ("relu6", 6, 0),
        ("leaky_relu", 0, 0.01),
        ("elu", 0, 1),
        ("selu", 0, 1.0507009873554805 * 1.6732632423543772),
        ("celu", 0, 1),
        ("softsign", 0, 1),
        ("hardtanh", -1, 1),
        ("hardtanh", 1, 1),
        ("hardsigmoid", -3, 0),
        ("hardsigmoid", 3, 0),
        ("hardswish", -3, 0),
        ("hardswish", 3, 1),
        ("heaviside_step", 0, 0),
    ],
)
def test_kinks_are_as_documented(name, point, slope):
    _, first, _ = derivatives(getattr(nn, name))(np.array([point], float))
    np.testing.assert_allclose(first, [slope], rtol=1e-15)


def test_parameters_of_activations():
    x = declare("x", (10,))
    outs = [
        nn.leaky_relu(x, 0.2),
        nn.elu(x, 0.5),
        nn.celu(x, 2.0),
        nn.softplus(x, beta=3.0),
        nn.hardtanh(x, -0.5, 2.5),
        nn.heaviside_step(x, 1.0),
    ]
    got = ga.compile(x, outs)(POINTS)
    low = np.minimum(POINTS, 0)
    expected = [
        np.where(POINTS > 0, POINTS, 0.2 * POINTS),
        np.where(POINTS > 0, POINTS, 0.5 * np.expm1(low)),
        np.where(POINTS > 0, POINTS, 2 * np.expm1(low / 2)),
        np.logaddexp(0, 3 * POINTS) / 3,
        np.clip(POINTS, -0.5, 2.5),
        (POINTS >= 0).astype(float),
    ]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_prelu_and_glu():
    rng = np.random.default_rng(0)
    v, a = rng.standard_normal((2, 3, 4)), np.array([0.1, 0.2, 0.3])
    x, w = declare("x", ("n", 3, 4)), declare("w", (3,))
    y, gate, dw = ga.compile([x, w], [out := nn.prelu(x, w), nn.glu(x), ga.grad(ga.sum(out), w)])(v, a)
    np.testing.assert_allclose(y, np.where(v > 0, v, a[:, None] * v))
    np.testing.assert_allclose(gate, v[..., :2] * special.expit(v[..., 2:]))
    np.testing.assert_allclose(dw, np.sum(np.minimum(v, 0), axis=(0, 2)))
    with pytest.raises(ga.GraphadError, match="3 slopes"):
        nn.prelu(declare("x", (2, 4)), w)
    with pytest.raises(ga.GraphadError, match="not a multiple of 2"):
        nn.glu(declare("x", (2, 3)))
    with pytest.raises(ga.GraphadError, match="less than max_val"):
        nn.hardtanh(x, 1.0, -1.0)
