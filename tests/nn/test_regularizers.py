"""Penalties: values and gradients in closed form, which parameters they take."""

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, ShapeError

W = ga.parameter("W", (3, 2))
V = ga.parameter("V", (4,))
A, B = np.array([[1.0, -2.0], [0.0, 0.5], [3.0, -0.25]]), np.array([1.0, -1.0, 0.0, 2.0])

CLOSED = {
    "l1": (lambda v, s: nn.l1(v, s), np.abs, np.sign),
    "l2": (lambda v, s: nn.l2(v, s), lambda w: w**2 / 2, lambda w: w),
    "elastic": (
        lambda v, s: nn.elastic_net(v, s, 0.7),
        lambda w: np.abs(w) + 0.7 * w**2,
        lambda w: np.sign(w) + 1.4 * w,
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_value_and_gradient(name):
    penalty, form, slope = CLOSED[name]
    scale = ga.input("scale", ())
    for given, strength in [([W, V], 0.3), ((W, V, W), 0.3), ([W, V], scale)]:
        loss = penalty(given, strength)
        assert loss.shape == ()
        f = ga.compile([W, V, scale], [loss, *ga.grad(loss, [W, V])])
        value, d_W, d_V = f(A, B, 0.3)
        np.testing.assert_allclose(value, 0.3 * (form(A).sum() + form(B).sum()), rtol=1e-14)
        np.testing.assert_allclose(d_W, 0.3 * slope(A), rtol=1e-14)
        np.testing.assert_allclose(d_V, 0.3 * slope(B), rtol=1e-14)
    np.testing.assert_allclose(ga.compile(V, penalty(V, 2))(B), 2 * form(B).sum(), rtol=1e-14)


def test_of_a_model_only_weights_count():
    model = nn.Sequential(nn.Linear(3, 2, dtype="float32"), ga.tanh, nn.Linear(2, 1, dtype="float32"))
    free, every = nn.l2(model, 1.0), nn.l2([model], 1, biases=True)
    assert free.dtype == np.float32
    parameters = nn.parameters(model)
    values = [np.full(p.shape, 2.0, "float32") for p in parameters]
    assert [float(v) for v in ga.compile(parameters, [free, every])(*values)] == [16, 22]


def test_l2_is_the_weight_decay_of_optimizers():
    x = ga.input("x", (3, 2))
    loss = ga.sum(ga.sin(x * W))
    plain, decayed = nn.l2(W, 0.1) + loss, loss
    steps = [
        ga.optim.step(ga.optim.momentum(0.1), plain, W),
        ga.optim.step(ga.optim.chain(ga.optim.add_decayed_weights(0.1), ga.optim.momentum(0.1)), decayed, W),
    ]
    results = []
    for step in steps:
        weights = A.copy()
        state, train = step.initial([weights]), ga.compile([x, W, *step.state], [], updates=step.updates)
        for _ in range(5):
            train(np.ones((3, 2)), weights, **state)
        results.append(weights)
    np.testing.assert_allclose(*results, rtol=1e-13)


def test_complex_weights_have_real_penalties():
    z = ga.parameter("z", (2,), "complex128")
    f = ga.compile(z, [nn.l1(z, 1), nn.l2(z, 1), nn.elastic_net(z, 1, 2)])
    np.testing.assert_allclose(f(np.array([3 + 4j, 0])), [5, 12.5, 55])


def test_wrong_arguments_are_named():
    for make, error, message in [
        (lambda: nn.l1([], 1.0), ArgumentError, "l1: there are no weights to penalize"),
        (lambda: nn.l2(nn.Flatten(), 1.0), ArgumentError, "l2: there are no weights"),
        (lambda: nn.l2(W, -1.0), ArgumentError, "l2: scale must be at least 0 and finite, not -1"),
        (lambda: nn.l2(W, np.nan), ArgumentError, "l2: scale must be"),
        (lambda: nn.l2(W, V), ShapeError, "the scale must be a scalar, V is"),
        (lambda: nn.elastic_net(W, 1, -2), ArgumentError, "beta must be at least 0"),
        (lambda: nn.l1(3.0, 1), ArgumentError, "a float has no parameters"),
    ]:
        with pytest.raises(error, match=message):
            make()
