"""Attention with heads, positions, blocks: PyTorch's numbers, masks, named sizes, dropout."""

import json
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, DTypeError, ShapeError

REFERENCE = json.loads(Path(__file__).with_name("transformer_reference.json").read_text())["cases"]
RNG = np.random.default_rng(0)
X = ga.input("x", ("batch", "T", 4))


# PyTorch ------------------------------------------------------------------------------------------------------------


def attention_arrays(arrays, prefix=""):
    """PyTorch's arrays of one attention: W_q, W_k, W_v, W_o and their biases."""
    weights = [arrays.get(f"{prefix}{k}_proj_weight") for k in "qkv"]
    weights = np.split(np.array(arrays[f"{prefix}in_proj_weight"]), 3) if weights[0] is None else weights
    biases = np.split(np.array(arrays[f"{prefix}in_proj_bias"]), 3)
    end = [np.array(arrays[f"{prefix}out_proj.{part}"]) for part in ("weight", "bias")]
    return [*(np.array(w).T for w in weights), end[0].T, *biases, end[1]]


def arrays_of(kind, arrays):
    """PyTorch's arrays in the order of `parameters`."""
    if kind == "attention":
        return attention_arrays(arrays)
    found = attention_arrays(arrays, "self_attn.")
    if kind == "decoder":
        found += attention_arrays(arrays, "multihead_attn.")
    for linear in ("linear1", "linear2"):
        found += [np.array(arrays[f"{linear}.weight"]).T, np.array(arrays[f"{linear}.bias"])]
    for norm in ("norm1", "norm2", "norm3")[: 3 if kind == "decoder" else 2]:
        found += [np.array(arrays[f"{norm}.{part}"]) for part in ("weight", "bias")]
    return found


def layer_of(kind, options):
    """The layer, and the arguments besides its inputs."""
    mask, alive, added = (options.get(k) for k in ("mask", "alive", "added"))
    arguments = {} if added is None else {"mask": np.array(added).reshape(2, 2, 3, 3)}
    if alive is not None:
        arguments["mask"] = np.array(alive)[:, None, :]
    causal = mask is not None or kind == "decoder"
    if kind == "attention":
        return nn.MultiHeadAttention(4, 2, causal=causal, n_source=3 if options["cross"] else None), arguments
    activation = nn.relu if options["activation"] == "relu" else nn.gelu
    more = {"norm_first": options["norm_first"], "cross": kind == "decoder"}
    return nn.TransformerBlock(4, 2, 5, activation, causal, **more), arguments


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("case", REFERENCE, ids=lambda c: c["kind"])
def test_values_and_gradients_are_those_of_torch(case, named):
    layer, arguments = layer_of(case["kind"], case["options"])
    values = [np.array(v) for v in case["inputs"]]
    fixed = named and "mask" not in arguments
    sizes = [("batch", size, v.shape[2]) if fixed else v.shape for size, v in zip("TS", values, strict=False)]
    inputs = [ga.input(f"x{k}", shape) for k, shape in enumerate(sizes)]
    if named and not fixed:  # a mask of fixed size, or one that is an input, too
        mask = arguments["mask"]
        inputs = [ga.input("x0", ("batch", "T", 4))]
        arguments = {"mask": ga.input("mask", {3: ("batch", 1, "T"), 4: ("batch", 2, "T", "T")}[mask.ndim], mask.dtype)}
    y = layer(*inputs, **arguments)
    parameters = nn.parameters(layer)
    wrt = [*inputs, *parameters]
    masks = [m for m in arguments.values() if isinstance(m, ga.Node)]
    f = ga.compile([*wrt, *masks], [y, *ga.grad(ga.sum(y**2), wrt)])
    arrays = arrays_of(case["kind"], case["parameters"])
    out, *slopes = f(*values, *arrays, *([mask] if masks else []))
    np.testing.assert_allclose(out, case["y"], rtol=1e-11, atol=1e-13)
    expected = [*case["d_inputs"], *arrays_of(case["kind"], case["d_parameters"])]
    for mine, theirs in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


# Attention ----------------------------------------------------------------------------------------------------------


