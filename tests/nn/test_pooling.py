"""Pools against explicit loops over their windows, differences, ties, symbolic sizes."""

import itertools

import numpy as np
import pytest
from support import directional

import graphad as ga
from graphad import nn
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(0)
SPATIAL = {1: (7,), 2: (7, 6), 3: (5, 6, 4)}


def run(f, x, *args, **kwargs):
    node = declare("x", ("n", *x.shape[1:]), x.dtype)
    return ga.compile(node, f(node, *args, **kwargs))(x)


def looped(reduce, x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, fill=np.nan):
    """Each window cut out of the image by itself; elements outside of it are ``fill`` and reduced as well."""
    n = x.ndim - 2
    step, reach = kernel if stride is None else stride, dilation * (kernel - 1) + 1
    rest = [s + 2 * padding - reach for s in x.shape[2:]]
    count = [-(-r // step) + 1 if ceil_mode else r // step + 1 for r in rest]
    count = [c - ((c - 1) * step >= s + padding) for c, s in zip(count, x.shape[2:], strict=True)]
    wide = np.pad(x, [(0, 0), (0, 0), *[(padding, padding + 2 * reach)] * n], constant_values=fill)
    out = np.empty((*x.shape[:2], *count))
    for at in np.ndindex(*count):
        window = wide[(..., *[slice(i * step, i * step + reach, dilation) for i in at])]
        out[(..., *at)] = reduce(window, axis=tuple(range(2, 2 + n)))
    return out


WAYS = [
    {"stride": s, "padding": p, "ceil_mode": c} for s, p, c in itertools.product((None, 1, 2), (0, 1), (False, True))
]


@pytest.mark.parametrize("n", SPATIAL)
@pytest.mark.parametrize("how", WAYS, ids=lambda how: "-".join(map(str, how.values())))
def test_windows_against_loops(n, how):
    x = RNG.standard_normal((2, 3, *SPATIAL[n]))
    most, average = getattr(nn, f"max_pool{n}d"), getattr(nn, f"avg_pool{n}d")
    for kernel in (2, 3):
        np.testing.assert_array_equal(run(most, x, kernel, **how), looped(np.nanmax, x, kernel, **how))
        without = run(average, x, kernel, **how, count_include_pad=False)
        np.testing.assert_allclose(without, looped(np.nanmean, x, kernel, **how), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(run(most, x, 2, dilation=2, **how), looped(np.nanmax, x, 2, dilation=2, **how))


@pytest.mark.parametrize(
    "how", [h for h in WAYS if not h["ceil_mode"]], ids=lambda how: "-".join(map(str, how.values()))
)
def test_padding_counts_in_the_mean(how):
    x = RNG.standard_normal((2, 3, 7, 6))
    expected = looped(np.mean, x, 3, **how, fill=0)
    np.testing.assert_allclose(run(nn.avg_pool2d, x, 3, **how), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        run(nn.avg_pool2d, x, 3, **how, divisor_override=2), expected * 4.5, rtol=1e-12, atol=1e-12
    )


def test_what_completes_the_last_window_does_not_count():
    x = np.arange(1.0, 6.0).reshape(1, 1, 5)
    np.testing.assert_allclose(run(nn.avg_pool1d, x, 2, ceil_mode=True), [[[1.5, 3.5, 5]]])
    np.testing.assert_allclose(run(nn.avg_pool1d, x, 3, 3, 1, ceil_mode=True), [[[1, 4]]])
    np.testing.assert_allclose(run(nn.avg_pool1d, x, 3, 3, 1, True, False), [[[1.5, 4]]])


def test_kernel_per_axis_and_no_batch():
    x = RNG.standard_normal((2, 6, 6))
    node = declare("x", x.shape)
    y = ga.compile(node, nn.max_pool2d(node, (2, 3), stride=(2, 1)))(x)
    assert y.shape == (2, 3, 4)
    np.testing.assert_array_equal(y[:, 1, 2], np.max(x[:, 2:4, 2:5], axis=(1, 2)))


PARTS = [(1, 1), (2, 3), (3, 4), (7, 5), (None, 2), (9, 8)]


@pytest.mark.parametrize("size", PARTS, ids=str)
def test_adaptive_pools_against_loops(size):
    x = RNG.standard_normal((2, 3, 7, 6))
    counts = [s if m is None else m for m, s in zip(size, (7, 6), strict=True)]
    parts = [[(i * s // m, -(-(i + 1) * s // m)) for i in range(m)] for m, s in zip(counts, (7, 6), strict=True)]
    for f, reduce in ((nn.adaptive_avg_pool2d, np.mean), (nn.adaptive_max_pool2d, np.max)):
        expected = [[reduce(x[:, :, a:b, c:d], axis=(2, 3)) for c, d in parts[1]] for a, b in parts[0]]
        np.testing.assert_allclose(run(f, x, size), np.moveaxis(expected, (0, 1), (2, 3)), rtol=1e-12)


def test_adaptive_pools_of_other_ranks():
    line, cube = RNG.standard_normal((2, 3, 6)), RNG.standard_normal((2, 3, 4, 2, 6))
    np.testing.assert_allclose(run(nn.adaptive_avg_pool1d, line, 3), line.reshape(2, 3, 3, 2).mean(-1))
    np.testing.assert_allclose(run(nn.adaptive_max_pool1d, line, 3), line.reshape(2, 3, 3, 2).max(-1))
    halves = cube.reshape(2, 3, 2, 2, 2, 1, 2, 3)
    np.testing.assert_allclose(run(nn.adaptive_avg_pool3d, cube, 2), halves.mean((3, 5, 7)))
    np.testing.assert_allclose(run(nn.adaptive_max_pool3d, cube, 2), halves.max((3, 5, 7)))


def test_global_pools():
    x = RNG.standard_normal((2, 3, 4, 5))
    np.testing.assert_allclose(run(nn.global_avg_pool, x), x.mean((2, 3)))
    np.testing.assert_array_equal(run(nn.global_max_pool, x, keepdims=True), x.max((2, 3), keepdims=True))


CALLS = {
    "max1": (lambda x: nn.max_pool1d(x, 3, 2, 1), (2, 2, 7)),
    "max2": (lambda x: nn.max_pool2d(x, 3, 1, 1), (2, 2, 4, 5)),
    "max3": (lambda x: nn.max_pool3d(x, 2), (1, 2, 4, 4, 2)),
    "avg1": (lambda x: nn.avg_pool1d(x, 3, 1, 1), (2, 2, 7)),
    "avg2": (lambda x: nn.avg_pool2d(x, 3, 2, 1, count_include_pad=False), (2, 2, 5, 6)),
    "avg3": (lambda x: nn.avg_pool3d(x, 2), (1, 2, 4, 4, 2)),
    "adaptive_avg": (lambda x: nn.adaptive_avg_pool2d(x, (3, 4)), (1, 2, 5, 6)),
    "adaptive_max": (lambda x: nn.adaptive_max_pool2d(x, (3, 4)), (1, 2, 5, 6)),
    "global_max": (nn.global_max_pool, (2, 2, 3, 3)),
}


@pytest.mark.parametrize("name", CALLS)
def test_first_and_second_order_against_differences(name):
    f, shape = CALLS[name]
    x, t = declare("x", shape), declare("t", shape)
    loss = ga.sum(f(x) ** 3)
    v = RNG.permutation(np.linspace(-1.5, 1.5, int(np.prod(shape)))).reshape(shape)  # no ties
    d = RNG.standard_normal(shape)
    value, first = ga.compile(x, loss), ga.compile(x, ga.grad(loss, x))
    np.testing.assert_allclose(np.sum(first(v) * d), directional(value, [v], [d]), rtol=1e-6, atol=1e-8)
    second = ga.compile([x, t], ga.hvp(loss, x, t))(v, d)
    np.testing.assert_allclose(second, directional(first, [v], [d]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("f", [lambda x: nn.max_pool2d(x, 2), lambda x: nn.adaptive_max_pool2d(x, 1)])
def test_ties_share_equally(f):
    x = declare("x", (1, 1, 2, 2))
    g = ga.compile(x, ga.grad(ga.sum(f(x)), x))(np.array([[[[3.0, 1.0], [3.0, 3.0]]]]))
    np.testing.assert_allclose(g, [[[[1 / 3, 0], [1 / 3, 1 / 3]]]])


def test_ties_share_equally_in_uneven_parts():
    x = declare("x", (1, 1, 5))
    g = ga.compile(x, ga.grad(ga.sum(nn.adaptive_max_pool1d(x, 3)), x))(np.ones((1, 1, 5)))
    np.testing.assert_allclose(g, [[[1 / 2, 1 / 2 + 1 / 3, 1 / 3, 1 / 3 + 1 / 2, 1 / 2]]])


def test_named_sizes():
    x = declare("x", ("n", 3, "h", 6))
    y, z = nn.max_pool2d(x, 2), nn.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    w, uneven = (
        nn.adaptive_avg_pool2d(x, (1, 2)),
        [f(x, (1, 4)) for f in (nn.adaptive_avg_pool2d, nn.adaptive_max_pool2d)],
    )
    assert [str(s) for s in y.shape] == ["n", "3", "h // 2", "3"]
    f = ga.compile(x, [y, z, w, nn.global_max_pool(x), ga.grad(ga.sum(y), x), *uneven])
    for shape in ((2, 3, 5, 6), (1, 3, 4, 6)):
        v = RNG.standard_normal(shape)
        most, average, means, top, dx, *both = f(v)
        np.testing.assert_array_equal(most, looped(np.nanmax, v, 2))
        np.testing.assert_allclose(average, looped(np.nanmean, v, 3, 2, 1), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(means, v.reshape(*v.shape[:3], 2, 3).mean((2, 4))[:, :, None], rtol=1e-12)
        np.testing.assert_array_equal(top, v.max((2, 3)))
        assert dx.shape == v.shape
        for got, reduce in zip(both, (np.mean, np.max), strict=True):
            parts = [reduce(v[..., a:b], axis=(2, 3)) for a, b in ((0, 2), (1, 3), (3, 5), (4, 6))]
            np.testing.assert_allclose(got[:, :, 0], np.stack(parts, -1), rtol=1e-12)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_float32_stays(name):
    x = declare("x", (1, 2, 5, 5), "float32")
    how = {} if "adaptive" in name else {"padding": 1, "ceil_mode": True}
    y = getattr(nn, name)(x, 2, **how)
    a, b = ga.compile(x, [y, ga.grad(ga.sum(y), x)])(np.ones((1, 2, 5, 5), "float32"))
    assert a.dtype == b.dtype == np.float32


def test_integers():
    x = np.arange(-8, 8).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(run(nn.max_pool2d, x, 3, 2, 1), [[[[-3, -1], [5, 7]]]])
    np.testing.assert_array_equal(run(nn.avg_pool2d, x, 2), [[[[-5.5, -3.5], [2.5, 4.5]]]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: nn.max_pool2d(x, 2, padding=2), "padding 2 is more than half of the kernel 2"),
        (lambda x: nn.max_pool2d(x, 9), "larger than the padded input"),
        (lambda x: nn.max_pool2d(x, 2, stride=0), "stride must be at least 1, not 0"),
        (lambda x: nn.max_pool2d(x, (2, 2, 2)), "for 2 spatial axes"),
        (lambda x: nn.max_pool3d(x[0], 2), "has 3 axes, needs 5"),
        (lambda x: nn.avg_pool2d(x, 2, divisor_override=0), "must not be 0"),
        (lambda x: nn.adaptive_avg_pool2d(x, 0), "output_size must be at least 1"),
        (lambda x: nn.adaptive_avg_pool2d(x, (1, 2, 3)), "for 2 spatial axes"),
        (lambda x: nn.max_pool2d(declare("y", (1, 1, "h", 4)), 2, ceil_mode=True), "ceil_mode needs known sizes"),
        (lambda x: nn.adaptive_max_pool2d(declare("y", (1, 1, "h", 4)), 3), "not known whether 3 divides the size h"),
        (lambda x: nn.global_avg_pool(x[0, 0]), "needs .batch, channels"),
    ],
)
def test_errors_when_the_graph_is_built(call, message):
    with pytest.raises(ga.GraphadError, match=message):
        call(declare("x", (2, 3, 5, 5)))
