"""Recurrent networks, unrolled: weights shared by all steps, whose gradients meet in one sum."""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results
from benchmarks.workloads.parts import cross_entropy, cross_entropy_by_hand, labels, normal


def rnn_loss(xp: Any, Wx: Any, Wh: Any, b: Any, Wo: Any, xs: Any, y: Any, *, steps: int) -> Any:
    """h_t = tanh(x_t Wx + h_(t-1) Wh + b), a classifier on the last h; xs (steps, batch, features)."""
    h = xp.tanh(xs[0] @ Wx + b)
    for t in range(1, steps):
        h = xp.tanh(xs[t] @ Wx + h @ Wh + b)
    return cross_entropy(xp, h @ Wo, y)


def rnn_by_hand(Wx: Array, Wh: Array, b: Array, Wo: Array, xs: Array, y: Array) -> Results:
    """Value and gradient; the products with all steps at once are one product each."""
    steps, batch, features = xs.shape
    inputs = (xs.reshape(-1, features) @ Wx).reshape(steps, batch, -1) + b
    hs = np.empty_like(inputs)
    hs[0] = np.tanh(inputs[0])
    for t in range(1, steps):
        hs[t] = np.tanh(inputs[t] + hs[t - 1] @ Wh)
    value, g = cross_entropy_by_hand(hs[-1] @ Wo, y)
    d_Wo = hs[-1].T @ g
    deltas, slopes = np.empty_like(hs), 1 - hs * hs
    deltas[-1] = (g @ Wo.T) * slopes[-1]
    for t in reversed(range(steps - 1)):
        deltas[t] = (deltas[t + 1] @ Wh.T) * slopes[t]
    flat = deltas.reshape(steps * batch, -1)
    d_Wh = hs[:-1].reshape(-1, flat.shape[1]).T @ flat[batch:]
    return value, xs.reshape(-1, features).T @ flat, d_Wh, flat.sum(axis=0), d_Wo


def sigmoid(xp: Any, x: Any) -> Any:
    """½ + ½ tanh(x / 2), which overflows nowhere."""
    return 0.5 + 0.5 * xp.tanh(0.5 * x)


def lstm_loss(xp: Any, Wx: Any, Wh: Any, b: Any, Wo: Any, xs: Any, y: Any, start: Any, *, steps: int, size: int) -> Any:
    """Hochreiter and Schmidhuber's cell; the gates stand side by side: input, forget, output, candidate."""
    h = c = start
    for t in range(steps):
        z = xs[t] @ Wx + h @ Wh + b
        gates = sigmoid(xp, z[:, : 3 * size])
        i, f, o = gates[:, :size], gates[:, size : 2 * size], gates[:, 2 * size :]
        c = f * c + i * xp.tanh(z[:, 3 * size :])
        h = o * xp.tanh(c)
    return cross_entropy(xp, h @ Wo, y)


def lstm_by_hand(Wx: Array, Wh: Array, b: Array, Wo: Array, xs: Array, y: Array, start: Array) -> Results:
    """Value and gradient."""
    (steps, batch, features), n = xs.shape, start.shape[1]
    inputs = (xs.reshape(-1, features) @ Wx).reshape(steps, batch, -1) + b
    hs, cs, gates = [start], [start], []
    for t in range(steps):
        z = inputs[t] + hs[t] @ Wh
        a = np.concatenate([sigmoid(np, z[:, : 3 * n]), np.tanh(z[:, 3 * n :])], axis=1)
        gates.append(a)
        cs.append(a[:, n : 2 * n] * cs[t] + a[:, :n] * a[:, 3 * n :])
        hs.append(a[:, 2 * n : 3 * n] * np.tanh(cs[-1]))
    value, g = cross_entropy_by_hand(hs[-1] @ Wo, y)
    d_Wo, d_h, d_c = hs[-1].T @ g, g @ Wo.T, np.zeros_like(start)
    deltas = np.empty_like(inputs)
    for t in reversed(range(steps)):
        i, f, o, candidate = np.split(gates[t], 4, axis=1)
        tanh_c, delta = np.tanh(cs[t + 1]), deltas[t]
        d_c = d_c + d_h * o * (1 - tanh_c * tanh_c)
        delta[:, :n] = d_c * candidate * i * (1 - i)
        delta[:, n : 2 * n] = d_c * cs[t] * f * (1 - f)
        delta[:, 2 * n : 3 * n] = d_h * tanh_c * o * (1 - o)
        delta[:, 3 * n :] = d_c * i * (1 - candidate * candidate)
        d_c, d_h = d_c * f, delta @ Wh.T
    flat = deltas.reshape(steps * batch, -1)
    d_Wh = np.concatenate(hs[:-1]).T @ flat
    return value, xs.reshape(-1, features).T @ flat, d_Wh, flat.sum(axis=0), d_Wo


SMALL = {"steps": 4, "batch": 3, "width": 5, "features": 2}


@WORKLOADS.recipe("rnn_f32", SMALL)
def rnn(rng: np.random.Generator, steps: int = 32, batch: int = 32, width: int = 128, features: int = 64) -> Problem:
    """``width`` hidden units."""
    f32 = np.float32
    (xs,) = normal(rng, f32, (steps, batch, features), scale=1)
    params = normal(rng, f32, (features, width), (width, width), (width,), (width, 10))
    return Problem(partial(rnn_loss, steps=steps), tuple(params), (xs, labels(rng, f32, batch, 10)), rnn_by_hand)


@WORKLOADS.recipe("lstm_f32", SMALL)
def lstm(rng: np.random.Generator, steps: int = 32, batch: int = 32, width: int = 64, features: int = 32) -> Problem:
    """``width`` cells."""
    f32 = np.float32
    (xs,) = normal(rng, f32, (steps, batch, features), scale=1)
    params = normal(rng, f32, (features, 4 * width), (width, 4 * width), (4 * width,), (width, 10))
    start = np.zeros((batch, width), f32)
    loss = partial(lstm_loss, steps=steps, size=width)
    return Problem(loss, tuple(params), (xs, labels(rng, f32, batch, 10), start), lstm_by_hand)
