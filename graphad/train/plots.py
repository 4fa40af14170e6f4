"""How activations and gradients are spread in the layers of a model: what shows vanishing, exploding and dead units.

What is looked at is what enters each layer with parameters from others, and the prediction: for a perceptron the
values after each activation function.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphad.autodiff.transforms import grad
from graphad.draw.figure import new_figure
from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.graph import toposort
from graphad.ir.origin import composite
from graphad.ir.types import TensorType
from graphad.lower.compile import compile
from graphad.nn.layers.base import Layer, buffers, initial, training
from graphad.nn.layers.base import parameters as parameters_of
from graphad.train.data import DRAWS, Array, Data, as_data, conforming, stream
from graphad.train.history import table
from graphad.train.program import declared, outputs
from graphad.train.result import Fit

BINS = 60


class Spread(NamedTuple):
    """The values of one place: a layer's activations, or a gradient."""

    name: str
    values: Array

    @property
    def zeros(self) -> float:
        """The fraction of elements that are 0."""
        return float(np.mean(self.values == 0)) if self.values.size else 0.0

    @property
    def dead(self) -> float:
        """The fraction of units that are 0 in all rows."""
        units = np.all(self.values == 0, axis=0)
        return float(np.mean(units)) if units.size else 0.0


@dataclass(frozen=True)
class Histograms:
    """Activations, their gradients, and the gradients of parameters, for one batch; ``print`` shows a table.

    The gradients of a mean are small where there are many rows; what tells is how they change from layer to layer.
    """

    activations: tuple[Spread, ...]
    gradients: tuple[Spread, ...]  # of the loss with respect to the activations
    parameters: tuple[Spread, ...]  # gradients with respect to parameters

    def __str__(self) -> str:
        rows = []
        groups = (("activation", self.activations), ("gradient of", self.gradients), ("d_", self.parameters))
        for kind, group in groups:
            for s in group:
                v = np.asarray(s.values, float)
                dead = f"{s.dead:.0%}" if kind == "activation" else ""
                label = f"{kind}{s.name}" if kind == "d_" else f"{kind} {s.name}"
                numbers = (f"{v.mean():.3g}", f"{v.std():.3g}", f"{np.abs(v).max(initial=0):.3g}", f"{s.zeros:.0%}")
                rows.append([label, *numbers, dead])
        return table(["", "mean", "std", "largest", "zeros", "dead units"], rows)

    def plot(self) -> Any:
        """A row of histograms for each kind, a column for each layer, as a matplotlib Figure; no biases.

        Raises MissingDependencyError.
        """
        weights = tuple(s for s in self.parameters if s.values.ndim > 1)
        kinds = (("", self.activations), ("gradient of ", self.gradients), ("d_", weights))
        titles, groups = zip(*[(title, group) for title, group in kinds if group], strict=True)
        width = max(map(len, groups))
        figure = new_figure(2.2 * width, 2.0 * len(groups))
        grid = figure.subplots(len(groups), width, squeeze=False)
        for line, group, title in zip(grid, groups, titles, strict=True):
            for axes in line[len(group) :]:
                axes.set_visible(False)
            for axes, spread in zip(line, group, strict=False):
                values = np.ravel(spread.values)
                axes.hist(values[np.isfinite(values)], BINS)
                axes.set_title(f"{title}{spread.name}", fontsize="small")
                axes.set_yticks([])
                axes.tick_params(labelsize="x-small")
                axes.locator_params(axis="x", nbins=3)
                axes.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3))
                axes.xaxis.get_offset_text().set_fontsize("x-small")
        return figure


