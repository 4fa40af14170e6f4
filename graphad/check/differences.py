"""The slope of a vector-valued function of one number at 0, by central differences with several steps.

Differences with ever smaller steps are extrapolated to the step 0 (Richardson; the table and its estimate of the error
after Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)"). Each element of the result takes the entry of the
table with the smallest error, so that steps which are too long for one element, or cross a kink, do no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FIRST, SHRINK, COLUMNS = 0.125, 4.0, 4  # of the steps, and how far they are extrapolated
LEVELS, FEWER = 8, 5  # how many steps in double precision, and in less
SEEN = 1e-6  # of the largest slope: smaller gaps come from rounding
LASTING = 0.2  # of the gap between slopes from both sides: a smooth function keeps 1/16 of it over two levels


@dataclass(frozen=True)
class Slope:
    """``value`` and estimated ``error`` of each element; ``right`` and ``left``: the one-sided slopes, by level."""

    value: Array
    error: Array
    right: Array
    left: Array
    noise: Array  # of a slope at each level, from rounding
    floor: float  # slopes below are as good as 0

    @cached_property
    def kinked(self) -> Array:
        """Where the function jumps, or its slopes from the left and from the right differ."""
        late = len(self.right) - 2
        early = len(self.right) // 2 - 1
        with np.errstate(all="ignore"):
            gap = np.abs(self.right - self.left)
            sizes = np.abs(np.concatenate([self.right[late], self.left[late]]))
            visible = SEEN * np.max(sizes[np.isfinite(sizes)], initial=self.floor)
            found = (gap[late] > LASTING * gap[early]) & (gap[late] > 50 * self.noise[late] + visible)
        return np.asarray(found, bool)

    @cached_property
    def ends(self) -> Array:
        """Where the function has no finite value on one side at least, however close."""
        return np.asarray(~(np.isfinite(self.right[-1]) & np.isfinite(self.left[-1])))


def slope(f: Callable[[float], Array], eps: float, floor: float = 0.0) -> Slope:
    """The slope of ``f`` at 0; ``eps``: the relative precision of its values. Steps are fractions of 1.

    Slopes below ``floor`` count as 0.
    """
    steps = FIRST / SHRINK ** np.arange(LEVELS if eps < 1e-10 else FEWER)
    with np.errstate(all="ignore"):
        here = f(0.0)
        ahead, behind = (np.array([f(sign * h) for h in steps]) for sign in (1.0, -1.0))
        h = steps[:, None]
        size = np.maximum(np.maximum(np.abs(ahead), np.abs(behind)), np.abs(here))
        noise = eps * size / h
        value, error = _extrapolated((ahead - behind) / (2 * h), noise)
        return Slope(value, error, (ahead - here) / h, (here - behind) / h, noise, floor)


def _extrapolated(central: Array, noise: Array) -> tuple[Array, Array]:
    """Of each element the entry of the table with the smallest error, and that error."""
    best, least = central[-1].copy(), np.full(central[-1].shape, np.inf)
    before = central
    for j in range(1, COLUMNS):
        column = before[1:] + (before[1:] - before[:-1]) / (SHRINK ** (2 * j) - 1)
        errors = np.maximum(np.abs(column - before[1:]), np.abs(column - before[:-1])) + noise[j:]
        for entry, error in zip(column, errors, strict=True):
            better = error < least  # never where it is nan
            best, least = np.where(better, entry, best), np.where(better, error, least)
        before = column
    return best, least
