"""Arranging arrays: stacking, cutting, repeating, turning. Composites of reshapes, slices and joins."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, AxisError, DTypeError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import Shape, as_dtype, as_shape, shape_text
from graphad.ir.types import broadcast_shapes as common_shape
from graphad.ops import index as joins
from graphad.ops import layout
from graphad.ops.attributes import as_int, normal_axis
from graphad.ops.casts import cast
from graphad.ops.diagonals import diagonal, place_diagonal
from graphad.ops.fit import broadcast_to, expand_dims, stretch, sum
from graphad.ops.index import flip, index, split
from graphad.ops.layout import moveaxis, swapaxes, transpose
from graphad.ops.leaves import as_node


def part(x: Node, axis: int, item: Any) -> Node:
    """``x`` indexed along one axis."""
    return index(x, (slice(None),) * axis + (item,))


@composite
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Node:
    """The elements in another shape, as `numpy.reshape`; one size may be -1. Raises ShapeError.

    ``order``: "C" (the last axis runs fastest) or "F" (the first one does); "A" means "C". ``copy`` changes nothing.
    """
    x = as_node(a)
    if order not in ("C", "A", "F"):
        fail(ArgumentError, f"reshape: order must be 'C', 'F' or 'A', not {order!r}", x)
    if order != "F":
        return layout.reshape(x, shape)
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    return transpose(layout.reshape(transpose(x), sizes[::-1]))


@composite
def ravel(a: Any, order: str = "C") -> Node:
    """All elements along one axis, as `numpy.ravel`; ``order`` as in `reshape`, where "K" means "C", too."""
    return reshape(a, -1, "C" if order == "K" else order)


def broadcast_shapes(*args: Any) -> Shape:
    """The shape that arrays of these shapes have together; sizes may be named. Raises ShapeError."""
    shapes = [as_shape(s) for s in args]
    common = common_shape(*shapes) if shapes else ()
    if common is None:
        fail(ShapeError, f"broadcast_shapes: {' and '.join(map(shape_text, shapes))} do not broadcast")
    return common


def side_by_side(*values: Any) -> list[Node]:
    """As nodes; Python numbers are weak: they take the dtype that suits the others."""
    strong = [v.dtype for v in values if isinstance(v, (Node, np.ndarray, np.generic))]
    return [as_node(v, *strong) for v in values]


@composite
def broadcast_arrays(*arrays: Any) -> list[Node]:
    """The arrays broadcast to one shape. Raises ShapeError."""
    nodes = [as_node(x) for x in arrays]
    common = common_shape(*(x.shape for x in nodes)) if nodes else ()
    if common is None:
        fail(ShapeError, "broadcast_arrays: shapes do not broadcast", *nodes)
    return [stretch(x, common) for x in nodes]


def _at_least(arrays: tuple[Any, ...], grow: Any) -> Node | list[Node]:
    nodes = [grow(as_node(x)) for x in arrays]
    return nodes[0] if len(nodes) == 1 else nodes


@composite
def atleast_1d(*arrays: Any) -> Any:
    """Each array with at least one axis; a list for several arrays."""
    return _at_least(arrays, lambda x: x if x.ndim else expand_dims(x, 0))


@composite
def atleast_2d(*arrays: Any) -> Any:
    """Each array with at least two axes, new ones in front; a list for several arrays."""
    return _at_least(arrays, lambda x: x if x.ndim > 1 else expand_dims(x, tuple(range(2 - x.ndim))))


@composite
def atleast_3d(*arrays: Any) -> Any:
    """Each array with at least three axes, as `numpy.atleast_3d`: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    new = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}
    return _at_least(arrays, lambda x: expand_dims(x, new[x.ndim]) if x.ndim < 3 else x)


# Joining -------------------------------------------------------------------------------------------------------------


def _several(name: str, arrays: Any) -> list[Node]:
    """The arrays to be joined; of one array the parts along its first axis. Raises ArgumentError for none."""
    nodes = list(unstack(arrays)) if isinstance(arrays, Node) else [as_node(x) for x in arrays]
    if not nodes:
        fail(ArgumentError, f"{name}: at least one array is needed")
    return nodes


def _in_dtype(x: Node, dtype: Any, casting: Any) -> Node:
    if dtype is None:
        return x
    if not np.can_cast(x.dtype, as_dtype(dtype), casting):
        fail(DTypeError, f"{x.dtype} does not become {as_dtype(dtype)} with casting={casting!r}", x)
    return cast(x, as_dtype(dtype))


@composite
def concatenate(arrays: Any, axis: int | None = 0, *, dtype: Any = None, casting: str = "same_kind") -> Node:
    """Join arrays along an existing axis (flattened for None), as `numpy.concatenate`. Raises ShapeError."""
    nodes = _several("concatenate", arrays)
    joined = joins.concatenate([layout.ravel(x) for x in nodes] if axis is None else nodes, axis=axis or 0)
    return _in_dtype(joined, dtype, casting)


