"""Sums of placed parts: the same values, with fewer arrays of zeros."""

import numpy as np
import pytest
from rewriting import Row, applied, graph_of, values

import graphad as ga
from graphad.ir.graph import Graph
from graphad.rules import scatters

TABLES = (scatters.CLOSE,)
ROWS, TABLE = np.array([2, 0, 2]), np.array([[1, 0], [3, 3]])


def pulled(*parts):
    """The gradient of Σ f(x[part]) by x as rules find it: a sum of placed or scattered parts."""

    def make(x):
        loss = sum(ga.sum(ga.sin(x[p]) * (k + 1.5)) for k, p in enumerate(parts))
        return ga.grad(loss, x)

    return make


def labelled(rows):
    """The gradient of Σ f(x[i, y_i]) for rows i: one element of each, such as that of its class."""

    def make(x):
        i = rows(x)
        y = (i * 7 + 1) % 3
        return ga.grad(ga.sum(ga.sin(x[i, y])), x)

    return make


FIRES = [
    Row("one_place", pulled(np.s_[:2], np.s_[:2]), ((4, 3),)),
    Row("one_place", pulled(ROWS, ROWS, ROWS), ((4, 3),)),
    Row("one_place", pulled(np.s_[1:], np.s_[:2], np.s_[1:]), (("n", 3),)),
    Row("joined_places", pulled(np.s_[:2], np.s_[2:]), ((4, 3),)),
    Row("joined_places", pulled(np.s_[2:], np.s_[:2]), (("n",),), "float32"),
    Row("joined_places", pulled(np.s_[:-1], np.s_[-1:]), (("n",),)),
    Row("joined_places", pulled(0, 1, 2, 3), ((4, 3),)),
    Row("joined_places", pulled(0, np.s_[1:3], -1), ((4, 3),)),
    Row("joined_places", pulled(1, 2), ((4,),)),
    Row("joined_places", pulled(np.s_[:, 0], np.s_[:, 2], np.s_[:, 1]), (("n", 3),)),
    Row("joined_places", pulled(np.s_[1, :2], np.s_[1, 2:]), ((4, 3),)),
    Row("joined_places", pulled(np.s_[:2, 1], np.s_[2:, 1], np.s_[0]), ((4, 3),)),
    Row("joined_places", pulled(np.s_[:2, :2], np.s_[:2, 2:], np.s_[2:, :1], np.s_[2:, 1:]), ((4, 3),)),
    Row("joined_rows", pulled(ROWS, np.array([3])), ((4, 3),)),
    Row("joined_rows", pulled(ROWS, TABLE), (("n", 3),)),
    Row("joined_rows", pulled(np.s_[:, ROWS], np.s_[:, TABLE], np.s_[0]), ((4, 5),), "float32"),
]
FIRES += [
    Row("written_once", labelled(lambda x: ga.arange(x.shape[0])), (("n", 3),)),
    Row("written_once", labelled(lambda x: ga.arange(x.shape[0])[:, None]), ((4, 3),), "float32"),
]
QUIET = [
    Row("written_once", labelled(lambda x: ga.arange(4) // 2), ((4, 3),)),  # places meet
    Row("written_once", labelled(lambda x: ga.arange(1, 5) % 4), ((4, 3),)),
    Row("written_once", pulled(ROWS), ((4, 3),)),
    Row("one_place", pulled(np.s_[:2], np.s_[1:3]), ((4, 3),)),
    Row("joined_places", pulled(np.s_[:2], np.s_[1:3]), ((4, 3),)),  # they overlap
    Row("joined_places", pulled(np.s_[:1], np.s_[2:]), ((4, 3),)),  # a gap
    Row("joined_places", pulled(np.s_[::2], np.s_[1::2]), ((4, 3),)),
    Row("joined_places", pulled(np.s_[:2, 0], np.s_[2:, 1]), ((4, 3),)),
    Row("joined_rows", pulled(ROWS, np.s_[:, ROWS]), ((4, 3),)),
    Row("joined_rows", pulled(ROWS, np.tile(TABLE, 9)), ((4, 3),)),  # more rows than the array has: copies cost more
]


def ids(row):
    return row.rule


@pytest.mark.parametrize("row", FIRES, ids=ids)
def test_rule_keeps_the_values_with_fewer_zeros(row):
    graph = graph_of(row)
    after, count = applied(getattr(scatters, row.rule), graph, *TABLES)
    assert count
    zeros = [sum(n.op.name in ("place", "scatter_add") for n in g.nodes) for g in (graph, after)]
    assert zeros[1] < zeros[0]
    given = values(graph)
    for a, b in zip(ga.interpret(graph, given), ga.interpret(after, given), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5 if row.dtype == "float32" else 1e-13)


@pytest.mark.parametrize("row", QUIET, ids=ids)
def test_rule_stays_away(row):
    assert applied(getattr(scatters, row.rule), graph_of(row), *TABLES)[1] == 0


def test_every_rule_has_an_example():
    rules = {rule.__name__ for rules in scatters.CLOSE.values() for rule in rules}
    assert rules == {row.rule for row in FIRES} == {row.rule for row in QUIET}


def test_part_with_another_user_stays():
    x = ga.input("x", (4,))
    parts = [ga.grad(ga.sum(ga.sin(x[k])), x) for k in (slice(0, 2), slice(2, None))]
    graph = Graph([x], [parts[0] + parts[1], parts[0]])
    assert applied(scatters.joined_places, graph, *TABLES)[1] == 0


def test_gradient_of_separate_slices_is_one_concatenate():
    x = ga.input("x", ("n",))
    f = ga.compile([x], ga.grad(ga.sum(ga.sin(x[:3])) + ga.sum(ga.exp(x[3:])), x))
    assert "np.concatenate" in f.source
    assert "place" not in f.source
