"""Complex numbers: the cotangent g of z is defined by dL = Re(Σ g·dz), for every op and composite that takes them."""

import numpy as np
import pytest

import graphad as ga
from graphad.ir.core import Constant, Undefined
from graphad.ir.types import TupleType
from graphad.ops import ALL_OPS
from graphad.ops.tuples import items

RNG = np.random.default_rng(0)


def sample(*shape, rng=RNG):
    """Numbers in the first quadrant, away from zero and from the cuts of logarithms and roots."""
    return rng.uniform(0.3, 1.5, shape) + 1j * rng.uniform(0.3, 0.9, shape)


def like(value, rng):
    """A random direction, of the same kind."""
    real = rng.standard_normal(np.shape(value))
    return np.asarray(real + 1j * rng.standard_normal(np.shape(value)) if np.iscomplexobj(value) else real)


def declared(values, prefix="x"):
    return [ga.input(f"{prefix}{k}", shape=v.shape, dtype=v.dtype) for k, v in enumerate(values)]


def real_loss(results, rng):
    """A real scalar of the results that depends on all real and imaginary parts and is not linear in them."""
    loss = 0
    for y in results:
        w = like(np.empty(y.shape, y.dtype), rng).astype(y.dtype)
        t = ga.real(y * w)
        loss = loss + ga.sum(t) + ga.sum(t * t) / 10
    return loss


def difference(f, values, directions, h=2e-5):
    """The derivative of f along directions to fourth order."""

    def central(step):
        ahead, behind = (f(*[v + s * d for v, d in zip(values, directions, strict=True)]) for s in (step, -step))
        return [(np.asarray(a) - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]

    return [(4 * near - far) / 3 for near, far in zip(central(h), central(2 * h), strict=True)]


def check_derivatives(inputs, results, values):
    """Gradient along real and along imaginary directions, tangent, and the gradient's own derivative."""
    rng = np.random.default_rng(1)
    loss = real_loss(results, rng)
    tangents = declared(values, "t")
    gradients, tangent = ga.grad(loss, inputs), ga.jvp(loss, inputs, tangents)
    second = ga.hvp(loss, inputs, tangents)
    first = ga.compile(inputs, [loss, *gradients])
    exact = first(*values)[1:]
    assert [g.dtype for g in exact] == [v.dtype for v in values]
    ways = [[like(v, rng) for v in values]]
    ways += [[d.real + 0 * d for d in ways[0]], [1j * d.imag if np.iscomplexobj(d) else 0 * d for d in ways[0]]]
    for dz in ways:
        (numeric,) = difference(lambda *z: first(*z)[:1], values, dz)
        expected = sum(np.sum(g * d).real for g, d in zip(exact, dz, strict=True))
        assert numeric == pytest.approx(expected, rel=1e-7, abs=1e-7)
    along, *seconds = ga.compile([*inputs, *tangents], [tangent, *second])(*values, *ways[0])
    assert along == pytest.approx(sum(np.sum(g * d).real for g, d in zip(exact, ways[0], strict=True)), rel=1e-11)
    for h, numeric in zip(seconds, difference(lambda *z: first(*z)[1:], values, ways[0]), strict=True):
        np.testing.assert_allclose(h, numeric, rtol=1e-6, atol=1e-6)


# The convention -----------------------------------------------------------------------------------------------------


def test_the_convention_in_five_examples():
    z = ga.input("z", dtype="complex128")
    value, c = 0.7 - 1.2j, 2 + 3j
    for loss, expected in [
        (ga.real(c * z), c),  # dL = Re(c·dz)
        (ga.real(z), 1),
        (ga.imag(z), -1j),  # ∂L/∂x - i·∂L/∂y
        (ga.real(z * ga.conj(z)), 2 * np.conj(value)),  # steepest ascent is its conjugate
        (ga.abs(z), np.conj(value) / abs(value)),
    ]:
        got = ga.compile([z], ga.grad(loss, z))(value)
        assert got == pytest.approx(expected, rel=1e-14)


def test_a_holomorphic_function_has_its_complex_derivative():
    z = ga.input("z", dtype="complex128")
    f = ga.exp(z) * z**3 / (1 + z)
    first = ga.vjp(f, z, 1)
    second = ga.vjp(first, z, 1)
    x = 0.3 + 0.4j
    value, d1, d2 = ga.compile([z], [f, first, second])(x)
    slope = 1 + 3 / x - 1 / (1 + x)
    assert d1 == pytest.approx(value * slope, rel=1e-13)
    assert d2 == pytest.approx(value * (slope**2 - 3 / x**2 + 1 / (1 + x) ** 2), rel=1e-13)


def test_a_step_against_the_conjugate_of_the_gradient_goes_down():
    z = ga.input("z", shape=(3,), dtype="complex128")
    loss = ga.sum(ga.abs(z**2 - (1 + 2j)) ** 2)
    run = ga.compile([z], [loss, ga.grad(loss, z)])
    value = sample(3)
    for _ in range(200):
        value = value - 0.02 * np.conj(run(value)[1])
    assert run(value)[0] < 1e-12


def test_a_complex_loss_has_no_gradient():
    z = ga.input("z", dtype="complex128")
    with pytest.raises(ga.errors.DifferentiationError, match="grad needs a real floating value"):
        ga.grad(z**2, z)


# Every op -----------------------------------------------------------------------------------------------------------

REFUSED = ["floor_divide", "remainder", "fmod", "floor", "ceil", "trunc", "sign", "signbit", "copysign", "heaviside"]
REFUSED += ["cbrt", "hypot", "logaddexp", "logaddexp2", "arctan2", "deg2rad", "rad2deg", "rfft", "sigmoid", "softplus"]
FREE = {"svd", "eig"}  # the phases of their vectors are free: differences of single elements mean nothing


def complex_calls(op, dtype="complex128"):
    """The op's worked calls, those without named sizes, on complex numbers: inputs, results, values."""
    rng = np.random.default_rng(0)
    for case in op.cases:
        if case.attrs.get("dtype") == "float32" or "'" in str([s for s in case.inputs if isinstance(s, tuple)]):
            continue
        nodes, values = [], []
        for spec in case.inputs:
            if isinstance(spec, np.ndarray) and spec.dtype.kind != "f":
                nodes.append(spec)
                continue
            values.append((spec + 0.1j if isinstance(spec, np.ndarray) else sample(*spec, rng=rng)).astype(dtype))
            nodes.append(ga.input(f"x{len(nodes)}", shape=values[-1].shape, dtype=dtype))
        if values:
            y = op(*nodes, **case.attrs)
            inputs = [n for n in nodes if isinstance(n, ga.Node)]
            yield inputs, list(items(y)) if isinstance(y.type, TupleType) else [y], values


TABLE = [op for op in ALL_OPS if op.cases and op.name not in REFUSED]
SMOOTH = [op for op in TABLE if not isinstance(op.derivative, (Constant, Undefined)) and op.name not in FREE]


def takes_complex(op):
    try:
        return bool(list(complex_calls(op)))
    except ga.errors.DTypeError:
        return False


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_meaning_for_complex_numbers_is_refused_at_graph_build(name):
    (op,) = [op for op in ALL_OPS if op.name == name]
    with pytest.raises(ga.errors.DTypeError, match=f"^{name}: "):
        list(complex_calls(op))


@pytest.mark.parametrize("op", [op for op in SMOOTH if takes_complex(op)], ids=lambda op: op.name)
def test_every_op_that_takes_complex_numbers_follows_the_convention(op):
    for inputs, results, values in complex_calls(op):
        floating = [r for r in results if r.dtype.kind in "fc"]
        if floating:
            check_derivatives(inputs, floating, values)


@pytest.mark.parametrize("op", [op for op in TABLE if takes_complex(op)], ids=lambda op: op.name)
def test_single_precision_stays_single(op):
    """The interpreter holds each node to its declared dtype."""
    for inputs, results, values in complex_calls(op, "complex64"):
        floating = [r for r in results if r.dtype.kind in "fc"]
        if "dtype" in op.defaults and floating and floating[0].dtype.itemsize == 8 and floating[0].dtype.kind == "f":
            continue  # a cast
        assert all(r.dtype in (np.float32, np.complex64) for r in floating)
        if floating and op in SMOOTH:
            gradients = ga.grad(real_loss(floating, np.random.default_rng(1)), inputs)
            found = ga.interpret(ga.Graph(inputs, [*floating, *gradients]), values)
            assert all(g.dtype == np.complex64 for g in found[len(floating) :])


# What NumPy's functions give ----------------------------------------------------------------------------------------

Z, W, A, V, U, R = sample(2, 3), sample(2, 3), sample(3, 3), sample(3), sample(3), RNG.uniform(0.3, 1.5, (2, 3))
SCIPY = {
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True),
    "log_softmax": lambda x: x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True)),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))),
}


def either(name):
    """A function that NumPy lacks, for either package."""
    return lambda xp, x: SCIPY[name](x) if xp is np else getattr(ga, name)(x)


CALLS = {
    "sum": (lambda xp, x: xp.sum(x, axis=1), Z),
    "sum of real numbers, complex": (lambda xp, x: xp.sum(x, dtype="complex128"), R),
    "mean": (lambda xp, x: xp.mean(x, axis=0), Z),
    "var": (lambda xp, x: xp.var(x, axis=0), Z),
    "std": (lambda xp, x: (x - xp.mean(x)) / xp.std(x), Z),
    "prod": (lambda xp, x: xp.prod(x, axis=1), Z),
    "prod with zeros": (lambda xp, x: xp.prod(x, axis=1), Z * [[1, 0, 1], [0, 0, 1]]),
    "cumsum": (lambda xp, x: xp.cumsum(x), Z),
    "cumprod": (lambda xp, x: xp.cumprod(x, axis=1), Z * [[1, 0, 1], [1, 1, 1]]),
    "average": (lambda xp, x, w: xp.average(x, weights=w), Z, W),
    "cov": (lambda xp, x: xp.cov(x), Z),
    "norm": (lambda xp, x: xp.linalg.norm(x, 3), V),
    "matmul": (lambda xp, x, y: xp.conj(x.T) @ y, Z, W),
    "matmul by real": (lambda xp, x, y: x @ y.T, Z, R),
    "dot": (lambda xp, x, y: xp.dot(x, y), Z, A),
    "vdot": (lambda xp, x, y: xp.vdot(x, y), V, U),
    "vecdot": (lambda xp, x, y: xp.vecdot(x, y), Z, W),
    "inner": (lambda xp, x, y: xp.inner(x, y), Z, W),
    "outer": (lambda xp, x, y: xp.outer(x, y), V, U),
    "kron": (lambda xp, x, y: xp.kron(x, y), Z, V),
    "tensordot": (lambda xp, x, y: xp.tensordot(x, y, axes=1), Z, A),
    "einsum": (lambda xp, x, y: xp.einsum("ij,jk,ik->i", x, y, xp.conj(x)), Z, A),
    "trace": (lambda xp, x: xp.einsum("ii", x) + xp.trace(x), A),
    "cross": (lambda xp, x, y: xp.cross(x, y), V, U),
    "convolve": (lambda xp, x, y: xp.convolve(x, y), V, U),
    "correlate": (lambda xp, x, y: xp.correlate(x, y, "full"), V, U),
    "polyval": (lambda xp, p, x: xp.polyval(p, x), V, Z),
    "where": (lambda xp, x, y: xp.where(xp.real(x) > 0.8, x, y), Z, R),
    "index": (lambda xp, x: x[:, [0, 2, 0]] * x[1, ::-1], Z),
    "concatenate": (lambda xp, x, y: xp.concatenate([x, y]), Z, R),
    "stack": (lambda xp, x, y: xp.stack([x, y], axis=1), Z, W),
    "pad": (lambda xp, x: xp.pad(x, 1, mode="constant", constant_values=2 + 1j), Z),
    "linspace": (lambda xp, x: xp.linspace(x[0], x[1], 4), V),
    "trapezoid": (lambda xp, x: xp.trapezoid(x, dx=0.5), Z),
    "interp": (lambda xp, x, f: xp.interp(x, np.array([0.0, 1, 2]), f), R, V),
    "abs": (lambda xp, x: xp.abs(x) ** 3, Z),
    "angle": (lambda xp, x: xp.angle(x) + xp.angle(x, deg=True), Z),
    "real and imag": (lambda xp, x: xp.real(x) * xp.imag(x), Z),
    "imag of a product": (lambda xp, x: xp.imag(x * x) * x, Z),
    "sign by hand": (lambda xp, x: x / xp.abs(x), Z),
    "1j times real": (lambda xp, x: xp.exp(1j * x), R),
    "divided by real": (lambda xp, x, y: x / y, Z, R),
    "real divided by": (lambda xp, x, y: y / x, Z, R),
    "integer power": (lambda xp, x: x**3 + x**-2, Z),
    "half power": (lambda xp, x: x**0.5, Z),
    "complex power": (lambda xp, x: x ** (1 + 2j), Z),
    "complex power of real": (lambda xp, x: x ** (1 + 2j), R),
    "power": (lambda xp, x, y: x**y, Z, W),
    "power of a number": (lambda xp, x: 2**x, Z),
    "power of zero": (lambda xp, x: x**2 + x**0 + x**1, Z * [0, 1, 0]),
    "softmax": (either("softmax"), Z),
    "log_softmax": (either("log_softmax"), Z),
    "logsumexp": (either("logsumexp"), Z + np.array([3j, -3j, 9j])),
    "lexicographic order": (lambda xp, x: xp.sort(xp.real(x) // 0.5 + 1j * xp.imag(x), axis=1), Z),
    "largest": (lambda xp, x, y: xp.max(x, axis=1) * xp.min(x) * xp.sum(xp.maximum(x, y)), Z, W),
    "filter": (lambda xp, x, h: xp.fft.ifft(xp.fft.fft(x) * xp.fft.fft(h)), Z, R),
    "power spectrum": (lambda xp, x: xp.abs(xp.fft.fftshift(xp.fft.fft2(x))) ** 2, Z),
    "solve": (lambda xp, a, b: xp.linalg.solve(a, b), A + 2 * np.eye(3), V),
    "det": (lambda xp, a: xp.linalg.det(a), A),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives_of_numpys_functions(name):
    f, *values = CALLS[name]
    expected = np.asarray(f(np, *values))
    inputs = declared(values)
    y = f(ga, *inputs)
    for optimize in ("none", "full"):
        got = ga.compile(inputs, y, optimize=optimize)(*values)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    check_derivatives(inputs, [y], values)


WIDER = {"cov", "interp", "sum of real numbers, complex"}  # NumPy computes these in double precision


@pytest.mark.parametrize("name", [name for name in CALLS if name not in WIDER])
def test_numpys_functions_keep_single_precision(name):
    f, *values = CALLS[name]
    values = [v.astype("complex64" if np.iscomplexobj(v) else "float32") for v in values]
    expected = np.asarray(f(np, *values))
    inputs = declared(values)
    y = f(ga, *inputs)
    assert y.dtype == (np.complex64 if expected.dtype.kind == "c" else np.float32)
    got, *gradients = ga.compile(inputs, [y, *ga.grad(real_loss([y], np.random.default_rng(1)), inputs)])(*values)
    assert got.dtype == y.dtype
    assert [g.dtype for g in gradients] == [v.dtype for v in values]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


# Special points -----------------------------------------------------------------------------------------------------


def test_at_zero():
    z = ga.input("z", shape=(3,), dtype="complex128")
    value = np.array([0, 1 + 1j, -2j])
    for loss, expected in [
        (ga.sum(ga.abs(z)), np.conj(value) / np.where(value == 0, 1, abs(value))),
        (ga.sum(ga.abs(z) ** 2), 2 * np.conj(value)),
        (ga.real(ga.prod(z)), [value[1] * value[2], 0, 0]),
        (ga.sum(ga.real(ga.where(z != 0, ga.log(z), 0))), 1 / np.where(value == 0, np.inf, value)),
        (ga.sum(ga.real(ga.where(z == 0, 0, ga.log(z)))), 1 / np.where(value == 0, np.inf, value)),
        (ga.sum(ga.real(z**0)), np.zeros(3)),
        (ga.linalg.norm(z * 0), np.zeros(3)),
    ]:
        with np.errstate(all="ignore"):
            got = ga.compile([z], ga.grad(loss, z))(value)
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-15)


ON_THE_CUTS = {  # identities of real or of positive numbers that must not be used
    "log exp": lambda xp, z: xp.log(xp.exp(z)),
    "sqrt of a square": lambda xp, z: xp.sqrt(z * z) + xp.sqrt(z**2) + xp.sqrt(xp.square(z)),
    "powers of powers": lambda xp, z: (z**2) ** 0.5 + (z**3) ** (1 / 3),
    "log of a product": lambda xp, z: xp.log(z * z) + xp.log(z**2) + xp.log(1 / z),
    "sqrt of a quotient": lambda xp, z: xp.sqrt(1 / z) + 1 / xp.sqrt(z) + z**-0.5,
    "square of abs": lambda xp, z: xp.abs(z) ** 2 + xp.abs(z * z) + xp.abs(xp.abs(-z)),
    "log1p expm1": lambda xp, z: xp.log1p(xp.expm1(z)) + xp.log(1 + z) + (xp.exp(z) - 1),
    "log of a sum of exp": lambda xp, z: xp.log(xp.sum(xp.exp(z))) + xp.log(xp.exp(z) + xp.exp(2 * z)),
    "arctan tan": lambda xp, z: xp.arctan(xp.tan(z)),
    "parts of parts": lambda xp, z: xp.real(xp.real(z)) + xp.imag(xp.conj(z)) + xp.imag(xp.real(z)),
    "modulus": lambda xp, z: xp.sqrt(xp.real(z) ** 2 + xp.imag(z) ** 2) + xp.real(z * xp.conj(z)),
}


@pytest.mark.parametrize("optimize", ["none", "basic", "full"])
@pytest.mark.parametrize("name", ON_THE_CUTS)
def test_no_identity_of_real_numbers_is_used(name, optimize):
    value = np.array([-1.5 + 4j, -0.3 - 3.5j, 2 - 7j, 0.5j, -2 + 0.1j, -2 - 0.1j])
    z = ga.input("z", shape=value.shape, dtype="complex128")
    f = ON_THE_CUTS[name]
    got = ga.compile([z], f(ga, z), optimize=optimize)(value)
    np.testing.assert_allclose(got, f(np, value), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["quantile", "percentile", "median"])
def test_quantiles_are_refused(name):
    """NumPy's median of complex numbers is that of their lexicographic order: of no use, and not the quantile 1/2."""
    z = ga.input("z", shape=(3,), dtype="complex128")
    with pytest.raises(ga.errors.DTypeError, match="is complex"):
        getattr(ga, name)(z, *[] if name == "median" else [0.3])


def test_weak_numbers_and_constants():
    x, z = ga.input("x", shape=(2,), dtype="float32"), ga.input("z", shape=(2,), dtype="complex64")
    assert (1j * x).dtype == np.complex64
    assert (z + 2.5).dtype == np.complex64
    assert ga.abs(z).dtype == np.float32
    assert (z * np.float64(2)).dtype == np.complex128
    for fill in (0j, -0.0j, 1 + 0j, 2 - 1j):
        y = z + ga.full((2,), fill, "complex64")
        values = np.array([1, 2j], "complex64")
        np.testing.assert_array_equal(ga.compile([z], y)(values), values + np.complex64(fill))
        np.testing.assert_array_equal(ga.compile([], ga.full((2,), fill, "complex64"))(), np.full(2, fill, "complex64"))


def test_singular_values_and_eigenvalues():
    """Functions that do not see the free phases of the vectors."""
    a = declared([A])
    u, s, vh = ga.linalg.svd(a[0])
    check_derivatives(a, [s, ga.abs(u) ** 2, u[:, :1] @ vh[:1]], [A])
    values, vectors = ga.linalg.eig(a[0])
    check_derivatives(a, [values, ga.abs(vectors) ** 2], [A])
