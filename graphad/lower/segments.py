"""Which forward values to keep for the backward pass when there is no room for all: segment checkpointing.

The forward pass, in its order, is cut into segments. Kept are the values that cross the cuts and what the last segment
computes; the others are computed again, a segment at a time, when the backward pass comes to it. By then everything
that belongs to later segments is free again, so that early segments have more room. Read `cut` first.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.greedy import is_recomputed
from graphad.lower.memory import memory_of, numbers, owner_of


@dataclass(frozen=True)
class Profile:
    """The forward pass of a joint graph, in the order of its schedule; all lists go by position.

    ``saved``: bytes of a node that the backward pass reads, else 0. ``crossing``: bytes of the values that are read by
    the forward pass on both sides of the cut before this position. ``aside``: bytes of backward values (gradients so
    far, cotangents) at the moment when this is the last forward position that is still to be read.
    """

    nodes: tuple[Node, ...]
    saved: tuple[int, ...]
    crossing: tuple[int, ...]
    aside: tuple[int, ...]
    last_use: Mapping[Node, int]
    position: Mapping[Node, int]
    bytes: Mapping[Node, int]

    @property
    def demand(self) -> int:
        """The bytes that the plan without any recomputation needs, as far as this model goes."""
        total, most = 0, 0
        for saved, aside in zip(self.saved, self.aside, strict=True):
            total += saved
            most = max(most, total + aside)
        return most


def profile(graph: Graph, order: Sequence[Node], sizes: Mapping[str, int], needed: set[Node]) -> Profile:
    """What is needed when. ``needed``: the forward values that the backward pass is to be given."""
    buffer = memory_of(graph, order)
    size = numbers(order, sizes)
    backward = {n for n in order if n in graph.backward or is_recomputed(n)}
    nodes = [n for n in order if n not in backward]
    position = {n: k for k, n in enumerate(nodes)}
    outputs = set(graph.outputs)
    owned = {n: size[n] for n in nodes if buffer[n] is n and n not in outputs}
    last_use: dict[Node, int] = {}
    for k, node in enumerate(nodes):
        for x in node.inputs:
            if (b := owner_of(buffer.get(x))) in owned:
                last_use[b] = k
    change = [0] * (len(nodes) + 1)
    for b, k in last_use.items():
        change[position[b] + 1] += owned[b]
        change[k + 1] -= owned[b]
    crossing, used = [], 0
    for k in range(len(nodes)):
        used += change[k]
        crossing.append(used)
    saved = tuple(owned[n] if n in owned and n in needed else 0 for n in nodes)
    aside = _aside(graph, order, backward, position, size)
    return Profile(tuple(nodes), saved, tuple(crossing), aside, last_use, position, owned)


def _aside(
    graph: Graph, order: Sequence[Node], backward: set[Node], position: Mapping[Node, int], size: Mapping[Node, int]
) -> tuple[int, ...]:
    buffer = memory_of(graph, order)
    late = [n for n in order if n in backward]
    outputs = {owner_of(buffer.get(y)) for y in graph.outputs}
    last: dict[Node, int] = {}
    front = [-1] * (len(late) + 1)
    for t, node in enumerate(late):
        for x in node.inputs:
            if (b := owner_of(buffer.get(x))) is not None:
                last[b] = t
    for t in range(len(late) - 1, -1, -1):
        owners = [owner_of(buffer.get(x)) for x in late[t].inputs]
        read = [position[b] for b in owners if b is not None and b in position]
        front[t] = max([front[t + 1], *read])
    ends: list[list[Node]] = [[] for _ in late]
    for b, t in last.items():
        if b in backward and b not in outputs:
            ends[t].append(b)
    aside, used = [0] * len(position), 0
    for t, node in enumerate(late):
        used += size[node] if buffer[node] is node else 0
        if front[t] >= 0:
            aside[front[t]] = max(aside[front[t]], used)
        used -= sum(size[b] for b in ends[t])
    return tuple(aside)


def cut(forward: Profile, budget: int) -> list[int] | None:
    """The positions at which segments after the first begin, so that each fits; None when none can.

    A segment from p to q needs, when the backward pass comes to position x in it, the values that cross earlier cuts,
    those saved from p to x, and what lies aside by then. The first walk, from the front, finds how few segments will
    do. The second, from the back with as many, makes the last one long: it is the only one not computed again.
    """
    first = _from_front(forward, budget)
    return first and (_from_back(forward, budget, first) or first)


def _from_front(forward: Profile, budget: int) -> list[int] | None:
    cuts: list[int] = []
    start, held = 0, 0
    while True:
        total, end = 0, start
        while end < len(forward.nodes):
            total += forward.saved[end]
            if held + total + forward.aside[end] > budget:
                break
            end += 1
        if end == len(forward.nodes):
            return cuts
        place = _narrow(forward, start + 1 + (end - start) // 2, end)
        if place is None:
            return None
        cuts.append(place)
        held += forward.crossing[place]
        start = place


def _from_back(forward: Profile, budget: int, first: Sequence[int]) -> list[int] | None:
    held = [0]
    for before in first:
        held.append(held[-1] + forward.crossing[before])
    cuts: list[int] = []
    end = len(forward.nodes)
    for count in reversed(held):
        start, most = end, 0
        while start > 0:
            most = max(most, forward.aside[start - 1]) + forward.saved[start - 1]
            if count + most > budget:
                break
            start -= 1
        if start == 0:
            return cuts[::-1]
        place = _narrow(forward, start, start + (end - 1 - start) // 2, late=False)
        if place is None:
            return None
        cuts.append(place)
        end = place
    return None


def _narrow(forward: Profile, low: int, high: int, late: bool = True) -> int | None:
    """The place between two positions where the fewest bytes cross, of several one where they are saved anyway."""
    if low > high or low <= 0:
        return None
    places = range(high, low - 1, -1) if late else range(low, high + 1)
    return min(places, key=lambda k: (forward.crossing[k], not forward.saved[k - 1]))


def kept(forward: Profile, cuts: Sequence[int], needed: set[Node]) -> set[Node]:
    """The values that are not computed again: those that cross a cut, and those of the last segment."""
    last = cuts[-1] if cuts else 0
    found = {n for n in needed if forward.position.get(n, -1) >= last}
    for node, end in forward.last_use.items():
        after = bisect_right(cuts, forward.position[node])
        if after < len(cuts) and cuts[after] <= end:
            found.add(node)
    return found
