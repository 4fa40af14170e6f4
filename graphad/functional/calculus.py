"""Differences, numeric gradients and integrals of sampled functions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.functional.layout import part
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ops.attributes import as_int, normal_axes, normal_axis
from graphad.ops.casts import cast
from graphad.ops.elementwise import subtract
from graphad.ops.fit import broadcast_to, expand_dims, sum
from graphad.ops.index import concatenate
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import logical_xor


@composite
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Node:
    """Differences of neighbors along an axis, n times over, as `numpy.diff`. Raises ShapeError for a scalar."""
    x, count = as_node(a), as_int(n, "diff: n")
    if count == 0:
        return x
    if not x.ndim:
        fail(ShapeError, f"diff: {label(x)} is a scalar", x)
    if count < 0:
        fail(ArgumentError, f"diff: n = {count} is negative", x)
    k = normal_axis(axis, [x])
    if prepend is not None or append is not None:
        x = concatenate([*_border(x, k, prepend), x, *_border(x, k, append)], axis=k)
    for _ in range(count):
        later, earlier = part(x, k, slice(1, None)), part(x, k, slice(None, -1))
        x = logical_xor(later, earlier) if x.dtype.kind == "b" else subtract(later, earlier)
    return x


def _border(x: Node, axis: int, value: Any) -> list[Node]:
    if value is None:
        return []
    node = as_node(value, x.dtype)
    return [node if node.ndim else broadcast_to(node, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))]


@composite
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Node:
    """Integral along an axis by the trapezoidal rule, at points ``x`` or ``dx`` apart, as `numpy.trapezoid`."""
    values = as_node(y)
    k = normal_axis(axis, [values])
    if x is None:
        step = dx if not isinstance(dx, Node) or not dx.ndim else _along(dx, values, k)
    else:
        points = as_node(x)
        step = diff(points, axis=0 if points.ndim == 1 else k)
        step = _along(step, values, k) if step.ndim == 1 else step
    means = (part(values, k, slice(1, None)) + part(values, k, slice(None, -1))) / 2.0
    return sum(step * means, axis=k)


def _along(v: Node, x: Node, axis: int) -> Node:
    """A vector laid along one axis of ``x``."""
    return expand_dims(v, tuple(range(1, x.ndim - axis))) if axis < x.ndim - 1 else v


@composite
def gradient(f: Any, *varargs: Any, axis: int | tuple[int, ...] | None = None, edge_order: int = 1) -> Any:
    """Central differences inside, one-sided ones at the ends, as `numpy.gradient`: one array per axis, in their order.

    ``varargs``: nothing (spacing 1), one spacing for all axes, or one spacing or vector of coordinates per axis.
    ``edge_order`` 1 or 2. For uneven spacing the second-order formula of Fornberg (1988). Raises ShapeError.
    """
    x = as_node(f)
    if x.dtype.kind == "b":
        fail(DTypeError, f"gradient: {label(x)} is boolean", x, hint="use astype first")
    x = x if x.dtype.kind in "fc" else cast(x, np.dtype("float64"))
    normal_axes(axis, [x])  # raises for an axis that is out of range or named twice
    axes = [normal_axis(k, [x]) for k in (range(x.ndim) if axis is None else np.ravel(axis).tolist())]
    spacing = list(varargs) if len(varargs) > 1 else list(varargs or [1.0]) * len(axes)
    if len(spacing) != len(axes):
        fail(ArgumentError, f"gradient: {len(varargs)} spacings for {len(axes)} axes", x)
    if edge_order not in (1, 2):
        fail(ArgumentError, f"gradient: edge_order must be 1 or 2, not {edge_order}", x)
    out = [cast(_slopes(x, k, h, edge_order), x.dtype) for k, h in zip(axes, spacing, strict=True)]
    return out[0] if len(out) == 1 else out


def _slopes(x: Node, axis: int, spacing: Any, edge_order: int) -> Node:
    """The derivative along one axis."""
    n = x.shape[axis]
    if isinstance(n, int) and n < edge_order + 1:
        fail(ShapeError, f"gradient: axis {axis} of {label(x)} has size {n}, needs {edge_order + 1}", x)
    h: Any = spacing
    even = not isinstance(spacing, Node) and np.ndim(spacing) == 0
    if not even:
        steps = diff(as_node(spacing))
        if steps.shape != (n - 1,):
            fail(ShapeError, f"gradient: {as_node(spacing).size} coordinates for axis {axis} of size {n}", x)
        h = _along(steps, x, axis)

    def at(item: slice) -> Node:
        return part(x, axis, item)

    def step(item: slice) -> Any:
        return h if even else part(h, h.ndim - (x.ndim - axis), item)

    first, last = slice(0, 1), slice(-1, None)
    h1, h2 = step(slice(0, -1)), step(slice(1, None))
    left, middle, right = at(slice(0, -2)), at(slice(1, -1)), at(slice(2, None))
    if even:
        inner = (right - left) / (2.0 * h)
    else:
        inner = -h2 / (h1 * (h1 + h2)) * left + (h2 - h1) / (h1 * h2) * middle + h1 / (h2 * (h1 + h2)) * right
    if edge_order == 1:
        start = (at(slice(1, 2)) - at(first)) / step(first)
        end = (at(last) - at(slice(-2, -1))) / step(last)
    else:
        start = _edge([at(slice(k, k + 1)) for k in range(3)], step(first), step(slice(1, 2)))
        back = [at(last), at(slice(-2, -1)), at(slice(-3, -2))]
        end = -_edge(back, step(last), step(slice(-2, -1)))
    return concatenate([start, inner, end] if n != 2 else [start, end], axis=axis)


def _edge(values: Sequence[Node], h1: Any, h2: Any) -> Node:
    """The second-order slope at the first of three points, h1 and then h2 apart."""
    a, b, c = values
    slope: Node = -(2 * h1 + h2) / (h1 * (h1 + h2)) * a + (h1 + h2) / (h1 * h2) * b - h1 / (h2 * (h1 + h2)) * c
    return slope
