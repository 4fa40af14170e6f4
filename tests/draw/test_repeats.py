"""Equal parts drawn once, and large graphs as a useful picture in seconds."""

import time

import pytest
from pictured import boxes, layers, mlp, siamese, unrolled

import graphad as ga
from graphad.draw.measures import Measures
from graphad.draw.options import Options
from graphad.draw.picture import shown
from graphad.draw.repeats import folded
from graphad.draw.sequences import span, stretches
from graphad.draw.view import make_view


def view_of(graph, **options):
    return shown(graph, Options(**options), Measures())


def titles(view):
    return {c.title: c for c in view.cards if c.title}


def test_scopes_that_differ_in_a_number_are_one():
    view = view_of(layers(5), fold=True)
    frames = {c.path[0] for c in view.cards if c.path}
    assert frames == {"layer_0…4 × 5", "layer_0…4 · backward × 5"} or frames == {
        "layer_0…4 × 5",
        "layer_0…4 × 5 · backward",
    }
    assert titles(view)["A0…4"].count == 5
    assert titles(view)["d_A0…4"].count == 5
    next_ = [e for e in view.edges if e.kind == "next"]
    assert next_  # one layer feeds the next


def test_turns_of_an_unrolled_loop_are_one():
    view = view_of(unrolled(), fold=True)
    turn = [c for c in view.cards if c.count == 12 and not c.upward]
    assert [c.text.split()[0] for c in turn] == ["getitem", "@", "·", "+", "+", "tanh"]
    assert len({c.path for c in turn}) == 1
    assert "× 12" in turn[0].path[0]
    assert {"matmul · y × 12"} <= {e.label for e in view.edges}  # the uses of a shared weight


def test_different_scopes_stay_apart():
    whole, view = make_view(siamese()), view_of(siamese(), fold=True)
    assert len(view.cards) == len(whole.cards)
    x = ga.input("x", ("n", 4))
    with ga.scope("part_0"):
        h = ga.tanh(x)
    with ga.scope("part_1"):
        h = ga.exp(h)  # another op
    assert len(view_of(ga.Graph([x], [h]), fold=True).cards) == 3


def test_wires_are_those_that_are_there():
    """Each wire of the folded view has one in the whole view whose ends it stands for, and the other way round."""
    whole = make_view(layers(4))
    view = folded(whole, True)
    total = sum(c.count for c in view.cards)
    assert total == len(whole.cards)
    ends = {(e.source, e.target) for e in view.edges}
    keys = {c.key for c in view.cards}
    assert all(a in keys and b in keys for a, b in ends)
    inside = {
        (e.source, e.target) for e in whole.edges if e.source in keys and e.target in keys and e.kind != "adjoint"
    }
    assert inside <= ends


def test_small_graphs_are_not_folded_unless_asked():
    graph = unrolled(3)
    assert max(c.count for c in view_of(graph).cards) == 1
    assert max(c.count for c in view_of(graph, fold=True).cards) == 3
    assert max(c.count for c in view_of(layers(6), fold=False, depth=2).cards) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [("abcabcabc", [(0, 3, 3)]), ("xaaay", [(1, 1, 3)]), ("abab", []), ("", []), ("xyzabcabcabcab", [(3, 3, 3)])],
)
def test_stretches(text, found):
    assert stretches(list(text)) == found


def test_a_turn_ends_where_a_name_is():
    assert stretches(list("cabcabcab"), [c == "b" for c in "cabcabcab"]) == [(0, 3, 3)]
    assert stretches(list("abcabcabcab"), [c == "b" for c in "abcabcabcab"]) == [(2, 3, 3)]


def test_names_in_one():
    assert span(["conv2d_0_W", "conv2d_1_W"]) == "conv2d_0…1_W"
    assert span(["getitem index=(0,)", "getitem index=(11,)"]) == "getitem index=(0…11,)"
    assert span(["a", "a", "b"]) == "a"


# Collapsing ----------------------------------------------------------------------------------------------------------


