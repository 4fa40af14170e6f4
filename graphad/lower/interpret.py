"""The oracle: run a graph node by node, each through its own NumPy form, with nothing left out, moved or fused.

Every optimization and every printer is tested to give what this gives. It also holds each op to its word: a result must
have the shape and dtype that the type rule promised.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from graphad.errors import GraphError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import evaluate
from graphad.ir.graph import Graph
from graphad.lower.form import numpy_form
from graphad.lower.sizes import solve
from graphad.lower.template import name

Array = np.ndarray[Any, Any]


def interpret(graph: Graph, values: Sequence[Any], rng: np.random.Generator | None = None) -> list[Array]:
    """The outputs of a graph for input values, in order. Raises ShapeError, GraphError."""
    found = interpret_all(graph, values, rng)
    return [found[y] for y in graph.outputs]


def interpret_all(graph: Graph, values: Sequence[Any], rng: np.random.Generator | None = None) -> dict[Node, Array]:
    """The value of every node."""
    arrays = [np.asarray(v) for v in values]
    sizes = solve(graph, [a.shape for a in arrays])
    found: dict[Node, Array] = dict(zip(graph.inputs, arrays, strict=True))
    for node in sorted(graph.nodes, key=lambda n: n.origin.serial if "random" in n.op.traits else 0):
        if "random" in node.op.traits:
            found[node] = evaluate_node(node, [], sizes, rng)
    for node in graph.nodes:
        if node not in found:
            found[node] = evaluate_node(node, [found[x] for x in node.inputs], sizes, rng)
    return found


def evaluate_node(
    node: Node, operands: Sequence[Array], sizes: Mapping[str, int], rng: np.random.Generator | None = None
) -> Array:
    """One node on values, checked against its declared type."""
    if "constant" in node.op.traits:
        return np.array(node.attrs["value"])
    if "size" in node.op.traits:
        return np.asarray(evaluate(node.attrs["value"], sizes), node.dtype)
    names = [f"_{k}" for k in range(len(operands))]
    code = _compiled(numpy_form(node, [name(n) for n in names]).text)
    scope = {"np": np, "rng": rng, **sizes, **{h.__name__: h for h in node.op.helpers}}
    result = np.asarray(eval(code, scope, dict(zip(names, operands, strict=True))))
    expected = tuple(evaluate(s, sizes) for s in node.shape)
    if result.shape != expected or result.dtype != node.dtype:
        what = f"{label(node)} came out as {result.dtype}{list(result.shape)}, declared as {node.type}"
        fail(GraphError, what, node, hint="a slice or a named size assumes more than the arrays have")
    return result


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    return compile(text, f"<{text}>", "eval")
