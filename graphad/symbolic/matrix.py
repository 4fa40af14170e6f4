r"""Formulas of whole arrays: ``\tanh\left(\mathbf{X} \mathbf{W}_1 + \mathbf{1} \mathbf{b}_1^\top\right)``.

A vector is a column, and so is an array of shape (n, 1); functions, fractions and absolute values of arrays are taken
element by element, ⊙ is the product, ⊘ the quotient and a power with ⊙ the power of elements. A number beside an array
belongs to each element. What has more than two axes is written by the name of its operation where mathematics has no
sign for it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphad.ir.core import Node, attrs_key
from graphad.ir.dims import Dim
from graphad.ir.graph import Graph
from graphad.ir.text import value_text
from graphad.ir.types import TupleType
from graphad.ops.attributes import all_axes
from graphad.ops.indexing import ARRAY, DOTS, NEW, Slice
from graphad.symbolic import tex
from graphad.symbolic.lines import Lines, is_number
from graphad.symbolic.names import Symbol
from graphad.symbolic.template import fill
from graphad.symbolic.tex import Level, Tex

TOP = r"\top"
NOTHING = "{}"  # instead of operands that an op may have, and has not
Writer = Callable[["Matrix", Node], Tex]
WRITERS: dict[str, Writer] = {}


def writes(*names: str) -> Callable[[Writer], Writer]:
    """Register a function as the writer of ops."""

    def register(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(names, writer))
        return writer

    return register


class Matrix:
    """Writes the nodes of a graph as formulas of arrays."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.own = lines.symbol
        self.apart = self.own.keys() - lines.numbers  # what is written as its symbol

    def left(self, node: Node) -> str:
        """The symbol of a node; of several results their symbols, a dot for one that nobody uses."""
        if isinstance(node.type, TupleType) and node not in self.own:
            items = {n.attrs["index"]: n for n in self.lines.graph.users[node] if n in self.own}
            symbols = [self.left(items[k]) if k in items else r"\cdot" for k in range(len(node.type.items))]
            return rf"\left({', '.join(symbols)}\right)"
        return self.mark(self.own[node], node)

    def mark(self, symbol: Symbol, node: Node) -> str:
        """A symbol as it stands for a value of the type of ``node``."""
        return symbol.tex(bold=isinstance(node.type, TupleType) or node.ndim > 0)

    def right(self, node: Node) -> Tex:
        """What a node is made of."""
        writer = WRITERS.get(node.op.name)
        return writer(self, node) if writer else self.by_template(node)

    def value(self, node: Node) -> Tex:
        """A node as an operand: its symbol, or what it is made of."""
        return Tex(self.left(node), Level.ATOM) if node in self.apart else self.right(node)

    def scalar(self, node: Node) -> Tex | None:
        """The number that all elements of an operand are; None where they differ."""
        if node.ndim == 0:
            return self.value(node)
        if node in self.apart:
            return None
        if is_number(node):
            return tex.number(node.attrs["value"].flat[0])
        if node.op.name in ("broadcast_to", "astype", "expand_dims", "squeeze", "reshape"):
            return None if node.op.name == "astype" and node.dtype.kind in "biu" else self.scalar(node.inputs[0])
        return None

    def by_template(self, node: Node) -> Tex:
        """The template of the op; operands of elementwise ones may be numbers."""
        elementwise = "elementwise" in node.op.traits
        values = [self.scalar(x) if elementwise else None for x in node.inputs]
        spread = node.ndim > 0 and elementwise and all(v is not None for v in values)
        texts = [v or self.value(x) for v, x in zip(values, node.inputs, strict=True)]
        result = filled(node, texts, elementwise and node.ndim > 0 and not spread)
        return tex.product([result, ones(node.shape)]) if spread else result


