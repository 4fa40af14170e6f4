"""Plain NumPy functions of the convolutions, printed into generated code as they stand (see `helpers.py`).

Layout: (batch, channels, *positions). All of it is matrix products over tiles: of the batch, and of the rows of large
images, so that temporaries stay in cache. Without a stride a tile is laid flat: a tap of the kernel is then a shift by
an offset, and what it meets one long run per channel; columns where windows would run over the border are computed and
cut off. Of two forms the one that moves fewer rows is taken (a row moved costs as much as multiplying it by about 20):

    gathered    a shifted copy per tap, then the product                taps·channels rows
    late        the product, then a shifted addition per tap            taps·out rows, without a stride only
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type, assignment, index, misc"

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
    out = np.zeros((*parts.shape[: -2 * n], *size), parts.dtype)
    add_taps(out, parts, parts.shape[-2 * n : -n], stride, dilation)
    return out


def add_taps(out, parts, kernel, stride, dilation):
    """Add parts (..., *kernel, *positions) where each tap of the kernel meets out (..., *size)."""
    count, how = parts.shape[-len(kernel) :], []
    for axis in zip(
        kernel, count, np.broadcast_to(stride, len(kernel)), np.broadcast_to(dilation, len(kernel)), strict=True
    ):
        size, m, s, d = map(int, axis)
        how.append([slice(d * k, d * k + s * (m - 1) + 1, s) for k in range(size)])
    for at in np.ndindex(*kernel):
        out[(..., *[spots[k] for k, spots in zip(at, how, strict=True)])] += parts[(..., *at, *[slice(None)] * len(at))]


def met(x, kernel, count, stride, dilation):
    """What each tap meets: a view (..., *kernel, *positions); without a stride the positions are laid flat."""
    n = len(kernel)
    pitch = np.array(x.strides[-n:])
    if max(stride) == 1:
        count, steps = (int(pitch @ (np.array(count) - 1)) // x.itemsize + 1,), (x.itemsize,)
    else:
        steps = (pitch * stride).tolist()
    strides = (*x.strides[:-n], *(pitch * dilation).tolist(), *steps)
    return np.lib.stride_tricks.as_strided(x, (*x.shape[:-n], *kernel, *count), strides)


def unflattened(flat, count, widths):
    """A view of positions laid flat as (..., *count), without those beyond the border."""
    pitch = [flat.itemsize]
    for width in widths[::-1]:
        pitch.insert(0, pitch[0] * width)
    return np.lib.stride_tricks.as_strided(flat, (*flat.shape[:-1], *count), (*flat.strides[:-1], *pitch))


def tiles(batch, rows, row_bytes, least=1):
    """Ranges (images, first row, last row) whose temporaries take about 2 MiB: images, or parts of large ones."""
    room = 1 << 21
    high = rows if rows * row_bytes <= 2 * room else min(rows, max(least, int(room // row_bytes)))
    wide = max(1, int(room // max(1, high * row_bytes)))
    return [(slice(b, b + wide), r, min(r + high, rows)) for b in range(0, batch, wide) for r in range(0, rows, high)]


def product(w, parts, n):
    """w (groups, m, k) times parts (batch, groups, *k, *positions), n axes of positions: (batch, groups, m, ...)."""
    batch, groups, *rest = parts.shape
    count = rest[len(rest) - n :]
    size = int(np.prod(count))
    if batch > 1 and size < 64:  # small images side by side
        rows = np.ascontiguousarray(np.moveaxis(parts, 0, parts.ndim - 1 - n)).reshape(groups, w.shape[2], batch * size)
        return np.moveaxis((w @ rows).reshape(groups, w.shape[1], batch, *count), 2, 0)
    rows = np.ascontiguousarray(parts).reshape(batch, groups, w.shape[2], size)
    return (w * rows if w.shape[2] == 1 else w @ rows).reshape(batch, groups, w.shape[1], *count)


def correlate(x, w, count, stride, dilation):
    """Σ over channels and taps of w (groups, out, channels, *kernel)·(what taps meet): (batch, groups, out, ...)."""
    groups, out, channels, *kernel = w.shape
    if out < channels and max(stride) == 1:
        return correlate_late(x, w, count, dilation)
    parts = met(x, kernel, count, stride, dilation)
    return product(w.reshape(groups, out, w[0, 0].size), parts, parts.ndim - 3 - len(kernel))


def correlate_late(x, w, count, dilation):
    """The same for fewer outputs than channels, without a stride: taps are shifted and added after the product."""
    groups, out, channels, *kernel = w.shape
    n = len(kernel)
    weights = np.moveaxis(w, (1, 2), (-2, -1)).reshape(groups, out * w[0, 0, 0].size, channels)
    parts = product(weights, x.reshape(*x.shape[:3], -1), 1)
    parts = parts.reshape(len(x), groups, *kernel, out, *x.shape[3:])
    pitch, strides = np.array(parts.strides[-n:]), parts.strides
    length = int(pitch @ (np.array(count) - 1)) // x.itemsize + 1
    shifted = (np.array(strides[2 : n + 2]) + pitch * dilation).tolist()
    shape, strides = (*kernel, len(x), groups, out, length), (*shifted, *strides[:2], strides[n + 2], x.itemsize)
    return np.add.reduce(np.lib.stride_tricks.as_strided(parts, shape, strides), axis=tuple(range(n)), dtype=x.dtype)


def extents(kernel, dilation):
    """How many elements a window reaches over, per axis."""
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]


def conv(x, w, stride=1, dilation=1, groups=1):
    """Cross-correlation over all axes after the first two, tile by tile."""
    kernel = w.shape[2:]
    stride, dilation = (np.broadcast_to(v, len(kernel)).tolist() for v in (stride, dilation))
    reach = extents(kernel, dilation)
    count = [(s - r) // step + 1 for s, r, step in zip(x.shape[2:], reach, stride, strict=True)]
    if min(count) < 1:
        raise ValueError(f"a kernel that reaches over {reach} is larger than the input {x.shape[2:]}")
    out = np.empty((len(x), groups, len(w) // groups, *count), x.dtype)
    w = w.reshape(*out.shape[1:3], *w.shape[1:])
    x = np.ascontiguousarray(x).reshape(len(x), groups, w.shape[2], *x.shape[2:])
    dense, widths = max(stride) == 1, x.shape[4:]
    if dense and max(kernel) == 1:
        return product(w.reshape(w.shape[:3]), x, len(kernel)).reshape(len(x), out.shape[1] * out.shape[2], *count)
    row = x.itemsize * groups * min(w.shape[1:3]) * np.prod([*kernel, *(widths if dense else count[1:])], dtype=int)
    for images, low, high in tiles(len(x), count[0], row, 2 * reach[0]):
        part = x[images, :, :, low * stride[0] : (high - 1) * stride[0] + reach[0]]
        here = [high - low, *count[1:]]
        y = correlate(part, w, here, stride, dilation)
        out[images, :, :, low:high] = unflattened(y, here, widths) if dense else y
    return out.reshape(len(x), out.shape[1] * out.shape[2], *count)


def conv_input_adjoint(g, w, size, stride=1, dilation=1, groups=1):
    """The transpose of `conv` in x: each element of g spreads the kernel over its window."""
    kernel, count = w.shape[2:], g.shape[2:]
    stride, dilation = (np.broadcast_to(v, len(kernel)).tolist() for v in (stride, dilation))
    reach = extents(kernel, dilation)
    g = g.reshape(len(g), groups, g.shape[1] // groups, *count)
    w = np.swapaxes(w.reshape(groups, g.shape[2], *w.shape[1:]), 1, 2)
    if max(stride) > 1:
        return spread(g, w, size, stride, dilation).reshape(len(g), groups * w.shape[1], *size)
    w = np.ascontiguousarray(np.flip(w, tuple(range(3, w.ndim))))
    if max(reach) == 1 and count == tuple(size):
        return product(w.reshape(w.shape[:3]), g, len(kernel)).reshape(len(g), groups * w.shape[1], *size)
    widths = size[1:]
    pitch = np.cumprod([1, *widths[::-1]])[::-1].tolist()
    lead = sum([p * (r - 1) for p, r in zip(pitch[1:], reach[1:], strict=True)])
    out = np.empty((len(g), groups, w.shape[1], *size), g.dtype)
    row = g.itemsize * groups * min(w.shape[1:3]) * np.prod(kernel, dtype=int) * pitch[0]
    for images, low, high in tiles(len(g), size[0], row, 2 * reach[0]):
        rows, top = high - low + reach[0] - 1, low - reach[0] + 1  # zeros before, between and after rows of g
        part = g[images, :, :, max(top, 0) : min(high, count[0])]
        frame = np.zeros((*part.shape[:3], rows + (lead > 0), *widths), g.dtype)
        flat = frame.reshape(*part.shape[:3], -1)[..., lead : lead + rows * pitch[0]]
        flat = np.lib.stride_tricks.as_strided(flat, (*part.shape[:3], rows, *widths), frame.strides)
        flat[(..., slice(max(-top, 0), max(-top, 0) + part.shape[3]), *[slice(c) for c in count[1:]])] = part
        y = correlate(frame, w, [high - low, *widths], stride, dilation)
        out[images, :, :, low:high] = unflattened(y, [high - low, *widths], widths)
    return out.reshape(len(g), groups * w.shape[1], *size)


def spread(g, w, size, stride, dilation):
    """The transpose of `conv` in x for strides: one matrix product, then an addition per tap."""
    batch, groups, out, *count = g.shape
    channels, kernel = w.shape[1], w.shape[3:]
    total = np.zeros((batch, groups, channels, *size), g.dtype)
    weights = np.moveaxis(w, 2, -1).reshape(groups, w[0, :, 0].size, out)
    row = g.itemsize * weights.shape[1] * groups * np.prod(count[1:], dtype=int)
    for images, low, high in tiles(batch, count[0], row):
        part = g[images, :, :, low:high]
        here = part.shape[3:]
        target = total[images, :, :, low * stride[0] : (high - 1) * stride[0] + extents(kernel, dilation)[0]]
        parts = product(weights, part, len(here)).reshape(len(part), groups, channels, *kernel, *here)
        add_taps(target, parts, kernel, stride, dilation)
    return total


def conv_filter_adjoint(x, g, kernel, stride=1, dilation=1, groups=1):
    """The transpose of `conv` in w: what each tap meets, weighted by g, tile by tile."""
    count = g.shape[2:]
    stride, dilation = (np.broadcast_to(v, len(kernel)).tolist() for v in (stride, dilation))
    g = g.reshape(len(g), groups, g.shape[1] // groups, *count)
    x = np.ascontiguousarray(x).reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])
    reach, dense, widths = extents(kernel, dilation), max(stride) == 1, x.shape[4:]
    total = np.zeros((groups, g.shape[2], x.shape[2], *kernel), x.dtype)
    row = x.itemsize * groups * x.shape[2] * np.prod([*kernel, *(widths if dense else count[1:])], dtype=int)
    for images, low, high in tiles(len(x), count[0], row):
        part = x[images, :, :, low * stride[0] : (high - 1) * stride[0] + reach[0]]
        weights = g[images, :, :, low:high]
        parts = met(part, kernel, weights.shape[3:], stride, dilation)
        if dense:
            frame = weights
            if widths != count[1:]:
                frame = np.zeros((*weights.shape[:4], *widths), g.dtype)
                frame[(..., *[slice(c) for c in weights.shape[3:]])] = weights
            weights = frame.reshape(*weights.shape[:3], -1)[..., : parts.shape[-1]]
        total += weigh(parts, weights, kernel)
    return total.reshape(groups * total.shape[1], *total.shape[2:])


def weigh(parts, weights, kernel):
    """Σ over batch and positions of weights times what each tap meets: (groups, out, channels, *kernel)."""
    groups, channels, out = *parts.shape[1:3], weights.shape[2]
    inner, size = parts[0, 0].size // weights[0, 0, 0].size, weights[0, 0, 0].size
    if len(parts) > 1 and size < 64:  # small images side by side
        rows = np.ascontiguousarray(np.moveaxis(parts, 0, 2 + len(kernel))).reshape(groups, inner, -1)
        total = np.moveaxis(weights, 0, 2).reshape(groups, out, -1) @ np.swapaxes(rows, 1, 2)
    else:
        rows = np.ascontiguousarray(parts).reshape(len(parts), groups, inner, size)
        products = weights.reshape(len(parts), groups, out, size) @ np.swapaxes(rows, 2, 3)
        total = np.sum(products, 0, dtype=products.dtype)
    return total.reshape(groups, out, channels, *kernel)


FORMS = (
    conv,
    conv_input_adjoint,
    conv_filter_adjoint,
    spread,
    correlate,
    correlate_late,
    product,
    weigh,
    met,
    unflattened,
    add_taps,
    tiles,
    extents,
)
