"""Reductions with NumPy's full signatures: ``where=``, ``initial=``, and those that ignore nan."""

from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import as_dtype
from graphad.ops import reduce, scan
from graphad.ops.attributes import all_axes, normal_axes, normal_axis
from graphad.ops.casts import cast
from graphad.ops.elementwise import add, multiply
from graphad.ops.fit import astype, ones_like
from graphad.ops.fit import sum as sum_op
from graphad.ops.index import concatenate, index
from graphad.ops.kinks import maximum, minimum
from graphad.ops.layout import ravel
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import isnan, logical_and, logical_not, not_equal
from graphad.ops.piecewise import where as choose

Axis = int | tuple[int, ...] | None


def _chosen(mask: Any, x: Any, instead: Any) -> Node:
    """``x`` where the mask, if there is one, holds. Raises ShapeError for a mask that would enlarge it."""
    node = as_node(x)
    if mask is None:
        return node
    out: Node = choose(mask, node, instead)
    if out.shape != node.shape:
        fail(
            ShapeError, f"where= of shape {as_node(mask).shape} does not fit {label(node)} of shape {node.shape}", node
        )
    return out


def _initial(value: Any, out: Node) -> Node:
    """The first element of a reduction, in the dtype of its result."""
    return cast(as_node(value, out.dtype), out.dtype)


