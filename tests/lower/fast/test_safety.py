"""Whatever happens around a call: inputs are not written, results are fresh, no call sees the arrays of another."""

import sys
import threading

import numpy as np
import pytest
from passes.test_passes import random_graph
from tiles import ALL, FEWER, arrays, called, close, expected_of, flat, loops, same_bits, tiny

import graphad as ga

x, y, w = ga.input("x", ("n", 6)), ga.input("y", ("n", 6)), ga.parameter("w", (6,))


def model():
    h = ga.tanh(x * w) * y
    loss = ga.sum(h * ga.softmax(x + y, axis=1)) + ga.mean((h - ga.mean(h, axis=0)) ** 2)
    return [loss, h, h.T * 2, *ga.grad(loss, [x, y, w])]


@pytest.fixture(autouse=True)
def _tiny():
    with tiny(200):
        yield


@pytest.fixture(params=[1, 3], ids=lambda t: f"threads{t}")
def f(request):
    made = ga.compile([x, y, w], model(), threads=request.param)
    assert loops(made)
    return made


def strange(kind, values):
    """The same numbers in an array of another layout."""
    values = np.array(values)
    if kind == "read-only":
        values.flags.writeable = False
    elif kind == "column-major":
        values = np.asfortranarray(values)
    elif kind == "every second":
        values = np.repeat(values, 2, axis=0)[::2]
    elif kind == "backwards":
        values = np.ascontiguousarray(values[::-1, ::-1])[::-1, ::-1]
    elif kind == "broadcast":
        values = np.broadcast_to(values[:1], values.shape)
    elif kind == "unaligned":
        memory = np.empty(values.nbytes + 1, np.uint8)[1:]
        memory[:] = values.ravel().view(np.uint8)
        values = memory.view(np.float64).reshape(values.shape)
    return values


KINDS = ["read-only", "column-major", "every second", "backwards", "broadcast", "unaligned"]


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_of_any_layout_are_read_and_not_written(f, kind):
    a, b, c = arrays([x, y, w], {"n": 11})
    given = [strange(kind, a), strange(kind, b), c]
    kept = [v.copy() for v in given]
    first = flat(f(*given))
    close(first, expected_of(f.graph, kept))
    same_bits(given, kept)
    for found in first:
        assert not any(np.shares_memory(found, v) for v in given)


def test_an_input_may_be_given_twice(f):
    a, _, c = arrays([x, y, w], {"n": 11})
    kept = a.copy()
    close(flat(f(a, a, c)), expected_of(f.graph, [kept, kept, c]))
    close(flat(f(a, a[::-1], a[0])), expected_of(f.graph, [kept, kept[::-1], kept[0]]))
    same_bits([a], [kept])


def test_results_of_one_call_do_not_change_in_the_next(f):
    calls = [arrays([x, y, w], {"n": n}, n) for n in (11, 11, 5, 0, 11, 1)]
    results, copies = [], []
    for values in calls:
        results.append(called(f, values))
        copies.append([r.copy() for r in results[-1]])
    for k, found in enumerate(results):
        same_bits(found, copies[k])
        others = [r for j, more in enumerate(results) if j != k for r in more]
        assert not any(np.shares_memory(a, b) for a in found for b in others)


@pytest.mark.parametrize("passes", [ALL, *FEWER, ()], ids="-".join)
@pytest.mark.parametrize("seed", range(6))
def test_updates_as_in_the_readable_style(seed, passes):
    graph = random_graph(seed, 15)
    (a, c), n = graph.inputs, ga.parameter("b", ("n", 3))
    _, d_a, d_c = graph.outputs
    updates = [
        {a: d_a, c: c - 0.1 * d_c},
        {a: n, n: a},
        {a: n * 2 - d_a, n: a + n, c: ga.sum(n, axis=0)},
        {a: ga.tanh(a) * 2, n: ga.tanh(n) * a},
        {n: ga.flip(a, axis=0), a: n},
        {a: a * 2, n: a * 2, c: ga.sum(a * 2, axis=0)},
    ][seed]
    outputs = [graph.outputs[0], a, d_a, ga.sum(n), a * 2]
    found = {}
    for style in ("fast", "readable"):
        f = ga.compile([a, c, n], outputs, updates=updates, style=style, passes=passes, threads=2)
        values = arrays([a, c, n], {"n": 9}, seed)
        found[style] = []
        for _ in range(3):
            results = f(*values)
            assert not any(np.shares_memory(r, v) for r in results for v in values)
            found[style] += [*[r.copy() for r in results], *[v.copy() for v in values]]
    close(found["fast"], found["readable"])


