"""Which values may share memory: views of inputs must be copied before they are returned or written over."""

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.select import is_literal
from graphad.ops.contract import _einsum as einsum_op
from graphad.ops.diagonals import diagonal
from graphad.ops.elementwise import sum_n
from graphad.ops.fit import broadcast_to


def root(graph: Graph, node: Node) -> Node:
    """The node whose memory the value of ``node`` may be: itself, or what it is a chain of views of."""
    while not graph.is_input(node) and is_view(node):
        node = node.inputs[0]
    return node


def is_read_only(graph: Graph, node: Node) -> bool:
    """Whether the value may be a view that NumPy lets nobody write: a diagonal, or a broadcast of shared elements."""
    while not graph.is_input(node) and is_view(node):
        if node.op in (broadcast_to, diagonal):
            return True
        node = node.inputs[0]
    return False


def is_view(node: Node) -> bool:
    """Whether the value may share memory with the first operand."""
    if node.op is broadcast_to:
        return not is_literal(node.inputs[0])  # np.zeros, np.ones and np.full are fresh
    if node.op in (einsum_op, sum_n):
        return len(node.inputs) == 1
    return "view" in node.op.traits
