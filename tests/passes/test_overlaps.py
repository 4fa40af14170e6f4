"""Sums of overlapping parts: one array of zeros, the same values."""

import numpy as np
import pytest

import graphad as ga
from graphad.ops.index import place, place_all

WINDOWS = {
    "neighbors": lambda x: ga.sum(x[1:] * x[:-1]),
    "grid": lambda x: ga.sum(ga.square(x[1:, 1:] - x[:-1, :-1] * x[1:, :-1])),
    "with a whole": lambda x: ga.sum(x * x[::-1]) + ga.sum(x[1:] ** 3 * x[:-1]),
    "one element": lambda x: x[0, 0] * ga.sum(x[1:]) * x[-1, 2],
}


@pytest.mark.parametrize("make", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("shape", [(4, 3), ("n", 3)], ids=str)
def test_gradients_of_windows_are_added_in_one_array(make, shape):
    x = ga.input("x", shape)
    d = ga.grad(make(x), x)
    f, plain = ga.compile([x], d, verify=True), ga.compile([x], d, optimize="basic")
    ops = [n.op for n in f.graph.nodes]
    assert place_all in ops
    assert place not in ops
    given = np.random.default_rng(0).standard_normal((4, 3))
    np.testing.assert_allclose(f(given), plain(given), rtol=1e-13)


def test_parts_in_use_elsewhere_stay():
    x = ga.input("x", (5,))
    part = place(x[1:], (ga.ops.indexing.Slice(1, None),), (5,))
    f = ga.compile([x], [part + place(x[:-1], (ga.ops.indexing.Slice(None, -1),), (5,)), part])
    assert place_all not in [n.op for n in f.graph.nodes]


def test_three_windows_and_their_own_gradient():
    x = ga.input("x", ("n",))
    g = ga.grad(ga.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 4), x)
    f = ga.compile([x], ga.grad(ga.sum(g * g), x))
    plain = ga.compile([x], ga.grad(ga.sum(g * g), x), optimize="basic")
    given = np.random.default_rng(0).standard_normal(9)
    np.testing.assert_allclose(f(given), plain(given), rtol=1e-12)
