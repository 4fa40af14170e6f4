"""Points where a derivative is infinite or missing: rules mark them here, and whoever differentiates says what happens.

A rule writes ``0.5 / regular(out)`` instead of ``0.5 / out``. Outside of a `guarding` block that is the same; the
policies are in `autodiff/singular.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any

import numpy as np

from graphad.ir.core import Case, Linear, Node, op
from graphad.ir.types import TensorType
from graphad.ops.helpers import check_regular as check_regular_numpy
from graphad.ops.leaves import plain

Guard = Callable[[Node, Node | None], Node]

_guard: ContextVar[Guard | None] = ContextVar("guard", default=None)


@contextmanager
def guarding(guard: Guard) -> Iterator[None]:
    """While this runs, rules hand their singular points to ``guard(divisor, bad)``."""
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)


def regular(divisor: Node, bad: Node | None = None) -> Node:
    """A value that a partial divides by, or raises to a negative power, guarded where it is 0 (or where ``bad``).

    A guard that puts infinity there makes the partial 0.
    """
    guard = _guard.get()
    return divisor if guard is None else guard(divisor, bad)


def _text(value: Any, nodes: Sequence[Node]) -> str:
    return str(value)


@op(
    numpy="check_regular({x}, {bad}, {where})",
    derivative=Linear(lambda g, x, bad, where: (g, None)),
    coerce=plain,
    cases=(Case((3,), np.zeros(3, bool), where="sqrt"), Case(("n",), np.array(False), where="log")),
    helpers=(check_regular_numpy,),
    traits=("view",),
)
def check_regular(x: Node, bad: Node, where: Annotated[str, _text]) -> TensorType:
    """The same values, after a check at run time that nothing is ``bad``; raises FloatingPointError saying where."""
    return x.type


OPS = (check_regular,)
