"""Numbers where they cost least: each rule fires where it says, keeps the values, and leaves alone what it must."""

import numpy as np
import pytest
from rewriting import F, Row, applied, graph_of, values

import graphad as ga
from graphad.ops.elementwise import multiply
from graphad.rules import scales

A = (4, 3)
N = ("n", 3)
BIG = ("n", 4, 3)

FIRES = [
    Row("scale_inwards", lambda x, y: 2 * (x * (0.3 * y)[:, None]), (A, (4,))),
    Row("scale_inwards", lambda x, y: (x * y) / 7, (N, (3,))),
    Row("scale_inwards", lambda x, y: 3 * (x @ (y / -3)), (N, A[::-1])),
    Row("scale_inwards", lambda x: 3 * ga.reshape(ga.transpose(-x), (-1,)), (N,)),
    Row("scale_inwards", lambda x, y: 2 * ((0.5 * x)[:, :, None] * y), (("n", 4), BIG), "complex128"),
    Row("number_outwards", lambda x, y: (2 * x) * y, (F, F)),
    Row("number_outwards", lambda x, y: x * (y / 3), (F, F)),
    Row("number_outwards", lambda x, y: (3 * x) / y, (F, F), "float32"),
    Row("number_outwards", lambda x, y: (3 * x) * y, (N, (3,))),
    Row("number_after_product", lambda x, y: (3 * x) @ y, ((2, 9), (9,))),
    Row("number_after_product", lambda x, y: x @ (y / -3), ((2, 9), (9, 2)), "complex128"),
    Row("factor_out_of_sum", lambda x, y: ga.sum(x * y, axis=0), (N, (3,))),
    Row("factor_out_of_sum", lambda x, y: ga.sum(y[:, None] * x, axis=1), (N, ("n",))),
    Row("factor_out_of_sum", lambda x, y: ga.mean(y * x, axis=(0, 2), keepdims=True), (BIG, (4, 1))),
    Row("factor_out_of_sum", lambda x, y: ga.sum(x / y, axis=1, keepdims=True), (N, ("n", 1))),
    Row("factor_and_multiple", lambda x, y: x + x * y, (F, F)),
    Row("factor_and_multiple", lambda x, y: 3 * (y * x) - x, (F, F), "complex128"),
    Row("factor_and_multiple", lambda x, y: x - x * y / 3, (F, F), "float32"),
]

LEFT = [
    Row("scale_inwards", lambda x, y: 2 * (x * y), (F, F)),  # no place costs less
    Row("scale_inwards", lambda x, y: (lambda t: (2 * t, t))(x * y), (N, (3,))),  # the product is needed anyway
    Row("scale_inwards", lambda x: 1e300 * (1e300 * x), (F,)),  # overflows
    Row("scale_inwards", lambda x, y: 2 * (x * y), (N, (3,)), "int64"),
    Row("number_outwards", lambda x, y: x / (3 * y), (F, F)),
    Row("number_outwards", lambda x, y: (lambda t: (t * y, t))(2 * x), (F, F)),  # 2x is needed anyway
    Row("number_outwards", lambda x, y: (2 * x) * y, (F, F), "int64"),
    Row("number_after_product", lambda x, y: (3 * x) @ y, ((9, 2), (2, 9))),
    Row("number_after_product", lambda x, y: (3 * x) @ y, (N, (3,))),  # n may be small
    Row("number_after_product", lambda x, y: (lambda t: (t @ y, t))(3 * x), ((2, 9), (9,))),
    Row("factor_out_of_sum", lambda x, y: ga.sum(x * y, axis=1), (N, (3,))),
    Row("factor_out_of_sum", lambda x, y: ga.sum(y / x, axis=0), (N, (3,))),
    Row("factor_out_of_sum", lambda x, y: ga.sum(x * y, axis=0), (N, (3,)), "int64"),
    Row("factor_out_of_sum", lambda x, y: (lambda t: (ga.sum(t, axis=0), t))(x * y), (N, (3,))),
    Row("factor_and_multiple", lambda x, y: x + x * y, (F, F), "int64"),
    Row("factor_and_multiple", lambda x, y: x + y * y, (F, F)),
    Row("factor_and_multiple", lambda x, y: (lambda t: (x + t, t))(x * y), (F, F)),
]


@pytest.mark.parametrize("row", FIRES, ids=lambda r: r.rule)
def test_fires_and_keeps_values(row):
    graph = graph_of(row)
    after, count = applied(getattr(scales, row.rule), graph, scales.CLOSE)
    assert count > 0
    tolerance = 1e-5 if row.dtype == "float32" else 1e-12
    for seed in range(3):
        given = values(graph, seed)
        for old, new in zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True):
            assert old.dtype == new.dtype
            np.testing.assert_allclose(new, old, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("row", LEFT, ids=lambda r: r.rule)
def test_leaves_alone(row):
    assert applied(getattr(scales, row.rule), graph_of(row), scales.CLOSE)[1] == 0


def test_every_rule_has_an_example():
    assert {r.__name__ for found in scales.CLOSE.values() for r in found} == {row.rule for row in FIRES}


def test_the_gradient_of_a_weighted_square_multiplies_the_large_array_once():
    x, w = ga.input("x", (50, 4, 3)), ga.input("w", (50, 4))
    f = ga.compile([x, w], ga.grad(-0.5 * ga.sum(w * ga.sum(x * x, axis=2)), x))
    assert [n.size for n in f.graph.nodes if n.op is multiply].count(600) == 1
    given = np.random.default_rng(0).standard_normal((50, 4, 3)), np.arange(200.0).reshape(50, 4)
    np.testing.assert_allclose(f(*given), -given[1][:, :, None] * given[0], rtol=1e-14)


def test_the_gradient_of_a_cubic_is_collected():
    x = ga.input("x", (5,))
    f = ga.compile([x], ga.grad(ga.sum(ga.tanh(x + 0.04 * x * x * x)), x))
    assert sum(n.op is multiply and n.ndim == 1 and n.origin.adjoint_of is not None for n in f.graph.nodes) <= 3
