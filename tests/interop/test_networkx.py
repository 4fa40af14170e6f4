"""Graphs for networkx: nodes, edges and everything that is known of them."""

import networkx as nx
import numpy as np
import pytest

import graphad as ga
from graphad.ir.graph import Graph
from graphad.ops.elementwise import add, exp, tanh
from graphad.ops.fit import sum
from graphad.ops.leaves import constant, input, parameter


def model():
    x, W = input("x", shape=("n", 3)), parameter("W", shape=(3,))
    with ga.scope("hidden"):
        h = tanh(x * W)
    loss = sum(h * h)
    return Graph([x, W], [loss, ga.grad(loss, W)], name="model")


def test_nodes_stand_in_graph_order():
    graph = model()
    result = graph.to_networkx()
    assert isinstance(result, nx.MultiDiGraph)
    assert list(result) == [f"%{k}" for k in range(len(graph.nodes))]
    assert [d["op"] for _, d in result.nodes(data=True)] == [n.op.name for n in graph.nodes]
    assert nx.is_directed_acyclic_graph(result)


def test_graph_attributes():
    result = model().to_networkx()
    assert result.graph == {"name": "model", "inputs": ["%0", "%1"], "outputs": result.graph["outputs"]}
    assert [result.nodes[k]["name"] for k in result.graph["outputs"]] == ["loss", "d_W"]


def test_node_attributes():
    x = input("x", shape=("n", 3), dtype="float32")
    with ga.scope("outer"), ga.scope("inner"):
        total = sum(x, axis=0)
    assert Graph([x], [total]).to_networkx().nodes["%1"] == {
        "op": "sum",
        "name": "total",
        "type": "f32[3]",
        "shape": (3,),
        "dtype": "float32",
        "attrs": {"axis": (0,), "dtype": None, "keepdims": False},
        "role": "forward",
        "scope": ("outer", "inner"),
        "location": f"test_networkx.py:{total.origin.line}",
        "made_by": "",
        "adjoint_of": None,
        "is_cotangent": False,
        "is_output": True,
    }


def test_edges_are_the_uses_in_order_of_the_operands():
    x, y = input("x"), input("y")
    twice = add(x, x)
    result = Graph([x, y], [tanh(twice), twice - y]).to_networkx()
    assert [(a, b, d["position"]) for a, b, d in result.edges(data=True)] == [
        ("%0", "%2", 0),
        ("%0", "%2", 1),
        ("%1", "%4", 1),
        ("%2", "%3", 0),
        ("%2", "%4", 0),
    ]


def test_edges_agree_with_the_graph():
    graph = model()
    result = graph.to_networkx()
    for k, node in enumerate(graph.nodes):
        found = sorted((d["position"], a) for a, _, d in result.in_edges(f"%{k}", data=True))
        assert [graph.nodes[int(a[1:])] is x for (_, a), x in zip(found, node.inputs, strict=True)] == [True] * len(
            found
        )
        assert result.out_degree(f"%{k}") == len(graph.users[node])


def test_roles():
    x, w = input("x"), parameter("w")
    y = x * w + constant(np.array(3.0))
    result = Graph([x, w], [y, ga.grad(exp(y), w)]).to_networkx()
    roles = {}
    for _, data in result.nodes(data=True):
        roles.setdefault(data["role"], []).append(data["op"])
    assert roles["input"] == ["input"]
    assert roles["parameter"] == ["parameter"]
    assert roles["forward"][:2] == ["multiply", "add"]
    assert "constant" in roles["constant"]
    assert roles["backward"]


def test_a_computed_input_is_an_input_without_edges():
    h = tanh(exp(input("x")))
    result = Graph([h], [exp(h)]).to_networkx()
    assert result.nodes["%0"]["role"] == "input"
    assert list(result.edges()) == [("%0", "%1")]


def test_backward_nodes_name_the_node_that_they_serve():
    result = model().to_networkx()
    (key,) = [k for k, d in result.nodes(data=True) if d["name"] == "d_W"]
    assert result.nodes[key]["adjoint_of"] == "%1"
    assert result.nodes[key]["is_cotangent"]
    assert result.nodes[key]["made_by"]


def test_an_adjoint_of_a_node_outside_of_the_graph_has_no_key():
    x = input("x")
    dx = ga.grad(tanh(x * 2.0), x)
    served = [d["adjoint_of"] for _, d in Graph([x], [dx]).to_networkx().nodes(data=True)]
    assert set(served) <= {None, *(f"%{k}" for k in range(len(served)))}
    assert None in served[1:]


def test_a_sum_over_uses_has_a_label_per_edge():
    graph = model()
    result = graph.to_networkx()
    ((key, node),) = [(f"%{k}", n) for k, n in enumerate(graph.nodes) if n.origin.uses]
    labels = [d["label"] for _, _, d in sorted(result.in_edges(key, data=True), key=lambda e: e[2]["position"])]
    assert labels == list(node.origin.uses)
    assert len(set(labels)) == 2
    assert {d["label"] for a, b, d in result.edges(data=True) if b != key} == {""}


def test_labels_are_left_out_where_a_pass_changed_the_number_of_operands():
    x = input("x")
    y = add(x, x)
    y.origin.uses = ("only one",)
    assert [d["label"] for *_, d in Graph([x], [y]).to_networkx().edges(data=True)] == ["", ""]


@pytest.mark.parametrize("depth", [20_000])
def test_a_deep_graph_is_no_trouble_to_convert(depth):
    x = y = input("x")
    for _ in range(depth):
        y = tanh(y)
    graph = Graph([x], [y])
    result = graph.to_networkx()
    assert (result.number_of_nodes(), result.number_of_edges()) == (depth + 1, depth)
