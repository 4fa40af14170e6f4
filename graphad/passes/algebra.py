"""The pass that applies rewrite rules."""

from dataclasses import dataclass

from graphad.ir.graph import Graph
from graphad.rules.engine import rewrite
from graphad.rules.exact import EXACT
from graphad.rules.stable import STABLE


@dataclass(frozen=True)
class Stabilize:
    """Bring functions into the form that neither overflows nor cancels."""

    name: str = "stabilize"

    def run(self, graph: Graph) -> Graph:
        """The graph in stable form."""
        return rewrite(graph, STABLE)


@dataclass(frozen=True)
class Algebra:
    """Apply the exact rules until none fits."""

    name: str = "algebra"

    def run(self, graph: Graph) -> Graph:
        """The simplified graph."""
        return rewrite(graph, EXACT)
