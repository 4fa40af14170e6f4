"""Copies as nodes: of small parts of large arrays that outlive the rest, and of what reshapes must bring into order."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from graphad.ir.core import Constant, Node, op
from graphad.ir.dims import Size, evaluate, product
from graphad.ir.graph import Graph, rebuild
from graphad.ir.types import TensorType, TupleType
from graphad.lower.accumulate import running_sums
from graphad.lower.alias import is_view, root
from graphad.ops.layout import reshape, transpose
from graphad.ops.leaves import plain

LARGE = 16_384  # elements of an array that are worth a line to be free of
SMALL = 16  # how many times smaller the part must be


@op(numpy="{x}.copy()", derivative=Constant(), coerce=plain, traits=("elementwise",))
def copy(x: Node) -> TensorType:
    """The same value in an array of its own."""
    return x.type


def slim(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with what costs next to nothing and saves memory: running sums, and copies of small parts."""
    return without_remains(running_sums(graph), sizes)


def with_copies(graph: Graph) -> Graph:
    """The graph with a copy before each reshape that would make one: it may be written to an array that is there."""
    copied = {n for n in graph.nodes if not graph.is_input(n) and mixes_axes(n)}
    if not copied:
        return graph

    def make(node: Node, inputs: Sequence[Node]) -> Node:
        return rebuild(node, [_copied(inputs[0], node)] if node in copied else inputs)

    made = graph.map(lambda node, inputs: node if graph.is_input(node) else make(node, inputs))
    return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def mixes_axes(node: Node) -> bool:
    """Whether a reshape joins axes that a transposition has brought together: they are not neighbors in memory.

    What lies between two places at which both shapes have come to the same number of elements becomes one run.
    """
    if node.op is not reshape or node.inputs[0].op is not transpose:
        return False
    x = node.inputs[0]
    axes = [axis for axis, size in zip(x.attrs["axes"], x.shape, strict=True) if size != 1]
    place = {axis: k for k, axis in enumerate(sorted(axes))}  # in memory
    ends = {product(node.shape[:k]) for k in range(node.ndim + 1)}
    so_far: Size = 1
    for axis, following in pairwise(axes):
        so_far = so_far * x.inputs[0].shape[axis]
        if so_far not in ends and place[following] != place[axis] + 1:
            return True
    return False


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
        return _copied(made, node)

    made = graph.map(make)
    return Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def _copied(x: Node, node: Node) -> Node:
    return copy.build([x], {}, node.origin.derived("copied", name=None, uses=(), is_cotangent=False))


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
