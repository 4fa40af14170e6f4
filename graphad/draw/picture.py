"""`g.draw()`: from a graph over its view to a drawing, step by step."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphad.draw.collapse import collapsed
from graphad.draw.dot import Paint, to_dot
from graphad.draw.drawing import Drawing
from graphad.draw.legend import scale_cells, size_note
from graphad.draw.loops import with_loops
from graphad.draw.measures import Measures, quantity, scale_of, seconds_of, width_of
from graphad.draw.options import Options
from graphad.draw.repeats import folded
from graphad.draw.style import THEMES, Theme
from graphad.draw.view import LEAVES, View, make_view
from graphad.draw.wires import with_times, with_values
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.sizes import solve
from graphad.lower.values import run_values


def draw(
    graph: Graph,
    view: str = "joint",
    rankdir: str = "TB",
    legend: bool = True,
    layout: str = "mirror",
    depth: int | None = None,
    color_by: str | None = None,
    values: Mapping[Any, Any] | None = None,
    theme: str = "light",
    fold: bool | None = None,
    sizes: Mapping[str, int] | None = None,
    rng: np.random.Generator | None = None,
) -> Drawing:
    """A drawing of the graph.

    view: "forward" (what the user declared), "backward" (what differentiation made, with the forward values that it
        uses), "joint" (both).
    rankdir: "TB" (top down) or "LR" (left to right).
    layout: of the joint view. "mirror": the backward pass comes back beside the forward pass, each adjoint at the
        height of what it belongs to; "flow": everything runs the same way, the backward pass after the forward pass.
    depth: levels of scopes, loops and repeated parts that are open: at 0 each is one box, with what it holds and
        costs. None: everything up to 150 cards, else as many levels as fit.
    fold: whether equal parts (layers of the same structure, turns of an unrolled loop) are drawn once, "× 12". None:
        where there would be more than 60 cards.
    color_by: "dtype", "flops", "bytes" or "time" (which runs the graph on ``values``, and writes times on the cards),
        instead of the role. Lines are as wide as their values are large in any case.
    values: of all inputs, by name or node. The graph is run, and each value written on its card, with its gradient.
    sizes: numbers for named sizes, for costs and widths; those of ``values`` come first, else they are 64 each.
    theme: "light" or "dark". rng: the generator for graphs that draw random numbers, when they are run.

    Raises ArgumentError for other options, and what `interpret` raises for values that do not fit.
    """
    options = Options(view, rankdir, legend, layout, depth, color_by, values, sizes, theme, fold, rng)
    return picture(graph, options)


def picture(
    graph: Graph,
    options: Options,
    seconds: Mapping[Node, float] | None = None,
    titles: Mapping[Node, str] | None = None,
) -> Drawing:
    """The drawing for checked options. ``seconds``: times of nodes, where they have been measured.

    ``titles``: what nodes are called besides the names that they may have.
    """
    options.check(graph)
    rng = copy.deepcopy(options.rng)  # so that numbers are the same when the graph runs with all gradients
    found = None if options.values is None else run_values(graph, options.values, options.rng)
    known = dict(options.sizes or {})
    if found is not None:
        known |= solve(graph, [np.shape(found[x]) for x in graph.inputs])
    if options.color_by == "time" and seconds is None and found is not None:
        seconds = seconds_of(graph, found, options.rng)
    measures = Measures(known, seconds or {})
    view = titled(shown(graph, options, measures), titles or {})
    if options.color_by == "time":
        view = with_times(view, measures)
    elif options.values is not None:
        view = with_values(view, graph, options.values, rng)
    theme = THEMES[options.theme]
    unknown = [name for name in graph.sizes if name not in known]
    return to_dot(view, options.rankdir, options.legend, theme, _paint(view, options, measures, theme, unknown))


def shown(graph: Graph, options: Options, measures: Measures) -> View:
    """The view that is drawn: loops opened, equal parts folded, scopes collapsed."""
    view = with_loops(make_view(graph, options.view, options.view == "joint" and options.layout == "mirror"))
    view = folded(view, options.fold)
    return collapsed(view, options.depth, measures)


def titled(view: View, titles: Mapping[Node, str]) -> View:
    """The view with the titles of some nodes, behind their names where they have any."""
    if not titles:
        return view
    cards = []
    for card in view.cards:
        title = titles.get(card.nodes[0], "") if len(card.nodes) == 1 and card.role not in LEAVES else ""
        cards.append(replace(card, title=f"{card.title} ({title})" if card.title and title else title or card.title))
    return replace(view, cards=tuple(cards))


def _paint(view: View, options: Options, measures: Measures, theme: Theme, unknown: list[str]) -> Paint:
    """Colors of cards, widths of lines, and what the legend says of them."""
    widths = {id(e): measures.bytes(e.node) for e in view.edges if e.node is not None}
    notes = [f"line width: {_span(list(widths.values()))}"] if widths else []
    what = options.color_by
    paint = Paint(None, lambda e: width_of(widths[id(e)]), (), notes)
    if unknown and (widths or what):
        notes.append(size_note(unknown))
    if what is None:
        return paint
    amounts = {card.key: measures.of(card, what) for card in view.cards}
    if what == "dtype":
        kinds = sorted({str(a) for a in amounts.values() if a})
        colors = {kind: theme.classes.get(kind, theme.classes["other"]) for kind in kinds}
        return replace(
            paint,
            fill=lambda card: colors.get(str(amounts[card.key]), theme.paper),
            shades=[(colors[kind], kind) for kind in kinds],
        )
    numbers = {key: float(a) for key, a in amounts.items()}
    scale = scale_of(list(numbers.values()), theme)
    if scale is None:
        return paint
    says = "time" if what == "time" else "value"
    return replace(paint, fill=lambda card: scale.color(numbers[card.key]), shades=scale_cells(scale, what), says=says)


def _span(amounts: list[int]) -> str:
    low, high = quantity(min(amounts), "B"), quantity(max(amounts), "B")
    return f"{low} a value" if low == high else f"thin {low} … bold {high} a value"
