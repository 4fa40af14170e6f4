"""Attention, dropout, embedding."""

import numpy as np
import pytest
from scipy import special
from support import directional

import graphad as ga
from graphad import nn
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(0)
Q, K, V = (RNG.standard_normal(s) for s in ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 2)))
attention = nn.scaled_dot_product_attention


def run(f, *values):
    nodes = [declare(f"a{k}", v.shape, v.dtype) for k, v in enumerate(values)]
    return ga.compile(nodes, f(*nodes))(*values)


def direct(q, k, v, mask=None, scale=None):
    scores = q @ np.swapaxes(k, -1, -2) * (1 / np.sqrt(q.shape[-1]) if scale is None else scale)
    return special.softmax(scores if mask is None else scores + mask, axis=-1) @ v


def test_against_the_formula():
    np.testing.assert_allclose(run(attention, Q, K, V), direct(Q, K, V), rtol=1e-12)
    np.testing.assert_allclose(
        run(lambda *a: attention(*a, scale=0.3), Q, K, V), direct(Q, K, V, scale=0.3), rtol=1e-12
    )
    causal = np.where(np.tri(4, 6, dtype=bool), 0, -np.inf)
    got = run(lambda *a: attention(*a, is_causal=True), Q, K, V)
    np.testing.assert_allclose(got, direct(Q, K, V, causal), rtol=1e-12)
    added = RNG.standard_normal((3, 1, 6))
    np.testing.assert_allclose(run(attention, Q, K, V, added), direct(Q, K, V, added), rtol=1e-12)


def test_boolean_masks_and_targets_that_see_nothing():
    seen = RNG.random((2, 1, 4, 6)) > 0.4
    seen[:, :, :, 0] = True
    expected = direct(Q, K, V, np.where(seen, 0, -np.inf))
    np.testing.assert_allclose(run(attention, Q, K, V, seen), expected, rtol=1e-12)
    seen[0, 0, 1] = False
    expected[0, :, 1] = 0
    for mask in (seen, np.where(seen, 0.0, -np.inf)):
        nodes = [declare(n, a.shape) for n, a in (("q", Q), ("k", K), ("v", V))]
        y = attention(*nodes, mask)
        out, *gradient = ga.compile(nodes, [y, *ga.grad(ga.sum(y**2), nodes)])(Q, K, V)
        np.testing.assert_allclose(out, expected, rtol=1e-12)
        assert all(np.all(np.isfinite(g)) for g in gradient)
        np.testing.assert_array_equal(gradient[0][0, :, 1], 0)


def test_large_scores_do_not_overflow():
    q = np.full((1, 2, 4), 1e4)
    nodes = [declare("q", q.shape), declare("k", q.shape)]
    y = attention(*nodes, np.arange(4.0).reshape(1, 2, 2))
    out, *gradient = ga.compile(nodes, [y, *ga.grad(ga.sum(y), nodes)])(q, q)
    np.testing.assert_allclose(out, [[[1, 2], [1, 2]]])
    assert all(np.all(np.isfinite(g)) for g in gradient)


def test_first_and_second_order_with_named_sizes():
    shapes = (("n", "targets", 3), ("n", "sources", 3), ("n", "sources", 2))
    nodes = [declare(n, s) for n, s in zip("qkv", shapes, strict=True)]
    values = [RNG.standard_normal(s) for s in ((2, 4, 3), (2, 5, 3), (2, 5, 2))]
    tangents = [declare(f"t{k}", s) for k, s in enumerate(shapes)]
    direction = [RNG.standard_normal(v.shape) for v in values]
    loss = ga.sum(ga.sin(attention(*nodes, is_causal=True)))
    value, first = ga.compile(nodes, loss), ga.compile(nodes, ga.grad(loss, nodes))
    exact = sum(np.sum(g * d) for g, d in zip(first(*values), direction, strict=True))
    np.testing.assert_allclose(exact, directional(value, values, direction), rtol=1e-7)
    second = ga.compile([*nodes, *tangents], ga.hvp(loss, nodes, tangents))(*values, *direction)
    for k, got in enumerate(second):
        numeric = directional(lambda *a, k=k: first(*a)[k], values, direction)
        np.testing.assert_allclose(got, numeric, rtol=1e-6, atol=1e-7)


def test_named_number_of_features():
    q, k = declare("q", (2, "f")), declare("k", (3, "f"))
    got = ga.compile([q, k], attention(q, k, np.eye(3)))(Q[0, 0, :2], K[0, 0, :3])
    np.testing.assert_allclose(got, direct(Q[0, 0, :2], K[0, 0, :3], np.eye(3)), rtol=1e-12)


