"""Layers as data: names, sharing, initial values, the mode of training."""

from dataclasses import dataclass

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, GraphError, ShapeError

X = ga.input("x", ("batch", 8))


def test_names_are_the_variable_the_name_or_the_kind_with_a_number():
    hidden = nn.Linear(8, 4)
    given = nn.Linear(4, 4, name="given")
    model = nn.Sequential(hidden, ga.tanh, given, nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 2)))
    assert [p.name for p in nn.parameters(model)][::2] == ["hidden_W", "given_W", "linear_W", "linear_2_W"]


def test_names_avoid_what_is_upstream():
    h = nn.Linear(8, 4)(X)
    y = nn.Linear(4, 2)(ga.tanh(h))
    g = ga.Graph(_placeholders(y), [y])
    assert {n.name for n in g.inputs} == {"x", "linear_W", "linear_b", "linear_2_W", "linear_2_b"}


def _placeholders(node):
    found, waiting = {}, [node]
    while waiting:
        n = waiting.pop()
        if "placeholder" in n.op.traits:
            found[n] = None
        waiting.extend(n.inputs)
    return list(found)


def test_two_given_names_that_meet_are_an_error():
    model = [nn.Linear(8, 2, name="a"), nn.Linear(8, 2, name="a")]
    y = model[0](X) + model[1](X)
    with pytest.raises(GraphError, match="two inputs are named 'a_W'"):
        ga.Graph([X, *nn.parameters(model)], [y])


def test_the_same_program_twice_gives_the_same_source():
    def source():
        model = nn.Sequential(nn.Linear(8, 4), nn.relu, nn.Linear(4, 1))
        loss = ga.mean(model(X) ** 2)
        parameters = nn.parameters(model)
        return ga.compile([X, *parameters], ga.grad(loss, parameters)).source

    assert source() == source()


def test_a_layer_used_twice_shares_its_parameters():
    """A siamese pair: the gradient is the sum of both uses."""
    other = ga.input("other", ("batch", 8))
    tower = nn.Sequential(nn.Linear(8, 5), ga.tanh)
    loss = ga.mean((tower(X) - tower(other)) ** 2)
    W, b = nn.parameters(tower)
    d_W = ga.grad(loss, W)
    assert d_W.op.name == "sum_n"
    f = ga.compile([X, other, W, b], [loss, d_W])
    rng = np.random.default_rng(0)
    a, c, w, v = rng.normal(size=(6, 8)), rng.normal(size=(6, 8)), rng.normal(size=(8, 5)), rng.normal(size=5)
    step = np.zeros((8, 5))
    step[3, 2] = 1e-6
    numeric = (f(a, c, w + step, v)[0] - f(a, c, w - step, v)[0]) / 2e-6
    np.testing.assert_allclose(f(a, c, w, v)[1][3, 2], numeric, rtol=1e-6)


def test_values_of_linear_bilinear_embedding_flatten_residual_lambda():
    rng = np.random.default_rng(0)
    lin, bi, table = nn.Linear(8, 3), nn.Bilinear(8, 3, 2), nn.Embedding(5, 4, padding=0)
    ids = ga.input("ids", ("batch", 2), "int64")
    outs = [
        lin(X),
        bi(X, lin(X)),
        nn.Flatten()(table(ids)),
        nn.Residual(lin, shortcut=lambda x: x[:, :3])(X),
        nn.Lambda(ga.reshape, shape=(-1, 4))(X),
    ]
    model = [lin, bi, table]
    start = nn.initial(model, 3)
    f = ga.compile([X, ids, *nn.parameters(model)], outs)
    x, i = rng.normal(size=(6, 8)), rng.integers(0, 5, (6, 2))
    got = f(x, i, **start)
    W, b, V, c, E = start.values()
    y = x @ W + b
    np.testing.assert_allclose(got[0], y)
    np.testing.assert_allclose(got[1], np.stack([((x @ V[k]) * y).sum(1) for k in range(2)], 1) + c)
    np.testing.assert_array_equal(got[2], E[i].reshape(6, 8))
    np.testing.assert_allclose(got[3], x[:, :3] + y)
    np.testing.assert_array_equal(got[4], x.reshape(-1, 4))


