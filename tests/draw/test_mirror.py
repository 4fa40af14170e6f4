"""Where cards come to stand: adjoints on the row of what they belong to, nothing over anything else."""

from dataclasses import replace
from itertools import combinations

import pytest
from pictured import boxes, layers, middle, mlp, neuron, rnn, siamese, training_step, unrolled

import graphad as ga
from graphad.draw.loops import with_loops
from graphad.draw.measures import Measures
from graphad.draw.mirror import flowing, mirrored
from graphad.draw.options import Options
from graphad.draw.picture import shown
from graphad.draw.view import Card, Edge, View, make_view

GRAPHS = [mlp, neuron, siamese, unrolled, rnn]


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize(("rankdir", "axis"), [("TB", 1), ("LR", 0)])
def test_every_adjoint_stands_on_the_row_of_its_node(make, rankdir, axis):
    graph = make()
    view = shown(graph, Options(rankdir=rankdir), Measures())
    place = boxes(graph.draw(rankdir=rankdir, legend=False))
    pairs = {a: b for a, b in reversed(view.pairs)}
    assert len(pairs) > 3
    for cotangent, primal in pairs.items():
        a, b = middle(place[cotangent])[axis], middle(place[primal])[axis]
        assert a == pytest.approx(b, abs=3), (cotangent, primal)


def rows_from_left(graph):
    """The cards of each row, forward first, by where they stand from the left."""
    view = shown(graph, Options(), Measures())
    place = boxes(graph.draw(legend=False))
    return [[place[key][0] for key in row] for row in mirrored(view).rows]


@pytest.mark.parametrize("make", GRAPHS)
def test_the_forward_pass_stands_left_of_the_backward_pass(make):
    for places in rows_from_left(make()):
        assert places == sorted(places)


def two_layers():
    """Frames one below the other: the second layer's forward pass may not go to the right of the first's gradients."""
    x, ws = ga.input("x", ("batch", 2)), [ga.parameter(name, (2, 2)) for name in ("W1", "W2", "W3")]
    h = x
    for name, w in zip(("one", "two", "three"), ws, strict=True):
        with ga.scope(name):
            h = ga.tanh(h @ w)
    loss = ga.mean(h**2)
    return ga.Graph([x, *ws], [loss, *ga.grad(loss, ws)])


def sigmoid_neuron():
    """No frames: the seed's rows alone would let gradients stand between forward values."""
    x, y, w, b = ga.input("x"), ga.input("y"), ga.parameter("w"), ga.parameter("b")
    loss = (ga.nn.sigmoid(w * x + b) - y) ** 2 / 2
    return ga.Graph([x, w, b, y], [loss, *ga.grad(loss, [w, b])])


@pytest.mark.parametrize(("rankdir", "axis"), [("TB", 0), ("LR", 1)])
@pytest.mark.parametrize("make", [two_layers, sigmoid_neuron, mlp, layers])
def test_all_of_the_forward_pass_stands_on_one_side(make, rankdir, axis):
    graph = make()
    view = shown(graph, Options(rankdir=rankdir), Measures())
    place = boxes(graph.draw(rankdir=rankdir, legend=False))
    ends = {False: axis + 2, True: axis}
    places = {up: [place[c.key][ends[up]] for c in view.cards if c.upward == up] for up in ends}
    assert max(places[False]) < min(places[True])


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize("options", [{}, {"rankdir": "LR"}, {"layout": "flow"}, {"depth": 0}, {"theme": "dark"}])
def test_no_card_stands_over_another(make, options):
    place = boxes(make().draw(**options))
    for (a, (l1, t1, r1, b1)), (b, (l2, t2, r2, b2)) in combinations(place.items(), 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, (a, b)


def test_flow_runs_on_from_the_loss():
    graph = mlp()
    view = shown(graph, Options(layout="flow"), Measures())
    key = {c.title: c.key for c in view.cards if c.title}
    place = boxes(graph.draw(layout="flow", legend=False))
    height = [middle(place[key[t]])[1] for t in ("x", "loss", "d_loss", "d_out_W", "d_hidden_W")]
    assert height == sorted(height)
    assert not view.turns


def test_rows_that_contradict_each_other_are_loosened():
    def card(key):
        return Card(key, "forward", key, "", "", (), False)

    cards = tuple(map(card, "abcd"))
    edges = (Edge("a", "b", "forward"), Edge("c", "d", "forward"))
    crossed = View("crossed", cards, edges, True, (("d", "a"), ("c", "b")))
    assert len(mirrored(crossed).rows) == 1  # the one row that is left
    straight = replace(crossed, pairs=(("c", "a"), ("d", "b")))
    assert mirrored(straight).rows == (("a", "c"), ("b", "d"))


def test_cycles_of_boxes_are_cut():
    cards = tuple(Card(k, "box", k, "", "", (), False) for k in "abc")
    edges = tuple(Edge(a, b, "forward") for a, b in ("ab", "bc", "ca"))
    view = View("cycle", cards, edges, True)
    assert mirrored(view).free == {2}
    assert flowing(view).free == {2}


def test_what_is_made_of_updated_parameters_is_drawn():
    x, W = ga.input("x", ("n", 3)), ga.parameter("W", (3, 3))
    loss = ga.mean(ga.tanh(x @ W) ** 2)
    updated = W - 0.1 * ga.grad(loss, W)
    second = ga.mean(ga.tanh(x @ updated) ** 2)
    graph = ga.Graph([x, W], [second, ga.grad(second, W)], name="meta")  # a gradient through a gradient step
    drawing = graph.draw()
    assert len(boxes(drawing)) == len(make_view(graph).cards)


def test_a_training_step_has_scopes_that_stand_beside_each_other():
    function = training_step()
    place = boxes(function.draw(depth=0, legend=False))
    view = shown(function.declared, Options(depth=0), Measures())
    key = {c.title: c.key for c in view.cards}
    assert len(view.cards) < 15
    for name in ("hidden", "out"):
        assert middle(place[key[name]])[1] == pytest.approx(middle(place[key[f"{name} · backward"]])[1], abs=3)


def test_bodies_of_loops_are_aligned():
    view = with_loops(make_view(rnn()))
    cards = {c.key: c for c in view.cards}
    again = [(a, b) for a, b in view.pairs if cards[a].title == cards[b].title == "h"]
    assert again  # what the backward loop computes again stands beside what it is


def test_deep_graphs_take_no_recursion():
    graph = layers(2)
    x = graph.inputs[0]
    y = x
    for _ in range(4000):
        y = ga.tanh(y)
    loss = ga.mean(y)
    view = make_view(ga.Graph([x], [loss, ga.grad(loss, x)]))
    assert len(mirrored(view).rows) > 3999
