"""Which array each value is written to: buffers are used again as soon as their value has been read for the last time.

Results are always fresh arrays. Views own nothing and keep alive what they are views of.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from graphad.form.template import name as atom
from graphad.ir.core import Node
from graphad.ir.dims import product
from graphad.ir.types import DType, Shape
from graphad.lower.alias import is_view
from graphad.lower.fast.forms import guarded, into, is_ufunc, short_sum
from graphad.lower.fast.fusion import Step
from graphad.lower.program import Apply, Assign, Loop, Member, Ref, references
from graphad.ops.control import scan
from graphad.ops.elementwise import multiply, square
from graphad.ops.fit import expand_dims, squeeze
from graphad.ops.layout import reshape

SMALL = 2_048  # elements up to which a fresh array costs no more than a used one
SHORTEST = 8  # elements of rows from which on products are added up as they are made
RESHAPING = (reshape, expand_dims, squeeze)


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
    """Where values live: ``home`` of those in buffers, and the first buffer of each slot.

    ``summed``: products that are never there as a whole, see `summed_products`.
    """

    home: Mapping[Node, Buffer]
    slots: tuple[Buffer, ...]
    summed: frozenset[Node] = frozenset()


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
            home[s.node] = pool.take(s.node) if taken is None else replace(dying.pop(taken), shape=s.node.shape)
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
    """A value that dies in this step and whose array the new one may overwrite, in a shape of its own."""
    for x in dying:
        if (x.size, x.dtype) == (s.node.size, s.node.dtype) and is_done_with(step, s, x):
            return x
    return None


def is_done_with(step: Step, s: Assign, x: Node) -> bool:
    """Whether nothing reads ``x`` once ``s`` begins to write, but element by element, perhaps in the shape of ``s``."""
    shape = s.node.shape
    if isinstance(step, Assign):
        return is_ufunc(s.node) and any(isinstance(o, Ref) and _reshaped(o.node, x, shape) for o in _operands(s))
    at = next(k for k, m in enumerate(step.members) if m.node is s.node)
    axis = step.members[at].axis
    for k, m in enumerate(step.members):
        for r, cut in m.cut.items():
            if _reshaped(r, x, shape):
                if k > at or cut != axis or (k == at and not is_ufunc(s.node)):
                    return False
            elif r is x or _is_view_of(r, x):
                return False
    return True


def _reshaped(node: Node, base: Node, shape: Shape) -> bool:
    """Whether a value is all of ``base``, element by element, in the given shape."""
    if node.shape != shape:
        return False
    while node is not base and node.op in RESHAPING:
        node = node.inputs[0]
    return node is base


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
    products = summed_products(loop)
    reads = [[r for x in m.cut for r in (inside[x].cut if x in products else (x,))] for m in loop.members]
    last = _last_reads([[base[r] for r in nodes if r in inside] for nodes in reads])
    pool = _Pool(lambda b: (b.dtype, b.shape, b.axis))
    home: dict[Node, Buffer] = {}
    for k, m in enumerate(loop.members):
        needs = m.axis is not None and m.node not in {*loop.stored, *products} and has_form(m.statement)
        dying = {x: home[x] for x in last[k] if x in home}
        if needs:
            taken = _in_place(m, dying, base)
            home[m.node] = pool.take(m.node, m.axis) if taken is None else dying.pop(taken)
        for buffer in dying.values():
            pool.give(buffer)
        if needs and m.node not in last.ever:
            pool.give(home[m.node])
    return Plan(home, tuple(pool.slots), products)


def summed_products(loop: Loop) -> frozenset[Node]:
    """Products that nothing reads but the short sum right after them: `np.einsum` makes and adds them up in one."""
    uses = Counter(x for m in loop.members for x in m.cut)
    pairs = [(p, m) for p, m in pairwise(loop.members) if m.cut.keys() == {p.node} and _is_einsum(m)]
    once = [p for p, _ in pairs if uses[p.node] == 1 and p.node not in loop.stored]
    return frozenset(p.node for p in once if p.node.op in (multiply, square) and _is_wide(p.statement))


def _is_wide(s: Assign) -> bool:
    """Whether an operation on whole arrays has rows that are worth being added up as they are made."""
    width = s.node.shape[-1]
    whole = all(isinstance(x, Ref) and x.node.type == s.node.type for x in _operands(s))
    return whole and isinstance(width, int) and width >= SHORTEST


def _is_einsum(m: Member) -> bool:
    """Whether a member is a sum that `np.einsum` computes."""
    return bool(short_sum(m.node)) and (m.axis is not None or not m.node.attrs["keepdims"])


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
