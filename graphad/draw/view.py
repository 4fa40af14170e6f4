"""What a drawing shows: cards, edges and clusters, decided here; how they look is decided in `style.py` and `dot.py`.

In the joint view the forward pass runs down and the backward pass comes back up beside it, so that a cotangent stands
next to the node that it belongs to. Read `notation.py` first: it says what is drawn inside other cards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.draw.notation import Folding, fold, operation
from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ops.elementwise import sum_n

VIEWS = ("joint", "forward", "backward")
MAX_LABEL = 40
LEAVES = ("input", "parameter")
ALL_LINKS = 40  # above this many cards only named nodes are linked to their adjoints: a person follows a few lines


@dataclass(frozen=True)
class Card:
    """One drawn node. ``path`` is its cluster, outermost first; ``role`` decides color and shape."""

    key: str
    role: str
    title: str
    text: str
    tooltip: str
    path: tuple[str, ...]
    is_output: bool


@dataclass(frozen=True)
class Edge:
    """An arrow between cards.

    ``kind`` is "forward"; "backward" (between nodes that differentiation made); "use" (a backward node reads a forward
    value); or "adjoint" (from a cotangent to the node that it belongs to). ``shape`` is that of the value. ``label`` is
    what is written: which use a sum adds up, or the shape, once per value and unless its card shows it.
    """

    source: str
    target: str
    kind: str
    label: str = ""
    shape: str = ""


@dataclass(frozen=True)
class View:
    """Everything that is drawn; ``turns`` when the backward pass is to come back up beside the forward pass."""

    name: str
    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    turns: bool


def make_view(graph: Graph, view: str = "joint") -> View:
    """The view of a graph. Raises ArgumentError for an unknown name of a view."""
    if view not in VIEWS:
        raise ArgumentError(f"view={view!r} is not known", hint=f"use one of {', '.join(map(repr, VIEWS))}")
    folding = fold(graph)
    shown, stubs = _shown(graph, view, folding)
    keys = {n: f"n{k}" for k, n in enumerate(graph.nodes)}
    nodes = [n for n in graph.nodes if n in shown]
    cards = tuple(_card(graph, n, keys[n], folding, n in stubs) for n in nodes)
    turns = view == "joint"
    edges = [*_data_edges(graph, [n for n in nodes if n not in stubs], keys, folding, turns), *_links(nodes, keys)]
    return View(graph.name, cards, tuple(edges), turns)


def _shown(graph: Graph, view: str, folding: Folding) -> tuple[set[Node], set[Node]]:
    """The nodes that get a card, and those of them that stand for a forward value that a backward view uses."""
    visible = {n for n in graph.nodes if folding.source[n] is n}
    if view == "joint":
        return visible, set()
    if view == "forward":
        return visible - graph.backward, set()
    chosen = visible & graph.backward
    sources = (folding.source[x] for n in chosen for x in n.inputs)
    stubs = {s for s in sources if s is not None and s not in chosen}
    return chosen | stubs, stubs


def _data_edges(
    graph: Graph, nodes: Sequence[Node], keys: dict[Node, str], folding: Folding, turns: bool
) -> list[Edge]:
    """The edges into ``nodes``. What a card or another edge shows is not written again."""
    upward = _upward(graph)
    written = {(n, k) for n in graph.nodes if _role(graph, n) in LEAVES for k in ("forward", "use")}
    edges = []
    for node in nodes:
        if graph.is_input(node):
            continue
        uses = node.origin.uses if len(node.origin.uses) == len(node.inputs) else ("",) * len(node.inputs)
        for x, use in zip(node.inputs, uses, strict=True):
            source = folding.source[x]
            if source is None:
                continue
            kind = "use" if upward[node] != upward[source] else "backward" if upward[node] else "forward"
            shape = "×".join(text if text.isalnum() else f"({text})" for text in map(str, source.shape))
            label = use if node.op is sum_n else ""
            if not label and (source, kind) not in written and not (kind == "use" and turns):
                written.add((source, kind))
                label = shape
            edges.append(Edge(keys[source], keys[node], kind, _short(label), shape))
    return edges


def _upward(graph: Graph) -> dict[Node, bool]:
    """Which nodes run against the forward pass: differentiating once turns round, twice turns round again.

    Tangents run along with what they belong to; what the user made of gradients, along with the gradients.
    """
    upward: dict[Node, bool] = {}
    for node in graph.nodes:
        origin, turns = node.origin, 0
        if node in graph.backward and origin.adjoint_of is None:
            turns = any(upward[x] for x in node.inputs)
        while origin.adjoint_of is not None:
            turns += not origin.made_by.startswith("jvp")
            origin = origin.adjoint_of
        upward[node] = turns % 2 == 1
    return upward


def _links(nodes: Sequence[Node], keys: dict[Node, str]) -> list[Edge]:
    """From each cotangent to the node that it belongs to."""
    by_origin = {n.origin: n for n in reversed(nodes)}
    edges = []
    for node in nodes:
        primal = by_origin.get(node.origin.adjoint_of) if node.origin.adjoint_of else None
        if primal is None or primal is node or not node.origin.is_cotangent:
            continue
        if primal.name or len(nodes) <= ALL_LINKS:
            edges.append(Edge(keys[node], keys[primal], "adjoint"))
    return edges


def _card(graph: Graph, node: Node, key: str, folding: Folding, stub: bool) -> Card:
    role = _role(graph, node)
    leaf = role in LEAVES
    title, text = node.name or "", repr(node.type) if leaf else operation(node, folding)
    place = node.origin.location
    facts = [
        *(t for t in (title, text) if _short(t) != t),
        f"{node.op.name} : {node.type}",
        f"{place}: {node.origin.source_line()}" if place else "",
    ]
    path = () if stub else node.origin.scope
    if path and node in graph.backward:
        path = (f"{path[0]} · backward", *path[1:])
    return Card(
        key=key,
        role="stub" if stub and role == "forward" else role,
        title=_short(title),
        text=_short(text),
        tooltip="  ".join(filter(None, facts)),
        path=path,
        is_output=graph.is_output(node) and not leaf,
    )


def _role(graph: Graph, node: Node) -> str:
    if "parameter" in node.op.traits:
        return "parameter"
    if graph.is_input(node) or "placeholder" in node.op.traits:
        return "input"
    if node.op is sum_n and node.origin.uses:
        return "sum"
    if node in graph.backward:
        return "backward"
    return "constant" if "constant" in node.op.traits else "forward"


def _short(text: str) -> str:
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
