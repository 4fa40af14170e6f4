"""Noisy layers: moments over many draws, evaluation, gradients under one draw, the ends of p."""

import numpy as np
import pytest
from support import directional

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, AxisError, GraphError, ShapeError

COUNT = 20_000
P = 0.3


def noisy(layer, *inputs):
    with nn.training():
        return layer(*inputs)


def draw(f, *values, seed=0, **more):
    draws = any("random" in n.op.traits for n in f.graph.nodes)
    return f(*values, **more, **({"rng": np.random.default_rng(seed)} if draws else {}))


def check_moments(samples, mean, variance):
    """Samples (count, k) have these means and variances, up to five standard errors."""
    count = len(samples)
    error = np.sqrt(variance / count)
    np.testing.assert_array_less(np.abs(samples.mean(0) - mean), 5 * error + 1e-12)
    fourth = ((samples - samples.mean(0)) ** 4).mean(0)
    np.testing.assert_array_less(
        np.abs(samples.var(0) - variance), 5 * np.sqrt(np.maximum(fourth - variance**2, 0) / count) + 2e-3 * variance
    )


def check_gradients(loss, inputs, values):
    """Gradients against differences, where each call draws the same noise."""
    f = ga.compile(inputs, [loss, *ga.grad(loss, inputs)])
    directions = [np.random.default_rng(5).normal(size=v.shape) for v in values]
    _, *gradients = draw(f, *values)
    numeric = directional(lambda *v: draw(f, *v)[0], values, directions)
    np.testing.assert_allclose(
        sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)), numeric, rtol=1e-7
    )


X = ga.input("x", ("batch", 3))
ROW = np.array([0.5, -2.0, 3.0])
ROWS = np.broadcast_to(ROW, (COUNT, 3))
WEIGHTS = np.array([[0.4, -0.2], [0.1, 0.7], [-0.6, 0.3]])


def linear(bias=True, n_out=2):
    return nn.Linear(3, n_out, bias=bias, name="lin")


def test_dropout_has_the_moments_of_its_mask():
    samples = draw(ga.compile(X, noisy(nn.Dropout(P), X)), ROWS)
    check_moments(samples, ROW, ROW**2 * P / (1 - P))
    assert {tuple(np.unique(c)) for c in samples.T} == {tuple(sorted((0, v / (1 - P)))) for v in ROW}
    correlation = np.corrcoef(samples.T)
    np.testing.assert_array_less(np.abs(correlation[np.triu_indices(3, 1)]), 5 / np.sqrt(COUNT))


def test_dropout_along_shared_axes():
    images = ga.input("images", ("batch", 4, 5, 5))
    f = ga.compile(images, [noisy(nn.Dropout(0.5, (2, -1)), images), noisy(nn.Dropout(0.5, 0), images)])
    channels, batch = draw(f, np.ones((200, 4, 5, 5)))
    assert np.ptp(channels, axis=(2, 3)).max() == 0
    assert 0.4 < channels[:, :, 0, 0].mean() / 2 < 0.6
    assert np.ptp(batch, axis=0).max() == 0
    assert np.unique(batch[0]).tolist() == [0, 2]
    with pytest.raises(AxisError, match="axis 4 is out of range"):
        noisy(nn.Dropout(0.5, 4), images)


def test_dropconnect_has_the_moments_of_its_weights():
    """Columns with the same weights are so many draws."""
    layer = linear(n_out=COUNT)
    W, b = nn.parameters(layer)
    f = ga.compile([X, W, b], noisy(nn.DropConnect(layer, P), X))
    w = WEIGHTS[:, 0]
    y = draw(f, np.stack([ROW, ROW]), np.broadcast_to(w[:, None], (3, COUNT)), np.full(COUNT, 1.5))
    check_moments(y[0][:, None], ROW @ w + 1.5, (ROW**2) @ w**2 * P / (1 - P))
    np.testing.assert_array_equal(y[0], y[1])  # one mask for the batch


