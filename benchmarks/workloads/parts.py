"""What several networks share: the loss of a classifier, random weights."""

from typing import Any

import numpy as np

from benchmarks.problem import Array


def cross_entropy(xp: Any, z: Any, y: Any) -> Any:
    """The mean over rows of logsumexp(z) - z·y, for rows y that sum to 1."""
    m = xp.max(z, axis=1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(z - m), axis=1, keepdims=True)) + m
    return xp.mean(xp.sum((total - z) * y, axis=1))


def cross_entropy_by_hand(z: Array, y: Array) -> tuple[Any, Array]:
    """The same, and its gradient with respect to z."""
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    value = np.mean(np.sum((np.log(total) - shifted) * y, axis=1))
    return value, (e / total - y) / z.dtype.type(len(z))


def normal(rng: np.random.Generator, dtype: type, *shapes: tuple[int, ...], scale: float = 0.05) -> list[Array]:
    """Small random arrays of these shapes."""
    return [(rng.standard_normal(shape) * scale).astype(dtype) for shape in shapes]


def labels(rng: np.random.Generator, dtype: type, count: int, classes: int) -> Array:
    """One-hot rows."""
    return np.eye(classes, dtype=dtype)[rng.integers(0, classes, count)]
