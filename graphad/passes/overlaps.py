"""Sums of parts that overlap, added up in one array: what the gradients of several windows of one array are.

This comes after the algebra, whose rules look through each part alone.
"""

from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ops.elementwise import add, sum_n
from graphad.ops.index import place, place_all
from graphad.rules.engine import Table, rewrite, used_once


def places_together(node: Node) -> Node | None:
    """place(x, i) + place(y, j) + … = place_all([x, y, …], [i, j, …]): one array of zeros, in which all are added."""
    terms = [x for x in node.inputs if x.op is place and used_once(x) and x.type == node.type]
    if len(terms) < 2:
        return None
    together = {x: k for k, x in enumerate(terms)}
    total = place_all(*(x.inputs[0] for x in terms), indices=tuple(x.attrs["index"] for x in terms), shape=node.shape)
    rest = [x for x in node.inputs if x not in together]
    return sum_n(*rest, total) if len(rest) > 1 else add(rest[0], total) if rest else total


RULES: Table = dict.fromkeys((add, sum_n), (places_together,))


@dataclass(frozen=True)
class Overlap:
    """Add up parts of one array without an array of zeros for each."""

    name: str = "overlap"

    def run(self, graph: Graph) -> Graph:
        """The graph with sums of placed parts as one operation; the order of the terms may change."""
        return rewrite(graph, RULES) if any(node.op is place for node in graph.nodes) else graph
