"""Reading and writing parts of an array: slices, integer arrays, and the joins that are their adjoints.

Reading a part and placing it into zeros are adjoint to each other, and so are gathering and adding back; joining arrays
is adjoint to cutting them. Read `indexing.py` first: it defines the patterns used here.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Linear, Node, Op, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.origin import composite, here
from graphad.ir.types import TensorType, as_dtype
from graphad.ops.attributes import Axis, ShapeAttr, all_axes, normal_axes, normal_axis
from graphad.ops.fit import expand_dims, promoting, zeros
from graphad.ops.helpers import add_to_few
from graphad.ops.helpers import place as place_numpy
from graphad.ops.helpers import place_all as place_all_numpy
from graphad.ops.helpers import put as put_numpy
from graphad.ops.helpers import scatter_add as scatter_add_numpy
from graphad.ops.indexing import (
    ARRAY,
    DOTS,
    FULL,
    NEW,
    Pattern,
    Slice,
    index_object,
    indexed_shape,
    parse,
    slice_length,
    text,
)
from graphad.ops.layout import reshape
from graphad.ops.leaves import arange, as_node, plain
from graphad.ops.piecewise import where


def _pattern(value: Any, nodes: Sequence[Node]) -> Pattern:
    return tuple(Slice(e.start, e.stop, e.step) if isinstance(e, slice) else e for e in value)


PatternAttr = Annotated[Pattern, _pattern]
_ROWS = np.array([2, 0, 2])


@op(
    numpy=lambda node: f"{{x}}[{text(node.attrs['index'])}]",
    derivative=Linear(lambda g, x, index: (place(g, index, x.shape),)),
    coerce=plain,
    latex=r"{{{x}}}_{{\left[{index}\right]}}",
    cases=(
        Case((3, 4), index=(1,)),
        Case((3, 4), index=(Slice(1, None), Slice(None, None, -2))),
        Case((3, 4), index=(None, -1, Slice(0, 2))),
        Case((5,), index=(Slice(4, 0, -2),)),
        Case(("n", 2), index=(Slice(1, -1),)),
        Case(("n",), index=(Slice(None, None, 2),)),
    ),
    traits=("view",),
)
def getitem(x: Node, index: PatternAttr) -> TensorType:
    """A part of an array by ints, slices and new axes; a view, as in NumPy."""
    return TensorType(indexed_shape(x, index, ()), x.dtype)


@op(
    numpy=lambda node: f"place({{x}}, {index_object(node.attrs['index'])}, {{shape}})",
    derivative=Linear(lambda g, x, index, shape: (getitem(g, index),)),
    coerce=plain,
    cases=(
        Case((4,), index=(1,), shape=(3, 4)),
        Case((2, 2), index=(Slice(1, None), Slice(None, None, -2)), shape=(3, 4)),
    ),
    helpers=(place_numpy,),
)
def place(x: Node, index: PatternAttr, shape: ShapeAttr) -> TensorType:
    """Zeros of the given shape with ``x`` at the index: the adjoint of `getitem`."""
    return TensorType(shape, x.dtype)


def _patterns(value: Any, nodes: Sequence[Node]) -> tuple[Pattern, ...]:
    return tuple(_pattern(index, nodes) for index in value)


def _place_all_text(node: Node) -> str:
    indices = ", ".join(map(index_object, node.attrs["indices"]))
    return f"place_all([{{xs}}], [{indices}], {{shape}})"


@op(
    numpy=_place_all_text,
    derivative=Linear(lambda g, *xs, indices, shape: tuple(getitem(g, index) for index in indices)),
    coerce=promoting,
    cases=(
        Case((4,), (3, 4), indices=((1,), ()), shape=(3, 4)),
        Case((2, 2), (), indices=((Slice(1, None), Slice(None, None, -2)), (0, 0)), shape=(3, 4)),
        Case(("n",), ("n",), indices=((FULL, 0), (FULL, 1)), shape=("n", 2)),
    ),
    helpers=(place_all_numpy,),
)
def place_all(*xs: Node, indices: Annotated[tuple[Pattern, ...], _patterns], shape: ShapeAttr) -> TensorType:
    """Zeros of the given shape with each of ``xs`` added at its index, which may overlap: a sum of `place`s."""
    return TensorType(shape, xs[0].dtype)


@op(
    numpy=lambda node: f"{{x}}[{text(node.attrs['index'])}]",
    derivative=Linear(
        lambda g, x, *arrays, index: (scatter_add(g, *arrays, index=index, shape=x.shape), *[None] * len(arrays))
    ),
    coerce=plain,
    latex=r"{{{x}}}_{{\left[{arrays}\right]}}",
    cases=(
        Case((3, 4), _ROWS, index=(ARRAY,)),
        Case((3, 4), np.array([[0, 3], [1, -1]]), index=(FULL, ARRAY)),
        Case((3, 4), _ROWS, np.array([1, 1, 3]), index=(ARRAY, ARRAY)),
        Case((2, 3, 4), _ROWS, index=(1, FULL, ARRAY)),
        Case(("n", 3), _ROWS, index=(FULL, ARRAY)),
        Case((4,), np.array([], int), index=(ARRAY,)),
    ),
)
def gather(x: Node, *arrays: Node, index: PatternAttr) -> TensorType:
    """The elements at integer positions, as NumPy's advanced indexing; a position may occur several times."""
    return TensorType(indexed_shape(x, index, arrays), x.dtype)


