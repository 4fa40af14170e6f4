"""Learning-rate schedules: the rate as a function of the step, 0 for the first one.

A schedule takes a number, an array or a node, and answers in kind: ``schedule(7)`` is a float, ``schedule(t)`` of an
input t a node, so that one compiled training step can hold its own schedule. Each has one formula, written with
NumPy's functions, which build nodes of nodes. Integer steps give float64; floating steps keep their dtype.

>>> rate = cosine(0.1, 100)
>>> rate
cosine(initial=0.1, steps=100, floor=0.0)
>>> rate(0), rate(50), rate(100)
(0.1, 0.05, 0.0)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail
from graphad.ir.origin import composite

__all__ = [
    "ReduceOnPlateau",
    "Schedule",
    "as_schedule",
    "constant",
    "cosine",
    "exponential",
    "inverse_sqrt",
    "linear",
    "one_cycle",
    "piecewise",
    "step",
    "warmup",
]

Rate = Callable[[Any], Any]  # step -> rate, both numbers, arrays or nodes


@final
@dataclass(frozen=True, repr=False)
class Schedule:
    """A formula (step, *arguments) -> rate with its arguments. Immutable, comparable, can be pickled."""

    formula: Callable[..., Any]
    arguments: tuple[tuple[str, Any], ...]

    @composite
    def __call__(self, step: Any) -> Any:
        """The rate at this step: a node for a node, an array for an array, a float for a number."""
        arguments = [value for _, value in self.arguments]
        if isinstance(step, Node):
            if step.dtype.kind not in "iuf":
                fail(ArgumentError, f"a schedule's step must be a real number, not {step.dtype}", step)
            return self.formula(step if step.dtype.kind == "f" else step.astype("float64"), *arguments)
        steps = np.asarray(step)
        if steps.dtype.kind not in "iuf" or not (steps >= 0).all():
            fail(ArgumentError, f"a schedule's step must be a number from 0, not {step!r}")
        rate = self.formula(steps if steps.dtype.kind == "f" else steps.astype("float64"), *arguments)
        return rate if isinstance(step, np.ndarray) and step.ndim else rate.tolist()

    def __repr__(self) -> str:
        name = self.formula.__name__.removeprefix("_")
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in self.arguments)})"


def as_schedule(rate: float | Rate) -> Rate:
    """The constant schedule for a number; any function of the step stays itself."""
    return rate if callable(rate) else constant(rate)


def constant(value: float) -> Schedule:
    """The same rate at every step."""
    _check("constant", value=value)
    return _schedule(_constant, value=value)


def _constant(t: Any, value: float) -> Any:
    return np.full_like(t, value)


def step(initial: float, every: int, factor: float = 0.1) -> Schedule:
    """The initial rate times ``factor`` after each ``every`` steps: initial·factor^floor(t / every)."""
    _check("step", initial=initial, factor=factor)
    _check_positive("step", every=every)
    return _schedule(_step, initial=initial, every=every, factor=factor)


def _step(t: Any, initial: float, every: int, factor: float) -> Any:
    return initial * factor ** (t // every)  # not floor(t / every): a product with 1 / every would round below


def piecewise(boundaries: Sequence[float], values: Sequence[float]) -> Schedule:
    """``values[k]`` from the step ``boundaries[k - 1]`` on, ``values[0]`` before: one value more than boundaries."""
    marks, rates = tuple(np.asarray(boundaries).tolist()), tuple(np.asarray(values).tolist())
    if len(rates) != len(marks) + 1:
        fail(ArgumentError, f"piecewise: {len(marks)} boundaries need {len(marks) + 1} values, not {len(rates)}")
    if any(not a < b for a, b in pairwise(marks)):
        fail(ArgumentError, f"piecewise: boundaries must increase, not {list(marks)}")
    _check("piecewise", **{f"values[{k}]": rate for k, rate in enumerate(rates)})
    return _schedule(_piecewise, boundaries=marks, values=rates)


def _piecewise(t: Any, boundaries: tuple[float, ...], values: tuple[float, ...]) -> Any:
    rate = np.full_like(t, values[0])
    for boundary, value in zip(boundaries, values[1:], strict=True):
        rate = np.where(t >= boundary, value, rate)
    return rate


def exponential(initial: float, factor: float, every: float = 1, floor: float = 0.0) -> Schedule:
    """initial·factor^(t / every), at least ``floor``: the smooth form of `step`."""
    _check("exponential", initial=initial, factor=factor, floor=floor)
    _check_positive("exponential", every=every)
    return _schedule(_exponential, initial=initial, factor=factor, every=every, floor=floor)


def _exponential(t: Any, initial: float, factor: float, every: float, floor: float) -> Any:
    return np.maximum(initial * factor ** (t / every), floor)


def cosine(initial: float, steps: int, floor: float = 0.0) -> Schedule:
    """Half a cosine wave from ``initial`` to ``floor``, then ``floor`` (Loshchilov & Hutter 2017).

    floor + (initial - floor)·(1 + cos(π·t / steps)) / 2
    """
    _check("cosine", initial=initial, floor=floor)
    _check_positive("cosine", steps=steps)
    return _schedule(_cosine, initial=initial, steps=steps, floor=floor)


def _cosine(t: Any, initial: float, steps: float, floor: float) -> Any:
    return floor + (initial - floor) / 2 * (1 + np.cos(math.pi * np.minimum(t / steps, 1)))


def linear(initial: float, steps: int, floor: float = 0.0) -> Schedule:
    """A straight line from ``initial`` to ``floor``, then ``floor``: floor + (initial - floor)·(1 - t / steps)."""
    _check("linear", initial=initial, floor=floor)
    _check_positive("linear", steps=steps)
    return _schedule(_linear, initial=initial, steps=steps, floor=floor)


def _linear(t: Any, initial: float, steps: float, floor: float) -> Any:
    return floor + (initial - floor) * (1 - np.minimum(t / steps, 1))


def inverse_sqrt(initial: float, every: float = 1) -> Schedule:
    """initial / sqrt(1 + t / every): the rate for which stochastic gradient descent converges on convex functions."""
    _check("inverse_sqrt", initial=initial)
    _check_positive("inverse_sqrt", every=every)
    return _schedule(_inverse_sqrt, initial=initial, every=every)


def _inverse_sqrt(t: Any, initial: float, every: float) -> Any:
    return initial / np.sqrt(1 + t / every)


def warmup(schedule: float | Rate, steps: int, start: float = 0.0) -> Schedule:
    """A straight line from ``start`` to ``schedule(0)`` in so many steps, then the schedule from its beginning.

    ``schedule`` is a number, a schedule or any function of the step that is made of operators and NumPy's functions.
    """
    _check("warmup", start=start)
    _check_positive("warmup", steps=steps)
    if not callable(schedule):
        _check("warmup", schedule=schedule)
    return _schedule(_warmup, schedule=as_schedule(schedule), steps=steps, start=start)


def _warmup(t: Any, schedule: Rate, steps: float, start: float) -> Any:
    rising = start + (schedule(0) - start) * (t / steps)
    return np.where(t < steps, rising, schedule(np.maximum(t - steps, 0)))


def one_cycle(
    peak: float, steps: int, pct_start: float = 0.3, div_factor: float = 25.0, final_div_factor: float = 1e4
) -> Schedule:
    """Up to ``peak`` and far down again, both as half cosine waves (Smith & Topin 2018).

    It begins with peak / div_factor, is at the peak at the step pct_start·steps, and ends at ``steps`` with the
    first rate / final_div_factor.
    """
    _check("one_cycle", peak=peak)
    _check_positive("one_cycle", steps=steps, div_factor=div_factor, final_div_factor=final_div_factor)
    if not 0 < pct_start < 1:
        fail(ArgumentError, f"one_cycle: pct_start must be between 0 and 1, not {pct_start}")
    arguments = {"pct_start": pct_start, "div_factor": div_factor, "final_div_factor": final_div_factor}
    return _schedule(_one_cycle, peak=peak, steps=steps, **arguments)


def _one_cycle(t: Any, peak: float, steps: float, pct_start: float, div_factor: float, final_div_factor: float) -> Any:
    top, start = pct_start * steps, peak / div_factor
    rising = _cosine(t, start, top, peak)
    falling = _cosine(np.maximum(t - top, 0), peak, steps - top, start / final_div_factor)
    return np.where(t < top, rising, falling)


@dataclass
class ReduceOnPlateau:
    """The rate, times ``factor`` whenever the loss has not fallen for more than ``patience`` updates in a row.

    A loss has fallen if it is below best - threshold·|best|; a nan has not. The rate stays at least ``floor``. For a
    number that should grow, such as an accuracy, give its negative. This is no function of the step: a training loop
    calls ``update(loss)`` between steps and gives ``rate`` to the next one. `dataclasses.asdict` is its whole state.

    >>> plateau = ReduceOnPlateau(0.1, factor=0.5, patience=1)
    >>> [plateau.update(loss) for loss in (3.0, 2.0, 2.0, 2.0, 1.0)]
    [0.1, 0.1, 0.1, 0.05, 0.05]
    """

    rate: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    floor: float = 0.0
    best: float = math.inf
    waited: int = 0

    def __post_init__(self) -> None:
        name = "ReduceOnPlateau"
        _check(name, rate=self.rate, patience=self.patience, threshold=self.threshold, floor=self.floor)
        if not 0 < self.factor < 1:
            fail(ArgumentError, f"{name}: factor must be between 0 and 1, not {self.factor}")

    def update(self, loss: float) -> float:
        """Take note of a loss; the rate for what follows."""
        loss = float(loss)
        enough = self.best - self.threshold * abs(self.best) if math.isfinite(self.best) else self.best
        if loss < enough:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.rate, self.waited = max(self.rate * self.factor, min(self.floor, self.rate)), 0
        return self.rate


def _schedule(formula: Callable[..., Any], **arguments: Any) -> Schedule:
    """Arguments as Python's numbers, which are weak: a rate of float32 steps stays float32."""
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in arguments.items()}
    return Schedule(formula, tuple(plain.items()))


def _check(name: str, **arguments: Any) -> None:
    for argument, value in arguments.items():
        if not _is_number(value) or value < 0:
            fail(ArgumentError, f"{name}: {argument} must be a finite number from 0, not {value!r}")


def _check_positive(name: str, **arguments: Any) -> None:
    for argument, value in arguments.items():
        if not _is_number(value) or value <= 0:
            fail(ArgumentError, f"{name}: {argument} must be a positive, finite number, not {value!r}")


def _is_number(value: Any) -> bool:
    numbers = (int, float, np.integer, np.floating)
    return isinstance(value, numbers) and not isinstance(value, bool) and math.isfinite(value)
