"""``f.profile(*args)``: where a compiled function spends its time, by generated line, node and line of the user.

What runs is the generated code with marks between its statements (`marks.py`). Loops run on one thread meanwhile, so
that times add up.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.late import install
from graphad.lower.code import Code
from graphad.lower.compile import Function
from graphad.lower.marks import Clock, Statement, cost, marked, now
from graphad.lower.pool import serial

SECONDS = 0.2  # to spend, unless ``repeat`` says how often to run
MOST = 40  # lines that are printed
WIDEST = 72  # columns of a line of code


@dataclass(frozen=True)
class Row:
    """A statement of the generated code, or a line of the user: seconds and runs in one call, and where it stands."""

    seconds: float
    calls: int
    code: str
    line: int  # in the generated source; 0 for a line of the user
    node: Node | None = field(compare=False)
    file: str  # the user's
    user_line: int

    @property
    def location(self) -> str:
        """The user's file and line, as ``train.py:14``."""
        return f"{self.file.replace(chr(92), '/').rpartition('/')[2]}:{self.user_line}" if self.user_line else ""


@dataclass(frozen=True)
class Profile:
    """Times of one call (medians), the longest first; prints as a table.

    ``total``: a call as it usually runs. ``timed``: what the statements of ``rows`` take together, on one thread.
    ``overhead``: what the timers added to a call; the rows are already without it. ``repeat``: runs made. ``source``:
    the generated code that ran, which for small arrays is not the one with loops.
    """

    name: str
    rows: tuple[Row, ...]
    total: float
    overhead: float
    repeat: int
    source: str = field(default="", repr=False)

    @property
    def timed(self) -> float:
        """Seconds in the statements of one call."""
        return sum(r.seconds for r in self.rows)

    def by_line(self) -> "Profile":
        """The same by the lines of the user: forward and backward together."""
        groups: dict[tuple[str, int], list[Row]] = {}
        for row in self.rows:
            groups.setdefault((row.file, row.user_line), []).append(row)
        rows = [_joined(group) for group in groups.values()]
        return Profile(self.name, _sorted(rows), self.total, self.overhead, self.repeat, self.source)

    def __str__(self) -> str:
        ms = [f"{1e3 * t:.4g} ms" for t in (self.total, self.timed, self.overhead)]
        title = f"{self.name}: {ms[0]} a call, {ms[1]} in its statements (timers: {ms[2]}); {self.repeat} runs"
        shown, left = self.rows[:MOST], self.rows[MOST:]
        numbered = any(r.line for r in shown)
        cells = [("ms", "%", "runs", *(["line"] if numbered else []), "code", "from")]
        whole = self.timed or 1.0
        for r in shown:
            numbers = (f"{1e3 * r.seconds:.4f}", f"{100 * r.seconds / whole:.1f}", str(r.calls))
            cells.append((*numbers, *([str(r.line)] if numbered else []), _short(r.code), r.location))
        more = [f"... and {len(left)} more: {1e3 * sum(r.seconds for r in left):.4f} ms"] if left else []
        return "\n".join([title, *_table(cells), *more])

    __repr__ = __str__


def profile(
    function: Function, *args: Any, repeat: int | None = None, rng: np.random.Generator | None = None, **kwargs: Any
) -> Profile:
    """Time every statement of a function on the given arguments, as in a call.

    ``repeat``: how often to run, for about 0.2 s unless given. Arguments that the function updates are copied before,
    and the generator ``rng`` too. Raises ArgumentError, and what a call raises.

    >>> import graphad as ga
    >>> x = ga.input("x", ("n",))
    >>> "np.exp(x)" in str(ga.compile([x], ga.sum(ga.exp(x))).profile(np.ones(1000), repeat=5))
    True
    """
    if repeat is not None and (not isinstance(repeat, int) or repeat < 1):
        raise ArgumentError(f"profile: repeat={repeat!r} is no number of runs", hint="use 1, 2, ...")
    draws = {} if rng is None else {"rng": rng}
    call = _Call(function, args, kwargs, rng)
    call.whole(draws)  # raises what a call raises, and warms up
    clock = Clock()
    timed_run, statements = marked(call.code, function.name, clock)
    plain: list[float] = []
    timed: list[float] = []
    samples = []
    with serial():
        end = now() + SECONDS
        while len(timed) < (repeat or 3) or (repeat is None and now() < end):
            clock.clear(len(statements))
            timed.append(call.bare(timed_run))
            samples.append(clock.seconds)
            plain.append(call.bare(call.code.run))
    usual = [call.whole(draws) for _ in range(min(len(plain), 25))]  # its loops may use threads
    call.end()
    seconds = np.median(np.array(samples), axis=0)
    rows = [_row(call.code, s, float(t), n) for s, t, n in zip(statements, seconds, clock.calls, strict=False) if n]
    overhead = max(median(timed) - median(plain), 0.0)
    return Profile(function.name, _sorted(rows), median(usual), overhead, len(timed), call.code.source)


class _Call:
    """A call that can be made again and again: nothing of the user's is changed."""

    def __init__(self, function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], rng: Any) -> None:
        self.function, self.rng = function, rng
        self.arrays, self.spaces = function._arguments.check(args, kwargs)
        self.taken = self.spaces.take()
        code, work = self.taken or (None, ())
        self.work: tuple[Any, ...] = work
        self.code: Code = code or function._code
        updated = set(function._lowering.targets)
        self.updated = [x in updated for x in function.declared.inputs]

    def whole(self, draws: Mapping[str, Any]) -> float:
        """Seconds of a call as the user makes it."""
        values, started = self._values(), now()
        self.function(*values, **copy.deepcopy(draws))
        return now() - started

    def bare(self, run: Callable[..., Any]) -> float:
        """Seconds of the generated function alone."""
        values = [*self._values(), *([] if self.rng is None else [copy.deepcopy(self.rng)]), *self.work]
        started = now()
        run(*values)
        return now() - started

    def end(self) -> None:
        """Hand the workspace back."""
        self.spaces.give(self.taken)

    def _values(self) -> list[Any]:
        return [a.copy(order="K") if new else a for a, new in zip(self.arrays, self.updated, strict=True)]


def _row(code: Code, statement: Statement, seconds: float, calls: int) -> Row:
    text, first, last = statement
    node = next((code.lines[k] for k in range(first, last + 1) if k in code.lines), None)
    file, line = (node.origin.file, node.origin.line) if node is not None else ("", 0)
    return Row(max(seconds - calls * cost(), 0.0), calls, text, first, node, file, line)


# Tables --------------------------------------------------------------------------------------------------------------


def _sorted(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda r: (-r.seconds, r.line, r.file, r.user_line)))


def _joined(rows: Sequence[Row]) -> Row:
    """The statements of one line of the user."""
    node, first = rows[0].node, rows[0]
    code = node.origin.source_line() if node is not None else "(generated)"
    seconds, calls = sum(r.seconds for r in rows), sum(r.calls for r in rows)
    return Row(seconds, calls, code, 0, node, first.file, first.user_line)


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 4]} ..."


def _table(cells: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned columns: numbers to the right, the last two, text, to the left."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    texts = len(widths) - 2
    rows = []
    for row in cells:
        columns = [c.rjust(w) if k < texts else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        rows.append("  ".join(columns).rstrip())
    return rows


install(**{"Function.profile": profile})
