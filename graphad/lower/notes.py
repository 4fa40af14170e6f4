"""The note on a failure inside generated code: which of the user's lines the failing expression comes from.

A statement may hold several of the user's expressions. Python says which columns failed; the part of the statement that
prints as the text there is the one.
"""

import itertools
from collections.abc import Iterator, Mapping
from types import TracebackType

from graphad.ir.core import Node, label
from graphad.lower.emit import render
from graphad.lower.program import Apply, Assign, Copy, Expression, Program, Save, Write


def add_note(problem: Exception, file: str, source: str, lines: Mapping[int, Node], parts: "Parts") -> None:
    """Say of every frame of ``problem`` in the generated ``file`` which line of the user it stands for."""
    traceback: TracebackType | None = problem.__traceback__
    while traceback:
        node = lines.get(traceback.tb_lineno)
        if traceback.tb_frame.f_code.co_filename == file and node is not None:
            node = parts.of(node).get(_squeezed(_failing_text(traceback, source)), node)
            origin = node.origin
            problem.add_note(f"in {label(node)} : {node.type}, from {origin.location}: {origin.source_line()}")
        traceback = traceback.tb_next


class Parts:
    """The texts that make up each statement of a program."""

    def __init__(self, program: Program, names: Mapping[Node, str]) -> None:
        self._program, self._names = program, names

    def of(self, owner: Node) -> dict[str, Node]:
        """The node behind each text in the statements that belong to ``owner``."""
        found: dict[str, Node] = {}
        for s in self._program.statements:
            if not isinstance(s, Assign | Save | Write) or isinstance(s.value, str):
                continue
            applied = list(_applications(s.value))
            if (applied[0].node if applied else None) is owner or getattr(s, "node", None) is owner:
                found |= {_squeezed(render(a, self._names).text): a.node for a in applied}
        return found


def _applications(expression: Expression) -> Iterator[Apply]:
    """The ops in an expression, the outermost first."""
    if isinstance(expression, Copy):
        yield from _applications(expression.value)
    if isinstance(expression, Apply):
        yield expression
        for operand in expression.operands:
            yield from _applications(operand)


def _failing_text(traceback: TracebackType, source: str) -> str:
    """The source text of the instruction that failed."""
    positions = traceback.tb_frame.f_code.co_positions()
    first, last, start, end = next(itertools.islice(positions, traceback.tb_lasti // 2, None), (None,) * 4)
    if first is None or last is None or start is None:
        return ""
    lines = [line.encode() for line in source.splitlines()[first - 1 : last]]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b" ".join(lines).decode(errors="replace")


def _squeezed(text: str) -> str:
    return "".join(text.split())
