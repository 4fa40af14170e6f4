"""Initial values: moments, bounds, orthogonality, dtypes, and what they are for: variances that last through layers."""

import math
from functools import partial

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.nn import init

SHAPE = (300, 500)
# The variance that each promises for the shape (300, 500).
VARIANCES = {
    "normal": (init.normal, 1e-4),
    "normal, 0.3": (partial(init.normal, std=0.3), 0.09),
    "scaled_normal": (init.scaled_normal, 1 / 300),
    "lecun_normal": (init.lecun_normal, 1 / 300),
    "lecun_uniform": (init.lecun_uniform, 1 / 300),
    "xavier_normal": (init.xavier_normal, 2 / 800),
    "xavier_uniform": (init.xavier_uniform, 2 / 800),
    "xavier_uniform, gain": (partial(init.xavier_uniform, gain=3), 9 * 2 / 800),
    "kaiming_normal": (init.kaiming_normal, 2 / 300),
    "kaiming_normal, out": (partial(init.kaiming_normal, mode="fan_out"), 2 / 500),
    "kaiming_normal, tanh": (partial(init.kaiming_normal, activation="tanh"), 25 / 9 / 300),
    "kaiming_uniform": (init.kaiming_uniform, 2 / 300),
    "kaiming_uniform, leaky": (partial(init.kaiming_uniform, activation="leaky_relu", slope=0.5), 2 / 1.25 / 300),
    "orthogonal": (init.orthogonal, 1 / 500),
    "truncated_normal": (init.truncated_normal, 1e-4),
    "truncated_normal, 0.5": (partial(init.truncated_normal, std=2, bound=0.5), 4),
}
LIMITS = {
    "lecun_uniform": math.sqrt(3 / 300),
    "xavier_uniform": math.sqrt(6 / 800),
    "kaiming_uniform": math.sqrt(6 / 300),
}


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", VARIANCES)
def test_mean_and_variance(name):
    """Within five standard errors: 150000 draws, kurtosis at most 3, so the variance is known to 0.4 percent."""
    initializer, variance = VARIANCES[name]
    values = initializer(generator(1), SHAPE)
    assert values.shape == SHAPE
    assert abs(values.mean()) < 5 * math.sqrt(variance / values.size)
    assert values.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / values.size))


@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_mean_is_an_argument(name):
    values = getattr(init, name)(generator(), SHAPE, mean=3.0, std=0.5)
    assert values.mean() == pytest.approx(3, abs=5 * 0.5 / math.sqrt(values.size))
    assert values.std() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("name", LIMITS)
def test_uniform_fills_its_interval(name):
    values = getattr(init, name)(generator(), SHAPE)
    assert 0.9999 * LIMITS[name] < np.abs(values).max() <= LIMITS[name]
    counts, _ = np.histogram(values, 10, (-LIMITS[name], LIMITS[name]))
    assert np.abs(counts - 15000).max() < 5 * math.sqrt(15000 * 0.9)


def test_normals_are_normal():
    values = init.xavier_normal(generator(), SHAPE) / math.sqrt(2 / 800)
    assert np.mean(values**4) == pytest.approx(3, abs=5 * math.sqrt(96 / values.size))


@pytest.mark.parametrize("bound", [0.3, 1.0, 2.0, 3.5])
def test_truncation(bound):
    values = init.truncated_normal(generator(), SHAPE, mean=1.0, std=1.0, bound=bound)
    density = math.exp(-(bound**2) / 2) / math.sqrt(2 * math.pi)
    limit = bound / math.sqrt(1 - 2 * bound * density / math.erf(bound / math.sqrt(2)))
    assert 0.98 * limit < np.abs(values - 1).max() <= limit * (1 + 1e-15)
    assert values.std() == pytest.approx(1, rel=0.02)


def test_no_truncation():
    assert np.abs(init.truncated_normal(generator(), SHAPE, std=1.0, bound=math.inf)).max() > 4


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 1), (1, 1), (8, 3, 2, 2), (20, 3, 2, 2)])
def test_orthonormal_rows_or_columns(shape):
    values = init.orthogonal(generator(), shape, gain=1.5)
    assert values.shape == shape
    matrix = values.reshape(shape[0], -1)
    small = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(small, 2.25 * np.eye(min(matrix.shape)), atol=1e-13)


