"""`ga.check_grads`: every op passes, planted wrong rules are caught and named, kinks are said and no failures."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from support import all_calls, concrete

import graphad as ga
from graphad.autodiff import reverse
from graphad.errors import ArgumentError
from graphad.ir.core import Constant, Custom, Elementwise, Linear, Multilinear
from graphad.ops import contract, reduce, spectra
from graphad.ops.decompositions import cholesky

CALLS = list(all_calls())
FIRST = {op.name: (op, case, name) for op, case, name in reversed(CALLS)}


def graph_of(call):
    return ga.Graph(call.inputs, [call.result]), dict(zip(call.inputs, call.values, strict=True))


@pytest.mark.parametrize(("op", "case"), [c[:2] for c in CALLS], ids=[c[2] for c in CALLS])
def test_every_rule_is_found_right(op, case):
    graph, values = graph_of(concrete(op, case))
    report = ga.check_grads(graph, values)
    assert report.ok, report
    assert {c.status for c in report.checks} <= {"ok", "stopped"}, report


@pytest.mark.parametrize("name", FIRST)
def test_in_single_precision_too(name):
    op, case, _ = FIRST[name]
    graph, values = graph_of(concrete(op, case, "float32"))
    report = ga.check_grads(graph, values, order=1)
    assert report.ok, report
    assert {c.status for c in report.checks} <= {"ok", "stopped"}, report


# Planted wrong rules ------------------------------------------------------------------------------------------------

x, m, n = (ga.input(name, shape) for name, shape in (("x", (3,)), ("m", (2, 3)), ("n", (3, 2))))
VALUES = {x: [0.5, -0.7, 1.2], m: [[0.5, 1.5, -1.0], [2.0, 0.3, 0.9]], n: [[0.5, 1.5], [2.0, 0.3], [1.0, -0.4]]}
WRONG_SQUARE = replace(ga.square, derivative=Elementwise(lambda x, out: (x,)))


def elementwise(op, partials):
    return replace(op, derivative=Elementwise(partials))


WRONG = {
    "sign": elementwise(ga.sin, lambda x, out: (-ga.cos(x),)),
    "factor": WRONG_SQUARE,
    "missing inner": elementwise(ga.tanh, lambda x, out: (1 - ga.square(x),)),
    "nearly right": elementwise(ga.exp, lambda x, out: (out * (1 + 1e-4),)),
    "wrong where negative": elementwise(ga.sin, lambda x, out: (ga.where(x > 0, ga.cos(x), 0.0),)),
    "not differentiated": replace(ga.tanh, derivative=Constant()),
    "nan": elementwise(ga.exp, lambda x, out: (out * np.nan,)),
    "another shape": replace(ga.tanh, derivative=Custom(lambda g, out, x: (ga.sum(g),))),
    "raises": elementwise(ga.tanh, lambda x, out: (out.nothing,)),
    "vjp alone": replace(ga.exp, derivative=Custom(lambda g, out, x: (g * x,), lambda t, out, x: t[0] * out)),
    "jvp alone": replace(ga.exp, derivative=Custom(lambda g, out, x: (g * out,), lambda t, out, x: t[0] * (out + 1))),
    "second: held fixed": elementwise(ga.tanh, lambda x, out: (1 - ga.square(ga.stop_gradient(out)),)),
    "second: of the jvp": replace(
        ga.exp,
        derivative=Custom(lambda g, out, x: (g * out,), lambda t, out, x: t[0] * ga.stop_gradient(out)),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_named_with_the_line(name):
    y = WRONG[name](x)
    graph = ga.Graph([x], [ga.sum(ga.cos(y / 3))])
    report = ga.check_grads(graph, VALUES_OF_X)
    assert not report.ok
    assert report.faulty == (WRONG[name].name,)
    (check,) = [c for c in report.failures if c.node is not None]
    assert check.node is y
    assert check.source == "y = WRONG[name](x)"
    assert check.location.startswith("test_check_grads.py:")
    assert ("second derivative" in check.note) == name.startswith("second")
    assert f"wrong  {check.rule}" in str(report)


VALUES_OF_X = {"x": VALUES[x]}


@pytest.mark.parametrize("name", [k for k in WRONG if k.startswith("second")])
def test_what_is_wrong_in_the_second_derivative_alone_is_right_in_the_first(name):
    graph = ga.Graph([x], [WRONG[name](x)])
    assert ga.check_grads(graph, VALUES_OF_X, order=1).ok
    assert not ga.check_grads(graph, VALUES_OF_X, order=2).ok


def test_third_derivatives_are_checked_when_asked_for():
    cube = elementwise(ga.square, lambda x, out: (2 * x + 0 * ga.stop_gradient(x) * x * x,))
    wrong = elementwise(
        ga.exp, lambda x, out: (ga.exp(ga.stop_gradient(x)) * (1 + (d := x - ga.stop_gradient(x)) + d * d),)
    )
    assert ga.check_grads(ga.Graph([x], [cube(x)]), VALUES_OF_X, order=3).ok
    graph = ga.Graph([x], [wrong(x)])  # d²/2 would be right
    assert ga.check_grads(graph, VALUES_OF_X, order=2).ok
    assert ga.check_grads(graph, VALUES_OF_X, order=3).faulty == ("exp",)


OPERANDS = {
    "both": (replace(ga.multiply, derivative=Multilinear(lambda g, x, y: (g * x, g * y))), (x, ga.exp(x)), {"x", "y"}),
    "forgotten": (replace(ga.add, derivative=Linear(lambda g, x, y: (g, None))), (x, ga.exp(x)), {"y"}),
    "one use": (replace(ga.subtract, derivative=Linear(lambda g, x, y: (g, g))), (x, x), {"y"}),
    "exponent": (elementwise(ga.power, lambda x, y, out: (y * x ** (y - 1), out)), (ga.exp(x), x), {"y"}),
    "matrix": (
        replace(
            contract.matmul, derivative=Multilinear(lambda g, x, y: (g @ ga.transpose(y), ga.transpose(x) @ g * 2))
        ),
        (m, n),
        {"y"},
    ),
}


@pytest.mark.parametrize("name", OPERANDS)
def test_the_wrong_operand_is_named(name):
    op, operands, wrong = OPERANDS[name]
    graph = ga.Graph([x, m, n], [ga.sum(op(*operands) ** 2)])
    (check,) = [c for c in ga.check_grads(graph, VALUES).failures if c.node is not None]
    assert check.rule == op.name
    assert {o for o in "xy" if f"operand {o}" in check.note} == wrong


ARRAYS = {
    "not transposed": replace(ga.transpose, derivative=Linear(lambda g, x, axes: (ga.reshape(g, x.shape),))),
    "mean without count": replace(
        reduce.mean, derivative=Linear(lambda g, x, axis, dtype, keepdims: (ga.broadcast_to(g, x.shape),))
    ),
    "max to all": replace(
        reduce.max, derivative=Custom(lambda g, out, x, axis, keepdims: (ga.broadcast_to(g, x.shape),))
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_rules_of_arrays(name):
    op = ARRAYS[name]
    report = ga.check_grads(ga.Graph([m], [op(m)]), {"m": VALUES[m]})
    assert report.faulty == (op.name,)


def test_a_wrong_rule_that_only_a_derivative_uses_is_named():
    tanh = elementwise(ga.tanh, lambda x, out: (1 - WRONG_SQUARE(out),))
    y = tanh(x)
    report = ga.check_grads(ga.Graph([x], [ga.sum(y)]), VALUES_OF_X)
    assert report.faulty == ("square",)
    assert "the derivative of tanh uses square" in report.of("y").note


def test_values_decide_whether_a_partly_wrong_rule_is_seen():
    graph = ga.Graph([x], [WRONG["wrong where negative"](x)])
    assert ga.check_grads(graph, {"x": [0.5, 0.7, 1.2]}).ok
    assert not ga.check_grads(graph, {"x": [0.5, 0.7, -1.2]}).ok


def test_each_node_is_looked_at_where_it_stands():
    sin = WRONG["wrong where negative"]
    fine = sin(x)
    bad = sin(x - 10)
    report = ga.check_grads(ga.Graph([x], [fine + bad]), {"x": [0.5, 0.7, 1.2]})
    assert report.of("fine").status == "ok"
    assert report.of("bad").status == "wrong"


def test_single_precision_does_not_hide_small_mistakes():
    y = ga.input("y", (3,), "float32")
    report = ga.check_grads(ga.Graph([y], [WRONG["nearly right"](y)]), {"y": np.float32([0.5, -1, 2])})
    assert report.faulty == ("exp",)


def test_complex_rules():
    z = ga.input("z", (3,), "complex128")
    at = {"z": [1 + 2j, -0.5j, 0.3 + 0.1j]}
    conjugated = elementwise(ga.exp, lambda x, out: (ga.conj(out),))
    assert ga.check_grads(ga.Graph([z], [ga.sum(ga.abs(ga.exp(z) * z) ** 2)]), at).ok
    assert ga.check_grads(ga.Graph([z], [conjugated(z)]), at).faulty == ("exp",)


def test_symmetric_matrices():
    a = ga.input("a", (3, 3))
    spd = a @ a.T + 2 * ga.eye(3)
    at = {"a": np.random.default_rng(0).standard_normal((3, 3))}
    good = ga.Graph([a], [ga.sum(ga.linalg.cholesky(spd)) + ga.sum(ga.linalg.eigvalsh(spd) ** 2)])
    assert ga.check_grads(good, at).ok
    wrong = replace(cholesky, derivative=Custom(lambda g, out, a: (ga.tril(g),)))
    assert ga.check_grads(ga.Graph([a], [wrong(spd)]), at).faulty == ("cholesky",)
    direct = ga.Graph([a], [spectra.eigvalsh(a)])
    assert ga.check_grads(direct, {"a": at["a"] @ at["a"].T}).ok


def test_loops_are_looked_into():
    W = ga.parameter("W", (2, 2))
    rows = ga.input("rows", (4, 2))
    for activation, faulty in ((ga.tanh, ()), (WRONG["missing inner"], ("scan", "tanh"))):
        last, _ = ga.scan(lambda h, r, f=activation: (h_ := f(h @ W + r), h_), ga.zeros((2,)), rows)
        report = ga.check_grads(ga.Graph([rows, W], [ga.sum(last**2)]), seed=3)
        assert set(report.faulty) == set(faulty), report


def test_a_mistake_outside_of_the_rules_is_seen_in_the_whole(monkeypatch):
    graph = ga.Graph([x], [ga.sum(ga.sin(x) * x)])
    monkeypatch.setattr(reverse, "_add_up", lambda node, contributions, born: contributions[0][0])
    report = ga.check_grads(graph, VALUES_OF_X)
    assert report.faulty == ()
    (whole,) = report.failures
    assert "reverse mode" in whole.note
    assert "each rule is right by itself" in whole.note


# What is no failure -------------------------------------------------------------------------------------------------

POINTS = {
    "relu at 0": (lambda x: ga.nn.relu(x), [0.0, 1.0, -1.0], "kink", "1 of 3"),
    "abs at 0": (lambda x: ga.abs(x), [0.0, 1.0, 0.0], "kink", "2 of 3"),
    "ties": (lambda x: ga.max(x), [2.0, 2.0, 1.0], "kink", "kink"),
    "floor at a whole number": (lambda x: ga.floor(x), [2.0, 1.5, 0.1], "kink", "1 of 3"),
    "norm of zeros": (lambda x: ga.linalg.norm(x), [0.0, 0.0, 0.0], "kink", "kink"),
    "sqrt at 0": (lambda x: ga.sqrt(x), [0.0, 1.0, 4.0], "edge", "1 of 3"),
    "log outside": (lambda x: ga.log(x), [-1.0, 1.0, 4.0], "edge", "1 of 3"),
    "overflow": (lambda x: ga.exp(x), [800.0, 1.0, 4.0], "edge", "1 of 3"),
    "x|x| at 0": (lambda x: x * ga.abs(x), [0.0, 1.0, 4.0], "kink", "1 of 3"),
}


@pytest.mark.parametrize("name", POINTS)
def test_points_without_a_derivative_are_said(name):
    f, values, status, words = POINTS[name]
    report = ga.check_grads(ga.Graph([x], [f(x)]), {"x": values})
    assert report.ok
    found = [c for c in report.nodes if c.status == status]
    assert found, report
    assert words in found[0].note
    assert status in str(report)


@pytest.mark.parametrize("name", ["relu at 0", "sqrt at 0", "floor at a whole number"])
def test_the_other_elements_are_compared_all_the_same(name):
    f, values, _, _ = POINTS[name]
    op = f(x).op
    wrong = elementwise(op, lambda x, out: (out * 0 + 0.3,))
    assert ga.check_grads(ga.Graph([x], [wrong(x)]), {"x": values}).faulty == (op.name,)


@pytest.mark.parametrize(
    "values", [[1e-12, 1.0, 2.0], [1e300, 1.0, 1e-3], [1e-5, 1e5, 1.0], [1e-100, 1e-50, 1.0]], ids=str
)
def test_steps_fit_the_elements(values):
    assert {c.status for c in ga.check_grads(ga.Graph([x], [ga.log(x)]), {"x": values}).checks} == {"ok"}


def test_stopped_gradients_and_draws_stay_as_they_are():
    noise = ga.random.standard_normal((3,))
    loss = ga.sum(ga.stop_gradient(x) * x * noise)
    report = ga.check_grads(ga.Graph([x], [loss, ga.grad(loss, x)]), VALUES_OF_X)
    assert report.ok
    assert report.whole.status == "ok"
    assert [c.rule for c in report.nodes if c.status == "stopped"] == ["stop_gradient"]


def test_integers_and_ops_without_derivative():
    k = ga.input("k", (3,), "int64")
    assert ga.check_grads(ga.Graph([k], [k + 1])).nodes == ()
    assert "nothing to differentiate" in str(ga.check_grads(ga.Graph([k], [k + 1])))
    table = ga.input("table", (5, 2))
    assert ga.check_grads(ga.Graph([table, k], [ga.sum(table[k] ** 2)])).ok


def test_gradient_graphs_and_functions():
    W = ga.parameter("W", (3, 4))
    data = ga.input("data", ("batch", 3))
    loss = ga.mean(ga.nn.softplus(data @ W) ** 2)
    graph = ga.Graph([data, W], [loss, ga.grad(loss, W)])
    assert ga.check_grads(graph, sizes={"batch": 5}).ok
    step = ga.compile([data, W], loss, updates={W: W - ga.grad(loss, W)})
    assert {c.status for c in ga.check_grads(step).checks} == {"ok"}


def test_many_nodes_of_a_kind_are_sampled():
    y = x
    for _ in range(80):
        y = ga.tanh(y)
    report = ga.check_grads(ga.Graph([x], [y]), VALUES_OF_X, order=1)
    assert (len(report.nodes), report.left) == (25, 55)
    assert "55 more of the same kinds" in str(report)


# The report ---------------------------------------------------------------------------------------------------------


def test_it_prints_in_a_terminal_and_without():
    report = ga.check_grads(ga.Graph([x], [WRONG["factor"](x)]), VALUES_OF_X)
    console = Console(record=True, width=120, file=io.StringIO())
    with console.file:
        console.print(report)
        text = console.export_text()
    assert "square" in text
    assert "wrong" in text
    assert text.isascii()
    assert "test_check_grads.py" in str(report)


def test_the_same_seed_gives_the_same_report():
    graph = ga.Graph([x], [ga.sum(ga.sin(x) ** 2)])
    a, b = (ga.check_grads(graph, seed=4) for _ in range(2))
    assert [c.error for c in a.checks] == [c.error for c in b.checks]
    assert str(a) == str(b)


def test_bad_arguments():
    graph = ga.Graph([x], [ga.sin(x)])
    with pytest.raises(ArgumentError, match="order=0"):
        ga.check_grads(graph, order=0)
    with pytest.raises(ArgumentError, match="no input 'w'"):
        ga.check_grads(graph, {"w": 1.0})
    with pytest.raises(ArgumentError, match="'n' is no named size"):
        ga.check_grads(graph, sizes={"n": 3})
    with pytest.raises(KeyError):
        ga.check_grads(graph).of("nothing")


def test_what_is_no_graph_and_no_tolerance_is_said():
    x = ga.input("x")
    for graph in (3, ga.sin(x), None):
        with pytest.raises(ArgumentError, match="is no graph"):
            ga.check_grads(graph)
        with pytest.raises(ArgumentError, match="is no graph"):
            ga.trace_table(graph, {})
    for rtol in (-1, 0, float("nan"), "a"):
        with pytest.raises(ArgumentError, match="is no tolerance"):
            ga.check_grads(ga.Graph([x], [ga.sin(x)]), rtol=rtol)
