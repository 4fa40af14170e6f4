"""What a drawing shows: cards, edges and clusters, decided here; how they look is decided in `style.py` and `dot.py`.

Broadcasts, casts, scalar constants and sizes get no card of their own: they are folded into the nodes that use them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.errors import ArgumentError
from graphad.form import literals
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.text import value_text
from graphad.ops.elementwise import sum_n
from graphad.ops.fit import astype, broadcast_to
from graphad.ops.piecewise import stop_gradient

VIEWS = ("joint", "forward", "backward")
SYMBOLS = {
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
    "sum_n": "Σ",
    "negative": "−( )",
    "square": "( )²",
    "transpose": "transpose",
}
MAX_LABEL = 40
ALL_LINKS = 40  # above this many cards only named nodes are linked to their adjoints: a person follows a few lines


@dataclass(frozen=True)
class Card:
    """One drawn node. ``path`` is its cluster, outermost first; ``role`` decides colour and shape."""

    key: str
    role: str
    title: str
    text: str
    tooltip: str
    path: tuple[str, ...]
    is_output: bool


@dataclass(frozen=True)
class Edge:
    """An arrow between cards; ``kind`` is "data", or "adjoint" from a cotangent to the node that it belongs to."""

    source: str
    target: str
    label: str
    kind: str


@dataclass(frozen=True)
class View:
    """Everything that is drawn."""

    name: str
    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]


def make_view(graph: Graph, view: str = "joint") -> View:
    """The view of a graph. Raises ArgumentError for an unknown name of a view."""
    if view not in VIEWS:
        raise ArgumentError(f"view={view!r} is not known", hint=f"use one of {', '.join(map(repr, VIEWS))}")
    shown = _shown(graph, view)
    keys = {n: f"n{k}" for k, n in enumerate(graph.nodes)}
    cards = tuple(_card(graph, n, keys[n], view) for n in graph.nodes if n in shown)
    edges: list[Edge] = []
    for node in graph.nodes:
        if node in shown and not _is_stub(graph, node, view) and not graph.is_input(node):
            edges += _incoming(graph, node, keys, shown)
    by_origin = {n.origin: n for n in reversed(graph.nodes) if n in shown}
    for node in graph.nodes:
        forward = by_origin.get(node.origin.adjoint_of) if node.origin.adjoint_of else None
        if forward is None or forward is node or node not in shown or not node.origin.is_cotangent:
            continue
        if forward.name or len(cards) <= ALL_LINKS:
            edges.append(Edge(keys[node], keys[forward], "", "adjoint"))
    return View(graph.name, cards, tuple(edges))


def is_folded(graph: Graph, node: Node) -> bool:
    """Whether a node is drawn inside its users."""
    if graph.is_input(node) or graph.is_output(node):
        return False
    number = "size" in node.op.traits or ("constant" in node.op.traits and node.ndim == 0 and not node.name)
    return number or node.op in (broadcast_to, astype, stop_gradient)


def _shown(graph: Graph, view: str) -> set[Node]:
    """The nodes that get a card."""
    visible = {n for n in graph.nodes if not is_folded(graph, n)}
    if view == "joint":
        return visible
    if view == "forward":
        return visible - graph.backward
    used = {_through(graph, x) for n in visible & graph.backward for x in n.inputs}
    return (visible & graph.backward) | {n for n in used if n is not None and n in visible}


def _is_stub(graph: Graph, node: Node, view: str) -> bool:
    """In the backward view, a forward node that is shown only because it is used."""
    return view == "backward" and node not in graph.backward


def _through(graph: Graph, node: Node) -> Node | None:
    """The node behind folded ones that carries the value; None when it is a number."""
    while is_folded(graph, node):
        if not node.inputs:
            return None
        node = node.inputs[0]
    return node


def _number(graph: Graph, node: Node) -> str:
    """The text of a folded number."""
    while node.inputs:
        node = node.inputs[0]
    value = node.attrs["value"]
    return str(value) if "size" in node.op.traits else literals.number(value)


def _incoming(graph: Graph, node: Node, keys: dict[Node, str], shown: set[Node]) -> list[Edge]:
    uses: Sequence[str] = node.origin.uses if len(node.origin.uses) == len(node.inputs) else [""] * len(node.inputs)
    edges = []
    for x, use in zip(node.inputs, uses, strict=True):
        source = _through(graph, x)
        if source is not None and source in shown:
            label = use if node.op is sum_n and use else "×".join(map(str, source.shape))
            edges.append(Edge(keys[source], keys[node], _short(label), "data"))
    return edges


def _card(graph: Graph, node: Node, key: str, view: str) -> Card:
    stub = _is_stub(graph, node, view)
    role = _role(graph, node)
    text = repr(node.type) if role in ("input", "parameter") else operation(graph, node)
    place = node.origin.location
    tooltip = f"{node.op.name} : {node.type}" + (f"  {place}: {node.origin.source_line()}" if place else "")
    title = node.name or ""
    is_output = graph.is_output(node) and role not in ("input", "parameter")
    path = () if stub else node.origin.scope
    if path and node in graph.backward:
        path = (f"{path[0]} · backward", *path[1:])
    return Card(
        key, "stub" if stub and role == "forward" else role, _short(title), _short(text), tooltip, path, is_output
    )


def _role(graph: Graph, node: Node) -> str:
    if "parameter" in node.op.traits:
        return "parameter"
    if graph.is_input(node) or "placeholder" in node.op.traits:
        return "input"
    if node.op is sum_n:
        return "sum"
    if node in graph.backward:
        return "backward"
    return "constant" if "constant" in node.op.traits else "forward"


def operation(graph: Graph, node: Node) -> str:
    """An op as a card says it: "@", "× 0.5", "sum axis=1"."""
    if "constant" in node.op.traits:
        return literals.number(node.attrs["value"]) if node.ndim == 0 else repr(node.type)
    symbol = SYMBOLS.get(node.op.name)
    numbers = [_number(graph, x) if _through(graph, x) is None else "" for x in node.inputs]
    if symbol and len(node.inputs) == 2:
        left, right = numbers
        return " ".join(part for part in (left, symbol, right) if part)
    known = ", ".join(n for n in numbers if n)
    attrs = [
        f"{k}={value_text(v[0] if isinstance(v, tuple) and len(v) == 1 and k == 'axis' else v)}"
        for k, v in node.attrs.items()
        if k not in ("dtype", "shape") and v is not None and v is not False and not _is_plain(node, k, v)
    ]
    return " ".join(part for part in (symbol or node.op.name, f"({known})" if known else "", *attrs) if part)


def _is_plain(node: Node, key: str, value: object) -> bool:
    """Whether an attribute goes without saying: its default, or the order of axes of an ordinary transpose."""
    return value == node.op.defaults[key] or (key == "axes" and value == tuple(reversed(range(node.ndim))))


def _short(text: str) -> str:
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
