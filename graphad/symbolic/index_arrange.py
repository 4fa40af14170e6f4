"""Elements of ops that compute element by element, and of those that arrange elements: what an index becomes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphad.ir.core import Node
from graphad.ir.dims import Size
from graphad.ops.indexing import ARRAY, DOTS, NEW, Slice
from graphad.symbolic import tex
from graphad.symbolic.index import Index, element_of
from graphad.symbolic.ix import Ix
from graphad.symbolic.tex import Level, Tex

_ELEMENTWISE: dict[str, Callable[..., Tex]] = {
    "add": lambda *x: tex.add(x),
    "sum_n": lambda *x: tex.add(x),
    "subtract": tex.subtract,
    "negative": tex.negative,
    "multiply": lambda x, y: tex.product(tex.commuted(x, y), r" \, "),
    "divide": tex.fraction,
    "square": lambda x: tex.power(x, "2"),
    "power": lambda x, y: tex.power(x, y.text),
}


@element_of(*_ELEMENTWISE)
def _elementwise(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    return _ELEMENTWISE[node.op.name](*(w.element(x, at) for x in node.inputs))


@element_of("astype")
def _astype(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    value = w.element(x, at)
    if x.dtype.kind == "b":
        return tex.truth(value)
    if node.dtype.kind in "iu" and x.dtype.kind == "f":
        return tex.call(tex.operator("trunc"), value)
    return tex.call(tex.operator("Re"), value) if x.dtype.kind == "c" and node.dtype.kind == "f" else value


@element_of("stop_gradient", "check_regular", "check_sizes")
def _same(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    return w.element(node.inputs[0], at)


@element_of("constant", "size")
def _constant(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    if "size" in node.op.traits:
        return tex.size(node.attrs["value"])
    positions = [i.number for i in at]
    if node in w.own or any(not isinstance(p, int) for p in positions):
        return w.of_whole(node, at)
    return tex.number(node.attrs["value"][tuple(positions)])


@element_of("eye")
def _eye(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    i, j = at
    return w.given([(j, "=", i + node.attrs["k"])], lambda: tex.ONE)


@element_of("arange")
def _arange(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    start, step = node.attrs["start"], node.attrs["step"]
    if isinstance(step, int) and not isinstance(start, float):
        position: Ix = at[0] * step + start
        return position.code()
    steps = tex.product([tex.size(step), at[0].code()], r" \, ")
    return tex.add([tex.size(start), steps]) if start != 0 else steps


@element_of("broadcast_to")
def _broadcast(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    kept = at[node.ndim - x.ndim :]
    stretched = zip(x.shape, node.shape[node.ndim - x.ndim :], kept, strict=True)
    return w.element(x, [Ix() if s == 1 and n != 1 else i for s, n, i in stretched])


@element_of("expand_dims")
def _expand(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    new = {k % node.ndim for k in node.attrs["axis"]}
    return w.element(node.inputs[0], [i for k, i in enumerate(at) if k not in new])


@element_of("squeeze")
def _squeeze(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    axis, rest = node.attrs["axis"], iter(at)
    gone = {k for k in range(x.ndim) if x.shape[k] == 1} if axis is None else {k % x.ndim for k in axis}
    return w.element(x, [Ix() if k in gone else next(rest) for k in range(x.ndim)])


@element_of("transpose")
def _transpose(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    axes = node.attrs["axes"]
    return w.element(node.inputs[0], [at[axes.index(k)] for k in range(len(axes))])


@element_of("reshape")
def _reshape(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """Axes are matched from the left: what one axis is cut into is counted through, several at once are not."""
    (x,) = node.inputs
    inner: list[Ix] = []
    sizes, out = list(node.shape), list(at)
    for size in x.shape:
        position, count = Ix(), 1  # type: tuple[Ix, Size]
        while sizes and count != size:
            first, i = sizes.pop(0), out.pop(0)
            if first != 1:
                position = position * first + i if isinstance(first, int) else i + position
                count = count * first
        if count != size:
            return _concrete(w, node, at)
        inner.append(position)
    return w.element(x, inner)


def _concrete(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """The element of a reshaped array whose position is known."""
    (x,) = node.inputs
    numbers = [i.number for i in at]
    if not all(isinstance(n, int) for n in [*numbers, *x.shape, *node.shape]):
        return None
    shapes: Any = node.shape, x.shape
    flat = np.ravel_multi_index(tuple(n for n in numbers if isinstance(n, int)), shapes[0]) if at else 0
    return w.element(x, [Ix(constant=int(k)) for k in np.unravel_index(flat, shapes[1])])


def first_of(entry: Slice, size: Any) -> Any:
    """Where in an axis a slice of it begins."""
    step, start = entry.step or 1, entry.start
    if start is None:
        return 0 if step > 0 else size - 1
    if isinstance(start, int) and start < 0:
        return size + start
    return min(start, size - (step < 0)) if isinstance(start, int) and isinstance(size, int) else start


def source(w: Index, x: Node, pattern: Sequence[object], arrays: Sequence[Node], at: Sequence[Ix]) -> list[Ix]:
    """The indices in ``x`` of the element ``at`` of ``x[pattern]``, by NumPy's rules for index arrays."""
    ndim = max((a.ndim for a in arrays), default=0)
    places = [k for k, e in enumerate(pattern) if arrays and (e == ARRAY or (e is not NEW and not _is_range(e)))]
    apart = bool(places) and places[-1] - places[0] >= len(places)
    first = 0 if apart or not places else sum(e is NEW or _is_range(e) for e in pattern[: places[0]])
    picked, rest = at[first : first + ndim], iter([*at[:first], *at[first + ndim :]])
    given = iter(arrays)
    inner: list[Ix] = []
    for entry in pattern:
        if entry is NEW:
            next(rest)
        elif isinstance(entry, Slice):
            inner.append(next(rest) * (entry.step or 1) + first_of(entry, x.shape[len(inner)]))
        elif entry == ARRAY:
            inner.append(_position(w, next(given), picked, x.shape[len(inner)]))
        elif entry != DOTS:
            inner.append(single(entry, x.shape[len(inner)]))
    return [*inner, *rest]


