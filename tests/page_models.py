"""The graphs that pages of the tests show."""

import numpy as np

import graphad as ga


def network() -> tuple[ga.Graph, dict[str, np.ndarray]]:
    """Two layers and a loss, in three scopes, with gradients; and values for its inputs."""
    x, y = ga.input("x", ("batch", 4)), ga.input("y", ("batch", 3))
    W1, b1 = ga.parameter("W1", (4, 5)), ga.parameter("b1", (5,))
    W2, b2 = ga.parameter("W2", (5, 3)), ga.parameter("b2", (3,))
    with ga.scope("hidden"):
        h = ga.tanh(x @ W1 + b1)
    with ga.scope("output"):
        scores = h @ W2 + b2
    with ga.scope("loss"):
        loss = ga.mean((scores - y) ** 2)
    parameters = [W1, b1, W2, b2]
    graph = ga.Graph([x, y, *parameters], [loss, *ga.grad(loss, parameters)], name="network")
    rng = np.random.default_rng(0)
    shapes = {"x": (2, 4), "y": (2, 3), "W1": (4, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    return graph, {name: rng.normal(size=shape) for name, shape in shapes.items()}


def recurrent() -> ga.Graph:
    """A loop and its gradient, which is a loop again."""
    xs, W, h0 = ga.input("xs", ("T", 3)), ga.parameter("W", (3, 3)), ga.input("h0", (3,))

    def step(h: ga.Node, x: ga.Node) -> tuple[ga.Node, ga.Node]:
        h = ga.tanh(W @ h + x)
        return h, h

    _, hs = ga.scan(step, h0, xs)
    loss = ga.sum(hs**2)
    return ga.Graph([xs, W, h0], [loss, ga.grad(loss, W)], name="recurrent")


def blocks(count: int) -> ga.Graph:
    """Blocks of attention and two layers, each in a scope with scopes inside, with all gradients."""
    x, y = ga.input("x", ("batch", 32)), ga.input("y", ("batch", 32))
    h, parameters = x, []
    for k in range(count):
        with ga.scope(f"block{k}"):
            with ga.scope("attention"):
                Q, K, V = (ga.parameter(f"{name}{k}", (32, 32)) for name in "QKV")
                weights = ga.nn.softmax((h @ Q) @ (h @ K).T / np.sqrt(32.0), axis=-1)
                h = h + weights @ (h @ V)
            with ga.scope("layers"):
                W, b, U = ga.parameter(f"W{k}", (32, 64)), ga.parameter(f"b{k}", (64,)), ga.parameter(f"U{k}", (64, 32))
                h = h + ga.tanh(h @ W + b) @ U
        parameters += [Q, K, V, W, b, U]
    with ga.scope("loss"):
        loss = ga.mean((h - y) ** 2)
    return ga.Graph([x, y, *parameters], [loss, *ga.grad(loss, parameters)], name="blocks")


def chain(count: int) -> ga.Graph:
    """Steps without scopes that share one weight, and its gradient."""
    x, W = ga.input("x", ("n",)), ga.parameter("W", ("n", "n"))
    h = x
    for _ in range(count):
        h = ga.tanh(W @ h) * 0.5 + x
    loss = ga.sum(h * h)
    return ga.Graph([x, W], [loss, ga.grad(loss, W)], name="chain")