@op(
    numpy=lambda node: f"scatter_add({{x}}, {index_object(node.attrs['index'])}, {{shape}})",
    derivative=Linear(lambda g, x, *arrays, index, shape: (gather(g, *arrays, index=index), *[None] * len(arrays))),
    coerce=plain,
    cases=(
        Case((3, 4), _ROWS, index=(ARRAY,), shape=(5, 4)),
        Case((3, 2, 2), np.array([[0, 3], [1, -1]]), index=(FULL, ARRAY), shape=(3, 4)),
    ),
    helpers=(scatter_add_numpy, add_to_few),
)
def scatter_add(x: Node, *arrays: Node, index: PatternAttr, shape: ShapeAttr) -> TensorType:
    """Zeros of the given shape with ``x`` added at integer positions: the adjoint of `gather`."""
    return TensorType(shape, x.dtype)


def _put_transpose(g: Node, x: Node, values: Node, *arrays: Node, index: Pattern) -> Sequence[Node | None]:
    """What was overwritten gets no gradient; of several values written to one place, the last one gets it."""
    to_x = put(g, zeros(values.shape, g.dtype), *arrays, index=index)
    if not arrays:
        return to_x, getitem(g, index)
    ids = reshape(arange(values.size), values.shape)
    written = gather(put(zeros(x.shape, "int64"), ids, *arrays, index=index), *arrays, index=index)
    to_values = where(written == ids, gather(g, *arrays, index=index), 0)
    return to_x, to_values, *[None] * len(arrays)


@op(
    numpy=lambda node: f"put({{x}}, {{values}}, {index_object(node.attrs['index'])})",
    derivative=Linear(_put_transpose),
    coerce=plain,
    cases=(
        Case((3, 4), (4,), index=(1,)),
        Case((3, 4), (2, 4), index=(Slice(1, None),)),
        Case((3, 4), (3, 4), _ROWS, index=(ARRAY,)),
    ),
    helpers=(put_numpy,),
)
def put(x: Node, values: Node, *arrays: Node, index: PatternAttr) -> TensorType:
    """A copy of ``x`` with ``values`` at the index; of several values for one place the last one stays."""
    return x.type


def index(x: Any, key: Any) -> Node:
    """``x[key]`` as NumPy's indexing: ints, slices, ellipsis, new axes, integer arrays, constant boolean masks."""
    x = as_node(x)
    pattern, arrays = parse(x, key)
    if arrays:
        return gather.build((x, *arrays), {"index": pattern}, here())
    return getitem.build((x,), {"index": pattern}, here()) if pattern else x


@composite
def take(x: Any, indices: Any, axis: int | None = None) -> Node:
    """Elements of ``x`` at integer ``indices`` along an axis (of the flattened array unless given), as `numpy.take`."""
    x = as_node(x)
    if axis is None:
        x, axis = reshape(x, -1), 0
    return index(x, (slice(None),) * normal_axis(axis, [x]) + (indices,))


@composite
def one_hot(labels: Any, num_classes: Size, dtype: Any = "float64") -> Node:
    """Rows of the identity matrix: 1 at each label's position along a new last axis, zeros elsewhere.

    A label out of range gives zeros only. ``labels`` are integers of any shape. Raises ArgumentError for other dtypes.
    """
    labels = as_node(labels)
    if labels.dtype.kind not in "iu":
        fail(ArgumentError, f"one_hot: labels must be integers, not {labels.dtype}", labels)
    return (expand_dims(labels, -1) == arange(num_classes)).astype(as_dtype(dtype))


