"""The orders of passes that ``optimize=`` names, each line with its reason."""

from collections.abc import Sequence
from dataclasses import replace

from graphad.errors import check_choice
from graphad.passes.algebra import Algebra, Simplify, Stabilize, UserRules
from graphad.passes.base import Pass, Pipeline
from graphad.passes.contractions import Contract
from graphad.passes.cse import Cse
from graphad.passes.dce import Dce
from graphad.passes.factorizations import Factor
from graphad.passes.fold import Fold
from graphad.passes.loops import Loops
from graphad.passes.normalizations import Normalizations
from graphad.passes.overlaps import Overlap
from graphad.passes.unrolled import Unrolled
from graphad.rules.user import UserRule, as_rules

BASIC: tuple[Pass, ...] = (
    Fold(),  # constants first: fewer nodes for the rest
    Cse(),  # what is left and equal is computed once
    Dce(),
)
FULL: tuple[Pass, ...] = (
    Fold(),  # constants first, so that rules see numbers
    Stabilize(),  # as before differentiation: the user's forward pass and that of the gradient are one again
    Cse(),  # rules see that two operands are the same node
    Simplify(),  # folds and merges what its rules leave behind
    Unrolled(),  # looks at all users of a node: nothing may come and go any more
    Normalizations(),  # knows products and sums as differentiation leaves them
    Contract(),  # the form of products that is fast is not the one that rules look for
    Overlap(),  # what reads or joins parts has been through
    Factor(),  # last: what one factorization serves is known when nothing changes any more
    Dce(),
)
PRESETS: dict[str, tuple[Pass, ...]] = {
    "none": (),
    "basic": (*BASIC, Loops(BASIC)),
    "full": (*FULL, Loops(FULL, moves=True)),  # bodies last: by now it is known which results of loops are read
}


def pipeline(optimize: str | Pipeline | Sequence[Pass], rewrites: Sequence[UserRule] = ()) -> Pipeline:
    """The pipeline that a user asks for: a preset's name, a pipeline, or passes; rules of the user join its algebra.

    Raises ArgumentError for an unknown name, and for what is no rule.
    """
    if isinstance(optimize, Pipeline):
        return with_rewrites(optimize, as_rules(rewrites))
    if not isinstance(optimize, str):
        return with_rewrites(Pipeline(tuple(optimize)), as_rules(rewrites))
    check_choice("optimize", optimize, PRESETS)
    return with_rewrites(Pipeline(PRESETS[optimize]), as_rules(rewrites))


def with_rewrites(given: Pipeline, rules: tuple[UserRule, ...]) -> Pipeline:
    """The pipeline with rules of the user in its algebra passes, or in a pass of their own where there is none."""
    if not rules:
        return given
    if not any(isinstance(p, Algebra | Simplify) for p in given.passes):
        return replace(given, passes=(UserRules(rules), *given.passes))
    joined = [
        replace(p, rewrites=(*p.rewrites, *rules)) if isinstance(p, Algebra | Simplify) else p for p in given.passes
    ]
    return replace(given, passes=tuple(joined))
