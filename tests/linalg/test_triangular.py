"""solve_triangular where it goes by halves and by inverses of small blocks: as precise as substitution."""

import itertools

import numpy as np
import pytest
from matrices import evaluate

import graphad as ga
from graphad import linalg
from graphad.ops.linalg_helpers import solve_triangular

SIZES = [(0, 0), (0, 200), (5, 0), (5, 130), (33, 97), (64, 96), (70, 1), (100, 130)]
draw = np.random.default_rng(7).standard_normal


def substituted(a, b):
    """The solution for an upper triangle, row by row, in extended precision."""
    a, x = (v.astype(np.result_type(v, np.longdouble)) for v in (a, b))
    for k in reversed(range(len(a))):
        x[k] /= a[k, k]
        x[:k] -= a[:k, k, None] * x[k]
    return x


def triangles():
    """Upper triangles: of given condition, factors of kernels, and some whose inverse is huge."""
    points = draw((100, 1))
    kernel = np.exp(-((points - points.T) ** 2))
    for condition in (1e0, 1e4, 1e8, 1e12):
        q, p = (np.linalg.qr(draw((100, 100)))[0] for _ in range(2))
        yield f"condition {condition:.0e}", np.linalg.qr((q * np.geomspace(1, 1 / condition, 100)) @ p)[1]
    for jitter in (1e-2, 1e-6, 1e-10):
        yield f"kernel {jitter}", np.linalg.cholesky(kernel + jitter * np.eye(100)).T
    yield "ones", np.eye(40) - np.triu(np.ones((40, 40)), 1)
    yield "graded", np.triu(draw((60, 60))) * np.geomspace(1, 1e-9, 60)


@pytest.mark.parametrize("stack", [((), ()), ((2, 1), (3,))], ids=["one", "stack"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_all_sizes(dtype, stack):
    for (n, columns), lower, unit in itertools.product(SIZES, [False, True], [False, True]):
        a, b = draw((*stack[0], n, n)) / 20, draw((*stack[1], n, columns))
        a, b = ((v + (1j * v[..., ::-1] if dtype[0] == "c" else 0)).astype(dtype) for v in (a, b))
        a += 2 * np.eye(n, dtype=dtype)
        triangle = np.tril(a) if lower else np.triu(a)
        if unit:
            triangle += np.eye(n, dtype=dtype) * (1 - triangle)
        given = a.copy(), b.copy()
        x = solve_triangular(a, b, lower, unit)
        assert x.dtype == b.dtype
        assert x.shape == (triangle @ b).shape
        precise = 100 * np.finfo(dtype).eps
        np.testing.assert_allclose(triangle @ x, np.broadcast_to(b, x.shape), rtol=0, atol=precise)
        assert all(np.array_equal(v, w) for v, w in zip((a, b), given, strict=True))


@pytest.mark.parametrize(("name", "a"), list(triangles()))
@pytest.mark.parametrize("lower", [False, True])
def test_is_as_precise_as_substitution(name, a, lower):
    for b in (draw((len(a), 120)), a @ draw((len(a), 120))):
        turned = (a[::-1, ::-1], b[::-1]) if lower else (a, b)
        x, exact = solve_triangular(*turned, lower, False), substituted(a, b)
        x = x[::-1] if lower else x
        left = np.abs(a.astype(exact.dtype) @ x - b) / (np.abs(a) @ np.abs(x))
        assert left.max() < 5e-15, name
        plain = np.linalg.norm(np.linalg.solve(a, b) - exact)
        assert np.linalg.norm(x - exact) <= 4 * plain + 1e-15 * np.linalg.norm(exact), name


def test_single_precision_is_that_of_numpys_solve():
    a = np.triu(draw((25, 25))).astype("float32") * np.geomspace(1, 1e-4, 25).astype("float32")
    b = draw((25, 120)).astype("float32")
    exact = np.linalg.solve(a.astype(float), b.astype(float))
    x = solve_triangular(a, b, False, False)
    assert np.linalg.norm(x - exact) <= 2 * np.linalg.norm(np.linalg.solve(a, b) - exact)


def test_the_other_triangle_is_not_read():
    a = np.triu(draw((80, 80))) / 80 + np.eye(80)
    b = draw((80, 120))
    spoiled = a + np.tril(np.full((80, 80), np.nan), -1)
    np.testing.assert_array_equal(solve_triangular(spoiled, b, False, False), solve_triangular(a, b, False, False))


def test_an_inverse_that_overflows_is_not_used():
    a = np.array([[1e-200, 1.0], [0.0, 1e-200]])
    b = np.full((2, 120), 1e-300)
    np.testing.assert_allclose(solve_triangular(a, b, False, False)[1], 1e-100)
    assert np.isfinite(solve_triangular(a, b, False, False)).all()


@pytest.mark.parametrize("n", [1, 20, 80])
@pytest.mark.parametrize("columns", [1, 120])
def test_a_zero_on_the_diagonal_is_an_error(n, columns):
    a = np.eye(n)
    a[n // 2, n // 2] = 0
    for lower in (False, True):
        with pytest.raises(linalg.LinAlgError):
            solve_triangular(a, draw((n, columns)), lower, False)


def test_large_ones_compile():
    a, b = np.tril(draw((100, 100))) / 50 + np.eye(100), draw((100, 120))
    got = evaluate(lambda x, y: linalg.solve_triangular(x, y, lower=True), a, b)
    np.testing.assert_allclose(a @ got, b, atol=1e-12)
    x, y = ga.input("x", ("n", "n")), ga.input("y", ("n", "k"))
    f = ga.compile([x, y], linalg.solve_triangular(x, y, lower=True))
    np.testing.assert_array_equal(f(a, b), got)
