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
            if "loop" in node.op.traits:  # its equation says which is which
                return ", ".join(self.left(items[k]) for k in sorted(items)) or r"\cdot"
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
        return node.inputs[0].ndim < 3 or not value
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
    kept, minus = tex.without_signs(factors)
    result = tex.product([Tex(f.within(Level.PRODUCT), Level.PRODUCT) for f in kept])
    return tex.negative(result) if minus else result
