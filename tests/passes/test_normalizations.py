"""Normalizations: scale and shift move into products, with the same values and derivatives."""

import numpy as np
import pytest

import graphad as ga
from graphad.rules import normalizations
from graphad.rules.normalizations import quotient_again, root_of, rows_of

MOVED = {"scale_after_product", "scale_before_rows", "scale_of_matrix"}
SHIFTED = {*MOVED, "shift_of_matrix"}


def network(norm, layers, shape, dtype="float64"):
    """A normalization that several linear layers read: all inputs, the loss, and what was normalized."""
    x = ga.input("x", shape, dtype)
    h = norm(x * x)
    loss = ga.sum_n(*[ga.sum(ga.tanh(layer(h)) * k) for k, layer in enumerate(layers, 1)])
    return [x, *ga.nn.parameters([norm, *layers])], loss, h


def linears(count, bias=True, dtype="float64"):
    return [ga.nn.Linear(6, 4, bias=bias, name=f"layer_{k}", dtype=dtype) for k in range(count)]


def norm(kind, dtype="float64"):
    return {"layer": ga.nn.LayerNorm, "rms": ga.nn.RMSNorm, "batch": ga.nn.BatchNorm}[kind](6, name="norm", dtype=dtype)


def arrays(inputs, size=5):
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal([s if isinstance(s, int) else size for s in x.shape]).astype(x.dtype.name) for x in inputs
    ]


def fired(f):
    return {name for step in f.report().steps if step.name == "norms" for name in step.fired}


def agree(inputs, outputs, size=5, digits=12):
    """Compiled with the pass and without any; returns the former."""
    f, plain = ga.compile(inputs, outputs), ga.compile(inputs, outputs, optimize="none")
    given = arrays(inputs, size)
    for value, expected in zip(f(*given), plain(*given), strict=True):
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=0, atol=10.0**-digits * np.abs(expected).max(initial=1))
    return f


@pytest.mark.parametrize("size", [5, 1, 0])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [("n", 6), ("n", "T", 6), (3, 6), (2, "n", 3, 6)])
def test_layer_norm_before_layers(shape, count, bias, size):
    inputs, loss, _ = network(norm("layer"), linears(count, bias), shape)
    f = agree(inputs, [loss, *ga.grad(loss, inputs)], size)
    assert fired(f) == {*SHIFTED, "quotient_again", "shift_in_bias" if bias else "scale_in_matrix"}


def test_root_mean_square_has_no_shift():
    inputs, loss, _ = network(norm("rms"), linears(2), ("n", 6))
    f = agree(inputs, [loss, *ga.grad(loss, inputs)])
    assert fired(f) == {*MOVED, "scale_in_matrix", "quotient_again"}


def test_batch_norm():
    with ga.nn.training():
        inputs, loss, _ = network(norm("batch"), linears(1), ("n", 6))
    wrt = [p for p in inputs if "running" not in p.name]
    f = agree(inputs, [loss, *ga.grad(loss, wrt)])
    assert fired(f) >= {*SHIFTED, "shift_in_bias"}


def test_single_precision_and_second_order():
    inputs, loss, _ = network(norm("layer", "float32"), linears(2, dtype="float32"), ("n", 6), "float32")
    gradients = ga.grad(loss, inputs)
    assert fired(agree(inputs, [loss, *gradients], digits=4)) >= SHIFTED
    inputs, loss, _ = network(norm("layer"), linears(2), ("n", 6))
    gradients = ga.grad(loss, inputs)
    second = ga.sum_n(*[ga.sum(g * g) for g in gradients])
    agree(inputs, [loss, *gradients, *ga.grad(second, inputs)], digits=9)


def test_rows_are_read_by_products_alone():
    """No array of all rows is scaled or shifted, and the centered values are not kept for the gradient."""
    inputs, loss, _ = network(norm("layer"), linears(3), ("n", 6))
    f = ga.compile(inputs, [loss, *ga.grad(loss, inputs)])
    assert not [n for n in f.graph.nodes if rows_of(n) is not None]
    (u,) = [n for n in f.graph.nodes if root_of(n) is not None]
    assert {n.op.name for n in f.graph.users[u.inputs[0]]} == {"square", "divide"}


def moved(inputs, outputs):
    return fired(agree(inputs, outputs)) - {"quotient_again"}


