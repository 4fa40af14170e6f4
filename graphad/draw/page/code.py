"""Code on the page: what was generated, and the lines of the user, each with the cards that it stands for."""

import linecache
import os
from collections.abc import Iterator, Mapping, Sequence

from graphad.draw.page.model import Model
from graphad.ir.core import Node
from graphad.lower.code import Code
from graphad.lower.compile import Function
from graphad.lower.program import Assign, Expression, Loop, Program, Save, applied

WIDEST = 240  # letters of a line
JOINED = 3  # lines between two that are shown, which are then shown, too


def generated(model: Model, function: Function) -> list[dict[str, object]]:
    """The readable and, where it is another, the fast code; ``lines``: line -> cards, the first is what it computes."""
    codes = {"readable": function._lowering.code("readable"), "fast": function._code}
    if codes["fast"].source == codes["readable"].source:
        del codes["fast"]
    return [
        {"style": style, "text": code.source.splitlines(), "lines": _lines(model, code)}
        for style, code in codes.items()
    ]


def _lines(model: Model, code: Code) -> dict[int, list[int]]:
    """The cards that each line computes."""
    parts = dict(_parts(code.program))
    found: dict[int, list[int]] = {}
    for line, owner in code.lines.items():
        found[line] = model.cards_of([owner, *parts.get(owner, ())])
    source = code.source.splitlines()
    results = [r for r in code.program.results if not isinstance(r, str)]
    returned = model.cards_of(n for r in results for n in applied(r))
    last = max((k for k, text in enumerate(source, 1) if text.startswith("    return ")), default=0)
    if returned and last and last not in found:
        found[last] = returned
    return {line: cards for line, cards in sorted(found.items()) if cards}


def _parts(program: Program) -> Iterator[tuple[Node, list[Node]]]:
    """For each statement its node, and the nodes that its expression computes."""
    for s in program.statements:
        for one in [m.statement for m in s.members] if isinstance(s, Loop) else [s]:
            if isinstance(one, Assign | Save):
                value: Expression = one.value
                yield one.node, [n for n in applied(value) if n is not one.node]
    for body in program.bodies.values():
        yield from _parts(body)


def written_by(model: Model) -> list[dict[str, object]]:
    """The user's files, without their folders: the lines that cards are from, and what stands in short gaps between."""
    files: dict[str, dict[int, list[int]]] = {}
    for k, node in enumerate(model.nodes):
        if node.origin.line:
            files.setdefault(node.origin.file, {}).setdefault(node.origin.line, []).append(k)
    names = _names(list(files))
    return [{"file": names[file], "lines": _rows(file, lines)} for file, lines in files.items()]


def _rows(file: str, lines: Mapping[int, list[int]]) -> list[list[object]]:
    """Number, text and cards of each line that is shown."""
    shown: list[int] = []
    for k in sorted(lines):
        if shown and k - shown[-1] <= JOINED + 1:
            shown += range(shown[-1] + 1, k)
        shown.append(k)
    return [[k, linecache.getline(file, k).rstrip()[:WIDEST], lines.get(k, [])] for k in shown]


def _names(files: Sequence[str]) -> dict[str, str]:
    """Files by their last name, and with their folder where two have the same."""
    last = {f: os.path.basename(f) for f in files}
    twice = {n for n in last.values() if list(last.values()).count(n) > 1}
    return {f: f"{os.path.basename(os.path.dirname(f))}/{n}" if n in twice else n for f, n in last.items()}
