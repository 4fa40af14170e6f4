"""``f.profile(*args)``: where a compiled function spends its time, by generated line, node and line of the user.

The generated source is parsed, a mark is set after every statement (of loops and of the functions that hold loops too),
and that runs instead: the time between two marks belongs to the statement that ends at the second. Loops run on one
thread meanwhile, so times add up.
"""

import ast
import builtins
import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.late import install
from graphad.lower.compile import Function
from graphad.lower.pool import serial

SECONDS = 0.2  # to spend, unless ``repeat`` says how often to run
MOST = 40  # lines that are printed
WIDEST = 72  # columns of a line of code

_now = time.perf_counter


@dataclass(frozen=True)
class Row:
    """A statement of the generated code, or a line of the user: seconds and runs in one call, and where it stands."""

    seconds: float
    calls: float
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
    """Times of one call, the longest first; prints as a table.

    ``total``: a call as it usually runs (median). ``timed``: what the statements of ``rows`` take together, on one
    thread. ``overhead``: what the timers added to a call; the rows are already without it. ``repeat``: runs made.
    """

    name: str
    rows: tuple[Row, ...]
    total: float
    overhead: float
    repeat: int

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
        return Profile(self.name, _sorted(rows), self.total, self.overhead, self.repeat)

    def __str__(self) -> str:
        ms = [f"{1e3 * t:.4g} ms" for t in (self.total, self.timed, self.overhead)]
        title = f"{self.name}: {ms[0]} a call, {ms[1]} in its statements (timers: {ms[2]}); {self.repeat} runs"
        shown, left = self.rows[:MOST], self.rows[MOST:]
        numbered = any(r.line for r in shown)
        cells = [("ms", "%", "runs", *(["line"] if numbered else []), "code", "from")]
        whole = self.timed or 1.0
        for r in shown:
            numbers = (f"{1e3 * r.seconds:.4f}", f"{100 * r.seconds / whole:.1f}", f"{r.calls:g}")
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
    >>> print(ga.compile([x], ga.sum(ga.exp(x))).profile(np.ones(1000), repeat=5).rows[0].code)
    return np.sum(np.exp(x))
    """
    if repeat is not None and (not isinstance(repeat, int) or repeat < 1):
        raise ArgumentError(f"profile: repeat={repeat!r} is no number of runs", hint="use 1, 2, ...")
    clock = _Clock()
    marked = copy.copy(function)
    marked._run, statements = _marked(function, clock)
    call = _Call(function, args, kwargs, rng)
    call.seconds(function)  # raises what a call raises, and warms up
    with serial():
        call.seconds(marked)
        clock.clear(len(statements))
        plain, timed = [], []
        end = _now() + SECONDS
        while len(timed) < (repeat or 3) or (repeat is None and _now() < end):
            clock.caller = -1
            timed.append(call.seconds(marked))
            plain.append(call.seconds(function))
    usual = [call.seconds(function) for _ in range(min(len(plain), 25))]  # loops may use threads again
    rows = [_row(function, s, clock.seconds[k], clock.calls[k], len(timed)) for k, s in enumerate(statements)]
    overhead = max(median(timed) - median(plain), 0.0)
    return Profile(function.name, _sorted([r for r in rows if r.calls]), median(usual), overhead, len(timed))


class _Call:
    """A call that can be made again and again: nothing of the user's is changed."""

    def __init__(self, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any], rng: Any) -> None:
        updated = set(function.program.updates)
        self.places = {k for k, x in enumerate(function.graph.inputs) if x in updated}
        self.names = {x.name for x in updated}
        self.args, self.kwargs, self.rng = args, kwargs, rng

    def seconds(self, function: Function) -> float:
        """Call, and say how long it took."""
        args = [_copied(v) if k in self.places else v for k, v in enumerate(self.args)]
        kwargs = {k: _copied(v) if k in self.names else v for k, v in self.kwargs.items()}
        if self.rng is not None:
            kwargs["rng"] = copy.deepcopy(self.rng)
        started = _now()
        function(*args, **kwargs)
        return _now() - started


def _copied(value: Any) -> Any:
    return value.copy(order="K") if isinstance(value, np.ndarray) and value.flags.writeable else value


def _row(function: Function, statement: "_Statement", seconds: float, calls: int, runs: int) -> Row:
    code, first, last = statement
    node = next((function.lines[k] for k in range(first, last + 1) if k in function.lines), None)
    file, line = (node.origin.file, node.origin.line) if node is not None else ("", 0)
    return Row(max(seconds - calls * _cost(), 0.0) / runs, calls / runs, code, first, node, file, line)


# Marks ---------------------------------------------------------------------------------------------------------------


class _Statement(NamedTuple):
    """Its text, and the first and last line of it in the generated source."""

    code: str
    first: int
    last: int


