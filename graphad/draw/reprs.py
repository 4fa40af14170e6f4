"""What a notebook shows of a Graph, a Node and a Function: a picture where one can be laid out, and always a table.

A picture needs Graphviz and a graph that a person can take in; without them a summary and a hint stand in its place.
Nothing here raises, since a notebook would show the error instead of the value.
"""

import html
import io
import keyword
import tokenize
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from graphad.draw.characters import escaped
from graphad.draw.render import render
from graphad.draw.summary import summary
from graphad.draw.tables import Table
from graphad.errors import GraphadError
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph, toposort
from graphad.ir.late import install
from graphad.lower.compile import Function
from graphad.lower.explain import explain

PICTURED = 10_000  # nodes; a larger graph is drawn when asked for, not whenever a notebook shows it
NEAR = 40  # nodes in the picture of a node
PATIENCE = 20.0  # seconds for a layout
CODE_STYLE = """<style>
.graphad-code {line-height: 1.35; max-height: 40em; overflow: auto}
.graphad-code .k {font-weight: bold}
.graphad-code .c {opacity: .65; font-style: italic}
.graphad-code :is(.s, .n) {color: #c2500a}
</style>"""


# Pictures -------------------------------------------------------------------------------------------------------------


def graph_svg(graph: Graph) -> str | None:
    """The picture of a graph, collapsed where it is large, where it can be laid out."""
    if len(graph.nodes) > PICTURED:
        return None
    with suppress(GraphadError):
        return render(graph.draw().source, "svg", timeout=PATIENCE).decode()
    return None


def function_svg(function: Function) -> str | None:
    """The picture of the rewritten graph."""
    return graph_svg(function.graph)


def node_svg(node: Node) -> str | None:
    """The picture of what a node is made of, cut where it gets large."""
    with suppress(GraphadError):
        return render(neighborhood(node).draw(legend=False).source, "svg", timeout=PATIENCE).decode()
    return None


def neighborhood(node: Node, near: int = NEAR) -> Graph:
    """The graph of the nearest ancestors of a node, about ``near`` of them; those further away are cut off.

    Raises GraphError where the cut leaves two values of one name.
    """
    kept: dict[Node, None] = {node: None}
    queue = [node]
    for found in queue:
        if len(kept) < near:
            fresh = [x for x in dict.fromkeys(found.inputs) if x not in kept]
            kept.update(dict.fromkeys(fresh))
            queue += fresh
    ends = [n for n in kept if any(x not in kept for x in n.inputs) or "placeholder" in n.op.traits]
    return Graph([n for n in toposort([node], stop=ends) if n in set(ends)], node, label(node))


# HTML -----------------------------------------------------------------------------------------------------------------


def graph_html(graph: Graph, svg: str | None = None) -> str:
    """The picture, and the table of layers folded away; without a picture the table, and why."""
    picture = svg or graph_svg(graph)
    table = summary(graph)._repr_html_()
    if picture is None:
        return f"{_hint(graph)}\n{table}"
    return f"{_figure(picture, f'graph {graph.name}')}\n{_folded('layers', table)}"


def node_html(node: Node, svg: str | None = None) -> str:
    """What a node is and where it comes from, and the picture of what it is made of."""
    story = explain(node)
    rows = [tuple(map(str, row)) for row in story.rows]
    table = Table(story.title, ("what", "origin"), (("", rows),), label="what").html()
    picture = svg or node_svg(node)
    return table if picture is None else f"{table}\n{_figure(picture, f'what {label(node)} is made of')}"


def function_html(function: Function, svg: str | None = None) -> str:
    """The generated source, then the report of the passes and the layers."""
    parts = [
        f"<p><b>{escaped(repr(function).strip('<>'))}</b></p>",
        CODE_STYLE,
        f'<pre class="graphad-code"><code>{highlighted(function.source)}</code></pre>',
        _folded("report", f"<pre>{_escaped_lines(str(function.report()))}</pre>"),
        _folded("layers", summary(function)._repr_html_()),
    ]
    if picture := svg or function_svg(function):
        parts.append(_folded("graph", _figure(picture, f"graph of {function.name}")))
    return "\n".join(parts)


def highlighted(source: str) -> str:
    """Python as HTML: keywords (k), comments (c), strings (s) and numbers (n) are spans of these classes."""
    kinds = {tokenize.COMMENT: "c", tokenize.STRING: "s", tokenize.NUMBER: "n"}
    lines = source.splitlines(keepends=True)
    parts, row, column = [], 1, 0

    def until(end_row: int, end_column: int) -> str:
        if end_row == row:
            return lines[row - 1][column:end_column] if row <= len(lines) else ""
        middle = lines[row : end_row - 1]
        last = lines[end_row - 1][:end_column] if end_row <= len(lines) else ""
        return lines[row - 1][column:] + "".join(middle) + last

    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_keyword = token.type == tokenize.NAME and keyword.iskeyword(token.string)
        if kind := "k" if is_keyword else kinds.get(token.type):
            parts += [html.escape(until(*token.start)), f'<span class="{kind}">{html.escape(token.string)}</span>']
            row, column = token.end
    return "".join(parts) + html.escape(until(len(lines) + 1, 0))


def _hint(graph: Graph) -> str:
    if len(graph.nodes) > PICTURED:
        why = f"{len(graph.nodes):,} nodes are too many for a picture here: g.draw() makes one"
    else:
        why = 'no picture could be laid out: pip install "graphad[draw]"'
    return f'<p class="graphad-note">{escaped(why)}</p>'


def _figure(svg: str, caption: str) -> str:
    """The picture without the head of a file of its own; a wide one scrolls."""
    inner = svg[svg.index("<svg") :]
    return f'<div role="img" aria-label="{escaped(caption)}" style="overflow-x:auto">{inner}</div>'


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escaped(title)}</summary>\n{content}\n</details>"


def _escaped_lines(text: str) -> str:
    return "\n".join(map(escaped, text.splitlines()))


# Together -------------------------------------------------------------------------------------------------------------


def bundle(
    value: Node | Graph | Function, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> dict[str, str]:
    """All forms at once, with the picture laid out once; ``include`` and ``exclude`` as in Jupyter."""
    svg, write = FORMS[type(value)]
    picture = svg(value)
    found = {"text/plain": repr(value), "text/html": write(value, picture)}
    if picture is not None:
        found["image/svg+xml"] = picture
    return {k: v for k, v in found.items() if (not include or k in include) and k not in (exclude or ())}


def _bundle(value: Any, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
    return bundle(value, include, exclude)


FORMS: dict[type, tuple[Any, Any]] = {
    Node: (node_svg, node_html),
    Graph: (graph_svg, graph_html),
    Function: (function_svg, function_html),
}
for _kind, (_svg, _html) in FORMS.items():
    _name = _kind.__name__
    install(**{f"{_name}._repr_svg_": _svg, f"{_name}._repr_html_": _html, f"{_name}._repr_mimebundle_": _bundle})
