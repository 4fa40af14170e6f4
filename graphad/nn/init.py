"""Initial values of parameters: `graphad.nn.init`, plain functions of a NumPy Generator that give arrays.

Initial values are data given at the call, not nodes. Each function is called as ``f(rng, shape, dtype="float64")`` and
has its options as keywords. Random numbers are drawn in float64 and then rounded: every dtype gets the same ones.

>>> import numpy as np
>>> import graphad as ga
>>> W, b = ga.parameter("W", (64, 10)), ga.parameter("b", (10,))
>>> start = ga.nn.init.values(np.random.default_rng(0), {W: ga.nn.init.xavier_uniform, b: ga.nn.init.zeros})
>>> {name: value.shape for name, value in start.items()}
{'W': (64, 10), 'b': (10,)}
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.types import as_dtype, as_shape, shape_text

__all__ = [
    "constant",
    "fans",
    "gain",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "scaled_normal",
    "truncated_normal",
    "values",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Array = np.ndarray[Any, Any]
ShapeLike = int | Sequence[int]
Initializer = Callable[..., Any]  # (rng, shape, dtype) -> Array

# Gains of `gain`. Those of gelu and silu are 1 / sqrt(E[f(z)²]) for a standard normal z; that of selu is 1 by design.
_GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 1.0,
    "gelu": 1.5335304412,
    "silu": 1.6765324704,
}
_NAMES = ", ".join([*_GAINS, "leaky_relu"])


def zeros(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64") -> Array:
    """All 0: for biases. Weights that are all equal stay so, since their gradients are equal, too."""
    return np.zeros(_sizes("zeros", shape), as_dtype(dtype))


def ones(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64") -> Array:
    """All 1: for the scales of normalizations."""
    return np.ones(_sizes("ones", shape), as_dtype(dtype))


def constant(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64", *, value: float) -> Array:
    """All ``value``."""
    return np.full(_sizes("constant", shape), value, as_dtype(dtype))


def normal(
    rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64", *, mean: float = 0.0, std: float = 0.01
) -> Array:
    """Normal with this mean and standard deviation: N(mean, std²)."""
    _at_least_zero("normal", "std", std)
    return _normal("normal", rng, shape, dtype, std, mean)


def scaled_normal(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64") -> Array:
    """N(0, 1 / n_in): sums of n_in inputs of variance 1 have variance 1. The same as `lecun_normal`."""
    return _normal("scaled_normal", rng, shape, dtype, math.sqrt(1 / _fan("scaled_normal", shape, "fan_in")))


def lecun_normal(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64") -> Array:
    """N(0, 1 / n_in) (LeCun et al. 1998): what `selu` needs."""
    return _normal("lecun_normal", rng, shape, dtype, math.sqrt(1 / _fan("lecun_normal", shape, "fan_in")))


def lecun_uniform(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64") -> Array:
    """Uniform on ±sqrt(3 / n_in), whose variance is 1 / n_in (LeCun et al. 1998)."""
    return _uniform("lecun_uniform", rng, shape, dtype, math.sqrt(3 / _fan("lecun_uniform", shape, "fan_in")))


def xavier_normal(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64", *, gain: float = 1.0) -> Array:
    """N(0, gain²·2 / (n_in + n_out)), a compromise between forward and backward (Glorot & Bengio 2010)."""
    _at_least_zero("xavier_normal", "gain", gain)
    return _normal("xavier_normal", rng, shape, dtype, gain * math.sqrt(2 / _fan("xavier_normal", shape, "both")))


def xavier_uniform(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64", *, gain: float = 1.0) -> Array:
    """Uniform on ±gain·sqrt(6 / (n_in + n_out)), with the variance of `xavier_normal` (Glorot & Bengio 2010)."""
    _at_least_zero("xavier_uniform", "gain", gain)
    return _uniform("xavier_uniform", rng, shape, dtype, gain * math.sqrt(6 / _fan("xavier_uniform", shape, "both")))


def kaiming_normal(
    rng: np.random.Generator,
    shape: ShapeLike,
    dtype: Any = "float64",
    *,
    activation: str = "relu",
    mode: str = "fan_in",
    slope: float = 0.01,
) -> Array:
    """N(0, gain² / n) with the `gain` of the activation (He et al. 2015).

    ``mode="fan_in"`` (n = n_in) keeps the variance of the activations, "fan_out" (n = n_out) that of the gradients.
    """
    std = gain(activation, slope) / math.sqrt(_fan("kaiming_normal", shape, mode))
    return _normal("kaiming_normal", rng, shape, dtype, std)


def kaiming_uniform(
    rng: np.random.Generator,
    shape: ShapeLike,
    dtype: Any = "float64",
    *,
    activation: str = "relu",
    mode: str = "fan_in",
    slope: float = 0.01,
) -> Array:
    """Uniform on ±gain·sqrt(3 / n), with the variance and the arguments of `kaiming_normal`."""
    limit = gain(activation, slope) * math.sqrt(3 / _fan("kaiming_uniform", shape, mode))
    return _uniform("kaiming_uniform", rng, shape, dtype, limit)


def orthogonal(rng: np.random.Generator, shape: ShapeLike, dtype: Any = "float64", *, gain: float = 1.0) -> Array:
    """gain times a matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).

    Uniformly distributed among all such (Mezzadri 2007). A filter (out, in, *kernel) is the matrix (out, in·kernel).
    """
    _at_least_zero("orthogonal", "gain", gain)
    _fans("orthogonal", shape)  # two axes or more
    sizes = _sizes("orthogonal", shape)
    rows, columns = sizes[0], math.prod(sizes[1:])
    draws = _generator("orthogonal", rng).standard_normal((max(rows, columns), min(rows, columns)))
    Q, R = np.linalg.qr(draws)
    Q = Q * np.where(np.diagonal(R) < 0, -1, 1)  # the signs of QR are a convention: without them Q would be biased
    return (gain * (Q if rows >= columns else Q.T)).reshape(sizes).astype(_floating("orthogonal", dtype))


def truncated_normal(
    rng: np.random.Generator,
    shape: ShapeLike,
    dtype: Any = "float64",
    *,
    mean: float = 0.0,
    std: float = 0.01,
    bound: float = 2.0,
) -> Array:
    """Normal draws, drawn again while they are more than ``bound`` of their standard deviations from the mean.

    ``std`` is the standard deviation of the result. Truncation makes it smaller by the factor
    sqrt(1 - 2·bound·φ(bound) / (2·Φ(bound) - 1)), 0.88 for bound 2, by which that of the draws is larger.
    """
    _at_least_zero("truncated_normal", "std", std)
    if not bound >= 0.1:
        fail(ArgumentError, f"truncated_normal: bound must be at least 0.1, not {bound}")
    sizes = _sizes("truncated_normal", shape)
    draws = _generator("truncated_normal", rng).standard_normal(math.prod(sizes))
    outside = np.flatnonzero(np.abs(draws) > bound)
    while outside.size:
        draws[outside] = rng.standard_normal(outside.size)
        outside = outside[np.abs(draws[outside]) > bound]
    density = math.exp(-(bound**2) / 2) / math.sqrt(2 * math.pi)
    shrunk = math.sqrt(1 - 2 * bound * density / math.erf(bound / math.sqrt(2))) if math.isfinite(bound) else 1.0
    return (mean + std / shrunk * draws).reshape(sizes).astype(_floating("truncated_normal", dtype))


def gain(activation: str, slope: float = 0.01) -> float:
    """The factor on the standard deviation that makes up for what an activation takes away.

    linear, sigmoid, selu 1; tanh 5/3; relu sqrt(2); leaky_relu sqrt(2 / (1 + slope²)); gelu 1.5335; silu 1.6765.
    Those of gelu and silu keep the variance 1, but deviations from it grow by 14 and 17 percent in each layer: deep
    networks need normalizations there.

    >>> gain("leaky_relu", 1)
    1.0
    """
    if activation == "leaky_relu":
        return math.sqrt(2 / (1 + slope**2))
    if activation not in _GAINS:
        fail(ArgumentError, f"activation must be one of {_NAMES}, not {activation!r}")
    return _GAINS[activation]


def fans(shape: ShapeLike) -> tuple[int, int]:
    """(n_in, n_out): how many inputs one output sums, and how many outputs one input reaches.

    Two axes are the weights of ``x @ W``: (n_in, n_out). More are the filters of a convolution, (out, in, *kernel):
    n_in = in·kernel, n_out = out·kernel. The filters of a transposed convolution, (in, out, *kernel), have the two
    exchanged: ``mode="fan_out"`` counts their inputs. Raises ShapeError for fewer axes.

    >>> fans((64, 10)), fans((16, 3, 5, 5))
    ((64, 10), (75, 400))
    """
    return _fans("fans", shape)


def values(rng: np.random.Generator, initializers: Mapping[Node, Initializer]) -> dict[str, Array]:
    """Initial values for several inputs or parameters, by name: ``{W: init.xavier_uniform, b: init.zeros}``.

    Shapes and dtypes are those of the nodes; they draw in the order of the mapping. Options are bound by
    `functools.partial`; any function (rng, shape, dtype) -> array will do. Raises ShapeError for a named size.
    """
    found: dict[str, Array] = {}
    for node, initializer in initializers.items():
        name = node.attrs.get("name") if isinstance(node, Node) else None
        if not isinstance(name, str):
            what = label(node) if isinstance(node, Node) else repr(node)
            fail(ArgumentError, f"values: {what} is neither an input nor a parameter")
        if name in found:
            fail(ArgumentError, f"values: two nodes have the name {name!r}", node)
        if not callable(initializer):
            fail(ArgumentError, f"values: the initializer of {name} must be a function, not {initializer!r}", node)
        sizes = _sizes(name, node.shape)
        value = np.asarray(initializer(_generator("values", rng), sizes, node.dtype), node.dtype)
        if value.shape != sizes:
            fail(ShapeError, f"values: the initializer of {name} gave the shape {shape_text(value.shape)}", node)
        found[name] = value
    return found


def _normal(name: str, rng: Any, shape: Any, dtype: Any, std: float, mean: float = 0.0) -> Array:
    draws = _generator(name, rng).standard_normal(_sizes(name, shape))
    return np.asarray(mean + std * draws, _floating(name, dtype))


def _uniform(name: str, rng: Any, shape: Any, dtype: Any, limit: float) -> Array:
    draws = _generator(name, rng).uniform(-limit, limit, _sizes(name, shape))
    return np.asarray(draws, _floating(name, dtype))


def _fans(name: str, shape: Any) -> tuple[int, int]:
    sizes = _sizes(name, shape)
    if len(sizes) < 2:
        hint = "give one column, (n, 1), or use normal, zeros or constant, which need no n_in"
        fail(ShapeError, f"{name}: the shape {shape_text(sizes)} has no n_in and n_out: two axes are needed", hint=hint)
    kernel = math.prod(sizes[2:])
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (sizes[1] * kernel, sizes[0] * kernel)


def _fan(name: str, shape: Any, mode: str) -> int:
    """The n of a formula; at least 1, so that empty arrays have a scale, too."""
    if mode not in ("fan_in", "fan_out", "both"):
        fail(ArgumentError, f"{name}: mode must be 'fan_in' or 'fan_out', not {mode!r}")
    n_in, n_out = _fans(name, shape)
    return max(1, {"fan_in": n_in, "fan_out": n_out, "both": n_in + n_out}[mode])


def _generator(name: str, rng: Any) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        hint = "use np.random.default_rng(seed)"
        fail(ArgumentError, f"{name}: rng must be a NumPy Generator, not {type(rng).__name__}", hint=hint)
    return rng


def _sizes(name: str, shape: Any) -> tuple[int, ...]:
    sizes = as_shape(shape)
    for size in sizes:
        if not isinstance(size, int):
            fail(ShapeError, f"{name}: the shape {shape_text(sizes)} has the named size {size}: values need a number")
    return tuple(int(size) for size in sizes if isinstance(size, int))


def _floating(name: str, dtype: Any) -> np.dtype[Any]:
    found = as_dtype(dtype)
    if found.kind != "f":
        fail(DTypeError, f"{name}: dtype must be real floating, not {found}")
    return found


def _at_least_zero(name: str, argument: str, value: float) -> None:
    if not 0 <= value < math.inf:
        fail(ArgumentError, f"{name}: {argument} must be at least 0 and finite, not {value}")
