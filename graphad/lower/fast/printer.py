"""The printer of the fast style: loops become functions of their own, values are written to the buffers of the plan.

t2 = np.add(t0, t1, b0)      the value t2 lives in buffer b0
d_x_t = d_x[lo:hi]           _t: the piece of an array that the loop works on
"""

import inspect
import re
from collections.abc import Sequence
from typing import Any

from graphad.form.template import Expr
from graphad.ir.core import Node
from graphad.ir.types import Shape
from graphad.lower.emit import Printer, helpers_of, render
from graphad.lower.fast import chunk_helpers
from graphad.lower.fast.forms import into
from graphad.lower.fast.fusion import Loop, Member
from graphad.lower.fast.loop_printer import LoopPrinter, empty, shape_text, typed
from graphad.lower.fast.program import FastProgram
from graphad.lower.names import Names
from graphad.lower.program import Apply, Assign, Program, Statement
from graphad.lower.wrap import wrap
from graphad.ops.indexing import NEW, Slice
from graphad.ops.reduce import mean

COPIES = "np.copyto("  # returns None: the name of the value is given by a line of its own


def caller(loop: Loop) -> str:
    """The helper that calls a loop; none where chunks that are far from each other may add to the same elements."""
    offsets = [_offsets(m) for m in loop.members if m.is_spread]
    if all(len(found) == 1 for found in offsets):
        return "in_chunks"
    known = all(isinstance(k, int) for found in offsets for k in found)
    return "in_waves" if known and all(max(found) - min(found) <= 2 for found in offsets) else ""


def _offsets(m: Member) -> list[Any]:
    """Where the values that are placed begin along the axis that is cut."""
    node, axis = m.node, next(iter(m.cut.values()))
    indices = [node.attrs["index"]] if "index" in node.attrs else node.attrs["indices"]
    return [_start(index, axis or 0) for index in indices]


def _start(index: Sequence[Any], axis: int) -> Any:
    """The first position of an index along one axis of what it takes; None where that is not known."""
    spans = [e for e in index if e is NEW or isinstance(e, Slice)]
    if axis >= len(spans):
        return 0
    span = spans[axis]
    return (span.start or 0) if isinstance(span, Slice) and span.step in (None, 1) else None


