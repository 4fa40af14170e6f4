"""Graphs: order, users, cuts, substitution, and the errors that users meet when they declare one."""

import re

import numpy as np
import pytest

import graphad as ga
from graphad.errors import MAX_LINES, GraphError
from graphad.ir.graph import Graph, rebuild, toposort
from graphad.ops.elementwise import add, exp, multiply, sin, tanh
from graphad.ops.fit import sum
from graphad.ops.leaves import constant, input, parameter


def ids(nodes):
    """Nodes compare elementwise; lists of ids compare as lists should."""
    return [id(n) for n in nodes]


def test_toposort_walks_depth_first_from_left_to_right():
    x, y = input("x"), input("y")
    left, right = tanh(x), exp(y)
    both = add(left, right)
    assert ids(toposort([both])) == ids([x, left, y, right, both])
    assert ids(toposort([right, both])) == ids([y, right, x, left, both])


def test_toposort_lists_a_shared_node_once():
    x = input("x")
    h = tanh(x)
    product = multiply(h, h)
    assert ids(toposort([product, h, product])) == ids([x, h, product])


def test_toposort_does_not_look_behind_a_stop():
    x = input("x")
    h = tanh(x)
    assert ids(toposort([exp(h)], stop=[h]))[:1] == ids([h])


def test_nodes_start_with_the_inputs_as_listed():
    x, y, unused = input("x"), input("y"), input("unused")
    h = tanh(x)
    out = add(h, y)
    assert ids(Graph([unused, y, x], [out]).nodes) == ids([unused, y, x, h, out])


def test_one_node_may_stand_for_a_list():
    x = input("x")
    graph = Graph(x, tanh(x))
    assert len(graph.inputs) == len(graph.outputs) == 1


def test_users_are_listed_once_per_use():
    x = input("x")
    h = tanh(x)
    square, total = multiply(h, h), sum(h)
    users = Graph([x], [square, total]).users
    assert ids(users[h]) == ids([square, square, total])
    assert users[total] == ()


def test_an_inner_node_as_input_cuts_the_graph():
    x = input("x")
    h = tanh(x)
    graph = Graph([h], [exp(h)])
    assert len(graph.nodes) == 2
    assert (graph.is_input(h), graph.is_input(x)) == (True, False)
    assert [len(u) for u in graph.users.values()] == [1, 0]


def test_an_output_may_be_an_input_and_may_be_listed_twice():
    x = input("x")
    graph = Graph([x], [x, x])
    assert ids(graph.nodes) == ids([x])
    assert graph.is_output(x)


def test_sizes_are_the_names_in_the_shapes_of_the_inputs():
    x, y = input("x", shape=("n", 3)), input("y", shape=("2*m + k",))
    assert Graph([x, y], [x]).sizes == ("k", "m", "n")


def test_backward_nodes_are_those_of_the_gradient_and_what_depends_on_them():
    x = input("x")
    y = sin(x)
    step = multiply(ga.grad(y, x), 2.0)
    graph = Graph([x], [y, step])
    assert step in graph.backward
    assert not graph.backward & {x, y}


def test_substitute_exchanges_nodes_and_keeps_the_rest():
    x = input("x")
    h, other = tanh(x), sin(x)
    kept, changed = exp(x), exp(h)
    graph = Graph([x], [kept, changed], name="f").substitute({h: other})
    assert graph.name == "f"
    assert graph.outputs[0] is kept
    assert graph.outputs[1].inputs[0] is other
    assert graph.outputs[1].origin is changed.origin


def test_substitute_exchanges_inputs_too():
    x, y = input("x"), input("y")
    graph = Graph([x], [tanh(x)]).substitute({x: y})
    assert ids(graph.inputs) == ids([y])
    assert graph.outputs[0].inputs[0] is y


def test_substitute_needs_the_same_type():
    x = input("x")
    h = tanh(x)
    wide = input("wide", shape=(3,))
    with pytest.raises(GraphError, match=re.escape("h has type f64[], its replacement f64[3]")):
        Graph([x], [exp(h)]).substitute({h: wide})


