"""Numerics of the special functions that NumPy and SciPy do not offer; see `helpers.py` for what may stand here.

A helper that needs SciPy is handed its module ``special``, so that only generated code imports it.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np


@np.errstate(all="ignore")
def xlogy(x, y):
    """x·log(y), and 0 where x is 0."""
    return x * np.log(np.where((x == 0) & ~np.isnan(y), 1, y))


@np.errstate(all="ignore")
def xlog1py(x, y):
    """x·log(1 + y), and 0 where x is 0."""
    return x * np.log1p(np.where((x == 0) & ~np.isnan(y), 0, y))


def entr(x):
    """-x·log(x); 0 at 0, -inf below."""
    return np.where(x < 0, -np.inf, -xlogy(x, x))


@np.errstate(all="ignore")
def rel_entr(x, y):
    """x·log(x / y); 0 where x = 0 and y ≥ 0, inf outside of the domain."""
    inside, zero = (x > 0) & (y > 0), (x == 0) & (y >= 0)
    outside = np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(zero, 0, np.inf))
    p, q = np.where(inside, x, 1), np.where(inside, y, 1)
    ratio = p / q
    log_ratio = np.log(np.where((ratio > 0) & (ratio < np.inf), ratio, 1))
    log_ratio = np.where((ratio > 0) & (ratio < np.inf), log_ratio, np.log(p) - np.log(q))
    return np.where(inside, p * log_ratio, outside).astype(np.result_type(x, y))


@np.errstate(all="ignore")
def kl_div(x, y):
    """x·log(x / y) - x + y; y where x = 0 and y ≥ 0, inf outside of the domain."""
    first = rel_entr(x, y)
    return np.where(first == np.inf, first, first - x + y)


@np.errstate(all="ignore")
def logit(x):
    """log(x / (1 - x)), without cancellation around 1/2."""
    middle = np.abs(x - 0.5) < 0.25
    return np.where(middle, 2 * np.arctanh(2 * np.where(middle, x, 0.5) - 1), np.log(x / (1 - x)))


@np.errstate(all="ignore")
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


@np.errstate(all="ignore")
def scaled_bessel(x, n, order, special):
    """The derivative of that order of exp(-|x|)·I_n(x), n = 0 or 1; 0 at a jump.

    For x > 0 it is m_k = ∫ (cos θ - 1)^k exp(x·(cos θ - 1)) dθ / π from 0 to π, or m_k + m_(k+1) for n = 1: a sum over
    equal steps, which is exact but for I_128, or an expansion in powers of 1 / x.
    """
    z = np.abs(np.asarray(x, np.float64))
    near, far = np.minimum(z, 60), np.maximum(z, 60)
    total = 0 * z
    for k in range(order, order + n + 1):
        if k == 0:
            total = total + special.i0e(z)
            continue
        angles = (np.arange(64) + 0.5) * (np.pi / 64)
        small = sum((np.cos(t) - 1) ** k * np.exp(near * (np.cos(t) - 1)) for t in angles) / 64
        term, series = 1 + 0 * far, 0 * far
        for m in range(24):
            series = series + term
            term = term * (k + m + 0.5) * (m + 0.5) / ((m + 1) * 2 * far)
        scale = (-2.0) ** k * special.gamma(k + 0.5) / np.pi / (2 * far) ** k / np.sqrt(2 * far)
        total = total + np.where(z < 60, small, scale * series)
    odd = (n + order) % 2
    return (np.sign(x) * total if odd else total + 0 * x).astype(np.result_type(x))
