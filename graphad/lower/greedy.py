"""List scheduling by bytes: of the nodes whose operands are there, the one comes next that adds the fewest.

What a node adds is what it allocates less what it is the last reader of. Of equals that comes first for which alone
another node waits that frees memory, such as a sum for one of its terms; then the earlier one in the given order.
Nodes **on call** do not compete: each is run right before the first node that needs it (see `on_call`).
Nodes go by their position in the given order, and so do buffers. Read `Table` first.
"""

import heapq
from collections.abc import Mapping, Sequence

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.memory import memory_of, numbers, owner_of

RECOMPUTED = "recompute"  # Origin.made_by of a forward node that the backward pass computes again


def is_recomputed(node: Node) -> bool:
    """Whether a node computes a value of the forward pass again."""
    return node.origin.made_by == RECOMPUTED


def is_draw(node: Node) -> bool:
    """Whether a node draws random numbers."""
    return "random" in node.op.traits


class Table:
    """What scheduling knows of each node, by its position in an order.

    ``needs``: its operands. ``bytes``: what it allocates. ``reads``: the nodes whose memory it reads. ``is_kept``:
    whether its memory belongs to a result.
    """

    def __init__(self, graph: Graph, order: Sequence[Node], sizes: Mapping[str, int]) -> None:
        self.order = order
        self.position = position = {n: k for k, n in enumerate(order)}
        buffer = memory_of(graph, order)
        size = numbers(order, sizes)
        owner = {n: position[o] for n in order if (o := owner_of(buffer[n])) is not None}
        self.bytes = [size[n] if buffer[n] is n else 0 for n in order]
        self.needs = [list(dict.fromkeys(position[x] for x in n.inputs if x in position)) for n in order]
        self.reads = [list(dict.fromkeys(owner[x] for x in n.inputs if x in owner)) for n in order]
        self.is_kept = [False] * len(order)
        for y in graph.outputs:
            if y in owner:
                self.is_kept[owner[y]] = True

    def peak(self, order: Sequence[Node]) -> int:
        """The most bytes in use when the nodes run in this order; writing over operands is left out of account."""
        steps = [self.position[n] for n in order]
        last = [0] * len(steps)
        for t, k in enumerate(steps):
            last[k] = t
            for j in self.reads[k]:
                last[j] = t
        used, most = 0, 0
        for t, k in enumerate(steps):
            used += self.bytes[k]
            most = max(most, used)
            used -= sum(self.bytes[j] for j in (k, *self.reads[k]) if last[j] == t and not self.is_kept[j])
        return most


def on_call(graph: Graph, order: Sequence[Node]) -> tuple[list[bool], list[bool]]:
    """Which nodes wait until another needs them, and which of those may be run before.

    On call is what is computed again, and what a rule computes from forward values alone, such as 1 - tanh²: these are
    ready long before the cotangent that they meet. The latter may come early, where that frees memory, unless they
    stand on something that is computed again. Constants are no cotangents: the 1 that differentiation begins with may
    be the 1 of 1 - tanh², since equal nodes are merged.
    """
    cotangent: set[Node] = set()
    again: set[Node] = set()
    fixed: set[Node] = set()
    waits, may_be_early = [], []
    for node in order:
        if is_recomputed(node) or any(x in again for x in node.inputs):
            again.add(node)
        if "constant" in node.op.traits or (node.inputs and all(x in fixed for x in node.inputs)):
            fixed.add(node)
        elif node.origin.is_cotangent or any(x in cotangent for x in node.inputs):
            cotangent.add(node)
        is_local = node in graph.backward and node not in cotangent and not is_draw(node) and not graph.is_output(node)
        waits.append(is_local or is_recomputed(node))
        may_be_early.append(node not in again)
    return waits, may_be_early


