"""Prices of European options (Black and Scholes), with tanh for the normal distribution: one long elementwise chain."""

from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results

RATE = 0.03
SLOPE, CUBE = 0.7978845608, 0.044715  # Φ(x) ≈ ½ + ½ tanh(SLOPE (x + CUBE x³))


def price(xp: Any, S: Any, K: Any, T: Any, V: Any) -> Any:
    """The sum of all prices: spot, strike, time, volatility."""

    def normal(x: Any) -> Any:
        return 0.5 * (1 + xp.tanh(SLOPE * (x + CUBE * x * x * x)))

    spread = V * xp.sqrt(T)
    d1 = (xp.log(S / K) + (RATE + V * V / 2) * T) / spread
    d2 = d1 - spread
    return xp.sum(S * normal(d1) - K * xp.exp(-RATE * T) * normal(d2))


def by_hand(S: Array, K: Array, T: Array, V: Array) -> Results:
    """Value and gradient."""

    def normal(x: Array) -> tuple[Array, Array]:
        square = x * x
        t = np.tanh(SLOPE * x * (1 + CUBE * square))
        return 0.5 * (1 + t), 0.5 * SLOPE * (1 - t * t) * (1 + 3 * CUBE * square)

    root = np.sqrt(T)
    spread, drift = V * root, RATE + V * V / 2
    d1 = (np.log(S / K) + drift * T) / spread
    (p1, slope1), (p2, slope2) = normal(d1), normal(d1 - spread)
    discount = np.exp(-RATE * T)
    owed = K * discount
    value = np.sum(S * p1 - owed * p2)
    through_d2 = owed * slope2
    through_d1 = S * slope1 - through_d2
    over = through_d1 / spread
    d_spread = through_d2 - over * d1
    d_T = RATE * owed * p2 + over * drift + d_spread * V / (2 * root)
    return value, p1 + over / S, -discount * p2 - over / K, d_T, over * V * T + d_spread * root


@WORKLOADS.recipe("black_scholes_f32", {"n": 50}, dtype=np.float32)
@WORKLOADS.recipe("black_scholes_f64", {"n": 50})
def black_scholes(rng: np.random.Generator, n: int = 1_000_000, dtype: type = np.float64) -> Problem:
    """n options."""
    ranges = [(50, 150), (50, 150), (0.1, 2), (0.1, 0.5)]
    return Problem(price, tuple(rng.uniform(low, high, n).astype(dtype) for low, high in ranges), (), by_hand)
