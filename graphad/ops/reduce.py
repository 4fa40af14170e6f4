"""Reductions other than the sum (which is in `fit.py`, beside its adjoint): mean, prod, max, min, argmax, argmin."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from graphad.errors import ShapeError
from graphad.ir.core import Case, Constant, Custom, Linear, Node, fail, label, op
from graphad.ir.dims import product
from graphad.ir.types import TensorType
from graphad.ops.attributes import Axes, Flag, OptionalDType, all_axes, normal_axis
from graphad.ops.fit import accumulator, as_count, cast, reduced_shape, stretch, sum, unreduce
from graphad.ops.layout import moveaxis, reshape
from graphad.ops.leaves import plain
from graphad.ops.piecewise import indicator
from graphad.ops.scan import exclusive_products

_CASES = (
    Case((2, 3)),
    Case((2, 3), axis=0),
    Case((2, 3, 4), axis=(0, -1), keepdims=True),
    Case(("n", 3), axis=0),
    Case(()),
)


def _mean_transpose(g: Node, x: Node, axis: Any, dtype: Any, keepdims: bool) -> Sequence[Node]:
    count = product([x.shape[k] for k in all_axes(x, axis)])
    return (unreduce(g / as_count(count, g.dtype), x, axis, keepdims),)


@op(
    numpy="np.mean({x}{, axis}{, dtype}{, keepdims})",
    derivative=Linear(_mean_transpose),
    coerce=plain,
    cases=_CASES,
    latex=r"\operatorname{{mean}}_{{{axis}}}\left({x}\right)",
)
def mean(x: Node, axis: Axes = None, dtype: OptionalDType = None, keepdims: Flag = False) -> TensorType:
    """Arithmetic mean over the given axes, as `numpy.mean`; integers have a float64 mean; that of nothing is nan."""
    natural = x.dtype if x.dtype.kind in "fc" else np.dtype("float64")
    return TensorType(reduced_shape(x, axis, keepdims), dtype or natural)


def _prod_vjp(g: Node, out: Node, x: Node, axis: Any, dtype: Any, keepdims: bool) -> Sequence[Node]:
    """Each factor's cotangent is g times the product of the others, without dividing: exact where factors are zero."""
    axes = all_axes(x, axis)
    kept = [k for k in range(x.ndim) if k not in axes]
    front = moveaxis(cast(x, out.dtype), axes, range(len(axes)))
    rows = reshape(front, (product([x.shape[k] for k in axes]), *(x.shape[k] for k in kept)))
    others = exclusive_products(rows, 0) if rows.shape[0] != 0 else rows
    spread = moveaxis(reshape(others, front.shape), range(len(axes)), axes)
    return (unreduce(g, x, axis, keepdims) * cast(spread, x.dtype),)


@op(
    numpy="np.prod({x}{, axis}{, dtype}{, keepdims})",
    derivative=Custom(_prod_vjp),
    coerce=plain,
    cases=(*_CASES, Case((0, 3), axis=0), Case((5,)), Case(np.array([2.0, 0.0, 3.0, 0.0]))),
    latex=r"\operatorname{{prod}}_{{{axis}}}\left({x}\right)",
)
def prod(x: Node, axis: Axes = None, dtype: OptionalDType = None, keepdims: Flag = False) -> TensorType:
    """Product over the given axes, as `numpy.prod`; derivatives of every order are exact where factors are zero."""
    return TensorType(reduced_shape(x, axis, keepdims), dtype or accumulator(x.dtype))


def _extreme_vjp(g: Node, out: Node, x: Node, axis: Any, keepdims: bool) -> Sequence[Node]:
    """Ties share equally."""
    hit = indicator(x == unreduce(out, x, axis, keepdims), x)
    count = sum(hit, axis=axis, keepdims=True)
    return (unreduce(g, x, axis, keepdims) * (hit / stretch(count, x.shape)),)


