"""Passes: exact on random graphs, idempotent, keep names and links; planted wrong passes are caught."""

from dataclasses import dataclass

import numpy as np
import pytest

import graphad as ga
from graphad.ir.text import digest
from graphad.passes.algebra import Algebra
from graphad.passes.base import Pipeline
from graphad.passes.cse import Cse
from graphad.passes.dce import Dce
from graphad.passes.fold import Fold
from graphad.passes.presets import PRESETS
from graphad.rules.engine import rewrite
from graphad.rules.exact import EXACT

UNARY = [
    ga.tanh,
    ga.exp,
    ga.negative,
    ga.square,
    ga.sigmoid,
    ga.sin,
    ga.relu,
    lambda x: x * 1,
    lambda x: x + 0,
    lambda x: ga.negative(-x),
]
BINARY = [
    ga.add,
    ga.subtract,
    ga.multiply,
    ga.maximum,
    lambda x, y: ga.where(x > y, x, y),
    lambda x, y: x / (2 + y * y),
]


def random_graph(seed, size=25):
    """A random DAG over two inputs and constants, with reductions and layout in between, and its gradient."""
    rng = np.random.default_rng(seed)
    x, w = ga.input("x", ("n", 3)), ga.parameter("w", (3,))
    pool = [x, ga.broadcast_to(w, x.shape), ga.full(x.shape, 0.5)]
    for _ in range(size):
        kind = rng.integers(0, 10)
        a, b = (pool[rng.integers(0, len(pool))] for _ in range(2))
        if kind < 4:
            new = UNARY[rng.integers(0, len(UNARY))](ga.tanh(a))
        elif kind < 8:
            new = BINARY[rng.integers(0, len(BINARY))](a, b)
        elif kind == 8:
            new = a - ga.mean(a, axis=1, keepdims=True)
        else:
            new = ga.reshape(ga.reshape(a, -1), x.shape).T.T
        pool.append(new)
    loss = ga.mean(ga.square(pool[-1])) + ga.sum(ga.tanh(pool[-2]))
    return ga.Graph([x, w], [loss, *ga.grad(loss, [x, w])], name=f"random{seed}")


VALUES = [np.random.default_rng(0).standard_normal((4, 3)), np.random.default_rng(1).standard_normal(3)]
PASSES = [Fold(), Algebra(), Cse(), Dce()]


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("p", PASSES, ids=lambda p: p.name)
def test_pass_changes_no_value_and_is_idempotent(p, seed):
    graph = random_graph(seed)
    once = p.run(graph)
    ga.verify(once)
    for a, b in zip(ga.interpret(graph, VALUES), ga.interpret(once, VALUES), strict=True):
        np.testing.assert_array_equal(a, b)
    assert digest(p.run(once)) == digest(once)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("preset", PRESETS)
def test_compiled_random_graph_equals_the_interpreter(seed, preset):
    graph = random_graph(seed)
    f = ga.compile(graph.inputs, graph.outputs, optimize=preset)
    for a, b in zip(f(*VALUES), ga.interpret(graph, VALUES), strict=True):
        if preset == "full":  # its rules may change rounding
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        else:
            np.testing.assert_array_equal(a, b)


def test_random_graph_gradient_against_differences():
    from support import directional

    for seed in range(5):
        graph = random_graph(seed)
        f = ga.compile(graph.inputs, graph.outputs)
        v = [np.random.default_rng(9).standard_normal(a.shape) for a in VALUES]
        _, d_x, d_w = f(*VALUES)
        numeric = directional(lambda *a, f=f: f(*a)[0], VALUES, v)
        assert np.sum(d_x * v[0]) + np.sum(d_w * v[1]) == pytest.approx(float(numeric), rel=1e-6, abs=1e-7)


def nodes_after(make, *shapes):
    inputs = [ga.input(f"x{k}", s) for k, s in enumerate(shapes)]
    return ga.compile(inputs, make(*inputs)).graph


