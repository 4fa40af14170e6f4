"""The models whose generated code is kept in this folder. A moved line changes the comments: `make golden`."""

import numpy as np

import graphad as ga


def by_hand(style="readable"):
    x, w = ga.input("x"), ga.parameter("w")
    y1 = ga.sigmoid(0.5 * x + 1.0)
    y2 = ga.sigmoid(w * x + 0.5)
    z = ga.sigmoid(0.5 * y1 + 0.5 * y2 + 0.25)
    error = 0.5 * (z - 1) ** 2
    return ga.compile([x, w], [error, ga.grad(error, w)], name="by_hand", style=style)


def mlp(style="readable"):
    x, y = ga.input("x", ("batch", 64)), ga.input("y", ("batch",), "int64")
    W1, b1 = ga.parameter("W1", (64, 32)), ga.parameter("b1", (32,))
    W2 = ga.parameter("W2", (32, 10))
    h = ga.tanh(x @ W1 + b1)
    logits = h @ W2
    loss = -ga.mean(ga.sum(ga.log_softmax(logits) * ga.one_hot(y, 10), axis=1))
    grads = ga.grad(loss, [W1, b1, W2])
    updates = {p: p - 0.1 * g for p, g in zip([W1, b1, W2], grads, strict=True)}
    return ga.compile([x, y, W1, b1, W2], {"loss": loss, "grads": grads}, name="mlp", updates=updates, style=style)


def rnn(style="readable"):
    xs, Wx, Wh = ga.input("xs", (3, "batch", 4)), ga.parameter("Wx", (4, 5)), ga.parameter("Wh", (5, 5))
    h = ga.tanh(xs[0] @ Wx)
    for t in range(1, 3):
        h = ga.tanh(xs[t] @ Wx + h @ Wh)
    loss = ga.mean(h * h)
    return ga.compile([xs, Wx, Wh], [loss, *ga.grad(loss, [Wx, Wh])], name="rnn", style=style)


def embedding(style="readable"):
    table, words = ga.parameter("table", (100, 8)), ga.input("words", ("batch", 6), "int64")
    vectors = table[words]
    score = ga.sum(ga.max(vectors, axis=1)[:, 1:]) + ga.sum(vectors[:, 0])
    return ga.compile([table, words], [score, ga.grad(score, table)], name="embedding", style=style)


def noise(style="readable"):
    x, scale = ga.input("x", ("n",)), ga.parameter("scale")
    z = x + scale * ga.random.standard_normal(x.shape)
    loss = ga.mean(ga.where(z > 0, z, 0.1 * z) ** 2)
    return ga.compile([x, scale], [loss, ga.grad(loss, scale)], name="noise", style=style)


def constants(style="readable"):
    x = ga.input("x", ("n", 3), "float32")
    matrix = ga.constant(np.arange(9, dtype=np.float32).reshape(3, 3))
    y = ga.sum(ga.relu(x @ matrix + np.array([0.1, 0.2, 0.3], np.float32)))
    return ga.compile([x], [y, ga.grad(y, x)], name="constants", optimize="basic", style=style)


MODELS = [by_hand, mlp, rnn, embedding, noise, constants]
FAST = [mlp, rnn, noise]  # those of which the fast style is kept, too
