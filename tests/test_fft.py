"""`graphad.fft` against `numpy.fft`: values, dtypes, printed form, errors, derivatives to second order, named sizes."""

import numpy as np
import pytest

import graphad as ga
from graphad import fft
from graphad.ir import serialize
from graphad.ops import BY_NAME

RNG = np.random.default_rng(0)
REAL = RNG.standard_normal((3, 4, 5))
COMPLEX = REAL + 1j * RNG.standard_normal(REAL.shape)
TAKES_REAL = ("rfft", "rfftn", "rfft2", "ihfft")

ONE = [{}, {"n": 7}, {"n": 2}, {"n": 1}, {"n": 4, "axis": 0}, {"axis": 1, "norm": "ortho"}, {"n": 6, "norm": "forward"}]
SEVERAL = [
    {},
    {"axes": (0, 2)},
    {"axes": (2, 0), "norm": "ortho"},
    {"s": (2, 8), "axes": (-1, 0), "norm": "forward"},
    {"s": (-1, 5), "axes": (0, 1)},
    {"s": (3, 3, 3), "axes": (0, 1, 2)},
    {"s": (4, 4), "axes": (1, 2), "norm": "backward"},
]
CALLS = [(f, k) for f in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for k in ONE]
CALLS += [(f, k) for f in ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2") for k in SEVERAL]
IDS = [f"{f}-{'-'.join(f'{k}{v}' for k, v in kw.items())}" for f, kw in CALLS]


def build(name, values, keywords):
    z = ga.input("z", shape=values.shape, dtype=values.dtype)
    return z, getattr(fft, name)(z, **keywords)


def operand(name):
    return REAL if name in TAKES_REAL else COMPLEX


def random_like(value):
    real = RNG.standard_normal(value.shape)
    return real + 1j * RNG.standard_normal(value.shape) if np.iscomplexobj(value) else real


# Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["complex128", "complex64", "float64", "float32", "float16", "int64", "int8", "bool"])
@pytest.mark.parametrize(("name", "keywords"), CALLS, ids=IDS)
def test_values_and_dtypes_are_numpys(name, keywords, dtype):
    if name in TAKES_REAL and dtype.startswith("complex"):
        with pytest.raises(ga.errors.DTypeError, match="takes real numbers"):
            build(name, COMPLEX.astype(dtype), keywords)
        return
    values = (COMPLEX if dtype.startswith("complex") else 3 * REAL).astype(dtype)
    expected = getattr(np.fft, name)(values, **keywords)
    z, y = build(name, values, keywords)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    got = ga.compile([z], y)(values)
    assert got.dtype == expected.dtype
    tolerance = {2: 2e-2, 4: 1e-5}.get(got.real.dtype.itemsize, 1e-13)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [*dict.fromkeys(f for f, _ in CALLS), "fftshift", "ifftshift"])
def test_numpys_functions_take_nodes(name):
    z = ga.input("z", shape=REAL.shape)
    ours, theirs = getattr(fft, name)(z), getattr(np.fft, name)(z)
    assert (theirs.op, theirs.attrs, theirs.type) == (ours.op, ours.attrs, ours.type)


def test_an_axis_named_twice_is_transformed_twice():
    x = RNG.standard_normal((4, 6))
    z = ga.input("z", shape=(4, 6))
    for name, value in (("fftn", x), ("ifftn", x), ("rfftn", x), ("irfftn", x)):
        keywords = {"s": (3, 4, 5), "axes": (0, 1, 0)}
        expected = getattr(np.fft, name)(value, **keywords)
        got = ga.compile([z], getattr(fft, name)(z, **keywords))(value)
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13, err_msg=name)


def test_no_axes_change_nothing():
    z = ga.input("z")
    assert fft.fftn(z) is z
    assert fft.ifftn(ga.input("x", shape=(2,)), axes=()).dtype == np.float64


def test_an_empty_axis_beside_the_transformed_one_and_an_empty_axis_filled_up():
    z = ga.input("z", shape=(0, 3))
    assert ga.compile([z], fft.rfft(z))(np.ones((0, 3))).shape == (0, 2)
    y, dz = ga.compile([z], [fft.fft(z, 2, 0), ga.grad(ga.sum(ga.abs(fft.fft(z, 2, 0) + 1)), z)])(np.ones((0, 3)))
    np.testing.assert_array_equal(y, np.zeros((2, 3)))
    assert dz.shape == (0, 3)