def test_left_alone():
    inputs, loss, h = network(norm("layer"), linears(2), ("n", 6))
    gradients = ga.grad(loss, inputs)
    assert not moved(inputs, [loss]), "without the gradient of a matrix it would cost more for few rows"
    assert not moved(inputs, [loss, gradients[0]])
    assert not moved(inputs, [loss, h, *gradients]), "u·γ + β is asked for"
    other = loss + ga.sum(ga.sin(h))
    assert not moved(inputs, [other, *ga.grad(other, inputs)]), "something else reads u·γ + β"
    x, W, scale = ga.input("x", ("n", 6)), ga.parameter("W", (6, 4)), ga.parameter("scale", (6,))
    loss = ga.sum(ga.tanh((x * scale) @ W))
    assert not moved([x, W, scale], [loss, *ga.grad(loss, [x, W, scale])]), "x may be of any size"


def test_what_looks_like_it_and_is_not():
    c, gamma, W = ga.input("c", ("n", 4)), ga.parameter("gamma", (4,)), ga.parameter("W", (4, 4))
    variance = ga.mean(ga.square(c), axis=1, keepdims=True) + 1e-5
    rows = c / ga.sqrt(variance) * gamma
    assert rows_of(rows).scale is gamma
    assert rows_of(c / variance * gamma) is None, "without a root the elements of small rows are large"
    assert normalizations.scale_after_product(ga.transpose(rows, (1, 0)) @ ga.sin(rows @ W)) is not None
    assert normalizations.scale_after_product(ga.transpose(rows[:4], (0, 1)) @ ga.sin(rows[:4] @ W)) is None
    assert len(normalizations.parts_of(c @ ga.transpose(W, (1, 0)))) == 1
    assert normalizations.parts_of(c @ ga.transpose(W, (0, 1))) == []


def test_part_of_the_gradients():
    inputs, loss, _ = network(norm("layer"), linears(2), ("n", 6))
    x, gamma, beta, *rest = inputs
    matrices = [p for p in rest if p.ndim == 2]
    assert fired(agree(inputs, [loss, *ga.grad(loss, matrices)])) == {"shift_in_bias", "scale_after_product"}
    assert fired(agree(inputs, [loss, *ga.grad(loss, [gamma, *matrices])])) == {*MOVED, "shift_in_bias"} - {
        "scale_before_rows"
    }
    assert "shift_of_matrix" in fired(agree(inputs, [loss, *ga.grad(loss, [beta, *matrices])]))
    one = [
        loss,
        *ga.grad(loss, [x, gamma, matrices[0]]),
    ]  # the other matrix has no gradient: Uᵀ @ δ would be extra work
    assert "scale_of_matrix" not in fired(agree(inputs, one))


def test_huge_and_tiny_scales():
    """γ·W is no nearer to the limits of the dtype than the product."""
    inputs, loss, _ = network(norm("layer"), linears(1, bias=False), ("n", 6))
    x, gamma, _, W = inputs
    f = ga.compile(inputs, [loss, *ga.grad(loss, [gamma, W])])
    plain = ga.compile(inputs, [loss, *ga.grad(loss, [gamma, W])], optimize="none")
    for large, small in ((1e150, 1e-150), (1e-150, 1e150), (1e-200, 1.0)):
        given = [*arrays([x]), np.full(6, large), np.zeros(6), small * arrays([W])[0]]
        for value, expected in zip(f(*given), plain(*given), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-8, atol=1e-12 * np.abs(expected).max())


def test_quotient_alone():
    c, s = ga.input("c", ("n", 6)), ga.input("s", ("n", 1))
    sigma = ga.sqrt(ga.mean(c * c, axis=1, keepdims=True) + 1e-5)
    squared = ga.sqrt(ga.mean(ga.square(c), axis=1, keepdims=True) + 1e-5)
    assert quotient_again(c * (s / sigma / 6)) is None, "c² is not written as a square: simplification does that"
    again = quotient_again(c * (s / squared / 6))
    f = agree([c, s], [c * (s / squared / 6), again])
    assert f.graph.outputs[0] is not None
    assert root_of(again.inputs[1]) is squared
    assert quotient_again(c * (s / (1 + squared))) is None


@pytest.mark.parametrize("name", ["_column", "_total", "_gathered"])
def test_planted_mistakes_are_seen(monkeypatch, name):
    inputs, loss, _ = network(norm("layer"), linears(2), ("n", 6))
    outputs = [loss, *ga.grad(loss, inputs)]
    agree(inputs, outputs)
    original = getattr(normalizations, name)
    monkeypatch.setattr(normalizations, name, lambda *args: -original(*args))
    with pytest.raises(AssertionError):
        agree(inputs, outputs)