def test_dropout_in_attention():
    nodes = [declare(n, a.shape) for n, a in (("q", Q), ("k", K))]
    weights = attention(*nodes, np.eye(6), dropout_p=0.5)
    got = ga.compile(nodes, weights)(Q, K, rng=np.random.default_rng(1))
    full = direct(Q, K, np.eye(6))
    assert 0.2 < np.mean(got == 0) < 0.8
    np.testing.assert_allclose(got[got != 0], 2 * full[got != 0])


# Dropout --------------------------------------------------------------------------------------------------------------


def test_dropout_drops_and_scales():
    x = declare("x", ("n", 50))
    y = nn.dropout(x, 0.2)
    f = ga.compile(x, [y, ga.grad(ga.sum(y**2), x)])
    v = RNG.standard_normal((200, 50)) + 10
    out, dx = f(v, rng=np.random.default_rng(0))
    kept = out != 0
    assert abs(np.mean(kept) - 0.8) < 0.02
    np.testing.assert_allclose(out[kept], v[kept] / 0.8)
    np.testing.assert_allclose(dx, np.where(kept, 2 * v / 0.8**2, 0))  # backward uses the same draw
    again, _ = f(v, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(out, again)


def test_dropout_of_nothing_and_of_all():
    x = declare("x", (3,))
    assert nn.dropout(x, 0.5, training=False) is x
    assert nn.dropout(x, 0.0) is x
    y = nn.dropout(x, 1.0)
    v = np.array([1.0, np.inf, np.nan])
    out, dx = ga.compile(x, [y, ga.grad(ga.sum(y), x)])(v, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(out, 0)
    np.testing.assert_array_equal(dx, 0)


def test_dropout_keeps_float32():
    x = declare("x", (4,), "float32")
    y = nn.dropout(x, np.float64(0.5))
    out, dx = ga.compile(x, [y, ga.grad(ga.sum(y), x)])(np.ones(4, "float32"), rng=np.random.default_rng(0))
    assert out.dtype == dx.dtype == np.float32


# Embedding ------------------------------------------------------------------------------------------------------------


def test_embedding_and_its_gradient():
    ids, table = declare("ids", ("n", 3), "int64"), declare("table", (5, 4))
    y = nn.embedding(ids, table)
    f = ga.compile([ids, table], [y, ga.grad(ga.sum(y**2), table)])
    i, t = np.array([[0, 4, 0], [2, 0, 4]]), RNG.standard_normal((5, 4))
    out, dt = f(i, t)
    np.testing.assert_array_equal(out, t[i])
    np.testing.assert_allclose(dt, 2 * t * np.array([3, 0, 1, 0, 2])[:, None])


@pytest.mark.parametrize("row", [4, -1])
def test_padding_row_gets_no_gradient(row):
    table = declare("table", (5, 4))
    y = nn.embedding(np.array([0, 4, 0, 2]), table, padding_idx=row)
    out, dt = ga.compile(table, [y, ga.grad(ga.sum(y), table)])(t := RNG.standard_normal((5, 4)))
    np.testing.assert_array_equal(out, t[[0, 4, 0, 2]])
    np.testing.assert_array_equal(dt[:, 0], [2, 0, 1, 0, 0])


def test_one_hot_is_there():
    np.testing.assert_array_equal(run(lambda i: nn.one_hot(i, 3), np.array([2, 0])), [[0, 0, 1], [1, 0, 0]])


X = declare("x", (2, 4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: attention(X, declare("k", (2, 4, 5)), X), "query has 3 features, key 5"),
        (lambda: attention(X, X, declare("v", (2, 5, 3))), "key has 4 positions, value 5"),
        (lambda: attention(X, X, declare("v", (3,))), "v has 1 axes"),
        (lambda: attention(X, X, X, np.zeros((3, 3))), r"the mask \[3, 3\] does not fit the scores \[2, 4, 4\]"),
        (lambda: attention(X, X, X, np.zeros((4, 4)), is_causal=True), "not both"),
        (lambda: nn.dropout(X, 1.5), "p must lie between 0 and 1, not 1.5"),
        (lambda: nn.embedding(X, X[0]), "must hold integers, not float64"),
        (lambda: nn.embedding(np.array([0]), X), "has 3 axes, needs 2"),
    ],
)
def test_errors_when_the_graph_is_built(call, message):
    with pytest.raises(ga.GraphadError, match=message):
        call()
