"""graphad.special: values as SciPy's, derivatives as mpmath's, in the tails and at the edges as well."""

import subprocess
import sys
from functools import partial

import mpmath
import numpy as np
import pytest
import sympy
from scipy import special as scipy_special

import graphad as ga
from graphad import special
from graphad.ir.core import Op
from graphad.ops import special as plain_ops
from graphad.ops import special_bessel, special_beta, special_gamma

mp = mpmath.mp.clone()
mp.dps = 30

EVERYWHERE = np.concatenate([-np.logspace(3, -3, 13), [0.0], np.logspace(-3, 3, 13)])
POSITIVE = np.logspace(-3, 3, 25)
UNIT = np.array([1e-12, 1e-3, 0.2, 0.5, 0.51, 0.9, 0.999])
TAILS = np.array([-1e10, -1e3, -40.0, -2.0, 0.5, 2.0, 40.0, 1e3, 1e10])
FORWARD = {
    **dict.fromkeys(
        ["erf", "erfc", "erfcx", "ndtr", "log_ndtr", "i0", "i0e", "i1", "i1e", "j0", "j1", "expit", "log_expit"],
        (EVERYWHERE,),
    ),
    **dict.fromkeys(["gamma", "gammaln", "loggamma", "digamma", "psi", "entr", "zeta"], (EVERYWHERE + 0.1,)),
    **dict.fromkeys(["erfinv", "ndtri", "logit", "erfcinv"], (np.array([0.0, 1.0, 1.5, *UNIT]),)),
    **dict.fromkeys(["gammainc", "gammaincc", "beta", "betaln"], (POSITIVE, POSITIVE[::-1].copy())),
    **dict.fromkeys(["xlogy", "rel_entr", "kl_div", "xlog1py"], (EVERYWHERE[:, None], EVERYWHERE)),
    "betainc": (POSITIVE[::4, None, None], POSITIVE[::5, None], np.array([0.0, 1.0, *UNIT])),
}


def value(f, *points, dtype="float64", wrt=()):
    """The function, or its derivative by each of the arguments ``wrt`` in turn, at points that broadcast."""
    points = [np.asarray(p, dtype) for p in np.broadcast_arrays(*points)]
    nodes = [ga.input(f"x{k}", p.shape, dtype) for k, p in enumerate(points)]
    y = f(*nodes)
    for k in wrt:
        y = ga.grad(ga.sum(y), nodes[k])
    with np.errstate(all="ignore"):
        return ga.compile(nodes, y)(*points)


def reference(f, *points, wrt=()):
    """The derivative of an mpmath function by central differences in eighty digits."""
    if not wrt:
        return f(*points)
    with mp.workdps(80):
        k = wrt[0]
        h = mp.mpf(10) ** -12 * min(1, abs(points[k]) or 1)
        ahead, behind = ([*points[:k], points[k] + d, *points[k + 1 :]] for d in (h, -h))
        return (reference(f, *ahead, wrt=wrt[1:]) - reference(f, *behind, wrt=wrt[1:])) / (2 * h)


def check(f, exact, *points, wrt=(), rtol=1e-11, atol=0.0):
    grid = np.broadcast_arrays(*points)
    rows = zip(*(g.ravel().tolist() for g in grid), strict=True)
    expected = [float(reference(exact, *map(mp.mpf, row), wrt=wrt)) for row in rows]
    got = value(f, *points, wrt=wrt)
    np.testing.assert_allclose(got, np.reshape(expected, grid[0].shape), rtol=rtol, atol=atol)


# Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORWARD)
def test_values_are_those_of_scipy(name):
    f, points = getattr(scipy_special, name), FORWARD[name]
    with np.errstate(all="ignore"):
        expected, single = f(*points), f(*(p.astype("float32") for p in points))
    np.testing.assert_allclose(value(getattr(special, name), *points), expected, rtol=2e-15, atol=1e-300)
    got = value(getattr(special, name), *points, dtype="float32")
    assert got.dtype == single.dtype == np.float32
    np.testing.assert_allclose(got, single, rtol=3e-6, atol=1e-36)


