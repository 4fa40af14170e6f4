"""Work done on less: each rule fires where it says, keeps the values, and leaves alone what it must."""

import numpy as np
import pytest
from rewriting import F, Row, applied, graph_of, values

import graphad as ga
from graphad.ops.contract import matmul
from graphad.rules import once

A = (4, 3)
N = ("n", 3)

FIRES = [
    Row("before_repeating", lambda x, y: ga.broadcast_to(x, A) * ga.broadcast_to(y, A), ((3,), ())),
    Row("before_repeating", lambda x, y: 1 / (1 + ga.square(ga.broadcast_to(x, y.shape))) + y, ((), N)),
    Row("before_repeating", lambda x, y: ga.where(ga.broadcast_to(x, y.shape) == 0, np.inf, y) + y, (("n", 1), N)),
    Row("masked_factor", lambda x, y, z: ga.where(x > 0, 1.0, 0.0) * y, (F, F, F)),
    Row("masked_factor", lambda x, y, z: y * ga.where(x > 0, 0.0, ga.broadcast_to(z, x.shape)), (F, F, ())),
    Row("zero_product", lambda x: x @ ga.zeros((3, 2)), (N,)),
    Row("zero_product", lambda x: ga.zeros((4,)) @ x, (A,)),
    Row("sum_of_scaled_rows", lambda x, y: ga.sum(x * y, axis=1), (N, (3,))),
    Row("sum_of_scaled_rows", lambda x, y: ga.sum(y[:, None] * x, axis=0), (N, ("n",))),
    Row("sum_of_positive_terms", lambda x, y, z: ga.sum(3 * x**2 + ga.exp(y) * ga.sigmoid(z)), (F, F, F)),
    Row("sum_of_kept_sum", lambda x: ga.sum(ga.sum(x, axis=(1, 2), keepdims=True), axis=0), ((2, 3, 4),)),
    Row("sum_of_kept_sum", lambda x: ga.sum(ga.sum(x, axis=1, keepdims=True), axis=(0, 1)), (N,)),
    Row("squeezed_sum", lambda x: ga.squeeze(ga.sum(x, axis=1, keepdims=True), 1), (N,)),
]

LEFT = [
    Row("before_repeating", lambda x, y: ga.broadcast_to(x, A) * y, ((3,), A)),
    Row("before_repeating", lambda x, y: x + y, (("n", 1), (3,))),
    Row("masked_factor", lambda x, y, z: ga.where(x > 0, z, 0.0) * y),
    Row("masked_factor", lambda x, y, z: ga.where(x > 0, 1.0, 2.0) * y),
    Row("zero_product", lambda x: x @ ga.ones((3, 2)), (N,)),
    Row("sum_of_scaled_rows", lambda x, y: ga.sum(x * y, axis=0), (N, (3,))),
    Row("sum_of_scaled_rows", lambda x, y: ga.sum(x * y, axis=1), (A, A)),
    Row("sum_of_scaled_rows", lambda x, y: ga.sum(x * y, axis=1), (A, (3,)), "int64"),
    Row("sum_of_positive_terms", lambda x, y, z: ga.sum(x * x + y * z)),  # they may cancel
    Row("sum_of_positive_terms", lambda x, y, z: ga.sum(x * x - y * y)),
    Row("sum_of_positive_terms", lambda x, y, z: (lambda t: (ga.sum(t + y * y), t))(x * x)),
    Row("sum_of_kept_sum", lambda x: ga.sum(ga.sum(x, axis=1), axis=0), (N,)),
    Row("squeezed_sum", lambda x: ga.squeeze(ga.sum(x, axis=(0, 1), keepdims=True), 1), (N,)),
]


def rule(name):
    return getattr(once, name)


@pytest.mark.parametrize("row", FIRES, ids=lambda r: r.rule)
def test_fires_and_keeps_values(row):
    graph = graph_of(row)
    after, count = applied(rule(row.rule), graph, once.CLOSE)
    assert count > 0
    given = [np.clip(v, -9, 9) for v in values(graph)]
    run = [ga.compile(g.inputs, g.outputs, optimize="none") for g in (graph, after)]
    for old, new in zip(*(f(*given) for f in run), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("row", LEFT, ids=lambda r: r.rule)
def test_leaves_alone(row):
    assert applied(rule(row.rule), graph_of(row), once.CLOSE)[1] == 0


def test_every_rule_has_an_example():
    assert {r.__name__ for found in once.CLOSE.values() for r in found} == {row.rule for row in FIRES}


def test_products_in_use_elsewhere_are_left_alone():
    x, y = ga.input("x", A), ga.input("y", (3,))
    terms = x * y
    f = ga.compile([x, y], [ga.sum(terms, axis=1), terms])
    assert not any(n.op is matmul for n in f.graph.nodes)


def test_columns_and_ends_of_one_array_add_up():
    x = ga.input("x", ("n",))
    y = ga.sum(ga.square(x[:, None])) + x[0] ** 2 + x[-1] ** 2
    f = ga.compile([x], ga.grad(y, x))
    np.testing.assert_allclose(f(np.arange(4.0) + 1), [4, 4, 6, 16])
