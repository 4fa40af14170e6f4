"""Products of vectors, matrices and polynomials beside matmul and einsum."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.origin import composite
from graphad.ops.attributes import as_int, normal_axis
from graphad.ops.casts import cast, conj
from graphad.ops.contract import inner as inner
from graphad.ops.contract import matmul
from graphad.ops.convolve import convolve as convolve
from graphad.ops.elementwise import power
from graphad.ops.fit import expand_dims, squeeze, sum, zeros_like
from graphad.ops.index import flip, index, stack
from graphad.ops.layout import moveaxis, ravel, reshape
from graphad.ops.leaves import arange, as_node
from graphad.ops.scan import linear_recurrence


def _conjugated(x: Node) -> Node:
    return conj(x) if x.dtype.kind == "c" else x


@composite
def vdot(a: Any, b: Any) -> Node:
    """Σ conj(a)·b over all elements, as `numpy.vdot`. Raises ShapeError."""
    x, y = ravel(a), ravel(b)
    if x.shape != y.shape:
        fail(ShapeError, f"vdot: {label(x)} has {x.size} elements, {label(y)} has {y.size}", x, y)
    return matmul(_conjugated(x), y)


@composite
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Node:
    """Σ conj(x1)·x2 along an axis, the others broadcast, as `numpy.vecdot`. Raises ShapeError."""
    x, y = as_node(x1), as_node(x2)
    if not x.ndim or not y.ndim:
        fail(ShapeError, "vecdot: an operand is a scalar", x, y)
    x, y = moveaxis(x, axis, -1), moveaxis(y, axis, -1)
    if x.shape[-1] != y.shape[-1]:
        fail(ShapeError, f"vecdot: sizes {x.shape[-1]} and {y.shape[-1]} differ", x, y)
    return sum(_conjugated(x) * y, axis=-1)


@composite
def matvec(x1: Any, x2: Any) -> Node:
    """Matrices times vectors, both in stacks that broadcast, as `numpy.matvec`."""
    return squeeze(matmul(x1, expand_dims(as_node(x2), -1)), -1)


@composite
def vecmat(x1: Any, x2: Any) -> Node:
    """Vectors, conjugated, times matrices, both in stacks that broadcast, as `numpy.vecmat`."""
    return squeeze(matmul(expand_dims(_conjugated(as_node(x1)), -2), x2), -2)


@composite
def kron(a: Any, b: Any) -> Node:
    """Kronecker product: every element of a times all of b, in blocks, as `numpy.kron`."""
    x, y = as_node(a), as_node(b)
    ndim = max(x.ndim, y.ndim)
    x = expand_dims(x, tuple(range(ndim - x.ndim))) if x.ndim < ndim else x
    y = expand_dims(y, tuple(range(ndim - y.ndim))) if y.ndim < ndim else y
    blocks = expand_dims(x, tuple(range(1, 2 * ndim, 2))) * expand_dims(y, tuple(range(0, 2 * ndim, 2)))
    return reshape(blocks, tuple(m * n for m, n in zip(x.shape, y.shape, strict=True)))


@composite
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Node:
    """Vector product of vectors with three components along an axis, as `numpy.cross`. Raises ShapeError.

    A third component may be missing, which then is 0; where both vectors lack it, the result is the third one alone.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = as_node(a), as_node(b)
    x, y = moveaxis(x, normal_axis(axisa, [x]), -1), moveaxis(y, normal_axis(axisb, [y]), -1)
    m, n = x.shape[-1], y.shape[-1]
    if m not in (2, 3) or n not in (2, 3):
        fail(ShapeError, f"cross: vectors have {m} and {n} components, not 3", x, y)
    (x0, x1), (y0, y1) = ([index(v, (..., k)) for k in range(2)] for v in (x, y))
    if m == n == 2:
        return x0 * y1 - x1 * y0
    x2, y2 = (index(v, (..., 2)) if v.shape[-1] == 3 else zeros_like(index(v, (..., 0))) for v in (x, y))
    parts = [x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0]
    return stack(parts, axis=axisc)


