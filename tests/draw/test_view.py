"""What the views of worked graphs show: notation, folding, kinds of edges, where shapes are written."""

import pytest
from pictured import card

import graphad as ga
from graphad.draw.view import make_view


def texts(view):
    return [c.text for c in view.cards]


def kinds(view, source, target):
    """The kinds of the edges between two cards, given by title, or by text where they have no title."""
    names = {c.key: c.title or c.text for c in view.cards}
    return [e.kind for e in view.edges if (names[e.source], names[e.target]) == (source, target)]


def layer():
    x, W, b = ga.input("x", ("batch", 4)), ga.parameter("W", (4, 3)), ga.parameter("b", (3,))
    h = ga.tanh(x @ W + b)
    loss = ga.mean(h**2)
    return ga.Graph([x, W, b], [loss, *ga.grad(loss, [W, b, x])], name="layer")


def of(*outputs):
    """The texts of the cards that are no inputs, of a graph with inputs a, b (2, 3) and s ()."""
    return texts(make_view(ga.Graph([A, B, S], outputs)))[3:]


A, B, S = ga.input("a", (2, 3)), ga.input("b", (2, 3)), ga.input("s")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: A * 0.5, "× 0.5"),
        (lambda: 0.5 * A, "0.5 ×"),
        (lambda: 1 - S, "1 − s"),
        (lambda: A - B, "a − b"),
        (lambda: A / B, "a / b"),
        (lambda: A + B, "+"),
        (lambda: A**2, "a ^ 2"),
        (lambda: A @ B.T, "a @"),
        (lambda: -A, "−( )"),
        (lambda: ga.sum(A, axis=0), "sum axis=0"),
        (lambda: ga.sum(A, axis=1, keepdims=True), "sum axis=1 keepdims"),
        (lambda: ga.sum(A), "sum"),
        (lambda: ga.maximum(A, 0), "maximum (0)"),
        (lambda: A[1:], "getitem index=(1:,)"),
    ],
)
def test_everyday_notation(make, text):
    assert of(make())[-1] == text


def test_operands_that_nobody_recognizes_are_not_named():
    assert of((A + B) - (A * B))[-1] == "−"
    long = ga.tanh(A)
    long.origin.name = "a_name_too_long_for_an_operand"
    assert of(long - B)[-1] == "− b"


def test_sizes_are_grouped():
    x = ga.input("x", ("n", 5))
    view = make_view(ga.Graph([x], [ga.sum(x) / (x.shape[0] * 5)]))
    assert texts(view)[-1] == "/ (5*n)"


def test_long_labels_are_cut_and_whole_in_the_tooltip():
    y = ga.tanh(A)
    y.origin.name = "v" * 100
    shown = make_view(ga.Graph([A], [y])).cards[-1]
    assert len(shown.title) == 40
    assert shown.title.endswith("…")
    assert y.origin.name in shown.tooltip
    assert "f64[2, 3]" in shown.tooltip
    assert "test_view.py" in shown.tooltip


def test_transposes_that_feed_products_of_the_backward_pass_are_folded():
    view = make_view(layer())
    assert card(view, "d_W").text == "xᵀ @"
    assert card(view, "d_x").text == "@ Wᵀ"
    assert "transpose" not in texts(view)
    assert kinds(view, "x", "d_W") == ["use"]
    forward = make_view(ga.Graph([A, B], [A @ B.T]))
    assert "transpose" in texts(forward)  # what the user wrote stays


def test_kinds_of_edges():
    view = make_view(layer())
    assert kinds(view, "x", "x @ W") == ["forward"]
    assert kinds(view, "h", "( )²") == ["use"]
    assert kinds(view, "1 −", "×") == ["backward"]
    assert kinds(view, "d_W", "W") == ["adjoint"]
    assert view.turns
    assert not make_view(layer(), "backward").turns
    assert {e.kind for e in make_view(layer(), "forward").edges} == {"forward"}


