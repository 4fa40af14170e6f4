"""Which array each value is written to: buffers are used again as soon as their value has been read for the last time.

Results are always fresh arrays. Views own nothing and keep alive what they are views of.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphad.form.template import name as atom
from graphad.ir.core import Node
from graphad.ir.dims import Size, product
from graphad.ir.types import DType, Shape
from graphad.lower.alias import is_view
from graphad.lower.fast.forms import guarded, into, is_ufunc
from graphad.lower.fast.fusion import Step
from graphad.lower.parts import copy
from graphad.lower.program import Apply, Assign, Loop, Member, Ref, references
from graphad.ops import piecewise
from graphad.ops.control import scan
from graphad.ops.elementwise import add, divide, multiply, negative, sqrt, square, subtract, sum_n
from graphad.ops.kinks import _clip as clip
from graphad.ops.kinks import absolute, maximum, minimum, relu

SMALL = 2_048  # elements up to which a fresh array costs no more than a used one
CACHE = 3 << 19  # bytes that the pieces of one tile should fit into: most of a second-level cache
MANY = 12  # pieces that share it
LONGER = 4  # times as long are the tiles of loops for threads
HEAVY = 1.25  # the mean weight of the ops of such loops
LIGHT = {  # ops of one vector instruction or few
    *piecewise.OPS,
    *(add, subtract, multiply, negative, square, absolute, maximum, minimum, sum_n, clip, relu, copy),
}


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory for one value after the other. In a loop ``shape`` is that of a piece, with ``axis`` the one cut.

    ``target``: an input that is updated; the value is written over it, and ``slot`` says nothing.
    """

    slot: int
    shape: Shape
    dtype: DType
    axis: int | None = None
    target: Node | None = None


