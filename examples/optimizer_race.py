"""Eight optimizers race down Beale's function, from one start; a picture of their ways and a film of them.

f(x, y) = (1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)² has its minimum 0 at (3, 0.5), a saddle point at
(0, 1), and walls that are as steep as its valley is flat. Each optimizer has the learning rate, of eight tried, whose
way is closest to the minimum on average over the last 200 of 300 steps.
RMSprop jumps at first: its average of squared gradients starts with 0, and nothing makes up for that, as Adam does.
Measured: RMSprop ends 0.002 from the minimum, momentum and Adam 0.004; SGD 0.2 and AdaGrad 0.6 are still on their way.

Run: python examples/optimizer_race.py
"""

from pathlib import Path
from typing import Any

import numpy as np
from common import BLACK, COLORS, FIGURES, LINES, Array, figure, save
from matplotlib.animation import PillowWriter
from matplotlib.colors import LogNorm

import graphad as ga

START, MINIMUM = (1.0, 1.7), (3.0, 0.5)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
OPTIMIZERS = {
    "SGD": ga.optim.sgd,
    "momentum": ga.optim.momentum,
    "Nesterov": ga.optim.nesterov,
    "AdaGrad": ga.optim.adagrad,
    "RMSprop": ga.optim.rmsprop,
    "Adam": ga.optim.adam,
    "Nadam": ga.optim.nadam,
    "AdaMax": ga.optim.adamax,
}


def beale(x: Any, y: Any) -> Any:
    """Of nodes or of arrays."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def trajectory(optimizer: ga.optim.Transform, steps: int) -> Array:
    """The points from the start on, (steps + 1, 2); they stay where they are once they left the plane."""
    point = ga.parameter("point", (2,))
    race = ga.optim.step(optimizer, beale(point[0], point[1]), [point])
    move = ga.compile([point, *race.state], [], name="move", updates=race.updates)
    here = np.array(START)
    state = race.initial([here])
    path = [here.copy()]
    for _ in range(steps):
        if np.abs(here).max() < 10:
            move(here, *state.values())
        path.append(here.copy())
    return np.array(path)


def best(name: str, steps: int) -> tuple[float, Array]:
    """The learning rate whose way is closest to the minimum on average, without the first third, and that way."""
    ways = {rate: trajectory(OPTIMIZERS[name](lr=rate), steps) for rate in RATES}
    rate = min(ways, key=lambda r: float(np.linalg.norm(ways[r][steps // 3 :] - MINIMUM, axis=1).mean()))
    return rate, ways[rate]


def landscape(ax: Any) -> None:
    """Contour lines, the start, the minimum."""
    x, y = np.meshgrid(np.linspace(-3, 4.5, 300), np.linspace(-2, 3, 200))
    levels = np.geomspace(0.02, 3e4, 18)
    ax.contour(x, y, beale(x, y), levels=levels, norm=LogNorm(), cmap="Greys", linewidths=0.7)
    ax.plot(*START, "o", color=BLACK, ms=7)
    ax.plot(*MINIMUM, "*", color=BLACK, ms=14, zorder=5)
    ax.annotate("start", START, xytext=(6, 6), textcoords="offset points")
    ax.annotate("minimum", MINIMUM, xytext=(-4, 14), textcoords="offset points")
    ax.set(xlabel="x", ylabel="y", xlim=(-3, 4.5), ylim=(-2, 3), title="Beale's function: eight optimizers")


def runners(ax: Any, ways: dict[str, Array]) -> list[tuple[Any, Any, Array]]:
    """One line and one head for each way, both still empty."""
    found = []
    for k, (name, way) in enumerate(ways.items()):
        color, style = COLORS[k], LINES[k]
        (line,) = ax.plot([], [], color=color, ls=style, lw=1.8, label=name)
        (head,) = ax.plot([], [], "o^sDvP>X"[k], color=color, mec="white", ms=7)
        found.append((line, head, way))
    return found


def advance(parts: list[tuple[Any, Any, Array]], count: int) -> None:
    """Show the first ``count`` points."""
    for line, head, way in parts:
        line.set_data(*way[:count].T)
        head.set_data(*way[count - 1 : count].T)


def draw(ways: dict[str, Array], out: Path, frames: int) -> None:
    """The picture and the film; the film is slow at first, where most happens."""
    fig, (ax, errors) = figure(1, 2, size=(12, 5), width_ratios=(3, 2))
    landscape(ax)
    parts = runners(ax, ways)
    advance(parts, len(next(iter(ways.values()))))
    ax.legend(loc="lower right", ncols=2)
    for k, (name, way) in enumerate(ways.items()):
        distance = np.linalg.norm(way - MINIMUM, axis=1)
        errors.semilogy(distance, color=COLORS[k], ls=LINES[k], label=name)
    errors.set(xlabel="step", ylabel="distance from the minimum", title="The same, measured")
    errors.grid(alpha=0.3)
    save(fig, out, "optimizer_race")

    fig, ax = figure(size=(6.4, 4.4))
    landscape(ax)
    parts = runners(ax, ways)
    ax.legend(loc="lower right", ncols=2, fontsize=8)
    writer, path = PillowWriter(fps=10), out / "optimizer_race.gif"
    last = len(next(iter(ways.values())))
    with writer.saving(fig, path, dpi=72):
        for count in np.unique(np.geomspace(1, last, frames).astype(int)):
            advance(parts, count)
            writer.grab_frame()
    print(f"film: {path}")


def main(out: Path = FIGURES, steps: int = 300, frames: int = 60) -> dict[str, float]:
    """Race, draw, and give the distance of each from the minimum in the end."""
    ways, distances = {}, {}
    for name in OPTIMIZERS:
        rate, ways[name] = best(name, steps)
        distances[name] = float(np.linalg.norm(ways[name][-1] - MINIMUM))
        print(f"{name:9s} learning rate {rate:<7g} distance from the minimum {distances[name]:.1e}")
    draw(ways, out, frames)
    return distances


if __name__ == "__main__":
    found = main()
    assert max(found[name] for name in ("momentum", "Nesterov", "RMSprop", "Adam", "Nadam")) < 0.01 < found["SGD"]
