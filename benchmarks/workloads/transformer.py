"""One block of a transformer: attention with several heads, normalization, a network with gelu."""

from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results
from benchmarks.workloads.parts import normal

SLOPE, CUBE, TINY = 0.7978845608, 0.044715, 1e-5


@WORKLOADS.recipe("attention_f32", {"batch": 2, "length": 5, "width": 8, "heads": 2})
def attention(rng: np.random.Generator, batch: int = 8, length: int = 64, width: int = 128, heads: int = 4) -> Problem:
    """Sequences of ``length`` vectors."""
    split, whole = (batch, length, heads, width // heads), (batch, length, width)
    scale = (width // heads) ** -0.5

    def loss(xp: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any, W1: Any, W2: Any, x: Any) -> Any:
        q, k, v = (xp.transpose(xp.reshape(x @ W, split), (0, 2, 1, 3)) for W in (Wq, Wk, Wv))
        s = (q @ xp.transpose(k, (0, 1, 3, 2))) * scale
        e = xp.exp(s - xp.max(s, axis=-1, keepdims=True))
        a = e / xp.sum(e, axis=-1, keepdims=True)
        o = xp.reshape(xp.transpose(a @ v, (0, 2, 1, 3)), whole) @ Wo + x
        c = o - xp.mean(o, axis=-1, keepdims=True)
        o = c / xp.sqrt(xp.mean(c * c, axis=-1, keepdims=True) + TINY)
        h = o @ W1
        h = 0.5 * h * (1 + xp.tanh(SLOPE * (h + CUBE * h * h * h)))
        y = h @ W2 + o
        return xp.mean(y * y)

    def by_hand(Wq: Array, Wk: Array, Wv: Array, Wo: Array, W1: Array, W2: Array, x: Array) -> Results:
        def heads_of(z: Array) -> Array:
            return z.reshape(split).transpose(0, 2, 1, 3)

        def rows(z: Array) -> Array:
            return z.reshape(batch * length, -1)

        def merged(z: Array) -> Array:
            return z.transpose(0, 2, 1, 3).reshape(batch * length, width)

        X = rows(x)
        q, k, v = (heads_of(X @ W) for W in (Wq, Wk, Wv))
        s = (q @ k.swapaxes(-1, -2)) * x.dtype.type(scale)
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        a = e / e.sum(axis=-1, keepdims=True)
        mixed = merged(a @ v)
        o = mixed @ Wo + X
        c = o - o.mean(axis=-1, keepdims=True)
        over = 1 / np.sqrt(np.mean(c * c, axis=-1, keepdims=True) + x.dtype.type(TINY))
        n = c * over
        h = n @ W1
        square = h * h
        t = np.tanh(SLOPE * h * (1 + CUBE * square))
        active = 0.5 * h * (1 + t)
        y = active @ W2 + n
        value = np.mean(y * y)

        d_y = y * x.dtype.type(2 / y.size)
        slope = 0.5 * (1 + t) + 0.5 * SLOPE * h * (1 - t * t) * (1 + 3 * CUBE * square)
        d_h = (d_y @ W2.T) * slope
        d_n = d_y + d_h @ W1.T
        d_c = over * (d_n - n * np.mean(n * d_n, axis=-1, keepdims=True))
        d_o = d_c - d_c.mean(axis=-1, keepdims=True)
        d_mixed = heads_of(d_o @ Wo.T)
        d_a = d_mixed @ v.swapaxes(-1, -2)
        d_s = a * (d_a - np.sum(d_a * a, axis=-1, keepdims=True)) * x.dtype.type(scale)
        d_q, d_k, d_v = d_s @ k, d_s.swapaxes(-1, -2) @ q, a.swapaxes(-1, -2) @ d_mixed
        d_W = (X.T @ merged(d) for d in (d_q, d_k, d_v))
        return value, *d_W, mixed.T @ d_o, n.T @ d_h, active.T @ d_y

    (x,) = normal(rng, np.float32, whole, scale=1)
    squares = [(width, width)] * 4
    params = normal(rng, np.float32, *squares, (width, 4 * width), (4 * width, width))
    return Problem(loss, tuple(params), (x,), by_hand)
