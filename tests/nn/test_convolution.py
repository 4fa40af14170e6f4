"""Convolutions and their transposes against explicit loops, differences, and one another."""

import itertools

import numpy as np
import pytest
from support import directional

import graphad as ga
from graphad import nn
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(0)
CONVS = {1: nn.conv1d, 2: nn.conv2d, 3: nn.conv3d}
TRANSPOSES = {1: nn.conv_transpose1d, 2: nn.conv_transpose2d, 3: nn.conv_transpose3d}
SPATIAL = {1: (9,), 2: (6, 7), 3: (4, 5, 4)}


def looped(x, w, stride=1, padding=0, dilation=1, groups=1):
    """Convolution from its definition, one output element after another."""
    n = x.ndim - 2
    stride, padding, dilation = (np.broadcast_to(v, n) for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    extent = dilation * (np.array(w.shape[2:]) - 1) + 1
    count = (np.array(x.shape[2:]) - extent) // stride + 1
    y = np.zeros((len(x), len(w), *count))
    inputs, outputs = w.shape[1], len(w) // groups
    for at in np.ndindex(*y.shape):
        b, o, *p = at
        first = o // outputs * inputs
        spots = [slice(i * s, i * s + e, d) for i, s, e, d in zip(p, stride, extent, dilation, strict=True)]
        y[at] = np.sum(x[(b, slice(first, first + inputs), *spots)] * w[o])
    return y


def run(f, *values, **kwargs):
    nodes = [declare(f"a{k}", v.shape, v.dtype) for k, v in enumerate(values)]
    return ga.compile(nodes, f(*nodes, **kwargs))(*values)


SETTINGS = [
    {"stride": s, "padding": p, "dilation": d, "groups": g}
    for s, p, d, g in itertools.product((1, 2), (0, 1), (1, 2), (1, 2))
]


@pytest.mark.parametrize("n", CONVS)
@pytest.mark.parametrize("how", SETTINGS, ids=lambda how: "-".join(map(str, how.values())))
def test_conv_and_its_transpose_against_loops(n, how):
    x = RNG.standard_normal((2, 4, *SPATIAL[n]))
    w = RNG.standard_normal((6, 4 // how["groups"], *(2, 3, 2)[:n]))
    expected = looped(x, w, **how)
    np.testing.assert_allclose(run(CONVS[n], x, w, **how), expected, rtol=1e-12, atol=1e-12)

    g = RNG.standard_normal(expected.shape)  # the transpose takes w as it is: ⟨g, conv x⟩ = ⟨transpose g, x⟩
    least = [
        (m - 1) * how["stride"] - 2 * how["padding"] + how["dilation"] * (k - 1) + 1
        for m, k in zip(g.shape[2:], w.shape[2:], strict=True)
    ]
    extra = tuple(a - b for a, b in zip(x.shape[2:], least, strict=True))
    back = run(TRANSPOSES[n], g, w, **how, output_padding=extra)
    assert back.shape == x.shape
    assert abs(np.sum(g * expected) - np.sum(back * x)) < 1e-10


def test_settings_per_axis():
    x, w = RNG.standard_normal((1, 2, 7, 9)), RNG.standard_normal((3, 2, 2, 3))
    how = {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 3)}
    np.testing.assert_allclose(run(nn.conv2d, x, w, **how), looped(x, w, **how), rtol=1e-12, atol=1e-12)


def test_same_and_valid_padding():
    x, w = RNG.standard_normal((1, 2, 6, 7)), RNG.standard_normal((3, 2, 3, 2))
    np.testing.assert_allclose(run(nn.conv2d, x, w, padding="valid"), looped(x, w), rtol=1e-12, atol=1e-12)
    same = run(nn.conv2d, x, w, padding="same")
    np.testing.assert_allclose(same, looped(np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 1)]), w), rtol=1e-12, atol=1e-12)
    assert same.shape == (1, 3, 6, 7)


