"""The loop over epochs and steps. Read `snapshot.py` first."""

import math
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from graphad.errors import NonFiniteError, ShapeError
from graphad.lower.compile import Function
from graphad.train.checkpoint import Stored, write_checkpoint
from graphad.train.data import DRAWS, ORDER, Data, stream
from graphad.train.evaluation import Evaluator
from graphad.train.options import Options
from graphad.train.program import Program
from graphad.train.progress import Reporter
from graphad.train.snapshot import At, Snapshot


class Loop:
    """The state of a training and what changes it."""

    def __init__(
        self,
        program: Program,
        data: Data,
        size: int,
        steps: int,
        evaluator: Evaluator | None,
        options: Options,
        stored: Stored,
        reporter: Reporter,
    ) -> None:
        self.program, self.data, self.options, self.size, self.steps = program, data, options, size, steps
        self.values, self.state, self.book, self._at = stored.values, stored.state, stored.book, stored.at
        self._evaluator, self._reporter = evaluator, reporter
        self.on_epoch: Callable[[], Any] = lambda: False
        self._arrays = (*self.values.values(), *self.state.values())
        self._snapshot = Snapshot(self._arrays)
        self._draws = program.step.draws
        self._order: tuple[int, Any] = (-1, None)

    @property
    def at(self) -> At:
        """Where the training is. A book with a new row means that its epoch is over."""
        return self._at if self._at.epoch == len(self.book.rows) else At(len(self.book.rows))

    def run(self) -> str:
        """Train; why it stopped: "finished", "early stopping", "interrupted" or "on_epoch".

        Raises NonFiniteError; parameters and state are then those before the step that gave nan or inf.
        """
        early = self.options.early_stopping
        try:
            self._snapshot.take(self.at)
            while early is None or self.book.waited < max(early.patience, 1):
                if self.at.epoch >= self.options.epochs:
                    return "finished"
                if self._epoch():
                    return "on_epoch"
            return "early stopping"
        except KeyboardInterrupt:
            self._return_to(self.at)
            self.save()
            return "interrupted"

    def save(self) -> None:
        """Write the checkpoint, where one is asked for."""
        if self.options.checkpoint is not None:
            stored = Stored(self.values, self.state, self.at, self.book)
            write_checkpoint(self.options.checkpoint, stored, self.program, self.options, self.data)

    # One epoch -----------------------------------------------------------------------------------------------------

    def _epoch(self) -> bool:
        """An epoch, or what is left of it; whether `on_epoch` wants no more."""
        start = perf_counter()
        self._at = self._snapshot.at = self.at  # the last copy was made at the end of the epoch before
        with np.errstate(all="ignore"):  # nan and inf are looked for here
            self._steps()
        row = self._row(self._at, start)
        self.book = self.book.with_row(row, self.options.early_stopping, self.values)
        self.save()
        self._reporter.epoch(row)
        return bool(self.on_epoch())

    def _steps(self) -> None:
        """The steps of the epoch that are left."""
        every = self.options.checkpoint.every if self.options.checkpoint else None
        while self._at.step < self.steps:
            loss = self._step(self.program.step)
            is_kept = every is not None and self._at.step % every == 0 and self._at.step < self.steps
            is_due = is_kept or self._at.step == self.steps or self._snapshot.is_due()
            if not math.isfinite(loss) or (is_due and not self._snapshot.take(self._at)):
                self._blame()
            self._reporter.step(self._at, loss)
            if is_kept:
                self.save()

    def _row(self, at: At, start: float) -> dict[str, Any]:
        row: dict[str, Any] = {"epoch": at.epoch + 1, "loss": at.total / at.rows}
        if self._evaluator is not None:
            row |= self._evaluator(self.values)
        rate = self.book.plateau.rate if self.book.plateau else self._rate_of((at.epoch + 1) * self.steps - 1)
        if rate is not None:
            row["rate"] = float(rate)
        return row | {"seconds": perf_counter() - start}

    def _rate_of(self, step: int) -> float | None:
        """The learning rate at a step, where it can be told: not of a schedule that answers with a node."""
        rate = self.program.optimizer_rate
        try:
            return None if rate is None else float(rate(step) if callable(rate) else rate)
        except TypeError:
            return None

    # One step ------------------------------------------------------------------------------------------------------

    def _step(self, function: Function) -> float:
        """The next step by this function; its loss."""
        at, options = self.at, self.options
        number = at.epoch * self.steps + at.step
        chosen = self._indices(at)
        batch = self.data.take(chosen)
        draws = stream(options.seed, DRAWS, number) if self._draws or options.augment else None
        if options.augment:
            batch = augmented(options.augment, batch, draws)
        rate = (np.array(self.book.plateau.rate),) if self.book.plateau else ()
        rng = {"rng": draws} if self._draws else {}
        loss = float(function(*batch.x, *batch.y, *self._arrays, *rate, **rng))
        self._at = At(at.epoch, at.step + 1, at.total + loss * batch.rows, at.rows + batch.rows)
        return loss

    def _indices(self, at: At) -> Any:
        size = self.size
        part = slice(at.step * size, (at.step + 1) * size)
        if not self.options.shuffle or size >= self.data.rows:
            return part
        if self._order[0] != at.epoch:
            self._order = (at.epoch, stream(self.options.seed, ORDER, at.epoch).permutation(self.data.rows))
        return self._order[1][part]

    def _is_single(self) -> bool:
        """Whether the next batch is one row."""
        return min(self.size, self.data.rows - self.at.step * self.size) == 1

    # The way back --------------------------------------------------------------------------------------------------

    def _return_to(self, at: At) -> None:
        """Undo what an interrupted step has left: the last copy, and the steps since once more."""
        if self._snapshot.at is None or self._snapshot.at.epoch != at.epoch:
            return  # no step was done since all was well
        self._snapshot.restore()
        self._at = self._snapshot.at
        with np.errstate(all="ignore"):
            while self._at.step < at.step:
                self._step(self.program.step)
        if not self._snapshot.is_good():
            self._snapshot.restore()
            self._at = self._snapshot.at

    def _blame(self) -> None:
        """Raise NonFiniteError for the first step since the last copy that gives nan or inf, before it did so."""
        if self._snapshot.at is not None:
            self._snapshot.restore()
            self._at = self._snapshot.at
        try:
            with np.errstate(all="ignore"):
                while self.at.step < self.steps:
                    self._step(self.program.blaming_step)
        except NonFiniteError as problem:
            raise bad_step(problem, self.at, self._is_single() and bool(self.program.buffers)) from None
        raise NonFiniteError(
            "a step gave nan or inf, but not when it was done again", hint="is augment= a function of its arguments?"
        )