def test_dropconnect_per_example():
    layer = linear()
    f = ga.compile([X, layer.W, layer.b], noisy(nn.DropConnect(layer, P, per_example=True), X))
    y = draw(f, ROWS, WEIGHTS, np.array([1.5, 0]))
    check_moments(y, ROW @ WEIGHTS + [1.5, 0], ROW**2 @ WEIGHTS**2 * P / (1 - P))


def test_dropconnect_around_any_layer_with_weights():
    ids = ga.input("ids", ("n",), "int64")
    table = nn.Embedding(4, 3)
    f = ga.compile([ids, table.W], noisy(nn.DropConnect(table, 0.5), ids))
    rows = draw(f, np.array([1, 1, 2]), np.ones((4, 3)))
    np.testing.assert_array_equal(rows[0], rows[1])
    assert set(rows.ravel()) == {0, 2}


def test_shakeout_has_the_moments_of_its_weights():
    layer, tau, c = linear(), 0.4, 0.25
    f = ga.compile([X, layer.W, layer.b], noisy(nn.Shakeout(layer, tau, c), X))
    y = draw(f, ROWS, WEIGHTS, np.array([1.5, 0]))
    variance = tau / (1 - tau) * (ROW**2 @ (WEIGHTS + c * np.sign(WEIGHTS)) ** 2)
    check_moments(y, ROW @ WEIGHTS + [1.5, 0], variance)


def test_shakeout_turns_weights_into_one_of_two():
    """Of a single unit: -c·sign(W), or (W + c·tau·sign(W)) / (1 - tau), for all its weights together."""
    layer, tau, c = nn.Linear(1, 3, bias=False), 0.4, 0.25
    x, w = ga.input("x", ("batch", 1)), np.array([[0.5, -2.0, 0.0]])
    y = draw(ga.compile([x, layer.W], noisy(nn.Shakeout(layer, tau, c), x)), np.ones((50, 1)), w)
    found = np.unique(y.round(12), axis=0)
    both = np.concatenate([-c * np.sign(w), (w + c * tau * np.sign(w)) / (1 - tau)])
    np.testing.assert_allclose(found, both[np.argsort(both[:, 0])], atol=1e-12)


def test_shakeout_without_c_is_dropout():
    layer = linear()
    shaken, dropped = noisy(nn.Shakeout(layer, P, 0), X), layer(noisy(nn.Dropout(P), X))
    values = ROWS[:7], WEIGHTS, np.zeros(2)
    inputs = [X, layer.W, layer.b]
    np.testing.assert_allclose(*[draw(ga.compile(inputs, y), *values) for y in (shaken, dropped)], rtol=1e-12)


@pytest.mark.parametrize(("sigma", "gamma", "lam"), [(0.4, 1.0, 0.0), (0.3, 0.5, 0.2), (0.2, 2.0, 0.1), (0, 1, 0.5)])
def test_whiteout_adds_up_the_noise_of_its_connections(sigma, gamma, lam):
    layer = linear()
    f = ga.compile([X, layer.W, layer.b], noisy(nn.Whiteout(layer, sigma, gamma, lam), X))
    y = draw(f, ROWS, WEIGHTS, np.array([1.5, 0]))
    noise = np.random.default_rng(1).normal(size=(COUNT, 3, 2)) * np.sqrt(sigma**2 * np.abs(WEIGHTS) ** -gamma + lam)
    by_connection = ((ROW[:, None] + noise) * WEIGHTS).sum(1)
    check_moments(y, ROW @ WEIGHTS + [1.5, 0], (WEIGHTS**2 * (sigma**2 * np.abs(WEIGHTS) ** -gamma + lam)).sum(0))
    np.testing.assert_allclose(y.std(0), by_connection.std(0), rtol=0.05)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_whiteout_at_zero_weights_is_finite(gamma):
    layer = linear()
    y = noisy(nn.Whiteout(layer, 0.3, gamma), X)
    inputs = [X, layer.W, layer.b]
    f = ga.compile(inputs, [y, *ga.grad(ga.sum(y**2), inputs)])
    zeros = np.array([[0, 0], [0, 0.7], [0, 0.3]])
    value, *gradients = draw(f, ROWS[:4], zeros, np.zeros(2))
    assert all(np.isfinite(g).all() for g in [value, *gradients])
    assert not value[:, 0].any()
    assert value[:, 1].std() > 0


