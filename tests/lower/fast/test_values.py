"""The fast style equals the interpreter: loops, buffers and threads on arrays of a few elements, each pass left out."""

import runpy

import numpy as np
import pytest
import support
from example_budgets import FOLDER, PLAIN
from golden.models import MODELS
from passes.test_passes import random_graph
from support import all_calls, concrete
from tiles import ALL, FEWER, arrays, check, close, disjoint, expected_of, flat, gradients, loops, quiet, tiny

import graphad as ga
from graphad import demo
from graphad.errors import DifferentiationError
from graphad.lower.alias import is_read_only, is_view
from graphad.lower.interpret import interpret_all

CALLS = [(k, *call) for k, call in enumerate(all_calls())]


@pytest.mark.parametrize(("k", "op", "case", "name"), CALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_op_and_its_gradient(k, op, case, name, monkeypatch):
    monkeypatch.setitem(support.SIZES, "n", 5)
    call = concrete(op, case)
    try:
        outputs = [call.result, *gradients(call.inputs, [call.result])]
    except DifferentiationError:
        outputs = [call.result]
    with tiny():
        check(call.inputs, outputs, call.values, variants=(ALL, FEWER[k % 4]), draws="random" in op.traits)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_results_share_memory_only_where_an_op_says_so(dtype):
    for op, case, name in all_calls():
        try:
            call = concrete(op, case, dtype)
            graph = ga.Graph(call.inputs, call.result)
        except ga.GraphadError:
            continue
        with np.errstate(all="ignore"):
            found = interpret_all(graph, call.values, np.random.default_rng(0))
        for node in graph.nodes:
            for y in [] if graph.is_input(node) else flat(found[node]):
                if "constant" not in node.op.traits:
                    assert np.asarray(y).flags.writeable or is_read_only(graph, node), f"{name}: {node.op.name}"
                for k, x in enumerate(node.inputs):
                    shares = not isinstance(found[x], tuple) and np.shares_memory(y, found[x])
                    assert not shares or (k == 0 and is_view(node)), f"{name}: {node.op.name}"


# Whole models -------------------------------------------------------------------------------------------------------


@pytest.fixture
def compiled(monkeypatch):
    """What was compiled: (inputs, outputs, updates)."""
    calls = []
    original = ga.compile

    def spy(inputs, outputs, **options):
        updates = options.get("updates") or {}
        calls.append((list(inputs), [*_leaves(outputs), *updates.values()]))
        return original(inputs, outputs, **options)

    monkeypatch.setattr(ga, "compile", spy)
    yield calls
    monkeypatch.undo()


def _leaves(value):
    if isinstance(value, ga.Node):
        return [value]
    return [y for v in (value.values() if isinstance(value, dict) else value) for y in _leaves(v)]


def check_models(calls, monkeypatch, sizes=({"batch": 5, "n": 5}, {"batch": 0, "n": 0})):
    assert calls
    monkeypatch.undo()
    for inputs, outputs in calls:
        draws = any("random" in n.op.traits for n in ga.Graph(inputs, outputs).nodes)
        values = [[abs(v) for v in arrays(inputs, s)] for s in sizes]
        with tiny():
            check(inputs, outputs, *values, optimize="full", draws=draws)
        with tiny(1024):
            check(inputs, outputs, *values, optimize="basic", draws=draws, variants=(ALL,), threads=(1, 2, 3, 8))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_golden_models(model, compiled, monkeypatch):
    model()
    check_models(compiled, monkeypatch)


@pytest.mark.parametrize("name", PLAIN)
def test_examples(name, compiled, monkeypatch, capsys):
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    check_models(compiled, monkeypatch)


def test_demo(compiled, monkeypatch):
    model = demo.declare()
    gradients = ga.grad(model.loss, list(model.parameters))
    compiled.append(([model.x, model.y, *model.parameters], [model.loss, model.prediction, *gradients]))
    check_models(compiled, monkeypatch, [{"batch": 3}])


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed):
    graph = random_graph(seed)
    with tiny((64, 200, 1000)[seed % 3]):
        values = [arrays(graph.inputs, {"n": n}, seed) for n in (7, 1, 2, 0, 19)]
        check(graph.inputs, graph.outputs, *values, optimize=("none", "basic", "full")[seed % 3])