class Greedy:
    """One run of the heuristic. ``early``: whether nodes on call may come before they are needed, where that frees."""

    def __init__(self, graph: Graph, table: Table, early: bool = True) -> None:
        self.table = table
        self.waits, may_be_early = on_call(graph, table.order)
        self.is_early = [early and possible for possible in may_be_early]
        self.is_done = [False] * len(table.order)
        self._connect()
        self._weigh()

    def _connect(self) -> None:
        """Who must wait for whom: users for operands, a draw for the draw before it."""
        self.users: list[list[int]] = [[] for _ in self.is_done]
        self.missing = [len(needs) for needs in self.table.needs]
        self.rest = [sum(needs) for needs in self.table.needs]  # if one is missing, that is its position
        last_draw = -1
        for k, needs in enumerate(self.table.needs):
            for j in needs:
                self.users[j].append(k)
            if is_draw(self.table.order[k]):
                if last_draw >= 0:
                    self.users[last_draw].append(k)
                    self.missing[k] += 1
                    self.rest[k] += last_draw
                last_draw = k

    def _weigh(self) -> None:
        """What each node adds. Of the readers of a buffer it suffices to know number and sum: the last is the sum.

        What is on call is weighed with the nodes that need it.
        """
        count = len(self.is_done)
        self.left = [count + 1 if kept else 0 for kept in self.table.is_kept]  # a result is never freed
        self.sum = [0] * count
        for k, reads in enumerate(self.table.reads):
            for j in reads:
                self.left[j] += 1
                self.sum[j] += k
        self.pull = [0] * count  # what a node that waits for this one alone adds, if that is less than nothing
        self.score = list(self.table.bytes)
        for j, size in enumerate(self.table.bytes):
            if self.waits[j]:
                for k in self.users[j]:
                    self.score[k] += size
            elif self.left[j] == 1:
                self.score[self.sum[j]] -= size

    def run(self) -> list[Node]:
        """The order."""
        self.heap: list[tuple[int, int, int]] = []
        self.found: list[int] = []
        self._release([k for k, count in enumerate(self.missing) if not count])
        while self.heap:
            score, pull, k = heapq.heappop(self.heap)
            if self.is_done[k] or (score, pull) != (self.score[k], self.pull[k]):
                continue
            for j in self._needed(k):
                self._take(j)
            self._take(k)
            if not self.waits[k]:
                self._release(self._released_by(k))
        return [self.table.order[k] for k in self.found]

    def _needed(self, k: int) -> list[int]:
        """What is on call and needed by a node, operands first."""
        found: list[int] = []
        entered: set[int] = set()
        stack = list(self.table.needs[k])
        while stack:
            j = stack.pop()
            if j < 0:
                found.append(~j)
            elif self.waits[j] and not self.is_done[j] and j not in entered:
                entered.add(j)
                stack.append(~j)
                stack += self.table.needs[j]
        return found

    def _release(self, ready: Sequence[int]) -> None:
        """Nodes whose operands are there join the heap; one on call lets its users go on as if it had run."""
        stack = list(ready)
        while stack:
            k = stack.pop()
            self._offer(k)
            if self.waits[k]:
                stack += self._released_by(k)

    def _released_by(self, k: int) -> list[int]:
        for j in self.users[k]:
            self.missing[j] -= 1
            self.rest[j] -= k
            if self.missing[j] == 1 and self.score[j] < 0:
                self._pull(self.rest[j], self.score[j])
        return [j for j in self.users[k] if not self.missing[j]]

    def _pull(self, k: int, score: int) -> None:
        """All but node ``k`` is there for a node that adds ``score``."""
        if score < self.pull[k] and not self.is_done[k]:
            self.pull[k] = score
            if not self.missing[k]:
                self._offer(k)

    def _offer(self, k: int) -> None:
        """Into the heap, where a node on call belongs only if it frees what it takes, or more."""
        if not self.waits[k] or (self.is_early[k] and self.score[k] <= 0):
            heapq.heappush(self.heap, (self.score[k], self.pull[k], k))

    def _take(self, k: int) -> None:
        self.is_done[k] = True
        self.found.append(k)
        if self.waits[k]:
            size = self.table.bytes[k]
            for j in self.users[k]:
                self._lighten(j, size)
            if self.left[k] == 1:
                self._lighten(self.sum[k], size)
        for j in self.table.reads[k]:
            self.left[j] -= 1
            self.sum[j] -= k
            if self.left[j] == 1:
                self._lighten(self.sum[j], self.table.bytes[j])

    def _lighten(self, k: int, size: int) -> None:
        """Node ``k`` adds fewer bytes than before."""
        if size and not self.is_done[k]:
            self.score[k] -= size
            if not self.missing[k]:
                self._offer(k)
