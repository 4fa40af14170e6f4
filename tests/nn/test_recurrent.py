"""RNN, LSTM, GRU: PyTorch's numbers, the loop written out, zoneout, both directions, stacks."""

import json
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, GraphError, ShapeError

REFERENCE = json.loads(Path(__file__).with_name("recurrent_reference.json").read_text())["cases"]
RNG = np.random.default_rng(0)
KINDS = [nn.RNN, nn.LSTM, nn.GRU]


# PyTorch ------------------------------------------------------------------------------------------------------------


def layer_of(case):
    """The layer of a case, and its recurrent layers in PyTorch's order."""
    kind, options = getattr(nn, case["kind"]), dict(case["options"])
    both, depth = options.pop("bidirectional", False), options.pop("num_layers", 1)
    if options.pop("nonlinearity", None):
        options["activation"] = nn.relu
    rows, floors = [], []
    for k in range(depth):
        n_in = 3 if k == 0 else 2 * (1 + both)
        parts = [kind(n_in, 2, **options)] + ([kind(n_in, 2, reverse=True, **options)] if both else [])
        rows.extend(parts)
        floors.append(nn.Bidirectional(*parts) if both else parts[0])
    return floors[0] if depth == 1 else nn.RecurrentStack(*floors), rows


def by_name(arrays, row, kind, b_is_a_sum):
    """PyTorch's arrays of one recurrent layer, as this project keeps them."""
    depth, second = divmod(row, 2) if any("reverse" in name for name in arrays) else (row, 0)
    end = f"_l{depth}{'_reverse' * second}"
    W_x, W_h, b_x, b_h = (np.array(arrays[f"{n}{end}"]) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return [W_x.T, W_h.T, *([b_x, b_h] if kind == "GRU" else [b_x + b_h if b_is_a_sum else b_x])]


def nested(case, parts, depth):
    """The states of the layers, row by row, in the nesting of the layer that holds them."""
    states = [tuple(p[k] for p in parts) if len(parts) > 1 else parts[0][k] for k in range(len(parts[0]))]
    if case["options"].get("bidirectional"):
        states = [tuple(states[k : k + 2]) for k in range(0, len(states), 2)]
    return tuple(states) if depth > 1 else states[0]


def flat(state):
    return [x for s in state for x in flat(s)] if isinstance(state, tuple) else [state]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("case", REFERENCE, ids=lambda c: "-".join([c["kind"], *c["options"]]))
def test_values_and_gradients_are_those_of_torch(case, named):
    layer, rows = layer_of(case)
    value = np.array(case["x"])
    sizes = (("batch", "T") if case["options"].get("batch_first") else ("T", "batch")) if named else value.shape[:2]
    x = ga.input("x", (*sizes, 3))
    first = [np.array(h) for h in case["first"]]
    given = [ga.input(f"s{k}", (h.shape[0], "batch" if named else 2, 2)) for k, h in enumerate(first)]
    ys, last = layer(x, nested(case, given, case["options"].get("num_layers", 1)) if first else None)
    loss = ga.sum(ys**2) + ga.sum_n(*[ga.sum(ga.sin(h)) for h in flat(last)])
    parameters = nn.parameters(layer)
    arrays = [a for k in range(len(rows)) for a in by_name(case["parameters"], k, case["kind"], True)]
    slopes = [a for k in range(len(rows)) for a in by_name(case["d_parameters"], k, case["kind"], False)]
    f = ga.compile([x, *given, *parameters], [ys, *flat(last), *ga.grad(loss, [x, *given, *parameters])])
    got = f(value, *first, *arrays)
    count = 1 + len(flat(last))
    expected = [np.array(h) for h in zip(*case["last"], strict=True)]  # row by row, h and c side by side
    np.testing.assert_allclose(got[0], case["ys"], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(got[1:count], np.concatenate(expected), rtol=1e-11, atol=1e-13)
    for mine, theirs in zip(got[count:], [case["d_x"], *case["d_first"], *slopes], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


# Loops --------------------------------------------------------------------------------------------------------------


def results(layer, x, ys, last):
    parameters = nn.parameters(layer)
    loss = ga.sum(ga.sin(ys)) + ga.sum_n(*[ga.sum(h**2) for h in flat(last)])
    gradient = ga.grad(loss, [x, *parameters])
    second = ga.grad(ga.sum_n(*[ga.sum(ga.sin(g)) for g in gradient]), parameters)
    return ga.compile([x, *parameters], [loss, *gradient, *second])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_the_loop_written_out_in_two_orders(kind, reverse):
    layer = kind(3, 4, reverse=reverse)
    x = ga.input("x", (5, 2, 3))
    state, said = layer.zero_state(2), {}
    for t in reversed(range(5)) if reverse else range(5):
        state, said[t] = layer.cell(state, x[t])
    plain = results(layer, x, ga.stack([said[t] for t in range(5)]), state)
    loop = results(layer, x, *layer(x))
    value, start = RNG.standard_normal((5, 2, 3)), nn.initial(layer, 0)
    for mine, theirs in zip(loop(value, **start), plain(value, **start), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_does_not_grow_with_the_number_of_steps(kind):
    def source(T):
        x = ga.input("x", (T, 2, 3))
        layer = kind(3, 4)
        return ga.compile([x, *nn.parameters(layer)], ga.grad(ga.sum(layer(x)[0] ** 2), nn.parameters(layer))).source

    assert len(source(700).splitlines()) == len(source(300).splitlines()) < 120


@pytest.mark.parametrize("kind", KINDS)
def test_no_steps_one_step_and_rows_without_a_batch(kind):
    layer = kind(3, 4)
    x = ga.input("x", ("T", 3))
    ys, last = layer(x)
    f = ga.compile([x, *nn.parameters(layer)], [ys, *flat(last)])
    start = nn.initial(layer, 0)
    none, h, *_ = f(np.zeros((0, 3)), **start)
    assert none.shape == (0, 4)
    np.testing.assert_array_equal(h, np.zeros(4))
    one, h, *_ = f(np.ones((1, 3)), **start)
    np.testing.assert_array_equal(one[0], h)
    assert one.any()


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32(kind):
    layer, x = kind(3, 4, dtype="float32", zoneout=0.1), ga.input("x", ("T", 2, 3), "float32")
    with nn.training():
        ys, last = layer(x)
    assert {v.dtype for v in (ys, *flat(last))} == {np.dtype("float32")}
    mixed, _ = layer(ga.input("x", ("T", 2, 3)))
    assert mixed.dtype == np.float64
    start = nn.initial(layer, 0)
    assert {a.dtype for a in start.values()} == {np.dtype("float32")}


def test_the_cell_samples_by_a_loop_of_the_user():
    """What the layer says becomes its next input."""
    gru = nn.GRU(4, 4)
    x = ga.input("x", (2, 4))

    def step(carry, _):
        state, element = carry
        state, y = gru.cell(state, element)
        return (state, y), y

    _, said = ga.scan(step, (gru.zero_state(2), x), length="T")
    f = ga.compile([x, ga.input("other", ("T",)), *nn.parameters(gru)], said)
    start, value = nn.initial(gru, 0), RNG.standard_normal((2, 4))
    got = f(value, np.zeros(6), **start)
    h, w = np.zeros((2, 4)), list(start.values())
    for y in got:
        a, b = value @ w[0] + w[2], h @ w[1] + w[3]
        r, z = (1 / (1 + np.exp(-a[:, s] - b[:, s])) for s in (slice(0, 4), slice(4, 8)))
        h = value = (1 - z) * np.tanh(a[:, 8:] + r * b[:, 8:]) + z * h
        np.testing.assert_allclose(y, h, rtol=1e-12)


def test_a_first_state_that_is_learned():
    lstm, x, h0 = nn.LSTM(3, 4), ga.input("x", ("T", "batch", 3)), ga.parameter("h0", (4,))
    _, (_, c) = lstm(x, (h0, h0))
    g = ga.compile([x, h0, *nn.parameters(lstm)], [c, ga.grad(ga.sum(c), h0)])
    start = nn.initial(lstm, 0)
    value, at, step = RNG.standard_normal((3, 5, 3)), np.ones(4), np.eye(4)[1] * 1e-6
    slope = (np.sum(g(value, at + step, **start)[0]) - np.sum(g(value, at - step, **start)[0])) / 2e-6
    np.testing.assert_allclose(g(value, at, **start)[1][1], slope, rtol=1e-6)


# Initial values -----------------------------------------------------------------------------------------------------


def test_each_block_starts_by_itself():
    layer = nn.LSTM(30, 40, forget_bias=1.0)
    W_x, W_h, b = nn.initial(layer, 0).values()
    for k in range(4):
        block = W_h[:, 40 * k : 40 * (k + 1)]
        np.testing.assert_allclose(block @ block.T, np.eye(40), atol=1e-12)
        assert k == 0 or np.all(block != W_h[:, :40])
    assert np.sqrt(6 / 70) * 0.98 < abs(W_x).max() <= np.sqrt(6 / 70)
    np.testing.assert_array_equal(b, np.repeat([0, 1, 0, 0], 40))
    assert not nn.initial(nn.GRU(3, 4), 0)["gru_b_h"].any()


# Zoneout ------------------------------------------------------------------------------------------------------------


def test_zoneout_keeps_elements_with_its_probability():
    x = ga.input("x", ("T", 50, 3))
    layer = nn.RNN(3, 40, zoneout=0.3)
    with nn.training():
        ys, _ = layer(x)
    f = ga.compile([x, *nn.parameters(layer)], [ys, *ga.grad(ga.sum(ys**2), nn.parameters(layer))])
    value, start = RNG.standard_normal((20, 50, 3)), nn.initial(layer, 0)
    said, *slopes = f(value, **start, rng=np.random.default_rng(0))
    before = np.concatenate([np.zeros((1, 50, 40)), said[:-1]])
    kept = said == before
    assert abs(kept.mean() - 0.3) < 0.01
    assert kept.mean(axis=(1, 2)).min() > 0.25  # each step has draws of its own
    plain = np.tanh(value @ start["layer_W_x"] + before @ start["layer_W_h"] + start["layer_b"])
    np.testing.assert_allclose(said[~kept], plain[~kept], rtol=1e-12)
    b, step = start["layer_b"], np.zeros(40)
    step[7] = 1e-6
    up, down = (
        np.sum(f(value, **(start | {"layer_b": b + s}), rng=np.random.default_rng(0))[0] ** 2) for s in (step, -step)
    )
    np.testing.assert_allclose(slopes[2][7], (up - down) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("zoneout", [0.25, (0.25, 0.0), (0.0, 0.5)])
def test_zoneout_outside_of_training_is_the_expectation(zoneout):
    x = ga.input("x", (1, 2, 3))
    layer, plain = nn.LSTM(3, 4, zoneout=zoneout, name="w"), nn.LSTM(3, 4, name="w")
    first = tuple(ga.constant(RNG.standard_normal((2, 4))) for _ in "hc")
    _, expected = plain(x, first)
    ys, last = layer(x, first)
    value, start = RNG.standard_normal((1, 2, 3)), nn.initial(layer, 0)
    old = [s.attrs["value"] for s in first]
    new = ga.compile([x, *nn.parameters(plain)], expected)(value, **start)
    got = ga.compile([x, *nn.parameters(layer)], [ys[0], *last])(value, **start)
    rates = zoneout if isinstance(zoneout, tuple) else (zoneout,) * 2
    wanted = [p * a + (1 - p) * b for p, a, b in zip(rates, old, new, strict=True)]
    np.testing.assert_allclose(got, [wanted[0], *wanted], rtol=1e-12)


def test_zoneout_of_a_loop_of_the_user_needs_draws():
    x = ga.input("x", ("T", 2, 3))
    layer = nn.GRU(3, 4, zoneout=0.5)
    draws = ga.random.uniform(shape=(*x.shape[:-1], 4))
    with nn.training():
        with pytest.raises(GraphError, match="a draw inside the step"):
            ga.scan(layer.cell, layer.zero_state(2), x)
        _, ys = ga.scan(lambda s, e: layer.cell(s, e[0], (e[1],)), layer.zero_state(2), (x, draws))
    f = ga.compile([x, *nn.parameters(layer)], ys)
    said = f(np.ones((50, 2, 3)), **nn.initial(layer, 0), rng=np.random.default_rng(1))
    assert 0.4 < np.mean(said[1:] == said[:-1]) < 0.6


# Stacks and errors ----------------------------------------------------------------------------------------------------


def test_a_stack_takes_functions_between_its_layers():
    x = ga.input("x", ("T", "batch", 3))
    lower, upper = nn.GRU(3, 4), nn.RNN(5, 2)
    between = nn.Linear(4, 5)
    stack = nn.RecurrentStack(lower, between, ga.tanh, upper)
    ys, last = stack(x)
    again, h = upper(ga.tanh(between(lower(x)[0])))
    f = ga.compile([x, *nn.parameters(stack)], [ys, again, last[1], h])
    a, b, c, d = f(RNG.standard_normal((4, 2, 3)), **nn.initial(stack, 0))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(c, d)
    np.testing.assert_array_equal(a[-1], c)
    assert len(last) == 2


X = ga.input("x", ("T", "batch", 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LSTM(4, 2)(X), ShapeError, r"LSTM: x is f64\[T, batch, 3\], needs 4 features"),
        (lambda: nn.RNN(3, 2)(X[0, 0]), ShapeError, r"needs the axes \(T, batch, features\)"),
        (lambda: nn.RNN(3, 2, batch_first=True)(X[0]), ShapeError, r"needs the axes \(batch, T, features\)"),
        (lambda: nn.LSTM(3, 2)(X, X[0]), ArgumentError, r"LSTM: the state is \(h, c\), not 1 arrays"),
        (lambda: nn.GRU(3, 2)(X, ga.zeros((7, 2))), ShapeError, r"GRU: the state h is \[7, 2\], needs \[batch, 2\]"),
        (lambda: nn.Sequential(nn.LSTM(3, 2), nn.Linear(2, 1))(X), ArgumentError, "Linear takes one array, not 2"),
        (lambda: nn.GRU(3, 2, zoneout="half"), ArgumentError, "not half"),
        (lambda: nn.GRU(3, 2, zoneout=1.5), ArgumentError, r"GRU: zoneout must be a probability.*\(h\), not 1.5"),
        (lambda: nn.LSTM(3, 2, zoneout=(0.1, 0.1, 0.1)), ArgumentError, r"each part of the state \(h, c\)"),
        (lambda: nn.Bidirectional(nn.GRU(3, 2), nn.GRU(3, 2)), ArgumentError, "must have reverse=True"),
        (lambda: nn.Bidirectional(nn.GRU(3, 2), ga.tanh), ArgumentError, "two recurrent layers"),
        (
            lambda: nn.Bidirectional(nn.GRU(3, 2), nn.GRU(3, 2, reverse=True, batch_first=True)),
            ArgumentError,
            "batch_first",
        ),
        (lambda: nn.RecurrentStack([nn.GRU(3, 2)]), ArgumentError, "step 0 is a list"),
        (lambda: nn.RecurrentStack(nn.GRU(3, 2))(X, X), ArgumentError, "a tuple of 1"),
    ],
)
def test_wrong_use_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
