"""A small network as a newcomer writes it."""

import graphad as ga

x = ga.input("x", shape=("batch", 3))
y = ga.input("y", shape=("batch",))
W1 = ga.parameter("W1", shape=(3, 4))
b1 = ga.parameter("b1", shape=(4,))
w2 = ga.parameter("w2", shape=(4,))

with ga.scope("hidden"):
    h = ga.tanh(x @ W1 + b1)
loss = ga.mean((h @ w2 - y) ** 2)

step = ga.compile([x, y, W1, b1, w2], loss, name="step", updates={W1: W1 - 0.1 * ga.grad(loss, W1)})


def forward():
    return ga.Graph([x, W1, b1], [h], name="hidden")
