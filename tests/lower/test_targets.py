"""Updates that are computed straight into the arrays they replace: the same results as copies at the end."""

import numpy as np
import pytest

import graphad as ga
from graphad.lower.fast import program as fast_program
from graphad.lower.fast.chunk_helpers import alone

N = 70  # 70 × 70 elements are more than what counts as small


@pytest.fixture(autouse=True)
def quiet():
    """Where warnings are errors, as in these tests, updates are copies."""
    with np.errstate(all="ignore"):
        yield


def both(inputs, outputs, updates, arrays, rtol=1e-12, calls=3, **options):
    """Run the fast and the readable function on copies of the arrays; give the fast one after comparing all arrays."""
    fast = ga.compile(inputs, outputs, updates=updates, **options)
    readable = ga.compile(inputs, outputs, updates=updates, style="readable")
    mine, wanted = [a.copy() for a in arrays], [a.copy() for a in arrays]
    for _ in range(calls):
        for got, expected in zip(np.atleast_1d(fast(*mine)), np.atleast_1d(readable(*wanted)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=rtol)
    for got, expected in zip(mine, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol / 100)
    return fast


def step_of_adam(dtype="float64"):
    x, y = ga.input("x", ("batch", N), dtype), ga.input("y", ("batch",), "int64")
    model = ga.nn.Sequential(ga.nn.Linear(N, N, dtype=dtype), ga.tanh, ga.nn.Linear(N, 60, dtype=dtype))
    loss = ga.nn.cross_entropy(model(x), y)
    parameters = ga.nn.parameters(model)
    adam = ga.optim.step(ga.optim.adam(lr=0.01), loss, parameters)
    start = ga.nn.initial(model, 0)
    arrays = [*start.values(), *adam.initial(start).values()]
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(32, N)).astype(dtype), rng.integers(0, 60, 32)]
    return [x, y, *parameters, *adam.state], loss, adam.updates, data + arrays


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 2e-4)])
def test_a_training_step_copies_nothing(dtype, rtol):
    inputs, loss, updates, arrays = step_of_adam(dtype)
    f = both(inputs, loss, updates, arrays, rtol, name="train")
    assert "[...] =" not in f.source[f.source.index("def train(") :]
    assert len(f.program.written_over) == len(updates)


def test_a_call_that_fails_has_changed_nothing():
    inputs, loss, updates, arrays = step_of_adam()
    f = ga.compile(inputs, loss, updates=updates)
    f(*arrays)
    kept = [a.copy() for a in arrays]
    arrays[1][3] = 60  # no such class: noticed after the forward pass has begun
    kept[1][3] = 60
    with pytest.raises(IndexError):
        f(*arrays)
    for got, expected in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_arrays_that_share_memory_are_told_apart():
    a, b = ga.input("a", (N, N)), ga.input("b", (N, N))
    updates = {a: ga.exp(-a) + b, b: 2 * b + ga.tanh(a)}
    outputs = ga.sum(a)
    fast = ga.compile([a, b], outputs, updates=updates)
    readable = ga.compile([a, b], outputs, updates=updates, style="readable")
    assert fast.program.written_over
    rng = np.random.default_rng(0)
    flat = rng.normal(size=2 * N * N)
    wide = rng.normal(size=(N, N + 5))
    cases = {
        "halves of one array": lambda m: (m[: N * N].reshape(N, N), m[N * N :].reshape(N, N)),
        "overlapping columns": lambda m: (m[:, :N], m[:, 5:]),
        "one the other turned": lambda m: (m[:, :N], m[:, :N].T),
        "the same": lambda m: (m[:, :N], m[:, :N]),
        "a buffer of bytes": lambda m: (np.frombuffer(m.data, m.dtype)[: N * N].reshape(N, N),) * 2,
    }
    for name, cut in cases.items():
        base = flat if name == "halves of one array" else wide
        first, second = base.copy(), base.copy()
        fast(*cut(first))
        readable(*cut(second))
        np.testing.assert_allclose(first, second, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("mode", ["raise", "warn", "call"])
def test_an_error_of_numpy_changes_nothing(mode):
    """Nor does a warning that a filter makes an error, nor a function of the user that raises."""
    a, b = ga.input("a", (N, N)), ga.input("b", (N, N))
    f = ga.compile([a, b], ga.sum(a), updates={a: ga.tanh(a) + 1, b: 1 / b})
    assert len(f.program.written_over) == 2
    arrays = [np.ones((N, N)), np.ones((N, N))]
    arrays[1][N - 1, 3] = 0
    kept = [a.copy() for a in arrays]

    def refuse(kind, flag):
        raise FloatingPointError(kind)

    with pytest.raises((FloatingPointError, RuntimeWarning)), np.errstate(divide=mode, call=refuse):
        f(*arrays)
    for got, expected in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_integers_with_negative_exponents_change_nothing():
    n, k = ga.input("n", (N, N), "int64"), ga.input("k", (N, N), "int64")
    f = ga.compile([n, k], (), updates={n: n + 1, k: n**k})
    arrays = [np.full((N, N), 3), np.ones((N, N), np.int64)]
    arrays[1][N - 1, 3] = -1
    kept = [a.copy() for a in arrays]
    with pytest.raises(ValueError, match="negative integer powers"):
        f(*arrays)
    for got, expected in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("n", [3, N])
@pytest.mark.parametrize("style", ["fast", "readable"])
def test_a_new_value_that_fails_changes_nothing(n, style):
    """Every new value that may fail is computed before the first is written: also where nothing is fused."""
    a, b, k = ga.input("a", (n, n)), ga.input("b", (n, n)), ga.input("k", (), "int64")
    for value, exception in ((ga.linalg.inv(b), np.linalg.LinAlgError), (b * ga.take(b, k, axis=0), IndexError)):
        f = ga.compile([a, b, k], ga.sum(a), updates={a: ga.tanh(a) + 1, b: value}, style=style)
        arrays = [np.ones((n, n)), np.ones((n, n)), np.array(n)]
        with pytest.raises(exception):
            f(*arrays)
        assert np.all(arrays[0] == 1)
        assert np.all(arrays[1] == 1)


def wrapped(kind, memory):
    """A new array over foreign memory."""
    whole = np.frombuffer(memory) if kind == "frombuffer" else np.ndarray((N * (N + 5),), float, memory)
    return whole[:] if kind == "view" else whole


@pytest.mark.parametrize("kind", ["frombuffer", "ndarray", "view"])
def test_two_arrays_over_one_buffer_share_memory(kind):
    """NumPy follows bases no further than to the array over the buffer, so each seems to have an owner of its own."""
    memory = bytearray(8 * N * (N + 5))
    first, second = wrapped(kind, memory)[: N * N], wrapped(kind, memory)[5 : N * N + 5]
    assert not alone((first, second), ())
    assert not alone((first,), (second,))
    other = np.zeros((2, N * N))
    assert alone((first,), (other[0],))
    assert alone((other[0],), (first, second))


def test_what_is_read_later_is_not_written_over():
    a, b = ga.input("a", (N, N)), ga.input("b", (N, N))
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(N, N)) / 9, rng.normal(size=(N, N)) / 9]
    both([a, b], a[0], {a: b, b: a}, arrays)  # exchanged
    both([a, b], ga.sum(b), {a: a.T}, arrays)
    both([a, b], ga.sum(b), {a: ga.tanh(a), b: ga.tanh(b) + a.T @ b}, arrays)
    both([a, b], ga.sum(b), {a: ga.tanh(a) + ga.tanh(a).T}, arrays)
    both([a, b], a, {a: ga.tanh(a)}, arrays)  # the result is the old value
    both([a, b], a.T[1], {a: ga.tanh(a)}, arrays)
    new = ga.exp(-a)
    both([a, b], new, {a: new, b: new}, arrays)  # the result is the new one
    both([a, b], ga.sum(new), {a: new, b: new}, arrays)
    both([a, b], ga.sum(new), {a: new, b: new.T}, arrays)
    both([a, b], (), {a: a @ b, b: ga.sum(a, axis=0) + b}, arrays)
    both([a, b], (), {a: a + a[::-1]}, arrays)
    both([a, b], (), {a: ga.cumsum(a, axis=0), b: ga.sort(b, axis=0)}, arrays)