@composite
def sum(
    x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Node:
    """Sum over the given axes (all unless given), as `numpy.sum`; small integers add up in 64 bits."""
    out = sum_op(_chosen(where, x, 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return out if initial is None else add(out, _initial(initial, out))


@composite
def prod(
    x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Node:
    """Product over the given axes, as `numpy.prod`; derivatives of every order are exact where factors are zero."""
    out = reduce.prod(_chosen(where, x, 1), axis=axis, dtype=dtype, keepdims=keepdims)
    return out if initial is None else multiply(out, _initial(initial, out))


@composite
def mean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False, *, where: Any = None) -> Node:
    """Arithmetic mean over the given axes, as `numpy.mean`; integers have a float64 mean; that of nothing is nan."""
    if where is None:
        return reduce.mean(x, axis=axis, dtype=dtype, keepdims=keepdims)
    x = as_node(x) if dtype is None else astype(as_node(x), dtype)
    ones = ones_like(x, x.dtype if x.dtype.kind in "fc" else "float64")
    count = sum(_chosen(where, ones, 0), axis, keepdims=keepdims)
    return sum(x, axis, keepdims=keepdims, where=where) / count


@composite
def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Node:
    """Largest element over the given axes; nan if there is one. Equal largest elements share the gradient equally.

    ``initial`` takes part as one more element; with ``where`` it is needed. Raises ShapeError for an empty axis.
    """
    return _extreme("max", x, axis, keepdims, initial, where)


@composite
def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Node:
    """Smallest element over the given axes; nan if there is one. Equal smallest elements share the gradient equally.

    ``initial`` takes part as one more element; with ``where`` it is needed. Raises ShapeError for an empty axis.
    """
    return _extreme("min", x, axis, keepdims, initial, where)


def _extreme(name: str, x: Any, axis: Axis, keepdims: bool, initial: Any, mask: Any) -> Node:
    x = as_node(x)
    op, pair = {"max": (reduce.max, maximum), "min": (reduce.min, minimum)}[name]
    if initial is None:
        if mask is not None:
            fail(ArgumentError, f"{name}: where= needs initial=, the value of no element", x)
        return op(x, axis=axis, keepdims=keepdims)
    initial = _initial(initial, x)
    x = _chosen(mask, x, initial)
    if 0 in (x.shape[k] for k in all_axes(x, normal_axes(axis, [x]))):
        return add(sum_op(x, axis=axis, keepdims=keepdims), initial)  # a sum of nothing: zeros of the right shape
    out: Node = pair(op(x, axis=axis, keepdims=keepdims), initial)
    return out


@composite
def all(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = None) -> Node:
    """Whether all elements over the given axes are nonzero; of no elements they are."""
    return reduce.all(_chosen(where, x if where is None else not_equal(x, 0), True), axis=axis, keepdims=keepdims)


@composite
def any(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = None) -> Node:
    """Whether any element over the given axes is nonzero; of no elements none is."""
    return reduce.any(_chosen(where, x if where is None else not_equal(x, 0), False), axis=axis, keepdims=keepdims)


@composite
def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Node:
    """How many elements over the given axes are nonzero, int64."""
    return sum_op(not_equal(x, 0), axis=axis, keepdims=keepdims)


# Ignoring nan --------------------------------------------------------------------------------------------------------


def _numbers(x: Any, instead: float) -> Node:
    x = as_node(x)
    return choose(isnan(x), instead, x) if x.dtype.kind in "fc" else x


def numbers(x: Node, where: Any = None) -> Node:
    """Where the elements are numbers and the mask, if there is one, holds."""
    return logical_not(isnan(x)) if where is None else logical_and(logical_not(isnan(x)), where)


@composite
def nansum(
    x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Node:
    """Sum of all elements that are numbers; nan elements carry no gradient."""
    return sum(_numbers(x, 0), axis, dtype, keepdims, initial, where)


@composite
def nanprod(
    x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
) -> Node:
    """Product of all elements that are numbers; nan elements carry no gradient."""
    return prod(_numbers(x, 1), axis, dtype, keepdims, initial, where)


@composite
def nanmean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False, *, where: Any = None) -> Node:
    """Mean of all elements that are numbers; nan where there is none. nan elements carry no gradient."""
    return mean(x, axis, dtype, keepdims, where=numbers(as_node(x), where))


@composite
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Node:
    """Largest of all elements that are numbers; nan where there is none. ``initial`` and ``where`` as in `max`."""
    return _nan_extreme("max", x, axis, keepdims, initial, where)


@composite
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Node:
    """Smallest of all elements that are numbers; nan where there is none. ``initial`` and ``where`` as in `min`."""
    return _nan_extreme("min", x, axis, keepdims, initial, where)


def _nan_extreme(name: str, x: Any, axis: Axis, keepdims: bool, initial: Any, where: Any) -> Node:
    x = as_node(x)
    out = _extreme(name, _numbers(x, -np.inf if name == "max" else np.inf), axis, keepdims, initial, where)
    if initial is not None or x.dtype.kind not in "fc":
        return out
    return choose(reduce.all(isnan(x), axis=axis, keepdims=keepdims), np.nan, out)


# Running sums and products -------------------------------------------------------------------------------------------


@composite
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Node:
    """Sums from the first element to each one, along an axis or over the flattened array, as `numpy.cumsum`."""
    x = as_node(x)
    return scan.cumsum(ravel(x), 0, dtype) if axis is None else scan.cumsum(x, axis, dtype)


@composite
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Node:
    """Products from the first element to each one, along an axis or over the flattened array, as `numpy.cumprod`."""
    x = as_node(x)
    return scan.cumprod(ravel(x), 0, dtype) if axis is None else scan.cumprod(x, axis, dtype)


@composite
def cumulative_sum(x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Node:
    """The array API's `cumsum`: ``axis`` may be left out for one axis only; ``include_initial`` puts a 0 in front."""
    x = as_node(x)
    out = scan.cumsum(x, _only_axis("cumulative_sum", x, axis), dtype)
    return _with_initial(out, _only_axis("cumulative_sum", x, axis), 0) if include_initial else out


@composite
def cumulative_prod(x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Node:
    """The array API's `cumprod`: ``axis`` may be left out for one axis only; ``include_initial`` puts a 1 in front."""
    x = as_node(x)
    out = scan.cumprod(x, _only_axis("cumulative_prod", x, axis), dtype)
    return _with_initial(out, _only_axis("cumulative_prod", x, axis), 1) if include_initial else out


def _only_axis(name: str, x: Node, axis: int | None) -> int:
    if axis is None and x.ndim != 1:
        fail(ShapeError, f"{name}: axis must be given for {x.ndim} axes", x)
    return normal_axis(0 if axis is None else axis, [x])


def _with_initial(out: Node, axis: int, value: int) -> Node:
    head = ones_like(index(out, (slice(None),) * axis + (slice(0, 1),))) if out.shape[axis] != 0 else None
    if head is None:
        shape = (*out.shape[:axis], 1, *out.shape[axis + 1 :])
        head = ones_like(np.empty(shape, as_dtype(out.dtype)))
    return concatenate([head * value, out], axis=axis)
