"""Pooling into a given number of parts, and over all positions; windows of a given size are in `pooling.py`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.origin import composite
from graphad.ir.types import shape_text
from graphad.nn.convolution import batched
from graphad.nn.pooling import lowest
from graphad.ops.elementwise import divide, multiply
from graphad.ops.fit import as_count, squeeze, sum
from graphad.ops.index import index
from graphad.ops.layout import reshape
from graphad.ops.leaves import as_node, constant
from graphad.ops.piecewise import where
from graphad.ops.reduce import max, mean

Sizes = Size | None | Sequence[Size | None]


@composite
def adaptive_avg_pool1d(input: Any, output_size: Sizes) -> Node:
    """Means over ``output_size`` parts of the axis; see `adaptive_avg_pool2d`."""
    return _adaptive("adaptive_avg_pool1d", 1, input, output_size, mean)


@composite
def adaptive_avg_pool2d(input: Any, output_size: Sizes) -> Node:
    """Means over a grid of ``output_size`` parts of the two axes (None: as many as elements).

    Part i of m takes the elements from floor(i·n / m) up to, not including, ceil((i + 1)·n / m). A named size n needs
    an m that is known to divide it, such as 1. Raises ShapeError.
    """
    return _adaptive("adaptive_avg_pool2d", 2, input, output_size, mean)


@composite
def adaptive_avg_pool3d(input: Any, output_size: Sizes) -> Node:
    """Means over a grid of ``output_size`` parts of the three axes; see `adaptive_avg_pool2d`."""
    return _adaptive("adaptive_avg_pool3d", 3, input, output_size, mean)


@composite
def adaptive_max_pool1d(input: Any, output_size: Sizes) -> Node:
    """The largest elements of ``output_size`` parts of the axis; see `adaptive_avg_pool2d`."""
    return _adaptive("adaptive_max_pool1d", 1, input, output_size, max)


@composite
def adaptive_max_pool2d(input: Any, output_size: Sizes) -> Node:
    """The largest elements of a grid of ``output_size`` parts of the two axes; parts as in `adaptive_avg_pool2d`.

    Equal largest elements share the gradient equally.
    """
    return _adaptive("adaptive_max_pool2d", 2, input, output_size, max)


@composite
def adaptive_max_pool3d(input: Any, output_size: Sizes) -> Node:
    """The largest elements of a grid of parts of the three axes; see `adaptive_max_pool2d`."""
    return _adaptive("adaptive_max_pool3d", 3, input, output_size, max)


@composite
def global_avg_pool(input: Any, keepdims: bool = False) -> Node:
    """The mean of each channel over all positions: (batch, channels). Raises ShapeError."""
    x = _with_positions("global_avg_pool", input)
    return mean(x, axis=tuple(range(2, x.ndim)), keepdims=keepdims)


@composite
def global_max_pool(input: Any, keepdims: bool = False) -> Node:
    """The largest element of each channel over all positions: (batch, channels); equal ones share the gradient."""
    x = _with_positions("global_max_pool", input)
    return max(x, axis=tuple(range(2, x.ndim)), keepdims=keepdims)


def _with_positions(name: str, value: Any) -> Node:
    x = as_node(value)
    if x.ndim < 3:
        fail(ShapeError, f"{name}: {label(x)} has {x.ndim} axes, needs (batch, channels, *positions)", x)
    return x


def _adaptive(name: str, n: int, input: Any, output_size: Any, reduce: Callable[..., Node]) -> Node:
    x, has_batch = batched(name, as_node(input), n)
    spatial, counts = x.shape[2:], _counts(name, x, n, output_size)
    if all(s % m == 0 for s, m in zip(spatial, counts, strict=True)):  # the parts are equal: an axis becomes two
        split = [size for s, m in zip(spatial, counts, strict=True) for size in (m, s // m)]
        out = reduce(reshape(x, (*x.shape[:2], *split)), axis=tuple(range(3, 3 + 2 * n, 2)))
    else:
        out = _uneven(name, x, counts, reduce)
    return out if has_batch else squeeze(out, 0)


def _counts(name: str, x: Node, n: int, output_size: Any) -> list[Size]:
    several = list(output_size) if isinstance(output_size, Sequence) else [output_size] * n
    if len(several) != n:
        fail(ArgumentError, f"{name}: output_size {output_size} for {n} spatial axes", x, hint=f"give one size, or {n}")
    counts = [s if m is None else m for s, m in zip(x.shape[2:], several, strict=True)]
    for s, m in zip(x.shape[2:], counts, strict=True):
        if isinstance(m, int) and m < 1:
            fail(ArgumentError, f"{name}: output_size must be at least 1, not {output_size}", x)
        if s == 0:
            fail(ShapeError, f"{name}: {label(x)} of shape {shape_text(x.shape)} has no positions", x)
    return counts


def _uneven(name: str, x: Node, counts: Sequence[Size], reduce: Callable[..., Node]) -> Node:
    """Gather the parts into rows of one length, and leave out what fills the shorter ones."""
    n = len(counts)
    inside: Any = np.ones((), bool)  # broadcasts over the axes that divide evenly
    each: Size = 1
    for k, m in enumerate(counts):
        axis = 2 + 2 * k
        s = x.shape[axis]
        inside = inside[..., None, None]
        if s % m == 0:
            x = reshape(x, (*x.shape[:axis], m, s // m, *x.shape[axis + 1 :]))
            each = each * (s // m)
            continue
        if not isinstance(s, int) or not isinstance(m, int):
            what = f"{name}: it is not known whether {m} divides the size {s}"
            fail(ShapeError, what, x, hint="give the size in numbers")
        start, stop = np.arange(m) * s // m, -(-np.arange(1, m + 1) * s // m)
        at = start[:, None] + np.arange(np.max(stop - start))
        x = index(x, (*[slice(None)] * axis, np.minimum(at, s - 1)))
        inside = inside & (at < stop[:, None])
    axes = tuple(range(3, 3 + 2 * n, 2))
    if reduce is max:
        return max(where(constant(inside), x, lowest(x)), axis=axes)
    total = sum(where(constant(inside), x, 0), axis=axes)
    dtype = total.dtype if total.dtype.kind == "f" else np.dtype("float64")
    return divide(total, multiply(as_count(each, dtype), np.sum(inside, axis=tuple(range(1, 2 * n, 2))).astype(dtype)))
