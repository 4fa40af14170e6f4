"""Which axis of its operands an op needs in pieces so that one axis of its result comes in pieces.

A tile loop computes rows lo … hi of several values at once. `cuts` says, for one axis of a node's result, which axis of
each input must be cut in the same way (None: the input is used whole); `sums_over` says whether a node fed with pieces
is the sum of what the pieces give.
"""

from collections.abc import Callable, Sequence

from graphad.ir.core import Node, Op
from graphad.ir.dims import Dim, Size, product
from graphad.ops.attributes import all_axes
from graphad.ops.casts import astype
from graphad.ops.contract import matmul
from graphad.ops.fit import broadcast_to, expand_dims, squeeze, sum
from graphad.ops.index import concatenate, getitem
from graphad.ops.indexing import ARRAY, DOTS, FULL, NEW
from graphad.ops.layout import reshape, transpose
from graphad.ops.log_domain import balance, log_softmax, log_sum_exp, softmax
from graphad.ops.piecewise import stop_gradient
from graphad.ops.reduce import all as all_op
from graphad.ops.reduce import any as any_op
from graphad.ops.reduce import argmax, argmin, max, mean, min, prod

Cuts = tuple[int | None, ...]


def cuts(node: Node, axis: int) -> Cuts | None:
    """The axis of each input that is cut when ``axis`` of the result is; None where the op needs everything at once."""
    if "elementwise" in node.op.traits or node.op in (astype, stop_gradient):
        return (axis,) * len(node.inputs)
    rule = _CUTS.get(node.op)
    return rule(node, axis) if rule else None


def sums_over(node: Node, cut: Sequence[int | None]) -> bool:
    """Whether the results for pieces of the inputs, cut at these axes, add up to the result of the node."""
    if node.op in (sum, mean):
        return cut[0] in all_axes(node.inputs[0], node.attrs["axis"])
    if node.op is matmul:
        x, y = node.inputs
        return cut == (x.ndim - 1, 0 if y.ndim == 1 else y.ndim - 2)
    return False


def _reduction(node: Node, axis: int) -> Cuts | None:
    (x,) = node.inputs
    reduced = all_axes(x, node.attrs["axis"])
    if node.ndim == x.ndim:  # keepdims
        return None if axis in reduced else (axis,)
    return ([k for k in range(x.ndim) if k not in reduced][axis],)


def _along_axis(node: Node, axis: int) -> Cuts | None:
    """Softmax and its kin: rows are independent."""
    over = all_axes(node.inputs[0], node.attrs["axis"])
    return None if axis in over else (axis,) * len(node.inputs)


def _broadcast(node: Node, axis: int) -> Cuts:
    (x,) = node.inputs
    k = axis - (node.ndim - x.ndim)
    return (k if k >= 0 and x.shape[k] == node.shape[axis] else None,)


def _expanded(node: Node, axis: int) -> Cuts | None:
    new = {a % node.ndim for a in node.attrs["axis"]}
    return None if axis in new else ([k for k in range(node.ndim) if k not in new].index(axis),)


def _squeezed(node: Node, axis: int) -> Cuts:
    (x,) = node.inputs
    gone = all_axes(x, node.attrs["axis"])
    return ([k for k in range(x.ndim) if k not in gone][axis],)


def _transposed(node: Node, axis: int) -> Cuts:
    return (node.attrs["axes"][axis],)


def _reshaped(node: Node, axis: int) -> Cuts | None:
    """An axis that stays whole, with as many elements before it."""
    (x,) = node.inputs
    before: Size = product(node.shape[:axis])
    for k in range(x.ndim):
        if x.shape[k] == node.shape[axis] and product(x.shape[:k]) == before:
            return (k,)
    return None


def _sliced(node: Node, axis: int) -> Cuts | None:
    """An axis that the index leaves as it is."""
    at = source = 0
    for entry in node.attrs["index"]:
        if entry in (ARRAY, DOTS):
            return None
        if at == axis and not isinstance(entry, int | Dim):
            return (source,) if entry == FULL else None
        at += not isinstance(entry, int | Dim)
        source += entry is not NEW
    return (source + axis - at,)


def _joined(node: Node, axis: int) -> Cuts | None:
    return None if axis == node.attrs["axis"] % node.ndim else (axis,) * len(node.inputs)


def _matrix_product(node: Node, axis: int) -> Cuts | None:
    x, y = node.inputs
    rows, columns = x.ndim > 1, y.ndim > 1
    if columns and axis == node.ndim - 1:
        return (None, y.ndim - 1)
    if rows and axis == node.ndim - 1 - columns:
        return (x.ndim - 2, None)
    return (axis if x.ndim > 2 else None, axis if y.ndim > 2 else None)


_CUTS: dict[Op, Callable[[Node, int], Cuts | None]] = {
    **dict.fromkeys((sum, mean, max, min, prod, all_op, any_op), _reduction),
    **dict.fromkeys((softmax, log_softmax, balance), _along_axis),
    **dict.fromkeys((log_sum_exp, argmax, argmin), _reduction),
    broadcast_to: _broadcast,
    expand_dims: _expanded,
    squeeze: _squeezed,
    transpose: _transposed,
    reshape: _reshaped,
    getitem: _sliced,
    concatenate: _joined,
    matmul: _matrix_product,
}
