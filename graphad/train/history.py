"""What happened in each epoch, as a table, a file and a plot."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphad.draw.figure import new_figure
from graphad.errors import ArgumentError
from graphad.ir.atomic import write_atomic
from graphad.train.data import Array

SHOWN = 20  # rows of a table: of more, the first and the last


@dataclass(frozen=True)
class History:
    """One row per epoch: epoch, loss, val_loss, metrics, rate (where the optimizer has one), seconds.

    ``print`` shows it as a table; matrices, such as of a confusion, stand in ``rows`` alone.

    >>> history = History(({"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}))
    >>> history.column("loss")
    array([0.5 , 0.25])
    """

    rows: tuple[dict[str, Any], ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of the columns that hold numbers."""
        return [k for k, v in self.rows[0].items() if not np.ndim(v)] if self.rows else []

    def column(self, name: str) -> Array:
        """The values of a column, one per epoch. Raises ArgumentError for a name that is not there."""
        if self.rows and name not in self.rows[0]:
            raise ArgumentError(f"history: there is no column {name!r}", hint=f"choose from {', '.join(self.rows[0])}")
        return np.array([row[name] for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __str__(self) -> str:
        if not self.rows:
            return "history: no epochs"
        return table(self.columns, [[number(row[k]) for k in self.columns] for row in self.rows])

    def save(self, path: str | Path) -> Path:
        """Write the columns of numbers as .csv, whole or not at all. Raises ArgumentError, ExportError."""
        target = Path(path)
        if target.suffix.lower() != ".csv":
            raise ArgumentError(f"history: cannot save as {target.name!r}", hint="end the path in .csv")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([row[k] for k in self.columns] for row in self.rows)
        write_atomic(target, text.getvalue())
        return target

    def plot(self) -> Any:
        """Losses, metrics and the rate, unless it is constant, over the epochs, as a matplotlib Figure.

        Raises ArgumentError for a history without epochs, MissingDependencyError.
        """
        if not self.rows:
            raise ArgumentError("history: there are no epochs to plot")
        shown = [k for k in self.columns if k not in ("epoch", "seconds")]
        shown = [k for k in shown if k != "rate" or np.ptp(self.column(k))]  # a constant one tells nothing
        losses = [k for k in shown if k in ("loss", "val_loss")]
        groups = [losses, *[[k] for k in shown if k not in losses]]
        figure = new_figure(4.5 * len(groups), 3.2)
        for axes, group in zip(np.ravel(figure.subplots(1, len(groups))), groups, strict=True):
            for name in group:
                axes.plot(self.column("epoch"), self.column(name), label=name, marker="." if len(self) < 30 else "")
            axes.set_xlabel("epoch")
            axes.set_title(" and ".join(group))
            axes.grid(alpha=0.3)
            if len(group) > 1:
                axes.legend()
        return figure


def number(value: Any) -> str:
    """Such as 0.1234, 1.2e-05 or 17."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The text of a table; of many rows the middle is left out."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    made = Table(box=SIMPLE)
    for name in columns:
        made.add_column(name, justify="right", no_wrap=True)
    middle = [["…"] * len(columns)] if len(rows) > SHOWN else []
    for row in [*rows[: SHOWN // 2], *middle, *rows[-SHOWN // 2 :]] if middle else rows:
        made.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=200, color_system=None).print(made)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())
