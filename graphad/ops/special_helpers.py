"""Numerics of the special functions that NumPy and SciPy do not offer; see `helpers.py` for what may stand here.

A helper that needs SciPy is handed its module ``special``, so that only generated code imports it.
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np


def xlogy(x, y):
    """x·log(y), and 0 where x is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return x * np.log(np.where((x == 0) & ~np.isnan(y), 1, y))


def xlog1py(x, y):
    """x·log(1 + y), and 0 where x is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return x * np.log1p(np.where((x == 0) & ~np.isnan(y), 0, y))


def entr(x):
    """-x·log(x); 0 at 0, -inf below."""
    return np.where(x < 0, -np.inf, -xlogy(x, x))


def rel_entr(x, y):
    """x·log(x / y); 0 where x = 0 and y ≥ 0, inf outside of the domain."""
    inside, zero = (x > 0) & (y > 0), (x == 0) & (y >= 0)
    outside = np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(zero, 0, np.inf))
    p, q = np.where(inside, x, 1), np.where(inside, y, 1)
    with np.errstate(over="ignore", under="ignore"):
        ratio = p / q
    log_ratio = np.log(np.where((ratio > 0) & (ratio < np.inf), ratio, 1))
    log_ratio = np.where((ratio > 0) & (ratio < np.inf), log_ratio, np.log(p) - np.log(q))
    return np.where(inside, p * log_ratio, outside).astype(np.result_type(x, y))


def kl_div(x, y):
    """x·log(x / y) - x + y; y where x = 0 and y ≥ 0, inf outside of the domain."""
    with np.errstate(invalid="ignore"):
        return rel_entr(x, y) - x + y


def logit(x):
    """log(x / (1 - x)), without cancellation around 1/2."""
    middle = np.abs(x - 0.5) < 0.25
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(middle, 2 * np.arctanh(2 * np.where(middle, x, 0.5) - 1), np.log(x / (1 - x)))


def erfcx(x, order, special):
    """The derivative of that order of exp(x²)·erfc(x): a recurrence for x < 1, a continued fraction above."""
    z = np.asarray(x, np.float64)
    low, high = np.minimum(z, 1), np.maximum(z, 1)
    before, now = special.erfcx(low), 2 * low * special.erfcx(low) - 2 / np.sqrt(np.pi)
    for n in range(1, order):
        before, now = now, 2 * low * now + 2 * n * before
    ratio, above = 0 * high, special.erfcx(high)
    for n in range(order + 200, 0, -1):
        ratio = 2 * n / (2 * high + ratio)
        if n <= order:
            above = -above * ratio
    return np.where(z < 1, now, above).astype(np.result_type(x))
