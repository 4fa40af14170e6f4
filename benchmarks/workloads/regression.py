"""Logistic regression: one tall matrix, read twice; its gradient, and its Hessian times a vector."""

from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results

RIDGE = 0.01


def loss(xp: Any, w: Any, X: Any, y: Any) -> Any:
    """Mean negative log likelihood with a ridge; w (d,), X (n, d), y (n,)."""
    z = X @ w
    return xp.mean(xp.maximum(z, 0) - z * y + xp.log1p(xp.exp(-xp.abs(z)))) + RIDGE * xp.sum(w * w)


def gradient_by_hand(w: Array, X: Array, y: Array) -> Results:
    """Value and gradient."""
    z = X @ w
    e = np.exp(-np.abs(z))
    value = np.mean(np.maximum(z, 0) - z * y + np.log1p(e)) + RIDGE * (w @ w)
    probability = np.where(z >= 0, 1, e) / (1 + e)
    return value, (probability - y) @ X / len(y) + 2 * RIDGE * w


def product_by_hand(w: Array, X: Array, y: Array, v: Array) -> Results:
    """The Hessian times v."""
    e = np.exp(-np.abs(X @ w))
    return ((e / (1 + e) ** 2 * (X @ v)) @ X / len(y) + 2 * RIDGE * v,)


def data(rng: np.random.Generator, n: int, d: int) -> tuple[Array, Array, Array]:
    """w, X and y."""
    X, y = rng.standard_normal((n, d)), (rng.random(n) < 0.5).astype(float)
    return rng.standard_normal(d) * 0.1, X, y


@WORKLOADS.recipe("logistic_f64", {"n": 30, "d": 4})
def logistic(rng: np.random.Generator, n: int = 50_000, d: int = 100) -> Problem:
    """n observations of d features."""
    w, X, y = data(rng, n, d)
    return Problem(loss, (w,), (X, y), gradient_by_hand)


@WORKLOADS.recipe("logistic_hvp_f64", {"n": 30, "d": 4})
def logistic_hvp(rng: np.random.Generator, n: int = 50_000, d: int = 100) -> Problem:
    """The same, differentiated twice."""
    w, X, y = data(rng, n, d)
    return Problem(loss, (w,), (X, y), product_by_hand, (rng.standard_normal(d),))