def test_initial_values_follow_the_seed_and_the_dtype():
    model = nn.Sequential(nn.Linear(200, 300, dtype="float32"), nn.Linear(300, 10, start=nn.init.zeros))
    first, again, other = nn.initial(model, 0), nn.initial(model, np.random.default_rng(0)), nn.initial(model, 1)
    W = first["linear_W"]
    assert W.dtype == np.float32
    assert abs(W).max() <= np.sqrt(6 / 500)
    np.testing.assert_allclose(W.var(), 2 / 500, rtol=0.02)
    assert not first["linear_2_W"].any()
    np.testing.assert_array_equal(W, again["linear_W"])
    assert (other["linear_W"] != W).mean() > 0.9


def test_layers_of_users_are_found():
    @dataclass(frozen=True, eq=False)
    class Block(nn.Layer):
        parts: list
        scale: ga.Node

        def forward(self, x):
            return self.scale * self.parts[0](x) + self.parts[1](x)

    class Plain(nn.Layer):
        def __init__(self):
            self.inner = {"a": nn.Linear(8, 1)}

        def forward(self, x):
            return self.inner["a"](x)

    scale = ga.parameter("scale", ())
    model = nn.Sequential(Block([nn.Linear(8, 8), nn.Linear(8, 8)], scale), Plain())
    model(X)
    names = [p.name for p in nn.parameters(model)]
    assert names == ["scale", "linear_W", "linear_b", "linear_2_W", "linear_2_b", "linear_3_W", "linear_3_b"]
    with pytest.raises(ArgumentError, match="nothing says how scale starts"):
        nn.initial(model, 0)


def test_a_node_stands_in_the_scope_of_its_layer():
    hidden = nn.Linear(8, 4)
    h = hidden(X)
    assert h.name == "h"
    assert h.origin.scope == ("hidden",)


def test_wrong_use_is_named():
    with pytest.raises(ShapeError, match=r"Linear: x is f64\[batch, 8\], needs 5 features"):
        nn.Linear(5, 2)(X)
    with pytest.raises(ArgumentError, match="step 1 is a list"):
        nn.Sequential(nn.Linear(8, 2), [ga.tanh])
    with pytest.raises(ArgumentError, match="cannot be the name of a layer"):
        nn.Linear(8, 2, name="two words")
    with pytest.raises(ArgumentError, match="no parameters to be found"):
        nn.parameters(3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.Sequential(nn.Linear(8, 2), nn.Flatten), "step 1 is the class Flatten, not a layer"),
        (lambda: nn.RecurrentStack(nn.LSTM), "step 0 is the class LSTM, not a layer"),
        (lambda: nn.Residual(3), "inner is a int"),
        (lambda: nn.Residual(nn.Linear(8, 8), "relu"), "shortcut is a str"),
        (lambda: nn.Lambda("relu"), "function is a str"),
        (lambda: nn.RNN(8, 4, activation="relu"), "RNN: activation is a str"),
        (lambda: nn.TransformerBlock(8, 2, activation="gelu"), "TransformerBlock: activation is a str"),
    ],
)
def test_what_nodes_cannot_be_given_to_is_refused_at_once(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def test_representations_are_short():
    model = nn.Sequential(nn.Linear(8, 4), ga.tanh, nn.Residual(nn.Linear(4, 4, bias=False)))
    text = "Sequential(steps=(Linear(n_in=8, n_out=4), tanh, Residual(inner=Linear(n_in=4, n_out=4, bias=False))))"
    assert repr(model) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(-1, 3), r"Linear: W would have the shape \(-1, 3\)"),
        (lambda: nn.LSTM(3, 0), r"LSTM: W_x would have the shape \(3, 0\)"),
        (lambda: nn.Embedding(0, 3), r"Embedding: W would have the shape \(0, 3\)"),
        (lambda: nn.Linear(2, 3, dtype="int64"), "Linear: parameters must be floating, not int64"),
    ],
)
def test_sizes_and_dtypes_are_looked_at_when_a_layer_is_made(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
