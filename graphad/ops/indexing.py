"""The normal form of an index: how ``x[1:, None, rows]`` is stored, checked, measured and printed.

A pattern is a tuple with one entry per item of the index, the ellipsis written out: an int, a `Slice`, NEW (a new axis)
or ARRAY (the next of the node's index arrays). DOTS is an ellipsis that stands for no axis at all; it is kept beside
index arrays, since for NumPy they then do not stand side by side. `index.py` has the ops that carry patterns.
"""

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphad.errors import ArgumentError, AxisError, DTypeError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Dim, Size
from graphad.ir.types import Shape, broadcast_shapes, shape_text
from graphad.ops.leaves import unnamed_constant

NEW, ARRAY, DOTS = None, "array", "..."


class Slice(NamedTuple):
    """A slice with bounds that may be named sizes."""

    start: Size | None = None
    stop: Size | None = None
    step: int | None = None


class Mask(NamedTuple):
    """An index array that came from a mask, with the mask's size along its axis; only until it is checked."""

    size: int


FULL = Slice()
Pattern = tuple[Any, ...]


def parse(x: Node, index: Any) -> tuple[Pattern, list[Node]]:
    """A user's index of ``x`` as a pattern and its index arrays.

    Raises AxisError for too many items or an int out of range, DTypeError for index arrays that are not integers,
    ArgumentError for a mask that is not constant.
    """
    items = list(index) if isinstance(index, tuple) else [index]
    arrays: list[Node] = []
    pattern: list[Any] = []
    for item in items:
        pattern.extend(_entries(x, item, arrays))
    pattern = _write_out_ellipsis(x, pattern)
    axis, chosen = 0, iter(arrays)
    for k, entry in enumerate(pattern):
        if entry in (NEW, DOTS):
            continue
        if isinstance(entry, Mask):
            pattern[k] = _check_mask(x, axis, entry)
        if pattern[k] == ARRAY:
            _check_positions(x, axis, next(chosen))
        else:
            pattern[k] = _check_entry(x, axis, entry)
        axis += 1
    while pattern and pattern[-1] == FULL and DOTS not in pattern:  # DOTS would stand for what is left out
        pattern.pop()
    return tuple(pattern), arrays


def _entries(x: Node, item: Any, arrays: list[Node]) -> list[Any]:
    """The pattern entries of one item of an index; index arrays are appended to ``arrays``."""
    if item is None or item is Ellipsis:
        return [item]
    if isinstance(item, slice):
        return [Slice(_bound(item.start), _bound(item.stop), None if item.step is None else operator.index(item.step))]
    if isinstance(item, Dim):
        return [item]
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        return [int(item)]
    if isinstance(item, Node):
        mask = "constant" in item.op.traits and item.dtype == np.bool_
        if not mask:
            return _index_array(x, item, arrays)
        item = item.attrs["value"]
    array = np.asarray(item)
    if array.size == 0 and not isinstance(item, np.ndarray):
        array = array.astype(np.int64)  # x[[]] selects nothing
    if array.dtype != np.bool_:
        return _index_array(x, unnamed_constant(array), arrays)
    if not array.ndim:
        fail(ArgumentError, "index: a single boolean is no index", x, hint="use None for a new axis")
    arrays.extend(unnamed_constant(where) for where in np.nonzero(array))
    return [Mask(size) for size in array.shape]


def _index_array(x: Node, array: Node, arrays: list[Node]) -> list[Any]:
    if array.dtype == np.bool_:
        hint = "the number of chosen elements must be known: use ga.where(mask, x, 0), or a constant mask"
        fail(ArgumentError, f"index: the mask {label(array)} is not constant", x, array, hint=hint)
    if array.dtype.kind not in "iu":
        fail(DTypeError, f"index: an index array must hold integers, not {array.dtype}", x, array)
    arrays.append(array)
    return [ARRAY]


def _bound(value: Any) -> Size | None:
    if value is None or isinstance(value, Dim):
        return value
    try:
        return operator.index(value)
    except TypeError as problem:
        raise ArgumentError(f"a slice bound must be an int or a size, not {type(value).__name__}") from problem


def _write_out_ellipsis(x: Node, pattern: list[Any]) -> list[Any]:
    dots = [k for k, entry in enumerate(pattern) if entry is Ellipsis]
    used = len(pattern) - len(dots) - sum(entry is NEW for entry in pattern)
    if len(dots) > 1:
        fail(AxisError, "index: only one ellipsis may be used", x)
    if used > x.ndim:
        fail(AxisError, f"index: {used} items for {label(x)}, which has {x.ndim} axes", x)
    if not dots:
        return pattern
    at = dots[0]
    stands_for: list[Any] = [FULL] * (x.ndim - used)
    if not stands_for and any(entry == ARRAY or isinstance(entry, Mask) for entry in pattern):
        stands_for = [DOTS]
    return pattern[:at] + stands_for + pattern[at + 1 :]


