"""Layout: chains of reshapes, transposes, broadcasts, joins and reductions become one step, or none.

EXACT rules move or copy elements and compute nothing. A rule's docstring is its equation.
"""

from graphad.ir.core import Node, Op
from graphad.ir.dims import Size
from graphad.ops.attributes import all_axes
from graphad.ops.diagonals import diagonal, pad_zeros
from graphad.ops.elementwise import add, sum_n
from graphad.ops.fit import broadcast_to, expand_dims, squeeze, stretch, sum
from graphad.ops.index import concatenate, gather, getitem, place, stack
from graphad.ops.indexing import FULL, NEW, Slice
from graphad.ops.layout import reshape, transpose
from graphad.ops.reduce import all as all_of
from graphad.ops.reduce import any as any_of
from graphad.ops.reduce import max as max_of
from graphad.ops.reduce import mean, prod
from graphad.ops.reduce import min as min_of
from graphad.rules.engine import Rule, used_once
from graphad.rules.patterns import as_pattern, cut, on_axis, slice_of

# Shapes ---------------------------------------------------------------------------------------------------------------


def same_shape(node: Node) -> Node | None:
    """A broadcast or reshape to the shape that x has is x."""
    (x,) = node.inputs
    return x if x.shape == node.shape else None


def of_one_value(node: Node) -> Node | None:
    """However a repeated scalar is laid out, it is the scalar repeated."""
    x = node.inputs[0]
    return stretch(x.inputs[0], node.shape) if x.op is broadcast_to and not x.inputs[0].ndim else None


def broadcast_twice(node: Node) -> Node | None:
    """broadcast(broadcast(x)) = broadcast(x); new axes in front come by themselves."""
    (x,) = node.inputs
    if x.op is broadcast_to:
        return stretch(x.inputs[0], node.shape)
    pattern = as_pattern(x)
    return stretch(x.inputs[0], node.shape) if pattern and all(e is NEW for e in pattern) else None


def reshape_twice(node: Node) -> Node | None:
    """reshape(reshape(x)) = reshape(x); new and removed axes of size 1 are reshapes, too.

    Not where the inner one is a copy in another order that somebody else reads: it would be made twice.
    """
    (x,) = node.inputs
    if x.op not in (reshape, expand_dims, squeeze):
        return None
    is_copy = x.op is reshape and x.inputs[0].op in (transpose, broadcast_to)
    return reshape(x.inputs[0], node.shape) if not is_copy or used_once(x) else None


def axes_of_reshaped(node: Node) -> Node | None:
    """Adding or removing axes of size 1 after a reshape is a reshape."""
    (x,) = node.inputs
    return reshape(x.inputs[0], node.shape) if x.op is reshape else None


def transpose_twice(node: Node) -> Node | None:
    """Two permutations of axes are one; the identity is none."""
    (x,), axes = node.inputs, node.attrs["axes"]
    if axes == tuple(range(x.ndim)):
        return x
    return transpose(x.inputs[0], tuple(x.attrs["axes"][a] for a in axes)) if x.op is transpose else None


def diagonal_of_transposed(node: Node) -> Node | None:
    """diag(Aᵀ) = diag(A)."""
    (x,) = node.inputs
    main = x.op is transpose and x.ndim == 2 and node.attrs["offset"] == 0
    return diagonal(x.inputs[0], **node.attrs) if main else None


# Joins ----------------------------------------------------------------------------------------------------------------


def join_of_one(node: Node) -> Node | None:
    """concatenate([x]) = x and stack([x]) = x with a new axis; empty arrays do not count."""
    if len(node.inputs) == 1:
        return node.inputs[0] if node.op is concatenate else expand_dims(node.inputs[0], node.attrs["axis"])
    if node.op is not concatenate:
        return None
    filled = [x for x in node.inputs if x.shape[node.attrs["axis"]] != 0]
    if len(filled) == len(node.inputs):
        return None
    return concatenate(*(filled or node.inputs[:1]), axis=node.attrs["axis"])


