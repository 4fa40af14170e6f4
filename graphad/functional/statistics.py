"""Statistics: moments, order statistics, covariance. Composites of reductions and sorting."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.functional.reductions import Axis, max, mean, min, numbers, sum
from graphad.functional.reductions import mean as mean_of
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import product
from graphad.ir.origin import composite
from graphad.ops.attributes import all_axes, normal_axes, normal_axis
from graphad.ops.casts import cast
from graphad.ops.elementwise import sqrt, square
from graphad.ops.fit import as_count, astype, broadcast_to, expand_dims, ones_like, uniform_value
from graphad.ops.index import index
from graphad.ops.kinks import absolute, maximum
from graphad.ops.layout import moveaxis, reshape, transpose
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import isnan, where
from graphad.ops.piecewise import where as choose
from graphad.ops.sort import sort_along


@composite
def var(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Node:
    """Mean squared deviation from the mean, as `numpy.var`; of complex numbers that of the modulus.

    ``ddof`` (``correction`` in the array API) is subtracted from the number of elements in the divisor. ``where`` says
    which elements count; ``mean`` gives the mean, reduced with ``keepdims``, if it is known already.
    """
    x = as_node(x) if dtype is None else astype(as_node(x), dtype)
    offset = ddof if correction is None else correction
    deviation = x - (mean_of(x, axis=axis, keepdims=True, where=where) if mean is None else mean)
    squares = square(absolute(deviation)) if deviation.dtype.kind == "c" else square(deviation)
    if offset == 0:
        return mean_of(squares, axis=axis, keepdims=keepdims, where=where)
    if where is None:
        count = as_count(product([x.shape[k] for k in all_axes(x, normal_axes(axis, [x]))]), squares.dtype)
    else:
        count = sum(choose(where, ones_like(squares), 0), axis=axis, keepdims=keepdims)
    return sum(squares, axis=axis, keepdims=keepdims, where=where) / degrees_left(count, offset)


def degrees_left(count: Node, offset: Any) -> Node:
    """A divisor, the number of elements less an offset, which is 0 where there are too few: the result is nan then."""
    known = uniform_value(count)
    if known is None or isinstance(offset, Node):
        return maximum(count - offset, 0)
    return as_node(np.maximum(known - offset, 0), count.dtype)


@composite
def std(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: float | None = None,
) -> Node:
    """Square root of `var`, as `numpy.std`; where all elements are equal its gradient is nan or infinite."""
    return sqrt(var(x, axis, dtype, ddof, keepdims, where=where, mean=mean, correction=correction))


@composite
def nanvar(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    correction: float | None = None,
) -> Node:
    """`var` of all elements that are numbers; nan where there are too few. nan elements carry no gradient."""
    x = as_node(x)
    mask = numbers(x, where)
    return var(choose(mask, x, 0), axis, dtype, ddof, keepdims, where=mask, correction=correction)


@composite
def nanstd(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    correction: float | None = None,
) -> Node:
    """Square root of `nanvar`."""
    return sqrt(nanvar(x, axis, dtype, ddof, keepdims, where=where, correction=correction))


@composite
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Node:
    """The range: largest less smallest element."""
    x = as_node(x)
    return max(x, axis=axis, keepdims=keepdims) - min(x, axis=axis, keepdims=keepdims)


@composite
def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Node | tuple[Node, Node]:
    """Σ w·a / Σ w, as `numpy.average`; ``weights`` has the shape of ``a``, or of the axes. Raises ShapeError.

    With ``returned`` the sum of weights as well.
    """
    a = as_node(a)
    if weights is None:
        result = mean(a, axis=axis, keepdims=keepdims)
        count = product([a.shape[k] for k in all_axes(a, normal_axes(axis, [a]))])
        return (result, broadcast_to(as_count(count, result.dtype), result.shape)) if returned else result
    w = as_node(weights, a.dtype)
    if w.shape != a.shape:
        axes = () if axis is None else tuple(normal_axis(k, [a]) for k in np.ravel(axis))
        if w.shape != tuple(a.shape[k] for k in axes) or not axes:
            fail(ShapeError, f"average: weights of shape {w.shape} for axis {axis} of shape {a.shape}", a, w)
        w = transpose(w, np.argsort(axes)) if len(axes) > 1 else w
        w = expand_dims(w, tuple(k for k in range(a.ndim) if k not in axes))
    total = sum(broadcast_to(w, a.shape), axis=axis, keepdims=keepdims)
    result = sum(a * w, axis=axis, keepdims=keepdims) / total
    return (result, broadcast_to(total, result.shape)) if returned else result


# Quantiles: positions among n sorted elements, counted from 0; np.* functions take numbers and nodes alike ------------

_CONTINUOUS = {  # alpha and beta of Hyndman & Fan (1996)
    "linear": (1.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
    "interpolated_inverted_cdf": (0.0, 1.0),
}
_DISCRETE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "lower": (np.floor, np.floor),
    "higher": (np.ceil, np.ceil),
    "nearest": (np.rint, np.rint),
    "midpoint": (np.floor, np.ceil),
}
_STEPS: dict[str, tuple[float, Callable[[Any], Any]]] = {  # a shift, and the position of the first of two elements
    "inverted_cdf": (0.0, np.ceil),
    "averaged_inverted_cdf": (0.0, np.ceil),
    "closest_observation": (-0.5, lambda p: np.where(p % 2 == 1, p, np.floor(p) + 1)),
}


@composite
def quantile(a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Node:
    """The q-quantiles, 0 ≤ q ≤ 1, as `numpy.quantile`; nan where there is a nan. The axes of q come first.

    ``method``: linear, lower, higher, nearest, midpoint, or one of Hyndman & Fan (1996): inverted_cdf, hazen, weibull,
    averaged_inverted_cdf, closest_observation, interpolated_inverted_cdf, median_unbiased, normal_unbiased. ``q`` is a
    number or array, no node: ArgumentError.
    """
    if isinstance(q, Node):
        fail(ArgumentError, "quantile: q must be a number or an array, not a node", q)
    levels = np.asarray(q, np.float64)
    if not np.all((levels >= 0) & (levels <= 1)):
        fail(ArgumentError, "quantile: q must lie between 0 and 1")
    methods = [*_CONTINUOUS, *_DISCRETE, *_STEPS]
    if method not in methods:
        fail(ArgumentError, f"quantile: method {method!r} is not known", hint=", ".join(methods))
    x = _real("quantile", a)
    axes = all_axes(x, normal_axes(axis, [x]))
    ordered = sort_along(_axes_last(x, axes))
    values = _between(ordered, levels, method)
    if levels.ndim:  # the axis of the levels is the last one
        values = reshape(moveaxis(values, -1, 0), (*levels.shape, *ordered.shape[:-1]))
    values = where(isnan(index(ordered, (..., -1))), np.nan, values)
    return expand_dims(values, tuple(levels.ndim + k for k in axes)) if keepdims else values


def _real(name: str, a: Any) -> Node:
    node = as_node(a)
    if node.dtype.kind == "c":
        fail(DTypeError, f"{name}: {label(node)} is complex, which has no order", node, hint="use ga.abs, real or imag")
    return node if node.dtype.kind == "f" else cast(node, np.dtype("float64"))


def _axes_last(x: Node, axes: Sequence[int]) -> Node:
    """The axes flattened into one, which is the last."""
    kept = [k for k in range(x.ndim) if k not in axes]
    size = product([x.shape[k] for k in axes])
    if size == 0:
        fail(ShapeError, "a quantile of no elements does not exist", x)
    front = x if [*kept, *axes] == list(range(x.ndim)) else transpose(x, (*kept, *axes))
    return reshape(front, (*(x.shape[k] for k in kept), size)) if len(axes) != 1 else front


def _between(ordered: Node, levels: Any, method: str) -> Node:
    """Elements at positions that may lie between two of them; the axis of the levels, if any, is the last one."""
    size = ordered.shape[-1]
    n: Any = size if isinstance(size, int) else as_count(size, np.dtype("float64"))
    flat = levels.reshape(-1) if levels.ndim else levels
    share: Any = 0.5
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        position = np.clip(n * flat + (alpha - 1 + flat * (1 - alpha - beta)), 0, n - 1)
        lower, upper = np.floor(position), np.minimum(np.floor(position) + 1, n - 1)
        share = position - lower
    elif method in _STEPS:
        shift, first = _STEPS[method]
        position = n * flat - 1 + shift
        lower = np.clip(first(position), 0, n - 1)
        upper = np.clip(np.floor(position) + 1, 0, n - 1) if method == "averaged_inverted_cdf" else lower
    else:
        lower, upper = (rounding((n - 1) * flat) for rounding in _DISCRETE[method])
    below, above = (p.astype(np.int64) for p in (lower, upper))
    low, high = index(ordered, (..., below)), index(ordered, (..., above))
    known = not isinstance(below, Node)
    if method in ("midpoint", "averaged_inverted_cdf") and not (known and np.array_equal(below, above)):
        return (low + high) / 2
    if method not in _CONTINUOUS or (known and np.array_equal(share, np.zeros_like(share))):
        return low
    return low + (high - low) * (
        astype(share, ordered.dtype) if isinstance(share, Node) else share.astype(ordered.dtype)
    )


@composite
def percentile(a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Node:
    """The q-th percentiles, 0 ≤ q ≤ 100: `quantile` of q / 100."""
    return quantile(a, np.asarray(q, np.float64) / 100, axis, method=method, keepdims=keepdims)


@composite
def median(a: Any, axis: Axis = None, keepdims: bool = False) -> Node:
    """The middle element, or the mean of the middle two, which then share the gradient; nan where there is a nan."""
    x = _real("median", a)
    if 0 in [x.shape[k] for k in all_axes(x, normal_axes(axis, [x]))]:
        return mean(x, axis, keepdims=keepdims)  # nan, as in NumPy
    return quantile(x, 0.5, axis, method="midpoint", keepdims=keepdims)
