"""Marks between the statements of generated code, which add up how long each of them takes.

The source is parsed, a mark is set after every statement (in loops, and in functions that hold loops, too), and that is
compiled: the time between two marks belongs to the statement that ends at the second.
"""

import ast
import builtins
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from graphad.lower.code import Code

now = time.perf_counter


class Statement(NamedTuple):
    """Its text, and the first and last line of it in the generated source."""

    code: str
    first: int
    last: int


class Clock:
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
        self.seconds[k] += now() - self.last
        self.calls[k] += 1
        self.last = now()

    def enter(self) -> None:
        """A function has begun: the time until here belongs to the statement that called it."""
        self.seconds[self.caller] += now() - self.last
        self.last = now()

    def call(self, k: int) -> None:
        """A statement that calls functions with marks of their own begins."""
        self.caller = k


def marked(code: Code, name: str, clock: Clock) -> tuple[Callable[..., Any], list[Statement]]:
    """The generated function with marks, and the statements that they number."""
    tree = ast.parse(code.source)
    owned = {d.name for d in tree.body if isinstance(d, ast.FunctionDef) and _owns(code, d)} | {name}
    marker = _Marker(code.source, owned)
    for definition in tree.body:
        if isinstance(definition, ast.FunctionDef) and definition.name in owned:
            definition.body = marker.function(definition.body)
    scope = {f"{marker.name}_{method}": getattr(clock, method) for method in ("mark", "enter", "call")}
    exec(builtins.compile(ast.fix_missing_locations(tree), code.file, "exec"), scope)
    return scope[name], marker.statements


def _owns(code: Code, definition: ast.FunctionDef) -> bool:
    """Whether the lines of a definition stand for nodes; helpers of ops do not, they count with what calls them."""
    return any(k in code.lines for k in range(definition.lineno, (definition.end_lineno or 0) + 1))


class _Marker:
    """Puts marks between statements."""

    def __init__(self, source: str, owned: set[str]) -> None:
        self.owned = owned
        self.statements: list[Statement] = []
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
            self.statements.append(Statement(head, s.lineno, s.body[0].lineno - 1))
            yield from self._compound(s, k)
            return
        self.statements.append(Statement(ast.unparse(s), s.lineno, s.end_lineno or s.lineno))
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


def cost() -> float:
    """Seconds of a mark that fall into the statement before it."""
    if not _COST:
        clock = Clock()
        clock.clear(1000)
        clock.last = now()
        for k in range(1000):
            clock.mark(k)
        _COST.append(median(clock.seconds[1:1000]))
    return _COST[0]


_COST: list[float] = []
