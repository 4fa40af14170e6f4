"""The passes that apply rewrite rules."""

from dataclasses import dataclass

from graphad.ir.graph import Graph
from graphad.passes.cse import Cse
from graphad.passes.fold import Fold
from graphad.rules import (
    choices,
    contractions,
    cuts,
    exact,
    identities,
    layout,
    once,
    pooling,
    reductions,
    scales,
    scatters,
    symmetry,
)
from graphad.rules.engine import Settled, Table, merge, rewrite
from graphad.rules.stable import STABLE
from graphad.rules.user import UserRule, tables

EXACT: Table = merge(exact.EXACT, choices.EXACT, layout.EXACT, cuts.EXACT)
CLOSE: Table = merge(
    *(m.CLOSE for m in (identities, reductions, scales, contractions, scatters, symmetry, once, pooling)),
)
ALL: Table = merge(EXACT, STABLE, CLOSE)
ROUNDS = 4


@dataclass(frozen=True)
class Stabilize:
    """Bring functions into the form that neither overflows nor cancels."""

    name: str = "stabilize"

    def run(self, graph: Graph) -> Graph:
        """The graph in stable form."""
        return rewrite(graph, STABLE)


@dataclass(frozen=True)
class Algebra:
    """Apply the exact rules, and those of the user, until none fits."""

    name: str = "algebra"
    rewrites: tuple[UserRule, ...] = ()

    def run(self, graph: Graph) -> Graph:
        """The simplified graph, with the same values to the bit (the sign of a zero aside)."""
        return _joined(graph, EXACT, self.rewrites)


@dataclass(frozen=True)
class Simplify:
    """Apply all rules, also the user's, until none fits: values agree up to rounding, and are defined more often.

    What rules leave behind is folded and merged, since a zero or an equal node that comes to light lets others apply.
    """

    name: str = "simplify"
    rewrites: tuple[UserRule, ...] = ()

    def run(self, graph: Graph) -> Graph:
        """The simplified graph."""
        settled = Settled()
        for _ in range(ROUNDS):
            after = _joined(graph, ALL, self.rewrites, settled)
            if after is graph:
                break
            graph = Cse().run(Fold().run(after))
        return graph


@dataclass(frozen=True)
class UserRules:
    """The rules of the user alone, for pipelines without a pass that they could join."""

    rewrites: tuple[UserRule, ...]
    name: str = "rewrites"

    def run(self, graph: Graph) -> Graph:
        """The rewritten graph."""
        return _joined(graph, {}, self.rewrites)


def _joined(graph: Graph, table: Table, rules: tuple[UserRule, ...], settled: Settled | None = None) -> Graph:
    """The graph under the rules of the user, which come first, and those of a table."""
    by_op, anywhere = tables(rules)
    return rewrite(graph, merge(by_op, table) if by_op else table, anywhere, settled)
