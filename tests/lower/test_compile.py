"""Compiled functions: calls, structures, fresh results, updates, draws, sizes, tracebacks."""

import linecache
import threading
import traceback

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, DTypeError, GraphError, ShapeError


def test_structure_of_outputs_is_kept():
    x = ga.input("x", (2,))
    f = ga.compile([x], {"a": x + 1, "b": [x * 2, (x, ga.sum(x))], "c": ()})
    out = f([1.0, 2.0])
    assert list(out) == ["a", "b", "c"]
    assert isinstance(out["b"], tuple)
    assert out["c"] == ()
    np.testing.assert_array_equal(out["b"][1][0], [1, 2])
    assert isinstance(ga.compile([x], x)([1.0, 2.0]), np.ndarray)
    assert ga.compile([x], [x])([1.0, 2.0])[0].shape == (2,)


def test_calls_by_name_and_position():
    x, y = ga.input("x"), ga.input("y")
    f = ga.compile([x, y], x - y)
    assert f(3.0, 1.0) == f(y=1.0, x=3.0) == f(3.0, y=1.0) == 2.0


def test_conversion_of_arguments():
    x, s, k = ga.input("x", (2,)), ga.input("s", (2,), "float32"), ga.input("k", (2,), "int64")
    f = ga.compile([x, s, k], x * s * k)
    np.testing.assert_array_equal(f([1, 2], [0.5, 0.5], [2, 2]), [1, 2])
    np.testing.assert_array_equal(f(np.array([1, 2], np.int32), np.ones(2, np.float32), np.ones(2, np.int8)), [1, 2])
    with pytest.raises(DTypeError, match="s"):
        f(np.ones(2), np.ones(2), np.ones(2, int))
    with pytest.raises(DTypeError, match="k"):
        f(np.ones(2), np.ones(2, np.float32), np.ones(2))
    big_endian = np.array([1.0, 2.0], ">f8")
    np.testing.assert_array_equal(f(big_endian, np.ones(2, np.float32), [1, 1]), [1, 2])


@pytest.mark.parametrize("optimize", ["none", "full"])
def test_results_are_fresh_and_writable(optimize):
    x, y = ga.input("x", (3, 3)), ga.input("y")
    c = ga.constant(np.arange(4.0))
    t = ga.tanh(x)
    makes = [
        x, x.T, x[1:], x.reshape(-1), ga.broadcast_to(x, (2, 3, 3)), ga.stop_gradient(x), ga.squeeze(x[None], 0),
        c, c[::2], t, t, t.T, ga.zeros((2,)), ga.ones((2, 2)), y, ga.broadcast_to(y, (4,)), ga.einsum("ij->ji", x),
        ga.einsum("ii->i", x), ga.constant(2.0), ga.sum_n(x), ga.moveaxis(x, 0, 1), ga.flip(x), t + 0, x * 1,
    ]  # fmt: skip
    f = ga.compile([x, y], makes, optimize=optimize)
    values = np.arange(9.0).reshape(3, 3), np.array(5.0)
    first = [r.copy() for r in f(*values)]
    for k, result in enumerate(f(*values)):
        assert isinstance(result, np.ndarray)
        assert result.flags.writeable
        result[...] = -77.0
        np.testing.assert_array_equal(values[0], np.arange(9.0).reshape(3, 3), err_msg=str(k))
        assert values[1] == 5.0
    results = f(*values)
    for a, b in zip(results, first, strict=True):
        np.testing.assert_array_equal(a, b)
    for k, a in enumerate(results):
        assert not any(np.shares_memory(a, b) for b in results[:k]), k


