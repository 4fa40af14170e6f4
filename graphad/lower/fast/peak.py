"""How many bytes a call of a program adds to the memory of its caller at its worst moment: a formula in the named sizes.

The statements of a program are retold as steps of `memory.py`. The workspace is there from the beginning to the end, and
so are results once they are made; a fresh array lives until it is deleted, or until the function ends. What an op's
NumPy form or a loop's turn allocates besides counts while it runs. Small Python objects are left out.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence

from graphad.ir.core import Node
from graphad.ir.dims import Dim, Size, names, product
from graphad.ir.types import Shape, TupleType
from graphad.lower.alias import is_view
from graphad.lower.fast.buffers import CACHE, Plan, row_bytes, row_width
from graphad.lower.fast.forms import guarded
from graphad.lower.fast.loop_printer import LoopPrinter
from graphad.lower.fast.program import FastProgram, deleted
from graphad.lower.memory import Buffer, Peak, Step, bytes_of, peak
from graphad.lower.names import Names
from graphad.lower.program import Apply, Assign, Copy, Expression, Loop, Program, Ref, Save, references
from graphad.lower.scratch import is_copied, scratch_of

CHUNKS = 8  # at most, of a loop


def program_peak(program: Program, threads: int = 1) -> Peak:
    """The largest number of bytes in use during a call, the first one, which makes the workspace."""
    teller = _Teller(program, threads)
    return peak(teller.steps, teller.results)


def workspace(program: Program, threads: int = 1) -> Size:
    """The bytes that stay between calls: buffers, and scratch arrays of loops for each thread."""
    if not isinstance(program, FastProgram):
        return 0
    total: Size = 0
    for slot in program.calls.slots:
        total = total + slot.dtype.itemsize * product(slot.shape)
    for loop, plan in _functions(program):
        total = total + threads * _rows(loop, plan) * _scratch_row(plan)
    return total


def _functions(program: FastProgram) -> Iterator[tuple[Loop, Plan]]:
    """One loop for each function: loops of the same text share scratch arrays."""
    outer, seen = Names(program.graph, []), set()
    for loop, plan in program.loops:
        printer = LoopPrinter(program, outer, loop, plan)
        text = printer.text()
        if text not in seen:
            seen.add(text)
            yield loop, plan


def _rows(loop: Loop, plan: Plan) -> Size:
    """How many rows the scratch arrays of a loop have."""
    width = row_width(loop, plan)
    if isinstance(width, int):
        return max(1, CACHE // max(width, 1))
    return CACHE // width


def _scratch_row(plan: Plan) -> Size:
    total: Size = 0
    for slot in plan.slots:
        total = total + row_bytes(slot.shape, slot.axis, slot.dtype)
    return total


class _Teller:
    """Makes the steps of a program; ``owner`` is the array that a value lies in, None for what is not counted."""

    def __init__(self, program: Program, threads: int) -> None:
        self.program, self.steps = program, []
