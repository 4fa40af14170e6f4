"""`g.draw()` and `g.save(path)`: what users call."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from graphad.draw.functions import draw_function
from graphad.draw.page.write import save_page
from graphad.draw.picture import draw
from graphad.draw.render import render
from graphad.errors import ArgumentError
from graphad.ir import serialize
from graphad.ir.atomic import write_atomic
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.lower.compile import Function

PICTURES = ("svg", "png", "pdf")
FORMATS = (*PICTURES, "dot", "html", "json")


def save(graph: Graph, path: str | Path, **options: Any) -> Path:
    """Write the graph by the ending of the path: .svg, .png, .pdf, .dot (options as for `draw`), .html or .json.

    .html is the interactive page: one file, no network; ``values``: input -> number or array, ``sizes``: numbers of
    named sizes, ``profile=True``: times (see `graphad.draw.page.write.save_page`).

    The file is complete or not there at all. Raises ArgumentError for another ending, MissingDependencyError where
    nothing can lay the picture out, ExportError when the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        raise ArgumentError(
            f"cannot save as {target.name!r}", hint=f"end the path in {', '.join('.' + f for f in FORMATS)}"
        )
    _check(kind, options)
    if kind == "html":
        return save_page(graph, target, **options)
    if kind == "json":
        serialize.save(graph, target)
        return target
    return _write(target, kind, draw(graph, **options).source)


def _check(kind: str, options: Mapping[str, Any], more: Sequence[str] = ()) -> None:
    """Raise ArgumentError for an option that the format does not know."""
    taken = () if kind == "json" else signature(save_page if kind == "html" else draw).parameters
    known = [*(name for name in taken if name not in ("graph", "path")), *more]
    for name in options:
        if name not in known:
            hint = f"its options: {', '.join(known)}" if known else "it has none"
            raise ArgumentError(f"save: {name}= is no option of .{kind} files", hint=hint)


def _write(target: Path, kind: str, source: str) -> Path:
    """Write DOT, or its picture."""
    write_atomic(target, render(source, kind) if kind in PICTURES else source)
    return target


def save_function(function: Function, path: str | Path, **options: Any) -> Path:
    """Write a compiled function: .html is its interactive page, with the code that it runs; else as `save`.

    Pictures take the options of `Function.draw`, such as ``optimized=True``; .json is the declared graph. Raises what
    `save` raises.
    """
    target = Path(path)
    kind = target.suffix.lstrip(".").lower()
    if kind == "html":
        _check(kind, options)
        return save_page(function, target, **options)
    if kind in (*PICTURES, "dot"):
        _check(kind, options, ("optimized",))
        return _write(target, kind, draw_function(function, **options).source)
    return save(function.declared, target, **options)


METHODS: dict[str, Callable[..., Any]] = {
    "Graph.draw": draw,
    "Graph.save": save,
    "Function.save": save_function,
}
install(**METHODS)
