"""Reshapes that NumPy can only do by a copy: the copy is a step of its own, which writes to an array that is there."""

import numpy as np
import pytest

import graphad as ga
from graphad.lower.parts import mixes_axes


@pytest.mark.parametrize(
    ("shape", "axes", "new"),
    [
        ((4, 2, 3, 5), (0, 2, 1, 3), (4, 3, 10)),
        ((4, 2, 3, 5), (0, 2, 1, 3), (12, 2, 5)),
        ((4, 2, 3, 5), (0, 2, 1, 3), (4, 3, 2, 5)),
        ((4, 2, 3, 5), (0, 2, 1, 3), (4, 3, 1, 2, 5)),
        ((4, 2, 3, 6), (0, 2, 1, 3), (4, 3, 2, 2, 3)),
        ((4, 2, 3, 6), (0, 2, 1, 3), (4, 3, 4, 3)),
        ((3, 4), (1, 0), (12,)),
        ((3, 4), (1, 0), (2, 2, 3)),
        ((3, 1), (1, 0), (3,)),
        ((3, 1, 4), (1, 0, 2), (12,)),
        ((3, 1, 4), (0, 2, 1), (12,)),
        ((3, 1, 4), (2, 1, 0), (12,)),
        ((2, 3, 4), (1, 2, 0), (12, 2)),
        ((2, 3, 4), (1, 2, 0), (3, 8)),
        ((2, 3, 4), (0, 1, 2), (6, 4)),
        ((2, 2, 2), (2, 1, 0), (4, 2)),
        ((), (), (1,)),
    ],
    ids=str,
)
def test_copies_are_foretold(shape, axes, new):
    y = ga.reshape(ga.transpose(ga.input("x", shape), axes), new)
    value = np.zeros(shape)
    assert mixes_axes(y) == (not np.shares_memory(value, value.transpose(axes).reshape(new)))


def test_named_sizes_are_told_apart():
    x = ga.input("x", ("batch", 2, "T", 16))
    batch, _, length, _ = x.shape
    swapped = ga.swapaxes(x, 1, 2)
    assert mixes_axes(ga.reshape(swapped, (batch, length, 32)))
    assert mixes_axes(ga.reshape(swapped, (batch * length, 32)))
    assert not mixes_axes(ga.reshape(swapped, (batch, length, 2, 4, 4)))
    assert not mixes_axes(ga.reshape(x, (batch, 2, length * 16)))


def heads():
    x, w = ga.input("x", ("batch", 2, "T", 16)), ga.parameter("w", (32, 32))
    batch, _, length, _ = x.shape
    joined = ga.reshape(ga.swapaxes(x, 1, 2), (batch * length, 32))
    loss = ga.sum(ga.tanh(joined @ w))
    return [x, w], [loss, *ga.grad(loss, [x, w])]


def test_copy_goes_to_the_workspace():
    inputs, outputs = heads()
    f = ga.compile(inputs, outputs)
    assert f.source.count("np.copyto(") == 1 and ".copy()" not in f.source
    rng = np.random.default_rng(0)
    for batch, length in ((5, 7), (1, 3), (0, 3), (40, 12)):
        values = [rng.standard_normal((batch, 2, length, 16)), rng.standard_normal((32, 32))]
        for _ in range(2):
            for found, expected in zip(f(*values), ga.interpret(f.declared, values), strict=True):
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_small_arrays_and_other_passes_stay_as_they_are():
    x = ga.input("x", (4, 2, 3, 5))
    y = ga.reshape(ga.swapaxes(x, 1, 2), (4, 3, 10))
    assert ".copy" not in ga.compile([x], [ga.exp(y) + y]).source
    inputs, outputs = heads()
    assert ".copy" not in ga.compile(inputs, outputs, passes=("schedule", "fuse")).source


def test_a_result_is_an_array_of_its_own():
    x = ga.input("x", ("n", 3, 50))
    y = ga.reshape(ga.swapaxes(x * 2, 1, 2), (x.shape[0], 150))
    f = ga.compile([x], [y, ga.sum(ga.exp(y))])
    value = np.random.default_rng(0).standard_normal((30, 3, 50))
    first, kept = f(value)[0], f(value)[0]
    kept[...] = 0
    np.testing.assert_array_equal(first, (value * 2).swapaxes(1, 2).reshape(30, 150))


def test_copies_join_loops():
    x = ga.input("x", ("n", 3, 50))
    y = ga.reshape(ga.swapaxes(ga.exp(x), 1, 2), (x.shape[0], 150))
    f = ga.compile([x], [ga.sum(ga.tanh(y) * y)])
    assert f.source.count("for lo in range(start") == 1 and "np.copyto(" in f.source
    value = np.random.default_rng(0).standard_normal((300, 3, 50))
    np.testing.assert_allclose(f(value), ga.interpret(f.declared, [value])[0], rtol=1e-12)
