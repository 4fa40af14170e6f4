"""Equal parts drawn once: layers of the same structure, the turns of an unrolled loop, "× 12".

What is equal is found on the view, in two ways. Sibling scopes whose names differ in a number only (``block_0``,
``block_1``, …) are equal when their cards and the wires between these are. Outside of such scopes, a stretch of the
order of cards that comes again and again is a loop that the user's Python ran. The backward pass follows: what serves
equal cards is equal, also where the first or the last layer lacks something. Each card is then mapped to its twin in
the first copy; wires are those between the classes, so nothing is drawn that is not there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphad.draw.sequences import span, stretches, unnumbered
from graphad.draw.view import BACKWARD, LEAVES, Card, Edge, View, short

FULL = 60  # cards; a smaller drawing is not folded unless the user says so

Path = tuple[str, ...]


def folded(view: View, fold: bool | None = None) -> View:
    """The view with equal parts drawn once. ``fold``: None for views of more than 60 cards only."""
    if fold is False or (fold is None and len(view.cards) <= FULL):
        return view
    found = _Copies(view)
    for upward in (False, True):
        found.scopes(upward)
        found.turns(upward)
        found.served()
    found.leaves()
    return found.view() if found.twin else view


@dataclass
class _Copies:
    """What is equal to what.

    ``twin``: card -> its twin in the first copy; ``copy``: card -> (which part, number of the copy), outermost first;
    ``firsts``: cards that have twins; ``badged``: those of them that no frame around them counts; ``label``: of equal
    scopes; ``frame``: what is drawn around the turns of a loop, by part, and ``inner``: by card.
    """

    outer: View

    def __post_init__(self) -> None:
        self.twin: dict[str, str] = {}
        self.copy: dict[str, list[tuple[int, int]]] = {}
        self.firsts: set[str] = set()
        self.badged: set[str] = set()
        self.label: dict[Path, str] = {}
        self.inner: dict[str, str] = {}
        self.frame: dict[int, str] = {}  # of turns: by part
        self.parts = 0
        self.cards = {c.key: c for c in self.outer.cards}
        self.into: dict[str, list[Edge]] = {c.key: [] for c in self.outer.cards}
        self.out: dict[str, list[Edge]] = {c.key: [] for c in self.outer.cards}
        for e in self.outer.edges:
            if e.kind not in ("adjoint", "next"):
                self.into[e.target].append(e)
                self.out[e.source].append(e)
        self.token = {c.key: self._token(c) for c in self.outer.cards}

    def _token(self, card: Card) -> str:
        """What a card is, without the names of its operands and without numbers in names."""
        operands = {self.cards[e.source].title for e in self.into[card.key]} - {""}
        words = [w for w in card.text.split() if w.rstrip("ᵀ") not in operands and w != "( )ᵀ"]
        text = unnumbered(" ".join(words))
        ops = [n.op.name for n in card.nodes]
        if ops == ["getitem"]:
            text = re.sub(r"\d+", "#", text)
        elif ops == ["matmul"]:
            text = ""  # a loop may begin with zeros, which are said as an operand
        kinds = [repr(n.type) for n in card.nodes]
        title = unnumbered(card.title) if card.role in LEAVES else str(bool(card.title) and card.is_output)
        return "|".join([card.role, title, text, str(card.is_output), *ops, *kinds])

    def _join(self, copies: Sequence[Sequence[str]]) -> int:
        """Take cards at the same place of the copies for one; the number of the part."""
        self.parts += 1
        for equal in zip(*copies, strict=True):
            self._equate([(self.parts, number, key) for number, key in enumerate(equal)])
        return self.parts

    def _equate(self, equal: Sequence[tuple[int, int, str]]) -> None:
        """Take cards for one; each with its part and its copy there."""
        first = equal[0][2]
        self.firsts.add(first)
        for part, number, key in equal:
            self.copy.setdefault(key, []).append((part, number))
            if key != first:
                self.twin[key] = first

    def _left(self, upward: bool) -> list[Card]:
        return [c for c in self.outer.cards if c.key not in self.twin and c.upward == upward]

    # Scopes -----------------------------------------------------------------------------------------------------------

    def scopes(self, upward: bool) -> None:
        """Join equal siblings, the outermost first."""
        deepest = max((len(c.path) for c in self.outer.cards), default=0)
        for level in range(1, deepest + 1):
            frames: dict[Path, list[Card]] = {}
            for card in self._left(upward):
                if len(card.path) >= level and not (upward and card.key in self.firsts):
                    frames.setdefault(card.path[:level], []).append(card)
            equal: dict[object, list[Path]] = {}
            for path, cards in frames.items():
                form = (path[:-1], unnumbered(path[-1]), self._form(cards, level))
                equal.setdefault(form, []).append(path)
            for paths in equal.values():
                if len(paths) > 1:
                    self._join([[c.key for c in frames[p]] for p in paths])
                    self.label |= dict.fromkeys(paths, f"{span([p[-1] for p in paths])} × {len(paths)}")

    def _form(self, cards: Sequence[Card], level: int) -> object:
        """What equal scopes share: cards, their places, and the wires between them."""
        number = {c.key: k for k, c in enumerate(cards)}
        return tuple(
            (
                self.token[c.key],
                tuple(map(unnumbered, c.path[level:])),
                tuple((e.kind, number.get(e.source, -1)) for e in self.into[c.key]),
            )
            for c in cards
        )

    # Turns of loops ---------------------------------------------------------------------------------------------------

    def turns(self, upward: bool) -> None:
        """Join what comes again and again within one scope, in the order in which the user's program made it."""
        rows: dict[Path, list[Card]] = {}
        for card in self._left(upward):
            if card.role not in LEAVES and not (upward and card.key in self.firsts) and card.nodes:
                rows.setdefault(card.path, []).append(card)
        used: dict[Path, int] = {}
        for path, cards in rows.items():
            keys = [c.key for c in sorted(cards, key=lambda c: c.nodes[0].origin.serial)]
            ends = [bool(self.cards[key].title) for key in keys]
            for start, period, count in stretches([self.token[k] for k in keys], ends):
                copies = [keys[start + k * period : start + (k + 1) * period] for k in range(count)]
                part = self._join(copies)
                if period == 1:
                    self.badged.add(copies[0][0])
                    continue
                frame = f"{self._place(copies[0])} × {count}"
                again = used[(*path, frame)] = used.get((*path, frame), 0) + 1
                self.frame[part] = frame if again == 1 else f"{frame} ({again})"
                self.inner |= dict.fromkeys(copies[0], self.frame[part])

    def _place(self, keys: Sequence[str]) -> str:
        """Where a turn was written: the line of most of its cards."""
        places = [n.origin.location for k in keys for n in self.cards[k].nodes if n.origin.location]
        return max(dict.fromkeys(places), key=places.count) if places else "repeated"

    # The backward pass ------------------------------------------------------------------------------------------------

    def served(self) -> None:
        """Join backward cards that serve equal cards: as often as there are, which may be once less than those."""
        by_origin = {n.origin: c.key for c in reversed(self.outer.cards) for n in c.nodes}
        equal: dict[object, dict[tuple[int, int], list[str]]] = {}
        for card in self._left(True):
            of = card.nodes[0].origin.adjoint_of if len(card.nodes) == 1 else None
            serves = by_origin.get(of, "") if of is not None else ""
            if card.key in self.copy or serves not in self.copy:
                continue
            path = tuple(map(unnumbered, card.path))
            form = (self._first(serves), self.token[card.key], path, card.nodes[0].origin.is_cotangent)
            equal.setdefault(form, {}).setdefault(self.copy[serves][-1], []).append(card.key)
        found: dict[int, list[str]] = {}
        for copies in equal.values():
            for number in range(max(map(len, copies.values()))):
                same = [(*copy, keys[number]) for copy, keys in sorted(copies.items()) if number < len(keys)]
                if len(same) > 1:
                    self._equate(same)
                    found.setdefault(same[0][0], []).append(same[0][2])
        for part, firsts in found.items():
            if part in self.frame and len(firsts) > 1:
                self.inner |= dict.fromkeys(firsts, f"{self.frame[part]}{BACKWARD}")
            elif part in self.frame or not any(self._labelled(k) for k in firsts):
                self.badged |= set(firsts)

    def _labelled(self, key: str) -> bool:
        path = self.cards[key].path
        return any(self._frame(path[: k + 1]) for k in range(len(path)))

    def _frame(self, path: Path) -> str:
        """The label of a cluster of equal parts; "" for another. The backward pass has those of the forward pass."""
        if path in self.label:
            return self.label[path]
        first = path[0].removesuffix(BACKWARD)
        label = self.label.get((first, *path[1:]), "") if first != path[0] else ""
        return f"{label}{BACKWARD}" if label and len(path) == 1 else label

    # Inputs and parameters --------------------------------------------------------------------------------------------

    def leaves(self) -> None:
        """Join parameters and inputs that go the same way into the copies: each copy has its own."""
        equal: dict[object, list[str]] = {}
        for card in self._left(False):
            ways = {self._first(e.target) for e in self.out[card.key] if e.kind != "use"}
            if card.role in LEAVES and ways & self.firsts:
                equal.setdefault((card.path, self.token[card.key], frozenset(ways)), []).append(card.key)
        for keys in equal.values():
            if len(keys) > 1:
                self._join([[k] for k in keys])
                self.badged.add(keys[0])

    # The view ---------------------------------------------------------------------------------------------------------

    def view(self) -> View:
        """The view of the first copies."""
        group: dict[str, list[Card]] = {}
        for card in self.outer.cards:
            group.setdefault(self._first(card.key), []).append(card)
        cards = tuple(self._card(key, equal) for key, equal in group.items())
        pairs = [(self._first(a), self._first(b)) for a, b in self.outer.pairs]
        kept = tuple((a, b) for a, b in pairs if a != b)
        return replace(self.outer, cards=cards, edges=tuple(self._edges()), pairs=kept)

    def _first(self, key: str) -> str:
        while key in self.twin:
            key = self.twin[key]
        return key

    def _card(self, key: str, equal: Sequence[Card]) -> Card:
        card, count = self.cards[key], len(equal)
        path = tuple(self._frame(card.path[: k + 1]) or card.path[k] for k in range(len(card.path)))
        if count == 1 and card.upward:  # what the first or the last layer has alone stands beside the others
            alone = next((k for k in range(len(path)) if path[k] != card.path[k]), len(path))
            path = path[:alone]
        extra = (self.inner[key],) if key in self.inner else ()
        title, text = (span([getattr(c, what) for c in equal]) for what in ("title", "text"))
        badge = count if key in self.badged else 1
        return replace(card, title=short(title), text=short(text), path=(*path, *extra), count=count, badge=badge)

    def _edges(self) -> Iterator[Edge]:
        """Wires between the classes, each once; one that goes from copy to copy is of the kind "next"."""
        found: dict[tuple[str, str, str], list[Edge]] = {}
        for e in self.outer.edges:
            ends = self._first(e.source), self._first(e.target)
            kind = "next" if e.kind not in ("adjoint", "use") and self._goes_on(e) else e.kind
            found.setdefault((*ends, kind), []).append(e)
        for (source, target, kind), edges in found.items():
            label = next((e.label for e in edges if e.label), "") if kind != "next" else ""
            targets = len({e.target for e in edges})
            if label and len(edges) > targets == 1 and all(e.label for e in edges):
                which = (
                    label if all(e.label == label for e in edges) else label.partition(",")[0]
                )  # not where the first is
                label = f"{which} × {len(edges)}"
            if source != target or kind == "next":
                yield replace(edges[0], source=source, target=target, kind=kind, label=label)

    def _goes_on(self, edge: Edge) -> bool:
        """Whether an edge leads from one copy to another."""
        ends: Mapping[int, int] = dict(self.copy.get(edge.source, ()))
        return any(ends.get(part, number) != number for part, number in self.copy.get(edge.target, ()))
