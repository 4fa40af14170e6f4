"""Derivatives of graphad.linalg against differences of the order below; single precision stays."""

import numpy as np
import pytest
from matrices import (
    check_derivatives,
    complement,
    draw,
    gradient,
    gram,
    length,
    low_rank,
    matrix_function,
    positive,
    weighted,
)
from numpy.testing import assert_allclose

import graphad as ga
from graphad import linalg
from graphad.ops.casts import real
from graphad.ops.diagonals import tril
from graphad.ops.leaves import input as declare

LOSSES = {
    "inv": (weighted(linalg.inv), (2, 3, 3)),
    "det": (weighted(linalg.det), (2, 3, 3)),
    "log det": (lambda x: ga.sum(linalg.slogdet(x).logabsdet), (2, 3, 3)),
    "sign of det": (weighted(lambda x: linalg.slogdet(x).sign), (2, 3, 3)),
    "pinv tall": (weighted(linalg.pinv), (4, 2)),
    "pinv wide": (weighted(linalg.pinv), (2, 2, 4)),
    "expm": (weighted(lambda x: linalg.expm(x)), (2, 3, 3)),
    "power": (weighted(lambda x: linalg.matrix_power(x, -3)), (3, 3)),
    "cholesky": (weighted(lambda x: linalg.cholesky(gram(x))), (2, 3, 3)),
    "cholesky upper": (weighted(lambda x: linalg.cholesky(gram(x), upper=True)), (3, 3)),
    "qr tall": (lambda x: length(linalg.qr(x).Q[..., :1, :]) + length(linalg.qr(x).R[..., :2]), (2, 4, 3)),
    "qr wide": (lambda x: length(linalg.qr(x).Q[..., :1, :2]) + length(linalg.qr(x).R[..., 1:]), (2, 2, 4)),
    "qr complete": (lambda x: length(linalg.qr(x, "complete").R[..., :2]), (4, 3)),
    "eigvalsh": (weighted(lambda x: linalg.eigvalsh(gram(x))), (2, 3, 3)),
    "eigenvectors": (lambda x: length(linalg.eigh(gram(x)).eigenvectors[..., :1, :] ** 2), (2, 3, 3)),
    "matrix function": (weighted(matrix_function), (2, 3, 3)),
    "singular values": (weighted(lambda x: linalg.svdvals(x)), (2, 4, 3)),
    "low rank tall": (weighted(low_rank), (2, 4, 3)),
    "low rank wide": (weighted(low_rank), (3, 4)),
    "low rank square": (weighted(low_rank), (3, 3)),
    "complement of the columns": (lambda x: length(complement(linalg.qr(x, "complete").Q)[:2]), (2, 4, 2)),
    "left null space": (lambda x: length(complement(linalg.svd(x).U)[:2]), (2, 4, 2)),
    "null space": (lambda x: length(complement(linalg.matrix_transpose(linalg.svd(x).Vh))[:2]), (2, 4)),
    "left vectors": (lambda x: length(linalg.svd(x, full_matrices=False).U[..., :1, :] ** 2), (4, 3)),
    "right vectors": (lambda x: length(linalg.svd(x).Vh[..., :, :1] ** 2), (3, 3)),
    "eigenvalues": (lambda x: ga.sum(ga.tanh(real(linalg.eigvals(x)))), (2, 3, 3)),
    "eigenvectors of any": (lambda x: length(ga.absolute(linalg.eig(x).eigenvectors[..., :1, :])), (3, 3)),
}


@pytest.mark.parametrize("complex_", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives(name, complex_):
    loss, shape = LOSSES[name]
    x = np.random.default_rng(11).standard_normal(shape)
    if complex_:
        x = x + 1j * np.random.default_rng(12).standard_normal(shape)
    check_derivatives(loss, x, order=2)


@pytest.mark.parametrize("complex_", [False, True], ids=["real", "complex"])
def test_derivatives_of_solve(complex_):
    for b in ((3,), (3, 2), (2, 3, 1)):
        x, y = draw(3, 3, complex_=complex_), draw(*b, complex_=complex_)
        check_derivatives(weighted(linalg.solve), x, y)


def test_third_order():
    for f in (linalg.det, lambda x: linalg.slogdet(x).logabsdet, lambda x: length(linalg.inv(x)), linalg.norm):
        check_derivatives(f, draw(3, 3) + 2 * np.eye(3), order=3, tol=1e-5)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_det_of_singular_matrices(rank):
    x = draw(3, rank) @ draw(rank, 3)
    check_derivatives(linalg.det, x, order=2)


def test_pinv_at_constant_rank():
    a, b = draw(4, 2), draw(2, 3)
    check_derivatives(lambda p, q: length(linalg.pinv(p @ q, rcond=1e-10)), a, b, order=1)


def test_the_triangle_that_is_not_read_has_no_gradient():
    x, y = positive(3, 3), draw(3)
    (g, _) = gradient(lambda a, b: ga.sum(linalg.solve_triangular(a, b, lower=True)), x, y)
    assert_allclose(np.triu(g, 1), 0)
    assert np.abs(g[np.tril_indices(3)]).min() > 0


def test_known_gradients():
    x = positive(3, 3)
    (g,) = gradient(lambda a: linalg.slogdet(a)[1], x)
    assert_allclose(g, np.linalg.inv(x).T, rtol=1e-12)
    (g,) = gradient(lambda a: 2 * ga.sum(ga.log(linalg.diagonal(linalg.cholesky(a)))), x)
    assert_allclose(g, np.linalg.inv(x), rtol=1e-10)
    (g,) = gradient(lambda a: ga.sum(linalg.eigvalsh(a) ** 3), x)
    assert_allclose(g, 3 * x @ x, rtol=1e-10)
    (g,) = gradient(lambda a: linalg.norm(a, "nuc"), x)
    assert_allclose(g, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_stays(dtype):
    x = declare("x", (3, 3), dtype)
    y = declare("y", (3,), dtype)
    lower = tril(x)
    results = [
        *(linalg.solve(x, y), linalg.solve_triangular(lower, y, lower=True), linalg.lstsq(x, y).x, linalg.pinv(x)),
        *(linalg.expm(x), linalg.matrix_power(x, -2), linalg.cholesky(gram(x)), linalg.eigvalsh(x), linalg.cond(x)),
        *(linalg.svdvals(x), linalg.qr(x).R, linalg.slogdet(x)[1], linalg.det(x), linalg.norm(x, 3, axis=0)),
        *(low_rank(x), matrix_function(x), linalg.eigvals(x), linalg.cond(x, 1)),
    ]
    for out in results:
        assert out.dtype in (np.dtype(dtype), np.dtype("float32"), np.dtype("complex64"))
        assert ga.grad(ga.sum(real(out)), x).dtype == dtype
