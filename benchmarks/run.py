"""Import time; compile time and its growth: building, differentiating and compiling a chain of layers, per node.

Run: make bench. Figures are of the machine they run on; the growth is what matters: it should stay near 1.
"""

import subprocess
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

import graphad as ga


def layers(depth: int) -> tuple[list[ga.Node], list[ga.Node]]:
    """A chain of tanh layers with one shared weight, and its loss and gradient."""
    x, W, b = ga.input("x", ("batch", 8)), ga.parameter("W", (8, 8)), ga.parameter("b", (8,))
    h = x
    for _ in range(depth):
        h = ga.tanh(h @ W + b)
    loss = ga.mean(h * h)
    return [x, W, b], [loss, *ga.grad(loss, [W, b])]


def import_seconds() -> float:
    """The time of `import graphad` in a fresh interpreter, numpy included; best of five."""
    program = "import time; t = time.perf_counter(); import graphad; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", program]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(5))


def main() -> None:
    """Print the figures."""
    Console().print(f"import graphad: {import_seconds():.3f} s (aim: below 0.25)")
    table = Table("layers", "nodes", "build + grad, ms", "compile, ms", "µs per node", title="compile time")
    layers(10)
    for depth in (10, 40, 160, 640):
        start = time.perf_counter()
        inputs, outputs = layers(depth)
        built = time.perf_counter()
        f = ga.compile(inputs, outputs)
        done = time.perf_counter()
        nodes = len(f.declared.nodes)
        f(np.ones((4, 8)), np.eye(8), np.zeros(8))
        row = (depth, nodes, 1e3 * (built - start), 1e3 * (done - built), 1e6 * (done - start) / nodes)
        table.add_row(*(f"{v:.1f}" if isinstance(v, float) else str(v) for v in row))
    Console().print(table)


if __name__ == "__main__":
    main()
