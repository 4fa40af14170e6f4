"""Plain NumPy functions of the convolutions, printed into generated code as they stand (see `helpers.py`).

Layout: (batch, channels, *positions). `windows` copies every window once ("im2col"), so that a convolution is one
matrix product per image and group; `overlap_add` is its transpose.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type"

import numpy as np


def windows(x, size, stride=1, dilation=1):
    """Windows over the last axes: (..., *size, *positions); positions come last, so that inner loops are long."""
    n = len(size)
    axes = range(x.ndim - n, x.ndim)
    steps = (*np.broadcast_to(stride, n), *np.broadcast_to(dilation, n))
    extent = [d * (k - 1) + 1 for k, d in zip(size, steps[n:], strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, extent, tuple(axes), writeable=True)
    view = view[(..., *[slice(None, None, step) for step in steps])]
    return np.ascontiguousarray(np.moveaxis(view, range(-n, 0), axes))


def overlap_add(parts, size, stride=1, dilation=1):
    """Zeros of the given size with windows added where `windows` takes them from."""
    n = len(size)
    kernel, count = parts.shape[-2 * n : -n], parts.shape[-n:]
    steps, gaps = np.broadcast_to(stride, n), np.broadcast_to(dilation, n)
    out = np.zeros((*parts.shape[: -2 * n], *size), parts.dtype)
    for at in np.ndindex(*kernel):
        spots = [slice(d * k, d * k + s * (m - 1) + 1, s) for d, k, s, m in zip(gaps, at, steps, count, strict=True)]
        out[(..., *spots)] += parts[(..., *at, *[slice(None)] * n)]
    return out


def conv(x, w, stride=1, dilation=1, groups=1):
    """Cross-correlation over all axes after the first two, as one matrix product per image and group."""
    batch, out, kernel = len(x), len(w), w.shape[2:]
    parts = windows(x, kernel, stride, dilation)
    count = parts.shape[-len(kernel) :]
    inner = np.prod(w.shape[1:], dtype=int)
    rows = w.reshape(groups, out // groups, inner)
    columns = parts.reshape(batch, groups, inner, np.prod(count, dtype=int))
    return (rows @ columns).reshape(batch, out, *count)


def conv_input_adjoint(g, w, size, stride=1, dilation=1, groups=1):
    """The transpose of `conv` in x: each element of g spreads the kernel over its window."""
    batch, out, count = len(g), len(w), g.shape[2:]
    inner = np.prod(w.shape[1:], dtype=int)
    rows = w.reshape(groups, out // groups, inner)
    columns = g.reshape(batch, groups, out // groups, np.prod(count, dtype=int))
    rows = np.swapaxes(rows, 1, 2)
    parts = rows * columns if out == groups else rows @ columns  # the same for one channel per group, but quicker
    parts = parts.reshape(batch, groups * w.shape[1], *w.shape[2:], *count)
    return overlap_add(parts, size, stride, dilation)


def conv_filter_adjoint(x, g, kernel, stride=1, dilation=1, groups=1):
    """The transpose of `conv` in w: the windows of x, weighted by g."""
    batch, channels, out, count = len(x), x.shape[1] // groups, g.shape[1], np.prod(g.shape[2:], dtype=int)
    inner = channels * np.prod(kernel, dtype=int)
    columns = windows(x, kernel, stride, dilation).reshape(batch, groups, inner, count)
    rows = g.reshape(batch, groups, out // groups, count)
    total = np.sum(rows @ np.swapaxes(columns, 2, 3), axis=0, dtype=x.dtype)
    return total.reshape(out, channels, *kernel)
