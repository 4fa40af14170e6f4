"""Predicted memory: a formula in the named sizes, within 5 % of what tracemalloc sees during the first call."""

import gc
import sys
import tracemalloc
from pathlib import Path

import deep_programs as deep
import numpy as np
import pytest

import graphad as ga
from graphad.ir.dims import evaluate
from graphad.lower.fast import printer
from graphad.lower.fast.peak import program_peak, workspace_bytes

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # benchmarks/ is no part of the package

from benchmarks.catalog import WORKLOADS
from benchmarks.systems.graphad_system import declared

OBJECTS = 100_000  # bytes of Python objects around arrays


def mlp(batch, depth=12, width=64):
    return of_graph(deep.mlp(depth, batch, width))


def rnn(batch, steps=20, width=64):
    return of_graph(deep.rnn(steps, batch, width))


def of_graph(graph):
    return list(graph.inputs), list(graph.outputs)


def conv_net(batch):
    x, y = ga.input("x", (batch, 1, 28, 28)), ga.input("y", (batch, 10))
    w1, w2, w3 = (
        ga.parameter("w1", (6, 1, 5, 5)),
        ga.parameter("w2", (16, 6, 5, 5)),
        ga.parameter("w3", (256, 10)),
    )
    h = ga.nn.max_pool2d(ga.tanh(ga.nn.conv2d(x, w1)), 2)
    h = ga.nn.max_pool2d(ga.tanh(ga.nn.conv2d(h, w2)), 2)
    z = ga.reshape(h, (h.shape[0], 256)) @ w3
    loss = ga.mean(ga.logsumexp(z, axis=1) - ga.sum(z * y, axis=1))
    return [x, y, w1, w2, w3], [loss, *ga.grad(loss, [w1, w2, w3])]


