"""Prediction and evaluation of arrays in batches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.lower.compile import Function
from graphad.train.data import EVALUATION, Array, Data, stream
from graphad.train.metrics import Metric
from graphad.train.program import Program

LEAST = 256  # rows of a batch, where nothing is kept for a gradient


class Evaluator:
    """Loss and metrics of some data, as a function of the values of a model."""

    def __init__(
        self, program: Program, data: Data, metrics: Mapping[str, Metric], size: int, seed: int, prefix: str, loss: bool
    ) -> None:
        self._program, self._data, self._metrics = program, data, metrics
        self._size, self._seed, self._prefix, self._loss = size, seed, prefix, loss

    def __call__(self, values: Mapping[str, Array]) -> dict[str, Any]:
        """The row's part of it: val_loss, val_accuracy, …."""
        found = evaluate(self._program, values, self._data, self._metrics, self._size, self._seed)
        return {f"{self._prefix}{k}": v for k, v in found.items() if self._loss or k != "loss"}


def evaluate(
    program: Program, values: Mapping[str, Array], data: Data, metrics: Mapping[str, Metric], size: int, seed: int
) -> dict[str, Any]:
    """Loss, the mean over batches weighted by their rows, and metrics of all predictions together."""
    total, parts = 0.0, []
    arrays = [values[str(n.name)] for n in program.kept]
    options = drawing(program.evaluate, seed)
    for start in range(0, data.rows, size):
        batch = data.take(slice(start, start + size))
        with np.errstate(all="ignore"):  # nan and inf are there to be seen in the result
            prediction, loss = program.evaluate(*batch.x, *batch.y, *arrays, **options)
        total += float(loss) * batch.rows
        parts.append(prediction)
    found: dict[str, Any] = {"loss": total / data.rows}
    if metrics:
        prediction = joined(parts)
        target = data.y[0] if len(data.y) == 1 else data.y
        found |= {name: _plain(name, metric(prediction, target)) for name, metric in metrics.items()}
    return found


def predict(program: Program, values: Mapping[str, Array], data: Data, size: int, seed: int) -> Any:
    """The predictions of all rows, in the structure that the model gives."""
    arrays = [values[str(n.name)] for n in program.kept]
    options = drawing(program.predict, seed)
    starts = range(0, data.rows, size)
    return joined([program.predict(*data.take(slice(k, k + size)).x, *arrays, **options) for k in starts])


def drawing(function: Function, seed: int) -> dict[str, Any]:
    """The generator for a function that draws, the same for each evaluation."""
    return {"rng": stream(seed, EVALUATION)} if function.draws else {}


def joined(parts: Sequence[Any]) -> Any:
    """The results of batches as those of all rows. Raises ShapeError where a result has no axis of rows."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, dict):
        return {key: joined([p[key] for p in parts]) for key in first}
    if isinstance(first, tuple):
        return tuple(joined(list(p)) for p in zip(*parts, strict=True))
    if not first.ndim:
        raise ShapeError("the prediction is one number, not one for each row", hint="batch_size=None takes all rows")
    return np.concatenate(parts)


def _plain(name: str, value: Any) -> Any:
    """Numbers as Python's, matrices as nested lists: a history is text, too. Raises ArgumentError for other things."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"metrics: {name} gave a {type(value).__name__}, not real numbers")
    return array.tolist()
