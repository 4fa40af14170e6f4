"""What a drawing shows: cards, edges and clusters, decided here; how they look is decided in `style.py` and `dot.py`.

In the joint view the forward pass runs down and the backward pass comes back up beside it, so that a cotangent stands
next to the node that it belongs to. Read `notation.py` first: it says what is drawn inside other cards. What follows
goes from view to view: `loops.py` opens loops, `repeats.py` and `collapse.py` make large graphs small.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphad.draw.notation import Folding, fold, operation
from graphad.errors import check_choice
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin
from graphad.ops.elementwise import sum_n

VIEWS = ("joint", "forward", "backward")
MAX_LABEL = 40
LEAVES = ("input", "parameter")
BACKWARD = " · backward"  # said of clusters of the backward pass
ALL_LINKS = 40  # above this many cards only named nodes are linked to their adjoints: a person follows a few lines


@dataclass(frozen=True)
class Card:
    """One drawn node, or a box that stands for several.

    ``path`` is its cluster, outermost first; ``role`` decides color and shape. ``upward``: it runs against the forward
    pass. ``nodes``: what it stands for, all drawn nodes of a box. ``count``: it stands for so many equal ones;
    ``badge``: what of that it has to say itself, as no frame says it. ``value`` and
    ``gradient``: numbers to be written beside it.
    """

    key: str
    role: str
    title: str
    text: str
    tooltip: str
    path: tuple[str, ...]
    is_output: bool
    upward: bool = False
    nodes: tuple[Node, ...] = field(default=(), compare=False, repr=False)
    count: int = 1
    badge: int = 1
    value: str = ""
    gradient: str = ""


@dataclass(frozen=True)
class Edge:
    """An arrow between cards.

    ``kind`` is "forward"; "backward" (between nodes that differentiation made); "use" (a backward node reads a forward
    value); "next" (from one turn of a loop, or one of equal parts, to the next); or "adjoint" (from a cotangent to the
    node that it belongs to). ``shape`` is that of the value, which ``node`` computes. ``label`` is what is written:
    which use a sum adds up, or the shape, once per value and unless its card shows it. ``slot``: which operand it is.
    """

    source: str
    target: str
    kind: str
    label: str = ""
    shape: str = ""
    slot: int = 0
    node: Node | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class View:
    """Everything that is drawn; ``turns`` when the backward pass is to come back up beside the forward pass.

    ``pairs``: cotangent and what it belongs to, also where no edge of the kind "adjoint" says so.
    """

    name: str
    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    turns: bool
    pairs: tuple[tuple[str, str], ...] = ()


def make_view(graph: Graph, view: str = "joint", turns: bool | None = None) -> View:
    """The view of a graph. ``turns``: see `View`; the joint view does unless said otherwise. Raises ArgumentError."""
    check_choice("view", view, VIEWS)
    folding, upward, roles = fold(graph), _upward(graph), _roles(graph)
    shown, stubs = _shown(graph, view, folding)
    keys = {n: f"n{k}" for k, n in enumerate(graph.nodes)}
    nodes = [n for n in graph.nodes if n in shown]
    paths = _paths(graph, stubs)
    cards = tuple(
        Card(
            keys[n],
            "stub" if n in stubs and roles[n] in ("forward", "loss") else roles[n],
            *_texts(n, roles[n], folding),
            paths[n],
            graph.is_output(n) and roles[n] not in LEAVES,
            upward[n],
            (n,),
        )
        for n in nodes
    )
    turns = view == "joint" if turns is None else turns
    drawn = [n for n in nodes if n not in stubs]
    edges = _data_edges(graph, drawn, keys, folding, (upward, roles, turns))
    pairs = _pairs(nodes)
    links = [Edge(keys[n], keys[primal], "adjoint") for n, primal in pairs if primal.name or len(nodes) <= ALL_LINKS]
    return View(graph.name, cards, (*edges, *links), turns, tuple((keys[n], keys[primal]) for n, primal in pairs))


def _shown(graph: Graph, view: str, folding: Folding) -> tuple[set[Node], set[Node]]:
    """The nodes that get a card, and those of them that stand for a forward value that a backward view uses."""
    visible = {n for n in graph.nodes if folding.source[n] is n}
    if view == "joint":
        return visible, set()
    if view == "forward":
        again = _stable_forms(graph)
        return {n for n in visible - graph.backward if n not in again}, set()
    chosen = visible & graph.backward
    sources = (folding.source[x] for n in chosen for x in n.inputs)
    stubs = {s for s in sources if s is not None and s not in chosen}
    return chosen | stubs, stubs


def _stable_forms(graph: Graph) -> set[Node]:
    """Forward values that stand there once more, in a stable form, for the backward pass."""
    seen: dict[Origin, int] = {}
    for node in graph.nodes:
        seen[node.origin] = seen.get(node.origin, 0) + 1
    return {
        n
        for n in graph.nodes
        if seen[n.origin] > 1 and n not in graph.backward and not graph.is_output(n)
        if all(user in graph.backward for user in graph.users[n])
    }


def _data_edges(
    graph: Graph,
    nodes: Sequence[Node],
    keys: dict[Node, str],
    folding: Folding,
    known: tuple[dict[Node, bool], dict[Node, str], bool],
) -> list[Edge]:
    """The edges into ``nodes``. What a card or another edge shows is not written again."""
    upward, roles, turns = known
    written = {(n, k) for n in graph.nodes if roles[n] in LEAVES for k in ("forward", "use")}
    edges = []
    for node in nodes:
        if graph.is_input(node):
            continue
        uses = _uses(node)
        for slot, (x, use) in enumerate(zip(node.inputs, uses, strict=True)):
            source = folding.source[x]
            if source is None:
                continue
            kind = "use" if upward[node] != upward[source] else "backward" if upward[node] else "forward"
            shape = shape_text(source)
            label = use if node.op is sum_n else ""
            if not label and (source, kind) not in written and not (kind == "use" and turns):
                written.add((source, kind))
                label = shape
            edges.append(Edge(keys[source], keys[node], kind, short(label), shape, slot, source))
    return edges


def _uses(node: Node) -> Sequence[str]:
    """What the edges of a sum say of the uses that they come from; equal ones say in which scope or line, too."""
    uses = node.origin.uses
    if len(uses) != len(node.inputs):
        return ("",) * len(node.inputs)
    alike = {use for use, count in Counter(uses).items() if count > 1}
    for place in (_scope_of, _line_of):
        told = [
            f"{use}, {place(x)}" if use in alike and place(x) else use for use, x in zip(uses, node.inputs, strict=True)
        ]
        if len(set(told)) == len(told):
            return told
    return uses


def _scope_of(node: Node) -> str:
    return " / ".join(node.origin.scope)


def _line_of(node: Node) -> str:
    return f"line {node.origin.place.line}" if node.origin.place else ""


def shape_text(node: Node) -> str:
    """The shape of a value, as ``batch×10``."""
    return "×".join(text if text.isalnum() else f"({text})" for text in map(str, node.shape))


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


def _pairs(nodes: Sequence[Node]) -> list[tuple[Node, Node]]:
    """Each cotangent and the node that it belongs to."""
    by_origin = {n.origin: n for n in reversed(nodes)}
    pairs = []
    for node in nodes:
        belongs: list[Origin | None] = [of for _, of in node.origin.gradients if node.name == f"d_{of.name}"]
        belongs.append(node.origin.adjoint_of)
        primal = by_origin.get(belongs[0]) if belongs[0] is not None else None
        if primal is not None and primal is not node and node.origin.is_cotangent:
            pairs.append((node, primal))
    return pairs


def _paths(graph: Graph, stubs: set[Node]) -> dict[Node, tuple[str, ...]]:
    """The cluster of each node: its scope, "norm" for block_0_norm within block_0; parameters are with their users."""
    paths: dict[Node, tuple[str, ...]] = {}
    for node in graph.nodes:
        path = () if node in stubs else node.origin.scope
        if "parameter" in node.op.traits and not path:
            path = _common(u.origin.scope for u in graph.users[node] if u not in graph.backward)
        path = tuple(name.removeprefix(f"{outer}_") or name for outer, name in zip(("", *path), path, strict=False))
        if path and node.origin.adjoint_of is not None:
            path = (path[0] + BACKWARD, *path[1:])
        paths[node] = path
    return paths


def _common(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest path that all begin with."""
    first, *others = sorted(set(paths)) or [()]
    last = others[-1] if others else first
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]