@pytest.mark.parametrize("shape", [(1,), (4,), (5,), (3, 4), (2, 3, 2), (0,)])
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name, shape):
    x = RNG.standard_normal(shape)
    z = ga.input("z", shape=shape)
    for axes in [None, 0, (-1,), (0, len(shape) - 1)]:
        expected = getattr(np.fft, name)(x, axes)
        np.testing.assert_array_equal(ga.compile([z], getattr(fft, name)(z, axes))(x), expected)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies(name, n):
    named = ga.input("x", shape=("n",))
    for keywords in [{}, {"d": 0.1}]:
        expected = getattr(np.fft, name)(n, **keywords)
        got = ga.compile([], getattr(fft, name)(n, **keywords))()
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, expected)
        of_a_named_size = ga.compile([named], getattr(fft, name)(named.shape[0], **keywords))(np.ones(n))
        np.testing.assert_array_equal(of_a_named_size, expected)


# Printed form -------------------------------------------------------------------------------------------------------

FORMS = [
    ("fft", {}, "np.fft.fft(z)"),
    ("fft", {"n": 8}, "np.fft.fft(z, n=8)"),
    ("fft", {"n": 5}, "np.fft.fft(z)"),
    ("ifft", {"axis": 0, "norm": "ortho"}, "np.fft.ifft(z, axis=0, norm='ortho')"),
    ("irfft", {"n": 8, "axis": 1}, "np.fft.irfft(z, n=8, axis=1)"),
    ("irfft", {"n": 8, "norm": "backward"}, "np.fft.irfft(z)"),
    ("irfft", {"n": 9}, "np.fft.irfft(z, n=9)"),
    ("fftn", {}, "np.fft.fftn(z)"),
    ("ifftn", {"axes": (0, 1)}, "np.fft.ifftn(z, axes=(0, 1))"),
    ("fftn", {"axes": (1, 2)}, "np.fft.fft2(z)"),
    ("irfft2", {"s": (4, 8)}, "np.fft.irfft2(z)"),
    ("irfft2", {"s": (4, 7)}, "np.fft.irfft2(z, s=(4, 7))"),
    ("fftn", {"s": (2, 2, 2)}, "np.fft.fftn(z, s=(2, 2, 2), axes=(0, 1, 2))"),
]


@pytest.mark.parametrize(("name", "keywords", "text"), FORMS, ids=[f[2] for f in FORMS])
def test_code_is_what_a_numpy_user_writes(name, keywords, text):
    z, y = build(name, COMPLEX, keywords)
    assert f"= {text}  # " in ga.compile([z], y).source


def test_the_backward_pass_is_transforms():
    x, z = ga.input("x", shape=(6,)), ga.input("z", shape=(4,), dtype="complex128")
    w = ga.input("w", shape=(4,), dtype="complex128")
    for result, variable, cotangent, text in [
        (fft.rfft(x), x, w, "np.fft.fft(w, n=6).real"),
        (fft.ifft(z), z, w, "np.fft.ifft(w)"),
        (fft.fft(x, 4), x, w, "np.pad(np.fft.fft(w).real, ((0, 2),))"),
        (fft.irfft(z), z, x, "np.conj(np.fft.rfft(x, norm='forward'))"),
    ]:
        assert text in ga.compile([x, z, w], ga.vjp(result, variable, cotangent)).source


# Errors -------------------------------------------------------------------------------------------------------------

X, C, S = ga.input("x", shape=(4, 3)), ga.input("c", shape=(4, 3), dtype="complex64"), ga.input("s")
WRONG = [
    (lambda: fft.fft(X, 0), ga.errors.ShapeError, "0 points"),
    (lambda: fft.fft(X, -1), ga.errors.ShapeError, "-1 points"),
    (lambda: fft.fft(X, 2.0), ga.errors.ArgumentError, "must be an int, not float"),
    (lambda: fft.irfft(ga.ones(1)), ga.errors.ShapeError, "0 points"),
    (lambda: fft.fft(ga.ones(0)), ga.errors.ShapeError, "0 points"),
    (lambda: fft.fft(S), ga.errors.AxisError, "s has 0 axes"),
    (lambda: fft.fft(X, axis=2), ga.errors.AxisError, "axis 2 is out of range: x has 2 axes"),
    (lambda: fft.fftn(X, axes=(0, 5)), ga.errors.AxisError, "axis 5 is out of range"),
    (lambda: fft.fft2(ga.ones(3)), ga.errors.AxisError, "axis -2 is out of range"),
    (lambda: fft.fftn(X, axes=0), ga.errors.ArgumentError, "fftn: axes must be a sequence of ints, not 0"),
    (lambda: fft.fftn(X, s=(2,), axes=(0, 1)), ga.errors.ArgumentError, "fftn: s has 1 sizes for 2 axes"),
    (lambda: fft.rfftn(S), ga.errors.AxisError, "rfftn: at least one axis is needed"),
    (lambda: fft.irfftn(X, axes=()), ga.errors.AxisError, "irfftn: at least one axis is needed"),
    (lambda: fft.fft(X, norm="orthogonal"), ga.errors.ArgumentError, "norm must be None, 'backward', 'ortho' or"),
    (lambda: fft.rfft(C), ga.errors.DTypeError, "rfft: c is complex, the transform takes real numbers"),
    (lambda: fft.fftshift(X, 2), ga.errors.AxisError, "axis 2 is out of range"),
    (lambda: fft.fftfreq(0), ga.errors.ArgumentError, "n must be at least 1, not 0"),
    (lambda: fft.rfftfreq(2.0), ga.errors.ArgumentError, "must be an int"),
]


