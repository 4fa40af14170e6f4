"""Numerics of `log_domain.py`; see `helpers.py` for what may stand here."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np


@np.errstate(all="ignore")
def logsumexp(x, axis, keepdims):
    """log Σ exp(x) as top + log1p(the others), which is precise also where it is near 0."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    first = x == top
    others = np.sum(np.where(first, 0, np.exp(x - top)), axis=axis, keepdims=True)
    out = top + np.log1p(others + (np.sum(first, axis=axis, keepdims=True, dtype=x.dtype) - 1))
    return out if keepdims else np.squeeze(out, axis=axis)


@np.errstate(all="ignore")
def softmax(x, axis):
    """exp(x) / Σ exp(x) without overflow."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    weights = np.exp(x - top)
    return weights / np.sum(weights, axis=axis, keepdims=True)


@np.errstate(all="ignore")
def log_softmax(x, axis):
    """log of softmax: what is left of log Σ exp is small beside the shifted x, so nothing cancels."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    shifted = x - np.where(np.isfinite(top), top, 0)
    return shifted - logsumexp(shifted, axis, True)


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
