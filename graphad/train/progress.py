"""What is seen while a training runs: a bar with the loss and the time left, or a line for each epoch."""

from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np

from graphad.train.history import number
from graphad.train.snapshot import At


class Reporter:
    """Shows how far a training is. On a terminal it is a bar, elsewhere a line per epoch; nothing if not ``shown``."""

    def __init__(self, shown: bool, epochs: int, steps: int) -> None:
        self._epochs, self._steps = epochs, steps
        self._console: Any = _console() if shown else None
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0

    def __enter__(self) -> "Reporter":
        if self._console is not None and self._console.is_terminal:
            self._bar = _bar(self._console)
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._epochs * self._steps, loss="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, at: At, loss: float) -> None:
        """A step was done."""
        if self._bar is not None and perf_counter() >= self._next:
            self._next = perf_counter() + 0.1
            done = at.epoch * self._steps + at.step
            self._bar.update(self._task, completed=done, loss=f"loss {loss:.4g}")

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is over."""
        if self._console is None:
            return
        shown = {k: v for k, v in row.items() if k != "epoch" and not np.ndim(v)}
        text = "  ".join(f"{k} {number(v)}" for k, v in shown.items())
        if self._bar is None:
            self._console.print(f"epoch {row['epoch']}/{self._epochs}  {text}", soft_wrap=True, highlight=False)
        else:
            done = row["epoch"] * self._steps
            self._bar.update(self._task, completed=done, description=f"epoch {row['epoch']}/{self._epochs}")


def _console() -> Any:
    from rich.console import Console

    return Console()


def _bar(console: Any) -> Any:
    """It is drawn by a thread of its own, four times a second: a step only leaves its number."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    return Progress(*columns, TimeRemainingColumn(), console=console, refresh_per_second=4)
