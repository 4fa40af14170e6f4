"""Sums of parts that were placed into zeros: what the gradients of several slices, rows or look-ups of one array are.

Neighbors are joined, equal places added before they are placed. All rules change the order of a sum.
"""

from collections.abc import Callable, Iterator, Sequence

from graphad.ir.core import Node, Op
from graphad.ir.dims import Size, product
from graphad.ir.types import broadcast_shapes
from graphad.ops.elementwise import add, sum_n
from graphad.ops.fit import expand_dims, zeros
from graphad.ops.index import concatenate, place, put, scatter_add, stack
from graphad.ops.indexing import ARRAY, FULL, NEW, Pattern, Slice
from graphad.ops.layout import reshape
from graphad.ops.leaves import _arange
from graphad.rules.engine import Rule, used_once
from graphad.rules.patterns import slice_of


def one_place(node: Node) -> Node | None:
    """place(x, i) + place(y, i) = place(x + y, i); the same for values that are added at one index array."""
    return _merged(node, (place, scatter_add), _same_place, _added_first)


def _same_place(term: Node) -> object:
    return term.op, term.inputs[1:], term.attrs["index"]


def _added_first(terms: Sequence[Node]) -> Node:
    first = terms[0]
    total = sum_n(*(x.inputs[0] for x in terms)) if len(terms) > 2 else add(*(x.inputs[0] for x in terms))
    return first.op(total, *first.inputs[1:], **first.attrs)


def joined_rows(node: Node) -> Node | None:
    """scatter_add(x, i) + scatter_add(y, j) = scatter_add([x y], [i j]), unless rows outnumber the array's by far."""
    return _merged(node, (scatter_add,), _same_axis, _one_scatter)


def _same_axis(term: Node) -> object:
    pattern, arrays, shape = term.attrs["index"], term.inputs[1:], term.attrs["shape"]
    if len(arrays) != 1 or arrays[0].ndim == 0 or pattern != (*[FULL] * (len(pattern) - 1), ARRAY):
        return None
    rows, size = arrays[0].size, shape[len(pattern) - 1]
    many = isinstance(rows, int) and isinstance(size, int) and rows > size
    return None if many else (pattern, arrays[0].dtype)


def _one_scatter(terms: Sequence[Node]) -> Node:
    pattern, shape = terms[0].attrs["index"], terms[0].attrs["shape"]
    axis = len(pattern) - 1
    rows = [reshape(x.inputs[1], (x.inputs[1].size,)) if x.inputs[1].ndim > 1 else x.inputs[1] for x in terms]
    values = [x.inputs[0] for x in terms]
    for k, (x, r) in enumerate(zip(values, rows, strict=True)):
        flat = (*x.shape[:axis], *r.shape, *x.shape[axis + terms[k].inputs[1].ndim :])
        values[k] = x if x.shape == flat else reshape(x, flat)
    return scatter_add(concatenate(*values, axis=axis), concatenate(*rows), index=pattern, shape=shape)


def _merged(
    node: Node, ops: tuple[Op, ...], key: Callable[[Node], object], merge: Callable[[Sequence[Node]], Node]
) -> Node | None:
    """A sum whose terms of one key became one term, which stands where the first of them stood."""
    if sum(x.op in ops for x in node.inputs) < 2:
        return None
    groups: dict[object, list[Node]] = {}
    for k, x in enumerate(node.inputs):
        found = key(x) if x.op in ops and used_once(x) else None
        groups.setdefault(k if found is None else (found,), []).append(x)
    if len(groups) == len(node.inputs):
        return None
    return _total([terms[0] if len(terms) == 1 else merge(terms) for terms in groups.values()])


def _total(terms: Sequence[Node]) -> Node:
    return terms[0] if len(terms) == 1 else add(*terms) if len(terms) == 2 else sum_n(*terms)


# Neighbors ------------------------------------------------------------------------------------------------------------