@composite
def stack(arrays: Any, axis: int = 0, *, dtype: Any = None, casting: str = "same_kind") -> Node:
    """Join arrays of one shape along a new axis, as `numpy.stack`. Raises ShapeError."""
    return _in_dtype(joins.stack(_several("stack", arrays), axis=axis), dtype, casting)


@composite
def append(arr: Any, values: Any, axis: int | None = None) -> Node:
    """``values`` joined to the end along an axis; both flattened unless it is given."""
    return concatenate([arr, values], axis)


@composite
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Node:
    """Arrays one below the other; vectors become rows."""
    return concatenate([atleast_2d(x) for x in _several("vstack", tup)], dtype=dtype, casting=casting)


@composite
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Node:
    """Arrays side by side: joined along the second axis, vectors along the only one."""
    nodes = [atleast_1d(x) for x in _several("hstack", tup)]
    return concatenate(nodes, 0 if nodes[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@composite
def dstack(tup: Any) -> Node:
    """Arrays one behind the other: joined along the third axis."""
    return concatenate([atleast_3d(x) for x in _several("dstack", tup)], axis=2)


@composite
def column_stack(tup: Any) -> Node:
    """Vectors as columns, and matrices, side by side."""
    nodes = _several("column_stack", tup)
    return concatenate([x if x.ndim > 1 else reshape(x, (-1, 1)) for x in nodes], axis=1)


@composite
def block(arrays: Any) -> Node:
    """A matrix of nested lists of blocks, as `numpy.block`: the innermost lists are joined along the last axis."""
    if not _leaves(arrays):
        fail(ArgumentError, "block: at least one array is needed")
    depth = _depth(arrays)
    if _shallowest(arrays) != depth:
        fail(ArgumentError, "block: the lists are not nested equally deep", *_leaves(arrays))
    ndim = max(depth, *(x.ndim for x in _leaves(arrays)))
    return _join(arrays, depth, ndim)


def _depth(arrays: Any) -> int:
    return 1 + max(map(_depth, arrays), default=0) if isinstance(arrays, list) else 0


def _shallowest(arrays: Any) -> int:
    return 1 + min(map(_shallowest, arrays), default=0) if isinstance(arrays, list) else 0


def _leaves(arrays: Any) -> list[Node]:
    return [x for a in arrays for x in _leaves(a)] if isinstance(arrays, list) else [as_node(arrays)]


def _join(arrays: Any, depth: int, ndim: int) -> Node:
    if not isinstance(arrays, list):
        x = as_node(arrays)
        return expand_dims(x, tuple(range(ndim - x.ndim))) if x.ndim < ndim else x
    return concatenate([_join(a, depth - 1, ndim) for a in arrays], axis=-depth)


# Cutting -------------------------------------------------------------------------------------------------------------


@composite
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Node]:
    """Cut along an axis as `split`; a number of sections need not divide the size: the first ones are longer by one."""
    x = as_node(ary)
    k = normal_axis(axis, [x])
    n = x.shape[k]
    if not isinstance(indices_or_sections, (int, np.integer)) or not isinstance(n, int):
        return split(x, indices_or_sections, axis)
    if indices_or_sections <= 0:
        fail(ArgumentError, "array_split: the number of sections must be positive", x)
    each, longer = divmod(n, indices_or_sections)
    bounds = [i * each + min(i, longer) for i in range(indices_or_sections + 1)]
    return [part(x, k, slice(a, b)) for a, b in pairwise(bounds)]


def hsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """Cut along the second axis; a vector along its only one."""
    x = _with_axes("hsplit", ary, 1)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """Cut along the first axis of at least two."""
    return split(_with_axes("vsplit", ary, 2), indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """Cut along the third axis."""
    return split(_with_axes("dsplit", ary, 3), indices_or_sections, 2)


def _with_axes(name: str, a: Any, count: int) -> Node:
    x = as_node(a)
    if x.ndim < count:
        fail(ShapeError, f"{name}: {label(x)} has {x.ndim} axes, needs {count}", x)
    return x


@composite
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Node, ...]:
    """The parts along an axis of known size, without it: the way back from `stack`."""
    x = as_node(x)
    k = normal_axis(axis, [x])
    n = x.shape[k]
    if not isinstance(n, int):
        fail(ShapeError, f"unstack: axis {k} of {label(x)} has the named size {n}", x, hint="give its size in numbers")
    return tuple(part(x, k, i) for i in range(n))


# Repeating -----------------------------------------------------------------------------------------------------------


@composite
def tile(A: Any, reps: int | Sequence[int]) -> Node:
    """The array repeated ``reps`` times along each axis, as `numpy.tile`."""
    x = as_node(A)
    counts = [as_int(r, "tile: a repetition", x) for r in ([reps] if isinstance(reps, (int, np.integer)) else reps)]
    if min(counts, default=0) < 0:
        fail(ArgumentError, "tile: repetitions must not be negative", x)
    ndim = max(x.ndim, len(counts))
    counts = [1] * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    spread = broadcast_to(
        reshape(x, [s for n in shape for s in (1, n)]),
        [s for r, n in zip(counts, shape, strict=True) for s in (r, n)],
    )
    return reshape(spread, [r * n for r, n in zip(counts, shape, strict=True)])


@composite
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Node:
    """Each element repeated along an axis (of the flattened array unless given), as `numpy.repeat`.

    ``repeats`` is an int or one int per element; it must be known when the graph is built. Raises ArgumentError.
    """
    x = ravel(a) if axis is None else as_node(a)
    k = normal_axis(0 if axis is None else axis, [x])
    if isinstance(repeats, Node):
        fail(ArgumentError, "repeat: repeats must be known when the graph is built", repeats)
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or np.any(counts < 0):
        fail(ArgumentError, "repeat: repeats must be an int or a list of ints, not negative", x)
    n = x.shape[k]
    if counts.size == 1:
        count = int(counts.reshape(()))
        spread = stretch(expand_dims(x, k + 1), (*x.shape[: k + 1], count, *x.shape[k + 1 :]))
        return reshape(spread, (*x.shape[:k], n * count, *x.shape[k + 1 :]))
    if counts.size != n:
        fail(ShapeError, f"repeat: {counts.size} counts for axis {k} of size {n}", x)
    return part(x, k, np.repeat(np.arange(counts.size), counts))


@composite
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Node]:
    """Coordinate arrays from coordinate vectors, as `numpy.meshgrid`; ``copy`` is ignored. Raises ArgumentError."""
    if indexing not in ("xy", "ij"):
        fail(ArgumentError, f"meshgrid: indexing must be 'xy' or 'ij', not {indexing!r}")
    vectors = [ravel(x) for x in xi]
    n = len(vectors)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    grids = [expand_dims(v, tuple(k for k in range(n) if k != p)) for v, p in zip(vectors, places, strict=True)]
    return grids if sparse or not grids else broadcast_arrays(*grids)


