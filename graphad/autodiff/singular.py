"""What the derivative is where there is none: at sqrt(0), log(0), 1/0, the norm of zeros, a power of 0.

"subgradient" takes a derivative that is infinite or missing as 0: every gradient is finite, and minimizers that sit on
such a point stay there. "nan" leaves what the formulas give in IEEE arithmetic. "raise" makes the compiled function
raise FloatingPointError, naming the op and the user's line. Ties and kinks with finite one-sided derivatives (abs,
maximum, relu) are no singular points: `docs/semantics.md` has their conventions.
"""

from contextlib import AbstractContextManager, nullcontext

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.origin import here
from graphad.ops.piecewise import equal, where
from graphad.ops.singular import check_regular, guarding
from graphad.rules.facts import is_nonzero

AS_ZERO, RAISES = "taken as 0 where it is infinite or missing", "raises where it is infinite or missing"


def policy(name: str) -> AbstractContextManager[None]:
    """The context in which derivative rules follow a policy. Raises ArgumentError for an unknown one."""
    if name == "subgradient":
        return guarding(_subgradient)
    if name == "raise":
        return guarding(_raise)
    if name != "nan":
        raise ArgumentError(f"singular={name!r} is not known", hint='use "subgradient", "nan" or "raise"')
    return nullcontext()


def _subgradient(divisor: Node, bad: Node | None) -> Node:
    """Infinite where it is bad, so that the quotient is 0."""
    if is_nonzero(divisor):
        return divisor
    guarded = where(equal(divisor, 0) if bad is None else bad, np.inf, divisor)
    guarded.origin.made_by = f"{guarded.origin.made_by}, {AS_ZERO}"
    return guarded


def _raise(divisor: Node, bad: Node | None) -> Node:
    if is_nonzero(divisor):
        return divisor
    site = here(False)
    what = f"{site.made_by} at {site.location}" if site.location else site.made_by
    checked = check_regular(divisor, equal(divisor, 0) if bad is None else bad, where=what)
    checked.origin.made_by = f"{checked.origin.made_by}, {RAISES}"
    return checked


def decisions(graph: Graph) -> tuple[str, ...]:
    """What a graph does at points without a derivative, one line for each rule and line of the user's."""
    found = [n.origin for n in graph.nodes if n.origin.made_by.endswith((AS_ZERO, RAISES))]
    return tuple(dict.fromkeys(f"{o.made_by} at {o.location}" if o.location else o.made_by for o in found))
