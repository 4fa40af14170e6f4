"""A view as DOT: escaped labels, nested clusters, a legend; the same view gives the same bytes."""

import html
from typing import Any

import graphviz

from graphad.draw.render import render
from graphad.draw.style import ADJOINT_EDGE, CLUSTER, EDGE, FAINT, FONT, INK, LOOKS
from graphad.draw.view import Card, Edge, View, make_view
from graphad.errors import ArgumentError
from graphad.ir.graph import Graph

DIRECTIONS = ("TB", "LR")


class Drawing(graphviz.Digraph):  # type: ignore[misc]
    """A Digraph that lays itself out also where there is no ``dot`` program, and shows itself in notebooks."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": render(self.source, "svg").decode()}

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **kwargs: Any) -> bytes | str:
        """The picture in a format (svg unless given), as bytes, or as text when an encoding is given."""
        data = render(self.source, format or "svg")
        return data.decode(encoding) if encoding else data


def draw(graph: Graph, view: str = "joint", rankdir: str = "TB", legend: bool = True) -> Drawing:
    """A drawing of the graph.

    ``view``: "forward" (what the user declared), "backward" (what differentiation made, with the forward values that it
    uses), "joint". ``rankdir``: "TB" or "LR". Raises ArgumentError for other values.
    """
    if rankdir not in DIRECTIONS:
        raise ArgumentError(f"rankdir={rankdir!r} is not known", hint=f"use one of {', '.join(map(repr, DIRECTIONS))}")
    return to_dot(make_view(graph, view), rankdir, legend)


def to_dot(view: View, rankdir: str, legend: bool) -> Drawing:
    """The DOT of a view."""
    dot = Drawing(name=view.name, comment="made by graphad")
    dot.attr("graph", rankdir=rankdir, fontname=FONT, nodesep="0.3", ranksep="0.4", newrank="true", bgcolor="white")
    dot.attr("node", fontname=FONT, fontsize="11", fontcolor=INK, margin="0.12,0.06", height="0.3", penwidth="1.2")
    dot.attr("edge", fontname=FONT, fontsize="8", fontcolor=FAINT, color=EDGE, arrowsize="0.6", penwidth="0.9")
    if len(view.cards) > 150:
        dot.attr("graph", nslimit="2", nslimit1="2")  # a good layout in seconds rather than the best in minutes
    if legend:
        dot.attr("graph", label=_legend(view), labelloc="b", labeljust="l", fontsize="10")
    _clusters(dot, view)
    for edge in view.edges:
        _edge(dot, edge)
    return dot


def _clusters(dot: Drawing, view: View) -> None:
    """Cards inside nested clusters, in the order in which they first occur."""
    groups: dict[tuple[str, ...], list[Card]] = {(): []}
    for card in view.cards:
        for k in range(len(card.path) + 1):
            groups.setdefault(card.path[:k], [])
        groups[card.path].append(card)
    frames: dict[tuple[str, ...], graphviz.Digraph] = {}
    for number, path in enumerate(groups):
        frames[path] = graphviz.Digraph(name=f"cluster_{number}") if path else dot
        if path:
            frames[path].attr(
                label=_text(path[-1]),
                style="rounded,dashed",
                labelloc="t",
                color=CLUSTER,
                fontcolor=FAINT,
                fontsize="10",
            )
        for card in groups[path]:
            _card(frames[path], card)
    for path in sorted(frames, key=len, reverse=True):
        if path:
            frames[path[:-1]].subgraph(frames[path])


def _card(dot: graphviz.Digraph, card: Card) -> None:
    look = LOOKS[card.role]
    dot.node(
        card.key,
        label=_card_label(card),
        shape=look.shape,
        style=look.style,
        fillcolor=look.fill,
        color=look.line,
        tooltip=graphviz.escape(card.tooltip),
        **({"peripheries": "2", "penwidth": "1.6"} if card.is_output else {}),
    )


def _card_label(card: Card) -> str:
    """Name in bold, operation below; an unnamed card has its operation alone."""
    if not card.title:
        return f"<{_text(card.text)}>"
    return f'<<b>{_text(card.title)}</b><br/><font point-size="9" color="{FAINT}">{_text(card.text)}</font>>'


def _edge(dot: Drawing, edge: Edge) -> None:
    if edge.kind == "adjoint":
        dot.edge(edge.source, edge.target, style="dashed", color=ADJOINT_EDGE, constraint="false", arrowhead="empty")
    else:
        dot.edge(edge.source, edge.target, label=f"<{_text(f' {edge.label} ')}>" if edge.label else "")


def _legend(view: View) -> str:
    """A row of samples for the roles and lines that occur."""
    present = [role for role in LOOKS if any(card.role == role for card in view.cards)]
    cells = "".join(
        f'<td bgcolor="{LOOKS[r].fill}" color="{LOOKS[r].line}" border="1">{LOOKS[r].legend}</td>' for r in present
    )
    if any(card.is_output for card in view.cards):
        cells += '<td border="0">double border: result</td>'
    if any(edge.kind == "adjoint" for edge in view.edges):
        cells += f'<td border="0"><font color="{ADJOINT_EDGE}">- - &gt;</font> adjoint of</td>'
    table = '<table border="0" cellborder="0" cellspacing="6" cellpadding="4">'
    return f'<{table}<tr><td border="0"><b>{_text(view.name)}</b></td>{cells}</tr></table>>'


def _text(text: str) -> str:
    """Text inside an HTML-like label; control characters, which Graphviz refuses, become spaces."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return html.escape(printable, quote=True) or " "
