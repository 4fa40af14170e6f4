"""The order of statements: for reading (draws, forward, backward), and for little memory.

The order for little memory is found by list scheduling: of the nodes whose operands are there, the one comes next that
adds the fewest bytes (what it allocates less what it is the last reader of), the earlier one among equals. A gradient
is thus computed as soon as that frees the activation it needs. The heuristic can be beaten by the plain order, which is
then taken. Draws keep the order in which the user made them: the same generator state gives the same numbers.

A node that `recompute.py` made is run on demand, right before its first user: not a moment earlier, however cheap.
"""

import heapq
from collections.abc import Mapping, Sequence

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.memory import Buffer, memory_of, numbers, owner_of, steps_of, timeline

RECOMPUTED = "recompute"  # Origin.made_by of a forward node that the backward pass computes again
NOMINAL = 256  # what a named size is taken to be where its number is not known


def schedule(graph: Graph) -> tuple[list[Node], list[Node]]:
    """The computed nodes of a graph as (forward, backward), each in topological order.

    Backward is what depends on a node made by differentiation, those nodes, and what is computed again for them. Draws
    come first, in the order in which the user made them: the same generator state then gives the same numbers, whatever
    else is rewritten.
    """
    backward = graph.backward
    computed = [n for n in graph.nodes if not graph.is_input(n)]
    draws = sorted((n for n in computed if _is_draw(n)), key=lambda n: n.origin.serial)
    rest = [n for n in computed if not _is_draw(n)]
    late = [n in backward or is_recomputed(n) for n in rest]
    first = [n for n, is_late in zip(rest, late, strict=True) if not is_late]
    second = [n for n, is_late in zip(rest, late, strict=True) if is_late]
    return draws + first, _on_demand(second)


def low_memory(graph: Graph, sizes: Mapping[str, int] | None = None) -> list[Node]:
    """The computed nodes in an order of low peak memory.

    ``sizes``: numbers of named sizes; one without a number counts as 256. Deterministic; the time is linear, but for
    the logarithm of a heap.
    """
    plain = [n for part in schedule(graph) for n in part]
    known = dict.fromkeys(graph.sizes, NOMINAL) | dict(sizes or {})
    greedy = _Greedy(graph, plain, known).order()
    return min((greedy, plain), key=lambda order: _peak(graph, order, known))


def is_recomputed(node: Node) -> bool:
    """Whether a node computes a value of the forward pass again."""
    return node.origin.made_by == RECOMPUTED


def _is_draw(node: Node) -> bool:
    return "random" in node.op.traits


def _peak(graph: Graph, order: Sequence[Node], sizes: Mapping[str, int]) -> int:
    return max(timeline(*steps_of(graph, order), sizes), default=0)


def _on_demand(order: Sequence[Node]) -> list[Node]:
    """The order with recomputed nodes moved down to right before their first user."""
    waiting = {n for n in order if is_recomputed(n)}
    if not waiting:
        return list(order)
    result: list[Node] = []
    for node in order:
        if not is_recomputed(node):
            result += _demanded(node, waiting)
            result.append(node)
    return result + [n for n in order if n in waiting]


def _demanded(node: Node, waiting: set[Node]) -> list[Node]:
    """The nodes of ``waiting`` that ``node`` needs, in topological order; they are taken out of it."""
    found: list[Node] = []
    stack = [(x, False) for x in reversed(node.inputs)]
    while stack:
        x, is_ready = stack.pop()
        if is_ready:
            found.append(x)
        elif x in waiting:
            waiting.discard(x)
            stack.append((x, True))
            stack += [(y, False) for y in reversed(x.inputs)]
    return found


