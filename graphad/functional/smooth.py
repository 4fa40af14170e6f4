"""Softmax and its kin under their public names; the ops are in `ops/log_domain.py`."""

from typing import Any

from graphad.ir.core import Node
from graphad.ir.origin import composite
from graphad.ops import log_domain
from graphad.ops.attributes import all_axes, normal_axes
from graphad.ops.casts import as_float, real
from graphad.ops.elementwise import divide, exp, log
from graphad.ops.fit import squeeze, sum
from graphad.ops.piecewise import stop_gradient
from graphad.ops.reduce import max

Axis = int | tuple[int, ...] | None


@composite
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Node:
    """log Σ exp(x) over the axes, all unless given, without overflow; -inf of no elements. Integers become float64."""
    x = as_float(x)
    if x.dtype.kind != "c":
        return log_domain.log_sum_exp(x, axis, keepdims)
    top = _largest_real_part(x, axis)
    out = log(sum(exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else squeeze(out, all_axes(x, normal_axes(axis, [x])))


@composite
def softmax(x: Any, axis: Axis = -1) -> Node:
    """exp(x) / Σ exp(x) along the axes: positive, adding up to 1. Integers become float64."""
    x = as_float(x)
    if x.dtype.kind != "c":
        return log_domain.softmax(x, axis)
    weights = exp(x - _largest_real_part(x, axis))
    return divide(weights, sum(weights, axis=axis, keepdims=True))


@composite
def log_softmax(x: Any, axis: Axis = -1) -> Node:
    """log of `softmax`, precise also where that is near 0 or near 1. Integers become float64."""
    x = as_float(x)
    return log_domain.log_softmax(x, axis) if x.dtype.kind != "c" else x - logsumexp(x, axis, keepdims=True)


def _largest_real_part(x: Node, axis: Axis) -> Node:
    """What complex numbers are shifted by; constant for differentiation."""
    return stop_gradient(max(real(x), axis=axis, keepdims=True))
