"""Values against independent references: mpmath for functions, plain NumPy written another way for the rest."""

import warnings

import mpmath
import numpy as np
import pytest

import graphad as ga
from graphad.ops import log_domain_helpers

POINTS = [-2.5, -0.7, -1e-8, 0.3, 1.0, 2.9]
POSITIVE = [1e-12, 0.3, 1.0, 7.5]
FUNCTIONS = {
    "exp": (ga.exp, mpmath.exp, POINTS),
    "expm1": (ga.expm1, mpmath.expm1, [*POINTS, 1e-15]),
    "log": (ga.log, mpmath.log, POSITIVE),
    "log1p": (ga.log1p, mpmath.log1p, [*POSITIVE, 1e-18]),
    "sqrt": (ga.sqrt, mpmath.sqrt, POSITIVE),
    "square": (ga.square, lambda x: x * x, POINTS),
    "sin": (ga.sin, mpmath.sin, POINTS),
    "cos": (ga.cos, mpmath.cos, POINTS),
    "tan": (ga.tan, mpmath.tan, POINTS),
    "arctan": (ga.arctan, mpmath.atan, POINTS),
    "sinh": (ga.sinh, mpmath.sinh, POINTS),
    "cosh": (ga.cosh, mpmath.cosh, POINTS),
    "tanh": (ga.tanh, mpmath.tanh, POINTS),
    "sigmoid": (ga.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), [*POINTS, -700.0, 700.0, -40.0]),
    "softplus": (ga.softplus, lambda x: mpmath.log1p(mpmath.exp(x)), [*POINTS, -700.0, 700.0, -40.0]),
    "relu": (ga.relu, lambda x: max(x, 0), POINTS),
    "abs": (ga.absolute, abs, POINTS),
    "floor": (ga.floor, mpmath.floor, POINTS),
    "sign": (ga.sign, mpmath.sign, POINTS),
    "power": (lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5), POSITIVE),
    "cube": (lambda x: x**3, lambda x: x**3, POINTS),
    "reciprocal power": (lambda x: 2.0**x, lambda x: mpmath.mpf(2) ** x, POINTS),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_against_mpmath(name):
    function, reference, points = FUNCTIONS[name]
    x = ga.input("x", ("n",))
    got = ga.compile([x], function(x))(np.array(points))
    with mpmath.workdps(50):
        want = np.array([float(reference(mpmath.mpf(p))) for p in points])
    np.testing.assert_allclose(got, want, rtol=4e-16 * 4, atol=0)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("floor", "sign", "abs", "relu")])
def test_derivative_against_mpmath(name):
    function, reference, points = FUNCTIONS[name]
    points = [p for p in points if abs(p) > 1e-3 and abs(p) < 30]
    x = ga.input("x", ("n",))
    got = ga.compile([x], ga.grad(ga.sum(function(x)), x))(np.array(points))
    with mpmath.workdps(50):
        want = np.array([float(mpmath.diff(reference, mpmath.mpf(p))) for p in points])
    np.testing.assert_allclose(got, want, rtol=1e-13)


