"""Sampled values of a graph's inputs: inside the domains of the ops that read them, so that the graph can be run.

Ways to draw are tried in order until every value that carries a gradient is finite; the best is kept otherwise.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, GraphadError, ShapeError
from graphad.ir.core import Node
from graphad.ir.dims import Dim, evaluate, names, solve_for_name
from graphad.ir.graph import Graph
from graphad.ir.types import carries_gradient
from graphad.lower.values import run_values
from graphad.passes.samples import KINDS, domain_of, drawn_as, quiet

Array = np.ndarray[Any, Any]

WAYS = ("normal", "domain", "unit", "positive", "matrices", "integral", "single")
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
    fixed = {**_known_sizes(graph, given or {}), **(sizes or {})}
    if unknown := [name for name in fixed if name not in graph.sizes]:
        hint = f"its named sizes: {', '.join(graph.sizes) or 'none'}"
        raise ArgumentError(f"graph {graph.name!r} has no named size {unknown[0]!r}", hint=hint)
    best: tuple[float, dict[str, Array]] | None = None
    problem: Exception | None = None
    integers = HIGHEST if any(x.dtype.kind in "iu" for x in graph.inputs) else HIGHEST[-1:]
    for base in BASES:
        for way, highest in product(WAYS, integers):
            values = _drawn(graph, (way, highest), seed, _numbered(graph, base, fixed), given or {})
            try:
                badness = _badness(graph, values, seed)
            except Exception as refused:  # whatever NumPy, SciPy or a size says against it
                problem = refused
                continue
            if badness == 0:
                return values
            if best is None or badness < best[0]:
                best = badness, values
        if best is not None or not _needs_room(problem):
            break
    if best is None:
        reason = f"{type(problem).__name__}: {problem}".partition("\n")[0]
        hint = "give values of the inputs that it can be run on"
        raise ArgumentError(f"graph {graph.name!r} runs on none of the sampled inputs: {reason}", hint=hint)
    return best[1]


def _needs_room(problem: Exception | None) -> bool:
    """Whether larger named sizes may help."""
    return isinstance(problem, ShapeError | GraphadError | IndexError | ValueError)


def _numbered(graph: Graph, base: int, fixed: Mapping[str, int]) -> dict[str, int]:
    return {name: fixed.get(name, base + k) for k, name in enumerate(graph.sizes)}


def _known_sizes(graph: Graph, given: Mapping[Any, Any]) -> dict[str, int]:
    """The named sizes that values given say."""
    known: dict[str, int] = {}
    for x in graph.inputs:
        shape = np.shape(given[x.name]) if x.name in given else ()
        for size, number in zip(x.shape, shape, strict=False):
            if isinstance(size, Dim) and len(names(size)) == 1 and (solved := solve_for_name(size, number)):
                known.setdefault(*solved)
    return known


def _drawn(
    graph: Graph, way: tuple[str, int], seed: int, sizes: Mapping[str, int], given: Mapping[str, Any]
) -> dict[str, Array]:
    """Values of the inputs: floating ones in a way, and integers below a number."""
    draw = next(draw for name, _, draw in KINDS if name == way[0])
    rng = np.random.default_rng(seed)
    values: dict[str, Array] = {}
    for k, x in enumerate(graph.inputs):
        key = x.name or f"x{k}"
        shape = tuple(evaluate(s, sizes) for s in x.shape)
        if x.dtype.kind in "iu":
            drawn = rng.integers(0, way[1], shape).astype(x.dtype)
        else:
            drawn = drawn_as(x.dtype, domain_of(graph, x), shape, way[0], draw, rng, True)
        values[key] = np.asarray(given[key]) if key in given else drawn
    return values


def _badness(graph: Graph, values: Mapping[str, Array], seed: int) -> float:
    """How much of the graph has no good value: 0 for a point where all are finite and of moderate size."""
    with quiet():
        found = run_values(graph, by_node(graph, values), np.random.default_rng(seed))
    arrays = [np.abs(found[n]) for n in graph.nodes if not isinstance(found[n], tuple) and carries_gradient(n.type)]
    bad = sum(float(np.mean(~(a <= GOOD))) for a in arrays if a.size)
    return bad + sum(float(not np.isfinite(a).all()) for a in arrays)


def by_node(graph: Graph, values: Mapping[str, Array]) -> dict[Node, Array]:
    """Values by input node, for inputs without a name, too."""
    return {x: values[x.name or f"x{k}"] for k, x in enumerate(graph.inputs)}
