"""Small parts of large arrays as copies where they outlive the rest: one row, kept for later, keeps the whole array."""

from collections.abc import Mapping, Sequence

from graphad.ir.core import Constant, Node, op
from graphad.ir.dims import evaluate
from graphad.ir.graph import Graph, rebuild
from graphad.ir.types import TensorType, TupleType
from graphad.lower.accumulate import running_sums
from graphad.lower.alias import is_view, root
from graphad.ops.leaves import plain

LARGE = 16_384  # elements of an array that are worth a line to be free of
SMALL = 16  # how many times smaller the part must be


@op(numpy="{x}.copy()", derivative=Constant(), coerce=plain)
def copy(x: Node) -> TensorType:
    """The same value in an array of its own."""
    return x.type


def slim(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with what costs next to nothing and saves memory: running sums, and copies of small parts."""
    return without_remains(running_sums(graph), sizes)


def without_remains(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with a copy of each small view that is read after all else of a large value was read.

    ``sizes``: what named sizes are taken to be.
    """
    copied = _outliving(graph, sizes)
    if not copied:
        return graph

    def make(node: Node, inputs: Sequence[Node]) -> Node:
        if graph.is_input(node):
            return node
        made = rebuild(node, inputs)
        if node not in copied:
            return made
        return copy.build([made], {}, node.origin.derived("copied", name=None, uses=(), is_cotangent=False))

    made = graph.map(make)
    return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def _outliving(graph: Graph, sizes: Mapping[str, int]) -> set[Node]:
    last: dict[Node, int] = {}  # when each value is read for the last time
    for k, node in enumerate(graph.nodes):
        if not is_view(node):
            last.update(dict.fromkeys(node.inputs, k))
    last.update(dict.fromkeys(graph.outputs, len(graph.nodes)))
    read: dict[Node, list[Node]] = {}  # and which parts of a value that is no view are read at all
    for node in last:
        read.setdefault(root(graph, node), []).append(node)
    found: set[Node] = set()
    for whole, parts in read.items():
        if len(parts) < 2 or graph.is_input(whole) or isinstance(whole.type, TupleType):
            continue
        count = evaluate(whole.size, sizes)
        small = {x for x in parts if count >= LARGE and SMALL * evaluate(x.size, sizes) <= count}
        end = max((last[x] for x in parts if x not in small), default=0)
        found |= {x for x in small if last[x] > end}
    return found