@pytest.mark.parametrize(("call", "error", "words"), WRONG, ids=[w[2] for w in WRONG])
def test_errors_come_at_graph_build_and_name_the_line(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
    assert "test_fft.py:" in str(caught.value)


# Derivatives --------------------------------------------------------------------------------------------------------


def cube(y):
    """A real scalar that is not quadratic in the real and imaginary parts of y, and not symmetric in them."""
    if y.dtype.kind != "c":
        return ga.sum(y**3)
    return ga.sum(ga.real(y) ** 3 + ga.real(y) * ga.imag(y) ** 2 - ga.imag(y))


def difference(f, z, dz, h=1e-5):
    """The derivative of f along dz to fourth order."""
    near, far = (f(z + k * h * dz) - f(z - k * h * dz) for k in (1, 2))
    return (8 * near - far) / (12 * h)


@pytest.mark.parametrize(("name", "keywords"), CALLS, ids=IDS)
def test_first_and_second_derivatives(name, keywords):
    """dL = Re(Σ g·dz), and the same for the derivative of g."""
    values = operand(name)
    z, y = build(name, values, keywords)
    v = ga.input("v", shape=z.shape, dtype=z.dtype)
    loss = cube(y)
    g = ga.grad(loss, z)
    run = ga.compile([z, v], [loss, g, ga.hvp(loss, z, v)])
    dz, dz2 = random_like(values), random_like(values)
    value, gradient, along = run(values, dz2)
    assert gradient.dtype == values.dtype
    numeric = difference(lambda z: run(z, dz2)[0], values, dz)
    assert np.sum(gradient * dz).real == pytest.approx(numeric, rel=1e-8)
    numeric = difference(lambda z: run(z, dz2)[1], values, dz2)
    np.testing.assert_allclose(along, numeric, rtol=1e-7, atol=1e-8 * abs(value))


@pytest.mark.parametrize(("name", "keywords"), CALLS, ids=IDS)
def test_jvp_is_the_transform_and_vjp_its_transpose(name, keywords):
    values = operand(name)
    z, y = build(name, values, keywords)
    t = ga.input("t", shape=z.shape, dtype=z.dtype)
    g = ga.input("g", shape=y.shape, dtype=y.dtype)
    dz = random_like(values)
    expected = getattr(np.fft, name)(dz, **keywords)
    cotangent = random_like(expected)
    tangent, back = ga.compile([z, t, g], [ga.jvp(y, z, t), ga.vjp(y, z, g)])(values, dz, cotangent)
    np.testing.assert_allclose(tangent, expected, rtol=1e-12, atol=1e-13)
    assert np.sum(cotangent * expected).real == pytest.approx(np.sum(back * dz).real, rel=1e-12)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftshift"])
def test_single_precision_stays_through_gradients(name):
    values = operand(name).astype("float32" if name in TAKES_REAL else "complex64")
    z, y = build(name, values, {})
    loss = cube(y)
    assert loss.dtype == np.float32
    run = ga.compile([z], ga.grad(loss, z))
    assert run(values).dtype == values.dtype


def test_the_parts_that_irfft_does_not_read_have_no_gradient():
    z = ga.input("z", shape=(4,), dtype="complex128")
    even, odd = (ga.grad(ga.sum(fft.irfft(z, n) ** 2), z) for n in (6, 7))
    even, odd = ga.compile([z], [even, odd])(COMPLEX[0, 0, :4])
    np.testing.assert_array_equal(even.imag == 0, [True, False, False, True])
    np.testing.assert_array_equal(odd.imag == 0, [True, False, False, False])


def test_parseval():
    """The gradient of the energy in the frequency domain is n times that in the time domain."""
    x = ga.input("x", shape=(7,))
    energy = ga.sum(ga.abs(fft.fft(x)) ** 2)
    values = REAL.ravel()[:7]
    np.testing.assert_allclose(ga.compile([x], ga.grad(energy, x))(values), 14 * values, rtol=1e-12)


# Named sizes --------------------------------------------------------------------------------------------------------


def test_named_sizes():
    x = ga.input("x", shape=("batch", "n"))
    half = fft.rfft(x)
    assert half.shape == ga.ones(("batch", "n // 2 + 1")).shape
    assert fft.irfft(half).shape == ga.ones(("batch", "2*(n // 2)")).shape
    assert fft.fft(x, axis=0).shape == x.shape
    back = fft.irfft(half * 2, n=x.shape[1])
    assert back.shape == x.shape
    run = ga.compile([x], [back, ga.grad(ga.sum(back**3), x)])
    for n in (1, 4, 5):
        value = RNG.standard_normal((2, n))
        y, dx = run(value)
        np.testing.assert_allclose(y, 2 * value, rtol=1e-12)
        np.testing.assert_allclose(dx, 24 * value**2, rtol=1e-11)


def test_convolution_of_named_sizes():
    """Which of n and n + m - 1 is larger is not known: the gradient cuts or fills up when it runs."""
    a, b = ga.input("a", shape=("n",)), ga.input("b", shape=("m",))
    n = a.shape[0] + b.shape[0] - 1
    c = fft.irfft(fft.rfft(a, n) * fft.rfft(b, n), n)
    direct = ga.grad(ga.sum(ga.convolve(a, b) ** 3), [a, b])
    run = ga.compile([a, b], [*ga.grad(ga.sum(c**3), [a, b]), *direct])
    for sizes in [(5, 3), (1, 4), (6, 1)]:
        da, db, expected_a, expected_b = run(*(RNG.standard_normal(s) for s in sizes))
        np.testing.assert_allclose(da, expected_a, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(db, expected_b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("points", [2, 3, 7])
def test_a_named_size_cut_or_filled_up(points):
    x = ga.input("x", shape=("n",))
    loss = ga.sum(ga.abs(fft.fft(x, n=points)) ** 2)
    first = ga.grad(loss, x)
    run = ga.compile([x], [first, ga.grad(ga.sum(first**2), x)])
    values = RNG.standard_normal(3)
    read = np.where(np.arange(3) < points, 1, 0)
    dx, d2 = run(values)
    np.testing.assert_allclose(dx, 2 * points * values * read, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(d2, 8 * points**2 * values * read, rtol=1e-12, atol=1e-12)


def test_shifts_of_named_sizes():
    x = ga.input("x", shape=("n", 3))
    run = ga.compile([x], [fft.fftshift(x), fft.ifftshift(x, 0), fft.ifftshift(fft.fftshift(x))])
    for n in (1, 4, 5):
        value = RNG.standard_normal((n, 3))
        there, back, same = run(value)
        np.testing.assert_array_equal(there, np.fft.fftshift(value))
        np.testing.assert_array_equal(back, np.fft.ifftshift(value, 0))
        np.testing.assert_array_equal(same, value)


# Elsewhere ----------------------------------------------------------------------------------------------------------


def test_saving():
    x = ga.input("x", shape=("n", 3))
    loss = ga.sum(ga.abs(fft.rfftn(x, norm="ortho", s=(8, 4), axes=(0, 1))))
    graph = ga.Graph([x], [loss, ga.grad(loss, x)])
    again = serialize.loads(serialize.dumps(graph), BY_NAME)
    value = RNG.standard_normal((5, 3))
    for a, b in zip(ga.interpret(graph, [value]), ga.interpret(again, [value]), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimize", ["none", "basic", "full"])
def test_every_optimization_gives_the_same(optimize):
    x = ga.input("x", shape=(8,))
    window = np.hanning(8)
    spectrum = fft.fftshift(fft.fft(x * window))
    loss = ga.sum(ga.abs(spectrum) * np.abs(np.fft.fftfreq(8)))
    graph = ga.Graph([x], [loss, ga.grad(loss, x)])
    value = RNG.standard_normal(8)
    expected = ga.interpret(graph, [value])
    for a, b in zip(ga.compile([x], list(graph.outputs), optimize=optimize)(value), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
