"""All rules together on random graphs: values agree, rewriting ends, and once is enough."""

import numpy as np
import pytest

import graphad as ga
from graphad.ir.text import digest
from graphad.passes.algebra import ALL, CLOSE, EXACT
from graphad.passes.cse import Cse
from graphad.passes.fold import Fold
from graphad.passes.presets import PRESETS, pipeline
from graphad.rules.engine import rewrite, watching

UNARY = [
    ga.exp,
    ga.tanh,
    ga.sin,
    ga.cos,
    ga.square,
    ga.abs,
    ga.sqrt,
    ga.negative,
    ga.relu,
    ga.floor,
    ga.log1p,
    lambda x: x + 0,
    lambda x: x * 2,
    lambda x: 3 - x,
    lambda x: x / 4,
    lambda x: x**3,
    lambda x: 0 * x,
    lambda x: x[::-1],
    lambda x: ga.concatenate([x[:2], x[2:]]),
    lambda x: ga.stack([x, x])[1],
    lambda x: ga.pad(x, ((1, 1), (0, 0)))[1:5],
    lambda x: x.T.reshape(-1).reshape(3, 4).T,
    lambda x: ga.diag(x[0]) @ ga.ones((3, 1)) + x[:3, :1] * 0 + x[1:, 0:1].sum() * ga.ones((3, 1)) @ ga.ones((1, 1)),
    lambda x: x - ga.mean(x, axis=0, keepdims=True),
    lambda x: ga.broadcast_to(ga.sum(2 * x, axis=0), (4, 3)),
    lambda x: x @ x.T @ x,
    lambda x: (x @ x.T)[:, :3],
    lambda x: ga.exp(x)[1:3],
    lambda x: ga.maximum(ga.maximum(x, 0.1), 0.2),
    lambda x: ga.clip(x, -1, 1),
    lambda x: ga.max(ga.max(x, axis=0, keepdims=True), axis=1, keepdims=True),
]
BINARY = [
    ga.add,
    ga.subtract,
    ga.multiply,
    ga.maximum,
    lambda x, y: x / (1 + y * y),
    lambda x, y: ga.where(x > y, x, 0),
    lambda x, y: ga.where(x > 0, x, y) + ga.where(x > 0, y, x),
    lambda x, y: x * y + x * x,
    lambda x, y: x + y - x,
    lambda x, y: ga.exp(ga.tanh(x)) * ga.exp(ga.tanh(y)),
    lambda x, y: x * y / (1 + ga.abs(y)),
    lambda x, y: x @ ga.ones((3, 2)) @ ga.ones((2, 3)) - y,
]


def random_graph(seed, size=14):
    """A random DAG of what rules look for, and its gradient; values stay moderate."""
    rng = np.random.default_rng(seed)
    x, w = ga.input("x", (4, 3)), ga.parameter("w", (4, 3))
    pool = [x, w, x * w]
    for _ in range(size):
        a, b = (ga.tanh(pool[rng.integers(0, len(pool))]) for _ in range(2))
        f = [UNARY, BINARY][rng.integers(0, 2)]
        f = f[rng.integers(0, len(f))]
        new = f(a) if f in UNARY else f(a, b)
        pool.append(ga.broadcast_to(ga.mean(new), (4, 3)) if new.shape != (4, 3) else new)
    loss = ga.sum(ga.square(pool[-1] + pool[-2])) + ga.sum(pool[-3] * w)
    return ga.Graph([x, w], [loss, pool[-1], *ga.grad(loss, [x, w])])


def given(seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((4, 3)) for _ in range(2)]


def assert_close(before, after, seed, rtol):
    with np.errstate(all="ignore"):
        pairs = list(zip(ga.interpret(before, given(seed)), ga.interpret(after, given(seed)), strict=True))
    for a, b in pairs:
        known = np.isfinite(a)  # what was nan may become a number
        assert np.all(np.isfinite(b[known]))
        np.testing.assert_allclose(b[known], a[known], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("seed", range(60))
def test_exact_rules_keep_every_bit(seed):
    graph = random_graph(seed)
    after = rewrite(graph, EXACT)
    ga.verify(after)
    with np.errstate(all="ignore"):
        for a, b in zip(ga.interpret(graph, given(seed)), ga.interpret(after, given(seed)), strict=True):
            np.testing.assert_array_equal(a, b)
    assert digest(rewrite(after, EXACT)) == digest(after)


@pytest.mark.parametrize("seed", range(60))
def test_all_rules_keep_values_and_come_to_an_end(seed):
    graph = Cse().run(Fold().run(random_graph(seed)))
    count = []
    with watching(lambda *args: count.append(args)):
        after = rewrite(graph, ALL)
    ga.verify(after)
    assert len(count) < 10 * len(graph.nodes)
    assert_close(graph, after, seed, 1e-8)


@pytest.mark.parametrize("seed", range(40))
def test_a_second_run_of_the_pipeline_finds_next_to_nothing(seed):
    once, first = pipeline("full").run(random_graph(seed))
    twice, second = pipeline("full").run(once)
    third, _ = pipeline("full").run(twice)
    assert len(twice.nodes) <= len(once.nodes)
    fired = [sum(sum(step.fired.values()) for step in report.steps) for report in (first, second)]
    assert fired[1] <= 0.1 * fired[0] + 2
    assert len(third.nodes) == len(twice.nodes)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("preset", PRESETS)
def test_compiled_graph_agrees_with_the_interpreter(seed, preset):
    graph = random_graph(seed)
    f = ga.compile(graph.inputs, graph.outputs, optimize=preset)
    with np.errstate(all="ignore"):
        for a, b in zip(f(*given(seed)), ga.interpret(graph, given(seed)), strict=True):
            if preset == "full":
                known = np.isfinite(b)
                np.testing.assert_allclose(a[known], b[known], rtol=1e-8, atol=1e-8)
            else:
                np.testing.assert_array_equal(a, b)


def test_no_rule_is_exact_and_close():
    exact = {r for rules in EXACT.values() for r in rules}
    assert not exact & {r for rules in CLOSE.values() for r in rules}


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int32"])
def test_dtypes_stay(dtype):
    x, y = ga.input("x", (3,), dtype), ga.input("y", (3,), dtype)
    for made in [x * 2 * 3, x + x + x, x * y + x * y * 2, x - x, 0 * x, x + y - x, (x + y)[0], ga.sum(x * y)]:
        assert ga.compile([x, y], made).graph.outputs[0].type == made.type


@pytest.mark.parametrize("count", [200, 400])
def test_rules_take_time_in_proportion(count):
    """Counted in rules that applied, not in seconds."""
    x = ga.input("x", (3,))
    y = x
    for k in range(count):
        y = y * 1.5 + x / (k + 2)
    fired = []
    with watching(lambda *args: fired.append(args)):
        rewrite(ga.Graph([x], y), ALL)
    assert len(fired) <= 3 * count
