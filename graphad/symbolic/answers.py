"""Answers to a worksheet, checked: right or wrong, and what kind of mistake it is."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, GraphadError
from graphad.ir.core import Node, label
from graphad.passes.samples import Sample, samples
from graphad.symbolic.expressions import evaluate, parse
from graphad.symbolic.steps import Plan, Step, answer_names

POINTS = 3  # samples on which an answer is compared
KINDS = ("normal", "unit", "positive", "domain", "negative", "integral")
CLOSE = 1e-6
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Answer:
    """What came of one answer."""

    number: int
    right: bool
    hint: str = ""


@dataclass(frozen=True)
class Answers:
    """The report: one line for each answer; true if all are right."""

    answers: tuple[Answer, ...]

    def __bool__(self) -> bool:
        return all(a.right for a in self.answers)

    def __repr__(self) -> str:
        return "\n".join(f"{a.number}  {'right' if a.right else f'wrong: {a.hint}'}" for a in self.answers)


def check(plan: Plan, steps: Sequence[Step], answers: Mapping[int, Any]) -> Answers:
    """Compare answers with the values of the steps. Raises ArgumentError for a number that is no blank."""
    if not isinstance(answers, Mapping):
        raise ArgumentError(f"answers is a {type(answers).__name__}", hint='number of a blank -> answer: {1: "z - y"}')
    blanks = {s.blank: k for k, s in enumerate(steps) if s.blank}
    for number in answers:
        if number not in blanks:
            raise ArgumentError(f"the sheet has no blank {number!r}", hint=f"its blanks are 1 to {len(blanks)}")
    points = _points(plan)
    found = []
    for number, answer in sorted(answers.items()):
        step = steps[blanks[number]]
        known = {s.node for s in steps[: blanks[number]] if s.kind != "gradient"}
        hint = _hint(plan, step, known, answer, points)
        found.append(Answer(number, not hint, hint))
    return Answers(tuple(found))


def _points(plan: Plan) -> list[Sample]:
    """Samples on which the derivatives are finite, the plainest first."""
    found = {s.kind: s for s in samples(plan.graph) if s.kind in KINDS}
    ordered = [found[k] for k in KINDS if k in found]
    finite = [s for s in ordered if all(np.all(np.isfinite(s.value(y))) for y in plan.graph.outputs)]
    return (finite or ordered)[:POINTS]


def _hint(plan: Plan, step: Step, known: set[Node], answer: Any, points: Sequence[Sample]) -> str:
    """What is wrong with an answer, "" if nothing is."""
    names = {n: name for n, name in answer_names(plan.lines).items() if n in known}
    try:
        value_at = _reader(answer, names, step)
        pairs = [(_numbers(value_at(p)), np.asarray(p.value(step.node)), p) for p in points]
    except GraphadError as problem:
        return f"{problem.what}" + (f" ({problem.hint})" if problem.hint else "")
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as problem:
        return f"it cannot be worked out: {str(problem).partition(chr(10))[0]}"
    if step.value is not None and isinstance(answer, np.ndarray | float | int):
        pairs = [(_numbers(answer), np.asarray(step.value), points[0])]
    if all(_close(np.full(v.shape, a) if not a.ndim else a, v) for a, v, _ in pairs):
        return ""  # a number may stand for an array that is filled with it
    return next(iter(_mistakes(pairs, names, step)), "its value is another one")


def _numbers(value: Any) -> Array:
    """An answer's value as an array; truth counts as 1. Raises ArgumentError for what is no number."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise ArgumentError("it is no number")
    return array.astype(float) if array.dtype.kind == "b" else array


def _reader(answer: Any, names: Mapping[Node, str], step: Step) -> Callable[[Sample], Any]:
    """A function that gives the value of an answer on a sample."""
    if isinstance(answer, Node):
        return lambda point: point.value(answer)
    if isinstance(answer, str):
        tree: ast.expr = parse(answer)
        return lambda point: evaluate(tree, {name: point.value(n) for n, name in names.items()} | point.sizes)
    if step.value is None:
        what = "an array is compared with values, and the sheet has none"
        raise ArgumentError(what, hint="give an expression as text, or make the sheet with values={...}")
    return lambda point: np.asarray(answer)


