"""Schedules: numbers at steps worked out by hand, nodes equal to numbers, a whole training step that holds one."""

import dataclasses
import math
import pickle

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError
from graphad.optim import schedules

# Each with the rates at some steps.
BY_HAND = {
    "constant": (schedules.constant(0.3), {0: 0.3, 1000: 0.3}),
    "step": (schedules.step(0.8, 10, 0.5), {0: 0.8, 9: 0.8, 10: 0.4, 19: 0.4, 20: 0.2, 49: 0.05, 50: 0.025}),
    "step, default": (schedules.step(1.0, 49), {48: 1.0, 49: 0.1, 97: 0.1, 98: 0.01}),
    "piecewise": (
        schedules.piecewise([5, 20], [1.0, 0.5, 2.0]),
        {0: 1.0, 4: 1.0, 5: 0.5, 19: 0.5, 20: 2.0, 99: 2.0},
    ),
    "piecewise, one value": (schedules.piecewise([], [0.7]), {0: 0.7, 9: 0.7}),
    "exponential": (schedules.exponential(2.0, 0.5), {0: 2.0, 1: 1.0, 3: 0.25, 10: 2 / 1024}),
    "exponential, every, floor": (
        schedules.exponential(1.0, 0.01, every=20, floor=1e-3),
        {0: 1.0, 10: 0.1, 20: 0.01, 30: 1e-3, 40: 1e-3},
    ),
    "cosine": (
        schedules.cosine(0.4, 60),
        {0: 0.4, 20: 0.3, 30: 0.2, 40: 0.1, 60: 0.0, 61: 0.0, 100: 0.0},
    ),
    "cosine, floor": (schedules.cosine(0.5, 60, floor=0.1), {0: 0.5, 20: 0.4, 30: 0.3, 60: 0.1, 90: 0.1}),
    "linear": (schedules.linear(0.8, 40), {0: 0.8, 10: 0.6, 20: 0.4, 39: 0.02, 40: 0.0, 80: 0.0}),
    "linear, floor": (schedules.linear(1.0, 10, floor=0.2), {0: 1.0, 5: 0.6, 10: 0.2, 11: 0.2}),
    "inverse_sqrt": (schedules.inverse_sqrt(0.6), {0: 0.6, 3: 0.3, 8: 0.2, 99: 0.06}),
    "inverse_sqrt, every": (schedules.inverse_sqrt(0.6, every=10), {0: 0.6, 30: 0.3, 80: 0.2}),
    "warmup, number": (schedules.warmup(0.5, 10), {0: 0.0, 1: 0.05, 9: 0.45, 10: 0.5, 100: 0.5}),
    "warmup, cosine": (
        schedules.warmup(schedules.cosine(0.4, 60), 20, start=0.1),
        {0: 0.1, 10: 0.25, 20: 0.4, 40: 0.3, 60: 0.1, 80: 0.0, 100: 0.0},
    ),
    "warmup, any function": (
        schedules.warmup(lambda t: 2 / (1 + t), 4),
        {0: 0.0, 1: 0.5, 3: 1.5, 4: 2.0, 5: 1.0, 13: 0.2},
    ),
    "one_cycle": (
        schedules.one_cycle(1.0, 90, pct_start=1 / 3, div_factor=5, final_div_factor=20),
        {0: 0.2, 10: 0.4, 15: 0.6, 20: 0.8, 30: 1.0, 50: 0.7525, 60: 0.505, 70: 0.2575, 90: 0.01, 95: 0.01},
    ),
    "one_cycle, default": (schedules.one_cycle(0.5, 50), {0: 0.02, 15: 0.5, 50: 2e-6}),
}


@pytest.fixture(params=BY_HAND)
def example(request):
    return BY_HAND[request.param]


def test_rates_by_hand(example):
    schedule, rates = example
    for step, rate in rates.items():
        got = schedule(step)
        assert type(got) is float
        assert got == pytest.approx(rate, rel=1e-12, abs=1e-16)


