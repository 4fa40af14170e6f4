"""Norms of vectors and matrices, of every order that NumPy has. Each is finite and has the derivative 0 at 0."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, AxisError, ShapeError
from graphad.functional.reductions import max
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import product
from graphad.ir.origin import composite
from graphad.ops.attributes import normal_axis
from graphad.ops.casts import as_float, cast, part_dtype
from graphad.ops.decompositions import svd
from graphad.ops.elementwise import power
from graphad.ops.fit import expand_dims, squeeze, sum
from graphad.ops.kinks import absolute
from graphad.ops.layout import moveaxis, reshape
from graphad.ops.linalg import euclidean_norm
from graphad.ops.piecewise import equal, not_equal, where
from graphad.ops.reduce import min
from graphad.ops.tuples import items

Axes = int | Sequence[int] | None


@composite
def norm(x: Any, ord: Any = None, axis: Axes = None, keepdims: bool = False) -> Node:
    """The norm of vectors (one axis) or matrices (two), as `numpy.linalg.norm` in every order.

    Vectors: None, inf, -inf, 0 or any p for (Σ |x|ᵖ)^(1/p). Matrices: None, "fro", "nuc", inf, -inf, 1, -1, 2, -2.
    Without ``axis`` and ``ord`` the length of all elements. Where a largest element or a singular value is reached
    several times they share the derivative. Raises ArgumentError, AxisError, ShapeError.
    """
    node = as_float(x)
    if axis is None:
        if ord is None:
            return euclidean_norm(node, None, keepdims)
        if node.ndim not in (1, 2):
            what = f"norm: of the order {ord} there is one of vectors and matrices, {label(node)} has {node.ndim} axes"
            fail(ShapeError, what, node, hint="say which axes are meant: axis=...")
        axis = tuple(range(node.ndim))
    axes = [normal_axis(k, [node]) for k in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if len(axes) == 1:
        return _vector_norm(node, ord, axes, keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        fail(AxisError, f"norm: axis must name one axis or two different ones, not {axis}", node)
    return _matrix_norm(node, ord, axes[0], axes[1], keepdims)


@composite
def vector_norm(x: Any, /, *, axis: Axes = None, keepdims: bool = False, ord: Any = 2) -> Node:
    """The norm of the elements over any axes, all of them unless given, as `numpy.linalg.vector_norm`."""
    node = as_float(x)
    given = range(node.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [normal_axis(k, [node]) for k in given]
    if 2 < len(axes) < node.ndim:  # NumPy's norm takes two axes at most, or all
        flat = moveaxis(node, axes, range(len(axes)))
        flat = reshape(flat, (product(flat.shape[: len(axes)]), *flat.shape[len(axes) :]))
        out = _vector_norm(flat, ord, [0], False)
        return expand_dims(out, tuple(axes)) if keepdims else out
    return _vector_norm(node, ord, axes, keepdims)


@composite
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Node:
    """The norm of matrices, as `numpy.linalg.matrix_norm`: over the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


def _vector_norm(x: Node, ord: Any, axes: Sequence[int], keepdims: bool) -> Node:
    axis = tuple(axes)
    if ord is None or _is(ord, 2):
        return euclidean_norm(x, axis, keepdims)
    if _is(ord, math.inf):
        return _largest(absolute(x), axis, keepdims)
    if _is(ord, -math.inf):
        return min(absolute(x), axis, keepdims)
    if _is(ord, 0):
        return sum(cast(not_equal(x, 0), part_dtype(x.dtype)), axis, keepdims=keepdims)
    if _is(ord, 1):
        return sum(absolute(x), axis, keepdims=keepdims)
    if not isinstance(ord, (Real, np.number)) or ord != ord:
        fail(ArgumentError, f"norm: {ord!r} is not an order of a vector norm", x, hint="use a number, inf or -inf")
    return _p_norm(x, float(ord), axis, keepdims)


def _largest(x: Node, axis: int | tuple[int, ...], keepdims: bool) -> Node:
    """The largest of numbers that are not negative; 0 of none."""
    return max(x, axis, keepdims, initial=0 if 0 in x.shape else None)


def _p_norm(x: Node, p: float, axis: tuple[int, ...], keepdims: bool) -> Node:
    """(Σ |x|ᵖ)^(1/p); zeros are kept out of powers that have infinite derivatives there."""
    if p > 0 and p % 2 == 0 and x.dtype.kind == "f":
        powers = power(x, p)
    elif p > 0 and p.is_integer():
        powers = power(absolute(x), p)
    else:
        zero = equal(x, 0)
        powers = where(zero, math.inf if p < 0 else 0, power(absolute(where(zero, 1, x)), p))
    total = sum(powers, axis, keepdims=keepdims)
    none = equal(total, 0)
    return where(none, 0 if p > 0 else math.inf, power(where(none, 1, total), 1 / p))


def _matrix_norm(x: Node, ord: Any, row: int, column: int, keepdims: bool) -> Node:
    if ord is None or (isinstance(ord, str) and ord in ("fro", "f")):
        return euclidean_norm(x, (row, column), keepdims)
    extreme = min if isinstance(ord, (Real, np.number)) and ord < 0 else _largest
    if any(_is(ord, k) for k in (1, -1, math.inf, -math.inf)):
        along, across = (row, column) if _is(abs(ord), 1) else (column, row)
        out = extreme(sum(absolute(x), along, keepdims=True), across, keepdims=True)
        return out if keepdims else squeeze(out, (row, column))
    nuclear = isinstance(ord, str) and ord == "nuc"
    if not nuclear and not _is(ord, 2) and not _is(ord, -2):
        hint = 'use None, "fro", "nuc", inf, -inf, 1, -1, 2 or -2'
        fail(ArgumentError, f"norm: {ord!r} is not an order of a matrix norm", x, hint=hint)
    s = items(svd(moveaxis(x, (row, column), (-2, -1)), full_matrices=False))[1]
    out = sum(absolute(s), -1) if nuclear else extreme(s, -1, False)  # |s|: then the zero matrix has the gradient 0
    return expand_dims(out, (row, column)) if keepdims else out


def _is(ord: Any, number: float) -> bool:
    return isinstance(ord, (Real, np.number)) and bool(ord == number)
