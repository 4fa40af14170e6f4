"""Plain NumPy functions that generated code may call: their source is printed into the generated module as it stands.

So they import nothing but numpy, carry no annotations of graphad's, and say in one line what they do.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np


@np.errstate(over="ignore")
def sigmoid(x):
    """1 / (1 + exp(-x)); where exp overflows, that is 0."""
    return 1 / (1 + np.exp(-x))


def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def add_all(values):
    """The sum of many arrays, from left to right."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def place(values, index, shape):
    """Zeros of the given shape with the values at the index."""
    out = np.zeros(shape, values.dtype)
    out[index] = values
    return out


def place_all(values, indices, shape):
    """Zeros of the given shape with each of the values added at its index."""
    out = np.zeros(shape, values[0].dtype)
    out[indices[0]] = values[0]
    for x, index in zip(values[1:], indices[1:], strict=True):
        out[index] += x
    return out


def scatter_add(values, index, shape):
    """Zeros of the given shape with the values added at the index, as often as a position occurs in it."""
    size = int(np.prod(shape))
    rows = len(shape) > 1 and not isinstance(index, tuple)  # the index picks whole rows
    if rows and shape[0] <= 12 and values.size >= 4096 and values.dtype.char in "fd":
        out = add_to_few(values, np.arange(shape[0])[index], shape)
        if np.isfinite(out).all():
            return out
    if rows and size > values.size:  # of a large table: most of its places get no value
        width = size // shape[0]
        at = np.add.outer(np.arange(shape[0])[index] * width, np.arange(width))
    else:
        at = np.arange(size).reshape(shape)[index]
    at, values = at.ravel(), values.ravel()
    if values.dtype.kind == "f" and values.itemsize < (4 if rows else 8):
        sums = np.bincount(at, values, size)  # in double precision
        return sums.astype(values.dtype).reshape(shape)
    out = np.zeros(size, values.dtype)
    np.add.at(out, at, values)  # quick along one axis
    return out.reshape(shape)


@np.errstate(all="ignore")
def add_to_few(values, at, shape):
    """The sums of the rows for each of few places, by a product; nan where any is infinite or nan."""
    chosen = np.equal(at.ravel(), np.arange(shape[0])[:, None]).astype(values.dtype)
    return (chosen @ values.reshape(at.size, -1)).reshape(shape)


def put(x, values, index):
    """A copy of x with the values at the index."""
    out = x.copy()
    out[index] = values
    return out


def sine_quotient(z, order):
    """The derivative of that order of sin(z) / z: a power series near 0, a recurrence elsewhere."""
    near = np.abs(z) < order + 4 if order else z == 0
    far = np.where(near, 1, z)
    sine, cosine = np.sin(far), np.cos(far)
    recurrence = sine / far
    for n in range(1, order + 1):
        recurrence = ((sine, cosine, -sine, -cosine)[n % 4] - n * recurrence) / far
    small = np.where(near, z, 0)
    term, series = np.ones_like(z), np.zeros_like(z)  # term: (-1)ᵏ zʲ / j! with j = 2k - order
    first = (order + 1) // 2
    if order % 2:
        term = term * small
    for k in range(first, first + order + (24 if order else 1)):
        series = series + term / (2 * k + 1)
        term = -term * small**2 / ((2 * k + 1 - order) * (2 * k + 2 - order))
    series = series if first % 2 == 0 else -series
    return np.where(near, series, recurrence).astype(z.dtype)


def sinc(x, order):
    """The derivative of that order of sin(πx) / (πx)."""
    return np.pi**order * sine_quotient(np.pi * x, order)


def linear_recurrence(a, b, axis):
    """y[i] = a[i]·y[i-1] + b[i] along an axis from 0, by doubling: log2(n) rounds on whole arrays."""
    a, y = np.moveaxis(a, axis, 0).copy(), np.moveaxis(b, axis, 0).copy()
    step = 1
    while step < len(y):
        y[step:] += a[step:] * y[:-step]
        a[step:] = a[step:] * a[:-step]
        step *= 2
    return np.moveaxis(y, 0, axis)


def place_diagonal(values, shape, offset, axis1, axis2):
    """Zeros of the given shape with the last axis of the values on a diagonal over two axes."""
    out = np.zeros(shape, values.dtype)
    planes = np.moveaxis(out, (axis1, axis2), (-2, -1))
    along = np.arange(values.shape[-1])
    planes[..., along + max(-offset, 0), along + max(offset, 0)] = values
    return out


def check_regular(x, bad, where):
    """x, after a check that nothing is bad."""
    if np.any(bad):
        raise FloatingPointError(f"{where}: no derivative at {np.count_nonzero(bad)} of {np.size(bad)} elements")
    return x
