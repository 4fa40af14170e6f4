"""Identities of arithmetic and functions, sums and products in normal form, reductions: close, not exact."""

import numpy as np
import pytest
from rewriting import F, Row, applied, graph_of, values, work

import graphad as ga
from graphad.rules import identities, reductions

TABLES = (identities.CLOSE, reductions.CLOSE)
A = (4, 3)

FIRES = [
    Row("times_zero", lambda x, y, z: x * 0),
    Row("complex_one", lambda x, y, z: x * 1, dtype="complex128"),
    Row("complex_one", lambda x, y, z: x / -1, dtype="complex64"),
    Row("divided_by_itself", lambda x, y, z: ga.exp(x) / ga.exp(x)),
    Row("divided_by_itself", lambda x, y, z: 0 / (1 + x * x)),
    Row("minus_itself", lambda x, y, z: x - x, dtype="int8"),
    Row("floor_of_quotient", lambda x, y, z: x // 1),
    Row("minus_multiple", lambda x, y, z: x + -y * z),
    Row("minus_multiple", lambda x, y, z: -x / y + z),
    Row("minus_multiple", lambda x, y, z: x - y * -z),
    Row("short_power", lambda x, y, z: x**3),
    Row("short_power", lambda x, y, z: x**4, dtype="int64"),
    Row("short_power", lambda x, y, z: x**-1),
    Row("short_power", lambda x, y, z: (1 + x * x) ** 0.5),
    Row("power_of_power", lambda x, y, z: (x**5) ** 7),
    Row("power_of_power", lambda x, y, z: ga.exp(x) ** 3),
    Row("power_of_power", lambda x, y, z: (ga.exp(x) ** 1.5) ** 0.7),
    Row("root_of_square", lambda x, y, z: ga.sqrt(x * x)),
    Row("root_of_square", lambda x, y, z: ga.sqrt(x**2)),
    Row("square_of_root", lambda x, y, z: ga.square(ga.sqrt(ga.exp(x)))),
    Row("square_of_root", lambda x, y, z: ga.sqrt(ga.exp(x)) * ga.sqrt(ga.exp(x))),
    Row("inverse_pair", lambda x, y, z: ga.exp(ga.log(ga.abs(x)))),
    Row("inverse_pair", lambda x, y, z: ga.expm1(ga.log1p(ga.abs(x)))),
    Row("inverse_pair", lambda x, y, z: ga.tan(ga.arctan(x))),
    Row("cube_of_cube_root", lambda x, y, z: ga.cbrt(x) ** 3),
    Row("even_function", lambda x, y, z: ga.cos(-x)),
    Row("even_function", lambda x, y, z: ga.cosh(ga.abs(x))),
    Row("odd_function", lambda x, y, z: -ga.sin(-x)),
    Row("pythagoras", lambda x, y, z: ga.sin(x) ** 2 + ga.square(ga.cos(x))),
    Row("index_of_elementwise", lambda x, y, z: (x + y)[0]),
    Row("index_of_elementwise", lambda x, y: ga.exp(x * y)[1:, 0], (A, A)),
    Row("index_of_elementwise", lambda x: ga.tanh(x)[0], (("n", 3),)),
    Row("collected_terms", lambda x, y, z: 1.0 + x + 2.0),
    Row("collected_terms", lambda x, y, z: x + x + x),
    Row("collected_terms", lambda x, y, z: 2 * x + y - 3 * x),
    Row("collected_terms", lambda x, y, z: (x + y) - x, dtype="int64"),
    Row("collected_terms", lambda x, y, z: 1 - (1 - x)),
    Row("collected_terms", lambda x, y, z: ga.sum_n(x, y, -x, 1, z - 1)),
    Row("common_factor", lambda x, y, z: x * y + x * z),
    Row("common_factor", lambda x, y, z: y * x - z * x, dtype="complex128"),
    Row("common_factor", lambda x, y, z: x / z + y / z),
    Row("common_factor", lambda x, y, z: ga.sum_n(x * y, x * z, x * x)),
    Row("collected_terms", lambda x, y, z: y + (lambda t: t + t)(0.3 * x), (F, F, F)),
    Row("collected_terms", lambda x, y, z: (lambda t, u: x * t + t * u + y * u)(x * y, x * x)),
    Row("collected_terms", lambda x, y: (lambda t: t + t)(x * y), (A, (3,))),
    Row("collected_terms", lambda x, y, z: (lambda t: (t * y + x * y + z, t))(3 * x)),
    Row("collected_terms", lambda x, y, z: -3 * x - 3 * y),
    Row("collected_terms", lambda x, y, z: x / 3 + y / -3 + z / 3),
    Row("collected_terms", lambda x, y, z: 0.3 * x - 0.3 * y, dtype="complex128"),
    Row("quotient_twice", lambda x, y, z: (lambda q: (z * (-q / y), q, z / y))(x / y)),
    Row("quotient_twice", lambda x, y, z: (lambda q: (-(q / y) * z, q, z / y))(x / y), dtype="complex128"),
    Row("doubled", lambda x: (lambda t: t + t)(0.3 * x), (F,)),
    Row("collected_factors", lambda x, y, z: x * y / y),
    Row("collected_factors", lambda x, y, z: 6 * x / 3),
    Row("collected_factors", lambda x, y, z: x / 2 / 4),
    Row("collected_factors", lambda x, y, z: 2 * x * (3 * y), dtype="int64"),
    Row("collected_factors", lambda x, y, z: 1 / (1 / x)),
    Row("collected_factors", lambda x, y, z: ga.exp(x) / ga.exp(y)),
    Row("collected_factors", lambda x, y, z: 2.0**x * 2.0**y),
    Row("collected_factors", lambda x, y, z: x**5 * x**-3),
    Row("collected_factors", lambda x, y, z: (-x) * y * (-z)),
    Row("reduced_broadcast", lambda x: ga.sum(ga.broadcast_to(x, (100, 5)), axis=0), (F,)),
    Row("reduced_broadcast", lambda x: ga.sum(ga.broadcast_to(x, (7, 4, 3)), axis=(0, 2)), ((4, 1),)),
    Row("reduced_broadcast", lambda x: ga.mean(ga.broadcast_to(x, (7, 4, 3)), axis=(0, 1), keepdims=True), ((4, 3),)),
    Row("reduced_broadcast", lambda x: ga.max(ga.broadcast_to(x, (7, 4, 3)), axis=2), ((4, 1),)),
    Row("merged_sum", lambda x: ga.sum(ga.sum(x, axis=0)), (("n", 3),)),
    Row("merged_sum", lambda x: ga.mean(ga.mean(x, axis=1, keepdims=True), axis=0, keepdims=True), (A,)),
    Row("reduced_rearranged", lambda x: ga.sum(x.T), (A,)),
    Row("scale_out_of_sum", lambda x: ga.sum(2.5 * x, axis=0), (A,)),
    Row("scale_out_of_sum", lambda x, y: ga.mean(x / y), (F, ())),
]

QUIET = [
    Row("times_zero", lambda x, y, z: x * 1e-300),
    Row("divided_by_itself", lambda x, y, z: x / x),  # x may be 0
    Row("divided_by_itself", lambda x, y, z: 0 / x),
    Row("minus_itself", lambda x, y, z: x - y),
    Row("floor_of_quotient", lambda x, y, z: x // 1, dtype="int64"),
    Row("short_power", lambda x, y, z: x**2),  # reads better than np.square(x), and is as fast
    Row("short_power", lambda x, y, z: x**0.5, dtype="complex128"),
    Row("power_of_power", lambda x, y, z: (x**2) ** 0.5),  # |x|
    Row("power_of_power", lambda x, y, z: (x**3) ** 2, dtype="int64"),
    Row("root_of_square", lambda x, y, z: ga.sqrt(x * y)),
    Row("root_of_square", lambda x, y, z: ga.sqrt(x * x), dtype="complex128"),
    Row("root_of_square", lambda x, y, z: ga.sqrt(x * x), dtype="int64"),
    Row("square_of_root", lambda x, y, z: ga.sqrt(x) * ga.sqrt(y)),
    Row("inverse_pair", lambda x, y, z: ga.arcsin(ga.sin(x))),  # periodic
    Row("inverse_pair", lambda x, y, z: ga.exp(ga.log(x)), dtype="complex128"),
    Row("inverse_pair", lambda x, y, z: ga.exp(ga.log(x)), dtype="int64"),  # float64 afterwards
    Row("cube_of_cube_root", lambda x, y, z: ga.cbrt(x) ** 2),
    Row("even_function", lambda x, y, z: ga.sin(-x)),
    Row("even_function", lambda x, y, z: ga.cos(ga.abs(x)), dtype="complex128"),
    Row("odd_function", lambda x, y, z: -ga.cos(-x)),
    Row("pythagoras", lambda x, y, z: ga.sin(x) ** 2 + ga.cos(y) ** 2),
    Row("pythagoras", lambda x, y, z: ga.sin(x) ** 2 + ga.sin(x) ** 2),
    Row("index_of_elementwise", lambda x, y, z: ga.exp(x)[::-1]),  # nothing is saved
    Row("index_of_elementwise", lambda x, y, z: ga.exp(x)[None]),
    Row("collected_terms", lambda x, y, z: x + x),
    Row("collected_terms", lambda x, y, z: 2 * x + 3 * y - 1),
    Row("collected_terms", lambda x, y, z: (x > 0) + (x > 0) + (x > 0)),
    Row("collected_terms", lambda x, y, z: x + np.inf - np.inf),
    Row("common_factor", lambda x, y, z: x * y + z * z),
    Row("common_factor", lambda x, y, z: x / y + x / z),
    Row("collected_terms", lambda x, y, z: x * y + x * z + y * z),
    Row("collected_terms", lambda x, y, z: (lambda t: (t + 3 * y, t))(3 * x)),
    Row("quotient_twice", lambda x, y, z: z * (x / y / z)),
    Row("quotient_twice", lambda x, y, z: z * (x / y / y), dtype="int64"),
    Row("doubled", lambda x: x + x, (F,)),
    Row("collected_factors", lambda x, y, z: x * x * x),
    Row("collected_factors", lambda x, y, z: x / y),
    Row("collected_factors", lambda x, y, z: x * y * 2),
    Row("collected_factors", lambda x, y, z: (x * y) / (y * x)),  # 1, but for zeros
    Row("collected_factors", lambda x, y, z: x * 1e300 * 1e300),  # their product is infinite
    Row("collected_factors", lambda x, y, z: x * 1e30 * 1e30, dtype="float32"),
    Row("collected_factors", lambda x, y, z: x * 200 * 200, dtype="int16"),
    Row("collected_factors", lambda x, y, z: x / 0.0 * 0.0),
    Row("reduced_broadcast", lambda x: ga.sum(ga.broadcast_to(x, (100, 5)), axis=1), (F,)),
    Row("reduced_broadcast", lambda x: ga.sum(ga.broadcast_to(x, (100, 5)), axis=0), (F,), "int8"),  # int64 afterwards
    Row("reduced_broadcast", lambda x: ga.mean(ga.broadcast_to(x, ("n", 5)), axis=0), (F,)),  # n may be 0
    Row("merged_sum", lambda x: ga.sum(ga.prod(x, axis=0)), (A,)),
    Row("merged_sum", lambda x: ga.sum(ga.sum(x, axis=0, dtype="float32")), (A,)),
    Row("reduced_rearranged", lambda x: ga.sum(x.T, axis=0), (A,)),
    Row("scale_out_of_sum", lambda x, y: ga.sum(x * y), (A, (3,))),
    Row("scale_out_of_sum", lambda x: ga.prod(2.5 * x), (A,)),
]


def rule(name):
    return next(r for t in TABLES for rules in t.values() for r in rules if r.__name__ == name)


@pytest.mark.parametrize("row", FIRES, ids=lambda r: r.rule)
def test_rule_shrinks_and_keeps_the_value(row):
    graph = graph_of(row)
    after, count = applied(rule(row.rule), graph, *TABLES)
    assert count
    assert len(after.nodes) < len(graph.nodes) or work(after) < work(graph)
    for seed in range(3):
        given = values(graph, seed)
        for a, b in zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("row", QUIET, ids=lambda r: r.rule)
def test_rule_does_not_fire(row):
    with np.errstate(all="ignore"):
        assert applied(rule(row.rule), graph_of(row), *TABLES)[1] == 0


def test_every_rule_has_an_example_and_says_its_equation():
    rules = {r for t in TABLES for found in t.values() for r in found}
    assert {r.__name__ for r in rules} == {row.rule for row in FIRES}
    assert all(r.__doc__ for r in rules)


def test_values_in_use_elsewhere_are_not_computed_twice():
    x, y, z = (ga.input(k, F) for k in "xyz")
    a, b = 2.0**x, 2.0**y
    assert ga.compile([x, y], [a * b, a, b]).source.count("**") == 2
    assert ga.compile([x, y], a * b).source.count("**") == 1
    p, q = x * y, x * z
    assert ga.compile([x, y, z], [p + q, p, q]).source.count("*") == 2
    e = ga.exp(x)
    assert ga.compile([x], [e[0], e]).source.count("np.exp") == 1


def test_code_that_reads_well_stays():
    x, y = ga.input("x", F), ga.input("y", F)
    for made, text in [
        (x * x, "x * x"),
        (x**2, "x ** 2"),
        (x + x, "x + x"),
        (x / y, "x / y"),
        (2 * x + 1, "2 * x + 1"),
    ]:
        assert text in ga.compile([x, y], made, style="readable").source


def test_round_numbers_stay_round():
    x = ga.input("x", F)
    assert "x / 8" in ga.compile([x], x / 2 / 4, style="readable").source
    assert "2 * x" in ga.compile([x], 6 * x / 3, style="readable").source


def test_named_sizes_gather_in_one_scalar():
    x = ga.input("x", ("n",))
    assert "np.float64(2) / n * x" in ga.compile([x], ga.grad(ga.mean(x * x), x)).source
