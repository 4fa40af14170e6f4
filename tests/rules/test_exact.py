"""Exact rules: each fires on an expression that it shrinks and keeps every bit; none fires where it must not."""

import numpy as np
import pytest
from rewriting import G, Row, applied, graph_of, special, values, work

import graphad as ga
from graphad.rules import choices, exact

TABLES = (exact.EXACT, choices.EXACT)

FIRES = [
    Row("add_zero", lambda x, y, z: x + 0),
    Row("add_zero", lambda x, y, z: 0 + x, dtype="int32"),
    Row("add_negative", lambda x, y, z: x + (-y)),
    Row("subtract_zero", lambda x, y, z: x - 0),
    Row("subtract_negative", lambda x, y, z: x - (-y)),
    Row("multiply_one", lambda x, y, z: 1 * x),
    Row("multiply_one", lambda x, y, z: x * -1),
    Row("multiply_negatives", lambda x, y, z: (-x) * (-y)),
    Row("divide_one", lambda x, y, z: x / 1),
    Row("divide_one", lambda x, y, z: x / -1),
    Row("divide_negatives", lambda x, y, z: (-x) / (-y)),
    Row("double_negative", lambda x, y, z: ga.negative(-x), dtype="uint8"),
    Row("negative_difference", lambda x, y, z: -(x - y)),
    Row("power_one", lambda x, y, z: x**1),
    Row("power_one", lambda x, y, z: x**0),
    Row("power_one", lambda x, y, z: 1.0**x),
    Row("sum_n_zeros", lambda x, y, z: ga.sum_n(x, ga.zeros_like(x), y)),
    Row("sum_of_negative", lambda x, y, z: ga.sum(-x)),
    Row("double_not", lambda x, y, z: ga.logical_not(ga.logical_not(x > y))),
    Row("gradient_is_taken", lambda x, y, z: ga.stop_gradient(x)),
    Row("compared_with_itself", lambda x, y, z: x < x),
    Row("compared_with_itself", lambda x, y, z: x == x, dtype="int64"),
    Row("negated_comparison", lambda x, y, z: ga.logical_not(x == y)),
    Row("negated_comparison", lambda x, y, z: ga.logical_not(x < y), dtype="int64"),
    Row("idempotent", lambda x, y, z: ga.maximum(x, x)),
    Row("idempotent", lambda x, y, z: (x > y) & (x > y)),
    Row("exclusive_self", lambda x, y, z: (x > y) ^ (x > y)),
    Row("known_logic", lambda x, y, z: ga.logical_and(x > y, True)),
    Row("known_logic", lambda x, y, z: ga.logical_or(x > y, True)),
    Row("limited_twice", lambda x, y, z: ga.maximum(ga.maximum(x, 1.0), 2.0)),
    Row("limited_twice", lambda x, y, z: ga.minimum(ga.minimum(x, y), y)),
    Row("never_limited", lambda x, y, z: ga.maximum(x, -np.inf)),
    Row("never_limited", lambda x, y, z: ga.maximum(ga.exp(x), 0)),
    Row("clipped_twice", lambda x, y, z: ga.clip(ga.clip(x, 0, 1), 0, 1)),
    Row("never_negative", lambda x, y, z: ga.abs(ga.exp(x))),
    Row("never_negative", lambda x, y, z: ga.relu(x * x)),
    Row("even", lambda x, y, z: ga.abs(-x)),
    Row("even", lambda x, y, z: ga.square(ga.abs(x))),
    Row("applied_twice", lambda x, y, z: ga.abs(ga.abs(x))),
    Row("applied_twice", lambda x, y, z: ga.ceil(ga.floor(x))),
    Row("arranged_twice", lambda x, y, z: ga.sort(ga.sort(x))),
    Row("arranged_twice", lambda x: ga.tril(ga.tril(x)), (G,)),
    Row("whole_number", lambda x, y, z: ga.floor(x), dtype="int64"),
    Row("conjugated_twice", lambda x, y, z: ga.conj(ga.conj(x)), dtype="complex128"),
    Row("conjugated_twice", lambda x, y, z: ga.real(x)),
    Row("part_of_complex", lambda x, y, z: ga.real(ga.conj(x)), dtype="complex128"),
    Row("part_of_complex", lambda x, y, z: ga.real(x.astype("complex128"))),
    Row("same_dtype", lambda x, y, z: x.astype("float64")),
    Row("cast_twice", lambda x, y, z: x.astype("float64").astype("float32"), dtype="float32"),
    Row("cast_twice", lambda x, y, z: x.astype("int64").astype("float64"), dtype="int32"),
    Row("same_branches", lambda x, y, z: ga.where(x > 0, y, y)),
    Row("known_condition", lambda x, y, z: ga.where(True, x, y)),
    Row("negated_condition", lambda x, y, z: ga.where(ga.logical_not(x > 0), y, z)),
    Row("condition_known_inside", lambda x, y, z: ga.where(x > 0, ga.where(x > 0, x, y), z)),
    Row("condition_known_inside", lambda x, y, z: ga.where(x > 0, x, ga.where(x > 0, y, z))),
    Row("condition_known_deeper", lambda x, y, z: ga.where(x > 0, y, ga.where(y > 0, z, ga.where(x > 0, x, 3)))),
    Row("condition_known_deeper", lambda x, y, z: ga.where(x > 0, ga.where(y > 0, ga.where(x > 0, x, 3), z), y)),
    Row("nested_choice", lambda x, y, z: ga.where(x > 0, ga.where(y > 0, x, z), z)),
    Row("choice_of_truth", lambda x, y, z: ga.where(x > 0, True, False)),
    Row("choice_of_truth", lambda x, y, z: ga.where(x > 0, False, True)),
    Row("scaled_choice", lambda x, y, z: ga.where(x > 0, y, 0) * 2.5),
    Row("scaled_choice", lambda x, y, z: -ga.where(x > 0, 0, y)),
    Row("choices_together", lambda x, y, z: ga.where(x > 0, y, 0) + ga.where(x > 0, z, 0)),
    Row("choices_together", lambda x, y, z: ga.where(x > 0, y, 0) + ga.where(x > 0, 0, z)),
    Row("choices_together", lambda x, y, z: ga.where(x > 0, y, 2) * ga.where(x > 0, z, 3)),
    Row("choices_together", lambda x, y, z: ga.sum_n(ga.where(x > 0, y, 0), ga.where(x > 0, z, 0), x)),
]

