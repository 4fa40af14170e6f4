"""The functions of a training: the whole step, evaluation and prediction, each one compiled graph."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any

from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import christen, composite
from graphad.ir.text import digest
from graphad.lower.compile import Function, compile
from graphad.nn.layers.base import Layer, buffers, parameters, training
from graphad.ops.leaves import input as input_node
from graphad.optim.base import Step, Transform
from graphad.optim.base import step as step_of
from graphad.train.data import Data

Nodes = tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """The graphs of a training. ``inputs`` are x and y, ``kept`` parameters and buffers; ``rate`` is given per call."""

    model: Layer
    loss: Callable[..., Any]
    regularizer: Callable[..., Any] | None
    x: Nodes
    y: Nodes
    parameters: Nodes
    buffers: Nodes
    prediction: Any  # in the mode of training: a node, or several
    total: Node
    updates: dict[Node, Node]  # of buffers
    optimizer: Step
    rate: Node | None
    optimizer_rate: Any  # a number, or a function of the step

    @property
    def kept(self) -> Nodes:
        """Parameters and buffers."""
        return (*self.parameters, *self.buffers)

    @property
    def inputs(self) -> Nodes:
        """All that the step takes, in order."""
        rate = () if self.rate is None else (self.rate,)
        return (*self.x, *self.y, *self.kept, *self.optimizer.state, *rate)

    @cached_property
    def step(self) -> Function:
        """Forward, loss, gradients, optimizer and running statistics; it gives the loss and updates in place."""
        return self._step(None)

    @cached_property
    def blaming_step(self) -> Function:
        """The same step; one that gives nan or inf updates nothing and says where that began."""
        return self._step("blame")

    @cached_property
    def digest(self) -> str:
        """What steps share that compute the same."""
        return digest(self.step.declared)

    def _step(self, check_nan: str | None) -> Function:
        updates = {**self.optimizer.updates, **self.updates}
        return compile(self.inputs, self.total, updates=updates, name="training_step", check_nan=check_nan)

    @cached_property
    def evaluated(self) -> tuple[Any, Node]:
        """Prediction and loss in the mode of evaluation, as nodes."""
        return outputs(self.model, self.loss, self.regularizer, self.x, self.y)

    @cached_property
    def evaluate(self) -> Function:
        """Prediction and loss in the mode of evaluation."""
        return compile([*self.x, *self.y, *self.kept], self.evaluated, name="evaluate")

    @cached_property
    def predict(self) -> Function:
        """The prediction in the mode of evaluation."""
        return compile([*self.x, *self.kept], self.evaluated[0], name="predict")


@composite  # what is made here is not what the result of fit is called
def program_of(
    model: Layer,
    loss: Callable[..., Any],
    optimizer: Any,
    data: Data,
    regularizer: Callable[..., Any] | None,
    is_rated: bool,
) -> Program:
    """The graphs for data of this kind. ``is_rated``: the optimizer is a function of the rate, which is an input."""
    if not isinstance(model, Layer):
        hint = "make it a layer: ga.nn.Sequential(...), or a dataclass that is a ga.nn.Layer"
        raise ArgumentError(f"fit: the model is a {type(model).__name__}, not a layer", hint=hint)
    if not callable(loss):
        hint = "such as ga.nn.cross_entropy"
        raise ArgumentError(f"fit: the loss is a {type(loss).__name__}, not a function of nodes", hint=hint)
    learned = tuple(parameters(model))
    if not learned:
        raise ArgumentError(f"fit: {model!r} has no parameters to be learned")
    x, y = declared(data)
    with training() as run:
        prediction, total = outputs(model, loss, regularizer, x, y)
    rate = input_node("rate", (), "float64") if is_rated else None
    transform = _transform(optimizer, rate)
    optimizer_step = step_of(transform, total, learned)
    graphs = (prediction, total, run.updates, optimizer_step, rate, transform.rate)
    return Program(model, loss, regularizer, x, y, learned, tuple(buffers(model)), *graphs)


@composite
def outputs(
    model: Layer, loss: Callable[..., Any], regularizer: Callable[..., Any] | None, x: Nodes, y: Nodes
) -> tuple[Any, Node]:
    """Prediction and loss, the regularizer included. Raises ArgumentError unless the loss is one real number."""
    _check_call("the model", model.forward, x, "it is called with an argument for each input: ((x1, x2), y)")
    prediction = model(*x)
    hint = "it is called as loss(prediction, y1, y2, ...), without y for data (x,); several results are one tuple"
    _check_call("the loss", loss, (prediction, *y), hint)
    total = loss(prediction, *y)
    if regularizer is not None:
        total = total + regularizer(model)
    if not isinstance(total, Node):
        raise ArgumentError(f"fit: the loss gave a {type(total).__name__}, not a node")
    if total.shape or total.dtype.kind != "f":
        hint = 'reduce it to one number: reduction="mean", or ga.mean'
        fail(ArgumentError, f"fit: the loss must be a real scalar, {label(total)} is {total.type}", total, hint=hint)
    christen(total.origin, "loss")
    return prediction, total


def _check_call(what: str, function: Callable[..., Any], arguments: tuple[Any, ...], hint: str) -> None:
    """Raise ArgumentError where a function does not take so many arguments."""
    try:
        call = signature(function)
    except ValueError:  # of a function that does not tell
        return
    try:
        call.bind(*arguments)
    except TypeError as problem:
        raise ArgumentError(f"fit: {what} does not take {len(arguments)} arguments: {problem}", hint=hint) from None


def declared(data: Data) -> tuple[Nodes, Nodes]:
    """Inputs for x and y of this kind, with any number of rows."""
    nodes = [input_node(name, ("batch", *a.shape[1:]), a.dtype) for name, a in data.named()]
    return tuple(nodes[: len(data.x)]), tuple(nodes[len(data.x) :])


def _transform(optimizer: Any, rate: Node | None) -> Any:
    """The optimizer, made for the rate where there is one; `step` says what is no optimizer."""
    if rate is None:
        return optimizer
    if isinstance(optimizer, Transform):
        hint = "optimizer=ga.optim.adam, or lambda rate: ga.optim.chain(..., ga.optim.adam(rate))"
        raise ArgumentError("fit: with plateau= the optimizer must be a function of the rate", hint=hint)
    return optimizer(rate)