A = np.random.default_rng(0).standard_normal((3, 4))
B = np.random.default_rng(1).standard_normal((4, 2))
T3 = np.random.default_rng(2).standard_normal((2, 3, 4))
ROWS = np.array([2, 0, 2])
SAME_AS_NUMPY = {
    "var": (lambda xp, x: xp.var(x, axis=0, ddof=1), A),
    "std": (lambda xp, x: xp.std(x, axis=1, keepdims=True), A),
    "mean": (lambda xp, x: xp.mean(x, axis=-1), T3),
    "prod": (lambda xp, x: xp.prod(x, axis=(0, 2)), T3),
    "max": (lambda xp, x: xp.max(x, axis=1), T3),
    "argmax": (lambda xp, x: xp.argmax(x, axis=0), A),
    "argmin": (lambda xp, x: xp.argmin(x), A),
    "matmul": (lambda xp, x: x @ B, A),
    "matmul stack": (lambda xp, x: x @ B, T3),
    "dot 3d": (lambda xp, x: xp.dot(x, B), T3),
    "outer": (lambda xp, x: xp.outer(x, x[0]), A),
    "inner": (lambda xp, x: xp.inner(x, A), T3),
    "tensordot": (lambda xp, x: xp.tensordot(x, A, axes=([1, 2], [0, 1])), T3),
    "tensordot 1": (lambda xp, x: xp.tensordot(x, B, axes=1), A),
    "einsum": (lambda xp, x: xp.einsum("bij,jk->bik", x, B), T3),
    "einsum ellipsis": (lambda xp, x: xp.einsum("...j,jk", x, B), T3),
    "einsum diagonal": (lambda xp, x: xp.einsum("ii->i", x @ x.T), A),
    "einsum trace": (lambda xp, x: xp.einsum("ii", x @ x.T), A),
    "concatenate": (lambda xp, x: xp.concatenate([x, x[:, :1]], axis=1), A),
    "stack": (lambda xp, x: xp.stack([x, x], axis=-1), A),
    "split": (lambda xp, x: xp.split(x, [1, 3], axis=1)[1], A),
    "flip": (lambda xp, x: xp.flip(x, axis=1), A),
    "take": (lambda xp, x: xp.take(x, ROWS, axis=0), A),
    "take flat": (lambda xp, x: xp.take(x, ROWS), A),
    "fancy rows": (lambda xp, x: x[ROWS], A),
    "fancy columns": (lambda xp, x: x[:, ROWS], A),
    "fancy pairs": (lambda xp, x: x[ROWS, ROWS], A),
    "fancy apart": (lambda xp, x: x[0, :, ROWS - 1], T3),
    "fancy int": (lambda xp, x: x[1, ROWS], T3),
    "dots between": (lambda xp, x: x[:, [0], ..., 1], T3),
    "dots for nothing": (lambda xp, x: x[None, ROWS[:2] - 1, ..., [[1], [2]], 1], T3),
    "dots before a slice": (lambda xp, x: x[None, ..., ROWS, 0:], A),
    "dots at the end": (lambda xp, x: x[ROWS, ROWS, ...], A),
    "mask": (lambda xp, x: x[np.array([True, False, True])], A),
    "ellipsis": (lambda xp, x: x[..., None, 1:3], T3),
    "negative step": (lambda xp, x: x[::-2, 3:0:-1], A),
    "empty list": (lambda xp, x: x[[]], A),
    "clip": (lambda xp, x: xp.clip(x, -0.5, 0.5), A),
    "clip low": (lambda xp, x: xp.clip(x, 0.1, None), A),
    "where": (lambda xp, x: xp.where(x > 0, x, -1), A),
    "moveaxis": (lambda xp, x: xp.moveaxis(x, 0, -1), T3),
    "swapaxes": (lambda xp, x: xp.swapaxes(x, 0, 2), T3),
    "floor divide": (lambda xp, x: x // 0.7, A),
    "remainder": (lambda xp, x: x % 0.7, A),
    "reflected": (lambda xp, x: 2 - x / 3 + 1 / (x * x), A),
    "logic": (lambda xp, x: xp.logical_and(x > 0, x < 1) | ~(x > -1), A),
    "iteration": (lambda xp, x: sum(row * k for k, row in enumerate(x)), A),
    "weak scalars": (lambda xp, x: x * 2 + True - 0.5, A.astype(np.float32)),
    "numpy scalar": (lambda xp, x: x * np.float64(0.1), A.astype(np.float32)),
    "integers": (lambda xp, x: x / 2 + x // 2 + x % 3, np.arange(6)),
    "bool sum": (lambda xp, x: xp.sum(x > 0, axis=0), A),
}


@pytest.mark.parametrize("optimize", ["none", "full"])
@pytest.mark.parametrize("name", SAME_AS_NUMPY)
def test_same_as_numpy(name, optimize):
    f, value = SAME_AS_NUMPY[name]
    want = np.asarray(f(np, value))
    x = ga.input("x", value.shape, value.dtype)
    for namespace in (ga, np):  # np.* calls on nodes give nodes
        node = f(namespace, x)
        assert (node.shape, node.dtype) == (want.shape, want.dtype)
        got = ga.compile([x], node, optimize=optimize)(value)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-13 if want.dtype != np.float32 else 1e-5, atol=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, 5e-324])
