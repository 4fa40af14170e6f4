"""``values=``: the graph is run, and each card says its value, and its gradient unless that has a card of its own.

With ``color_by="time"`` it says how long it took.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphad.autodiff.transforms import vjp
from graphad.draw.measures import Measures, quantity
from graphad.draw.view import Card, View
from graphad.errors import DifferentiationError
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.types import TupleType, is_differentiable
from graphad.lower.values import run_values, value_lines
from graphad.ops.fit import ones_like


def with_values(view: View, graph: Graph, values: Mapping[Any, Any], rng: np.random.Generator | None = None) -> View:
    """The view with numbers on its cards, which are of one node each: boxes, and what stands for several, have none.

    Where the graph has gradients of one loss, that of every value on the way to it is worked out: graphs hold those
    that were asked for and what these need, and one node may be the cotangent of several.
    """
    alone = [c for c in view.cards if len(c.nodes) == 1 and c.count == 1]
    known = set(graph.nodes)  # what is within a loop has a value in each turn
    paired = {primal for _, primal in view.pairs}
    forward = [c.nodes[0] for c in alone if not c.upward and c.key not in paired and c.nodes[0] in known]
    cotangents = _cotangents(graph, forward)
    run = Graph(graph.inputs, [*graph.outputs, *cotangents.values()], graph.name) if cotangents else graph
    found = run_values(run, values, rng)
    numbers: dict[str, Card] = {}
    for card in alone:
        node = card.nodes[0]
        if node in known and card.upward:
            numbers[card.key] = replace(card, gradient=_text(found[node]))
        elif node in known:
            slope = _text(found[cotangents[node]]) if node in cotangents else ""
            numbers[card.key] = replace(card, value=_text(found[node]), gradient=slope)
    return replace(view, cards=tuple(numbers.get(card.key, card) for card in view.cards))


def with_times(view: View, measures: Measures) -> View:
    """The view with the measured time of each card, a box that of all that it stands for."""
    seconds = {card.key: float(measures.of(card, "time")) for card in view.cards}
    return replace(
        view,
        cards=tuple(replace(c, value=quantity(seconds[c.key], "s") if seconds[c.key] else "") for c in view.cards),
    )


def _cotangents(graph: Graph, nodes: list[Node]) -> dict[Node, Node]:
    """The gradient of the graph's one loss with respect to each node that it depends on; none for several losses."""
    seeded = {n.origin.adjoint_of for n in graph.nodes if n.origin.is_cotangent and n.origin.made_by == "seed"}
    losses = [n for n in graph.nodes if n.origin in seeded and n not in graph.backward and graph.is_output(n)]
    if len(losses) != 1 or losses[0].ndim:
        return {}
    below = set(graph.subgraph(losses).nodes) - set(graph.inputs)
    used = below | {x for n in below for x in n.inputs}
    wrt = [n for n in nodes if n in used and not isinstance(n.type, TupleType) and is_differentiable(n.dtype)]
    try:
        found = vjp(losses, wrt, [ones_like(losses[0])])
    except DifferentiationError:  # the graph has gradients by other values only
        return {}
    return dict(zip(wrt, found if isinstance(found, list) else [found], strict=True))


def _text(value: Any) -> str:
    return "\n".join(line.strip() for line in value_lines(value))
