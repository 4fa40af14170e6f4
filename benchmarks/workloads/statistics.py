"""Likelihoods: a mixture of Gaussians with diagonal precisions, and a Gaussian process (Cholesky)."""

import math
from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results


def mixture(xp: Any, a: Any, mu: Any, q: Any, X: Any) -> Any:
    """Negative log likelihood; weights a (K,), means mu and log precisions q (K, d), data X (n, d)."""
    n, d = X.shape
    diff = (xp.reshape(X, (n, 1, d)) - mu) * xp.exp(q)
    t = a + xp.sum(q, axis=1) - 0.5 * xp.sum(diff * diff, axis=2)
    m = xp.max(t, axis=1, keepdims=True)
    likelihood = xp.sum(xp.log(xp.sum(xp.exp(t - m), axis=1)) + xp.reshape(m, (n,)))
    top = xp.max(a)
    return n * (xp.log(xp.sum(xp.exp(a - top))) + top) - likelihood


def mixture_by_hand(a: Array, mu: Array, q: Array, X: Array) -> Results:
    """Value and gradient: the squares are multiplied out, so that all large work is matrix products."""
    precision = np.exp(2 * q)
    scaled = precision * mu
    X2 = X * X
    distance = X2 @ precision.T - 2 * (X @ scaled.T) + np.sum(scaled * mu, axis=1)
    t = a + q.sum(axis=1) - 0.5 * distance
    m = t.max(axis=1, keepdims=True)
    e = np.exp(t - m)
    total = e.sum(axis=1, keepdims=True)
    weights = np.exp(a - a.max())
    value = len(X) * (np.log(weights.sum()) + a.max()) - np.sum(np.log(total) + m)
    r = e / total  # responsibilities (n, K)
    mass = r.sum(axis=0)
    first, second = r.T @ X, r.T @ X2
    column = mass[:, None]
    d_mu = precision * (column * mu - first)
    d_q = precision * (second - 2 * mu * first + column * mu * mu) - column
    return value, len(X) * weights / weights.sum() - mass, d_mu, d_q


def process(xp: Any, scales: Any, height: Any, noise: Any, X: Any, y: Any, identity: Any) -> Any:
    """Negative log marginal likelihood of a Gaussian process; the logarithms of scales (d,), height () and noise ().

    Rasmussen and Williams 2006, equation 5.8. ``identity`` is that matrix.
    """
    Z = X / xp.exp(scales)
    square = xp.sum(Z * Z, axis=1)
    distance = xp.expand_dims(square, 1) + square - 2 * (Z @ xp.transpose(Z, (1, 0)))
    K = xp.exp(2 * height - 0.5 * distance) + xp.exp(2 * noise) * identity
    L = xp.cholesky(K)
    white = xp.solve_lower(L, y)
    return 0.5 * xp.sum(white * white) + xp.sum(xp.log(xp.diagonal(L))) + 0.5 * math.log(2 * math.pi) * y.shape[0]


def process_by_hand(scales: Array, height: Array, noise: Array, X: Array, y: Array, identity: Array) -> Results:
    """Value and gradient: ½ tr((K⁻¹ - ααᵀ) dK) with α = K⁻¹y (the book's equation 5.9)."""
    Z = X / np.exp(scales)
    square = np.sum(Z * Z, axis=1)
    smooth = np.exp(2 * height - 0.5 * (square[:, None] + square - 2 * (Z @ Z.T)))
    sigma2 = np.exp(2 * noise)
    K = smooth + sigma2 * identity
    inverse = np.linalg.inv(K)
    alpha = inverse @ y
    logdet = 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(K))))
    value = 0.5 * (y @ alpha + logdet + len(y) * np.log(2 * np.pi))
    G = 0.5 * (inverse - np.outer(alpha, alpha))
    W = G * smooth
    d_scales = 2 * (W.sum(axis=1) @ (Z * Z)) - 2 * np.sum(Z * (W @ Z), axis=0)
    return value, d_scales, 2 * W.sum(), 2 * sigma2 * np.trace(G)


@WORKLOADS.recipe("gmm_f64", {"n": 20, "d": 3, "components": 4})
def gmm(rng: np.random.Generator, n: int = 1000, d: int = 16, components: int = 25) -> Problem:
    """n points in d dimensions."""
    X, a = rng.standard_normal((n, d)), rng.standard_normal(components)
    mu, q = rng.standard_normal((components, d)), rng.standard_normal((components, d)) * 0.2
    return Problem(mixture, (a, mu, q), (X,), mixture_by_hand)


@WORKLOADS.recipe("gaussian_process_f64", {"n": 12, "d": 3})
def gaussian_process(rng: np.random.Generator, n: int = 400, d: int = 8) -> Problem:
    """n points in d dimensions."""
    X = rng.standard_normal((n, d))
    y = np.sin(X.sum(axis=1)) + 0.1 * rng.standard_normal(n)
    params = (rng.standard_normal(d) * 0.1 + 0.5, np.array(0.2), np.array(-1.0))
    return Problem(process, params, (X, y, np.eye(n)), process_by_hand)
