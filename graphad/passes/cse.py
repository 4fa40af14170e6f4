"""Common subexpressions: one node for each value that is computed twice. Exact."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.ir.core import Node, attrs_key
from graphad.ir.graph import Graph, moved
from graphad.ir.origin import Origin
from graphad.ops.elementwise import add, multiply
from graphad.ops.kinks import fmax, fmin, maximum, minimum
from graphad.ops.piecewise import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_or,
    logical_xor,
    not_equal,
)
from graphad.ops.steps import bitwise_and, bitwise_or, bitwise_xor


@dataclass(frozen=True)
class Cse:
    """Merge nodes with the same op, inputs and attributes; random draws stay apart; a name among equals is kept."""

    name: str = "cse"

    def run(self, graph: Graph) -> Graph:
        """The graph with equal nodes merged."""
        first: dict[object, Node] = {}
        names: dict[Node, Origin] = {}

        def merge(node: Node, inputs: Sequence[Node]) -> Node:
            if graph.is_input(node) or "random" in node.op.traits:
                return node
            new = moved(node, inputs)
            key = _key(new)
            found = first.setdefault(key, new)
            if found is not new and _takes_name(found, new):
                names.setdefault(found, new.origin)
            return found

        made = graph.map(merge)
        merged = graph.subgraph([made[y] for y in graph.outputs])
        return _renamed(merged, names) if names else merged


def _key(node: Node) -> object:
    """Equal for nodes that have the same value: x + y and y + x, x < y and y > x."""
    inputs, op = tuple(map(id, node.inputs)), node.op
    if op in _MIRRORED:
        op, inputs = _MIRRORED[op], inputs[::-1]
    elif op in COMMUTATIVE and not (op is multiply and node.dtype.kind == "c"):  # whose sums may be fused
        inputs = tuple(sorted(inputs))
    return op, inputs, attrs_key(node.attrs)


COMMUTATIVE = {
    *(add, multiply, maximum, minimum, fmax, fmin, equal, not_equal),
    *(logical_and, logical_or, logical_xor, bitwise_and, bitwise_or, bitwise_xor),
}
_MIRRORED = {greater: less, greater_equal: less_equal}


def _takes_name(found: Node, new: Node) -> bool:
    """Whether an unnamed node may go by the name of its equal: not across the line between forward and backward."""
    same_side = (found.origin.adjoint_of is None) == (new.origin.adjoint_of is None)
    return bool(new.name) and not found.name and same_side and "constant" not in found.op.traits


def _renamed(graph: Graph, names: dict[Node, Origin]) -> Graph:
    """The graph with the origins of named duplicates on the unnamed nodes that stand for them."""

    def rename(node: Node, inputs: Sequence[Node]) -> Node:
        if graph.is_input(node):
            return node
        new = moved(node, inputs)
        return Node(new.op, new.inputs, new.attrs, new.type, names[node]) if node in names else new

    made = graph.map(rename)
    return graph.subgraph([made[y] for y in graph.outputs])
