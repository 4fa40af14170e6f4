"""What is left out because NumPy does it, and what must stay."""

import numpy as np
import pytest

import graphad as ga

X64, X32, K = ga.input("x", (3,)), ga.input("s", (3,), "float32"), ga.input("k", (2, 3), "int64")
VALUES = [np.array([0.5, 1.5, 2.5]), np.array([0.1, 0.2, 0.3], np.float32), np.arange(6).reshape(2, 3)]
STAYS = {
    "strong scalar beside float32": (X32 * np.float64(0.1), "astype(np.float64)"),
    "explicit narrowing": (X64.astype("float32") * X32, "astype(np.float32)"),
    "both operands broadcast": (ga.broadcast_to(X64, (4, 3)) * ga.broadcast_to(X64, (4, 3)), "broadcast_to"),
    "broadcast of one operand": (ga.tanh(ga.broadcast_to(X64, (4, 3))), "broadcast_to"),
    "narrowing of integers": (K.astype("int8") + K.astype("int8"), "astype(np.int8)"),
}
GOES = {
    "row to matrix": (K + X64, ("broadcast_to", "astype")),
    "float32 and float64": (X32 + X64, ("astype",)),
    "scalar": (X32 * 0.1, ("astype", "float32(", "full")),
    "comparison": (K > X64, ("astype", "broadcast_to")),
    "where": (ga.where(X64 > 1, X32, X64), ("astype",)),
    "named size": (X64 / ga.size(3), ("astype",)),
    "stack of matrices": (ga.broadcast_to(K.astype("float64"), (5, 2, 3)) @ np.ones((3, 2)), ("broadcast_to(k",)),
}


@pytest.mark.parametrize("name", STAYS)
def test_stays(name):
    node, text = STAYS[name]
    check(node)
    assert text in ga.compile([X64, X32, K], node, optimize="none").source


@pytest.mark.parametrize("name", GOES)
def test_goes(name):
    node, texts = GOES[name]
    check(node)
    body = ga.compile([X64, X32, K], node, optimize="full").source.split("def function")[1]
    if name != "stack of matrices":
        assert not [t for t in texts if t in body], body


def check(node):
    """Compiled and interpreted agree in bits and dtype."""
    for optimize in ("none", "full"):
        got = ga.compile([X64, X32, K], node, optimize=optimize)(*VALUES)
        (want,) = ga.interpret(ga.Graph([X64, X32, K], [node]), VALUES)
        assert got.dtype == want.dtype == node.dtype
        np.testing.assert_array_equal(got, want)


def test_two_numbers_under_a_condition_keep_their_dtype():
    for dtype, text in (
        ("float64", "np.where(x > 1, 1.0, 0.0)"),
        ("float32", "np.float32(1)"),
        ("int64", "x > 1, 1, 0)"),
    ):
        one, zero = ga.constant(np.ones((), dtype)), ga.constant(np.zeros((), dtype))
        for style in ("fast", "readable"):
            f = ga.compile([X64], ga.where(X64 > 1, one, zero), style=style)
            assert text in f.source or style == "fast"
            assert f(VALUES[0]).dtype == dtype


def test_half_and_small_integers_keep_their_dtype():
    h, i = ga.input("h", (3,), "float16"), ga.input("i", (3,), "int8")
    for node in (h * 2 + 1, i + 1, i * i, h / 3, -i, ga.where(i > 1, i, 0), ga.maximum(h, 0.5)):
        got = ga.compile([h, i], node)(np.ones(3, np.float16), np.ones(3, np.int8))
        assert got.dtype == node.dtype
    with pytest.raises(ga.GraphadError, match="300"):
        i + 300


def test_python_numbers_become_arrays_where_an_op_needs_one():
    x = ga.input("x", ("n",))
    share = 2 / ga.sum(ga.ones((x.shape[0],)))
    for optimize in ("none", "basic", "full"):
        f = ga.compile([x], [ga.reshape(share, (1,)), ga.expand_dims(3 * share, 0)], optimize=optimize)
        assert [float(v[0]) for v in f(np.ones(4))] == [0.5, 1.5]
