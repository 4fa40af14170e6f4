"""Three gradients that one can check by hand; each is printed and asserted.

Run: python examples/by_hand.py
"""

import math

import graphad as ga


def product() -> None:
    """f = (a + b)·(b + 1): df/da = b + 1, df/db = (b + 1) + (a + b); the two uses of b meet in one sum."""
    a, b = ga.input("a"), ga.input("b")
    f = (a + b) * (b + 1)
    d_a, d_b = ga.grad(f, [a, b])
    graph = ga.Graph([a, b], [f, d_a, d_b], name="product")
    print(graph, end="\n\n")
    step = ga.compile([a, b], [f, d_a, d_b], name="product")
    print(step.source)
    value, by_a, by_b = step(2.0, 1.0)
    print(f"a = 2, b = 1: f = {value}, df/da = {by_a}, df/db = {by_b}\n")
    assert (value, by_a, by_b) == (6.0, 2.0, 5.0)


def cube() -> None:
    """y = x³ at x = 2: y' = 12, y'' = 12, y''' = 6."""
    x = ga.input("x")
    derivatives = [x**3]
    for _ in range(3):
        derivatives.append(ga.grad(derivatives[-1], x))
    values = [float(v) for v in ga.compile([x], derivatives, name="cube")(2.0)]
    print(f"y = x**3 at 2: y = {values[0]}, y' = {values[1]}, y'' = {values[2]}, y''' = {values[3]}\n")
    assert values == [8.0, 12.0, 12.0, 6.0]


def network() -> None:
    """A worked network: two hidden units, one output, half the squared error; dE/dw of the weight from x to y2."""
    x, w = ga.input("x"), ga.parameter("w")
    y1 = ga.sigmoid(0.5 * x + 1.0)
    y2 = ga.sigmoid(w * x + 0.5)
    z = ga.sigmoid(0.5 * y1 + 0.5 * y2 + 0.25)
    error = 0.5 * (z - 1) ** 2
    step = ga.compile([x, w], [error, ga.grad(error, w)], name="network")
    print(step.source)
    value, d_w = (float(v) for v in step(1.0, 1.0))

    def s(u: float) -> float:
        return 1 / (1 + math.exp(-u))

    u2 = 1.0 * 1.0 + 0.5
    u = 0.5 * s(1.5) + 0.5 * s(u2) + 0.25
    by_hand = (s(u) - 1) * s(u) * (1 - s(u)) * 0.5 * s(u2) * (1 - s(u2)) * 1.0
    print(f"E = {value:.12f}, dE/dw = {d_w:.12f}, by hand {by_hand:.12f}")
    assert abs(d_w - by_hand) < 1e-15


if __name__ == "__main__":
    product()
    cube()
    network()
