"""max_norm: columns and filters are held, zeros and biases left alone."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, AxisError
from graphad.optim import adam, chain, max_norm, sgd


def after(constraint, start, gradient, lr=1.0, **options):
    """The parameter after one step down a given gradient."""
    g, p = ga.input("g", start.shape, start.dtype), ga.parameter("p", start.shape, start.dtype)
    step = ga.optim.step(chain(sgd(lr), constraint), ga.sum(g * p), p)
    value = start.copy()
    ga.compile([g, p, *step.state], [], updates=step.updates, **options)(gradient, value, **step.initial([value]))
    return value


@pytest.mark.parametrize("optimize", ["none", "full"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_columns_are_projected(optimize, dtype):
    W = np.array([[3.0, 0.3, 0, 6], [4.0, 0.4, 0, 8]], dtype)
    got = after(max_norm(2.0), W, np.zeros_like(W), optimize=optimize)
    assert got.dtype == dtype
    np.testing.assert_allclose(
        got, [[1.2, 0.3, 0, 1.2], [1.6, 0.4, 0, 1.6]], rtol=1e-6 if dtype == "float32" else 1e-14
    )


def test_the_step_comes_before_the_projection():
    W, G = np.array([[1.0, 0], [0, 1]]), np.array([[-2.0, 0], [-4, 0.5]])
    np.testing.assert_allclose(after(max_norm(2.5), W, G), [[1.5, 0], [2, 0.5]], rtol=1e-14)


def test_axes():
    rng = np.random.default_rng(0)
    filters = rng.normal(size=(4, 3, 2, 2))
    norms = np.sqrt((filters**2).sum((1, 2, 3)))
    got = after(max_norm(1.0), filters, np.zeros_like(filters))
    np.testing.assert_allclose(np.sqrt((got**2).sum((1, 2, 3))), np.minimum(norms, 1), rtol=1e-12)
    rows = after(max_norm(1.0, axis=-1), filters[0, 0] * 9, np.zeros((2, 2)))
    np.testing.assert_allclose(np.sqrt((rows**2).sum(1)), [1, 1], rtol=1e-12)
    whole = after(max_norm(1.0, axis=(0, 1)), filters[0, 0] * 9, np.zeros((2, 2)))
    np.testing.assert_allclose((whole**2).sum(), 1, rtol=1e-12)


def test_biases_are_left_alone():
    np.testing.assert_array_equal(after(max_norm(0.1), np.array([3.0, 4.0]), np.zeros(2)), [3, 4])


def test_weights_stay_inside_over_a_training():
    x, W, b = ga.input("x", ("n", 5)), ga.parameter("W", (5, 3)), ga.parameter("b", (3,))
    loss = ga.mean((x @ W + b - 4 * ga.sum(x, axis=1, keepdims=True)) ** 2)
    step = ga.optim.step(chain(adam(0.1), max_norm(0.5), ga.optim.ema(0.9)), loss, [W, b])
    train = ga.compile([x, W, b, *step.state], loss, updates=step.updates)
    weights, bias = np.zeros((5, 3)), np.zeros(3)
    state = step.initial([weights, bias])
    for seed in range(60):
        train(np.random.default_rng(seed).normal(1, 1, (8, 5)), weights, bias, **state)
        assert np.linalg.norm(weights, axis=0).max() <= 0.5 * (1 + 1e-14)
    np.testing.assert_allclose(np.linalg.norm(weights, axis=0), 0.5, rtol=0.01)
    assert np.linalg.norm(state["ema_W"], axis=0).max() <= 0.5 * (1 + 1e-14)


def test_wrong_arguments_are_named():
    with pytest.raises(ArgumentError, match="max_norm: limit must be at least 0 and finite, not -1"):
        max_norm(-1)
    with pytest.raises(ArgumentError, match="limit must not be 0"):
        max_norm(0)
    with pytest.raises(AxisError, match="axis 2 is out of range: p has 2 axes"):
        after(max_norm(1.0, axis=2), np.ones((2, 2)), np.ones((2, 2)))
