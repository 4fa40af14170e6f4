"""An autoencoder whose decoder uses the encoder's weight: two gradients of W meet in one sum.

Run: python examples/tied_autoencoder.py
"""

import numpy as np

import graphad as ga


def declare() -> ga.Graph:
    """The forward graph with its gradients."""
    x = ga.input("x", shape=("batch", 64))
    W = ga.parameter("W", shape=(64, 16))
    b = ga.parameter("b", shape=(16,))
    with ga.scope("encode"):
        h = ga.tanh(x @ W + b)
    with ga.scope("decode"):
        x_hat = h @ W.T
    loss = ga.mean((x_hat - x) ** 2)
    return ga.Graph([x, W, b], [loss, *ga.grad(loss, [W, b])], name="autoencoder")


def main() -> None:
    """Train on random data of rank 8; the loss falls."""
    graph = declare()
    (x, W, b), (loss, d_W, d_b) = graph.inputs, graph.outputs
    step = ga.compile([x, W, b], loss, name="step", updates={W: W - 2.0 * d_W, b: b - 2.0 * d_b})
    print(step.source)
    rng = np.random.default_rng(0)
    data = np.tanh(rng.normal(size=(256, 8)) @ rng.normal(size=(8, 64)) / 4)
    weights = [0.1 * rng.normal(size=(64, 16)), np.zeros(16)]
    losses = [float(step(data, *weights)) for _ in range(300)]
    print(f"loss: {losses[0]:.4f} at first, {losses[-1]:.4f} after 300 steps")
    assert losses[-1] < 0.2 * losses[0]


if __name__ == "__main__":
    main()
