"""Plain NumPy functions of pooling, printed into generated code as they stand (see `helpers.py`).

A window is never built: what its elements have in common is reached by whole slices of the array, one per element
("tap"), which are compared or added. Sums and maxima go axis by axis: k taps for each of n axes, not kⁿ.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type"

import numpy as np

from graphad.ops.conv_helpers import per_axis


def pool_taps(shape, size, stride, dilation):
    """Per axis of windows over the last axes the slices that their elements occupy, one for each element."""
    n, all_slices = len(size), []
    for s, k, step, gap in zip(shape[-n:], size, per_axis(stride, n), per_axis(dilation, n), strict=True):
        count = (s - gap * (k - 1) - 1) // step + 1
        if count < 1:
            raise ValueError(f"a window of {size} elements, {dilation} apart, is larger than {shape[-n:]}")
        all_slices.append([slice(gap * j, gap * j + step * (count - 1) + 1, step) for j in range(k)])
    return all_slices


def reduce_windows(ufunc, x, size, stride, dilation):
    """A reduction over the windows of the last axes, axis by axis."""
    result = x
    for axis, slices in enumerate(pool_taps(x.shape, size, stride, dilation), x.ndim - len(size)):
        parts = [result[(*[slice(None)] * axis, at)] for at in slices]
        result = parts[0]
        for k, part in enumerate(parts[1:]):
            result = ufunc(result, part, out=result if k else None)
    return result.copy() if result.base is not None or result is x else result


def window_max(x, size, stride=1, dilation=1):
    """The largest element of each window over the last axes."""
    return reduce_windows(np.maximum, x, size, stride, dilation)


def window_sum(x, size, stride=1, dilation=1):
    """The sum of each window over the last axes."""
    return reduce_windows(np.add, x, size, stride, dilation)


def window_spread(g, shape, size, stride=1, dilation=1):
    """The transpose of `window_sum`: each element of g is added to all elements of its window."""
    lead = g.ndim - len(size)
    taps = pool_taps(shape, size, stride, dilation)
    for axis in range(g.ndim - 1, lead - 1, -1):
        slices = [(*[slice(None)] * axis, at) for at in taps[axis - lead]]
        once = slices[0][-1].step >= slices[-1][-1].start + 1
        wide = np.zeros((*g.shape[:axis], shape[axis - lead], *g.shape[axis + 1 :]), g.dtype)
        for at in slices:
            if once:
                wide[at] = g
            else:
                wide[at] += g
        g = wide
    return g


def window_hits(x, size, stride, dilation):
    """For each tap its index, and where its element is the largest of the window; how many of those a window has."""
    taps = pool_taps(x.shape, size, stride, dilation)
    indices = [(..., *[slices[k] for k, slices in zip(at, taps, strict=True)]) for at in np.ndindex(*size)]
    parts = [x[index] for index in indices]
    if len(parts) * parts[0].size > x.size:  # windows overlap
        top = window_max(x, size, stride, dilation)
    else:  # copies without gaps, as each is read twice
        parts = [np.ascontiguousarray(part) for part in parts]
        top = parts[0].copy()
        for part in parts[1:]:
            np.maximum(top, part, out=top)
    hits = [part == top for part in parts]
    count = np.zeros(top.shape, np.min_scalar_type(len(parts)))
    for hit in hits:
        count += hit
    return list(zip(indices, hits, strict=True)), count


@np.errstate(divide="ignore", invalid="ignore")
def max_share(g, x, size, stride=1, dilation=1):
    """Each element of g, in equal shares, where the largest elements of its window of x are, and 0 elsewhere."""
    out = np.zeros(x.shape, g.dtype if g.dtype.kind in "fc" else float)
    taps = pool_taps(x.shape, size, stride, dilation)
    once = all([slices[0].step >= slices[-1].start + 1 for slices in taps])
    step = max(1, int(2**20 // max(1, x[:1].nbytes))) if x.ndim > len(size) else None
    for low in range(0, len(x), step or max(1, len(x))):
        part = slice(low, low + step) if step else ...
        hits, count = window_hits(x[part], size, stride, dilation)
        share, target = np.divide(g[part], count, dtype=out.dtype), out[part]
        for index, hit in hits:
            if once:
                np.multiply(share, hit, out=target[index])
            else:
                target[index] += share * hit
    return out


@np.errstate(divide="ignore", invalid="ignore")
def max_mean(v, x, size, stride=1, dilation=1):
    """The mean of v over where the largest elements of each window of x are: the transpose of `max_share`."""
    hits, count = window_hits(x, size, stride, dilation)
    total = sum([v[index] * hit for index, hit in hits])
    return np.divide(total, count, dtype=v.dtype if v.dtype.kind in "fc" else float)


FORMS = (
    window_max,
    window_sum,
    window_spread,
    max_share,
    max_mean,
    reduce_windows,
    window_hits,
    pool_taps,
    per_axis,
)
