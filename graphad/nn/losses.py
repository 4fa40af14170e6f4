"""Losses, with the names, arguments and conventions of `torch.nn.functional` where that has them.

Input and target must have one shape (a scalar fits every one): broadcasting (n, 1) against (n,) is nearly always a
mistake. Integers and booleans as targets or weights take the dtype of the input, so float32 stays float32.
``reduction`` is "mean", "sum" or "none" (the losses one by one). Options are given by name.

>>> import graphad as ga
>>> from graphad import nn
>>> logits = ga.input("logits", (2, 3))
>>> loss = nn.cross_entropy(logits, [2, 0])
>>> ga.compile([logits], ga.grad(loss, logits))([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
array([[ 0.16666667,  0.16666667, -0.33333333],
       [-0.33333333,  0.16666667,  0.16666667]])
"""

from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.functional.norms import vector_norm
from graphad.ir.core import Node, fail
from graphad.ir.origin import boxed, composite
from graphad.ir.types import broadcast_shapes, shape_text
from graphad.ops.attributes import normal_axis
from graphad.ops.casts import as_float, cast
from graphad.ops.elementwise import sqrt, square
from graphad.ops.fit import stretch, sum
from graphad.ops.kinks import absolute, clip, maximum, minimum, relu
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import where
from graphad.ops.reduce import mean

# What all of them share ---------------------------------------------------------------------------------------------


def checked(name: str, argument: str, value: Any) -> Node:
    """An argument as real floats. Raises DTypeError for complex numbers."""
    x = as_float(value)
    if x.dtype.kind == "c":
        fail(DTypeError, f"{name}: {argument} must be real, not {x.dtype}", x)
    return x


def beside(name: str, argument: str, value: Any, x: Node) -> Node:
    """An argument beside ``x``: numbers, lists, integers and booleans take its dtype."""
    if isinstance(value, (list, tuple)) and Node not in map(type, value):
        value = np.asarray(value, x.dtype)
    y = as_node(value, x.dtype)
    return cast(y, x.dtype) if y.dtype.kind in "biu" else checked(name, argument, y)


