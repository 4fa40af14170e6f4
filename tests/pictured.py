"""Graphs of the kinds that people draw, and where things stand in a picture of them."""

import re

import graphad as ga


def product():
    """The example of every introduction: (a + b) * (b + 1)."""
    a, b = ga.input("a"), ga.input("b")
    f = (a + b) * (b + 1)
    return ga.Graph([a, b], [f, *ga.grad(f, [a, b])], name="product")


def mlp():
    x, y = ga.input("x", ("batch", 64)), ga.input("y", ("batch",), "int64")
    model = ga.nn.Sequential(ga.nn.Linear(64, 32, name="hidden"), ga.nn.relu, ga.nn.Linear(32, 10, name="out"))
    loss = ga.nn.cross_entropy(model(x), y)
    weights = ga.nn.parameters(model)
    return ga.Graph([x, y, *weights], [loss, *ga.grad(loss, weights)], name="mlp")


def neuron():
    """The neuron with two inputs that courses work through: f = 1 / (1 + exp(-(w0·x0 + w1·x1 + w2)))."""
    w0, x0, w1 = ga.parameter("w0"), ga.input("x0"), ga.parameter("w1")
    x1, w2 = ga.input("x1"), ga.parameter("w2")
    f = 1 / (1 + ga.exp(-(w0 * x0 + w1 * x1 + w2)))
    inputs = [w0, x0, w1, x1, w2]
    return ga.Graph(inputs, [f, *ga.grad(f, inputs)], name="neuron")


NEURON = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}


def siamese():
    left, right = ga.input("left", ("batch", 8)), ga.input("right", ("batch", 8))
    W, c = ga.parameter("W", (8, 4)), ga.parameter("c", (4,))
    with ga.scope("left"):
        u = ga.tanh(left @ W + c)
    with ga.scope("right"):
        v = ga.tanh(right @ W + c)
    loss = ga.mean((u - v) ** 2)
    return ga.Graph([left, right, W, c], [loss, *ga.grad(loss, [W, c])], name="siamese")


def unrolled(turns=12):
    x, y = ga.input("x", (turns, "batch", 8)), ga.input("y", ("batch", 16))
    W, U, b = ga.parameter("W", (8, 16)), ga.parameter("U", (16, 16)), ga.parameter("b", (16,))
    h = ga.zeros((x.shape[1], 16))
    for t in range(turns):
        h = ga.tanh(x[t] @ W + h @ U + b)
    loss = ga.mean((h - y) ** 2)
    return ga.Graph([x, y, W, U, b], [loss, *ga.grad(loss, [W, U, b])], name="unrolled")


def rnn():
    x, y = ga.input("x", ("T", "batch", 8)), ga.input("y", ("batch", 16))
    W, U, b = ga.parameter("W", (8, 16)), ga.parameter("U", (16, 16)), ga.parameter("b", (16,))

    def step(h, x_t):
        h = ga.tanh(x_t @ W + h @ U + b)
        return h, None

    last, _ = ga.scan(step, ga.zeros((x.shape[1], 16)), x)
    loss = ga.mean((last - y) ** 2)
    return ga.Graph([x, y, W, U, b], [loss, *ga.grad(loss, [W, U, b])], name="rnn")


def layers(count=48):
    """Layers in nested scopes, each with weights of its own."""
    x, weights = ga.input("x", ("n", 8)), []
    h = x
    for k in range(count):
        with ga.scope(f"layer_{k}"):
            with ga.scope("attention"):
                W, V = ga.parameter(f"W{k}", (8, 8)), ga.parameter(f"V{k}", (8, 8))
                h = h + ga.nn.softmax(h @ W, axis=-1) * ga.tanh(h @ V)
            with ga.scope("mlp"):
                A, B = ga.parameter(f"A{k}", (8, 32)), ga.parameter(f"B{k}", (32, 8))
                h = h + ga.tanh(h @ A) @ B
        weights += [W, V, A, B]
    loss = ga.mean(h**2)
    return ga.Graph([x, *weights], [loss, *ga.grad(loss, weights)], name="layers")


def training_step():
    x, y = ga.input("x", ("batch", 8)), ga.input("y", ("batch",), "int64")
    model = ga.nn.Sequential(ga.nn.Linear(8, 6, name="hidden"), ga.nn.relu, ga.nn.Linear(6, 3, name="out"))
    loss = ga.nn.cross_entropy(model(x), y)
    adam = ga.optim.step(ga.optim.adam(0.01), loss, ga.nn.parameters(model))
    return ga.compile([x, y, *adam.parameters, *adam.state], loss, updates=adam.updates, name="training_step")


def card(view, title):
    """The first card of a title."""
    return next(c for c in view.cards if c.title == title)


NODE = re.compile(r'<g id="\w+" class="node">\s*<title>([^<]+)</title>(.*?)</g>', re.S)


def boxes(drawing):
    """For each card of a picture (left, top, right, bottom), as SVG measures: down and to the right."""
    svg = drawing.pipe("svg", encoding="utf-8")
    found = {}
    for key, body in NODE.findall(svg):
        if ellipse := re.search(r'<ellipse[^>]* cx="([-.\d]+)" cy="([-.\d]+)" rx="([-.\d]+)" ry="([-.\d]+)"', body):
            cx, cy, rx, ry = map(float, ellipse.groups())
            found[key] = cx - rx, cy - ry, cx + rx, cy + ry
        else:
            outline = re.search(r' (?:points|d)="([^"]+)"', body)[1]
            pairs = [tuple(map(float, p)) for p in re.findall(r"([-.\d]+),([-.\d]+)", outline)]
            xs, ys = zip(*pairs, strict=True)
            found[key] = min(xs), min(ys), max(xs), max(ys)
    return found


def middle(box):
    """The middle of a card, (x, y)."""
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2
