"""Pooling over 1, 2 or 3 spatial axes, with the arguments of `torch.nn.functional`.

Input (batch, channels, *positions) or, without a batch, (channels, *positions). A pool reduces over the windows that
convolutions take. Where several elements of a window are the largest, they share the gradient of max pooling equally.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail
from graphad.ir.origin import composite
from graphad.nn.convolution import Ints, batched, ints
from graphad.ops.attributes import as_int
from graphad.ops.conv import check_fits
from graphad.ops.diagonals import pad_zeros
from graphad.ops.fit import full, ones, squeeze
from graphad.ops.index import put
from graphad.ops.indexing import FULL, Slice
from graphad.ops.leaves import as_node
from graphad.ops.pool import window_max, window_sum


@composite
def max_pool1d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> Node:
    """The largest element of each window of 1 axis; arguments as in `max_pool2d`."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


@composite
def max_pool2d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> Node:
    """The largest element of each window of 2 axes; equal largest elements share the gradient equally.

    Arguments are ints or one int per axis. ``stride``: the kernel's size unless given. ``padding``, at most half the
    kernel, adds elements that are never the largest. ``ceil_mode``: a last window that only begins inside counts, too.
    Raises ShapeError, ArgumentError.
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


@composite
def max_pool3d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> Node:
    """The largest element of each window of 3 axes; arguments as in `max_pool2d`."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)


@composite
def avg_pool1d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Node:
    """The mean of each window of 1 axis; arguments as in `avg_pool2d`."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@composite
def avg_pool2d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    """The mean of each window of 2 axes.

    Arguments are ints or one int per axis. ``stride``: the kernel's size unless given. ``padding``: zeros, at most half
    the kernel; they count in the mean unless ``count_include_pad`` is False. ``ceil_mode``: a last window that only
    begins inside counts, too. ``divisor_override`` replaces the number of elements. Raises ShapeError, ArgumentError.
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@composite
def avg_pool3d(
    input: Any,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    """The mean of each window of 3 axes; arguments as in `avg_pool2d`."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _max_pool(n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Node:
    name = f"max_pool{n}d"
    x, has_batch = batched(name, as_node(input), n)
    kernel, steps, borders, gaps = arguments(name, n, kernel_size, stride, padding, dilation, x)
    widths = _widths(name, x, kernel, steps, borders, gaps, ceil_mode)
    if any(a or b for a, b in widths):
        inner = tuple(Slice(a, a + s) for s, (a, _) in zip(x.shape[2:], widths, strict=True))
        sizes = tuple(a + s + b for s, (a, b) in zip(x.shape[2:], widths, strict=True))
        x = put(full((*x.shape[:2], *sizes), lowest(x), x.dtype), x, index=(FULL, FULL, *inner))
    check_fits(name, x.shape[2:], kernel, gaps, x)
    out = window_max(x, kernel, steps, gaps)
    return out if has_batch else squeeze(out, 0)


def _avg_pool(
    n: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Node:
    name = f"avg_pool{n}d"
    x, has_batch = batched(name, as_node(input), n)
    kernel, steps, borders, gaps = arguments(name, n, kernel_size, stride, padding, 1, x)
    widths = _widths(name, x, kernel, steps, borders, gaps, ceil_mode)

    def added(values: Node, border: Sequence[tuple[int, int]]) -> Node:
        lead = [(0, 0)] * (values.ndim - n)
        wide = pad_zeros(values, (*lead, *border)) if any(a or b for a, b in border) else values
        check_fits(name, wide.shape[-n:], kernel, gaps, x)
        return window_sum(wide, kernel, steps)

    out = added(x, widths)
    if divisor_override is not None:
        if as_int(divisor_override, f"{name}: divisor_override", x) == 0:
            fail(ArgumentError, f"{name}: divisor_override must not be 0", x)
        out = out / divisor_override
    elif all(a == b for a, b in widths) and (count_include_pad or not any(borders)):
        out = out / math.prod(kernel)
    else:  # how many elements each window has that count
        counted = [(p, p) if count_include_pad else (0, 0) for p in borders]
        sizes = [a + s + b for s, (a, b) in zip(x.shape[2:], counted, strict=True)]
        rest = [(a - c, b - d) for (a, b), (c, d) in zip(widths, counted, strict=True)]
        out = out / added(ones(sizes, x.dtype), rest)
    return out if has_batch else squeeze(out, 0)


def _widths(
    name: str,
    x: Node,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    borders: tuple[int, ...],
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> list[tuple[int, int]]:
    """The padding (before, after) of each spatial axis; ``ceil_mode`` adds what completes the last window."""
    widths = []
    for s, k, step, p, d in zip(x.shape[2:], kernel, stride, borders, dilation, strict=True):
        extra, e = 0, d * (k - 1) + 1
        if ceil_mode:
            if not isinstance(s, int):
                fail(ShapeError, f"{name}: ceil_mode needs known sizes, not {s}", x, hint="give the size in numbers")
            count = -(-(s + 2 * p - e) // step) + 1
            if (count - 1) * step >= s + p:  # it would begin in the padding
                count -= 1
            extra = max((count - 1) * step + e - s - 2 * p, 0)
        widths.append((p, p + extra))
    return widths


def arguments(
    name: str, n: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, *nodes: Node
) -> tuple[tuple[int, ...], ...]:
    """Kernel, stride, padding and dilation of a pool over n axes, one int for each axis. Raises ArgumentError."""
    kernel = ints(name, "kernel", kernel_size, n, *nodes, least=1)
    steps = kernel if stride is None else ints(name, "stride", stride, n, *nodes, least=1)
    borders = ints(name, "padding", padding, n, *nodes)
    if any(2 * p > k for p, k in zip(borders, kernel, strict=True)):
        fail(ArgumentError, f"{name}: padding {padding} is more than half of the kernel {kernel_size}", *nodes)
    return kernel, steps, borders, ints(name, "dilation", dilation, n, *nodes, least=1)


def lowest(x: Node) -> Any:
    """What any element of this dtype is at least: the padding of a maximum."""
    return -np.inf if x.dtype.kind == "f" else False if x.dtype.kind == "b" else int(np.iinfo(x.dtype.name).min)
