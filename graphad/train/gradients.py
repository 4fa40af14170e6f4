"""A look at the gradients before the first step: central differences of the loss along directions and coordinates."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.errors import DifferentiationError
from graphad.ir.core import Node, describe
from graphad.lower.compile import compile
from graphad.train.data import DRAWS, Array, Data, stream
from graphad.train.program import Program

DIRECTIONS, COORDINATES = 2, 4  # that are tried for each parameter


def check_gradients(program: Program, batch: Data, values: Mapping[str, Array], seed: int) -> None:
    """Raise DifferentiationError for a parameter whose gradient is not the slope of the loss on this batch.

    Random layers draw the same numbers each time. Where the loss has a kink nearby, differences with different steps
    disagree, and nothing is said. A `stop_gradient` makes a gradient that is no slope, which is found, too.
    """
    gradients = program.optimizer.gradients
    inputs = [*program.x, *program.y, *program.kept]
    function = compile(inputs, [program.total, *gradients], name="gradients")
    options = {"rng": stream(seed, DRAWS)} if function.draws else {}
    first = [*batch.x, *batch.y]

    def run(arrays: Mapping[str, Array]) -> Any:
        if options:
            options["rng"] = stream(seed, DRAWS)
        with np.errstate(all="ignore"):
            return function(*first, *arrays.values(), **options)

    found = dict(zip(program.parameters, run(values)[1:], strict=True))
    rng = np.random.default_rng(seed)
    for p, gradient in found.items():
        for direction in _directions(gradient, rng):
            _compare(p, gradient, direction, lambda moved, name=p.name: float(run({**values, name: moved})[0]), values)


def _directions(gradient: Array, rng: np.random.Generator) -> list[Array]:
    """Random ones, the gradient's own, and single elements."""
    if not gradient.size:
        return []
    several = [np.asarray(rng.standard_normal(gradient.shape)) for _ in range(DIRECTIONS)]
    several += [np.asarray(gradient, float)] if np.any(gradient) else []
    for place in rng.choice(gradient.size, min(COORDINATES, gradient.size), replace=False):
        one = np.zeros(gradient.shape)
        one.flat[place] = 1.0
        several.append(one)
    return [np.asarray(d / np.sqrt(np.sum(d * d))) for d in several]


def _compare(p: Node, gradient: Array, direction: Array, loss: Any, values: Mapping[str, Array]) -> None:
    """Differences with two steps, against the gradient along the direction."""
    value = values[str(p.name)]
    slope = float(np.sum(np.asarray(gradient, float) * direction))
    precision = float(np.finfo(value.dtype).eps)
    size = max(1.0, float(np.abs(value).max(initial=0)))
    differences, noises = [], []
    for h in (size * precision ** (1 / 3), 0.3 * size * precision ** (1 / 3)):
        ahead, behind = (loss((value + s * h * direction).astype(value.dtype)) for s in (1, -1))
        differences.append((ahead - behind) / (2 * h))
        noises.append(50 * precision * max(abs(ahead), abs(behind), 1e-30) / h)
    limit = max(*noises, 50 * precision ** (2 / 3) * max(1.0, abs(slope)))
    one, other = differences
    if not np.isfinite(one + other + slope) or abs(one - other) > limit:
        return  # a kink, or the first step itself will say what is wrong
    if abs(one - slope) > 2 * limit and abs(other - slope) > 2 * limit:
        what = f"the gradient of {p.name} is not the slope of the loss: {slope:.6g}, by differences {one:.6g}"
        hint = "look for ops with derivatives of your own, and for stop_gradient"
        raise DifferentiationError(what, where=[describe(p)], hint=hint)
