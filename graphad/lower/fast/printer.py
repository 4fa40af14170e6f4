"""The printer of the fast style: loops become functions of their own, values are written to the buffers of the plan.

t2 = np.add(t0, t1, b0)      the value t2 lives in buffer b0
d_x_t = d_x[lo:hi]           _t: the piece of an array that the loop works on
"""

from collections.abc import Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ir.types import Shape
from graphad.lower.emit import mentioned, source_of, uses_rng
from graphad.lower.fast import chunk_helpers
from graphad.lower.fast.buffers import Buffer
from graphad.lower.fast.forms import choice_helper, mean_count, takes_rows
from graphad.lower.fast.lifetimes import deleted
from graphad.lower.fast.loop_printer import LoopPrinter, empty, shape_text, typed
from graphad.lower.fast.program import FastProgram
from graphad.lower.fast.tile_sizes import is_heavy
from graphad.lower.fast.writer import Writer
from graphad.lower.names import Names, of_buffers
from graphad.lower.program import Apply, Assign, Loop, Member, Program, Statement
from graphad.lower.wrap import wrap
from graphad.ops.elementwise import sigmoid
from graphad.ops.indexing import NEW, Slice
from graphad.ops.piecewise import where
from graphad.ops.reduce import mean


def caller(loop: Loop) -> str:
    """The helper that calls a loop in chunks, for threads; none where these do not pay.

    Nor where chunks that are far from each other may add to the same elements.
    """
    if not is_heavy(loop):
        return ""
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


