"""Numerics of the incomplete gamma and beta functions and of zeta; see `special_helpers.py` for the rules.

A density x^a·exp(-x) / Γ(a+1) is exp(-a·φ((x - a) / a)) but for Stirling's factor, with φ(u) = u - log(1 + u)
(Loader 2000): nothing large cancels. An integral over a tail of it is taken by the double exponential rule of Takahasi
and Mori (1974), and a derivative of any order with respect to a parameter is the integral of a coefficient of a power
series: (a + ε)·t^ε·Γ(a+1) / Γ(a+1+ε) and its like are exponentials of known series in ε.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np


def deviance(u, ratio):
    """u - log(1 + u) for ratio = 1 + u; where that cancels u·v - 2·(v³/3 + v⁵/5 + ...) with v = u / (2 + u)."""
    small = np.abs(u) < 0.3
    v = np.where(small, u / (2 + u), 0)
    series = sum(v ** (2 * k + 1) / (2 * k + 1) for k in range(1, 11))
    return np.where(small, u * v - 2 * series, u - np.log(np.where(small, 1, ratio)))


def stirling_rest(a):
    """log Γ(a) - (a - 1/2) log a + a - log(2π) / 2 for a ≥ 10, by its asymptotic series."""
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    return sum(c / a ** (2 * k + 1) for k, c in enumerate(terms))


def log_gamma_term(a, x, special):
    """log(x^a·exp(-x) / Γ(a+1))."""
    n = np.maximum(a, 10)
    large = -n * deviance((x - n) / n, x / n) - np.log(2 * np.pi * n) / 2 - stirling_rest(n)
    return np.where(a < 10, special.xlogy(a, x) - x - special.gammaln(a + 1), large)


def log_gamma_ratio(a, b, special):
    """log(Γ(a+b) / Γ(a)) for a ≥ b."""
    n = np.maximum(a, 10)
    large = b * np.log(n) - b + (n + b - 0.5) * np.log1p(b / n) + stirling_rest(n + b) - stirling_rest(n)
    return np.where(a < 10, special.gammaln(a + b) - special.gammaln(a), large)


def log_beta_term(a, b, x, special):
    """log(x^a·(1-x)^b·Γ(a+b) / (Γ(a+1)·Γ(b+1)))."""
    more, less = np.maximum(a, b), np.minimum(a, b)
    powers = special.xlogy(a, x) + special.xlog1py(b, -x)
    small = powers + log_gamma_ratio(more, less, special) - np.log(more) - special.gammaln(less + 1)
    m, n = np.maximum(a, 10), np.maximum(b, 10)
    off = x * n - (1 - x) * m
    large = -m * deviance(off / m, x * (m + n) / m) - n * deviance(-off / n, (1 - x) * (m + n) / n)
    large = large - np.log(2 * np.pi * m * n * (m + n)) / 2
    large = large + stirling_rest(m + n) - stirling_rest(m) - stirling_rest(n)
    return np.where(less < 10, small, large)


@np.errstate(all="ignore")
def gamma_density(a, x, i, special):
    """x^(a-1-i)·exp(-x) / Γ(a)."""
    small = special.xlogy(a - 1 - i, x) - x - special.gammaln(a)
    large = log_gamma_term(a, x, special) + np.log(a) - (1 + i) * np.log(x)
    density = np.exp(np.where((a < 10) | (x == 0), small, large))
    return np.where(x == np.inf, 0, density).astype(np.result_type(a, x))


@np.errstate(all="ignore")
def beta_density(a, b, x, i, j, special):
    """x^(a-1-i)·(1-x)^(b-1-j)·Γ(a+b) / (Γ(a)·Γ(b))."""
    ends = special.xlogy(a - 1 - i, x) + special.xlog1py(b - 1 - j, -x) - special.betaln(a, b)
    inner = log_beta_term(a, b, x, special) + np.log(a * b) - (1 + i) * np.log(x) - (1 + j) * np.log1p(-x)
    return np.exp(np.where((x > 0) & (x < 1), inner, ends)).astype(np.result_type(a, b, x))


def exponential_series(log, i, j):
    """The coefficients of εᵐδⁿ, m ≤ i, n ≤ j, of the exponential of the power series with these coefficients."""
    c = {(0, 0): 1.0}
    for m in range(i + 1):
        for n in range(j + 1):
            if m:
                parts = [p * log[p, r] * c[m - p, n - r] for p in range(1, m + 1) for r in range(n + 1)]
                c[m, n] = sum(parts) / m
            elif n:
                c[m, n] = sum(r * log[0, r] * c[0, n - r] for r in range(1, n + 1)) / n
    return c


def log_gamma_series(a, i, special):
    """The coefficients of ε, ε², ... of log Γ(a+ε), as many as i; the first entry is 0."""
    factorials = np.cumprod([1.0, *range(1, i + 1)])
    return [0.0] + [special.polygamma(m - 1, a) / factorials[m] for m in range(1, i + 1)]


def double_exponential():
    """Nodes and weights of an integral over the positive half-line whose integrand decays like exp(-s)."""
    y = np.arange(-60, 81) / 16
    nodes = np.exp(y - np.exp(-y))
    return zip(nodes, nodes * (1 + np.exp(-y)) / 16, strict=True)


@np.errstate(all="ignore")
def gammainc_by_a(a, x, order, special):
    """The derivative of that order of gammainc(a, x) by a: an integral over the smaller tail."""
    a0, x0 = np.asarray(a, np.float64), np.asarray(x, np.float64)
    inside = (a0 >= 0) & (x0 > 0) & (a0 + x0 < np.inf)
    a0, x0 = np.where(inside, a0, 1), np.where(inside, x0, 1)
    shift = (a0 < 1) & (x0 <= a0 + 1)  # P(a, x) = x^a·exp(-x) / Γ(a+1) + P(a+1, x)
    n = a0 + shift
    sign = np.where(x0 <= n, -1, 1)
    gammas = log_gamma_series(n + 1, order, special)
    log = {(m, 0): -c for m, c in enumerate(gammas)}
    first, front = np.log(x0) + log[1, 0], log_gamma_term(n, x0, special)
    scale = sign / (np.abs(n - x0) + np.sqrt(np.where(sign < 0, n, x0)))
    total = 0 * x0
    for node, weight in double_exponential():  # t = x·exp(s), s = scale·node
        s = scale * node
        log[1, 0] = first + s
        c = exponential_series(log, order, 0)
        total = total - scale * weight * np.exp(front + n * s - x0 * np.expm1(s)) * (n * c[order, 0] + c[order - 1, 0])
    gammas = log_gamma_series(a0 + 1, order, special)
    log = {(m, 0): -c for m, c in enumerate(gammas)}
    log[1, 0] = np.log(x0) + log[1, 0]
    term = np.exp(log_gamma_term(a0, x0, special)) * exponential_series(log, order, 0)[order, 0]
    total = (total + np.where(shift, term, 0)) * np.prod(np.arange(1.0, order + 1))
    return np.where(inside, total, np.where((a >= 0) & (x >= 0), 0, np.nan)).astype(np.result_type(a, x))


def log_beta_series(a, b, x, i, j, special):
    """The coefficients of log(x^ε·(1-x)^δ·Γ(a+b+ε+δ) / (Γ(a+1+ε)·Γ(b+1+δ))), but for the constant."""
    both = log_gamma_series(a + b, i + j, special)
    binomials = [[1.0] * (j + 1) for _ in range(i + 1)]
    for m in range(1, i + 1):
        for n in range(1, j + 1):
            binomials[m][n] = binomials[m - 1][n] + binomials[m][n - 1]
    log = {(m, n): binomials[m][n] * both[m + n] for m in range(i + 1) for n in range(j + 1)}
    for m, c in enumerate(log_gamma_series(a + 1, i, special)):
        log[m, 0] = log[m, 0] - c + (m == 1) * np.log(x)
    for n, c in enumerate(log_gamma_series(b + 1, j, special)):
        log[0, n] = log[0, n] - c + (n == 1) * np.log1p(-x)
    return log


@np.errstate(all="ignore")
def betainc_by(a, b, x, i, j, special):
    """The derivative of betainc(a, b, x), i times by a and j times by b: an integral over the smaller tail."""
    a0, b0, x0 = (np.asarray(v, np.float64) for v in (a, b, x))
    inside = (a0 > 0) & (b0 > 0) & (x0 > 0) & (x0 < 1) & (a0 + b0 < np.inf)
    a0, b0, x0 = np.where(inside, a0, 1), np.where(inside, b0, 1), np.where(inside, x0, 0.5)
    up, left = a0 + (a0 < 1), x0 * (a0 + b0 + (a0 < 1) + (b0 < 1)) <= a0 + (a0 < 1)
    sign = np.where(left, -1, 1)
    p, q = np.where(left, up, a0), np.where(left, b0, b0 + (b0 < 1))
    log, front = log_beta_series(p, q, x0, i, j, special), log_beta_term(p, q, x0, special)
    scale = sign / (np.abs(p * (1 - x0) - q * x0) + np.sqrt((p + q) * x0 * (1 - x0)))
    total = 0 * x0
    by_a, by_b = log.get((1, 0), 0), log.get((0, 1), 0)
    for node, weight in double_exponential():  # t / (1-t) = x / (1-x)·exp(s), s = scale·node
        s = scale * node
        rest = -np.log1p(x0 * np.expm1(s))  # log((1-t) / (1-x))
        log[1, 0], log[0, 1] = by_a + s + rest, by_b + rest
        c = exponential_series(log, i, j)
        value = p * q * c[i, j] + p * c.get((i, j - 1), 0) + q * c.get((i - 1, j), 0) + c.get((i - 1, j - 1), 0)
        total = total - scale * weight * np.exp(front + p * (s + rest) + q * rest) * value
    c = exponential_series(log_beta_series(a0, b0, x0, i, j, special), i, j)
    below = np.where(left & (a0 < 1), b0 * c[i, j] + c.get((i, j - 1), 0), 0)
    above = np.where(~left & (b0 < 1), a0 * c[i, j] + c.get((i - 1, j), 0), 0)
    total = total + np.exp(log_beta_term(a0, b0, x0, special)) * (below - above)
    total = total * np.prod(np.arange(1.0, i + 1)) * np.prod(np.arange(1.0, j + 1))
    outside = np.where((a > 0) & (b > 0) & (x >= 0) & (x <= 1), 0, np.nan)
    return np.where(inside, total, outside).astype(np.result_type(a, b, x))


@np.errstate(all="ignore")
def hurwitz_zeta_by_s(s, q, order):
    """The derivative of that order of ζ(s, q) by s: Euler and Maclaurin's sum; nan for s < 1 or q ≤ 0."""
    dtype, known = np.result_type(s, q), (s > 1) & (q > 0)
    s, q = np.where(known, s, 2).astype(np.float64), np.where(known, q, 1).astype(np.float64)
    total = euler_maclaurin(s, q, order)
    return np.where(known, total, np.nan).astype(dtype)


