"""How operands are made to fit: broadcasting and its adjoint, the sum.

There is no implicit casting or broadcasting inside a graph: the coercions below, which most ops name in their
declaration, insert `astype` and `broadcast_to` nodes. Their adjoints are a cast back and a sum, so no other rule ever
un-broadcasts. Lowering leaves out whatever NumPy does by itself.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.ir.core import Case, Linear, Node, Op, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.origin import composite, here
from graphad.ir.types import (
    DType,
    Shape,
    TensorType,
    as_dtype,
    as_shape,
    broadcast_axes,
    broadcast_shapes,
    numpy_name,
    promote,
    shape_text,
)
from graphad.ops.attributes import Axes, Flag, OptionalDType, ShapeAttr, all_axes, normal_axes, normal_axis
from graphad.ops.casts import astype as astype
from graphad.ops.casts import cast as cast
from graphad.ops.leaves import as_node, constant, plain


def _broadcast_numpy(x: Node) -> str:
    (source,), shape = x.inputs, x.attrs["shape"]
    text = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    if "constant" in source.op.traits and source.ndim == 0:
        value, dtype = source.attrs["value"], f"np.{np.bool_.__name__ if x.dtype.kind == 'b' else numpy_name(x.dtype)}"
        suffix = "" if x.dtype == np.float64 else f", {dtype}"
        if value == 0 and not np.signbit([value.real, value.imag]).any():
            return f"np.zeros({text}{suffix})"
        if value == 1:
            return f"np.ones({text}{suffix})"
        return f"np.full({text}, {{x}}, {dtype})"
    return f"np.broadcast_to({{x}}, {text})"


@op(
    numpy=_broadcast_numpy,
    derivative=Linear(lambda g, x, shape: (sum_to(g, x.shape),)),
    coerce=plain,
    latex=r"\operatorname{{broadcast}}_{{{shape}}}\left({x}\right)",
    cases=(
        Case((3,), shape=(2, 3)),
        Case((2, 1), shape=(4, 2, 5)),
        Case(("n",), shape=(2, "n")),
        Case((1, 2), shape=(0, 2)),
    ),
    traits=("view",),
)
def broadcast_to(x: Node, shape: ShapeAttr) -> TensorType:
    """Repeat along new leading axes and axes of size 1, as `numpy.broadcast_to`. Raises ShapeError."""
    if len(shape) < x.ndim or broadcast_shapes(x.shape, shape) != shape:
        fail(ShapeError, f"broadcast_to: {shape_text(x.shape)} does not stretch to {shape_text(shape)}", x)
    return TensorType(shape, x.dtype)


def stretch(x: Node, shape: Shape) -> Node:
    """`broadcast_to` where it is needed."""
    return x if x.shape == shape else broadcast_to.build((x,), {"shape": shape}, here(False))


def uniform_value(x: Node) -> Any:
    """The number that every element is known to be (a scalar constant, broadcast or not), or None."""
    while x.op in (broadcast_to, expand_dims, squeeze):
        x = x.inputs[0]
    return x.attrs["value"].item() if "constant" in x.op.traits and x.ndim == 0 else None


def is_uniform(node: Node, value: float) -> bool:
    """Whether every element is known to be this number."""
    known = uniform_value(node)
    return known is not None and bool(known == value)


def sum_to(g: Node, shape: Shape) -> Node:
    """The adjoint of broadcasting from ``shape``: sum over the axes that were added or stretched."""
    added, stretched = broadcast_axes(shape, g.shape)
    if stretched:
        g = sum(g, axis=stretched, keepdims=True)
    return sum(g, axis=added) if added else g


def reduced_shape(x: Node, axis: int | tuple[int, ...] | None, keepdims: bool) -> Shape:
    """The shape after reducing over ``axis``."""
    axes = all_axes(x, axis)
    if keepdims:
        return tuple(1 if k in axes else s for k, s in enumerate(x.shape))
    return tuple(s for k, s in enumerate(x.shape) if k not in axes)


def unreduce(g: Node, x: Node, axis: tuple[int, ...] | None, keepdims: bool) -> Node:
    """A reduction's result laid out again over the shape of its input: the adjoint of a sum."""
    if not keepdims and g.ndim:
        g = expand_dims(g, all_axes(x, axis))
    return stretch(cast(g, x.dtype), x.shape)


def accumulator(dtype: DType) -> DType:
    """NumPy's dtype of a sum: booleans and small integers become the platform's 64-bit integers."""
    if dtype.kind in "bi":
        return np.dtype("int64")
    return np.dtype("uint64") if dtype.kind == "u" else dtype


@op(
    numpy="np.sum({x}{, axis}{, dtype}{, keepdims})",
    derivative=Linear(lambda g, x, axis, dtype, keepdims: (unreduce(g, x, axis, keepdims),)),
    coerce=plain,
    latex=r"\operatorname{{sum}}_{{{axis}}}\left({x}\right)",
    cases=(
        Case((2, 3)),
        Case((2, 3), axis=0),
        Case((2, 3, 4), axis=(0, -1), keepdims=True),
        Case((0, 3), axis=0),
        Case((2, 3), axis=()),
        Case(("n", 3), axis=0),
        Case(()),
    ),
)
def sum(x: Node, axis: Axes = None, dtype: OptionalDType = None, keepdims: Flag = False) -> TensorType:
    """Sum over the given axes (all unless given), as `numpy.sum`; small integers add up in 64 bits."""
    return TensorType(reduced_shape(x, axis, keepdims), dtype or accumulator(x.dtype))


def _new_axes(axis: Any, nodes: Sequence[Node]) -> tuple[int, ...]:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(sorted(normal_axis(a, nodes, extra=len(axes)) for a in axes))


def _expand_numpy(x: Node) -> str:
    axes = x.attrs["axis"]
    last = max(axes, default=-1)
    items = ["None" if k in axes else ":" for k in range(last + 1)]
    return f"{{x}}[{', '.join(items)}]" if last < 3 and axes else "np.expand_dims({x}, {axis})"


@op(
    numpy=_expand_numpy,
    derivative=Linear(lambda g, x, axis: (squeeze(g, axis),)),
    coerce=plain,
    latex=r"\operatorname{{expand}}_{{{axis}}}\left({x}\right)",
    cases=(
        Case((2, 3), axis=0),
        Case((2, 3), axis=-1),
        Case((2, 3), axis=(0, 2)),
        Case((), axis=0),
        Case(("n",), axis=1),
    ),
    traits=("view",),
)
def expand_dims(x: Node, axis: Annotated[int | tuple[int, ...], _new_axes]) -> TensorType:
    """Insert axes of size 1, as `numpy.expand_dims`."""
    if len(set(axis)) < len(axis):  # type: ignore[arg-type]
        fail(ShapeError, f"expand_dims: axis {axis} names an axis twice", x)
    sizes = iter(x.shape)
    ndim = x.ndim + len(axis)  # type: ignore[arg-type]
    return TensorType(tuple(1 if k in axis else next(sizes) for k in range(ndim)), x.dtype)  # type: ignore[operator]


def _old_axes(axis: Any, nodes: Sequence[Node]) -> tuple[int, ...]:
    if axis is None:
        return tuple(k for k, s in enumerate(nodes[0].shape) if s == 1)
    return all_axes(nodes[0], normal_axes(axis, nodes))


@op(
    numpy="np.squeeze({x}, {axis})",
    derivative=Linear(lambda g, x, axis: (expand_dims(g, axis),)),
    coerce=plain,
    latex=r"\operatorname{{squeeze}}_{{{axis}}}\left({x}\right)",
    cases=(Case((1, 3), axis=0), Case((1, 3, 1)), Case((2, 1), axis=-1), Case(("n", 1), axis=1)),
    traits=("view",),
)
def squeeze(x: Node, axis: Annotated[int | tuple[int, ...] | None, _old_axes] = None) -> TensorType:
    """Remove axes of size 1 (all of them unless ``axis`` is given), as `numpy.squeeze`. Raises ShapeError."""
    for k in axis:  # type: ignore[union-attr]
        if x.shape[k] != 1:
            fail(ShapeError, f"squeeze: axis {k} of {label(x)} has size {x.shape[k]}, not 1", x)
    return TensorType(tuple(s for k, s in enumerate(x.shape) if k not in axis), x.dtype)  # type: ignore[operator]


# Coercions ----------------------------------------------------------------------------------------------------------


def promoting(op: Op, operands: Sequence[Any]) -> list[Node]:
    """All operands in one dtype, each in its own shape."""
    if not operands:
        fail(ArgumentError, f"{op.name}: at least one operand is needed")
    nodes = [x for x in operands if isinstance(x, Node)]  # of a sum there may be thousands
    if len(nodes) < len(operands):
        strong = [x.dtype for x in operands if isinstance(x, (Node, np.ndarray, np.generic))]
        nodes = [x if isinstance(x, Node) else as_node(x, *strong) for x in operands]
    dtype = nodes[0].dtype
    for x in nodes:
        if x.dtype != dtype:
            dtype = promote(*(x.dtype for x in nodes))
            return [cast(x, dtype) for x in nodes]
    return nodes