def test_depth():
    graph = layers(3)
    scopes = view_of(graph, depth=0, fold=False)
    assert {"layer_0", "layer_1", "layer_2", "layer_0 · backward"} <= set(titles(scopes))
    box = titles(scopes)["layer_1"]
    assert box.role == "box"
    assert box.text.startswith("10 operations\n640 parameters in 4\n")
    inner = view_of(graph, depth=1, fold=False)
    assert ("layer_1",) in {c.path for c in inner.cards if c.title == "attention"}
    assert len(view_of(graph, depth=2, fold=False).cards) == len(make_view(graph).cards)


def test_boxes_and_cards_count_what_they_stand_for():
    one, five = layers(1), layers(5)
    box = titles(view_of(five, depth=0, fold=True))["layer_0…4 × 5"]
    assert box.text.startswith("50 operations\n3 200 parameters in 20\n")
    measures = Measures({"n": 10})
    for what in ("flops", "bytes"):
        whole = sum(measures.of(c, what) for c in view_of(five, fold=False, depth=9).cards)
        assert sum(measures.of(c, what) for c in view_of(five, fold=True).cards) == whole
        assert whole > 4 * sum(measures.of(c, what) for c in view_of(one).cards)


def test_a_loss_is_never_in_a_box():
    x = ga.input("x", ("n", 4))
    with ga.scope("all"):
        loss = ga.mean(ga.tanh(x) ** 2)
    graph = ga.Graph([x], [loss, ga.grad(loss, x)])
    assert titles(view_of(graph, depth=0))["loss"].role == "loss"


def test_statements_are_boxes_at_depth_0():
    view = view_of(mlp(), depth=0)
    assert {"hidden", "out", "hidden · backward", "out · backward", "loss", "x", "y"} <= set(titles(view))
    assert len(view.cards) < 12


def test_flops_of_a_box():
    x, W = ga.input("x", ("n", 8)), ga.parameter("W", (8, 4))
    with ga.scope("s"):
        y = ga.tanh(x @ W)
    (box,) = [c for c in shown(ga.Graph([x, W], [y]), Options(depth=0), Measures({"n": 100})).cards if c.role == "box"]
    assert "6.8 kFLOP" in box.text  # 2·100·8·4 + 100·4


def plain(count):
    x, weights = ga.input("x", ("n", 8)), [ga.parameter(f"W{k}", (8, 8)) for k in range(count)]
    h = x
    for W in weights:
        h = ga.tanh(h @ W) * 0.5 + h
    loss = ga.mean(h**2)
    return ga.Graph([x, *weights], [loss, *ga.grad(loss, weights)], name="plain")


def irregular(count):
    """Without scopes, and nothing repeats itself."""
    pool = [ga.input(f"x{k}", ("n", 8)) for k in range(3)]
    inputs = list(pool)
    state = 12345
    while len(pool) < count:
        state = (1103515245 * state + 12345) % 2**31
        a, b = pool[-1 - (state >> 8) % min(len(pool), 12)], pool[-1 - (state >> 16) % min(len(pool), 12)]
        kind = (state >> 4) % 5
        pool.append([a + b, a * b, ga.sin(a), ga.tanh(a), a - b][kind])
    loss = ga.mean(ga.add(pool[-1], pool[-2]))
    return ga.Graph(inputs, [loss, *ga.grad(loss, inputs)], name="irregular")


@pytest.mark.parametrize(("make", "count"), [(layers, 70), (plain, 280), (irregular, 2000)])
def test_five_thousand_nodes_in_seconds(make, count):
    graph = make(count)
    assert len(graph.nodes) > 4000
    start = time.perf_counter()
    drawing = graph.draw()
    cards = boxes(drawing)
    assert time.perf_counter() - start < 20  # about two
    assert 5 < len(cards) <= 150


def test_a_folded_use_names_no_single_part():
    x, w = ga.input("x", (4, 4)), ga.parameter("w", (4, 4))
    h = x
    for k in range(6):
        with ga.scope(f"layer_{k}"):
            h = ga.tanh(h @ w)
    loss = ga.mean(h**2)
    view = folded(make_view(ga.Graph([x, w], [loss, ga.grad(loss, w)])), True)
    assert {e.label for e in view.edges if " × 6" in e.label} <= {"matmul · y × 6", "h = matmul · y × 6"}
    assert not [e.label for e in view.edges if "layer_0" in e.label]
