"""What the examples share: data sets of scikit-learn, mini-batches, and the style of the figures.

Figures are written to build/figures/ unless another folder is given.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn import datasets
from sklearn.model_selection import train_test_split

FIGURES = Path("build/figures")
# Okabe and Ito's colors, which color-blind people can tell apart; yellow, which is faint on white, is left out.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED, BLACK = "#0072B2 #E69F00 #009E73 #CC79A7 #56B4E9 #D55E00 #000000".split()
COLORS = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, BLACK, "#7A5C2E")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2, 1, 2)))  # also for gray prints

Array = np.ndarray[Any, Any]
Split = tuple[Array, Array, Array, Array]  # inputs and targets to learn from, inputs and targets to test with


def figure(rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 4.0), **options: Any) -> tuple[Any, Any]:
    """A figure and its axes; no window, no global state."""
    fig = Figure(figsize=size, layout="constrained")
    axes = fig.subplots(rows, columns, **options)
    for ax in np.atleast_1d(axes).flat:
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def save(fig: Figure, folder: Path, name: str, dpi: int = 110) -> Path:
    """Write a figure as PNG and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    fig.savefig(path, dpi=dpi)
    print(f"figure: {path}")
    return path


def images(ax: Any, rows: Array, columns: int) -> None:
    """Images (count, height, width), pixels from 0 to 1, as one mosaic of so many columns."""
    rows = np.pad(rows, ((0, 0), (1, 1), (1, 1)))
    count, height, width = rows.shape
    grid = rows.reshape(count // columns, columns, height, width).swapaxes(1, 2)
    ax.imshow(grid.reshape(count // columns * height, columns * width), cmap="gray_r", vmin=0, vmax=1)
    ax.set_axis_off()


def split(x: Array, y: Array, seed: int = 0, classes: bool = True) -> Split:
    """Four fifths to learn from, one fifth to test with; of each class the same part."""
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=0.2, random_state=seed, stratify=y if classes else None
    )
    return x_train, y_train, x_test, y_test


def digits(seed: int = 0) -> Split:
    """1797 handwritten digits, 8×8 pixels from 0 to 1, and their labels."""
    x, y = datasets.load_digits(return_X_y=True)
    return split(x / 16.0, y.astype(np.int64), seed)


def batches(rng: np.random.Generator, size: int, *arrays: Array) -> Iterator[list[Array]]:
    """One epoch of shuffled mini-batches; what does not fill the last one is left out."""
    order = rng.permutation(len(arrays[0]))
    for start in range(0, len(order) - size + 1, size):
        yield [a[order[start : start + size]] for a in arrays]
