"""The panel of `ga.plot_function` that shows a plane: a grid and where it goes, or the values over the plane."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from graphad.autodiff.transforms import jvp
from graphad.draw.function_maps import Array, FunctionMap, Interval
from graphad.draw.function_panels import (
    CELLS,
    GREEN,
    PIXELS,
    PURPLE,
    STRETCH,
    inputs_of,
    robust,
    stretch_bar,
    stretch_colors,
)
from graphad.draw.style import INK
from graphad.errors import GraphadError
from graphad.ir.graph import toposort
from graphad.ir.origin import Origin, inside
from graphad.lower.compile import compile
from graphad.ops.leaves import input

WIDEST, FARTHEST = 1.25, 15.0  # of the imaginary axis in pictures of the complex plane, and of its image


class Plane(NamedTuple):
    """A map of the plane: corners of cells before and after, (n, n, 2); in each cell two facts of the Jacobian.

    ``area``: its determinant; ``reach``: its largest element, which says how long the edges of the image may be. Both
    are nan where there is no derivative.
    """

    before: Array
    after: Array
    area: Array
    reach: Array
    title: str


def plane_panel(part: Any, shown: FunctionMap) -> None:
    """What the function does to the plane."""
    if shown.inputs == 2 and shown.outputs == 1:
        (_table if shown.whole else _surface)(part, shown)
    else:
        _grids(part, _plane(shown))


# Grids ----------------------------------------------------------------------------------------------------------------


def _plane(shown: FunctionMap) -> Plane:
    if shown.inputs == 2:
        return _plane_of_two(shown)
    found = None if shown.make is None or shown.whole else complex_plane(shown.make, shown.domains[0])
    return found or _pairs(shown)


def _plane_of_two(shown: FunctionMap) -> Plane:
    """Where pairs of numbers go."""
    axes = [np.linspace(*d, CELLS + 1) for d in shown.domains]
    before = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    after = shown.values(before.reshape(-1, 2)).reshape(before.shape)
    centers = (before[1:, 1:] + before[:-1, :-1]) / 2
    found = shown.jacobian(centers.reshape(-1, 2))
    area = reach = np.full(centers.shape[:2], np.nan)
    if found is not None:
        area = (found[:, 0, 0] * found[:, 1, 1] - found[:, 0, 1] * found[:, 1, 0]).reshape(area.shape)
        reach = np.abs(found).max(axis=(1, 2)).reshape(area.shape)
    return Plane(before, after, area, reach, f"({', '.join(shown.symbols)}) to its image")


def _pairs(shown: FunctionMap) -> Plane:
    """A function of one number, applied to both coordinates."""
    x = inputs_of(shown, CELLS + 1)
    y = shown.values(x[:, None])[:, 0]
    middle = (x[1:] + x[:-1]) / 2
    found = None if shown.whole else shown.jacobian(middle[:, None])
    slope = np.full(len(middle), np.nan) if found is None else found[:, 0, 0]
    before = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1)
    after = np.stack(np.meshgrid(y, y, indexing="ij"), axis=-1)
    reach = np.maximum.outer(np.abs(slope), np.abs(slope))
    return Plane(before, after, np.multiply.outer(slope, slope), reach, "(x, y) to (f(x), f(y))")


def complex_plane(make: Callable[..., Any], domain: Interval) -> Plane | None:
    """Where complex numbers go, for a function that is differentiable in them (else None).

    Checked numerically by the equations of Cauchy and Riemann: the derivative is the same along both axes. What
    compares, or is constant on a part of the plane, as relu is, is analytic in pieces only; what leaves the picture
    shows nothing.
    """
    try:
        with inside(Origin()):
            z = input("z", (), "complex128")
            w = make(z)
            slopes = [jvp(w, z, step) for step in (1.0, 1.0j)]
        if w.dtype.kind != "c" or any(n.dtype.kind == "b" for n in toposort([w])):
            return None
        value, derivative = compile([z], w, style="readable"), compile([z], slopes, style="readable")
    except GraphadError:
        return None
    low, high = domain
    around = low < 0 < high
    x = np.linspace(*((max(low, -WIDEST), min(high, WIDEST)) if around else (low, high)), CELLS + 1)
    corners = x[:, None] + 1j * np.linspace(-WIDEST, WIDEST, CELLS + 1)
    centers = (corners[1:, 1:] + corners[:-1, :-1]) / 2
    with np.errstate(all="ignore"):
        after = np.array([[value(c) for c in row] for row in corners])
        slope = np.array([[derivative(c) for c in row] for row in centers])
    along, across = slope[..., 0], slope[..., 1]
    finite = np.isfinite(along) & np.isfinite(across)
    if not finite.any() or not np.allclose(across[finite], 1j * along[finite], atol=1e-9) or np.mean(along == 0) > 0.05:
        return None
    if max(high - low for low, high in (robust(after.real.ravel(), 5.0), robust(after.imag.ravel(), 5.0))) > FARTHEST:
        return None
    return Plane(_parts(corners), _parts(after), np.abs(along) ** 2, np.abs(along), "complex plane: z to f(z)")


def _parts(z: Array) -> Array:
    return np.stack([z.real, z.imag], axis=-1)


def _grids(part: Any, plane: Plane) -> None:
    """The grid before and after; a cell has the color of its change of area on both sides."""
    left, right = part.subplots(1, 2)
    colors, scale = stretch_colors()
    with np.errstate(all="ignore"):
        amount = np.clip(np.log2(np.abs(plane.area)), -STRETCH, STRETCH)
    paint = np.where(np.isnan(amount)[..., None], (1, 1, 1, 1), colors(scale(np.nan_to_num(amount))))
    whole, is_flat = _unbroken(plane), not np.nanmax(np.abs(plane.area), initial=0.0) > 0
    for axes, corners, chosen in ((left, plane.before, np.ones_like(whole)), (right, plane.after, whole)):
        _cells(axes, corners, paint, plane.area, chosen)
        _marks(axes, corners, chosen)
        if corners is plane.after and is_flat:  # no cell has an area: its corners say more
            axes.plot(*corners.reshape(-1, 2).T, "o", color=INK, markersize=2.5)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.2)
    left.set_title(plane.title, fontsize=9)
    right.set_title("where it goes", fontsize=9)
    left.set_aspect("equal")
    (x_low, x_high), (y_low, y_high) = (_padded(robust(plane.after[..., k], 5.0)) for k in (0, 1))
    right.set(xlim=(x_low, x_high), ylim=(y_low, y_high))
    if 0.2 < (x_high - x_low) / (y_high - y_low) < 5:
        right.set_aspect("equal", adjustable="box")
    if np.isfinite(plane.area).any():
        stretch_bar(part, [left, right], "change of area |det J|; hatched: mirrored")


def _padded(limits: Interval) -> Interval:
    pad = 0.05 * (limits[1] - limits[0])
    return limits[0] - pad, limits[1] + pad


def _cells(axes: Any, corners: Array, paint: Array, area: Array, chosen: Array) -> None:
    from matplotlib.collections import PolyCollection

    square = np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=2)
    for mirrored, hatch in ((False, None), (True, "////")):
        which = chosen & ((area < 0) == mirrored)
        if which.any():
            looks: dict[str, Any] = {"edgecolors": (0.35, 0.35, 0.35, 0.55), "linewidths": 0.35, "hatch": hatch}
            axes.add_collection(PolyCollection(square[which], facecolors=paint[which], **looks), autolim=False)
    axes.update_datalim(corners[np.isfinite(corners).all(axis=-1)])
    axes.autoscale_view()


def _marks(axes: Any, corners: Array, chosen: Array) -> None:
    """The two middle lines of the grid, to match both pictures by."""
    middle = corners.shape[0] // 2, corners.shape[1] // 2
    for line, cells, color in (
        (corners[:, middle[1]], chosen[:, middle[1] - 1], GREEN),
        (corners[middle[0]], chosen[middle[0] - 1], PURPLE),
    ):
        for k in np.flatnonzero(cells):
            axes.plot(*line[k : k + 2].T, color=color, lw=2, solid_capstyle="round")


def _unbroken(plane: Plane) -> Array:
    """The cells that a picture may show: those that no jump, pole or branch cut tears apart."""
    edges = [
        np.linalg.norm(np.diff(plane.after, axis=0), axis=-1),
        np.linalg.norm(np.diff(plane.after, axis=1), axis=-1),
    ]
    longest = np.maximum.reduce([edges[0][:, 1:], edges[0][:, :-1], edges[1][1:], edges[1][:-1]])
    spans = [high - low for high, low in (robust(plane.after[..., k], 1.0)[::-1] for k in (0, 1))]
    usual = np.nanmedian(longest[np.isfinite(longest)]) if np.isfinite(longest).any() else 0.0
    torn = longest > max(0.3 * max(spans), 4 * usual)
    side = max(np.abs(np.diff(plane.before[..., 0], axis=0)).max(), np.abs(np.diff(plane.before[..., 1], axis=1)).max())
    torn |= longest > 4 * side * plane.reach + 0.03 * max(spans)  # never where the reach is not known
    return np.asarray(np.isfinite(longest) & ~torn)


# Values over the plane ------------------------------------------------------------------------------------------------


def _lattice(shown: FunctionMap, count: int) -> tuple[list[Array], Array]:
    axes = [np.linspace(*d, count) for d in shown.domains]
    return axes, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _surface(part: Any, shown: FunctionMap) -> None:
    """Values as colors with lines of equal height, the gradient as arrows."""
    axes = part.subplots()
    (x, y), points = _lattice(shown, PIXELS)
    z = shown.values(points.reshape(-1, 2)).reshape(PIXELS, PIXELS)
    low, high = robust(z.ravel())
    picture = axes.pcolormesh(x, y, z.T, cmap="viridis", vmin=low, vmax=high, shading="nearest", rasterized=True)
    if len(np.unique(np.round(z[np.isfinite(z)], 9))) > 12:
        levels = np.linspace(low, high, 11)[1:-1]
        axes.contour(
            x,
            y,
            np.ma.array(z, mask=_torn(z, high - low)).T,
            levels,
            colors="white",
            linewidths=0.6,
            linestyles="solid",
        )
    part.colorbar(picture, ax=axes, shrink=0.9).ax.tick_params(labelsize=7)
    _gradient_arrows(axes, shown)
    axes.set_title(f"value over the plane{'' if shown.partials is None else ', arrows: gradient'}", fontsize=9)
    axes.set_xlabel(shown.symbols[0], fontsize=8, style="italic")
    axes.set_ylabel(shown.symbols[1], fontsize=8, style="italic")
    axes.tick_params(labelsize=7)


def _torn(z: Array, span: float) -> Array:
    """Points beside a jump: lines of equal height there would only trace the jump."""
    torn = ~np.isfinite(z)
    for axis in (0, 1):
        with np.errstate(all="ignore"):
            steps = np.abs(np.diff(z, axis=axis))
        jump = steps > 0.15 * span
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        torn[tuple(first)] |= jump
        torn[tuple(second)] |= jump
    return torn


def _gradient_arrows(axes: Any, shown: FunctionMap) -> None:
    steps = [(high - low) / 11 for low, high in shown.domains]
    spots = [np.linspace(low + s, high - s, 10) for (low, high), s in zip(shown.domains, steps, strict=True)]
    points = np.stack(np.meshgrid(*spots, indexing="ij"), axis=-1).reshape(-1, 2)
    found = shown.jacobian(points)
    if found is None:
        return
    gradient = found[:, 0, :]
    scaled = gradient * np.array(steps)  # one length for both axes, whatever their units
    length = np.linalg.norm(scaled, axis=1)
    usable = np.isfinite(length) & (length > 0)
    if not usable.any():
        return
    top = float(np.percentile(length[usable], 90))
    with np.errstate(all="ignore"):
        shrink = np.minimum(1.0, top / length)[:, None]
    arrows = (gradient * shrink)[usable]
    unit = 1.1 * min(steps) / max(float(np.abs(arrows).max()), 1e-300)
    axes.quiver(
        *points[usable].T, *(arrows * unit).T, angles="xy", scale_units="xy", scale=1.0, color="white", width=0.005,
        edgecolor=INK, linewidth=0.4,
    )  # fmt: skip


def _table(part: Any, shown: FunctionMap) -> None:
    """Values at whole numbers, written out while they are few."""
    axes = part.subplots()
    x, y = (np.arange(low, high + 1) for low, high in shown.domains)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    z = shown.values(points.reshape(-1, 2)).reshape(points.shape[:2])
    picture = axes.pcolormesh(x, y, z.T, cmap="viridis", shading="nearest", edgecolors="white", linewidth=0.4)
    half = (z.min() + z.max()) / 2
    if z.size <= 100:
        for point, value in zip(points.reshape(-1, 2), z.ravel(), strict=True):
            axes.text(
                *point,
                f"{value:g}",
                ha="center",
                va="center",
                fontsize=11 if z.size < 9 else 7,
                color="white" if value <= half else INK,
            )
    part.colorbar(picture, ax=axes, shrink=0.9).ax.tick_params(labelsize=7)
    axes.set_xticks(x[:: max(1, len(x) // 8)])
    axes.set_yticks(y[:: max(1, len(y) // 8)])
    axes.set_title("table of values", fontsize=9)
    axes.set_xlabel(shown.symbols[0], fontsize=8, style="italic")
    axes.set_ylabel(shown.symbols[1], fontsize=8, style="italic")
    axes.tick_params(labelsize=7)
