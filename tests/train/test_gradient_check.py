"""`check_gradients`: a wrong gradient is named before the first step, a right one is let through."""

from dataclasses import dataclass

import numpy as np
import pytest
from training import digits, line, mlp, noisy_model

import graphad as ga
from graphad.errors import DifferentiationError
from graphad.train import gradients


def run(model, data=None, loss=ga.nn.mse_loss, **options):
    options = {"epochs": 1, "progress": False, "check_gradients": True} | options
    return ga.train.fit(model, loss, ga.optim.sgd(0.01), data or line(), **options)


@dataclass(frozen=True, eq=False)
class Wrong(ga.nn.Layer):
    """The slope with respect to the second layer's parameters is not what the gradient says."""

    first: ga.nn.Linear
    second: ga.nn.Linear
    factor: float

    def forward(self, x):
        y = self.second(ga.tanh(self.first(x)))
        part = self.second.W * self.factor
        return y + ga.sum(ga.stop_gradient(part) - part)  # the value of y, with another gradient


@pytest.mark.parametrize("factor", [1.0, 1e-2])
def test_a_wrong_gradient_is_named(factor):
    model = Wrong(ga.nn.Linear(4, 8, name="first"), ga.nn.Linear(8, 1, name="second"), factor)
    with pytest.raises(DifferentiationError, match="the gradient of second_W is not the slope"):
        run(model)
    run(Wrong(model.first, model.second, 0.0))


def test_a_gradient_that_is_missing_is_named():
    layer = ga.nn.Linear(4, 1, name="line")
    with pytest.raises(DifferentiationError, match="line_W"):
        run(layer, loss=lambda p, y: ga.mean((ga.stop_gradient(p) - y) ** 2))


@pytest.mark.parametrize("seed", range(5))
def test_right_gradients_pass(seed):
    """Random layers, kinks, a regularizer, float32, labels."""
    assert run(noisy_model(), seed=seed).stopped == "finished"
    relu = ga.nn.Sequential(ga.nn.Linear(4, 50), ga.nn.relu, ga.nn.Linear(50, 1))
    run(relu, loss=ga.nn.l1_loss, seed=seed, regularizer=lambda m: 0.1 * ga.sum(ga.abs(ga.nn.parameters(m)[0])))
    x, y = (a.astype("float32") for a in line())
    run(ga.nn.Sequential(ga.nn.Linear(4, 9, dtype="float32"), ga.tanh, ga.nn.Linear(9, 1, dtype="float32")), (x, y))
    learn, _ = digits()
    run(mlp(), (learn[0][:100], learn[1][:100]), ga.nn.cross_entropy, seed=seed)


def test_the_state_is_as_if_nothing_had_been_checked():
    a, b = run(noisy_model()), run(noisy_model(), check_gradients=False)
    assert all(a.values[k].tobytes() == v.tobytes() for k, v in b.values.items())


def test_float32_errors_are_found():
    x, y = (a.astype("float32") for a in line())
    layers = (ga.nn.Linear(4, 8, dtype="float32", name="first"), ga.nn.Linear(8, 1, dtype="float32", name="second"))
    with pytest.raises(DifferentiationError, match="second_W"):
        run(Wrong(*layers, 1.0), (x, y))


def test_every_parameter_is_tried():
    gradient = np.ones((3, 2))
    directions = gradients._directions(gradient, np.random.default_rng(0))
    assert len(directions) == gradients.DIRECTIONS + 1 + gradients.COORDINATES
    np.testing.assert_allclose([np.linalg.norm(d) for d in directions], 1)
    assert gradients._directions(np.zeros((0, 3)), np.random.default_rng(0)) == []
