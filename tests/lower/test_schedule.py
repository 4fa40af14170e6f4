"""Orders for little memory: legal, deterministic, never worse than the plain one, linear; predictions are measured."""

from itertools import pairwise

import numpy as np
import pytest
from deep_programs import execute, gelu, gradient, heat, mlp, noisy, residual, rnn, values_of

import graphad as ga
from graphad.lower.accumulate import running_sums
from graphad.lower.greedy import is_recomputed
from graphad.lower.interpret import interpret
from graphad.lower.memory import Step, peak, predicted, steps_of, timeline
from graphad.lower.recompute import with_recomputation
from graphad.lower.schedule import low_memory, low_memory_peak, schedule, unhurried

PROGRAMS = {
    "mlp": mlp,
    "gelu": lambda: mlp(8, activation=gelu),
    "rnn": rnn,
    "residual": residual,
    "heat": heat,
    "noisy": noisy,
}


@pytest.fixture(params=PROGRAMS)
def graph(request):
    return PROGRAMS[request.param]()


def plain(graph):
    return [n for part in schedule(graph) for n in part]


def is_legal(graph, order):
    done = set(graph.inputs)
    for node in order:
        if not done.issuperset(node.inputs) or node in done:
            return False
        done.add(node)
    return done == set(graph.nodes)


def test_order_is_legal_and_the_same_every_time(graph):
    order = low_memory(graph)
    assert is_legal(graph, order)
    assert [id(n) for n in low_memory(graph)] == [id(n) for n in order]
    assert not is_legal(graph, order[::-1])


def test_peak_is_at_most_that_of_the_plain_order(graph):
    assert low_memory_peak(graph) <= predicted(graph, plain(graph), in_place=False).evaluate()


def test_gradients_of_parameters_come_as_soon_as_they_free_memory():
    graph = mlp()
    whole = predicted(graph, plain(graph), in_place=False).evaluate()
    assert low_memory_peak(graph) < 0.6 * whole


@pytest.mark.parametrize("order", [low_memory, plain], ids=["low", "plain"])
def test_prediction_is_what_tracemalloc_sees(graph, order):
    steps = order(graph)
    _, measured = min((execute(graph, steps, values_of(graph)) for _ in range(2)), key=lambda run: run[1])  # warm
    objects = 200 * len(steps)  # bytes of Python objects around the arrays
    assert predicted(graph, steps, in_place=False).evaluate() == pytest.approx(measured, rel=0.05, abs=objects)


def test_a_bad_schedule_is_seen():
    """All local derivatives of tanh at once: legal, but each waits for its cotangent."""
    graph = mlp()
    order = low_memory(graph)
    squares = {n for n in order if n.op.name in ("square", "multiply") and not graph.is_output(n)}
    local = {n for n in squares if not any(x.origin.is_cotangent for x in n.inputs)}
    needed = set(local)
    for node in reversed(order):
        if node in needed:
            needed.update(node.inputs)
    hurried = [n for n in order if n in needed] + [n for n in order if n not in needed]
    assert is_legal(graph, hurried)
    assert predicted(graph, hurried, in_place=False).evaluate() > 1.2 * low_memory_peak(graph)
    assert execute(graph, hurried, values_of(graph))[1] > 1.2 * execute(graph, order, values_of(graph))[1]


