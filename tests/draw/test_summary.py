"""Counts of `summary` against counts made by hand and by NumPy; totals are sums; sizes may be formulas."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError
from graphad.ir.dims import Dim, evaluate
from graphad.lower.cost import operations
from graphad.ops.fit import broadcast_to

nn = ga.nn


def perceptron(differentiated=False):
    x, y = ga.input("x", ("batch", 4)), ga.input("y", ("batch",), dtype="int64")
    model = nn.Sequential(nn.Linear(4, 8), nn.relu, nn.Linear(8, 3))
    loss = nn.cross_entropy(model(x), y)
    parameters = nn.parameters(model)
    outputs = [loss, *ga.grad(loss, parameters)] if differentiated else [loss]
    return model, ga.Graph([x, y, *parameters], outputs, name="mlp")


def by_name(summary):
    return {row.name: row for row in summary.rows}


def test_parameters_are_those_of_the_arrays():
    model, graph = perceptron()
    arrays = nn.initial(model, 0)
    summary = graph.summary()
    assert summary.parameters == sum(a.size for a in arrays.values()) == 4 * 8 + 8 + 8 * 3 + 3
    assert summary.parameter_bytes == sum(a.nbytes for a in arrays.values())
    rows = by_name(summary)
    assert rows["linear"].parameters == 4 * 8 + 8
    assert rows["linear_2"].parameters == 8 * 3 + 3
    assert rows["linear"].ops == {"matmul": 1, "add": 1}
    assert [row.name for row in summary.rows] == ["x", "y", "linear", "relu", "linear_2", "cross_entropy"]


def test_operations_counted_by_hand():
    _, graph = perceptron()
    batch = Dim("batch")
    rows = by_name(graph.summary())
    assert rows["linear"].flops == 2 * batch * 4 * 8 + batch * 8
    assert rows["relu"].flops == batch * 8
    assert rows["linear"].bytes == 2 * 8 * (batch * 8)  # the product, and with the bias
    assert by_name(graph.summary(sizes={"batch": 10}))["linear"].flops == 640 + 80
    assert str(rows["linear"].output) == "f64[batch, 8]"
    assert str(by_name(graph.summary(sizes={"batch": 10}))["linear"].output) == "f64[10, 8]"


def test_views_take_no_bytes():
    x = ga.input("x", (2, 3))
    z = ga.reshape(x.T, (6,)) * 2
    summary = ga.Graph([x], [z[1:]]).summary()
    assert summary.bytes == 8 * 6 + 8 * 6  # x and the product
    assert summary.flops == 6


def test_work_of_the_backward_pass_counts_where_it_serves():
    _, graph = perceptron(differentiated=True)
    rows = by_name(graph.summary())
    batch = Dim("batch")
    assert (
        rows["linear_2"].backward == 2 * (2 * batch * 8 * 3) + 2 * batch * 3
    )  # d_W, d_input; d_b, and a sum over uses
    assert rows["linear"].backward == 2 * batch * 4 * 8 + batch * 8  # nobody asks for d_x
    assert rows["relu"].backward == 2 * (batch * 8)  # greater, where
    forward = by_name(perceptron()[1].summary())
    assert rows["linear"].flops == forward["linear"].flops


def test_rows_add_up_to_the_totals_and_leave_nothing_out():
    _, graph = perceptron(differentiated=True)
    summary = graph.summary(sizes={"batch": 5})
    work = sum(evaluate(operations(n), {"batch": 5}) for n in graph.nodes if n.op is not broadcast_to)
    assert summary.flops + summary.backward == work
    for field in ("parameters", "flops", "backward", "bytes"):
        assert getattr(summary, field) == sum(getattr(row, field) for row in summary.rows)


def test_a_shared_parameter_counts_once():
    x, W = ga.input("x", (4,)), ga.parameter("W", (4, 4))
    with ga.scope("a"):
        h = x @ W
    with ga.scope("b"):
        y = h @ W
    summary = ga.Graph([x, W], [y]).summary()
    assert summary.parameters == 16
    assert [row.parameters for row in summary.rows] == [0, 16, 0]


def nested():
    x, W = ga.input("x", ("n", 4)), ga.parameter("W", (4, 4))
    with ga.scope("outer"):
        h = ga.tanh(x @ W)
        with ga.scope("inner"):
            h = ga.exp(h)
    return ga.Graph([x, W], [ga.sum(h)])


def test_depth_says_how_many_levels_get_rows():
    assert [r.name for r in nested().summary().rows] == ["x", "outer", "outer / inner", "sum"]
    shallow = nested().summary(depth=1)
    assert [r.name for r in shallow.rows] == ["x", "outer", "sum"]
    assert shallow.flops == nested().summary().flops
    assert by_name(shallow)["outer"].ops == {"matmul": 1, "tanh": 1, "exp": 1}
    for depth in (0, -1, 1.5, True):
        with pytest.raises(ArgumentError, match="depth"):
            nested().summary(depth=depth)


def test_outside_of_scopes_a_row_is_what_the_user_named():
    x = ga.input("x", (3,))
    h = ga.sin(x * 2) + 1
    y = ga.exp(h) * h
    rows = ga.Graph([x], [y]).summary().rows
    assert [r.name for r in rows] == ["x", "h", "y"]
    assert [dict(r.ops) for r in rows] == [{"input": 1}, {"multiply": 1, "sin": 1, "add": 1}, {"exp": 1, "multiply": 1}]
    assert [r.flops for r in rows] == [0, 9, 6]


def test_a_loop_counts_all_its_turns():
    x = ga.input("x", ("T", 3))
    last, _ = ga.scan(lambda carry, row: (carry + row * row, carry), ga.zeros((3,)), x)
    summary = ga.Graph([x], [last]).summary()
    assert summary.flops == 2 * 3 * Dim("T")
    assert [r.name for r in summary.rows] == ["x", "scan"]


def test_a_function_shows_the_rewritten_graph_and_its_memory():
    _, graph = perceptron(differentiated=True)
    function = ga.compile(graph.inputs, graph.outputs, name="step")
    summary = function.summary(sizes={"batch": 5})
    assert summary.parameters == 4 * 8 + 8 + 8 * 3 + 3
    assert "needs at most" in str(summary)
    number, unit = summary.memory.split()
    assert unit == "KiB" and 1 < float(number) < 20  # a few arrays of 5 × 8 numbers
    assert "batch" in function.summary().memory


def test_made_of_gradients():
    x, w = ga.input("x", (3,)), ga.parameter("w", (3,))
    loss = ga.sum((x * w) ** 2)
    new_w = w - 0.1 * ga.grad(loss, w)
    summary = ga.Graph([x, w], [new_w], name="step").summary()
    assert by_name(summary)["new_w"].backward == 6  # a product and a difference
    assert by_name(summary)["new_w"].flops == 0


def test_the_table(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    _, graph = perceptron(differentiated=True)
    text = str(graph.summary(sizes={"batch": 10}))
    lines = text.splitlines()
    assert lines[0].strip() == "mlp for batch = 10"
    assert lines[1].split() == ["layer", "ops", "output", "parameters", "FLOPs", "backward", "bytes"]
    total = next(line for line in lines if line.strip().startswith("total"))
    assert total.split()[1] == "67"
    assert 'scope="row"' in graph.summary()._repr_html_()
    assert "[batch, 8]" in str(graph.summary())
    with pytest.raises(ArgumentError, match="no named size"):
        graph.summary(sizes={"bach": 10})


def test_every_layer_of_a_large_model_is_counted():
    x = ga.input("x", ("batch", 3, 16, 16))
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm(4), nn.relu, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 7 * 7, 10)
    )
    graph = ga.Graph([x, *nn.parameters(model), *nn.buffers(model)], [model(x)])
    summary = graph.summary(sizes={"batch": 2})
    assert summary.parameters == (3 * 4 * 9 + 4) + (4 + 4) + (4 * 49 * 10 + 10)
    rows = by_name(summary)
    convolution = 2 * 2 * 4 * 14 * 14 * 3 * 9
    assert rows["conv2d"].flops == convolution + 2 * 4 * 14 * 14
    assert np.prod(rows["linear"].output.shape) == 20
