"""The order of the statements in one turn of a loop: few pieces should wait at the same time.

Fewer buffers make longer tiles fit into the cache, and a longer tile makes fewer calls.
"""

import heapq
from collections.abc import Sequence

from graphad.ir.core import Node
from graphad.lower.program import Member


def ordered(members: Sequence[Member], stored: frozenset[Node]) -> tuple[Member, ...]:
    """The members such that each comes after what it reads; of those that could come next, the one that frees most.

    The plain order stays where it needs no more pieces at once.
    """
    turn = _Turn(members, stored)
    plain = range(len(members))
    found = turn.greedy()
    return tuple(members[k] for k in (found if turn.most_alive(found) < turn.most_alive(plain) else plain))


class _Turn:
    """One turn of a loop, its members by their number: what each reads, who reads it, the buffers that it needs.

    A sum, a view and what is stored outside need none.
    """

    def __init__(self, members: Sequence[Member], stored: frozenset[Node]) -> None:
        nodes = [m.node for m in members]
        number = {node: k for k, node in enumerate(nodes)}
        self.reads = [[number[r] for r in m.cut if r in number] for m in members]
        self.is_stored = [node in stored for node in nodes]
        self.takes = [
            int(m.axis is not None and node not in stored and "view" not in node.op.traits)
            for m, node in zip(members, nodes, strict=True)
        ]
        self.users: list[list[int]] = [[] for _ in nodes]
        for k, reads in enumerate(self.reads):
            for r in reads:
                self.users[r].append(k)

    def greedy(self) -> list[int]:
        """Of the members that are ready, the one comes next by which the waiting pieces grow least."""
        left = [len(users) for users in self.users]
        waiting = [len(reads) for reads in self.reads]
        grows = self.takes.copy()
        is_done = [False] * len(grows)
        ready: list[tuple[int, int]] = []

        def weigh(piece: int) -> None:
            """The last reader of a piece frees it: it has become more welcome than before."""
            if left[piece] == 1 and not self.is_stored[piece]:
                last = next(k for k in self.users[piece] if not is_done[k])
                grows[last] -= 1
                if not waiting[last]:
                    heapq.heappush(ready, (grows[last], last))

        for piece in range(len(grows)):
            weigh(piece)
        ready = [(grows[k], k) for k, count in enumerate(waiting) if not count]
        heapq.heapify(ready)
        order: list[int] = []
        while ready:
            _, best = heapq.heappop(ready)
            if is_done[best]:
                continue
            is_done[best] = True
            order.append(best)
            for r in self.reads[best]:
                left[r] -= 1
                weigh(r)
            for k in self.users[best]:
                waiting[k] -= 1
                if not waiting[k]:
                    heapq.heappush(ready, (grows[k], k))
        return order

    def most_alive(self, order: Sequence[int]) -> int:
        """How many pieces wait at the same time, at most."""
        left = [len(users) for users in self.users]
        alive = most = 0
        for k in order:
            alive += self.takes[k]
            if alive > most:
                most = alive
            for r in self.reads[k]:
                left[r] -= 1
                alive -= self.takes[r] * (left[r] == 0)
        return most