def test_gaussian_noise():
    samples = draw(ga.compile(X, noisy(nn.GaussianNoise(0.7), X)), ROWS)
    check_moments(samples, ROW, np.full(3, 0.49))


OLD, NEW = ga.input("old", ("batch", 3)), ga.input("new", ("batch", 3))


def test_zoneout_keeps_old_values():
    layer = nn.Zoneout(P)
    f = ga.compile([OLD, NEW], [noisy(layer, OLD, NEW), layer(OLD, NEW)])
    samples, mean = draw(f, ROWS, ROWS + 1)
    check_moments(samples - ROW, np.full(3, 1 - P), np.full(3, P * (1 - P)))
    assert set((samples - ROW).ravel().round(12)) == {0, 1}
    np.testing.assert_allclose(mean, ROWS + 1 - P)


def recurrence(zoneout, xs, h0, masks):
    def step(h, given):
        x, mask = given
        h = zoneout(h, ga.tanh(h + x), mask)
        return h, h

    return ga.scan(step, h0, (xs, masks))[1]


@pytest.mark.parametrize("training", [True, False])
def test_zoneout_in_a_loop(training):
    xs, h0 = ga.input("xs", ("T", "batch", 3)), ga.input("h0", ("batch", 3))
    zoneout = nn.Zoneout(P)
    if training:
        with nn.training():
            masks = zoneout.masks("T", h0)
    else:
        masks = zoneout.masks("T", h0)
    states = recurrence(zoneout, xs, h0, masks)
    rng = np.random.default_rng(0)
    x, h = rng.normal(size=(6, 4, 3)), rng.normal(size=(4, 3))
    got, mask = draw(ga.compile([xs, h0], [states, masks]), x, h)
    assert set(np.unique(mask)) == ({0, 1} if training else {P})
    for k in range(6):
        h = np.where(mask[k] == 1, h, np.tanh(h + x[k])) if training else P * h + (1 - P) * np.tanh(h + x[k])
        np.testing.assert_allclose(got[k], h, rtol=1e-12)
    check_gradients(ga.sum(states**2), [xs, h0], [x, rng.normal(size=(4, 3))])


def test_a_draw_inside_a_loop_is_refused():
    with nn.training(), pytest.raises(GraphError, match="random"):
        ga.scan(lambda h, x: (nn.Zoneout(P)(h, ga.tanh(x)), None), ga.zeros(3), X)


