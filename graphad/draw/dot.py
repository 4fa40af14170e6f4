"""A view as DOT: escaped labels, nested clusters, a legend; the same view gives the same bytes."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import graphviz

from graphad.draw.characters import printable
from graphad.draw.drawing import Drawing
from graphad.draw.labels import plain, text_of
from graphad.draw.legend import SLOPE, legend_of
from graphad.draw.mirror import flowing, mirrored
from graphad.draw.style import FONT, THEMES, Theme
from graphad.draw.view import LEAVES, Card, Edge, View

FEW = 3  # inputs and parameters that are linked to their gradients
SIDES = ("side_forward", "side_backward")
MANY = 150  # cards, from which on a good layout in seconds is better than the best in minutes


@dataclass(frozen=True)
class Paint:
    """What is colored by something else than its role. ``fill``: of a card; ``width``: of an edge's line.

    ``shades`` and ``notes`` say it in the legend, and ``says`` what the first number of a card is.
    """

    fill: Callable[[Card], str] | None = None
    width: Callable[[Edge], float] | None = None
    shades: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    says: str = "value"


def to_dot(
    view: View, rankdir: str, legend: bool, theme: Theme = THEMES["light"], paint: Paint | None = None
) -> Drawing:
    """The DOT of a view."""
    paint = paint or Paint()
    file = re.sub(r"\W+", "_", view.name) + ".gv"
    dot = Drawing(graphviz.escape(printable(view.name)), comment="made by graphad", filename=file, format="svg")
    gaps = {"nodesep": "0.3", "ranksep": "0.4"} if rankdir == "TB" else {"nodesep": "0.25", "ranksep": "0.5"}
    dot.attr("graph", rankdir=rankdir, fontname=FONT, newrank="true", bgcolor=theme.paper, fontcolor=theme.ink, **gaps)
    dot.attr("node", fontname=FONT, fontsize="11", fontcolor=theme.ink, height="0.3", penwidth="1.2")
    dot.attr("edge", fontname=FONT, fontsize="8", fontcolor=theme.faint, arrowsize="0.6", penwidth="0.9")
    if len(view.cards) > MANY:
        dot.attr("graph", nslimit="2", nslimit1="2", mclimit="0.5")
    if legend:
        label = legend_of(view, theme, paint.shades, paint.notes, paint.says)
        dot.attr("graph", label=label, labelloc="b", labeljust="l", fontsize="10")
    view = replace(view, edges=tuple(_told(view)))
    ranks = mirrored(view) if view.turns else flowing(view)
    _halves(dot, view, theme, paint)
    linked = {(e.target, e.source) for e in view.edges if e.kind == "adjoint"}
    for row in ranks.rows:
        dot.body.append(_row(row, linked))
    for k, edge in enumerate(view.edges):
        _edge(dot, edge, view.turns, k in ranks.free, theme, paint)
    return dot


def _row(row: Sequence[str], linked: Collection[tuple[str, str]]) -> str:
    """Cards on one rank, in this order, which only edges can say: those that are not drawn are invisible."""
    pairs = [f"; {a} -> {b} [style=invis]" for a, b in pairwise(row) if (a, b) not in linked]
    return f"\t{{rank=same; {'; '.join(row)}{''.join(pairs)}}}\n"


def _told(view: View) -> Iterator[Edge]:
    """The edges without links that only clutter: what stands on one row, and what ends far away is told by its name."""
    role = {c.key: c.role for c in view.cards}
    leaves = sum(card.role in LEAVES for card in view.cards)
    both = {c.upward for c in view.cards} == {True, False} and not any(c.role == "stub" for c in view.cards)
    for edge in view.edges:
        if edge.kind == "adjoint":
            if view.turns and role[edge.target] in LEAVES and leaves > FEW:
                continue
            if both and not view.turns and role[edge.target] != "loss":
                continue
        yield edge


def _halves(dot: Drawing, view: View, theme: Theme, paint: Paint) -> None:
    """A backward pass that comes back stays on one side: each pass is within a frame that is not drawn.

    Two invisible points above them, in their order, say which is first; Graphviz takes either otherwise.
    """
    first = {c.path[0]: c.upward for c in reversed(view.cards) if c.path}  # a frame is of the pass that it begins in
    halves: tuple[list[Card], list[Card]] = ([], [])
    for card in view.cards:
        halves[first[card.path[0]] if card.path else card.upward].append(card)
    if not (view.turns and all(halves)):
        _clusters(dot, view.cards, theme, paint)
        return
    for name, cards in zip(SIDES, halves, strict=True):
        half = graphviz.Digraph(name=f"cluster_{name}")
        half.attr(peripheries="0", margin="0", label="")
        _clusters(half, cards, theme, paint, half.name)
        dot.subgraph(half)
        dot.node(name, style="invis", label="", width="0", height="0", fixedsize="true")
        dot.edge(name, cards[0].key, style="invis", weight="0")
    dot.body.append(_row(SIDES, ()))


def _clusters(
    dot: graphviz.Digraph, cards: Sequence[Card], theme: Theme, paint: Paint, prefix: str = "cluster"
) -> None:
    """Cards inside nested clusters, in the order in which they first occur."""
    groups: dict[tuple[str, ...], list[Card]] = {(): []}
    for card in cards:
        for k in range(len(card.path) + 1):
            groups.setdefault(card.path[:k], [])
        groups[card.path].append(card)
    frames: dict[tuple[str, ...], graphviz.Digraph] = {}
    for number, path in enumerate(groups):
        frames[path] = graphviz.Digraph(name=f"{prefix}_{number}") if path else dot
        if path:
            frames[path].attr(
                label=f"<{text_of(path[-1])}>",
                peripheries="1",
                margin="8",
                style="rounded,filled",
                labelloc="t",
                labeljust="l",
                color=theme.cluster,
                fillcolor=theme.frame,
                fontcolor=theme.faint,
                fontsize="10",
            )
        for card in groups[path]:
            _card(frames[path], card, theme, paint)
    for path in sorted(frames, key=len, reverse=True):
        if path:
            frames[path[:-1]].subgraph(frames[path])


def _card(dot: graphviz.Digraph, card: Card, theme: Theme, paint: Paint) -> None:
    look = theme.looks[card.role]
    dot.node(
        card.key,
        label=_card_label(card, theme, paint.fill is not None),
        shape=look.shape,
        style=look.style,
        margin=look.margin,
        fillcolor=paint.fill(card) if paint.fill else look.fill,
        color=look.line,
        tooltip=plain(card.tooltip),
        **({"peripheries": "2", "penwidth": "1.6"} if card.is_output else {}),
    )


def _card_label(card: Card, theme: Theme, is_painted: bool) -> str:
    """Name in bold, operation below, then its numbers; an unnamed card has its operation alone.

    Painted cards may be of any color, so all their texts are of the color that can be read on each.
    """
    faint, value, gradient = [theme.ink] * 3 if is_painted else (theme.faint, theme.value, theme.gradient)
    times = f' <font color="{theme.lines["next"].color}"><b>× {card.badge}</b></font>' if card.badge > 1 else ""
    lines = [text_of(line) for line in card.text.split("\n")]
    if not (card.title or card.value or card.gradient or len(lines) > 1):
        return f"<{lines[0]}{times}>"
    rows = [f"<b>{text_of(card.title)}</b>{times}"] if card.title else []
    if card.title:
        rows += [f'<font point-size="9" color="{faint}">{line}</font>' for line in lines if line.strip()]
    else:
        rows += [lines[0] + times, *lines[1:]]
    slope = f"{SLOPE if is_painted else ''}{card.gradient}" if card.gradient else ""
    for text, color in ((card.value, value), (slope, gradient)):
        lines = [text_of(line) for line in text.split("\n") if line]
        rows += [f'<font point-size="10" color="{color}"><b>{line}</b></font>' for line in lines]
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{cells}</table>>'


def _edge(dot: Drawing, edge: Edge, turns: bool, is_free: bool, theme: Theme, paint: Paint) -> None:
    """One arrow. A backward pass that comes back up is given to Graphviz from the later node to the earlier."""
    line = theme.lines[edge.kind]
    looks = {"color": line.color, "style": line.style, "arrowhead": line.arrow}
    if paint.width and edge.node is not None:
        looks["penwidth"] = f"{paint.width(edge) * (0.6 if edge.kind == 'use' else 1):.2g}"
    if edge.label and not is_free:
        looks["label"] = f"<{text_of(f' {edge.label} ')}>"
    elif edge.label and edge.label != edge.shape:  # Graphviz makes room for a label only by ordering ranks
        looks["headlabel"] = f"<{text_of(f' {edge.label} ')}>"
    if edge.shape:
        looks["edgetooltip"] = plain(edge.shape)
    ends = edge.source, edge.target
    if edge.kind == "adjoint" or (turns and edge.kind == "backward"):
        ends = edge.target, edge.source
        looks |= {"dir": "back", "arrowtail": looks.pop("arrowhead")}
    if is_free:
        looks |= {"constraint": "false"}
    elif edge.kind in ("forward", "backward"):
        looks |= {"weight": "8"}
    dot.edge(*ends, **looks)
