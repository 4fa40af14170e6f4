"""Sampled values: inside domains, of the sizes asked for, and beside values that are given."""

import numpy as np
import pytest

import graphad as ga
from graphad.check.points import sample_point
from graphad.errors import ArgumentError
from graphad.lower.values import run_values

a, x, k = ga.input("a", (3, 3)), ga.input("x", ("n", 2)), ga.input("k", ("n",), "int64")

GRAPHS = {
    "domain": ga.Graph([x], [ga.log(x)]),
    "depths": ga.Graph([x], [ga.log(1 - ga.exp(-x))]),
    "positive definite": ga.Graph([a], [ga.linalg.cholesky(a)]),
    "labels": ga.Graph([x, k], [ga.nn.cross_entropy(x, k)]),
    "slices": ga.Graph([x], [x[10:20]]),
    "sqrt of a difference": ga.Graph([x], [ga.sqrt(ga.sum(x) + 5)]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_all_values_are_finite(name):
    graph = GRAPHS[name]
    for seed in range(3):
        found = run_values(graph, sample_point(graph, seed))
        assert all(np.isfinite(v).all() for v in found.values())


def test_sizes_seeds_and_given_values():
    graph = GRAPHS["labels"]
    assert sample_point(graph, sizes={"n": 7})["x"].shape == (7, 2)
    given = np.ones((4, 2))
    found = sample_point(graph, given={"x": given})
    assert found["x"].tolist() == given.tolist()
    assert found["k"].shape == (4,)
    one, two, other = (sample_point(graph, s)["x"] for s in (0, 0, 1))
    assert one.tolist() == two.tolist() != other.tolist()


def test_labels_are_more_than_two_where_there_is_room():
    wide = ga.input("wide", ("n", 10))
    graph = ga.Graph([wide, k], [ga.nn.cross_entropy(wide, k)])
    assert sample_point(graph, sizes={"n": 100})["k"].max() > 2


def test_what_cannot_be_sampled_is_said():
    with pytest.raises(ArgumentError, match="'m' is no named size"):
        sample_point(GRAPHS["domain"], sizes={"m": 3})
    never = ga.Graph([k], [ga.take(ga.zeros((1,)), k + 50)])
    with pytest.raises(ArgumentError, match="runs on none of the sampled inputs"):
        sample_point(never)
