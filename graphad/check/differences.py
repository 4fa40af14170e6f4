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
BORNE_OUT = 50.0  # times the rounding in the shortest step: how far the slopes by short and long steps may be apart
SPIKE = 100.0  # times the values closest to it: a pole that all steps jump over
FLOOR = 1e-4  # of a value: slopes are not much smaller as a rule, since steps are in proportion to what moves
GROWING = 2.5  # slopes that grow so much while the step becomes 1/16: a jump, or an infinite slope
LASTING = 0.3  # of the gap between slopes from both sides: a smooth function keeps 1/16 of it over two levels


@dataclass(frozen=True)
class Slope:
    """``value`` and estimated ``error`` of each element; ``right`` and ``left``: the one-sided slopes, by level."""

    value: Array
    error: Array
    right: Array
    left: Array
    noise: Array  # of a slope at each level, from rounding
    floor: float  # slopes below are as good as 0
    spike: Array  # where the value at 0 stands far out from all values around

    @cached_property
    def kinked(self) -> Array:
        """Where the function jumps or has a pole, or its slopes from the left and from the right differ."""
        late = len(self.right) - 2
        early = late - 2
        with np.errstate(all="ignore"):
            sizes = np.abs(np.concatenate([self.right[late], self.left[late]]))
            visible = 50 * self.noise[late] + SEEN * np.max(sizes[np.isfinite(sizes)], initial=self.floor)
            gap = np.abs(self.right - self.left)
            differ = (gap[late] > LASTING * gap[early]) & (gap[late] > visible)
            central = np.abs(self.right + self.left) / 2
            jump = (central[late] > GROWING * central[early]) & (central[late] > visible)
        return np.asarray(differ | jump | self.spike, bool)

    @cached_property
    def ends(self) -> Array:
        """Where the function has no finite value on one side at least, however close."""
        return np.asarray(~(np.isfinite(self.right[-1]) & np.isfinite(self.left[-1])))


def slope(
    f: Callable[[float], Array], eps: float, size: float = 0.0, first: float = FIRST, levels: int | None = None
) -> Slope:
    """The slope of ``f`` at 0; ``eps``: the relative precision of its values. Steps are fractions of 1.

    ``size``: of the numbers that it is made of, from which rounding errors come; slopes far below that, or below what
    the function is a step away, count as 0. ``first`` is the longest step, ``levels`` how many there are (4 at least).
    """
    steps = first / SHRINK ** np.arange(levels or (LEVELS if eps < 1e-10 else FEWER))
    with np.errstate(all="ignore"):
        here = f(0.0)
        ahead, behind = (np.array([f(sign * h) for h in steps]) for sign in (1.0, -1.0))
        h = steps[:, None]
        noise = eps * np.maximum(np.maximum(np.abs(ahead), np.abs(behind)), np.maximum(np.abs(here), size)) / h
        value, error = _extrapolated((ahead - behind) / (2 * h), noise)
        spike = np.abs(here) > SPIKE * np.maximum(np.abs(ahead[-1]), np.abs(behind[-1]))
        floor = FLOOR * max(size, min(_largest(ahead[1]), _largest(behind[1])))
        return Slope(value, error, (ahead - here) / h, (here - behind) / h, noise, floor, spike)


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))


def _extrapolated(central: Array, noise: Array) -> tuple[Array, Array]:
    """Of each element the entry of the table with the smallest error, and that error.

    Steps that are too long may agree with each other by chance: the shortest two have to bear the entry out.
    """
    best, least = central[-1].copy(), np.full(central[-1].shape, np.inf)
    before = central
    for j in range(1, COLUMNS):
        column = before[1:] + (before[1:] - before[:-1]) / (SHRINK ** (2 * j) - 1)
        errors = np.maximum(np.abs(column - before[1:]), np.abs(column - before[:-1])) + noise[j:]
        for entry, error in zip(column, errors, strict=True):
            better = error < least  # never where it is nan
            best, least = np.where(better, entry, best), np.where(better, error, least)
        before = column
    shortest = central[-1] + (central[-1] - central[-2]) / (SHRINK**2 - 1)
    apart = np.abs(best - shortest)
    return best, np.where(apart > BORNE_OUT * noise[-1], np.maximum(least, apart), least)
