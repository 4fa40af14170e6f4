"""What a user may ask of a drawing, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.draw.measures import COLORS
from graphad.draw.style import THEMES
from graphad.draw.view import VIEWS
from graphad.errors import ArgumentError
from graphad.ir.graph import Graph

DIRECTIONS = ("TB", "LR")
LAYOUTS = ("mirror", "flow")


@dataclass(frozen=True)
class Options:
    """See `graphad.draw.dot.draw`. Raises ArgumentError for what is not known."""

    view: str = "joint"
    rankdir: str = "TB"
    legend: bool = True
    layout: str = "mirror"
    depth: int | None = None
    color_by: str | None = None
    values: Mapping[Any, Any] | None = None
    sizes: Mapping[str, int] | None = None
    theme: str = "light"
    fold: bool | None = None
    rng: np.random.Generator | None = None

    def __post_init__(self) -> None:
        _check("view", self.view, VIEWS)
        _check("rankdir", self.rankdir, DIRECTIONS)
        _check("layout", self.layout, LAYOUTS)
        _check("color_by", self.color_by, (None, *COLORS))
        _check("theme", self.theme, tuple(THEMES))
        _check("fold", self.fold, (None, True, False))
        _check("legend", self.legend, (True, False))
        if self.depth is not None and (
            isinstance(self.depth, bool) or not isinstance(self.depth, int) or self.depth < 0
        ):
            raise ArgumentError(
                f"depth={self.depth!r} is no number of levels",
                hint="0: each scope one box; 1, 2, …: so many levels of scopes open; None: as many as fit",
            )
        if self.values is not None and not isinstance(self.values, Mapping):
            raise ArgumentError(
                f"values is a {type(self.values).__name__}", hint='give a dict: values={"x": 3.0}, one for each input'
            )

    def check(self, graph: Graph) -> None:
        """Raise ArgumentError where the options do not fit the graph."""
        if self.color_by == "time" and self.values is None:
            raise ArgumentError(
                'color_by="time" runs the graph and needs values', hint='draw(color_by="time", values={"x": …})'
            )
        check_sizes(graph, self.sizes)


def check_sizes(graph: Graph, sizes: Mapping[str, int] | None) -> None:
    """Raise ArgumentError for what is no named size of the graph, and for a number that no axis can have."""
    for name, count in (sizes or {}).items():
        if name not in graph.sizes:
            known = ", ".join(graph.sizes) or "none"
            raise ArgumentError(f"sizes: the graph has no named size {name!r}", hint=f"its named sizes: {known}")
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise ArgumentError(f"sizes: {name}={count!r} is no size", hint="give an integer, 0 or more")


def _check(what: str, value: object, known: tuple[object, ...]) -> None:
    if not any(value is k or (isinstance(value, str) and value == k) for k in known):
        raise ArgumentError(f"{what}={value!r} is not known", hint=f"use one of {', '.join(map(repr, known))}")