def test_bias_and_no_batch():
    x, w, b = RNG.standard_normal((2, 6, 7)), RNG.standard_normal((3, 2, 3, 2)), RNG.standard_normal(3)
    expected = looped(x[None], w)[0] + b[:, None, None]
    np.testing.assert_allclose(run(nn.conv2d, x, w, b), expected, rtol=1e-12, atol=1e-12)
    v = RNG.standard_normal((2, 3, 2, 2))
    both = run(nn.conv_transpose2d, x, v, b)
    np.testing.assert_allclose(both, run(nn.conv_transpose2d, x[None], v)[0] + b[:, None, None], rtol=1e-12)


def test_known_transpose():
    x, w = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, 10.0]]])
    np.testing.assert_array_equal(run(nn.conv_transpose1d, x, w), [[[1, 12, 23, 30]]])
    np.testing.assert_array_equal(run(nn.conv_transpose1d, x, w, stride=2), [[[1, 10, 2, 20, 3, 30]]])
    np.testing.assert_array_equal(run(nn.conv_transpose1d, x, w, stride=2, padding=1), [[[10, 2, 20, 3]]])
    out = run(nn.conv_transpose1d, x, w, stride=2, padding=1, output_padding=1)
    np.testing.assert_array_equal(out, [[[10, 2, 20, 3, 30]]])


