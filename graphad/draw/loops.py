"""A `scan` drawn open: its body as a cluster, with what goes in, what comes out and what goes on to the next turn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from graphad.draw.view import Card, Edge, View, make_view
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ops.control import scan
from graphad.ops.tuples import item


def with_loops(view: View) -> View:
    """The view with the body of each loop in place of its card. Keys of cards within begin with that of the loop."""
    before = view
    while loop := next((c for c in view.cards if c.nodes and c.nodes[0].op is scan), None):
        view = _Opened(view, loop).view()
    return view if view is before else _aligned(view)


def _aligned(view: View) -> View:
    """The view with pairs across the bodies of loops: cotangents, and what is computed again in the backward loop."""
    first = {c.nodes[0].origin: c.key for c in reversed(view.cards) if not c.nodes[0].origin.is_cotangent}
    pairs = list(view.pairs)
    for card in view.cards:
        origin = card.nodes[0].origin
        of = origin.adjoint_of if origin.is_cotangent else origin
        key = first.get(of) if of is not None else None
        # what the backward loop takes in is called as what a turn takes, and belongs to what it gives on
        taken_in = card.role == "stub" and card.upward
        if key is not None and key != card.key and "_" in card.key and not taken_in:
            pairs.append((card.key, key))
    return replace(view, pairs=tuple(dict.fromkeys(pairs)))


@dataclass(frozen=True)
class _Opened:
    """One loop of a view. An end of the loop is a card of its body: of what it gives, or of a carry before a turn."""

    outer: View
    loop: Card

    def view(self) -> View:
        cards: list[Card] = []
        for card in self.outer.cards:
            if card is self.loop:
                cards += self._cards()
            elif card.key not in self._gone:
                cards.append(replace(card, text=self._says(card)) if card.key in self._ends else card)
        upward = {c.key: c.upward for c in cards}
        edges = [e for e in (*self._outer_edges(), *self._inner_edges()) if {e.source, e.target} <= set(upward)]
        pairs = [(self._gone.get(a, a), self._gone.get(b, b)) for a, b in self.outer.pairs]
        kept = tuple((a, b) for a, b in pairs if a in upward and b in upward)
        return replace(self.outer, cards=tuple(cards), edges=tuple(_kinds(edges, upward)), pairs=kept)

    @cached_property
    def _attrs(self) -> Mapping[str, Any]:
        return self.loop.nodes[0].attrs

    @cached_property
    def _body(self) -> Graph:
        body: Graph = self._attrs["body"]
        return body

    @cached_property
    def _inner(self) -> View:
        return make_view(self._body, "joint", turns=False)

    @cached_property
    def _given(self) -> dict[int, Edge]:
        """The edges into the loop, by operand."""
        return {e.slot: e for e in self.outer.edges if e.target == self.loop.key and e.kind != "adjoint"}

    @cached_property
    def _keys(self) -> dict[str, str]:
        """Keys of the body's cards; one that is the same in every turn is the card outside."""
        keys = {f"n{k}": f"{self.loop.key}_{k}" for k in range(len(self._body.nodes))}
        first = self._attrs["carries"] + self._attrs["arrays"]
        shared = {f"n{k}": e.source for k, e in self._given.items() if k >= first}  # inputs come first among nodes
        return keys | shared

    def _key(self, node: Node) -> str:
        return self._keys[self._numbers[node]]

    @cached_property
    def _numbers(self) -> dict[Node, str]:
        return {n: f"n{k}" for k, n in enumerate(self._body.nodes)}

    @cached_property
    def _ends(self) -> dict[str, str]:
        """For each card that takes a result of the loop, the card within that gives it."""
        results = [*self._body.outputs, *self._body.inputs[: self._attrs["carries"]]]
        return {
            c.key: self._key(results[c.nodes[0].attrs["index"]])
            for c in self.outer.cards
            if c.nodes and c.nodes[0].op is item and c.nodes[0].inputs[0] is self.loop.nodes[0]
        }

    @cached_property
    def _gone(self) -> dict[str, str]:
        """Cards without a name that only take a result: the end that stands for each."""
        named = {c.key for c in self.outer.cards if c.title or c.is_output}
        return {key: end for key, end in self._ends.items() if key not in named}

    def _says(self, card: Card) -> str:
        """What a result of the loop is."""
        index = card.nodes[0].attrs["index"]
        return "after the last turn" if index < self._attrs["carries"] else "of all turns"

    def _cards(self) -> Iterator[Card]:
        turns = f"loop × {self._attrs['length']}" + (", last first" if self._attrs["reverse"] else "")
        frame, carries = (*self.loop.path, turns), self._attrs["carries"]
        for card in self._inner.cards:
            number = int(card.key[1:])
            key = self._keys[card.key]
            if not key.startswith(f"{self.loop.key}_"):
                continue
            changes: dict[str, Any] = {"key": key, "path": (*frame, *card.path), "is_output": False}
            if number < len(self._body.inputs):
                says = "carried" if number < carries else "each"
                changes |= {"role": "stub", "text": f"{says}: {card.text}"}
                changes["upward"] = self.loop.upward and (number < carries or card.upward)
            yield replace(card, **changes)

    def _outer_edges(self) -> Iterator[Edge]:
        first = self._attrs["carries"] + self._attrs["arrays"]
        for edge in self.outer.edges:
            if edge.kind == "adjoint":
                yield replace(
                    edge,
                    source=self._gone.get(edge.source, edge.source),
                    target=self._gone.get(edge.target, edge.target),
                )
            elif edge.target == self.loop.key:
                if edge.slot < first:
                    yield replace(edge, target=self._keys[f"n{edge.slot}"])
            elif edge.source == self.loop.key:
                if edge.target in self._ends:
                    yield replace(edge, source=self._ends[edge.target])
            else:
                yield replace(edge, source=self._gone.get(edge.source, edge.source))

    def _inner_edges(self) -> Iterator[Edge]:
        for edge in self._inner.edges:
            if edge.kind != "adjoint":
                yield replace(edge, source=self._keys[edge.source], target=self._keys[edge.target])
        for before, after in zip(self._body.inputs, self._body.outputs[: self._attrs["carries"]], strict=False):
            if before is not after:
                yield Edge(self._key(after), self._key(before), "next", node=after)


def _kinds(edges: Sequence[Edge], upward: Mapping[str, bool]) -> Iterator[Edge]:
    """The edges with the kinds that follow from which way their ends run."""
    for edge in edges:
        ends = upward[edge.source], upward[edge.target]
        kind = "use" if ends[0] != ends[1] else "backward" if ends[0] else "forward"
        yield edge if edge.kind in ("adjoint", "next") else replace(edge, kind=kind)
