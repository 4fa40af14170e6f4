"""Softmax and its kin: exponentials added up without overflow."""

from typing import Any

from graphad.ir.core import Node
from graphad.ir.origin import composite
from graphad.ops.attributes import all_axes, normal_axes
from graphad.ops.casts import real
from graphad.ops.elementwise import divide, exp, log, subtract
from graphad.ops.fit import squeeze, sum
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import isfinite, stop_gradient, where
from graphad.ops.reduce import max

Axis = int | tuple[int, ...] | None


def _shift(x: Node, axis: Axis) -> Node:
    """The largest element along the axes, kept as size 1 and constant for differentiation; 0 where it is infinite."""
    top = stop_gradient(max(real(x) if x.dtype.kind == "c" else x, axis=axis, keepdims=True))
    return where(isfinite(top), top, 0)


@composite
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Node:
    """log Σ exp(x) over the axes, shifted by the largest element so that nothing overflows."""
    x = as_node(x)
    top = _shift(x, axis)
    out = log(sum(exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else squeeze(out, all_axes(x, normal_axes(axis, [x])))


@composite
def softmax(x: Any, axis: Axis = -1) -> Node:
    """exp(x) / Σ exp(x) along the axes: positive, adding up to 1."""
    x = as_node(x)
    weights = exp(x - _shift(x, axis))
    return divide(weights, sum(weights, axis=axis, keepdims=True))


@composite
def log_softmax(x: Any, axis: Axis = -1) -> Node:
    """log of `softmax`, computed as x - logsumexp(x)."""
    x = as_node(x)
    return subtract(x, logsumexp(x, axis=axis, keepdims=True))
