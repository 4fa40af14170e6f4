"""Properties held against NumPy itself: any shapes, any dtypes, broadcasting, empty arrays, special values.

Where NumPy gives an array, graphad gives one of the same shape, dtype and values; where NumPy refuses the operands,
building the graph raises.
"""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import graphad as ga

# Arrays are drawn to fit what was drawn before, which hypothesis finds slow; no check of values is left out.
settings.register_profile("graphad", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
settings.load_profile("graphad")

UNARY = """
    abs positive negative reciprocal sqrt cbrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos
    atan sinh cosh tanh asinh acosh atanh sinc sign floor ceil round trunc rint deg2rad rad2deg nan_to_num real
    imag conj isnan isinf isfinite signbit logical_not bitwise_invert angle degrees radians fix isposinf
    isneginf fabs
""".split()
BINARY = """
    add subtract multiply divide pow float_power mod fmod floor_divide maximum minimum fmax fmin copysign
    heaviside logaddexp logaddexp2 hypot atan2 equal not_equal less less_equal greater greater_equal logical_and
    logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift
""".split()
REDUCTIONS = "sum prod max min mean var std all any argmax argmin count_nonzero ptp median nansum".split()
SCANS = "cumsum cumprod sort argsort".split()
DTYPES = [np.dtype(d) for d in "bool int8 int32 int64 uint8 uint32 float32 float64 complex64 complex128".split()]

dtypes = st.sampled_from(DTYPES)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def elements(dtype, finite=False):
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iu":
        return st.integers(0 if dtype.kind == "u" else -5, 5)
    reals = [-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5, 2.0, 3.0]
    special = [] if finite or dtype.kind == "c" else [np.inf, -np.inf, np.nan, -0.0]
    numbers = st.sampled_from(reals + special)
    return numbers if dtype.kind == "f" else st.builds(complex, numbers, numbers)


def arrays(dtype, shape, finite=False):
    return hnp.arrays(dtype, shape, elements=elements(dtype, finite))


def agree(name, call, *values):
    """The two systems agree on ``call(xp, *arrays)``."""
    inputs = [ga.input(f"x{k}", v.shape, dtype=v.dtype) for k, v in enumerate(values)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        try:
            want = np.asarray(call(np, *values))
        except (TypeError, ValueError, IndexError):
            with pytest.raises(ga.GraphadError):
                call(ga, *inputs)
            return
        got = np.asarray(ga.compile(inputs, call(ga, *inputs))(*values))
    assert got.shape == want.shape
    assert got.dtype == want.dtype, f"{name}: {[v.dtype for v in values]} gives {got.dtype}, NumPy {want.dtype}"
    narrow = any(v.dtype.name in ("float32", "complex64", "int8", "uint8") for v in values)
    np.testing.assert_allclose(got, want, rtol=1e-5 if narrow else 1e-12, atol=1e-6 if narrow else 1e-12)


def function(xp, name):
    """NumPy lacks a few of the array API's names in version 2.0."""
    return getattr(xp, name)


@pytest.mark.parametrize("name", UNARY)
@settings(max_examples=40)
@given(data=st.data())
def test_unary(name, data):
    x = data.draw(arrays(data.draw(dtypes), data.draw(shapes)))
    agree(name, lambda xp, x: function(xp, name)(x), x)


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=60)
@given(data=st.data())
def test_binary_with_broadcasting(name, data):
    found = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3))
    x, y = (data.draw(arrays(data.draw(dtypes), s)) for s in found.input_shapes)
    if "shift" in name or (name == "pow" and y.dtype.kind in "iu"):
        y = np.abs(y)
    agree(name, lambda xp, x, y: function(xp, name)(x, y), x, y)


@pytest.mark.parametrize("name", ["add", "multiply", "divide", "pow", "maximum", "atan2", "mod", "less"])
@settings(max_examples=40)
@given(data=st.data())
def test_python_scalars_are_weak(name, data):
    x = data.draw(arrays(data.draw(dtypes), data.draw(shapes)))
    scalar = data.draw(st.sampled_from([True, 2, 0.5, 1.5 + 0.5j]))
    agree(name, lambda xp, x: function(xp, name)(x, scalar), x)


