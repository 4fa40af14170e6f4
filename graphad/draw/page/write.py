"""``g.save("model.html")``: the page as one file that asks nothing of a network."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from graphad.draw.characters import escaped
from graphad.draw.functions import updates
from graphad.draw.page.data import page_data
from graphad.draw.page.layers import measured, numbers_of
from graphad.draw.page.model import model_of
from graphad.draw.style import THEMES
from graphad.errors import ArgumentError, GraphadError
from graphad.ir.atomic import write_atomic
from graphad.ir.graph import Graph
from graphad.lower.compile import Function, compile, declared
from graphad.lower.values import arguments_of

SCRIPTS = ("model", "text", "arrange", "scene", "view", "light", "panels", "search", "layers", "steps", "main")


def save_page(
    graph: Graph | Function,
    path: str | Path,
    *,
    values: Mapping[Any, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
    profile: bool = False,
    rng: np.random.Generator | None = None,
) -> Path:
    """Write the interactive page of a graph or of a compiled function.

    ``values``: input (name or node) -> number or array; the page then shows every value and gradient. ``sizes``:
    numbers of named sizes, for costs. ``profile=True`` measures the lines of the generated code on ``values``. The same
    program gives the same bytes, unless times are measured. The file is complete or not there at all. Raises
    ArgumentError for unknown inputs or sizes, MissingDependencyError without Graphviz, ExportError when the file cannot
    be written.
    """
    if profile and values is None:
        raise ArgumentError("profile=True: times are measured on values", hint="give values={...} too")
    shown = declared(graph)
    model = model_of(shown, updates(graph, shown) if isinstance(graph, Function) else {})
    function, problem = _compiled(graph)
    with np.errstate(all="ignore"):  # the page shows what is not finite
        numbers = numbers_of(model, values, sizes, rng)
        if profile and function is not None and values is not None:
            measured(numbers, model, function, arguments_of(shown, values), rng)
    write_atomic(path, page(page_data(model, numbers, function, problem)))
    return Path(path)


def _compiled(graph: Graph | Function) -> tuple[Function | None, GraphadError | None]:
    """The compiled graph; a page without generated code says why there is none."""
    if isinstance(graph, Function):
        return graph, None
    name = re.sub(r"\W", "_", graph.name, flags=re.ASCII)
    problem = None
    for wish in (name, f"{name}_graph", "graph_" + name):  # what is no identifier, or a helper's name, is refused
        try:
            return compile(graph.inputs, list(graph.outputs), name=wish), None
        except GraphadError as error:
            problem = problem or error
    return None, problem


def page(data: Mapping[str, Any]) -> str:
    """The HTML: styles, data and scripts in one, and a policy that lets nothing else in."""
    style = _roles() + _part("page.css")
    script = _script()
    allowed = {"default": "'none'", "script": _hash(script), "style": _hash(style), "img": "data:"}
    policy = "; ".join(f"{what}-src {where}" for what, where in allowed.items())
    parts = {
        "policy": f"{policy}; base-uri 'none'; form-action 'none'",
        "title": escaped(str(data["name"])),
        "style": style,
        "data": embedded(data),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("page.html"))


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element that it stands in, whatever names the user has chosen."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _roles() -> str:
    """The colors of drawings, light and dark, as variables of the style."""
    lines = []
    for role, look in THEMES["light"].looks.items():
        dark = THEMES["dark"].looks[role]
        lines.append(f"--{role}-fill: light-dark({look.fill}, {dark.fill});")
        lines.append(f"--{role}-line: light-dark({look.line}, {dark.line});")
    rules = [f".{role} {{ --fill: var(--{role}-fill); --edge: var(--{role}-line); }}" for role in THEMES["light"].looks]
    return "\n".join([":root {", *lines, "}", *rules, ""])


@cache
def _part(name: str) -> str:
    return (files("graphad.draw.page") / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    """The scripts as one, in a scope of its own."""
    parts = "\n".join(_part(f"js/{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\nmain();\n}})();'


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
