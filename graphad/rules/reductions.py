"""Reductions over what is repeated, scaled or reduced already. They change rounding: another order of the same sum."""

from graphad.ir.core import Node, Op
from graphad.ir.dims import Size, product
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import divide, multiply, negative
from graphad.ops.fit import as_count, broadcast_to, expand_dims, squeeze, stretch, sum
from graphad.ops.layout import reshape, transpose
from graphad.ops.reduce import max as max_of
from graphad.ops.reduce import mean, prod
from graphad.ops.reduce import min as min_of
from graphad.rules.engine import Rule, used_once
from graphad.rules.layout import merged_axes

_FIELDS = "fc"  # sums of small integers change their dtype


def reduced_broadcast(node: Node) -> Node | None:
    """The sum over an axis along which x is repeated n times is n·x; mean, max and min of equals are x."""
    (x,) = node.inputs
    if x.op is not broadcast_to or x.dtype != node.dtype or x.dtype.kind not in _FIELDS:
        return None
    (source,), axes = x.inputs, all_axes(x, node.attrs["axis"])
    lead = x.ndim - source.ndim
    same = [k for k in axes if k < lead or source.shape[k - lead] != x.shape[k]]
    count: Size = product([x.shape[k] for k in same])
    if not same or count == 0 or (node.op is not sum and not isinstance(count, int)):
        return None
    rest = [k - lead for k in axes if k not in same]
    inner = node.op(source, axis=tuple(rest), keepdims=True) if rest else source
    gone = tuple(k - lead for k in axes if k >= lead)
    if node.attrs["keepdims"]:
        inner = stretch(inner, node.shape)
    else:
        inner = stretch(squeeze(inner, gone) if gone else inner, node.shape)
    return multiply(stretch(as_count(count, node.dtype), node.shape), inner) if node.op is sum else inner


def merged_sum(node: Node) -> Node | None:
    """The sum of sums is one sum; also for products, and for means."""
    (x,) = node.inputs
    if x.op is not node.op or x.dtype != node.dtype or x.inputs[0].dtype != x.dtype or not used_once(x):
        return None
    merged = merged_axes(x, node)
    return None if merged is None else node.op(x.inputs[0], **merged)


def reduced_rearranged(node: Node) -> Node | None:
    """The sum of all elements does not depend on their layout."""
    (x,) = node.inputs
    moved = x.op in (reshape, transpose, expand_dims, squeeze)
    everything = node.attrs["axis"] is None and not node.attrs["keepdims"]
    return node.op(x.inputs[0], **node.attrs) if moved and everything else None


def scale_out_of_sum(node: Node) -> Node | None:
    """Σ c·x = c·Σ x and Σ x/c = (Σ x)/c for a scalar c; also for means, and Σ -x = -Σ x."""
    (x,) = node.inputs
    if x.dtype != node.dtype or x.dtype.kind not in _FIELDS or not used_once(x):
        return None
    if x.op is negative and node.op is mean:
        return negative(mean(x.inputs[0], **node.attrs))
    if x.op not in (multiply, divide) or node.size == x.size or 0 in x.shape:
        return None
    a, b = x.inputs
    if _is_scalar(b) and a.dtype == x.dtype:
        return x.op(node.op(a, **node.attrs), stretch(b.inputs[0], node.shape))
    if x.op is multiply and _is_scalar(a):
        return multiply(stretch(a.inputs[0], node.shape), node.op(b, **node.attrs))
    return None


def _is_scalar(x: Node) -> bool:
    return x.op is broadcast_to and not x.inputs[0].ndim


CLOSE: dict[Op, tuple[Rule, ...]] = {
    sum: (merged_sum, reduced_broadcast, reduced_rearranged, scale_out_of_sum),
    mean: (merged_sum, reduced_broadcast, reduced_rearranged, scale_out_of_sum),
    prod: (merged_sum, reduced_rearranged),
    max_of: (reduced_broadcast,),
    min_of: (reduced_broadcast,),
}
