"""Order: sort, argsort, searchsorted. Gradients go through the permutation."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Constant, Custom, Node, Op, fail, label, op
from graphad.ir.types import TensorType
from graphad.ops.attributes import Axis
from graphad.ops.fit import expand_dims, promoting
from graphad.ops.index import index
from graphad.ops.leaves import arange, as_node, plain

_CASES = (
    Case((5,)),
    Case((2, 3), axis=0),
    Case((3, 2, 4), axis=1),
    Case((0,)),
    Case((1,)),
    Case(("n", 3), axis=0),
)


def take_along(x: Node, indices: Node, axis: int) -> Node:
    """The elements at ``indices`` along an axis, which fit all other axes of ``x``."""
    key = []
    for k in range(x.ndim):
        others = tuple(j for j in range(x.ndim) if j != k)
        key.append(indices if k == axis else expand_dims(arange(x.shape[k]), others))
    return index(x, tuple(key))


def _sort_vjp(g: Node, out: Node, x: Node, axis: int) -> Sequence[Node]:
    """The inverse permutation, which sorts the sorting one."""
    return (take_along(g, argsort(argsort(x, axis), axis), axis),)


@op(
    numpy="np.sort({x}, {axis})",
    derivative=Custom(_sort_vjp, lambda tangents, out, x, axis: take_along(tangents[0], argsort(x, axis), axis)),
    coerce=plain,
    latex=r"\operatorname{{sort}}_{{{axis}}}\left({x}\right)",
    cases=_CASES,
    name="sort",
)
def sort_along(x: Node, axis: Axis = -1) -> TensorType:
    """In ascending order along an axis, nan last; of equal elements each keeps its own gradient, in their order."""
    return x.type


@op(
    numpy='np.argsort({x}, {axis}, kind="stable")',
    derivative=Constant(),
    coerce=plain,
    cases=_CASES,
    name="argsort",
    latex=r"\operatorname{{argsort}}_{{{axis}}}\left({x}\right)",
)
def argsort(x: Node, axis: Axis = -1) -> TensorType:
    """The positions of the elements in ascending order along an axis; equal elements keep their order."""
    return TensorType(x.shape, np.dtype("int64"))


def _side(value: Any, nodes: Sequence[Node]) -> str:
    if value not in ("left", "right"):
        fail(ArgumentError, f"searchsorted: side must be 'left' or 'right', not {value!r}", *nodes)
    return str(value)


def _sorted_and_values(op: Op, operands: Sequence[Any]) -> list[Node]:
    nodes = promoting(op, operands)
    if nodes[0].ndim != 1:
        fail(ShapeError, f"searchsorted: {label(nodes[0])} must have one axis", nodes[0])
    return nodes


@op(
    numpy="np.searchsorted({a}, {v}{, side})",
    derivative=Constant(),
    coerce=_sorted_and_values,
    cases=(
        Case(np.array([0.5, 1.0, 2.0]), (2, 3)),
        Case(np.array([0.5, 1.0, 2.0]), (), side="right"),
        Case(np.array([], float), (2,)),
    ),
    name="searchsorted",
)
def search(a: Node, v: Node, side: Annotated[str, _side] = "left") -> TensorType:
    """Where elements would be inserted into a sorted array, as `numpy.searchsorted`."""
    return TensorType(v.shape, np.dtype("int64"))


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Node:
    """Where elements would be inserted into the sorted array ``a`` to keep it sorted, as `numpy.searchsorted`."""
    return search(a if sorter is None else index(as_node(a), sorter), v, side)


OPS = (sort_along, argsort, search)
