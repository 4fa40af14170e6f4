"""The order of statements: draws, forward, backward."""

from graphad.ir.core import Node
from graphad.ir.graph import Graph


def schedule(graph: Graph) -> tuple[list[Node], list[Node]]:
    """The computed nodes of a graph as (forward, backward), each in topological order.

    Backward is what depends on a node made by differentiation, and those nodes. Draws come first, in the order in which
    the user made them: the same generator state then gives the same numbers, whatever else is rewritten.
    """
    backward = graph.backward
    computed = [n for n in graph.nodes if not graph.is_input(n)]
    draws = sorted((n for n in computed if "random" in n.op.traits), key=lambda n: n.origin.serial)
    rest = [n for n in computed if "random" not in n.op.traits]
    return draws + [n for n in rest if n not in backward], [n for n in rest if n in backward]