def activation_histograms(
    model: Fit | Layer,
    x: Any,
    y: Any = None,
    *,
    values: Mapping[str, Any] | None = None,
    loss: Callable[..., Any] | None = None,
    seed: int = 0,
) -> Histograms:
    """What the layers of a model give for a batch (x, y), and the gradients there, in the mode of training.

    ``model``: what `fit` gave back, with its values and loss; or a layer, with the arrays ``values`` by name (unless
    given those that it starts with), and a ``loss`` if gradients are wanted. ``y``: the targets, or None where the loss
    takes none. Raises ArgumentError, and what `fit` raises for bad data.

    >>> import numpy as np
    >>> import graphad as ga
    >>> model = ga.nn.Sequential(ga.nn.Linear(4, 8, name="a"), ga.nn.relu, ga.nn.Linear(8, 2, name="b"))
    >>> found = activation_histograms(model, np.ones((5, 4)), np.zeros(5, int), loss=ga.nn.cross_entropy)
    >>> [s.name for s in found.activations], [s.name for s in found.parameters]
    (['a: relu', 'b'], ['a_W', 'a_b', 'b_W', 'b_b'])
    """
    data = as_data("activation_histograms", (x,) if y is None else (x, y))
    regularizer = None
    if isinstance(model, Fit):
        data = conforming("activation_histograms", data, model.like)
        loss, regularizer = loss or model.program.loss, model.program.regularizer
        values, model = (model.values if values is None else values), model.program.model
    values = initial(model, seed) if values is None else values
    nodes, activations, gradients, parameters = _graphs(model, loss, regularizer, data)
    missing = [str(p.name) for p in parameters if p.name not in values]
    if missing:
        raise ArgumentError(f"activation_histograms: values has no array {missing[0]!r}")
    asked = [a for _, a in activations]
    function = compile([*nodes, *parameters], [*asked, *gradients], name="activations")
    rng = {"rng": stream(seed, DRAWS)} if function.draws else {}
    arrays = [np.asarray(values[str(p.name)], p.dtype) for p in parameters]
    with np.errstate(all="ignore"):
        found = function(*data.x, *data.y, *arrays, **rng)
    labels = [name for name, _ in activations]
    k = len(asked)
    inner = tuple(map(Spread, labels, found[k : 2 * k])) if gradients else ()
    learned = [str(p.name) for p in parameters if "parameter" in p.op.traits]
    return Histograms(tuple(map(Spread, labels, found[:k])), inner, tuple(map(Spread, learned, found[2 * k :])))


@composite
def _graphs(
    model: Layer, loss: Callable[..., Any] | None, regularizer: Callable[..., Any] | None, data: Data
) -> tuple[list[Node], list[tuple[str, Node]], list[Node], list[Node]]:
    """The declared inputs, the named activations, all gradients, and what the model keeps."""
    x, y = declared(data)
    with training():
        if loss is None:
            prediction, total = model(*x), None
        else:
            prediction, total = outputs(model, loss, regularizer, x, y)
    kept = [*parameters_of(model), *buffers(model)]
    found = _places(prediction, x, kept)
    gradients = []
    if total is not None:
        gradients = grad(total, [n for _, n in found] + [p for p in kept if "parameter" in p.op.traits])
    return [*x, *y], found, gradients, kept


def _places(prediction: Any, x: Iterable[Node], kept: Iterable[Node]) -> list[tuple[str, Node]]:
    """The values that enter layers with parameters from others, and the predictions, with their names."""
    several = prediction.values() if isinstance(prediction, dict) else prediction
    last = [prediction] if isinstance(prediction, Node) else list(several)
    nodes, live, learned = toposort(last), set(x), set(kept)  # live: what depends on the data
    for node in nodes:
        if any(i in live for i in node.inputs):
            live.add(node)
        elif any(i in learned for i in node.inputs):
            learned.add(node)
    layers = {n.origin.scope for n in nodes if n in live and any(i in learned for i in n.inputs)}
    found: dict[Node, None] = {}
    for node in nodes:
        if node in live and node.origin.scope in layers:
            entering = [i for i in node.inputs if i in live and i.origin.scope != node.origin.scope]
            found |= {i: None for i in entering if _is_shown(i)}
    found |= {n: None for n in last if _is_shown(n)}
    labels: dict[str, Node] = {}
    for node in found:
        name = _name(node)
        number = next(k for k in range(1, len(found) + 2) if (name if k == 1 else f"{name} {k}") not in labels)
        labels[name if number == 1 else f"{name} {number}"] = node
    return list(labels.items())


def _is_shown(node: Node) -> bool:
    return isinstance(node.type, TensorType) and node.dtype.kind == "f" and bool(node.inputs)


def _name(node: Node) -> str:
    """The layer that made a value, or the one before and the op that came behind it."""
    if node.origin.scope:
        return "/".join(node.origin.scope)
    behind = node
    while behind.inputs and not behind.origin.scope:
        behind = next((i for i in behind.inputs if i.origin.scope or i.inputs), behind.inputs[0])
    return f"{'/'.join(behind.origin.scope)}: {node.op.name}" if behind.origin.scope else node.op.name
