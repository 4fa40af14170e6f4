"""lstm of ADBench and GradBench: a language model of characters with diagonal weights, unrolled over the whole text."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import Array, Problem, Results


def sigmoid(xp: Any, x: Any) -> Any:
    """As the suites write it."""
    return 1.0 / (1.0 + xp.exp(-x))


def loss(xp: Any, main: Any, extra: Any, state: Any, text: Any, *, layers: int, b: int, steps: int) -> Any:
    """Mean negative log likelihood of the next character; main (2·layers, 4·b), extra (3, b), text (steps + 1, b)."""
    hidden = [state[2 * i] for i in range(layers)]
    cell = [state[2 * i + 1] for i in range(layers)]
    W, B = ([[main[2 * i + k, g * b : (g + 1) * b] for g in range(4)] for i in range(layers)] for k in (0, 1))
    w_in, w_out, b_out = extra[0], extra[1], extra[2]
    total = 0.0
    for t in range(steps):
        x = text[t] * w_in
        for i in range(layers):
            forget = sigmoid(xp, x * W[i][0] + B[i][0])
            ingate = sigmoid(xp, hidden[i] * W[i][1] + B[i][1])
            outgate = sigmoid(xp, x * W[i][2] + B[i][2])
            change = xp.tanh(hidden[i] * W[i][3] + B[i][3])
            cell[i] = cell[i] * forget + ingate * change
            x = hidden[i] = outgate * xp.tanh(cell[i])
        y = x * w_out + b_out
        y = y - xp.log(xp.sum(xp.exp(y)) + 2.0)  # the suites add 2 in the logarithm
        total = total + xp.sum(text[t + 1] * y)
    return -total / (steps * b)


def by_hand(main: Array, extra: Array, state: Array, text: Array) -> Results:
    """Value and gradient: the loop holds what depends on the step before, one row of four gates for each layer."""
    layers, b, steps = len(main) // 2, text.shape[1], len(text) - 1
    W, B = main[::2].reshape(layers, 4, b), main[1::2].reshape(layers, 4, b)
    w_in, w_out, b_out = extra
    H, C = np.empty((steps + 1, layers, b)), np.empty((steps + 1, layers, b))
    H[0], C[0] = state[::2], state[1::2]
    seen = np.empty((steps, layers, 4, b))  # what each gate reads: x, h, x, h
    gates, tops = np.empty_like(seen), np.empty((steps, layers, b))
    xs = text[:-1] * w_in
    for t in range(steps):
        x = xs[t]
        for i in range(layers):
            s, a = seen[t, i], gates[t, i]
            s[0::2], s[1::2] = x, H[t, i]
            np.multiply(s, W[i], out=a)
            a += B[i]
            a[:3] = sigmoid(np, a[:3])
            np.tanh(a[3], out=a[3])
            C[t + 1, i] = C[t, i] * a[0] + a[1] * a[3]
            np.tanh(C[t + 1, i], out=tops[t, i])
            x = H[t + 1, i] = a[2] * tops[t, i]
    last = H[1:, -1]
    y = last * w_out + b_out
    e = np.exp(y)
    total = e.sum(axis=1) + 2.0
    scale = -1 / (steps * b)
    value = scale * np.sum(text[1:] * (y - np.log(total)[:, None]))
    d_y = scale * (text[1:] - e * (text[1:].sum(axis=1) / total)[:, None])
    slopes = gates * (1 - gates)
    slopes[:, :, 3] = 1 - gates[:, :, 3] ** 2
    deltas, d_x = np.empty_like(seen), np.empty_like(xs)
    d_top, d_h, d_c = d_y * w_out, np.zeros((layers, b)), np.zeros((layers, b))
    for t in reversed(range(steps)):
        d = d_top[t]
        for i in reversed(range(layers)):
            a, delta, top = gates[t, i], deltas[t, i], tops[t, i]
            d = d + d_h[i]
            d_c[i] += d * a[2] * (1 - top * top)
            delta[0], delta[1], delta[2], delta[3] = d_c[i] * C[t, i], d_c[i] * a[3], d * top, d_c[i] * a[1]
            delta *= slopes[t, i]
            back = delta * W[i]
            d_c[i] *= a[0]
            d_h[i], d = back[1] + back[3], back[0] + back[2]
        d_x[t] = d
    d_main = np.empty_like(main)
    d_main[::2] = np.sum(deltas * seen, axis=0).reshape(layers, -1)
    d_main[1::2] = deltas.sum(axis=0).reshape(layers, -1)
    d_extra = np.stack([np.sum(d_x * text[:-1], axis=0), np.sum(d_y * last, axis=0), d_y.sum(axis=0)])
    return value, d_main, d_extra


def from_file(rng: np.random.Generator, path: Path, steps: int | None = None) -> Problem:
    """A file of ADBench; ``steps`` cuts its text."""
    with path.open() as lines:
        layers, length, b = map(int, lines.readline().split())
        numbers = np.array(lines.read().split(), float)
    shapes = [(2 * layers, 4 * b), (3, b), (2 * layers, b), (length, b)]
    parts = np.split(numbers, np.cumsum([math.prod(shape) for shape in shapes]))
    main, extra, state, text = (a.reshape(shape) for a, shape in zip(parts, shapes, strict=False))
    text = text if steps is None else text[: steps + 1]
    function = partial(loss, layers=layers, b=b, steps=len(text) - 1)
    return Problem(function, (main, extra), (state, text), by_hand)