def _check_entry(x: Node, axis: int, entry: Any) -> Any:
    size = x.shape[axis]
    if isinstance(entry, int) and isinstance(size, int) and not -size <= entry < size:
        fail(AxisError, f"index: {entry} is out of range for axis {axis} of {label(x)} with size {size}", x)
    if isinstance(entry, Slice):
        if entry.step == 0:
            fail(ArgumentError, "index: a slice step must not be zero", x)
        step = None if entry.step == 1 else entry.step
        stop = None if entry.stop == size and (step or 1) > 0 else entry.stop
        return Slice(None if entry.start == 0 and (step or 1) > 0 else entry.start, stop, step)
    return entry


def _check_mask(x: Node, axis: int, mask: Mask) -> str:
    if isinstance(x.shape[axis], int) and mask.size != x.shape[axis]:
        what = f"index: a mask of size {mask.size} for axis {axis} of {label(x)} with size {x.shape[axis]}"
        fail(ShapeError, what, x)
    return ARRAY


def _check_positions(x: Node, axis: int, array: Node) -> None:
    """Positions that are known must lie within the axis."""
    size = x.shape[axis]
    if not isinstance(size, int) or "constant" not in array.op.traits:
        return
    positions = array.attrs["value"]
    for k in (positions.min(), positions.max()) if positions.size else ():
        if not -size <= k < size:
            fail(AxisError, f"index: {k} is out of range for axis {axis} of {label(x)} with size {size}", x)


def slice_length(size: Size, item: Slice) -> Size:
    """The number of elements that a slice takes from an axis.

    For a named size the bounds are assumed to lie within it; this is checked when the sizes are known, at the call.
    """
    if item == FULL:
        return size
    if all(isinstance(s, int) or s is None for s in (size, item.start, item.stop)):
        return len(range(*slice(*item).indices(size)))
    step = item.step or 1
    first: Size = (0 if step > 0 else size - 1) if item.start is None else _from_front(size, item.start)
    last: Size = (size if step > 0 else -1) if item.stop is None else _from_front(size, item.stop)
    span = last - first if step > 0 else first - last
    count = -(-span // abs(step))
    return max(count, 0) if isinstance(count, int) else count


def _from_front(size: Size, bound: Size) -> Size:
    return size + bound if isinstance(bound, int) and bound < 0 else bound


def indexed_shape(x: Node, pattern: Pattern, arrays: Sequence[Node]) -> Shape:
    """The shape of ``x[pattern]`` by NumPy's rules. Raises ShapeError.

    The common shape of the index arrays replaces them where they stand side by side, and comes first where they do not;
    an int beside index arrays counts as one.
    """
    advanced = bool(arrays)
    picked = broadcast_shapes(*(a.shape for a in arrays)) if advanced else ()
    if picked is None:
        texts = ", ".join(shape_text(a.shape) for a in arrays)
        fail(ShapeError, f"index: index arrays of shapes {texts} do not broadcast", x, *arrays)
    shape: list[Size] = []
    positions: list[int] = []
    insert_at, axis = 0, 0
    for k, entry in enumerate(pattern):
        if entry is NEW:
            shape.append(1)
            continue
        if entry == DOTS:
            continue
        if isinstance(entry, Slice):
            shape.append(slice_length(x.shape[axis], entry))
        elif advanced:
            insert_at = insert_at if positions else len(shape)
            positions.append(k)
        axis += 1
    shape.extend(x.shape[axis:])
    apart = bool(positions) and positions[-1] - positions[0] >= len(positions)
    at = 0 if apart else insert_at
    return (*shape[:at], *picked, *shape[at:])


def text(pattern: Pattern, arrays: str = "arrays") -> str:
    """The pattern as it stands between brackets; index arrays appear as placeholders ``{arrays0}``, ``{arrays1}``."""
    count = iter(range(len(pattern)))
    items = []
    for entry in pattern:
        if isinstance(entry, Slice):
            start, stop, step = ("" if v is None else str(v) for v in entry)
            items.append(f"{start}:{stop}" + (f":{step}" if step else ""))
        else:
            items.append(f"{{{arrays}{next(count)}}}" if entry == ARRAY else str(entry))
    return ", ".join(items) or "..."


def index_object(pattern: Pattern, arrays: str = "arrays") -> str:
    """The pattern as a Python object to be handed to a function."""
    if len(pattern) == 1 and isinstance(pattern[0], int):
        return str(pattern[0])
    if pattern == (ARRAY,):
        return f"{{{arrays}0}}"
    return f"np.s_[{text(pattern, arrays)}]"
