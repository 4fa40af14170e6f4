"""Convolutions over 1, 2 or 3 spatial axes and their transposes, with the arguments of `torch.nn.functional`.

Input (batch, channels, *positions) or, without a batch, (channels, *positions). A convolution does not turn the kernel
around (it is a cross-correlation), as everywhere in deep learning.
"""

from collections.abc import Sequence
from typing import Any

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import Shape, shape_text
from graphad.ops import conv as ops
from graphad.ops.attributes import as_int
from graphad.ops.diagonals import pad_zeros
from graphad.ops.fit import expand_dims, squeeze
from graphad.ops.index import index
from graphad.ops.leaves import as_node

Ints = int | Sequence[int]


@composite
def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Node:
    """Convolution over 1 axis: input (batch, channels, length), weight (out, channels / groups, width), bias (out,).

    ``stride``, ``padding`` and ``dilation``: see `conv2d`.
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@composite
def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Node:
    """Convolution over 2 axes: input (batch, channels, height, width), weight (out, channels / groups, *kernel).

    y[b, o, p] = bias[o] + Σ_{c, k} weight[o, c, k]·x[b, c, p·stride + k·dilation - padding], zeros beyond the border.
    ``stride``, ``padding`` and ``dilation`` are ints, or one int per axis; ``padding`` may be "valid" (none) or "same"
    (as much as keeps the size, for stride 1; of an odd number the larger part comes last). Output c depends on the
    inputs of its own group only. Raises ShapeError, ArgumentError.
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@composite
def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Node:
    """Convolution over 3 axes: input (batch, channels, depth, height, width), weight (out, channels / groups, *kernel).

    ``stride``, ``padding`` and ``dilation``: see `conv2d`.
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


@composite
def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Node:
    """The transpose of `conv1d` in its input: weight (channels, out / groups, width). See `conv_transpose2d`."""
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composite
def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Node:
    """The transpose of `conv2d` in its input (no inverse): weight (channels, out / groups, *kernel), bias (out,).

    Sizes: (n - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1. Several sizes of an image give one
    size after a convolution with a stride: ``output_padding``, less than the stride or the dilation, tells which.
    Raises ShapeError, ArgumentError.
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composite
def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Node:
    """The transpose of `conv3d` in its input: weight (channels, out / groups, *kernel). See `conv_transpose2d`."""
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def ints(name: str, what: str, value: Any, n: int, *nodes: Node, least: int = 0) -> tuple[int, ...]:
    """One int for each of n spatial axes, from one for all or a sequence. Raises ArgumentError."""
    several = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * n
    if len(several) != n:
        fail(ArgumentError, f"{name}: {what} {value} for {n} spatial axes", *nodes, hint=f"give one int, or {n}")
    numbers = tuple(as_int(v, f"{name}: {what}", *nodes) for v in several)
    if any(v < least for v in numbers):
        fail(ArgumentError, f"{name}: {what} must be at least {least}, not {value}", *nodes)
    return numbers


def batched(name: str, x: Node, n: int) -> tuple[Node, bool]:
    """The input with a batch axis, and whether it had one. Raises ShapeError."""
    if x.ndim not in (n + 1, n + 2):
        what = f"{name}: {label(x)} has {x.ndim} axes, needs {n + 2}: (batch, channels{', size' * n})"
        fail(ShapeError, what, x, hint="the batch axis may be left out")
    return (x, True) if x.ndim == n + 2 else (expand_dims(x, 0), False)


def paddings(
    name: str, padding: Any, kernel: Shape, stride: tuple[int, ...], dilation: tuple[int, ...], *nodes: Node
) -> list[tuple[int, int]]:
    """Zeros (before, after) each spatial axis of a convolution. Raises ArgumentError."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if not isinstance(padding, str):
        return [(p, p) for p in ints(name, "padding", padding, len(kernel), *nodes)]
    if padding != "same":
        fail(ArgumentError, f"{name}: padding must be ints, 'same' or 'valid', not {padding!r}", *nodes)
    if any(s != 1 for s in stride):
        what = f"{name}: padding 'same' needs stride 1, not {stride}"
        fail(ArgumentError, what, *nodes, hint="give the padding as ints")
    total = [
        d * (as_int(k, f"{name}: for padding 'same' the kernel's size", *nodes) - 1)
        for k, d in zip(kernel, dilation, strict=True)
    ]
    return [(t // 2, t - t // 2) for t in total]


def _conv(n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Node:
    name = f"conv{n}d"
    (x, has_batch), w = batched(name, as_node(input), n), as_node(weight)
    steps, gaps = (
        ints(name, what, value, n, x, w, least=1) for what, value in (("stride", stride), ("dilation", dilation))
    )
    if w.ndim != n + 2:
        what = f"{name}: {label(w)} has {w.ndim} axes, needs {n + 2}: (out, channels // groups{', size' * n})"
        fail(ShapeError, what, x, w)
    widths = paddings(name, padding, w.shape[2:], steps, gaps, x, w)
    if any(a or b for a, b in widths):
        x = pad_zeros(x, ((0, 0), (0, 0), *widths))
    out = ops.conv(x, w, stride=steps, dilation=gaps, groups=groups)
    return _finish(name, out, bias, has_batch)


def _conv_transpose(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Node:
    name = f"conv_transpose{n}d"
    (x, has_batch), w = batched(name, as_node(input), n), as_node(weight)
    if w.ndim != n + 2:
        what = f"{name}: {label(w)} has {w.ndim} axes, needs {n + 2}: (channels, out // groups{', size' * n})"
        fail(ShapeError, what, x, w)
    steps, gaps = (
        ints(name, what, value, n, x, w, least=1) for what, value in (("stride", stride), ("dilation", dilation))
    )
    borders, extra = (
        ints(name, what, value, n, x, w) for what, value in (("padding", padding), ("output_padding", output_padding))
    )
    if any(e and e >= max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
        what = f"{name}: output_padding {output_padding} must be less than stride {stride} or dilation {dilation}"
        fail(ArgumentError, what, x, w)
    least = ops.natural_size(x.shape[2:], w.shape[2:], steps, gaps)
    size = tuple(s + e for s, e in zip(least, extra, strict=True))
    if any(isinstance(s, int) and s <= 2 * p for s, p in zip(size, borders, strict=True)):
        fail(ShapeError, f"{name}: padding {padding} leaves nothing of the size {shape_text(size)}", x, w)
    out = ops.conv_input_adjoint(x, w, size=size, stride=steps, dilation=gaps, groups=groups)
    if any(borders):
        inner = [slice(p, s - p) if p else slice(None) for p, s in zip(borders, size, strict=True)]
        out = index(out, (slice(None), slice(None), *inner))
    return _finish(name, out, bias, has_batch)


def _finish(name: str, out: Node, bias: Any, has_batch: bool) -> Node:
    """Add the bias, one number per channel, and take an added batch axis away."""
    if bias is not None:
        b = as_node(bias)
        if b.shape != (out.shape[1],):
            what = f"{name}: {label(b)} has shape {shape_text(b.shape)}, needs [{out.shape[1]}], one per output channel"
            fail(ShapeError, what, b)
        out = out + expand_dims(b, tuple(range(1, out.ndim - 1)))
    return out if has_batch else squeeze(out, 0)
