"""What a page shows of a graph: its cards and the edges between them, those of loop bodies among them.

Everything on a page speaks of cards by number. Nodes that are drawn inside others (broadcasts, casts, numbers) and
nodes that rewriting made are found by what they stand for.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphad.draw.picture import titled
from graphad.draw.view import Card, make_view
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin
from graphad.ops.elementwise import add, subtract

NEAREST = 50  # users that are asked for the card which a number or a broadcast went into
LEAVES = ("input", "parameter", "constant")
BACKWARD = ("backward", "sum")


@dataclass(frozen=True)
class Link:
    """An edge between cards; ``upward`` when its value flows back, as cotangents do."""

    source: int
    target: int
    kind: str
    label: str


@dataclass
class Model:
    """Cards with their nodes, ``graphs`` that they are from, and ``inside``: the loop whose body a card is part of."""

    graph: Graph
    cards: list[Card] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    upward: list[bool] = field(default_factory=list)
    number: dict[Node, int] = field(default_factory=dict)
    of_origin: dict[Origin, int] = field(default_factory=dict)
    adjoints: dict[int, list[int]] = field(default_factory=dict)  # card -> the cards of its cotangents
    helpers: dict[int, list[int]] = field(default_factory=dict)  # card -> what else was made for its derivative

    def card_of(self, node: Node) -> int | None:
        """The card of a node of the graph, or of one that passes made: by identity, by origin, by what it serves."""
        found = self.number.get(node)
        origin: Origin | None = node.origin
        while found is None and origin is not None:
            found = self.of_origin.get(origin)
            origin = origin.adjoint_of
        return found

    def cards_of(self, nodes: Iterable[Node]) -> list[int]:
        """The cards of some nodes, each once."""
        return list(dict.fromkeys(k for n in nodes if (k := self.card_of(n)) is not None))


def model_of(graph: Graph, titles: Mapping[Node, str] | None = None) -> Model:
    """The cards of a graph and of the bodies of its loops. ``titles``: what nodes are called besides their names."""
    model = Model(graph)
    waiting: list[tuple[Graph, int]] = [(graph, -1)]
    for part, loop in waiting:
        first = len(model.cards)
        _add(model, part, loop, titles or {})
        for k in range(first, len(model.cards)):
            if "loop" in model.nodes[k].op.traits and not part.is_input(model.nodes[k]):
                waiting.append((model.nodes[k].attrs["body"], k))
    _pair(model)
    return model


def _add(model: Model, graph: Graph, loop: int, titles: Mapping[Node, str]) -> None:
    """Append the cards and links of one graph."""
    view = titled(make_view(graph), titles)
    by_key = {f"n{k}": n for k, n in enumerate(graph.nodes)}
    first = len(model.cards)
    at = {card.key: first + k for k, card in enumerate(view.cards)}
    model.cards += view.cards
    model.nodes += [by_key[card.key] for card in view.cards]
    model.inside += [loop] * len(view.cards)
    data = [e for e in view.edges if e.kind != "adjoint"]
    model.links += [Link(at[e.source], at[e.target], e.kind, e.label) for e in data]
    runs_up = {at[key] for e in data if e.kind == "backward" for key in (e.source, e.target)}
    runs_down = {at[key] for e in data if e.kind == "forward" for key in (e.source, e.target)}
    for k, card in enumerate(view.cards, first):
        model.upward.append(k in runs_up or (card.role in BACKWARD and k not in runs_down))
        model.number.setdefault(model.nodes[k], k)
        model.of_origin.setdefault(model.nodes[k].origin, k)
    for node in graph.nodes:
        if node not in model.number and (near := _near(model, graph, node)) is not None:
            model.number[node] = near
            model.of_origin.setdefault(node.origin, near)


def _near(model: Model, graph: Graph, node: Node) -> int | None:
    """The card that a node without one is part of: of what uses it, else of what it reads."""
    reached = [node]
    for n in reached:
        users = [] if len(reached) > NEAREST else list(graph.users[n])
        for user in users:
            if user in model.number:
                return model.number[user]
        reached += users
    return next((model.number[x] for x in node.inputs if x in model.number), None)


def _pair(model: Model) -> None:
    """Which cards are the cotangents of which, and what else differentiation made for them; loops' bodies apart."""
    of_origin = {(model.inside[k], model.nodes[k].origin): k for k in range(len(model.cards) - 1, -1, -1)}
    for k, node in enumerate(model.nodes):
        of = node.origin.adjoint_of
        primal = of_origin.get((model.inside[k], of)) if of is not None else None
        if primal is not None and primal != k:
            (model.adjoints if node.origin.is_cotangent else model.helpers).setdefault(primal, []).append(k)


def first_readers(model: Model) -> dict[int, int]:
    """For each card the first one of the forward pass that reads it."""
    found: dict[int, int] = {}
    for link in model.links:
        if link.kind == "forward":
            found[link.source] = min(link.target, found.get(link.source, link.target))
    return found


def passed_on(model: Model) -> dict[int, list[int]]:
    """Cards whose cotangent is that of the sum or difference which alone reads them: differentiation makes no node."""
    graph, found = model.graph, dict(model.adjoints)
    for k in range(len(model.cards) - 1, -1, -1):
        node = model.nodes[k]
        users = [u for u in graph.users.get(node, ()) if u not in graph.backward]
        if k in found or model.inside[k] >= 0 or node in graph.backward or not node.inputs or len(users) != 1:
            continue
        (user,) = users
        first = user.op is add or (user.op is subtract and user.inputs[0] is node)
        if first and user.type == node.type and (at := model.number.get(user)) in found and not graph.is_output(node):
            found[k] = found[at]
    return {k: v for k, v in found.items() if k not in model.adjoints}


def primals(model: Model) -> dict[int, int]:
    """For each card that differentiation made, the card that it serves."""
    pairs: Iterator[tuple[int, int]] = (
        (k, p) for table in (model.helpers, model.adjoints) for p, ks in table.items() for k in ks
    )
    return dict(pairs)