LAYOUTS = [
    lambda a, b, axis: ga.sin(a),
    lambda a, b, axis: a + b,
    lambda a, b, axis: a * ga.sigmoid(b),
    lambda a, b, axis: ga.where(a > b, a, 0.5 * b),
    lambda a, b, axis: a - ga.mean(b, axis=axis, keepdims=True),
    lambda a, b, axis: a * ga.expand_dims(ga.sum(b, axis=axis), axis),
    lambda a, b, axis: ga.softmax(a, axis=axis),
    lambda a, b, axis: ga.transpose(ga.cos(ga.transpose(a, (2, 0, 1))), (1, 2, 0)),
    lambda a, b, axis: ga.reshape(ga.tanh(ga.reshape(a, (4, -1))), a.shape),
    lambda a, b, axis: ga.concatenate([a[:2], ga.exp(-(b[2:] ** 2))], axis=0),
    lambda a, b, axis: ga.concatenate([a[..., :1], b[..., 1:] + a[..., :-1]], axis=2),
    lambda a, b, axis: a + ga.max(b, axis=axis, keepdims=True),
    lambda a, b, axis: ga.sum_n(a, b, a * 0.1, b),
    lambda a, b, axis: a / (1 + b * b) + ga.maximum(a, b) * 0.1,
]


@pytest.mark.parametrize("seed", range(12))
def test_random_layouts(seed):
    """Random programs over three axes, in which sums, transposes, windows and broadcasts meet."""
    rng = np.random.default_rng(seed)
    x, w, k = ga.input("x", (4, "n", 3)), ga.input("w", ("n", 3)), ga.input("k", (4, 1, 1))
    pool = [x, ga.tanh(x * w), x * k]
    for _ in range(14):
        a, b = pool[rng.integers(len(pool))], pool[rng.integers(len(pool))]
        pool.append(LAYOUTS[rng.integers(len(LAYOUTS))](a, b, int(rng.integers(3))))
    loss = ga.sum(ga.tanh(pool[-1]) * pool[-2]) + ga.mean(ga.square(pool[-3]))
    outputs = [loss, pool[-1], *ga.grad(loss, [x, w, k])]
    with tiny((64, 300, 2000)[seed % 3]):
        values = [arrays([x, w, k], {"n": n}, seed) for n in (5, 1, 0, 11)]
        check([x, w, k], outputs, *values, optimize=("none", "full")[seed % 2])


# One thing at a time ------------------------------------------------------------------------------------------------

