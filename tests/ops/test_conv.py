"""The NumPy forms of convolution and pooling against their definitions, one element after another, for any settings."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graphad.ops import conv_helpers, pool_helpers

DTYPES = ("float64", "float32", "complex128", "int64", "int8")


def spots(at, kernel, stride, dilation):
    """The slices of the window at a position."""
    return tuple(
        slice(p * s, p * s + d * (k - 1) + 1, d) for p, k, s, d in zip(at, kernel, stride, dilation, strict=True)
    )


def naive(x, w, stride, dilation, groups):
    """The output, and the two adjoints as functions of its cotangent, from the definition."""
    kernel, per_group, outputs = w.shape[2:], w.shape[1], len(w) // groups
    count = [(s - d * (k - 1) - 1) // t + 1 for s, k, t, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)]
    y = np.zeros((len(x), len(w), *count), x.dtype)

    def pairs():
        for b, o, *at in np.ndindex(*y.shape):
            first = o // outputs * per_group
            yield (b, o, *at), (b, slice(first, first + per_group), *spots(at, kernel, stride, dilation)), o

    for place, window, o in pairs():
        y[place] = np.sum(x[window] * w[o], dtype=x.dtype)

    def adjoints(g):
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for place, window, o in pairs():
            dx[window] += g[place] * w[o]
            dw[o] += g[place] * x[window]
        return dx, dw

    return y, adjoints


def values(rng, shape, dtype):
    v = rng.standard_normal(shape) * 3
    return (v + 1j * rng.standard_normal(shape) if dtype == "complex128" else v).astype(dtype)


def close(got, expected):
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    tolerance = 1e-3 if got.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def agrees(x, w, stride, dilation, groups, rng):
    how = {"stride": stride, "dilation": dilation, "groups": groups}
    y, adjoints = naive(x, w, stride, dilation, groups)
    close(conv_helpers.conv(x, w, **how), y)
    g = values(rng, y.shape, str(x.dtype))
    dx, dw = adjoints(g)
    close(conv_helpers.conv_input_adjoint(g, w, x.shape[2:], **how), dx)
    close(conv_helpers.conv_filter_adjoint(x, g, w.shape[2:], **how), dw)


@st.composite
def convolutions(draw):
    n = draw(st.integers(1, 3))
    kernel, stride, dilation = (draw(st.tuples(*[st.integers(1, m)] * n)) for m in (3, 3, 2))
    size = [d * (k - 1) + 1 + draw(st.integers(0, 5 - n)) for k, d in zip(kernel, dilation, strict=True)]
    groups, inputs, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    batch = draw(st.integers(0, 3))
    return (batch, groups * inputs, *size), (groups * outputs, inputs, *kernel), stride, dilation, groups


@given(convolutions(), st.sampled_from(DTYPES), st.integers(0, 99), st.booleans())
@settings(max_examples=150, deadline=None)
def test_convolutions_are_as_defined(case, dtype, seed, transposed):
    x_shape, w_shape, *how = case
    rng = np.random.default_rng(seed)
    x = values(rng, x_shape[::-1], dtype).T if transposed else values(rng, x_shape, dtype)
    agrees(x, values(rng, w_shape, dtype), *how, rng)


@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
@pytest.mark.parametrize(("inputs", "outputs", "groups"), [(2, 4, 1), (4, 2, 1), (2, 2, 2), (2, 4, 2)])
def test_tiles_of_large_images(monkeypatch, stride, inputs, outputs, groups):
    """Tiles of three rows and of two images, as large images and batches have."""
    chosen = []

    def few(batch, rows, row_bytes, least=1):
        chosen.append((slice(0, 2), 0))
        return [(slice(b, b + 2), r, min(r + 3, rows)) for b in range(0, batch, 2) for r in range(0, rows, 3)]

    monkeypatch.setattr(conv_helpers, "tiles", few)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, inputs, 9, 5)), rng.standard_normal((outputs, inputs // groups, 3, 2))
    agrees(x, w, stride, (2, 1), groups, rng)
    assert len(chosen) == 3


@pytest.mark.parametrize(
    ("batch", "rows", "row"), [(5, 7, 10), (5, 7, 1 << 20), (3, 100, 1 << 22), (0, 3, 8), (2, 9, 0)]
)
def test_tiles_cover_each_row_of_each_image_once(batch, rows, row):
    seen = np.zeros((batch, rows), int)
    for images, low, high in conv_helpers.tiles(batch, rows, row):
        seen[images, low:high] += 1
        assert len(seen[images]) * (high - low) * row <= 1 << 22 or high - low == 1
    assert np.all(seen == 1)


def test_small_images_lie_side_by_side():
    rng = np.random.default_rng(0)
    for size, inputs, outputs in ((9, 2, 3), (9, 3, 2), (10, 2, 3), (10, 3, 2)):  # 7² = 49 positions, 8² = 64
        x, w = rng.standard_normal((3, inputs, size, size)), rng.standard_normal((outputs, inputs, 3, 3))
        agrees(x, w, (1, 1), (1, 1), 1, rng)


def test_a_kernel_larger_than_the_input_raises():
    with pytest.raises(ValueError, match="larger than"):
        conv_helpers.conv(np.ones((1, 1, 2)), np.ones((1, 1, 3)))
    with pytest.raises(ValueError, match="larger than"):
        pool_helpers.window_max(np.ones((1, 2)), (3,))


@st.composite
def pools(draw):
    n = draw(st.integers(1, 3))
    size, stride, dilation = (draw(st.tuples(*[st.integers(1, m)] * n)) for m in (3, 3, 2))
    shape = [d * (k - 1) + 1 + draw(st.integers(0, 3)) for k, d in zip(size, dilation, strict=True)]
    lead = draw(st.lists(st.integers(0, 3), max_size=2))
    return (*lead, *shape), size, stride, dilation


@given(pools(), st.sampled_from(DTYPES[:2] + DTYPES[3:]), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_pools_are_as_defined(case, dtype, seed):
    shape, *how = case
    size, stride, dilation = how
    rng, n = np.random.default_rng(seed), len(size)
    x = rng.integers(-2, 3, shape).astype(dtype)  # with many ties
    top = pool_helpers.window_max(x, *how)
    v, g = rng.standard_normal(shape).astype(dtype), rng.standard_normal(top.shape).astype(dtype)
    inexact = dtype if dtype.startswith("float") else "float64"
    total, spread = np.zeros_like(top), np.zeros_like(x)
    share, mean = np.zeros(shape, inexact), np.zeros(top.shape, inexact)
    for at in np.ndindex(*top.shape):
        window = (*at[: len(at) - n], *spots(at[len(at) - n :], size, stride, dilation))
        hit = x[window] == np.max(x[window])
        assert top[at] == np.max(x[window])
        total[at] = np.sum(x[window], dtype=dtype)
        spread[window] += g[at]
        share[window] += hit * g[at] / np.sum(hit)
        mean[at] = np.sum(v[window] * hit) / np.sum(hit)
    close(pool_helpers.window_sum(x, *how), total)
    close(pool_helpers.window_spread(g, shape[len(shape) - n :], *how), spread)
    close(pool_helpers.max_share(g, x, *how), share)
    close(pool_helpers.max_mean(v, x, *how), mean)


def test_results_are_fresh_arrays():
    x = np.ones((2, 3))
    for f in (pool_helpers.window_max, pool_helpers.window_sum):
        assert not np.shares_memory(f(x, (1,)), x)
        assert not np.shares_memory(f(x, (1, 1), 2), x)
    assert not np.shares_memory(pool_helpers.window_spread(x, (3,), (1,)), x)


def test_nan_is_the_largest():
    x = np.array([1.0, np.nan, 2.0, 3.0])
    np.testing.assert_array_equal(pool_helpers.window_max(x, (2,), 2), [np.nan, 3])
    np.testing.assert_array_equal(pool_helpers.max_share(np.ones(2), x, (2,), 2), [np.nan, np.nan, 0, 1])


@given(convolutions())
@settings(max_examples=20, deadline=None)
def test_a_wrong_offset_would_be_seen(case):
    """What the tests above compare with is sensitive: a filter turned around gives something else."""
    x_shape, w_shape, *how = case
    assume(x_shape[0] and max(w_shape[2:]) > 1)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    turned = np.flip(w, tuple(range(2, w.ndim)))
    y, _ = naive(x, w, *how)
    stride, dilation, groups = how
    assert not np.allclose(conv_helpers.conv(x, turned, stride, dilation, groups), y)
