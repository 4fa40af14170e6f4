"""Elements of ops that put values at places and join arrays."""

from collections.abc import Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ops.indexing import DOTS, NEW, Slice
from graphad.symbolic import tex
from graphad.symbolic.index import Condition, Index, element_of
from graphad.symbolic.index_arrange import first_of, single, source
from graphad.symbolic.ix import Ix
from graphad.symbolic.tex import Tex

Strided = tuple[int, Ix, Any, int]  # an axis of the operand, the index there, where its slice begins, and its step


def _placed(w: Index, x: Node, pattern: Sequence[Any], target: Node, at: Sequence[Ix]) -> Tex:
    """The element of zeros with ``x`` at a pattern of ints and slices."""
    conditions: list[Condition] = []
    inner: list[Ix] = []
    positions = iter(at)
    axis = 0
    strided: list[Strided] = []
    for entry in pattern:
        if entry is NEW:
            inner.append(Ix())
            continue
        if entry == DOTS:
            continue
        i, size = next(positions), target.shape[axis]
        axis += 1
        if not isinstance(entry, Slice):
            conditions.append((i, "=", single(entry, size)))
        elif entry == Slice():
            inner.append(i)
        elif (entry.step or 1) == 1:
            first = first_of(entry, size)
            conditions += _between(i, first, x.shape[len(inner)], size)
            inner.append(i + (-1 * first))
        else:
            strided.append((len(inner), i, first_of(entry, size), entry.step or 1))
            inner.append(Ix())
    inner += list(positions)
    return _spread(w, x, inner, conditions, strided)


def _between(i: Ix, first: Any, count: Any, size: Any) -> list[Condition]:
    """That an index is one of ``count`` from ``first`` on; what holds for every index of the axis is not said."""
    after: list[Condition] = [(Ix(constant=first), "<=", i)] if first != 0 else []
    return after + ([(i, "<", Ix(constant=first + count))] if first + count != size else [])


def _spread(
    w: Index,
    x: Node,
    inner: list[Ix],
    conditions: list[Condition],
    strided: Sequence[Strided],
) -> Tex:
    """A value under conditions; over strided axes the sum of what lands at the index."""

    def body(ks: Sequence[Ix]) -> Tex:
        found, more = list(inner), list(conditions)
        for k, (axis, i, first, step) in zip(ks, strided, strict=True):
            found[axis] = k
            more.append((i, "=", k * step + first))
        return w.given(more, lambda: w.element(x, found))

    return w.total([x.shape[axis] for axis, *_ in strided], body)


