"""Softmax and its kin: exponentials added up without overflow. Integers become float64: unsigned ones have no -x."""

import math
from typing import Any

from graphad.ir.core import Node
from graphad.ir.origin import composite
from graphad.ops.attributes import all_axes, normal_axes
from graphad.ops.casts import as_float, real
from graphad.ops.elementwise import divide, exp, log, subtract
from graphad.ops.fit import full, reduced_shape, squeeze, sum
from graphad.ops.piecewise import isfinite, stop_gradient, where
from graphad.ops.reduce import max

Axis = int | tuple[int, ...] | None


def _top(x: Node, axis: Axis) -> Node:
    """The largest element along the axes, kept as size 1 and constant for differentiation."""
    return stop_gradient(max(real(x) if x.dtype.kind == "c" else x, axis=axis, keepdims=True))


def _finite_top(x: Node, axis: Axis) -> Node:
    """As `_top`, and 0 where that is infinite: then infinite elements keep their meaning."""
    top = _top(x, axis)
    return where(isfinite(top), top, 0)


@composite
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Node:
    """log Σ exp(x) over the axes, shifted by the largest element so that nothing overflows; -inf of no elements."""
    x = as_float(x)
    axes = normal_axes(axis, [x])
    if 0 in [x.shape[k] for k in all_axes(x, axes)]:
        return full(reduced_shape(x, axes, keepdims), -math.inf, x.dtype)
    top = _finite_top(x, axis)
    out = log(sum(exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else squeeze(out, all_axes(x, axes))


@composite
def softmax(x: Any, axis: Axis = -1) -> Node:
    """exp(x) / Σ exp(x) along the axes: positive, adding up to 1."""
    x = as_float(x)
    weights = exp(x - _top(x, axis))
    return divide(weights, sum(weights, axis=axis, keepdims=True))


@composite
def log_softmax(x: Any, axis: Axis = -1) -> Node:
    """log of `softmax`: x - log Σ exp(x), both less the largest element, so that large ones lose no digits."""
    x = as_float(x)
    rest = x - _finite_top(x, axis)
    return subtract(rest, log(sum(exp(rest), axis=axis, keepdims=True)))
