"""When to stop: `EarlyStopping`, and the notes of a training that decide it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.optim.schedules import ReduceOnPlateau
from graphad.train.data import Array

GROWING = ("accuracy", "r2", "r2_score")  # columns that are best when they are largest


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when ``monitor`` has not improved by more than ``min_delta`` in ``patience`` epochs in a row.

    ``monitor`` is a column of the history. ``mode``: "min" or "max"; None takes "max" for accuracy and r2, else "min".
    The parameters and buffers of the best epoch are those that `fit` gives back. Raises ArgumentError.
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str = "val_loss"
    mode: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.patience, int) or self.patience < 0:
            raise ArgumentError(f"EarlyStopping: patience must be an integer from 0, not {self.patience!r}")
        if not self.min_delta >= 0:
            raise ArgumentError(f"EarlyStopping: min_delta must be a number from 0, not {self.min_delta!r}")
        if self.mode not in (None, "min", "max"):
            raise ArgumentError(f'EarlyStopping: mode={self.mode!r} is not known, use "min" or "max"')

    def score(self, row: Mapping[str, Any]) -> float:
        """What should become small, inf for nan. Raises ArgumentError for a column that is not there or no numbers."""
        if self.monitor not in row or np.ndim(row[self.monitor]):
            columns = ", ".join(k for k, v in row.items() if not np.ndim(v) and k not in ("epoch", "seconds"))
            hint = f"choose from {columns}" + ("; val_loss needs validation=" if self.monitor == "val_loss" else "")
            raise ArgumentError(f"EarlyStopping: the history has no column {self.monitor!r} of numbers", hint=hint)
        value = float(row[self.monitor])
        mode = self.mode or ("max" if self.monitor.removeprefix("val_") in GROWING else "min")
        return math.inf if math.isnan(value) else -value if mode == "max" else value


@dataclass(frozen=True, eq=False)
class Book:
    """What is known after some epochs: one row of each, the best of them, the plateau. A new book replaces the old."""

    rows: tuple[dict[str, Any], ...] = ()
    best: float = math.inf
    best_epoch: int = 0
    best_values: dict[str, Array] = field(default_factory=dict)
    waited: int = 0
    plateau: ReduceOnPlateau | None = None

    def with_row(self, row: dict[str, Any], early: EarlyStopping | None, values: Mapping[str, Array]) -> "Book":
        """The book with another epoch in it."""
        book = replace(self, rows=(*self.rows, row))
        if self.plateau is not None:
            plateau = ReduceOnPlateau(**asdict(self.plateau))
            plateau.update(row.get("val_loss", row["loss"]))
            book = replace(book, plateau=plateau)
        if early is None:
            return book
        score = early.score(row)
        if score < self.best - early.min_delta or not self.best_values:
            kept = {k: v.copy() for k, v in values.items()}
            return replace(book, best=score, best_epoch=len(book.rows), best_values=kept, waited=0)
        return replace(book, waited=self.waited + 1)
