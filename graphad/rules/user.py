"""Rules of users: ``@ga.rewrite(exact=True)`` makes a function a rule, and its mistakes speak of the user's lines."""

import inspect
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from graphad.errors import ArgumentError, RewriteError
from graphad.ir.core import Node, Op, describe
from graphad.ops import BY_NAME
from graphad.rules.engine import Table


@dataclass(frozen=True, eq=False)
class UserRule:
    """A rewrite rule: ``function(node)`` gives an equal node, or None where it does not apply.

    ``exact``: the same bits, but for the sign of a zero and the payload of a nan. ``ops``: the ops of the nodes that it
    is tried on; all where there are none.
    """

    function: Callable[[Node], Node | None]
    exact: bool
    ops: tuple[Op, ...] = ()

    def __post_init__(self) -> None:
        for key in ("__name__", "__module__", "__qualname__"):
            object.__setattr__(self, key, getattr(self.function, key, "rule"))
        object.__setattr__(self, "__doc__", inspect.getdoc(self.function))
        object.__setattr__(self, "__wrapped__", self.function)

    @property
    def name(self) -> str:
        """What errors and reports call it."""
        return getattr(self.function, "__name__", "rule")

    def __repr__(self) -> str:
        return f"<rewrite {self.name}: {equation(self)}>"

    def __call__(self, node: Node) -> Node | None:
        """What stands in the node's place, of its type. Raises RewriteError naming the rule and the user's line."""
        try:
            new = self.function(node)
        except Exception as problem:
            line = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == _file(self)]
            place = f"at {os.path.basename(line[-1].filename)}:{line[-1].lineno}" if line else ""
            where = [("raised", (line[-1].line if line else "") or "?", place)]
            reason = str(problem).partition("\n")[0]
            message = f"rewrite {self.name} raised {type(problem).__name__}" + (f": {reason}" if reason else "")
            raise RewriteError(message, where=[*_rows(self, node), *where], rule=self.name) from problem
        if new is None or (isinstance(new, Node) and new.type == node.type):
            return new
        if not isinstance(new, Node):
            hint = "return a node, or None where the rule does not apply"
            self._wrong(node, f"gave {type(new).__name__} {new!r}", hint)
        self._wrong(node, f"turned {node.type} into {new.type}", "keep shape and dtype: ga.broadcast_to, .astype")

    def _wrong(self, node: Node, what: str, hint: str) -> NoReturn:
        raise RewriteError(f"rewrite {self.name} {what}", where=_rows(self, node), hint=hint, rule=self.name)


def rewrite(
    *, exact: bool, ops: Iterable[Op | Callable[..., Node] | str] = ()
) -> Callable[[Callable[[Node], Node | None]], UserRule]:
    """Make a function of a node a rewrite rule, for ``ga.compile(..., rewrites=[rule])``.

    The function gives an equal node of the same type, or None where the rule does not apply; its docstring is its
    equation. ``exact``: the result has the same bits (the sign of a zero aside), also for inf and nan; otherwise only
    rounding may change, and what was inf or nan may become finite. ``ops``: the functions whose nodes it looks at,
    such as ``[ga.exp]``; without them it is tried on every node. ``ga.compile(..., verify=True)`` holds it to its word.

    >>> import graphad as ga
    >>> @ga.rewrite(exact=True, ops=[ga.abs])
    ... def abs_twice(node):
    ...     "abs(abs(x)) = abs(x)"
    ...     (x,) = node.inputs
    ...     return x if x.op is node.op else None
    >>> x = ga.input("x")
    >>> len(ga.compile([x], abs(abs(x)), rewrites=[abs_twice]).graph.nodes)
    2
    """
    listed = tuple(map(_op, ops if isinstance(ops, Iterable) else [ops]))

    def declare(function: Callable[[Node], Node | None]) -> UserRule:
        if not callable(function):
            raise ArgumentError(f"rewrite: {type(function).__name__} is not a function of a node")
        return UserRule(function, bool(exact), listed)

    return declare


def _op(given: Op | Callable[..., Node] | str) -> Op:
    """An op, or the one that a function of the same name builds."""
    if isinstance(given, Op):
        return given
    name = given if isinstance(given, str) else getattr(given, "__name__", repr(given))
    if name not in BY_NAME:
        hint = "leave ops out, and look at node.op.name in the rule"
        raise ArgumentError(f"rewrite: {name} in ops= is not an op but a function built of ops", hint=hint)
    return BY_NAME[name]


def as_rules(rules: Sequence[UserRule]) -> tuple[UserRule, ...]:
    """The rules that a user passes. Raises ArgumentError for anything else."""
    listed = tuple(rules) if isinstance(rules, Iterable) else (rules,)
    for rule in listed:
        if not isinstance(rule, UserRule):
            name = getattr(rule, "__name__", type(rule).__name__)
            raise ArgumentError(f"rewrites: {name} is not a rule", hint="decorate it: @ga.rewrite(exact=True)")
    return listed


def tables(rules: Sequence[UserRule]) -> tuple[Table, tuple[UserRule, ...]]:
    """The rules by the ops that they look at, and those for any op."""
    ops = dict.fromkeys(op for rule in rules for op in rule.ops)
    by_op = {op: tuple(rule for rule in rules if any(op is o for o in rule.ops)) for op in ops}
    return by_op, tuple(rule for rule in rules if not rule.ops)


def equation(rule: Callable[..., object]) -> str:
    """The first sentence of a rule's docstring: its equation."""
    doc = inspect.getdoc(rule) if not isinstance(rule, UserRule) else rule.__doc__
    return (doc or "").partition("\n")[0].strip()


def declared_at(rule: Callable[..., object]) -> str:
    """File and line of a rule, such as ``train.py:7``; "" where unknown."""
    code = getattr(inspect.unwrap(rule), "__code__", None)
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code else ""


def _file(rule: UserRule) -> str:
    code = getattr(inspect.unwrap(rule.function), "__code__", None)
    return code.co_filename if code else ""


def _rows(rule: UserRule, node: Node) -> list[tuple[str, ...]]:
    """Rows for an error's table: the rule, and the node that it was applied to with the user's line."""
    place = declared_at(rule)
    origin = node.origin
    rows: list[tuple[str, ...]] = [("rule", equation(rule) or rule.name, f"declared at {place}" if place else "")]
    rows.append(("on", " ".join(describe(node)[:2]), ""))
    if origin.location:
        rows.append(("in", origin.source_line() or "?", f"at {origin.location}"))
    return rows