class FastPrinter(Printer):
    """Writes a fast program: its loops, the function that makes its buffers, and the function itself."""

    locals = ("start", "stop", "rows", "scratch", "lo", "hi", "work")

    def __init__(self, program: Program, names: Names) -> None:
        super().__init__(program, names)
        assert isinstance(program, FastProgram)
        self.fast = program
        self.loops: dict[int, LoopPrinter] = {}
        self.views: dict[tuple[int, Shape], str] = {}  # the name of each slot in each shape

    @staticmethod
    def helpers(program: Program) -> dict[str, str]:
        """Those of the ops, and what loops are called by."""
        loops = [s for s in program.statements if isinstance(s, Loop)]
        called = {caller(loop) for loop in loops} - {""}
        called |= {"borders"} if called else set()
        called |= (
            {"total"} if any(m.axis is None and not m.is_spread for loop in loops for m in loop.members) else set()
        )
        found = helpers_of(program) | {name: inspect.getsource(getattr(chunk_helpers, name)) for name in called}
        return dict(sorted(found.items()))

    def function(self, name: str, doc: str) -> None:
        """The loops, the buffers and the function."""
        plan = self.fast.calls
        for buffer in (*plan.slots, *plan.home.values()):
            if (buffer.slot, buffer.shape) not in self.views:
                self.views[buffer.slot, buffer.shape] = self.names.unique(f"b{buffer.slot}")
        for k, (loop, pieces) in enumerate(self.fast.loops, start=1):
            printer = LoopPrinter(
                self, loop, pieces, self.names.unique(f"{name}_loop_{k}" if k > 1 else f"{name}_loop")
            )
            self.loops[id(loop)] = printer
            printer.function()
        if self.has_work():
            self.work = self.names.unique(f"{name}_work")
            self._work_function()
        super().function(name, doc)

    def has_work(self) -> bool:
        """Whether a call needs a workspace."""
        return bool(self.views or self.loops)

    def extra(self) -> list[str]:
        """The workspace, which a caller may hand in."""
        return ["work=None"] if self.has_work() else []

    def prologue(self) -> list[str]:
        """The first lines of the function: the buffers get their names."""
        if not self.has_work():
            return []
        names = [*self.views.values(), *(loop.scratch for loop in self.loops.values())]
        text = f"{', '.join(names)}{',' if len(names) == 1 else ''} = work or {self.work}({', '.join(self.work_sizes)})"
        return wrap(text, "    ")

    def _work_function(self) -> None:
        """The function that makes all buffers of a call."""
        lines, returned = [], []
        made: dict[int, str] = {}
        for buffer in self.fast.calls.slots:
            made[buffer.slot] = self.views[buffer.slot, buffer.shape]
            lines.append(f"    {made[buffer.slot]} = {empty(buffer.shape, buffer.dtype)}")
        for (slot, shape), name in self.views.items():
            returned.append(name)
            if name != made[slot]:
                lines.append(f"    {name} = {made[slot]}.reshape({shape_text(shape)})")
        for loop in self.loops.values():
            returned.append(loop.scratch)
            lines += loop.scratch_lines()
        lines.append(f"    return {', '.join(returned)}{',' if len(returned) == 1 else ''}")
        words = set(re.findall(r"[A-Za-z_]\w*", "\n".join(lines)))
        self.work_sizes = [s for s in self.fast.graph.sizes if s in words]
        header = [
            f"def {self.work}({', '.join(self.work_sizes)}):",
            '    """The arrays that one call computes in; another may use them after it."""',
        ]
        self.lines += [*header, *(w for line in lines for w in wrap(line.strip(), "    ")), "", ""]

    def statement(self, s: Statement) -> None:
        """One statement."""
        if isinstance(s, Loop):
            self._loop(s)
        elif isinstance(s, Assign) and (buffer := self.fast.calls.home.get(s.node)):
            assert isinstance(s.value, Apply)
            operands = [render(x, self.names.of) for x in s.value.operands]
            self.write(s.node, operands, self.views[buffer.slot, buffer.shape], "    ")
        else:
            super().statement(s)

    def forms(self, node: Node, operands: Sequence[Expr], out: str) -> list[str]:
        """The statements, without the name of the value; none where NumPy offers no such form."""
        return into(node, operands, out) or []

    def write(self, node: Node, operands: Sequence[Expr], out: str, indent: str) -> None:
        """The statements that compute a node into ``out``."""
        forms = self.forms(node, operands, out)
        name = self.names.add(node)
        for form in forms[:-1]:
            self.add(form, node, indent)
        if name == out or not forms[-1].startswith("np.") or forms[-1].startswith(COPIES):
            self.add(forms[-1], node, indent)
            if name != out:
                self.add(f"{name} = {out}", node, indent)
        else:
            self.add(f"{name} = {forms[-1]}", node, indent)

    def _loop(self, loop: Loop) -> None:
        """The call of a loop: where its results go, and how its parts are added up."""
        printer = self.loops[id(loop)]
        for node in printer.written:
            buffer = self.fast.calls.home.get(node)
            text = self.views[buffer.slot, buffer.shape] if buffer else empty(node.shape, node.dtype)
            self.add(f"{self.names.add(node)} = {text}", node)
            if printer.inside[node].is_spread:
                self.add(f"{self.names.add(node)}.fill(0)", node)
        first = loop.members[0].node
        length, rows, rest = str(loop.length), str(printer.rows), ", ".join(printer.arguments())
        call = f"{caller(loop)}({printer.name}, {length}, {rows}, {printer.scratch}, {rest})"
        if not caller(loop):
            call = f"[{printer.name}(0, {length}, {rows}, {printer.scratch}[0], {rest})]"
        if not printer.sums:
            self.add(call, first)
            return
        parts = self.names.unique("parts")
        self.add(f"{parts} = {call}", first)
        for k, m in enumerate(printer.sums):
            text = f"total({parts}, {k})"
            if m.node.op is mean:
                text += f" / {printer.count(m)}"
            self.add(f"{self.names.add(m.node)} = {typed(text, m.node)}", m.node)
