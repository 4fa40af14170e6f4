"""Pooled convolutions phase by phase: the same values, where it pays and nobody sees a difference."""

import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from tiles import tiny

import graphad as ga
from graphad.draw.functions import _profiled
from graphad.ir.graph import Graph
from graphad.lower.interpret import interpret
from graphad.ops.conv import conv
from graphad.ops.pool import max_share, window_max
from graphad.passes import phases
from graphad.passes.cse import Cse
from graphad.passes.phases import Phases
from graphad.passes.presets import pipeline


@pytest.fixture(autouse=True)
def everywhere(request, monkeypatch):
    """Small arrays as if they were worth it."""
    if "as_it_is" not in request.fixturenames:
        for name, value in (("LARGE", 0), ("WINDOWS", 0), ("ZEROS", 10**6)):
            monkeypatch.setattr(phases, name, value)


@pytest.fixture
def as_it_is():
    """Thresholds as measured."""


def pooled(x, w, size, bias=False):
    z = conv(x, w)
    if bias:
        z = ga.relu(
            z + ga.constant(np.linspace(-1, 1, w.shape[0]).astype(z.dtype))[(slice(None),) + (None,) * len(size)]
        )
    return window_max(z, size=size, stride=size)


def graph_of(shape, kernel, size, dtype="float64", bias=False):
    """The largest of windows, and the gradient of the kernel."""
    x, w = ga.input("x", shape, dtype), ga.parameter("w", kernel, dtype)
    top = pooled(x, w, size, bias)
    return pipeline("full").run(Graph([x, w], [top, ga.grad(ga.sum(ga.sin(top)), w)]))[0]


def arrays(graph, seed=0, n=3):
    rng = np.random.default_rng(seed)
    return [
        rng.standard_normal([n if s == "n" else s for s in map(_plain, x.shape)]).astype(x.dtype) for x in graph.inputs
    ]


def _plain(size):
    return size if isinstance(size, int) else str(size)


def names(graph):
    return {node.op.name for node in graph.nodes}


ROWS = {
    "as LeNet": (("n", 1, 12, 12), (6, 1, 5, 5), (2, 2)),
    "what is left over": ((2, 3, 9, 8), (4, 3, 3, 3), (2, 2)),
    "three": ((2, 1, 10, 13), (2, 1, 4, 4), (3, 3)),
    "one axis": (("n", 1, 8, 7), (3, 1, 3, 2), (2, 1)),
    "other sizes": ((2, 2, 9, 12), (3, 2, 3, 4), (2, 3)),
    "1-d": (("n", 1, 11), (4, 1, 3), (2,)),
    "3-d": ((2, 1, 6, 5, 8), (2, 1, 3, 1, 5), (2, 2, 2)),
    "kernels of one element": ((2, 2, 4, 6), (3, 2, 1, 1), (2, 2)),
    "nothing": ((0, 1, 6, 6), (2, 1, 3, 3), (2, 2)),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-4)])
