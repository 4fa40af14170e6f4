"""The same elements in another arrangement: reshape, transpose and their named forms. Adjoints: the way back."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Linear, Node, fail, label, op
from graphad.ir.dims import product
from graphad.ir.origin import composite
from graphad.ir.types import Shape, TensorType, as_shape, shape_text
from graphad.ops.attributes import normal_axis
from graphad.ops.leaves import as_node, plain


def _new_shape(shape: Any, nodes: Sequence[Node]) -> Shape:
    """The target shape with a -1 worked out. Raises ShapeError when the numbers of elements differ."""
    x = nodes[0]
    size = x.size
    raw = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    free = [k for k, s in enumerate(raw) if isinstance(s, (int, np.integer)) and s == -1]
    known = as_shape([1 if k in free else s for k, s in enumerate(raw)])
    if len(free) > 1:
        fail(ShapeError, f"reshape: only one size may be -1, got {raw}", x)
    if free:
        rest = product(known)
        if rest == 0:
            fail(ShapeError, f"reshape: beside a size of 0, what -1 stands for is not known, got {raw}", x)
        whole = size // rest
        known = tuple(whole if k in free else s for k, s in enumerate(known))
    if product(known) != size:
        text = shape_text(raw) if free else shape_text(known)
        fail(ShapeError, f"reshape: {shape_text(x.shape)} has {size} elements, {text} needs {product(known)}", x)
    return known


def _reshape_numpy(x: Node) -> str:
    shape = x.attrs["shape"]
    return "{x}.reshape(" + (", ".join(map(str, shape)) if shape else "()") + ")"


@op(
    numpy=_reshape_numpy,
    derivative=Linear(lambda g, x, shape: (reshape(g, x.shape),)),
    coerce=plain,
    latex=r"\operatorname{{reshape}}_{{{shape}}}\left({x}\right)",
    cases=(
        Case((2, 3), shape=(3, 2)),
        Case((2, 3), shape=-1),
        Case((1,), shape=()),
        Case(("n", 4), shape=(-1,)),
        Case(("n", 4), shape=(-1, 2)),
        Case((0, 3), shape=(3, 0)),
    ),
    traits=("view",),
)
def reshape(x: Node, shape: Annotated[Shape, _new_shape]) -> TensorType:
    """The elements in C order in another shape; one size may be -1, as in `numpy.reshape`. Raises ShapeError."""
    return TensorType(shape, x.dtype)


def _permutation(axes: Any, nodes: Sequence[Node]) -> tuple[int, ...]:
    x = nodes[0]
    if axes is None:
        return tuple(reversed(range(x.ndim)))
    order = tuple(normal_axis(a, nodes) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        fail(ShapeError, f"transpose: {tuple(axes)} is not an order of the {x.ndim} axes of {label(x)}", x)
    return order


def inverse_permutation(axes: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes ``axes``."""
    return tuple(axes.index(k) for k in range(len(axes)))


def _transpose_numpy(x: Node) -> str:
    axes = x.attrs["axes"]
    swap = [k for k, a in enumerate(axes) if a != k]
    if axes == tuple(reversed(range(x.ndim))):
        return "{x}.T"
    if len(swap) == 2:
        first, second = (k - x.ndim if swap[0] >= x.ndim - 2 else k for k in swap)
        return f"np.swapaxes({{x}}, {first}, {second})"
    return f"np.transpose({{x}}, {axes})"


@op(
    numpy=_transpose_numpy,
    derivative=Linear(lambda g, x, axes: (transpose(g, inverse_permutation(axes)),)),
    coerce=plain,
    latex=r"{x}^{{\top}}",
    cases=(Case((2, 3)), Case((2, 3, 4), axes=(1, 2, 0)), Case((2, 3, 4), axes=(0, 2, 1)), Case(("n", 3)), Case(())),
    traits=("view",),
)
def transpose(x: Node, axes: Annotated[tuple[int, ...] | None, _permutation] = None) -> TensorType:
    """Reorder the axes (reverse them unless ``axes`` is given), as `numpy.transpose`."""
    return TensorType(tuple(x.shape[a] for a in axes), x.dtype)  # type: ignore[union-attr]


@composite
def swapaxes(x: Any, axis1: int, axis2: int) -> Node:
    """Exchange two axes."""
    x = as_node(x)
    a, b = normal_axis(axis1, [x]), normal_axis(axis2, [x])
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return transpose(x, order) if a != b else x


@composite
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """Move axes to new positions; the others keep their order."""
    x = as_node(x)
    src = [normal_axis(a, [x]) for a in (source if isinstance(source, Sequence) else [source])]
    dst = [normal_axis(a, [x]) for a in (destination if isinstance(destination, Sequence) else [destination])]
    if len(src) != len(dst) or len(set(src)) < len(src) or len(set(dst)) < len(dst):
        fail(ArgumentError, "moveaxis: source and destination must be as many different axes", x)
    order = [k for k in range(x.ndim) if k not in src]
    for to, axis in sorted(zip(dst, src, strict=True)):
        order.insert(to, axis)
    return transpose(x, order)


@composite
def matrix_transpose(x: Any) -> Node:
    """Exchange the last two axes."""
    x = as_node(x)
    if x.ndim < 2:
        fail(ShapeError, f"matrix_transpose: {label(x)} has {x.ndim} axes, needs 2", x)
    return swapaxes(x, -1, -2)


@composite
def ravel(x: Any) -> Node:
    """All elements along one axis."""
    return reshape(x, (-1,))


OPS = (reshape, transpose)