SAME_SIZE = {"negated_condition", "nested_choice", "scaled_choice", "sum_of_negative"}

QUIET = [
    Row("add_zero", lambda x, y, z: x + 1e-300),
    Row("divide_one", lambda x, y, z: x / 1, dtype="int64"),  # becomes float64
    Row("power_one", lambda x, y, z: x**y),
    Row("compared_with_itself", lambda x, y, z: x == x),  # nan is not equal to itself
    Row("compared_with_itself", lambda x, y, z: x < y),
    Row("negated_comparison", lambda x, y, z: ga.logical_not(x < y)),  # both are false for nan
    Row("idempotent", lambda x, y, z: ga.logical_and(x, x)),  # the result is boolean, x is not
    Row("exclusive_self", lambda x, y, z: (x > y) ^ (y > x)),
    Row("known_logic", lambda x, y, z: ga.logical_and(x, True)),
    Row("limited_twice", lambda x, y, z: ga.maximum(ga.minimum(x, 1.0), 2.0)),
    Row("never_limited", lambda x, y, z: ga.maximum(x, 0)),
    Row("never_limited", lambda x, y, z: ga.minimum(x, -np.inf)),
    Row("clipped_twice", lambda x, y, z: ga.clip(ga.clip(x, 0, 1), 0, 2)),
    Row("never_negative", lambda x, y, z: ga.abs(x)),
    Row("even", lambda x, y, z: ga.abs(-x), dtype="uint8"),  # -1 is 255
    Row("even", lambda x, y, z: ga.square(ga.abs(x)), dtype="complex128"),
    Row("applied_twice", lambda x, y, z: ga.relu(ga.abs(x))),
    Row("arranged_twice", lambda x: ga.tril(ga.triu(x)), (G,)),
    Row("arranged_twice", lambda x: ga.sort(ga.sort(x, axis=0), axis=1), (G,)),
    Row("whole_number", lambda x, y, z: ga.floor(x)),
    Row("conjugated_twice", lambda x, y, z: ga.conj(x), dtype="complex128"),
    Row("part_of_complex", lambda x, y, z: ga.imag(ga.conj(x)), dtype="complex128"),
    Row("cast_twice", lambda x, y, z: x.astype("float32").astype("float64")),
    Row("cast_twice", lambda x, y, z: x.astype("float64").astype("int64"), dtype="int64"),  # loses large numbers
    Row("cast_twice", lambda x, y, z: x.astype("bool").astype("float64"), dtype="int64"),
    Row("same_branches", lambda x, y, z: ga.where(x > 0, y, z)),
    Row("negated_condition", lambda x, y, z: ga.where(ga.logical_not(x), y, z)),  # x is a number
    Row("condition_known_inside", lambda x, y, z: ga.where(x > 0, ga.where(y > 0, x, y), z)),
    Row("nested_choice", lambda x, y, z: ga.where(x > 0, ga.where(y > 0, x, y), z)),
    Row("choice_of_truth", lambda x, y, z: ga.where(x > 0, 1.0, 0.0)),
    Row("scaled_choice", lambda x, y, z: ga.where(x > 0, y, 0) * np.inf),  # 0 times inf is nan
    Row("scaled_choice", lambda x, y, z: ga.where(x > 0, y, 0) / 0.0),
    Row("scaled_choice", lambda x, y, z: ga.where(x > 0, y, 0) * z),
    Row("choices_together", lambda x, y, z: ga.where(x > 0, y, 0) + ga.where(y > 0, z, 0)),
    Row("choices_together", lambda x, y, z: ga.sum_n(ga.where(x > 0, y, 0), z, ga.where(x > 0, z, 0))),  # in that order
    Row("choices_together", lambda x, y, z: ga.where(x > 0, y, z) * ga.where(x > 0, z, y)),  # four products for two
]


