"""How many bytes a call of a program adds to what its caller has in use, at its worst moment: a formula in named sizes.

The statements of a program are retold as steps of `memory.py`. The workspace is there from the beginning to the end, as
in a first call. A fresh array lives until its name is deleted, or the function ends. What an op's NumPy form or the
turns of a loop allocate besides counts while they run. Small Python objects are left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphad.ir.core import Node
from graphad.ir.dims import Size, product
from graphad.lower.alias import is_view
from graphad.lower.fast.buffers import Buffer as Slot
from graphad.lower.fast.buffers import Plan
from graphad.lower.fast.forms import guarded, is_ufunc
from graphad.lower.fast.lifetimes import deleted
from graphad.lower.fast.loop_printer import LoopPrinter
from graphad.lower.fast.program import FastProgram
from graphad.lower.fast.tile_sizes import row_bytes, rows_of_tile, tile_bytes, width_of_rows
from graphad.lower.memory import Buffer, Peak, Step, bytes_of, copies, peak
from graphad.lower.names import Names
from graphad.lower.program import (
    Apply,
    Assign,
    Copy,
    Expression,
    Loop,
    Member,
    Program,
    Ref,
    Save,
    Statement,
    Write,
    references,
)
from graphad.lower.scratch import count, scratch_of

BUFFER = 8192  # elements that NumPy's iterators hold at a time
CHUNKS = 8  # at most, of a loop
ELIDED = 1 << 18  # bytes from which on NumPy computes a nested expression in the array of its first operand


def program_peak(program: Program, threads: int = 1) -> Peak:
    """The largest number of bytes in use during the first call of a program."""
    teller = _Teller(program, threads)
    return peak(teller.steps, teller.kept)


def workspace_bytes(program: Program, threads: int = 1) -> Size:
    """What stays between calls: buffers, and scratch arrays of loops for each thread."""
    if not isinstance(program, FastProgram):
        return 0
    total: Size = 0
    for slot in program.calls.slots:
        total = total + slot.dtype.itemsize * product(slot.shape)
    for loop, plan in functions(program):
        total = total + threads * _rows(loop, plan) * _scratch_row(plan)
    return total


def functions(program: FastProgram) -> Iterator[tuple[Loop, Plan]]:
    """One loop for each function: loops of the same text share scratch arrays."""
    outer, seen = Names(program.graph, []), set()
    for loop, plan in program.loops:
        printer = LoopPrinter(program, outer, loop, plan)
        printer.body()
        text = printer.key()
        if text not in seen:
            seen.add(text)
            yield loop, plan


def _rows(loop: Loop, plan: Plan) -> Size:
    """How many rows the scratch arrays of a loop have."""
    rows = rows_of_tile(loop, plan)
    return tile_bytes(loop, plan) // width_of_rows(loop, plan) if isinstance(rows, str) else rows


def _scratch_row(plan: Plan) -> Size:
    return _sum(row_bytes(slot.shape, slot.axis, slot.dtype) for slot in plan.slots)


def _sum(sizes: Iterable[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total


class _Teller:
    """Makes the steps of a program. ``owner``: the buffer that a value lies in; None where that is not counted."""

    def __init__(self, program: Program, threads: int) -> None:
        self.threads = threads
        self.owner: dict[Node, Buffer | None] = {}
        self.home: Mapping[Node, Slot] = {}
        self.pieces: Mapping[int, Plan] = {}
        gone: dict[int, list[Node]] = {}
        if isinstance(program, FastProgram):
            self.home, self.pieces, gone = program.calls.home, program.pieces, deleted(program)
        self.steps = [Step((("work", workspace_bytes(program, threads)),))]
        named: dict[Buffer | None, None] = {"work": None}
        for k, s in enumerate(program.statements):
            named |= dict.fromkeys(self._loop(s, self.pieces[k]) if isinstance(s, Loop) else self._statement(s))
            for node in gone.get(k, ()):
                named.pop(self.owner.get(node), None)
        results = [self._value(r) for r in program.results if not isinstance(r, str)]
        self.kept = [b for b in results if b is not None]
        self._add((), list(named))  # names live until the function ends

    def _add(
        self,
        makes: Sequence[tuple[Buffer, Size]],
        reads: Iterable[Buffer | None],
        over: Sequence[Buffer | None] = (),
        scratch: Size = 0,
    ) -> None:
        there = [tuple(b for b in buffers if b is not None) for buffers in (reads, over)]
        self.steps.append(Step(tuple(makes), there[0], there[1], scratch))

    def _statement(self, s: Statement) -> list[Buffer | None]:
        """Adds the steps of a statement; returns the buffers that it gives names to."""
        if isinstance(s, Save):
            return [self._value(s.value)]
        if isinstance(s, Write) and not isinstance(s.value, str):
            self._value(s.value)
        if not isinstance(s, Assign):
            return []
        if s.node in self.home or s.parts:
            parts = [p for p in s.parts if p is not None and p not in self.home]
            scratch = scratch_of(s.node) + stretched(s)
            self._add([(p, bytes_of(p.type)) for p in parts], map(self.owner.get, references(s.value)), (), scratch)
            self.owner |= {p: p for p in parts}
            return [*parts]
        self.owner[s.node] = self._value(s.value)
        return [self.owner[s.node]]

    def _value(self, value: Expression) -> Buffer | None:
        """Adds the steps of an expression; returns the buffer of its value."""
        match value:
            case Ref(node):
                return self.owner.get(node)
            case Copy(Ref(node) | Apply(node, _) as inner):
                return self._made(node, [self._value(inner)])
            case Apply(node, operands):
                buffers = [self._value(x) for x in operands]
                if is_view(node) and not copies(node):
                    self._add((), buffers)
                    return buffers[0] if buffers else None
                size = bytes_of(node.type)
                pays = is_ufunc(node) and (not isinstance(size, int) or size >= ELIDED)
                nameless = zip(operands, buffers, strict=True)
                over = [b for x, b in nameless if pays and isinstance(x, Apply) and not is_view(x.node)]
                return self._made(node, buffers, over, scratch_of(node))
        return None

    def _made(
        self, node: Node, reads: Sequence[Buffer | None], over: Sequence[Buffer | None] = (), scratch: Size = 0
    ) -> Buffer:
        """A fresh array; NumPy writes it over a large operand that has no name."""
        buffer = (node, len(self.steps))
        self._add([(buffer, bytes_of(node.type))], reads, over, scratch)
        return buffer

    def _loop(self, loop: Loop, plan: Plan) -> list[Buffer | None]:
        """The results of a loop, parts of sums, and what its turns allocate."""
        results = [m.node for m in loop.members if m.node in loop.stored or m.axis is None]
        fresh = [n for n in results if n not in self.home]
        self.owner |= {n: n for n in fresh}
        reads = [self.owner.get(x) for m in loop.members for x in m.cut]
        self._add([(n, bytes_of(n.type)) for n in fresh], reads, (), self._turns(loop, plan))
        return [*fresh]

    def _turns(self, loop: Loop, plan: Plan) -> Size:
        """Pieces without a buffer, the one of the turn before beside a new one, and the parts of sums."""
        rows, length = _rows(loop, plan), loop.length
        chunks = CHUNKS
        several = True
        if isinstance(rows, int) and isinstance(length, int):
            several = length > rows
            chunks = -(-length // (rows * max(2, -(-length // (CHUNKS * rows)))))
            rows = min(rows, length)
        pieces, most, fixed = [], [0], 0
        for m in loop.members:
            if m.axis is None:
                continue
            width = row_bytes(m.node.shape, m.axis, m.node.dtype)
            is_held = m.node in plan.home or m.node in {*loop.stored, *plan.summed} or is_view(m.node)
            if not is_held and guarded(m.statement) is None:
                pieces.append(width)
                most.append(count(width) * several)
            most.append(count(_scratch_of_row(m)))
            fixed = max(fixed, stretched(m.statement))
        sums = _sum(bytes_of(m.node.type) for m in loop.members if m.axis is None and not m.is_spread)
        return (chunks + 1) * sums + self.threads * (rows * (_sum(pieces) + max(most)) + fixed)


def stretched(s: Assign) -> int:
    """The buffers into which NumPy copies operands that it stretches along rows which are shorter than a buffer."""
    node = s.node
    if not isinstance(s.value, Apply) or "elementwise" not in node.op.traits or not node.ndim:
        return 0
    if isinstance(node.shape[-1], int) and node.shape[-1] >= BUFFER:
        return 0
    shapes = [x.node.shape for x in s.value.operands if isinstance(x, Ref)]
    several = [shape for shape in shapes if shape != node.shape and product(shape) != 1]
    return len(several) * node.dtype.itemsize * min(BUFFER, count(product(node.shape)))


def _scratch_of_row(m: Member) -> Size:
    """The temporaries of a member, for one row."""
    x = m.node.inputs[0]
    elements = product(size for k, size in enumerate(x.shape) if k != m.cut.get(x))
    return scratch_of(m.node, elements)
