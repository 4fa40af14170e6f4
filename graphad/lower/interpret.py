"""The oracle: run a graph node by node, each through its own NumPy form, with nothing left out, moved or fused.

Every optimization and every printer is tested to give what this gives. It also holds each op to its word: a result must
have the shape and dtype that the type rule promised.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.form.evaluate import Array, evaluate_node
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.sizes import solve


def interpret(graph: Graph, values: Sequence[Any], rng: np.random.Generator | None = None) -> list[Array]:
    """The outputs of a graph for input values, in order. Raises ShapeError, GraphError."""
    found = interpret_all(graph, values, rng)
    return [found[y] for y in graph.outputs]


def interpret_all(graph: Graph, values: Sequence[Any], rng: np.random.Generator | None = None) -> dict[Node, Any]:
    """The value of every node."""
    arrays = [np.asarray(v) for v in values]
    sizes = solve(graph, [a.shape for a in arrays])
    found: dict[Node, Any] = dict(zip(graph.inputs, arrays, strict=True))
    for node in sorted(graph.nodes, key=lambda n: n.origin.serial if "random" in n.op.traits else 0):
        if "random" in node.op.traits:
            found[node] = evaluate_node(node, [], sizes, rng)
    for node in graph.nodes:
        if node not in found:
            found[node] = evaluate_node(node, [found[x] for x in node.inputs], sizes, rng)
    return found