def reduced(name: str, losses: Node, reduction: str, total: Any = None) -> Node:
    """The losses as ``reduction`` says; their mean is the sum divided by ``total`` if that is given."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    if reduction == "mean":
        return mean(losses) if total is None else sum(losses) / total
    fail(ArgumentError, f"{name}: reduction must be 'mean', 'sum' or 'none', not {reduction!r}", losses)


def pair(name: str, input: Any, target: Any) -> tuple[Node, Node]:
    """Input and target in one dtype. Raises ShapeError unless they have one shape or one is a scalar."""
    x = checked(name, "input", input)
    y = beside(name, "target", target, x)
    if x.shape != y.shape and x.ndim and y.ndim:
        what = f"{name}: input {shape_text(x.shape)} and target {shape_text(y.shape)} differ in shape"
        fail(ShapeError, what, x, y, hint="reshape one of them: they do not broadcast")
    return x, y


def _weights(name: str, weight: Any, losses: Node) -> Node:
    """The weights in the shape of the losses."""
    w = beside(name, "weight", weight, losses)
    if broadcast_shapes(w.shape, losses.shape) != losses.shape:
        what = f"{name}: weight {shape_text(w.shape)} does not fit the losses {shape_text(losses.shape)}"
        fail(ShapeError, what, w, losses)
    return stretch(w, losses.shape)


def _averaged(name: str, losses: Node, reduction: str, weight: Any) -> Node:
    """The reduction of weighted losses, whose mean is Σ w·loss / Σ w."""
    if weight is None:
        return reduced(name, losses, reduction)
    w = _weights(name, weight, losses)
    return reduced(name, w * losses, reduction, sum(w))


def scaled(name: str, losses: Node, reduction: str, weight: Any) -> Node:
    """The reduction of weighted losses, whose mean is Σ w·loss / number."""
    return reduced(name, losses if weight is None else _weights(name, weight, losses) * losses, reduction)


def whole(name: str, argument: str, value: Any) -> Node:
    """An argument of integers, as int64. Raises DTypeError."""
    x = as_node(value)
    if x.dtype.kind not in "iu":
        hint = 'convert it: .astype("int64")' if x.dtype.kind in "bf" else ""
        fail(DTypeError, f"{name}: {argument} must hold integers, not {x.dtype}", x, hint=hint)
    return cast(x, np.dtype("int64"))


# Regression ---------------------------------------------------------------------------------------------------------


@boxed
def mse_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Node:
    """(x - y)², the squared error; the mean of weighted ones is Σ w·(x - y)² / Σ w. Raises ShapeError."""
    x, y = pair("mse_loss", input, target)
    return _averaged("mse_loss", square(x - y), reduction, weight)


@boxed
def half_squared_error(input: Any, target: Any, *, reduction: str = "sum", weight: Any = None) -> Node:
    """½‖x - y‖², whose gradient is x - y: the sum unless ``reduction`` says otherwise. Raises ShapeError.

    >>> import graphad as ga
    >>> y = ga.input("y", (2,))
    >>> ga.compile([y], ga.grad(half_squared_error(y, [1, 2]), y))([4.0, 4.0])
    array([3., 2.])
    """
    x, y = pair("half_squared_error", input, target)
    return _averaged("half_squared_error", square(x - y) / 2, reduction, weight)


@boxed
def l1_loss(input: Any, target: Any, *, reduction: str = "mean", weight: Any = None) -> Node:
    """|x - y|, with the derivative 0 at 0; the mean of weighted ones is Σ w·|x - y| / Σ w. Raises ShapeError."""
    x, y = pair("l1_loss", input, target)
    return _averaged("l1_loss", absolute(x - y), reduction, weight)


def _huber(d: Node, delta: float) -> Node:
    """d²/2 up to delta, then delta·(|d| - delta/2): in one formula, in which nothing overflows."""
    c = clip(d, -delta, delta)
    return c * (d - c / 2)


@boxed
def huber_loss(input: Any, target: Any, *, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Node:
    """½(x - y)² where |x - y| ≤ delta, else delta·(|x - y| - ½delta) (Huber 1964).

    The mean of weighted ones is Σ w·loss / number. Raises ShapeError, ArgumentError unless delta > 0.
    """
    x, y = pair("huber_loss", input, target)
    if not delta > 0:
        fail(ArgumentError, f"huber_loss: delta must be positive, but is {delta}", x)
    return scaled("huber_loss", _huber(x - y, delta), reduction, weight)


@boxed
def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0, weight: Any = None) -> Node:
    """`huber_loss` divided by its bound: ½(x - y)²/beta where |x - y| ≤ beta, else |x - y| - ½beta (Girshick 2015).

    With beta = 0 it is that of `l1_loss`. The mean of weighted ones is Σ w·loss / number, as of `huber_loss`. Raises
    ShapeError, ArgumentError.
    """
    x, y = pair("smooth_l1_loss", input, target)
    if not beta >= 0:
        fail(ArgumentError, f"smooth_l1_loss: beta must not be negative, but is {beta}", x)
    return scaled("smooth_l1_loss", _huber(x - y, beta) / beta if beta else absolute(x - y), reduction, weight)


# Classes and similarity -----------------------------------------------------------------------------------------------


@boxed
def hinge_loss(input: Any, target: Any, *, margin: float = 1.0, reduction: str = "mean", weight: Any = None) -> Node:
    """max(0, margin - y·x) for scores x and classes y = ±1; the derivative at the kink is 0.

    The mean of weighted ones is Σ w·loss / number. Raises ShapeError.
    """
    x, y = pair("hinge_loss", input, target)
    return scaled("hinge_loss", relu(margin - y * x), reduction, weight)


@composite
def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Node:
    """x1·x2 / (‖x1‖·‖x2‖) along an axis, each length at least ``eps``: so it is 0 at zero vectors. They broadcast."""
    a = checked("cosine_similarity", "x1", x1)
    b = beside("cosine_similarity", "x2", x2, a)
    if broadcast_shapes(a.shape, b.shape) is None:
        fail(ShapeError, f"cosine_similarity: x1 {shape_text(a.shape)} and x2 {shape_text(b.shape)} do not fit", a, b)
    product = a * b
    k = normal_axis(axis, [product])
    lengths = [sqrt(maximum(sum(square(stretch(v, product.shape)), axis=k), eps**2)) for v in (a, b)]
    return sum(product, axis=k) / (lengths[0] * lengths[1])


@boxed
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    *,
    margin: float = 0.0,
    reduction: str = "mean",
    weight: Any = None,
) -> Node:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1, cos the similarity of rows (N, D) or (D,).

    The mean of weighted ones is Σ w·loss / number. Raises ShapeError.
    """
    name = "cosine_embedding_loss"
    a = checked(name, "input1", input1)
    b = beside(name, "input2", input2, a)
    y = beside(name, "target", target, a)
    if a.shape != b.shape or not a.ndim or y.shape not in ((), a.shape[:-1]):
        shapes = ", ".join(shape_text(v.shape) for v in (a, b, y))
        fail(ShapeError, f"{name}: input1, input2, target need the shapes (N, D), (N, D), (N), not {shapes}", a, b, y)
    cos = cosine_similarity(a, b, -1, 1e-12)
    return scaled(name, where(y > 0, 1 - cos, relu(cos - margin)), reduction, weight)


@boxed
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
    weight: Any = None,
) -> Node:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)), d(a, b) = ‖a - b + eps‖ₚ of rows (N, D) or (D,).

    ``swap``: the smaller one of d(anchor, negative) and d(positive, negative) counts (Balntas et al. 2016). The mean of
    weighted ones is Σ w·loss / number. Raises ShapeError.
    """
    name = "triplet_margin_loss"
    a = checked(name, "anchor", anchor)
    near, far = beside(name, "positive", positive, a), beside(name, "negative", negative, a)
    if not a.ndim or near.shape != a.shape or far.shape != a.shape:
        shapes = ", ".join(shape_text(v.shape) for v in (a, near, far))
        fail(
            ShapeError, f"{name}: anchor, positive and negative must have one shape (N, D), not {shapes}", a, near, far
        )

    def distance(u: Node, v: Node) -> Node:
        return vector_norm(u - v + eps, axis=-1, ord=p)

    apart = distance(a, far)
    if swap:
        apart = minimum(apart, distance(near, far))
    return scaled(name, relu(margin + distance(a, near) - apart), reduction, weight)