def single(entry: Any, size: Size) -> Ix:
    """A position, which may be counted from the end."""
    return Ix(constant=size + entry if isinstance(entry, int) and entry < 0 else entry)


def _is_range(entry: object) -> bool:
    return isinstance(entry, Slice)


def _position(w: Index, array: Node, picked: Sequence[Ix], size: Size) -> Ix:
    """The position that an index array holds; one that may be counted from the end is taken modulo the size."""
    kept = picked[len(picked) - array.ndim :]
    at = [Ix() if s == 1 else i for s, i in zip(array.shape, kept, strict=True)]
    if array.op.name == "arange" and array.attrs["start"] == 0 and array.attrs["step"] == 1:
        return at[0]
    if array.op.name in ("expand_dims", "broadcast_to") and array not in w.own:
        inner = array.inputs[0]
        if inner.op.name == "arange" and inner not in w.own and array.op.name == "expand_dims":
            new = {k % array.ndim for k in array.attrs["axis"]}
            return _position(w, inner, [i for k, i in enumerate(at) if k not in new], size)
    if "constant" in array.op.traits and all(isinstance(i.number, int) for i in at):
        position = int(array.attrs["value"][tuple(i.number for i in at)])
        return Ix(constant=position if position >= 0 else size + position)
    value = w.element(array, at)
    if "constant" in array.op.traits and array.attrs["value"].size and array.attrs["value"].min() < 0:
        value = Tex(rf"\left({value.within(Level.POWER)} \bmod {tex.size(size).within(Level.POWER)}\right)")
    return Ix(value=value)


@element_of("getitem")
def _getitem(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    return w.element(x, source(w, x, node.attrs["index"], [], at))


@element_of("gather")
def _gather(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    x, *arrays = node.inputs
    return w.element(x, source(w, x, node.attrs["index"], arrays, at))


@element_of("diagonal")
def _diagonal(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    offset, first, second = (node.attrs[k] for k in ("offset", "axis1", "axis2"))
    rest = iter(at[:-1])
    pair = {first: at[-1] + max(-offset, 0), second: at[-1] + max(offset, 0)}
    return w.element(x, [pair[k] if k in pair else next(rest) for k in range(x.ndim)])
