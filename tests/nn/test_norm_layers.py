"""Layers that normalize against PyTorch's numbers; running statistics through training and evaluation, in place."""

import numpy as np
import pytest
from torch_layers import REFERENCE, compare, used

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, ShapeError

CASES = [c for c in REFERENCE["cases"] if "Norm" in c["layer"]]
IDS = [f"{k}-{case['layer']}" for k, case in enumerate(CASES)]
RUNS = REFERENCE["runs"]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("batch", [None, "batch"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients_are_those_of_torch(case, batch):
    compare(case, used(case, batch=batch))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_float32_stays_float32(case):
    value, gradients = used(case, "float32")
    assert {value.dtype, *(g.dtype for g in gradients.values())} == {np.dtype("float32")}
    np.testing.assert_allclose(value, case["value"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [None, "batch"])
@pytest.mark.parametrize("run", RUNS, ids=lambda run: str(run["options"]))
def test_batch_norm_through_training_and_evaluation_is_torchs(run, batch):
    """Three batches with running statistics written in place after each, then a batch in evaluation."""
    shape = np.shape(run["steps"][0]["x"])
    layer = nn.BatchNorm(shape[1], **run["options"])
    x, g = (ga.input(name, (batch or shape[0], *shape[1:])) for name in "xg")
    keys = list(run["parameters"])
    variables = [x, *(getattr(layer, key) for key in keys)]
    with nn.training() as mode:
        y = layer(x)
    fixed = layer(x)
    inputs = [x, g, *nn.parameters(layer), *nn.buffers(layer)]
    train = ga.compile(inputs, [y, *ga.grad(ga.sum(g * y), variables)], updates=mode.updates)
    test = ga.compile(inputs, [fixed, *ga.grad(ga.sum(g * fixed), variables)])
    values = nn.initial(layer, 0)
    values |= {f"layer_{key}": np.array(v) for key, v in run["parameters"].items()}
    for step, f in zip(run["steps"], [train, train, train, test], strict=True):
        value, *slopes = f(np.array(step["x"]), np.array(step["g"]), **values)
        compare(step, (value, dict(zip(["x", *keys], slopes, strict=True))))
        for key in ("mean", "var"):
            np.testing.assert_allclose(values[f"layer_{key}"], step[key], rtol=1e-12)


def test_where_parameters_and_running_statistics_start():
    norm = nn.BatchNorm(3, dtype="float32")
    start = nn.initial([norm, nn.RMSNorm((2, 3), name="rms"), nn.LayerNorm(2, affine=False)], 0)
    assert {name: (v.dtype.name, v.shape, set(v.flat)) for name, v in start.items()} == {
        "norm_gamma": ("float32", (3,), {1.0}),
        "norm_beta": ("float32", (3,), {0.0}),
        "norm_mean": ("float32", (3,), {0.0}),
        "norm_var": ("float32", (3,), {1.0}),
        "rms_gamma": ("float64", (2, 3), {1.0}),
    }
    assert [b.name for b in nn.buffers(norm)] == ["norm_mean", "norm_var"]
    assert repr(norm) == "BatchNorm(features=3, dtype='float32')"


def test_batch_norm_in_float32_stays_there():
    x = ga.input("x", ("batch", 3, "length"), "float32")
    norm = nn.BatchNorm(3, dtype="float32")
    with nn.training() as run:
        y = norm(x)
    assert {n.dtype for n in [y, norm(x), *run.updates.values(), *ga.grad(ga.sum(y**2), [x, norm.gamma])]} == {
        np.dtype("float32")
    }
    assert [n.name for n in run.updates.values()] == ["new_norm_mean", "new_norm_var"]


def test_the_second_use_goes_on_from_the_first():
    """A siamese pair: both batches move the running statistics, one after the other; each is its own measure."""
    a, b = ga.input("a", ("n", 2)), ga.input("b", ("m", 2))
    norm = nn.BatchNorm(2, momentum=0.4, affine=False)
    with nn.training() as run:
        first, second = norm(a), norm(b)
    f = ga.compile([a, b, *nn.buffers(norm)], [first, second], updates=run.updates)
    A, B = RNG.normal(size=(5, 2)), 3 + 2 * RNG.normal(size=(7, 2))
    values = nn.initial(norm, 0)
    got = f(A, B, **values)
    for y, data in zip(got, (A, B), strict=True):
        np.testing.assert_allclose(y, (data - data.mean(0)) / np.sqrt(data.var(0) + 1e-5), rtol=1e-11)
    np.testing.assert_allclose(values["norm_mean"], 0.6 * 0.4 * A.mean(0) + 0.4 * B.mean(0), rtol=1e-12)
    expected = 0.6 * (0.6 + 0.4 * A.var(0, ddof=1)) + 0.4 * B.var(0, ddof=1)
    np.testing.assert_allclose(values["norm_var"], expected, rtol=1e-12)


def test_running_statistics_and_optimizer_in_one_compiled_step():
    """Weights, optimizer state and running statistics change in one call; statistics see the weights before it."""
    x, y = ga.input("x", ("batch", 3)), ga.input("y", ("batch", 1))
    hidden = nn.Linear(3, 4)
    norm = nn.BatchNorm(4)
    model = nn.Sequential(hidden, norm, nn.relu, nn.Linear(4, 1))
    with nn.training() as run:
        loss = nn.mse_loss(model(x), y)
    step = ga.optim.step(ga.optim.momentum(lr=0.1), loss, nn.parameters(model))
    inputs = [x, y, *nn.parameters(model), *nn.buffers(model), *step.state]
    train = ga.compile(inputs, loss, updates={**step.updates, **run.updates})
    values = nn.initial(model, 0)
    state = step.initial([values[p.name] for p in nn.parameters(model)])
    held = values["norm_mean"]
    mean, var = np.zeros(4), np.ones(4)
    X = RNG.normal(size=(16, 3))
    Y = X[:, :1] * X[:, 1:2]
    losses = []
    for _ in range(20):
        h = X @ values["hidden_W"] + values["hidden_b"]
        mean, var = 0.9 * mean + 0.1 * h.mean(0), 0.9 * var + 0.1 * h.var(0, ddof=1)
        losses.append(float(train(X, Y, **values, **state)))
        np.testing.assert_allclose(values["norm_mean"], mean, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(values["norm_var"], var, rtol=1e-10)
    assert values["norm_mean"] is held
    assert losses[-1] < 0.7 * losses[0]


def test_evaluation_takes_nothing_from_the_batch():
    x = ga.input("x", ("batch", 2, "length"))
    norm = nn.BatchNorm(2)
    f = ga.compile([x, *nn.parameters(norm), *nn.buffers(norm)], norm(x))
    X = RNG.normal(size=(4, 2, 5))
    values = nn.initial(norm, 0) | {"norm_mean": np.array([1.0, 2.0]), "norm_var": np.array([4.0, 9.0])}
    np.testing.assert_array_equal(f(X, **values)[:1], f(X[:1], **values))
    np.testing.assert_allclose(f(X, **values)[:, 1], (X[:, 1] - 2) / np.sqrt(9 + 1e-5), rtol=1e-13)


X = ga.input("x", ("batch", 3, 8))
WRONG = [
    (lambda: nn.BatchNorm(4)(X), ShapeError, r"BatchNorm: x is f64\[batch, 3, 8\], needs 4 features on axis 1"),
    (lambda: nn.BatchNorm(3)(ga.input("v", (3,))), ShapeError, r"BatchNorm: v is f64\[3\], needs 3 features on axis 1"),
    (lambda: nn.BatchNorm(0), ArgumentError, "BatchNorm: features must be at least 1, not 0"),
    (lambda: nn.BatchNorm("c"), ArgumentError, "BatchNorm: features must be an int, not str"),
    (lambda: nn.BatchNorm(3, momentum=1.5), ArgumentError, "BatchNorm: momentum must be from 0 to 1, not 1.5"),
    (lambda: nn.BatchNorm(3, momentum=None), ArgumentError, "BatchNorm: momentum must be from 0 to 1, not None"),
    (lambda: nn.InstanceNorm(2)(X), ShapeError, r"InstanceNorm: x is f64\[batch, 3, 8\], needs 2 features on axis 1"),
    (lambda: nn.InstanceNorm(3)(ga.input("v", (5, 3))), ShapeError, "v has one value per channel"),
    (lambda: nn.GroupNorm(2, 3), ArgumentError, "GroupNorm: 2 groups do not divide 3 features"),
    (lambda: nn.GroupNorm(2, 4)(X), ShapeError, "GroupNorm: x is .* needs 4 features on axis 1"),
    (lambda: nn.LayerNorm(3)(X), ShapeError, r"LayerNorm: x is f64\[batch, 3, 8\], the last sizes must be \[3\]"),
    (lambda: nn.LayerNorm(()), ShapeError, "LayerNorm: there is no axis to normalize"),
    (lambda: nn.RMSNorm((2, 8))(X), ShapeError, r"RMSNorm: x is .*, the last sizes must be \[2, 8\]"),
    (lambda: nn.LayerNorm((1, 2, 3, 8))(X), ShapeError, "LayerNorm: x is"),
]


@pytest.mark.parametrize(("build", "error", "message"), WRONG, ids=[m for _, _, m in WRONG])
def test_wrong_use_is_named(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_one_value_per_channel_has_no_variance_in_training():
    with nn.training() as run, pytest.raises(ShapeError, match="one has one value per channel"):
        nn.BatchNorm(3)(ga.input("one", (1, 3)))
    assert not run.updates


def test_running_statistics_cost_no_further_pass_over_the_batch():
    """They come from the sums by which the batch is normalized."""
    x = ga.input("x", ("batch", 3, "length"))
    norm = nn.BatchNorm(3, affine=False)
    with nn.training() as run:
        y = norm(x)
    inputs = [x, *nn.buffers(norm)]
    without, with_them = ga.compile(inputs, y), ga.compile(inputs, y, updates=run.updates)
    assert with_them.source.count("add.reduce") == without.source.count("add.reduce") == 2
