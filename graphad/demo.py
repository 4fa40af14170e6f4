"""The main job from end to end: declare, differentiate, compile, train, draw, export, check.

A network with two layers reads handwritten digits; its first weight is tied: the hidden layer also reconstructs the
image through the transpose of the same weight, so two gradients of W meet in one sum.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from graphad.autodiff.transforms import grad
from graphad.errors import MissingDependencyError
from graphad.functional import log_softmax
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.origin import scope
from graphad.lower.compile import Function, compile
from graphad.ops.elementwise import square, tanh
from graphad.ops.fit import sum
from graphad.ops.index import one_hot
from graphad.ops.leaves import input, parameter
from graphad.ops.reduce import argmax, mean

__graphad_user_code__ = True  # this file declares a model as a user does: names and lines in drawings are its own

Array = np.ndarray[Any, Any]
HIDDEN, CLASSES, PIXELS = 48, 10, 64
GOAL = 0.95
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Model:
    """The declared graph: inputs, parameters, what is computed."""

    x: Node
    y: Node
    parameters: tuple[Node, ...]
    loss: Node
    prediction: Node


def declare() -> Model:
    """The network as a graph."""
    x = input("x", shape=("batch", PIXELS))
    y = input("y", shape=("batch",), dtype="int64")
    W = parameter("W", shape=(PIXELS, HIDDEN))
    b = parameter("b", shape=(HIDDEN,))
    V = parameter("V", shape=(HIDDEN, CLASSES))
    c = parameter("c", shape=(CLASSES,))
    with scope("hidden"):
        h = tanh(x @ W + b)
    with scope("classify"):
        logits = h @ V + c
        cross_entropy = -mean(sum(log_softmax(logits) * one_hot(y, CLASSES), axis=1))
    with scope("reconstruct"):
        x_hat = h @ W.T  # the tied weight
        distance = mean(square(x_hat - x))
    loss = cross_entropy + 0.1 * distance
    prediction = argmax(logits, axis=1)
    return Model(x, y, (W, b, V, c), loss, prediction)


def training_step(model: Model, rate: float) -> Function:
    """Loss, gradients and update by gradient descent as one function."""
    gradients = grad(model.loss, list(model.parameters))
    updates = {p: p - rate * d for p, d in zip(model.parameters, gradients, strict=True)}
    inputs = [model.x, model.y, *model.parameters]
    return compile(inputs, [model.loss, *gradients], name="digits_step", updates=updates)


def load_digits(seed: int) -> tuple[Array, Array, Array, Array]:
    """Training and test images (pixels from 0 to 1) and labels of scikit-learn's digits."""
    try:
        from sklearn.datasets import load_digits as load
        from sklearn.model_selection import train_test_split
    except ImportError as problem:
        raise MissingDependencyError("the demo needs scikit-learn", hint='pip install "graphad[demo]"') from problem
    images, labels = load(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images / 16.0, labels.astype(np.int64), test_size=0.2, random_state=seed, stratify=labels
    )
    return x_train, x_test, y_train, y_test


def batches(x: Array, y: Array, size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Shuffled mini-batches; the last one may be smaller."""
    order = rng.permutation(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        yield x[chosen], y[chosen]


def run_demo(out: Path, epochs: int, seed: int, console: Console) -> bool:
    """Make everything in the folder ``out`` and show it; whether accuracy and agreement are as they should be."""
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    model = declare()
    step = training_step(model, rate=0.5)
    x_train, x_test, y_train, y_test = load_digits(seed)
    values = [rng.normal(0, p.shape[0] ** -0.5, p.shape) if p.ndim > 1 else np.zeros(p.shape) for p in model.parameters]
    loss = np.inf
    for _ in track(range(epochs), "training", console=console):
        for x, y in batches(x_train, y_train, 64, rng):
            loss, *_ = step(x, y, *values)
    predict = compile([model.x, *model.parameters], model.prediction, name="predict")
    accuracy = float(np.mean(predict(x_test, *values) == y_test))

    graph = Graph(
        [model.x, model.y, *model.parameters], [model.loss, *grad(model.loss, list(model.parameters))], "digits"
    )
    graph.save(out / "forward.svg", view="forward")
    graph.save(out / "backward.svg", view="backward")
    seen = zip(step.declared.inputs, [x_test[:8], y_test[:8], *values], strict=True)
    step.save(out / "digits.html", values=dict(seen))
    module = step.export(out / "digits_step.py")
    difference = compare_export(module, step, [x_test, y_test, *values])

    good = accuracy >= GOAL and difference <= TOLERANCE
    console.print(_table(out, float(loss), accuracy, difference))
    console.print("[green]all as it should be[/]" if good else "[red]accuracy or agreement is not as it should be[/]")
    return good


_ISOLATED = """
import importlib.util, sys
import numpy as np
path, values, results = sys.argv[1:]
spec = importlib.util.spec_from_file_location("exported", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with np.load(values) as file:
    out = module.digits_step(*[file[k] for k in file.files])
assert "graphad" not in sys.modules and "networkx" not in sys.modules
np.savez(results, *out)
"""


def compare_export(module: Path, step: Function, values: list[Array]) -> float:
    """The largest difference between the compiled step and the exported module, run by an isolated interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "values.npz", Path(folder) / "results.npz"
        np.savez(given, *values)
        command = [sys.executable, "-I", "-B", "-c", _ISOLATED, str(module), str(given), str(made)]
        subprocess.run(command, check=True, timeout=60)
        with np.load(made) as file:
            theirs = [file[k] for k in file.files]
    ours = step(*[v.copy() for v in values])
    return max(float(np.max(np.abs(a - b))) for a, b in zip(ours, theirs, strict=True))


def _table(out: Path, loss: float, accuracy: float, difference: float) -> Table:
    table = Table(title="graphad demo: digits", show_header=False)
    table.add_row("last loss", f"{loss:.4f}")
    table.add_row("test accuracy", f"{100 * accuracy:.1f} % (goal {100 * GOAL:.0f} %)")
    table.add_row("exported against compiled", f"largest difference {difference:.1e} (limit {TOLERANCE:.0e})")
    for name, what in (
        ("forward.svg", "the forward graph"),
        ("backward.svg", "its gradient graph"),
        ("digits.html", "the step as a page: open it in a browser"),
        ("digits_step.py", "the step: numpy only; --self-check inside"),
    ):
        table.add_row(what, str(out / name))
    return table
