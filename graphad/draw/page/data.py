"""All that a page knows, as JSON: names are short where there is one entry per card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from graphad.draw.page.boxes import Box, boxes_of
from graphad.draw.page.code import generated, written_by
from graphad.draw.page.history import passes, rewrites
from graphad.draw.page.layers import Numbers
from graphad.draw.page.layout import Inside, box_size, card_size, layouts, shortened, wiring
from graphad.draw.page.model import BACKWARD, LEAVES, Model, first_readers, passed_on, primals
from graphad.draw.view import Card
from graphad.errors import GraphadError
from graphad.ir.core import Node, label
from graphad.lower.compile import Function
from graphad.lower.explain import derivative_text, equation_text

LONGEST = 30  # letters of a value on a card
NOTE = "0.000 MFLOP"  # as wide as what layers write


@dataclass
class Words:
    """Texts that occur often, by number."""

    known: dict[str, int]

    def of(self, text: str) -> int:
        """The number of a text."""
        return self.known.setdefault(text, len(self.known))


def page_data(
    model: Model, numbers: Numbers, function: Function | None, problem: GraphadError | None
) -> dict[str, Any]:
    """What the scripts of the page read. Raises what Graphviz raises."""
    nested = boxes_of(model)
    boxes, place = nested.all, nested.place
    words = Words({})
    sizes: dict[int | Box, tuple[int, int]] = {}
    for k, card in enumerate(model.cards):
        value = numbers.values[k] if numbers.values else ""
        notes = [repr(model.nodes[k].type), NOTE, shortened(value, LONGEST)]
        sizes[k] = card_size(shortened(card.title), shortened(_operation(card)), max(notes, key=len))
    notes_of_boxes = _box_notes(model, boxes)
    for box in boxes[1:]:
        sizes[box] = box_size(shortened(box.title), notes_of_boxes[box])
    wired = wiring(model, nested)
    made, which = layouts(wired.insides, sizes)
    report = function.report() if function is not None else None
    data: dict[str, Any] = {
        "name": model.graph.name,
        "nodes": len(model.graph.nodes),
        "cards": [_card(model, k, place, words) for k in range(len(model.cards))],
        "links": [[link.source, link.target, link.kind, link.label] for link in model.links],
        "adjoints": model.adjoints | passed_on(model),
        "helpers": model.helpers,
        "boxes": [_box(b, wired.insides[b.number], which[b.number], notes_of_boxes[b]) for b in boxes],
        "bundles": wired.bundles,
        "layouts": made,
        "order": _order(model),
        "files": written_by(model),
        "code": generated(model, function) if function is not None else [],
        "problem": str(problem) if problem else "",
        "rewrites": rewrites(model, report) if report else [],
        "passes": passes(model, report) if report else [],
        "numbers": _numbers(numbers),
    }
    data["words"] = list(words.known)
    return data


def _card(model: Model, k: int, place: Sequence[Box], words: Words) -> list[Any]:
    """Title, operation, type, role, box, result?, upward?, equation, line, scope, rule, derivative of one card."""
    card, node = model.cards[k], model.nodes[k]
    origin = node.origin
    return [
        card.title,
        _operation(card),
        words.of(repr(node.type)),
        words.of(card.role),
        place[k].number,
        int(card.is_output),
        int(model.upward[k]),
        _equation(node),
        words.of(origin.location),
        words.of(" / ".join(origin.scope)),
        words.of(origin.made_by),
        words.of(derivative_text(node) if card.role not in BACKWARD else ""),
        words.of("; ".join(origin.uses)),
        node.op.name if node.op.name != card.text else "",
    ]


def _operation(card: Card) -> str:
    """What a card computes; of an input that has a name nothing is to be said but its type, which stands below."""
    return "" if card.role in LEAVES and card.title and card.role != "constant" else card.text


def _equation(node: Node) -> str:
    text = equation_text(node)
    return text if node.name or "placeholder" in node.op.traits else f"{label(node)} = {text}"


def _box(box: Box, inside: Inside, layout: int, note: str) -> dict[str, Any]:
    """A box: items (boxes as -1 - number), ports, wires."""
    items = [item if isinstance(item, int) else -1 - item.number for item in box.items]
    return {
        "title": box.title,
        "kind": box.kind,
        "note": note,
        "parent": box.parent.number if box.parent is not None else -1,
        "card": box.card,
        "items": items,
        "layout": layout,
        "ports": [[p.value, int(p.top), int(p.into)] for p in inside.ports],
        "wires": [
            [w.source, w.target, w.kind, w.value, w.label, int(cut), int(inside.runs_up(w))]
            for w, cut in zip(inside.wires.values(), inside.cut, strict=True)
        ],
    }


def _box_notes(model: Model, boxes: Sequence[Box]) -> dict[Box, str]:
    """How many cards a box holds, forward and backward."""
    counts: dict[Box, list[int]] = {box: [0, 0] for box in boxes}
    for box in reversed(boxes):  # inner ones come later
        for item in box.items:
            more = counts[item] if isinstance(item, Box) else [int(not model.upward[item]), int(model.upward[item])]
            counts[box] = [a + b for a, b in zip(counts[box], more, strict=True)]
    return {box: f"{a} forward" + (f" · {b} backward" if b else "") for box, (a, b) in counts.items()}


def _order(model: Model) -> list[int]:
    """The cards in the order of a run: what is given, the forward pass, and back from the end.

    Each comes after what it reads. The adjoint of what came last comes first; what is made of gradients, at the end.
    """
    served, back = primals(model), model.graph.backward
    own = [k for k in range(len(model.cards)) if model.inside[k] < 0]
    readers_of = first_readers(model)

    def turn(k: int) -> tuple[int, int, int]:
        if model.graph.is_input(model.nodes[k]):
            return 0, k, k
        if model.nodes[k] not in back:
            return 1, k, k
        if k not in served:
            return 3, k, k
        primal = served[k]
        return 2, -(readers_of.get(primal, primal) if model.cards[primal].role in LEAVES else primal), k

    waits = dict.fromkeys(own, 0)
    readers: dict[int, list[int]] = {k: [] for k in own}
    for link in model.links:
        if link.source in waits and link.target in waits:
            readers[link.source].append(link.target)
            waits[link.target] += 1
    ready = [turn(k) for k in own if not waits[k]]
    heapify(ready)
    order = []
    while ready:
        order.append(heappop(ready)[-1])
        for k in readers[order[-1]]:
            waits[k] -= 1
            if not waits[k]:
                heappush(ready, turn(k))
    return order


def _numbers(numbers: Numbers) -> dict[str, Any]:
    """Layers; seconds with three digits."""
    seconds: Mapping[int, float] = {k: float(f"{t:.3g}") for k, t in sorted(numbers.seconds.items())}
    return {
        "sizes": numbers.sizes,
        "flops": numbers.flops,
        "bytes": numbers.bytes,
        "values": numbers.values,
        "magnitudes": numbers.magnitudes,
        "pictures": numbers.pictures,
        "seconds": seconds,
        "total": float(f"{numbers.total:.3g}"),
    }