def rule(name):
    return next(r for t in TABLES for rules in t.values() for r in rules if r.__name__ == name)


@pytest.mark.parametrize("row", FIRES, ids=lambda r: r.rule)
def test_rule_shrinks_and_keeps_every_bit(row):
    graph = graph_of(row)
    after, count = applied(rule(row.rule), graph, *TABLES)
    assert count
    if row.rule not in SAME_SIZE:
        assert (len(after.nodes), work(after)) < (len(graph.nodes), work(graph)) or work(after) < work(graph)
    for given in (values(graph), special(graph)):
        with np.errstate(all="ignore"):
            pairs = zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True)
            for a, b in pairs:
                np.testing.assert_array_equal(a, b)  # equal numbers: the sign of a zero aside


@pytest.mark.parametrize("row", QUIET, ids=lambda r: r.rule)
def test_rule_does_not_fire(row):
    assert applied(rule(row.rule), graph_of(row), *TABLES)[1] == 0


def test_every_rule_has_an_example_and_says_its_equation():
    rules = {r for t in TABLES for found in t.values() for r in found}
    assert {r.__name__ for r in rules} == {row.rule for row in FIRES}
    assert all(r.__doc__ for r in rules)


def test_choices_in_use_elsewhere_are_left_alone():
    x, y, z = (ga.input(k, (3,)) for k in "xyz")
    a, b = ga.where(x > 0, y, 0), ga.where(x > 0, z, 0)
    f = ga.compile([x, y, z], [a + b, a, b])
    assert f.source.count("np.where") == 2
