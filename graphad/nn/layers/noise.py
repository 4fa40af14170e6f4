"""Layers that are noisy in the mode of training: Dropout, DropConnect, Zoneout, Shakeout, Whiteout, GaussianNoise.

Each leaves the mean of what it disturbs as it is, so that in evaluation there is nothing to be scaled. The noise is
drawn once per call from the generator given as ``rng=``; forward and backward share it.

>>> import numpy as np
>>> import graphad as ga
>>> x = ga.input("x", (6,))
>>> drop = ga.nn.Dropout(0.5)
>>> with ga.nn.training():
...     noisy = drop(x)
>>> f = ga.compile(x, [noisy, drop(x)])
>>> [v.tolist() for v in f(np.ones(6), rng=np.random.default_rng(0))]
[[0.0, 2.0, 2.0, 2.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]]
"""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, final

from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail
from graphad.nn.attention import dropout
from graphad.nn.layers.base import Layer, in_training
from graphad.nn.layers.linear import Linear, with_features
from graphad.ops.attributes import as_float
from graphad.ops.casts import cast
from graphad.ops.contract import einsum, matmul
from graphad.ops.elementwise import add, sign, sqrt, square
from graphad.ops.fit import broadcast_to, full, ones, sum
from graphad.ops.kinks import absolute
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import where
from graphad.ops.random import bernoulli, standard_normal


@final
@dataclass(frozen=True, eq=False, repr=False)
class Dropout(Layer):
    """Each element is 0 with probability p, else x / (1 - p) (Srivastava et al. 2014); for inputs of a model, too.

    Along ``shared_axes`` all elements are dropped together: (2, 3) drops whole channels of images (Tompson et al.
    2015). The variance of an element is x²·p / (1 - p). Raises ArgumentError unless 0 ≤ p ≤ 1, AxisError.
    """

    p: float = 0.5
    shared_axes: int | Sequence[int] = ()

    def __post_init__(self) -> None:
        as_float(self.p, "Dropout: p", 0, 1)

    def forward(self, x: Any) -> Node:
        return dropout(x, self.p, in_training() is not None, self.shared_axes)


@final
@dataclass(frozen=True, eq=False, repr=False)
class DropConnect(Layer):
    """A layer each of whose weights is 0 with probability p, else W / (1 - p) (Wan et al. 2013). Biases stay.

    One mask serves the whole batch. ``per_example``, for `Linear`, draws one for each example, as in the paper, where
    batch·n_in·n_out weights are held at once. In evaluation the weights are W, the mean (the paper samples from a
    normal approximation). Raises ArgumentError unless 0 ≤ p ≤ 1, or for a layer without weights called W.
    """

    layer: Any
    p: float = 0.5
    per_example: bool = False

    def __post_init__(self) -> None:
        as_float(self.p, "DropConnect: p", 0, 1)
        if self.per_example:
            _check_linear("DropConnect: per_example", self.layer)
        elif not isinstance(self.layer, Layer) or not isinstance(vars(self.layer).get("W"), Node):
            what = f"DropConnect: {self.layer!r} is no layer with weights W"
            raise ArgumentError(what, hint="such as DropConnect(Linear(64, 32), 0.5)")

    def forward(self, *args: Any) -> Any:
        if in_training() is None:
            return self.layer(*args)
        if not self.per_example:
            return _with_weights(self.layer, dropout(self.layer.W, self.p))(*args)
        x = with_features("DropConnect", args[0], self.layer.n_in)
        W = dropout(broadcast_to(self.layer.W, (*x.shape[:-1], *self.layer.W.shape)), self.p)
        y = einsum("...i,...io->...o", x, W)
        return y if self.layer.b is None else y + self.layer.b


