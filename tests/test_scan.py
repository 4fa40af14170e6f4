"""`ga.scan` equals the loop written out: values, gradients of two orders, in every style; source does not grow."""

import runpy
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, GraphError, RewriteError, ShapeError
from graphad.lower.interpret import interpret
from graphad.passes import moves
from graphad.passes.loops import Loops
from graphad.passes.presets import FULL

B, N, M = 3, 4, 5
W, U, b = ga.parameter("W", (N, M)), ga.parameter("U", (M, M)), ga.parameter("b", (M,))
h0 = ga.input("h0", (B, M))
Wz, Uz, bz = ga.parameter("Wz", (N, 4 * M)), ga.parameter("Uz", (M, 4 * M)), ga.parameter("bz", (4 * M,))


def cell(h, x):
    h = ga.tanh(x @ W + h @ U + b)
    return h, h


def lstm(state, x):
    z = x @ Wz + state["h"] @ Uz + bz
    i, f, g, o = (z[:, k * M : (k + 1) * M] for k in range(4))
    c = ga.sigmoid(f) * state["c"] + ga.sigmoid(i) * ga.tanh(g)
    h = ga.sigmoid(o) * ga.tanh(c)
    return {"h": h, "c": c}, (h, ga.sum(c, axis=1))


def growth(state, x):
    """An integer counter, a carry without axes, an element that is read twice."""
    count, total = state
    total = total * 0.9 + ga.sum(x * x) / (1.0 + ga.astype(count, "float64"))
    return (count + 1, total), ga.sin(x) * total


def unrolled(step, init, xs, reverse):
    """The same by a Python loop over an axis of known length."""
    carry, ys = init, []
    order = range(xs.shape[0])
    for t in reversed(order) if reverse else order:
        carry, y = step(carry, xs[t])
        ys.append(y)
    ys = ys[::-1] if reverse else ys
    if isinstance(ys[0], tuple):
        return carry, tuple(ga.stack(list(column)) for column in zip(*ys, strict=True))
    return carry, ga.stack(ys)


def leaves(value):
    if isinstance(value, ga.Node):
        return [value]
    return [x for v in (value.values() if isinstance(value, dict) else value) for x in leaves(v)]


CASES = {
    "rnn": (cell, lambda: h0, [W, U, b, h0]),
    "lstm": (lstm, lambda: {"h": h0, "c": ga.zeros((B, M))}, [Wz, Uz, bz, h0]),
    "counter": (growth, lambda: (ga.asarray(0), ga.sum(b)), [b]),
}


def outputs_of(results, wrt):
    """A scalar of all results, its gradient, and the gradient of a function of that."""
    values = [v for v in leaves(results) if v.dtype.kind == "f"]
    loss = ga.sum_n(*[ga.sum(ga.sin(v) * (k + 1)) for k, v in enumerate(values)])
    first = ga.grad(loss, wrt)
    second = ga.grad(ga.sum_n(*[ga.sum(ga.sin(g)) for g in first]), wrt)
    return [loss, *first, *second, *leaves(results)]


def programs(name, turns_, reverse):
    step, init, parameters = CASES[name]
    named, fixed = ga.input("X", ("T", B, N)), ga.input("X", (turns_, B, N))
    loop = outputs_of(ga.scan(step, init(), named, reverse=reverse), [*parameters, named])
    plain = outputs_of(unrolled(step, init(), fixed, reverse), [*parameters, fixed])
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((turns_, B, N)), *(rng.standard_normal(p.shape) for p in parameters)]
    return ([named, *parameters], loop), ([fixed, *parameters], plain), values


def close(found, expected):
    for a, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("turns_", [1, 4])
@pytest.mark.parametrize("name", CASES)
def test_a_scan_is_the_loop_written_out(name, turns_, reverse):
    (inputs, loop), (fixed, plain), values = programs(name, turns_, reverse)
    expected = interpret(ga.Graph(fixed, plain), values)
    close(interpret(ga.Graph(inputs, loop), values), expected)
    for options in ({}, {"style": "readable"}, {"optimize": "none"}, {"optimize": "basic"}):
        close(ga.compile(inputs, loop, **options)(*values), expected)