def test_rebuild_gives_the_node_itself_on_its_own_inputs():
    x, y = input("x"), input("y")
    h = tanh(x)
    assert rebuild(h, [x]) is h
    moved = rebuild(h, [y])
    assert moved.inputs[0] is y
    assert moved.origin is h.origin


def test_map_hands_over_the_new_inputs():
    x = input("x")
    out = tanh(exp(x))
    seen = {}

    def make(node, inputs):
        seen[node.op.name] = [i.op.name for i in inputs]
        return sin(inputs[0]) if inputs else node

    made = Graph([x], [out]).map(make)
    assert seen == {"input": [], "exp": ["input"], "tanh": ["sin"]}
    assert made[out].op is sin


def test_subgraph_keeps_the_inputs_and_the_name():
    x, y = input("x"), input("y")
    h = tanh(x)
    part = Graph([x, y], [h, exp(y)], name="f").subgraph([h])
    assert (ids(part.inputs), ids(part.outputs), part.name) == (ids([x, y]), ids([h]), "f")
    assert len(part.nodes) == 3


def test_node_is_found_by_name():
    x = input("x")
    h = tanh(x)
    graph = Graph([x], [exp(h)], name="f")
    assert graph.node("h") is h
    with pytest.raises(GraphError, match="graph 'f' has no node named 'k'") as caught:
        graph.node("k")
    assert caught.value.hint == "it has x, h"


# Errors -------------------------------------------------------------------------------------------------------------


def test_a_missing_input_is_named_with_its_line():
    x, W1 = input("x", shape=(3,)), parameter("W1", shape=(3,))
    with pytest.raises(GraphError, match="graph 'f' depends on W1, which is not among its inputs") as caught:
        Graph([x], [x * W1], name="f")
    assert "test_graph.py:" in str(caught.value)
    assert "add W1 to the list of inputs" in str(caught.value)


def test_many_missing_inputs_do_not_fill_the_screen():
    total = constant(0.0)
    for k in range(40):
        total = total + input(f"x{k}")
    with pytest.raises(GraphError) as caught:
        Graph([], [total])
    assert len(str(caught.value).splitlines()) <= MAX_LINES


def test_an_input_listed_twice_is_named():
    x = input("x")
    with pytest.raises(GraphError, match="input x is listed twice"):
        Graph([x, x], [x])


def test_two_inputs_of_one_name_are_told():
    x, again = input("x"), input("x")
    with pytest.raises(GraphError, match="two inputs are named 'x'"):
        Graph([x, again], [x + again])


@pytest.mark.parametrize(("inputs", "outputs"), [([1.0], None), (None, ["y"]), (None, [None])], ids=str)
def test_what_is_no_node_is_told_by_its_type(inputs, outputs):
    x = input("x")
    wrong = (inputs or outputs)[0]
    with pytest.raises(GraphError, match=f"expected graphad nodes, got {type(wrong).__name__}"):
        Graph(inputs or [x], outputs or [x])


@pytest.mark.parametrize("length", [1, 2, 1000])
def test_a_cycle_is_told(length):
    y = first = tanh(input("x"))
    for _ in range(length - 1):
        y = tanh(y)
    object.__setattr__(first, "inputs", (y,))
    with pytest.raises(GraphError, match="is used to compute itself"):
        Graph([], [exp(y)])


# Depth --------------------------------------------------------------------------------------------------------------


def test_nothing_recurses_over_the_depth_of_a_graph():
    x = y = input("x")
    for _ in range(20_000):
        y = tanh(y)
    graph = Graph([x], [y])
    moved = graph.substitute({x: input("z")})
    assert len(moved.nodes) == len(graph.nodes) == len(graph.users) == 20_001


def test_a_ladder_of_shared_nodes_takes_linear_time():
    x = y = input("x")
    for _ in range(2_000):
        y = add(y, y)
    assert len(Graph([x], [y]).nodes) == 2_001


def test_what_is_made_for_an_operand_does_not_take_the_results_name():
    x = ga.input("x", ("n", 3), dtype="float32")
    y = x * np.ones(3) + 0.5
    assert [n.name for n in ga.Graph([x], [y]).nodes].count("y") == 1
    assert y.name == "y"
    assert y.op.name == "add"
