"""What is inside loops: `turns.py` and `moves.py` say what a turn need not do; bodies are rewritten like any graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from graphad.ir.core import Node
from graphad.ir.graph import Graph, rebuild
from graphad.ir.origin import inside
from graphad.ops.control import scan
from graphad.ops.tuples import item, items
from graphad.passes.base import Pass
from graphad.passes.cse import Cse
from graphad.passes.moves import KeptValues, at_once
from graphad.passes.turns import Results, needed_parts
from graphad.rules.engine import tell

Change = Callable[[Graph, Node, Node], Results | None]


@dataclass(frozen=True)
class Loops:
    """Leave out of loops what nobody reads; with ``moves`` also what can be done once, or was done before."""

    passes: tuple[Pass, ...] = ()  # for the bodies
    moves: bool = False
    name: str = "loops"

    def run(self, graph: Graph) -> Graph:
        """The graph with smaller bodies, rewritten."""
        results = {n: n for n in graph.nodes if n.op is item and n.inputs[0].op is scan}
        if not results:
            return graph
        bodies: dict[Graph, Graph] = {}
        changes: list[Callable[[Graph], Change]] = [_always(needed_parts)]
        if self.moves:
            changes += [KeptValues, _always(needed_parts), _always(at_once), _always(needed_parts)]
        changes.append(_always(partial(self._with_body, bodies)))
        for made_for in changes:
            graph, made = changed(graph, made_for(graph))
            results = {old: made[now] for old, now in results.items() if now in made}
        for old, now in results.items():
            tell(smaller_loop, old, now)
        return Cse().run(graph) if self.moves else graph

    def _with_body(self, bodies: dict[Graph, Graph], graph: Graph, old: Node, new: Node) -> Results | None:
        """The loop with its body rewritten."""
        made = scan.build(new.inputs, {**new.attrs, "body": self._rewritten(new.attrs["body"], bodies)}, new.origin)
        return dict(enumerate(items(made)))

    def _rewritten(self, body: Graph, known: dict[Graph, Graph]) -> Graph:
        if body not in known:
            found = body
            for p in self.passes:
                found = p.run(found)
            known[body] = self.run(found)
        return known[body]


def _always(change: Change) -> Callable[[Graph], Change]:
    """A change that does not depend on the graph."""
    return lambda graph: change


def smaller_loop(node: Node) -> None:
    """What reports call the moves of this pass; they look at whole graphs, not at one node."""


def changed(graph: Graph, change: Change) -> tuple[Graph, dict[Node, Node]]:
    """The graph with each loop replaced: ``change(graph, old, new)`` gives what takes the place of its results.

    ``old`` is the loop in the graph, ``new`` the same on operands that are changed already. Also: old node -> new node.
    """
    results: dict[Node, Results] = {}

    def make(node: Node, inputs: Sequence[Node]) -> Node:
        if graph.is_input(node):
            return node
        if node.op is item and node.inputs[0] in results:
            x = results[node.inputs[0]][node.attrs["index"]]
            return Node(x.op, x.inputs, x.attrs, x.type, node.origin)
        new = rebuild(node, inputs)
        if node.op is scan:
            with inside(node.origin):
                found = change(graph, node, new)
            if found is not None:
                results[node] = found
        return new

    made = graph.map(make)
    return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name), made