def filled(node: Node, operands: Sequence[Tex], elementwise: bool = False) -> Tex:
    """The template of a node's op with operands and attributes put in.

    Attributes that it does not mention, and that say more than the type, stand in a subscript of the function.
    """
    op = node.op
    values = dict(zip(op.operands, operands, strict=False))
    if op.variadic:
        values[op.variadic] = Tex(", ".join(x.text for x in operands[len(op.operands) :]) or NOTHING)
    values |= {k: Tex(attribute(v, k)) for k, v in node.attrs.items()}
    result = fill(op.latex, values, elementwise)
    text = result.text.replace(f", {NOTHING}", "")
    said = {k for k in node.attrs if f"{{{k}}}" in op.latex} | {"dtype"}
    rest = {k: v for k, v in node.attrs.items() if k not in said and not _goes_without_saying(node, k)}
    if not rest:
        return Tex(text, result.level)
    words = r",\, ".join(rf"\text{{{tex.escape(k)}}}={attribute(v, k)}" for k, v in rest.items())
    head, opening, tail = text.partition(r"\left(")
    if opening and result.level == Level.ATOM:
        bare = head.removesuffix("}") if head.endswith("}") and "}_{" in head else None
        return Tex(f"{head}_{{{words}}}{opening}{tail}" if bare is None else f"{bare},\\, {words}}}{opening}{tail}")
    return Tex(rf"\left[{text}\right]_{{{words}}}")


def _goes_without_saying(node: Node, key: str) -> bool:
    value = node.attrs[key]
    if key == "keepdims":
        return node.inputs[0].ndim < 3
    plain = key in ("stride", "dilation", "groups") and set(value if isinstance(value, tuple) else (value,)) <= {1}
    return plain or attrs_key({key: value}) == attrs_key({key: node.op.defaults.get(key)})


def attribute(value: Any, key: str = "") -> str:
    """A static attribute in a formula."""
    if value is None:
        return ""
    if key in ("shape", "size", "kernel") and isinstance(value, tuple):
        return tex.shape(value) or r"()"
    if key == "axis" and isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return r"\left(" + ", ".join(map(attribute, value)) + r"\right)"
    if isinstance(value, int | float | Dim) and not isinstance(value, bool):
        return tex.size(value).text if isinstance(value, Dim) else tex.number(value).text
    if isinstance(value, Graph):
        return rf"\text{{{tex.escape(value.name)}}}"
    return rf"\text{{{tex.escape(value_text(value))}}}"


def ones(sizes: Sequence[Any], bold: str = "1") -> Tex:
    """An array of ones."""
    return Tex(rf"\mathbf{{{bold}}}_{{{tex.shape(sizes)}}}")


def transposed(x: Tex) -> Tex:
    """The transpose, also of a transpose."""
    text = x.text.removesuffix(f"^{{{TOP}}}")
    if text != x.text and x.level == Level.POWER:
        return Tex(text[1:-1] if text.startswith("{") else text)
    return tex.power(x, TOP)


def row(x: Tex, ndim: int) -> Tex:
    """A vector as a row."""
    return transposed(x) if ndim == 1 else x


def matrix_product(*factors: Tex) -> Tex:
    """A product of matrices; what stands for elements gets brackets."""
    kept = [Tex(f.within(Level.PRODUCT)) if f.level < Level.BIG else f for f in factors]
    return tex.product([Tex(f.within(Level.PRODUCT), Level.PRODUCT) for f in kept])


@writes("constant", "size", "input", "parameter")
def _leaf(m: Matrix, node: Node) -> Tex:
    value = node.attrs.get("value")
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


@writes("getitem", "gather")
def _getitem(m: Matrix, node: Node) -> Tex:
    x, *arrays = node.inputs
    given = iter(arrays)
    entries = []
    for entry in node.attrs["index"]:
        if isinstance(entry, Slice):
            start, stop, step = ("" if v is None else tex.size(v).text for v in entry)
            entries.append(f"{start}{{:}}{stop}" + (f"{{:}}{step}" if step else ""))
        elif entry == ARRAY:
            entries.append(m.value(next(given)).text)
        else:
            entries.append(r"\ast" if entry is NEW else r"\dots" if entry == DOTS else tex.size(entry).text)
    base = m.value(x).within(Level.ATOM)
    return Tex(rf"{{{base}}}_{{\left[{', '.join(entries)}\right]}}")


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


@writes("add", "sum_n")
def _add(m: Matrix, node: Node) -> Tex:
    return _terms(m, node, tex.add)