def test_values_of_their_own_and_no_batch():
    attention = nn.MultiHeadAttention(4, 1)
    q, k, v = (ga.input(n, (s, 4)) for n, s in (("q", "T"), ("k", "S"), ("v", "S")))
    f = ga.compile([q, k, v, *nn.parameters(attention)], attention(q, k, v))
    a, b, c = (RNG.standard_normal((n, 4)) for n in (3, 2, 2))
    start = nn.initial(attention, 0)
    W_q, W_k, W_v, W_o, *_ = start.values()
    weights = np.exp((a @ W_q) @ (b @ W_k).T / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(f(a, b, c, **start), weights @ c @ W_v @ W_o, rtol=1e-12)


def test_what_is_masked_does_not_matter():
    """Causal: a change of the last position changes nothing before it; filled-up positions change nothing at all."""
    block, mask = nn.TransformerBlock(4, 2, causal=True), ga.input("mask", ("batch", 1, "T"), "bool")
    f = ga.compile([X, mask, *nn.parameters(block)], block(X, mask=mask))
    start, x = nn.initial(block, 0), RNG.standard_normal((2, 5, 4))
    other = x.copy()
    other[:, 4] = RNG.standard_normal(4)  # not all moved alike, which a norm does not see
    alive = np.ones((2, 1, 5), bool)
    a, b = f(x, alive, **start), f(other, alive, **start)
    np.testing.assert_allclose(a[:, :4], b[:, :4], rtol=1e-12)
    assert np.all(a[:, 4] != b[:, 4])
    free = nn.TransformerBlock(4, 2)
    g = ga.compile([X, mask, *nn.parameters(free)], free(X, mask=mask))
    alive[0, 0, 4] = False
    start = nn.initial(free, 0)
    a, b = g(x, alive, **start), g(other, alive, **start)
    np.testing.assert_allclose(a[0, :4], b[0, :4], rtol=1e-13)
    assert np.all(a[1, :4] != b[1, :4])


def test_added_masks_meet_causal_ones():
    attention = nn.MultiHeadAttention(4, 2, causal=True)
    mask = RNG.standard_normal((5, 5))
    plain = nn.MultiHeadAttention(4, 2, name="attention")
    both = np.where(np.tri(5, dtype=bool), mask, -np.inf)
    x = RNG.standard_normal((2, 5, 4))
    start = nn.initial(attention, 0)
    got = ga.compile([X, *nn.parameters(attention)], attention(X[:, :5], mask=mask))(x, **start)
    expected = ga.compile([X, *nn.parameters(plain)], plain(X[:, :5], mask=both))(x, **start)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_dropout_acts_in_training_only():
    for layer in (
        nn.MultiHeadAttention(4, 2, dropout=0.5),
        nn.TransformerBlock(4, 2, dropout=0.5),
        nn.PositionalEncoding(4, dropout=0.5),
        nn.LearnedPositions(9, 4, dropout=0.5),
    ):
        calm = layer(X)
        with nn.training():
            noisy = layer(X)
        f = ga.compile([X, *nn.parameters(layer)], [calm, noisy])
        x, start = RNG.standard_normal((2, 5, 4)), nn.initial(layer, 0)
        results = [f(x, **start, rng=np.random.default_rng(k)) for k in (0, 0, 1)]
        np.testing.assert_array_equal(results[0][0], results[2][0])
        np.testing.assert_array_equal(results[0][1], results[1][1])
        assert np.any(results[0][1] != results[2][1])
        assert np.any(results[0][1] != results[0][0])


# Positions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [4, 5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_positions_by_the_formula(features, dtype):
    x = ga.input("x", ("batch", "T", features), dtype)
    y = nn.PositionalEncoding(features, base=100.0)(x)
    assert y.dtype == dtype
    got = ga.compile([x], y)(np.zeros((2, 30, features), dtype))
    for t in range(30):
        for k in range(features):
            angle = t / 100 ** ((k - k % 2) / features)
            assert got[1, t, k] == pytest.approx(np.cos(angle) if k % 2 else np.sin(angle), abs=1e-6)


def test_learned_positions_get_gradients_where_they_are_used():
    positions = nn.LearnedPositions(6, 4)
    W = positions.positions.W
    y = positions(X)
    assert [p.name for p in nn.parameters(positions)] == ["positions_positions_W"]
    f = ga.compile([X, W], [y, ga.grad(ga.sum(y), W)])
    table = RNG.standard_normal((6, 4))
    out, slope = f(np.zeros((3, 5, 4)), table)
    np.testing.assert_array_equal(out, np.broadcast_to(table[:5], (3, 5, 4)))
    np.testing.assert_array_equal(slope, np.repeat([3, 3, 3, 3, 3, 0], 4).reshape(6, 4))
    with pytest.raises(IndexError):
        f(np.zeros((3, 7, 4)), table)
    assert nn.initial(nn.LearnedPositions(500, 40), 0)["positions_W"].std() == pytest.approx(0.02, rel=0.05)


# Names and errors ---------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_parts():
    block = nn.TransformerBlock(4, 2)
    others = [nn.TransformerBlock(4, 2, cross=True) for _ in range(2)]
    names = [p.name for p in nn.parameters([block, *others])]
    assert {"block_attention_W_q", "block_hidden_b", "block_out_W", "block_norm_gamma", "block_norm_2_beta"} <= {*names}
    assert {"attention_W_q", "attention_2_b_o", "cross_attention_2_W_v", "hidden_2_W", "norm_6_gamma"} <= {*names}
    given = nn.TransformerBlock(4, 2, name="top")
    assert nn.parameters(given)[0].name == "top_attention_W_q"
    assert repr(others[0]) == "TransformerBlock(n_model=4, heads=2, cross=True)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MultiHeadAttention(4, 3), ArgumentError, "3 heads do not divide 4 features"),
        (lambda: nn.MultiHeadAttention(4, 2, dropout=2), ArgumentError, "dropout must lie between 0 and 1, not 2"),
        (lambda: nn.MultiHeadAttention(8, 2)(X), ShapeError, "MultiHeadAttention: x is .* needs 8 features"),
        (lambda: nn.MultiHeadAttention(4, 2)(X[0, 0]), ShapeError, r"needs the axes \(..., T, features\)"),
        (lambda: nn.MultiHeadAttention(4, 2)(X, mask=np.ones((7, 2, 2, 2), bool)), ShapeError, "mask"),
        (lambda: nn.MultiHeadAttention(4, 2)(X, mask=np.ones((1, 1), int)), DTypeError, "must not be int64"),
        (lambda: nn.TransformerBlock(4, 2)(X, X), ArgumentError, "a second sequence is given"),
        (lambda: nn.TransformerBlock(4, 2, cross=True)(X), ArgumentError, "no second sequence is given"),
        (lambda: nn.LearnedPositions(3, 4)(ga.input("z", (5, 4))), ShapeError, "z has 5 positions, there are 3"),
        (lambda: nn.TransformerBlock(4, 2, name="a b"), ArgumentError, "cannot be the name of a layer"),
    ],
)
def test_wrong_use_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