@pytest.mark.parametrize(
    "function", [ga.exp, ga.log, ga.sqrt, ga.tanh, ga.abs, ga.sign, ga.floor, ga.square, ga.negative]
)
def test_special_values_are_numpys(function, value):
    x = ga.input("x", (1,))
    with np.errstate(all="ignore"):
        got = ga.compile([x], function(x))(np.array([value]))
        want = getattr(np, function.__name__)(np.array([value]))
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


@pytest.mark.parametrize("axis", [0, 1, None, (0, 1)])
def test_softmax_and_log_together_are_the_two_alone(axis):
    """Also where the largest is not finite, where its square is not, and where there is nothing."""
    big = np.finfo(float).max
    tables = [[[1, 2], [3, 4]], [[np.nan, 1], [2, 3]], [[-np.inf, -np.inf], [1, 2]], [[-np.inf, 1], [2, -np.inf]]]
    tables += [[[np.inf, 1], [2, np.inf]], [[big, 0], [-big, 1]], [[], []], np.zeros((0, 2))]
    for table in tables:
        x = np.array(table, float)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            weights, total = log_domain_helpers.softmax_and_log(x, axis)
        np.testing.assert_array_equal(weights, log_domain_helpers.softmax(x, axis))
        np.testing.assert_array_equal(total, log_domain_helpers.logsumexp(x, axis, True))
        assert not np.isnan(weights[np.isfinite(x).all(axis=axis, keepdims=True) & np.isfinite(x)]).any()


def test_softmax_family_is_finite_and_normalized_at_any_size():
    x = ga.input("x", ("n", 3))
    f = ga.compile(
        [x], [ga.softmax(x), ga.log_softmax(x), ga.logsumexp(x, axis=1), ga.grad(ga.sum(ga.logsumexp(x, axis=1)), x)]
    )
    at = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [1.0, 2.0, 3.0]])
    p, log_p, total, gradient = f(at)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(gradient, p, atol=1e-15)
    np.testing.assert_allclose(log_p[2], at[2] - np.log(np.sum(np.exp(at[2]))), rtol=1e-14)
    np.testing.assert_allclose(total, [1e4, -1e4 + np.log(3), np.log(np.sum(np.exp(at[2])))], rtol=1e-14)
    infinite = ga.compile([x], ga.logsumexp(x, axis=1))
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(infinite(np.full((1, 3), -np.inf)), [-np.inf])


def test_one_hot_and_at():
    labels, x = ga.input("labels", ("n",), dtype="int64"), ga.input("x", (4,))
    np.testing.assert_array_equal(
        ga.compile([labels], ga.one_hot(labels, 3))([2, 0, 7]), [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    )
    got = ga.compile([x], [x.at[1:3].set(0), x.at[np.array([0, 0])].add(1.0), x.at[-1].add(5)])(np.ones(4))
    np.testing.assert_array_equal(got, [[1, 0, 0, 1], [3, 1, 1, 1], [1, 1, 1, 6]])


def test_leaves():
    f = ga.compile([], [ga.zeros((2, 3)), ga.ones(2, "float32"), ga.full((2,), 7), ga.eye(2, 3, 1), ga.arange(1, 8, 3)])
    for got, want in zip(
        f(), [np.zeros((2, 3)), np.ones(2, np.float32), np.full(2, 7), np.eye(2, 3, 1), np.arange(1, 8, 3)], strict=True
    ):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype
    x = ga.input("x", ("n", 2))
    like = ga.compile([x], [ga.ones_like(x), ga.zeros_like(x), ga.arange(x.shape[0]), ga.eye(x.shape[0])])(
        np.ones((3, 2))
    )
    for got, want in zip(like, [np.ones((3, 2)), np.zeros((3, 2)), np.arange(3), np.eye(3)], strict=True):
        np.testing.assert_array_equal(got, want)
