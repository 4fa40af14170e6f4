"""Equal parts drawn once: layers of the same structure, the turns of an unrolled loop, "× 12".

What is equal is found on the view, in two ways. Sibling scopes whose names differ in a number only (``block_0``,
``block_1``, …) are equal when their cards and the wires between these are. Outside of such scopes, a stretch of the
order of cards that comes again and again is a loop that the user's Python ran. Each card is then mapped to its twin in
the first copy; wires are those between the copies' classes, so nothing is drawn that is not there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphad.draw.view import LEAVES, Card, Edge, View, short

FULL = 60  # cards; a smaller drawing is not folded unless the user says so
LEAST = 3  # turns that make a loop
LONGEST = 1000  # cards in one turn

Path = tuple[str, ...]


def folded(view: View, fold: bool | None = None) -> View:
    """The view with equal parts drawn once. ``fold``: None for views of more than 60 cards only."""
    if fold is False or (fold is None and len(view.cards) <= FULL):
        return view
    found = _Copies(view)
    found.scopes()
    found.turns()
    found.leaves()
    return found.view() if found.twin else view


@dataclass
class _Copies:
    """What is equal to what. ``twin``: card -> its twin in the first copy; ``copy``: (which part, number of the copy)."""

    outer: View

    def __post_init__(self) -> None:
        self.twin: dict[str, str] = {}
        self.copy: dict[str, list[tuple[int, int]]] = {}
        self.times: dict[str, int] = {}
        self.badge: dict[str, int] = {}
        self.label: dict[Path, str] = {}
        self.inner: dict[str, str] = {}
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
        text = _unnumbered(" ".join(words))
        ops = [n.op.name for n in card.nodes]
        if ops == ["getitem"]:
            text = re.sub(r"\d+", "#", text)
        kinds = [repr(n.type) for n in card.nodes]
        title = _unnumbered(card.title) if card.role in LEAVES else str(bool(card.title) and card.is_output)
        return "|".join([card.role, title, text, str(card.is_output), *ops, *kinds])

    def _join(self, copies: Sequence[Sequence[str]]) -> None:
        """Take cards at the same place of the copies for one."""
        self.parts += 1
        for number, keys in enumerate(copies):
            for first, key in zip(copies[0], keys, strict=True):
                self.copy.setdefault(key, []).append((self.parts, number))
                if number:
                    self.twin[key] = first
        for key in copies[0]:
            self.times[key] = self.times.get(key, 1) * len(copies)

    def _left(self) -> list[Card]:
        return [c for c in self.outer.cards if c.key not in self.twin]

    # Scopes -----------------------------------------------------------------------------------------------------------

    def scopes(self) -> None:
        """Join equal siblings, the outermost first."""
        deepest = max((len(c.path) for c in self.outer.cards), default=0)
        for level in range(1, deepest + 1):
            frames: dict[Path, list[Card]] = {}
            for card in self._left():
                if len(card.path) >= level:
                    frames.setdefault(card.path[:level], []).append(card)
            equal: dict[object, list[Path]] = {}
            for path, cards in frames.items():
                form = (path[:-1], _unnumbered(path[-1]), self._form(cards, level))
                equal.setdefault(form, []).append(path)
            for paths in equal.values():
                if len(paths) > 1:
                    self._join([[c.key for c in frames[p]] for p in paths])
                    self.label[paths[0]] = f"{span([p[-1] for p in paths])} × {len(paths)}"

    def _form(self, cards: Sequence[Card], level: int) -> object:
        """What equal scopes share: cards, their places, and the wires between them."""
        number = {c.key: k for k, c in enumerate(cards)}
        return tuple(
            (
                self.token[c.key],
                tuple(map(_unnumbered, c.path[level:])),
                tuple((e.kind, number.get(e.source, -1)) for e in self.into[c.key]),
            )
            for c in cards
        )

    # Turns of loops ---------------------------------------------------------------------------------------------------

    def turns(self) -> None:
        """Join what comes again and again within one scope."""
        rows: dict[tuple[Path, bool], list[str]] = {}
        for card in self._left():
            if card.role not in LEAVES:
                rows.setdefault((card.path, card.upward), []).append(card.key)
        used: dict[Path, int] = {}
        for (path, upward), keys in rows.items():
            for start, period, count in stretches([self.token[k] for k in keys]):
                copies = [keys[start + k * period : start + (k + 1) * period] for k in range(count)]
                self._join(copies)
                if period == 1:
                    self.badge[copies[0][0]] = count
                    continue
                frame = f"{self._place(copies[0])}{' · backward' if upward else ''} × {count}"
                again = used[(*path, frame)] = used.get((*path, frame), 0) + 1
                self.inner |= dict.fromkeys(copies[0], frame if again == 1 else f"{frame} ({again})")

    def _place(self, keys: Sequence[str]) -> str:
        """Where a turn was written: the line of most of its cards."""
        places = [n.origin.location for k in keys for n in self.cards[k].nodes if n.origin.location]
        return max(dict.fromkeys(places), key=places.count) if places else "repeated"

    # Inputs and parameters --------------------------------------------------------------------------------------------

    def leaves(self) -> None:
        """Join parameters and inputs that go the same way into the copies: each copy has its own."""
        equal: dict[object, list[str]] = {}
        for card in self._left():
            ways = {(self.twin.get(e.target, e.target), e.kind) for e in self.out[card.key]}
            if card.role in LEAVES and any(t in self.times for t, _ in ways):
                equal.setdefault((card.path, self.token[card.key], frozenset(ways)), []).append(card.key)
        for keys in equal.values():
            if len(keys) > 1:
                self._join([[k] for k in keys])
                self.badge[keys[0]] = len(keys)

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
        card = self.cards[key]
        path = tuple(self.label.get(card.path[: k + 1], card.path[k]) for k in range(len(card.path)))
        extra = (self.inner[key],) if key in self.inner else ()
        title, text = (span([getattr(c, what) for c in equal]) for what in ("title", "text"))
        times, badge = self.times.get(key, 1), self.badge.get(key, 1)
        return replace(card, title=short(title), text=short(text), path=(*path, *extra), count=times, badge=badge)

    def _edges(self) -> Iterator[Edge]:
        """Wires between the classes, each once; one that goes from copy to copy is of the kind "next"."""
        found: dict[tuple[str, str, str], list[Edge]] = {}
        for e in self.outer.edges:
            ends = self._first(e.source), self._first(e.target)
            kind = "next" if e.kind != "adjoint" and self._goes_on(e) else e.kind
            found.setdefault((*ends, kind), []).append(e)
        for (source, target, kind), edges in found.items():
            label = next((e.label for e in edges if e.label), "") if kind != "next" else ""
            uses = len(edges) // self.times.get(target, 1)
            if label and uses > 1 and all(e.label for e in edges):
                label = f"{label} × {uses}"
            if source != target or kind == "next":
                yield replace(edges[0], source=source, target=target, kind=kind, label=label)

    def _goes_on(self, edge: Edge) -> bool:
        """Whether an edge leads from one copy to another."""
        ends: Mapping[int, int] = dict(self.copy.get(edge.source, ()))
        return any(ends.get(part, number) != number for part, number in self.copy.get(edge.target, ()))


def stretches(tokens: Sequence[str]) -> list[tuple[int, int, int]]:
    """Where a sequence repeats itself: (start, period, count), what saves most first; they do not overlap.

    >>> stretches(list("xababaybcbcbc")), stretches(list("aaaabc"))
    ([(7, 2, 3)], [(0, 1, 4)])
    """
    number = {t: k for k, t in enumerate(dict.fromkeys(tokens))}
    row = np.array([number[t] for t in tokens], dtype=np.int64)
    candidates = []
    for period in range(1, min(len(row) // LEAST, LONGEST) + 1):
        same = np.concatenate([[0], row[:-period] == row[period:], [0]])
        ends = np.flatnonzero(np.diff(same))
        for start, stop in ends.reshape(-1, 2).tolist():
            count = (stop - start) // period + 1
            if count >= LEAST:
                candidates.append((-(count - 1) * period, period, start, count))
    taken = np.zeros(len(row), bool)
    found = []
    for _, period, start, count in sorted(candidates):
        if not taken[start : start + period * count].any():
            taken[start : start + period * count] = True
            found.append((start, period, count))
    return found


def _unnumbered(name: str) -> str:
    return re.sub(r"(?<=[^\W\d])\d+", "#", name)


def span(names: Sequence[str]) -> str:
    """One name for names that differ in numbers.

    >>> span(["block_0_W", "block_1_W", "block_11_W"]), span(["h", "h"]), span(["left", "right"])
    ('block_0…11_W', 'h', 'left … right')
    """
    if len(set(names)) == 1:
        return names[0]
    split = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(parts[::2]) for parts in split}) > 1:
        return f"{names[0]} … {names[-1]}".strip(" …") if names[0] != names[-1] else names[0]
    columns = list(zip(*split, strict=True))
    merged = [c[0] if len(set(c)) == 1 else f"{c[0]}…{c[-1]}" for c in columns]
    return "".join(merged)
