"""Penalties on weights, to be added to a loss: l1, l2, elastic_net.

Each takes one node, a list of nodes, or a model: of a model its weights, the parameters with two axes or more, since
biases and the scales of normalizations are usually left free (Goodfellow, Bengio & Courville 2016, section 7.1).

>>> import graphad as ga
>>> x, y = ga.input("x", ("batch", 4)), ga.input("y", ("batch", 1))
>>> model = ga.nn.Sequential(ga.nn.Linear(4, 8), ga.tanh, ga.nn.Linear(8, 1))
>>> loss = ga.nn.mse_loss(model(x), y) + ga.nn.l2(model, 1e-3)
>>> loss.type
f64[]
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.nn.layers.base import parameters as parameters_of
from graphad.ops.attributes import as_float
from graphad.ops.elementwise import add, multiply, square
from graphad.ops.fit import sum
from graphad.ops.kinks import absolute


@composite
def l1(parameters: Any, scale: Any, biases: bool = False) -> Node:
    """scale·Σ|W|, a scalar: the penalty of the lasso, which makes weights 0. Its derivative at 0 is 0.

    ``parameters``: a node, a list of nodes, or a model, of which only parameters with two axes or more count unless
    ``biases``. ``scale``: a number ≥ 0, or a scalar node. Raises ArgumentError where there are no weights, ShapeError.
    """
    return _penalty("l1", parameters, scale, biases, absolute)


@composite
def l2(parameters: Any, scale: Any, biases: bool = False) -> Node:
    """½·scale·ΣW², a scalar: ridge, or weight decay, whose gradient is scale·W, as `optim.add_decayed_weights` adds it.

    Arguments as of `l1`.
    """
    return _penalty("l2", parameters, scale, biases, lambda w: multiply(0.5, _squared(w)))


@composite
def elastic_net(parameters: Any, scale: Any, beta: float = 1.0, biases: bool = False) -> Node:
    """scale·Σ(|W| + beta·W²), a scalar: l1 and l2 together (Zou & Hastie 2005). Arguments as of `l1`; beta ≥ 0."""
    share = as_float(beta, "elastic_net: beta", 0, math.inf)
    return _penalty("elastic_net", parameters, scale, biases, lambda w: absolute(w) + share * _squared(w))


def _penalty(name: str, parameters: Any, scale: Any, biases: bool, of: Callable[[Node], Node]) -> Node:
    if not isinstance(scale, Node):
        scale = as_float(scale, f"{name}: scale", 0, math.inf)
    elif scale.shape:
        fail(ShapeError, f"{name}: the scale must be a scalar, {label(scale)} is {scale.type}", scale)
    return multiply(scale, reduce(add, [sum(of(w)) for w in _weights(name, parameters, biases)]))


def _weights(name: str, given: Any, biases: bool) -> list[Node]:
    """The nodes that are given, each once; those of a model that are no biases."""
    if isinstance(given, Node):
        return [given]
    if isinstance(given, list | tuple) and all(isinstance(n, Node) for n in given):
        found = list(dict.fromkeys(given))
    else:
        found = [p for p in parameters_of(given) if biases or p.ndim >= 2]
    if not found:
        raise ArgumentError(f"{name}: there are no weights to penalize", hint="biases=True takes vectors, too")
    return found


def _squared(w: Node) -> Node:
    """|w|²."""
    return square(absolute(w)) if w.dtype.kind == "c" else square(w)
