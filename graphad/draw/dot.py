"""A view as DOT: escaped labels, nested clusters, a legend; the same view gives the same bytes."""

import html
import re
import shutil
from pathlib import Path
from typing import Any

import graphviz

from graphad.draw.render import FORMATS, render
from graphad.draw.style import CLUSTER, FAINT, FONT, INK, LINES, LOOKS
from graphad.draw.view import Card, Edge, View, make_view
from graphad.errors import ArgumentError
from graphad.ir.atomic import write_atomic
from graphad.ir.graph import Graph

DIRECTIONS = ("TB", "LR")


class Drawing(graphviz.Digraph):  # type: ignore[misc]
    """A Digraph that lays itself out also where there is no ``dot`` program, and shows itself in notebooks."""

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **kwargs: Any) -> bytes | str:
        """The picture in a format (svg unless given), as bytes, or as text when an encoding is given."""
        kind = format or self.format
        if kind not in FORMATS:  # only the `dot` program writes the others
            data: bytes | str = super().pipe(kind, *args, encoding=encoding, **kwargs)
            return data
        picture = render(self.source, kind)
        return picture.decode(encoding) if encoding else picture

    def render(  # the library's own way goes through the `dot` program
        self,
        filename: Any = None,
        directory: Any = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        **kwargs: Any,
    ) -> str:
        """Write the source and the picture beside it; returns the path of the picture. Arguments as in the library."""
        if shutil.which("dot") or kwargs:
            path: str = super().render(
                filename, directory=directory, view=view, cleanup=cleanup, format=format, **kwargs
            )
            return path
        picture = self.pipe(format)
        source = Path(self.save(filename, directory=directory))
        target = source.with_name(f"{source.name}.{format or self.format}")
        write_atomic(target, picture)
        if cleanup:
            source.unlink()
        if view:
            self._view(str(target), format=format or self.format, quiet=False)
        return str(target)


def draw(graph: Graph, view: str = "joint", rankdir: str = "TB", legend: bool = True) -> Drawing:
    """A drawing of the graph.

    ``view``: "forward" (what the user declared), "backward" (what differentiation made, with the forward values that it
    uses), "joint" (down the one, back up the other). ``rankdir``: "TB" or "LR". Raises ArgumentError for other values.
    """
    if rankdir not in DIRECTIONS:
        raise ArgumentError(f"rankdir={rankdir!r} is not known", hint=f"use one of {', '.join(map(repr, DIRECTIONS))}")
    return to_dot(make_view(graph, view), rankdir, legend)


def to_dot(view: View, rankdir: str, legend: bool) -> Drawing:
    """The DOT of a view."""
    file = re.sub(r"\W+", "_", view.name) + ".gv"
    dot = Drawing(graphviz.escape(_printable(view.name)), comment="made by graphad", filename=file, format="svg")
    dot.attr("graph", rankdir=rankdir, fontname=FONT, nodesep="0.3", ranksep="0.4", newrank="true", bgcolor="white")
    dot.attr("node", fontname=FONT, fontsize="11", fontcolor=INK, height="0.3", penwidth="1.2")
    dot.attr("edge", fontname=FONT, fontsize="8", fontcolor=FAINT, arrowsize="0.6", penwidth="0.9")
    if len(view.cards) > 150:
        dot.attr("graph", nslimit="2", nslimit1="2")  # a good layout in seconds rather than the best in minutes
    if legend:
        dot.attr("graph", label=_legend(view), labelloc="b", labeljust="l", fontsize="10")
    _clusters(dot, view)
    for edge in view.edges:
        _edge(dot, edge, view.turns)
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
                label=f"<{_text(path[-1])}>",
                style="rounded,dashed",
                labelloc="t",
                labeljust="l",
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
        margin=look.margin,
        fillcolor=look.fill,
        color=look.line,
        tooltip=_plain(card.tooltip),
        **({"peripheries": "2", "penwidth": "1.6"} if card.is_output else {}),
    )


def _card_label(card: Card) -> str:
    """Name in bold, operation below; an unnamed card has its operation alone."""
    if not card.title:
        return f"<{_text(card.text)}>"
    below = f'<font point-size="9" color="{FAINT}">{_text(card.text)}</font>'
    rows = f"<tr><td><b>{_text(card.title)}</b></td></tr><tr><td>{below}</td></tr>"
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{rows}</table>>'


def _edge(dot: Drawing, edge: Edge, turns: bool) -> None:
    """One arrow. A backward pass that comes back up is given to Graphviz from the later node to the earlier."""
    line = LINES[edge.kind]
    looks = {"color": line.color, "style": line.style, "arrowhead": line.arrow}
    if edge.label:
        looks["label"] = f"<{_text(f' {edge.label} ')}>"
    if edge.shape:
        looks["edgetooltip"] = _plain(edge.shape)
    ends = edge.source, edge.target
    if turns and edge.kind in ("backward", "adjoint"):
        ends = edge.target, edge.source
        looks |= {"dir": "back", "arrowtail": looks.pop("arrowhead")}
    if edge.kind == "adjoint" and not turns:
        looks |= {"constraint": "false"}
    elif edge.kind == "adjoint":
        looks |= {"minlen": "0"}
    elif edge.kind == "use" and turns:
        looks |= {"minlen": "0", "weight": "0"}
    elif edge.kind == "forward":
        looks |= {"weight": "3"}
    dot.edge(*ends, **looks)


def _legend(view: View) -> str:
    """A row of samples for the roles and lines that occur."""
    cells = "".join(
        f'<td bgcolor="{look.fill}" color="{look.line}" border="1">'
        f'<font color="{look.line}">{look.sign}</font> {look.legend}</td>'
        for role, look in LOOKS.items()
        if any(card.role == role for card in view.cards)
    )
    if any(card.is_output for card in view.cards):
        cells += '<td border="0">double border: result</td>'
    for kind, line in LINES.items():
        if line.legend and any(edge.kind == kind for edge in view.edges):
            cells += f'<td border="0"><font color="{line.color}">{line.sign}</font> {line.legend}</td>'
    table = '<table border="0" cellborder="0" cellspacing="6" cellpadding="4">'
    return f'<{table}<tr><td border="0"><b>{_text(view.name)}</b></td>{cells}</tr></table>>'


def _printable(text: str) -> str:
    """The text with spaces for control characters, which Graphviz refuses."""
    return "".join(c if c.isprintable() else " " for c in text)


def _text(text: str) -> str:
    """Text inside an HTML-like label."""
    return html.escape(_printable(text), quote=True) or " "


def _plain(text: str) -> str:
    """Text outside labels: no escapes, no HTML, no entities."""
    plain: str = graphviz.escape(_printable(text).replace("&", "&amp;"))
    return plain
