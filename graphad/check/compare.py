"""What is compared: forward mode with differences, reverse mode with differences, and the two with each other.

A function is compared along one random direction of everything that moves at once, element by element of its outputs;
reverse mode as Σ w·(slope), with random weights w. For the next order the derivatives themselves, as functions of what
moves, are compared in the same way. Where an output has a kink or an end of its domain, nothing is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.check.differences import Slope, slope
from graphad.check.piece import Piece
from graphad.errors import DifferentiationError, GraphadError, RuleError

Array = np.ndarray[Any, Any]

OK, WRONG, UNCLEAR, KINK, EDGE, NONE = "ok", "wrong", "unclear", "kink", "edge", "none"
WORST_FIRST = (WRONG, UNCLEAR, KINK, EDGE, NONE, OK)
MARGIN = 10.0  # times the estimated error of a difference is forgiven
VAGUE = 1e-3  # of the slope: differences that are less certain decide nothing
FAINT = 1e-3  # of the largest slope: smaller ones are compared as if they were of that size (in the whole: all)
AGREEMENT = 1e-8  # of forward and reverse mode with each other, in double precision
ORDINALS = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class Finding:
    """What came out: a status, the largest relative ``error`` where something was compared, and a note."""

    status: str
    error: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Compare:
    """How to compare: up to which ``order``, how closely, and where random numbers come from."""

    order: int
    rtol: float
    rng: np.random.Generator

    def __call__(self, piece: Piece, level: int = 1, path: str = "", size: float = 0.0) -> Finding:
        """The worst finding of a piece and of its derivatives; ``size``: of the values that it is derived from."""
        size = max(size, _size(piece))
        directions = [self._direction(piece.values[x], x in piece.symmetric) for x in piece.moving]
        found = self._along(piece, directions, level, path, size)
        close = [_closer(v, piece.values[x]) for v, x in zip(directions, piece.moving, strict=True)]
        if found.status in (OK, WRONG) or all(map(np.array_equal, close, directions)):
            return found
        again = self._along(piece, close, level, path, size)  # perhaps the steps were too long for some elements
        return again if again.status in (OK, WRONG) else found

    def _along(self, piece: Piece, directions: Sequence[Array], level: int, path: str, size: float) -> Finding:
        along = slope(lambda t: flat(piece.run(t, directions)), piece.eps, size)
        base = piece.run()
        weights = [_random(y, self.rng) for y in base]
        try:
            tangents, to_outputs = piece.forward(directions)
            cotangents, to_moving = piece.reverse(_masked(weights, _usable(along, piece)))
            forward = _filled(tangents.run(), to_outputs, base)
            reverse = _filled(cotangents.run(), to_moving, directions)
        except RuleError as problem:
            return Finding(WRONG, np.inf, problem.what)
        except DifferentiationError as problem:
            return Finding(NONE, 0.0, problem.what)
        except Exception as problem:  # whatever a rule that is not right may raise
            return Finding(WRONG, np.inf, f"{_modes(level, path)}the rule raises {_text(problem)}")
        found = self._judged(piece, along, weights, (forward, reverse), directions, _modes(level, path))
        if level >= self.order or found.status == WRONG:
            return found
        further = [(cotangents, "reverse"), (tangents, "forward")]
        deeper = [self(p, level + 1, f"{mode} {path}", size) for p, mode in further if p.outputs and not p.is_flat]
        return worst([found, *deeper])

    def _judged(
        self,
        piece: Piece,
        along: Slope,
        weights: Sequence[Array],
        derivatives: tuple[Sequence[Array], Sequence[Array]],
        directions: Sequence[Array],
        what: str,
    ) -> Finding:
        """The slope beside the tangents, and its weighted sum beside the cotangents."""
        forward, reverse = flat(derivatives[0]), derivatives[1]
        usable = _usable(along, piece)
        by_rule = sum(float(np.sum(np.real(c * v))) for c, v in zip(reverse, directions, strict=True))
        w = flat([np.conj(x) for x in weights]) * usable
        value, error = np.where(usable, along.value, 0), np.where(usable, along.error, 0)
        tolerance = max(self.rtol, 100 * piece.eps ** (2 / 3) if piece.eps > 1e-10 else 0.0)
        scale = float(np.max(np.abs(value), initial=0)) + along.floor + _tiny(piece)
        each = scale if piece.whole else np.maximum(np.abs(value), FAINT * scale)
        off = np.where(usable, np.abs(forward - value), 0) / each
        if piece.overflows and not (np.isfinite(forward[usable]).all() and np.isfinite(by_rule)):
            return Finding(EDGE, 0.0, "values on the way are not finite")
        if not _largest(off - MARGIN * error / each) <= tolerance:
            k = int(np.argmax(np.where(np.isnan(off), np.inf, off - MARGIN * error / each)))
            return Finding(WRONG, _largest(off), _said(f"{what}forward mode", forward[k], value[k]))
        by_differences, spread = float(np.sum(w * value)), float(np.sum(np.abs(w * value))) + scale
        if not usable.all() and not np.isfinite(by_rule):
            return _left_out(along, usable)
        miss = abs(by_rule - by_differences) / spread
        if not miss <= tolerance + MARGIN * float(np.sum(np.abs(w) * error)) / spread:
            return Finding(WRONG, miss, _said(f"{what}reverse mode", by_rule, by_differences))
        apart = abs(by_rule - float(np.sum(w * np.where(usable, forward, 0)))) / spread
        if not apart <= max(AGREEMENT, 1e4 * piece.eps):
            return Finding(WRONG, apart, f"{what}forward and reverse mode differ by {apart:.1e} of the value")
        return _left_out(along, usable, max(_largest(off), miss))

    def _direction(self, value: Any, symmetric: bool) -> Array:
        """Steps in proportion to each element, but neither tiny nor long ones."""
        size = np.minimum(np.abs(value), 1.0)  # and 1 where it is inf
        typical = float(np.sqrt(np.mean(size[~np.isnan(size)] ** 2))) if not np.isnan(size).all() else 0.0
        v = np.asarray(_random(value, self.rng) * np.clip(size, 0.1 * typical or 1.0, 1.0))
        return (v + np.conj(np.swapaxes(v, -1, -2))) / 2 if symmetric else v


def _closer(direction: Array, value: Array) -> Array:
    """Steps in proportion to each element, however small it is; those of zeros stay."""
    size, length = np.abs(value), np.abs(direction)
    with np.errstate(all="ignore"):
        return np.where((size > 0) & (size < length), direction * (size / length), direction)


def _random(like: Any, rng: np.random.Generator) -> Array:
    """Numbers of absolute value 0.5 to 1, of the kind and shape of a value."""
    shape = np.shape(like)
    size = rng.uniform(0.5, 1.0, shape)
    turn = np.exp(2j * np.pi * rng.random(shape)) if np.iscomplexobj(like) else rng.choice([-1.0, 1.0], shape)
    return np.asarray(size * turn)


def _usable(along: Slope, piece: Piece) -> Array:
    """The elements whose slope is there and known well enough."""
    known = np.abs(along.value[np.isfinite(along.value)])
    limit = VAGUE * float(np.max(known, initial=along.floor)) + _tiny(piece)
    return np.asarray(np.isfinite(along.value) & (along.error <= limit) & ~along.kinked & ~along.ends)


def _size(piece: Piece) -> float:
    """The largest value of a piece that is a number."""
    values = np.abs(flat(piece.run()))
    return float(np.max(values[np.isfinite(values)], initial=0.0))


def _tiny(piece: Piece) -> float:
    """What is nothing beside any slope."""
    return float(np.finfo(np.float64).tiny) / piece.eps


def _left_out(along: Slope, usable: Array, error: float = 0.0) -> Finding:
    """The finding where nothing is wrong: how many elements were compared, and why not the others."""
    if usable.all():
        return Finding(OK, error)
    left, total = ~usable, usable.size
    reasons = ((KINK, along.kinked & ~along.ends), (EDGE, along.ends), (UNCLEAR, left & ~along.kinked & ~along.ends))
    status, count = max(((s, int(np.sum(m & left))) for s, m in reasons), key=lambda pair: pair[1])
    words = {
        KINK: "a kink or jump: slopes from both sides differ",
        EDGE: "at the end of the domain or not finite",
        UNCLEAR: "differences are too rough to tell",
    }[status]
    return Finding(status, error, f"{words} ({count} of {total} elements)" if total > 1 else words)


def _masked(weights: Sequence[Array], usable: Array) -> list[Array]:
    """Weights that are 0 where an element is not usable, in any of its parts."""
    masked, at = [], 0
    for w in weights:
        count = w.size * (2 if np.iscomplexobj(w) else 1)
        keep = usable[at : at + count].reshape(*w.shape, -1).all(axis=-1) if w.size else np.ones(w.shape, bool)
        masked.append(np.where(keep, w, 0))
        at += count
    return masked


def _filled(parts: Sequence[Any], places: Sequence[int], like: Sequence[Any]) -> list[Array]:
    """The parts at their places, zeros elsewhere."""
    filled = [np.zeros(np.shape(x), np.asarray(x).dtype) for x in like]
    for place, part in zip(places, parts, strict=True):
        filled[place] = np.asarray(part)
    return filled


def flat(arrays: Sequence[Any]) -> Array:
    """All numbers in one vector, complex ones by their parts."""
    parts = [np.ascontiguousarray(a).ravel() for a in arrays]
    wide = [a.astype(np.complex128).view(np.float64) if a.dtype.kind == "c" else a.astype(np.float64) for a in parts]
    return np.concatenate([*wide, np.zeros(0)])


def _largest(values: Array) -> float:
    return float("inf") if np.isnan(values).any() else float(np.max(values, initial=0.0))


def _modes(level: int, path: str) -> str:
    return "" if level == 1 else f"{ORDINALS[min(level, 4) - 1]} derivative, over {path.strip()}: "


def _text(problem: Exception) -> str:
    what = problem.what if isinstance(problem, GraphadError) else str(problem)
    return f"{type(problem).__name__}: {what}".partition("\n")[0]


def _said(what: str, by_rule: float, by_differences: float) -> str:
    return f"{what} gives {by_rule:.6g}, differences {by_differences:.6g}"


def worst(findings: Sequence[Finding]) -> Finding:
    """The finding that matters most; its error is the largest of those that agree with it."""
    first = min(findings, key=lambda f: WORST_FIRST.index(f.status))
    return Finding(first.status, max(f.error for f in findings if f.status == first.status), first.note)
