"""graphad.linalg against NumPy and SciPy, its derivatives against differences, repeated values, special points."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from numpy.testing import assert_allclose
from support import directional

import graphad as ga
from graphad import linalg
from graphad.ops.casts import imag, real
from graphad.ops.diagonals import tril
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(7)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers_in_every_order():
    RNG.bit_generator.state = START


def draw(*shape, complex_=False):
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if complex_ else x


def positive(*shape, complex_=False):
    x = draw(*shape, complex_=complex_)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(shape[-1])


def inputs_of(values):
    return [declare(f"x{k}", v.shape, v.dtype) for k, v in enumerate(values)]


def evaluate(f, *values):
    """What f gives on values: an array, or a tuple of them."""
    values = [np.asarray(v) for v in values]
    nodes = inputs_of(values)
    out = f(*nodes)
    several = isinstance(out, tuple)
    got = ga.compile(nodes, list(out) if several else out)(*values)
    return tuple(got) if several else got


def gradient(f, *values):
    nodes = inputs_of(values)
    return ga.compile(nodes, ga.grad(f(*nodes), nodes))(*values)


def length(x):
    """Σ |x|² as a real scalar."""
    return ga.sum(real(x) ** 2) + ga.sum(imag(x) ** 2) if x.dtype.kind == "c" else ga.sum(x * x)


def check_derivatives(f, *values, order=2, tol=1e-6):
    """The derivatives of a real scalar along random directions, each against differences of the one below."""
    nodes = inputs_of(values)
    value = f(*nodes)
    for _ in range(order):
        run = ga.compile(nodes, value)
        g = ga.grad(value, nodes)
        direction = [draw(*v.shape, complex_=v.dtype.kind == "c") for v in values]
        terms = [ga.sum(real(a * d)) for a, d in zip(g, direction, strict=True)]
        value = terms[0] if len(terms) == 1 else sum(terms[1:], terms[0])
        exact = ga.compile(nodes, value)(*values)
        numeric = directional(run, values, direction)
        assert np.isfinite(exact)
        assert abs(exact - numeric) <= tol * (1 + abs(numeric)), (float(exact), float(numeric))


# Values -------------------------------------------------------------------------------------------------------------

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


# Derivatives --------------------------------------------------------------------------------------------------------


def low_rank(x, k=2):
    u, s, vh = linalg.svd(x, full_matrices=False)
    return (u[..., :, :k] * s[..., None, :k]) @ vh[..., :k, :]


def matrix_function(x, f=ga.exp):
    w, v = linalg.eigh(x + linalg.matrix_transpose(ga_conj(x)))
    return (v * f(w)[..., None, :]) @ linalg.matrix_transpose(ga_conj(v))


def complement(q):
    """The projector on what the columns from the third on span."""
    c = q[..., :, 2:]
    return c @ linalg.matrix_transpose(ga_conj(c))


def ga_conj(x):
    return real(x) - 1j * imag(x) if x.dtype.kind == "c" else x


def gram(x):
    return x @ linalg.matrix_transpose(ga_conj(x)) + ga.eye(x.shape[-2], dtype=x.dtype)


def weights(x):
    return np.random.default_rng(3).standard_normal(tuple(x.shape))


def weighted(f):
    """Σ of the real and imaginary parts of f with weights."""

    def loss(*nodes):
        y = f(*nodes)
        out = ga.sum(real(y) * weights(y))
        return out + ga.sum(imag(y) * weights(y)[::-1]) if y.dtype.kind == "c" else out

    return loss


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


# Repeated values ----------------------------------------------------------------------------------------------------

TURN = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4))).Q
REPEATED = {
    "2 I": 2 * np.eye(4),
    "zero": np.zeros((4, 4)),
    "two pairs": TURN @ np.diag([1.0, 1, 3, 3]) @ TURN.T,
    "one triple": TURN @ np.diag([-2.0, 1, 1, 1]) @ TURN.T,
    "plus and minus": TURN @ np.diag([-2.0, -2, 2, 2]) @ TURN.T,
}


@pytest.mark.parametrize("name", REPEATED)
def test_sums_over_repeated_eigenvalues(name):
    x = REPEATED[name]
    w, v = np.linalg.eigh(x)
    (g,) = gradient(lambda a: ga.sum(ga.exp(linalg.eigvalsh(a))), x)
    assert_allclose(g, (v * np.exp(w)) @ v.T, atol=1e-12)
    (g,) = gradient(lambda a: ga.sum(ga.sin(linalg.svdvals(a) ** 2)), x)
    assert_allclose(g, (v * (2 * w * np.cos(w * w))) @ v.T, atol=1e-12)
    (g,) = gradient(lambda a: ga.sum(real(ga.exp(linalg.eigvals(a)))), x)
    assert_allclose(g, (v * np.exp(w)) @ v.T, atol=1e-10)


def test_spaces_of_repeated_eigenvalues():
    """Projectors on spaces of dimension two, and the nearest orthogonal matrix, where values repeat."""
    x = REPEATED["two pairs"] + 0.0
    m = draw(4, 4)

    def projector(a):
        v = linalg.eigh((a + a.T) / 2).eigenvectors[:, :2]
        return ga.sum((v @ v.T) * m)

    def orthogonal(a):
        u, _, vh = linalg.svd(a)
        return ga.sum((u @ vh) * m)

    def columns(a):
        u = linalg.svd(a).U[:, :2]
        return ga.sum((u @ u.T) * m)

    for f in (projector, orthogonal, columns):
        (g,) = gradient(f, x)
        d = draw(4, 4)
        run = ga.compile(n := inputs_of([x]), f(*n))
        assert_allclose(np.sum(g * d), directional(run, [x], [d], h=1e-5), rtol=1e-6)


@pytest.mark.parametrize("name", REPEATED)
def test_repeated_values_give_finite_derivatives(name):
    x = REPEATED[name]

    def loss(a):
        w, v = linalg.eigh(a)
        u, s, vh = linalg.svd(a)
        return length((v * ga.exp(w)) @ v.T) + length((u * ga.tanh(s)) @ vh)

    n = declare("x", (4, 4))
    g = ga.grad(loss(n), n)
    second = ga.grad(ga.sum(g * weights(g)), n)
    for value in ga.compile([n], [g, second])(x):
        assert np.isfinite(value).all()


def test_repeated_singular_values_of_a_wide_matrix():
    x = np.eye(2, 4) * 3
    (g,) = gradient(lambda a: ga.sum(linalg.svdvals(a) ** 3), x)
    assert_allclose(g, 27 * np.eye(2, 4), atol=1e-12)
    (g,) = gradient(lambda a: linalg.norm(a, 2), x)
    assert_allclose(g, np.eye(2, 4) / 2, atol=1e-12)


# Norms --------------------------------------------------------------------------------------------------------------

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


# Errors -------------------------------------------------------------------------------------------------------------

M, W, V = declare("M", (3, 3)), declare("W", (2, 3)), declare("V", (3,))
ERRORS = {
    "inv: W is not square": lambda: linalg.inv(W),
    "det: V has 1 axes": lambda: linalg.det(V),
    "expm: W is not square": lambda: linalg.expm(W),
    "the matrix has 3 rows, the right-hand side 2": lambda: linalg.solve(M, W),
    "the stacks of matrices do not broadcast": lambda: linalg.solve(draw(2, 3, 3), draw(3, 3, 1)),
    "the right-hand side is a scalar": lambda: linalg.solve(M, 1.0),
    "trans must be": lambda: linalg.solve_triangular(M, V, trans=3),
    "UPLO must be 'L' or 'U'": lambda: linalg.eigh(M, UPLO="X"),
    "mode 'raw' is not supported": lambda: linalg.qr(M, mode="raw"),
    "rcond or rtol, not both": lambda: linalg.pinv(M, rcond=1e-3, rtol=1e-3),
    "cutoff must be a number": lambda: linalg.pinv(M, rcond="small"),
    "tol or rtol, not both": lambda: linalg.matrix_rank(M, 1e-3, rtol=1e-3),
    "n must be an int": lambda: linalg.matrix_power(M, 0.5),
    "matrix_power|inv: W is not square": lambda: linalg.matrix_power(W, 2),
    "no linear algebra for float16": lambda: linalg.inv(M.astype("float16")),
    "'fro' is not an order of a vector norm": lambda: linalg.norm(V, "fro"),
    "3 is not an order of a matrix norm": lambda: linalg.norm(M, 3),
    "'one' is not an order": lambda: linalg.norm(M, "one"),
    "has 3 axes": lambda: linalg.norm(declare("T", (2, 2, 2)), 1),
    "one axis or two different": lambda: linalg.norm(M, axis=(0, 0)),
    "axis 2 is out of range": lambda: linalg.norm(M, axis=2),
    "max of an empty axis": lambda: linalg.norm(declare("E", (0,)), np.inf),
    "cond: E has no elements": lambda: linalg.cond(declare("E", (0, 0))),
    "do not fit": lambda: linalg.lstsq(M, draw(2)),
    "ind must be positive": lambda: linalg.tensorinv(M, 0),
    "the unknowns": lambda: linalg.tensorsolve(W, draw(2)),
    "outer: vectors are needed": lambda: linalg.outer(M, V),
    "which size of N is the smaller": lambda: linalg.svdvals(declare("N", ("n", "m"))),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors_when_the_graph_is_built(message):
    with pytest.raises(ga.GraphadError, match=message):
        ERRORS[message]()


def test_errors_in_the_run_are_numpys():
    x = np.zeros((2, 2))
    for f in (linalg.inv, lambda a: linalg.solve(a, np.ones(2)), lambda a: linalg.solve_triangular(a, np.ones(2))):
        with pytest.raises(linalg.LinAlgError):
            evaluate(f, x)
    with pytest.raises(linalg.LinAlgError):
        evaluate(linalg.cholesky, -np.eye(2))
