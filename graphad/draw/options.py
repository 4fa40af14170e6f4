"""What a user may ask of a drawing, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.draw.measures import COLORS
from graphad.draw.style import THEMES
from graphad.draw.view import VIEWS
from graphad.errors import ArgumentError, check_choice
from graphad.ir.graph import Graph
from graphad.lower.budget import known_sizes

DIRECTIONS = ("TB", "LR")
LAYOUTS = ("mirror", "flow")


@dataclass(frozen=True)
class Options:
    """See `graphad.draw.picture.draw`. Raises ArgumentError for what is not known."""

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
        check_choice("view", self.view, VIEWS)
        check_choice("rankdir", self.rankdir, DIRECTIONS)
        check_choice("layout", self.layout, LAYOUTS)
        check_choice("color_by", self.color_by, (None, *COLORS))
        check_choice("theme", self.theme, THEMES)
        check_choice("fold", self.fold, (None, True, False))
        check_choice("legend", self.legend, (True, False))
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
        known_sizes(graph, self.sizes)