@pytest.mark.parametrize("name", FORWARD)
def test_integers_become_float64(name):
    points = [np.array([1, 2], "int32") for _ in FORWARD[name]]
    got = value(getattr(special, name), *points, dtype="int32")
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, getattr(scipy_special, name)(*points), rtol=1e-14)


def test_every_function_is_compared_or_tested_by_itself():
    by_itself = {"softmax", "log_softmax", "logsumexp", "polygamma", "multigammaln", "iv", "jv"}
    public = {n for n, f in vars(special).items() if isinstance(f, Op) or hasattr(f, "__wrapped__")}
    helpers = {"exp", "log", "negative", "sigmoid", "softplus", "sum", "squeeze", "max", "absolute", "sign", "where"}
    helpers |= {"isfinite", "stop_gradient"}
    assert public - helpers == set(FORWARD) | by_itself


def test_functions_with_orders():
    x = np.linspace(0.3, 5, 6)
    for n in (0, 1, 4, np.int64(2), 3.0):
        np.testing.assert_allclose(value(partial(special.polygamma, n), x), scipy_special.polygamma(n, x), rtol=1e-14)
    for v in (0, 1, 2, -1, 0.5):
        np.testing.assert_allclose(value(partial(special.iv, v), x), scipy_special.iv(v, x), rtol=1e-14)
        np.testing.assert_allclose(value(partial(special.jv, v), x), scipy_special.jv(v, x), rtol=1e-13)
    for d in (1, 2, 5):
        f = partial(special.multigammaln, d=d)
        np.testing.assert_allclose(value(f, x + 3), scipy_special.multigammaln(x + 3, d), rtol=1e-14)
    np.testing.assert_allclose(value(special.zeta, x + 1, x), scipy_special.zeta(x + 1, x), rtol=1e-14)
    assert value(partial(special.polygamma, 2), x, dtype="float32").dtype == np.float32


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_sums_of_exponentials(axis):
    rng = np.random.default_rng(0)
    x = 300 * rng.standard_normal((3, 4))
    for name in ("softmax", "log_softmax", "logsumexp"):
        f = partial(getattr(special, name), axis=axis)
        small = 1e-16 if name == "log_softmax" else 1e-300  # of a weight near 1 SciPy gives 0
        np.testing.assert_allclose(value(f, x), getattr(scipy_special, name)(x, axis=axis), rtol=1e-13, atol=small)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_weighted_sums_of_exponentials(axis, keepdims):
    rng = np.random.default_rng(0)
    x, b = 300 * rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    b[1] = 0
    ours, theirs = (partial(f.logsumexp, axis=axis, keepdims=keepdims) for f in (special, scipy_special))
    np.testing.assert_allclose(value(lambda x: ours(x, b=np.abs(b)), x), theirs(x, b=np.abs(b)), rtol=1e-13)
    for k, expected in enumerate(theirs(x, b=b, return_sign=True)):
        got = value(lambda x, k=k: ours(x, b=b, return_sign=True)[k], x)
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "log_expit"])
def test_small_integers_do_not_wrap_around(name):
    for dtype in ("uint8", "int8", "uint32", "bool"):
        x = np.array([1, 3, 0]).astype(dtype)
        got, expected = value(getattr(special, name), x), getattr(scipy_special, name)(x.astype(float))
        assert np.asarray(got).dtype == np.float64
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_sums_of_exponentials_of_infinite_numbers_and_of_none():
    x = np.array([[np.inf, 0, 1], [-np.inf, 0, 1], [-np.inf] * 3, [np.nan, 0, 1], [np.inf, -np.inf, 0]])
    for name in ("softmax", "log_softmax", "logsumexp"):
        with np.errstate(invalid="ignore", divide="ignore"):
            got, expected = value(partial(getattr(special, name), axis=1), x), getattr(scipy_special, name)(x, axis=1)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
        np.testing.assert_allclose(got, expected)
    np.testing.assert_array_equal(value(partial(special.logsumexp, axis=1), np.zeros((2, 0))), [-np.inf] * 2)


def test_log_softmax_of_large_numbers_loses_no_digits():
    x = np.array([1e4, 1e4 + 1, 1e4 - 0.5], "float32")
    np.testing.assert_allclose(value(special.log_softmax, x), scipy_special.log_softmax(x - 1e4), rtol=1e-6)