def joined_places(node: Node) -> Node | None:
    """place(x, :k) + place(y, k:) = [x y]: parts that lie side by side are joined; single rows are stacked."""
    terms = [x for x in node.inputs if x.op is place and used_once(x) and NEW not in x.attrs["index"]]
    if len(terms) < 2:
        return None
    for axis in range(node.ndim):
        new = dict(_joined_along(terms, axis))
        if new:
            gone = {x for run in new.values() for x in run[1:]}
            return _total([_joined(new[x], axis) if x in new else x for x in node.inputs if x not in gone])
    return None


def _entry(x: Node, axis: int) -> int | Slice:
    pattern = x.attrs["index"]
    return pattern[axis] if axis < len(pattern) else FULL


def _bounds(x: Node, axis: int) -> tuple[Size, Size] | None:
    size, entry = x.shape[axis], _entry(x, axis)
    if isinstance(entry, Slice):
        return slice_of(size, entry)
    start = entry if entry >= 0 else size + entry
    return start, start + 1


def _others(x: Node, axis: int) -> Pattern:
    """The index along all other axes."""
    return tuple(FULL if k == axis else _entry(x, k) for k in range(x.ndim))


def _joined_along(terms: Sequence[Node], axis: int) -> Iterator[tuple[Node, list[Node]]]:
    """Runs of two or more terms, each of which begins where the one before it ends; by the term listed first."""
    groups: dict[Pattern, dict[Size, tuple[Size, Node]]] = {}
    for x in terms:
        bounds = _bounds(x, axis)
        if bounds is not None and bounds[0] != bounds[1]:
            groups.setdefault(_others(x, axis), {}).setdefault(bounds[0], (bounds[1], x))
    for group in groups.values():
        ends = {stop for stop, _ in group.values()}
        for start in list(group):
            run, at = [], start
            while start not in ends and at in group:
                at, x = group.pop(at)  # two runs may lead to one term
                run.append(x)
            if len(run) > 1:
                yield run[0], run


def _joined(run: Sequence[Node], axis: int) -> Node:
    first, last = run[0], run[-1]
    others = _others(first, axis)
    inner = axis - sum(not isinstance(e, Slice) for e in others[:axis])  # the axis in the parts
    single = [not isinstance(_entry(x, axis), Slice) for x in run]
    if all(single):
        whole = stack(*(x.inputs[0] for x in run), axis=inner)
    else:
        parts = [expand_dims(x.inputs[0], inner) if one else x.inputs[0] for x, one in zip(run, single, strict=True)]
        whole = concatenate(*parts, axis=inner)
    low, high = _bounds(first, axis), _bounds(last, axis)
    assert low is not None
    assert high is not None
    entry = FULL if (low[0], high[1]) == (0, first.shape[axis]) else Slice(low[0], high[1])
    pattern = (*others[:axis], entry, *others[axis + 1 :])
    return whole if all(e == FULL for e in pattern) else place(whole, pattern, first.shape)


def written_once(node: Node) -> Node | None:
    """Zeros to which values are added at (0, i), (1, j), … are zeros in which they are written: no two places meet."""
    pattern, arrays = node.attrs["index"], node.inputs[1:]
    shape = broadcast_shapes(*(a.shape for a in arrays))
    if shape is None or any(entry is not ARRAY for entry in pattern):
        return None
    if not any(_is_count(a, product(shape)) for a in arrays):
        return None
    return put(zeros(node.shape, node.dtype), *node.inputs, index=pattern)


def _is_count(x: Node, size: Size) -> bool:
    """Whether it is 0, 1, 2, …, in any order, as many as there are places."""
    while "view" in x.op.traits and x.inputs[0].size == x.size:
        (x,) = x.inputs
    return x.op is _arange and (x.attrs["start"], x.attrs["step"]) == (0, 1) and x.size == size


CLOSE: dict[Op, tuple[Rule, ...]] = {
    **dict.fromkeys((add, sum_n), (one_place, joined_places, joined_rows)),
    scatter_add: (written_once,),
}
