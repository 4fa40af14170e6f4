"""Norms of every order, their derivatives, also at zero."""

import itertools

import numpy as np
import pytest
from matrices import check_derivatives, draw, evaluate, weights
from numpy.testing import assert_allclose

import graphad as ga
from graphad import linalg
from graphad.ops.casts import real
from graphad.ops.leaves import input as declare

VECTOR_ORDERS = [None, 0, 1, -1, 2, -2, 3, 4, 2.5, 0.5, -1.5, np.inf, -np.inf]
MATRIX_ORDERS = [None, "fro", "f", "nuc", np.inf, -np.inf, 1, -1, 2, -2]


@pytest.mark.parametrize("complex_", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("ord", VECTOR_ORDERS)
def test_vector_norms(ord, complex_):
    x = draw(2, 3, 4, complex_=complex_)
    for axis, keepdims in itertools.product([0, -1], [False, True]):
        got = evaluate(lambda a, k=axis, d=keepdims: linalg.norm(a, ord, k, d), x)
        assert_allclose(got, np.linalg.norm(x, ord, axis, keepdims), rtol=1e-12, strict=True)
    assert_allclose(evaluate(lambda a: linalg.norm(a, ord), x[0, 0]), np.linalg.norm(x[0, 0], ord))
    check_derivatives(lambda a: ga.sum(linalg.norm(a, ord, 1) * draw_once), x)
    if ord is not None:
        for axis, keepdims in itertools.product([None, 1, (0, 2), (0, 1, 2)], [False, True]):
            got = evaluate(lambda a, k=axis, d=keepdims: linalg.vector_norm(a, axis=k, keepdims=d, ord=ord), x)
            assert_allclose(got, np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord), rtol=1e-12)


draw_once = np.random.default_rng(9).standard_normal((2, 4))


@pytest.mark.parametrize("complex_", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("ord", MATRIX_ORDERS)
def test_matrix_norms(ord, complex_):
    x = draw(2, 3, 4, complex_=complex_)
    for axis, keepdims in itertools.product([(0, 1), (2, 0), (-1, -2)], [False, True]):
        got = evaluate(lambda a, k=axis, d=keepdims: linalg.norm(a, ord, k, d), x)
        assert_allclose(got, np.linalg.norm(x, ord, axis, keepdims), rtol=1e-12, strict=True)
    assert_allclose(evaluate(lambda a: linalg.norm(a, ord), x[0]), np.linalg.norm(x[0], ord))
    assert_allclose(evaluate(lambda a: linalg.matrix_norm(a, ord=ord), x), np.linalg.matrix_norm(x, ord=ord))
    check_derivatives(lambda a: ga.sum(linalg.matrix_norm(a, ord=ord) ** 2), x)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 2, 3), (2, 2, 2, 2)])
def test_norm_of_all_elements(shape, keepdims):
    x = draw(*shape)
    got = evaluate(lambda a: linalg.norm(a, keepdims=keepdims), x)
    assert_allclose(got, np.linalg.norm(x, keepdims=keepdims), strict=True)


def test_vector_norm_over_three_axes_of_four():
    x = draw(2, 3, 2, 2)
    for keepdims, ord in itertools.product([False, True], [1, 2, np.inf]):
        got = evaluate(lambda a, d=keepdims, o=ord: linalg.vector_norm(a, axis=(0, 1, 3), keepdims=d, ord=o), x)
        assert_allclose(got, np.linalg.vector_norm(x, axis=(0, 1, 3), keepdims=keepdims, ord=ord))


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex64"])
@pytest.mark.parametrize("ord", [*VECTOR_ORDERS, "fro", "nuc"])
def test_norms_at_zero_have_finite_derivatives_of_their_own_dtype(ord, dtype):
    x = declare("x", (2, 2), dtype)
    axis = (0, 1) if isinstance(ord, str) else 1
    y = ga.sum(linalg.norm(x, ord, axis))
    g = ga.grad(y, x)
    second = ga.grad(ga.sum(real(g * weights(g).astype("float32"))), x)
    with np.errstate(all="ignore"):
        for value in ([[0, 0], [0, 0]], [[0, 0], [0, 2]]):
            got = ga.compile([x], [g, second])(np.array(value, dtype))
            for v in got:
                assert v.dtype == dtype
                assert np.isfinite(v).all()
            assert (got[0][0] == 0).all() or abs(got[0][0]).max() <= 1


@pytest.mark.parametrize("ord", [3, 4, 2.5])
def test_p_norms_where_one_element_is_zero(ord):
    check_derivatives(lambda a: linalg.norm(a, ord), np.array([0.0, 1.2, -0.7]), order=2, tol=1e-4)
    if ord == 4:
        check_derivatives(lambda a: linalg.norm(a, ord), np.array([0.0, 1.2, -0.7]), order=4, tol=1e-4)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_norms_of_no_elements(shape):
    x = np.zeros(shape)
    for ord in (None, 1, 2, np.inf, "nuc"):
        got, expected = evaluate(lambda a, o=ord: linalg.norm(a, o), x), np.linalg.norm(x, ord)
        assert_allclose(got, expected, strict=True)
    for ord, axis in itertools.product([0, 1, 2, 3, np.inf, -1, -0.5], [0, 1]):
        got = evaluate(lambda a, o=ord, k=axis: linalg.norm(a, o, k), x)
        with np.errstate(divide="ignore"):
            assert_allclose(got, np.linalg.norm(x, ord, axis), strict=True)


@pytest.mark.parametrize("ord", [-2, -1, -0.5, 0.5, 1, 2, 3, 4, np.inf, -np.inf])
def test_norms_of_infinite_and_tiny_numbers(ord):
    for x in ([np.inf, -np.inf], [0.0, np.inf], [np.nan, 1.0], [1e-200, 1e-200], [1e200, -1e200]):
        with np.errstate(all="ignore"):
            assert_allclose(evaluate(lambda a: linalg.norm(a, ord), x), np.linalg.norm(x, ord))