def test_a_node_gives_what_a_number_gives(example):
    schedule, _ = example
    numbers = [schedule(k) for k in range(101)]
    for kind in (int, np.int64, np.float64, np.asarray):
        assert [schedule(kind(k)) for k in range(101)] == numbers
    np.testing.assert_allclose(schedule(np.arange(101)), numbers, rtol=1e-14, atol=0)
    t = ga.input("t", (), "int64")
    rate = schedule(t)
    assert rate.type == ga.TensorType((), np.dtype("float64"))
    f = ga.compile(t, rate)
    np.testing.assert_allclose([f(k) for k in range(101)], numbers, rtol=1e-13, atol=1e-15)
    steps = ga.input("steps", ("n",), "float64")
    many = ga.compile(steps, schedule(steps), style="readable")
    np.testing.assert_allclose(many(np.arange(101.0)), numbers, rtol=1e-13, atol=1e-15)


def test_float32_stays(example):
    schedule, _ = example
    t = ga.input("t", (), "float32")
    assert schedule(t).dtype == np.float32
    steps = np.arange(101, dtype="float32")
    assert schedule(steps).dtype == np.float32
    f = ga.compile(t, schedule(t))
    numbers = schedule(np.arange(101))
    np.testing.assert_allclose([f(k) for k in steps], numbers, rtol=1e-4, atol=1e-7)


def test_numpy_arguments_are_plain_numbers():
    schedule = schedules.piecewise(np.array([2, 4]), np.array([1.0, 0.5, 0.1]))
    assert schedule == schedules.piecewise([2, 4], [1.0, 0.5, 0.1])
    t = ga.input("t", (), "float32")
    assert schedules.cosine(np.float64(0.1), np.int64(5))(t).dtype == np.float32


def test_step_is_exact_at_every_multiple():
    """floor(t·(1 / 49)) would be too small by one at t = 49."""
    t = ga.input("t", (), "int64")
    f = ga.compile(t, schedules.step(1.0, 49, 0.5)(t))
    assert [float(f(49 * k)) for k in range(40)] == [0.5**k for k in range(40)]
    assert [float(f(49 * k + 48)) for k in range(40)] == [0.5**k for k in range(40)]


def test_frozen_equal_printed_and_pickled():
    schedule = schedules.warmup(schedules.cosine(0.1, 90), 10)
    assert schedule == schedules.warmup(schedules.cosine(0.1, 90), 10)
    assert schedule != schedules.warmup(schedules.cosine(0.1, 91), 10)
    assert len({schedule, pickle.loads(pickle.dumps(schedule))}) == 1
    assert repr(schedule) == "warmup(schedule=cosine(initial=0.1, steps=90, floor=0.0), steps=10, start=0.0)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.arguments = ()


def test_as_schedule():
    schedule = schedules.linear(1.0, 10)
    assert schedules.as_schedule(schedule) is schedule
    assert schedules.as_schedule(0.1) == schedules.constant(0.1)


def test_a_training_step_that_holds_its_schedule():
    x, t = ga.parameter("x", (3,)), ga.input("t", (), "int64")
    schedule = schedules.warmup(schedules.cosine(0.2, 30), 5)
    rate = schedule(t)
    loss = ga.sum(ga.square(x - 1))
    train = ga.compile([x, t], [loss], updates={x: x - rate * ga.grad(loss, x), t: t + 1})
    values, step = np.array([3.0, -1.0, 0.5]), np.array(0)
    expected = values.copy()
    for k in range(40):
        train(values, step)
        expected -= schedule(k) * 2 * (expected - 1)
        np.testing.assert_allclose(values, expected, rtol=1e-13)
    assert step == 40