def attention(batch, length=64, width=64, heads=4):
    x = ga.input("x", (batch, length, width))
    weights = [ga.parameter(f"W{k}", (width, width)) for k in range(4)]

    def split(a):
        return ga.transpose(ga.reshape(a, (a.shape[0], length, heads, width // heads)), (0, 2, 1, 3))

    q, k, v = (split(x @ w) for w in weights[:3])
    a = ga.nn.softmax(q @ ga.swapaxes(k, -1, -2) * (width // heads) ** -0.5, axis=-1)
    y = ga.reshape(ga.transpose(a @ v, (0, 2, 1, 3)), x.shape) @ weights[3] + x
    loss = ga.mean(y * y)
    return [x, *weights], [loss, *ga.grad(loss, weights)]


PROGRAMS = {"mlp": (mlp, 2048), "rnn": (rnn, 512), "conv_net": (conv_net, 256), "attention": (attention, 32)}


def values(inputs, sizes):
    rng = np.random.default_rng(0)
    return [(0.1 * rng.standard_normal(tuple(evaluate(s, sizes) for s in x.shape))).astype(x.dtype) for x in inputs]


def measured(f, arrays, **options):
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    f(*arrays, **options)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most


def assert_close(f, arrays, sizes=None, **options):
    seen = measured(f, arrays, **options)
    assert program_peak(f.program).evaluate(sizes) == pytest.approx(seen, rel=0.05, abs=OBJECTS)
    return seen


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("is_named", [False, True], ids=["fixed", "named"])
def test_models(name, is_named):
    make, size = PROGRAMS[name]
    inputs, outputs = make("batch" if is_named else size)
    sizes = {"batch": size} if is_named else {}
    f = ga.compile(inputs, outputs, threads=1)
    arrays = values(inputs, sizes)
    seen = assert_close(f, arrays, sizes)
    assert seen > 20 * OBJECTS
    if is_named:
        assert "batch" in str(program_peak(f.program))
        assert_close(f, values(inputs, {"batch": 2 * size}), {"batch": 2 * size})


def test_adding_rows_of_a_table():
    table, rows = ga.parameter("table", (100, 40)), ga.input("rows", (20_000,), "int64")
    loss = ga.sum(table[rows] ** 3)
    f = ga.compile([table, rows], [loss, *ga.grad(loss, [table])], threads=1)
    arrays = [np.ones((100, 40)), np.arange(20_000) % 100]
    assert "scatter_add(" in f.source
    assert assert_close(f, arrays) > 20 * OBJECTS


@pytest.mark.parametrize("name", WORKLOADS)
def test_benchmarks(name):
    problem = WORKLOADS[name].problem()
    params, consts, value, arrays = declared(problem)
    along = [ga.input(f"v{k}", a.shape, a.dtype) for k, a in enumerate(problem.directions)]
    wanted = ga.hvp(value, params, along) if along else [value, *ga.grad(value, params)]
    f = ga.compile([*params, *consts, *along], wanted, threads=1)
    assert_close(f, [*arrays, *problem.directions])


@pytest.mark.parametrize("style", ["fast", "readable"])
@pytest.mark.parametrize("make", [deep.mlp, deep.rnn, deep.residual, deep.heat, deep.noisy])
def test_deep_programs(make, style):
    graph = make()
    f = ga.compile(*of_graph(graph), threads=1, style=style)
    options = {"rng": np.random.default_rng(0)} if make is deep.noisy else {}
    assert_close(f, deep.values_of(graph), **options)


def test_fresh_arrays_are_deleted_after_their_last_use(monkeypatch):
    """Pooling gives fresh arrays: without the deletions more is in use than is predicted."""
    inputs, outputs = conv_net(256)
    arrays = values(inputs, {})
    f = ga.compile(inputs, outputs, threads=1)
    assert "    del " in f.source
    less = measured(f, arrays)
    monkeypatch.setattr(printer, "deleted", lambda program: {})
    more = measured(ga.compile(inputs, outputs, threads=1), arrays)
    assert more > 1.1 * less
    assert program_peak(f.program).evaluate() < 0.95 * more


def test_what_is_returned_or_seen_by_a_view_is_not_deleted():
    x = ga.input("x", (400, 400))
    order = ga.sort(x, axis=0)
    part = order[:300]
    more = ga.sort(ga.exp(x), axis=0)
    f = ga.compile([x], [part, ga.sum(ga.sort(more * 2, axis=1)[:300] * part), more], passes=("reuse",), threads=1)
    value = np.random.default_rng(0).random((400, 400))
    assert_close(f, [value])
    a, b, c = f(value)
    np.testing.assert_array_equal(a, np.sort(value, 0)[:300])
    np.testing.assert_allclose(c, np.sort(np.exp(value), 0))
    np.testing.assert_allclose(b, np.sum(np.sort(c * 2, 1)[:300] * a))


def test_the_workspace_stays_and_the_rest_goes():
    inputs, outputs = mlp(1024)
    f = ga.compile(inputs, outputs, threads=1)
    arrays = values(inputs, {})
    gc.collect()
    tracemalloc.start()
    f(*arrays)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert workspace_bytes(f.program) == pytest.approx(kept, rel=0.05, abs=OBJECTS)


def test_parts_of_sums_count():
    """A loop adds up its parts of a gradient chunk by chunk: each chunk has an array of its own."""
    x, w = ga.input("x", (4000, 2048)), ga.parameter("w", (2048, 8))
    y = ga.sum(ga.tanh(ga.sin(x) @ w))
    f = ga.compile([x, w], ga.grad(y, [w]), threads=1)
    seen = measured(f, values([x, w], {}))
    assert program_peak(f.program).evaluate() == pytest.approx(seen, rel=0.05)
    assert seen > 8 * 2048 * 8 * 8


def test_threads_have_scratch_arrays_of_their_own():
    program = ga.compile(*mlp("batch"), threads=1).program
    one, four = (program_peak(program, threads=k).evaluate({"batch": 4096}) for k in (1, 4))
    assert four > one


def test_a_forgotten_buffer_would_be_seen():
    inputs, outputs = mlp(2048)
    f = ga.compile(inputs, outputs, threads=1)
    largest = max(8 * 2048 * 64, 0)
    seen = measured(f, values(inputs, {}))
    assert abs(program_peak(f.program).evaluate() - 2 * largest - seen) > max(0.05 * seen, OBJECTS)
