"""Linear algebra: fewer operations, the same values up to rounding."""

from itertools import pairwise

import numpy as np
import pytest
from rewriting import F, G, Row, applied, graph_of, values, work

import graphad as ga
from graphad.rules import contractions

A, B = (4, 3), (3, 4)
TABLES = (contractions.CLOSE,)


def diag(v):
    return ga.diag(v)


FIRES = [
    Row("transposed_product", lambda x, y: (x.T @ y.T).T, (A, B)),
    Row("einsum_of_transposed", lambda x, y: ga.einsum("ij,ik->", x.T, y), (A, (3, 2))),
    Row("einsum_of_matrices", lambda x, y: ga.einsum("ij,jk->ik", x, y), (A, B)),
    Row("einsum_of_matrices", lambda x, y: ga.einsum("ij,kj->ki", x, y), (A, A)),
    Row("einsum_of_matrices", lambda x, y: ga.einsum("ij,j->i", x, y), (A, (3,))),
    Row("einsum_of_matrices", lambda x, y: ga.einsum("i,i->", x, y), (F, F)),
    Row("einsum_of_matrices", lambda x: ga.einsum("ij->ji", x), (("n", 3),)),
    Row("einsum_of_matrices", lambda x: ga.einsum("ij->j", x), (A,)),
    Row("sum_of_products", lambda x, y: ga.sum(x * y), (F, F)),
    Row("sum_of_products", lambda x: ga.sum(x**2), (F,)),
    Row("sum_of_products", lambda x: ga.sum(ga.square(x)), (F,), "complex128"),
    Row("sum_of_products", lambda x, y: ga.sum(x * y), (("n",), ("n",)), "complex128"),
    Row("sum_of_product", lambda x, y: ga.sum(x @ y), (A, B)),
    Row("sum_of_product", lambda x, y: ga.sum(x @ y, axis=0), (A, B)),
    Row("sum_of_product", lambda x, y: ga.sum(x @ y, axis=1), (("n", 3), B)),
    Row("sum_of_product", lambda x, y: ga.sum(x @ y), (A, (3,))),
    Row("diagonal_of_product", lambda x, y: ga.diagonal(x @ y), (A, B)),
    Row("trace_of_product", lambda x, y: ga.sum(ga.einsum("ij,ji->i", x, y)), (A, B)),
    Row("common_matrix", lambda x, y, z: x @ y + x @ z, (A, B, B)),
    Row("common_matrix", lambda x, y, z: y @ x - z @ x, (A, B, B)),
    Row("common_matrix", lambda x, y, z: ga.sum_n(y @ x, z @ x, (y + z) @ x), (A, B, B)),
    Row("part_of_product", lambda x, y: (x @ y)[0], (A, B)),
    Row("part_of_product", lambda x, y: (x @ y)[:, 1], (A, B)),
    Row("part_of_product", lambda x, y: (x @ y)[1:3, 2], (A, B)),
    Row("part_of_product", lambda x, y: (x @ y)[2], ((3,), B)),
    Row("part_of_product", lambda x, y: (x @ y)[-1], (("n", 3), (3,))),
    Row("product_with_diagonal", lambda x, y: diag(x) @ y, ((4,), A)),
    Row("product_with_diagonal", lambda x, y: y @ diag(x), ((3,), A)),
    Row("product_with_diagonal", lambda x, y: diag(x) @ y, (F, F)),
    Row("system_with_diagonal", lambda x, y: ga.linalg.solve(diag(x), y), ((4,), A)),
    Row("system_with_diagonal", lambda x: ga.linalg.inv(diag(x)), (F,)),
    Row("inverse_times", lambda x, y: ga.linalg.inv(x) @ y, (G, (4,))),
    Row("inverse_times", lambda x, y: y @ ga.linalg.inv(x), (G, (4,))),
    Row("inverse_twice", lambda x: ga.linalg.inv(ga.linalg.inv(x)), (G,)),
    Row("determinant_of", lambda x: ga.linalg.det(x.T), (G,)),
    Row("determinant_of", lambda x: ga.linalg.det(ga.linalg.inv(x)), (G,)),
    Row("best_order", lambda x, y, z: x @ y @ z, (G, G, (4,))),
    Row("best_order", lambda x, y, z: x @ (y @ z), ((2, 9), (9, 9), (9, 9))),
    Row("best_order", lambda x, y, z: x @ y @ z, (("n", "n"), ("n", "n"), ("n",))),
    Row("best_order", lambda x, y, z: x @ np.ones((3, 4)).cumsum(0) @ np.eye(4), (("n", 3), (), ())),
    Row("one_hot_product", lambda x, y: ga.one_hot(ga.argmax(x, axis=1), 3) @ y, (A, (3, 50))),
    Row("one_hot_product", lambda x, y: ga.one_hot((9 * x).astype("int64"), 30) @ y, (F, (30, 5))),
]

