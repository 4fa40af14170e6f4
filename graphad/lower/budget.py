"""compile(max_bytes=...): of several ways to rewrite a graph the one that fits with the least work done again."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphad.errors import ArgumentError, MemoryBudgetError
from graphad.ir.graph import Graph
from graphad.lower.greedy import is_recomputed
from graphad.lower.recompute import Predict, extra_work, recompute
from graphad.passes.base import Pipeline, Report, Step
from graphad.passes.unrolled import Unrolled

Rewrite = Callable[[Graph], tuple[Graph, Report]]


def known_sizes(graph: Graph, sizes: Mapping[str, int] | None) -> dict[str, int]:
    """The numbers of named sizes. Raises ArgumentError for a name that is none, and for what is no number."""
    for name, size in (sizes or {}).items():
        if name not in graph.sizes:
            hint = f"named sizes: {', '.join(graph.sizes) or 'none'}"
            raise ArgumentError(f"sizes: {name!r} is no named size of {graph.name}", hint=hint)
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise ArgumentError(f"sizes: {name} = {size!r} is no size", hint="use an int of at least 0")
    return {name: int(size) for name, size in (sizes or {}).items()}


def alternatives(pipeline: Pipeline) -> list[Pipeline]:
    """The pipeline, and the one that leaves the steps of unrolled loops apart, to be computed again one by one."""
    rest = tuple(p for p in pipeline.passes if not isinstance(p, Unrolled))
    return [pipeline] if len(rest) == len(pipeline.passes) else [pipeline, replace(pipeline, passes=rest)]


def within(rewrites: Sequence[Rewrite], max_bytes: int, sizes: Mapping[str, int], predict: Predict) -> Rewrite:
    """A rewriting whose result keeps the budget, as ``predict`` sees it; it raises what `recompute` raises."""

    def rewrite(graph: Graph) -> tuple[Graph, Report]:
        found: list[tuple[float, Graph, Report]] = []
        problems: list[MemoryBudgetError] = []
        for first in rewrites:
            before, report = first(graph)
            started = time.perf_counter()
            try:
                after = recompute(before, max_bytes, sizes, predict)
            except MemoryBudgetError as problem:
                problems.append(problem)
                continue
            step = _step(before, after, time.perf_counter() - started)
            found.append((extra_work(after, sizes), after, replace(report, steps=(*report.steps, step))))
            if after is before:
                break
        if not found:
            raise min(problems, key=lambda problem: problem.floor)
        _, best, report = min(found, key=lambda item: item[0])
        return best, report

    return rewrite


def _step(before: Graph, after: Graph, seconds: float) -> Step:
    again = sum(map(is_recomputed, after.nodes))
    fired = {"computed again": again} if again else {}
    return Step("recompute", seconds, len(before.nodes), len(after.nodes), fired, outputs=after.outputs)