def test_many_threads_may_call_at_once(f):
    """Different data and shapes; every call must see its own workspace only."""
    jobs = [arrays([x, y, w], {"n": n}, k) for k, n in enumerate((40, 7, 40, 1, 23, 7))]
    want = [[r.copy() for r in called(f, values)] for values in jobs]
    wrong, start, interval = [], threading.Barrier(len(jobs)), sys.getswitchinterval()

    def work(k):
        start.wait()
        for _ in range(25):
            try:
                same_bits(flat(f(*jobs[k])), want[k])
            except BaseException as problem:
                wrong.append((k, problem))
                return

    workers = [threading.Thread(target=work, args=(k,)) for k in range(len(jobs))]
    sys.setswitchinterval(1e-6)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def quotient(threads):
    h = ga.tanh(x) * 2
    g = ga.log(h / y) * h
    made = ga.compile([x, y], [g, ga.sum(g), ga.sum(h * g, axis=0)], threads=threads)
    assert loops(made)
    return made


@pytest.mark.parametrize("threads", [1, 3])
def test_a_function_may_be_called_while_it_runs(threads):
    """NumPy's handler of errors runs in the middle of a loop: there the function is called again."""
    g = quotient(threads)
    outer, inner = [abs(v) + 1 for v in arrays([x, y], {"n": 9})], [abs(v) + 2 for v in arrays([x, y], {"n": 9}, 1)]
    want_inner = [r.copy() for r in g(*inner)]
    outer[1][4, 2] = 0
    with np.errstate(divide="ignore"):
        want = [r.copy() for r in g(*outer)]
    seen = []
    with np.errstate(divide="call", call=lambda kind, flag: seen.append([r.copy() for r in g(*inner)])):
        found = g(*outer)
    assert seen
    same_bits(found, want)
    for results in seen:
        same_bits(results, want_inner)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failure_in_the_middle_of_a_call_leaves_the_next_one_right(threads):
    g = quotient(threads)
    good = [abs(v) + 1 for v in arrays([x, y], {"n": 9})]
    want = [r.copy() for r in g(*good)]
    for row in (0, 4, 8):
        bad = [good[0], good[1].copy()]
        bad[1][row, 2] = 0
        with pytest.raises(FloatingPointError, match="divide by zero") as caught, np.errstate(divide="raise"):
            g(*bad)
        assert "test_safety.py:" in caught.value.__notes__[-1]
        same_bits(g(*good), want)

    def interrupt(kind, flag):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), np.errstate(divide="call", call=interrupt):
        g(*bad)
    same_bits(g(*good), want)


def test_a_failing_call_updates_nothing():
    a, b = ga.parameter("a", ("n", 6)), ga.parameter("b", ("n", 6))
    h = ga.tanh(a) / b
    g = ga.compile([a, b], ga.sum(h), updates={a: h * 2, b: ga.exp(h) + a})
    assert loops(g)
    values = arrays([a, b], {"n": 9})
    values[1][...] = np.abs(values[1]) + 1
    values[1][8, 5] = 0
    kept = [v.copy() for v in values]
    with pytest.raises(FloatingPointError), np.errstate(divide="raise"):
        g(*values)
    same_bits(values, kept)


def test_draws_come_in_the_same_order():
    noise = ga.random.standard_normal(x.shape)
    h = ga.tanh(x + noise) * ga.random.uniform(0.0, 1.0, (6,))
    outputs = [h, ga.sum(h * noise, axis=0), *ga.grad(ga.sum(h * h), [x])]
    values = arrays([x], {"n": 9})
    for passes in (ALL, *FEWER, ()):
        g = ga.compile([x], outputs, passes=passes, threads=3)
        close(called(g, values, draws=True), expected_of(g.graph, values, draws=True))


def test_a_value_is_kept_while_a_loop_reads_its_transpose():
    a = ga.input("a", (6, 6))
    product = a @ a
    outputs = [a @ ga.sin(product - product.T)]
    values = arrays([a])
    with tiny():
        f = ga.compile([a], outputs, threads=1)
    assert len(loops(f)) == 1
    close(f(*values), expected_of(ga.Graph([a], outputs), values))