def test_orthogonal_has_no_preferred_sign():
    """Of a plain QR the first entry would always have the same sign."""
    first = [init.orthogonal(generator(seed), (3, 3))[0, 0] > 0 for seed in range(200)]
    assert 60 < sum(first) < 140


RANDOM = ["normal", "scaled_normal", "lecun_normal", "lecun_uniform", "xavier_normal", "xavier_uniform"]
RANDOM += ["kaiming_normal", "kaiming_uniform", "orthogonal", "truncated_normal"]


@pytest.mark.parametrize("name", RANDOM)
def test_determined_by_the_generator_for_every_dtype(name):
    initializer = getattr(init, name)
    values = initializer(generator(), (6, 4))
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, initializer(generator(), (6, 4)))
    assert (values != initializer(generator(1), (6, 4))).any()
    for dtype in ("float16", "float32"):
        other = initializer(generator(), (6, 4), dtype)
        assert other.dtype == dtype
        np.testing.assert_array_equal(other, values.astype(dtype))
    rng = generator()
    assert (initializer(rng, (6, 4)) != initializer(rng, (6, 4))).any()


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty(name, shape):
    assert getattr(init, name)(generator(), shape).shape == shape


def test_constants():
    np.testing.assert_array_equal(init.zeros(generator(), 3), np.zeros(3))
    np.testing.assert_array_equal(init.ones(generator(), (2, 1), "float32"), np.ones((2, 1), "float32"))
    values = init.constant(generator(), (2,), "int64", value=7)
    assert values.dtype == np.int64
    assert values.tolist() == [7, 7]


@pytest.mark.parametrize(
    ("shape", "expected"), [((64, 10), (64, 10)), ((16, 3, 5), (15, 80)), ((16, 3, 5, 4), (60, 320)), ((0, 2), (0, 2))]
)
def test_fans(shape, expected):
    assert init.fans(shape) == expected


def test_fans_of_a_filter_are_those_of_the_convolution():
    """Outputs of a convolution by a Kaiming filter have the variance gain² times that of the input."""
    weight = init.kaiming_normal(generator(), (16, 8, 3, 3), activation="linear")
    images, kernel = ga.input("images", (4, 8, 20, 20)), ga.input("kernel", weight.shape)
    out = ga.compile([images, kernel], ga.nn.conv2d(images, kernel))
    assert out(generator(1).normal(size=images.shape), weight).var() == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("name", ["gelu", "silu", "selu", "relu", "leaky_relu", "linear"])
def test_gains_are_second_moments(name):
    """gain²·E[f(z)²] = 1 for a standard normal z; tanh and sigmoid have conventional ones."""
    z = np.linspace(-12, 12, 200_001)
    x = ga.input("x", z.shape)
    f = ga.compile(x, getattr(ga.nn, name)(x) if name != "linear" else x)
    moment = np.trapezoid(f(z) ** 2 * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi), z)
    assert init.gain(name) ** 2 * moment == pytest.approx(1, rel=1e-8)


def spread(activation, initializer, layers=20, width=400):
    """The mean square of the activations after many layers, divided by that after the first."""
    rng, act = generator(3), ga.input("act", (100, width))
    W = ga.input("W", (width, width))
    out = act @ W if activation == "linear" else getattr(ga.nn, activation)(act @ W)
    step = ga.compile([act, W], out)
    inputs = rng.normal(size=act.shape) / init.gain(activation)  # where gelu and silu have their fixed point
    state = first = step(inputs, initializer(rng, W.shape))
    for _ in range(layers - 1):
        state = step(state, initializer(rng, W.shape))
    return np.mean(state**2) / np.mean(first**2)


