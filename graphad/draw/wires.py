"""``values=``: the graph is run, and each card says its value and, where no card says it, its gradient."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphad.draw.view import Card, View
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.values import short_value

MAX_VALUE = 44


def with_values(view: View, graph: Graph, values: Mapping[Node, Any]) -> View:
    """The view with numbers on its cards: what a node is, and what its cotangent is unless that has a card.

    Boxes, and cards that stand for several equal ones, have none.
    """
    shown = {card.nodes[0] for card in view.cards if card.nodes}
    gradient: dict[Any, Node] = {}
    for node in graph.nodes:
        if node.origin.is_cotangent and node.origin.adjoint_of is not None and node not in shown:
            gradient.setdefault(node.origin.adjoint_of, node)
    return replace(view, cards=tuple(_with_value(card, values, gradient) for card in view.cards))


def _with_value(card: Card, values: Mapping[Node, Any], gradient: Mapping[Any, Node]) -> Card:
    if len(card.nodes) != 1 or card.count > 1 or card.nodes[0] not in values:
        return card
    node = card.nodes[0]
    cotangent = None if card.upward else gradient.get(node.origin)
    slope = "" if cotangent is None else _text(values[cotangent])
    if card.upward:
        return replace(card, gradient=_text(values[node]))
    return replace(card, value=_text(values[node]), gradient=slope)


def _text(value: Any) -> str:
    text = short_value(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