@pytest.mark.parametrize("name", CASES)
def test_a_loop_of_no_turns(name):
    step, init, parameters = CASES[name]
    X = ga.input("X", ("T", B, N))
    carry, ys = ga.scan(step, init(), X)
    f = ga.compile([X, *parameters], [*leaves(carry), *leaves(ys), ga.grad(ga.sum(leaves(carry)[-1]), parameters[-1])])
    values = [np.ones(p.shape) for p in parameters]
    results = f(np.empty((0, B, N)), *values)
    assert all(len(y) == 0 for y in results[len(leaves(carry)) : -1])
    for k, r in enumerate(results):
        assert not any(np.shares_memory(r, other) for other in [*values, *results[:k]])


def test_the_gradient_along_a_direction():
    X, v = ga.input("X", ("T", B, N)), ga.input("v", (M, M))
    loss = ga.sum(ga.scan(cell, h0, X)[1] ** 2)
    f = ga.compile([X, W, U, b, h0, v], [ga.jvp(loss, U, v), ga.sum(ga.grad(loss, U) * v), ga.hvp(loss, U, v)])
    rng = np.random.default_rng(1)
    values = [rng.standard_normal(s) for s in ((6, B, N), (N, M), (M, M), (M,), (B, M), (M, M))]
    along, product, curvature = f(*values)
    assert along == pytest.approx(product, rel=1e-12)
    g = ga.compile([X, W, U, b, h0], ga.grad(loss, U))
    up, down = (g(*values[:2], values[2] + s * 1e-6 * values[5], *values[3:5]) for s in (1, -1))
    np.testing.assert_allclose(curvature, (up - down) / 2e-6, rtol=1e-5, atol=1e-6)


class Pair(NamedTuple):
    count: ga.Node
    value: ga.Node


def test_small_integers_and_named_fields():
    x = ga.input("x", ("T",), "int32")
    start = Pair(ga.zeros((), dtype="int32"), ga.ones(()))
    last, _ = ga.scan(lambda s, v: (Pair(s.count + v, s.value * 2), None), start, x)
    assert isinstance(last, Pair)
    count, value = ga.compile([x], [last.count, last.value])(np.arange(5, dtype=np.int32))
    assert (count.dtype, int(count), float(value)) == (np.int32, 10, 32.0)


@pytest.mark.parametrize("read", ["before", "after", "both", "twice"])
def test_a_running_sum_that_is_read_stays_in_the_loop(read):
    x, w = ga.input("x", ("T", 3)), ga.parameter("w", (3,))

    def step(total, v):
        after = total + ga.exp(v * w)
        given = {"before": total, "after": after, "both": (total, after), "twice": after * after}[read]
        return after, (given, ga.exp(v * w))

    last, ys = ga.scan(step, ga.zeros((3,)), x)
    loss = ga.sum(last) + ga.sum_n(*[ga.sum(ga.sin(y)) for y in leaves(ys)])
    f = ga.compile([x, w], [loss, ga.grad(loss, w)])
    values = [np.random.default_rng(0).standard_normal(s) for s in ((5, 3), (3,))]
    close(f(*values), interpret(f.declared, values))


def test_the_policy_for_singular_points_holds_inside():
    x = ga.input("x", ("T",))
    total, _ = ga.scan(lambda s, v: (s + ga.sqrt(v), None), ga.zeros(()), x)
    values = np.array([0.0, 4.0])
    assert ga.compile([x], ga.grad(total, x))(values).tolist() == [0.0, 0.25]
    with np.errstate(divide="ignore"):
        assert ga.compile([x], ga.grad(total, x, singular="nan"))(values).tolist() == [np.inf, 0.25]
    with pytest.raises(FloatingPointError, match="sqrt"):
        ga.compile([x], ga.grad(total, x, singular="raise"))(values)