def test_random_programs():
    """Chains of elementwise ops, products, views and sums on three arrays, each updated by something."""
    rng = np.random.default_rng(7)
    written = 0
    for _ in range(40):
        leaves = [ga.input(name, (N, N)) for name in "abc"]
        nodes = list(leaves)
        for _ in range(int(rng.integers(3, 10))):
            p, q = (nodes[k] for k in rng.integers(0, len(nodes), 2))
            makers = [
                lambda p, q: ga.tanh(p) + q,
                lambda p, q: p * q,
                lambda p, q: p.T - q,
                lambda p, q: ga.tanh(p @ q),
                lambda p, q: p + ga.mean(q, axis=0),
                lambda p, q: ga.where(p > 0, p, q),
                lambda p, q: p[::-1] + 1,
            ]
            nodes.append(makers[rng.integers(0, len(makers))](p, q))
        made = [n for n in nodes if n.inputs]
        updates = {x: made[rng.integers(0, len(made))] for x in leaves if rng.random() < 0.8}
        if not updates:
            continue
        arrays = [rng.normal(size=(N, N)) / 4 for _ in leaves]
        f = both(leaves, ga.sum(made[-1]), updates, arrays)
        written += len(getattr(f.program, "written_over", ()))
    assert written > 20  # else nothing was tested


def test_a_plan_that_writes_too_early_is_caught(monkeypatch):
    """Were reads after the write overlooked, these comparisons would fail."""
    monkeypatch.setattr(
        fast_program,
        "in_place",
        lambda steps, roots, updates, outputs: (steps, {u: x for x, u in updates.items() if "view" not in u.op.traits}),
    )
    a, b = ga.input("a", (N, N)), ga.input("b", (N, N))
    arrays = [np.random.default_rng(1).normal(size=(N, N)) / 9 for _ in range(2)]
    with pytest.raises(AssertionError):
        both([a, b], ga.sum(b), {a: ga.tanh(a), b: ga.tanh(b) + a.T @ b}, arrays)


def test_an_exported_module_tells_apart_too(tmp_path):
    a, b = ga.input("a", (N, N)), ga.input("b", (N, N))
    updates = {a: ga.exp(-a) + b, b: 2 * b + ga.tanh(a)}
    f = ga.compile([a, b], ga.sum(a), updates=updates, name="turn")
    path = tmp_path / "turn.py"
    f.export(path, style="fast")
    space = {"__name__": "turn"}
    exec(compile(path.read_text(), str(path), "exec"), space)
    m = np.random.default_rng(0).normal(size=(N, N))
    first, second = m.copy(), m.copy()
    space["turn"](first, first)
    ga.compile([a, b], ga.sum(a), updates=updates, style="readable")(second, second)
    np.testing.assert_allclose(first, second, rtol=1e-12)