class _Greedy:
    """List scheduling by bytes. Nodes go by their position in the plain order, and so do buffers."""

    def __init__(self, graph: Graph, plain: Sequence[Node], sizes: Mapping[str, int]) -> None:
        self.plain = plain
        self.position = {n: k for k, n in enumerate(plain)}
        self.is_lazy, self.is_early = _on_call(graph, plain)
        self.waiting = {n for n, lazy in zip(plain, self.is_lazy, strict=True) if lazy}
        self.is_done = [False] * len(plain)
        self._connect()
        self._weigh(graph, sizes)

    def _connect(self) -> None:
        """Who must wait for whom: users for operands, a draw for the draw before it."""
        self.users: list[list[int]] = [[] for _ in self.plain]
        self.missing = [0] * len(self.plain)
        last_draw = -1
        for k, node in enumerate(self.plain):
            before = {j for x in node.inputs if (j := self.position.get(x)) is not None}
            if _is_draw(node):
                before |= {last_draw} - {-1}
                last_draw = k
            for j in sorted(before):
                self.users[j].append(k)
            self.missing[k] = len(before)

    def _weigh(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        """What each node allocates and frees; of the readers of a buffer, their number and sum (so the last is known).

        Recomputed nodes are weighed with the first node that demands them.
        """
        buffer = memory_of(graph, self.plain)
        size = numbers(self.plain, sizes)
        self.bytes = [size[n] if buffer[n] is n else 0 for n in self.plain]
        self.reads = [_positions(n, buffer, self.position) for n in self.plain]
        self.left, self.sum = [0] * len(self.plain), [0] * len(self.plain)
        for k, reads in enumerate(self.reads):
            for j in reads:
                self.left[j] += 1
                self.sum[j] += k
        for y in graph.outputs:
            if (kept := owner_of(buffer.get(y))) is not None:
                self.left[self.position[kept]] = len(self.plain) + 1  # its memory is never freed
        self.score = list(self.bytes)
        for j, count in enumerate(self.bytes):
            if self.is_lazy[j]:
                for k in self.users[j]:
                    self.score[k] += count
            elif self.left[j] == 1:
                self.score[self.sum[j]] -= count

    def order(self) -> list[Node]:
        """The whole order."""
        self.heap: list[tuple[int, int]] = []
        self.result: list[Node] = []
        self._release([k for k, count in enumerate(self.missing) if not count])
        while self.heap:
            score, k = heapq.heappop(self.heap)
            if self.is_done[k] or score != self.score[k]:
                continue
            for node in _demanded(self.plain[k], self.waiting):
                self._run(self.position[node])
            self._run(k)
            if not self.is_lazy[k]:
                self._release(self._released_by(k))
        return self.result

    def _release(self, ready: Sequence[int]) -> None:
        """Nodes whose operands are there join the heap; one on call lets its users go on as if it had run."""
        stack = list(ready)
        while stack:
            k = stack.pop()
            self._offer(k)
            if self.is_lazy[k]:
                stack += self._released_by(k)

    def _released_by(self, k: int) -> list[int]:
        for j in self.users[k]:
            self.missing[j] -= 1
        return [j for j in self.users[k] if not self.missing[j]]

    def _offer(self, k: int) -> None:
        """Into the heap, where a node on call belongs only if it is one that frees what it takes, or more."""
        if not self.is_lazy[k] or (self.is_early[k] and self.score[k] <= 0):
            heapq.heappush(self.heap, (self.score[k], k))

    def _run(self, k: int) -> None:
        self.is_done[k] = True
        self.waiting.discard(self.plain[k])
        self.result.append(self.plain[k])
        if self.is_lazy[k]:
            for j in self.users[k]:
                self._lighten(j, self.bytes[k])
            if self.left[k] == 1:
                self._lighten(self.sum[k], self.bytes[k])
        for j in self.reads[k]:
            self.left[j] -= 1
            self.sum[j] -= k
            if self.left[j] == 1:
                self._lighten(self.sum[j], self.bytes[j])

    def _lighten(self, k: int, count: int) -> None:
        """Node ``k`` adds fewer bytes than before."""
        if count and not self.is_done[k]:
            self.score[k] -= count
            if not self.missing[k]:
                self._offer(k)


def _on_call(graph: Graph, plain: Sequence[Node]) -> tuple[list[bool], list[bool]]:
    """Which nodes are run when the first node that is not on call needs them, and which of them may come before.

    On call is what is computed again, and what a rule computes from forward values alone, such as 1 - tanh²: these are
    ready long before the cotangent that they meet. The latter may come early, where that frees memory, unless they
    stand on something that is computed again.
    """
    cotangent: set[Node] = set()
    again: set[Node] = set()
    lazy, early = [], []
    for node in plain:
        if is_recomputed(node) or any(x in again for x in node.inputs):
            again.add(node)
        if node.origin.is_cotangent or any(x in cotangent for x in node.inputs):
            cotangent.add(node)
        is_local = node in graph.backward and node not in cotangent and not _is_draw(node)
        lazy.append(is_recomputed(node) or (is_local and not graph.is_output(node)))
        early.append(node not in again)
    return lazy, early


def _positions(node: Node, buffer: Mapping[Node, Buffer | None], position: Mapping[Node, int]) -> list[int]:
    """The positions of the nodes whose memory a node reads."""
    owners = [owner_of(buffer.get(x)) for x in node.inputs]
    return list(dict.fromkeys(position[n] for n in owners if n is not None))
