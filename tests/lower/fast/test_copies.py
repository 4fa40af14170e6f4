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


def test_parts_are_put_into_the_workspace():
    x, rows = ga.input("x", ("n", 50)), ga.input("rows", (3,), "int64")
    y = x.at[rows, 1:].set(ga.sum(x) * 0.5)
    f = ga.compile([x, rows], [ga.sum(ga.sin(y) @ ga.swapaxes(y, 0, 1))])
    assert "[rows, 1:] = " in f.source and "put(" not in f.source
    value = np.random.default_rng(0).standard_normal((70, 50))
    for at in ([0, 5, 5], [-1, 2, 69]):
        np.testing.assert_allclose(f(value, at), ga.interpret(f.declared, [value, np.array(at)])[0], rtol=1e-12)
    with pytest.raises(IndexError):
        f(value, [0, 70, 1])


def test_updates_that_may_fail_leave_the_others_in_place():
    w, state, x = ga.parameter("w", (90, 90)), ga.input("state", (90, 90)), ga.input("x", ("n", 90))
    rows = ga.input("rows", (3,), "int64")
    updates = {w: w - 0.1 * (ga.swapaxes(x, 0, 1) @ x), state: ga.nn.softmax(state.at[rows].set(1.5))}
    f = ga.compile([x, rows, w, state], [ga.sum(x * x)], updates=updates)
    assert ", w)  # f64[90, 90]" in f.source  # written over
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((40, 90)), np.array([1, 2, 2]), rng.standard_normal((90, 90)), np.ones((90, 90))]
    arrays = [v.copy() for v in values]
    f(*arrays)
    np.testing.assert_allclose(arrays[2], values[2] - 0.1 * values[0].T @ values[0], atol=1e-12)
    kept = [v.copy() for v in arrays]
    with pytest.raises(IndexError):
        f(arrays[0], np.array([0, 1, 90]), *arrays[2:])
    for found, expected in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(found, expected)


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
