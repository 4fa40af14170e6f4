"""Borders around an array: `pad` in all of NumPy's modes, each made of slices, reductions and joins along one axis."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.layout import part
from graphad.functional.reductions import max, mean, min
from graphad.functional.statistics import median
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.origin import composite
from graphad.ops.attributes import normal_axis
from graphad.ops.casts import cast
from graphad.ops.contract import tensordot
from graphad.ops.diagonals import pad_zeros
from graphad.ops.elementwise import floor
from graphad.ops.fit import broadcast_to, full
from graphad.ops.index import concatenate, flip
from graphad.ops.layout import moveaxis
from graphad.ops.leaves import as_node
from graphad.ops.steps import rint

_STATISTICS: dict[str, Callable[..., Any]] = {"maximum": max, "minimum": min, "mean": mean, "median": median}
_KEYWORD = {  # mode -> the keyword that it takes
    "constant": "constant_values",
    "empty": "",
    "edge": "",
    "wrap": "",
    "reflect": "reflect_type",
    "symmetric": "reflect_type",
    "linear_ramp": "end_values",
    **dict.fromkeys(_STATISTICS, "stat_length"),
}
Pair = tuple[Any, Any]


@composite
def pad(
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    *,
    stat_length: Any = None,
    constant_values: Any = None,
    end_values: Any = None,
    reflect_type: str | None = None,
) -> Node:
    """Borders around an array, as `numpy.pad` in all its modes; "empty" gives zeros.

    ``pad_width`` is an int, (before, after), one pair per axis, or a dict of them by axis; ``stat_length``,
    ``constant_values`` and ``end_values`` likewise. Raises ArgumentError, ShapeError.
    """
    x = as_node(array)
    if mode not in _KEYWORD:
        fail(ArgumentError, f"pad: mode {mode!r} is not known", x, hint=f"use one of {', '.join(_KEYWORD)}")
    given = {
        "stat_length": stat_length,
        "constant_values": constant_values,
        "end_values": end_values,
        "reflect_type": reflect_type,
    }
    for name, value in given.items():
        if value is not None and name != _KEYWORD[mode]:
            fail(ArgumentError, f"pad: mode {mode!r} takes no {name}", x)
    if reflect_type not in (None, "even", "odd"):
        fail(ArgumentError, f"pad: reflect_type must be 'even' or 'odd', not {reflect_type!r}", x)
    widths = _widths(x, pad_width)
    option = given.get(_KEYWORD[mode])
    if mode == "empty" or (mode == "constant" and not isinstance(option, Node) and not np.any(option or 0)):
        return pad_zeros(x, widths) if x.ndim else x
    options = [(option, option)] * x.ndim if option is None or isinstance(option, (str, Node)) else _pairs(x, option)
    for axis, (pair, two) in enumerate(zip(widths, options, strict=True)):
        if pair != (0, 0):
            x = _padded(x, axis, pair, mode, two)
    return x


def _widths(x: Node, value: Any) -> list[tuple[int, int]]:
    if isinstance(value, Mapping):
        by_axis = {normal_axis(k, [x]): v for k, v in value.items()}
        value = [np.broadcast_to(np.asarray(by_axis.get(k, 0)), 2) for k in range(x.ndim)]
    if np.asarray(value).dtype.kind not in "iu":
        fail(ArgumentError, "pad: pad_width must hold integers", x)
    widths = _pairs(x, value)
    if any(w < 0 for pair in widths for w in pair):
        fail(ArgumentError, "pad: widths must not be negative", x)
    return widths


def _pairs(x: Node, value: Any) -> list[Pair]:
    """A number, (before, after) or a pair per axis as one pair per axis."""
    raw = np.asarray(value)
    try:
        return [(a, b) for a, b in np.broadcast_to(raw, (x.ndim, 2)).tolist()]
    except ValueError:
        fail(ShapeError, f"pad: values of shape {raw.shape} for {x.ndim} axes", x, hint="give (before, after) per axis")


def _padded(x: Node, axis: int, widths: tuple[int, int], mode: str, option: Pair) -> Node:
    """Borders along one axis."""
    before, after = widths
    if mode == "constant":
        left, right = (full(_resized(x, axis, w), v, x.dtype) for w, v in zip(widths, option, strict=True))
    elif x.shape[axis] == 0:
        fail(ShapeError, f"pad: mode {mode!r} cannot extend the empty axis {axis} of {label(x)}", x)
    elif mode in _STATISTICS:
        left, right = (_statistic(x, axis, w, mode, n, k) for k, (w, n) in enumerate(zip(widths, option, strict=True)))
    elif mode == "linear_ramp":
        left, right = (_ramp(x, axis, w, v or 0, k) for k, (w, v) in enumerate(zip(widths, option, strict=True)))
    elif mode == "edge":
        left, right = (broadcast_to(_edge(x, axis, k), _resized(x, axis, w)) for k, w in enumerate(widths))
    else:
        n = x.shape[axis]
        if isinstance(n, int) and before + after and (before >= n or after >= n):
            return _far(x, axis, widths, mode, option[0] == "odd")
        left, right = _mirrored(x, axis, widths, mode, option[0] == "odd")
    return concatenate([*([left] if before else []), x, *([right] if after else [])], axis=axis)


def _resized(x: Node, axis: int, size: Size) -> tuple[Size, ...]:
    return (*x.shape[:axis], size, *x.shape[axis + 1 :])


def _edge(x: Node, axis: int, end: int) -> Node:
    """The first or the last element along an axis."""
    return part(x, axis, slice(-1, None) if end else slice(0, 1))


def _statistic(x: Node, axis: int, width: int, mode: str, length: int | None, end: int) -> Node:
    n = x.shape[axis]
    if length is not None and length < (mode in ("maximum", "minimum")):
        fail(ArgumentError, f"pad: stat_length = {length} is too small for mode {mode!r}", x)
    if length is not None and not (isinstance(n, int) and length >= n):
        x = part(x, axis, slice(n - length, None) if end else slice(0, length))
    value: Node = _STATISTICS[mode](x, axis=axis, keepdims=True)
    value = cast(rint(value), x.dtype) if x.dtype.kind in "iu" and value.dtype != x.dtype else value
    return broadcast_to(value, _resized(x, axis, width))


def _ramp(x: Node, axis: int, width: int, value: Any, end: int) -> Node:
    """From the border's value, in even steps, to the element at the edge, which is not repeated."""
    share = np.arange(width).reshape((-1,) + (1,) * (x.ndim - axis - 1)) / np.maximum(width, 1)
    edge = _edge(x, axis, end)
    exact = x.dtype.kind in "fc"
    line = value + (edge - value) * (as_node(share.astype(x.dtype)) if exact else share)
    line = line if exact else cast(floor(line), x.dtype)
    return flip(line, axis) if end else line


def _mirrored(x: Node, axis: int, widths: tuple[int, int], mode: str, odd: bool) -> Sequence[Node]:
    """Borders of the array's own elements, where one reflection reaches."""
    before, after = widths
    if mode == "wrap":
        return part(x, axis, slice(-before, None)), part(x, axis, slice(0, after))
    skip = int(mode == "reflect")
    ends = part(x, axis, slice(skip, skip + before)), part(x, axis, slice(-skip - after, -skip or None))
    turned = [flip(v, axis) for v in ends]
    return [2 * _edge(x, axis, k) - v for k, v in enumerate(turned)] if odd else turned


def _far(x: Node, axis: int, widths: tuple[int, int], mode: Any, odd: bool) -> Node:
    """Borders wider than the array, of known size: an index, or where signs change as well, a matrix."""
    n: Any = x.shape[axis]
    if not odd:
        return part(x, axis, np.pad(np.arange(n), widths, mode))
    matrix = np.pad(np.eye(n), (widths, (0, 0)), mode, reflect_type="odd")
    return moveaxis(tensordot(as_node(matrix.astype(x.dtype)), x, axes=([1], [axis])), 0, axis)