def join_of_joins(node: Node) -> Node | None:
    """concatenate([concatenate([x, y]), z]) = concatenate([x, y, z])."""
    axis = node.attrs["axis"]
    parts: list[Node] = []
    for x in node.inputs:
        nested = x.op is concatenate and x.attrs["axis"] == axis and used_once(x)
        parts += x.inputs if nested else [x]
    return concatenate(*parts, axis=axis) if len(parts) > len(node.inputs) else None


def join_of_cuts(node: Node) -> Node | None:
    """concatenate([x[:k], x[k:]]) = x, and neighboring cuts of an array are one."""
    axis = node.attrs["axis"]
    parts: list[Node] = []
    for x in node.inputs:
        merged = _neighbors(parts[-1], x, axis) if parts else None
        if merged is None:
            parts.append(x)
        else:
            parts[-1] = merged
    if len(parts) == len(node.inputs):
        return None
    return parts[0] if len(parts) == 1 else concatenate(*parts, axis=axis)


def _neighbors(x: Node, y: Node, axis: int) -> Node | None:
    """Two slices of one array, the second of which begins where the first one ends, as one slice."""
    a, b = on_axis(x, axis), on_axis(y, axis)
    if a is None or b is None or x.inputs[0] is not y.inputs[0] or a[1] != b[0]:
        return None
    (source,) = x.inputs
    last = None if b[1] == source.shape[axis] else b[1]
    return cut(source, (*[FULL] * axis, Slice(None if a[0] == 0 else a[0], last)))


def join_of_items(node: Node) -> Node | None:
    """stack([x[0], x[1], …]) = x, with the axis moved where it stood elsewhere."""
    first = node.inputs[0]
    if first.op is not getitem:
        return None
    (source,), axis = first.inputs, len(first.attrs["index"]) - 1
    if axis != node.attrs["axis"] or source.shape[axis] != len(node.inputs):
        return None
    for k, x in enumerate(node.inputs):
        if x.op is not getitem or x.inputs[0] is not source or x.attrs["index"] != (*[FULL] * axis, k):
            return None
    return source


def sum_of_placed(node: Node) -> Node | None:
    """Parts written into zeros, that fill an axis one after another, and added up, are joined."""
    groups: dict[tuple[int, bool], list[Node]] = {}
    for x in node.inputs:
        pattern = x.attrs["index"] if x.op is place else ()
        if pattern and NEW not in pattern and all(e == FULL for e in pattern[:-1]) and used_once(x):
            groups.setdefault((len(pattern) - 1, isinstance(pattern[-1], int)), []).append(x)
    for (axis, ints), parts in groups.items():
        joined = _joined(parts, axis, ints, node.shape[axis])
        if joined is not None:
            among = [any(x is p for p in parts) for x in node.inputs]
            rest = [x for x, placed in zip(node.inputs, among, strict=True) if not placed]
            last = len(among) - 1 - among[::-1].index(True)
            if among[:last].count(False) > 1:
                return None  # three numbers would be added in another order
            return joined if not rest else add(joined, rest[0]) if len(rest) == 1 else sum_n(joined, *rest)
    return None


def _joined(parts: list[Node], axis: int, ints: bool, size: Size) -> Node | None:
    if len(parts) < 2:
        return None
    if ints:
        found = {p.attrs["index"][-1] % size: p.inputs[0] for p in parts} if isinstance(size, int) else {}
        return stack(*(found[k] for k in range(len(found))), axis=axis) if len(found) == size == len(parts) else None
    bounds = {}
    for p in parts:
        span = slice_of(size, p.attrs["index"][-1])
        if span is None or span[0] in bounds:
            return None
        bounds[span[0]] = span[1], p.inputs[0]
    at: Size = 0
    chain = []
    while at in bounds:
        at, x = bounds.pop(at)
        chain.append(x)
    return concatenate(*chain, axis=axis) if at == size and not bounds else None