QUIET = [
    Row("transposed_product", lambda x, y: (x @ y).T, (A, B)),
    Row("einsum_of_matrices", lambda x, y: ga.einsum("ij,ij->", x, y), (A, A)),
    Row("einsum_of_matrices", lambda x, y: ga.einsum("ij,jk->ijk", x, y), (A, B)),
    Row("sum_of_products", lambda x, y: ga.sum(x * y), (A, A)),
    Row("sum_of_products", lambda x, y: ga.sum(x * y), (F, F), "int8"),  # a product of int8 would overflow
    Row("sum_of_products", lambda x, y: ga.sum(x * y), (F, ())),
    Row("sum_of_product", lambda x, y: ga.sum(x @ y, axis=0, keepdims=True), (A, B)),
    Row("sum_of_product", lambda x, y: ga.sum(x @ y), (A, B), "int8"),
    Row("diagonal_of_product", lambda x, y: ga.diagonal(x @ y, 1), (A, B)),
    Row("diagonal_of_product", lambda x, y: ga.diagonal(x @ y), (A, (3, 2))),
    Row("common_matrix", lambda x, y, z: x @ y + y.T @ z, (A, B, B)),
    Row("common_matrix", lambda x, y, z: x @ y + x @ z, (A, B, (3, 1))),  # y @ x has another shape than z
    Row("part_of_product", lambda x, y: (x @ y)[::-1], (A, B)),
    Row("part_of_product", lambda x, y: (x @ y)[None, 0], (A, B)),
    Row("product_with_diagonal", lambda x, y: ga.diag(x, 1) @ y, ((3,), A)),
    Row("system_with_diagonal", lambda x: ga.linalg.inv(x), (G,)),
    Row("inverse_times", lambda x, y: y @ ga.linalg.inv(x), (G, A[::-1])),
    Row("determinant_of", lambda x: ga.linalg.det(x), (G,)),
    Row("best_order", lambda x, y, z: x @ y @ z, ((2, 3), (3, 4), (4, 5))),
    Row("best_order", lambda x, y, z: x @ y @ z, (("n", "m"), ("m", "n"), ("n", "m"))),  # depends on n and m
    Row("one_hot_product", lambda x, y: ga.one_hot(ga.argmax(x, axis=1), y.shape[0]) @ y, (A, ("n", 50))),
    Row("one_hot_product", lambda x, y: (x[:, None] == y) @ np.ones((5, 2)), (F, F), "int64"),
]


def rule(name):
    return next(r for t in TABLES for rules in t.values() for r in rules if r.__name__ == name)


@pytest.mark.parametrize("row", FIRES, ids=lambda r: r.rule)
def test_rule_shrinks_and_keeps_the_value(row):
    graph = graph_of(row)
    after, count = applied(rule(row.rule), graph, *TABLES)
    assert count
    assert len(after.nodes) < len(graph.nodes) or work(after) < work(graph) or row.rule == "einsum_of_matrices"
    for seed in range(3):
        given = values(graph, seed)
        for a, b in zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("row", QUIET, ids=lambda r: r.rule)
def test_rule_does_not_fire(row):
    assert applied(rule(row.rule), graph_of(row), *TABLES)[1] == 0


def test_every_rule_has_an_example_and_says_its_equation():
    rules = {r for t in TABLES for found in t.values() for r in found}
    assert {r.__name__ for r in rules} == {row.rule for row in FIRES}
    assert all(r.__doc__ for r in rules)


def test_products_in_use_elsewhere_are_left_alone():
    x, y = ga.input("x", A), ga.input("y", B)
    p = x @ y
    source = ga.compile([x, y], [p[0], ga.trace(p), ga.sum(p), p], style="readable").source
    assert source.count("@") == 1
    m, v = ga.input("m", G), ga.input("v", (4,))
    inverse = ga.linalg.inv(m)
    assert "solve" not in ga.compile([m, v], [inverse @ v, inverse]).source


def test_code_that_reads_well_stays():
    x, y = ga.input("x", A), ga.input("y", A)
    assert "x @ y.T" in ga.compile([x, y], x @ y.T, style="readable").source
    assert "x.T @ y" in ga.compile([x, y], x.T @ y, style="readable").source
    assert "x @ y.T" in ga.compile([x, y], ga.einsum("ij,kj->ik", x, y), style="readable").source


def test_a_chain_costs_as_little_as_the_best_order():
    sizes = (30, 35, 15, 5, 10, 20, 25)  # Cormen et al., 15.2: 15125 multiplications
    inputs = [ga.input(f"m{k}", s) for k, s in enumerate(pairwise(sizes))]
    y = inputs[0]
    for m in inputs[1:]:
        y = y @ m
    graph = ga.compile(inputs, y).graph
    cost = sum(n.inputs[0].shape[0] * n.inputs[0].shape[1] * n.shape[1] for n in graph.nodes if n.op is ga.matmul)
    assert cost == 15125
