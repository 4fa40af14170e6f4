"""Activations, elementwise but for the gated and the normalized ones; names and defaults as in `torch.nn.functional`.

Each states its derivative at its kinks. None overflows on the way: at ±1e4 values and derivatives are right, too.
"""

import math
from typing import Any

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.smooth import log_softmax as log_softmax
from graphad.functional.smooth import softmax as softmax
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ops import elementwise
from graphad.ops.attributes import normal_axis
from graphad.ops.elementwise import expm1
from graphad.ops.elementwise import sigmoid as sigmoid
from graphad.ops.elementwise import tanh as tanh
from graphad.ops.fit import expand_dims
from graphad.ops.index import split
from graphad.ops.kinks import clip
from graphad.ops.kinks import relu as relu
from graphad.ops.leaves import as_node
from graphad.ops.log_domain import softsign as softsign
from graphad.ops.piecewise import where
from graphad.ops.special import ndtr
from graphad.ops.steps import heaviside

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017


@composite
def linear(input: Any) -> Node:
    """x itself, the activation of a layer that has none; PyTorch's function of this name is here the layer `Linear`."""
    return as_node(input)


@composite
def threshold(input: Any, threshold: float, value: float) -> Node:
    """x for x > threshold, else ``value``; the derivative at the threshold is 0."""
    x = as_node(input)
    return where(x > threshold, x, value)


@composite
def relu6(input: Any) -> Node:
    """relu limited to 6; the derivative at 0 and at 6 is 0."""
    x = as_node(input)
    return where(x < 6, relu(x), 6)


@composite
def leaky_relu(input: Any, negative_slope: float = 0.01) -> Node:
    """x for x > 0, else negative_slope·x; the derivative at 0 is the negative slope."""
    x = as_node(input)
    return where(x > 0, x, negative_slope * x)


@composite
def prelu(input: Any, weight: Any) -> Node:
    """`leaky_relu` with learned slopes: one number, or one for each channel (axis 1). Raises ShapeError."""
    x, slopes = as_node(input), as_node(weight)
    if slopes.ndim > 1:
        fail(ShapeError, f"prelu: {label(slopes)} must be a scalar or a vector", slopes)
    if slopes.ndim == 1 and slopes.shape[0] != 1:
        if x.ndim < 2 or x.shape[1] != slopes.shape[0]:
            fail(ShapeError, f"prelu: {slopes.shape[0]} slopes for the shape {x.shape}, whose channels are axis 1", x)
        slopes = expand_dims(slopes, tuple(range(1, x.ndim - 1)))
    return where(x > 0, x, slopes * x)


@composite
def elu(input: Any, alpha: float = 1.0) -> Node:
    """x for x > 0, else alpha·(exp(x) - 1); the derivative at 0 is alpha."""
    x = as_node(input)
    return where(x > 0, x, alpha * expm1(where(x > 0, 0, x)))


@composite
def selu(input: Any) -> Node:
    """`elu` with the two constants that keep mean 0 and variance 1 (Klambauer et al. 2017); at 0 as elu."""
    return SELU_SCALE * elu(input, SELU_ALPHA)


@composite
def celu(input: Any, alpha: float = 1.0) -> Node:
    """x for x > 0, else alpha·(exp(x / alpha) - 1): smooth in the first derivative."""
    x = as_node(input)
    return where(x > 0, x, alpha * expm1(where(x > 0, 0, x) / alpha))


@composite
def gelu(input: Any, approximate: str = "none") -> Node:
    """x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016); the exact form needs SciPy to run.

    ``approximate="tanh"``: Φ(x) ≈ (1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2, here written as the sigmoid that it is,
    which does not cancel for negative x. Raises ArgumentError for other words.
    """
    x = as_node(input)
    if approximate == "tanh":
        return x * sigmoid(math.sqrt(8 / math.pi) * (x + 0.044715 * x**3))
    if approximate != "none":
        fail(ArgumentError, f"gelu: approximate must be 'none' or 'tanh', not {approximate!r}", x)
    return x * ndtr(x)


@composite
def silu(input: Any) -> Node:
    """x·sigmoid(x), also called swish."""
    x = as_node(input)
    return x * sigmoid(x)


@composite
def mish(input: Any) -> Node:
    """x·tanh(softplus(x)) (Misra 2019)."""
    x = as_node(input)
    return x * tanh(elementwise.softplus(x))


@composite
def softplus(input: Any, beta: float = 1.0) -> Node:
    """log(1 + exp(beta·x)) / beta, without overflow: no threshold is needed from which it would be linear."""
    x = as_node(input)
    return elementwise.softplus(x) if beta == 1 else elementwise.softplus(beta * x) / beta


@composite
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Node:
    """x limited to [min_val, max_val]; the derivative at both ends is 1, as that of `clip`. Raises ArgumentError."""
    if max_val <= min_val:
        fail(ArgumentError, f"hardtanh: min_val {min_val} must be less than max_val {max_val}", as_node(input))
    return clip(input, min_val, max_val)


@composite
def hardsigmoid(input: Any) -> Node:
    """relu6(x + 3) / 6; the derivative at -3 and at 3 is 0."""
    return relu6(as_node(input) + 3) / 6


@composite
def hardswish(input: Any) -> Node:
    """x·hardsigmoid(x); the derivative at -3 is 0, at 3 it is 1."""
    x = as_node(input)
    return x * hardsigmoid(x)


@composite
def heaviside_step(input: Any, values: Any = 0.5) -> Node:
    """0 for x < 0, ``values`` for x = 0, 1 for x > 0; the derivative to x is 0 everywhere."""
    return heaviside(input, values)


@composite
def glu(input: Any, axis: int = -1) -> Node:
    """The first half along an axis times the sigmoid of the second half (Dauphin et al. 2017). Raises ShapeError."""
    x = as_node(input)
    a, b = split(x, 2, normal_axis(axis, [x]))
    return a * sigmoid(b)
