"""Which statements are computed together, piece by piece, in one loop over tiles.

Every statement gets a phase: the earliest time at which all it needs is there. What a loop computes is there for the
same loop at once, where both cut the same axis, and for all others one phase later. Statements of one phase that run
over an axis of the same length then share a loop; no edge can lead out of a loop and back into it.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graphad.ir.core import Node
from graphad.ir.dims import Size, evaluate, names, product
from graphad.ir.types import TensorType, TupleType
from graphad.lower.fast.axes import cuts, sums_over
from graphad.lower.fast.turn import ordered
from graphad.lower.greedy import is_recomputed
from graphad.lower.program import Apply, Assign, Loop, Member, Ref, references
from graphad.ops.contract import matmul
from graphad.ops.fit import sum as sum_op
from graphad.ops.index import place, place_all
from graphad.ops.reduce import mean

LARGE = 16_384  # elements from which on an array may be worth a loop; named sizes are taken to be large
LOOP_BYTES = 1 << 20  # what a loop must touch: less stays in cache anyway
WIDE = 8  # how many times larger than the rest a matrix must be for a product to be bound by reading it
MOST = 8  # values that are moved from one loop to another for the sake of one
THIN = 16  # a matrix product with fewer columns than this is bound by memory, not by arithmetic


Step = Assign | Loop
Reads = Mapping[Node, Sequence[Node]]  # what the statement that computes a value reads


@dataclass(slots=True)
class _Place:
    """Where a value comes from: its phase and, in a loop, the axis that is cut (None: summed) and the length."""

    phase: int
    member: Member | None = None
    length: Size = 0

    @property
    def ready(self) -> int:
        """The phase from which on the whole value is there."""
        return self.phase + (self.member is not None)


def is_large(node: Node) -> bool:
    """Whether an array has many elements, as far as is known."""
    size = node.size
    return size >= LARGE if isinstance(size, int) else True


def fuse(statements: Sequence[Assign], results: Sequence[Node]) -> list[Step]:
    """The statements in an order in which everything is there when it is needed, loops taken together."""
    reads = {s.node: references(s.value) for s in statements}
    places: dict[Node, _Place] = {}
    groups: dict[tuple[int, Size], list[Member]] = {}
    latest, is_forward = 0, True  # what is computed again must not come before what it stands after
    for s in statements:
        is_again = is_recomputed(s.node)
        place = _place(s, dict.fromkeys(reads[s.node]), places, latest if is_again else 0)
        is_forward = is_forward and not is_again
        latest = max(latest, place.ready if is_forward else place.phase)
        for node in _defined(s):
            places[node] = place
    _sink(statements, reads, places, set(results))
    for s in statements:
        place = places[s.node]
        if place.member:
            groups.setdefault((place.phase, place.length), []).append(place.member)
    loops = [members for members in groups.values() if _pays(members)]
    return _ordered(statements, reads, loops, results)


def _sink(statements: Sequence[Assign], reads: Reads, places: Mapping[Node, _Place], results: set[Node]) -> None:
    """Move what a loop computes for one later loop alone into that loop, where less then needs to be kept between."""
    users: dict[Node, list[Node]] = {}
    for node, operands in reads.items():
        for r in operands:
            users.setdefault(r, []).append(node)
    for s in reversed(statements):
        place = places[s.node]
        member = place.member
        if member is None or s.node in results or not _may_sink(place):
            continue
        later = [places[u] for u in users.get(s.node, ())]
        if any(_differs(u, later[0]) or u.phase <= place.phase or u.length != place.length for u in later):
            continue
        if all(u.member and u.member.cut.get(s.node) == member.axis for u in later):
            for node in _sinking(s.node, users, places, results):
                places[node].phase = later[0].phase


def _may_sink(place: _Place) -> bool:
    return place.member is not None and place.member.axis is not None and "view" not in place.member.node.op.traits


def _sinking(node: Node, users: Reads, places: Mapping[Node, _Place], results: set[Node]) -> Collection[Node]:
    """A value, with what else is computed for it alone, if less needs to be kept when all of it is computed later."""
    group, place = {node}, places[node]
    while len(group) <= MOST:
        members = [p.member for p in map(places.__getitem__, group) if p.member is not None]
        read = dict.fromkeys(x for m in members for x in m.cut if x in places and x not in group)
        held = [x for x in read if not _differs(places[x], place)]
        others = {x: [u for u in users[x] if u not in group] for x in held}
        new = [x for x in held if x not in results and not any(_differs(places[u], place) for u in others[x])]
        if any("view" in x.op.traits for x in held):
            break
        if _bytes(new) < _bytes([node]):
            return group
        alone = [x for x in new if not others[x] and _may_sink(places[x])]
        if not alone:
            break
        group.update(alone)
    return ()


def _differs(a: _Place, b: _Place) -> bool:
    """Whether two statements are computed in different loops."""
    return a.member is None or b.member is None or (a.phase, a.length) != (b.phase, b.length)


def _bytes(nodes: Sequence[Node]) -> int:
    """How much memory arrays take, where a named size is taken to be 4096."""
    return sum(map(_bytes_of, nodes))


def _bytes_of(node: Node) -> int:
    return _type_bytes(node.type)


@lru_cache(maxsize=4096)
def _type_bytes(type_: TensorType) -> int:
    return type_.dtype.itemsize * evaluate(type_.size, dict.fromkeys(names(type_.size), 4096))


def _defined(s: Assign) -> list[Node]:
    return [s.node, *(p for p in s.parts if p is not None)] if s.parts else [s.node]


def _place(s: Assign, reads: Iterable[Node], places: Mapping[Node, _Place], least: int) -> _Place:
    """The best place of a statement: the earliest phase, at ``least`` this, in a loop where that is possible."""
    sources = [places[r] for r in reads if r in places]
    phase = max([least, *[p.ready for p in sources]])
    if not isinstance(s.value, Apply) or s.parts or not _may_loop(s, reads, places):
        return _Place(phase)
    node, wide = s.node, _wide(s.node, reads)
    ideal = max([least, *[p.phase for p in sources]]), -sum([p.member is not None for p in sources]), 0
    best: tuple[tuple[int, int, int], int | None, dict[Node, int | None], Size] | None = None
    for axis, cut in _options(s):
        length = _length(s, axis, cut)
        if not _is_long(length) or not _joins(node, cut, wide, length, places):
            continue
        earliest, aligned = _earliest(cut, length, places)
        rank = (max(earliest, least), -aligned, _inner_is_huge(node, axis))
        if best is None or rank < best[0]:
            best = rank, axis, cut, length
            if rank == ideal:
                break
    if best is None:
        return _Place(phase)
    (earliest, _, _), axis, cut, length = best
    return _Place(earliest, Member(s, axis, cut), length)


def _may_loop(s: Assign, reads: Iterable[Node], places: Mapping[Node, _Place]) -> bool:
    """Whether a statement is worth cutting: it works on large arrays or pieces, and not at the speed of arithmetic."""
    node = s.node
    if isinstance(node.type, TupleType) or "random" in node.op.traits:
        return False
    if node.op is matmul:
        x, y = node.inputs
        thin = y.ndim == 1 or x.ndim == 1 or (isinstance(n := y.shape[-1], int) and n < THIN)
        return thin and is_large(x)
    return is_large(node) or any(is_large(x) or (x in places and places[x].member) for x in reads)


def _options(s: Assign) -> Iterator[tuple[int | None, dict[Node, int | None]]]:
    """Ways to cut a statement: an axis of the result (None: the pieces add up), and that of each operand."""
    for axis, length in enumerate(s.node.shape):
        found = cuts(s.node, axis) if _is_long(length) else None
        cut = None if found is None else _through_broadcasts(s, found)
        if cut is not None:
            yield axis, cut
    yield from ((None, cut) for cut in _summed(s) if cut is not None)


def _through_broadcasts(s: Assign, found: Sequence[int | None]) -> dict[Node, int | None] | None:
    """The same for the operands as written, after broadcasts and casts were left out."""
    cut: dict[Node, int | None] = {}
    assert isinstance(s.value, Apply)
    for x, operand, axis in zip(s.node.inputs, s.value.operands, found, strict=True):
        if not isinstance(operand, Ref):
            continue
        while x is not operand.node and axis is not None:
            (axis,) = cuts(x, axis) or (None,)
            x = x.inputs[0]
        if cut.setdefault(operand.node, axis) != axis:
            return None
    return cut


def _summed(s: Assign) -> Iterator[dict[Node, int | None] | None]:
    """Ways to cut the inputs such that the pieces add up to the result."""
    node = s.node
    if node.op in (sum_op, mean):
        yield from (_through_broadcasts(s, (k,)) for k in range(node.inputs[0].ndim) if sums_over(node, (k,)))
    elif node.op in (place, place_all):
        yield from (_spread(s, k) for k in range(node.inputs[0].ndim))
    elif node.op is matmul:
        x, y = node.inputs
        cut = (x.ndim - 1, 0 if y.ndim == 1 else y.ndim - 2)
        if x.ndim <= 2 and y.ndim <= 2 and sums_over(node, cut):
            yield _through_broadcasts(s, cut)


def _spread(s: Assign, axis: int) -> dict[Node, int | None] | None:
    """All values that are placed are cut at the same axis: each piece goes to its part of the result."""
    lengths = {x.shape[axis] if axis < x.ndim else None for x in s.node.inputs}
    return _through_broadcasts(s, (axis,) * len(s.node.inputs)) if len(lengths) == 1 else None


def _length(s: Assign, axis: int | None, cut: Mapping[Node, int | None]) -> Size:
    if axis is not None:
        return s.node.shape[axis]
    return next((x.shape[a] for x, a in cut.items() if a is not None), 1)


def _is_long(length: Size) -> bool:
    return not isinstance(length, int) or length >= 4


def _wide(node: Node, reads: Iterable[Node]) -> Node | None:
    """The operand of a matrix product that is much larger than all else."""
    if node.op is not matmul:
        return None
    *others, large = sorted(dict.fromkeys((*reads, node)), key=_bytes_of)
    return large if large is not node and _bytes_of(large) > WIDE * sum(map(_bytes_of, others[-1:])) else None


def _joins(
    node: Node, cut: Mapping[Node, int | None], wide: Node | None, length: Size, places: Mapping[Node, _Place]
) -> bool:
    """Whether a statement belongs into a loop.

    Views only where the loop computes what they are views of: others cost nothing outside. Products of a matrix much
    larger than all else only where the loop computes it: BLAS reads others with all its threads.
    """
    if wide is not None:
        return _is_aligned(places.get(wide), cut[wide], length)
    return "view" not in node.op.traits or any(_is_aligned(places.get(x), a, length) for x, a in cut.items())


def _is_aligned(place: _Place | None, axis: int | None, length: Size) -> bool:
    """Whether a loop that cuts a value at this axis can be the one that computes it."""
    if place is None or place.member is None or axis is None:
        return False
    return place.member.axis == axis and place.length == length


def _earliest(cut: Mapping[Node, int | None], length: Size, places: Mapping[Node, _Place]) -> tuple[int, int]:
    """The first phase at which the operands are there for a loop, and how many of them that loop computes."""
    phases, aligned = [0], 0
    for x, axis in cut.items():
        place = places.get(x)
        if place is None:
            continue
        is_aligned = _is_aligned(place, axis, length)
        aligned += is_aligned
        phases.append(place.phase if is_aligned else place.ready)
    return max(phases), aligned


def _inner_is_huge(node: Node, axis: int | None) -> int:
    """The first axis is the best to cut, unless one row alone fills the cache."""
    if axis is None:
        return 0
    row = product(node.shape[axis + 1 :])
    return axis + (100 if isinstance(row, int) and row > 4 * LARGE else 0)


def _pays(members: Sequence[Member]) -> bool:
    """Whether a loop keeps values in cache that would otherwise go to memory and back."""
    work = [m for m in members if "view" not in m.node.op.traits]
    if len(work) < 2:
        return False
    total = 0
    for n in {n for m in work for n in (m.node, *m.cut)}:
        size = n.size
        if not isinstance(size, int):
            return True
        total += n.dtype.itemsize * size
    return total >= LOOP_BYTES


def _ordered(
    statements: Sequence[Assign], reads: Reads, loops: Sequence[Sequence[Member]], results: Sequence[Node]
) -> list[Step]:
    """Statements and loops in an order that respects what needs what, as near to the given one as possible."""
    looped = {m.node: k for k, members in enumerate(loops) for m in members}
    outside = _read_outside(reads, looped, results)
    units: list[Step] = [
        s for s in statements if s.node not in looped or ("view" in s.node.op.traits and s.node in outside)
    ]
    units += [_loop(members, outside) for members in loops]
    position = {s.node: k for k, s in enumerate(statements)}
    maker = {n: k for k, unit in enumerate(units) for n in _made(unit)}
    needs = [{maker[r] for r in _read(unit) if r in maker} - {k} for k, unit in enumerate(units)]
    users: list[list[int]] = [[] for _ in units]
    for k, makers in enumerate(needs):
        for m in makers:
            users[m].append(k)
    rank = [position[u.node] if isinstance(u, Assign) else max(position[m.node] for m in u.members) for u in units]
    waiting = [len(makers) for makers in needs]
    ready = [(rank[k], k) for k, count in enumerate(waiting) if not count]
    heapq.heapify(ready)
    order: list[Step] = []
    while ready:
        _, k = heapq.heappop(ready)
        order.append(units[k])
        for user in users[k]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (rank[user], user))
    return order


def _loop(members: Sequence[Member], outside: set[Node]) -> Loop:
    first = members[0]
    length = _length(first.statement, first.axis, first.cut)
    stored = frozenset(m.node for m in members if m.node in outside and "view" not in m.node.op.traits)
    return Loop(length, ordered(members, stored), stored)


def _read_outside(reads: Reads, looped: Mapping[Node, int], results: Sequence[Node]) -> set[Node]:
    """The values of loops that somebody else reads; for a view that is also what it is a view of."""
    outside = set(results)
    for node, operands in reads.items():
        loop = looped.get(node)
        outside.update([r for r in operands if looped.get(r, loop) != loop])
    for node in reversed([*reads]):
        if node in looped and node in outside and "view" in node.op.traits:
            outside.update(reads[node])
    return outside


def _made(step: Step) -> Iterator[Node]:
    """The values that exist after a step."""
    if isinstance(step, Assign):
        yield from _defined(step)
    else:
        yield from (m.node for m in step.members if m.node in step.stored or m.axis is None)


def _read(step: Step) -> Iterator[Node]:
    """The values that a step reads from outside."""
    if isinstance(step, Assign):
        yield from references(step.value)
    else:
        inside = {m.node for m in step.members}
        yield from (r for m in step.members for r in m.cut if r not in inside)
