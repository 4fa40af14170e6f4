"""Unrolled loops: what all steps do alike is done once, with the same values and derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad.errors import RewriteError
from graphad.ir.graph import Graph
from graphad.ir.text import digest
from graphad.passes import stacks, unrolled
from graphad.passes.cse import Cse
from graphad.passes.unrolled import Unrolled


def rnn(steps, batch=3, width=4, features=2, layout="time first"):
    """A recurrent network: inputs, loss."""
    shape = {"time first": (steps, batch, features), "batch first": (batch, steps, features)}
    xs = ga.input("xs", shape.get(layout, (steps, features)))
    w, u, b = ga.parameter("w", (features, width)), ga.parameter("u", (width, width)), ga.parameter("b", (width,))
    h, states = None, []
    for t in range(steps):
        z = (xs[:, t] if layout == "batch first" else xs[t]) @ w + b
        h = ga.tanh(z if h is None else z + h @ u)
        states.append(h)
    return [xs, w, u, b], ga.sum(h * h) + ga.sum(ga.stack(states) ** 3)


def arrays(inputs):
    rng = np.random.default_rng(0)
    return [0.3 * rng.standard_normal([s if isinstance(s, int) else 3 for s in x.shape]) for x in inputs]


def count(graph, op):
    return [n.op.name for n in graph.nodes].count(op)


def agree(inputs, outputs, **kwargs):
    f, plain = ga.compile(inputs, outputs, **kwargs), ga.compile(inputs, outputs, optimize="none")
    given_ = arrays(inputs)
    for value, expected in zip(f(*given_), plain(*given_), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)
    return f


@pytest.mark.parametrize("layout", ["time first", "batch first", "no batch"])
@pytest.mark.parametrize("batch", [3, "batch", 0])
@pytest.mark.parametrize("steps", [5, 9, 33])
def test_recurrent_network(steps, batch, layout):
    inputs, loss = rnn(steps, batch, layout=layout)
    agree(inputs, [loss, *ga.grad(loss, inputs)])


@settings(max_examples=15, deadline=None)
@given(st.integers(5, 33), st.permutations(range(4)), st.booleans())
def test_any_order_of_gradients(steps, order, second):
    inputs, loss = rnn(steps)
    gradients = ga.grad(loss, [inputs[k] for k in order])
    if second:
        gradients = [*gradients, *ga.grad(ga.sum(gradients[0] ** 2), inputs[1:3])]
    agree(inputs, [loss, *gradients])


@pytest.mark.parametrize("layout", ["time first", "no batch"])
def test_verified(layout):
    inputs, loss = rnn(8, layout=layout)
    dw = ga.grad(loss, inputs[1])
    outputs = [loss, *ga.grad(loss, inputs), *ga.grad(ga.sum(dw * dw), inputs[1:])]
    f = agree(inputs, outputs, verify=True)
    fired = {name for step in f.report().steps for name in step.fired}
    assert fired >= {"product_of_steps", "gathered_terms", "gathered_parts"}


def test_products_are_few():
    inputs, loss = rnn(32, 32, 16, 8)
    f = ga.compile(inputs, [loss, *ga.grad(loss, inputs)])
    # forward: all x @ w, 31 h @ u; backward: 31 d @ u.T, the gradients of xs, w, u
    assert count(f.graph, "matmul") == 1 + 31 + 31 + 3
    assert count(f.graph, "concatenate") == 1  # of the cotangents
    assert count(f.graph, "stack") == 1  # of the states, the user's own
    assert count(f.graph, "place") == 0


def test_once_is_enough():
    inputs, loss = rnn(9)
    before = ga.compile(inputs, [loss, *ga.grad(loss, inputs)], optimize="basic").graph
    after = Unrolled().run(before)
    ga.verify(after)
    assert len(after.nodes) < len(before.nodes)
    assert digest(Unrolled().run(after)) == digest(after)


def test_names_survive():
    inputs, loss = rnn(9)
    dw, db = ga.grad(loss, [inputs[1], inputs[3]])
    f = ga.compile(inputs, [dw, db])
    assert [y.name for y in f.graph.outputs] == ["d_w", "d_b"]
    assert all(y.origin.gradients for y in f.graph.outputs)
    assert {n.name for n in f.graph.nodes} >= {"h", "xs"}


def terms(make, steps=16, shape=(4,)):
    x = ga.input("x", (steps, *shape))
    return [x], ga.sum_n(*(make(x, t) for t in range(steps)))


def test_sums_of_small_values():
    inputs, total = terms(lambda x, t: ga.sin(x[t] * (t % 3 + 1)) * ga.exp(x[t]))
    f = agree(inputs, [total])
    assert count(f.graph, "sin") == 1
    assert count(f.graph, "sum_n") == 0


def test_a_stack_of_sums():
    """Sums over the steps come first: to add stacks, one of each step, would be more work, not less."""
    x = ga.input("x", (12, 4))
    sums = [ga.sum_n(*(ga.sin(x[t] * (k + 2)) * (t + 2) for t in range(12))) for k in range(4)]
    f = agree([x], [ga.stack(sums)])
    assert count(f.graph, "sum_n") == 0
    assert count(f.graph, "sin") <= 4


def test_large_values_are_not_copied():
    size = 4 * stacks.SMALL
    inputs = [ga.input(f"x{k}", (size,)) for k in range(16)]
    graph = Graph(inputs, ga.sum_n(*(ga.sin(x) for x in inputs)))
    assert Unrolled().run(graph) is graph
    few = Graph(inputs[:3], ga.sum_n(*inputs[:3]))
    assert Unrolled().run(few) is few


def test_scalars_are_left_alone():
    inputs = [ga.input(f"x{k}", ()) for k in range(16)]
    graph = Graph(inputs, ga.sum_n(*(ga.sin(x) for x in inputs)))
    assert Unrolled().run(graph) is graph


def test_tall_factors_are_not_copied():
    pairs = [(ga.input(f"x{k}", (512, 4)), ga.input(f"y{k}", (512, 4))) for k in range(8)]
    graph = Graph([x for pair in pairs for x in pair], ga.sum_n(*(x.T @ y for x, y in pairs)))
    assert Unrolled().run(graph) is graph


def test_a_part_of_a_longer_sum_makes_no_cycle():
    """The second sum lies before some of the values that the first one adds: they cannot share a stack."""
    x = ga.input("x", (12, 3))
    d = [ga.tanh(x[t]) for t in range(10)]
    part = ga.sum_n(*d)
    last = [ga.cos(part), ga.exp(part)]
    graph = Cse().run(Graph([x], [ga.sum_n(*d, *last), part, *d]))
    after = Unrolled().run(graph)
    ga.verify(after)
    agree([x], list(graph.outputs))


def test_deep_graphs():
    x = ga.input("x", (4,))
    chains = []
    for k in range(8):
        y = x * (k + 1)
        for _ in range(3000):
            y = ga.sin(y)
        chains.append(y)
    graph = Graph([x], ga.sum_n(*chains))
    ga.verify(Unrolled().run(graph))


def test_a_wrong_order_is_caught(monkeypatch):
    monkeypatch.setattr(unrolled, "rows_of", lambda x: stacks.rows_of(x[::-1] if x.op.name == "reshape" else x))
    inputs, loss = rnn(8)
    with pytest.raises(RewriteError, match="gathered_terms"):
        ga.compile(inputs, [loss, *ga.grad(loss, inputs)], verify=True)