@pytest.mark.parametrize("name", REDUCTIONS)
@settings(max_examples=50)
@given(data=st.data())
def test_reductions(name, data):
    kinds = dtypes.filter(lambda d: d.kind != "c") if name == "median" else dtypes  # which has no order
    x = data.draw(arrays(data.draw(kinds), data.draw(shapes), finite=True))
    axes = list(range(-x.ndim, x.ndim))
    one = name in ("argmax", "argmin") or not axes
    several = st.none() if not axes else st.sampled_from([None, *axes])
    if not one and x.ndim > 1:
        several |= st.permutations(range(x.ndim)).map(lambda p: tuple(p[:2]))
    keywords = {"axis": data.draw(several), "keepdims": data.draw(st.booleans())}
    agree(name, lambda xp, x: function(xp, name)(x, **keywords), x)


@pytest.mark.parametrize("name", SCANS)
@settings(max_examples=30)
@given(data=st.data())
def test_scans_and_orders(name, data):
    x = data.draw(
        arrays(data.draw(dtypes), data.draw(hnp.array_shapes(max_dims=3, min_side=0, max_side=3)), finite=True)
    )
    axis = data.draw(st.sampled_from(range(-x.ndim, x.ndim)))
    extra = {"stable": True} if name == "argsort" else {}
    agree(name, lambda xp, x: function(xp, name)(x, axis=axis, **extra), x)


@settings(max_examples=80)
@given(data=st.data())
def test_matmul_in_all_ranks(data):
    found = data.draw(
        hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3)
    )
    x, y = (data.draw(arrays(data.draw(dtypes), s, finite=True)) for s in found.input_shapes)
    agree("matmul", lambda xp, x, y: xp.matmul(x, y), x, y)


@settings(max_examples=60)
@given(data=st.data())
def test_where_promotes_and_broadcasts(data):
    found = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3))
    c = data.draw(arrays(np.dtype(bool), found.input_shapes[0]))
    x, y = (data.draw(arrays(data.draw(dtypes), s)) for s in found.input_shapes[1:])
    agree("where", lambda xp, c, x, y: xp.where(c, x, y), c, x, y)


@pytest.mark.parametrize("name", ["concat", "stack"])
@settings(max_examples=40)
@given(data=st.data())
def test_joining(name, data):
    shape = data.draw(hnp.array_shapes(max_dims=3, min_side=0, max_side=3))
    parts = [data.draw(arrays(data.draw(dtypes), shape)) for _ in range(data.draw(st.integers(1, 3)))]
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    agree(name, lambda xp, *parts: function(xp, name)(list(parts), axis=axis), *parts)


LAYOUT = {
    "expand_dims": lambda draw, n: {"axis": draw(st.integers(-n - 1, n))},
    "flip": lambda draw, n: {"axis": draw(st.none() | st.integers(-n - 1, n))},
    "roll": lambda draw, n: {"shift": draw(st.integers(-4, 4)), "axis": draw(st.none() | st.integers(-n - 1, n))},
    "squeeze": lambda draw, n: {"axis": draw(st.none() | st.integers(-n - 1, n))},
    "permute_dims": lambda draw, n: {"axes": draw(st.permutations(range(n)))},
    "tril": lambda draw, n: {"k": draw(st.integers(-3, 3))},
    "diff": lambda draw, n: {"axis": draw(st.integers(-n - 1, n)), "n": draw(st.integers(0, 3))},
    "repeat": lambda draw, n: {"repeats": draw(st.integers(0, 2)), "axis": draw(st.none() | st.integers(-n - 1, n))},
    "tile": lambda draw, n: {"reps": draw(st.lists(st.integers(0, 2), min_size=0, max_size=3))},
    "diagonal": lambda draw, n: {"offset": draw(st.integers(-2, 2))},
    "unstack": lambda draw, n: {"axis": draw(st.integers(-n - 1, n))},
    "reshape": lambda draw, n: {"shape": tuple(draw(st.lists(st.integers(-1, 3), max_size=3)))},
    "broadcast_to": lambda draw, n: {"shape": tuple(draw(st.lists(st.integers(0, 3), max_size=3)))},
}


# NumPy takes axis 0 of a scalar for these; the array API does not, nor does graphad.
SCALARS_HAVE_AN_AXIS = {"squeeze", "repeat"}


@pytest.mark.parametrize("name", LAYOUT)
@settings(max_examples=60)
@given(data=st.data())
def test_layout_and_its_errors(name, data):
    least = 1 if name in SCALARS_HAVE_AN_AXIS else 0
    x = data.draw(arrays(data.draw(dtypes), data.draw(shapes.filter(lambda shape: len(shape) >= least))))
    keywords = LAYOUT[name](data.draw, x.ndim)

    def call(xp, x):
        out = function(xp, name)(x, **keywords)
        return xp.stack(list(out)) if name == "unstack" and len(out) else x if name == "unstack" else out

    agree(name, call, x)
