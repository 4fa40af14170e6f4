"""Parts of arrays: an index of an index is one, a part of what was joined, padded or written comes from its source.

EXACT rules move elements and compute nothing. A rule's docstring is its equation; `patterns.py` composes indices.
"""

from graphad.ir.core import Node, Op
from graphad.ir.dims import Size
from graphad.ops.diagonals import pad_zeros
from graphad.ops.fit import broadcast_to, expand_dims, squeeze, stretch
from graphad.ops.index import concatenate, gather, getitem, place, put, stack
from graphad.ops.indexing import ARRAY, FULL, NEW, Slice
from graphad.rules.engine import Rule, used_once
from graphad.rules.patterns import as_pattern, composed, cut, is_whole, slice_of

# Indices --------------------------------------------------------------------------------------------------------------


def index_of_index(node: Node) -> Node | None:
    """x[i][j] = x[k], where ints, slices and new axes can be composed."""
    (x,) = node.inputs
    inner, outer = as_pattern(x), as_pattern(node)
    if inner is None or outer is None:
        return None
    source = x.inputs[0]
    pattern = composed(source.shape, inner, outer)
    if pattern is None:
        return None
    if all(e is NEW or e == FULL for e in pattern):
        axes = tuple(k for k, e in enumerate(pattern) if e is NEW)
        return expand_dims(source, axes) if axes else source
    if all(e == FULL or (isinstance(e, int) and source.shape[k] == 1) for k, e in enumerate(pattern)):
        return squeeze(source, tuple(k for k, e in enumerate(pattern) if e != FULL))
    return getitem(source, pattern)


def whole(node: Node) -> Node | None:
    """x[:] = x."""
    (x,) = node.inputs
    return x if x.shape == node.shape and is_whole(x.shape, node.attrs["index"]) else None


def index_of_broadcast(node: Node) -> Node | None:
    """A part of repeated rows repeats a part of them."""
    (x,), pattern = node.inputs, node.attrs["index"]
    if x.op is not broadcast_to or NEW in pattern:
        return None
    (source,) = x.inputs
    lead = x.ndim - source.ndim
    entries = (*pattern, *[FULL] * (x.ndim - len(pattern)))
    part = []
    for k, entry in enumerate(entries[lead:]):
        stretched = source.shape[k] != x.shape[lead + k]
        part.append((FULL if isinstance(entry, Slice) else 0) if stretched else entry)
    return stretch(cut(source, part), node.shape)


def index_of_joined(node: Node) -> Node | None:
    """A part of joined arrays that lies within one of them, or takes some of them whole, is taken from those."""
    (x,) = node.inputs
    axis = x.attrs["axis"] if x.op is concatenate else len(node.attrs["index"])
    if NEW in node.attrs["index"] or len(node.attrs["index"]) <= axis:
        return None
    entry, rest = node.attrs["index"][axis], node.attrs["index"]
    if isinstance(entry, int):
        for part in x.inputs:
            size = part.shape[axis]
            if not isinstance(size, int) or entry < 0:
                return None
            if entry < size:
                return cut(part, (*rest[:axis], entry, *rest[axis + 1 :]))
            entry -= size
        return None
    return _slice_of_joined(node, x, axis, entry) if isinstance(entry, Slice) else None


def _slice_of_joined(node: Node, x: Node, axis: int, entry: Slice) -> Node | None:
    """The slice start:stop of joined arrays: whole arrays, or a slice of a single one."""
    if entry.step not in (None, 1):
        return None
    size, rest = x.shape[axis], node.attrs["index"]
    first: Size = 0 if entry.start is None else entry.start
    last: Size = size if entry.stop is None else entry.stop
    bounds: list[Size] = [0]
    for part in x.inputs:
        bounds.append(bounds[-1] + part.shape[axis])
    if first in bounds and last in bounds and (i := bounds.index(first)) < (j := bounds.index(last)):
        if (i, j) == (0, len(x.inputs)) or (j > i + 1 and not used_once(x)):
            return None
        chosen = x.inputs[i:j]
        whole_part = chosen[0] if len(chosen) == 1 else concatenate(*chosen, axis=axis)
        return cut(whole_part, (*rest[:axis], FULL, *rest[axis + 1 :]))
    for part, low, high in zip(x.inputs, bounds, bounds[1:], strict=False):
        numbers = all(isinstance(v, int) for v in (low, high, first, last))
        if numbers and low <= first < last <= high:
            return cut(part, (*rest[:axis], Slice(first - low or None, last - low), *rest[axis + 1 :]))
    return None


