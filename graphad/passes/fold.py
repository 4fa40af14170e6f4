"""Constant folding: nodes whose inputs are all constants become constants. Exact: it computes what the call would."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.form.evaluate import evaluate_node
from graphad.ir.core import Node
from graphad.ir.graph import Graph, rebuild
from graphad.ops.fit import broadcast_to
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
            if not _foldable(new):
                return new
            operands = [x.attrs["value"] for x in new.inputs]
            value = evaluate_node(new, operands, {})
            return constant.build((), {"value": constant.normalize["value"](value, ())}, new.origin)

        made = graph.map(make)
        return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def _foldable(node: Node) -> bool:
    if not node.inputs or node.op is broadcast_to:
        return False
    known = isinstance(node.size, int) and node.size <= MAX_ELEMENTS
    return known and all("constant" in x.op.traits for x in node.inputs)
