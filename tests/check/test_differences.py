"""Slopes by differences: smooth functions to many digits, kinks and ends of domains seen, noise estimated honestly."""

import numpy as np
import pytest

from graphad.check.differences import slope

EPS = float(np.finfo(float).eps)

SMOOTH = {
    "line": (lambda x: 3 * x, 2.0, 3.0),
    "square": (lambda x: x**2, 2.0, 4.0),
    "constant": (lambda x: 0 * x + 7, 1.0, 0.0),
    "exp": (np.exp, 3.0, np.exp(3.0)),
    "log": (np.log, 0.5, 2.0),
    "reciprocal": (lambda x: 1 / x, -0.3, -1 / 0.09),
    "oscillating": (lambda x: np.sin(30 * x), 0.7, 30 * np.cos(21.0)),
    "cube at 0": (lambda x: x**3, 0.0, 0.0),
    "one and a half": (lambda x: np.abs(x) ** 1.5, 0.0, 0.0),
    "large": (lambda x: 1e200 * x**2, 1.0, 2e200),
    "beside a kink": (np.abs, 0.01, 1.0),
    "beside an end": (np.sqrt, 0.02, 0.5 / np.sqrt(0.02)),
}


def of(f, x, eps=EPS):
    return slope(lambda t: np.atleast_1d(np.asarray(f(np.float64(x) + t))), eps)


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions(name):
    f, x, expected = SMOOTH[name]
    found = of(f, x)
    assert not found.kinked.any()
    assert not found.ends.any()
    off = abs(found.value[0] - expected)
    assert off <= 10 * found.error[0] + 1e-12 * abs(expected)
    assert off <= 1e-8 * max(abs(expected), 1e-3)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.abs, 0.0),
        (lambda x: np.maximum(x, 0), 0.0),
        (lambda x: np.maximum(2 * x, 3 * x), 0.0),
        (np.sign, 0.0),
        (np.floor, 2.0),
        (np.cbrt, 0.0),
        (lambda x: np.where(x < 1, x, 2 - x), 1.0),
        (lambda x: np.sqrt(np.abs(x)), 0.0),
    ],
)
def test_kinks_and_jumps_are_seen(f, x):
    assert of(f, x).kinked.all()


@pytest.mark.parametrize(("f", "x"), [(np.sqrt, 0.0), (np.log, 0.0), (np.arccos, 1.0), (np.log, -1.0)])
def test_ends_of_domains_are_seen(f, x):
    assert of(f, x).ends.all()


def test_each_element_has_its_own_best_step():
    x = np.array([0.0, 0.01, 5.0, 1e-5])
    found = slope(lambda t: np.abs(x + t), EPS)
    assert found.kinked.tolist() == [True, False, False, True]  # the last is closer to the kink than any step
    np.testing.assert_allclose(found.value[1:3], 1, rtol=1e-9)


@pytest.mark.parametrize("x", 10.0 ** np.arange(-7, 1, 0.11))
def test_near_a_kink_the_slope_is_right_or_the_kink_is_seen(x):
    found = of(np.abs, x)
    assert found.kinked[0] or abs(found.value[0] - 1) < 1e-9 + 10 * found.error[0] < 1e-6


def test_a_rough_function_is_not_called_precise():
    rng = np.random.default_rng(0)
    found = slope(lambda t: np.array([t + 1e-6 * rng.standard_normal()]), EPS)
    assert found.error[0] > 1e-8
    assert abs(found.value[0] - 1) < 100 * found.error[0]


def test_single_precision_is_less_precise_and_says_so():
    found = slope(lambda t: np.sin(np.atleast_1d(np.float32(1 + t))).astype(float), float(np.finfo("float32").eps))
    assert abs(found.value[0] - np.cos(1)) < 1e-3
    assert 1e-7 < found.error[0] < 1e-2
    assert not found.kinked.any()