def test_without_arrays_there_is_a_length():
    x = ga.input("x")
    root, _ = ga.scan(lambda r, _: (0.5 * (r + x / r), None), ga.ones(()), length=6)
    f = ga.compile([x], [root, ga.grad(root, x)])
    value, slope = f(2.0)
    assert value == pytest.approx(2**0.5, rel=1e-12)
    assert slope == pytest.approx(0.5 / 2**0.5, rel=1e-9)


def test_a_scan_in_a_scan():
    A = ga.input("A", ("n", "m"))

    def row(total, r):
        inner, partial = ga.scan(lambda s, x: (s * 0.5 + ga.sin(x) * total, s), total, r)
        return inner, ga.sum(partial)

    end, sums = ga.scan(row, ga.ones(()), A)
    f = ga.compile([A], [end, sums, ga.grad(end + ga.sum(sums), A)])
    values = np.random.default_rng(0).standard_normal((3, 4))
    total, expected = 1.0, []
    for r in values:
        s, partial = total, 0.0
        for x in r:
            partial += s
            s = s * 0.5 + np.sin(x) * total
        expected.append(partial)
        total = s
    found = f(values)
    assert found[0] == pytest.approx(total)
    np.testing.assert_allclose(found[1], expected)
    numeric = np.zeros_like(values)
    for at in np.ndindex(*values.shape):
        for sign in (1, -1):
            moved = values.copy()
            moved[at] += sign * 1e-6
            end, sums, _ = f(moved)
            numeric[at] += sign * (end + sums.sum()) / 2e-6
    np.testing.assert_allclose(found[2], numeric, rtol=1e-6, atol=1e-8)


def rnn_step(options=None):
    X = ga.input("X", ("T", B, N))
    _, hs = ga.scan(cell, h0, X)
    loss = ga.mean(hs**2)
    return ga.compile([X, W, U, b, h0], [loss, *ga.grad(loss, [W, U, b])], name="rnn", **(options or {}))


def test_large_arrays_use_buffers_and_loops_over_tiles():
    x, w = ga.input("x", (20, 400, 300)), ga.parameter("w", (300,))
    state, _ = ga.scan(lambda s, v: (ga.tanh(s * w + ga.exp(-v * v)) * 0.5 + s, None), ga.zeros((400, 300)), x)
    others = [ga.sum(ga.sin(x * k)) for k in range(4)]
    loss = ga.sum_n(ga.sum(state**2), *others)
    f = ga.compile([x, w], [loss, *ga.grad(loss, [w, x])])
    assert "_arrays" in f.source
    values = [np.random.default_rng(0).standard_normal(s) for s in ((20, 400, 300), (300,))]
    expected = interpret(f.declared, values)
    close(f(*values), expected)
    close(f(*values), expected)


def test_the_source_is_a_python_loop_that_does_not_grow():
    source = rnn_step({"style": "readable"}).source
    assert "for k in range(T):" in source
    assert "for k_2 in reversed(range(T)):" in source
    turn = source[source.index("def cell_backward") : source.index("def rnn")]
    assert "tanh" not in turn, "the forward values are kept"
    assert turn.count("@") == 1, "gradients of weights are gathered after the loop"
    assert len(rnn_step().source) < 6_000


def test_each_move_alone_changes_nothing(monkeypatch):
    (inputs, loop), (fixed, plain), values = programs("lstm", 4, False)
    expected = interpret(ga.Graph(fixed, plain), values)
    close(ga.compile(inputs, loop, optimize=[Loops()])(*values), expected)
    close(ga.compile(inputs, loop, optimize=[Loops(moves=True)])(*values), expected)
    close(ga.compile(inputs, loop, optimize=[*FULL, Loops(FULL)])(*values), expected)


def test_a_wrong_move_is_found(monkeypatch):
    (inputs, loop), (fixed, plain), values = programs("rnn", 4, False)
    expected = interpret(ga.Graph(fixed, plain), values)
    ga.compile(inputs, loop, verify=True)
    right = moves._rows
    monkeypatch.setattr(moves, "_rows", lambda stack: ga.flip(right(stack), axis=0))
    with pytest.raises(AssertionError):
        close(ga.compile(inputs, loop)(*values), expected)
    with pytest.raises(RewriteError, match="smaller_loop"):
        ga.compile(inputs, loop, verify=True)


