"""What an op states about itself: one derivative fact, where it may be sampled, worked calls.

The kinds of derivative are exactly these; an op has one of them, and both directions are read off it in
`autodiff/rules.py`. The functions take and return nodes (see `core.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Partials = Callable[..., Sequence[Any]]  # of nodes, numbers, or None for zero
Cotangents = Callable[..., Sequence[Any]]  # of nodes, or None for an input that is not differentiable


@dataclass(frozen=True, slots=True)
class Elementwise:
    """``partials(*x, out, **attrs)`` gives one partial per input (None: zero); vjp: g*p_i, jvp: sum of t_i*p_i."""

    partials: Partials


@dataclass(frozen=True, slots=True)
class Linear:
    """``transpose(g, *x, **attrs)`` gives one cotangent per input (None: not differentiable); jvp: the op on tangents.

    Linear in all differentiable inputs jointly; integer and boolean inputs (indices, masks) are kept as they are.
    """

    transpose: Cotangents


@dataclass(frozen=True, slots=True)
class Multilinear:
    """Linear in each differentiable input alone, ``transpose`` as in `Linear`; jvp: sum of op(x with x_i := t_i)."""

    transpose: Cotangents


@dataclass(frozen=True, slots=True)
class Custom:
    """``vjp(g, out, *x, **attrs)`` gives a cotangent per input; ``jvp(tangents, out, *x, **attrs)`` the tangent of out.

    A missing jvp is derived: it is the vjp of the vjp, which is linear in the cotangent.
    """

    vjp: Cotangents
    jvp: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """Zero almost everywhere (floor, sign, comparisons) or no inputs at all."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """No derivative: asking for one raises DifferentiationError with this reason, never a silent zero."""

    reason: str


Derivative = Elementwise | Linear | Multilinear | Custom | Constant | Undefined


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an input is sampled by tests and checks: the open interval (low, high)."""

    low: float = -3.0
    high: float = 3.0


class Case:
    """A worked call of an op for tests and checks: inputs (shapes are sampled, arrays taken as they are), attributes.

    >>> Case((2, 3), axis=1)
    Case((2, 3), axis=1)
    """

    __slots__ = ("attrs", "inputs")

    def __init__(self, *inputs: Any, **attrs: Any) -> None:
        self.inputs, self.attrs = inputs, attrs

    def __repr__(self) -> str:
        return f"Case({', '.join([*map(repr, self.inputs), *(f'{k}={v!r}' for k, v in self.attrs.items())])})"