@pytest.mark.parametrize("bias", [False, True])
def test_values_stay(row, dtype, tolerance, bias):
    graph = graph_of(*row, dtype, bias)
    after = Phases().run(graph)
    ga.verify(after)
    assert not {"window_max", "max_share"} & names(after)
    given = arrays(graph)
    for a, b in zip(interpret(graph, given), interpret(after, given), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_largest_of_windows_by_hand():
    graph = graph_of((2, 2, 7, 8), (3, 2, 3, 3), (2, 2))
    x, w = arrays(graph)
    patches = sliding_window_view(x, (3, 3), (2, 3))
    z = np.einsum("bcijkl,ockl->boij", patches, w)[:, :, :4, :6]
    expected = z.reshape(2, 3, 2, 2, 3, 2).max((3, 5))
    np.testing.assert_allclose(interpret(Phases().run(graph), [x, w])[0], expected, rtol=1e-13)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_fast_style_computes_in_phases_and_only_that(threads):
    x, w = ga.input("x", ("n", 1, 12, 12)), ga.parameter("w", (6, 1, 5, 5))
    top = pooled(x, w, (2, 2), bias=True)
    outputs = [top, ga.grad(ga.sum(ga.sin(top)), w)]
    with tiny():
        f = ga.compile([x, w], outputs, threads=threads)
        assert "max_share(" not in f.source
        assert "np.maximum.reduce(" in f.source
        assert {"window_max", "max_share"} <= names(f.graph)  # as it is shown, drawn and exported
        given = arrays(f.graph, n=5)
        for a, b in zip(
            f(*given), ga.compile([x, w], outputs, optimize="basic", style="readable")(*given), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    assert "max_share(" in ga.compile([x, w], outputs, style="readable").source
    assert "max_share(" in ga.compile([x, w], outputs, passes=("reuse",)).source


X, W = ("n", 1, 12, 12), (6, 1, 5, 5)


def _graph(make, x=X, w=W, dtype="float64"):
    x, w = ga.input("x", x, dtype), ga.parameter("w", w, dtype)
    made = make(x, w)
    return Graph([x, w], list(made) if isinstance(made, tuple) else [made])


def _gradient(x, w, by):
    return ga.grad(ga.sum(ga.sin(pooled(x, w, (2, 2)))), by)


def _tops(x, w, **how):
    return window_max(conv(x, w), **how)


STAYS = {
    "the gradient of x": _graph(lambda x, w: _gradient(x, w, x)),
    "both gradients": _graph(lambda x, w: tuple(_gradient(x, w, [x, w]))),
    "windows overlap": _graph(lambda x, w: _tops(x, w, size=(3, 3), stride=2)),
    "windows with gaps": _graph(lambda x, w: _tops(x, w, size=(2, 2), stride=3)),
    "dilated windows": _graph(lambda x, w: _tops(x, w, size=(2, 2), stride=2, dilation=2)),
    "one axis is left out": _graph(lambda x, w: _tops(x, w, size=(2,), stride=2)),
    "windows of one element": _graph(lambda x, w: _tops(x, w, size=(1, 1))),
    "a stride": _graph(lambda x, w: window_max(conv(x, w, stride=2), size=(2, 2), stride=2)),
    "a dilation": _graph(lambda x, w: window_max(conv(x, w, dilation=2), size=(2, 2), stride=2)),
    "groups": _graph(
        lambda x, w: window_max(conv(x, w, groups=2), size=(2, 2), stride=2), ("n", 2, 12, 12), (6, 1, 5, 5)
    ),
    "a kernel that fits no phases": _graph(lambda x, w: pooled(x, w, (2, 2)), w=(6, 1, 4, 5)),
    "a size that is not known": _graph(lambda x, w: pooled(x, w, (2, 2)), ("n", 1, 12, "m")),
    "other channels": _graph(lambda x, w: pooled(x, w, (2, 2)), ("n", 4, 12, 12), (6, 4, 5, 5)),
    "the convolution is a result": _graph(lambda x, w: (pooled(x, w, (2, 2)), conv(x, w))),
    "the convolution is used": _graph(lambda x, w: pooled(x, w, (2, 2)) + ga.sum(conv(x, w))),
    "two kinds of windows": _graph(lambda x, w: ga.sum(pooled(x, w, (2, 2))) + ga.sum(pooled(x, w, (2, 1)))),
    "a share is a result": _graph(lambda x, w: max_share(pooled(x, w, (2, 2)), conv(x, w), size=(2, 2), stride=2)),
    "the convolution is shared": _graph(
        lambda x, w: max_share(conv(x, w)[:, :, ::2, ::2], conv(x, w), size=(2, 2), stride=2), X, W
    ),
    "second derivatives": _graph(lambda x, w: ga.grad(ga.sum(_gradient(x, w, w) ** 2), w)),
    "half precision": _graph(lambda x, w: pooled(x, w, (2, 2)), dtype="float16"),
    "complex numbers": _graph(lambda x, w: pooled(x, w, (2, 2)), dtype="complex128"),
}


@pytest.mark.parametrize("graph", STAYS.values(), ids=STAYS)
def test_elsewhere_the_convolution_stays(graph):
    graph = Cse().run(graph)
    assert Phases().run(graph) is graph


def test_a_convolution_that_is_an_input_stays():
    x, w = ga.input("x", X), ga.parameter("w", W)
    z = conv(x, w)
    graph = Graph([z], [window_max(z, size=(2, 2), stride=2)])
    assert Phases().run(graph) is graph


@pytest.mark.parametrize(
    ("x", "w", "size", "fires"),
    [
        (("n", 1, 32, 32), (6, 1, 5, 5), (2, 2), True),
        (("n", 3, 32, 32), (64, 3, 3, 3), (2, 2), True),
        (("n", 6, 14, 14), (16, 6, 5, 5), (2, 2), False),  # more channels than phases
        (("n", 64, 32, 32), (64, 64, 3, 3), (2, 2), False),
        (("n", 1, 16, 16), (6, 1, 5, 5), (2, 2), False),  # 36 windows
        ((2, 1, 32, 32), (6, 1, 5, 5), (2, 2), False),  # small
        ((32, 1, 32, 32), (6, 1, 5, 5), (2, 2), True),
        (("n", 1, 34, 34), (8, 1, 4, 4), (3, 3), True),
        (("n", 3, 34, 34), (8, 3, 4, 4), (3, 3), False),  # 60 products with zeros
        (("n", 1, 18, 18, 18), (8, 1, 3, 3, 3), (2, 2, 2), True),
        (("n", 1, 20, 20, 20), (8, 1, 5, 5, 5), (2, 2, 2), False),
    ],
)
def test_only_where_it_pays(x, w, size, fires, as_it_is):
    graph = graph_of(x, w, size)
    assert ("window_max" not in names(Phases().run(graph))) == fires


def _shares(x, w):
    """The gradient of the kernel by both ways, for small whole numbers: they are exact, with many equal elements."""
    graph = graph_of(x.shape, w.shape, (2, 2))
    return interpret(graph, [x, w]), interpret(Phases().run(graph), [x, w])


def test_equal_elements_share():
    rng = np.random.default_rng(0)
    x, w = rng.integers(0, 2, (3, 1, 12, 12)).astype(float), rng.integers(-1, 2, (4, 1, 3, 3)).astype(float)
    before, after = _shares(x, w)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_allclose(before[1], after[1], rtol=1e-12, atol=1e-12)
    with pytest.MonkeyPatch.context() as patch:  # all of it to each of them would be another gradient
        patch.setattr(phases, "_shared", lambda g, apart, top: _first(g, apart, top, phases._shared))
        assert not np.allclose(before[1], _shares(x, w)[1][1])


def _first(g, apart, top, _shared):
    hits = ga.where(ga.equal(apart, top[:, None]), 1.0, 0.0)
    return hits * g[:, None]


def test_equal_patches_have_the_gradient_of_one():
    rng = np.random.default_rng(1)
    x = np.broadcast_to(rng.standard_normal((3, 2, 1, 1)), (3, 2, 8, 8)).copy()  # sums in another order may differ
    before, after = _shares(x, rng.standard_normal((4, 2, 3, 3)))
    np.testing.assert_allclose(before[1], after[1], rtol=1e-12, atol=1e-12)


def test_nan_goes_where_it_went():
    graph = graph_of((2, 1, 8, 8), (3, 1, 3, 3), (2, 2))
    x, w = arrays(graph)
    x[0, 0, 3, 4] = np.nan
    outputs = interpret(graph, [x, w])
    assert 0 < np.isnan(outputs[0]).sum() < outputs[0].size
    with tiny():
        f = ga.compile(graph.inputs, graph.outputs)
        assert "max_share(" not in f.source
        assert re.search(
            r"np.where\((t\d+), np.nan, (t\d+)\) if \1.any\(\) else \2", f.source
        )  # most often without a copy
        for a, b in zip(outputs, f(x, w), strict=True):  # without a warning
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_shares_are_nan_where_the_largest_is():
    g, apart = ga.input("g", (1, 2, 2)), ga.input("apart", (1, 4, 2, 2))
    rows = np.arange(16.0).reshape(1, 4, 2, 2)
    rows[0, 1, 0, 0] = np.nan
    shared = interpret(Graph([g, apart], [phases._shared(g, apart, ga.max(apart, axis=1))]), [np.ones((1, 2, 2)), rows])
    expected = np.zeros((1, 4, 2, 2))
    expected[:, 3] = 1
    expected[0, :, 0, 0] = np.nan
    np.testing.assert_array_equal(shared[0], expected)


def test_the_largest_numbers_do_not_overflow():
    x, w = ga.input("x", (2, 1, 8, 8)), ga.parameter("w", (3, 1, 3, 3))
    top = pooled(x, w, (2, 2))
    graph = Graph([x, w], [top, ga.grad(ga.sum(top), w)])
    given = arrays(graph)
    given[0] *= 1e300
    for a, b in zip(interpret(graph, given), interpret(Phases().run(graph), given), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_wrong_place_of_the_kernel_is_seen(monkeypatch):
    graph = graph_of((2, 1, 8, 8), (3, 1, 3, 3), (2, 2))
    given = arrays(graph)
    right = phases._shifts
    monkeypatch.setattr(phases, "_shifts", lambda w, size: right(w, size)[::-1])
    found = interpret(Phases().run(graph), given)
    np.testing.assert_allclose(found[0], interpret(graph, given)[0])  # the same four, in another order
    monkeypatch.setattr(phases, "_shifts", lambda w, size: [right(w, size)[0]] * 4)
    assert not np.allclose(interpret(Phases().run(graph), given)[0], interpret(graph, given)[0])


def test_new_nodes_name_the_line_of_the_user():
    graph = graph_of((2, 1, 8, 8), (3, 1, 3, 3), (2, 2))
    after = Phases().run(graph)
    assert all(n.origin.place for n in after.nodes if n.op.name in ("conv", "max", "conv_filter_adjoint", "place_all"))


def test_under_a_budget_of_memory_it_stays():
    graph = graph_of(("n", 1, 12, 12), (6, 1, 5, 5), (2, 2))
    sizes = {"n": 64}
    f = ga.compile(graph.inputs, graph.outputs, max_bytes=10**9, sizes=sizes)
    assert "max_share(" in f.source


def test_explanations_and_times_find_what_took_the_place_of_a_node():
    x, w = ga.input("x", X), ga.parameter("w", W)
    z = conv(x, w)
    top = window_max(z, size=(2, 2), stride=2)
    with tiny():
        f = ga.compile([x, w], [ga.tanh(top), ga.grad(ga.sum(ga.sin(top)), w)])
        assert "np.maximum.reduce(" in str(f.explain("top"))
        assert dict(f.explain("z").rows)["generated"].startswith("no line")
        seconds = _profiled(f, dict(zip([x, w], arrays(f.graph), strict=True)), None)
    assert {n.op.name for n in f.graph.nodes if seconds.get(n)} >= {"window_max", "tanh", "conv_filter_adjoint"}
