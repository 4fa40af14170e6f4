"""A copy of what a training step changes, made now and then: the way back from a step that went wrong.

The step updates its arrays in place, so a step that is interrupted or gives nan leaves them spoiled. A copy before each
step would cost as much as an optimizer. Steps are functions of the arrays and of their number alone, hence an older
copy will do: from there the steps in between are done again. A copy is made when the last one has cost less than
`SHARE` of the time since, so that copies never cost more than that, and few steps have to be done again.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np

from graphad.train.data import Array

SHARE = 0.02


class At(NamedTuple):
    """A place in the training: the epoch from 0, how many of its steps are done, and the sums for its mean loss."""

    epoch: int = 0
    step: int = 0
    total: float = 0.0
    rows: int = 0


class Snapshot:
    """The last good copy of ``arrays``, and ``at``: where it was made; None if it is not whole."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self._arrays = arrays
        self._copies = [np.empty_like(a) for a in arrays]
        with np.errstate(over="ignore"):
            self._watched = [a for a in arrays if a.dtype.kind in "fc" and is_finite(a)]
        self.at: At | None = None
        self._due = 0.0

    def take(self, at: At) -> bool:
        """Copy the arrays if `is_good`; whether it is so."""
        start = perf_counter()
        if not self.is_good():
            return False
        self.at = None
        for copy, array in zip(self._copies, self._arrays, strict=True):
            copy[...] = array
        self.at = at
        end = perf_counter()
        self._due = end + (end - start) / SHARE
        return True

    def is_due(self) -> bool:
        """Whether enough time has passed since the last copy."""
        return perf_counter() >= self._due

    def is_good(self) -> bool:
        """Whether all arrays are finite that were so from the beginning."""
        return all(map(is_finite, self._watched))

    def restore(self) -> None:
        """Write the copy back."""
        for copy, array in zip(self._copies, self._arrays, strict=True):
            array[...] = copy


def is_finite(array: Array) -> bool:
    """Whether no element is nan or inf; a sum that is finite says so at once."""
    return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())