@composite
def flip(x: Any, axis: int | Sequence[int] | None = None) -> Node:
    """The elements in reverse order along the axes (all unless given)."""
    x = as_node(x)
    turned = all_axes(x, normal_axes(axis, [x]))
    return index(x, tuple(slice(None, None, -1 if k in turned else None) for k in range(x.ndim)))


# Joining and cutting ------------------------------------------------------------------------------------------------


def _along(axis: int, item: Any) -> Pattern:
    return (*[FULL] * axis, item)


def _cuts(g: Node, *arrays: Node, axis: int) -> list[Node]:
    """Cut ``g`` into the parts that the arrays had along the axis."""
    parts: list[Node] = []
    start: Size = 0
    for x in arrays:
        stop = start + x.shape[axis]
        parts.append(index(g, (slice(None),) * axis + (slice(start, stop),)))
        start = stop
    return parts


@op(
    numpy="np.concatenate([{arrays}]{, axis})",
    derivative=Linear(_cuts),
    coerce=promoting,
    latex=r"\operatorname{{concat}}_{{{axis}}}\left({arrays}\right)",
    cases=(
        Case((2, 3), (1, 3)),
        Case((2, 3), (2, 0), (2, 2), axis=-1),
        Case(("n", 2), ("m", 2)),
        Case((3,)),
    ),
)
def concatenate(*arrays: Node, axis: Axis = 0) -> TensorType:
    """Join arrays along an existing axis: ``concatenate([a, b], axis=1)``. Raises ShapeError."""
    first = arrays[0]
    total: Size = 0
    for x in arrays:
        if x.ndim != first.ndim or any(
            a != b for k, (a, b) in enumerate(zip(x.shape, first.shape, strict=True)) if k != axis
        ):
            fail(ShapeError, f"concatenate: sizes other than axis {axis} differ", first, x)
        total = total + x.shape[axis]
    return TensorType((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


def _new_axis(axis: Any, nodes: Sequence[Node]) -> int:
    return normal_axis(axis, nodes, extra=1)


@op(
    numpy="np.stack([{arrays}]{, axis})",
    derivative=Linear(lambda g, *arrays, axis: [getitem(g, _along(axis, k)) for k in range(len(arrays))]),
    coerce=promoting,
    latex=r"\operatorname{{stack}}_{{{axis}}}\left({arrays}\right)",
    cases=(Case((2, 3), (2, 3)), Case((2,), (2,), (2,), axis=-1), Case((), ()), Case(("n",), ("n",), axis=1)),
)
def stack(*arrays: Node, axis: Annotated[int, _new_axis] = 0) -> TensorType:
    """Join arrays of one shape along a new axis: ``stack([a, b], axis=1)``. Raises ShapeError."""
    first = arrays[0]
    for x in arrays:
        if x.shape != first.shape:
            fail(ShapeError, "stack: shapes differ", first, x)
    return TensorType((*first.shape[:axis], len(arrays), *first.shape[axis:]), first.dtype)


def split(x: Any, indices_or_sections: int | Sequence[Size], axis: int = 0) -> list[Node]:
    """Cut along an axis into equal sections or at the given positions, as `numpy.split`. Raises ShapeError."""
    x = as_node(x)
    k = normal_axis(axis, [x])
    size = x.shape[k]
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        if sections <= 0 or size % sections != 0:
            fail(ShapeError, f"split: axis {k} of {label(x)} has size {size}, not a multiple of {sections}", x)
        bounds: list[Size] = [size // sections * i for i in range(sections + 1)]
    else:
        bounds = [0, *indices_or_sections, size]
    return [index(x, (slice(None),) * k + (slice(a, b),)) for a, b in pairwise(bounds)]


def assumptions(node: Node) -> list[tuple[Size, Slice, Size]]:
    """For each slice of an axis of a named size: (size, slice, assumed length), to be checked at the call."""
    pattern = node.attrs.get("index")
    if pattern is None or node.op not in (getitem, gather):
        return []
    x, axis, found = node.inputs[0], 0, []
    for entry in pattern:
        if isinstance(entry, Slice) and entry != FULL and not isinstance(x.shape[axis], int):
            found.append((x.shape[axis], entry, slice_length(x.shape[axis], entry)))
        axis += entry not in (NEW, DOTS)
    return found


OPS: tuple[Op, ...] = (getitem, place, place_all, gather, scatter_add, put, concatenate, stack)
