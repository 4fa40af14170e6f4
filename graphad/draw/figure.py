"""An empty matplotlib figure: what `ga.plot_function` and the plots of training begin with."""

from typing import Any

from graphad.errors import MissingDependencyError


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib Figure of so many inches. Raises MissingDependencyError."""
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise MissingDependencyError("plots need matplotlib", hint='pip install "graphad[plot]"') from problem
    return Figure(figsize=(width, height), layout="constrained")
