"""Numerics of `log_domain.py`; see `helpers.py` for what may stand here."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np


def columns_of(x, axis):
    """A copy in which short rows along the last axis lie side by side; else None."""
    limit = 32 if 512 < x.size < 131072 else 16  # what fits into the cache
    if axis in (-1, x.ndim - 1) and 1 < x.shape[-1] < limit:
        return np.array(x.reshape(-1, x.shape[-1]).T, order="C")
    return None


def largest(x, axis):
    """The maximum along an axis, which stays."""
    columns = columns_of(x, axis)
    if columns is None:
        return np.maximum.reduce(x, axis, keepdims=True, initial=-np.inf)
    return np.maximum.reduce(columns, 0).reshape(*x.shape[:-1], 1)


def total_of(x, axis):
    """The sum along an axis, which stays; np.einsum is quicker for short rows."""
    if axis in (-1, x.ndim - 1) and x.shape[-1] <= 64 and x.itemsize >= 4:
        return np.einsum("...a->...", x)[..., None]
    return np.add.reduce(x, axis, keepdims=True)


@np.errstate(all="ignore")
def logsumexp(x, axis, keepdims):
    """log Σ exp(x) without overflow."""
    top = largest(x, axis)
    top = np.where(np.isfinite(top), top, 0)
    out = top + np.log(total_of(np.exp(x - top), axis))
    return out if keepdims else np.squeeze(out, axis=axis)


@np.errstate(all="ignore")
def softmax(x, axis, out=None):
    """exp(x) / Σ exp(x) without overflow."""
    out = np.empty(x.shape, x.dtype) if out is None else out
    columns = columns_of(x, axis)
    if columns is None:
        np.exp(np.subtract(x, largest(x, axis), out), out)
        out *= 1 / total_of(out, axis)
    else:
        columns -= np.maximum.reduce(columns, 0)
        np.exp(columns, columns)
        columns *= 1 / np.add.reduce(columns, 0)
        out[...] = columns.T.reshape(x.shape)
    return out


def softmax_and_log(x, axis):
    """softmax and logsumexp (which keeps its axes) by one exp."""
    top = largest(x, axis)
    if not np.vdot(top, top) < np.inf:  # so all are finite; much quicker than to ask for each
        return softmax(x, axis), logsumexp(x, axis, True)
    weights = np.exp(x - top)
    total = total_of(weights, axis)
    weights *= 1 / total
    return weights, top + np.log(total)


@np.errstate(all="ignore")
def log_softmax(x, axis):
    """log of softmax, precise also near 0: there it is log1p of what is small."""
    top = largest(x, axis)
    x = x - np.where(np.isfinite(top), top, 0)
    first = x == 0
    rest = total_of(np.exp(x) - first, axis)
    equal = np.sum(first, axis=axis, keepdims=True, dtype=x.dtype)
    return x - np.log1p(rest + (equal - 1))


def balance(x, weights, axis):
    """x, which adds up to 0; under a weight above 1/2 it is minus all the others."""
    heavy = weights > 0.5
    others = np.sum(np.where(heavy, 0, x), axis=axis, keepdims=True)
    return np.where(heavy, -others, x)


def log_cosh(x):
    """log(cosh(x)) without overflow, precise near 0."""
    size = np.abs(x)
    near = np.log1p(2 * np.sinh(np.minimum(size, 1) / 2) ** 2)
    return np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - 0.6931471805599453)


@np.errstate(all="ignore")
def log1mexp(x):
    """log(1 - exp(x)), precise for all negative x (Mächler 2012)."""
    return np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


@np.errstate(all="ignore")
def log_erfc(x, special):
    """log(erfc(x)), also where erfc vanishes."""
    return np.where(x > 1, np.log(special.erfcx(x)) - x * x, np.log1p(-special.erf(x)))


def sech_squared(x):
    """1 / cosh(x)² without overflow."""
    decay = np.exp(-2 * np.abs(x))
    return 4 * decay / (1 + decay) ** 2
