"""Plain NumPy functions of the convolutions, printed into generated code as they stand (see `helpers.py`).

Layout: (batch, channels, *positions). All of it is matrix products over tiles: of the batch, and of the rows of large
images, so that temporaries stay in cache. What the taps of the kernel meet is gathered axis by axis, from the last
one, whose runs are short, to the first: one copy per tap of the axis. Along the first axis a tap is only an offset into
what was gathered, so that a product for each of its taps takes the place of a copy:

    gathered    a copy per tap of all but the first axis, then a product per tap of the first axis; with strides, or
                where a product would sum over less than 10 terms, or over fewer than there are outputs to be added up,
                one copy and one product for all taps
    late        for less than a quarter as many outputs as channels: one product for all taps, then an addition per
                tap, axis by axis
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type, assignment, index, misc"

import numpy as np


def volume(sizes):
    """Their product; NumPy's takes longer for a few numbers."""
    total = 1
    for size in sizes:
        total *= size
    return total


def per_axis(value, n):
    """A number for each of n axes: one for all of them, or as given."""
    return [value] * n if isinstance(value, int) else list(value)


def windows(x, size, stride=1, dilation=1):
    """Windows over the last axes: (..., *size, *positions); positions come last, so that inner loops are long."""
    n = len(size)
    axes = range(x.ndim - n, x.ndim)
    steps = (*per_axis(stride, n), *per_axis(dilation, n))
    extent = [d * (k - 1) + 1 for k, d in zip(size, steps[n:], strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, extent, tuple(axes), writeable=True)
    view = view[(..., *[slice(None, None, step) for step in steps])]
    return np.ascontiguousarray(np.moveaxis(view, range(-n, 0), axes))


def overlap_add(parts, size, stride=1, dilation=1):
    """Zeros of the given size with windows added where `windows` takes them from."""
    n = len(size)
    out = np.zeros((*parts.shape[: -2 * n], *size), parts.dtype)
    add_taps(out, parts, parts.shape[-2 * n : -n], stride, dilation)
    return out


def add_taps(out, parts, kernel, stride, dilation):
    """Add parts (..., *kernel, *positions) where each tap of the kernel meets out (..., *size)."""
    n = len(kernel)
    how = tap_slices(kernel, parts.shape[-n:], per_axis(stride, n), per_axis(dilation, n))
    for at in np.ndindex(*kernel):
        out[(..., *[spots[k] for k, spots in zip(at, how, strict=True)])] += parts[(..., *at, *[slice(None)] * n)]


def gathered(x, kernel, count, stride, dilation, first):
    """What taps meet along the axes from `first` to the last: (batch, groups, channels·taps, *positions)."""
    n = len(kernel)
    for axis in range(n - 1, first - 1, -1):
        at, pitch = x.ndim - n + axis, x.strides[x.ndim - n + axis]
        shape = (*x.shape[:3], kernel[axis], *x.shape[3:at], count[axis], *x.shape[at + 1 :])
        strides = (*x.strides[:3], pitch * dilation[axis], *x.strides[3:at], pitch * stride[axis], *x.strides[at + 1 :])
        x = np.lib.stride_tricks.as_strided(x, shape, strides)
        if max(stride) == 1 or axis == first:  # with strides no runs are long: one copy for all axes
            x = np.ascontiguousarray(x)
    return x.reshape(*x.shape[:2], volume(x.shape[2 : x.ndim - n]), *x.shape[x.ndim - n :])


def tap_slices(kernel, count, stride, dilation):
    """Per axis a slice for each tap of the kernel: the elements that it meets."""
    settings = zip(kernel, count, stride, dilation, strict=True)
    return [[slice(d * k, d * k + s * (m - 1) + 1, s) for k in range(size)] for size, m, s, d in settings]


def tiles(batch, rows, row_bytes, least=1):
    """Ranges (images, first row, last row) whose temporaries take about 1 MiB: images, or parts of large ones."""
    room = 1 << 20
    high = rows if rows * row_bytes <= 4 * room else min(rows, max(least, int(room // row_bytes)))
    most = max(1, int(room // max(1, high * row_bytes)))
    wide = max(1, -(-batch // max(1, -(-batch // most))))  # as many images in each
    return [(slice(b, b + wide), r, min(r + high, rows)) for b in range(0, batch, wide) for r in range(0, rows, high)]


def correlate(x, weights, out, kernel, stride, dilation):
    """Write Σ over taps and channels of weights (taps, groups, outputs, channels)·(what taps meet) into out."""
    count = out.shape[3:]
    rows = gathered(x, kernel, count, stride, dilation, first=int(len(weights) > 1))
    y = out.reshape(*out.shape[:3], out[0, 0, 0].size)  # a view
    for k, tap in enumerate(weights):
        part = rows[:, :, :, k * dilation[0] : k * dilation[0] + count[0]].reshape(*rows.shape[:3], y.shape[3])
        if k == 0:
            np.matmul(tap, part, out=y)
        else:
            y += np.matmul(tap, part)


def correlate_late(x, w, out, dilation):
    """The same for fewer outputs than channels, without a stride: taps are shifted and added after the product."""
    groups, outputs, channels, *kernel = w.shape
    n = len(kernel)
    weights = np.moveaxis(w, 2, -1).reshape(groups, outputs * w[0, 0, 0].size, channels)
    parts = (weights @ x.reshape(*x.shape[:3], x[0, 0, 0].size)).reshape(len(x), groups, outputs, *kernel, *x.shape[3:])
    slices = tap_slices(kernel, out.shape[3:], [1] * n, dilation)
    for axis in range(n):
        shifted = [parts[(*[slice(None)] * 3, k, *[slice(None)] * (n - 1), at)] for k, at in enumerate(slices[axis])]
        parts = np.add(shifted[0], shifted[1]) if len(shifted) > 1 else shifted[0]
        for part in shifted[2:]:
            parts += part
    out[...] = parts


def extents(kernel, dilation):
    """How many elements a window reaches over, per axis."""
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]


def conv(x, w, stride=1, dilation=1, groups=1):
    """Cross-correlation over all axes after the first two, tile by tile."""
    kernel = w.shape[2:]
    stride, dilation = per_axis(stride, len(kernel)), per_axis(dilation, len(kernel))
    reach = extents(kernel, dilation)
    count = [(s - r) // step + 1 for s, r, step in zip(x.shape[2:], reach, stride, strict=True)]
    if min(count) < 1:
        raise ValueError(f"a kernel that reaches over {reach} is larger than the input {x.shape[2:]}")
    if len(x) > 1 and volume(count) < 64:  # small images side by side: the batch is one more axis
        y = conv(x.swapaxes(0, 1)[None], w[:, :, None], (1, *stride), (1, *dilation), groups)
        return np.ascontiguousarray(y[0].swapaxes(0, 1))
    out = np.empty((len(x), groups, len(w) // groups, *count), x.dtype)
    w = w.reshape(*out.shape[1:3], *w.shape[1:])
    x = np.ascontiguousarray(x).reshape(len(x), groups, w.shape[2], *x.shape[2:])
    outputs, terms = w.shape[1], w[0, 0, :, 0].size
    late = 4 * outputs <= w.shape[2] and max(stride) == 1 < max(kernel)
    apart = max(stride) == 1 and (outputs == 1 or terms >= max(10, outputs))  # a product per tap of the first axis
    weights = np.moveaxis(w, 3, 0) if apart else w[None]
    weights = np.ascontiguousarray(weights).reshape(len(weights), *out.shape[1:3], volume(weights.shape[3:]))
    rows = w.shape[1] * w[0, 0, 0].size if late else weights.shape[3]
    row = x.itemsize * groups * rows * volume(count[1:])
    if max(kernel) == max(stride) == 1:
        row = 0  # no temporaries
    for images, low, high in tiles(len(x), count[0], row, 2 * reach[0]):
        part = x[images, :, :, low * stride[0] : (high - 1) * stride[0] + reach[0]]
        target = out[images, :, :, low:high]
        if late:
            correlate_late(part, w, target, dilation)
        else:
            correlate(part, weights, target, kernel, stride, dilation)
    return out.reshape(len(x), out.shape[1] * out.shape[2], *count)


def conv_input_adjoint(g, w, size, stride=1, dilation=1, groups=1):
    """The transpose of `conv` in x: each element of g spreads the kernel over its window."""
    kernel, count = w.shape[2:], g.shape[2:]
    stride, dilation = per_axis(stride, len(kernel)), per_axis(dilation, len(kernel))
    reach = extents(kernel, dilation)
    if max(stride) == 1 and (w.shape[1] >= len(w) // groups or max(kernel) == 1):
        return conv(framed(g, size, reach), turned(w, groups), 1, dilation, groups)
    g = g.reshape(len(g), groups, len(w) // groups, *count)
    # one matrix per tap of the first axis
    weights = w.reshape(groups, g.shape[2], w.shape[1], kernel[0], volume(kernel[1:]))
    weights = weights.transpose(3, 0, 2, 4, 1).reshape(kernel[0], groups, w[0, :, 0].size, g.shape[2])
    whole = np.swapaxes(w.reshape(groups, g.shape[2], w[0].size), 1, 2)
    total = np.zeros((len(g), groups, w.shape[1], *size), g.dtype)
    row = (3 if max(stride) == 1 else kernel[0]) * g.itemsize * groups * weights.shape[2] * volume(count[1:])
    for images, low, high in tiles(len(g), count[0], row):
        target = total[images, :, :, low * stride[0] : (high - 1) * stride[0] + reach[0]]
        part = g[images, :, :, low:high]
        if max(stride) == 1:
            spread(weights, part, target, kernel, dilation)
        else:
            parts = whole @ part.reshape(*part.shape[:3], part[0, 0, 0].size)
            add_taps(target, parts.reshape(*target.shape[:3], *kernel, *part.shape[3:]), kernel, stride, dilation)
    return total.reshape(len(g), groups * w.shape[1], *size)


def spread(weights, g, target, kernel, dilation):
    """Add weights (taps, groups, channels·taps, outputs) times g (batch, groups, outputs, rows, ...) to target.

    First the taps of the first axis, which are whole rows apart; the batch is the last axis, so that runs are long.
    """
    batch, groups, outputs, rows, *count = g.shape
    n, per_row = len(kernel), volume(count) * batch
    slices = tap_slices(kernel, (rows, *count), [1] * n, dilation)
    if per_row >= 64:  # a product for each row
        part = np.ascontiguousarray(np.moveaxis(g, (3, 0), (0, -1))).reshape(rows, groups, outputs, per_row)
        wide = np.zeros((target.shape[3], groups, weights.shape[2], per_row), g.dtype)
        for at, tap in zip(slices[0], weights, strict=True):
            wide[at] += tap @ part
    else:
        part = np.ascontiguousarray(np.moveaxis(g, 0, -1)).reshape(groups, outputs, rows * per_row)
        wide = np.zeros((groups, weights.shape[2], target.shape[3], per_row), g.dtype)
        for at, tap in zip(slices[0], weights, strict=True):
            wide[:, :, at] += (tap @ part).reshape(groups, weights.shape[2], rows, per_row)
        wide = np.moveaxis(wide, 2, 0)
    wide = wide.reshape(*wide.shape[:2], target.shape[2], *kernel[1:], *count, batch)
    for axis in range(1, n):  # (rows, groups, channels, *taps, *positions, batch)
        parts, shape = wide, [*wide.shape[:3], *wide.shape[4:]]
        shape[n + 1] = target.shape[3 + axis]
        wide = np.zeros(shape, g.dtype)
        for k, at in enumerate(slices[axis]):
            wide[(*[slice(None)] * (n + 1), at)] += parts[:, :, :, k]
    target += np.moveaxis(wide, (0, -1), (3, 0))


def framed(g, size, reach):
    """g amid zeros, so that a window lies at each element of the given size."""
    if max(reach) == 1 and g.shape[2:] == tuple(size):
        return g
    frame = np.zeros((*g.shape[:2], *[s + r - 1 for s, r in zip(size, reach, strict=True)]), g.dtype)
    inside = [slice(r - 1, r - 1 + s) for s, r in zip(g.shape[2:], reach, strict=True)]
    frame[(..., *inside)] = g
    return frame


def turned(w, groups):
    """The filter of the transpose: inputs and outputs exchanged, each kernel turned around."""
    back = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
    back = back[(..., *[slice(None, None, -1)] * (back.ndim - 3))]
    return np.ascontiguousarray(back).reshape(groups * w.shape[1], len(w) // groups, *w.shape[2:])


def conv_filter_adjoint(x, g, kernel, stride=1, dilation=1, groups=1):
    """The transpose of `conv` in w: what each tap meets, weighted by g, tile by tile."""
    count = g.shape[2:]
    stride, dilation = per_axis(stride, len(kernel)), per_axis(dilation, len(kernel))
    if len(x) > 1 and volume(count) < 64:  # small images side by side: the batch is one more axis
        x, g = (v.swapaxes(0, 1)[None] for v in (x, g))
        return conv_filter_adjoint(x, g, (1, *kernel), (1, *stride), (1, *dilation), groups)[:, :, 0]
    g = np.ascontiguousarray(g).reshape(len(g), groups, g.shape[1] // groups, *count)
    x = np.ascontiguousarray(x).reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])
    reach = extents(kernel, dilation)
    apart, outputs = max(stride) == 1, g.shape[2]  # a product per tap of the first axis
    taps = kernel[0] if apart else 1
    channels = x.shape[2] * volume(kernel) // taps
    total = np.zeros((taps, groups, channels, outputs), x.dtype)
    row = x.itemsize * groups * channels * volume(count[1:])
    for images, low, high in tiles(len(x), count[0], row, 2 * total.nbytes // max(1, row)):
        part = x[images, :, :, low * stride[0] : (high - 1) * stride[0] + reach[0]]
        weigh(total, part, g[images, :, :, low:high], kernel, stride, dilation)
    if apart:
        total = np.moveaxis(total.reshape(taps, groups, x.shape[2], channels // x.shape[2], outputs), 0, 2)
    total = np.moveaxis(total.reshape(groups, x.shape[2], *kernel, outputs), -1, 1)
    return np.ascontiguousarray(total).reshape(groups * outputs, x.shape[2], *kernel)


def weigh(total, x, g, kernel, stride, dilation):
    """Add to total (taps, groups, channels·taps, outputs) what taps meet, weighted by g and added up."""
    batch, groups, outputs, *count = g.shape
    channels, size = total.shape[2], g[0, 0, 0].size
    rows = gathered(x, kernel, count, stride, dilation, first=int(max(stride) == 1))
    g = g.reshape(batch, groups, outputs, size)
    for k, tap in enumerate(total):
        here = rows[:, :, :, k * dilation[0] : k * dilation[0] + count[0]].reshape(batch, groups, channels, size)
        if channels >= outputs:
            tap += np.add.reduce(here @ g.swapaxes(2, 3), 0, dtype=g.dtype)
        else:
            tap += np.swapaxes(np.add.reduce(g @ here.swapaxes(2, 3), 0, dtype=g.dtype), 1, 2)


FORMS = (
    volume,
    per_axis,
    conv,
    conv_input_adjoint,
    conv_filter_adjoint,
    correlate,
    correlate_late,
    weigh,
    gathered,
    add_taps,
    spread,
    framed,
    turned,
    tap_slices,
    tiles,
    extents,
)
