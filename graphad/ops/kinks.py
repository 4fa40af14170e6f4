"""Elementwise functions with a kink. Each states in its docstring which derivative it has there; tests hold it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Case, Elementwise, Node, fail, op
from graphad.ir.origin import composite
from graphad.ir.types import TensorType
from graphad.ops.casts import conj
from graphad.ops.elementwise import binary, sign, unary
from graphad.ops.fit import broadcasting
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import indicator, isnan, ufunc_type, where
from graphad.ops.singular import regular


def _absolute_partial(x: Node, out: Node) -> Sequence[Node]:
    """The sign of x; for complex numbers conj(z) / |z|, since |z + dz| = |z| + Re(conj(z)·dz / |z|)."""
    return (conj(x) / regular(out) if x.dtype.kind == "c" else sign(x),)


@unary(
    numpy="np.abs({x})",
    derivative=Elementwise(_absolute_partial),
    sympy=lambda sp, x: sp.Abs(x),
    latex=r"\left| {x} \right|",
)
def absolute(x: Node) -> TensorType:
    """|x|, real also for complex x; the derivative at 0 is 0."""
    return ufunc_type(np.absolute)(x)


@unary(
    numpy="np.maximum({x}, 0)",
    derivative=Elementwise(lambda x, out: (indicator(x > 0, x),)),
    sympy=lambda sp, x: sp.Max(x, 0),
    latex=r"\max\left({x}, 0\right)",
)
def relu(x: Node) -> TensorType:
    """max(x, 0); the derivative at 0 is 0."""
    return TensorType(x.shape, np.dtype("int64") if x.dtype == bool else x.dtype)


def _share(wins: Node, ties: Node, like: Node) -> Node:
    """1 for the winner, one half at a tie, else 0."""
    return where(wins, 1.0, where(ties, 0.5, indicator(wins, like)))


@binary(
    numpy="np.maximum({x}, {y})",
    derivative=Elementwise(lambda x, y, out: (_share(x > y, x == y, out), _share(y > x, x == y, out))),
    sympy=lambda sp, x, y: sp.Max(x, y),
    latex=r"\max\left({x}, {y}\right)",
)
def maximum(x: Node, y: Node) -> TensorType:
    """The larger of x and y; nan if either is. At a tie each has the derivative one half."""
    return ufunc_type(np.maximum)(x, y)


@binary(
    numpy="np.minimum({x}, {y})",
    derivative=Elementwise(lambda x, y, out: (_share(x < y, x == y, out), _share(y < x, x == y, out))),
    sympy=lambda sp, x, y: sp.Min(x, y),
    latex=r"\min\left({x}, {y}\right)",
)
def minimum(x: Node, y: Node) -> TensorType:
    """The smaller of x and y; nan if either is. At a tie each has the derivative one half."""
    return ufunc_type(np.minimum)(x, y)


def _share_of_numbers(x: Node, y: Node, larger: Node, like: Node) -> Node:
    """As `_share`, where a number wins over nan."""
    return _share(larger | (isnan(y) & ~isnan(x)), x == y, like)


@binary(
    numpy="np.fmax({x}, {y})",
    derivative=Elementwise(
        lambda x, y, out: (_share_of_numbers(x, y, x > y, out), _share_of_numbers(y, x, y > x, out))
    ),
    sympy=lambda sp, x, y: sp.Max(x, y),
    latex=r"\max\left({x}, {y}\right)",
)
def fmax(x: Node, y: Node) -> TensorType:
    """The larger of x and y; of a number and nan the number. At a tie each has the derivative one half."""
    return ufunc_type(np.fmax)(x, y)


@binary(
    numpy="np.fmin({x}, {y})",
    derivative=Elementwise(
        lambda x, y, out: (_share_of_numbers(x, y, x < y, out), _share_of_numbers(y, x, y < x, out))
    ),
    sympy=lambda sp, x, y: sp.Min(x, y),
    latex=r"\min\left({x}, {y}\right)",
)
def fmin(x: Node, y: Node) -> TensorType:
    """The smaller of x and y; of a number and nan the number. At a tie each has the derivative one half."""
    return ufunc_type(np.fmin)(x, y)


def _clip_partials(x: Node, low: Node, high: Node, out: Node) -> Sequence[Node]:
    below, above = x < low, x > high
    inside = indicator((x >= low) & (x <= high), out)
    return inside, indicator(below & (low <= high), out), indicator(above | (low > high), out)


@op(
    numpy="np.clip({x}, {low}, {high})",
    derivative=Elementwise(_clip_partials),
    coerce=broadcasting,
    sympy=lambda sp, x, low, high: sp.Min(sp.Max(x, low), high),
    latex=r"\min\left(\max\left({x}, {low}\right), {high}\right)",
    cases=(
        Case((2, 3), np.array(-1.0), np.array(1.0)),
        Case((3,), (3,), np.array([2.0, 2.5, 2.9])),
        Case(("n",), (), ()),
    ),
    traits=("elementwise", "promotes"),
    name="clip",
)
def _clip(x: Node, low: Node, high: Node) -> TensorType:
    """x limited to [low, high], as `numpy.clip`; the derivative with respect to x at both ends is 1."""
    return TensorType(x.shape, x.dtype)


@composite
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Node:
    """x limited to [min, max], as `numpy.clip`; either bound, or both, may be None.

    The derivative to x at both ends is 1 (with a single bound this is `maximum` or `minimum`, and one half).
    Raises ArgumentError when a bound is given under both of its names.
    """
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        fail(ArgumentError, "clip: a bound is given twice")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if high is None:
        return as_node(x) if low is None else maximum(x, low)
    return minimum(as_node(x), high) if low is None else _clip(x, low, high)


OPS = (absolute, relu, maximum, minimum, fmax, fmin, _clip)
