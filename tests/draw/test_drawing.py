"""What is shown, how it is written, and what is saved."""

import sys
from pathlib import Path

import numpy as np
import pytest
from pictured import card

import graphad as ga
from graphad.draw.save import FORMATS
from graphad.draw.style import LOOKS
from graphad.draw.view import make_view
from graphad.errors import ArgumentError, ExportError


def model():
    x, W, b = ga.input("x", ("batch", 4)), ga.parameter("W", (4, 4)), ga.parameter("b", (4,))
    with ga.scope("encode"):
        h = ga.tanh(x @ W + b)
    loss = ga.mean((h @ W.T - x) ** 2) * 0.5
    return ga.Graph([x, W, b], [loss, *ga.grad(loss, [W, b])], name="model")


def test_roles():
    view = make_view(model())
    roles = {t: card(view, t).role for t in ("x", "W", "b", "h", "d_W", "d_b", "d_h", "loss")}
    assert roles == {
        "x": "input", "W": "parameter", "b": "parameter", "h": "forward", "d_W": "sum", "d_b": "backward",
        "d_h": "backward", "loss": "loss",
    }  # fmt: skip
    assert {c.title for c in view.cards if c.is_output} == {"loss", "d_W", "d_b"}
    assert card(view, "h").path == ("encode",)
    assert len({(look.shape, look.fill, look.line, look.style) for look in LOOKS.values()}) == len(LOOKS)


def test_folding():
    view = make_view(model())
    texts = [c.text for c in view.cards]
    assert not any("broadcast" in t or "astype" in t for t in texts)
    assert "^ 2" in texts
    assert card(view, "loss").text == "× 0.5"
    b = card(view, "b").key
    (edge,) = [e for e in view.edges if e.source == b]
    assert edge.shape == "4"  # the shape of what was broadcast


def test_every_adjoint_is_linked_to_its_node():
    view = make_view(model())
    titles = {c.key: c.title for c in view.cards}
    links = {titles[e.source]: titles[e.target] for e in view.edges if e.kind == "adjoint" and titles[e.source]}
    assert {k: links[k] for k in ("d_W", "d_b", "d_h", "d_loss")} == {
        "d_W": "W",
        "d_b": "b",
        "d_h": "h",
        "d_loss": "loss",
    }


def test_a_sum_shows_one_labelled_edge_per_use():
    view = make_view(model())
    key = card(view, "d_W").key
    assert sorted(e.label for e in view.edges if e.target == key) == ["matmul · y", "transpose · x"]


def test_views_are_parts_of_the_whole():
    graph = model()
    joint, forward, backward = (make_view(graph, v) for v in ("joint", "forward", "backward"))
    assert {c.role for c in forward.cards} <= {"input", "parameter", "constant", "forward", "loss"}
    assert {c.title for c in forward.cards} >= {"x", "W", "b", "h", "loss"}
    assert card(backward, "h").role == "stub"
    keys = {c.key for c in joint.cards}
    assert {c.key for c in forward.cards} | {c.key for c in backward.cards} <= keys
    for view in (joint, forward, backward):
        shown = {c.key for c in view.cards}
        assert all(e.source in shown and e.target in shown for e in view.edges)


def test_labels_are_escaped():
    x = ga.input("x", (2,))
    y = ga.tanh(x)
    y.origin.name = 'a<b>&"c\\d\nü'
    with ga.scope("s<1>&"):
        z = ga.exp(y)
    graph = ga.Graph([x], [z], name='n<&">')
    source = graph.draw().source
    assert "a&lt;b&gt;&amp;&quot;c\\d ü" in source
    assert graph.draw().pipe("svg").startswith(b"<?xml")


def test_dot_of_a_small_graph():
    a, b = ga.input("a"), ga.input("b")
    f = (a + b) * (b + 1)
    source = ga.Graph([a, b], [f, *ga.grad(f, [a, b])], name="product").draw().source
    assert "<b>f</b>" in source
    assert "n4 [label=<+ 1>" in source
    assert source.count("style=dotted") == 4  # d_f, d_b, and those of the two sums
    assert "sum over uses" in source


def test_directions_and_legend():
    graph = model()
    assert "rankdir=LR" in graph.draw(rankdir="LR").source
    assert "double border" not in graph.draw(legend=False).source
    for bad in ({"view": "sideways"}, {"rankdir": "up"}):
        with pytest.raises(ArgumentError, match="use one of"):
            graph.draw(**bad)


