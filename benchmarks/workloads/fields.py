"""Slices of arrays: Rosenbrock's function, and the heat equation with its initial state and diffusivity unknown."""

from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results


def banana(xp: Any, x: Any) -> Any:
    """Σ 100 (x_(i+1) - x_i²)² + (1 - x_i)² (Rosenbrock 1960)."""
    a, b = x[1:], x[:-1]
    return xp.sum(100 * (a - b * b) ** 2 + (1 - b) ** 2)


def banana_by_hand(x: Array) -> Results:
    """Value and gradient."""
    a, b = x[1:], x[:-1]
    miss, rest = a - b * b, 1 - b
    gradient = np.zeros_like(x)
    gradient[1:] = 200 * miss
    gradient[:-1] -= 400 * miss * b + 2 * rest
    return 100 * (miss @ miss) + rest @ rest, gradient


@WORKLOADS.recipe("rosenbrock_1m_f64", {"n": 30}, n=1_000_000)
@WORKLOADS.recipe("rosenbrock_f64")
def rosenbrock(rng: np.random.Generator, n: int = 10) -> Problem:
    """n unknowns."""
    return Problem(banana, (rng.standard_normal(n),), (), banana_by_hand)


@WORKLOADS.recipe("heat_f64", {"n": 6, "steps": 3})
def heat(rng: np.random.Generator, n: int = 256, steps: int = 20) -> Problem:
    """Explicit steps on n×n points with a fixed border; the misfit to a target."""

    def misfit(xp: Any, u: Any, k: Any, target: Any) -> Any:
        c = u[1:-1, 1:-1]
        top, bottom, left, right = u[:1, 1:-1], u[-1:, 1:-1], u[:, :1], u[:, -1:]
        for _ in range(steps):
            c = c + k * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * c)
            u = xp.concatenate([left, xp.concatenate([top, c, bottom], axis=0), right], axis=1)
        return xp.sum((c - target) ** 2)

    def by_hand(u: Array, k: Array, target: Array) -> Results:
        u, flows = u.copy(), []
        c = u[1:-1, 1:-1]
        for _ in range(steps):
            flow = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * c
            flows.append(flow)
            c += k * flow
        miss = c - target
        d_u, d_k = np.zeros_like(u), np.zeros_like(k)
        d_c = d_u[1:-1, 1:-1]
        d_c[...] = 2 * miss
        for flow in reversed(flows):
            d_k += d_c * flow
            spread = k * d_c
            d_c -= 4 * spread
            d_u[:-2, 1:-1] += spread
            d_u[2:, 1:-1] += spread
            d_u[1:-1, :-2] += spread
            d_u[1:-1, 2:] += spread
        return np.sum(miss * miss), d_u, d_k

    inner = (n - 2, n - 2)
    u, k = rng.standard_normal((n, n)), rng.uniform(0.05, 0.2, inner)
    return Problem(misfit, (u, k), (rng.standard_normal(inner),), by_hand)