def _close(a: Array, v: Array) -> bool:
    """Equal up to rounding, measured by the largest element."""
    sizes = np.abs(v)
    scale = float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))
    close = max(CLOSE, 100 * float(np.finfo(v.dtype).eps)) if v.dtype.kind in "fc" else CLOSE
    return a.shape == v.shape and bool(np.allclose(a, v, rtol=close, atol=close * scale, equal_nan=True))


Pairs = Sequence[tuple[Array, Array, Sample]]


def _mistakes(pairs: Pairs, names: Mapping[Node, str], step: Step) -> Iterator[str]:
    """The usual mistakes, the plainest first."""
    if all(_close(-a, v) for a, v, _ in pairs):
        yield "the sign is the other one"
    if all(a.ndim >= 2 and _close(np.swapaxes(a, -1, -2), v) for a, v, _ in pairs):
        yield "it is transposed"
    if any(a.shape != v.shape for a, v, _ in pairs):
        yield from _shapes(pairs, step)
        return
    if not all(np.all(np.isfinite(a)) for a, _, _ in pairs):
        yield "it has no finite value where the right one has"
        return
    yield from _factors(pairs, names)


def _shapes(pairs: Pairs, step: Step) -> Iterator[str]:
    for axis in range(max(a.ndim for a, _, _ in pairs)):
        if all(axis < a.ndim and _close(a.sum(axis=axis), v) for a, v, _ in pairs):
            yield f"the sum over axis {axis} is missing: what was broadcast forward is summed backward"
    a, v, _ = pairs[0]
    if all(_close(a.sum(), v) for a, v, _ in pairs):
        yield "the sum over all elements is missing"
    swapped = a.shape == v.shape[::-1] and a.ndim == 2
    wanted = f"the shape of {label(step.node)} is {v.shape}" if step.node.name else f"it should be {v.shape}"
    yield f"the shape is {a.shape}, {wanted}" + (", so something may be transposed" if swapped else "")


def _factors(pairs: Pairs, names: Mapping[Node, str]) -> Iterator[str]:
    """A number, a size or a value of the sheet that is missing as a factor, or one too many."""
    ratios = [r for r in (_ratio(a, v) for a, v, _ in pairs) if r is not None]
    if len(ratios) == len(pairs) and all(abs(r - ratios[0]) <= CLOSE * abs(ratios[0]) for r in ratios):
        first = ratios[0]
        missing = f"a factor of {first:.6g} is missing"
        yield missing if abs(first) > 1 else f"there is a factor of {1 / first:.6g} too many"
    for name in pairs[0][2].sizes:
        if all(_close(a * p.sizes[name], v) for a, v, p in pairs):
            yield f"the factor {name} is missing"
        if all(_close(a / p.sizes[name], v) for a, v, p in pairs):
            yield f"it must be divided by {name}"
    for node, name in reversed(list(names.items())):  # what was found last is the likeliest
        values = [np.asarray(p.value(node)) for _, _, p in pairs]
        if any(x.dtype.kind != "f" or x.ndim > a.ndim for x, (a, _, _) in zip(values, pairs, strict=True)):
            continue
        yield from _by(name, values, pairs)


def _by(name: str, values: Sequence[Array], pairs: Pairs) -> Iterator[str]:
    with np.errstate(all="ignore"):
        try:
            if all(_close(a * x, v) for x, (a, v, _) in zip(values, pairs, strict=True)):
                yield f"the factor {name} is missing"
            if all(_close(a, v * x) for x, (a, v, _) in zip(values, pairs, strict=True)):
                yield f"there is a factor {name} too many"
        except ValueError:
            return  # the shapes do not go together


def _ratio(a: Array, v: Array) -> float | None:
    """The number that takes an answer to the right value."""
    large = np.abs(a) > 1e-9 * np.max(np.abs(a), initial=0.0)
    if not np.any(large) or np.any(np.abs(v[~large]) > 1e-9 * np.max(np.abs(v), initial=0.0)):
        return None
    ratios = v[large] / a[large]
    first = float(np.real(ratios.flat[0]))
    return first if first and np.allclose(ratios, first, rtol=CLOSE) else None
