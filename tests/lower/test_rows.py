"""Helpers of loops and of softmax: rows and choices in another way than NumPy's own, with the same values."""

import numpy as np
import pytest

import graphad as ga
from graphad.lower.fast.chunk_helpers import choose, keep, over_rows
from graphad.ops.log_domain_helpers import columns_of, largest, softmax, total_of


@pytest.mark.parametrize("n", [1, 2, 15, 16, 31, 64, 65])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
def test_as_numpy_reduces(ufunc, keepdims, n):
    x = np.random.default_rng(0).standard_normal((25, n, 3)).transpose(0, 2, 1)  # not in one piece
    expected = ufunc.reduce(x, -1, keepdims=keepdims)
    out = np.full((3, *expected.shape), np.nan)[1]
    assert over_rows(ufunc, x, out) is out
    np.testing.assert_allclose(out, expected, rtol=1e-14, atol=1e-14)


def test_result_may_lie_in_a_part_of_an_array():
    x, whole = np.arange(24.0).reshape(2, 3, 4), np.zeros((2, 5))
    over_rows(np.maximum, x, whole[:, 1:4])
    np.testing.assert_array_equal(whole, [[0, 3, 7, 11, 0], [0, 15, 19, 23, 0]])


@pytest.mark.parametrize("shape", [(4, 3), (4, 16), (0, 3), (4, 1), (2, 3, 70)])
@pytest.mark.parametrize("axis", [-1, 0, None])
def test_helpers_of_softmax(shape, axis):
    x = np.random.default_rng(0).standard_normal(shape)
    np.testing.assert_array_equal(largest(x, axis), np.max(x, axis, keepdims=True, initial=-np.inf))
    np.testing.assert_allclose(total_of(x, axis), np.sum(x, axis, keepdims=True), rtol=1e-13, atol=1e-13)


def test_nan_and_infinite_rows():
    x = np.array([[1.0, np.nan], [-np.inf, -np.inf], [np.inf, 1.0]])
    np.testing.assert_array_equal(largest(x, -1), np.max(x, -1, keepdims=True))


ROWS = [
    (4, 3),
    (2, 3, 12),
    (0, 3),
    (4, 0),
    (4, 1),
    (12,),
    (),
    (40, 16),
    (40, 31),
    (40, 32),
    (5, 31),
    (9000, 15),
    (9000, 16),
]


def softmax_by_definition(x, axis):
    weights = np.exp((x - np.max(x, axis, keepdims=True, initial=-np.inf)).astype("longdouble"))
    return weights / weights.sum(axis, keepdims=True)


@pytest.mark.parametrize(("shape", "axis"), [(s, axis) for s in ROWS for axis in ((-1, 0, None) if s else (None,))])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_softmax_in_columns(shape, axis, dtype):
    x = (np.random.default_rng(0).standard_normal(shape) * 3).astype(dtype)
    kept, out = x.copy(), np.full((*shape, 2), np.nan, dtype)[..., 0]  # a part of another array
    found, expected = softmax(x, axis), softmax_by_definition(x, axis)
    assert found.dtype == dtype and found.flags.c_contiguous
    assert softmax(x, axis, out) is out
    np.testing.assert_array_equal(x, kept)
    terms, kind = x.size if axis is None else x.shape[axis], np.finfo(dtype)
    for y in (found, out):
        np.testing.assert_allclose(y, expected.astype(dtype), rtol=max(8, terms) * float(kind.eps), atol=kind.tiny)


@pytest.mark.parametrize("n", [3, 20, 40])
def test_softmax_of_special_rows(n):
    x = np.zeros((30, n))
    x[1], x[2, 1], x[3, 1:], x[4, 0], x[5] = -np.inf, np.inf, -np.inf, np.nan, 1e308
    x[6, 1:], x[7] = -740, x[7] - 1e308
    found = softmax(x, 1)
    assert np.isnan(found[[1, 2, 4]]).all() and not np.isnan(found[[0, 3]]).any()
    assert found[3].tolist() == [1] + [0] * (n - 1)
    np.testing.assert_allclose(found[[0, 5, 7]], 1 / n, rtol=1e-15)
    assert found[6, 0] == 1 and (found[6, 1:] == np.exp(-740.0)).all() and (found[6, 1:] > 0).all()


@pytest.mark.parametrize(("shape", "short"), [((4, 15), True), ((4, 16), False), ((40, 16), True), ((9000, 16), False)])
def test_which_rows_are_laid_side_by_side(shape, short):
    columns = columns_of(np.zeros(shape), 1)
    assert (columns is not None) == short
    assert not short or (columns.shape == shape[::-1] and columns.flags.c_contiguous)
    assert columns_of(np.zeros(shape), 0) is None


def test_softmax_is_written_where_a_loop_wants_it():
    x = ga.input("x", ("batch", 3, "length", "length"))
    weights = ga.nn.softmax(x * 0.5, axis=-1)
    f = ga.compile([x], [ga.sum(weights * x), weights])
    assert " softmax(t" in f.source and "= softmax(" not in f.source
    for length in (5, 20):
        value = np.random.default_rng(0).standard_normal((70, 3, length, length))
        for found, expected in zip(f(value), ga.interpret(f.declared, [value]), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_generated_code_asks_at_run_time_where_the_length_is_named():
    x = ga.input("x", ("batch", "classes"), "float32")
    centered = x - ga.max(x, axis=1, keepdims=True)
    f = ga.compile([x], [ga.exp(centered) * 2, ga.sum(centered * centered, axis=1)])
    assert "over_rows(np.maximum" in f.source
    for classes in (3, 300):
        value = np.random.default_rng(0).standard_normal((700, classes)).astype("float32")
        for found, expected in zip(f(value), ga.interpret(f.declared, [value]), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", [((5, 4), (5, 4)), ((5, 4), (4,)), ((5, 4), (5, 1)), ((5, 4), ()), ((1,), (5, 4))])
def test_choices_by_bits(shapes, dtype):
    rng = np.random.default_rng(0)
    x, mask = rng.standard_normal(shapes[0]).astype(dtype), np.asarray(rng.random(shapes[1]) < 0.5)
    x.flat[:4:2] = np.nan, -np.inf
    shape = np.broadcast_shapes(*shapes)
    for y in (0.0, -np.inf, rng.standard_normal(shape).astype(dtype)):
        expected = np.where(mask, x, np.asarray(y, dtype))
        np.testing.assert_array_equal(choose(mask, x, y, np.full(shape, 7, dtype)), expected)
    np.testing.assert_array_equal(keep(mask, x, np.full(shape, 7, dtype)), np.where(mask, x, np.zeros((), dtype)))
