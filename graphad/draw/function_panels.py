"""The panels of `ga.plot_function` that show numbers: a line and where it goes, a plane and where it goes.

Color says how much a map stretches: orange more than 1, blue less, gray 1. In the panel of the line it is |f′|, in that
of the plane the factor of areas, the absolute determinant of the Jacobian.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphad.draw.function_breaks import Breaks, breaks
from graphad.draw.function_maps import Array, FunctionMap, Interval
from graphad.draw.style import FAINT, INK

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
STRETCH = 3.0  # the ends of the scale of colors, as powers of 2
ARROWS, SAMPLES, CELLS, PIXELS = 25, 600, 20, 121
Curve = Callable[[Array], Array]


def stretch_colors() -> tuple[Any, Any]:
    """The colors of log2 of a stretch and their scale."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    return LinearSegmentedColormap.from_list("stretch", [BLUE, "#dddddd", ORANGE]), Normalize(-STRETCH, STRETCH)


def stretch_bar(figure: Any, axes: Any, title: str) -> None:
    """The legend of the colors."""
    from matplotlib.cm import ScalarMappable

    colors, scale = stretch_colors()
    bar = figure.colorbar(ScalarMappable(scale, colors), ax=axes, orientation="horizontal", shrink=0.8, aspect=30)
    bar.set_ticks([-3, -2, -1, 0, 1, 2, 3], labels=["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    bar.ax.tick_params(labelsize=7, length=2)
    bar.set_label(title, fontsize=8)


# The line -------------------------------------------------------------------------------------------------------------


def line_panel(part: Any, shown: FunctionMap) -> None:
    """An input axis, an output axis and arrows between them; beside them the curve with its derivative."""
    left, right = part.subplots(1, 2, width_ratios=[1.0, 1.1])
    f, slope = section(shown, _middle(shown))
    title = "line to line"
    if shown.inputs == 2:
        title += f", {shown.symbols[1]} = {_middle(shown):g}"
    left.set_title(title, fontsize=9)
    _arrows(left, shown, f, slope)
    if slope is not None:
        stretch_bar(part, left, "stretch $|f'|$; dashed: turned round")
    _curves(right, shown)


def section(shown: FunctionMap, second: float) -> tuple[Curve, Curve | None]:
    """The first result as a function of the first number, and its derivative where it has one."""

    def points(x: Array) -> Array:
        others = [np.full(len(x), second)] if shown.inputs == 2 else []
        return np.stack([x, *others], axis=1)

    def value(x: Array) -> Array:
        found: Array = shown.values(points(x))[:, 0]
        return found

    def slope(x: Array) -> Array:
        found = shown.jacobian(points(x))
        return np.full(len(x), np.nan) if found is None else np.asarray(found[:, 0, 0])

    return value, None if shown.partials is None else slope


def _middle(shown: FunctionMap) -> float:
    """Where the second number stands in a section: a round one near the middle that is not 0."""
    low, high = shown.domains[-1]
    if shown.whole:
        return float(round((low + high) / 2 + 0.1))
    middle = (low + high) / 2 if low > 0 or high < 0 else high / 2
    return float(f"{middle:.1g}")


def inputs_of(shown: FunctionMap, count: int) -> Array:
    """Points of the first axis: whole numbers where only these go in."""
    low, high = shown.domains[0]
    return np.arange(low, high + 1) if shown.whole else np.linspace(low, high, count)


def _arrows(axes: Any, shown: FunctionMap, f: Curve, slope: Curve | None) -> None:
    x = inputs_of(shown, ARROWS)
    y = f(x)
    above, below = shown.domains[0], robust(f(inputs_of(shown, SAMPLES)))
    if below[1] - below[0] <= 2.5 * (above[1] - above[0]):  # then one scale for both tells the stretch by itself
        above = below = min(above[0], below[0]), max(above[1], below[1])
    colors, scale = stretch_colors()
    with np.errstate(all="ignore"):
        stretch = np.log2(np.abs(slope(x))) if slope else np.zeros(len(x))
        falls = slope(x) < 0 if slope else np.zeros(len(x), bool)
    for height, limits, name in ((1.0, above, shown.symbols[0]), (0.0, below, "f" if shown.outputs == 1 else "f[0]")):
        _number_line(axes, height, limits, name)
    for start, end, amount, turned in zip(x, y, stretch, falls, strict=True):
        a, b = _within(start, above), _within(end, below)
        if not -0.02 <= b <= 1.02:  # beyond the ends, or nan
            continue
        color = FAINT if np.isnan(amount) else colors(scale(amount))
        dashes = (0, (3, 2)) if turned else "solid"
        axes.annotate(
            "",
            (b, 0.02),
            (a, 0.98),
            arrowprops={
                "arrowstyle": "-|>",
                "color": color,
                "lw": 1.3,
                "linestyle": dashes,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        axes.plot([a, b], [1, 0], "o", color=INK, markersize=2.5, zorder=3)
    axes.set(xlim=(-0.06, 1.12), ylim=(-0.2, 1.2))
    axes.axis("off")


def _number_line(axes: Any, height: float, limits: Interval, name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot([-0.03, 1.03], [height, height], color=INK, lw=1)
    axes.text(1.06, height, name, va="center", fontsize=9, style="italic")
    side = 1 if height else -1
    for tick in MaxNLocator(5).tick_values(*limits):
        place = _within(float(tick), limits)
        if -0.01 <= place <= 1.01:
            axes.plot([place, place], [height, height + 0.03 * side], color=INK, lw=1)
            axes.text(place, height + 0.06 * side, f"{tick:g}", ha="center", va="center_baseline", fontsize=7)


def _within(value: float, limits: Interval) -> float:
    return (value - limits[0]) / (limits[1] - limits[0])


def robust(y: Array, share: float = 3.0) -> Interval:
    """The range of values, without the far ends where these are much farther out than the rest."""
    finite = y[np.isfinite(y)]
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    inner = np.percentile(finite, [share, 100 - share])
    width = float(inner[1] - inner[0])
    if high - low > 4 * width > 0:
        low, high = max(low, float(inner[0]) - 0.2 * width), min(high, float(inner[1]) + 0.2 * width)
    if high - low < 1e-12 * max(1.0, abs(high)):
        return low - 1.0, high + 1.0
    return low, high


def _curves(axes: Any, shown: FunctionMap) -> None:
    """The curve and its derivative; of a function of two numbers the curves for three values of the second."""
    axes.set_title("curve", fontsize=9)
    seconds = [_middle(shown)]
    if shown.inputs == 2:
        low, high = shown.domains[1]
        spread = {float(f"{v:.1g}") for v in np.linspace(low, high, 5)[[1, 2, 3]]}
        seconds = sorted({*seconds, *({round(v) for v in spread} if shown.whole else spread)})[:3]
    values, has_poles = [], False
    for second, color in zip(seconds, (BLUE, GREEN, PURPLE), strict=False):
        f, slope = section(shown, second)
        name = f"{shown.symbols[1]} = {second:g}" if shown.inputs == 2 else "$f$"
        y, found = _curve(axes, shown, f, slope, color, name)
        values.append(y)
        has_poles |= bool(found.poles)
    low, high = robust(np.concatenate(values), 8.0 if has_poles else 3.0)
    if shown.inputs == 1 and shown.partials is not None:
        _, slope = section(shown, 0.0)
        assert slope is not None
        x = inputs_of(shown, SAMPLES)
        d = slope(x)
        pieces(axes, x, d, breaks(slope, x, high - low), color=ORANGE, linestyle="--", lw=1.3, label="$f'$")
        if not has_poles:
            bottom, top = robust(d)
            low, high = max(min(low, bottom), low - (high - low)), min(max(high, top), high + (high - low))
    pad = 0.06 * (high - low)
    axes.set_ylim(low - pad, high + pad)
    axes.set_xlabel(shown.symbols[0], fontsize=8, style="italic")
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, framealpha=0.8)


def _curve(axes: Any, shown: FunctionMap, f: Curve, slope: Curve | None, color: str, name: str) -> tuple[Array, Breaks]:
    """One curve with its jumps, poles and kinks."""
    x = inputs_of(shown, SAMPLES)
    y = f(x)
    if shown.whole:
        axes.plot(x, y, "o", color=color, markersize=4, label=name)
        return y, Breaks()
    low, high = robust(y)
    found = breaks(f, x, high - low)
    pieces(axes, x, y, found, color=color, lw=1.8, label=name)
    for at in found.poles:
        axes.axvline(at, color=FAINT, lw=0.9, linestyle=":")
    for at in found.jumps:
        axes.plot([at, at], found.values[at], "o", color=color, markersize=4, markerfacecolor="white", zorder=3)
    if slope is not None:
        for at in breaks(slope, x, 1.0).jumps:
            if at not in found.jumps:
                axes.plot(at, f(np.array([at])), "D", color=INK, markersize=5, markerfacecolor="white", zorder=3)
    return y, found


def pieces(axes: Any, x: Array, y: Array, found: Breaks, label: str, **looks: Any) -> None:
    """A curve as one line per piece between its jumps and poles."""
    cuts = np.searchsorted(x, sorted((*found.jumps, *found.poles)))
    for number, chosen in enumerate(np.split(np.arange(len(x)), cuts)):
        axes.plot(x[chosen], y[chosen], label=label if not number else None, **looks)
