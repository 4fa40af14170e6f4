"""Triangles, diagonals and borders: parts of an array that NumPy has names for, each with its adjoint."""

from collections.abc import Sequence
from typing import Annotated, Any

from graphad.errors import AxisError, ShapeError
from graphad.ir.core import Case, Linear, Node, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.types import TensorType
from graphad.ops.attributes import ShapeAttr, as_int, normal_axis
from graphad.ops.helpers import place_diagonal as place_diagonal_numpy
from graphad.ops.index import getitem
from graphad.ops.indexing import Slice
from graphad.ops.leaves import plain


def _int(value: Any, nodes: Sequence[Node]) -> int:
    return as_int(value, "a diagonal's offset", *nodes)


Offset = Annotated[int, _int]
_TRIANGLES = (Case((3, 4)), Case((4, 3), k=1), Case((2, 3, 3), k=-1), Case((4,)), Case(("n", 3)), Case((0, 2)))


def _triangle_type(name: str, x: Node) -> TensorType:
    if not x.ndim:
        fail(ShapeError, f"{name}: {label(x)} is a scalar", x, hint="a triangle needs a matrix")
    return TensorType((x.shape[0], x.shape[0]) if x.ndim == 1 else x.shape, x.dtype)


def _rows_summed(g: Node, x: Node) -> Node:
    """NumPy makes of a vector a matrix with that row throughout: its cotangent is the sum over the rows."""
    return g.sum(axis=0) if x.ndim == 1 else g


@op(
    numpy="np.tril({m}{, k})",
    derivative=Linear(lambda g, m, k: (_rows_summed(tril(g, k), m),)),
    coerce=plain,
    latex=r"\operatorname{{tril}}_{{{k}}}\left({m}\right)",
    cases=_TRIANGLES,
)
def tril(m: Node, k: Offset = 0) -> TensorType:
    """The lower triangle of the last two axes, up to the k-th diagonal; zeros above. A vector is repeated as rows."""
    return _triangle_type("tril", m)


@op(
    numpy="np.triu({m}{, k})",
    derivative=Linear(lambda g, m, k: (_rows_summed(triu(g, k), m),)),
    coerce=plain,
    latex=r"\operatorname{{triu}}_{{{k}}}\left({m}\right)",
    cases=_TRIANGLES,
)
def triu(m: Node, k: Offset = 0) -> TensorType:
    """The upper triangle of the last two axes, from the k-th diagonal on; zeros below. A vector is repeated as rows."""
    return _triangle_type("triu", m)


def _diagonal_length(x: Node, offset: int, axis1: int, axis2: int) -> Size:
    rows, columns = x.shape[axis1], x.shape[axis2]
    if isinstance(rows, int) and isinstance(columns, int):
        return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    first, last = rows + min(offset, 0), columns - max(offset, 0)
    longer = first - last
    if isinstance(longer, int):  # named sizes whose difference is known, as n and n + 1
        return last if longer > 0 else first
    fail(ShapeError, f"diagonal: the sizes {rows} and {columns} cannot be compared", x, hint="give them in numbers")


def _diagonal_numpy(x: Node) -> str:
    axes = (x.attrs["axis1"], x.attrs["axis2"])
    return "np.diagonal({x}{, offset})" if axes == (0, 1) else "np.diagonal({x}, {offset}, {axis1}, {axis2})"


@op(
    numpy=_diagonal_numpy,
    derivative=Linear(
        lambda g, x, offset, axis1, axis2: (place_diagonal(g, x.shape, offset=offset, axis1=axis1, axis2=axis2),)
    ),
    coerce=plain,
    latex=r"\operatorname{{diag}}\left({x}\right)",
    cases=(
        Case((3, 4)),
        Case((3, 3), offset=1),
        Case((4, 2), offset=-1),
        Case((2, 3, 3), axis1=1, axis2=2),
        Case((2, 3, 4), offset=1, axis1=2, axis2=0),
        Case(("n", "n")),
    ),
    traits=("view",),
)
def diagonal(
    x: Node, offset: Offset = 0, axis1: Annotated[int, normal_axis] = 0, axis2: Annotated[int, normal_axis] = 1
) -> TensorType:
    """The diagonal over two axes, as `numpy.diagonal`: it becomes the last axis. Raises AxisError, ShapeError."""
    if axis1 == axis2:
        fail(AxisError, "diagonal: axis1 and axis2 must differ", x)
    rest = tuple(s for k, s in enumerate(x.shape) if k not in (axis1, axis2))
    return TensorType((*rest, _diagonal_length(x, offset, axis1, axis2)), x.dtype)


def _place_diagonal_numpy(node: Node) -> str:
    x, offset = node.inputs[0], node.attrs["offset"]
    if x.ndim == 1 and node.shape == (x.shape[0] + abs(offset),) * 2 and (node.attrs["axis1"], x.ndim) == (0, 1):
        return "np.diag({x}, {offset})" if offset else "np.diag({x})"
    return "place_diagonal({x}, {shape}, {offset}, {axis1}, {axis2})"


def _unchecked(value: Any, nodes: Sequence[Node]) -> int:
    return int(value)


@op(
    numpy=_place_diagonal_numpy,
    derivative=Linear(
        lambda g, x, shape, offset, axis1, axis2: (diagonal(g, offset=offset, axis1=axis1, axis2=axis2),)
    ),
    coerce=plain,
    latex=r"\operatorname{{Diag}}\left({x}\right)",
    cases=(
        Case((3,), shape=(3, 3)),
        Case((2,), shape=(3, 3), offset=-1),
        Case((3,), shape=(3, 5)),
        Case((2, 3), shape=(2, 3, 3), axis1=1, axis2=2),
        Case(("n",), shape=("n", "n")),
    ),
    helpers=(place_diagonal_numpy,),
)
def place_diagonal(
    x: Node,
    shape: ShapeAttr,
    offset: Offset = 0,
    axis1: Annotated[int, _unchecked] = 0,
    axis2: Annotated[int, _unchecked] = 1,
) -> TensorType:
    """Zeros of the given shape with the last axis of ``x`` on a diagonal: the adjoint of `diagonal`."""
    return TensorType(shape, x.dtype)


def _widths(value: Any, nodes: Sequence[Node]) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in value)


def _inner(widths: Sequence[tuple[int, int]]) -> tuple[Slice, ...]:
    return tuple(Slice(a or None, -b or None) for a, b in widths)


@op(
    numpy="np.pad({x}, {widths})",
    derivative=Linear(lambda g, x, widths: (getitem(g, _inner(widths)),)),
    coerce=plain,
    cases=(
        Case((2, 3), widths=((1, 2), (0, 1))),
        Case((3,), widths=((2, 0),)),
        Case(("n", 2), widths=((1, 1), (0, 0))),
    ),
    name="pad",
)
def pad_zeros(x: Node, widths: Annotated[tuple[tuple[int, int], ...], _widths]) -> TensorType:
    """Zeros before and after each axis."""
    return TensorType(tuple(a + s + b for s, (a, b) in zip(x.shape, widths, strict=True)), x.dtype)


OPS = (tril, triu, diagonal, place_diagonal, pad_zeros)
