"""Convolution of any number of spatial axes, and the windows that pooling reduces over.

`conv` is linear in the input and in the filter; its two transposes are ops of the same family, and the transposes of
those are again members of it, so derivatives of every order stay inside:

    conv(x, w)                 the output       (Dumoulin & Visin 2016, "A guide to convolution arithmetic")
    conv_input_adjoint(g, w)   shaped as x      the transposed convolution
    conv_filter_adjoint(x, g)  shaped as w

Layout as in PyTorch: x (batch, channels, *positions), w (out, channels / groups, *kernel). Padding is a node outside.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Linear, Multilinear, Node, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.types import Shape, TensorType
from graphad.ops import conv_helpers as numpy_forms
from graphad.ops.attributes import ShapeAttr, as_int
from graphad.ops.fit import promoting
from graphad.ops.index import getitem
from graphad.ops.indexing import FULL, Slice
from graphad.ops.leaves import plain


def _steps(value: Any, nodes: Sequence[Node]) -> int | tuple[int, ...]:
    """One int for all axes, or one per axis where they differ."""
    several = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    steps = tuple(as_int(v, "a stride or dilation", *nodes) for v in several)
    if not steps or any(s < 1 for s in steps):
        fail(ArgumentError, f"a stride or dilation must be at least 1, not {value}", *nodes)
    return steps[0] if len(set(steps)) == 1 else steps


def _count(value: Any, nodes: Sequence[Node]) -> int:
    count = as_int(value, "groups", *nodes)
    if count < 1:
        fail(ArgumentError, f"groups must be at least 1, not {count}", *nodes)
    return count


Steps = Annotated[int | tuple[int, ...], _steps]
Count = Annotated[int, _count]


def per_axis(value: Any, n: int) -> tuple[Any, ...]:
    """A value for each of n axes from one value for all, or from n of them."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def extents(kernel: Shape, dilation: Any) -> Shape:
    """How many elements a window reaches over: dilation·(kernel - 1) + 1."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, per_axis(dilation, len(kernel)), strict=True))


def positions(size: Shape, kernel: Shape, stride: Any, dilation: Any) -> Shape:
    """How many windows fit: (size - extent) // stride + 1."""
    reach, steps = extents(kernel, dilation), per_axis(stride, len(kernel))
    return tuple((s - e) // step + 1 for s, e, step in zip(size, reach, steps, strict=True))


def natural_size(count: Shape, kernel: Shape, stride: Any, dilation: Any) -> Shape:
    """The smallest size that has so many windows: (count - 1)·stride + extent."""
    reach, steps = extents(kernel, dilation), per_axis(stride, len(kernel))
    return tuple((m - 1) * step + e for m, e, step in zip(count, reach, steps, strict=True))


def check_fits(name: str, size: Shape, kernel: Shape, dilation: Any, *nodes: Node) -> None:
    """Raise ShapeError when a window does not fit into the input at all."""
    for s, e in zip(size, extents(kernel, dilation), strict=True):
        if isinstance(s, int) and isinstance(e, int) and (e > s or e < 1):
            what = f"{name}: kernel {kernel} with dilation {dilation} is larger than the padded input {size}"
            fail(ShapeError, what, *nodes, hint="use a smaller kernel, or more padding")


def _check_room(name: str, size: Shape, count: Shape, kernel: Shape, stride: Any, dilation: Any, *nodes: Node) -> None:
    for s, least in zip(size, natural_size(count, kernel, stride, dilation), strict=True):
        if isinstance(s, int) and isinstance(least, int) and s < least:
            fail(ShapeError, f"{name}: {count} windows of {kernel} do not fit into {size}", *nodes)


# Windows ------------------------------------------------------------------------------------------------------------


@op(
    numpy="windows({x}, {size}{, stride}{, dilation})",
    derivative=Linear(
        lambda g, x, size, stride, dilation: (
            overlap_add(g, size=x.shape[x.ndim - len(size) :], stride=stride, dilation=dilation),
        )
    ),
    coerce=plain,
    cases=(
        Case((5,), size=(2,)),
        Case((2, 7), size=(3,), stride=2),
        Case((2, 5, 6), size=(2, 3), stride=(1, 2), dilation=(2, 1)),
        Case((2, 4, 3), size=(1, 1)),
        Case((0, 4), size=(2,)),
        Case(("n", 4), size=(2,)),
        Case((2, "n"), size=(2,), stride=2),
    ),
    helpers=(numpy_forms.windows, numpy_forms.per_axis),
    traits=("view",),
)
def windows(x: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """Windows over the last axes: (..., *size, *positions), as `torch.nn.functional.unfold` orders them.

    Windows start at multiples of ``stride``; their elements are ``dilation`` apart. Linear. Raises ShapeError.
    """
    n = len(size)
    if not 1 <= n <= x.ndim:
        fail(ShapeError, f"windows: size {size} for {label(x)}, which has {x.ndim} axes", x)
    lead, last = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    check_fits("windows", last, size, dilation, x)
    return TensorType((*lead, *size, *positions(last, size, stride, dilation)), x.dtype)


@op(
    numpy="overlap_add({parts}, {size}{, stride}{, dilation})",
    derivative=Linear(lambda g, parts, size, stride, dilation: (_as_windows(g, parts, len(size), stride, dilation),)),
    coerce=plain,
    cases=(
        Case((2, 4), size=(5,)),
        Case((2, 3, 3), size=(8,), stride=2),
        Case((2, 2, 3, 3, 2), size=(5, 6), stride=(1, 2), dilation=(2, 1)),
        Case((2, "n"), size=("n + 1",)),
    ),
    helpers=(numpy_forms.overlap_add, numpy_forms.add_taps, numpy_forms.tap_slices, numpy_forms.per_axis),
)
def overlap_add(parts: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1) -> TensorType:
    """Zeros of the given size with windows (..., *size, *positions) added in place: the transpose of `windows`."""
    n = len(size)
    if not 1 <= n <= parts.ndim // 2:
        fail(ShapeError, f"overlap_add: size {size} for {label(parts)}, which has {parts.ndim} axes", parts)
    lead = parts.ndim - 2 * n
    _check_room("overlap_add", size, parts.shape[lead + n :], parts.shape[lead : lead + n], stride, dilation, parts)
    return TensorType((*parts.shape[:lead], *size), parts.dtype)


def _as_windows(g: Node, parts: Node, n: int, stride: Any, dilation: Any) -> Node:
    lead = parts.ndim - 2 * n
    kernel, count = parts.shape[lead : lead + n], parts.shape[lead + n :]
    return windows(_crop(g, count, kernel, stride, dilation), size=kernel, stride=stride, dilation=dilation)


def _crop(g: Node, count: Shape, kernel: Shape, stride: Any, dilation: Any) -> Node:
    """The part of ``g`` under the windows, where more would make room for further windows."""
    lead = g.ndim - len(kernel)
    if positions(g.shape[lead:], kernel, stride, dilation) == count:
        return g
    ends = natural_size(count, kernel, stride, dilation)
    return getitem(g, index=(*[FULL] * lead, *[Slice(None, e) for e in ends]))


# Convolution --------------------------------------------------------------------------------------------------------


def _conv_transpose(g: Node, x: Node, w: Node, stride: Any, dilation: Any, groups: int) -> Sequence[Node]:
    how = {"stride": stride, "dilation": dilation, "groups": groups}
    return (
        conv_input_adjoint(g, w, size=x.shape[2:], **how),
        conv_filter_adjoint(x, g, kernel=w.shape[2:], **how),
    )


@op(
    numpy="conv({x}, {w}{, stride}{, dilation}{, groups})",
    derivative=Multilinear(_conv_transpose),
    coerce=promoting,
    latex=r"{x} \star {w}",
    cases=(
        Case((2, 3, 6), (4, 3, 3)),
        Case((1, 2, 8), (2, 2, 2), stride=3, dilation=2),
        Case((2, 2, 5, 4), (3, 2, 2, 3)),
        Case((2, 4, 6, 5), (6, 2, 3, 2), stride=(2, 1), dilation=(1, 2), groups=2),
        Case((2, 3, 4, 4), (3, 1, 2, 2), groups=3),
        Case((2, 3, 4, 4), (2, 3, 1, 1)),
        Case((1, 2, 4, 3, 4), (2, 1, 2, 2, 3), stride=(1, 1, 2), groups=2),
        Case((0, 2, 5), (2, 2, 2)),
        Case(("n", 2, 5), (2, 2, 2)),
        Case((2, 2, "n"), (2, 2, 2), stride=2),
    ),
    helpers=numpy_forms.FORMS,
)
def conv(x: Node, w: Node, stride: Steps = 1, dilation: Steps = 1, groups: Count = 1) -> TensorType:
    """Cross-correlation without padding: y[b, o, p] = Σ_{c, k} w[o, c, k]·x[b, c, p·stride + k·dilation].

    x (batch, channels, *positions), w (out, channels / groups, *kernel). Raises ShapeError.
    """
    name = f"conv{x.ndim - 2}d"
    if x.ndim < 3 or w.ndim != x.ndim:
        fail(ShapeError, f"{name}: {label(x)} has {x.ndim} axes, {label(w)} has {w.ndim}", x, w, hint=_LAYOUT)
    if x.shape[1] != groups * w.shape[1]:
        what = f"{name}: {label(x)} has {x.shape[1]} channels, {label(w)} takes {groups * w.shape[1]}"
        fail(ShapeError, what, x, w, hint=_LAYOUT)
    _check_groups(name, w, groups)
    check_fits(name, x.shape[2:], w.shape[2:], dilation, x, w)
    return TensorType((x.shape[0], w.shape[0], *positions(x.shape[2:], w.shape[2:], stride, dilation)), x.dtype)


_LAYOUT = "the input is (batch, channels, *positions), the weight (out, channels // groups, *kernel)"


def _check_groups(name: str, w: Node, groups: int) -> None:
    if w.shape[0] % groups != 0:
        what = f"{name}: {groups} groups do not divide the {w.shape[0]} channels of {label(w)}, its first axis"
        fail(ShapeError, what, w, hint="the first size of the weight must be a multiple of groups")


def _input_transpose(
    big: Node, g: Node, w: Node, size: Shape, stride: Any, dilation: Any, groups: int
) -> Sequence[Node]:
    how = {"stride": stride, "dilation": dilation, "groups": groups}
    part = _crop(big, g.shape[2:], w.shape[2:], stride, dilation)
    return conv(part, w, **how), conv_filter_adjoint(part, g, kernel=w.shape[2:], **how)


@op(
    numpy="conv_input_adjoint({g}, {w}, {size}{, stride}{, dilation}{, groups})",
    derivative=Multilinear(_input_transpose),
    coerce=promoting,
    latex=r"{g} \star^{{\top}} {w}",
    cases=(
        Case((2, 4, 4), (4, 3, 3), size=(6,)),
        Case((1, 2, 2), (2, 2, 2), size=(8,), stride=3, dilation=2),
        Case((2, 6, 2, 3), (6, 2, 3, 2), size=(6, 5), stride=(2, 1), dilation=(1, 2), groups=2),
        Case((1, 2, 3, 2, 1), (2, 1, 2, 2, 3), size=(4, 3, 4), stride=(1, 1, 2), groups=2),
        Case(("n", 2, 4), (2, 2, 2), size=(5,)),
        Case((1, 2, "n"), (2, 1, 3), size=("2*n + 1",), stride=2),
    ),
    helpers=numpy_forms.FORMS,
)
def conv_input_adjoint(
    g: Node, w: Node, size: ShapeAttr, stride: Steps = 1, dilation: Steps = 1, groups: Count = 1
) -> TensorType:
    """The transpose of `conv` in its input, also called transposed convolution.

    g (batch, out, *positions) is spread over an input of spatial shape ``size``; beyond the last window it is zero.
    Raises ShapeError.
    """
    name = f"conv_transpose{g.ndim - 2}d"
    if g.ndim < 3 or w.ndim != g.ndim or len(size) != g.ndim - 2:
        fail(ShapeError, f"{name}: {label(g)} has {g.ndim} axes, {label(w)} has {w.ndim}", g, w)
    if g.shape[1] != w.shape[0]:
        what = f"{name}: {label(g)} has {g.shape[1]} channels, {label(w)} takes {w.shape[0]}"
        fail(ShapeError, what, g, w, hint="the weight is (channels, out // groups, *kernel)")
    _check_groups(name, w, groups)
    _check_room(name, size, g.shape[2:], w.shape[2:], stride, dilation, g, w)
    return TensorType((g.shape[0], groups * w.shape[1], *size), g.dtype)


def _filter_transpose(
    v: Node, x: Node, g: Node, kernel: Shape, stride: Any, dilation: Any, groups: int
) -> Sequence[Node]:
    how = {"stride": stride, "dilation": dilation, "groups": groups}
    return conv_input_adjoint(g, v, size=x.shape[2:], **how), conv(x, v, **how)


@op(
    numpy="conv_filter_adjoint({x}, {g}, {kernel}{, stride}{, dilation}{, groups})",
    derivative=Multilinear(_filter_transpose),
    coerce=promoting,
    latex=r"{x} \star {g}",
    cases=(
        Case((2, 3, 6), (2, 4, 4), kernel=(3,)),
        Case((1, 2, 8), (1, 2, 2), kernel=(2,), stride=3, dilation=2),
        Case((2, 4, 6, 5), (2, 6, 2, 3), kernel=(3, 2), stride=(2, 1), dilation=(1, 2), groups=2),
        Case((1, 2, 4, 3, 4), (1, 2, 3, 2, 1), kernel=(2, 2, 3), stride=(1, 1, 2), groups=2),
        Case(("n", 2, 5), ("n", 2, 4), kernel=(2,)),
    ),
    helpers=numpy_forms.FORMS,
)
def conv_filter_adjoint(
    x: Node, g: Node, kernel: ShapeAttr, stride: Steps = 1, dilation: Steps = 1, groups: Count = 1
) -> TensorType:
    """The transpose of `conv` in its filter: Σ over batch and positions of g times the windows of x. ShapeError."""
    fits = x.ndim == g.ndim == len(kernel) + 2 and x.shape[0] == g.shape[0]
    if not fits or positions(x.shape[2:], kernel, stride, dilation) != g.shape[2:]:
        fail(ShapeError, f"conv_filter_adjoint: no kernel {kernel} takes {label(x)} to the shape of {label(g)}", x, g)
    channels: Size = x.shape[1] // groups
    return TensorType((g.shape[1], channels, *kernel), x.dtype)


OPS = (windows, overlap_add, conv, conv_input_adjoint, conv_filter_adjoint)
