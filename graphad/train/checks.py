"""What is looked at before the first step, once model, loss and data are known together."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, NonFiniteError, ShapeError
from graphad.ir.core import Node, fail
from graphad.ir.graph import toposort
from graphad.ir.types import TensorType, shape_text
from graphad.lower.compile import compile
from graphad.nn.layers.base import layers
from graphad.nn.layers.recurrent import Recurrent
from graphad.ops.casts import astype
from graphad.ops.fit import broadcast_to
from graphad.ops.leaves import input as input_node
from graphad.train.data import Array, Data
from graphad.train.program import Program


def start_values(program: Program, fresh: dict[str, Array], start: Mapping[str, Any] | None) -> dict[str, Array]:
    """The arrays to start with: those given in ``start``, copied, and fresh ones. Raises ArgumentError, ShapeError."""
    values = dict(fresh)
    for name, given in (start or {}).items():
        if name not in fresh:
            raise ArgumentError(f"start: the model has no array {name!r}", hint=f"it has {', '.join(fresh)}")
        array, own = np.asarray(given), fresh[name]
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise NonFiniteError(f"start: {name} holds nan or inf")
        if array.shape != own.shape:
            raise ShapeError(f"start: {name} has shape {array.shape}, in the model {own.shape}")
        if not np.can_cast(array.dtype, own.dtype, "same_kind"):
            raise DTypeError(f"start: {name} is {array.dtype}, in the model {own.dtype}")
        values[name] = array.astype(own.dtype)
    return {str(n.name): np.array(values[str(n.name)], order="C") for n in program.kept}


def check_pairs(program: Program) -> None:
    """Raise ShapeError where the loss pairs each prediction (batch, 1) with the targets (batch,) of all examples.

    The losses of `graphad.nn` refuse such shapes; in ``ga.mean((p - y) ** 2)`` they broadcast to a matrix.
    """
    rows = program.x[0].shape[0]
    nodes = program.prediction if isinstance(program.prediction, tuple | list) else (program.prediction,)
    side = {p: "the prediction" for p in nodes if isinstance(p, Node)} | {y: str(y.name) for y in program.y}
    for node in toposort([program.total], stop=side):
        if "elementwise" not in node.op.traits and node.op is not astype:
            continue
        parts = [x.inputs[0] if x.op is broadcast_to else x for x in node.inputs]
        sides = dict.fromkeys(side[x] for x in parts if x in side)
        if len(sides) == 1:
            side[node] = next(iter(sides))
        elif len(sides) > 1 and all(node.shape.count(rows) > x.shape.count(rows) for x in parts if x in side):
            shapes = " and ".join(sorted({f"{side[x]} {shape_text(x.shape)}" for x in parts if x in side}))
            hint = "index one of them: y[:, None] or p[:, 0]; where all pairs are meant, both: p - y[None, :]"
            fail(ShapeError, f"fit: in the loss {shapes} become {shape_text(node.shape)}", node, hint=hint)


def check_labels(program: Program, data: Data, size: int, what: str) -> None:
    """Raise ArgumentError for a label that the loss refuses, with its place.

    The loss alone is run on predictions of zeros, so that nothing has to be known about it: cross_entropy, and all that
    look labels up, raise IndexError for one out of range.
    """
    prediction = program.prediction
    if not isinstance(prediction, Node) or not isinstance(prediction.type, TensorType):
        return
    shape = tuple(prediction.shape)
    has_rows = shape[:1] == program.x[0].shape[:1] and all(isinstance(n, int) for n in shape[1:])
    if not has_rows or not any(y.dtype.kind in "iu" for y in data.y):
        return
    given = input_node("prediction", shape, prediction.dtype)
    losses = compile(
        [given, *program.y], program.loss(given, *program.y), name="loss", optimize="none", style="readable"
    )

    def fails(first: int, last: int) -> bool:
        targets = data.take(slice(first, last)).y
        try:
            with np.errstate(all="ignore"):
                losses(np.zeros((last - first, *shape[1:]), prediction.dtype), *targets)
        except IndexError:
            return True
        except (ValueError, ArithmeticError):  # of zeros, not of labels
            return False
        return False

    for start in range(0, data.rows, size):
        low, high = start, min(start + size, data.rows)
        if fails(low, high):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if fails(low, middle) else (middle, high)
            _refuse(what, program, data, low, shape)


def check_rows(program: Program) -> None:
    """Raise ArgumentError where a recurrent layer takes shuffled rows for the steps of a sequence."""
    rows = program.x[0].shape[0]
    recurrent = [layer for layer in layers(program.model) if isinstance(layer, Recurrent)]
    own = {n: type(layer).__name__ for layer in recurrent for n in vars(layer).values() if isinstance(n, Node)}
    for node in toposort([program.total]) if own else ():
        name = next((own[x] for x in node.inputs if x in own), None)
        if name and "length" in node.attrs and node.attrs["length"] == rows:
            hint = f"{name}(..., batch_first=True); where rows are steps of one sequence: shuffle=False"
            fail(ArgumentError, f"fit: {name} runs along the rows of x, which are shuffled examples", node, hint=hint)


def _refuse(what: str, program: Program, data: Data, row: int, shape: tuple[Any, ...]) -> None:
    classes = shape[1] if len(shape) > 1 else shape[0]
    y = next(k for k, y in enumerate(data.y) if y.dtype.kind in "iu")
    labels = data.y[y][row]
    bad = labels if labels.ndim == 0 else labels[(labels < 0) | (labels >= classes)].flat[0]
    hint = f"labels are integers from 0 to {classes - 1}"
    raise ArgumentError(f"{what}: {program.y[y].name}[{row}] is {bad}, the model has {classes} classes", hint=hint)
