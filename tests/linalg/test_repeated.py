"""Equal eigenvalues and singular values: derivatives that exist are right, the others finite."""

import numpy as np
import pytest
from matrices import draw, gradient, inputs_of, length, weights
from numpy.testing import assert_allclose
from support import directional

import graphad as ga
from graphad import linalg
from graphad.ops.casts import real
from graphad.ops.leaves import input as declare

TURN = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4))).Q
REPEATED = {
    "2 I": 2 * np.eye(4),
    "zero": np.zeros((4, 4)),
    "two pairs": TURN @ np.diag([1.0, 1, 3, 3]) @ TURN.T,
    "one triple": TURN @ np.diag([-2.0, 1, 1, 1]) @ TURN.T,
    "plus and minus": TURN @ np.diag([-2.0, -2, 2, 2]) @ TURN.T,
}


@pytest.mark.parametrize("name", REPEATED)
def test_sums_over_repeated_eigenvalues(name):
    x = REPEATED[name]
    w, v = np.linalg.eigh(x)
    (g,) = gradient(lambda a: ga.sum(ga.exp(linalg.eigvalsh(a))), x)
    assert_allclose(g, (v * np.exp(w)) @ v.T, atol=1e-12)
    (g,) = gradient(lambda a: ga.sum(ga.sin(linalg.svdvals(a) ** 2)), x)
    assert_allclose(g, (v * (2 * w * np.cos(w * w))) @ v.T, atol=1e-12)
    (g,) = gradient(lambda a: ga.sum(real(ga.exp(linalg.eigvals(a)))), x)
    assert_allclose(g, (v * np.exp(w)) @ v.T, atol=1e-10)


def test_spaces_of_repeated_eigenvalues():
    """Projectors on spaces of dimension two, and the nearest orthogonal matrix, where values repeat."""
    x = REPEATED["two pairs"] + 0.0
    m = draw(4, 4)

    def projector(a):
        v = linalg.eigh((a + a.T) / 2).eigenvectors[:, :2]
        return ga.sum((v @ v.T) * m)

    def orthogonal(a):
        u, _, vh = linalg.svd(a)
        return ga.sum((u @ vh) * m)

    def columns(a):
        u = linalg.svd(a).U[:, :2]
        return ga.sum((u @ u.T) * m)

    for f in (projector, orthogonal, columns):
        (g,) = gradient(f, x)
        d = draw(4, 4)
        run = ga.compile(n := inputs_of([x]), f(*n))
        assert_allclose(np.sum(g * d), directional(run, [x], [d], h=1e-5), rtol=1e-6)


@pytest.mark.parametrize("name", REPEATED)
def test_repeated_values_give_finite_derivatives(name):
    x = REPEATED[name]

    def loss(a):
        w, v = linalg.eigh(a)
        u, s, vh = linalg.svd(a)
        return length((v * ga.exp(w)) @ v.T) + length((u * ga.tanh(s)) @ vh)

    n = declare("x", (4, 4))
    g = ga.grad(loss(n), n)
    second = ga.grad(ga.sum(g * weights(g)), n)
    for value in ga.compile([n], [g, second])(x):
        assert np.isfinite(value).all()


def test_repeated_singular_values_of_a_wide_matrix():
    x = np.eye(2, 4) * 3
    (g,) = gradient(lambda a: ga.sum(linalg.svdvals(a) ** 3), x)
    assert_allclose(g, 27 * np.eye(2, 4), atol=1e-12)
    (g,) = gradient(lambda a: linalg.norm(a, 2), x)
    assert_allclose(g, np.eye(2, 4) / 2, atol=1e-12)