@pytest.mark.parametrize("kind", FORMATS)
def test_save(kind, tmp_path):
    path = tmp_path / f"g.{kind}"
    model().save(path)
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"// made by graphad", "json": b"{"}
    start["html"] = b"<!doctype html>"
    assert path.read_bytes().startswith(start[kind])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_save_refuses(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.svg"):
        model().save(tmp_path / "g.gif")
    with pytest.raises(ExportError, match="cannot write"):
        model().save(tmp_path / "none" / "g.dot")
    assert list(tmp_path.iterdir()) == []


def test_notebooks_show_a_picture():
    bundle = model().draw()._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<?xml")
    assert set(model()._repr_mimebundle_()) == {"text/plain", "text/html", "image/svg+xml"}


def test_without_graphviz_dot_still_works(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr("graphad.draw.render.find_spec", lambda name: None)
    model().save(tmp_path / "g.dot")
    with pytest.raises(ga.errors.MissingDependencyError, match=r"graphad\[draw\]"):
        model().save(tmp_path / "g.svg")
    assert [p.name for p in tmp_path.iterdir()] == ["g.dot"]


def test_large_graphs_link_named_nodes_only():
    x = ga.input("x", (2,))
    y = x
    for _ in range(40):
        y = ga.sin(ga.exp(y) * 0.1)
    total = ga.sum(y)
    view = make_view(ga.Graph([x], [total, ga.grad(total, x)]))
    titles = {c.key: c.title for c in view.cards}
    assert all(titles[e.target] for e in view.edges if e.kind == "adjoint")


def test_save_of_a_function(tmp_path):
    """A picture of what was declared, or of what is compiled; other endings as those of its graph."""
    x = ga.input("x")
    function = ga.compile([x], ga.log(ga.exp(x)) * 2)
    declared, optimized = (function.save(tmp_path / f"{k}.dot", optimized=k) for k in (False, True))
    assert "<exp>" in declared.read_text() and "<exp>" not in optimized.read_text()
    assert ga.load(function.save(tmp_path / "f.json")).name == "function"
    with pytest.raises(ArgumentError, match="cannot save as"):
        function.save(tmp_path / "f.txt")


def test_small_values_are_written_in_full():
    x, w = ga.input("x", (2, 3)), ga.input("w", (6,))
    numbers = -np.arange(1, 7) / 7e3
    text = ga.Graph([x, w], [ga.sum(x) + ga.sum(w)]).draw(values={"x": numbers.reshape(2, 3), "w": numbers}).source
    assert all(text.count(f"{number:.4g}") == 2 for number in numbers)
    assert "[[-0.0001429, -0.0002857, -0.0004286],<" in text


@pytest.mark.parametrize("scopes", [True, False])
def test_the_uses_of_a_weight_are_told_apart(scopes):
    x, y, w = ga.input("x", (3,)), ga.input("y", (3,)), ga.parameter("w", (3,))
    with ga.scope("left" if scopes else "tower"):
        a = ga.sum(x * w)
    with ga.scope("right" if scopes else "tower"):
        b = ga.sum(y * w)
    loss = a * b
    view = make_view(ga.Graph([x, y, w], [loss, ga.grad(loss, w)]))
    key = next(c.key for c in view.cards if c.role == "sum")
    labels = sorted(e.label for e in view.edges if e.target == key)
    places = ["left", "right"] if scopes else [f"line {total.origin.line}" for total in (a, b)]
    assert labels == [f"multiply · y, {place}" for place in places]


def test_a_drawing_saves_what_the_ending_says(tmp_path):
    drawing = model().draw()
    assert Path(drawing.save(tmp_path / "g.png")).read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path(drawing.save("g.SVG", tmp_path)).read_text()
    assert Path(drawing.save(tmp_path / "g.gv")).read_text() == drawing.source
    rendered = Path(drawing.render(tmp_path / "h.svg"))
    assert "<svg" in rendered.read_text()
    assert (tmp_path / "h.svg").read_text() == drawing.source


@pytest.mark.parametrize("optimized", [False, True])
def test_the_new_values_of_updates_say_of_what(optimized):
    x, w, v = ga.input("x", (3,)), ga.parameter("w", (3,)), ga.parameter("v", (3,))
    loss = ga.sum((x * w - v) ** 2)
    w_next = w - 0.1 * ga.grad(loss, w)
    step = ga.compile([x, w, v], loss, updates={w: w_next, v: v - 0.5 * ga.grad(loss, v)})
    source = step.draw(optimized=optimized).source
    assert "<b>w_next (new w)</b>" in source
    assert "<b>new v</b>" in source
