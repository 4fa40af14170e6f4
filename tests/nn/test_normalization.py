"""Normalizations against their formulas, differences, and PyTorch's conventions."""

import numpy as np
import pytest
from support import directional

import graphad as ga
from graphad import nn
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(0)
W, B = RNG.standard_normal(4), RNG.standard_normal(4)


def standard(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def run(f, *values):
    nodes = [declare(f"a{k}", v.shape, v.dtype) for k, v in enumerate(values)]
    return ga.compile(nodes, f(*nodes))(*values)


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 5), (2, 4, 3, 2), (2, 4, 2, 3, 2)])
def test_against_the_formulas(shape):
    x = RNG.standard_normal(shape) * 2 + 1
    per_channel = (4, *[1] * (x.ndim - 2))
    w, b = W.reshape(per_channel), B.reshape(per_channel)
    spatial = tuple(range(2, x.ndim))

    def close(got, expected):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)

    close(
        run(lambda x, w, b: nn.batch_norm(x, weight=w, bias=b, training=True), x, W, B),
        standard(x, (0, *spatial)) * w + b,
    )
    mean, var = B, np.abs(W)
    fixed = (x - mean.reshape(per_channel)) / np.sqrt(var.reshape(per_channel) + 1e-3)
    close(run(lambda x, m, v: nn.batch_norm(x, m, v, eps=1e-3), x, mean, var), fixed)
    close(run(lambda x, m, v: nn.instance_norm(x, m, v, use_input_stats=False, eps=1e-3), x, mean, var), fixed)
    if spatial:
        close(run(lambda x, w: nn.instance_norm(x, weight=w), x, W), standard(x, spatial) * w)
    grouped = standard(x.reshape(shape[0], 2, 2, *shape[2:]), tuple(range(2, x.ndim + 1))).reshape(shape)
    close(run(lambda x, w, b: nn.group_norm(x, 2, w, b), x, W, B), grouped * w + b)
    last = RNG.standard_normal(shape[1:])
    close(
        run(lambda x, v: nn.layer_norm(x, shape[1:], v, v), x, last), standard(x, tuple(range(1, x.ndim))) * last + last
    )
    close(run(lambda x: nn.layer_norm(x, shape[-1], eps=0.1), x), standard(x, -1, 0.1))
    rms = x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + np.finfo(float).eps)
    close(
        run(lambda x, v: nn.rms_norm(x, shape[-1:], v), x, last[(0,) * (x.ndim - 2)]), rms * last[(0,) * (x.ndim - 2)]
    )


CALLS = {
    "batch": lambda x, w, b: nn.batch_norm(x, None, None, w, b, training=True),
    "instance": lambda x, w, b: nn.instance_norm(x, weight=w, bias=b),
    "group": lambda x, w, b: nn.group_norm(x, 2, w, b),
    "layer": lambda x, w, b: nn.layer_norm(ga.swapaxes(x, 1, 2), 4, w, b),
    "rms": lambda x, w, b: nn.rms_norm(ga.swapaxes(x, 1, 2), 4, w) + b,
}


@pytest.mark.parametrize("name", CALLS)
def test_first_and_second_order_against_differences(name):
    nodes = [declare("x", ("n", 4, 3)), declare("w", (4,)), declare("b", (4,))]
    values = [RNG.standard_normal((3, 4, 3)), W, B]
    tangents = [declare(f"t{k}", v.shape) for k, v in enumerate(nodes)]
    direction = [RNG.standard_normal(v.shape) for v in values]
    loss = ga.sum(ga.sin(CALLS[name](*nodes)))
    value, first = ga.compile(nodes, loss), ga.compile(nodes, ga.grad(loss, nodes))
    exact = sum(np.sum(g * d) for g, d in zip(first(*values), direction, strict=True))
    np.testing.assert_allclose(exact, directional(value, values, direction), rtol=1e-6, atol=1e-7)
    second = ga.compile([*nodes, *tangents], ga.hvp(loss, nodes, tangents))(*values, *direction)
    for k, got in enumerate(second):
        numeric = directional(lambda *a, k=k: first(*a)[k], values, direction)
        np.testing.assert_allclose(got, numeric, rtol=1e-6, atol=1e-6)


def test_running_statistics_as_updates():
    x, mean, var = declare("x", ("n", 4, 3)), ga.parameter("mean", (4,)), ga.parameter("var", (4,))
    y = nn.batch_norm(x, training=True)
    new_mean, new_var = nn.batch_norm_statistics(x, mean, var, momentum=0.25)
    step = ga.compile([x, mean, var], y, updates={mean: new_mean, var: new_var})
    v, m, s = RNG.standard_normal((5, 4, 3)), np.zeros(4), np.ones(4)
    step(v, m, s)
    np.testing.assert_allclose(m, 0.25 * v.mean((0, 2)))
    np.testing.assert_allclose(s, 0.75 + 0.25 * v.var((0, 2), ddof=1))


def test_constant_input_and_large_numbers():
    x = np.full((3, 4, 5), 1e4)
    node = declare("x", x.shape)
    for y in (nn.batch_norm(node, training=True), nn.layer_norm(node, 5), nn.group_norm(node, 2)):
        out, dx = ga.compile(node, [y, ga.grad(ga.sum(y**2), node)])(x)
        np.testing.assert_array_equal(out, 0)
        np.testing.assert_array_equal(dx, 0)


@pytest.mark.parametrize("name", CALLS)
def test_float32_stays(name):
    nodes = [declare("x", (3, 4, 3), "float32"), declare("w", (4,), "float32"), declare("b", (4,), "float32")]
    y = CALLS[name](*nodes)
    values = [RNG.standard_normal(v.shape).astype("float32") for v in nodes]
    out = ga.compile(nodes, [y, *ga.grad(ga.sum(y**2), nodes)])(*values)
    assert {a.dtype for a in out} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: nn.batch_norm(x), "without training=True the running statistics are needed"),
        (lambda x: nn.batch_norm(x[:1, :, 0], training=True), "one value per channel"),
        (lambda x: nn.batch_norm(x[:, 0, 0], training=True), "has 1 axes"),
        (lambda x: nn.batch_norm(x, np.zeros(3), np.ones(4)), r"needs \[4\], one number per channel"),
        (lambda x: nn.batch_norm_statistics(x, np.zeros(3), np.ones(3)), r"needs \[4\]"),
        (lambda x: nn.instance_norm(x[:, :, 0]), "one value per channel"),
        (lambda x: nn.group_norm(x, 3), "3 groups do not divide the 4 channels"),
        (lambda x: nn.group_norm(x, 0), "0 groups do not divide"),
        (lambda x: nn.layer_norm(x, (4, 2)), r"are not \[4, 2\]"),
        (lambda x: nn.layer_norm(x, 3, np.ones(4)), r"does not have the shape \[3\]"),
    ],
)
def test_errors_when_the_graph_is_built(call, message):
    with pytest.raises(ga.GraphadError, match=message):
        call(declare("x", (2, 4, 3)))
