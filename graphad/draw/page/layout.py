"""Where things stand: every box is laid out by Graphviz on its own, with its boxes closed.

A value that crosses the border of a box has a port there; many that go from one box to another go together. The page
opens boxes by making room: items keep their rows and their order, wires keep the places where they pass a row. So a
wire is written as where it leaves, where it passes each row between, and where it arrives. Of what goes to very many
items only the ends are drawn. Equal boxes have equal layouts, which are made and kept once.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import inf

from graphad.draw.page.boxes import Box, Boxes, outer
from graphad.draw.page.model import Link, Model
from graphad.draw.render import places

LETTER = {13: 7.83, 12: 7.23, 11: 6.63, 10: 6.03}  # width of a monospaced letter by its size, in pixels
PAD = 22
WIDEST = 34  # letters of a card
PORT = (14, 8)
BOX_HEIGHT = 46
FAN_OUT, FAN_IN = 6, 12  # items that one is wired to: more are not drawn as lines (a sum shows its operands longer)
BUNDLE = 3  # values that go side by side between two ends; more go as one
INCH = 72.0

Size = tuple[int, int]


@dataclass(frozen=True)
class Port:
    """Where a value (or, below zero, a bundle of values) crosses the border of a box; ``top`` or bottom, in or out."""

    value: int
    top: bool
    into: bool


@dataclass(frozen=True)
class Wire:
    """Part of a link, inside one box: between two of its items or ports (those are numbered after the items)."""

    source: int
    target: int
    kind: str
    value: int
    label: str


@dataclass
class Inside:
    """What is laid out of a box: items, ports, wires, and pairs of items that are to stand side by side."""

    box: Box
    order: list[int]  # of items in the forward pass
    ports: dict[Port, int] = field(default_factory=dict)
    wires: dict[tuple[int, int, str, int], Wire] = field(default_factory=dict)
    pairs: dict[tuple[int, int], None] = field(default_factory=dict)

    def port(self, port: Port) -> int:
        """The number of a port, which is new if need be."""
        return self.ports.setdefault(port, len(self.box.items) + len(self.ports))

    def wire(self, source: int, target: int, link: Link, value: int) -> None:
        """A wire, unless the same value already goes the same way."""
        key = source, target, link.kind, value
        if source != target:
            self.wires.setdefault(key, Wire(*key, link.label))

    def runs_up(self, wire: Wire) -> bool:
        """Whether a wire is laid out from its target to its source: the other way there would be no up and down."""
        a, b = (wire.target, wire.source) if wire.kind == "backward" else (wire.source, wire.target)
        return (wire.kind == "backward") != (self._height(a) > self._height(b))

    def _height(self, end: int) -> float:
        """Where an end of a wire is to stand: ports above or below everything."""
        if end < len(self.order):
            return self.order[end]
        return -inf if self._ports[end - len(self.order)].top else inf

    @cached_property
    def _ports(self) -> list[Port]:
        return list(self.ports)

    @cached_property
    def cut(self) -> list[bool]:
        """Which wires are drawn as two short ends: those from or to an item that very many others are wired to."""
        targets: dict[int, set[int]] = {}
        sources: dict[int, set[int]] = {}
        for wire in self.wires.values():
            targets.setdefault(wire.source, set()).add(wire.target)
            sources.setdefault(wire.target, set()).add(wire.source)
        most = {k: FAN_IN if k < len(self.box.items) else FAN_OUT for k in sources}
        return [
            len(targets[w.source]) > FAN_OUT or len(sources[w.target]) > most[w.target] for w in self.wires.values()
        ]


@dataclass
class Wiring:
    """The inside of every box; ``bundles`` are the values that go from one box to another together."""

    insides: list[Inside]
    bundles: list[list[int]]


def wiring(model: Model, nested: Boxes) -> Wiring:
    """The wires of every box: a link between far cards passes through ports, many alike go as one."""
    boxes, place = nested.all, nested.place
    found = [Inside(box, [nested.order[item] for item in box.items]) for box in boxes]
    slot: dict[int | Box, int] = {item: k for box in boxes for k, item in enumerate(box.items)}
    slot |= {box.card: slot[box] for box in boxes if box.kind == "loop"}
    paths: dict[Box, list[Box]] = {box: outer(box) for box in boxes}
    shared = [_shared(paths[place[x.source]], paths[place[x.target]]) for x in model.links]
    bundles, goes_as = _bundles(model, paths, place, shared)
    for link, depth in zip(model.links, shared, strict=True):
        a, b = paths[place[link.source]], paths[place[link.target]]
        value = goes_as.get((_end(a, depth, link.source), _end(b, depth, link.target), link.source), link.source)
        up = model.upward[link.source]
        source: int | Box = link.source
        for box in reversed(a[depth:]):  # out of the boxes of the source
            inside = found[box.number]
            inside.wire(slot[source], inside.port(Port(value, up, into=False)), link, value)
            source = box
        target: int | Box = link.target
        for box in reversed(b[depth:]):  # into those of the target
            inside = found[box.number]
            inside.wire(inside.port(Port(value, not up, into=True)), slot[target], link, value)
            target = box
        found[a[depth - 1].number].wire(slot[source], slot[target], link, value)
    for primal, cotangents in model.adjoints.items():
        for k in cotangents:
            if place[k] is place[primal]:
                found[place[k].number].pairs[slot[primal], slot[k]] = None
    return Wiring(found, bundles)


def _shared(a: Sequence[Box], b: Sequence[Box]) -> int:
    """How many boxes two paths have in common."""
    return sum(1 for x, y in zip(a, b, strict=False) if x is y)


def _end(path: Sequence[Box], depth: int, card: int) -> int | Box:
    """What stands for a card in the box that it shares with another."""
    return path[depth] if depth < len(path) else card


Ends = tuple[int | Box, int | Box, int]


def _bundles(
    model: Model, paths: Mapping[Box, list[Box]], place: Sequence[Box], shared: Sequence[int]
) -> tuple[list[list[int]], dict[Ends, int]]:
    """The values that go between the same two ends, where they are many; and which go so, as -1 - number."""
    together: dict[tuple[int | Box, int | Box, bool], dict[int, None]] = {}
    for link, depth in zip(model.links, shared, strict=True):
        a, b = (_end(paths[place[x]], depth, x) for x in (link.source, link.target))
        together.setdefault((a, b, model.upward[link.source]), {})[link.source] = None
    bundles: list[list[int]] = []
    goes_as: dict[Ends, int] = {}
    for (a, b, _), values in together.items():
        if len(values) > BUNDLE:
            bundles.append(list(values))
            goes_as |= {(a, b, v): -len(bundles) for v in values}
    return bundles, goes_as


# Sizes ----------------------------------------------------------------------------------------------------------------


def columns(text: str) -> int:
    """Columns that a text takes in a monospaced font: wide letters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, most: int = WIDEST) -> str:
    """The text, cut to a number of letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def card_size(title: str, text: str, note: str) -> Size:
    """Width and height of a card: name, operation, and a line for its type, its value or what it costs."""
    widths = (columns(title) * LETTER[12], columns(text) * LETTER[11 if title else 12], columns(note) * LETTER[10])
    return max(56, round(max(widths)) + PAD), 54 if title and text else 40


def box_size(title: str, note: str) -> Size:
    """Width and height of a closed box."""
    return max(96, round(max((columns(title) + 3) * LETTER[13], columns(note) * LETTER[10])) + PAD), BOX_HEIGHT


# Graphviz -------------------------------------------------------------------------------------------------------------


def layouts(found: Sequence[Inside], sizes: Mapping[int | Box, Size]) -> tuple[list[dict[str, object]], list[int]]:
    """The different layouts, and for every box the number of its own. Raises what `places` raises."""
    sources = [_dot(inside, sizes) for inside in found]
    different = list(dict.fromkeys(sources))
    made = dict(zip(different, map(_parsed, different, places(different)), strict=True))
    index = {source: k for k, source in enumerate(different)}
    return [made[source] for source in different], [index[source] for source in sources]


def _dot(inside: Inside, sizes: Mapping[int | Box, Size]) -> str:
    """The DOT of a box: nothing but numbers, so that equal boxes look equal."""
    lines = ["digraph {", "graph [ranksep=0.42, nodesep=0.28, outputorder=nodesfirst]"]
    lines += ['node [shape=box, fixedsize=true, label=""]', "edge [arrowhead=none]"]
    if len(inside.wires) > 300:
        lines.append("graph [nslimit=2, nslimit1=2, mclimit=0.5]")  # good in seconds rather than best in minutes
    for k, item in enumerate(inside.box.items):
        lines.append(f"{k} [width={sizes[item][0] / INCH:.4f}, height={sizes[item][1] / INCH:.4f}]")
    for k in inside.ports.values():
        lines.append(f"{k} [width={PORT[0] / INCH:.4f}, height={PORT[1] / INCH:.4f}]")
    for top, rank in ((True, "source"), (False, "sink")):
        if chosen := [str(k) for port, k in inside.ports.items() if port.top is top]:
            lines.append(f"{{rank={rank}; {'; '.join(chosen)}}}")
    for wire, cut in zip(inside.wires.values(), inside.cut, strict=True):
        if cut:
            continue
        ends = (wire.target, wire.source) if inside.runs_up(wire) else (wire.source, wire.target)
        lines.append(f"{ends[0]} -> {ends[1]}" + (_beside(inside, wire) if wire.kind == "use" else ""))
    lines += [f"{a} -> {b} [minlen=0, weight=6, style=invis]" for a, b in inside.pairs]
    return "\n".join([*lines, "}"])


def _beside(inside: Inside, wire: Wire) -> str:
    """A value of the forward pass that the backward pass reads may stand at the height of its reader."""
    return " [minlen=0, weight=0]" if max(wire.source, wire.target) < len(inside.box.items) else " [weight=0]"


def _parsed(source: str, said: str) -> dict[str, object]:
    """A layout in pixels: rows of items from above, and wires as places in rows."""
    lines = said.replace("\\\n", "").splitlines()
    height = float(lines[0].split()[3])
    nodes: dict[int, tuple[float, float, float, float]] = {}
    curves: list[tuple[int, int, list[tuple[float, float]]]] = []
    for line in lines[1:]:
        words = line.split()
        if words[0] == "node":
            x, y, w, h = (float(v) * INCH for v in words[2:6])
            nodes[int(words[1])] = x, height * INCH - y, w, h
        elif words[0] == "edge":
            count = int(words[3])
            flat = [float(v) * INCH for v in words[4 : 4 + 2 * count]]
            points = [(x, height * INCH - y) for x, y in zip(flat[::2], flat[1::2], strict=True)]
            curves.append((int(words[1]), int(words[2]), points))
    ys = _rows(sorted({y for _, y, _, _ in nodes.values()}))
    row = {k: min(range(len(ys)), key=lambda r: abs(ys[r] - y)) for k, (_, y, _, _) in nodes.items()}
    tall = [max(h for k, (_, _, _, h) in nodes.items() if row[k] == r) for r in range(len(ys))]
    edges = [(y - h / 2, y + h / 2) for y, h in zip(ys, tall, strict=True)]
    gaps = [below[0] - above[1] for above, below in pairwise(edges)]
    wires: dict[tuple[int, int], list[list[int]]] = {}
    for a, b, points in curves:
        wires.setdefault((a, b), []).append(_passes(nodes, row, edges, a, b, points))
    items = [[row[k], round(nodes[k][0]), round(nodes[k][2]), round(nodes[k][3])] for k in sorted(nodes)]
    return {"items": items, "gaps": [max(18, round(g)) for g in gaps], "wires": _in_order(source, wires)}


def _rows(ys: Sequence[float]) -> list[float]:
    """The heights of rows; Graphviz writes heights with few digits."""
    rows: list[float] = []
    for y in ys:
        if not rows or y - rows[-1] > 2:
            rows.append(y)
    return rows or [0.0]


def _in_order(source: str, wires: dict[tuple[int, int], list[list[int]]]) -> list[list[int]]:
    """The wires as the source lists them; those between the same two ends in any order."""
    found = []
    for line in source.splitlines():
        ends, arrow, rest = line.partition(" -> ")
        if arrow and "invis" not in rest:
            found.append(wires[int(ends), int(rest.split()[0])].pop())
    return found


def _passes(
    nodes: Mapping[int, tuple[float, float, float, float]],
    row: Mapping[int, int],
    edges: Sequence[tuple[float, float]],
    a: int,
    b: int,
    points: Sequence[tuple[float, float]],
) -> list[int]:
    """Where a wire leaves (from the middle of its source), enters and leaves rows, and arrives (from the middle)."""
    line = _sampled(points)
    step = 1 if row[b] >= row[a] else -1
    passed = [edges[r][::step] for r in range(row[a] + step, row[b], step)]
    between = [round(_at(line, y)) for ends in passed for y in ends]
    return [round(line[0][0] - nodes[a][0]), *between, round(line[-1][0] - nodes[b][0])]


def _sampled(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points on a chain of cubic Bézier curves."""
    line = [points[0]]
    for k in range(0, len(points) - 3, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[k : k + 4]
        for t in (j / 8 for j in range(1, 9)):
            p, q, r, s = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            line.append((p * ax + q * bx + r * cx + s * dx, p * ay + q * by + r * cy + s * dy))
    return line


def _at(line: Sequence[tuple[float, float]], y: float) -> float:
    """Where a line crosses a height, as nearly as it can be said."""
    for (ax, ay), (bx, by) in pairwise(line):
        if min(ay, by) <= y <= max(ay, by):
            return ax + (bx - ax) * ((y - ay) / (by - ay) if by != ay else 0.5)
    return min(line, key=lambda p: abs(p[1] - y))[0]
