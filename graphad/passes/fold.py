"""Constant folding: nodes whose inputs are all constants become constants. Exact: it computes what the call would."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphad.form.evaluate import Array, evaluate_node
from graphad.ir.core import Node
from graphad.ir.graph import Graph, rebuild
from graphad.ir.types import TupleType
from graphad.ops.fit import broadcast_to, uniform_value
from graphad.ops.leaves import constant

MAX_ELEMENTS = 65_536  # a larger result stays computed: source and memory would grow for no gain


@dataclass(frozen=True)
class Fold:
    """Evaluate what does not depend on inputs, draws or named sizes; broadcasts stay, they cost nothing."""

    name: str = "fold"

    def run(self, graph: Graph) -> Graph:
        """The graph with constant parts evaluated."""

        def make(node: Node, inputs: Sequence[Node]) -> Node:
            if graph.is_input(node):
                return node
            new = rebuild(node, inputs)
            if _foldable(new):
                return _constant(evaluate_node(new, [x.attrs["value"] for x in new.inputs], {}), new)
            uniform = _uniform(new)
            return new if uniform is None else uniform

        made = graph.map(make)
        return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def _foldable(node: Node) -> bool:
    if not node.inputs or node.op is broadcast_to or isinstance(node.type, TupleType):
        return False
    known = isinstance(node.size, int) and node.size <= MAX_ELEMENTS
    return known and all("constant" in x.op.traits for x in node.inputs)


def _constant(value: Array, node: Node) -> Node:
    return constant.build((), {"value": constant.normalize["value"](value, ())}, node.origin)


def _uniform(node: Node) -> Node | None:
    """An elementwise op on broadcast scalars: the broadcast of the op on the scalars."""
    if "elementwise" not in node.op.traits or not node.inputs or not node.ndim:
        return None
    values = [uniform_value(x) for x in node.inputs]
    if any(v is None for v in values):
        return None
    scalars = [_constant(np.asarray(v, x.dtype), x) for v, x in zip(values, node.inputs, strict=True)]
    result = evaluate_node(node.op.build(scalars, node.attrs, node.origin), [c.attrs["value"] for c in scalars], {})
    return broadcast_to.build([_constant(result, node)], {"shape": node.shape}, node.origin)
