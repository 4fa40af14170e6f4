"""graphad.linalg gives what NumPy and SciPy give."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from matrices import check_derivatives, draw, evaluate, length, positive
from numpy.testing import assert_allclose

import graphad as ga
from graphad import linalg
from graphad.ops.leaves import input as declare

SHAPES = [(3, 3), (2, 3, 3), (1, 1), (0, 0), (0, 2, 2)]
SAME = ["inv", "det", "pinv", "cholesky", "slogdet", "eigvalsh", "svdvals", "trace", "diagonal", "matrix_transpose"]


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SAME)
def test_functions_of_square_matrices(name, shape, dtype):
    x = positive(*shape, complex_=dtype.startswith("c")).astype(dtype)
    got, expected = evaluate(getattr(linalg, name), x), getattr(np.linalg, name)(x)
    for a, b in zip(*[(v if isinstance(v, tuple) else (v,)) for v in (got, expected)], strict=True):
        assert (a.dtype, a.shape) == (np.asarray(b).dtype, np.shape(b))
        assert_allclose(a, b, rtol=1e-5 if dtype in ("float32", "complex64") else 1e-12)


@pytest.mark.parametrize("name", ["inv", "det", "pinv", "slogdet", "eigvalsh", "svdvals", "norm", "cond", "trace"])
def test_integers_become_floats_as_in_numpy(name):
    x = np.array([[4, 1], [1, 3]], dtype="int32")
    got, expected = evaluate(getattr(linalg, name), x), getattr(np.linalg, name)(x)
    for a, b in zip(*[(v if isinstance(v, tuple) else (v,)) for v in (got, expected)], strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 4, 3), (0, 0), (3, 0), (0, 3)])
def test_factors_multiply_to_the_matrix(shape, complex_):
    x = draw(*shape, complex_=complex_)
    u, s, vh = evaluate(lambda a: linalg.svd(a, full_matrices=False), x)
    assert_allclose((u * s[..., None, :]) @ vh, x, atol=1e-12)
    assert [v.shape for v in evaluate(linalg.svd, x)] == [v.shape for v in np.linalg.svd(x)]
    q, r = evaluate(linalg.qr, x)
    assert_allclose(q @ r, x, atol=1e-12)
    assert_allclose(r, np.linalg.qr(x).R)
    assert_allclose(evaluate(lambda a: linalg.qr(a, mode="r"), x), r)
    assert [v.shape for v in evaluate(lambda a: linalg.qr(a, "complete"), x)] == [
        v.shape for v in np.linalg.qr(x, "complete")
    ]
    assert_allclose(evaluate(lambda a: linalg.svd(a, compute_uv=False), x), np.linalg.svdvals(x))


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigh_reads_one_triangle(uplo, complex_):
    x = draw(2, 3, 3, complex_=complex_)
    w, v = evaluate(lambda a: linalg.eigh(a, UPLO=uplo), x)
    assert_allclose(w, np.linalg.eigh(x, uplo).eigenvalues)
    half = np.tril(x, -1) if uplo == "L" else np.triu(x, 1)
    whole = half + np.conj(np.swapaxes(half, -1, -2)) + np.eye(3) * x.real
    assert_allclose(whole @ v, v * w[:, None, :], atol=1e-12)


def test_eig_is_complex_and_numpys():
    x = draw(2, 4, 4)
    w, v = evaluate(linalg.eig, x)
    assert w.dtype == v.dtype == np.complex128
    assert_allclose(x @ v, v * w[:, None, :], atol=1e-12)
    assert_allclose(evaluate(linalg.eigvals, x), np.linalg.eigvals(x))
    assert evaluate(linalg.eigvals, np.eye(2, dtype="float32")).dtype == np.complex64


def test_results_are_named_as_numpys():
    x = declare("x", (2, 2))
    for name in ("eigh", "eig", "svd", "qr", "slogdet"):
        ours, numpys = getattr(linalg, name)(x), getattr(np.linalg, name)(np.eye(2))
        assert ours._fields == numpys._fields
        assert type(ours).__name__ == type(numpys).__name__
    w, vectors = linalg.eigh(x)
    assert (w.name, vectors.name) == ("w", "vectors")


@pytest.mark.parametrize(
    ("a", "b"), [((3, 3), (3,)), ((2, 3, 3), (3,)), ((3, 3), (3, 2)), ((4, 1, 2, 2), (3, 2, 5)), ((0, 0), (0, 2))]
)
def test_solve(a, b):
    x, y = positive(*a), draw(*b)
    assert_allclose(evaluate(linalg.solve, x, y), np.linalg.solve(x, y), rtol=1e-11)


@pytest.mark.parametrize(("lower", "unit", "trans"), [*itertools.product([0, 1], [0, 1], [0, "T", 2])])
@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_solve_triangular_is_scipys(shape, lower, unit, trans):
    x, y = positive(3, 3, complex_=True) + np.triu(draw(3, 3)), draw(*shape)
    keywords = {"lower": bool(lower), "unit_diagonal": bool(unit), "trans": trans}
    got = evaluate(lambda a, b: linalg.solve_triangular(a, b, **keywords), x, y)
    assert_allclose(got, scipy.linalg.solve_triangular(x, y, **keywords), rtol=1e-11)
    check_derivatives(lambda a, b: length(linalg.solve_triangular(a, b, **keywords)), x, y)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("complex_", [False, True])
def test_expm_is_scipys(scale, complex_):
    x = scale * draw(2, 3, 3, complex_=complex_)
    got, expected = evaluate(linalg.expm, x), scipy.linalg.expm(x)
    assert_allclose(got, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    assert evaluate(linalg.expm, x[0].astype("complex64")).dtype == np.complex64


def test_expm_of_one_matrix_that_is_not_finite_leaves_the_others():
    x = np.stack([np.eye(2), np.full((2, 2), np.inf)])
    got = evaluate(linalg.expm, x)
    assert_allclose(got[0], np.e * np.eye(2))
    assert np.isnan(got[1]).all()


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5, np.int64(6)])
def test_matrix_power(n):
    x = draw(2, 3, 3)
    assert_allclose(evaluate(lambda a: linalg.matrix_power(a, n), x), np.linalg.matrix_power(x, n), rtol=1e-8)
    whole = np.array([[1, 2], [3, 5]])
    if n >= 0:
        got = evaluate(lambda a: linalg.matrix_power(a, n), whole)
        assert got.dtype == whole.dtype
        np.testing.assert_array_equal(got, np.linalg.matrix_power(whole, n))


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
def test_cond(p):
    x = draw(2, 3, 3)
    x[1, 2] = x[1, 1]
    x[1, :, 2] = 0
    got = evaluate(lambda a: linalg.cond(a, p), x)
    assert_allclose(got[0], np.linalg.cond(x[0], p), rtol=1e-10)
    assert got[1] > 1e15 or p == -2  # singular: infinite, or nearly so
    check_derivatives(lambda a: ga.sum(linalg.cond(a, p)), x[:1])
    with np.errstate(all="ignore"):
        assert evaluate(lambda a: linalg.cond(a, p), np.zeros((2, 2))) == np.inf


def test_rank():
    x = np.array([[1.0, 2], [2, 4], [0, 0]])
    for f, args in [(lambda xp, a: xp.linalg.matrix_rank(a), x), (lambda xp, a: xp.linalg.matrix_rank(a), x[0])]:
        assert evaluate(lambda a, f=f: f(ga, a), args) == f(np, args)
    assert evaluate(lambda a: linalg.matrix_rank(a, tol=10.0), x) == 0
    assert evaluate(lambda a: linalg.matrix_rank(a, rtol=1e-3), x) == 1


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (3, 3)])
@pytest.mark.parametrize("columns", [(), (2,)])
def test_lstsq(shape, columns):
    x, y = draw(*shape), draw(shape[0], *columns)
    got, expected = evaluate(linalg.lstsq, x, y), np.linalg.lstsq(x, y)
    for a, b in zip(got, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        assert_allclose(a, b, rtol=1e-9)
    check_derivatives(lambda a, b: length(linalg.lstsq(a, b).x), x, y)
    if shape == (5, 2):
        check_derivatives(lambda a, b: ga.sum(linalg.lstsq(a, b).residuals ** 2), x, y, order=1)


def test_lstsq_computes_in_the_wider_dtype():
    x, y = draw(4, 2).astype("float32"), draw(4)
    for a, b in ((x, y), (y[:, None], x[:, 0])):
        for got, expected in zip(evaluate(linalg.lstsq, a, b), np.linalg.lstsq(a, b), strict=True):
            assert np.asarray(got).dtype == expected.dtype
            assert_allclose(got, expected, rtol=1e-12)


def test_lstsq_of_deficient_rank_takes_the_shortest():
    x, y = np.array([[1.0, 2], [2, 4], [3, 6]]), np.array([1.0, 0, 2])
    got, expected = evaluate(linalg.lstsq, x, y), np.linalg.lstsq(x, y)
    assert_allclose(got[0], expected[0], rtol=1e-12)
    assert got[2] == expected[2] == 1
    assert evaluate(lambda a, b: linalg.lstsq(a, b, rcond=0.9).x, np.diag([1.0, 0.5]), y[1:])[1] == 0


def test_tensor_equations():
    a = draw(2, 3, 6) + np.eye(6).reshape(2, 3, 6) * 3
    assert_allclose(evaluate(linalg.tensorinv, a), np.linalg.tensorinv(a))
    b = draw(2, 3)
    assert_allclose(evaluate(linalg.tensorsolve, a, b), np.linalg.tensorsolve(a, b))
    c = np.moveaxis(a, 2, 0)
    got = evaluate(lambda p, q: linalg.tensorsolve(p, q, axes=(0,)), c, b)
    assert_allclose(got, np.linalg.tensorsolve(c, b, axes=(0,)))


def test_the_array_apis_names():
    x, y, v = draw(2, 3, 4), draw(2, 4, 3), draw(2, 4, 3)
    pairs = [
        (lambda xp, a, b, c: xp.linalg.matmul(a, b), 0),
        (lambda xp, a, b, c: xp.linalg.vecdot(b, c), 0),
        (lambda xp, a, b, c: xp.linalg.tensordot(a, b, axes=([1, 2], [2, 1])), 0),
        (lambda xp, a, b, c: xp.linalg.cross(b, c), 0),
        (lambda xp, a, b, c: xp.linalg.outer(a[0, 0], b[0, 0]), 0),
        (lambda xp, a, b, c: xp.linalg.trace(a, offset=1), 0),
        (lambda xp, a, b, c: xp.linalg.diagonal(a, offset=-1), 0),
        (lambda xp, a, b, c: xp.linalg.multi_dot([a[0], b[0], a[1], c[0]]), 0),
    ]
    for f, _ in pairs:
        assert_allclose(evaluate(lambda *n, f=f: f(ga, *n), x, y, v), f(np, x, y, v))


def test_named_sizes():
    x = declare("x", ("n", "n"))
    outs = [linalg.inv(x), linalg.det(x), linalg.eigvalsh(x), linalg.svdvals(x), linalg.matrix_power(x, 0)]
    assert [str(o.type) for o in outs] == ["f64[n, n]", "f64[]", "f64[n]", "f64[n]", "f64[n, n]"]
    tall = declare("tall", ("n", 2))
    f = ga.compile([tall], [linalg.svdvals(tall), linalg.qr(tall).R, ga.grad(linalg.norm(tall, "nuc"), tall)])
    value = draw(4, 2)
    s, r, g = f(value)
    u, expected, vh = np.linalg.svd(value, full_matrices=False)
    assert_allclose(s, expected)
    assert_allclose(r, np.linalg.qr(value).R)
    assert_allclose(g, u @ vh)
    with pytest.raises(ValueError, match="a matrix of 1 by 2"):
        f(draw(1, 2))
    b = declare("b", ("n",))
    solution = ga.compile([tall, b], linalg.lstsq(tall, b).x)
    assert_allclose(solution(value, value[:, 0]), [1, 0], atol=1e-12)