def test_values_are_those_of_the_oracle(graph):
    values = values_of(graph)
    expected = interpret(graph, values, np.random.default_rng(1))
    for a, b in zip(execute(graph, low_memory(graph), values)[0], expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("widths", [[8, 16, 64, 256], [256, 128, 64, 32, 16, 8], [32, 64, 16, 512], [256, 128, 16, 16]])
def test_nothing_is_computed_again_before_the_forward_pass_is_done(widths):
    """Whatever would be cheaper: not even where 1 - tanh² shares its 1 with the seed of differentiation."""
    x = ga.input("x", shape=(256, widths[0]))
    weights = [ga.parameter(f"W{k}", shape=shape) for k, shape in enumerate(pairwise(widths))]
    h = x
    for w in weights[:-1]:
        h = ga.tanh(h @ w)
    graph = gradient([x], ga.sum(ga.exp(h @ weights[-1])), weights, "layers")
    again = with_recomputation(graph, {n for n in graph.nodes if n.op.name == "exp"})
    order = unhurried(again)
    forward = [k for k, n in enumerate(order) if n not in again.backward and not is_recomputed(n)]
    late = [k for k, n in enumerate(order) if is_recomputed(n)]
    assert len(late) == 2 * (len(weights) - 1)
    assert min(late) > max(forward)


def test_draws_keep_the_order_of_the_user():
    graph = noisy()
    drawn = [n.origin.serial for n in low_memory(graph) if "random" in n.op.traits]
    assert drawn == sorted(drawn)
    assert len(drawn) == 20


def test_draws_keep_the_order_of_the_user_where_another_one_is_cheaper():
    x = ga.input("x", shape=(2,))
    large, small = ga.random.normal(shape=(1000,)), ga.random.normal(shape=(10,))
    graph = ga.Graph([x], [ga.sum(small) + x, ga.sum(large) + x])
    drawn = [n.shape for n in unhurried(graph) if "random" in n.op.traits]
    assert drawn == [(1000,), (10,)]


def test_running_sums_hold_one_buffer():
    graph = heat()
    summed = running_sums(graph)
    assert low_memory_peak(summed) < 0.7 * low_memory_peak(graph)
    assert summed.outputs[2].name == graph.outputs[2].name
    for a, b in zip(interpret(summed, values_of(graph)), interpret(graph, values_of(graph)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_the_peak_is_a_formula_in_named_sizes():
    graph = mlp(6, batch="batch", width=8)
    order = low_memory(graph, {"batch": 100})
    formula = predicted(graph, order)
    assert "batch" in str(formula)
    assert str(formula).endswith(" bytes")
    for batch in (0, 1, 7, 100, 10_000):
        assert formula.evaluate({"batch": batch}) == max(timeline(*steps_of(graph, order), {"batch": batch}))


def test_moments_that_no_sizes_make_the_largest_are_left_out():
    n, m = ga.Dim("n"), ga.Dim("m")
    apart = [Step((("a", 8 * n),)), Step((("b", 8 * m),)), Step((("c", 4 * n),)), Step((("d", 4 * n),), ("c",))]
    assert str(peak(apart)) == "max(8*n, 8*m) bytes"
    together = [Step((("a", 8 * n),)), Step((("b", 8 * m),), ("a",))]
    assert str(peak(together)) == "8*m + 8*n bytes"
    assert peak([]).evaluate() == 0


def test_a_step_writes_over_an_operand_only_when_it_is_the_last_reader():
    made = [Step((("a", 80),)), Step((("b", 80),), ("a",), over=("a",))]
    assert peak(made).evaluate() == 80
    assert peak([*made, Step((), ("a",))]).evaluate() == 160
    assert peak(made, keep=["a"]).evaluate() == 160
    assert peak([made[0], Step((("b", 80),), ("a",), scratch=40)]).evaluate() == 200


def test_views_own_nothing_and_keep_what_they_look_at():
    x = ga.input("x", shape=(100,))
    y = ga.exp(x)
    part = y[:50]
    graph = ga.Graph([x], [ga.sum(part * ga.sum(ga.cos(x)))])
    order = [n for name in ("exp", "getitem", "cos", "sum", "multiply") for n in graph.nodes if n.op.name == name]
    line = timeline(*steps_of(graph, order, in_place=False))
    assert line[1] == 800
    assert line[2] == 1600


def test_depth_and_size_do_not_matter():
    x = ga.input("x", shape=(2,))
    h = x
    for _ in range(20_000):
        h = ga.sin(h)
    graph = gradient([x], ga.sum(h), [x], "deep")
    assert len(graph.nodes) > 60_000 - 10
    assert is_legal(graph, low_memory(graph))