class FastPrinter(Writer):
    """Writes a fast program: its loops, the function that makes its buffers, and the function itself."""

    locals = ("work", "apart")

    def __init__(self, program: Program, names: Names) -> None:
        super().__init__(program, names)
        self.loops: dict[int, LoopPrinter] = {}
        self.called: dict[int, str] = {}  # the function of each loop
        self.scratch: dict[str, str] = {}  # the scratch arrays of each of these functions
        self.making: dict[str, str] = {}  # and the expressions that make them
        self.gone: dict[int, list[Node]] = {}  # what is deleted after each statement
        self.name = ""
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
        written = [m.node for loop in loops for m in loop.members]
        written += program.calls.home if isinstance(program, FastProgram) else []
        if isinstance(program, FastProgram) and program.written_over:
            called |= {"alone", "with_copies"}
        called |= {helper for node in written if node.op is where and (helper := choice_helper(node))}
        called |= {"over_rows"} if any(takes_rows(node) for node in written) else set()
        called |= {"sigmoid"} if any(node.op is sigmoid for node in written) else set()
        found = Writer.helpers(program) | {name: source_of(getattr(chunk_helpers, name)) for name in called}
        return dict(sorted(found.items()))

    @staticmethod
    def imports(program: Program) -> tuple[str, ...]:
        """With what `alone` looks at."""
        is_over = isinstance(program, FastProgram) and bool(program.written_over)
        return (*Writer.imports(program), *["import warnings"] * is_over)

    def function(self, name: str, doc: str) -> None:
        """The loops, the buffers and the function."""
        plan, self.name = self.fast.calls, name
        self.names.of.update({y: self.names.of[x] for x, y in self.fast.rooms.items()})
        self.gone = {id(self.fast.statements[k]): nodes for k, nodes in deleted(self.fast).items()}
        prefix = of_buffers(self.fast.graph.nodes)
        for buffer in (*plan.slots, *plan.home.values()):
            if buffer.target is None and (buffer.slot, buffer.shape) not in self.views:
                self.views[buffer.slot, buffer.shape] = self.names.unique(f"{prefix}{buffer.slot}")
        written: dict[str, str] = {}
        for loop, pieces in self.fast.loops:
            printer = self.loops[id(loop)] = LoopPrinter(self.fast, self.names, loop, pieces)
            function = self.called[id(loop)] = self._loop_function(printer, name, written)
            if function not in self.scratch:
                self.scratch[function] = self.names.unique(f"scratch_{len(self.scratch) + 1}")
                self.making[function] = printer.scratch()
        if self.has_work():
            self.work = self.names.unique(f"{name}_work")
            self._work_function()
        super().function(name, doc)

    def globals(self) -> list[str]:
        """With the functions of loops."""
        return [*super().globals(), *self.called.values()]

    def made(self) -> str:
        """The expression that makes the workspace."""
        return f"{self.work}({', '.join(self.work_sizes)})" if self.work else ""

    def _loop_function(self, printer: LoopPrinter, name: str, written: dict[str, str]) -> str:
        """The name of a loop's function, which is written unless there is one of the same text."""
        body = printer.body()
        key = printer.key()
        if key not in written:
            written[key] = self.names.unique(f"{name}_loop_{len(written) + 1}")
            head = printer.first_lines(written[key])
            first = printer.loop.members[0].node
            owners = dict.fromkeys(range(1, len(head) + 1), first)
            owners |= {k + len(head): n for k, n in printer.owners.items()}
            self.insert(len(self.lines), [*head, *body, "", ""], owners)
        return written[key]

    def has_work(self) -> bool:
        """Whether a call needs a workspace."""
        return bool(self.views or self.loops)

    def extra(self) -> list[str]:
        """The workspace, which a caller may hand in; and whether what is written in place is known to be apart."""
        return [*["work=None"] * self.has_work(), *["apart=False"] * bool(self.fast.written_over)]

    def prologue(self) -> list[str]:
        """The first lines of the function: the buffers get their names."""
        if not self.has_work():
            return self._apart()
        names = [*self.views.values(), *self.scratch.values()]
        text = f"{', '.join(names)}{',' if len(names) == 1 else ''} = work or {self.work}({', '.join(self.work_sizes)})"
        return [*self._apart(), *wrap(text, "    ")]

    def _apart(self) -> list[str]:
        """The test that nothing else is read where the function writes before it has computed everything."""
        inputs, over = self.fast.graph.inputs, set(self.fast.written_over)
        if not over:
            return []
        written = "".join(f"{self.names.of[x]}, " for x in inputs if x in over)
        others = "".join(f"{self.names.of[x]}, " for x in inputs if x not in over)
        place = {x: k for k, x in enumerate(inputs)}
        places = "".join(f"{place[x]}, " for x in self.fast.updates)  # in the order in which they are written
        given = "".join(f"{self.names.of[x]}, " for x in inputs) + ("rng, " if uses_rng(self.fast) else "")
        texts = [
            f"({t.rstrip(' ') if t.count(',') == 1 else t.rstrip(', ')})" for t in (written, others, given, places)
        ]
        call = f"return with_copies({self.name}, {texts[2]}, {texts[3]})"
        return [*wrap(f"if not apart and not alone({texts[0]}, {texts[1]}):", "    "), *wrap(call, "        ")]

    def room(self, part: Node) -> str:
        """The array that the results of all turns of a loop are written to: a buffer, if they are not returned."""
        buffer = self.fast.calls.home.get(part)
        return super().room(part) if buffer is None else self._array(buffer)

    def _is_alone(self, x: Node) -> bool:
        return super()._is_alone(x) and x not in self.fast.calls.home  # where later values come to lie

    def _array(self, buffer: Buffer) -> str:
        """The name of the array that is written to."""
        return self.views[buffer.slot, buffer.shape] if buffer.target is None else self.names.of[buffer.target]

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
        for function, scratch in self.scratch.items():
            returned.append(scratch)
            lines.append(f"{scratch} = {self.making[function]}")
        lines.append(f"    return {', '.join(returned)}{',' if len(returned) == 1 else ''}")
        self.work_sizes = mentioned(self.fast.graph.sizes, lines)
        header = [
            f"def {self.work}({', '.join(self.work_sizes)}):",
            '    """The arrays that one call computes in; another may use them after it."""',
        ]
        self.lines += [*header, *(w for line in lines for w in wrap(line.strip(), "    ")), "", ""]

    def statement(self, s: Statement) -> None:
        """One statement, and the large arrays that are not needed after it."""
        self._statement(s)
        if gone := self.gone.get(id(s)):
            self.put(wrap(f"del {', '.join(self.names.of[x] for x in gone)}", "    "), gone[0])

    def _statement(self, s: Statement) -> None:
        if isinstance(s, Loop):
            self._loop(s)
        elif isinstance(s, Assign) and (buffer := self.fast.calls.home.get(s.node)):
            assert isinstance(s.value, Apply)
            operands = [self.direct.render(x) for x in s.value.operands]
            self.write(s.node, operands, self._array(buffer), "    ")
        else:
            super().statement(s)

    def _loop(self, loop: Loop) -> None:
        """The call of a loop: where its results go, and how its parts are added up."""
        printer = self.loops[id(loop)]
        for node in printer.written:
            buffer = self.fast.calls.home.get(node)
            text = self._array(buffer) if buffer else empty(node.shape, node.dtype)
            if self.names.add(node) != text:
                self.add(f"{self.names.add(node)} = {text}", node)
            if printer.inside[node].is_spread:
                self.add(f"{self.names.add(node)}.fill(0)", node)
        first = loop.members[0].node
        length, rows, rest = str(loop.length), str(printer.rows), ", ".join(printer.arguments())
        function = self.called[id(loop)]
        scratch = self.scratch[function]
        by = caller(loop)
        call = f"{by}({function}, {length}, {rows}, {scratch}, {rest})"
        if not by:
            call = f"[{function}(0, {length}, {rows}, {scratch}[0], {rest})]"
        if not printer.sums:
            self.add(call, first)
            return
        parts = self.names.unique("parts")
        self.add(f"{parts} = {call}", first)
        for k, m in enumerate(printer.sums):
            text = typed(f"total({parts}, {k})", m.node)
            if m.node.op is mean:  # of a NumPy number, which may be divided by 0
                text += f" / {mean_count(m.node)}"
            self.add(f"{self.names.add(m.node)} = {text}", m.node)