@pytest.mark.parametrize(
    ("make", "op"),
    [
        (lambda x, y: x + 0, "input"),
        (lambda x, y: 0 + x, "input"),
        (lambda x, y: x - 0, "input"),
        (lambda x, y: 0 - x, "negative"),
        (lambda x, y: x * 1, "input"),
        (lambda x, y: x * -1, "negative"),
        (lambda x, y: x / 1, "input"),
        (lambda x, y: x**1, "input"),
        (lambda x, y: ga.negative(-x), "input"),
        (lambda x, y: (-x) * (-y), "multiply"),
        (lambda x, y: (-x) / (-y), "divide"),
        (lambda x, y: x + (-y), "subtract"),
        (lambda x, y: x - (-y), "add"),
        (lambda x, y: ga.sum(-x), "negative"),
        (lambda x, y: ga.where(x > y, x, x), "input"),
        (lambda x, y: ga.where(True, x, y), "input"),
        (lambda x, y: ga.reshape(ga.reshape(x, -1), (3, 4)), "input"),
        (lambda x, y: x.T.T, "input"),
        (lambda x, y: ga.squeeze(ga.expand_dims(x, 0), 0), "input"),
        (lambda x, y: x.astype("float64"), "input"),
        (lambda x, y: ga.stop_gradient(x), "input"),
        (lambda x, y: ga.logical_not(ga.logical_not(x > y)), "greater"),
        (lambda x, y: ga.sum_n(x, ga.zeros_like(x)), "input"),
        (lambda x, y: ga.broadcast_to(ga.broadcast_to(x, (2, 3, 4)), (5, 2, 3, 4)), "broadcast_to"),
    ],
)
def test_each_exact_rule_fires(make, op):
    graph = nodes_after(make, (3, 4), (3, 4))
    assert graph.outputs[0].op.name == op
    assert len(graph.nodes) <= 4


def test_every_rule_says_its_equation():
    for rules in EXACT.values():
        for rule in rules:
            assert rule.__doc__


def test_cse_keeps_draws_apart_and_names_alive():
    a, b = ga.random.standard_normal((3,)), ga.random.standard_normal((3,))
    f = ga.compile([], a - b)
    assert np.all(f(rng=np.random.default_rng(0)) != 0)
    x = ga.input("x", (3,))
    y = ga.exp(x) + 1
    named = ga.exp(x)
    graph = Cse().run(ga.Graph([x], [y, named * 2]))
    assert [n.op.name for n in graph.nodes].count("exp") == 1
    assert "named" in [n.name for n in graph.nodes]


def test_fold_evaluates_constants_and_leaves_large_ones():
    x = ga.input("x", (3,))
    y = x * ga.exp(ga.constant([0.0, 1.0, 2.0])) + ga.sqrt(ga.full((3,), 4.0))
    assert [n.op.name for n in Fold().run(ga.Graph([x], y)).nodes].count("exp") == 0
    big = ga.exp(ga.constant(np.zeros(100_000)))
    assert "exp" in [n.op.name for n in Fold().run(ga.Graph([], [big])).nodes]


def test_named_cotangent_keeps_its_name_through_simplification():
    a, b = ga.input("a"), ga.input("b")
    f = ga.compile([a, b], ga.grad(a * b, [a, b]))
    assert f.source.count("return b.copy(), a.copy()") == 1


def test_report_lists_every_pass():
    x = ga.input("x")
    report = ga.compile([x], x + 0).report()
    assert [s.name for s in report.steps] == [p.name for p in PRESETS["full"]]
    assert "simplify" in str(report)
    assert report.steps[0].before >= report.steps[-1].after


@dataclass(frozen=True)
class ChangesType:
    name: str = "changes_type"

    def run(self, graph):
        return ga.Graph(graph.inputs, [y.astype("float32") for y in graph.outputs], graph.name)


@dataclass(frozen=True)
class ChangesInputs:
    name: str = "changes_inputs"

    def run(self, graph):
        return ga.Graph([*graph.inputs, ga.input("more")], graph.outputs, graph.name)


@pytest.mark.parametrize("p", [ChangesType(), ChangesInputs()], ids=lambda p: p.name)
def test_planted_pass_that_breaks_its_contract_is_named(p):
    x = ga.input("x", (3,))
    with pytest.raises(ga.GraphadError, match=p.name):
        Pipeline((p,)).run(ga.Graph([x], [x * 2]))


def wrong_add(node):
    """x + y = x - y."""
    return ga.subtract(*node.inputs)


def wrong_type(node):
    """x + y = Σ x."""
    return ga.sum(node.inputs[0])


def loops(node):
    """x + y = y + x, for ever."""
    return ga.add(*reversed(node.inputs))


def test_planted_wrong_rewrite_is_caught_by_the_interpreter():
    graph = random_graph(3)
    wrong = rewrite(graph, {ga.add: (wrong_add,)})
    pairs = zip(ga.interpret(graph, VALUES), ga.interpret(wrong, VALUES), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs)


def test_planted_rewrite_of_wrong_type_is_named():
    x = ga.input("x", (3,))
    with pytest.raises(ga.GraphadError, match="wrong_type"):
        rewrite(ga.Graph([x], [x + 1]), {ga.add: (wrong_type,)})


def test_rules_cannot_loop():
    x, y = ga.input("x", (3,)), ga.input("y", (3,))
    graph = rewrite(ga.Graph([x, y], [x + y]), {ga.add: (loops,)})
    np.testing.assert_array_equal(ga.interpret(graph, [np.ones(3), np.ones(3)])[0], 2 * np.ones(3))
