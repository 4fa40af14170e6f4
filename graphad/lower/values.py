"""The value of every node for given inputs, and how a value is written beside a node: what drawings and tables show.

Numbers are written out while they are few, as in a textbook; of a large array the shape and the range.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph
from graphad.lower.interpret import interpret_all

FEW = 6  # elements that are written out
DIGITS = 4
NARROW = 24  # characters of a matrix that stays on one line
WIDE = 40  # characters of a line
MOST = 8  # lines


def run_values(graph: Graph, values: Mapping[Any, Any], rng: np.random.Generator | None = None) -> dict[Node, Any]:
    """The value of every node. ``values``: input (its name, or the node) -> number or array.

    Raises ArgumentError naming inputs that are missing or not known, DTypeError, and what `interpret` raises.

    >>> import graphad as ga
    >>> x = ga.input("x")
    >>> g = ga.Graph([x], [x * x])
    >>> print(*run_values(g, {"x": 3.0}).values())
    3.0 9.0
    """
    arguments = arguments_of(graph, values)
    if rng is None and any("random" in n.op.traits for n in graph.nodes):
        raise ArgumentError("values: the graph draws random numbers", hint="give rng=np.random.default_rng(0)")
    return interpret_all(graph, arguments, rng)


def arguments_of(graph: Graph, values: Mapping[Any, Any]) -> list[Any]:
    """The values of the inputs in their order, cast to the declared dtypes. Raises ArgumentError, DTypeError."""
    if not isinstance(values, Mapping):
        what = f"values is a {type(values).__name__}"
        raise ArgumentError(what, hint='give a dict: values={"x": 3.0}, one for each input')
    known: dict[Any, Node] = {x: x for x in graph.inputs} | {x.name: x for x in graph.inputs if x.name}
    given: dict[Node, Any] = {}
    for key, value in values.items():
        if not isinstance(key, Node | str) or key not in known:
            listed = ", ".join(map(label, graph.inputs))
            raise ArgumentError(f"values: the graph has no input {key!r}", hint=f"its inputs are {listed}")
        x, array = known[key], np.asarray(value)
        if not np.can_cast(array.dtype, x.dtype, "same_kind"):
            raise DTypeError(f"values: {label(x)} is {array.dtype}, declared {x.type}")
        given[x] = array.astype(x.dtype)
    if missing := [label(x) for x in graph.inputs if x not in given]:
        raise ArgumentError(f"values: no value for {', '.join(missing)}", hint="give one for each input of the graph")
    return [given[x] for x in graph.inputs]


def short_value(value: Any) -> str:
    """A value in a few characters: numbers of small arrays, shape and range of large ones.

    >>> short_value(np.float64(0.123456)), short_value(np.array([[1.0, 2.5], [0.0, -1e-9]]))
    ('0.1235', '[[1, 2.5], [0, -1e-09]]')
    >>> short_value(np.linspace(0, 1, 12).reshape(3, 4))
    '3×4: 0 … 1'
    """
    if isinstance(value, tuple):
        return "(" + ", ".join(map(short_value, value)) + ")"
    array = np.asarray(value)
    if 0 < array.size <= FEW and array.ndim <= 2:
        return _listed(array.tolist())
    shape = "×".join(map(str, array.shape))
    if array.size == 0 or array.dtype.kind not in "biuf":
        return f"{shape} {array.dtype}"
    text = f"{shape}: {_listed(array.min().item())} … {_listed(array.max().item())}"
    bad = int(array.size - np.isfinite(array).sum()) if array.dtype.kind == "f" else 0
    return f"{text}, {bad} not finite" if bad else text


def value_lines(value: Any) -> list[str]:
    """A value in a few short lines: as `short_value`, a matrix row by row unless it is a small one.

    >>> value_lines(np.array([[0.125, -0.25], [0.0625, 1234.5]]))
    ['[[0.125, -0.25],', ' [0.0625, 1234]]']
    """
    text = short_value(value)
    rows = text.replace("], [", "],\n [").split("\n") if len(text) > NARROW else [text]
    lines = [line for row in rows for line in textwrap.wrap(row, WIDE, subsequent_indent=" ")]
    return lines if len(lines) <= MOST else [*lines[: MOST - 1], "…"]


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_listed, value)) + "]"
    return f"{value:.{DIGITS}g}" if isinstance(value, float | complex) else str(value)
