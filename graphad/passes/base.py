"""Pass, Pipeline, Report: how graphs are rewritten, and how one sees what happened.

A pass is a frozen dataclass with ``run(graph) -> graph``. It is pure, keeps the inputs and the types of the outputs,
and is idempotent. Timing, printing and checking come through the pipeline's observer, never from inside a pass.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from graphad.autodiff.singular import decisions
from graphad.errors import GraphError
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.passes.cost import Cost
from graphad.rules.engine import Rule, name_of, watching

WIDTH = 100  # columns of a report


class Pass(Protocol):
    """What a pass offers."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def run(self, graph: Graph) -> Graph:
        """The rewritten graph."""


@dataclass(frozen=True)
class Step:
    """One pass of a run: time in seconds, number of nodes before and after, how often each rule applied."""

    name: str
    seconds: float
    before: int
    after: int
    fired: Mapping[str, int] = field(default_factory=dict)
    applied: tuple[tuple[str, Node, Node], ...] = field(
        default=(), repr=False, compare=False
    )  # rule, the node before, and after
    outputs: tuple[Node, ...] = field(default=(), repr=False, compare=False)  # of the graph after the pass


@dataclass(frozen=True)
class Report:
    """What a pipeline did, how the final graph treats points without a derivative, hints, and what a call costs.

    Prints as a table.

    >>> print(Report((Step("cse", 0.0012, 10, 8),)))
    pass          ms   nodes
    cse         1.20   10 -> 8
    """

    steps: tuple[Step, ...] = field(default=())
    decisions: tuple[str, ...] = field(default=())
    hints: tuple[str, ...] = field(default=())
    cost: Cost | None = None

    def __str__(self) -> str:
        rows = []
        for s in self.steps:
            head = f"{s.name:10s} {1e3 * s.seconds:5.2f}   {f'{s.before} -> {s.after}':12s} "
            rows.append(_wrapped(head, _counts(s.fired)))
        rows += _section("points without a derivative", self.decisions) + _section("hints", self.hints)
        rows += ["", str(self.cost)] if self.cost else []
        return "\n".join([f"{'pass':10s} {'ms':>5s}   nodes", *rows])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _counts(fired: Mapping[str, int]) -> list[str]:
    """Rules by how often they applied, the most frequent first."""
    ordered = sorted(fired.items(), key=lambda item: (-item[1], item[0]))
    return [name if count == 1 else f"{name} ×{count}" for name, count in ordered]


def _wrapped(head: str, items: Sequence[str]) -> str:
    """The items after ``head``, continued below where a line gets too long."""
    lines, indent = [head], " " * len(head)
    for k, item in enumerate(items):
        text = item + ("," if k + 1 < len(items) else "")
        if len(lines[-1]) + len(text) > WIDTH and lines[-1] != indent and k:
            lines.append(indent)
        lines[-1] += ("" if lines[-1].endswith(" ") else " ") + text
    return "\n".join(line.rstrip() for line in lines)


Observer = Callable[[Pass, Graph, Graph], None]


def _record(applied: list[tuple[str, Node, Node]], rule: Rule, old: Node, new: Node) -> None:
    applied.append((name_of(rule), old, new))


@dataclass(frozen=True)
class Pipeline:
    """Passes in order. ``run`` gives the graph and a report; ``observer(pass, before, after)`` sees every step."""

    passes: tuple[Pass, ...]
    observer: Observer | None = None

    def run(self, graph: Graph) -> tuple[Graph, Report]:
        """Apply the passes. Raises GraphError naming a pass that changes inputs or the type of an output."""
        steps = []
        for p in self.passes:
            started = time.perf_counter()
            applied: list[tuple[str, Node, Node]] = []
            with watching(partial(_record, applied)):
                after = p.run(graph)
            seconds = time.perf_counter() - started
            fired = dict(sorted(Counter(name for name, _, _ in applied).items()))
            counts = len(graph.nodes), len(after.nodes)
            steps.append(Step(p.name, seconds, *counts, fired, tuple(applied), after.outputs))
            _check_contract(p, graph, after)
            if self.observer:
                self.observer(p, graph, after)
            graph = after
        return graph, Report(tuple(steps), decisions(graph))


def _check_contract(p: Pass, before: Graph, after: Graph) -> None:
    if not _same(after.inputs, before.inputs):
        raise GraphError(f"pass {p.name} changed the inputs of graph {before.name!r}")
    for old, new in zip(before.outputs, after.outputs, strict=True):
        if old.type != new.type:
            raise GraphError(f"pass {p.name} changed an output from {old.type} to {new.type}")


def _same(a: Sequence[object], b: Sequence[object]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
