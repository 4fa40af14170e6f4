"""What notebooks show: pictures where they can be made, tables where not, and never an error."""

import html
import io
import re
import time
import tokenize

import pytest

import graphad as ga
from graphad.draw.reprs import NEAR, PICTURED, highlighted, neighborhood
from graphad.errors import ExportError


def values():
    x, W = ga.input("x", ("n", 3)), ga.parameter("W", (3, 2))
    with ga.scope("hidden"):
        h = ga.tanh(x @ W)
    loss = ga.sum(h)
    graph = ga.Graph([x, W], [loss, ga.grad(loss, W)], name="net")
    return {"graph": graph, "node": loss, "function": ga.compile([x, W], [loss, ga.grad(loss, W)], name="step")}


@pytest.mark.parametrize("kind", ["graph", "node", "function"])
def test_all_forms_agree(kind):
    value = values()[kind]
    bundle = value._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"] == repr(value)
    assert bundle["image/svg+xml"] == value._repr_svg_()
    assert bundle["text/html"] == value._repr_html_()
    picture = bundle["image/svg+xml"]
    assert picture[picture.index("<svg") :] in bundle["text/html"]
    assert set(value._repr_mimebundle_(include={"text/html"})) == {"text/html"}
    assert set(value._repr_mimebundle_(exclude={"text/html"})) == {"text/plain", "image/svg+xml"}


@pytest.mark.parametrize("kind", ["graph", "node", "function"])
def test_without_graphviz_there_is_a_table_and_a_hint(kind, monkeypatch):
    value = values()[kind]
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("graphad.draw.render.find_spec", lambda name: None)
    assert value._repr_svg_() is None
    page = value._repr_html_()
    assert "<svg" not in page and "<table" in page
    assert set(value._repr_mimebundle_()) == {"text/plain", "text/html"}
    if kind == "graph":
        assert "graphad[draw]" in page


@pytest.mark.parametrize("kind", ["graph", "node", "function"])
def test_a_layout_that_fails_is_no_error(kind, monkeypatch):
    def refuse(*_, **__):
        raise ExportError("Graphviz did not finish")

    monkeypatch.setattr("graphad.draw.reprs.render", refuse)
    assert set(values()[kind]._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_huge_graph_is_a_table_in_seconds():
    y = x = ga.input("x", (2,))
    for _ in range(20_000):
        y = ga.tanh(y)
    graph = ga.Graph([x], [y])
    start = time.perf_counter()
    bundle = graph._repr_mimebundle_()
    node = y._repr_mimebundle_()
    assert time.perf_counter() - start < 20
    assert "image/svg+xml" not in bundle and "20,001 nodes are too many" in bundle["text/html"]
    assert len(bundle["text/html"]) < 100_000
    assert "image/svg+xml" in node  # its neighborhood
    assert len(graph.nodes) > PICTURED


def test_the_neighborhood_of_a_node_is_cut_where_it_gets_large():
    y = x = ga.input("x")
    for _ in range(100):
        y = ga.sin(y)
    near = neighborhood(y)
    assert NEAR <= len(near.nodes) <= NEAR + 2 and near.outputs[0] is y
    small = ga.exp(x)
    assert [n.op.name for n in neighborhood(small).nodes] == ["input", "exp"]
    assert neighborhood(x).nodes == (x,)
    assert x._repr_html_()


def test_nodes_of_any_name_are_shown():
    x = ga.input("x")
    y = ga.exp(x)
    y.origin.name = "<script>"
    z = y * 2
    for value in (y, z, ga.Graph([x], [z], name="<script>")):
        assert "<script>" not in value._repr_html_()


def test_two_inputs_of_one_name_at_the_cut_are_no_error():
    a, b = ga.input("x"), ga.input("x")
    assert "<table" in (a * b)._repr_html_()


def test_highlighting_changes_no_character():
    source = values()["function"].source + '\n\nx = """a <b>\n & c"""  # < ä\n'
    page = highlighted(source)
    plain = html.unescape(re.sub(r"</?span[^>]*>", "", page))
    assert plain == source
    keywords = [t.string for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.string == "def"]
    assert page.count('<span class="k">def</span>') == len(keywords)
    assert '<span class="c"># &lt; ä</span>' in page
    assert "<b>" not in page


def test_the_function_shows_source_report_and_layers():
    page = values()["function"]._repr_html_()
    for part in ("graphad-code", "<summary>report</summary>", "<summary>layers</summary>", "<summary>graph</summary>"):
        assert part in page


def test_a_large_graph_is_shown_collapsed():
    x = ga.input("x", ("n", 4))
    model = ga.nn.Sequential(*(layer for _ in range(60) for layer in (ga.nn.Linear(4, 4), ga.nn.relu)))
    parameters = ga.nn.parameters(model)
    loss = ga.mean(model(x) ** 2)
    graph = ga.Graph([x, *parameters], [loss, *ga.grad(loss, parameters)])
    assert len(graph.nodes) > 1000
    picture = graph._repr_svg_()
    assert picture is not None and len(picture) < 200_000 and picture.count('class="node"') < 200
