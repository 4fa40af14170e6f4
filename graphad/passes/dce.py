"""Dead code: what no output needs. Exact."""

from dataclasses import dataclass

from graphad.ir.graph import Graph


@dataclass(frozen=True)
class Dce:
    """Keep what the outputs need. A graph holds nothing else by construction; the pass makes that a visible step."""

    name: str = "dce"

    def run(self, graph: Graph) -> Graph:
        """The graph."""
        return graph