def test_it_is_saved_drawn_exported_and_explained(tmp_path):
    f = rnn_step()
    graph = f.declared
    text = tmp_path / "rnn.json"
    graph.save(text)
    again = ga.load(text)
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(s) for s in ((6, B, N), (N, M), (M, M), (M,), (B, M))]
    for x, y in zip(interpret(graph, values), interpret(again, values), strict=True):
        np.testing.assert_array_equal(x, y)
    assert "scan" in graph.draw().source
    assert "scan" in str(graph)
    assert graph.to_networkx().number_of_nodes() == len(graph.nodes)
    for style in ("readable", "fast"):
        module = tmp_path / f"{style}.py"
        f.export(module, style=style)
        subprocess.run([sys.executable, "-I", str(module), "--self-check"], check=True, capture_output=True)
        found = runpy.run_path(str(module))["rnn"](*values)
        close(found, interpret(graph, values))
    assert "peak" in str(f.report())
    assert "cell" in str(f.profile(*values))
    assert f(*values, rng=None)[0] == pytest.approx(float(interpret(graph, values)[0]))


def test_lines_inside_lead_back_to_the_user():
    f = rnn_step({"check_nan": "blame"})
    values = [np.full((6, B, N), np.nan), np.ones((N, M)), np.ones((M, M)), np.ones(M), np.ones((B, M))]
    with pytest.raises(ga.GraphadError, match=r"test_scan\.py"):
        f(*values)
    places = {n.origin.location for n in f.lines.values()}
    assert any(p.startswith("test_scan.py") for p in places)


def test_errors_speak_of_the_step():
    X = ga.input("X", ("T", B, N))
    with pytest.raises(ArgumentError, match="pair"):
        ga.scan(lambda h, x: h, h0, X)
    with pytest.raises(ShapeError, match=r"enters the step as .* and leaves it as"):
        ga.scan(lambda h, x: (ga.sum(h, axis=1), None), h0, X)
    with pytest.raises(ShapeError, match="along its first axis"):
        ga.scan(lambda h, x: (h, None), h0, {"a": X, "b": ga.input("Y", ("S", 2))})
    with pytest.raises(ArgumentError, match="how many"):
        ga.scan(lambda h, x: (h, None), h0)
    with pytest.raises(ArgumentError, match=r"the carry is \(node, node\) before the step and node after it"):
        ga.scan(lambda h, x: (h[0], None), (h0, h0), X)
    with pytest.raises(GraphError, match="draw"):
        ga.scan(lambda h, x: (h + ga.random.normal(shape=(B, M)), None), h0, X)


@pytest.mark.parametrize("order", ["last", "first"])
def test_a_turn_multiplies_once_and_adds_no_bias(order):
    """x @ W + b for all turns before the loop, d_x = delta @ Wᵀ for all turns after it."""
    x, h0 = ga.input("x", ("T", "batch", 3)), ga.input("h0", ("batch", 4))
    W, U, b = ga.parameter("W", (3, 4)), ga.parameter("U", (4, 4)), ga.parameter("b", (4,))

    def cell(h, e):
        z = e @ W + h @ U + b if order == "last" else e @ W + b + h @ U
        return ga.tanh(z), ga.tanh(z)

    _, hs = ga.scan(cell, h0, x)
    loss = ga.mean(hs**2)
    outputs = [loss, *ga.grad(loss, [x, h0, W, U, b])]
    f = ga.compile([x, h0, W, U, b], outputs)
    bodies = [s.graph for s in f.program.bodies.values()]
    assert [sum(n.op.name == "matmul" for n in body.nodes) for body in bodies] == [1, 1]
    assert sum(n.op.name == "add" for n in bodies[0].nodes) == 1
    rng = np.random.default_rng(0)
    values = [rng.normal(size=s) for s in ((5, 2, 3), (2, 4), (3, 4), (4, 4), (4,))]
    exact = ga.compile([x, h0, W, U, b], outputs, optimize="none")
    for got, expected in zip(f(*values), exact(*values), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