@composite
def correlate(a: Any, v: Any, mode: str = "valid") -> Node:
    """Σ a[n + k]·conj(v[n]), as `numpy.correlate`: `convolve` with v turned around. Modes: "valid", "same", "full"."""
    x, y = as_node(a), as_node(v)
    if y.ndim != 1:
        fail(ShapeError, f"correlate: {label(y)} must have one axis", y)
    swapped = isinstance(x.size, int) and isinstance(y.size, int) and x.size < y.size
    if mode == "same" and swapped:  # NumPy centers the result on the longer operand, seen from its own end
        return _conjugated(flip(correlate(y, x, "same")))
    return convolve(x, _conjugated(flip(y)), mode)


@composite
def polyval(p: Any, x: Any) -> Node:
    """p[0]·x**(n-1) + … + p[n-1] by Horner's rule, as `numpy.polyval`. Raises ShapeError."""
    coefficients, at = as_node(p), as_node(x)
    if coefficients.ndim != 1:
        fail(ShapeError, f"polyval: {label(coefficients)} must be a vector", coefficients)
    n = coefficients.shape[0]
    if not isinstance(n, int):  # the steps of Horner's rule as one recurrence
        column = expand_dims(coefficients, tuple(range(1, at.ndim + 1))) if at.ndim else coefficients
        return index(linear_recurrence(expand_dims(at, 0), column, axis=0), -1)
    if n == 0:
        return zeros_like(at)
    out = zeros_like(at) + index(coefficients, 0)
    for k in range(1, n):
        out = out * at + index(coefficients, k)
    return out


@composite
def vander(x: Any, N: Size | None = None, increasing: bool = False) -> Node:
    """Powers of a vector's elements as columns, decreasing unless ``increasing``, as `numpy.vander`."""
    v = as_node(x)
    if v.ndim != 1:
        fail(ShapeError, f"vander: {label(v)} must have one axis", v)
    count = v.shape[0] if N is None else N
    if isinstance(count, (int, np.integer)) and as_int(count, "vander: N", v) < 0:
        fail(ArgumentError, f"vander: N = {count} is negative", v)
    exponents = arange(count) if increasing else flip(arange(count))
    base = cast(v, np.dtype("int64")) if v.dtype.kind in "b" else v
    return power(expand_dims(base, 1), cast(exponents, base.dtype))


@composite
def multi_dot(arrays: Sequence[Any]) -> Node:
    """The product of several matrices in the order that costs least, as `numpy.linalg.multi_dot`.

    The first and last may be vectors. The order is that of Cormen et al., Introduction to Algorithms, 15.2; with named
    sizes, which have no cost, from left to right. Raises ArgumentError for fewer than two.
    """
    nodes = [as_node(x) for x in arrays]
    if len(nodes) < 2:
        fail(ArgumentError, "multi_dot: at least two matrices are needed", *nodes)
    for k, x in enumerate(nodes):
        if x.ndim != 2 and not (x.ndim == 1 and k in (0, len(nodes) - 1)):
            what = f"multi_dot: {label(x)} has {x.ndim} axes, needs 2, or 1 if it comes first or last"
            fail(ShapeError, what, x)
    sizes = [nodes[0].shape[0] if nodes[0].ndim == 2 else 1, *(x.shape[0] for x in nodes[1:])]
    sizes.append(nodes[-1].shape[1] if nodes[-1].ndim == 2 else 1)
    if not all(isinstance(s, int) for s in sizes):
        out = nodes[0]
        for x in nodes[1:]:
            out = matmul(out, x)
        return out
    return _product(nodes, _splits([int(str(s)) for s in sizes]), 0, len(nodes) - 1)


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to cut the product of matrices i to j, matrix i having the shape sizes[i] by sizes[i + 1]."""
    n = len(sizes) - 1
    cost, cut = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            trials = [(cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i, j], cut[i, j] = min(trials)
    return cut


def _product(nodes: Sequence[Node], cut: dict[tuple[int, int], int], i: int, j: int) -> Node:
    if i == j:
        return nodes[i]
    k = cut[i, j]
    return matmul(_product(nodes, cut, i, k), _product(nodes, cut, k + 1, j))