@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu", "tanh", "selu"])
@pytest.mark.parametrize("name", ["kaiming_normal", "kaiming_uniform"])
def test_activations_keep_their_variance_through_twenty_layers(activation, name):
    assert 0.4 < spread(activation, partial(getattr(init, name), activation=activation)) < 2.5


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_activations_keep_their_variance_for_some_layers(activation):
    """Their gains are right for variance 1 only: a deviation grows by 14 and 17 percent in each layer."""
    assert 0.5 < spread(activation, partial(init.kaiming_normal, activation=activation), layers=5) < 2


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu", "silu"])
def test_activations_vanish_with_the_wrong_gain(activation):
    assert spread(activation, partial(init.kaiming_normal, activation="linear")) < 1e-3


def test_activations_vanish_or_explode_without_scaling():
    assert spread("relu", init.normal) < 1e-10
    assert spread("relu", partial(init.normal, std=1.0)) > 1e10


def test_orthogonal_keeps_norms():
    assert spread("linear", init.orthogonal, 30, 40) == pytest.approx(1, rel=1e-12)


def test_values_by_name():
    W, b = ga.parameter("W", (4, 3), "float32"), ga.input("b", (3,))
    found = init.values(generator(), {W: partial(init.xavier_uniform, gain=2.0), b: init.zeros})
    assert list(found) == ["W", "b"]
    np.testing.assert_array_equal(found["W"], init.xavier_uniform(generator(), (4, 3), "float32", gain=2.0))
    assert found["W"].dtype == np.float32
    assert found["b"].tolist() == [0, 0, 0]
    assert init.values(generator(), {}) == {}


def test_values_go_into_a_function():
    x, W = ga.input("x", ("n", 4)), ga.parameter("W", (4, 3))
    f = ga.compile([x, W], x @ W)
    start = init.values(generator(), {W: init.xavier_normal})
    np.testing.assert_allclose(f(np.eye(4), **start), start["W"])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: init.normal(0, (2, 2)), ArgumentError, "normal: rng must be a NumPy Generator, not int"),
        (lambda: init.normal(generator(), (2, 2), std=-1), ArgumentError, "normal: std must be at least 0"),
        (lambda: init.xavier_normal(generator(), (2, 2), gain=math.nan), ArgumentError, "xavier_normal: gain"),
        (lambda: init.xavier_normal(generator(), (3,)), ShapeError, r"xavier_normal: the shape \[3\] has no n_in"),
        (lambda: init.orthogonal(generator(), 3), ShapeError, r"orthogonal: the shape \[3\] has no n_in"),
        (lambda: init.lecun_normal(generator(), ("n", 2)), ShapeError, "lecun_normal: .*named size n"),
        (lambda: init.zeros(generator(), (-1,)), ShapeError, "-1"),
        (lambda: init.kaiming_normal(generator(), (2, 2), "int64"), DTypeError, "kaiming_normal: dtype must be real"),
        (lambda: init.kaiming_normal(generator(), (2, 2), mode="in"), ArgumentError, "kaiming_normal: mode .* 'in'"),
        (lambda: init.kaiming_uniform(generator(), (2, 2), activation="x"), ArgumentError, "activation .* leaky_relu"),
        (lambda: init.truncated_normal(generator(), 2, bound=0), ArgumentError, "truncated_normal: bound .* not 0"),
        (lambda: init.truncated_normal(generator(), 2, bound=math.nan), ArgumentError, "bound .* not nan"),
        (lambda: init.values(generator(), {ga.parameter("W", ("n", 2)): init.zeros}), ShapeError, "W: .*named size n"),
        (lambda: init.values(generator(), {ga.parameter("W", (2, 2)): 3}), ArgumentError, "initializer of W .* not 3"),
        (lambda: init.values(generator(), {ga.parameter("W", 2) * 2: init.zeros}), ArgumentError, "neither an input"),
        (lambda: init.values(generator(), {"W": init.zeros}), ArgumentError, "'W' is neither an input"),
        (lambda: init.values(generator(), {ga.input("W", 2): lambda *_: np.ones(3)}), ShapeError, "of W gave .*3"),
        (
            lambda: init.values(generator(), {ga.input("W", 2): init.zeros, ga.input("W", 3): init.zeros}),
            ArgumentError,
            "two nodes have the name 'W'",
        ),
    ],
)
def test_errors_name_the_argument(call, error, words):
    with pytest.raises(error, match=words):
        call()
