"""What pooling reduces windows to, without building them: `window_max`, `window_sum`, and their adjoints.

Windows over the last axes start at multiples of ``stride``; their elements are ``dilation`` apart, as in `conv.py`.

    window_sum(x)        and its transpose window_spread(g), shaped as x
    window_max(x)        whose cotangent is max_share(g, x); that has the transpose max_mean(v, x) in g
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ShapeError
from graphad.ir.core import Case, Custom, Linear, Node, Op, fail, label, op
from graphad.ir.types import Shape, TensorType
from graphad.ops.attributes import ShapeAttr
from graphad.ops.conv import Steps, check_fits, positions
from graphad.ops.fit import accumulator, cast
from graphad.ops.leaves import plain
from graphad.ops.pool_helpers import FORMS

_CASES = (
    Case((5,), size=(2,)),
    Case((2, 7), size=(3,), stride=2),
    Case((2, 5, 6), size=(2, 3), stride=(1, 2), dilation=(2, 1)),
    Case((2, 5, 4), size=(2, 2), stride=2),
    Case((2, 4, 3), size=(1, 1)),
    Case((0, 4), size=(2,)),
    Case(("n", 4), size=(2,)),
    Case((2, "n"), size=(2,), stride=2),
)


def _counts(name: str, x: Node, size: Shape, stride: Any, dilation: Any) -> Shape:
    """The shape of the result: x's with the number of windows on the last axes."""
    n = len(size)
    if not 1 <= n <= x.ndim:
        fail(ShapeError, f"{name}: size {size} for {label(x)}, which has {x.ndim} axes", x)
    lead, last = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    check_fits(name, last, size, dilation, x)
    return (*lead, *positions(last, size, stride, dilation))


def _accumulated(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Integers are added in the dtype in which `numpy.sum` adds them."""
    return [cast(x, accumulator(x.dtype)) for x in plain(op, operands)]


@op(
    numpy="window_sum({x}, {size}{, stride}{, dilation})",
    derivative=Linear(
        lambda g, x, size, stride, dilation: (
            window_spread(g, shape=x.shape[x.ndim - len(size) :], size=size, stride=stride, dilation=dilation),
        )
    ),
    coerce=_accumulated,
    cases=_CASES,
    helpers=FORMS,
)
def window_sum(x: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """The sum of each window of the given size over the last axes. Linear. Raises ShapeError."""
    return TensorType(_counts("window_sum", x, size, stride, dilation), x.dtype)


@op(
    numpy="window_spread({g}, {shape}, {size}{, stride}{, dilation})",
    derivative=Linear(
        lambda h, g, shape, size, stride, dilation: (window_sum(h, size=size, stride=stride, dilation=dilation),)
    ),
    coerce=plain,
    cases=(
        Case((4,), shape=(5,), size=(2,)),
        Case((2, 3), shape=(7,), size=(3,), stride=2),
        Case((2, 3, 2), shape=(5, 6), size=(2, 3), stride=(1, 2), dilation=(2, 1)),
        Case((2, 2, 2), shape=(5, 4), size=(2, 2), stride=2),
        Case((2, "n"), shape=("n + 1",), size=(2,)),
    ),
    helpers=FORMS,
)
def window_spread(g: Node, shape: ShapeAttr, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """The transpose of `window_sum`: each element of g added to all elements of its window. Raises ShapeError."""
    n = len(size)
    fits = 1 <= n <= g.ndim and len(shape) == n
    if not fits or positions(shape, size, stride, dilation) != g.shape[g.ndim - n :]:
        fail(ShapeError, f"window_spread: windows of {size} take no {shape} to the shape of {label(g)}", g)
    return TensorType((*g.shape[: g.ndim - n], *shape), g.dtype)


@op(
    numpy="window_max({x}, {size}{, stride}{, dilation})",
    derivative=Custom(
        lambda g, out, x, **how: (max_share(g, x, **how),),
        lambda t, out, x, **how: max_mean(t[0], x, **how),
    ),
    coerce=plain,
    cases=_CASES,
    helpers=FORMS,
)
def window_max(x: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """The largest element of each window over the last axes; nan if there is one. Raises ShapeError.

    Equal largest elements share the gradient equally.
    """
    return TensorType(_counts("window_max", x, size, stride, dilation), x.dtype)


@op(
    numpy="max_share({g}, {x}, {size}{, stride}{, dilation})",
    derivative=Custom(
        lambda h, out, g, x, **how: (max_mean(h, x, **how), None),
        lambda t, out, g, x, **how: None if t[0] is None else max_share(t[0], x, **how),
    ),
    coerce=plain,
    cases=(
        Case((4,), (5,), size=(2,)),
        Case((2, 3), (2, 7), size=(3,), stride=2),
        Case((2, 3, 2), (2, 5, 6), size=(2, 3), stride=(1, 2), dilation=(2, 1)),
        Case(("n", 2, 2), ("n", 5, 4), size=(2, 2), stride=2),
    ),
    helpers=FORMS,
)
def max_share(g: Node, x: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """Each element of g, in equal shares, at the largest elements of its window of x; 0 elsewhere. Linear in g.

    Where windows have nan for their maximum, so has the result. Raises ShapeError.
    """
    if _counts("max_share", x, size, stride, dilation) != g.shape:
        fail(ShapeError, f"max_share: windows of {size} take {label(x)} not to the shape of {label(g)}", g, x)
    return TensorType(x.shape, _weighted(g))


@op(
    numpy="max_mean({v}, {x}, {size}{, stride}{, dilation})",
    derivative=Custom(
        lambda g, out, v, x, **how: (max_share(g, x, **how), None),
        lambda t, out, v, x, **how: None if t[0] is None else max_mean(t[0], x, **how),
    ),
    coerce=plain,
    cases=(
        Case((5,), (5,), size=(2,)),
        Case((2, 7), (2, 7), size=(3,), stride=2),
        Case((2, 5, 6), (2, 5, 6), size=(2, 3), stride=(1, 2), dilation=(2, 1)),
        Case(("n", 5, 4), ("n", 5, 4), size=(2, 2), stride=2),
    ),
    helpers=FORMS,
)
def max_mean(v: Node, x: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """The mean of v over the largest elements of each window of x: the transpose of `max_share`. Raises ShapeError."""
    if v.shape != x.shape:
        fail(ShapeError, f"max_mean: {label(v)} and {label(x)} differ in shape", v, x)
    return TensorType(_counts("max_mean", x, size, stride, dilation), _weighted(v))


def _weighted(g: Node) -> np.dtype[Any]:
    return g.dtype if g.dtype.kind in "fc" else np.dtype("float64")


OPS = (window_sum, window_spread, window_max, max_share, max_mean)
