"""``f.draw()``: the graph of a compiled function, as declared or as rewritten, with times of the code that runs."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.draw.drawing import Drawing
from graphad.draw.options import Options
from graphad.draw.picture import picture
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.lower.compile import Function
from graphad.lower.profile import profile
from graphad.lower.values import run_values


def draw_function(function: Function, optimized: bool = False, **options: Any) -> Drawing:
    """A drawing of what was declared, or with ``optimized`` of what rewriting made of it and is compiled.

    Options as for `Graph.draw`. ``color_by="time"`` of the optimized graph shows `Function.profile`: a card has the
    time of the statement that it ends, of a loop all that the loop computes. Raises ArgumentError.

    >>> import graphad as ga
    >>> x = ga.input("x")
    >>> f = ga.compile([x], ga.log(ga.exp(x)) * 2)
    >>> "<exp>" in f.draw().source, "<exp>" in f.draw(optimized=True).source
    (True, False)
    """
    graph = function.graph if optimized else function.declared
    chosen = Options(**options)
    chosen.check(graph)
    seconds: dict[Node, float] | None = None
    if optimized and chosen.color_by == "time" and chosen.values is not None:
        run_values(graph, chosen.values, copy.deepcopy(chosen.rng))  # raises what does not fit
        seconds = _profiled(function, chosen.values, chosen.rng)
    return picture(graph, chosen, seconds, updates(function, graph))


def updates(function: Function, graph: Graph) -> dict[Node, str]:
    """What the new value of each updated input is called: the last outputs of the graph."""
    targets = function.targets
    values = graph.outputs[len(graph.outputs) - len(targets) :]
    return {value: f"new {label(target)}" for value, target in zip(values, targets, strict=True)}


def _profiled(function: Function, values: Mapping[Any, Any], rng: np.random.Generator | None) -> dict[Node, float]:
    """Seconds of each node of the rewritten graph that ends a statement; lowering may have put another in its place."""
    by_origin = {id(n.origin): n for n in function.graph.nodes}
    given = {x.name if isinstance(x, Node) else x: value for x, value in values.items()}
    arguments = [given[x.name] for x in function.declared.inputs]
    seconds: dict[Node, float] = {}
    for row in profile(function, *arguments, rng=rng).rows:
        node = None if row.node is None else by_origin.get(id(row.node.origin), row.node)
        if node is not None:
            seconds[node] = seconds.get(node, 0.0) + row.seconds
    return seconds


install(**{"Function.draw": draw_function})
