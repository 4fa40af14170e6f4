"""Import time; the time of building, differentiating, rewriting and lowering a graph, per part, and how it grows.

The least of several runs. Growth is what matters: twice the nodes should take twice the time.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import graphad as ga

Model = Callable[[int], tuple[list[ga.Node], ga.Node]]
AIMS = {500: 0.05, 10_000: 2.0}  # nodes: seconds


def layers(depth: int) -> tuple[list[ga.Node], ga.Node]:
    """A chain of tanh layers with one shared weight."""
    x, W, b = ga.input("x", ("batch", 8)), ga.parameter("W", (8, 8)), ga.parameter("b", (8,))
    h = x
    for _ in range(depth):
        h = ga.tanh(h @ W + b)
    return [W, b, x], ga.mean(h * h)


def formula(size: int) -> tuple[list[ga.Node], ga.Node]:
    """What rules find much to do in: logarithms of sums, products with one, sums that can be gathered."""
    x, w = ga.input("x", ("n",)), ga.parameter("w", ("n",))
    y = x
    for k in range(size):
        y = ga.log(1 + ga.exp(-y * w)) + (y * 1 + 0) / (1 + k) + ga.sqrt(ga.square(y) + 1)
    return [w, x], ga.sum(y)


def wide(width: int) -> tuple[list[ga.Node], ga.Node]:
    """One value with many uses, whose gradients meet in one sum."""
    u = ga.input("u", (4,))
    return [u], ga.sum(ga.sum_n(*[ga.sin(u * k) for k in range(1, width + 1)]))


def import_seconds() -> float:
    """The time of `import graphad` in a fresh interpreter, numpy included; best of five."""
    program = "import time; t = time.perf_counter(); import graphad; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", program]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(5))


def measure(model: Model, size: int, runs: int) -> tuple[int, list[float]]:
    """Number of nodes; the seconds of building, differentiating, rewriting and lowering, each the least of all runs."""
    rows = []
    for _ in range(runs):
        times = [time.perf_counter()]
        inputs, loss = model(size)
        times.append(time.perf_counter())
        gradients = ga.grad(loss, inputs[:1])
        times.append(time.perf_counter())
        f = ga.compile(inputs, [loss, *gradients])
        times.append(time.perf_counter())
        rewriting = sum(step.seconds for step in f.report().steps)
        build, grad, compiled = np.diff(times).tolist()
        rows.append([build, grad, rewriting, compiled - rewriting])
    return len(f.declared.nodes), [min(column) for column in zip(*rows, strict=True)]


def sizes_for(model: Model, counts: tuple[int, ...]) -> list[int]:
    """How large the model must be for these numbers of nodes."""
    small, large = (measure(model, k, 1)[0] for k in (5, 10))
    return [max(1, round(5 + (n - small) * 5 / (large - small))) for n in counts]


def growth(model: Model, counts: tuple[int, ...]) -> dict[str, Any]:
    """Nodes and the seconds of each part, for each size; the exponent that fits the first and the last."""
    rows: list[dict[str, Any]] = []
    for count, size in zip(counts, sizes_for(model, counts), strict=True):
        nodes, parts = measure(model, size, 5 if count < 5000 else 2)
        rows.append({"nodes": nodes, "parts": parts, "aim": AIMS.get(count)})
    (n0, t0), (n1, t1) = ((row["nodes"], sum(row["parts"])) for row in (rows[0], rows[-1]))
    return {"model": model.__name__, "rows": rows, "exponent": math.log(t1 / t0) / math.log(n1 / n0)}


def costs(quick: bool = False) -> dict[str, Any]:
    """All figures of this module."""
    counts = (100, 500) if quick else (500, 2000, 10_000)
    return {"import": import_seconds(), "models": [growth(model, counts) for model in (layers, formula, wide)]}
