"""What lies in what: scopes as boxes, loops as boxes, and groups where more would stand side by side than one can read.

Forward and backward pass of a scope lie in one box. A parameter that was declared outside lies where all its users are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from graphad.draw.page.model import LEAVES, Model, first_readers, primals

MOST = 90  # items that stand in one box
ALONE = 4  # cards between boxes that are not worth a group
SHARED = ("parameter", "constant")  # which lie with their users when they were declared outside of all scopes
BRANCH = 20  # groups that a fuller one is divided into, about


@dataclass(eq=False)
class Box:
    """A box and its items: cards by number, and boxes. ``kind``: "graph", "scope", "loop" or "group"."""

    title: str
    kind: str
    parent: "Box | None" = None
    card: int = -1  # of a loop
    items: "list[int | Box]" = field(default_factory=list)
    number: int = 0

    @property
    def depth(self) -> int:
        """How many boxes it lies in."""
        return len(outer(self)) - 1


def outer(box: Box) -> list[Box]:
    """The boxes that a box lies in and itself, outermost first."""
    path: list[Box] = []
    step: Box | None = box
    while step is not None:
        path.append(step)
        step = step.parent
    return path[::-1]


@dataclass(frozen=True)
class Boxes:
    """All boxes, the whole graph first; for every card the box that it lies in; when items come in the forward pass."""

    all: list[Box]
    place: list[Box]
    order: dict[int | Box, int]


def boxes_of(model: Model) -> Boxes:
    """The boxes of a model; a loop is the box of its body."""
    root = Box(model.graph.name, "graph")
    place = _places(model, root)
    loops = set(model.inside)  # of these the box of the body is shown, and no card
    for k, box in enumerate(place):
        if k not in loops:
            box.items.append(k)
    order = _order(model, place)
    waiting = [root]
    for box in waiting:
        _divide(model, box, order, place)
        waiting += [item for item in box.items if isinstance(item, Box)]
    for k, box in enumerate(waiting):
        box.number = k
    return Boxes(waiting, place, order)


def _places(model: Model, root: Box) -> list[Box]:
    """The box of each card: its scope inside the loop whose body it is part of."""
    known: dict[tuple[int, tuple[str, ...]], Box] = {(-1, ()): root}
    place: list[Box] = []
    for k, node in enumerate(model.nodes):
        loop, scope = model.inside[k], node.origin.scope
        if (loop, ()) not in known:
            known[loop, ()] = _inside(place[loop], Box(_title(model, loop), "loop", card=loop))
        if loop >= 0:
            scope = _rest(scope, model.nodes[loop].origin.scope)
        for depth in range(1, len(scope) + 1):
            if (loop, scope[:depth]) not in known:
                known[loop, scope[:depth]] = _inside(known[loop, scope[: depth - 1]], Box(scope[depth - 1], "scope"))
        place.append(known[loop, scope])
    users: dict[int, list[int]] = {}
    for link in model.links:
        users.setdefault(link.source, []).append(link.target)
    for k, card in enumerate(model.cards):
        if card.role in SHARED and not model.nodes[k].origin.scope and k in users:
            near = [u for u in users[k] if not model.upward[u]] or users[k]
            place[k] = _common([place[u] for u in near])
    return place


def _rest(scope: tuple[str, ...], around: tuple[str, ...]) -> tuple[str, ...]:
    return scope[len(around) :] if scope[: len(around)] == around else scope


def _inside(parent: Box, box: Box) -> Box:
    box.parent = parent
    parent.items.append(box)
    return box


def _title(model: Model, k: int) -> str:
    """What the box of a loop is called: by its body, which has the name of the user's function."""
    name = model.nodes[k].op.name
    return f"{name} {model.nodes[k].attrs['body'].name}"


def _common(boxes: Sequence[Box]) -> Box:
    """The innermost box that all lie in."""
    shared = outer(boxes[0])
    for box in boxes[1:]:
        path = outer(box)
        shared = [a for a, b in zip(shared, path, strict=False) if a is b]
    return shared[-1]


