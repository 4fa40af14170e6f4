"""NumPy's functions at their corners: what is refused when the graph is built, special values, named sizes."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import GraphadError

X, V, T = ga.input("x", (2, 3)), ga.input("v", (5,)), ga.input("t", (2, 3, 4))
EMPTY = ga.input("e", (0, 3))

REFUSED = {
    "index array out of range": (lambda x: x[[0, 2]], X),
    "negative index array out of range": (lambda x: x[:, [-4]], X),
    "index array on nothing": (lambda x: x[[0]], EMPTY),
    "take out of range": (lambda v: np.take(v, [1, 5]), V),
    "mask too long": (lambda x: x[[True, False, False]], X),
    "mask too short": (lambda v: v[np.array([True, True])], V),
    "mask turned": (lambda x: x[np.zeros((3, 2), bool)], X),
    "mask after ellipsis": (lambda t: t[..., [True, False, False]], T),
    "axis true": (lambda x: np.sum(x, axis=True), X),
    "flip twice": (lambda x: np.flip(x, (0, 0)), X),
    "reshape of nothing": (lambda e: np.reshape(e, (0, -1)), EMPTY),
    "reshape order": (lambda x: np.reshape(x, -1, order="Q"), X),
    "concatenate nothing": (lambda x: ga.concatenate([]), X),
    "hstack nothing": (lambda x: ga.hstack([]), X),
    "block nothing": (lambda x: ga.block([]), X),
    "block of unequal depth": (lambda v: np.block([[v[:1]], v[:1]]), V),
    "mask larger than the array": (lambda v: np.sum(v[:1], where=np.array([True, False])), V),
    "concatenate casting": (lambda x: np.concatenate([x, x], dtype="int64"), X),
    "vsplit of a vector": (lambda v: np.vsplit(v, 5), V),
    "dsplit of a matrix": (lambda x: np.dsplit(x, 1), X),
    "rot90 axes": (lambda x: np.rot90(x, 1, (0, 1, 1)), X),
    "pad foreign keyword": (lambda x: np.pad(x, 1, mode="edge", constant_values=3), X),
    "pad widths": (lambda x: np.pad(x, 0.5), X),
    "pad of no elements": (lambda x: np.pad(x, 1, mode="maximum", stat_length=0), X),
    "gradient axis twice": (lambda x: np.gradient(x, axis=(0, 0)), X),
    "gradient of booleans": (lambda x: np.gradient(x > 0), X),
    "tensordot axis twice": (lambda x: np.tensordot(x, x, axes=([0, 0], [0, 0])), X),
    "interp without period": (lambda x: np.interp(x, [0, 1], [0, 1], period=0), X),
    "select without booleans": (lambda x: np.select([x], [x]), X),
    "average weights": (lambda t: np.average(t, axis=(0, 1), weights=np.ones((3, 2))), T),
    "cov ddof": (lambda x: np.cov(x, ddof=0.5), X),
    "cov fractional frequencies": (lambda x: np.cov(x, fweights=np.array([1.5, 1, 1])), X),
    "cov negative weights": (lambda x: np.cov(x, aweights=np.array([1.0, -1, 1])), X),
    "clip bound twice": (lambda x: ga.clip(x, 0, min=1), X),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_when_the_graph_is_built(name):
    """As NumPy refuses it when it runs."""
    call, node = REFUSED[name]
    with pytest.raises(GraphadError):
        call(node)
    if name not in ("concatenate nothing", "hstack nothing", "block nothing", "clip bound twice"):
        with pytest.raises((ValueError, TypeError, IndexError)):
            call(np.ones([int(n) for n in node.shape]))


@pytest.mark.parametrize("method", ["inverted_cdf", "averaged_inverted_cdf", "closest_observation"])
@pytest.mark.parametrize("size", [1, 4, 5])
def test_quantiles_that_are_steps(method, size):
    values, levels = np.arange(size) ** 2.0, np.linspace(0, 1, 21)
    x = ga.input("x", ("n",))
    got = ga.compile([x], ga.quantile(x, levels, method=method))(values)
    np.testing.assert_allclose(got, np.quantile(values, levels, method=method))


@pytest.mark.parametrize("mode", ["linear_ramp", "mean", "median", "maximum", "minimum", "reflect", "symmetric"])
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
def test_pad_keeps_the_dtype(mode, dtype):
    values = np.array([[7, 2, 5], [1, 8, 3]], dtype)
    options = {"reflect_type": "odd"} if mode in ("reflect", "symmetric") and dtype != "uint8" else {}
    x = ga.input("x", values.shape, dtype)
    for widths in (1, ((0, 2), (3, 1)), ((5, 4), (0, 0))):
        got = ga.compile([x], ga.pad(x, widths, mode=mode, **options))(values)
        want = np.pad(values, widths, mode=mode, **options)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("offset", [-1, 0, 1, 2])
def test_diagonal_between_sizes_that_differ_by_a_number(offset):
    values = np.arange(12.0).reshape(3, 4)
    x = ga.input("x", ("n", "n+1"))
    loss = ga.sum(ga.diagonal(x, offset) ** 2)
    np.testing.assert_allclose(ga.compile([x], ga.diagonal(x, offset))(values), np.diagonal(values, offset))
    want = 2 * values * np.eye(3, 4, offset)
    np.testing.assert_allclose(ga.compile([x], ga.grad(loss, x))(values), want)


def test_initial_takes_the_dtype_of_the_result():
    x = ga.input("x", (3,), "int64")
    for call in (np.sum, np.prod, np.max, np.min):
        got, want = ga.compile([x], call(x, initial=2.5))(np.arange(1, 4)), call(np.arange(1, 4), initial=2.5)
        assert (got.dtype, got) == (want.dtype, want)


def test_covariance_of_too_few_observations():
    x = ga.input("x", (2, 1))
    for ddof in (1, 2):
        with np.errstate(all="ignore"):
            assert np.isnan(ga.compile([x], ga.cov(x, ddof=ddof))(np.ones((2, 1)))).all()


def test_nan_where_there_is_no_number():
    values = np.array([[np.nan, 1.0], [np.nan, 3.0]])
    x = ga.input("x", (2, 2))
    got = ga.compile([x], [ga.nanmax(x, axis=0), ga.nanmin(x, axis=0), ga.nanmax(x, axis=0, initial=2.0)])(values)
    np.testing.assert_array_equal(got, [[np.nan, 3.0], [np.nan, 1.0], [2.0, 3.0]])


def test_too_few_elements_for_ddof():
    x = ga.input("x", (2, 2))
    values = np.array([[1.0, 2.0], [1.0, 4.0]])
    for ddof in (2, 3):
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
            want = np.var(values, axis=0, ddof=ddof)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(ga.compile([x], ga.var(x, axis=0, ddof=ddof))(values), want)


@pytest.mark.parametrize("shapes", [((4, 3), (2,)), ((2,), (4, 3)), ((4, 2), (2,))])
def test_cross_of_plane_vectors(shapes):
    """NumPy has deprecated these; the missing component is 0."""
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(s) for s in shapes]
    whole = [np.concatenate([v, np.zeros((*v.shape[:-1], 1))], -1) if v.shape[-1] == 2 else v for v in values]
    want = np.cross(*whole) if 3 in (shapes[0][-1], shapes[1][-1]) else np.cross(*whole)[..., 2]
    inputs = [ga.input(f"x{k}", s) for k, s in enumerate(shapes)]
    np.testing.assert_allclose(ga.compile(inputs, ga.cross(*inputs))(*values), want)


@pytest.mark.parametrize("call", [lambda x: ga.linspace(0, x, 3), lambda x: ga.choose([0, 1], [1.0, x])])
def test_numbers_beside_float32_are_weak(call):
    assert call(ga.input("x", (), "float32")).dtype == np.float32
