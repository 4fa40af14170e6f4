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
        cut = frozenset(graph.inputs)

        def merge(node: Node, inputs: Sequence[Node]) -> Node:
            if node in cut or "random" in node.op.traits:
                return node
            key = _key(node, inputs)
            found = first.get(key)
            if found is None:
                found = first[key] = moved(node, inputs)
            elif _takes_name(found, node):
                names.setdefault(found, node.origin)
            return found

        made = graph.map(merge)
        merged = graph.subgraph([made[y] for y in graph.outputs])
        return _renamed(merged, names) if names else merged


def _key(node: Node, inputs: Sequence[Node]) -> object:
    """Equal for nodes that have the same value on some inputs: x + y and y + x, x < y and y > x."""
    op, places = node.op, tuple(map(id, inputs))
    if op in _MIRRORED:
        op, places = _MIRRORED[op], places[::-1]
    elif op in COMMUTATIVE and not (op is multiply and node.dtype.kind == "c"):  # whose sums may be fused
        places = tuple(sorted(places))
    return op, places, attrs_key(node.attrs) if node.attrs else ()


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
