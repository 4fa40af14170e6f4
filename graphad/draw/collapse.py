"""``depth=``: scopes, loops and repeated parts below a level become one box each, with what it holds and costs.

What stands outside of all scopes is boxed by statement of the user, and where even that is too much, in equal parts of
the way from the inputs to the results (`parts.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from graphad.draw.measures import Measures, quantity
from graphad.draw.parts import in_parts, in_statements
from graphad.draw.view import Card, Edge, View, short

MANY = 150  # cards that a drawing may have before it is collapsed without being asked
GOAL = 60  # cards that it then has at most


def collapsed(view: View, depth: int | None, measures: Measures) -> View:
    """The view with ``depth`` levels open; for None all, or of a large view as many as leave at most 60 cards."""
    if depth is not None:
        return _boxed(_stated(view, measures) if depth == 0 else view, depth, measures)
    if len(view.cards) <= MANY:
        return view
    view = _stated(view, measures)
    for level in range(max(len(c.path) for c in view.cards), -1, -1):
        smaller = _boxed(view, level, measures)
        if len(smaller.cards) <= GOAL:
            return smaller
    return _boxed(in_parts(smaller), 0, measures)


def _stated(view: View, measures: Measures) -> View:
    """The view with one box for each statement outside of scopes."""
    stated = in_statements(view)
    outside = {c.key for c in view.cards if not c.path}
    return _boxed(stated, 0, measures, outside)


def _boxed(view: View, depth: int, measures: Measures, only: Collection[str] | None = None) -> View:
    """The view with one box for each cluster below ``depth`` levels, of cards in ``only``. A loss keeps its card."""
    groups: dict[tuple[str, ...], list[Card]] = {}
    for card in view.cards:
        if len(card.path) > depth and card.role != "loss" and (only is None or card.key in only):
            groups.setdefault(card.path[: depth + 1], []).append(card)
    box_of = {card.key: f"b{cards[0].key}" for cards in groups.values() for card in cards}
    cards: list[Card] = []
    for card in view.cards:
        members = groups.get(card.path[: depth + 1], []) if card.key in box_of else []
        if not members:
            cards.append(card if only is not None else replace(card, path=card.path[:depth]))
        elif members[0] is card:
            cards.append(_box(members, depth, box_of[card.key], measures))
    pairs = [(box_of.get(a, a), box_of.get(b, b)) for a, b in view.pairs]
    kept = tuple((a, b) for a, b in pairs if a != b)
    return replace(view, cards=tuple(cards), edges=tuple(_between(view.edges, box_of, measures)), pairs=kept)


def _box(members: Sequence[Card], depth: int, key: str, measures: Measures) -> Card:
    upward = 2 * sum(c.upward for c in members) > len(members)
    nodes = tuple(n for c in members for n in c.nodes for _ in range(c.count))
    parameters = [n for n in nodes if "parameter" in n.op.traits]
    operations = sum("placeholder" not in n.op.traits for n in nodes)
    lines = [f"{operations} operation{'s' * (operations != 1)}"]
    if parameters:
        lines.append(f"{sum(measures.number(n.size) for n in parameters):,} parameters in {len(parameters)}")
    if flops := sum(map(measures.flops, nodes)):
        lines.append(quantity(flops, "FLOP"))
    results = sum(c.is_output * c.count for c in members)
    if results:
        lines.append(f"{results} result{'s' * (results != 1)}")
    return Card(
        key,
        "backward_box" if upward else "box",
        short(members[0].path[depth]),
        "\n".join(line.replace(",", " ") for line in lines),
        "  ".join(dict.fromkeys(c.title for c in members if c.title)),
        members[0].path[:depth],
        bool(results),
        upward,
        nodes,
    )


def _between(edges: Sequence[Edge], box_of: dict[str, str], measures: Measures) -> Iterator[Edge]:
    """The edges between what is left, each once; its width is that of the largest value."""
    found: dict[tuple[str, str, str], list[Edge]] = {}
    for e in edges:
        ends = box_of.get(e.source, e.source), box_of.get(e.target, e.target)
        is_boxed = ends[0] != e.source, ends[1] != e.target
        if e.kind == "adjoint" and is_boxed[0] != is_boxed[1]:
            continue  # a box says no more than where it stands
        if ends[0] != ends[1] or not any(is_boxed):
            found.setdefault((*ends, e.kind), []).append(e)
    for (source, target, kind), same in found.items():
        most = max(same, key=lambda e: measures.bytes(e.node) if e.node is not None else -1)
        boxed = (source, target) != (same[0].source, same[0].target)
        values = len({id(e.node) for e in same})
        label = (f"{values} values" if values > 1 else most.shape or most.label) if boxed else most.label
        yield replace(most, source=source, target=target, label="" if kind in ("use", "next", "adjoint") else label)
