"""What an attribute of an op may be: each type carries the function that brings the user's value into normal form.

An op's signature uses these as annotations: ``def sum(x: Node, axis: Axes = None)``. The function is called once, when
the node is built, with the value and the op's input nodes; it raises in the user's words.
"""

import math
import operator
from collections.abc import Sequence
from typing import Annotated, Any

from graphad.errors import ArgumentError, AxisError
from graphad.ir.core import Node, fail, label
from graphad.ir.types import DType, Shape, as_dtype, as_shape


def as_int(value: Any, what: str, *nodes: Node) -> int:
    """An int, whatever kind of integer it was. Raises ArgumentError saying what it is for."""
    try:
        return operator.index(value)
    except TypeError:
        fail(ArgumentError, f"{what} must be an int, not {type(value).__name__}", *nodes)


def as_float(value: Any, what: str, low: float, high: float) -> float:
    """A Python float if it is a number with low ≤ value ≤ high. Raises ArgumentError saying what it is for."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        fail(ArgumentError, f"{what} must be a number, not {type(value).__name__}")
    if not low <= number <= high or number == math.inf:
        limits = f"lie between {low:g} and {high:g}" if high < math.inf else f"be at least {low:g} and finite"
        fail(ArgumentError, f"{what} must {limits}, not {number:g}")
    return number


def normal_axis(axis: Any, nodes: Sequence[Node], extra: int = 0) -> int:
    """One axis, counted from the front; ``extra`` axes are about to be added."""
    x = nodes[0]
    if isinstance(axis, bool):
        fail(ArgumentError, "axis must be an int, not bool", x)
    k = as_int(axis, "axis", x)
    ndim = x.ndim + extra
    if not -ndim <= k < ndim:
        hint = f"use an axis from {-ndim} to {ndim - 1}" if ndim else "a scalar has no axes"
        fail(AxisError, f"axis {k} is out of range: {label(x)} has {x.ndim} axes", x, hint=hint)
    return k % ndim


def normal_axes(axis: Any, nodes: Sequence[Node]) -> tuple[int, ...] | None:
    """Several axes, sorted; None means all of them and is the only way to say so."""
    if axis is None:
        return None
    axes = [normal_axis(a, nodes) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if len(set(axes)) < len(axes):
        fail(AxisError, f"axis {axis} names an axis twice", nodes[0])
    return None if len(axes) == nodes[0].ndim else tuple(sorted(axes))


def all_axes(x: Node, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes that a normal form stands for."""
    if isinstance(axis, int):
        return (axis,)
    return tuple(range(x.ndim)) if axis is None else axis


def _flag(value: Any, nodes: Sequence[Node]) -> bool:
    return bool(value)


def _shape(value: Any, nodes: Sequence[Node]) -> Shape:
    return as_shape(value)


def _dtype(value: Any, nodes: Sequence[Node]) -> DType:
    return as_dtype(value)


def _dtype_or_none(value: Any, nodes: Sequence[Node]) -> DType | None:
    return None if value is None else as_dtype(value)


Axis = Annotated[int, normal_axis]
Axes = Annotated[int | tuple[int, ...] | None, normal_axes]
Flag = Annotated[bool, _flag]
ShapeAttr = Annotated[Shape, _shape]
DTypeAttr = Annotated[DType, _dtype]
OptionalDType = Annotated[DType | None, _dtype_or_none]