def _texts(node: Node, role: str, folding: Folding) -> tuple[str, str, str]:
    """Title, text and tooltip of a card."""
    title, text = node.name or "", repr(node.type) if role in LEAVES else operation(node, folding)
    place = node.origin.location
    facts = [
        *(t for t in (title, text) if short(t) != t),
        f"{node.op.name} : {node.type}",
        f"{place}: {node.origin.source_line()}" if place else "",
    ]
    return short(title), short(text), "  ".join(filter(None, facts))


def _roles(graph: Graph) -> dict[Node, str]:
    seeded = {n.origin.adjoint_of for n in graph.nodes if n.origin.is_cotangent and n.origin.made_by == "seed"}
    seeded |= {loss for n in graph.nodes for loss, _ in n.origin.gradients}
    again = _stable_forms(graph)
    return {n: _role(graph, n, n.origin in seeded and n.ndim == 0 and n not in again) for n in graph.nodes}


def _role(graph: Graph, node: Node, is_loss: bool) -> str:
    if "parameter" in node.op.traits:
        return "parameter"
    if graph.is_input(node) or "placeholder" in node.op.traits:
        return "input"
    if node.op is sum_n and node.origin.uses:
        return "sum"
    if is_loss and node not in graph.backward:
        return "loss"
    if node in graph.backward:
        return "backward"
    return "constant" if "constant" in node.op.traits else "forward"


def short(text: str) -> str:
    """A text that fits on a card."""
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