def _order(model: Model, place: Sequence[Box]) -> dict[int | Box, int]:
    """Where items come in the forward pass: leaves with what reads them, adjoints with what they serve.

    A box comes where the middle one of its forward cards comes.
    """
    served, readers = primals(model), first_readers(model)
    order: dict[int | Box, int] = {}
    within: dict[Box, list[int]] = {}
    for k in range(len(model.cards)):
        first = served.get(k, k)
        first = k if first in served else first  # a derivative of derivatives comes where it is made
        order[k] = readers.get(first, first) if model.cards[first].role in LEAVES else first
        for box in reversed(outer(place[k])):
            if box.kind == "loop" and box.card == model.inside[k]:  # outside it is the loop that counts
                order[box] = order[box.card]
                break
            within.setdefault(box, []).append(k)
    for box, cards in within.items():
        forward = [k for k in cards if k not in served and model.cards[k].role not in LEAVES]
        order[box] = sorted(order[k] for k in forward or cards)[len(forward or cards) // 2]
    return order


def _divide(model: Model, box: Box, order: dict[int | Box, int], place: list[Box]) -> None:
    """Group the items of a box that has too many, in the order of the forward pass."""
    if len(box.items) <= MOST:
        return
    shared = _shared(model, box)
    items = sorted((item for item in box.items if item not in shared), key=lambda item: order[item])
    if sum(isinstance(item, Box) for item in items) <= MOST / 2:
        shared |= _scattered(items)
        items = [item for item in items if item not in shared]
    size = max(MOST / 3, len(items) / BRANCH)
    groups = _groups(items, order, size)
    box.items = list(shared)
    titles = [_span(model, group) for group in groups]
    for k, group in enumerate(groups):
        part = titles[: k + 1].count(titles[k])
        title = titles[k] if titles.count(titles[k]) == 1 else f"{titles[k]}, part {part}"
        inner = _inside(box, Box(title, "group"))
        order[inner] = sorted(order[item] for item in group)[len(group) // 2]
        inner.items = group
        for item in group:
            if isinstance(item, Box):
                item.parent = inner
            else:
                place[item] = inner


def _scattered(items: "Sequence[int | Box]") -> "dict[int | Box, None]":
    """Boxes, and cards that stand alone between them: they are few, so that what is left can be grouped around them."""
    runs = [list(run) for _, run in groupby(items, key=lambda item: isinstance(item, Box))]
    return dict.fromkeys(x for run in runs if isinstance(run[0], Box) or len(run) <= ALONE for x in run)


def _groups(items: "Sequence[int | Box]", order: "Mapping[int | Box, int]", size: float) -> "list[list[int | Box]]":
    """Items in a row as groups of about a size; what belongs to one forward node stays together if it can."""
    groups: list[list[int | Box]] = [[]]
    for k, item in enumerate(items):
        starts = order[item] != order[items[k - 1]] or len(groups[-1]) > 1.5 * size
        if len(groups[-1]) >= size and starts:
            groups.append([])
        groups[-1].append(item)
    return groups


def _shared(model: Model, box: Box) -> "dict[int | Box, None]":
    """Inputs and parameters in a box, and their gradients, if they are few: all groups use them."""
    leaves = [k for k in box.items if isinstance(k, int) and model.cards[k].role in ("input", "parameter")]
    with_adjoints = [c for k in leaves for c in (k, *model.adjoints.get(k, ()))]
    inside = {k for k in box.items if isinstance(k, int)}
    return dict.fromkeys(k for k in with_adjoints if k in inside) if len(leaves) <= BRANCH / 2 else {}


def _span(model: Model, items: Sequence[int | Box]) -> str:
    """What a group is called: its first and its last item that has a name, and is no leaf if possible."""
    boxes = [item.title for item in items if isinstance(item, Box)]
    cards = [k for k in items if isinstance(k, int)]
    forward = [model.cards[k].title for k in cards if not model.upward[k] and model.cards[k].role not in LEAVES]
    names = [t for t in boxes + forward if t] or [t for k in cards if (t := model.cards[k].title)]
    lines = [n.origin.location for k in cards if (n := model.nodes[k]).origin.location]
    if not names:
        return lines[0] if lines else model.cards[cards[0]].text
    return names[0] if names[0] == names[-1] else f"{names[0]} … {names[-1]}"
