"""`over_rows`: reductions over short rows in another way than NumPy's own, with the same values."""

import numpy as np
import pytest

import graphad as ga
from graphad.lower.fast.chunk_helpers import over_rows
from graphad.ops.log_domain_helpers import largest, total_of


@pytest.mark.parametrize("n", [1, 2, 15, 16, 64, 65])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ufunc", [np.add, np.maximum, np.minimum])
def test_as_numpy_reduces(ufunc, keepdims, n):
    x = np.random.default_rng(0).standard_normal((5, n, 3)).transpose(0, 2, 1)  # not in one piece
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


def test_generated_code_asks_at_run_time_where_the_length_is_named():
    x = ga.input("x", ("batch", "classes"), "float32")
    centered = x - ga.max(x, axis=1, keepdims=True)
    f = ga.compile([x], [ga.exp(centered) * 2, ga.sum(centered * centered, axis=1)])
    assert "over_rows(np.maximum" in f.source
    for classes in (3, 300):
        value = np.random.default_rng(0).standard_normal((700, classes)).astype("float32")
        for found, expected in zip(f(value), ga.interpret(f.declared, [value]), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2e-5)