@dataclass(slots=True)
class _Pool:
    """Slots that are free, by what fits them."""

    key: Callable[[Buffer], object]
    free: dict[object, list[int]] = field(default_factory=dict)
    slots: list[Buffer] = field(default_factory=list)

    def take(self, node: Node, axis: int | None = None) -> Buffer:
        wish = Buffer(len(self.slots), node.shape, node.dtype, axis)
        found = self.free.get(self.key(wish))
        if found:
            return Buffer(found.pop(), node.shape, node.dtype, axis)
        self.slots.append(wish)
        return wish

    def give(self, buffer: Buffer) -> None:
        self.free.setdefault(self.key(buffer), []).append(buffer.slot)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where values live: ``home`` of those in buffers, and the first buffer of each slot."""

    home: Mapping[Node, Buffer]
    slots: tuple[Buffer, ...]


def has_form(s: Assign) -> bool:
    """Whether a statement can write into a given array."""
    if not isinstance(s.value, Apply) or s.parts or "view" in s.node.op.traits:
        return False
    return is_ufunc(s.node) or into(s.node, [atom("x")] * len(s.value.operands), "out") is not None


def plan_calls(
    steps: Sequence[Step],
    roots: Mapping[Node, Node],
    kept: set[Node],
    late: Sequence[Node],
    in_place: Mapping[Node, Node],
) -> Plan:
    """Buffers of the values that live between steps.

    ``roots``: what each view is a view of; ``kept``: results, which are fresh arrays; ``late``: read after all steps;
    ``in_place``: the inputs that values are written over.
    """
    last = _last_reads([*([roots.get(r, r) for r in reads_of(step)] for step in steps), late])
    pool = _Pool(lambda b: (b.dtype, product(b.shape)))
    home: dict[Node, Buffer] = {}
    kept = kept | set(in_place)
    for k, step in enumerate(steps):
        dying = {x: home[x] for x in last[k] if x in home}
        made = [s for s in _made(step) if s.node not in kept and _is_worth(s)]
        stacks = [p for p in _stacks(step) if p not in kept and is_large(p)]
        home |= {p: pool.take(p) for p in stacks}
        for s in made:
            taken = _taken_over(step, s, dying)
            home[s.node] = pool.take(s.node) if taken is None else dying.pop(taken)
        for buffer in dying.values():
            pool.give(buffer)
        for x in (*(s.node for s in made), *stacks):
            if x not in last.ever:
                pool.give(home[x])
    home |= {value: Buffer(-1, x.shape, x.dtype, None, x) for value, x in in_place.items()}
    return Plan(home, tuple(pool.slots))


def _is_worth(s: Assign) -> bool:
    return has_form(s) and not is_view(s.node) and is_large(s.node)


def is_large(x: Node) -> bool:
    """Whether a fresh array would cost more than one that was used before."""
    return not isinstance(x.size, int) or x.size > SMALL


def _stacks(step: Step) -> Sequence[Node]:
    """The results of all turns of a `scan`, each in one array."""
    if isinstance(step, Loop) or step.node.op is not scan:
        return ()
    return [p for p in step.parts[step.node.attrs["carries"] :] if p is not None]


def _made(step: Step) -> Iterator[Assign]:
    if isinstance(step, Loop):
        yield from (m.statement for m in step.members if m.node in step.stored and (m.axis is not None or m.is_spread))
    else:
        yield step


def made_in(step: Step) -> Iterator[Node]:
    """The values that a step computes, whether it keeps them or not."""
    if isinstance(step, Loop):
        yield from (m.node for m in step.members)
    else:
        yield from (step.node, *(p for p in step.parts if p is not None))


def reads_of(step: Step) -> Iterator[Node]:
    """The values that a step reads, from without and within."""
    if isinstance(step, Loop):
        yield from (r for m in step.members for r in m.cut)
    else:
        yield from references(step.value)


class _LastReads(list[list[Node]]):
    """For each step the values that are read there for the last time; ``ever`` are all that are read."""

    ever: frozenset[Node] = frozenset()


def _last_reads(reads: Sequence[Iterable[Node]]) -> _LastReads:
    where: dict[Node, int] = {}
    for k, nodes in enumerate(reads):
        for x in nodes:
            where[x] = k
    found = _LastReads([] for _ in reads)
    for x, k in where.items():
        found[k].append(x)
    found.ever = frozenset(where)
    return found


def _taken_over(step: Step, s: Assign, dying: Mapping[Node, Buffer]) -> Node | None:
    """A value that dies in this step and whose array the new one may overwrite."""
    for x in dying:
        if (x.shape, x.dtype) == (s.node.shape, s.node.dtype) and is_done_with(step, s, x):
            return x
    return None


def is_done_with(step: Step, s: Assign, x: Node) -> bool:
    """Whether nothing reads ``x`` after ``s`` has begun to write, but element by element."""
    if isinstance(step, Assign):
        return is_ufunc(s.node) and any(isinstance(o, Ref) and o.node is x for o in _operands(s))
    at = next(k for k, m in enumerate(step.members) if m.node is s.node)
    axis = step.members[at].axis
    for k, m in enumerate(step.members):
        if x in m.cut and (k > at or m.cut[x] != axis or (k == at and not is_ufunc(s.node))):
            return False
        if any(_is_view_of(r, x) for r in m.cut):
            return False
    return True


def _operands(s: Assign) -> Sequence[object]:
    return s.value.operands if isinstance(s.value, Apply) else ()


def _is_view_of(node: Node, base: Node) -> bool:
    while "view" in node.op.traits and node.inputs:
        node = node.inputs[0]
        if node is base:
            return True
    return False


def plan_pieces(loop: Loop) -> Plan:
    """Buffers of the pieces that live within one turn of a loop."""
    inside = {m.node: m for m in loop.members}
    base: dict[Node, Node] = {}
    for m in loop.members:
        source = guarded(m.statement)
        if "view" in m.node.op.traits:
            source = next((r for r in m.cut if r in inside), None)
        base[m.node] = base.get(source, m.node) if source is not None else m.node
    last = _last_reads([[base[r] for r in m.cut if r in inside] for m in loop.members])
    pool = _Pool(lambda b: (b.dtype, b.shape, b.axis))
    home: dict[Node, Buffer] = {}
    for k, m in enumerate(loop.members):
        needs = m.axis is not None and m.node not in loop.stored and has_form(m.statement)
        dying = {x: home[x] for x in last[k] if x in home}
        if needs:
            taken = _in_place(m, dying, base)
            home[m.node] = pool.take(m.node, m.axis) if taken is None else dying.pop(taken)
        for buffer in dying.values():
            pool.give(buffer)
        if needs and m.node not in last.ever:
            pool.give(home[m.node])
    return Plan(home, tuple(pool.slots))


def _in_place(m: Member, dying: Mapping[Node, Buffer], base: Mapping[Node, Node]) -> Node | None:
    """An operand that is read here for the last time and looks like the result; for a sum that must be the first."""
    operands = [o.node for o in _operands(m.statement) if isinstance(o, Ref)]
    if not is_ufunc(m.node):
        first, *others = operands
        repeated = any(base.get(x) is first for x in others)
        operands = [first] if "elementwise" in m.node.op.traits and not repeated else []
    for x in operands:
        buffer = dying.get(x)
        if buffer and (buffer.shape, buffer.dtype, buffer.axis) == (m.node.shape, m.node.dtype, m.axis):
            return x
    return None


def rows_of_tile(loop: Loop, plan: Plan) -> Size | str:
    """How many rows a tile has: a number, or its text where the rows have a named size."""
    widths, heavy = _row_widths(loop, plan), is_heavy(loop)
    total, room = _sum(widths), _room(len(widths), heavy)
    if not isinstance(total, int):
        return f"max(1, {room} // max(1, {total}))"
    rows = max(1, room // max(total, 1))
    if heavy and isinstance(loop.length, int):  # eight chunks of as many tiles
        return max(1, -(-loop.length // (8 * -(-loop.length // (8 * rows)))))
    return rows - rows % 64 if rows > 64 else rows


def tile_bytes(loop: Loop, plan: Plan) -> int:
    """What the pieces of one tile may take: a part of the cache where they are few, since calls are no burden then.

    Threads hand the interpreter to each other at every call, so where they pay a call must take long.
    """
    return _room(len(_row_widths(loop, plan)), is_heavy(loop))


def _room(pieces: int, heavy: bool) -> int:
    return CACHE * min(pieces, MANY) // MANY * (LONGER if heavy else 1)


def is_heavy(loop: Loop) -> bool:
    """Whether a loop is bound by arithmetic, such as exponentials, rather than by memory: then threads pay."""
    weights = [_weight(m.node) for m in loop.members if m.axis is not None and "view" not in m.node.op.traits]
    return sum(weights) >= HEAVY * len(weights)


def _weight(node: Node) -> int:
    """How long an op takes for an element, more or less, where an addition takes 1."""
    if node.op in (divide, sqrt):
        return 2
    return 1 if node.op in LIGHT or "elementwise" not in node.op.traits else 5


def width_of_rows(loop: Loop, plan: Plan) -> Size:
    """The bytes of one row of all that a turn of a loop reads and writes."""
    return _sum(_row_widths(loop, plan))


def _sum(sizes: Iterable[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total


def _row_widths(loop: Loop, plan: Plan) -> list[Size]:
    widths: list[Size] = [row_bytes(b.shape, b.axis, b.dtype) for b in plan.slots]
    inside = {m.node for m in loop.members}
    seen: dict[tuple[Node, int], None] = {}
    for m in loop.members:
        seen.update({(x, a): None for x, a in m.cut.items() if a is not None and x not in inside})
        if m.node in loop.stored and m.axis is not None:
            seen[m.node, m.axis] = None
    return [*widths, *(row_bytes(x.shape, a, x.dtype) for x, a in seen)]


def row_bytes(shape: Shape, axis: int | None, dtype: DType) -> Size:
    """The bytes of one row of an array that is cut at ``axis``."""
    return product(s for k, s in enumerate(shape) if k != axis) * dtype.itemsize
