"""``g.diff(other).draw()``: both graphs in one drawing, with what is new, gone and changed in color.

Drawn are the nodes of the second graph and, dashed, those of the first that are gone. What is drawn inside other cards
(broadcasts, numbers) is drawn there, too.
"""

from collections.abc import Mapping
from dataclasses import replace

from graphad.draw.dot import to_dot
from graphad.draw.drawing import Drawing
from graphad.draw.notation import fold, operation
from graphad.draw.options import DIRECTIONS
from graphad.draw.view import Card, Edge, View, make_view
from graphad.errors import check_choice
from graphad.ir.core import Node
from graphad.ir.diff import Diff
from graphad.ir.graph import Graph
from graphad.ir.late import install


def draw_diff(diff: Diff, rankdir: str = "TB", legend: bool = True) -> Drawing:
    """A drawing of the difference. ``rankdir``: "TB" or "LR". Raises ArgumentError for other values."""
    check_choice("rankdir", rankdir, DIRECTIONS)
    return to_dot(diff_view(diff), rankdir, legend)


def diff_view(diff: Diff) -> View:
    """The view of the difference: cards and edges of the second graph, and of the first what is gone."""
    old, new = _Half(diff.before, "b"), _Half(diff.after, "a")
    gone, changed = set(diff.removed), {b: a for a, b in diff.changed}
    role = dict.fromkeys(diff.added, "added") | dict.fromkeys(changed, "changed")
    cards = [_card(new, n, role.get(n, "kept"), changed.get(n), old) for n in new.shown]
    cards += [_card(old, n, "removed", None, old) for n in old.shown if n in gone]
    stands = {a: b for b, a in diff.partners.items()}
    keys = {n: new.keys[n] for n in new.shown}
    keys |= {n: old.keys[n] for n in old.shown if n in gone}
    keys |= {a: new.keys[source] for a, b in stands.items() if (source := new.source[b]) is not None}
    fresh = {c.key for c in cards if c.role == "added"}
    edges = [replace(e, kind="new" if {e.source, e.target} & fresh else "same") for e in new.edges]
    known = {(e.source, e.target) for e in edges}
    for user, source in old.links():
        ends = keys.get(source), keys.get(stands.get(user, user))
        if ends[0] and ends[1] and ends[0] != ends[1] and (ends[0], ends[1]) not in known:
            known.add((ends[0], ends[1]))
            edges.append(Edge(ends[0], ends[1], "gone"))
    return View(f"{diff.before.name}: what changed", tuple(cards), tuple(edges), turns=False)


class _Half:
    """One of the two graphs as `make_view` shows it, with its own keys."""

    def __init__(self, graph: Graph, letter: str) -> None:
        view = make_view(graph)
        self.graph, self.folding = graph, fold(graph)
        self.source = self.folding.source
        self.keys = {n: f"{letter}{k}" for k, n in enumerate(graph.nodes)}
        self.cards: Mapping[str, Card] = {f"{letter}{c.key[1:]}": c for c in view.cards}
        self.shown = [n for n in graph.nodes if self.keys[n] in self.cards]
        self.edges = [
            replace(e, source=f"{letter}{e.source[1:]}", target=f"{letter}{e.target[1:]}")
            for e in view.edges
            if e.kind != "adjoint"
        ]

    def links(self) -> list[tuple[Node, Node]]:
        """Pairs of a shown node and the shown node that it reads."""
        found = []
        for node in self.shown:
            for x in () if self.graph.is_input(node) else node.inputs:
                source = self.source[x]
                if source is not None:
                    found.append((node, source))
        return found


def _card(half: _Half, node: Node, role: str, was: Node | None, old: _Half) -> Card:
    """A card by what became of the node; a changed one says what it was."""
    card = half.cards[half.keys[node]]
    text = card.text
    if was is not None:
        before = operation(was, old.folding)
        text = f"{before} → {text}" if before != text else f"{text} (other operands)"
    if role == "kept" and card.role in ("input", "parameter"):
        role = card.role
    return replace(card, key=half.keys[node], role=role, text=text)


install(**{"Diff.draw": draw_diff})