# Turning -------------------------------------------------------------------------------------------------------------


@composite
def fliplr(m: Any) -> Node:
    """The columns in reverse order."""
    return flip(_with_axes("fliplr", m, 2), 1)


@composite
def flipud(m: Any) -> Node:
    """The rows in reverse order."""
    return flip(_with_axes("flipud", m, 1), 0)


@composite
def roll(a: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Node:
    """Elements moved along axes, those beyond the end coming in at the front, as `numpy.roll`."""
    x = as_node(a)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    shifts, axes = ([v] if isinstance(v, (int, np.integer)) else list(v) for v in (shift, axis))
    shifts, axes = (v * max(len(shifts), len(axes)) if len(v) == 1 else v for v in (shifts, axes))
    if len(shifts) != len(axes):
        fail(ArgumentError, f"roll: {len(shifts)} shifts for {len(axes)} axes", x)
    for s, axis_ in zip(shifts, axes, strict=True):
        k = normal_axis(axis_, [x])
        n = x.shape[k]
        steps = as_int(s, "roll: a shift", x)
        steps = steps % n if isinstance(n, int) and n else steps
        if steps and n != 0:
            x = concatenate([part(x, k, slice(-steps, None)), part(x, k, slice(None, -steps))], axis=k)
    return x


@composite
def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Node:
    """Turned by 90 degrees k times, from the first towards the second axis, as `numpy.rot90`."""
    x = as_node(m)
    if len(axes) != 2:
        fail(ArgumentError, f"rot90: two axes are needed, got {len(axes)}", x)
    first, second = (normal_axis(a, [x]) for a in axes)
    if first == second:
        fail(AxisError, "rot90: the axes must differ", x)
    match k % 4:
        case 0:
            return x
        case 1:
            return swapaxes(flip(x, second), first, second)
        case 2:
            return flip(x, (first, second))
        case _:
            return flip(swapaxes(x, first, second), second)


@composite
def rollaxis(a: Any, axis: int, start: int = 0) -> Node:
    """An axis moved back to stand before ``start``; `moveaxis` is easier to understand."""
    x = as_node(a)
    k, to = normal_axis(axis, [x]), start + x.ndim if start < 0 else start
    return moveaxis(x, k, to - 1 if k < to else to)


# Diagonals and borders ------------------------------------------------------------------------------------------------


@composite
def diag(v: Any, k: int = 0) -> Node:
    """A matrix with ``v`` on its k-th diagonal; of a matrix that diagonal. Raises ShapeError for other ranks."""
    x = as_node(v)
    if x.ndim not in (1, 2):
        fail(ShapeError, f"diag: {label(x)} has {x.ndim} axes, needs 1 or 2", x)
    return diagonal(x, k) if x.ndim == 2 else place_diagonal(x, (x.shape[0] + abs(k),) * 2, offset=k)


@composite
def diagflat(v: Any, k: int = 0) -> Node:
    """A matrix with the flattened ``v`` on its k-th diagonal."""
    return diag(ravel(v), k)


@composite
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Node:
    """The sum over a diagonal, as `numpy.trace`."""
    return sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)
