"""Running sums and products along an axis, and the recurrence that is the derivative of a running product."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.ir.core import Case, Custom, Linear, Node, op
from graphad.ir.types import TensorType
from graphad.ops.attributes import Axis, OptionalDType
from graphad.ops.casts import cast
from graphad.ops.elementwise import multiply
from graphad.ops.fit import accumulator, broadcasting, ones
from graphad.ops.helpers import linear_recurrence as linear_recurrence_numpy
from graphad.ops.index import concatenate, flip, index
from graphad.ops.leaves import plain

_CASES = (
    Case((5,), axis=0),
    Case((2, 3), axis=1),
    Case((2, 3, 2), axis=-2),
    Case((0, 3), axis=0),
    Case((1,), axis=0),
    Case(("n", 2), axis=0),
)


def reverse_cumsum(g: Node, axis: int) -> Node:
    """Sums from each element to the end."""
    return flip(cumsum(flip(g, axis), axis=axis), axis)


@op(
    numpy="np.cumsum({x}, axis={axis}{, dtype})",
    derivative=Linear(lambda g, x, axis, dtype: (cast(reverse_cumsum(g, axis), x.dtype),)),
    coerce=plain,
    cases=_CASES,
    latex=r"\operatorname{{cumsum}}_{{{axis}}}\left({x}\right)",
)
def cumsum(x: Node, axis: Axis, dtype: OptionalDType = None) -> TensorType:
    """Sums from the first element to each one along an axis."""
    return TensorType(x.shape, dtype or accumulator(x.dtype))


def shifted(x: Node, axis: int, first: float) -> Node:
    """Each element at the place of the next one, the number ``first`` at the first place; the last element is lost."""
    before = (slice(None),) * axis
    head = ones((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype) * first
    return concatenate([head, index(x, (*before, slice(None, -1)))], axis=axis)


def _cumprod_vjp(g: Node, out: Node, x: Node, axis: int, dtype: Any) -> Sequence[Node]:
    """dx[i] = out[i-1]·r[i] with r[i] = g[i] + x[i+1]·r[i+1]: nothing is divided, so zeros are exact at every order."""
    if x.shape[axis] == 0:
        return (cast(g, x.dtype),)
    factors = shifted(flip(cast(x, out.dtype), axis), axis, 0)
    r = flip(linear_recurrence(factors, flip(g, axis), axis=axis), axis)
    return (cast(shifted(out, axis, 1) * r, x.dtype),)


@op(
    numpy="np.cumprod({x}, axis={axis}{, dtype})",
    derivative=Custom(_cumprod_vjp),
    coerce=plain,
    cases=(*_CASES, Case(np.array([2.0, 0.0, 3.0, 0.0, 1.5]), axis=0)),
    latex=r"\operatorname{{cumprod}}_{{{axis}}}\left({x}\right)",
)
def cumprod(x: Node, axis: Axis, dtype: OptionalDType = None) -> TensorType:
    """Products from the first element to each one along an axis; derivatives are exact where factors are zero."""
    return TensorType(x.shape, dtype or accumulator(x.dtype))


def _recurrence_vjp(g: Node, out: Node, a: Node, b: Node, axis: int) -> Sequence[Node]:
    """The recurrence from the end, r[i] = g[i] + a[i+1]·r[i+1], is the cotangent of b; r[i]·y[i-1] is that of a[i]."""
    r = flip(linear_recurrence(shifted(flip(a, axis), axis, 0), flip(g, axis), axis=axis), axis)
    return multiply(r, shifted(out, axis, 0)), r


@op(
    numpy="linear_recurrence({a}, {b}, {axis})",
    derivative=Custom(_recurrence_vjp),
    coerce=broadcasting,
    latex=r"\operatorname{{recurrence}}_{{{axis}}}\left({a}, {b}\right)",
    cases=(
        Case((5,), (5,), axis=0),
        Case((2, 3), (2, 3), axis=1),
        Case((1,), (1,), axis=0),
        Case(("n",), ("n",), axis=0),
    ),
    helpers=(linear_recurrence_numpy,),
)
def linear_recurrence(a: Node, b: Node, axis: Axis) -> TensorType:
    """y[i] = a[i]·y[i-1] + b[i] along an axis, starting from 0 (Blelloch 1990, section 1.4.1)."""
    return a.type


def exclusive_products(x: Node, axis: int) -> Node:
    """The product of all other elements along an axis, for each element; without dividing."""
    before = shifted(cumprod(x, axis=axis), axis, 1)
    after = flip(shifted(cumprod(flip(x, axis), axis=axis), axis, 1), axis)
    return before * after


OPS = (cumsum, cumprod, linear_recurrence)