def index_of_stack(node: Node) -> Node | None:
    """stack(x, y, …)[k] is the k-th of them; a slice of a stack stacks some of them."""
    (x,), pattern = node.inputs, node.attrs["index"]
    axis = x.attrs["axis"] if x.op is stack else len(pattern)
    if NEW in pattern or len(pattern) <= axis:
        return None
    entry = pattern[axis]
    if isinstance(entry, int):
        return cut(x.inputs[entry], (*pattern[:axis], *pattern[axis + 1 :]))
    numbers = isinstance(entry, Slice) and all(v is None or isinstance(v, int) for v in entry)
    chosen = x.inputs[slice(*entry)] if numbers else ()
    if entry == FULL or not chosen or not used_once(x):
        return None
    return cut(stack(*chosen, axis=axis), (*pattern[:axis], FULL, *pattern[axis + 1 :]))


def index_of_padded(node: Node) -> Node | None:
    """A part of a padded array that lies inside the border is a part of the array."""
    (x,), pattern = node.inputs, node.attrs["index"]
    if x.op is not pad_zeros or NEW in pattern:
        return None
    (source,), entries = x.inputs, []
    for k, (before, after) in enumerate(x.attrs["widths"]):
        entry = pattern[k] if k < len(pattern) else FULL
        size, padded = source.shape[k], x.shape[k]
        if (before, after) == (0, 0):
            entries.append(entry)
        elif isinstance(entry, Slice) and slice_of(padded, entry) == (before, before + size):
            entries.append(FULL)
        elif not isinstance(size, int) or not isinstance(padded, int):
            return None
        elif isinstance(entry, int) and before <= entry % padded < before + size:
            entries.append(entry % padded - before)
        else:
            bounds = slice_of(padded, entry) if isinstance(entry, Slice) else None
            if bounds is None or not before <= bounds[0] <= bounds[1] <= before + size:
                return None
            entries.append(Slice(bounds[0] - before, bounds[1] - before))
    return cut(source, entries)


def index_of_written(node: Node) -> Node | None:
    """What was written at an index is read there: place(x, i)[i] = x and put(y, x, i)[i] = x."""
    (x,) = node.inputs
    if x.op not in (place, put) or x.attrs["index"] != node.attrs["index"]:
        return None
    written = x.inputs[-1]
    return written if len(x.inputs) == 1 + (x.op is put) and written.type == node.type else None


def index_of_gathered(node: Node) -> Node | None:
    """x[rows][k] = x[rows[k]]: take of a part."""
    (x,), pattern = node.inputs, node.attrs["index"]
    if x.op is not gather or not used_once(x) or len(x.inputs) != 2 or NEW in pattern:
        return None
    rows, own = x.inputs[1], x.attrs["index"]
    axis = len(own) - 1
    if rows.ndim != 1 or own != (*[FULL] * axis, ARRAY) or len(pattern) != axis + 1 or pattern[:axis] != own[:axis]:
        return None
    entry = pattern[axis]
    if isinstance(entry, int) and "constant" in rows.op.traits:
        return cut(x.inputs[0], (*own[:axis], int(rows.attrs["value"][entry])))
    return gather(x.inputs[0], cut(rows, (entry,)), index=own) if isinstance(entry, Slice) else None


def take_of_take(node: Node) -> Node | None:
    """x[rows][more] = x[rows[more]] along one axis."""
    x, *more = node.inputs
    own = node.attrs["index"]
    if x.op is not gather or not used_once(x) or x.attrs["index"] != own or len(more) != 1 or len(x.inputs) != 2:
        return None
    source, rows = x.inputs
    if rows.ndim != 1 or own != (*[FULL] * (len(own) - 1), ARRAY):
        return None
    return gather(source, gather(rows, more[0], index=(ARRAY,)), index=own)


EXACT: dict[Op, tuple[Rule, ...]] = {
    getitem: (
        whole,
        index_of_index,
        index_of_broadcast,
        index_of_joined,
        index_of_stack,
        index_of_padded,
        index_of_written,
        index_of_gathered,
    ),
    gather: (take_of_take,),
    **dict.fromkeys((squeeze, expand_dims), (index_of_index,)),
}
