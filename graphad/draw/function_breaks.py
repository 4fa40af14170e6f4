"""Where a curve may not be joined: jumps and poles; those of a derivative are the kinks of its function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from graphad.draw.function_maps import Array, Interval


@dataclass(frozen=True)
class Breaks:
    """Places where a function of one number may not be joined."""

    jumps: tuple[float, ...] = ()
    poles: tuple[float, ...] = ()
    values: Mapping[float, Interval] = field(default_factory=dict)  # at a jump, from the left and from the right


def breaks(f: Callable[[Array], Array], points: Array, scale: float) -> Breaks:
    """Jumps and poles of a function between ``points``, by bisecting the steps that do not get smaller.

    ``scale``: how large values are. A step that stays when the points come closer is a jump, one that grows is a pole.
    """
    y = f(points)
    with np.errstate(all="ignore"):
        steps = np.abs(np.diff(y))
    usual = float(np.nanmedian(np.where(np.isfinite(steps), steps, np.nan))) if np.isfinite(steps).any() else 0.0
    suspects = np.flatnonzero(steps > max(6 * usual, 1e-5 * scale))
    jumps: list[float] = []
    poles: list[float] = []
    sides: dict[float, Interval] = {}
    near = 1e-6 * float(points[-1] - points[0])
    for k in suspects:
        at, left, right = _bisected(f, float(points[k]), float(points[k + 1]), float(y[k]), float(y[k + 1]))
        step = abs(right - left)
        found = poles if not np.isfinite(step) or step > 1e3 * max(scale, steps[k]) else jumps
        if step < 0.3 * steps[k] and found is jumps:
            continue
        if not any(abs(at - p) < near for p in (*jumps, *poles)):
            at = round(at, 9) + 0.0  # no -0
            found.append(at)
            sides[at] = float(left), float(right)
    return Breaks(tuple(jumps), tuple(poles), sides)


def _bisected(f: Callable[[Array], Array], a: float, b: float, fa: float, fb: float) -> tuple[float, float, float]:
    """The place of the largest step between a and b, and the values beside it; given up where the step gets small."""
    first = abs(fb - fa)
    for _ in range(40):
        if abs(fb - fa) < 0.2 * first:
            break
        middle = 0.5 * (a + b)
        if not a < middle < b:
            break
        (fm,) = f(np.array([middle]))
        if not np.isfinite(fm):  # a single point, or a whole side
            middle = a + 0.49 * (b - a)
            (fm,) = f(np.array([middle]))
        if not np.isfinite(fm):
            return middle, fa, fb if abs(fb) > abs(fa) else np.inf
        if abs(fm - fa) >= abs(fb - fm):
            b, fb = middle, fm
        else:
            a, fa = middle, fm
    return 0.5 * (a + b), fa, fb
