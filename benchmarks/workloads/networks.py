"""Multilayer perceptrons: a large one, bound by matrix products, and a small one, bound by the cost of calls."""

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.problem import WORKLOADS, Array, Problem, Results
from benchmarks.workloads.parts import cross_entropy, cross_entropy_by_hand, labels, normal


def loss(xp: Any, *arguments: Any) -> Any:
    """W, b of each layer, then the data x and its labels y."""
    *layers, x, y = arguments
    h = x
    for W, b in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        h = xp.tanh(h @ W + b)
    return cross_entropy(xp, h @ layers[-2] + layers[-1], y)


def by_hand(*arguments: Array) -> Results:
    """Value and gradient."""
    *layers, x, y = arguments
    weights, biases = layers[::2], layers[1::2]
    hidden = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        hidden.append(np.tanh(hidden[-1] @ W + b))
    value, g = cross_entropy_by_hand(hidden[-1] @ weights[-1] + biases[-1], y)
    gradients: list[Array] = []
    for W, h in zip(reversed(weights), reversed(hidden), strict=True):
        gradients[:0] = [h.T @ g, g.sum(axis=0)]
        if h is not x:
            g = (g @ W.T) * (1 - h * h)
    return value, *gradients


@WORKLOADS.recipe("mlp_f32", {"batch": 5, "sizes": (7, 6, 6, 4)})
@WORKLOADS.recipe("mlp_small_f64", {"batch": 5, "sizes": (4, 3, 2)}, batch=32, sizes=(20, 32, 5), dtype=np.float64)
def mlp(
    rng: np.random.Generator,
    batch: int = 128,
    sizes: tuple[int, ...] = (784, 256, 256, 10),
    width: int | None = None,
    dtype: type = np.float32,
) -> Problem:
    """A network with these layer sizes; ``width`` replaces those of the hidden layers."""
    if width is not None:
        sizes = (sizes[0], *[width] * (len(sizes) - 2), sizes[-1])
    shapes = [s for m, n in pairwise(sizes) for s in ((m, n), (n,))]
    (x,) = normal(rng, dtype, (batch, sizes[0]), scale=1)
    return Problem(loss, tuple(normal(rng, dtype, *shapes)), (x, labels(rng, dtype, batch, sizes[-1])), by_hand)
