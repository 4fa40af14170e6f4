"""What users write by hand against overflow is seen as what it stands for, and costs no more than that."""

import numpy as np
import pytest

import graphad as ga
from graphad.passes.base import Pipeline
from graphad.passes.presets import PRESETS


@pytest.mark.parametrize("short", [lambda m: m.reshape(-1), lambda m: ga.squeeze(m, 1), lambda m: m[:, 0]])
@pytest.mark.parametrize("shape", [(4, 3), ("n", 3)], ids=str)
def test_a_shift_by_hand_leaves_no_trace(shape, short):
    x = ga.input("x", shape)
    m = ga.max(x, axis=1, keepdims=True)
    y = ga.log(ga.sum(ga.exp(x - m), axis=1)) + short(m)
    rules = Pipeline(tuple(p for p in PRESETS["full"] if p.name not in ("open", "factor")))
    f = ga.compile([x], [y, ga.grad(ga.sum(y), x)], optimize=rules)
    assert sorted(n.op.name for n in f.graph.nodes if n.inputs) == ["logsumexp", "softmax"]
    given = np.random.default_rng(0).standard_normal((4, 3)) * 1000
    np.testing.assert_allclose(f(given)[0], np.logaddexp.reduce(given, axis=1))


def test_another_shift_stays():
    x = ga.input("x", (3, 3))
    m = ga.max(x, axis=1, keepdims=True)
    given = np.random.default_rng(0).standard_normal((3, 3))
    top, total = given.max(axis=1), np.log(np.exp(given - given.max(axis=1, keepdims=True)).sum(axis=1))
    for other, expected in [
        (m[::-1, 0], top[::-1]),
        (m.reshape(3, 1), top[:, None]),
        ((2 * m)[:, 0], 2 * top),
        (x[:, :1].reshape(3), given[:, 0]),
    ]:
        f = ga.compile([x], ga.log(ga.sum(ga.exp(x - m), axis=1)) + other)
        np.testing.assert_allclose(f(given), total + expected)


@pytest.mark.parametrize("relu", [ga.relu, lambda x: ga.maximum(x, 0), lambda x: ga.maximum(0, x)])
def test_softplus_in_parts_has_no_kink(relu):
    x = ga.input("x", (5,))
    y = relu(x) + ga.log1p(ga.exp(-ga.abs(x)))
    first = ga.grad(ga.sum(y), x)
    f = ga.compile([x], [y, first, ga.grad(ga.sum(first), x)])
    given = np.array([-700.0, -30, 0, 1, 800])
    value, slope, curvature = f(given)
    s = 1 / (1 + np.exp(-given))
    np.testing.assert_allclose(value, np.logaddexp(0, given))
    np.testing.assert_allclose(slope, s)
    np.testing.assert_allclose(curvature, s * np.array([1, 1, 0.5, 1 - s[3], 0]), atol=1e-300)


def test_what_cannot_overflow_shares_its_exponential():
    x, y = ga.input("x", (5,)), ga.input("y", (5,))
    loss = ga.sum(ga.maximum(x, 0) - x * y + ga.log1p(ga.exp(-ga.abs(x))))
    f = ga.compile([x, y], [loss, ga.grad(loss, x)])
    ops = [n.op.name for n in f.graph.nodes]
    assert ops.count("exp") == 1
    assert "sigmoid" not in ops
    given = np.array([-800.0, -40, 0, 40, 800])
    tail = np.exp(-abs(given)) / (1 + np.exp(-abs(given)))
    np.testing.assert_allclose(f(given, given > 0)[1], np.sign(-given) * tail + (given == 0) / 2, atol=1e-16)
