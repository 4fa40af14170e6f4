"""Which forward values to keep for the backward pass when cheap ops may give the others again: a minimum cut.

A value that the backward pass needs is kept, or computed again from values that are. The fewest bytes that suffice are
a minimum cut between what cannot be computed again (products, draws, factorizations) and what is needed: each value is
an edge as wide as its bytes, uses have no limit. Of several minimum cuts it is the one next to what is needed: it
computes least again. The forward pass is taken in windows, so that the time is linear and chains stay short.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.memory import Buffer, memory_of, numbers, owner_of

WINDOW = 120  # nodes
NEEDED, FIXED = -1, -2  # source and sink of the flow
CHEAP = frozenset(
    "astype item sum mean prod max min all any concatenate stack pad place tril triu place_diagonal eye arange "
    "gather logsumexp softmax log_softmax euclidean_norm".split()
)  # besides what works elementwise and what is a view


def is_cheap(node: Node) -> bool:
    """Whether a node costs about as much as reading its operands and writing its value."""
    return not node.op.traits.isdisjoint({"elementwise", "view"}) or node.op.name in CHEAP


def cheapest(graph: Graph, order: Sequence[Node], needed: set[Node], sizes: Mapping[str, int]) -> set[Node]:
    """The values to keep instead of ``needed``; the backward pass can have those from them by cheap ops."""
    buffer = memory_of(graph, order)
    size = numbers(order, sizes)
    kept = {owner for y in graph.outputs if (owner := owner_of(buffer.get(y))) is not None}
    nodes = [n for n in order if n not in graph.backward]
    for start in range(0, len(nodes), WINDOW):
        window = nodes[start : start + WINDOW]
        targets = [n for n in window if n in needed and n not in kept]
        if targets:
            kept |= _cut(window, targets, kept, buffer, size)
    return kept


def _cut(
    window: Sequence[Node],
    targets: Sequence[Node],
    kept: set[Node],
    buffer: Mapping[Node, Buffer | None],
    size: Mapping[Node, int],
) -> set[Node]:
    """The values of a window, or crossing into it, to be kept.

    Edges run from uses to what they use, so that the side of the source is as small as it can be.
    """
    import networkx as nx  # here, because it takes longer to import than all of graphad

    flow: Any = nx.DiGraph()
    inside = set(window)
    number = {node: k for k, node in enumerate(targets)}  # node k is the edge from 2 k to 2 k + 1
    stack = list(targets)
    flow.add_edges_from((NEEDED, 2 * k) for k in range(len(targets)))
    while stack:
        node = stack.pop()
        k = number[node]
        width = {"capacity": size[node]} if buffer.get(node) is node else {}
        flow.add_edge(2 * k, 2 * k + 1, **width)
        if node not in inside or not is_cheap(node):
            flow.add_edge(2 * k + 1, FIXED)
            continue
        for x in node.inputs:
            owner = owner_of(buffer.get(x))
            if owner is not None and owner not in kept:
                x = x if x in inside else owner
                if x not in number:
                    number[x] = len(number)
                    stack.append(x)
                flow.add_edge(2 * k + 1, 2 * number[x])
    if FIXED not in flow:
        return set()
    _, (near, _far) = nx.minimum_cut(flow, NEEDED, FIXED)
    return {node for node, k in number.items() if 2 * k in near and 2 * k + 1 not in near}