@writes("subtract")
def _subtract(m: Matrix, node: Node) -> Tex:
    return _terms(m, node, lambda terms: tex.subtract(*terms))


@writes("negative")
def _negative(m: Matrix, node: Node) -> Tex:
    return _terms(m, node, lambda terms: tex.negative(*terms))


def _terms(m: Matrix, node: Node, join: Callable[[Sequence[Tex]], Tex]) -> Tex:
    """Operands of a sum: numbers stand for all elements, unless nothing else is there."""
    values = [m.scalar(x) for x in node.inputs]
    texts = [m.value(x) if v is None else v for v, x in zip(values, node.inputs, strict=True)]
    if node.ndim == 0 or any(v is None for v in values):
        return join(texts)
    return tex.product([join(texts), ones(node.shape)])


@writes("multiply")
def _multiply(m: Matrix, node: Node) -> Tex:
    x, y = node.inputs
    left, right = m.scalar(x), m.scalar(y)
    if left is not None and right is not None:
        both = tex.product([left, right], r" \, ")
        return both if node.ndim == 0 else tex.product([both, ones(node.shape)])
    if left is None and right is None:
        return tex.hadamard(m.value(x), m.value(y))
    number, other = (left, y) if left is not None else (right, x)
    assert number is not None
    return tex.product([number, m.value(other)], r" \, ")


@writes("divide")
def _divide(m: Matrix, node: Node) -> Tex:
    x, y = node.inputs
    left, right = m.scalar(x), m.scalar(y)
    if right is not None:
        result = tex.fraction(m.value(x) if left is None else left, right)
        return tex.product([result, ones(node.shape)]) if node.ndim and left is not None else result
    return tex.hadamard(m.value(x) if left is None else left, m.value(y), r"\oslash")


@writes("square", "power")
def _power(m: Matrix, node: Node) -> Tex:
    x = node.inputs[0]
    base = m.scalar(x)
    exponent: Tex | None = Tex("2")
    if node.op.name == "power":
        exponent = m.scalar(node.inputs[1])
    if node.ndim and base is not None and exponent is not None:
        return tex.product([tex.power(base, exponent.text), ones(node.shape)])
    above = (m.value(node.inputs[1]) if exponent is None else exponent).text
    return tex.power(m.value(x) if base is None else base, rf"\odot {above}" if node.ndim else above)


@writes("broadcast_to")
def _broadcast(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    number = m.scalar(x)
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
    if x.ndim == 1 and node.ndim == 2 and node.shape == (x.shape[0], 1) or x.ndim == 2 and x.shape == (*node.shape, 1):
        return value
    return tex.call(rf"\operatorname{{reshape}}_{{{tex.shape(node.shape) or '()'}}}", value)


@writes("matmul")
def _matmul(m: Matrix, node: Node) -> Tex:
    x, y = node.inputs
    left, right = m.value(x), m.value(y)
    if x.ndim == 1 and y.ndim > 1:
        return matrix_product(transposed(right), left)
    return matrix_product(row(left, x.ndim), right)


@writes("sum", "mean")
def _sum(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    axes = all_axes(x, node.attrs["axis"])
    value = m.value(x)
    if not axes:
        return value
    factor = []
    if node.op.name == "mean":
        count: Any = 1
        for k in axes:
            count = count * x.shape[k]
        factor = [tex.fraction(tex.ONE, tex.size(count))]
    if x.ndim > 2:
        words = ",".join(map(str, axes)) + (r",\text{keepdims}" if node.attrs["keepdims"] else "")
        return tex.call(rf"\operatorname{{{node.op.name}}}_{{{words}}}", value)
    rows, columns = ones((x.shape[0],)), ones((x.shape[-1],))
    if x.ndim == 1 or len(axes) == 2:
        inner = [transposed(rows), value] + ([columns] if x.ndim == 2 else [])
    elif axes == [1] or axes == (1,):
        inner = [value, columns]
    else:
        inner = [transposed(rows), value] if node.attrs["keepdims"] else [transposed(value), rows]
    return tex.product([*factor, matrix_product(*inner)])
