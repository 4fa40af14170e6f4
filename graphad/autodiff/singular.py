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
from graphad.ir.origin import here
from graphad.ops.piecewise import equal, where
from graphad.ops.singular import check_regular, guarding
from graphad.rules.facts import is_nonzero

MADE_BY = "singular point"


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
    guarded.origin.made_by = f"{MADE_BY}, {guarded.origin.made_by}"
    return guarded


def _raise(divisor: Node, bad: Node | None) -> Node:
    if is_nonzero(divisor):
        return divisor
    site = here(False)
    what = f"{site.made_by} at {site.location}" if site.location else site.made_by
    return check_regular(divisor, equal(divisor, 0) if bad is None else bad, where=what)
