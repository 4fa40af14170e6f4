"""Choosing and ordering elements: sorted order, positions along an axis, choices, interpolation in a table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphad.errors import ArgumentError, AxisError, ShapeError
from graphad.functional.layout import part, side_by_side
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.origin import composite
from graphad.ir.types import broadcast_shapes
from graphad.ops import sort as order
from graphad.ops.at import At
from graphad.ops.attributes import as_int, normal_axis
from graphad.ops.casts import cast
from graphad.ops.elementwise import remainder
from graphad.ops.fit import expand_dims, stretch
from graphad.ops.index import concatenate, flip, index, stack
from graphad.ops.kinks import clip
from graphad.ops.layout import ravel
from graphad.ops.leaves import arange, as_node
from graphad.ops.piecewise import where
from graphad.ops.sort import searchsorted as searchsorted


def _axis_or_flat(x: Any, axis: int | None) -> tuple[Node, int]:
    return (ravel(x), 0) if axis is None else (as_node(x), normal_axis(axis, [as_node(x)]))


@composite
def sort(
    x: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool = True, descending: bool = False
) -> Node:
    """In ascending order along an axis (flattened for None), as `numpy.sort`; nan last.

    The gradient goes back through the permutation; of equal elements each keeps its own, in their order. ``kind`` and
    ``stable`` are there for NumPy's sake.
    """
    node, k = _axis_or_flat(x, axis)
    out = order.sort_along(node, k)
    return flip(out, k) if descending else out


@composite
def argsort(
    x: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool = True, descending: bool = False
) -> Node:
    """The positions of the elements in ascending order along an axis, int64; equal elements keep their order."""
    node, k = _axis_or_flat(x, axis)
    if not descending:
        return order.argsort(node, k)
    backwards = flip(order.argsort(flip(node, k), k), k)  # equal elements keep their order in descending order, too
    return node.shape[k] - 1 - backwards


@composite
def partition(a: Any, kth: int | Sequence[int], axis: int | None = -1) -> Node:
    """An order in which the kth element stands where sorting puts it, smaller ones before, larger ones after.

    Here: the sorted order, which is one such (`numpy.partition` leaves the rest undefined). Raises AxisError.
    """
    node, k = _axis_or_flat(a, axis)
    _check_kth(node, kth, k)
    return order.sort_along(node, k)


@composite
def argpartition(a: Any, kth: int | Sequence[int], axis: int | None = -1) -> Node:
    """The positions of the elements in the order of `partition`."""
    node, k = _axis_or_flat(a, axis)
    _check_kth(node, kth, k)
    return order.argsort(node, k)


def _check_kth(x: Node, kth: int | Sequence[int], axis: int) -> None:
    n = x.shape[axis]
    for k in [kth] if isinstance(kth, (int, np.integer)) else kth:
        if isinstance(n, int) and not -n <= as_int(k, "partition: kth", x) < n:
            fail(AxisError, f"partition: kth = {k} is out of range for size {n}", x)


class TopK(NamedTuple):
    """The largest elements in descending order, and their positions."""

    values: Node
    indices: Node


@composite
def top_k(x: Any, k: int, axis: int = -1) -> TopK:
    """The k largest elements along an axis in descending order, and where they stand; of equal ones the first.

    Raises ShapeError when there are fewer than k.
    """
    x = as_node(x)
    at, count = normal_axis(axis, [x]), as_int(k, "top_k: k", x)
    n = x.shape[at]
    if count < 0 or (isinstance(n, int) and count > n):
        fail(ShapeError, f"top_k: k = {count} of the {n} elements along axis {at} of {label(x)}", x)
    first = part(argsort(x, at, descending=True), at, slice(0, count))
    return TopK(order.take_along(x, first, at), first)


@composite
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Node:
    """Elements at positions along an axis, a list of positions per line, as `numpy.take_along_axis`.

    ``indices``: integers; as many axes as ``arr``, the others broadcast. Raises ShapeError.
    """
    x, at = _axis_or_flat(arr, axis)
    picks = as_node(indices)
    if axis is None:
        picks = ravel(picks)
    if picks.ndim != x.ndim:
        fail(ShapeError, f"take_along_axis: indices of {picks.ndim} axes for an array of {x.ndim}", x, picks)
    lines = (*x.shape[:at], 1, *x.shape[at + 1 :])
    common = broadcast_shapes(lines, picks.shape)
    if common is None:
        fail(ShapeError, f"take_along_axis: indices of shape {picks.shape} do not fit {x.shape}", x, picks)
    spread = (*common[:at], x.shape[at], *common[at + 1 :])
    return order.take_along(stretch(x, spread), stretch(picks, common), at)


@composite
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int) -> Node:
    """A copy with ``values`` at positions along an axis (NumPy's function writes in place and returns nothing)."""
    x, at = _axis_or_flat(arr, axis)
    picks = as_node(indices)
    key = [
        picks if k == at else expand_dims(arange(x.shape[k]), tuple(j for j in range(x.ndim) if j != k))
        for k in range(x.ndim)
    ]
    return At(x)[tuple(key)].set(values)


@composite
def choose(a: Any, choices: Sequence[Any], mode: str = "raise") -> Node:
    """Element by element from the choice that ``a`` numbers, as `numpy.choose`; all shapes broadcast.

    ``mode``: "wrap" or "clip" say what happens to numbers out of range; "raise": the compiled function raises.
    """
    from_ = as_node(a)
    nodes = (
        side_by_side(*choices) if not isinstance(choices, Node) else [index(choices, i) for i in range(len(choices))]
    )
    common = broadcast_shapes(from_.shape, *(c.shape for c in nodes))
    if common is None:
        fail(ShapeError, "choose: shapes do not broadcast", from_, *nodes)
    picks = _in_range("choose", stretch(from_, common), len(nodes), mode)
    return index(order.take_along(stack([stretch(c, common) for c in nodes]), expand_dims(picks, 0), 0), 0)


def _in_range(name: str, picks: Node, n: Size, mode: str) -> Node:
    if mode not in ("raise", "wrap", "clip"):
        fail(ArgumentError, f"{name}: mode must be 'raise', 'wrap' or 'clip', not {mode!r}", picks)
    return picks if mode == "raise" else remainder(picks, n) if mode == "wrap" else clip(picks, 0, n - 1)


@composite
def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Node:
    """Elements at integer ``indices`` along an axis (of the flattened array unless given), as `numpy.take`.

    ``mode``: "wrap" or "clip" say what happens to indices out of range; "raise": the compiled function raises.
    """
    x, at = _axis_or_flat(a, axis)
    picks = indices if mode == "raise" else _in_range("take", as_node(indices), x.shape[at], mode)
    return index(x, (*[slice(None)] * at, picks))


@composite
def compress(condition: Any, a: Any, axis: int | None = None) -> Node:
    """The parts along an axis (of the flattened array unless given) whose condition, a constant, holds.

    Raises ArgumentError when the condition is not known when the graph is built.
    """
    if isinstance(condition, Node) and "constant" not in condition.op.traits:
        hint = "the number of chosen elements must be known: use ga.where"
        fail(ArgumentError, "compress: the condition is not constant", condition, hint=hint)
    mask = np.asarray(condition.attrs["value"] if isinstance(condition, Node) else condition, bool)
    x, at = _axis_or_flat(a, axis)
    if mask.ndim != 1:
        fail(ShapeError, "compress: the condition must have one axis", x)
    return part(x, at, np.flatnonzero(mask))


@composite
def extract(condition: Any, arr: Any) -> Node:
    """The elements where a constant condition holds, flattened."""
    return compress(np.ravel(condition) if not isinstance(condition, Node) else condition, arr)


@composite
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Node:
    """Piecewise linear interpolation through the points (xp, fp), ``xp`` ascending, as `numpy.interp`.

    Differentiable in x, xp and fp; at a point of the table the slope is that of the piece to its right. ``left`` and
    ``right`` are the values beyond the ends (those at the ends unless given). Unlike NumPy's, float32 stays float32.
    Raises ShapeError.
    """
    at, xs, fs = (v if v.dtype.kind in "fc" else cast(v, np.dtype("float64")) for v in map(as_node, (x, xp, fp)))
    if xs.ndim != 1 or xs.shape != fs.shape or xs.shape == (0,):
        fail(ShapeError, "interp: xp and fp must be vectors of one length, not empty", xs, fs)
    if period == 0:
        fail(ArgumentError, "interp: period must not be 0", at)
    if period is not None:
        at, xs, fs = _periodic(at, xs, fs, abs(period))
    n = xs.shape[0]
    if n == 1:
        inside = stretch(fs, at.shape) if at.ndim else index(fs, 0)
    else:
        k = clip(order.search(xs, at, "right") - 1, 0, n - 2)
        x0, f0 = index(xs, k), index(fs, k)
        inside = f0 + (index(fs, k + 1) - f0) / (index(xs, k + 1) - x0) * (at - x0)
    if period is not None:
        return inside
    ends = [index(fs, 0) if left is None else left, index(fs, -1) if right is None else right]
    return where(at < index(xs, 0), ends[0], where(at > index(xs, -1), ends[1], inside))


def _periodic(x: Node, xp: Node, fp: Node, period: float) -> tuple[Node, Node, Node]:
    """The table on one period, sorted, with the last point before it and the first one after it."""
    xp = remainder(xp, period)
    by = order.argsort(xp)
    xp, fp = index(xp, by), index(fp, by)
    first, last = slice(0, 1), slice(-1, None)
    xs = concatenate([index(xp, last) - period, xp, index(xp, first) + period])
    return remainder(x, period), xs, concatenate([index(fp, last), fp, index(fp, first)])
