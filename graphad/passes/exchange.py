"""Nodes in the place of others: what the passes share that look at whole graphs."""

from collections.abc import Mapping

from graphad.ir.core import Node
from graphad.ir.graph import Graph, moved
from graphad.ir.origin import Origin


def like(node: Node, made_by: str) -> Origin:
    """The origin of nodes that serve what ``node`` served."""
    origin = node.origin
    return Origin(None, origin.place, origin.scope, origin.adjoint_of, False, made_by)


def on_behalf(new: Node, node: Node) -> Node:
    """``new`` under the name and origin of the node whose place it takes."""
    return Node(new.op, new.inputs, new.attrs, new.type, node.origin)


def exchanged(graph: Graph, found: Mapping[Node, Node]) -> Graph:
    """The graph with nodes exchanged for others, which are made of nodes of the graph that may be exchanged, too."""
    made: dict[Node, Node] = {x: x for x in graph.inputs}
    pending = list(graph.outputs)
    while pending:
        node = pending[-1]
        if node in made:
            pending.pop()
            continue
        target = found.get(node, node)
        waiting = [x for x in target.inputs if x not in made]
        pending += waiting
        if not waiting:
            made[node] = moved(target, [made[x] for x in target.inputs])
    return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)
