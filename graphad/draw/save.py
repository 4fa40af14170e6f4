"""`g.draw()` and `g.save(path)`: what users call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphad.draw.picture import draw
from graphad.draw.render import render
from graphad.errors import ArgumentError
from graphad.ir import serialize
from graphad.ir.atomic import write_atomic
from graphad.ir.graph import Graph
from graphad.ir.late import install

PICTURES = ("svg", "png", "pdf")
FORMATS = (*PICTURES, "dot", "json")


def save(graph: Graph, path: str | Path, **options: Any) -> Path:
    """Write the graph by the ending of the path: .svg, .png, .pdf, .dot (options as for `draw`) or .json.

    The file is complete or not there at all. Raises ArgumentError for another ending, MissingDependencyError where
    nothing can lay the picture out, ExportError when the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        raise ArgumentError(
            f"cannot save as {target.name!r}", hint=f"end the path in {', '.join('.' + f for f in FORMATS)}"
        )
    if kind == "json":
        serialize.save(graph, target)
        return target
    source = draw(graph, **options).source
    write_atomic(target, render(source, kind) if kind in PICTURES else source)
    return target


METHODS: dict[str, Callable[..., Any]] = {
    "Graph.draw": draw,
    "Graph.save": save,
}
install(**METHODS)