def test_updates_are_in_place_and_simultaneous():
    a, b, c = ga.parameter("a", (2,)), ga.parameter("b", (2,)), ga.parameter("c", (2,))
    f = ga.compile([a, b, c], [a, a + b, b[::-1]], updates={a: b, b: a, c: a * b + c})
    values = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([10.0, 20.0])]
    old_a, total, turned = f(*values)
    np.testing.assert_array_equal(values, [[3, 4], [1, 2], [13, 28]])
    np.testing.assert_array_equal(old_a, [1, 2])
    np.testing.assert_array_equal(total, [4, 6])
    np.testing.assert_array_equal(turned, [4, 3])
    assert not np.shares_memory(old_a, values[0])


def test_updates_through_views_of_targets():
    A, B = ga.parameter("A", (2, 2)), ga.parameter("B", (2, 2))
    f = ga.compile([A, B], ga.sum(A), updates={A: A.T, B: A.T @ B})
    values = [np.arange(4.0).reshape(2, 2), np.ones((2, 2))]
    want = values[0].T.copy(), values[0].T @ values[1]
    f(*values)
    np.testing.assert_array_equal(values[0], want[0])
    np.testing.assert_array_equal(values[1], want[1])


def test_update_with_a_number_and_a_named_value():
    count, x = ga.parameter("count"), ga.parameter("x", (2,))
    new_x = x * 2
    f = ga.compile([count, x], new_x, updates={count: ga.constant(7.0), x: new_x})
    n, v = np.array(1.0), np.ones(2)
    out = f(n, v)
    assert n == 7.0
    np.testing.assert_array_equal(v, [2, 2])
    assert not np.shares_memory(out, v)


@pytest.mark.parametrize("bad", [[1.0, 2.0], np.ones(2, np.float32), np.ones(2, ">f8")])
def test_targets_must_be_writable_arrays_of_the_dtype(bad):
    w = ga.parameter("w", (2,))
    f = ga.compile([w], [], updates={w: w * 2})
    with pytest.raises(DTypeError, match="updated in place"):
        f(bad)
    frozen = np.ones(2)
    frozen.flags.writeable = False
    with pytest.raises(DTypeError, match="writable"):
        f(frozen)


def test_a_failing_call_updates_nothing():
    w, x = ga.parameter("w", (2,)), ga.input("x", (2,))
    f = ga.compile([w, x], [], updates={w: w + x})
    value = np.ones(2)
    with pytest.raises(ShapeError):
        f(value, np.ones(3))
    np.testing.assert_array_equal(value, [1, 1])


def test_draws():
    a, b = ga.random.standard_normal((3,)), ga.random.uniform(0.0, 2.0, ("n",))
    x = ga.input("x", ("n",))
    y = ga.sum(b * x) + ga.sum(a)
    want = None
    for optimize in ("none", "basic", "full"):
        f = ga.compile([x], [a, b, y, ga.grad(y, x)], optimize=optimize)
        with pytest.raises(ArgumentError, match="needs rng="):
            f(np.ones(4))
        got = f(np.ones(4), rng=np.random.default_rng(3))
        np.testing.assert_array_equal(got[1], got[3])  # forward and backward share the draw
        want = got if want is None else want
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(want[0], rng.standard_normal(3))
    np.testing.assert_array_equal(want[1], 2 * rng.random(4))
    mask = ga.compile([], ga.random.bernoulli(0.25, (10_000,)))(rng=np.random.default_rng(0))
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert abs(mask.mean() - 0.25) < 0.02


def test_named_sizes_are_learned_and_checked():
    x, y = ga.input("x", ("n", "m")), ga.input("y", (ga.Dim("n") * 2 + 1,))
    f = ga.compile([x, y], [ga.mean(x), ga.sum(y) / x.shape[0], ga.reshape(x, -1)])
    mean, scaled, flat = f(np.ones((3, 2)), np.ones(7))
    assert (float(mean), float(scaled), flat.shape) == (1.0, 7 / 3, (6,))
    with pytest.raises(ShapeError, match=r"y has shape \[8\]"):
        f(np.ones((3, 2)), np.ones(8))
    alone = ga.compile([y], ga.sum(y) * y.shape[0])
    assert float(alone(np.ones(7))) == 49.0
    with pytest.raises(ShapeError):
        alone(np.ones(8))


