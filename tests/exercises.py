"""Models as exercises of backpropagation use them: loss, what it is differentiated by, values (None: any)."""

import numpy as np

import graphad as ga


def by_hand():
    x, w = ga.input("x"), ga.parameter("w")
    y1 = ga.sigmoid(0.5 * x + 1.0)
    y2 = ga.sigmoid(w * x + 0.5)
    z = ga.sigmoid(0.5 * y1 + 0.5 * y2 + 0.25)
    error = 0.5 * (z - 1) ** 2
    return error, [w], {"x": 1.0, "w": 0.3}


def mlp():
    x, y = ga.input("x", ("batch", 3)), ga.input("y", ("batch",), "int64")
    W1, b1 = ga.parameter("W1", (3, 4)), ga.parameter("b1", (4,))
    W2, b2 = ga.parameter("W2", (4, 5)), ga.parameter("b2", (5,))
    h = ga.tanh(x @ W1 + b1)
    z = h @ W2 + b2
    log_p = ga.log_softmax(z, axis=1)
    loss = -ga.mean(ga.sum(log_p * ga.one_hot(y, 5), axis=1))
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(2, 3)), "y": [1, 3], "W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4)}
    return loss, [W1, b1, W2, b2], values | {"W2": rng.normal(size=(4, 5)), "b2": np.zeros(5)}


def logistic():
    x, y = ga.input("x", ("n", 2)), ga.input("y", ("n",))
    w, b = ga.parameter("w", (2,)), ga.parameter("b")
    p = ga.sigmoid(x @ w + b)
    loss = -ga.mean(y * ga.log(p) + (1 - y) * ga.log(1 - p))
    return loss, [w, b], {"x": [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]], "y": [1.0, 0.0, 1.0], "w": [0.3, -0.2], "b": 0.1}


def siamese():
    u, v, W = ga.input("u", ("n", 3)), ga.input("v", ("n", 3)), ga.parameter("W", (3, 2))
    a = ga.tanh(u @ W)
    b = ga.tanh(v @ W)
    loss = ga.sum((a - b) ** 2)
    return loss, [W], None


def layer_norm():
    x = ga.input("x", ("n", 4))
    gamma, beta = ga.parameter("gamma", (4,)), ga.parameter("beta", (4,))
    mu = ga.mean(x, axis=1, keepdims=True)
    var = ga.mean((x - mu) ** 2, axis=1, keepdims=True)
    x_hat = (x - mu) / ga.sqrt(var + 1e-5)
    y = gamma * x_hat + beta
    loss = ga.sum(y**2)
    return loss, [gamma, beta, x], None


def convolution():
    x, w, b = ga.input("x", ("n", 1, 4, 5)), ga.parameter("w", (2, 1, 2, 3)), ga.parameter("b", (2,))
    h = ga.relu(ga.nn.conv2d(x, w) + b[:, None, None])
    loss = ga.mean(h)
    return loss, [w, b], None


def loop():
    xs, h0 = ga.input("xs", ("n", 3)), ga.input("h0", (4,))
    Wx, Wh = ga.parameter("Wx", (3, 4)), ga.parameter("Wh", (4, 4))

    def step(h, x):
        h = ga.tanh(x @ Wx + h @ Wh)
        return h, h

    h, hs = ga.scan(step, h0, xs)
    loss = ga.sum(hs**2) + ga.sum(h)
    return loss, [Wx, Wh], None


def attention():
    x = ga.input("x", ("n", 3))
    Q, K, V = (ga.parameter(name, (3, 2)) for name in "QKV")
    q, k, v = x @ Q, x @ K, x @ V
    A = ga.nn.softmax(q @ k.T / np.sqrt(2), axis=1)
    out = A @ v
    loss = ga.sum(out * out)
    return loss, [Q, K, V], None


EXERCISES = [by_hand, mlp, logistic, siamese, layer_norm, convolution, loop, attention]