@element_of("place")
def _place(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    return _placed(w, node.inputs[0], node.attrs["index"], node, at)


@element_of("place_all")
def _place_all(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    if any((e.step or 1) != 1 for p in node.attrs["indices"] for e in p if isinstance(e, Slice)):
        return None
    pairs = zip(node.inputs, node.attrs["indices"], strict=True)
    return w.added([_placed(w, x, pattern, node, at) for x, pattern in pairs])


@element_of("scatter_add")
def _scatter(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """The sum of all elements whose position is the index; axes that are taken whole need no sum."""
    x, *arrays = node.inputs
    pattern = node.attrs["index"]
    if any(e is NEW or (isinstance(e, Slice) and e != Slice()) for e in pattern):
        return None
    whole = _whole_axes(w, node, arrays)
    summed = [k for k in range(x.ndim) if k not in whole]

    def body(ks: Sequence[Ix]) -> Tex:
        inner = {**{k: at[axis] for k, axis in whole.items()}, **dict(zip(summed, ks, strict=True))}
        here = [inner[k] for k in range(x.ndim)]
        reached = source(w, node, pattern, arrays, here)
        conditions = [(i, "=", j) for k, (i, j) in enumerate(zip(at, reached, strict=True)) if k not in whole.values()]
        return w.given(conditions, lambda: w.element(x, here))

    return w.total([x.shape[k] for k in summed], body)


def _whole_axes(w: Index, node: Node, arrays: Sequence[Node]) -> dict[int, int]:
    """Axis of the operand -> axis of the result, for those that an index leaves as they are."""
    x = node.inputs[0]
    marks = [Ix({f"#{k}": 1}) for k in range(x.ndim)]
    plain = [a for a in arrays if a.op.name == "arange" or a in w.own or a.inputs or "constant" in a.op.traits]
    assert len(plain) == len(arrays)
    reached = source(w, node, node.attrs["index"], arrays, marks)
    return {k: axis for axis, i in enumerate(reached) for k, m in enumerate(marks) if i == m}


@element_of("put")
def _put(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    x, values, *arrays = node.inputs
    pattern = node.attrs["index"]
    strided = any(isinstance(e, Slice) and (e.step or 1) != 1 for e in pattern)
    if arrays or strided or any(e is NEW for e in pattern):
        return None
    conditions: list[Condition] = []
    inner: list[Ix] = []
    for axis, (entry, i) in enumerate(zip([e for e in pattern if e != DOTS], at, strict=False)):
        size: Any = node.shape[axis]
        if not isinstance(entry, Slice):
            conditions.append((i, "=", single(entry, size)))
            continue
        first = first_of(entry, size)
        conditions += _between(i, first, values.shape[len(inner)], size)
        inner.append(i + (-1 * first))
    inner += at[len(pattern) :]
    return w.given(conditions, lambda: w.element(values, inner), w.element(x, at))


@element_of("pad")
def _pad(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    conditions: list[Condition] = []
    for i, size, (before, after) in zip(at, x.shape, node.attrs["widths"], strict=True):
        conditions += [(Ix(constant=before), "<=", i)] if before else []
        conditions += [(i, "<", Ix(constant=before + size))] if after else []
    shifts = [before for before, _ in node.attrs["widths"]]
    return w.given(conditions, lambda: w.element(x, [i + (-1 * s) for i, s in zip(at, shifts, strict=True)]))


@element_of("crop_or_pad")
def _crop_or_pad(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    conditions: list[Condition] = []
    for i, old, new in zip(at, x.shape, node.shape, strict=True):
        if old != new and not (isinstance(old, int) and isinstance(new, int) and new < old):
            conditions.append((i, "<", Ix(constant=old)))
    return w.given(conditions, lambda: w.element(x, at))


@element_of("place_diagonal")
def _place_diagonal(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    offset, first, second = (node.attrs[k] for k in ("offset", "axis1", "axis2"))
    i, j = at[first], at[second]
    rest = [p for k, p in enumerate(at) if k not in (first, second)]
    return w.given([(j, "=", i + offset)], lambda: w.element(x, [*rest, i if offset >= 0 else j]))


@element_of("concatenate")
def _concatenate(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    axis, start = node.attrs["axis"], 0
    parts: list[tuple[Any, Any, Node]] = []
    for x in node.inputs:
        parts.append((start, start + x.shape[axis], x))
        start = start + x.shape[axis]
    known = at[axis].number
    if isinstance(known, int) and all(isinstance(stop, int) for _, stop, _ in parts):
        parts = [p for p in parts if p[0] <= known < p[1]]
    kept = [p for p in parts if p[2].shape[axis] != 0] or parts[-1:]
    texts = [(w.element(x, [*at[:axis], at[axis] + (-1 * a), *at[axis + 1 :]]), b) for a, b, x in kept]
    if len(texts) == 1:
        return texts[0][0]
    return tex.cases(
        [(t, rf"\text{{if }} {at[axis].printed().text} \leq {tex.size(stop).text}") for t, stop in texts[:-1]]
        + [(texts[-1][0], r"\text{otherwise}")]
    )


@element_of("stack")
def _stack(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    axis = node.attrs["axis"]
    rest = [*at[:axis], *at[axis + 1 :]]
    known = at[axis].number
    if isinstance(known, int):
        return w.element(node.inputs[known], rest)
    if len(node.inputs) == 1:
        return w.element(node.inputs[0], rest)
    i = at[axis].printed().text
    last = len(node.inputs)
    pairs = [(w.element(x, rest), rf"\text{{if }} {i} = {k}") for k, x in enumerate(node.inputs, 1)]
    return tex.cases([*pairs[: last - 1], (pairs[-1][0], r"\text{otherwise}")])
