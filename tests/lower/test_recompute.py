"""A memory budget: met as predicted and in fact, with the same gradient, by computing again; or the floor is named."""

import numpy as np
import pytest
from deep_programs import execute, gelu, heat, mlp, noisy, residual, rnn, values_of
from support import concrete

import graphad as ga
from graphad.errors import ArgumentError, DifferentiationError, MemoryBudgetError
from graphad.ir.verify import verify
from graphad.lower.greedy import is_recomputed
from graphad.lower.interpret import interpret
from graphad.lower.mincut import CHEAP, cheapest
from graphad.lower.recompute import extra_work, read_by_backward, recompute, with_recomputation
from graphad.lower.schedule import low_memory, low_memory_peak, schedule, unhurried
from graphad.ops import ALL_OPS
from graphad.passes.cse import Cse

PROGRAMS = {
    "mlp": mlp,
    "gelu": lambda: mlp(8, activation=gelu),
    "rnn": rnn,
    "residual": residual,
    "heat": heat,
    "noisy": lambda: noisy(width=8),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("part", [0.8, 0.6, 0.5])
def test_budget_is_met_and_gradients_stay(name, part):
    graph = PROGRAMS[name]()
    values = values_of(graph)
    _, whole = execute(graph, low_memory(graph), values)
    if name == "noisy" and part < 0.8:
        part = 0.7  # the draws stay
    budget = int(part * low_memory_peak(graph))
    small = recompute(graph, budget)
    verify(small)
    assert low_memory_peak(small) <= budget
    results, measured = execute(small, low_memory(small), values)
    assert measured <= 1.05 * budget + 50_000 < whole
    for a, b in zip(results, interpret(graph, values, np.random.default_rng(1)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())


def test_recomputing_nothing_is_seen():
    graph = mlp()
    everything = with_recomputation(graph, read_by_backward(graph, low_memory(graph)))
    assert not any(map(is_recomputed, everything.nodes))
    assert low_memory_peak(everything) == low_memory_peak(graph)
    nothing = with_recomputation(graph, set())
    assert any(map(is_recomputed, nothing.nodes))


def test_merging_equal_nodes_undoes_it():
    """Why it must come last."""
    graph = mlp()
    small = recompute(graph, low_memory_peak(graph) // 2)
    merged = Cse().run(small)
    assert not any(map(is_recomputed, merged.nodes))
    assert low_memory_peak(merged) > 1.9 * low_memory_peak(small)


def test_computed_again_late():
    """What is computed again comes right before its first user, in both styles."""
    graph = mlp()
    small = recompute(graph, low_memory_peak(graph) // 2)
    for order in (low_memory(small), schedule(small)[1]):
        place = {n: k for k, n in enumerate(order)}
        for node in filter(is_recomputed, order):
            between = order[place[node] + 1 : min(place[u] for u in small.users[node])]
            assert all(n.origin.is_cotangent is False and (is_recomputed(n) or not n.inputs) for n in between)


def test_at_most_the_forward_pass_is_computed_again():
    graph = mlp()
    forward = schedule(graph)[0]
    small = recompute(graph, low_memory_peak(graph) // 2)
    again = [n for n in small.nodes if is_recomputed(n)]
    assert 0 < len(again) < len(forward)
    assert extra_work(small, {}) > 0
    names = {n.name for n in graph.nodes}
    assert {n.name for n in again} <= names
    assert all(n.origin.made_by == "recompute" and n.origin.line for n in again)


def test_draws_are_never_repeated():
    graph = noisy()
    nothing = with_recomputation(graph, set())
    drawn = [n for n in nothing.nodes if "random" in n.op.traits]
    assert len(drawn) == 20
    assert any(map(is_recomputed, nothing.nodes))


def test_cheap_ops_come_first():
    """Of a layer of GELU the product is kept, and its elementwise values are computed again: no product is."""
    graph = mlp(8, activation=gelu)
    order = unhurried(graph)
    needed = read_by_backward(graph, order)
    kept = cheapest(graph, order, needed, {})
    assert len(kept) < 0.5 * len(needed)
    small = with_recomputation(graph, kept)
    assert not any(n.op.name == "matmul" for n in small.nodes if is_recomputed(n))
    assert low_memory_peak(small) < 0.5 * low_memory_peak(graph)
    assert {op.name for op in ALL_OPS} >= CHEAP


def test_an_impossible_budget_names_the_floor_which_can_be_met():
    graph = rnn()
    with pytest.raises(MemoryBudgetError, match=r"KiB do not suffice, the least found is .* bytes\)") as caught:
        recompute(graph, 100_000)
    floor = caught.value.floor
    assert 100_000 < floor < low_memory_peak(graph)
    assert low_memory_peak(recompute(graph, floor)) <= floor


def test_enough_is_enough():
    graph = mlp()
    assert recompute(graph, low_memory_peak(graph)) is graph


def test_named_sizes_need_numbers():
    graph = mlp(12, batch="batch")
    with pytest.raises(ArgumentError, match=r'sizes=\{"batch": 512\}'):
        recompute(graph, 10**6)
    sizes = {"batch": 1000}
    small = recompute(graph, int(0.6 * low_memory_peak(graph, sizes)), sizes)
    values = values_of(graph, sizes)
    for a, b in zip(interpret(small, values), interpret(graph, values), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("budget", [-1, True, 1.5, "1"])
def test_a_budget_is_a_number_of_bytes(budget):
    with pytest.raises(ArgumentError, match="max_bytes"):
        recompute(mlp(2), budget)


def test_another_prediction_may_judge():
    graph = mlp()
    asked = []

    def predict(g):
        asked.append(g)
        return low_memory_peak(g) // 4  # an executor that fuses

    assert recompute(graph, low_memory_peak(graph) // 3, predict=predict) is graph
    assert asked == [graph]


def test_forward_only_graphs_say_so():
    x = ga.input("x", shape=(1000,))
    graph = ga.Graph([x], [ga.exp(x)])
    with pytest.raises(MemoryBudgetError, match="8000 bytes"):
        recompute(graph, 100)


@pytest.mark.parametrize("op", [op for op in ALL_OPS if op.cases], ids=lambda op: op.name)
def test_every_op_may_be_computed_again(op):
    call = concrete(op, op.cases[0])
    y = call.result
    wrt = [x for x in call.inputs if x.dtype.kind == "f"]
    try:
        gradients = ga.grad(ga.sum(y * y), wrt) if wrt and y.dtype.kind == "f" else []
    except DifferentiationError:
        gradients = []
    graph = ga.Graph(call.inputs, [y, *gradients])
    again = with_recomputation(graph, set())
    results, _ = execute(again, low_memory(again), call.values)
    for a, b in zip(results, interpret(graph, call.values, np.random.default_rng(1)), strict=True):
        np.testing.assert_array_equal(a, b)