LAYERS = {
    "dropout": lambda x, lin: nn.Dropout(P)(lin(x)),
    "shared": lambda x, lin: nn.Dropout(P, 0)(lin(x)),
    "dropconnect": lambda x, lin: nn.DropConnect(lin, P)(x),
    "per_example": lambda x, lin: nn.DropConnect(lin, P, per_example=True)(x),
    "shakeout": lambda x, lin: nn.Shakeout(lin, P, 0.3)(x),
    "whiteout": lambda x, lin: nn.Whiteout(lin, 0.5, 0.7, 0.2)(x),
    "gaussian": lambda x, lin: nn.GaussianNoise(0.5)(lin(x)),
    "zoneout": lambda x, lin: nn.Zoneout(P)(ga.sin(lin(x)), lin(x)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_share_the_draw(name):
    layer = linear()
    with nn.training():
        y = LAYERS[name](X, layer)
    values = [np.random.default_rng(3).normal(size=(5, 3)), WEIGHTS, np.array([1.5, 0])]
    check_gradients(ga.sum(ga.sin(y) * np.arange(1, 3)), [X, layer.W, layer.b], values)


@pytest.mark.parametrize("name", LAYERS)
def test_evaluation_has_no_noise(name):
    layer = linear()
    y = LAYERS[name](X, layer)
    inputs = [X, layer.W, layer.b]
    g = ga.Graph(inputs, [y])
    assert not any("random" in n.op.traits for n in g.nodes)
    plain = ROWS[:4] @ WEIGHTS + 1
    expected = P * np.sin(plain) + (1 - P) * plain if name == "zoneout" else plain
    np.testing.assert_allclose(ga.compile(inputs, y)(ROWS[:4], WEIGHTS, np.ones(2)), expected, rtol=1e-14)


@pytest.mark.parametrize("name", LAYERS)
def test_dtype_and_seed(name):
    layer, x = nn.Linear(3, 2, dtype="float32"), ga.input("x", ("batch", 3), "float32")
    with nn.training():
        y = LAYERS[name](x, layer)
    assert y.dtype == np.float32
    f = ga.compile([x, layer.W, layer.b], y)
    values = np.ones((40, 3), "float32"), WEIGHTS.astype("float32"), np.zeros(2, "float32")
    first, again, other = draw(f, *values), draw(f, *values), draw(f, *values, seed=1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_p_of_zero_and_one():
    layer = linear()
    with nn.training():
        never = [nn.Dropout(0)(layer(X)), nn.DropConnect(layer, 0)(X), nn.DropConnect(layer, 0, per_example=True)(X)]
        never += [nn.Shakeout(layer, 0, 0.3)(X), nn.Whiteout(layer, 0)(X), nn.GaussianNoise(0)(layer(X))]
        always = [nn.Dropout(1)(X), nn.DropConnect(layer, 1)(X) - layer.b, nn.Dropout(1.0, 0)(X)]
        states = [nn.Zoneout(0)(OLD, NEW), nn.Zoneout(1)(OLD, NEW)]
    values = ROWS[:4], WEIGHTS, np.ones(2)
    inputs = [X, layer.W, layer.b]
    for y in draw(ga.compile(inputs, never), *values):
        np.testing.assert_allclose(y, ROWS[:4] @ WEIGHTS + 1, rtol=1e-14)
    for y in draw(ga.compile(inputs, always), *values):
        assert not y.any()
    new, old = draw(ga.compile([OLD, NEW], states), ROWS[:4], ROWS[:4] + 1)
    np.testing.assert_array_equal(old, ROWS[:4])
    np.testing.assert_array_equal(new, ROWS[:4] + 1)


@pytest.mark.parametrize("make", [nn.Dropout, nn.Zoneout, lambda p: nn.DropConnect(linear(), p)])
@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, "much"])
def test_a_wrong_p_is_named(make, p):
    with pytest.raises(ArgumentError, match=r"p must (lie between 0 and 1, not|be a number, not str)"):
        make(p)


def test_wrong_arguments_are_named():
    for make, message in [
        (lambda: nn.Shakeout(linear(), 1.0), "Shakeout: tau must be less than 1"),
        (lambda: nn.Shakeout(linear(), 0.5, -1), "Shakeout: c must be at least 0 and finite, not -1"),
        (lambda: nn.Shakeout(nn.Dropout()), "Shakeout: the layer must be a Linear, not a Dropout"),
        (lambda: nn.Whiteout(linear(), gamma=2.5), "Whiteout: gamma must lie between 0 and 2, not 2.5"),
        (lambda: nn.GaussianNoise(np.inf), "GaussianNoise: std must be at least 0 and finite, not inf"),
        (lambda: nn.DropConnect(nn.Dropout()), "is no layer with weights W"),
        (lambda: nn.DropConnect(nn.Embedding(4, 3), per_example=True), "per_example: the layer must be a Linear"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            make()
    with pytest.raises(ShapeError, match=r"Shakeout: old is .* needs 4 features"):
        noisy(nn.Shakeout(nn.Linear(4, 2)), OLD)


def test_the_parameters_are_those_of_the_layer_inside():
    parts = [nn.DropConnect(nn.Linear(3, 2)), nn.Shakeout(nn.Linear(2, 2)), nn.Whiteout(nn.Linear(2, 1))]
    model = nn.Sequential(nn.Dropout(0.2), *parts)
    y = noisy(model, X)
    parameters = nn.parameters(model)
    names = ["linear_W", "linear_b", "linear_2_W", "linear_2_b", "linear_3_W", "linear_3_b"]
    assert [p.name for p in parameters] == names
    f = ga.compile([X, *parameters], [y, *ga.grad(ga.sum(y), parameters)])
    assert draw(f, ROWS[:5], **nn.initial(model, 0))[0].shape == (5, 1)
