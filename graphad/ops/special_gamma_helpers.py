"""Numerics of the incomplete gamma and beta functions and of zeta; see `special_helpers.py` for the rules.

A density x^a·exp(-x) / Γ(a+1) is exp(-a·φ((x - a) / a)) but for Stirling's factor, with φ(u) = u - log(1 + u)
(Loader 2000): nothing large cancels. An integral over a tail of it is taken by the double exponential rule of Takahasi
and Mori (1974), and a derivative of any order with respect to a parameter is the integral of a coefficient of a power
series: (a + ε)·t^ε·Γ(a+1) / Γ(a+1+ε) and its like are exponentials of known series in ε.
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np


def log1p_rest(u):
    """u - log(1 + u) without cancellation; with v = u / (2 + u) it is u·v - 2·(v³/3 + v⁵/5 + ...)."""
    small = np.abs(u) < 0.3
    v = np.where(small, u / (2 + u), 0)
    series = sum(v ** (2 * k + 1) / (2 * k + 1) for k in range(1, 11))
    return np.where(small, u * v - 2 * series, u - np.log1p(np.where(small, 0, u)))


def stirling_rest(a):
    """log Γ(a) - (a - 1/2) log a + a - log(2π) / 2 for a ≥ 10, by its asymptotic series."""
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    return sum(c / a ** (2 * k + 1) for k, c in enumerate(terms))


def log_gamma_term(a, x, special):
    """log(x^a·exp(-x) / Γ(a+1))."""
    n = np.maximum(a, 10)
    large = -n * log1p_rest((x - n) / n) - np.log(2 * np.pi * n) / 2 - stirling_rest(n)
    return np.where(a < 10, special.xlogy(a, x) - x - special.gammaln(a + 1), large)


def log_beta_term(a, b, x, special):
    """log(x^a·(1-x)^b·Γ(a+b) / (Γ(a+1)·Γ(b+1)))."""
    m, n = np.maximum(a, 10), np.maximum(b, 10)
    off = x * n - (1 - x) * m
    large = -m * log1p_rest(off / m) - n * log1p_rest(-off / n) - np.log(2 * np.pi * m / (m + n) * n) / 2
    large = large + stirling_rest(m + n) - stirling_rest(m) - stirling_rest(n)
    powers = special.xlogy(a, x) + special.xlog1py(b, -x)
    small = powers + np.log1p(a + b) * 0 + special.gammaln(a + b) - special.gammaln(a + 1) - special.gammaln(b + 1)
    return np.where(np.minimum(a, b) < 10, small, large)
