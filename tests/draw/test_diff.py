"""Differences of graphs: what is added, removed, changed and kept; as text and as a drawing."""

import pytest

import graphad as ga
from graphad.draw.diff import diff_view
from graphad.passes.algebra import Algebra
from graphad.passes.cse import Cse


def model():
    x, w = ga.input("x", ("n", 3)), ga.parameter("w", (3,))
    h = ga.tanh(x + 0)
    y = ga.exp(h * w)
    z = (y * y).T.T
    return ga.Graph([x, w], [ga.sum(z), h], name="model")


def test_a_graph_does_not_differ_from_itself_or_from_one_built_alike():
    graph = model()
    assert not graph.diff(graph)
    same = graph.diff(model())
    assert not same
    assert (same.added, same.removed, same.changed) == ((), (), ())
    assert len(same.kept) == len(graph.nodes)
    assert str(same) == f"model: {len(graph.nodes)} -> {len(graph.nodes)} nodes: {len(graph.nodes)} kept"


def test_a_pass_removes_and_changes():
    graph = model()
    after = Algebra().run(graph)
    d = graph.diff(after)
    assert d
    assert sorted(n.op.name for n in d.removed) == ["add", "broadcast_to", "constant", "transpose", "transpose"]
    assert [(a.op.name, b.op.name) for a, b in d.changed] == [("tanh", "tanh"), ("sum", "sum")]
    assert d.added == ()
    assert len(d.kept) + len(d.changed) == len(after.nodes)
    back = after.diff(graph)
    assert len(back.added) == len(d.removed)
    assert back.removed == ()


def test_replaced_nodes_are_partners_by_origin():
    x = ga.input("x")
    y = ga.sqrt(x * 2)
    before = ga.Graph([x], [ga.exp(y)])
    other = before.substitute({y: ga.Node(ga.tanh, y.inputs, {}, y.type, y.origin)})
    ((old, new),) = before.diff(other).changed
    assert (old.op.name, new.op.name) == ("sqrt", "tanh")
    assert "~ %" in str(before.diff(other))


def test_duplicates_and_outputs():
    x = ga.input("x", ("n",))
    a, b = ga.exp(x), ga.exp(x)
    before = ga.Graph([x], [a + b])
    d = before.diff(Cse().run(before))
    assert [n.op.name for n in d.removed] == ["exp"]
    other = ga.Graph([x], [a])
    swapped = ga.Graph([x], [a, b]).diff(ga.Graph([x], [b, a]))
    assert swapped
    assert str(swapped).splitlines()[1:] == ["  - return %1, %2", "  + return %1, %2"]
    assert "- return %2" in str(ga.Graph([x], [ga.exp(a)]).diff(other))


def test_inputs_pair_by_name():
    before = ga.Graph([x := ga.input("x")], [ga.exp(x)])
    after = ga.Graph([u := ga.input("u"), x2 := ga.input("x")], [ga.exp(x2) * u])
    d = before.diff(after)
    assert [n.name for n in d.added][:1] == ["u"]
    assert [n.op.name for n in d.removed] == []


def test_text_names_lines_of_the_user():
    text = str(model().diff(Algebra().run(model())))
    assert "test_diff.py:" in text
    assert all(line.startswith(("model:", "  - ", "  + ", "  ~ ", "    ")) for line in text.splitlines())


def test_drawing_shows_what_became_of_each_node():
    graph = model()
    after = Algebra().run(graph)
    view = diff_view(graph.diff(after))
    roles = [c.role for c in view.cards]
    assert roles.count("removed") == 3  # the constant and its broadcast are drawn inside the sum
    assert roles.count("changed") == 2
    assert {c.title: c.role for c in view.cards if c.title in ("x", "w")} == {"x": "input", "w": "parameter"}
    keys = {c.key for c in view.cards}
    assert len(keys) == len(view.cards)
    assert all(e.source in keys and e.target in keys for e in view.edges)
    gone = [c.key for c in view.cards if c.role == "removed"]
    for key in gone:
        assert any(e.target == key and e.kind == "gone" for e in view.edges)
        assert any(e.source == key and e.kind == "gone" for e in view.edges)


def test_drawing_of_added_nodes_and_changed_ops():
    x = ga.input("x")
    y = ga.sqrt(x * 2)
    before = ga.Graph([x], [ga.exp(y)])
    other = before.substitute({y: ga.Node(ga.tanh, (ga.sin(y.inputs[0]),), {}, y.type, y.origin)})
    view = diff_view(before.diff(other))
    texts = {c.role: c.text for c in view.cards}
    assert texts["added"] == "sin"
    assert "sqrt → tanh" in [c.text for c in view.cards]
    assert {e.kind for e in view.edges} == {"new", "same", "gone"}


def test_drawings_render_and_repeat():
    graph = model()
    d = graph.diff(ga.compile(graph.inputs, graph.outputs).graph)
    assert d.draw().source == d.draw().source
    assert d.draw().pipe("svg").startswith(b"<?xml")
    source = d.draw(rankdir="LR", legend=False).source
    assert "rankdir=LR" in source
    assert "removed" not in source
    assert "removed" in d.draw().source
    with pytest.raises(ga.errors.ArgumentError, match="use one of"):
        d.draw(rankdir="up")
