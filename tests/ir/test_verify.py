"""Every invariant finds the breach that is planted for it; legal graphs pass."""

from types import MappingProxyType

import numpy as np
import pytest
from support import all_calls, concrete

import graphad as ga
from graphad.errors import MAX_LINES, GraphError
from graphad.ir.graph import Graph
from graphad.ir.types import TensorType, is_differentiable
from graphad.ir.verify import INVARIANTS, verify
from graphad.ops.elementwise import add, exp, tanh
from graphad.ops.fit import sum
from graphad.ops.leaves import constant, eye, input
from graphad.ops.random import standard_normal


def force(thing, **fields):
    """Write to what refuses to be written."""
    for key, value in fields.items():
        object.__setattr__(thing, key, value)


def listed_twice():
    graph = Graph([x := input("x")], [x])
    graph.inputs *= 2
    return graph


def nameless():
    graph = Graph([x := input("x")], [x])
    x.origin.name = None
    return graph


def renamed():
    graph = Graph([x := input("x")], [x])
    x.origin.name = "z"
    return graph


def same_names():
    x, h = input("x"), tanh(input("y"))
    h.origin.name = "h"
    graph = Graph([x, h], [x + h])
    h.origin.name = "x"
    return graph


def cycle():
    x = input("x")
    a = exp(x)
    b = exp(a)
    graph = Graph([x], [b])
    force(a, inputs=(b,))
    return graph


def cycle_of_one():
    graph = Graph([x := input("x")], [y := add(x, x)])
    force(y, inputs=(x, y))
    return graph


def foreign_output():
    graph = Graph([x := input("x")], [x])
    graph.outputs = (exp(x),)
    return graph


def number_as_output():
    graph = Graph([x := input("x")], [x])
    graph.outputs = (1.0,)
    return graph


def undeclared():
    x, y = input("x"), input("y")
    graph = Graph([x, y], [x + y])
    graph.inputs = (x,)
    graph.__dict__.pop("_cut", None)
    return graph


def random_with_input():
    graph = Graph([x := input("x")], [u := standard_normal()])
    force(u, inputs=(x,))
    return graph


def with_attrs(**changes):
    x = input("x", shape=(2, 3))
    y = sum(x, axis=0)
    attrs = {k: v for k, v in {**y.attrs, **changes}.items() if v != "absent"}
    force(y, attrs=attrs)
    return Graph([x], [y])


def wrong_type():
    y = tanh(x := input("x", shape=("n",)))
    force(y, type=TensorType((3,), y.dtype))
    return Graph([x], [y])


def too_many_operands():
    y = tanh(x := input("x"))
    force(y, inputs=(x, x))
    return Graph([x], [y])


def with_dtype(dtype):
    cut = tanh(input("y"))  # the type of a computed input follows from nothing in the graph
    force(cut, type=TensorType((), np.dtype(dtype)))
    return Graph([cut], [cut])


def writable():
    c = constant(np.ones(3))
    force(c, attrs={"value": np.ones(3)})
    return Graph([], [c])


def cotangent_of_another_type():
    x = input("x", shape=(3,))
    y = sum(exp(x))
    dx = ga.grad(y, x)
    wide = input("wide", shape=(4,))
    force(wide.origin, adjoint_of=x.origin, is_cotangent=True)
    return Graph([x, wide], [dx, wide])


BREACHES = {
    "inputs_are_named": [listed_twice, nameless, renamed, same_names],
    "inputs_come_first": [cycle, cycle_of_one],
    "outputs_belong": [foreign_output, number_as_output],
    "placeholders_are_inputs": [undeclared],
    "random_nodes_are_leaves": [random_with_input],
    "attributes_are_normal": [
        lambda: with_attrs(axis=[0]),
        lambda: with_attrs(axis=(-2,)),
        lambda: with_attrs(axis=(0, 1)),
        lambda: with_attrs(axis=(5,)),
        lambda: with_attrs(axis="first"),
        lambda: with_attrs(keepdims="absent"),
        lambda: with_attrs(colour=1),
    ],
    "types_follow_rules": [wrong_type, too_many_operands],
    "dtypes_are_supported": [lambda: with_dtype(">f8"), lambda: with_dtype("datetime64[s]"), lambda: with_dtype("O")],
    "arrays_are_read_only": [writable],
    "cotangents_fit": [cotangent_of_another_type],
}


def test_every_invariant_has_a_breach():
    assert list(BREACHES) == [i.__name__ for i in INVARIANTS]


PLANTED = [(name, breach, f"{name}-{k}") for name, breaches in BREACHES.items() for k, breach in enumerate(breaches)]


@pytest.mark.parametrize(("name", "breach"), [p[:2] for p in PLANTED], ids=[p[2] for p in PLANTED])
def test_breach_is_found(name, breach):
    with pytest.raises(GraphError, match=f"graph 'graph': {name}: ") as caught:
        verify(breach())
    assert len(str(caught.value).splitlines()) <= MAX_LINES


def test_breach_is_told_by_invariant_node_and_line():
    x = input("x", shape=("n",))
    hidden = tanh(x)
    force(hidden, type=TensorType((3,), x.dtype))
    with pytest.raises(GraphError) as caught:
        verify(Graph([x], [hidden], name="f"))
    what, where = str(caught.value).splitlines()
    assert what == "graph 'f': types_follow_rules: hidden is stored as f64[3], its type rule says f64[n]"
    assert where.split()[:3] == ["hidden", "tanh", "at"]
    assert where.endswith(f"test_verify.py:{hidden.origin.line}")


def test_each_invariant_is_quiet_about_a_legal_graph():
    x = input("x", shape=("n", 3))
    y = sum(tanh(x[1:] * eye(3)[0]))
    graph = Graph([x], [y, ga.grad(y, x)])
    assert [list(invariant(graph)) for invariant in INVARIANTS] == [[]] * len(INVARIANTS)


@pytest.mark.parametrize(("op", "case", "name"), list(all_calls()), ids=lambda v: v if isinstance(v, str) else "")
def test_every_op_and_its_gradient_are_legal(op, case, name):
    call = concrete(op, case)
    outputs = [call.result]
    wrt = [x for x in call.inputs if is_differentiable(x.dtype)]
    if wrt and is_differentiable(call.result.dtype):
        outputs += ga.vjp(call.result, wrt, ga.ones_like(call.result))
    verify(Graph(call.inputs, outputs))
    assert len(outputs) in (1, 1 + len(wrt))


def test_attributes_may_be_any_mapping():
    y = sum(x := input("x", shape=(2, 3)), axis=0)
    force(y, attrs=MappingProxyType(dict(y.attrs)))
    graph = Graph([x], [y])
    verify(graph)
    assert graph.outputs[0].attrs["axis"] == (0,)


def test_a_cut_is_an_input_whatever_lies_behind():
    x = input("x")
    h = tanh(x)
    force(h, inputs=(h,))
    graph = Graph([h], [exp(h)])
    verify(graph)
    assert graph.is_input(h)


def test_nodes_that_share_an_origin_may_differ_in_type():
    x = input("x", shape=(3,))
    y = sum(exp(x))
    dx = ga.grad(y, x)
    other = constant(1.0)
    force(other, origin=x.origin)
    verify(Graph([x], [other, dx]))
    verify(Graph([x], [dx, other]))
    assert dx.origin.adjoint_of is x.origin


def test_a_deep_graph_is_no_trouble_to_verify():
    x = y = input("x")
    for _ in range(20_000):
        y = tanh(y)
    assert verify(Graph([x], [y])) is None
