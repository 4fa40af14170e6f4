"""What rules need to know about indices: composing them, and where a slice begins and ends. Read `ops/indexing.py`."""

from collections.abc import Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ir.dims import Size
from graphad.ir.types import Shape
from graphad.ops.fit import expand_dims, squeeze
from graphad.ops.index import getitem
from graphad.ops.indexing import FULL, NEW, Pattern, Slice, slice_length


def as_pattern(x: Node) -> Pattern | None:
    """The index that a node applies to its input; new and removed axes of size 1 are indices, too."""
    if x.op is getitem:
        pattern: Pattern = x.attrs["index"]
        return pattern
    if x.op is expand_dims:
        axes = x.attrs["axis"]
        return tuple(NEW if k in axes else FULL for k in range(max(axes, default=-1) + 1))
    if x.op is squeeze:
        axes = x.attrs["axis"]
        return tuple(0 if k in axes else FULL for k in range(max(axes, default=-1) + 1))
    return None


def cut(x: Node, pattern: Sequence[Any]) -> Node:
    """``x[pattern]``, without what says nothing; ``x`` itself where nothing is left."""
    entries = list(pattern)
    while entries and entries[-1] == FULL:
        entries.pop()
    return getitem(x, tuple(entries)) if entries else x


def is_whole(shape: Shape, pattern: Pattern) -> bool:
    """Whether a pattern takes all of every axis, in order."""
    if len(pattern) > len(shape) or not all(isinstance(e, Slice) for e in pattern):
        return False
    return all(slice_of(s, e) == (0, s) for s, e in zip(shape, pattern, strict=False))


def slice_of(size: Size, item: Slice) -> tuple[Size, Size] | None:
    """Where a slice with step 1 begins and ends, counted from the front; None for another step, or if it is unknown."""
    if item.step not in (None, 1):
        return None
    if all(isinstance(v, int) or v is None for v in (size, item.start, item.stop)):
        low, high, _ = slice(item.start, item.stop).indices(size)
        return low, max(low, high)
    start, stop = (size + v if isinstance(v, int) and v < 0 else v for v in (item.start, item.stop))
    return 0 if start is None else start, size if stop is None else stop


def on_axis(x: Node, axis: int) -> tuple[Size, Size] | None:
    """Begin and end of a node that slices its input along just this axis."""
    if x.op is not getitem or len(x.attrs["index"]) != axis + 1:
        return None
    *others, entry = x.attrs["index"]
    if not isinstance(entry, Slice) or any(e != FULL for e in others):
        return None
    return slice_of(x.inputs[0].shape[axis], entry)


def composed(shape: Shape, inner: Pattern, outer: Pattern) -> Pattern | None:
    """The pattern of ``x[inner][outer]`` for an x of this shape, or None where there is none."""
    left = list(outer)
    out: list[Any] = []
    axis = 0
    for entry in (*inner, *[FULL] * (len(shape) - sum(e is not NEW for e in inner))):
        if entry is NEW or isinstance(entry, Slice):
            while left and left[0] is NEW:
                out.append(left.pop(0))
            after = left.pop(0) if left else FULL
            one = _over_new_axis(after) if entry is NEW else _in_slice(shape[axis], entry, after)
            if one is None:
                return None
            out += one
        else:
            out.append(entry)
        axis += entry is not NEW
    out += left
    while out and out[-1] == FULL:
        out.pop()
    return tuple(out)


def _over_new_axis(after: Any) -> list[Any] | None:
    """What an index makes of an axis of size 1 that was just added."""
    if isinstance(after, Slice):
        numbers = all(isinstance(v, int) or v is None for v in after)
        return [NEW] if numbers and slice_length(1, after) == 1 else None
    return [] if after in (0, -1) else None


def _in_slice(size: Size, inner: Slice, after: Any) -> list[Any] | None:
    """A slice and what is taken from it as one entry."""
    if inner == FULL:
        return [after]
    if after == FULL:
        return [inner]
    if all(isinstance(v, int) or v is None for v in (size, *inner)):
        taken = range(*slice(*inner).indices(size))
        if isinstance(after, int):
            return [taken[after]] if -len(taken) <= after < len(taken) else None
        if not isinstance(after, Slice) or any(not isinstance(v, int) and v is not None for v in after):
            return None
        return [_as_slice(taken[slice(*after)], size)]  # type: ignore[arg-type]
    return _in_named(size, inner, after)


def _as_slice(taken: range, size: int) -> Slice:
    if not taken:
        return Slice(0, 0)
    if len(taken) == 1:
        return Slice(taken[0] or None, taken[0] + 1 if taken[0] + 1 != size else None)
    stop = None if taken.stop < 0 or taken.stop >= size else taken.stop
    start = None if taken.start == (0 if taken.step > 0 else size - 1) else taken.start
    return Slice(start, stop, None if taken.step == 1 else taken.step)


def _in_named(size: Size, inner: Slice, after: Any) -> list[Any] | None:
    """The same for a named size: x[::-1][::-1], x[a:][b:], x[a:-c][b:-d], x[a:][k] with a, b, c, d, k >= 0."""
    turned = Slice(None, None, -1)
    if inner == turned and after == turned:
        return [FULL]
    start = inner.start or 0
    if inner.step is not None or not isinstance(start, int) or start < 0:
        return None
    if isinstance(after, int) and inner.stop is None:
        return [start + after if after >= 0 else after]
    if not isinstance(after, Slice) or after.step is not None or not isinstance(after.start or 0, int):
        return None
    if (after.start or 0) < 0 or not all(v is None or (isinstance(v, int) and v < 0) for v in (inner.stop, after.stop)):
        return None
    stop = (inner.stop or 0) + (after.stop or 0)
    return [Slice(start + (after.start or 0) or None, stop or None)]


def takes_less(shape: Shape, pattern: Pattern) -> bool:
    """Whether a pattern surely picks fewer elements than there are."""
    axes = [e for e in pattern if e is not NEW]
    for size, entry in zip(shape, axes, strict=False):
        if not isinstance(entry, Slice):
            return size != 1
        if entry != FULL and slice_length(size, entry) != size:
            return True
    return False
