"""The figures as pictures: SVG whose bytes depend on the figures alone."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.figures import Figures
from benchmarks.growth import FAMILIES
from benchmarks.report import columns
from benchmarks.rounds import Row
from benchmarks.systems import SYSTEMS

COLORS = dict(zip(SYSTEMS, [f"C{k}" for k in range(len(SYSTEMS))], strict=True))  # the same in every picture
MARKERS = dict(zip(SYSTEMS, "os*^v<>DX", strict=True))


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Write every picture that the figures have numbers for; none without matplotlib."""
    if not find_spec("matplotlib"):
        return []
    import matplotlib as mpl  # optional

    style = {"svg.hashsalt": "graphad", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(style):
        made = []
        if rows := figures.rows.get("workloads"):
            label = "time over the time of graphad (right of 1: slower than graphad)"
            made.append(save(dots(rows, relative, label), folder / "bench_workloads.svg"))
        if rows := figures.rows.get("objectives"):
            label = "time of value and gradient over time of the objective"
            made.append(save(dots(rows, Row.overhead, label), folder / "bench_objectives.svg"))
        for key, rows in figures.growth.items():
            made.append(save(curves(key, rows), folder / f"bench_growth_{key}.svg"))
    return made


def save(figure: Any, file: Path) -> Path:
    """Without the date, which would differ in every run."""
    figure.savefig(file, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    return file


def relative(row: Row, system: str) -> float | None:
    """The time of a system over that of graphad."""
    ours, theirs = row.seconds("graphad"), row.seconds(system)
    return theirs / ours if ours and theirs else None


def dots(rows: Sequence[Row], value: Callable[[Row, str], float | None], label: str) -> Any:
    """One line for each row, one mark for each system."""
    from matplotlib.figure import Figure  # optional

    figure = Figure(figsize=(8, 1 + 0.28 * len(rows)))
    axes = figure.subplots()
    for system in columns(rows):
        points = [(x, i) for i, row in enumerate(rows) if (x := value(row, system)) is not None]
        if points:
            axes.scatter(*zip(*points, strict=True), color=COLORS[system], marker=MARKERS[system], label=system, s=30)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel=label, yticks=range(len(rows)), yticklabels=[row.name for row in rows])
    axes.invert_yaxis()
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def curves(key: str, rows: Sequence[Row]) -> Any:
    """Time of a call, and of the first one, against size."""
    from matplotlib.figure import Figure  # optional

    figure = Figure(figsize=(9, 3.5))
    axes = figure.subplots(1, 2)
    for system in columns(rows):
        for ax, value in zip(axes, (Row.seconds, lambda row, s: row.first.get(s)), strict=True):
            points = [(row.size, y) for row in rows if (y := value(row, system)) is not None]
            if points:
                ax.plot(*zip(*points, strict=True), color=COLORS[system], marker=MARKERS[system], label=system)
    for ax, title in zip(axes, ("a call, s", "the first call, s"), strict=True):
        ax.set(xscale="log", yscale="log", xlabel=FAMILIES[key].title, title=title)
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure
