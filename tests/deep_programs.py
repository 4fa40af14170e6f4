"""Deep programs, and a plain executor that frees each value after its last reader: what schedules are measured on."""

import gc
import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np

import graphad as ga
from graphad.form.evaluate import evaluate_node
from graphad.ir.core import Node
from graphad.ir.dims import evaluate
from graphad.ir.graph import Graph
from graphad.lower.memory import memory_of
from graphad.lower.sizes import solve
from graphad.passes.presets import pipeline


def gradient(inputs: Sequence[Node], loss: Node, wrt: Sequence[Node], name: str) -> Graph:
    graph = Graph([*inputs, *(p for p in wrt if not any(p is x for x in inputs))], [loss, *ga.grad(loss, wrt)], name)
    return pipeline("basic").run(graph)[0]


def mlp(depth: int = 24, batch: Any = 256, width: int = 32, activation: Any = ga.tanh) -> Graph:
    x = ga.input("x", shape=(batch, width))
    weights = [ga.parameter(f"W{k}", shape=(width, width)) for k in range(depth)]
    h = x
    for w in weights:
        h = activation(h @ w)
    return gradient([x], ga.sum(h * h), weights, "mlp")


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + ga.tanh(0.8 * (x + 0.05 * x * x * x)))


def rnn(steps: int = 40, batch: int = 64, width: int = 32) -> Graph:
    xs = ga.input("xs", shape=(steps, batch, width))
    wx, wh, b = (
        ga.parameter("Wx", shape=(width, width)),
        ga.parameter("Wh", shape=(width, width)),
        ga.parameter("b", (width,)),
    )
    h = ga.tanh(xs[0] @ wx + b)
    for t in range(1, steps):
        h = ga.tanh(xs[t] @ wx + h @ wh + b)
    return gradient([xs], ga.sum(h * h), [wx, wh, b], "rnn")


def residual(depth: int = 16, batch: int = 256, width: int = 32) -> Graph:
    x = ga.input("x", shape=(batch, width))
    pairs = [
        (ga.parameter(f"A{k}", shape=(width, width)), ga.parameter(f"B{k}", shape=(width, width))) for k in range(depth)
    ]
    h = x
    for a, b in pairs:
        h = h + ga.maximum(h @ a, 0.0) @ b
    return gradient([x], ga.sum(h * h), [w for pair in pairs for w in pair], "residual")


def heat(n: int = 64, steps: int = 30) -> Graph:
    u, k, target = (
        ga.input("u", shape=(n, n)),
        ga.parameter("k", shape=(n - 2, n - 2)),
        ga.input("t", shape=(n - 2, n - 2)),
    )
    whole, c = u, u[1:-1, 1:-1]
    for _ in range(steps):
        lap = whole[:-2, 1:-1] + whole[2:, 1:-1] + whole[1:-1, :-2] + whole[1:-1, 2:] - 4 * c
        c = c + k * lap
        rows = ga.concatenate([u[:1, 1:-1], c, u[-1:, 1:-1]], axis=0)
        whole = ga.concatenate([u[:, :1], rows, u[:, -1:]], axis=1)
    return gradient([u, target], ga.sum((c - target) ** 2), [u, k], "heat")


def noisy(depth: int = 20, batch: int = 256, width: int = 16) -> Graph:
    """Dropout in every layer: draws that no recomputation may repeat."""
    x, h = ga.input("x", shape=(batch, width)), None
    weights = [ga.parameter(f"W{k}", shape=(width, width)) for k in range(depth)]
    h = x
    for w in weights:
        h = ga.tanh(h @ w) * (1 + 0.1 * ga.random.normal(shape=(batch, width)))
    return gradient([x], ga.sum(h * h), weights, "noisy")


def values_of(graph: Graph, sizes: dict[str, int] | None = None) -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = [tuple(evaluate(s, sizes or {}) for s in x.shape) for x in graph.inputs]
    return [0.2 * rng.standard_normal(s) for s in shapes]


def execute(graph: Graph, order: Sequence[Node], values: Sequence[Any]) -> tuple[list[Any], int]:
    """The outputs, and the most bytes that were in use besides the inputs."""
    sizes, rng = solve(graph, [v.shape for v in values]), np.random.default_rng(1)
    last = {x: t for t, node in enumerate(order) for x in node.inputs}
    dying: list[list[Node]] = [[] for _ in order]
    for x, t in last.items():
        if not graph.is_output(x):
            dying[t].append(x)
    buffer = memory_of(graph, order)
    found: dict[Node, Any] = dict(zip(graph.inputs, values, strict=True))
    gc.collect()
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    for t, node in enumerate(order):
        if node.op.name == "broadcast_to" and buffer[node] is None:  # NumPy does it by itself
            found[node] = np.broadcast_to(found[node.inputs[0]], tuple(evaluate(s, sizes) for s in node.shape))
        else:
            found[node] = evaluate_node(node, [found[x] for x in node.inputs], sizes, rng)
        for x in dying[t]:
            del found[x]
    most = tracemalloc.get_traced_memory()[1] - start
    tracemalloc.stop()
    return [found[y] for y in graph.outputs], most
