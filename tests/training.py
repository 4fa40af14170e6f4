"""Data and models that the tests of training share."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.datasets import load_digits

import graphad as ga
from graphad.nn.init import ones, zeros
from graphad.nn.layers.base import in_training


def digits():
    """Images and labels, for training and for a test."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order] / 16, labels[order]
    return (images[:1500], labels[:1500]), (images[1500:], labels[1500:])


def mlp():
    return ga.nn.Sequential(ga.nn.Linear(64, 48), ga.tanh, ga.nn.Linear(48, 10))


@dataclass(frozen=True, eq=False)
class Noisy(ga.nn.Layer):
    """Multiplied by noise in training only."""

    def forward(self, x):
        return x if in_training() is None else x * ga.random.bernoulli(0.8, x.shape) / 0.8


@dataclass(frozen=True, eq=False)
class Centered(ga.nn.Layer):
    """Less the mean of the batch in training, less its running mean else."""

    features: int
    mean: ga.Node = field(init=False)
    scale: ga.Node = field(init=False)

    def __post_init__(self):
        shape = (self.features,)
        ga.nn.declare(self, "centered", buffers=["mean"], mean=(shape, zeros), scale=(shape, ones))

    def forward(self, x):
        run = in_training()
        if run is None:
            return (x - self.mean) * self.scale
        mean = ga.mean(x, axis=0)
        run.updates[self.mean] = 0.9 * run.current(self.mean) + 0.1 * mean
        return (x - mean) * self.scale


def noisy_model():
    """Draws numbers, keeps statistics."""
    return ga.nn.Sequential(
        ga.nn.Linear(4, 8, name="first"), Centered(8), ga.tanh, Noisy(), ga.nn.Linear(8, 1, name="last")
    )


def line(rows=50, seed=0):
    """A linear relation with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    return x, x @ [[1.0], [-2.0], [0.5], [0.0]] + 0.1 * rng.normal(size=(rows, 1))


def same(a, b):
    """Whether two trainings have the same bytes but for seconds."""
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in f.history] for f in (a, b)]
    arrays = [{**f.values, **{f"state {k}": v for k, v in f.state.items()}} for f in (a, b)]
    return (
        rows[0] == rows[1]
        and list(arrays[0]) == list(arrays[1])
        and all(v.dtype == arrays[1][k].dtype and v.tobytes() == arrays[1][k].tobytes() for k, v in arrays[0].items())
    )
