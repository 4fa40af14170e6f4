"""Pooling: what is done to each element alike is done to the largest of a window alone."""

import numpy as np
import pytest
from rewriting import Row, applied, graph_of, values

import graphad as ga
from graphad.ir.graph import Graph
from graphad.ops.pool import max_share, window_max
from graphad.rules import pooling

TABLES = (pooling.CLOSE,)
HOW = {"size": (2, 2), "stride": 2}
IMAGES, CHANNELS = (2, 3, 4, 6), (3, 1, 1)


def gradient(function, how=HOW):
    """The gradient by x of a weighted sum of what is pooled."""

    def make(x, *rest):
        top = window_max(function(x, *rest), **how)
        return ga.grad(ga.sum(ga.sin(top)), x)

    return make


FIRES = [
    Row("pooled_before_limited", lambda x: window_max(ga.relu(x), **HOW), (IMAGES,)),
    Row("pooled_before_limited", lambda x: window_max(ga.relu(x), size=(3,), stride=2), (("n", 7),)),
    Row("pooled_before_shifted", lambda x, b: window_max(x + b, **HOW), (IMAGES, CHANNELS)),
    Row("pooled_before_shifted", lambda x, b: window_max(b + x, **HOW), (IMAGES, ()), "float32"),
    Row("shared_before_shifted", gradient(lambda x, b: x + b), (IMAGES, CHANNELS)),
    Row("masked_before_shared", gradient(ga.relu), (IMAGES,)),
    Row("masked_before_shared", gradient(ga.relu, {"size": (3, 2), "stride": (2, 1)}), (("n", 5, 4),)),
    Row("sum_of_shares", lambda x: ga.sum(gradient(lambda x: x)(x), axis=(0, 2, 3)), (IMAGES,)),
    Row("sum_of_shares", lambda x: ga.sum(gradient(lambda x: x)(x), keepdims=True), (IMAGES,)),
]
QUIET = [
    Row("pooled_before_limited", lambda x: window_max(ga.relu(x), size=(2, 2)), (IMAGES,)),  # as many as elements
    Row("pooled_before_limited", lambda x: window_max(ga.tanh(x), **HOW), (IMAGES,)),
    Row("pooled_before_shifted", lambda x, b: window_max(x + b, **HOW), (IMAGES, (4, 6))),
    Row("pooled_before_shifted", lambda x, b: window_max(x + b, **HOW), (IMAGES, (4, 1))),
    Row("shared_before_shifted", gradient(lambda x, b: x + b), (IMAGES, (1, 6))),
    Row("masked_before_shared", gradient(lambda x: ga.where(x > 0.5, x, 0)), (IMAGES,)),
    Row("sum_of_shares", lambda x: ga.sum(gradient(lambda x: x)(x), axis=(0, 1, 2)), (IMAGES,)),
]


def ids(row):
    return row.rule


@pytest.mark.parametrize("row", FIRES, ids=ids)
def test_rule_keeps_the_values(row):
    graph = graph_of(row)
    after, count = applied(getattr(pooling, row.rule), graph, *TABLES)
    assert count
    given = values(graph)
    for a, b in zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5 if row.dtype == "float32" else 1e-13, atol=1e-13)


@pytest.mark.parametrize("row", QUIET, ids=ids)
def test_rule_stays_away(row):
    assert applied(getattr(pooling, row.rule), graph_of(row), *TABLES)[1] == 0


def test_every_rule_has_an_example():
    rules = {rule.__name__ for rules in pooling.CLOSE.values() for rule in rules}
    assert rules == {row.rule for row in FIRES} == {row.rule for row in QUIET}


def test_value_with_another_user_is_not_computed_twice():
    x = ga.input("x", (2, 4, 4))
    r = ga.relu(x)
    graph = Graph([x], [window_max(r, **HOW), r * 2])
    assert applied(pooling.pooled_before_limited, graph, *TABLES)[1] == 0


def test_windows_without_anything_positive_get_no_gradient():
    x = ga.input("x", (1, 2, 4))
    f = ga.compile([x], ga.grad(ga.sum(window_max(ga.relu(x), **HOW)), x))
    found = f(np.array([[[-1.0, -2.0, 3.0, 3.0], [0.0, -1.0, 1.0, 2.0]]]))
    np.testing.assert_array_equal(found, [[[0, 0, 0.5, 0.5], [0, 0, 0, 0]]])


def test_a_convolution_is_pooled_before_bias_and_relu():
    x, w, b = ga.input("x", ("n", 1, 8, 8)), ga.parameter("w", (3, 1, 3, 3)), ga.parameter("b", (3,))
    pooled = ga.nn.max_pool2d(ga.relu(ga.nn.conv2d(x, w) + b[:, None, None]), 2)
    f = ga.compile([x, w, b], ga.grad(ga.sum(pooled**2), [w, b]))
    (share,) = (n for n in f.graph.nodes if n.op is max_share)
    assert share.inputs[1].op.name == "conv"
    assert all(n.shape[2:] == (3, 3) for n in f.graph.nodes if n.op.name in ("relu", "greater", "where"))
