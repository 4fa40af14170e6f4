"""Layers that convolve and pool against PyTorch's numbers; where filters start, named sizes, errors, training a net."""

import numpy as np
import pytest
from torch_layers import REFERENCE, compare, used

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, ShapeError

CASES = [c for c in REFERENCE["cases"] if "Norm" not in c["layer"]]
IDS = [f"{k}-{case['layer']}" for k, case in enumerate(CASES)]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients_are_those_of_torch(case):
    compare(case, used(case))


def has_batch(case):
    axes = "".join(filter(str.isdigit, case["layer"]))
    return not axes or np.ndim(case["x"]) > int(axes) + 1


@pytest.mark.parametrize("case", [c for c in CASES if has_batch(c)], ids=lambda c: c["layer"])
def test_the_batch_may_have_a_name(case):
    compare(case, used(case, batch="batch"))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_float32_stays_float32(case):
    value, gradients = used(case, "float32")
    assert {value.dtype, *(g.dtype for g in gradients.values())} == {np.dtype("float32")}
    np.testing.assert_allclose(value, case["value"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(
    "kind", ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
)
def test_filters_start_so_that_relu_keeps_the_mean_square(kind, groups):
    """He et al. 2015: E[y²] = 2·E[relu(x)²] = E[x²], whichever axis of W holds the inputs of an output."""
    n = int(kind[-2])
    layer = getattr(nn, kind)(64, 128, 3, groups=groups)
    W = nn.initial(layer, 0)[layer.W.name]
    assert W.shape == ((64, 128 // groups) if "T" in kind else (128, 64 // groups)) + (3,) * n
    limit = np.sqrt(6 / (64 // groups * 3**n))
    assert 0.98 * limit < abs(W).max() <= limit
    np.testing.assert_allclose(W.var(), limit**2 / 3, rtol=0.05)
    if "T" not in kind:
        np.testing.assert_array_equal(W, nn.init.kaiming_uniform(np.random.default_rng(0), W.shape))


def test_start_of_ones_own_and_no_bias():
    layer = nn.ConvTranspose2d(4, 8, 3, groups=2, bias=False, start=nn.init.orthogonal, dtype="float32")
    (W,) = nn.initial(layer, 0).values()
    np.testing.assert_allclose(W.reshape(4, 36) @ W.reshape(4, 36).T, np.eye(4), atol=1e-6)
    assert W.dtype == np.float32
    assert layer.b is None


def test_names_scopes_and_sharing():
    first = nn.Conv2d(1, 4, 3, padding=1)
    x = ga.input("x", ("batch", 1, "height", "width"))
    y = nn.MaxPool2d(2)(first(x))
    assert [p.name for p in nn.parameters(first)] == ["first_W", "first_b"]
    assert str(y.type) == "f64[batch, 4, height // 2, width // 2]"
    again = nn.Conv2d(4, 4, 3, padding="same")
    twice = again(again(first(x)))
    inputs = [x, *nn.parameters([first, again])]
    value, slope = ga.compile(inputs, twice), ga.compile(inputs, ga.grad(ga.sum(twice), again.b))
    start, image, h = nn.initial([first, again], 0), np.ones((1, 1, 5, 4)), 1e-6 * np.eye(4)[2]
    up, down = (value(image, **start | {"again_b": d}).sum() for d in (h, -h))
    np.testing.assert_allclose(slope(image, **start)[2], (up - down) / 2e-6, rtol=1e-7)


def test_representations_say_what_was_given():
    model = nn.Sequential(nn.Conv2d(1, 4, (3, 5), padding="same"), nn.ConvTranspose1d(2, 2, 3, output_padding=1))
    assert repr(model[0]) == "Conv2d(in_channels=1, out_channels=4, kernel=(3, 5), padding='same')"
    assert repr(model[1]) == "ConvTranspose1d(in_channels=2, out_channels=2, kernel=3, output_padding=1)"
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(kernel=2)"


X = ga.input("x", ("batch", 3, 8, 6))
WRONG = [
    (lambda: nn.Conv2d(1, 4, 3)(X), ShapeError, r"Conv2d: x is f64\[batch, 3, 8, 6\], needs 1 features on axis -3"),
    (lambda: nn.Conv2d(1, 4, 3)(ga.input("gray", ("batch", 28, 28))), ShapeError, r"gray is f64\[batch, 28, 28\]"),
    (lambda: nn.Conv1d(8, 4, 3)(X), ShapeError, "conv1d: x has 4 axes, needs 3"),
    (lambda: nn.Conv2d(3, 4, 9)(X), ShapeError, r"kernel \(9, 9\).* is larger than the padded input"),
    (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ArgumentError, r"Conv2d: kernel \(3, 3, 3\) for 2 spatial axes"),
    (lambda: nn.Conv2d(3, 4, 0), ArgumentError, "Conv2d: kernel must be at least 1, not 0"),
    (lambda: nn.Conv2d(3, 4, 3, stride=0), ArgumentError, "Conv2d: stride must be at least 1"),
    (lambda: nn.Conv2d(3, 4, 3, padding="full"), ArgumentError, "Conv2d: padding must be ints, 'same' or 'valid'"),
    (lambda: nn.Conv2d(3, 4, 3, 2, padding="same"), ArgumentError, "Conv2d: padding 'same' needs stride 1"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ArgumentError, "Conv2d: 2 groups do not divide in_channels, 3"),
    (lambda: nn.Conv2d(3, 4, 3, groups=3), ArgumentError, "Conv2d: 3 groups do not divide out_channels, 4"),
    (lambda: nn.Conv2d(3, 4, 3, groups=0), ArgumentError, "Conv2d: groups must be at least 1"),
    (lambda: nn.Conv2d(3.0, 4, 3), ArgumentError, "Conv2d: in_channels must be an int, not float"),
    (lambda: nn.Conv2d(3, -4, 3), ArgumentError, "Conv2d: out_channels must be at least 1, not -4"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), ArgumentError, "ConvTranspose2d: padding must be an int"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, output_padding=1)(X), ArgumentError, "output_padding 1 must be less"),
    (lambda: nn.MaxPool2d(2, padding=2), ArgumentError, "MaxPool2d: padding 2 is more than half of the kernel 2"),
    (lambda: nn.AvgPool1d((2, 2)), ArgumentError, r"AvgPool1d: kernel \(2, 2\) for 1 spatial axes"),
    (lambda: nn.MaxPool2d(7)(X), ShapeError, "max_pool2d: kernel"),
    (lambda: nn.AdaptiveAvgPool2d((2, 2, 2))(X), ArgumentError, "output_size"),
    (lambda: nn.GlobalAvgPool()(ga.input("flat", ("batch", 3))), ShapeError, "flat has 2 axes"),
]


@pytest.mark.parametrize(("build", "error", "message"), WRONG, ids=[m for _, _, m in WRONG])
def test_wrong_use_is_named(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_small_net_learns():
    """Where a bright square lies, left or right, told by one compiled function with running statistics in place."""
    x, y = ga.input("x", ("batch", 1, 8, 8)), ga.input("y", ("batch",), "int64")
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm(4), nn.relu, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 2)
    )
    with nn.training() as run:
        loss = nn.cross_entropy(model(x), y)
    parameters, buffers = nn.parameters(model), nn.buffers(model)
    step = ga.optim.step(ga.optim.adam(lr=0.01), loss, parameters)
    inputs = [x, y, *parameters, *buffers, *step.state]
    train = ga.compile(inputs, loss, updates={**step.updates, **run.updates})
    test = ga.compile([x, *parameters, *buffers], ga.argmax(model(x), axis=1))

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    images = rng.normal(size=(64, 1, 8, 8))
    for image, label in zip(images, labels, strict=True):
        column = 1 + 4 * label
        image[0, 3:5, column : column + 2] += 3
    values = nn.initial(model, 1)
    state = step.initial([values[p.name] for p in parameters])
    losses = [float(train(images, labels, **values, **state)) for _ in range(60)]
    assert losses[0] > 0.5
    assert losses[-1] < 0.1
    assert (test(images, **values) == labels).mean() > 0.95