def _not_empty(what: str, x: Node, axis: Any) -> None:
    if 0 in [x.shape[k] for k in all_axes(x, axis)]:
        fail(ShapeError, f"{what} of an empty axis of {label(x)} does not exist", x)


@op(
    numpy="np.max({x}{, axis}{, keepdims})",
    derivative=Custom(_extreme_vjp),
    coerce=plain,
    cases=_CASES,
    latex=r"\max_{{{axis}}}\left({x}\right)",
)
def max(x: Node, axis: Axes = None, keepdims: Flag = False) -> TensorType:
    """Largest element over the given axes; nan if there is one. Equal largest elements share the gradient equally."""
    _not_empty("max", x, axis)
    return TensorType(reduced_shape(x, axis, keepdims), x.dtype)


@op(
    numpy="np.min({x}{, axis}{, keepdims})",
    derivative=Custom(_extreme_vjp),
    coerce=plain,
    cases=_CASES,
    latex=r"\min_{{{axis}}}\left({x}\right)",
)
def min(x: Node, axis: Axes = None, keepdims: Flag = False) -> TensorType:
    """Smallest element over the given axes; nan if there is one. Equal smallest elements share the gradient equally."""
    _not_empty("min", x, axis)
    return TensorType(reduced_shape(x, axis, keepdims), x.dtype)


@op(
    numpy="np.all({x}{, axis}{, keepdims})",
    derivative=Constant(),
    coerce=plain,
    cases=_CASES,
    latex=r"\operatorname{{all}}_{{{axis}}}\left({x}\right)",
)
def all(x: Node, axis: Axes = None, keepdims: Flag = False) -> TensorType:
    """Whether all elements over the given axes are nonzero; of no elements they are."""
    return TensorType(reduced_shape(x, axis, keepdims), np.dtype(bool))


@op(
    numpy="np.any({x}{, axis}{, keepdims})",
    derivative=Constant(),
    coerce=plain,
    cases=_CASES,
    latex=r"\operatorname{{any}}_{{{axis}}}\left({x}\right)",
)
def any(x: Node, axis: Axes = None, keepdims: Flag = False) -> TensorType:
    """Whether any element over the given axes is nonzero; of no elements none is."""
    return TensorType(reduced_shape(x, axis, keepdims), np.dtype(bool))


def _one_axis(axis: Any, nodes: Sequence[Node]) -> int | None:
    return None if axis is None else normal_axis(axis, nodes)


OneAxis = Annotated[int | None, _one_axis]
_ARG_CASES = (Case((2, 3)), Case((2, 3), axis=0), Case((2, 3), axis=-1, keepdims=True), Case(("n", 3), axis=1))


def _arg_type(what: str, x: Node, axis: int | None, keepdims: bool) -> TensorType:
    axes = None if axis is None else (axis,)
    _not_empty(what, x, axes)
    return TensorType(reduced_shape(x, axes, keepdims), np.dtype("int64"))


@op(
    numpy="np.argmax({x}{, axis}{, keepdims})",
    derivative=Constant(),
    coerce=plain,
    cases=_ARG_CASES,
    latex=r"\operatorname{{argmax}}_{{{axis}}}\left({x}\right)",
)
def argmax(x: Node, axis: OneAxis = None, keepdims: Flag = False) -> TensorType:
    """Position of the largest element along an axis (in the flattened array unless given); the first of equals."""
    return _arg_type("argmax", x, axis, keepdims)


@op(
    numpy="np.argmin({x}{, axis}{, keepdims})",
    derivative=Constant(),
    coerce=plain,
    cases=_ARG_CASES,
    latex=r"\operatorname{{argmin}}_{{{axis}}}\left({x}\right)",
)
def argmin(x: Node, axis: OneAxis = None, keepdims: Flag = False) -> TensorType:
    """Position of the smallest element along an axis (in the flattened array unless given); the first of equals."""
    return _arg_type("argmin", x, axis, keepdims)


OPS = (mean, prod, max, min, all, any, argmax, argmin)