def test_slices_of_named_sizes_are_checked_at_the_call():
    x = ga.input("x", ("n",))
    f = ga.compile([x], [x[2:], x[:-1], x[::2], x[-3:]])
    got = f(np.arange(5.0))
    for a, b in zip(got, [np.arange(2.0, 5), np.arange(4.0), np.arange(0.0, 5, 2), np.arange(2.0, 5)], strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ShapeError, match="slice"):
        f(np.ones(1))


def test_zero_sizes():
    x = ga.input("x", ("n", 2))
    f = ga.compile([x], [ga.sum(x, axis=0), ga.grad(ga.sum(x * x), x), ga.concatenate([x, x])])
    total, gradient, joined = f(np.ones((0, 2)))
    np.testing.assert_array_equal(total, [0, 0])
    assert gradient.shape == (0, 2)
    assert joined.shape == (0, 2)


def test_traceback_shows_generated_and_user_line():
    x = ga.input("x", (3,), "int64")
    y = x ** ga.input("k", (3,), "int64")
    f = ga.compile(list(ga.Graph([x, y.inputs[1]], [y]).inputs), y)
    with pytest.raises(ValueError, match="negative integer powers") as caught:
        f([1, 2, 3], [-1, -1, -1])
    text = "".join(traceback.format_exception(caught.value))
    assert "y = x ** k" in text
    assert "test_compile.py:" in caught.value.__notes__[0]
    assert linecache.getlines(f._file) == f.source.splitlines(keepends=True)


def test_functions_may_be_called_from_several_threads():
    x = ga.input("x", ("n",))
    f = ga.compile([x], ga.grad(ga.sum(ga.tanh(x) ** 2), x))
    results: list = [None] * 8

    def work(k):
        for _ in range(50):
            results[k] = f(np.full(100, float(k)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k, r in enumerate(results):
        np.testing.assert_array_equal(r, f(np.full(100, float(k))))


def test_a_graph_may_be_cut_at_a_computed_node():
    x = ga.input("x", (3,))
    h = ga.exp(x)
    f = ga.compile([h], ga.sum(h * h))
    assert float(f(np.array([1.0, 2.0, 3.0]))) == 14.0
    assert float(f(h=np.ones(3))) == 3.0


def test_an_input_that_is_called_as_the_function_is_an_error():
    step = ga.input("step")
    with pytest.raises(GraphError, match="the function and its input are both called 'step'") as caught:
        ga.compile([step], step + 1, name="step")
    assert 'name="step_function"' in caught.value.hint


def test_standard_uniform_draws_are_used_as_they_are():
    x = ga.random.uniform(shape=(3,))
    assert "x = rng.random((3,), np.float64)  #" in ga.compile([], x, optimize="none").source
    assert ga.random.uniform(0, 2.0, (3,)).op.name == ga.random.uniform(ga.constant(0.0), 1.0, (3,)).op.name == "add"


def test_repr_and_report():
    x = ga.input("x", ("n",))
    f = ga.compile([x], ga.tanh(x), name="squash")
    assert repr(f) == "<graphad function squash(x: f64[n])>"
    assert "cse" in str(f.report())


def test_program_prints_one_line_per_statement():
    x, w = ga.input("x", (3,)), ga.parameter("w", (3,))
    h = ga.tanh(x * w)
    f = ga.compile([x, w], [h, w], updates={w: w - ga.grad(ga.sum(h), w)})
    lines = repr(f.program).splitlines()
    assert lines[0] == "h = tanh(multiply(x, w))"
    assert "# backward" in lines
    assert lines[-2].startswith("w[...] = subtract(w, ")
    assert lines[-1] == "return (h, out1)"
    assert "out1 = copy(w)" in lines
