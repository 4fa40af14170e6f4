"""Graphs for networkx: every attribute of nodes and edges is kept."""

from typing import Any

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.late import install


def to_networkx(graph: Graph) -> Any:
    """A `networkx.MultiDiGraph`: nodes ``"%0"``, ``"%1"``, … in graph order, one edge per use.

    Node attributes: op, name, type, shape, dtype, attrs, role ("input", "parameter", "constant", "forward",
    "backward"), scope, location, made_by, adjoint_of (a key or None), is_cotangent, is_output. Edge attributes:
    position (which operand), label (the use that a sum's edge stands for). Graph attributes: name, inputs, outputs.

    >>> import graphad as ga
    >>> x = ga.input("x")
    >>> g = ga.Graph([x], [x * x]).to_networkx()
    >>> [(a, b, d["position"]) for a, b, d in g.edges(data=True)]
    [('%0', '%1', 0), ('%0', '%1', 1)]
    """
    import networkx as nx  # here, because it takes longer to import than all of graphad

    keys = {n: f"%{k}" for k, n in enumerate(graph.nodes)}
    by_origin = {n.origin: keys[n] for n in reversed(graph.nodes)}
    result = nx.MultiDiGraph(
        name=graph.name, inputs=[keys[x] for x in graph.inputs], outputs=[keys[y] for y in graph.outputs]
    )
    for node, key in keys.items():
        origin = node.origin
        result.add_node(
            key,
            op=node.op.name,
            name=node.name,
            type=repr(node.type),
            shape=node.shape,
            dtype=str(node.dtype),
            attrs=dict(node.attrs),
            role=_role(graph, node),
            scope=origin.scope,
            location=origin.location,
            made_by=origin.made_by,
            adjoint_of=by_origin.get(origin.adjoint_of) if origin.adjoint_of else None,
            is_cotangent=origin.is_cotangent,
            is_output=graph.is_output(node),
        )
    for node, key in keys.items():
        uses = node.origin.uses if len(node.origin.uses) == len(node.inputs) else ("",) * len(node.inputs)
        for position, (x, use) in enumerate(zip(() if graph.is_input(node) else node.inputs, uses, strict=False)):
            result.add_edge(keys[x], key, position=position, label=use)
    return result


def _role(graph: Graph, node: Node) -> str:
    if "parameter" in node.op.traits:
        return "parameter"
    if graph.is_input(node):
        return "input"
    if "constant" in node.op.traits:
        return "constant"
    return "backward" if node in graph.backward else "forward"


install(**{"Graph.to_networkx": to_networkx})
