"""Sampled values of a graph's inputs: inside the domains of the ops that read them, so that the graph can be run.

Ways to draw are tried, then others for single inputs; the sample with the most values that are finite and of moderate
size is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, GraphadError
from graphad.ir.core import Node
from graphad.ir.dims import Dim, evaluate, names, solve_for_name
from graphad.ir.graph import Graph
from graphad.ir.types import carries_gradient
from graphad.lower.budget import known_sizes
from graphad.lower.values import run_values
from graphad.passes.samples import KINDS, domain_of, drawn_as, quiet

Array = np.ndarray[Any, Any]

WAYS = ("network", "normal", "domain", "unit", "positive", "matrices", "integral", "single")
ALONE = ("unit", "positive", "matrices")  # tried for one input at a time where no way suits all
BASES = (3, 6, 12, 24, 48, 96, 192)  # named sizes are tried from small to large: slices ask for a least length
HIGHEST = (8, 3, 2)  # integers below these are tried: labels and indices, whose axes are at least so long
GOOD = 1e3  # values beyond are avoided where possible: differences of them say little


def sample_point(
    graph: Graph, seed: int = 0, sizes: Mapping[str, int] | None = None, given: Mapping[str, Any] | None = None
) -> dict[str, Array]:
    """Values by the names of the inputs; those ``given`` stay as they are, and so do ``sizes``.

    Raises ArgumentError where the graph runs on none of the samples.

    >>> import graphad as ga
    >>> x = ga.input("x", ("n", 2))
    >>> sample_point(ga.Graph([x], [ga.log(x)]), sizes={"n": 4})["x"].shape
    (4, 2)
    """
    fixed = _solved(graph, given or {}) | known_sizes(graph, sizes)
    integers = HIGHEST if any(x.dtype.kind in "iu" for x in graph.inputs) else HIGHEST[-1:]
    problem: Exception | None = None
    for base in BASES:
        sizes_now = {name: fixed.get(name, base + k) for k, name in enumerate(graph.sizes)}
        sampler = _Sampler(graph, seed, sizes_now, given or {})
        best = min((sampler.tried(way, highest) for way, highest in product(WAYS, integers)), key=lambda s: s.badness)
        if best.badness < np.inf:
            return sampler.improved(best).values
        problem = best.problem
        if not isinstance(problem, GraphadError | IndexError | ValueError):  # which larger named sizes may help
            break
    reason = f"{type(problem).__name__}: {problem}".partition("\n")[0]
    hint = "give values of the inputs that it can be run on"
    raise ArgumentError(f"graph {graph.name!r} runs on none of the sampled inputs: {reason}", hint=hint)


@dataclass(frozen=True)
class _Sample:
    """Values, and how much of the graph has no good value there: inf where it cannot be run (``problem``)."""

    values: dict[str, Array]
    badness: float
    problem: Exception | None = None


@dataclass(frozen=True)
class _Sampler:
    """Draws values for some sizes."""

    graph: Graph
    seed: int
    sizes: Mapping[str, int]
    given: Mapping[str, Any]

    def tried(self, way: str, highest: int) -> _Sample:
        """A sample in one way, integers below a number."""
        rng = np.random.default_rng(self.seed)
        return self._judged({key: self._drawn(x, key, way, highest, rng) for key, x in _named(self.graph)})

    def improved(self, sample: _Sample) -> _Sample:
        """The sample, with other ways for single inputs where that helps."""
        for key, x in _named(self.graph):
            for way in ALONE if x.dtype.kind in "fc" and key not in self.given else ():
                if sample.badness == 0:
                    return sample
                rng = np.random.default_rng(self.seed)
                other = self._judged(sample.values | {key: self._drawn(x, key, way, 2, rng)})
                sample = other if other.badness < sample.badness else sample
        return sample

    def _drawn(self, x: Node, key: str, way: str, highest: int, rng: np.random.Generator) -> Array:
        if key in self.given:
            return np.asarray(self.given[key])
        shape = tuple(evaluate(s, self.sizes) for s in x.shape)
        if x.dtype.kind in "iu":
            return rng.integers(0, highest, shape).astype(x.dtype)
        draw = next(draw for name, _, draw in KINDS if name == ("normal" if way == "network" else way))
        values = drawn_as(x.dtype, domain_of(self.graph, x), shape, way, draw, rng, True)
        weighted = way == "network" and "parameter" in x.op.traits and x.ndim > 1 and values.size > 0
        return np.asarray(values / np.sqrt(values.size / max(shape[0], shape[-1])), x.dtype) if weighted else values

    def _judged(self, values: dict[str, Array]) -> _Sample:
        try:
            with quiet():
                found = run_values(self.graph, by_node(self.graph, values), np.random.default_rng(self.seed))
        except Exception as refused:  # whatever NumPy, SciPy or a size says against it
            return _Sample(values, np.inf, refused)
        nodes = [n for n in self.graph.nodes if not isinstance(found[n], tuple) and carries_gradient(n.type)]
        arrays = [np.abs(found[n]) for n in nodes if np.size(found[n])]
        bad = sum(float(np.mean(~(a <= GOOD))) for a in arrays)
        return _Sample(values, bad + sum(float(not np.isfinite(a).all()) for a in arrays))


def _named(graph: Graph) -> list[tuple[str, Node]]:
    """The inputs and the names of their values."""
    return [(x.name or f"x{k}", x) for k, x in enumerate(graph.inputs)]


def _solved(graph: Graph, given: Mapping[Any, Any]) -> dict[str, int]:
    """The named sizes that values given say."""
    known: dict[str, int] = {}
    for x in graph.inputs:
        shape = np.shape(given[x.name]) if x.name in given else ()
        for size, number in zip(x.shape, shape, strict=False):
            if isinstance(size, Dim) and len(names(size)) == 1 and (solved := solve_for_name(size, number)):
                known.setdefault(*solved)
    return known


def by_node(graph: Graph, values: Mapping[str, Array]) -> dict[Node, Array]:
    """Values by input node, for inputs without a name, too."""
    return {x: values[key] for key, x in _named(graph)}
