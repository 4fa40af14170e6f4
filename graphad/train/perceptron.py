"""The networks that estimators train unless they are given one, and what else they call by name."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.nn import activations, init
from graphad.nn.layers.base import Layer, parameters
from graphad.nn.layers.linear import Linear, Sequential
from graphad.ops.elementwise import square
from graphad.ops.fit import sum
from graphad.optim import optimizers
from graphad.optim.base import Transform

ACTIVATIONS: dict[str, init.Initializer] = {  # each with how the weights before it start
    "identity": init.xavier_uniform,
    "tanh": init.xavier_uniform,
    "sigmoid": init.xavier_uniform,
    "relu": init.kaiming_uniform,
    "leaky_relu": init.kaiming_uniform,
    "elu": init.kaiming_uniform,
    "gelu": init.kaiming_uniform,
    "silu": init.kaiming_uniform,
    "softplus": init.kaiming_uniform,
    "selu": init.lecun_normal,
}
OPTIMIZERS = "sgd momentum nesterov adagrad adadelta rmsprop adam adamw amsgrad adamax nadam lion".split()


def network(
    n_in: int, n_out: int, hidden: Any, activation: Any, model: Callable[[int, int], Layer] | None = None
) -> Layer:
    """A perceptron with ``hidden`` layers of these sizes, or ``model(n_in, n_out)``. Raises ArgumentError."""
    if model is not None:
        made = model(n_in, n_out) if callable(model) and not isinstance(model, Layer) else None
        if not isinstance(made, Layer):
            hint = "such as lambda n_in, n_out: ga.nn.Linear(n_in, n_out)"
            raise ArgumentError("model must be a function of the numbers of inputs and outputs, a layer", hint=hint)
        return made
    sizes: tuple[Any, ...] = (hidden,) if isinstance(hidden, Integral) else tuple(hidden)
    if not all(isinstance(n, Integral) and int(n) > 0 for n in sizes):
        raise ArgumentError(f"hidden: {hidden!r} are not sizes of layers", hint="such as (32,) or (64, 32)")
    if not callable(activation) and activation not in ACTIVATIONS:
        hint = f"choose from {', '.join(ACTIVATIONS)}, or give a function of a node"
        raise ArgumentError(f"activation: {activation!r} is not known", hint=hint)
    start = init.xavier_uniform if callable(activation) else ACTIVATIONS[activation]
    bend = activation if callable(activation) else vars(activations).get(activation)  # None: the identity
    parts: list[Any] = []
    for k, n in enumerate(sizes):
        parts += [Linear(n_in, int(n), start=start, name=f"hidden_{k + 1}"), *([bend] if bend else [])]
        n_in = int(n)
    return Sequential(*parts, Linear(n_in, n_out, name="out"))


def transform(optimizer: Any, rate: float) -> Transform:
    """An optimizer by its name in `graphad.optim`, a function of the rate, or a transform. Raises ArgumentError."""
    if isinstance(optimizer, Transform):
        return optimizer
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        optimizer = getattr(optimizers, optimizer)
    made = optimizer(rate) if callable(optimizer) else None
    if not isinstance(made, Transform):
        hint = f"choose from {', '.join(OPTIMIZERS)}, a method of ga.train.minimize, or give lambda rate: ga.optim.…"
        raise ArgumentError(f"optimizer: {optimizer!r} is not known", hint=hint)
    return made


def ridge(alpha: float) -> Callable[[Any], Node] | None:
    """½ alpha times the sum of the squares of all weights with two axes or more; None for an alpha of 0."""
    if not alpha >= 0:
        raise ArgumentError(f"alpha: {alpha!r} is not a number from 0 on")

    def penalty(model: Any) -> Node:
        squares = [sum(square(p)) for p in parameters(model) if p.ndim > 1]
        total = squares[0]
        for s in squares[1:]:
            total = total + s
        return 0.5 * alpha * total

    return penalty if alpha else None


def with_outputs(prediction: Any, count: int) -> Node:
    """The prediction, with so many numbers for each row. Raises ShapeError."""
    if not isinstance(prediction, Node) or prediction.ndim != 2 or prediction.shape[1] != count:
        found = f"{label(prediction)} is {prediction.type}" if isinstance(prediction, Node) else "it is no node"
        nodes = [prediction] if isinstance(prediction, Node) else []
        fail(ShapeError, f"model: what it gives must have shape (batch, {count}), {found}", *nodes)
    return prediction