x, y = ga.input("x", ("n", 6)), ga.input("y", ("n", 6))
t, u = ga.input("t", (4, "n", 3)), ga.input("u", (4, "n", 3))
row, column, vector = ga.input("row", (6,)), ga.input("column", ("n", 1)), ga.input("vector", ("n",))
square, weights = ga.input("square", (6, 6)), ga.input("weights", (6,))
v, fixed = ga.input("v", ("n",)), ga.input("fixed", (9, 6))
wide, other = ga.input("wide", ("n", 9)), ga.input("other", ("n", 9))
PATTERNS = {
    "elementwise": ([x, y], lambda: [ga.tanh(x) * y + ga.exp(-x * x)]),
    "total": ([x, y], lambda: [ga.sum(ga.tanh(x) * y), ga.mean(ga.sin(x) + y)]),
    "sum over the cut axis": ([x, y], lambda: [ga.sum(ga.tanh(x) * y, axis=0), ga.mean(x * y, axis=0, keepdims=True)]),
    "sum over the other axis": ([x, y], lambda: [ga.sum(ga.tanh(x) * y, axis=1), ga.max(x * y, axis=1)]),
    "sums of three axes": ([t, u], lambda: [ga.sum(ga.tanh(t) * u, axis=k) for k in (0, 1, 2, (0, 2), (0, 1), (1, 2))]),
    "extremes": ([t, u], lambda: [f(t * u, axis=k) for f in (ga.max, ga.min, ga.argmax) for k in (0, 1, 2)]),
    "used again after a sum": ([x, y], lambda: [(h := ga.tanh(x) * y) - ga.sum(h, axis=0), h * ga.mean(h)]),
    "row softmax": ([x], lambda: [ga.softmax(ga.tanh(x), axis=1), ga.log_softmax(x * 2, axis=1)]),
    "column softmax": ([x], lambda: [ga.softmax(ga.tanh(x), axis=0), ga.special.logsumexp(x * 2, axis=0)]),
    "softmax by hand": (
        [x],
        lambda: [ga.exp(x - ga.max(x, axis=1, keepdims=True)) / (1 + ga.sum(ga.exp(x), axis=1)[:, None])],
    ),
    "transposes": ([x, y], lambda: [ga.tanh(x.T) * y.T + 1, ga.sin(ga.tanh(x).T * 2).T + y]),
    "transposes of three axes": (
        [t, u],
        lambda: [ga.tanh(ga.transpose(ga.sin(t) * u, a)) * 2 for a in ((2, 0, 1), (1, 2, 0), (0, 2, 1))],
    ),
    "square transpose": (
        [square],
        lambda: [ga.tanh(square) + ga.tanh(square).T, ga.exp(square.T * square) * 2 + square],
    ),
    "broadcast of a row": (
        [x, row],
        lambda: [ga.tanh(x * row) + row, ga.sum(ga.broadcast_to(ga.sin(row), x.shape) * x, axis=0)],
    ),
    "broadcast of a column": ([x, column], lambda: [ga.tanh(x * column) + ga.exp(column), ga.tanh(column) * 2]),
    "broadcast in the middle": (
        [t, u],
        lambda: [ga.tanh(t[:, :1] * u) + ga.sin(t[:1]) * u, t[:, :, :1] * ga.tanh(u) * 2],
    ),
    "masks": ([x, y], lambda: [ga.where((x > 0) & (y < 0.5), ga.tanh(x), y * 2), ga.where(x == 0, 1.0, ga.sin(x) / x)]),
    "guards": ([x, y], lambda: [(g := ga.where(y == 0, np.inf, y), ga.sum(x / g), x / g * 2, g)[k] for k in (1, 2, 3)]),
    "reshapes": ([t, u], lambda: [ga.tanh(ga.reshape(ga.sin(t) * u, (4, -1))) * 2, ga.reshape(ga.tanh(t), -1) * 2]),
    "slices": (
        [x, y],
        lambda: [ga.tanh(x[1:] * y[:-1]) * 2, ga.sin(x[:, 1:] * 2) + y[:, ::2][:, :1], ga.tanh(x * 2)[::2]],
    ),
    "joined": (
        [x, y],
        lambda: [ga.tanh(ga.concatenate([x * 2, ga.sin(y)], axis=0)), ga.concatenate([x * 2, ga.sin(y)], axis=1) * 3],
    ),
    "matrix times vector": (
        [x, weights, vector],
        lambda: [ga.tanh(x @ weights) * 2, ga.tanh(vector) @ ga.sin(x), ga.tanh(vector) @ (vector * 2)],
    ),
    "thin products": ([x, y], lambda: [ga.tanh(x @ y[:3].T), ga.tanh(x).T @ (y * 2), ga.sin(x.T @ y) + 1]),
    "windows": ([v], lambda: [ga.tanh(v[:-2] + v[1:-1] * v[2:]) * 2]),
    "stencil": (
        [fixed],
        lambda: [ga.sin(fixed[1:-1, 1:-1]) * (fixed[:-2, 1:-1] + fixed[2:, 1:-1] - fixed[1:-1, 2:] ** 2)],
    ),
    "far windows": ([fixed], lambda: [ga.sin(fixed[:5]) * ga.tanh(fixed[4:]) + fixed[2:7] ** 2]),
    "diagonals": ([square], lambda: [ga.diagonal(ga.tanh(square) * 2), ga.diagonal(square) * 2 + 1]),
    "products and counts": (
        [x, y],
        lambda: [ga.prod(x * y, axis=1), ga.any(x * y > 0, axis=1), ga.all(x * y > 0, axis=0)],
    ),
    "scan beside a loop": ([x, y], lambda: [ga.cumsum(ga.tanh(x) * y, axis=0) * 2 + ga.sort(x * y, axis=1)]),
    "sum of many": ([x, y], lambda: [ga.sum_n(ga.tanh(x), x, y * 2, x, ga.tanh(x)), ga.sum_n(x * 2, y)]),
    "the same operand twice": ([x], lambda: [(h := ga.tanh(x) * 2) * h, ga.maximum(h, h) + h, ga.sum_n(h, h, h)]),
    "powers": ([x], lambda: [ga.square(x * 2) ** 2, ga.sqrt(abs(x * 2)) ** 3 + abs(x) ** 0.5, (x + 9.5) ** -1 * 2]),
    "views of buffers": (
        [x, y],
        lambda: [ga.sort(ga.cumsum(ga.tanh(y) * ga.cumsum(v := (ga.tanh(x) * 2).T, axis=0).T, axis=0).T * v, axis=1)],
    ),
    "taken over": (
        [x, y],
        lambda: [
            (a := ga.sin(h := ga.tanh(x) * y) * (s := ga.sum(h))) * ga.sum(a * (b := ga.cos(h) * s + a)),
            b / ga.sum(b * b),
        ],
    ),
    "taken over in another shape": (
        [x, y],
        lambda: [
            ga.sort(ga.exp(r := ga.reshape(ga.cumsum(ga.tanh(x) * y, axis=0), (-1, 2, 3))) * ga.sin(r) * 2, axis=0),
            ga.sort(ga.cos(r := ga.reshape(ga.cumsum(x * y, axis=0), (-1, 2, 3))) * ga.tanh(r[:, ::-1]), axis=0),
            ga.sort(ga.cos(r := ga.reshape(c := ga.cumsum(y * 2, axis=0), (-1, 2, 3))) * 2, axis=0),
            ga.tanh(c) * 2,
        ],
    ),
    "products added up": (
        [wide, other],
        lambda: [
            ga.sum(wide * ga.tanh(other), axis=1),
            ga.sum(ga.square(ga.tanh(wide)), axis=0),
            ga.mean((p := ga.sin(wide) * ga.cos(other)) * p, axis=1, keepdims=True) * wide,
            ga.sum(q := ga.sin(other) * wide, axis=1, keepdims=True) + q,
        ],
    ),
    "three loops": (
        [x, y],
        lambda: [(h := ga.tanh(x) * y) - ga.sum(g := h - ga.mean(h, axis=0), axis=0), g / (1 + ga.sum(g * g))],
    ),
    "a result that others read": ([x, y], lambda: [h := ga.tanh(x) * 2, ga.exp(h) + y, ga.sin(h).T * 2]),
    "results twice and inputs": ([x, y], lambda: [h := ga.tanh(x) * 2, h, x, x.T, h[1:] * 1, y]),
}
SIZES = (11, 4, 3, 64)
SMALL_SIZES = (0, 1, 2)
NEED_MORE = {"windows": 3, "thin products": 3, "slices": 1}
PLAIN: set[tuple[str, str]] = set()  # what needs no loop


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(("cache", "optimize"), [(64, "none"), (400, "full")])
def test_patterns_and_their_gradients(name, cache, optimize):
    inputs, make = PATTERNS[name]
    outputs = make()
    outputs = [*outputs, *gradients(inputs, outputs)]
    sizes = [n for n in (*SIZES, *SMALL_SIZES) if n >= NEED_MORE.get(name, 0)]
    calls = [arrays(inputs, {"n": n}, n) for n in sizes]
    with tiny(cache):
        f = check(inputs, outputs, *calls, variants=(ALL,), threads=(1, 2, 8), optimize=optimize)
        assert loops(f) or (name, optimize) in PLAIN
        check(inputs, outputs, *calls[:2], variants=(*FEWER, ()), threads=(3,), optimize=optimize)
        with disjoint():
            check(inputs, outputs, *calls[:2], variants=(ALL,), optimize=optimize)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "complex128", "int8", "uint8", "int64", "bool"])
