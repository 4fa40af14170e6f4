"""Graphs as text: one aligned line per node for people, one canonical form for comparing.

``%3 h = tanh(%2) : f64[batch, 32]   # train.py:14``
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.ir.core import Node, attrs_key
from graphad.ir.graph import Graph
from graphad.ir.late import install


def graph_text(graph: Graph) -> str:
    """A table of the nodes with names, types and the user's lines.

    >>> import graphad as ga
    >>> x = ga.input("x", shape=("n",))
    >>> print(str(ga.Graph([x], [ga.tanh(x)], name="f")).split("#")[0].rstrip())
    graph f
      %0 x = input() : f64[n]
    """
    number = {n: k for k, n in enumerate(graph.nodes)}
    rows = [(_left(n, number, graph), f": {n.type}", n.origin.location) for n in graph.nodes]
    widths = [min(60, max((len(r[k]) for r in rows), default=0)) for k in (0, 1)]
    lines = [
        f"  {left.ljust(widths[0])} {kind.ljust(widths[1])}{f'   # {place}' if place else ''}".rstrip()
        for left, kind, place in rows
    ]
    outputs = ", ".join(f"%{number[y]}" for y in graph.outputs)
    return "\n".join([f"graph {graph.name}", *lines, f"  return {outputs}"])


def _left(node: Node, number: dict[Node, int], graph: Graph) -> str:
    shown = {k: v for k, v in node.attrs.items() if k not in ("name", "shape", "dtype") or node.inputs}
    inputs = [] if graph.is_input(node) else [f"%{number[x]}" for x in node.inputs]
    arguments = ", ".join([*inputs, *(f"{k}={value_text(v)}" for k, v in shown.items())])
    name = f"{node.name} " if node.name else ""
    return f"%{number[node]} {name}= {node.op.name}({arguments})"


def value_text(value: Any) -> str:
    """An attribute's value, shortened: arrays of more than four elements by type only."""
    if isinstance(value, np.ndarray):
        if value.size <= 4:
            return str(value.tolist())
        return f"<{value.dtype}[{', '.join(map(str, value.shape))}]>"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return ":".join("" if v is None else str(v) for v in value)
    if isinstance(value, tuple):
        return "(" + ", ".join(map(value_text, value)) + ("," if len(value) == 1 else "") + ")"
    return str(value)


def digest(graph: Graph) -> str:
    """Sixteen hexadecimal digits of all that can change a result: ops, attributes, types, wiring, input names."""
    number = {n: k for k, n in enumerate(graph.nodes)}
    hasher = hashlib.sha256()
    for node in graph.nodes:
        inputs: Sequence[int] = [] if graph.is_input(node) else [number[x] for x in node.inputs]
        key = _stable(attrs_key(node.attrs))
        hasher.update(f"{node.op.name} {inputs} {key} {node.type}\n".encode())
    hasher.update(str([number[y] for y in graph.outputs]).encode())
    return hasher.hexdigest()[:16]


def _stable(value: Any) -> str:
    """Text of an attribute key that does not depend on the process: types by name."""
    if isinstance(value, tuple):
        return "(" + ",".join(map(_stable, value)) + ")"
    if isinstance(value, type):
        return value.__name__
    return repr(value) if isinstance(value, (str, bytes, int, float, bool)) else str(value)


install(**{"Graph.__repr__": graph_text})
