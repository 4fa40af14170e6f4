"""Clusters for what has no scope: by statement of the user, or in equal parts of the way from inputs to results."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from graphad.draw.view import BACKWARD, LEAVES, Card, Edge, View
from graphad.ir.origin import Origin

LARGEST = 60  # cards of one statement; more are a program of its own rather than a statement
PARTS = 16  # that a long graph is cut into
WIDEST = 28  # characters of a statement


def in_statements(view: View) -> View:
    """The view with a cluster for each statement whose cards hang together: "h" for ``h = tanh(x @ W + b)``."""
    free = {c.key: c for c in view.cards if not c.path and c.nodes and c.role not in (*LEAVES, "loss", "box")}
    places = {k: c.nodes[0].origin for k, c in free.items() if len(c.nodes) == 1}
    lines = {k: (place.file, place.line, free[k].upward) for k, place in places.items()}
    group = _connected(lines, (e for e in view.edges if e.kind not in ("adjoint", "next", "use")))
    members: dict[str, list[Card]] = {}
    for key in lines:
        members.setdefault(group[key], []).append(free[key])
    members = {first: cards for first, cards in members.items() if 1 < len(cards) <= LARGEST}
    names: dict[str, str] = {}
    for upward in (False, True):
        for first, cards in members.items():
            if cards[0].upward == upward:
                names[first] = _name(cards, view, group, names)
    path_of = {c.key: (names[first],) for first, cards in members.items() for c in cards}
    return replace(view, cards=tuple(replace(c, path=path_of.get(c.key, c.path)) for c in view.cards))


def _name(cards: list[Card], view: View, group: Mapping[str, str], names: Mapping[str, str]) -> str:
    """A new name for the cluster of a statement: of its last value with a name, or its text."""
    taken = set(names.values())
    if cards[0].upward:
        keys = {c.key for c in cards}
        served = [names[group[b]] for a, b in view.pairs if a in keys and group.get(b) in names]
        wish = max(dict.fromkeys(served), key=served.count) + BACKWARD if served else ""
    else:
        wish = next((c.title for c in reversed(cards) if c.title), "")
    origin = cards[-1].nodes[0].origin
    wish = wish or _short(origin.expression() or origin.location or "statement") + BACKWARD * cards[0].upward
    name, k = wish, 2
    while name in taken:
        name, k = f"{wish} ({k})", k + 1
    return name


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _connected(keys: Mapping[str, object], edges: Iterable[Edge]) -> dict[str, str]:
    """For each key the first of those that hang together with it by edges between keys of the same value."""
    leader = {key: key for key in keys}

    def first(key: str) -> str:
        while leader[key] != key:
            leader[key] = key = leader[leader[key]]
        return key

    order = {key: k for k, key in enumerate(keys)}
    for e in edges:
        if e.source in keys and e.target in keys and keys[e.source] == keys[e.target]:
            a, b = sorted((first(e.source), first(e.target)), key=lambda key: order[key])
            leader[b] = a
    return {key: first(key) for key in keys}


def in_parts(view: View) -> View:
    """The view with all cards in a few clusters, by how far they are from the inputs; gradients with their nodes."""
    level: dict[str, int] = {}
    into: dict[str, list[str]] = {}
    out: dict[str, list[str]] = {}
    for e in view.edges:
        if e.kind in ("forward", "backward"):
            into.setdefault(e.target, []).append(e.source)
            out.setdefault(e.source, []).append(e.target)
    forward = [c for c in view.cards if not c.upward]
    for card in forward:
        level[card.key] = 1 + max((level.get(k, 0) for k in into.get(card.key, ())), default=-1)
    row = sorted((c.key for c in forward if c.role not in LEAVES), key=lambda key: level[key])
    size = -(-len(row) // PARTS) or 1
    part = {key: k // size for k, key in enumerate(row)}
    last = max(part.values(), default=0)
    for card in reversed(forward):  # inputs and parameters, where they are needed first
        part.setdefault(card.key, min([part[k] for k in out.get(card.key, ()) if k in part], default=last))
    place = {n.origin: part[c.key] for c in forward for n in c.nodes}
    for card in view.cards:
        if card.key not in part:
            served = next((part_of for n in card.nodes if (part_of := _served(n.origin, place)) is not None), None)
            near = [part[k] for k in into.get(card.key, ()) if k in part]
            part[card.key] = served if served is not None else min(near, default=last)
    digits = len(str(last + 1))
    return replace(
        view,
        cards=tuple(
            replace(c, path=(f"part {part[c.key] + 1:0{digits}d}{BACKWARD * c.upward}",)) if c.role != "input" else c
            for c in view.cards
        ),
    )


def _served(origin: Origin, place: Mapping[Origin, int]) -> int | None:
    """The part of the forward value that a gradient, or what it is made of, belongs to."""
    while origin.adjoint_of is not None:
        origin = origin.adjoint_of
        if origin in place:
            return place[origin]
    return None
