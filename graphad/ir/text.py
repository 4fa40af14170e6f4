"""Graphs as text: one aligned line per node for people, one canonical form for comparing.

``%3 h = tanh(%2) : f64[batch, 32]   # train.py:14  encoder/hidden``
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.ir.core import Node, attrs_key
from graphad.ir.graph import Graph
from graphad.ir.late import install

WIDEST = 60  # columns; a longer cell does not push the others to the right
WIDEST_NAME = 24


def graph_text(graph: Graph) -> str:
    """A table of the nodes with names, types, the user's lines and scopes.

    >>> import graphad as ga
    >>> x = ga.input("x", shape=("n",))
    >>> print(str(ga.Graph([x], [ga.tanh(x)], name="f")).split("#")[0].rstrip())
    graph f
      %0 x = input() : f64[n]
    """
    number = _numbers(graph)
    rows = [(f"%{number[n]}", n.name or "", _right(n, number, graph), f": {n.type}") for n in graph.nodes]
    limits = (WIDEST, WIDEST_NAME, WIDEST, WIDEST)
    widths = [max((len(r[k]) for r in rows if len(r[k]) <= most), default=0) for k, most in enumerate(limits)]
    lines = []
    for node, row in zip(graph.nodes, rows, strict=True):
        cells = " ".join(c.ljust(width) for c, width in zip(row, widths, strict=True) if width)
        lines.append(f"  {cells}{_comment(node)}".rstrip())
    outputs = ", ".join(f"%{number[y]}" for y in graph.outputs)
    return "\n".join([f"graph {graph.name}", *lines, f"  return {outputs}"])


def node_texts(graph: Graph) -> dict[Node, str]:
    """The line of each node in the table, without its padding: ``%3 h = tanh(%2) : f64[n]   # train.py:4``."""
    number = _numbers(graph)
    names = {n: f" {n.name}" if n.name else "" for n in graph.nodes}
    places = {n: f"   # {n.origin.location}" if n.origin.location else "" for n in graph.nodes}
    return {n: f"%{k}{names[n]} {_right(n, number, graph)} : {n.type}{places[n]}" for n, k in number.items()}


def _comment(node: Node) -> str:
    """The user's line and the scope."""
    known = "  ".join(filter(None, (node.origin.location, "/".join(node.origin.scope))))
    return f"   # {known}" if known else ""


def _numbers(graph: Graph) -> Mapping[Node, int]:
    return {n: k for k, n in enumerate(graph.nodes)}


def _right(node: Node, number: Mapping[Node, int], graph: Graph) -> str:
    """What computes a node; attributes that have their default value, or that the type shows, are left out."""
    shown = {
        k: v
        for k, v in node.attrs.items()
        if (node.inputs or k not in ("name", "shape", "dtype"))
        and attrs_key({k: v}) != attrs_key({k: node.op.defaults.get(k)})
    }
    inputs = [] if graph.is_input(node) else [f"%{number[x]}" for x in node.inputs]
    arguments = ", ".join([*inputs, *(f"{k}={value_text(v)}" for k, v in shown.items())])
    return f"= {node.op.name}({arguments})"


def value_text(value: Any) -> str:
    """An attribute's value, shortened: arrays of more than four elements by type only."""
    if isinstance(value, np.ndarray):
        if value.size <= 4:
            return str(value.tolist())
        return f"<{value.dtype}[{', '.join(map(str, value.shape))}]>"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        start, stop, *rest = ("" if v is None else str(v) for v in value)
        return ":".join([start, stop, *filter(None, rest)])
    if isinstance(value, tuple):
        return "(" + ", ".join(map(value_text, value)) + ("," if len(value) == 1 else "") + ")"
    return f"<{value.name}: {len(value.nodes)} nodes>" if isinstance(value, Graph) else str(value)


def canonical_text(graph: Graph) -> str:
    """All that can change a result and nothing else: ops, exact attributes, types, wiring, how inputs are called.

    Arrays stand in it by their hash. Two graphs with the same text compute the same.
    """
    number = _numbers(graph)
    lines = []
    for node, k in number.items():
        if graph.is_input(node):
            lines.append(f"%{k} = input {node.name} : {node.type}")
            continue
        inputs = ", ".join(f"%{number[x]}" for x in node.inputs)
        attrs = ", ".join(f"{key}={exact_text(value)}" for key, value in sorted(node.attrs.items()))
        lines.append(f"%{k} = {node.op.name}({inputs}; {attrs}) : {node.type}")
    draws = sorted((n for n in number if "random" in n.op.traits), key=lambda n: n.origin.serial)
    lines.append(f"draw {', '.join(f'%{number[n]}' for n in draws)}")  # one stream of numbers feeds them, in this order
    lines.append(f"return {', '.join(f'%{number[y]}' for y in graph.outputs)}")
    return "\n".join(lines)


def digest(graph: Graph) -> str:
    """Sixteen hexadecimal digits that equal graphs share: a hash of `canonical_text`."""
    return hashlib.sha256(canonical_text(graph).encode()).hexdigest()[:16]


def exact_text(value: Any) -> str:
    """An attribute's value as a text that no other value has."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, tuple):
        return f"{type(value).__name__}({', '.join(map(exact_text, value))})"
    if isinstance(value, Graph):
        return f"({canonical_text(value)})"
    return value.hex() if isinstance(value, float) else repr(value)


install(**{"Graph.__repr__": graph_text})