def test_kl_div_outside_of_its_domain():
    x, y = np.array([0.0, 1.0, -1.0, 2.0, -1.0, 0.0]), np.array([-np.inf, -np.inf, -np.inf, -1.0, np.inf, 3.0])
    np.testing.assert_array_equal(value(special.kl_div, x, y), scipy_special.kl_div(x, y))


def test_weighted_logsumexp_has_the_gradient_of_a_softmax():
    x, b = np.array([1.0, 800.0, -3.0]), np.array([2.0, 0.0, 0.5])
    weights = np.array([2.0, 0.0, 0.5 * np.exp(-4.0)])
    got = value(lambda x: special.logsumexp(x, b=b), x, wrt=(0,))
    np.testing.assert_allclose(got, weights / weights.sum(), rtol=1e-14)
    by_b = value(lambda x, b: special.logsumexp(x, b=b), np.array([1.0, 2.0]), np.array([2.0, 0.5]), wrt=(1,))
    np.testing.assert_allclose(by_b, np.exp([1.0, 2.0]) / (2 * np.exp(1) + 0.5 * np.exp(2)), rtol=1e-14)


# Derivatives --------------------------------------------------------------------------------------------------------

MIDDLE = np.array([-2.3, -0.4, 0.3, 1.7])
EXACT = {
    "erf": (mp.erf, MIDDLE),
    "erfc": (mp.erfc, MIDDLE),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), np.array([-2.0, 0.3, 0.99, 1.01, 20.0])),
    "erfinv": (mp.erfinv, np.array([-0.9, 0.3, 0.99])),
    "erfcinv": (lambda x: mp.erfinv(1 - x), np.array([1.9, 0.7, 0.01])),
    "ndtr": (mp.ncdf, MIDDLE),
    "ndtri": (lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1), np.array([0.001, 0.3, 0.9])),
    "log_ndtr": (lambda x: mp.log(mp.ncdf(x)), np.array([-40.0, -0.3, 0.0, 0.5, 5.0])),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), MIDDLE),
    "log_expit": (lambda x: -mp.log(1 + mp.exp(-x)), MIDDLE),
    "logit": (lambda x: mp.log(x / (1 - x)), np.array([1e-3, 0.3, 0.9])),
    "entr": (lambda x: -x * mp.log(x), np.array([0.1, 2.0])),
    "gamma": (mp.gamma, np.array([-1.4, 0.2, 3.3, 20.0])),
    "gammaln": (lambda x: mp.log(abs(mp.gamma(x))), np.array([-1.4, 0.2, 3.3, 1e5])),
    "digamma": (mp.digamma, np.array([-1.4, 0.2, 3.3, 1e5])),
    "i0": (lambda x: mp.besseli(0, x), MIDDLE),
    "i1": (lambda x: mp.besseli(1, x), MIDDLE),
    "i0e": (lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), np.array([-70.0, -2.0, 0.3, 59.0, 61.0])),
    "i1e": (lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), np.array([-70.0, -2.0, 0.3, 59.0, 61.0])),
    "j0": (lambda x: mp.besselj(0, x), np.array([-3.0, 0.3, 20.0])),
    "j1": (lambda x: mp.besselj(1, x), np.array([-3.0, 0.3, 20.0])),
    "zeta": (mp.zeta, np.array([-2.5, -0.5, 0.5, 1.1, 4.0])),
}
EXACT_OF_TWO = {
    "gammainc": (lambda a, x: mp.gammainc(a, 0, x, regularized=True), [[0.02, 0.01], [0.7, 0.3], [3, 2.5], [40, 30]]),
    "gammaincc": (lambda a, x: mp.gammainc(a, x, regularized=True), [[0.02, 2.0], [0.7, 9.0], [3, 5.0], [40, 80]]),
    "beta": (mp.beta, [[0.3, 2.0], [5.0, 0.7]]),
    "betaln": (lambda a, b: mp.log(mp.beta(a, b)), [[0.3, 2.0], [5.0, 0.7]]),
    "zeta": (mp.zeta, [[1.2, 0.3], [3.0, 2.0], [20.0, 5.0]]),
    "xlogy": (lambda x, y: x * mp.log(y), [[-2.0, 0.3], [0.0, 2.0]]),
    "xlog1py": (lambda x, y: x * mp.log(1 + y), [[-2.0, 0.3], [0.0, 2.0]]),
    "rel_entr": (lambda x, y: x * mp.log(x / y), [[2.0, 0.3], [0.4, 0.5]]),
    "kl_div": (lambda x, y: x * mp.log(x / y) - x + y, [[2.0, 0.3], [0.4, 0.5]]),
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", EXACT)
def test_derivatives_of_one_argument(name, order):
    exact, points = EXACT[name]
    check(getattr(special, name), exact, points, wrt=(0,) * order, rtol=2e-11, atol=1e-13)


@pytest.mark.parametrize("wrt", [(0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("name", EXACT_OF_TWO)
def test_derivatives_of_two_arguments(name, wrt):
    exact, points = EXACT_OF_TWO[name]
    check(getattr(special, name), exact, *np.array(points, float).T, wrt=wrt, rtol=2e-11, atol=1e-15)


@pytest.mark.parametrize("wrt", [(0,), (1,), (2,), (0, 1), (2, 0), (1, 2), (2, 2)])
def test_derivatives_of_the_incomplete_beta_function(wrt):
    def exact(a, b, x):
        return mp.betainc(a, b, 0, x, regularized=True)

    points = np.array([[0.3, 0.7, 0.2], [0.6, 5.0, 0.4], [4.0, 0.2, 0.9], [30.0, 20.0, 0.55], [2.0, 1.0, 0.01]]).T
    check(special.betainc, exact, *points, wrt=wrt, rtol=1e-10)


def test_higher_derivatives_by_parameters():
    lower = EXACT_OF_TWO["gammainc"][0]
    check(special.gammainc, lower, 1.3, 0.8, wrt=(0, 0, 0), rtol=1e-10)
    check(special.gammainc, lower, 1.3, 0.8, wrt=(1, 0, 0), rtol=1e-11)
    check(special.zeta, mp.zeta, 1.3, 0.8, wrt=(1, 0, 0), rtol=1e-11)


def test_large_parameters_lose_no_digits():
    a = np.array([1e4, 1e6])
    x = a * (1 + 1 / np.sqrt(a))
    with mp.workdps(60):
        density = [float(mp.exp((p - 1) * mp.log(q) - q - mp.loggamma(p))) for p, q in zip(a, x, strict=True)]
    np.testing.assert_allclose(value(special.gammainc, a, x, wrt=(1,)), density, rtol=1e-11)
    difference = (scipy_special.gammainc(a + 1e-2, x) - scipy_special.gammainc(a - 1e-2, x)) / 2e-2
    np.testing.assert_allclose(value(special.gammainc, a, x, wrt=(0,)), difference, rtol=1e-7)


# Tails and edges ----------------------------------------------------------------------------------------------------


def test_gradients_in_the_tails():
    def at(name, k=1):
        return value(getattr(special, name), TAILS, wrt=(0,) * k)

    x = TAILS
    log_ndtr = np.array([1e10, 1e3, 40.0, 0, 0, 0, 0, 0, 0])  # φ / Φ is about -x + 1/(-x) ...
    got = at("log_ndtr")
    np.testing.assert_allclose(got[:3], log_ndtr[:3] + 1 / log_ndtr[:3], rtol=1e-5)
    np.testing.assert_array_equal(got[-3:] < 1e-300, True)
    np.testing.assert_allclose(at("log_ndtr", 2)[[0, 1, 2, 6, 7, 8]], [-1, -1, -1, 0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(at("log_expit"), 1 / (1 + np.exp(np.minimum(x, 700))), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(at("erfcx")[-2:], -1 / np.sqrt(np.pi) / x[-2:] ** 2, rtol=2e-6)
    np.testing.assert_allclose(at("erfcx", 2)[-1], 2 / np.sqrt(np.pi) / x[-1] ** 3, rtol=1e-9)
    np.testing.assert_allclose(at("i0e")[[0, -1]], [0.5e-15 / np.sqrt(2 * np.pi), -0.5e-15 / np.sqrt(2 * np.pi)])
    np.testing.assert_allclose(at("i1e")[[0, -1]], -0.5e-15 / np.sqrt(2 * np.pi))
    for name in ("erf", "erfc", "ndtr", "expit", "j0", "j1", "i0e", "i1e", "log_expit", "log_ndtr"):
        for k in (1, 2, 3):
            assert np.isfinite(at(name, k)).all(), (name, k)


def test_convention_at_zero():
    zero, two = 0.0, 2.0
    assert value(special.xlogy, zero, zero, wrt=(1,)) == 0
    assert value(special.xlogy, zero, zero, wrt=(0,)) == -np.inf
    assert value(special.xlogy, zero, two, wrt=(0, 1)) == 0.5
    assert value(special.rel_entr, zero, zero, wrt=(1,)) == 0
    assert value(special.kl_div, zero, zero, wrt=(1,)) == 1
    assert value(special.kl_div, zero, two, wrt=(1, 0)) == -0.5
    assert value(special.entr, zero, wrt=(0,)) == np.inf
    assert value(special.i0e, zero, wrt=(0,)) == 0
    assert value(special.i1e, zero, wrt=(0,)) == pytest.approx(0.5)
    assert value(special.i1, zero, wrt=(0,)) == 0.5
    assert value(special.digamma, 1.0, wrt=(0,)) == pytest.approx(np.pi**2 / 6)


def test_singular_points_follow_the_callers_choice():
    """Where a partial divides by 0: a subgradient of 0, or what the formula gives."""
    x, y = ga.input("x", (2,)), ga.input("y", (2,))
    for f, points in ((special.xlogy, 0.0), (special.xlog1py, -1.0), (special.rel_entr, 0.0), (special.kl_div, 0.0)):
        for singular, first in (("subgradient", 0.0), ("nan", np.inf)):
            g = ga.grad(ga.sum(f(x, y)), y, singular=singular)
            with np.errstate(divide="ignore"):
                got = ga.compile([x, y], g)([2.0, 0.0], [points, points])
            assert abs(got[0]) == first
            assert got[1] == (f is special.kl_div)
    g = ga.grad(ga.sum(special.logit(x)), x)
    np.testing.assert_array_equal(ga.compile([x], g)([0.0, 1.0]), [0, 0])


def test_incomplete_functions_at_the_ends():
    for a, first, second in ((1.0, 1, -1), (2.0, 0, 1), (3.0, 0, 0)):
        assert value(special.gammainc, a, 0.0, wrt=(1,)) == pytest.approx(first, abs=1e-15)
        assert value(special.gammainc, a, 0.0, wrt=(1, 1)) == pytest.approx(second, abs=1e-15)
        assert value(special.gammainc, a, 0.0, wrt=(0,)) == 0
    for a, b, x, first, second in ((1.0, 3.0, 0.0, 3, -6), (2.0, 2.0, 0.0, 0, 6), (3.0, 1.0, 1.0, 3, 6)):
        assert value(special.betainc, a, b, x, wrt=(2,)) == pytest.approx(first, abs=1e-14)
        assert value(special.betainc, a, b, x, wrt=(2, 2)) == pytest.approx(second, abs=1e-13)
        assert value(special.betainc, a, b, x, wrt=(0,)) == value(special.betainc, a, b, x, wrt=(1,)) == 0
    assert np.isnan(value(special.gammainc, -1.0, 2.0, wrt=(0,)))
    assert np.isnan(value(special.betainc, 1.0, 2.0, 1.5, wrt=(0,)))


def test_float32_through_gradients_by_parameters():
    assert value(special.gammainc, 1.5, 0.5, wrt=(0, 1), dtype="float32").dtype == np.float32
    assert value(special.betainc, 1.5, 0.5, 0.3, wrt=(0, 2), dtype="float32").dtype == np.float32
    x = ga.input("x", (2,), "float32")
    gradient = ga.grad(ga.sum(special.betainc(2.5, x, 0.3) + special.gammainc(2.5, x)), x)
    got = ga.compile([x], gradient)(np.array([0.5, 2.0], "float32"))
    assert got.dtype == np.float32
    wide = value(lambda x: special.betainc(2.5, x, 0.3) + special.gammainc(2.5, x), [0.5, 2.0], wrt=(0,))
    np.testing.assert_allclose(got, wide, rtol=1e-5)


# Errors, SciPy, SymPy -----------------------------------------------------------------------------------------------


def test_errors_speak_of_the_arguments():
    x = ga.input("x", (3,))
    with pytest.raises(ga.errors.DTypeError, match="erf: not defined here for complex"):
        special.erf(ga.input("z", (3,), "complex128"))
    with pytest.raises(ga.errors.ArgumentError, match="polygamma: n must be at least 0, not -1"):
        special.polygamma(-1, x)
    with pytest.raises(ga.errors.ArgumentError, match="polygamma: n must be a whole number"):
        special.polygamma(1.5, x)
    with pytest.raises(ga.errors.ArgumentError, match="multigammaln: d must be at least 1"):
        special.multigammaln(x, 0)
    with pytest.raises(ga.errors.ArgumentError, match="order of a Bessel function must be a number"):
        special.jv("one", x)
    with pytest.raises(ga.errors.ShapeError, match="betaln: shapes do not broadcast"):
        special.betaln(x, ga.input("y", (4,)))


WITHOUT_SCIPY = """
import sys
sys.modules["scipy"] = None
import graphad as ga
from graphad import special
x = ga.input("x", (2,))
print(ga.compile([x], ga.grad(ga.sum(special.log_expit(x) + special.xlogy(x, x) + special.logit(x)), x))([0.5, 0.25]))
try:
    ga.compile([x], special.erf(x))([0.5, 0.25])
except ga.errors.MissingDependencyError as problem:
    print(problem)
"""


def test_without_scipy_the_rest_works_and_the_error_names_the_extra():
    run = subprocess.run([sys.executable, "-c", WITHOUT_SCIPY], capture_output=True, text=True, check=True)
    assert "needs scipy, which is not installed" in run.stdout
    assert "graphad[scipy]" in run.stdout


def test_generated_code_imports_scipy_only_where_it_is_used():
    x = ga.input("x", (2,))
    assert "scipy" not in ga.compile([x], special.expit(x) + special.entr(x)).source
    assert "from scipy import special" in ga.compile([x], special.erf(x)).source


def test_generated_code_has_only_the_helpers_that_it_calls():
    x = ga.input("x", (2,))
    first = ga.grad(ga.sum(special.erfcx(x)), x)
    assert "def " not in ga.compile([x], special.erfcx(x)).source.replace("def function", "")
    assert "def erfcx" in ga.compile([x], first).source
    source = ga.compile([x], special.betainc(2.0, 3.0, x)).source
    assert source.count("def ") == 1
    by_x = ga.compile([x], ga.grad(ga.sum(special.betainc(2.0, 3.0, x)), x)).source
    assert "def stirling_rest" in by_x
    assert "def betainc_by" not in by_x


def test_sympy_forms_have_the_values():
    points = {"a": 1.7, "b": 0.6, "x": 0.4, "y": 1.3, "q": 1.3}
    for op in (*plain_ops.OPS, *special_gamma.OPS, *special_beta.OPS, *special_bessel.OPS):
        names = {**points, "x": 2.5} if "zeta" in op.name else points
        attrs = dict(op.cases[0].attrs) if op.cases else {}
        numbers = [names[n] for n in op.operands]
        got = op.sympy(sympy, *map(sympy.Float, numbers), **attrs)
        expected = value(partial(op, **attrs), *numbers)
        np.testing.assert_allclose(float(sympy.N(got)), expected, rtol=1e-12, err_msg=op.name)
    t = sympy.Symbol("t")
    slope = special_gamma.gammainc.sympy(sympy, t, sympy.Float(0.4), order=1)
    assert slope.has(t)
    scaled = special_bessel.i0e.sympy(sympy, sympy.Float(0.4), order=1)
    np.testing.assert_allclose(float(sympy.N(scaled)), value(special.i0e, 0.4, wrt=(0,)), rtol=1e-12)