@final
@dataclass(frozen=True, eq=False, repr=False)
class Zoneout(Layer):
    """Each unit of a recurrent state keeps its old value with probability p (Krueger et al. 2017).

    ``zoneout(old, new)`` is the state after a step: p·old + (1 - p)·new in evaluation, the mean of what it is in
    training. A step of `graphad.scan` cannot draw: `masks` draws for all steps before the loop. Raises ArgumentError.

    >>> import graphad as ga
    >>> xs, h0 = ga.input("xs", ("T", "batch", 4)), ga.input("h0", ("batch", 4))
    >>> zoneout = ga.nn.Zoneout(0.1)
    >>> with ga.nn.training():
    ...     masks = zoneout.masks("T", h0)
    >>> def step(h, given):
    ...     x, mask = given
    ...     h = zoneout(h, ga.tanh(h + x), mask)
    ...     return h, h
    >>> last, states = ga.scan(step, h0, (xs, masks))
    >>> states.type
    f64[T, batch, 4]
    """

    p: float = 0.1

    def __post_init__(self) -> None:
        as_float(self.p, "Zoneout: p", 0, 1)

    def masks(self, steps: Any, state: Any) -> Node:
        """How much of each unit of ``state`` stays in each step, (steps, *state.shape).

        0 or 1, drawn, in training, where the graph is built; p in evaluation. ``steps``: a number or a named size.
        """
        like = as_node(state)
        shape = (steps, *like.shape)
        return full(shape, self.p, like.dtype) if in_training() is None else _coins(self.p, shape, like)

    def forward(self, old: Any, new: Any, mask: Any = None) -> Node:
        old, new = as_node(old), as_node(new)
        if mask is None and in_training() is not None:
            mask = _coins(self.p, new.shape, new)
        stay = self.p if mask is None else mask
        return add(stay * old, (1 - stay) * new)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Shakeout(Layer):
    """A `Linear` layer whose inputs are, unit by unit, reversed or enhanced (Kang, Li & Tao 2016, 2018).

    For each unit of each example, with probability tau all its weights become -c·sign(W), else
    (W + c·tau·sign(W)) / (1 - tau): the mean is W, the variance (W + c·sign(W))²·tau / (1 - tau), whose effect is a
    penalty on W² and on c·|W|. With c = 0 it is `Dropout`. sign counts as a constant for differentiation (the authors'
    program takes it as a steep tanh there). Raises ArgumentError unless 0 ≤ tau < 1 and c ≥ 0.
    """

    layer: Linear
    tau: float = 0.5
    c: float = 0.1

    def __post_init__(self) -> None:
        _check_linear("Shakeout", self.layer)
        as_float(self.c, "Shakeout: c", 0, math.inf)
        if as_float(self.tau, "Shakeout: tau", 0, 1) == 1:
            raise ArgumentError("Shakeout: tau must be less than 1: nothing would be left to enhance")

    def forward(self, x: Any) -> Any:
        if in_training() is None:
            return self.layer(x)
        x, W = with_features("Shakeout", x, self.layer.n_in), self.layer.W
        switch = dropout(ones(x.shape, W.dtype), self.tau)  # 0 or 1 / (1 - tau)
        return self.layer(x * switch) + self.c * matmul(x * (switch - 1), sign(W))


@final
@dataclass(frozen=True, eq=False, repr=False)
class Whiteout(Layer):
    """A `Linear` layer with Gaussian noise on each connection, the larger the smaller its weight (Li & Liu 2016).

    What weight w of a connection multiplies is x + e with e ~ N(0, sigma²·|w|^-gamma + lam), for each example anew.
    The noises that meet in a unit add up to N(0, Σ sigma²·|w|^(2 - gamma) + lam·w²), which is what is drawn here: one
    number for each unit. Its effect is a penalty on |w|^(2 - gamma) and on w²: gamma = 1 is like lasso, and with lam
    like the elastic net; gamma = 0 is like ridge. Differentiation goes through the variance; where weights are 0 it
    takes the derivative 0. Raises ArgumentError unless 0 ≤ gamma ≤ 2 and sigma, lam ≥ 0.
    """

    layer: Linear
    sigma: float = 0.1
    gamma: float = 1.0
    lam: float = 0.0

    def __post_init__(self) -> None:
        _check_linear("Whiteout", self.layer)
        as_float(self.sigma, "Whiteout: sigma", 0, math.inf)
        as_float(self.gamma, "Whiteout: gamma", 0, 2)
        as_float(self.lam, "Whiteout: lam", 0, math.inf)

    def forward(self, x: Any) -> Any:
        y = self.layer(x)
        if in_training() is None:
            return y
        W, power = self.layer.W, 2 - self.gamma
        size = where(W == 0, 0, absolute(W) ** power)  # also where the power is 0
        variance = sum(self.sigma**2 * size + self.lam * square(W), axis=0)
        return y + sqrt(variance) * _normal_like(y)


@final
@dataclass(frozen=True, eq=False, repr=False)
class GaussianNoise(Layer):
    """x + N(0, std²), independent for each element. Raises ArgumentError unless std ≥ 0."""

    std: float = 0.1

    def __post_init__(self) -> None:
        as_float(self.std, "GaussianNoise: std", 0, math.inf)

    def forward(self, x: Any) -> Node:
        x = as_node(x)
        return x if in_training() is None else add(x, self.std * _normal_like(x))


def _coins(p: float, shape: Any, like: Node) -> Node:
    """1 with probability p, else 0, in the dtype of a node."""
    return cast(bernoulli(p, shape, _drawn(like)), like.dtype)


def _normal_like(x: Node) -> Node:
    """Standard normal draws in the shape of a node, and in its dtype where it is floating."""
    draws = standard_normal(x.shape, _drawn(x))
    return cast(draws, x.dtype) if x.dtype.kind == "f" else draws


def _drawn(x: Node) -> str:
    """The dtype to draw in: generators know two."""
    return "float32" if x.dtype == "float32" else "float64"


def _with_weights(layer: Any, W: Node) -> Any:
    """The same layer with other weights."""
    other = copy(layer)
    object.__setattr__(other, "W", W)
    return other


def _check_linear(what: str, layer: Any) -> None:
    if not isinstance(layer, Linear):
        fail(ArgumentError, f"{what}: the layer must be a Linear, not a {type(layer).__name__}")