def test_the_node_is_named_by_the_user():
    t = ga.input("t", (), "int64")
    learning_rate = schedules.one_cycle(0.1, 10)(t)
    names = [node.origin.name for node in ga.Graph([t], [learning_rate]).nodes if node.origin.name]
    assert names == ["t", "learning_rate"]  # the nodes between are nobody's


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: schedules.constant(-0.1), "constant: value must be a finite number from 0, not -0.1"),
        (lambda: schedules.constant(True), "constant: value"),
        (lambda: schedules.step("0.1", 3), "step: initial"),
        (lambda: schedules.step(0.1, 0), "step: every must be a positive"),
        (lambda: schedules.step(0.1, 3, math.nan), "step: factor .* not nan"),
        (lambda: schedules.piecewise([3], [0.1]), "piecewise: 1 boundaries need 2 values, not 1"),
        (lambda: schedules.piecewise([3, 3], [1, 2, 3]), "piecewise: boundaries must increase"),
        (lambda: schedules.piecewise([3], [1, -2]), r"piecewise: values\[1\]"),
        (lambda: schedules.exponential(0.1, -1), "exponential: factor"),
        (lambda: schedules.exponential(0.1, 0.5, every=0), "exponential: every"),
        (lambda: schedules.cosine(0.1, 0), "cosine: steps"),
        (lambda: schedules.cosine(math.inf, 10), "cosine: initial"),
        (lambda: schedules.cosine(0.1, 10, floor=-1), "cosine: floor"),
        (lambda: schedules.linear(0.1, -3), "linear: steps"),
        (lambda: schedules.inverse_sqrt(0.1, None), "inverse_sqrt: every"),
        (lambda: schedules.warmup(0.1, 0), "warmup: steps"),
        (lambda: schedules.warmup(-0.1, 5), "warmup: schedule"),
        (lambda: schedules.one_cycle(0.1, 10, pct_start=1), "one_cycle: pct_start must be between 0 and 1, not 1"),
        (lambda: schedules.one_cycle(0.1, 10, div_factor=0), "one_cycle: div_factor"),
        (lambda: schedules.ReduceOnPlateau(0.1, factor=1), "ReduceOnPlateau: factor"),
        (lambda: schedules.ReduceOnPlateau(0.1, patience=-1), "ReduceOnPlateau: patience"),
        (lambda: schedules.ReduceOnPlateau(-0.1), "ReduceOnPlateau: rate"),
        (lambda: schedules.constant(0.1)(-1), "step must be a number from 0, not -1"),
        (lambda: schedules.constant(0.1)("a"), "step must be a number from 0, not 'a'"),
        (lambda: schedules.constant(0.1)(math.nan), "step must be a number from 0, not nan"),
        (lambda: schedules.constant(0.1)(True), "step must be a number from 0, not True"),
        (lambda: schedules.constant(0.1)(ga.input("z", (), "complex128")), "step must be a real number"),
        (lambda: schedules.constant(0.1)(ga.input("flag", (), "bool")), "step must be a real number"),
    ],
)
def test_errors_name_the_argument(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()


def rates(plateau, losses):
    return [plateau.update(loss) for loss in losses]


def test_plateau_waits_before_it_reduces():
    plateau = schedules.ReduceOnPlateau(1.0, factor=0.5, patience=2)
    assert rates(plateau, [5, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3]) == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert plateau.best == 3


def test_plateau_without_patience():
    assert rates(schedules.ReduceOnPlateau(1.0, factor=0.5, patience=0), [2, 2, 2, 1]) == [1, 0.5, 0.25, 0.25]


def test_plateau_threshold_is_relative():
    plateau = schedules.ReduceOnPlateau(1.0, factor=0.5, patience=0, threshold=0.1)
    assert rates(plateau, [10, 9.5, 8.9, 8.9]) == [1, 0.5, 0.5, 0.25]
    falling = schedules.ReduceOnPlateau(1.0, factor=0.5, patience=0, threshold=0.1)
    assert rates(falling, [-10, -10.5, -11.5]) == [1, 0.5, 0.5]  # below 0 less is better, too


def test_plateau_floor_and_nan():
    plateau = schedules.ReduceOnPlateau(1.0, factor=0.1, patience=0, floor=0.05)
    assert rates(plateau, [math.nan, math.inf, 1.0, math.nan, 0.5]) == [0.1, 0.05, 0.05, 0.05, 0.05]
    low = schedules.ReduceOnPlateau(0.01, patience=0, floor=0.05)
    assert rates(low, [1, 1, 1]) == [0.01, 0.01, 0.01]  # a floor does not raise the rate


def test_plateau_is_resumed_from_its_state():
    losses = np.random.default_rng(0).normal(size=100).cumsum().tolist()
    whole, first = (schedules.ReduceOnPlateau(1.0, factor=0.9, patience=3) for _ in range(2))
    expected = rates(whole, losses)
    begun = rates(first, losses[:47])
    second = schedules.ReduceOnPlateau(**dataclasses.asdict(first))
    assert begun + rates(second, losses[47:]) == expected
    assert expected[-1] < 0.9
