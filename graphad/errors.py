"""Every error that graphad raises: what happened, where in the user's code, and how to fix it.

An error message has at most twelve lines and speaks of the user's names, sizes and lines, never of internals:

    ShapeError: matmul: inner sizes differ: 64 and 32
      x   f64[batch, 64]   declared at train.py:7
      W2  f64[32, 10]      declared at train.py:9
      in  out = x @ W2     at train.py:14
      hint: W1 has shape (64, 32); did you mean ga.tanh(x @ W1) @ W2 ?

Each class also inherits the built-in exception that a NumPy user would expect to catch.
"""

from collections.abc import Iterable, Sequence

MAX_LINES = 12


class GraphadError(Exception):
    """Base of all graphad errors.

    ``what`` is one sentence; ``where`` holds rows ``(label, text, ...)`` that are printed as an aligned table;
    ``hint`` says how to fix it.
    """

    def __init__(self, what: str, *, where: Sequence[Sequence[str]] = (), hint: str = "") -> None:
        self.what, self.where, self.hint = what, tuple(tuple(row) for row in where), hint
        super().__init__(_compose(what, self.where, hint))


def _compose(what: str, where: tuple[tuple[str, ...], ...], hint: str) -> str:
    """The message: ``what``, an aligned table of as many rows as fit, the hint.

    Long texts of others (a rule's reason, a list of names) are shortened rather than allowed to fill the screen.
    """
    head, tail = what.splitlines()[:4], [f"  hint: {line}" for line in hint.splitlines()[:2]]
    room = MAX_LINES - len(head) - len(tail)
    rows = list(where) if len(where) <= room else [*where[: room - 1], ("...", f"{len(where) - room + 1} more")]
    widths = [
        max((len(row[k]) for row in rows if len(row) > k + 1), default=0) for k in range(max(map(len, rows), default=0))
    ]
    table = ["  " + "  ".join(cell.ljust(widths[k]) for k, cell in enumerate(row)).rstrip() for row in rows]
    return "\n".join([*head, *table, *tail])


class ShapeError(GraphadError, ValueError):
    """Shapes or named sizes do not fit together."""


class AxisError(ShapeError, IndexError):
    """An axis or an index is out of range, or named twice."""


class DTypeError(GraphadError, TypeError):
    """A dtype is not supported, or an operand's dtype does not fit the operator."""


class ArgumentError(GraphadError, TypeError):
    """A call has missing, extra or unusable arguments."""


class GraphError(GraphadError, ValueError):
    """A graph is not well formed: a foreign node, an undeclared input, a cycle, a broken invariant."""


class NodeValueError(GraphadError, TypeError):
    """A node was used where a number is needed: it has no value before the graph runs."""


class DifferentiationError(GraphadError, ValueError):
    """A derivative was asked for that is not defined, or a rule returned the wrong type."""


class RuleError(DifferentiationError):
    """A derivative rule returned what cannot be the derivative, such as one of another type."""


class RewriteError(GraphadError, ValueError):
    """A rewrite rule fails, or changes a value more than it states.

    ``rule`` is its name; ``reproduction`` the text of a script that fails in the same way ("" where there is none).
    """

    def __init__(
        self, what: str, *, where: Sequence[Sequence[str]] = (), hint: str = "", rule: str = "", reproduction: str = ""
    ) -> None:
        self.rule, self.reproduction = rule, reproduction
        super().__init__(what, where=where, hint=hint)


class SerializationError(GraphadError, ValueError):
    """A stored graph cannot be read."""


class MissingDependencyError(GraphadError, ImportError):
    """An optional package (or program) is needed and not installed."""


class ExportError(GraphadError, ValueError):
    """A file cannot be written, or not in the form that was asked for.

    ``result``: where that was the checkpoint of a training, what was reached.
    """

    result: object = None


class NonFiniteError(GraphadError, FloatingPointError):
    """A result holds nan or inf (``check_nan="blame"``).

    ``op`` is what made the first bad value that reaches a result ("argument" or "constant" where it was given so),
    ``file`` and ``line`` are the user's, ``forward`` is the op that a backward node serves, "" for a forward one.
    ``result``: where a training was stopped by it, what was reached before.
    """

    op = file = forward = ""
    line = 0
    result: object = None


class MemoryBudgetError(GraphadError, ValueError):
    """``max_bytes`` cannot be met. ``floor``: the least number of bytes that was found."""

    floor = 0
    max_bytes = 0


def check_choice(what: str, value: object, known: Iterable[object]) -> None:
    """Raise ArgumentError for an argument that is none of the known words (or values, such as None)."""
    choices = tuple(known)
    if not any(value is k or (isinstance(value, str) and value == k) for k in choices):
        raise ArgumentError(f"{what}={value!r} is not known", hint=f"use one of {', '.join(map(repr, choices))}")
