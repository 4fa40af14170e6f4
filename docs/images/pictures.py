"""The pictures of docs/drawing.md: graphs, and how they are drawn. `make.py` writes them to the folder drawing/."""

from collections.abc import Callable
from typing import Any

import graphad as ga


def neuron() -> ga.Graph:
    """The neuron with two inputs that courses on backpropagation work through."""
    w0, x0, w1 = ga.parameter("w0"), ga.input("x0"), ga.parameter("w1")
    x1, w2 = ga.input("x1"), ga.parameter("w2")
    f = 1 / (1 + ga.exp(-(w0 * x0 + w1 * x1 + w2)))
    inputs = [w0, x0, w1, x1, w2]
    return ga.Graph(inputs, [f, *ga.grad(f, inputs)], name="neuron")


def network() -> ga.Graph:
    """Two hidden units, one output, half the squared error: of examples/by_hand.py."""
    x, w = ga.input("x"), ga.parameter("w")
    y1 = ga.sigmoid(0.5 * x + 1.0)
    y2 = ga.sigmoid(w * x + 0.5)
    z = ga.sigmoid(0.5 * y1 + 0.5 * y2 + 0.25)
    error = 0.5 * (z - 1) ** 2
    return ga.Graph([x, w], [error, ga.grad(error, w)], name="network")


def siamese() -> ga.Graph:
    """One weight, used by two towers: its gradient is a sum with an edge for each use."""
    left, right = ga.input("left", ("batch", 64)), ga.input("right", ("batch", 64))
    W, c = ga.parameter("W", (64, 16)), ga.parameter("c", (16,))
    with ga.scope("left"):
        u = ga.tanh(left @ W + c)
    with ga.scope("right"):
        v = ga.tanh(right @ W + c)
    loss = ga.mean((u - v) ** 2)
    return ga.Graph([left, right, W, c], [loss, *ga.grad(loss, [W, c])], name="siamese")


def recurrent() -> ga.Graph:
    """A recurrent network as a loop node."""
    x, y = ga.input("x", ("T", "batch", 8)), ga.input("y", ("batch", 4))
    W, U, b = ga.parameter("W", (8, 16)), ga.parameter("U", (16, 16)), ga.parameter("b", (16,))
    V = ga.parameter("V", (16, 4))

    def step(h: ga.Node, x_t: ga.Node) -> tuple[ga.Node, None]:
        h = ga.tanh(x_t @ W + h @ U + b)
        return h, None

    last, _ = ga.scan(step, ga.zeros((x.shape[1], 16)), x)
    loss = ga.mean((last @ V - y) ** 2)
    return ga.Graph([x, y, W, U, b, V], [loss, *ga.grad(loss, [W, U, b, V])], name="recurrent")


def unrolled() -> ga.Graph:
    """The same network, its loop run by Python: 255 nodes."""
    x, y = ga.input("x", (12, "batch", 8)), ga.input("y", ("batch", 4))
    W, U, b = ga.parameter("W", (8, 16)), ga.parameter("U", (16, 16)), ga.parameter("b", (16,))
    V = ga.parameter("V", (16, 4))
    h = ga.zeros((x.shape[1], 16))
    for t in range(12):
        h = ga.tanh(x[t] @ W + h @ U + b)
    loss = ga.mean((h @ V - y) ** 2)
    return ga.Graph([x, y, W, U, b, V], [loss, *ga.grad(loss, [W, U, b, V])], name="unrolled")


def transformer() -> ga.Graph:
    """Twelve blocks, 2924 nodes."""
    nn = ga.nn
    x, y = ga.input("x", ("batch", "T"), "int64"), ga.input("y", ("batch", "T"), "int64")
    blocks = [nn.TransformerBlock(32, 2, causal=True, name=f"block_{k}") for k in range(12)]
    model = nn.Sequential(
        nn.Embedding(100, 32, name="embedding"), *blocks, nn.LayerNorm(32, name="norm"), nn.Linear(32, 100, name="last")
    )
    scores = model(x)
    loss = nn.cross_entropy(ga.reshape(scores, (-1, 100)), ga.ravel(y))
    weights = nn.parameters(model)
    return ga.Graph([x, y, *weights], [loss, *ga.grad(loss, weights)], name="transformer")


def step() -> ga.Graph:
    """A training step with Adam."""
    x, y = ga.input("x", ("batch", 64)), ga.input("y", ("batch",), "int64")
    model = ga.nn.Sequential(ga.nn.Linear(64, 32, name="hidden"), ga.nn.relu, ga.nn.Linear(32, 10, name="out"))
    loss = ga.nn.cross_entropy(model(x), y)
    adam = ga.optim.step(ga.optim.adam(0.01), loss, ga.nn.parameters(model))
    f = ga.compile([x, y, *adam.parameters, *adam.state], loss, updates=adam.updates, name="training_step")
    return f.declared


VALUES = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
PICTURES: dict[str, tuple[Callable[[], ga.Graph], dict[str, Any]]] = {
    "values": (neuron, {"view": "forward", "rankdir": "LR", "values": VALUES}),
    "mirror": (network, {"values": {"x": 1.0, "w": 1.0}}),
    "flow": (siamese, {"layout": "flow"}),
    "shared": (siamese, {}),
    "flops": (siamese, {"rankdir": "LR", "theme": "dark", "color_by": "flops", "sizes": {"batch": 128}}),
    "loop": (recurrent, {}),
    "folded": (unrolled, {}),
    "transformer": (transformer, {}),
    "step": (step, {"depth": 0}),
}
