"""`fit`: train a model on data, in one compiled step."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graphad.errors import ExportError, NonFiniteError
from graphad.ir.core import Node
from graphad.ir.late import method
from graphad.nn.layers.base import Layer, initial
from graphad.optim.base import Transform
from graphad.optim.schedules import ReduceOnPlateau
from graphad.train.checkpoint import Checkpoint, Stored, read_checkpoint
from graphad.train.checks import check_labels, check_pairs, check_rows, start_values
from graphad.train.data import Data, as_data, conforming, split
from graphad.train.early import Book, EarlyStopping
from graphad.train.evaluation import LEAST, Evaluator
from graphad.train.history import History
from graphad.train.loop import Loop
from graphad.train.metrics import Metric, as_metrics
from graphad.train.options import Options
from graphad.train.program import program_of
from graphad.train.progress import Reporter
from graphad.train.result import Fit
from graphad.train.snapshot import At

_COMPARE = method("check_gradients")


def fit(
    model: Layer,
    loss: Callable[..., Any],
    optimizer: Transform | Callable[[Node], Transform],
    data: Any,
    *,
    epochs: int = 10,
    batch_size: int | None = 32,
    validation: Any = None,
    metrics: Iterable[str | Metric] = (),
    regularizer: Callable[[Any], Any] | None = None,
    seed: int = 0,
    shuffle: bool = True,
    drop_last: bool = False,
    start: Mapping[str, Any] | None = None,
    augment: Callable[..., Any] | None = None,
    early_stopping: EarlyStopping | None = None,
    plateau: ReduceOnPlateau | None = None,
    checkpoint: str | Path | Checkpoint | None = None,
    progress: bool = True,
    check_gradients: bool = False,
    on_epoch: Callable[[Fit], Any] | None = None,
) -> Fit:
    """Train a model on ``data``: (x, y) or (x,), arrays or tuples of arrays with one row per example.

    Each step (forward in the mode of training, ``loss(prediction, y) + regularizer(model)``, gradients, optimizer,
    running statistics) is one compiled function. Several inputs and targets are several arguments, several predictions
    one tuple; for data (x,) it is ``loss(prediction)``. ``regularizer``: such as ``partial(ga.nn.l2, scale=1e-4)``;
    clipping is a part of the optimizer, ``ga.optim.chain(ga.optim.clip(5), ga.optim.adam(0.01))``. Rows are shuffled
    anew in each epoch, ``batch_size`` at a time (None: all; 1: online); the last batch may be smaller, or is left out
    if ``drop_last``. ``seed`` decides everything: the same call gives the same bytes. ``start``: arrays to begin with,
    by name; others as `nn.initial` gives them.

    ``validation``: (x, y), or the fraction of the data to hold out. ``metrics``: "accuracy", "r2", "confusion" or
    functions (prediction, target) -> number, of the validation data, else of the data. The history's loss is the mean
    over an epoch's steps. ``augment(rng, x)``: new inputs for a batch. ``early_stopping``: `EarlyStopping`.
    ``plateau``: an `optim.schedules.ReduceOnPlateau`; the optimizer is then a function of the rate, such as
    ``ga.optim.adam``. ``progress``: a bar on a terminal, else a line per epoch. ``on_epoch(fit)``: called after each
    epoch with what was reached; True ends the training. ``check_gradients``: compare them with differences first.

    ``checkpoint``: a path or a `Checkpoint`, written after each epoch; the same call goes on from a
    file that is there as if it had never stopped. Ctrl-C ends with the last good state. A step that gives nan or inf is
    undone and raises NonFiniteError, which names the user's line; a checkpoint that cannot be written ExportError; the
    ``result`` of both is what was reached. Raises ArgumentError, ShapeError, DTypeError, NonFiniteError for data that
    do not fit, SerializationError for a checkpoint that does not.

    >>> import numpy as np
    >>> import graphad as ga
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> model = ga.nn.Linear(2, 1, name="line")
    >>> found = fit(model, ga.nn.mse_loss, ga.optim.adam(0.1), (x, x @ [[1], [-2]]), epochs=100, progress=False)
    >>> found.values["line_W"].round(3).ravel(), found.stopped
    (array([ 1., -2.]), 'finished')
    """
    kept = Checkpoint(checkpoint) if isinstance(checkpoint, str | Path) else checkpoint
    options = Options(
        epochs,
        batch_size,
        validation,
        metrics,
        regularizer,
        seed,
        shuffle,
        drop_last,
        start,
        augment,
        early_stopping,
        plateau,
        kept,
        progress,
        check_gradients,
        on_epoch,
    )
    return _Training(model, loss, optimizer, data, options).run()


class _Training:
    """The parts of one call of `fit`, checked and put together."""

    def __init__(self, model: Layer, loss: Any, optimizer: Any, data: Any, options: Options) -> None:
        self.options = options
        self.data, held_out = _divided(data, options)
        self.size = options.size(self.data)
        self.program = program_of(model, loss, optimizer, self.data, options.regularizer, options.plateau is not None)
        if options.shuffle:
            check_rows(self.program)
        check_pairs(self.program)
        for what, part in (("data", self.data), ("validation", held_out)):
            if part is not None:
                check_labels(self.program, part, max(self.size, LEAST), what)
        self.metrics = as_metrics(options.metrics, self.program.prediction)
        self.evaluator = self._evaluator(held_out)
        fresh = self._fresh(model)
        if options.check_gradients:
            _COMPARE(self.program, self.data.take(slice(self.size)), fresh.values, options.seed)
        path = options.checkpoint and Path(options.checkpoint.path)
        if path and not os.access(path.resolve().parent, os.W_OK):  # better known now than after an epoch
            hint = "choose a folder that exists and is writable"
            raise ExportError(f"fit: the checkpoint cannot be written to {path}", hint=hint)
        self.stored = (
            read_checkpoint(path, fresh, self.program, options, self.data) if path and path.exists() else fresh
        )

    def run(self) -> Fit:
        """Train; what was reached."""
        options = self.options
        steps = self.data.rows // self.size if options.drop_last else -(-self.data.rows // self.size)
        with Reporter(options.progress, options.epochs, steps) as reporter:
            loop = Loop(self.program, self.data, self.size, steps, self.evaluator, options, self.stored, reporter)
            loop.on_epoch = lambda: options.on_epoch and options.on_epoch(self._fit(loop, "running"))
            try:
                stopped = loop.run()
            except (NonFiniteError, ExportError) as problem:
                problem.result = self._fit(loop, "nan" if isinstance(problem, NonFiniteError) else "not written")
                raise
        return self._fit(loop, stopped)

    def _fit(self, loop: Loop, stopped: str) -> Fit:
        book, restored = loop.book, stopped in ("finished", "early stopping", "on_epoch") and loop.book.best_values
        values, state = book.best_values if restored else loop.values, loop.state
        if stopped == "running":  # training goes on in these arrays
            values, state = ({k: a.copy() for k, a in arrays.items()} for arrays in (values, state))
        return Fit(
            values,
            state,
            History(book.rows),
            stopped,
            book.best_epoch or None,
            self.program,
            self.data.take(slice(1)),
            self.size,
            self.options.seed,
            self.metrics,
        )

    def _fresh(self, model: Layer) -> Stored:
        """The beginning: initial arrays from the seed, or those given."""
        values = start_values(self.program, initial(model, self.options.seed), self.options.start)
        return Stored(values, self.program.optimizer.initial(values), At(), Book(plateau=self.options.plateau))

    def _evaluator(self, held_out: Data | None) -> Evaluator | None:
        """What is measured after each epoch: on the validation data, or metrics alone on those trained with."""
        size, seed = max(self.size, LEAST), self.options.seed
        if held_out is not None:
            return Evaluator(self.program, held_out, self.metrics, size, seed, "val_", True)
        return Evaluator(self.program, self.data, self.metrics, size, seed, "", False) if self.metrics else None


def _divided(data: Any, options: Options) -> tuple[Data, Data | None]:
    train, held_out = as_data("data", data), options.validation
    if isinstance(held_out, float | np.floating):
        return split(train, float(held_out), options.seed)
    return train, None if held_out is None else conforming("validation", as_data("validation", held_out), train)
