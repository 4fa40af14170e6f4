"""A look at the gradients before the first step: central differences of the loss along directions and coordinates."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.check.differences import FIRST, slope
from graphad.errors import DifferentiationError
from graphad.ir.core import Node, describe
from graphad.ir.late import install
from graphad.lower.compile import compile
from graphad.train.data import DRAWS, Array, Data, stream
from graphad.train.program import Program

DIRECTIONS, COORDINATES = 2, 4  # that are tried for each parameter
STEPS = 4  # of differences in each direction


def check_gradients(program: Program, batch: Data, values: Mapping[str, Array], seed: int) -> None:
    """Raise DifferentiationError for a parameter whose gradient is not the slope of the loss on this batch.

    Random layers draw the same numbers each time. Where the loss has a kink nearby, nothing is said. A `stop_gradient`
    makes a gradient that is no slope, which is found, too.
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
    """Differences of the loss, against the gradient along the direction."""
    value = values[str(p.name)]
    by_rule = float(np.sum(np.asarray(gradient, float) * direction))
    eps = float(np.finfo(value.dtype).eps)
    size = max(1.0, float(np.abs(value).max(initial=0)))
    first = min(FIRST, 200 * eps ** (1 / 3))
    along = slope(
        lambda t: np.array([loss((value + t * size * direction).astype(value.dtype))]), eps, 0.0, first, STEPS
    )
    found, error = float(along.value[0]) / size, float(along.error[0]) / size
    limit = 100 * eps ** (2 / 3) * max(1.0, abs(by_rule))
    if along.kinked[0] or not np.isfinite(found + error + by_rule) or error > limit:
        return  # a kink, or the first step itself will say what is wrong
    if abs(found - by_rule) > limit + 10 * error:
        what = f"the gradient of {p.name} is not the slope of the loss: {by_rule:.6g}, by differences {found:.6g}"
        hint = "look for ops with derivatives of your own, and for stop_gradient"
        raise DifferentiationError(what, where=[describe(p)], hint=hint)


install(check_gradients=check_gradients)
