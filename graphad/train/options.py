"""The keyword arguments of `fit`, checked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.optim.schedules import ReduceOnPlateau
from graphad.train.checkpoint import Checkpoint
from graphad.train.data import Data
from graphad.train.early import EarlyStopping
from graphad.train.metrics import Metric


@dataclass(frozen=True, eq=False)
class Options:
    """What `fit` was asked for; its docstring says what each means. Raises ArgumentError."""

    epochs: int
    batch_size: int | None
    validation: Any
    metrics: Iterable[str | Metric]
    regularizer: Callable[[Any], Any] | None
    seed: int
    shuffle: bool
    drop_last: bool
    start: Mapping[str, Any] | None
    augment: Callable[..., Any] | None
    early_stopping: EarlyStopping | None
    plateau: ReduceOnPlateau | None
    checkpoint: Checkpoint | None
    progress: bool
    check_gradients: bool
    on_epoch: Callable[[Any], Any] | None

    def __post_init__(self) -> None:
        for name, least in (("epochs", 0), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not (whole and value >= least) and not (name == "batch_size" and value is None):
                raise ArgumentError(f"fit: {name} must be an integer from {least} on, not {value!r}")
            if whole:  # Python's own go into a checkpoint
                object.__setattr__(self, name, int(value))
        for name in ("shuffle", "drop_last"):
            object.__setattr__(self, name, bool(getattr(self, name)))
        kinds = (("early_stopping", EarlyStopping), ("plateau", ReduceOnPlateau), ("checkpoint", Checkpoint))
        for name, kind in kinds:
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                hint = (
                    f"{name}=ga.train.{kind.__name__}(...)" if kind is not ReduceOnPlateau else "ReduceOnPlateau(rate)"
                )
                raise ArgumentError(f"fit: {name} is a {type(value).__name__}", hint=hint)
        for name in ("regularizer", "augment", "on_epoch"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                hint = "such as functools.partial(ga.nn.l2, scale=1e-3)" if name == "regularizer" else ""
                found = type(getattr(self, name)).__name__
                raise ArgumentError(f"fit: {name} is a {found}, not a function", hint=hint)

    def size(self, data: Data) -> int:
        """How many rows a batch of these data has."""
        size = data.rows if self.batch_size is None else int(self.batch_size)
        if self.drop_last and size > data.rows:
            raise ArgumentError(f"fit: {data.rows} rows make no batch of {size}", hint="drop_last=False uses them")
        return size
