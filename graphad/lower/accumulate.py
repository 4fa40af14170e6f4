"""Sums of many values as running sums, each term added as soon as it is there: one buffer instead of one per term."""

from collections.abc import Sequence

from graphad.ir.core import Node
from graphad.ir.graph import Graph, rebuild
from graphad.ops.elementwise import sum_n


def running_sums(graph: Graph) -> Graph:
    """The graph with each sum of more than two terms as a chain of sums of two, the terms that can be had first first.

    The order of the terms changes, so the last bits may. The last sum keeps the origin of the whole.
    """
    if not any(_is_long(graph, n) for n in graph.nodes):
        return graph
    depth: dict[Node, int] = {}
    for node in graph.nodes:
        depth[node] = 0 if graph.is_input(node) else 1 + max((depth[x] for x in node.inputs), default=0)

    def make(node: Node, inputs: Sequence[Node]) -> Node:
        if graph.is_input(node) or not _is_long(graph, node):
            return node if graph.is_input(node) else rebuild(node, inputs)
        by_time = sorted(range(len(inputs)), key=lambda k: depth[node.inputs[k]])
        total = inputs[by_time[0]]
        for k in by_time[1:-1]:
            partial = node.origin.derived("running sum", name=None, uses=(), is_cotangent=False)
            total = sum_n.build([total, inputs[k]], {}, partial)
        return sum_n.build([total, inputs[by_time[-1]]], {}, node.origin)

    made = graph.map(make)
    return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def _is_long(graph: Graph, node: Node) -> bool:
    """Whether many terms wait for each other; those of several dtypes stay together, for their promotion's sake."""
    if node.op is not sum_n or graph.is_input(node) or len(node.inputs) < 3:
        return False
    return all(x.type == node.type for x in node.inputs)