def test_what_is_made_of_gradients_runs_with_them():
    graph = layer()
    (x, W, b), (loss, d_W, *_) = graph.inputs, graph.outputs
    updated = W - 0.1 * d_W
    view = make_view(ga.Graph([x, W, b], [loss, updated]))
    assert kinds(view, "d_W", "0.1 ×") == ["backward"]
    assert kinds(view, "0.1 ×", "updated") == ["backward"]
    assert kinds(view, "W", "updated") == ["use"]


def test_differentiating_twice_turns_round_twice():
    t = ga.input("t")
    f = ga.sin(t) * t
    d_t = ga.grad(f, t)
    second = ga.grad(d_t, t)
    view = make_view(ga.Graph([t], [f, d_t, second]))
    linked = {e.source for e in view.edges if e.kind == "adjoint"}
    assert len([c for c in view.cards if c.title == "d_t"]) == 2
    assert {c.key for c in view.cards if c.title in ("d_t", "d_f", "d_d_t")} <= linked
    seed = card(view, "d_d_t").key
    assert "forward" in {e.kind for e in view.edges if e.source == seed}
    assert {e.kind for e in view.edges if e.source == card(view, "d_f").key} >= {"backward", "adjoint"}


def test_tangents_run_along():
    t = ga.input("t")
    f = ga.sin(t)
    view = make_view(ga.Graph([t], [f, ga.jvp(f, t, 1.0)]))
    assert {e.kind for e in view.edges} == {"forward"}


def test_a_shape_is_written_once_and_known_everywhere():
    x = ga.input("x", ("n", 4))
    h = ga.exp(x)
    view = make_view(ga.Graph([x], [ga.sin(h), ga.cos(h), ga.sum(h[:-1])]))
    key = card(view, "h").key
    assert [e.label for e in view.edges if e.source == key] == ["n×4", "", ""]
    assert [e.shape for e in view.edges if e.source == key] == ["n×4"] * 3
    assert [(e.label, e.shape) for e in view.edges if e.target == key] == [("", "n×4")]  # the card of x shows it
    assert "(n - 1)×4" in [e.label for e in view.edges]
    scalar = make_view(ga.Graph([S], [ga.exp(ga.sin(S))]))
    assert [e.label for e in scalar.edges] == ["", ""]


def test_shapes_of_forward_values_that_are_used():
    joint, backward = make_view(layer()), make_view(layer(), "backward")
    assert {e.label for e in joint.edges if e.kind == "use"} == {""}
    assert "batch×3" in [e.label for e in backward.edges if e.kind == "use"]


def test_the_seed_has_a_card_also_where_the_loss_has_no_name():
    x = ga.input("x", (3,))
    view = make_view(ga.Graph([x], [ga.grad(ga.sum(x * x), x)]))
    seeds = [c for c in view.cards if c.text == "1"]
    assert len(seeds) == 1


def test_named_cotangents_keep_their_card():
    x = ga.input("x", (3,))
    h = ga.exp(x)
    loss = ga.sum(h)
    view = make_view(ga.Graph([x], [loss, ga.grad(loss, x)]))
    assert card(view, "d_h").text == "broadcast"
    assert kinds(view, "d_h", "h") == ["adjoint"]


def test_nested_scopes():
    with ga.scope("outer"):
        y = ga.exp(A)
        with ga.scope("inner"):
            z = ga.sin(y)
    loss = ga.sum(z)
    view = make_view(ga.Graph([A], [loss, ga.grad(loss, A)]))
    assert card(view, "z").path == ("outer", "inner")
    assert card(view, "d_y").path == ("outer · backward", "inner")
    assert card(view, "a").path == ()


def test_the_backward_view_shows_the_forward_values_it_uses():
    view = make_view(layer(), "backward")
    roles = {c.title: c.role for c in view.cards if c.title}
    assert roles["h"] == "stub"
    assert roles["x"] == "input"
    assert "b" not in roles  # its gradient does not need it
    assert not [e for e in view.edges if e.target == card(view, "h").key and e.kind != "adjoint"]


def test_deep_graphs():
    y = A
    for _ in range(5_000):
        y = ga.tanh(y.astype("float32").astype("float64") * 0.5)
    view = make_view(ga.Graph([A], [y]))
    assert len(view.cards) == 10_001
    assert len(view.edges) == 10_000
