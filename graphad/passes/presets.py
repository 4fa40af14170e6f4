"""The orders of passes that ``optimize=`` names, each line with its reason."""

from collections.abc import Sequence

from graphad.errors import ArgumentError
from graphad.passes.algebra import Algebra, Stabilize
from graphad.passes.base import Pass, Pipeline
from graphad.passes.cse import Cse
from graphad.passes.dce import Dce
from graphad.passes.fold import Fold

PRESETS: dict[str, tuple[Pass, ...]] = {
    "none": (),
    "basic": (
        Fold(),  # constants first: fewer nodes for the rest
        Cse(),  # what is left and equal is computed once
        Dce(),
    ),
    "full": (
        Fold(),  # constants first, so that rules see numbers
        Stabilize(),  # as before differentiation: the user's forward pass and that of the gradient are one again
        Algebra(),  # rules leave equal nodes and new constants behind,
        Fold(),  # which are evaluated
        Cse(),  # and merged
        Dce(),
    ),
}


def pipeline(optimize: str | Pipeline | Sequence[Pass]) -> Pipeline:
    """The pipeline that a user asks for: a preset's name, a pipeline, or passes. Raises ArgumentError."""
    if isinstance(optimize, Pipeline):
        return optimize
    if not isinstance(optimize, str):
        return Pipeline(tuple(optimize))
    if optimize not in PRESETS:
        raise ArgumentError(f"optimize={optimize!r} is not known", hint=f"use one of {', '.join(map(repr, PRESETS))}")
    return Pipeline(PRESETS[optimize])
