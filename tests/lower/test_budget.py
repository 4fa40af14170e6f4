"""compile(max_bytes=...): the budget is met as predicted and as measured, with the same gradient."""

import gc
import tracemalloc

import numpy as np
import pytest
from deep_programs import gelu, heat, mlp, noisy, residual, rnn, values_of

import graphad as ga
from graphad.errors import ArgumentError, MemoryBudgetError
from graphad.lower.budget import alternatives
from graphad.lower.fast.peak import program_peak
from graphad.lower.greedy import is_recomputed
from graphad.passes.presets import pipeline

PROGRAMS = {
    "mlp": lambda: mlp(24, 1024, 64),
    "gelu": lambda: mlp(8, 1024, 64, gelu),
    "rnn": lambda: rnn(40, 512, 32),
    "residual": lambda: residual(16, 1024, 64),
    "heat": lambda: heat(128, 30),
    "noisy": lambda: noisy(20, 1024, 32),
}


def measured(f, arrays, options):
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    results = f(*arrays, **options())
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return results, most


@pytest.mark.parametrize("name", PROGRAMS)
def test_half_the_memory_gives_the_same_gradient(name):
    graph = PROGRAMS[name]()
    arrays = values_of(graph)

    def options():
        return {"rng": np.random.default_rng(1)} if name == "noisy" else {}

    f = ga.compile(graph.inputs, graph.outputs, threads=1)
    expected, most = measured(f, arrays, options)
    whole = program_peak(f.program).evaluate()
    budget = whole * 6 // 10 if name == "noisy" else whole // 2  # draws are kept
    small = ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=budget)
    results, less = measured(small, arrays, options)
    assert program_peak(small.program).evaluate() <= budget
    assert less <= 1.02 * budget + 250_000 < 0.75 * most  # NumPy's own buffers, and Python objects
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())
    assert small.report().steps[-1].name == "recompute"
    assert small.source == ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=budget).source


def test_what_is_computed_again_is_in_no_loop_of_the_forward_pass():
    """Loops take together what can be computed at the same time: recomputed values must not be there early."""
    graph = mlp(24, 1024, 64)
    whole = program_peak(ga.compile(graph.inputs, graph.outputs, threads=1).program).evaluate()
    small = ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=whole // 2)
    loops = [[m.node for m in loop.members if m.node.op.name == "tanh"] for loop, _ in small.program.loops]
    mixed = [set(map(is_recomputed, nodes)) for nodes in loops]
    assert {True} in mixed
    assert {False, True} not in mixed


def test_a_large_budget_changes_nothing():
    graph = mlp(6, 512, 64)
    f = ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=1 << 40)
    assert not any(map(is_recomputed, f.graph.nodes))
    assert f.report().steps[-1].fired == {}


def test_the_floor_of_an_impossible_budget_can_be_met():
    graph = mlp(8, 512, 64)
    with pytest.raises(MemoryBudgetError, match="do not suffice, the least found is") as caught:
        ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=1000).report()
    floor = caught.value.floor
    f = ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=floor)
    assert program_peak(f.program).evaluate() <= floor


def test_named_sizes():
    graph = mlp(12, "batch", 64)
    with pytest.raises(ArgumentError, match=r'sizes=\{"batch": 512\}'):
        ga.compile(graph.inputs, graph.outputs, max_bytes=10**7)
    with pytest.raises(ArgumentError, match="'bath' is no named size"):
        ga.compile(graph.inputs, graph.outputs, sizes={"bath": 3})
    with pytest.raises(ArgumentError, match=r"batch = 1\.5"):
        ga.compile(graph.inputs, graph.outputs, sizes={"batch": 1.5})
    sizes = {"batch": 2048}
    f = ga.compile(graph.inputs, graph.outputs, threads=1)
    budget = int(0.6 * program_peak(f.program).evaluate(sizes))
    small = ga.compile(graph.inputs, graph.outputs, threads=1, max_bytes=budget, sizes=sizes)
    arrays = values_of(graph, sizes)
    results, less = measured(small, arrays, dict)
    assert less <= 1.02 * budget + 250_000
    for a, b in zip(results, f(*arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())
    few = values_of(graph, {"batch": 3})  # any other size works, too
    np.testing.assert_allclose(small(*few)[0], f(*few)[0], rtol=1e-12)


def test_the_readable_style_has_no_budget():
    graph = mlp(2)
    with pytest.raises(ArgumentError, match="fast style"):
        ga.compile(graph.inputs, graph.outputs, max_bytes=10**6, style="readable")


def test_steps_of_loops_may_stay_apart():
    both = alternatives(pipeline("full"))
    assert [len(p.passes) for p in both] == [len(pipeline("full").passes), len(pipeline("full").passes) - 1]
    assert alternatives(pipeline("basic")) == [pipeline("basic")]


def test_the_budget_is_part_of_the_key(tmp_path):
    graph = mlp(24, 1024, 64)
    tmp_path.chmod(0o700)
    f = ga.compile(graph.inputs, graph.outputs, threads=1, cache=tmp_path)
    half = program_peak(f.program).evaluate() // 2
    small = ga.compile(graph.inputs, graph.outputs, threads=1, cache=tmp_path, max_bytes=half)
    again = ga.compile(graph.inputs, graph.outputs, threads=1, cache=tmp_path, max_bytes=half)
    assert f.source != small.source == again.source


def test_reports_tell_what_a_call_costs():
    x = ga.input("x", ("n", 8))
    w = ga.parameter("w", (8, 4))
    y = ga.sum(ga.tanh(x @ w))
    f = ga.compile([x, w], [y, *ga.grad(y, [w])], sizes={"n": 10**6}, threads=1)
    cost = f.report().cost
    assert cost.peak.number == program_peak(f.program).evaluate({"n": 10**6})
    assert cost.results.number == 8 + 8 * 4 * 8
    assert cost.operations.number >= 2 * 2 * 10**6 * 8 * 4
    assert cost.moved.number > 10**6 * 8 * 8
    text = str(f.report())
    for word in ("peak memory", "workspace", "results", "memory moved", "operations", "MiB", "fuse", "print", "exec"):
        assert word in text
    unknown = ga.compile([x], [ga.tanh(x) * 2], threads=1).report().cost
    assert unknown.peak.number is None
    assert "n" in unknown.peak.formula