CALLS = {
    "conv1d": (nn.conv1d, (2, 4, 8), (4, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "conv2d": (nn.conv2d, (2, 2, 5, 6), (3, 2, 2, 3), {"dilation": (1, 2), "padding": "same"}),
    "conv2d_1x1": (nn.conv2d, (2, 2, 3, 3), (3, 2, 1, 1), {}),
    "depthwise": (nn.conv2d, (2, 3, 5, 4), (6, 1, 3, 3), {"groups": 3, "padding": 1}),
    "conv3d": (nn.conv3d, (1, 2, 4, 3, 4), (2, 2, 2, 2, 3), {"stride": (1, 1, 2), "padding": 1}),
    "transpose1d": (nn.conv_transpose1d, (2, 4, 4), (4, 3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "transpose2d": (nn.conv_transpose2d, (1, 2, 3, 4), (2, 3, 3, 2), {"stride": (2, 1), "output_padding": (1, 0)}),
    "transpose3d": (nn.conv_transpose3d, (1, 2, 2, 3, 2), (2, 1, 2, 2, 2), {"dilation": 2, "padding": 1}),
}


@pytest.mark.parametrize("name", CALLS)
def test_first_and_second_order_against_differences(name):
    f, x_shape, w_shape, how = CALLS[name]
    out_channels = w_shape[1] * how.get("groups", 1) if "transpose" in name else w_shape[0]
    x, w, b = declare("x", ("n", *x_shape[1:])), declare("w", w_shape), declare("b", (out_channels,))
    y = f(x, w, b, **how)
    loss = ga.sum(ga.tanh(y))
    values = [RNG.standard_normal(s) * 0.3 for s in (x_shape, w_shape, (out_channels,))]
    direction = [RNG.standard_normal(v.shape) for v in values]
    tangents = [declare(f"t{k}", node.shape) for k, node in enumerate((x, w, b))]
    value, first = ga.compile([x, w, b], loss), ga.compile([x, w, b], ga.grad(loss, [x, w, b]))
    exact = sum(np.sum(g * d) for g, d in zip(first(*values), direction, strict=True))
    np.testing.assert_allclose(exact, directional(value, values, direction), rtol=1e-7, atol=1e-8)
    second = ga.compile([x, w, b, *tangents], ga.hvp(loss, [x, w, b], tangents))(*values, *direction)
    for k, got in enumerate(second):
        numeric = directional(lambda *a, k=k: first(*a)[k], values, direction)
        np.testing.assert_allclose(got, numeric, rtol=1e-6, atol=1e-7)


def test_named_batch_and_sizes():
    x, w = declare("x", ("n", 2, "h", "w")), declare("k", (3, 2, 3, 3))
    y = nn.conv2d(x, w, stride=2, padding=1)
    z = nn.conv_transpose2d(y, declare("v", (3, 2, 4, 4)), stride=2, padding=1)
    assert [str(s) for s in y.shape] == ["n", "3", "(h + 1) // 2", "(w + 1) // 2"]
    f = ga.compile([x, w], [y, *ga.grad(ga.sum(y**2), [x, w])])
    for shape in ((1, 2, 6, 7), (4, 2, 9, 4)):
        v, k = RNG.standard_normal(shape), RNG.standard_normal((3, 2, 3, 3))
        out, dx, dw = f(v, k)
        np.testing.assert_allclose(out, looped(v, k, stride=2, padding=1), rtol=1e-12, atol=1e-12)
        assert (dx.shape, dw.shape) == (v.shape, k.shape)
    assert [str(s) for s in nn.conv2d(x, w, padding="same").shape] == ["n", "3", "h", "w"]
    assert z.shape[2] == 2 * y.shape[2]


def test_empty_batch():
    x, w = np.zeros((0, 2, 4, 4)), RNG.standard_normal((3, 2, 3, 3))
    assert run(nn.conv2d, x, w).shape == (0, 3, 2, 2)


@pytest.mark.parametrize("f", [nn.conv2d, nn.conv_transpose2d])
def test_float32_stays(f):
    x, w, b = (declare(n, s, "float32") for n, s in (("x", (1, 2, 4, 4)), ("w", (2, 2, 3, 3)), ("b", (2,))))
    y = f(x, w, b, stride=2, padding=1)
    out = ga.compile([x, w, b], [y, *ga.grad(ga.sum(y), [x, w, b])])(*(np.ones(v.shape, "float32") for v in (x, w, b)))
    assert {a.dtype for a in out} == {np.dtype("float32")}


X, W = ("x", (2, 4, 5, 5)), ("w", (6, 4, 3, 3))


@pytest.mark.parametrize(
    ("f", "x", "w", "how", "message"),
    [
        (nn.conv2d, ("x", (5, 5)), W, {}, "conv2d: x has 2 axes, needs 4"),
        (nn.conv2d, X, ("w", (6, 4, 3)), {}, "w has 3 axes, needs 4"),
        (nn.conv2d, X, ("w", (6, 3, 3, 3)), {}, "x has 4 channels, w takes 3"),
        (nn.conv2d, X, ("w", (5, 2, 3, 3)), {"groups": 2}, "2 groups do not divide the 5 channels of w"),
        (nn.conv2d, X, ("w", (6, 4, 7, 7)), {}, "larger than the padded input"),
        (nn.conv2d, X, W, {"stride": 0}, "stride must be at least 1, not 0"),
        (nn.conv2d, X, W, {"stride": (1, 1, 1)}, "for 2 spatial axes"),
        (nn.conv2d, X, W, {"stride": 1.5}, "stride must be an int, not float"),
        (nn.conv2d, X, W, {"padding": -1}, "padding must be at least 0"),
        (nn.conv2d, X, W, {"padding": "full"}, "'same' or 'valid', not 'full'"),
        (nn.conv2d, X, W, {"padding": "same", "stride": 2}, "'same' needs stride 1"),
        (nn.conv2d, X, W, {"groups": 0}, "groups must be at least 1"),
        (nn.conv2d, X, W, {"bias": np.zeros(4)}, r"needs \[6\]"),
        (nn.conv_transpose2d, X, W, {}, "x has 4 channels, w takes 6"),
        (nn.conv_transpose2d, X, ("w", (4, 2, 3, 3)), {"output_padding": 1}, "output_padding 1 must be less than"),
        (nn.conv_transpose2d, X, ("w", (4, 2, 3, 3)), {"padding": 4}, "padding 4 leaves nothing"),
    ],
)
def test_errors_when_the_graph_is_built(f, x, w, how, message):
    with pytest.raises(ga.GraphadError, match=message):
        f(declare(*x), declare(*w), **how)