def bad_step(problem: NonFiniteError, at: At, is_single: bool) -> NonFiniteError:
    """The error with the place in the training. ``is_single``: a batch of one row met layers with statistics."""
    advice = "a lower learning rate or clipped gradients may help"
    if is_single:
        advice = "its batch is one row, so BatchNorm has no variance: take another batch_size, or drop_last=True"
    hint = f"{advice}; the error's `result` is the fit before this step"
    what = f"epoch {at.epoch + 1}, step {at.step + 1}: {problem.what}"
    error = NonFiniteError(what, where=problem.where, hint=hint)
    error.op, error.file, error.line, error.forward = problem.op, problem.file, problem.line, problem.forward
    return error


def augmented(augment: Callable[..., Any], batch: Data, rng: Any) -> Data:
    """The batch with other inputs: ``augment(rng, x)``, of several inputs a tuple. Raises ShapeError.

    It gets copies: without shuffling a batch is a view of the user's arrays.
    """
    given = tuple(a.copy() for a in batch.x)
    x = augment(rng, given[0] if len(given) == 1 else given)
    parts = tuple(np.asarray(a) for a in (x if isinstance(x, tuple) else (x,)))
    found, wanted = ([a.shape for a in p] for p in (parts, batch.x))
    if found != wanted:
        raise ShapeError(f"augment: inputs of shape {wanted} became {found}", hint="it must keep shapes")
    return replace(batch, x=tuple(a.astype(old.dtype, copy=False) for a, old in zip(parts, batch.x, strict=True)))
