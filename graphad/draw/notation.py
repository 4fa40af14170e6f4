"""How a card says its op: "@", "× 0.5", "xᵀ @", "sum axis=1"; and which nodes are said inside their users.

Broadcasts, casts, scalar constants, sizes, and the transposes that matrix products of a backward pass are fed with get
no card of their own. An edge then starts where the value comes from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphad.form import literals
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.text import value_text
from graphad.ops.contract import matmul
from graphad.ops.fit import astype, broadcast_to
from graphad.ops.layout import transpose
from graphad.ops.piecewise import stop_gradient

INFIX = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "/",
    "power": "^",
    "matmul": "@",
    "remainder": "mod",
    "floor_divide": "//",
    "equal": "=",
    "not_equal": "≠",
    "less": "<",
    "less_equal": "≤",
    "greater": ">",
    "greater_equal": "≥",
}
OTHER = {"sum_n": "Σ", "negative": "−( )", "square": "( )²", "broadcast_to": "broadcast"}
COMMUTATIVE = {"add", "multiply", "equal", "not_equal"}
MAX_OPERAND = 12
MAX_NUMBER = 8


@dataclass(frozen=True)
class Folding:
    """What is drawn inside its users.

    ``source``: for every node the node with a card that carries its value, None for a number. ``text``: how users write
    a folded number or transpose.
    """

    source: Mapping[Node, Node | None]
    text: Mapping[Node, str]


def fold(graph: Graph) -> Folding:
    """Which nodes are drawn inside their users."""
    source: dict[Node, Node | None] = {}
    text: dict[Node, str] = {}
    for node in graph.nodes:
        if not is_folded(graph, node):
            source[node] = node
        elif not node.inputs:
            source[node] = None
            value = node.attrs["value"]
            text[node] = _grouped(str(value)) if "size" in node.op.traits else _number(value)
        else:
            (x,) = node.inputs
            source[node] = source[x]
            if node.op is transpose:
                text[node] = f"{_operand_name(source[x]) or '( )'}ᵀ"
            elif x in text:
                text[node] = text[x]
    return Folding(source, text)


def is_folded(graph: Graph, node: Node) -> bool:
    """Whether a node is drawn inside its users."""
    if graph.is_input(node) or graph.is_output(node) or (node.origin.is_cotangent and node.name):
        return False
    if node.op is transpose:
        return _feeds_products(graph, node)
    number = "constant" in node.op.traits and node.ndim == 0 and not (node.name or node.origin.is_cotangent)
    return number or "size" in node.op.traits or node.op in (broadcast_to, astype, stop_gradient)


def _feeds_products(graph: Graph, node: Node) -> bool:
    """Whether a backward node exchanges the last two axes for matrix products only."""
    last_two = (*range(node.ndim - 2), node.ndim - 1, node.ndim - 2)
    if node not in graph.backward or node.name or node.ndim < 2 or node.attrs["axes"] != last_two:
        return False
    return not node.origin.is_cotangent and all(user.op is matmul for user in graph.users[node])


def operation(node: Node, folding: Folding) -> str:
    """The text of an op, with the operands that have no card, and with names where the order of operands counts."""
    if "constant" in node.op.traits:
        return _number(node.attrs["value"]) if node.ndim == 0 else repr(node.type)
    texts = [folding.text.get(x, "") for x in node.inputs]
    symbol = INFIX.get(node.op.name)
    if symbol and len(node.inputs) == 2:
        if node.op.name not in COMMUTATIVE:
            texts = [t or _operand_name(folding.source[x]) for t, x in zip(texts, node.inputs, strict=True)]
        return " ".join(part for part in (texts[0], symbol, texts[1]) if part)
    known = ", ".join(t for t in texts if t)
    name = OTHER.get(node.op.name, node.op.name)
    return " ".join(part for part in (name, f"({known})" if known else "", *_attributes(node)) if part)


def _attributes(node: Node) -> list[str]:
    """The attributes that say more than the type does, without those that have their default."""
    return [
        key if value is True else f"{key}={_value(key, value)}"
        for key, value in node.attrs.items()
        if key not in ("dtype", "shape") and value is not None and value is not False
        if not _is_plain(node, key, value)
    ]


def _value(key: str, value: Any) -> str:
    """An attribute's value; one axis without its tuple, equal values in a row once: ``(1, …×4)``."""
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        if key == "axis" and len(value) == 1:
            return value_text(value[0])
        if len(value) > 2 and all(v == value[0] for v in value):
            return f"({value_text(value[0])}, …×{len(value)})"
    return value_text(value)


def _is_plain(node: Node, key: str, value: object) -> bool:
    """Whether an attribute goes without saying: its default, or the order of axes of an ordinary transpose."""
    return value == node.op.defaults[key] or (key == "axes" and value == tuple(reversed(range(node.ndim))))


def _operand_name(source: Node | None) -> str:
    """The short name of an operand; "" when it has none that a reader would recognize on its card."""
    name = source.name if source is not None else None
    return name if name and len(name) <= MAX_OPERAND else ""


def _number(value: Any) -> str:
    """A number on a card: with five digits where it has many."""
    text = literals.number(value)
    digits = text.lstrip("-").partition("e")[0]
    return text if len(digits) <= MAX_NUMBER or not digits[0].isdigit() else f"{float(text):.5g}…"


def _grouped(text: str) -> str:
    """The text of a size as an operand: a product or sum in parentheses."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"
