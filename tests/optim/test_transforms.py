"""The transforms that optimizers are made of, each on gradients given by hand; numbers that they refuse."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError
from graphad.optim import adam, chain, clip, ema, scale, scale_by_learning_rate, sgd


def toy(optimizer, gradients, start=0.0, **options):
    """W (2,) after each step, where the gradient at step k is ``gradients[k]``; and the state."""
    g, W = ga.input("g", (2,)), ga.parameter("W", (2,))
    step = ga.optim.step(optimizer, ga.sum(g * W), W)
    train = ga.compile([g, W, *step.state], [], updates=step.updates, **options)
    weights = np.full(2, start)
    state, seen = step.initial([weights]), []
    for row in gradients:
        train(np.array(row, float), weights, **state)
        seen.append(weights.copy())
    return np.array(seen), state


def test_clip_by_value():
    seen, _ = toy(chain(clip(5.0), scale_by_learning_rate(1.0)), [[7, -8], [1, -5]])
    np.testing.assert_array_equal(seen, [[-5, 5], [-6, 10]])


def test_clip_by_global_norm_is_over_all_parameters():
    a, b = ga.parameter("a", (2,)), ga.parameter("b", (), "float32")
    loss = ga.sum(a * [3.0, 0.0]) + ga.sum(b.astype("float64") * 4.0)
    step = ga.optim.step(chain(ga.optim.clip_by_global_norm(2.5), scale_by_learning_rate(1.0)), loss, [a, b])
    values = [np.zeros(2), np.zeros((), "float32")]
    ga.compile([a, b], [], updates=step.updates)(*values)
    np.testing.assert_allclose(values[0], [-1.5, 0], rtol=1e-15)
    np.testing.assert_allclose(values[1], -2.0, rtol=1e-6)


@pytest.mark.parametrize("gradient", [[0.3, 0.4], [0, 0]])
def test_a_small_norm_is_left_alone(gradient):
    seen, _ = toy(chain(ga.optim.clip_by_global_norm(2.0), scale_by_learning_rate(1.0)), [gradient])
    np.testing.assert_array_equal(seen[0], -np.array(gradient))


def test_sign():
    seen, _ = toy(chain(ga.optim.scale_by_sign(), scale_by_learning_rate(0.5)), [[-3, 0]])
    np.testing.assert_array_equal(seen, [[0.5, 0]])


def test_chain_is_in_order():
    gradients = [[4, -1]]
    first, _ = toy(chain(scale(3.0), clip(5.0), scale_by_learning_rate(1.0)), gradients)
    second, _ = toy(chain(clip(5.0), scale(3.0), scale_by_learning_rate(1.0)), gradients)
    np.testing.assert_array_equal([first[0], second[0]], [[-5, 3], [-12, 3]])


def test_an_empty_chain_adds_the_gradient():
    np.testing.assert_array_equal(toy(chain(), [[4, -1]])[0], [[4, -1]])


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "nadam"])
def test_accumulation_is_one_large_batch(name):
    optimizer = getattr(ga.optim, name)(lr=0.1)
    parts = [[3, 1], [0, -2], [6, 4], [1, 1], [2, 2], [3, -9], [5, 5]]
    seen, state = toy(ga.optim.accumulate(optimizer, 3), parts, start=1.0)
    whole, _ = toy(optimizer, [[3, 1], [2, -2]], start=1.0)
    expected = [[1, 1], [1, 1], whole[0], whole[0], whole[0], whole[1], whole[1]]
    np.testing.assert_allclose(seen, expected, rtol=1e-14)
    np.testing.assert_array_equal(state["accumulated_W"], [5, 5])
    assert state["micro_step"] == 1 and state.get("step", 2) == 2


def test_accumulation_has_its_own_count_of_steps():
    inner = chain(ga.optim.scale_by_adam(), scale_by_learning_rate(lambda t: 0.1 / (1 + t)))
    outer = chain(ga.optim.accumulate(inner, 2), scale_by_learning_rate(lambda t: -1.0 - 0 * t))
    _, state = toy(outer, [[1, 1]] * 5)
    assert state["step"] == 2 and state["step_2"] == 5


def test_ema_follows_the_updated_weights():
    seen, state = toy(chain(scale_by_learning_rate(1.0), ema(0.75)), [[1, 2], [3, -1]], start=8.0)
    average = np.full(2, 8.0)
    for weights in seen:
        average = 0.75 * average + 0.25 * weights
    np.testing.assert_allclose(state["ema_W"], average, rtol=1e-15)
    np.testing.assert_array_equal(seen[-1], [4, 7])


def test_schedules_count_from_zero():
    asked = []

    def rate(step):
        asked.append(step.type)
        return ga.where(step < 2, 0.5, 0.25)

    seen, state = toy(sgd(rate), [[1, 0]] * 3)
    np.testing.assert_array_equal(seen[:, 0], [-0.5, -1, -1.25])
    assert [str(t) for t in asked] == ["i64[]"] and state["step"] == 3


def test_constant_schedule_and_scheduled_adagrad():
    np.testing.assert_array_equal(toy(sgd(lambda t: 0.5), [[1, 2]])[0], [[-0.5, -1]])
    gradients = [[1, 2], [3, 4]]
    plain, _ = toy(ga.optim.adagrad(0.1, lr_decay=0.5), gradients)
    scheduled, _ = toy(ga.optim.adagrad(lambda t: 0.1, lr_decay=0.5), gradients)
    np.testing.assert_array_equal(plain, scheduled)


def test_the_count_is_shared():
    _, state = toy(adam(lambda t: 0.1 * 0.5**t), [[1, 2]] * 4)
    assert list(state) == ["step", "m_W", "v_W"] and state["step"] == 4


def test_a_transform_of_ones_own():
    def rule(g, t, mean):
        mean = mean + (g - mean) / t
        return mean, mean

    seen, state = toy(chain(ga.optim.per_parameter(rule, {"mean": 0}, counted=True), scale(-1)), [[2, 0], [4, 2]])
    np.testing.assert_allclose(seen, [[-2, 0], [-5, -1]])
    assert list(state) == ["step", "mean_W"]


# errors ---------------------------------------------------------------------------------------------------------------

WRONG = [
    (lambda: sgd(-0.1), "lr must be at least 0 and finite, not -0.1"),
    (lambda: sgd(float("nan")), "lr must be at least 0 and finite, not nan"),
    (lambda: sgd("fast"), "lr must be a number, not a str"),
    (lambda: sgd(0.1, momentum=-1), "momentum must be"),
    (lambda: sgd(0.1, nesterov=True), "nesterov needs momentum"),
    (lambda: sgd(0.1, 0.9, dampening=0.1, nesterov=True), "nesterov needs dampening=0"),
    (lambda: sgd(0.1, weight_decay=-1), "weight_decay must be"),
    (lambda: adam(betas=(0.9, 1.0)), "the second beta must be at least 0 and below 1, not 1"),
    (lambda: adam(betas=0.9), "betas must be two numbers, not 0.9"),
    (lambda: adam(eps=-1e-8), "eps must be"),
    (lambda: ga.optim.lion(0.1, b1=-0.1), "the first beta must be"),
    (lambda: ga.optim.nadam(momentum_decay=-1), "momentum_decay must be"),
    (lambda: ga.optim.adagrad(lr_decay=-1), "lr_decay must be"),
    (lambda: ga.optim.adagrad(lr=-1, lr_decay=1), "lr must be"),
    (lambda: ga.optim.adadelta(rho=1.5), "rho must be"),
    (lambda: clip(-1), "clip: limit must be"),
    (lambda: ga.optim.clip_by_global_norm(0), "max_norm must not be 0"),
    (lambda: ga.optim.accumulate(adam(), 0), "accumulate: steps must be at least 1, not 0"),
    (lambda: ga.optim.accumulate(adam(), 2.5), "accumulate: steps must be an int"),
    (lambda: ga.optim.accumulate(adam, 2), "accumulate: a function is not a transform"),
    (lambda: ema(2), "decay must be"),
    (lambda: chain(adam), "chain: a function is not a transform"),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[m for _, m in WRONG])
def test_unusable_numbers(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