def euler_maclaurin(s, q, order):
    """The derivative of that order by s of the sum of (q + k)^(-s) over k ≥ 0, continued to s > 0."""
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
    factorials = np.cumprod([1.0, *range(1, order + 1)])

    def powers(w):
        return [w**-s * (-np.log(w)) ** k / factorials[k] for k in range(order + 1)]

    total = sum(powers(q + k)[order] for k in range(14))
    w = q + 14
    quotient, c = powers(w), powers(w)
    for k in range(order + 1):
        quotient[k] = (quotient[k] - (quotient[k - 1] if k else 0)) / (s - 1)
    total = total + w * quotient[order] + c[order] / 2
    size = 1.0
    for k, number in enumerate(bernoulli):
        for m in (2 * k - 1, 2 * k)[k == 0 :]:
            c = [c[n] * (s + m) + (c[n - 1] if n else 0) for n in range(order + 1)]
        size = size / ((2 * k + 1) * (2 * k + 2))
        total = total + number * size * c[order] * w ** (-2.0 * k - 1)
    return total * factorials[order]


@np.errstate(all="ignore")
def zeta_by_s(s, order, special):
    """The derivative of that order of Riemann's ζ(s); for s < -1 by ζ(s) = 2·(2π)^(s-1)·sin(πs/2)·Γ(1-s)·ζ(1-s)."""
    z = np.asarray(s, np.float64)
    direct, mirrored = np.where(z < -1, 2, z), np.where(z < -1, 1 - z, 2)
    factorials = np.cumprod([1.0, *range(1, order + 1)])
    log = {(m, 0): c * (-1) ** m for m, c in enumerate(log_gamma_series(mirrored, order, special))}
    log[1, 0] = log[1, 0] + np.log(2 * np.pi)
    factor = exponential_series(log, order, 0)
    total = 0.0
    for k in range(order + 1):
        wave = (np.pi / 2) ** k * np.sin(np.pi / 2 * (1 - mirrored + k)) / factorials[k]
        for m in range(order + 1 - k):
            rest = euler_maclaurin(mirrored, np.ones_like(z), m) * (-1) ** m / factorials[m]
            total = total + wave * rest * factor[order - k - m, 0]
    total = total * factorials[order] * 2 * (2 * np.pi) ** -mirrored * special.gamma(mirrored)
    direct = euler_maclaurin(direct, np.ones_like(z), order)
    return np.where(z < -1, total, direct).astype(np.result_type(s))
