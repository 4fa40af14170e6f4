"""What `fit` gives back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphad.lower.compile import Function
from graphad.train.checkpoint import save_parameters
from graphad.train.data import Array, Data, as_data, as_inputs, conforming
from graphad.train.evaluation import LEAST, evaluate, predict
from graphad.train.history import History
from graphad.train.metrics import Metric, as_metrics
from graphad.train.program import Program


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained model.

    ``values``: parameters and buffers by name; ``state``: the optimizer's arrays. ``history``: a row per epoch.
    ``stopped``: why, one of "finished", "early stopping", "interrupted", "on_epoch", "nan". ``best_epoch``: where early
    stopping was asked for, the best so far, whose values these are unless the training was interrupted. ``like``: one
    row of the data, by which others are judged.
    """

    values: dict[str, Array]
    state: dict[str, Array]
    history: History
    stopped: str
    best_epoch: int | None
    program: Program = field(repr=False)
    like: Data = field(repr=False)
    _size: int = field(repr=False)
    _seed: int = field(repr=False)
    _metrics: Mapping[str, Metric] = field(repr=False)

    def __repr__(self) -> str:
        losses = {k: f"{v:.4g}" for k, v in (self.history.rows or ({},))[-1].items() if k.endswith("loss")}
        text = "".join(f", {k} {v}" for k, v in losses.items())
        return f"<fit: {self.stopped} after {len(self.history)} epochs{text}>"

    @property
    def step(self) -> Function:
        """The whole training step, compiled: forward, loss, gradients, optimizer, running statistics."""
        return self.program.step

    def predict(self, x: Any, batch_size: int | None = None) -> Any:
        """The prediction for each row of ``x`` (an array, or a tuple of several), in the mode of evaluation.

        Raises ShapeError, DTypeError and NonFiniteError for inputs unlike those trained with.
        """
        data = as_inputs(x, self.like)
        return predict(self.program, self.values, data, batch_size or max(self._size, LEAST), self._seed)

    def evaluate(
        self, data: Any, metrics: Iterable[str | Metric] | None = None, batch_size: int | None = None
    ) -> dict[str, Any]:
        """Loss and metrics (those of `fit` unless others are given) of ``(x, y)``, in the mode of evaluation."""
        checked = conforming("evaluate", as_data("evaluate", data), self.like)
        wanted = self._metrics if metrics is None else as_metrics(metrics, self.program.evaluated[0])
        return evaluate(self.program, self.values, checked, wanted, batch_size or max(self._size, LEAST), self._seed)

    def save(self, path: str | Path) -> None:
        """Write parameters and buffers as .npz, for `load_parameters`: whole or not at all. Raises ExportError."""
        save_parameters(path, self.values)
