"""The order of the statements in one turn of a loop: few pieces should wait at the same time.

Fewer buffers make longer tiles fit into the cache, and a longer tile makes fewer calls.
"""

from collections.abc import Mapping, Sequence

from graphad.ir.core import Node
from graphad.lower.program import Member

MOST = 400  # members, of which more are left in the order that they have: the search is quadratic at worst


def ordered(members: Sequence[Member], stored: frozenset[Node]) -> tuple[Member, ...]:
    """The members such that each comes after what it reads; of those that could come next, the one that frees most.

    The plain order stays where it needs no more pieces at once.
    """
    if len(members) > MOST:
        return tuple(members)
    inside = {m.node for m in members}
    reads = {m.node: [r for r in m.cut if r in inside] for m in members}
    found = _greedy(members, reads, stored)
    return found if _most_alive(found, reads, stored) < _most_alive(members, reads, stored) else tuple(members)


def _greedy(members: Sequence[Member], reads: Mapping[Node, list[Node]], stored: frozenset[Node]) -> tuple[Member, ...]:
    left = _uses(members, reads)
    waiting = {m.node: len(reads[m.node]) for m in members}
    users: dict[Node, list[int]] = {m.node: [] for m in members}
    for k, m in enumerate(members):
        for r in reads[m.node]:
            users[r].append(k)
    ready = [k for k, m in enumerate(members) if not waiting[m.node]]
    order: list[Member] = []
    while ready:
        best = min(ready, key=lambda k: (_grows(members[k], reads, left, stored), k))
        ready.remove(best)
        m = members[best]
        order.append(m)
        for r in reads[m.node]:
            left[r] -= 1
        for k in users[m.node]:
            waiting[members[k].node] -= 1
            if not waiting[members[k].node]:
                ready.append(k)
    return tuple(order)


def _uses(members: Sequence[Member], reads: Mapping[Node, list[Node]]) -> dict[Node, int]:
    """How often each piece is read in a turn."""
    left = {m.node: 0 for m in members}
    for m in members:
        for r in reads[m.node]:
            left[r] += 1
    return left


def _grows(m: Member, reads: Mapping[Node, list[Node]], left: Mapping[Node, int], stored: frozenset[Node]) -> int:
    """By how many the waiting pieces grow when this member comes next."""
    freed = sum(left[r] == 1 and r not in stored for r in reads[m.node])
    return _takes(m, stored) - freed


def _takes(m: Member, stored: frozenset[Node]) -> int:
    """Whether a member needs a buffer: a sum, a view and what is stored outside need none."""
    return int(m.axis is not None and m.node not in stored and "view" not in m.node.op.traits)


def _most_alive(members: Sequence[Member], reads: Mapping[Node, list[Node]], stored: frozenset[Node]) -> int:
    """How many pieces wait at the same time, at most."""
    left = _uses(members, reads)
    takes = {m.node: _takes(m, stored) for m in members}
    alive = most = 0
    for m in members:
        alive += takes[m.node]
        most = max(most, alive)
        for r in reads[m.node]:
            left[r] -= 1
            alive -= takes[r] * (left[r] == 0)
    return most
