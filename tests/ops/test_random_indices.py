"""Random indices and contractions against NumPy: values, shapes, and gradients."""

import random

import numpy as np
import pytest

import graphad as ga

SLICES = [slice(None), slice(1, None), slice(None, None, -1), slice(0, 2), slice(-2, -1), slice(None, None, 2)]


def random_index(rng, shape):
    """Ints, slices, new axes, an ellipsis, integer arrays, in any mixture that NumPy takes."""
    items, axis, dots = [], 0, False
    while axis < len(shape) and rng.random() < 0.9:
        kind = rng.random()
        bound = min(shape) if dots else shape[axis]
        if kind < 0.15:
            items.append(None)
            continue
        if kind < 0.25 and not dots:
            items.append(Ellipsis)
            dots = True
            axis += rng.randint(0, 1)
            continue
        axis += 1
        if kind < 0.45:
            items.append(rng.randrange(-bound, bound))
        elif kind < 0.7:
            items.append(rng.choice(SLICES))
        else:
            form = rng.choice([(), (2,), (1,), (3, 2), (2, 1)])
            items.append(np.random.default_rng(rng.randrange(1000)).integers(-bound, bound, form))
    return tuple(items)


@pytest.mark.parametrize("seed", range(300))
def test_random_index_is_numpys(seed):
    rng = random.Random(seed)
    shape = tuple(rng.randint(1, 4) for _ in range(rng.randint(1, 4)))
    value, key = np.arange(float(np.prod(shape))).reshape(shape), random_index(rng, shape)
    x = ga.input("x", shape)
    try:
        want = value[key]
    except IndexError:
        with pytest.raises(ga.GraphadError):
            x[key]
        return
    y = x[key]
    assert y.shape == want.shape
    got, gradient = ga.compile([x], [y, ga.grad(ga.sum(y * y), x)])(value)
    np.testing.assert_array_equal(got, want)
    expected = np.zeros_like(value)
    np.add.at(expected, key, 2 * want)
    np.testing.assert_allclose(gradient, expected)


@pytest.mark.parametrize("seed", range(150))
def test_random_einsum_is_numpys(seed):
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    size = {c: rng.randint(1, 3) for c in "abcd"}
    inputs = ["".join(rng.choices("abcd", k=rng.randint(0, 3))) for _ in range(rng.randint(1, 3))]
    labels = sorted(set("".join(inputs)))
    text = ",".join(inputs)
    if rng.random() < 0.8:
        text += "->" + "".join(rng.sample(labels, rng.randint(0, len(labels))))
    values = [np.asarray(numbers.standard_normal([size[c] for c in s])) for s in inputs]
    xs = [ga.input(f"x{k}", v.shape) for k, v in enumerate(values)]
    y = ga.einsum(text, *xs)
    got, *gradients = ga.compile(xs, [y, *ga.grad(ga.sum(y * y), xs)])(*values)
    want = np.einsum(text, *values)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    directions = [np.asarray(numbers.standard_normal(v.shape)) for v in values]

    def loss(h):
        return np.sum(np.einsum(text, *[v + h * d for v, d in zip(values, directions, strict=True)]) ** 2)

    numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5
    exact = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
    assert exact == pytest.approx(numeric, rel=1e-6, abs=1e-6)
