"""Arranging arrays: stacking, cutting, repeating, turning, padding. Composites of reshapes, slices and joins."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, AxisError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.origin import composite
from graphad.ir.types import broadcast_shapes
from graphad.ops.attributes import as_int, normal_axis
from graphad.ops.diagonals import diagonal, pad_zeros, place_diagonal
from graphad.ops.fit import broadcast_to, expand_dims, full, stretch, sum
from graphad.ops.index import concatenate, flip, index, split
from graphad.ops.layout import moveaxis, ravel, reshape, swapaxes
from graphad.ops.leaves import as_node


def part(x: Node, axis: int, item: Any) -> Node:
    """``x`` indexed along one axis."""
    return index(x, (slice(None),) * axis + (item,))


@composite
def broadcast_arrays(*arrays: Any) -> list[Node]:
    """The arrays broadcast to one shape. Raises ShapeError."""
    nodes = [as_node(x) for x in arrays]
    common = broadcast_shapes(*(x.shape for x in nodes)) if nodes else ()
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


@composite
def append(arr: Any, values: Any, axis: int | None = None) -> Node:
    """``values`` joined to the end along an axis; both flattened unless it is given."""
    if axis is None:
        return concatenate([ravel(arr), ravel(values)])
    return concatenate([as_node(arr), as_node(values)], axis=axis)


@composite
def vstack(tup: Sequence[Any]) -> Node:
    """Arrays one below the other; vectors become rows."""
    return concatenate([atleast_2d(x) for x in tup], axis=0)


@composite
def hstack(tup: Sequence[Any]) -> Node:
    """Arrays side by side: joined along the second axis, vectors along the only one."""
    nodes = [atleast_1d(x) for x in tup]
    return concatenate(nodes, axis=0 if nodes[0].ndim == 1 else 1)


@composite
def dstack(tup: Sequence[Any]) -> Node:
    """Arrays one behind the other: joined along the third axis."""
    return concatenate([atleast_3d(x) for x in tup], axis=2)


@composite
def column_stack(tup: Sequence[Any]) -> Node:
    """Vectors as columns, and matrices, side by side."""
    nodes = [as_node(x) for x in tup]
    return concatenate([x if x.ndim > 1 else reshape(x, (-1, 1)) for x in nodes], axis=1)


@composite
def block(arrays: Any) -> Node:
    """A matrix of nested lists of blocks, as `numpy.block`: the innermost lists are joined along the last axis."""
    depth = _depth(arrays)
    ndim = max(depth, *(x.ndim for x in _leaves(arrays)))
    return _join(arrays, depth, ndim)


def _depth(arrays: Any) -> int:
    return 1 + max(map(_depth, arrays), default=0) if isinstance(arrays, list) else 0


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
    if not isinstance(indices_or_sections, int) or not isinstance(n, int):
        return split(x, indices_or_sections, axis)
    if indices_or_sections <= 0:
        fail(ArgumentError, "array_split: the number of sections must be positive", x)
    each, longer = divmod(n, indices_or_sections)
    bounds = [i * each + min(i, longer) for i in range(indices_or_sections + 1)]
    return [part(x, k, slice(a, b)) for a, b in pairwise(bounds)]


def hsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """Cut along the second axis; a vector along its only one."""
    x = as_node(ary)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """Cut along the first axis."""
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """Cut along the third axis."""
    return split(ary, indices_or_sections, 2)


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
def meshgrid(*xi: Any, sparse: bool = False, indexing: str = "xy") -> list[Node]:
    """Coordinate arrays from coordinate vectors, as `numpy.meshgrid`. Raises ArgumentError."""
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
    x = as_node(m)
    if x.ndim < 2:
        fail(ShapeError, f"fliplr: {label(x)} needs 2 axes", x)
    return flip(x, 1)


@composite
def flipud(m: Any) -> Node:
    """The rows in reverse order."""
    x = as_node(m)
    if x.ndim < 1:
        fail(ShapeError, f"flipud: {label(x)} is a scalar", x)
    return flip(x, 0)


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
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
    """The sum over a diagonal, as `numpy.trace`."""
    return sum(diagonal(a, offset, axis1, axis2), axis=-1)


_MODES = ("constant", "edge", "reflect", "symmetric", "wrap", "empty")


@composite
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Node:
    """Borders around an array, as `numpy.pad` in the modes constant, edge, reflect, symmetric, wrap (and empty: zeros).

    ``pad_width`` is an int, (before, after), or one pair per axis. Raises ArgumentError, ShapeError.
    """
    x = as_node(array)
    if mode not in _MODES:
        fail(ArgumentError, f"pad: mode {mode!r} is not known", x, hint=f"use one of {', '.join(_MODES)}")
    widths = _pairs(x, pad_width, "pad_width")
    if any(w < 0 for pair in widths for w in pair):
        fail(ArgumentError, "pad: widths must not be negative", x)
    if mode in ("constant", "empty"):
        values = np.asarray(constant_values) if not isinstance(constant_values, Node) else None
        if mode == "empty" or (values is not None and not np.any(values)):
            return pad_zeros(x, widths)
        pairs = (
            np.broadcast_to(values, (x.ndim, 2)).tolist() if values is not None else [[constant_values] * 2] * x.ndim
        )
        for k, (pair, ends) in enumerate(zip(widths, pairs, strict=True)):
            x = _bordered(x, k, pair, ends)
        return x
    for k, (before, after) in enumerate(widths):
        if before or after:
            x = _reflected(x, k, before, after, mode)
    return x


def _pairs(x: Node, value: Any, what: str) -> list[tuple[int, int]]:
    raw = np.asarray(value)
    if raw.dtype.kind not in "iu":
        fail(ArgumentError, f"pad: {what} must hold integers", x)
    try:
        return [(int(a), int(b)) for a, b in np.broadcast_to(raw, (x.ndim, 2))]
    except ValueError:
        fail(ShapeError, f"pad: {what} of shape {raw.shape} for {x.ndim} axes", x, hint="give (before, after) per axis")


def _bordered(x: Node, axis: int, widths: tuple[int, int], values: Sequence[Any]) -> Node:
    """Constant borders along one axis."""
    borders = [
        [full((*x.shape[:axis], w, *x.shape[axis + 1 :]), v, x.dtype)] if w else []
        for w, v in zip(widths, values, strict=True)
    ]
    return concatenate([*borders[0], x, *borders[1]], axis=axis)


def _reflected(x: Node, axis: int, before: int, after: int, mode: str) -> Node:
    """Borders along one axis made of the array's own elements: slices where one reflection reaches, else an index."""
    n = x.shape[axis]
    if n == 0:
        fail(ShapeError, f"pad: mode {mode!r} cannot extend the empty axis {axis} of {label(x)}", x)
    if isinstance(n, int) and max(before, after) >= n:
        return part(x, axis, np.pad(np.arange(n), (before, after), mode))  # type: ignore[call-overload]
    if mode == "edge":
        left, right = (broadcast_to(part(x, axis, s), _resized(x, axis, w)) for s, w in _ends(before, after))
    else:
        skip = {"reflect": 1, "symmetric": 0}.get(mode, 0)
        if mode == "wrap":
            left, right = part(x, axis, slice(-before, None)), part(x, axis, slice(0, after))
        else:
            left = flip(part(x, axis, slice(skip, skip + before)), axis)
            right = flip(part(x, axis, slice(-skip - after, -skip or None)), axis)
    return concatenate([*([left] if before else []), x, *([right] if after else [])], axis=axis)


def _ends(before: int, after: int) -> list[tuple[slice, int]]:
    return [(slice(0, 1), before), (slice(-1, None), after)]


def _resized(x: Node, axis: int, size: Size) -> tuple[Size, ...]:
    return (*x.shape[:axis], size, *x.shape[axis + 1 :])
