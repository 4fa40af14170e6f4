"""Transposes of matrices that are symmetric by their making, and of those that only look like it."""

import numpy as np
import pytest
from rewriting import Row, applied, graph_of, values

import graphad as ga
from graphad.rules import symmetry

TABLES = (symmetry.CLOSE,)
S, V, R = (4, 4), (4,), ("n", 3)


def kernel(x):
    """A squared-exponential covariance with noise."""
    return 1.5 * ga.exp(-ga.square(x[:, None] - x[None, :]) / 2) + 0.1 * ga.eye(x.shape[0])


FIRES = [
    lambda x: (x @ x.T).T,
    lambda x: (x @ x.T + ga.eye(x.shape[0])).T,
    lambda x: ga.exp(-(x @ x.T) / 2).T,
]
SQUARE = [
    lambda x: (x + x.T).T,
    lambda x: (x * x.T + 2 * ga.eye(4)).T,
    lambda x: ga.tanh(x.T @ x - ga.eye(4)).T,
    lambda x: ga.square(x - x.T).T,
]
VECTOR = [
    lambda x: kernel(x).T,
    lambda x: ga.abs(x[None] - x[:, None]).T,
    lambda x: (x[:, None] * x[None, :]).T,
    lambda x: (x[:, None] * x).T,
    lambda x: (ga.diag(x) + 1).T,
]
QUIET = [
    (lambda x: x.T, S),
    (lambda x: (x @ x).T, S),
    (lambda x: (x - x.T).T, S),
    (lambda x: (x[:, None] - x[None, :]).T, V),
    (lambda x: (x[:, None] * ga.sin(x)).T, V),
    (lambda x: (x @ x.T + ga.eye(4, k=1)).T, S),
    (lambda x: (x + ga.diag(x[0, 1:], 1)).T, S),
    (lambda x: (x @ ga.sin(x).T).T, R),
    (lambda x: (x @ x.T + x[0]).T, S),
    (lambda x: ga.linalg.inv(x @ x.T).T, S),  # an inverse is symmetric up to rounding only
]


@pytest.mark.parametrize(
    ("make", "shape"), [*((f, R) for f in FIRES), *((f, S) for f in SQUARE), *((f, ("n",)) for f in VECTOR)]
)
def test_transpose_is_left_out(make, shape):
    graph = graph_of(Row("", make, (shape,)))
    after, count = applied(symmetry.transpose_of_symmetric, graph, *TABLES)
    assert count == 1
    (a,), (b,) = (ga.interpret(g, values(graph)) for g in (graph, after))
    np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(("make", "shape"), QUIET)
def test_transpose_stays(make, shape):
    assert applied(symmetry.transpose_of_symmetric, graph_of(Row("", make, (shape,))), *TABLES)[1] == 0


def test_likelihood_of_a_gaussian_process_takes_one_system():
    """The gradient solves with the covariance matrix that the value solved with: one system, and the determinant."""
    x, y = ga.input("x", ("n",)), ga.input("y", ("n",))
    covariance = kernel(x)
    loss = y @ ga.linalg.solve(covariance, y) + ga.linalg.slogdet(covariance)[1]
    outputs = [loss, *ga.grad(loss, [x, y])]
    f = ga.compile([x, y], outputs, verify=True)
    names = [n.op.name for n in f.graph.nodes]
    assert (names.count("solve"), names.count("inv"), names.count("slogdet")) == (1, 0, 1)
    given = [np.linspace(0, 3, 5), np.cos(np.arange(5.0))]
    for a, b in zip(f(*given), ga.compile([x, y], outputs, optimize="none")(*given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