def test_dtypes(dtype):
    a, b = ga.input("a", ("n", 6), dtype), ga.input("b", ("n", 6), dtype)
    if dtype == "bool":
        outputs = [(a & b) | ~a, (a ^ b) & b, ga.any(a & b, axis=0), ga.sum(a & b, axis=0), ga.where(a, b, ~b)]
    else:
        outputs = [a * b + a, ga.sum(a * b, axis=0), ga.sum(a * b), ga.mean(a * b, axis=1), -a * 3, a * b == a]
        outputs += [ga.where(a == b, a, b * 2), ga.astype(a * b, "float32" if dtype[0] != "c" else "complex64") * 2]
    if dtype[0] == "c":
        outputs += [ga.abs(a * b) * 2, ga.real(a * b) * ga.imag(b), ga.conj(a * 2) * b, ga.exp(a) * 2]
    elif dtype[0] == "f":
        outputs += [ga.tanh(a) * b, ga.softmax(a * b, axis=1), ga.sum(ga.exp(a) * b, axis=1)]
    elif dtype != "bool":
        outputs += [a / b, a // (b * b + 1), ga.sin(a) * b, ga.max(a * b, axis=0)]
    if dtype[0] in "fc":
        outputs += gradients([a, b], outputs)
    calls = [arrays([a, b], {"n": n}, n) for n in (9, 4, 1)]
    with tiny(200):
        assert loops(check([a, b], outputs, *calls))


def test_mixed_dtypes_share_no_buffer():
    a, k, m = ga.input("a", ("n", 4), "float32"), ga.input("k", ("n", 4), "int64"), ga.input("m", ("n", 4), "bool")
    h = ga.tanh(a * 2) * ga.astype(k, "float32")
    outputs = [ga.where(m & (k > 1), h, a), ga.astype(h, "float64") * 2 + k, k * k + m, ga.sum(h * k, axis=0)]
    outputs += gradients([a], outputs)
    with tiny():
        check([a, k, m], outputs, *[arrays([a, k, m], {"n": n}) for n in (9, 1, 0)])


def test_infinities_and_nan_as_in_numpy():
    a, b = ga.input("a", ("n", 7)), ga.input("b", ("n", 7))
    outputs = [a / b, ga.sum(a * b, axis=0), ga.max(a * b, axis=1), ga.where(a > b, a - b, b / a), ga.sqrt(a) * b]
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.0])
    values = np.resize(special, (13, 7)), np.resize(np.roll(special, 3), (13, 8))[:, 1:].copy()
    with tiny():
        check([a, b], [*outputs, *gradients([a, b], outputs)], values)


def test_small_sizes_take_the_way_without_loops():
    h = ga.tanh(x) * y
    outputs = [h - ga.mean(h, axis=0), ga.sum(h), *gradients([x, y], [h * ga.sum(h, axis=0)])]
    f = ga.compile([x, y], outputs)
    assert loops(f)
    for n in (3, 3000, 4, 0, 3000, 2730, 2731):
        values = arrays([x, y], {"n": n}, n)
        (code, _), large = f._variant({"n": n}), n * 6 >= 16_384
        assert (code is None) == large
        for _ in range(2):
            with quiet():
                close(flat(f(*values)), expected_of(f.graph, values))


def test_large_arrays_without_tricks():
    n = ga.input("n", (300, 200)), ga.input("m", (300, 200))
    h = ga.tanh(n[0]) * n[1]
    outputs = [h - ga.mean(h, axis=0), ga.softmax(h, axis=1), *gradients(n, [ga.sum(h * h, axis=1), h.T])]
    assert loops(check(n, outputs, arrays(n), variants=(ALL, ()), threads=(1, 2, 3, 8), optimize="full"))