class _Clock:
    """Adds up the time between marks, by statement."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.calls: list[int] = []
        self.caller = -1
        self.last = 0.0

    def clear(self, count: int) -> None:
        """Forget all times."""
        self.seconds, self.calls = [0.0] * (count + 1), [0] * (count + 1)
        self.caller = -1  # the last entry: what lies before the function is nobody's

    def mark(self, k: int) -> None:
        """A statement has ended."""
        self.seconds[k] += _now() - self.last
        self.calls[k] += 1
        self.last = _now()

    def enter(self) -> None:
        """A function has begun: the time until here belongs to the statement that called it."""
        self.seconds[self.caller] += _now() - self.last
        self.last = _now()

    def call(self, k: int) -> None:
        """A statement that calls functions with marks of their own begins."""
        self.caller = k


def _marked(function: Function, clock: _Clock) -> tuple[Callable[..., Any], list[_Statement]]:
    """The function with marks, and the statements that they number."""
    tree = ast.parse(function.source)
    owned = {d.name for d in tree.body if isinstance(d, ast.FunctionDef) and _owns(function, d)} | {function.name}
    marker = _Marker(function.source, owned)
    for definition in tree.body:
        if isinstance(definition, ast.FunctionDef) and definition.name in owned:
            definition.body = marker.function(definition.body)
    clock.clear(len(marker.statements))
    scope = dict(getattr(function._run, "__globals__", {})) | {
        f"{marker.name}_{m}": getattr(clock, m) for m in ("mark", "enter", "call")
    }
    exec(builtins.compile(ast.fix_missing_locations(tree), function._file, "exec"), scope)
    return scope[function.name], marker.statements


def _owns(function: Function, definition: ast.FunctionDef) -> bool:
    """Whether the lines of a definition stand for nodes; helpers of ops do not, they count with what calls them."""
    return any(k in function.lines for k in range(definition.lineno, (definition.end_lineno or 0) + 1))


class _Marker:
    """Puts marks between statements."""

    def __init__(self, source: str, owned: set[str]) -> None:
        self.owned = owned
        self.statements: list[_Statement] = []
        self.lines = source.splitlines()
        self.name = "_clock"
        while self.name in source:
            self.name += "_"

    def function(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The body of a function: with a mark where it begins."""
        return [self._put("enter", body[0]), *self.block(body)]

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Statements with marks between them."""
        return [s for statement in body for s in self.statement(statement)]

    def statement(self, s: ast.stmt) -> Iterator[ast.stmt]:
        if isinstance(s, ast.FunctionDef):
            self.owned.add(s.name)
            s.body = self.function(s.body)
            yield s
            return
        if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant):  # a docstring
            yield s
            return
        k = len(self.statements)
        if isinstance(s, (ast.For, ast.While, ast.With, ast.If, ast.Try)):
            head = self.lines[s.lineno - 1].partition("  #")[0].strip()
            self.statements.append(_Statement(head, s.lineno, s.body[0].lineno - 1))
            yield from self._compound(s, k)
            return
        self.statements.append(_Statement(ast.unparse(s), s.lineno, s.end_lineno or s.lineno))
        if any(isinstance(n, ast.Name) and n.id in self.owned for n in ast.walk(s)):
            yield self._put("call", s, k)
        if isinstance(s, ast.Return) and s.value is not None:
            result = f"{self.name}_result"
            yield ast.copy_location(ast.Assign([ast.Name(result, ast.Store())], s.value), s)
            yield self._put("mark", s, k)
            yield ast.copy_location(ast.Return(ast.Name(result, ast.Load())), s)
            return
        if isinstance(s, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
            yield s
            return
        yield s
        yield self._put("mark", s, k)

    def _compound(self, s: Any, k: int) -> Iterator[ast.stmt]:
        """A block: its head is timed apart from what it holds."""
        head = self._put("mark", s, k)
        for part in ("body", "orelse", "finalbody"):
            if getattr(s, part, None):
                setattr(s, part, [head, *self.block(getattr(s, part))])
        for handler in getattr(s, "handlers", ()):
            handler.body = [head, *self.block(handler.body)]
        yield s

    def _put(self, what: str, s: ast.stmt, *args: int) -> ast.stmt:
        call = ast.Call(ast.Name(f"{self.name}_{what}", ast.Load()), [ast.Constant(k) for k in args], [])
        return ast.copy_location(ast.Expr(call), s)


def _cost() -> float:
    """Seconds of a mark that fall into the statement before it."""
    if not _COST:
        clock = _Clock()
        clock.clear(1000)
        for k in range(1000):
            clock.mark(k)
        _COST.append(median(clock.seconds[1:1000]))
    return _COST[0]


_COST: list[float] = []


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
