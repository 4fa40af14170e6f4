"""Repetition in the shape of a loop: the same operations over and over in a chain, such as an unrolled recurrence.

Only the longest path of the forward pass is looked at, so the cost is linear in the graph. What repeats along it counts
only if all that each round adds to the graph is the same, operation by operation.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ops.fit import astype, broadcast_to

LEAST = 16  # rounds worth a word
LONGEST = 64  # operations of a round along the path


def hints(graph: Graph) -> tuple[str, ...]:
    """One line about the longest repetition in the forward pass, if there is one."""
    path = _longest_path(graph)
    found = _period([(x.op, x.type) for x in path])
    if found is None:
        return ()
    start, period = found
    ends = path[start + period - 1 :: period]
    bodies = _bodies(graph, ends)
    first, count = _longest_run(bodies)
    if count < LEAST:
        return ()
    size = bodies[first].total()
    place = path[start + first * period].origin.location
    what = f"the same {size} operations repeat" if size > 1 else "the same operation repeats"
    return (f"{what} {count} times in a chain" + (f" (first at {place})" if place else ""),)


def _longest_path(graph: Graph) -> list[Node]:
    """The nodes on one of the longest paths through the forward pass, inputs and constants left out."""
    depth: dict[Node, int] = {}
    before: dict[Node, Node] = {}
    for node in graph.nodes:
        depth[node] = 0
        if graph.is_input(node) or not node.inputs or node in graph.backward:
            continue
        deepest = max(node.inputs, key=lambda x: depth[x])
        depth[node] = depth[deepest] + 1
        before[node] = deepest
    path = [max(depth, key=lambda x: depth[x])] if depth else []
    while path and path[-1] in before:
        path.append(before[path[-1]])
    return path[-2::-1]  # without the input or constant where it begins


def _period(keys: Sequence[object]) -> tuple[int, int] | None:
    """Where the longest repetition in a sequence begins, and its period."""
    numbers: dict[object, int] = {}
    ids = np.array([numbers.setdefault(k, len(numbers)) for k in keys])
    best: tuple[int, int, int] | None = None
    for period in range(1, min(LONGEST, len(ids) // LEAST) + 1):
        same = np.concatenate([[False], ids[period:] == ids[:-period], [False]])
        edges = np.flatnonzero(np.diff(same.astype(np.int8))).reshape(-1, 2)
        if len(edges):
            begin, end = edges[np.argmax(edges[:, 1] - edges[:, 0])].tolist()
            if end - begin >= (LEAST - 1) * period and (best is None or end - begin + period > best[0]):
                best = end - begin + period, begin, period
    return best and best[1:]


def _bodies(graph: Graph, ends: Sequence[Node]) -> list[Counter[object]]:
    """The operations that each of the nodes needs beyond those that the ones before it need.

    What comes before the chain is not told from its first round, which is taken to be as the second.
    """
    seen: set[Node] = set(graph.inputs)
    bodies = []
    for end in ends:
        body: Counter[object] = Counter()
        pending = [end]
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                pending += node.inputs
                if node.inputs and node.op not in (broadcast_to, astype) and "view" not in node.op.traits:
                    body[node.op, node.type] += 1
        bodies.append(body)
    return [*bodies[1:2], *bodies[1:]]


def _longest_run(bodies: Sequence[object]) -> tuple[int, int]:
    """The first index and the length of the longest run of equals."""
    best, begin = (0, 0), 0
    for k, body in enumerate(bodies):
        if body != bodies[begin]:
            begin = k
        if k + 1 - begin > best[1]:
            best = begin, k + 1 - begin
    return best