def broadcasting(op: Op, operands: Sequence[Any]) -> list[Node]:
    """All operands in one dtype and one shape, as NumPy's arithmetic makes them."""
    return fit_shapes(op, promoting(op, operands))


def by_loop(ufunc: np.ufunc) -> Callable[[Op, Sequence[Any]], list[Node]]:
    """As `broadcasting`, to the dtype of the loop: int8 and uint8 share one of float16, though they make int16."""

    def coerce(op: Op, operands: Sequence[Any]) -> list[Node]:
        nodes = broadcasting(op, operands)
        dtypes = [x.dtype for x in operands if isinstance(x, (Node, np.ndarray, np.generic))]
        if len(set(dtypes)) < 2 or any(d.kind not in "iu" for d in dtypes):
            return nodes
        loop = ufunc.resolve_dtypes((*dtypes, None))[0]
        return [cast(x, loop) for x in nodes]

    return coerce


def floats(op: Op, operands: Sequence[Any]) -> list[Node]:
    """As `broadcasting`; integers and booleans become float64."""
    return [x if x.dtype.kind in "fc" else cast(x, np.dtype("float64")) for x in broadcasting(op, operands)]


def real_floats(op: Op, operands: Sequence[Any]) -> list[Node]:
    """As `floats`; complex numbers are refused."""
    nodes = floats(op, operands)
    for x in nodes:
        if x.dtype.kind == "c":
            fail(DTypeError, f"{op.name}: not defined here for complex numbers", x)
    return nodes


def fit_shapes(op: Op, nodes: list[Node]) -> list[Node]:
    """The nodes broadcast to one shape. Raises ShapeError at the user's line, naming the operands."""
    shape = nodes[0].shape
    for x in nodes:
        if x.shape != shape:
            break
    else:
        return nodes
    common = broadcast_shapes(*(x.shape for x in nodes))
    if common is None:
        texts = " and ".join(shape_text(x.shape) for x in nodes)
        fail(ShapeError, f"{op.name}: shapes do not broadcast: {texts}", *nodes, hint=_broadcast_hint(nodes))
    return [stretch(x, common) for x in nodes]


def _broadcast_hint(nodes: Sequence[Node]) -> str:
    if len(nodes) != 2:
        return ""
    a, b = nodes
    if a.shape == b.shape[::-1] and a.ndim == 2:
        return f"did you mean {label(b)}.T ?"
    if a.ndim == b.ndim + 1 and b.ndim == 1 and a.shape[0] == b.shape[0]:
        return f"to align {label(b)} with the first axis, write {label(b)}[:, None]"
    return "sizes must be equal or 1; a named size fits only itself and 1"


# Uniform arrays -----------------------------------------------------------------------------------------------------


@composite
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Node:
    """An array filled with one value: a broadcast constant; the dtype is the value's unless given."""
    value = as_node(fill_value, *([] if dtype is None else [as_dtype(dtype)]))
    return stretch(value if dtype is None else cast(value, as_dtype(dtype)), as_shape(shape))


@composite
def zeros(shape: Any, dtype: Any = "float64") -> Node:
    """An array of zeros."""
    return stretch(constant(np.zeros((), as_dtype(dtype))), as_shape(shape))


@composite
def ones(shape: Any, dtype: Any = "float64") -> Node:
    """An array of ones."""
    return stretch(constant(np.ones((), as_dtype(dtype))), as_shape(shape))


@composite
def zeros_like(x: Any, dtype: Any = None) -> Node:
    """Zeros of the shape and dtype of ``x``."""
    node = as_node(x)
    return zeros(node.shape, dtype or node.dtype)


@composite
def ones_like(x: Any, dtype: Any = None) -> Node:
    """Ones of the shape and dtype of ``x``."""
    node = as_node(x)
    return ones(node.shape, dtype or node.dtype)


@composite
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Node:
    """One value in the shape and dtype of ``x``."""
    node = as_node(x)
    return full(node.shape, fill_value, dtype or node.dtype)


def as_count(size: Size, dtype: DType) -> Node:
    """A number of elements as a scalar of the given dtype."""
    return as_node(size, dtype)


OPS = (broadcast_to, sum, expand_dims, squeeze)
