"""Formulas of whole arrays of ops that arrange elements, and of values without inputs."""

from collections.abc import Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ops.indexing import ARRAY, DOTS, NEW, Slice
from graphad.symbolic import tex
from graphad.symbolic.lines import is_number
from graphad.symbolic.matrix import Matrix, attribute, matrix_product, ones, row, transposed, writes
from graphad.symbolic.tex import Level, Tex


@writes("constant", "size", "input", "parameter")
def _leaf(m: Matrix, node: Node) -> Tex:
    value: Any = node.attrs.get("value")
    if "size" in node.op.traits:
        return tex.size(node.attrs["value"])
    if "constant" not in node.op.traits:
        return Tex(tex.operator(node.op.name))
    if node.ndim and is_number(node):
        number = tex.number(value.flat[0])
        return ones(node.shape, number.text) if number.text in "01" else tex.product([number, ones(node.shape)])
    return tex.number(value) if not node.ndim else array(value)


def array(value: Any) -> Tex:
    """A small vector or matrix, written out; others by their size."""
    if value.ndim > 2 or not 0 < value.size <= 16:
        return Tex(rf"\text{{array of size }} {tex.shape(value.shape)}")
    rows = value.reshape(len(value), -1)
    text = r" \\ ".join(" & ".join(tex.number(v).text for v in r) for r in rows)
    return Tex(rf"\begin{{pmatrix}} {text} \end{{pmatrix}}")


@writes("item")
def _item(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    return Tex(rf"\left({m.value(x).text}\right)_{{{node.attrs['index']}}}")


@writes("balance")
def _balance(m: Matrix, node: Node) -> Tex:
    """What a derivative rule balances adds up to 0 already: it is the operand, but for rounding."""
    return m.value(node.inputs[0]) if node.origin.made_by.startswith("vjp of") else m.by_template(node)


def pattern(m: Matrix, entries: Sequence[Any], arrays: Sequence[Node]) -> str:
    """What stands between the brackets of an index, as in NumPy; a new axis is an asterisk."""
    given, texts = iter(arrays), []
    for entry in entries:
        if isinstance(entry, Slice):
            start, stop, step = ("" if v is None else tex.size(v).text for v in entry)
            texts.append(f"{start}{{:}}{stop}" + (f"{{:}}{step}" if step else ""))
        elif entry == ARRAY:
            texts.append(m.value(next(given)).text)
        else:
            texts.append(r"\ast" if entry is NEW else r"\dots" if entry == DOTS else tex.size(entry).text)
    return rf"\left[{', '.join(texts)}\right]"


@writes("getitem", "gather")
def _getitem(m: Matrix, node: Node) -> Tex:
    x, *arrays = node.inputs
    entries = node.attrs["index"]
    if x.ndim == 1 and node.ndim == 2 and all(e is NEW or e == Slice(None, None, None) for e in entries):
        return row(m.value(x), int(entries[0] is NEW))  # a vector is a column: only a row is written otherwise
    return Tex(rf"{{{m.value(x).within(Level.ATOM)}}}_{{{pattern(m, node.attrs['index'], arrays)}}}")


@writes("place", "scatter_add")
def _place(m: Matrix, node: Node) -> Tex:
    x, *arrays = node.inputs
    where = pattern(m, node.attrs["index"], arrays)
    name = "scatter" if arrays else "place"
    return tex.call(rf"\operatorname{{{name}}}_{{{where},\, {tex.shape(node.shape) or '()'}}}", m.value(x))


@writes("put")
def _put(m: Matrix, node: Node) -> Tex:
    x, values, *arrays = node.inputs
    where = pattern(m, node.attrs["index"], arrays)
    return tex.call(rf"\operatorname{{put}}_{{{where}}}", m.value(x), m.value(values))


@writes("astype")
def _astype(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    value = m.value(x)
    if x.dtype.kind == "b":
        return tex.truth(value)
    if node.dtype.kind in "iu" and x.dtype.kind == "f":
        return tex.call(tex.operator("trunc"), value)
    return tex.call(r"\operatorname{Re}", value) if x.dtype.kind == "c" and node.dtype.kind == "f" else value


@writes("stop_gradient", "check_regular", "check_sizes")
def _same(m: Matrix, node: Node) -> Tex:
    return m.value(node.inputs[0])


@writes("broadcast_to")
def _broadcast(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    number = m.scalar(x)
    if number is not None and node.ndim and number.text == "0":
        return ones(node.shape, "0")
    if number is not None:
        return tex.product([number, ones(node.shape)], r" \, ") if node.ndim else number
    value = m.value(x)
    if node.shape == x.shape:
        return value
    if node.ndim == 2:
        n, k = node.shape
        if x.ndim == 1 or x.shape == (1, k):
            return matrix_product(ones((n,)), row(value, x.ndim))
        if x.shape == (n, 1):
            return matrix_product(value, transposed(ones((k,))))
    return tex.call(rf"\operatorname{{broadcast}}_{{{tex.shape(node.shape)}}}", value)


@writes("expand_dims", "squeeze")
def _axes_of_one(m: Matrix, node: Node) -> Tex:
    """A vector is a column: only a row is written otherwise."""
    (x,) = node.inputs
    value = m.value(x)
    small, large = (x, node) if node.ndim > x.ndim else (node, x)
    if large.ndim <= 2 and small.ndim <= 1:
        is_row = large.ndim == 2 and small.ndim == 1 and node.op.defaults is not None and _row(node, large)
        return transposed(value) if is_row else value
    name = "squeeze" if node.ndim < x.ndim else "expand"
    return tex.call(rf"\operatorname{{{name}}}_{{{attribute(node.attrs['axis'])}}}", value)


def _row(node: Node, large: Node) -> bool:
    return bool(0 in [k % large.ndim for k in node.attrs["axis"]])


@writes("transpose")
def _transpose(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    if node.ndim < 2:
        return m.value(x)
    axes = node.attrs["axes"]
    if axes == (*range(node.ndim - 2), node.ndim - 1, node.ndim - 2):
        return transposed(m.value(x))
    return tex.call(rf"\operatorname{{transpose}}_{{{attribute(axes)}}}", m.value(x))


@writes("reshape")
def _reshape(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    value = m.value(x)
    if node.shape == x.shape:
        return value
    if (x.ndim == 1 and node.ndim == 2 and node.shape == (x.shape[0], 1)) or (
        x.ndim == 2 and x.shape == (*node.shape, 1)
    ):
        return value
    return tex.call(rf"\operatorname{{reshape}}_{{{tex.shape(node.shape) or '()'}}}", value)
