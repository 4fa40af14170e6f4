"""Products by BLAS: einsums as chains of matrix products, stacks of rows as one matrix. Read `rules/einsums.py`.

This comes after the algebra, whose rules know einsums as they stand.
"""

from dataclasses import dataclass

from graphad.ir.graph import Graph
from graphad.passes.cse import Cse
from graphad.rules import layout
from graphad.rules.einsums import BY_BLAS
from graphad.rules.engine import Table, merge, rewrite

RULES: Table = merge(BY_BLAS, layout.EXACT)  # views of views are one


@dataclass(frozen=True)
class Contract:
    """Bring sums of products into the form that BLAS computes."""

    name: str = "contract"

    def run(self, graph: Graph) -> Graph:
        """The graph with matrix products in place of einsums; values agree up to rounding."""
        if not any(node.op in BY_BLAS for node in graph.nodes):
            return graph
        after = rewrite(graph, RULES)
        return graph if after is graph else Cse().run(after)