def placed_whole(node: Node) -> Node | None:
    """What fills new axes of size 1, written back, is the array without those axes."""
    pattern = node.attrs["index"]
    if NEW not in pattern or not all(e is NEW or e == FULL for e in pattern):
        return None
    return squeeze(node.inputs[0], tuple(k for k, e in enumerate(pattern) if e is NEW))


# Borders --------------------------------------------------------------------------------------------------------------


def padded_twice(node: Node) -> Node | None:
    """Borders add up; no border at all is none."""
    (x,), widths = node.inputs, node.attrs["widths"]
    if all(w == (0, 0) for w in widths):
        return x
    if x.op is not pad_zeros:
        return None
    inner = x.attrs["widths"]
    return pad_zeros(x.inputs[0], [(a + c, b + d) for (a, b), (c, d) in zip(widths, inner, strict=True)])


# Reductions -----------------------------------------------------------------------------------------------------------


def merged_reduction(node: Node) -> Node | None:
    """max over some axes of max over others is max over all of them; also for min, all and any."""
    (x,) = node.inputs
    if x.op is not node.op:
        return None
    merged = merged_axes(x, node)
    return None if merged is None else node.op(x.inputs[0], **merged)


def merged_axes(inner: Node, outer: Node) -> dict[str, object] | None:
    """Axes and keepdims of one reduction instead of two."""
    source, keeps = inner.inputs[0], (inner.attrs["keepdims"], outer.attrs["keepdims"])
    first = all_axes(source, inner.attrs["axis"])
    left = [k for k in range(source.ndim) if keeps[0] or k not in first]
    axes = {*first, *(left[k] for k in all_axes(inner, outer.attrs["axis"]))}
    for keepdims in {keeps[1], keeps[0]}:
        shape = tuple(1 if k in axes else s for k, s in enumerate(source.shape) if keepdims or k not in axes)
        if shape == outer.shape:
            return {"axis": tuple(sorted(axes)), "keepdims": keepdims}
    return None


def reduced_over_one(node: Node) -> Node | None:
    """Over axes of size 1 there is nothing to reduce; of complex numbers ∞ · 1 and ∞ / 1 have parts that are nan."""
    (x,) = node.inputs
    if node.dtype.kind == "c" and node.op in (prod, mean):
        return None
    axes = all_axes(x, node.attrs["axis"])
    if x.dtype != node.dtype or any(x.shape[k] != 1 for k in axes):
        return None
    return x if node.attrs["keepdims"] or not axes else squeeze(x, axes)


def extreme_of_rearranged(node: Node) -> Node | None:
    """The largest of all elements does not depend on their layout, nor on how often each occurs."""
    (x,) = node.inputs
    moved = x.op in (reshape, transpose, expand_dims, squeeze, broadcast_to)
    if not moved or node.attrs["axis"] is not None or node.attrs["keepdims"]:
        return None
    return None if x.op is broadcast_to and not _never_empty(x) else node.op(x.inputs[0])


def _never_empty(x: Node) -> bool:
    return all(isinstance(s, int) and s > 0 for s in x.shape)


_EXTREMES = (max_of, min_of, all_of, any_of)

EXACT: dict[Op, tuple[Rule, ...]] = {
    broadcast_to: (same_shape, broadcast_twice),
    reshape: (same_shape, of_one_value, reshape_twice),
    transpose: (of_one_value, transpose_twice),
    squeeze: (of_one_value, axes_of_reshaped),
    expand_dims: (of_one_value, axes_of_reshaped),
    diagonal: (of_one_value, diagonal_of_transposed),
    concatenate: (join_of_one, join_of_joins, join_of_cuts),
    stack: (join_of_one, join_of_items),
    add: (sum_of_placed,),
    sum_n: (sum_of_placed,),
    place: (placed_whole,),
    pad_zeros: (padded_twice,),
    **dict.fromkeys((getitem, gather), (of_one_value,)),
    **dict.fromkeys(_EXTREMES, (merged_reduction, reduced_over_one, extreme_of_rearranged)),
    **dict.fromkeys((sum, prod, mean), (reduced_over_one,)),
}
