"""How a view is written: where things come to stand, odd names, the same bytes every time."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictured import product

import graphad as ga
from graphad.draw.render import render

HERE = Path(__file__).parent


def chain():
    x, W = ga.input("x", ("n", 4)), ga.parameter("W", (4, 4))
    h = ga.tanh(x @ W)
    k = ga.tanh(h @ W)
    loss = ga.sum(k * k)
    return ga.Graph([x, W], [loss, ga.grad(loss, W)], name="chain")


def heights(graph, **options):
    """The vertical position of each named card in the picture; it grows downwards."""
    svg = graph.draw(**options).pipe("svg", encoding="utf-8")
    rows = re.findall(r'<text[^>]* y="([-.\d]+)" font-family="[^"]*" font-weight="bold"[^>]*>([^<]+)</text>', svg)
    return {name: float(y) for y, name in rows}


def test_the_joint_drawing_goes_down_and_comes_back_up():
    y = heights(chain(), view="joint", legend=False)
    assert y["x"] < y["h"] < y["k"] < y["loss"]
    assert y["d_W"] < y["d_h"] < y["d_k"] <= y["d_loss"]
    assert y["d_loss"] >= y["loss"] - 5  # no cotangent stands above its node
    assert y["d_W"] < y["h"]  # the gradient is beside the parameter, not at the other end


def test_the_backward_drawing_goes_down():
    y = heights(chain(), view="backward", legend=False)
    assert y["d_loss"] < y["d_k"] < y["d_h"] < y["d_W"]


def test_links_do_not_order_the_backward_drawing():
    source = chain().draw(view="backward").source
    links = [line for line in source.splitlines() if "->" in line and "style=dotted" in line]
    assert links
    assert all("constraint=false" in line for line in links)


def test_the_same_bytes_whatever_the_hash_seed():
    code = "from test_dot import chain; print(chain().draw().source)\nfrom pictured import layers, rnn"
    code += "\nprint(layers(9).draw(fold=True).source, rnn().draw(depth=0, color_by='flops').source)"
    sources = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), *sys.path]),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(sources) == 1
    assert "digraph chain" in sources.pop()


ODD = ["", " ", "<b>", "<b", "a&lt;b", '"', '\\"', "\\", "\\N", "a\nb", "\x00\x1b", "𝜕ü→", "]]>", "-->", "{|}", "n0:s"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names(name):
    x = ga.input("x", (2,))
    y = ga.exp(x)
    y.origin.name = name
    with ga.scope(name.strip() or "s"):
        z = ga.sin(y)
    svg = ga.Graph([x], [z], name=name).draw().pipe("svg", encoding="utf-8")
    assert svg.count('class="edge"') == 2
    assert svg.count('class="node"') == 3


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=12))
def test_any_name_is_drawn(name):
    x = ga.input("x")
    y = ga.exp(x)
    y.origin.name = name
    with ga.scope(f"s{name}"):
        z = ga.sin(y)
    svg = ga.Graph([x], [z], name=name).draw().pipe("svg", encoding="utf-8")
    assert svg.count('class="edge"') == 2


def test_entities_in_names_are_shown_as_they_are():
    x = ga.input("x")
    y = ga.exp(x)
    y.origin.name = "a&lt;b" + "c" * 50
    svg = ga.Graph([x], [y]).draw().pipe("svg", encoding="utf-8")
    assert svg.count("a&amp;lt;b") == 2  # label and tooltip
    assert "a&lt;b" not in svg


def test_the_legend_lists_what_occurs():
    x = ga.input("x")
    forward = ga.Graph([x], [ga.exp(x)]).draw().source
    assert "input</td>" in forward
    for absent in ("parameter</td>", "backward</td>", "sum over uses</td>", "> adjoint of", "forward value"):
        assert absent not in forward
    joint = product().draw().source
    for present in ("backward</td>", "sum over uses</td>", "> adjoint of", "> forward value used", "> loss</td>"):
        assert present in joint
    assert "</td>" not in product().draw(legend=False).source.replace("</td></tr>", "")


def test_a_drawing_renders_itself_without_the_program(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    drawing = product().draw()
    assert drawing.pipe() == drawing.pipe("svg") == render(drawing.source, "svg")
    path = Path(drawing.render(directory=tmp_path, format="png", cleanup=True))
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["product.gv.png"]


def test_notebooks_show_text_where_no_picture_can_be_made(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("graphad.draw.render.find_spec", lambda name: None)
    assert set(product()._repr_mimebundle_()) == {"text/plain"}


def test_a_thousand_nodes_in_a_second():
    y = x = ga.input("x", (2,))
    for _ in range(160):
        y = ga.sin(ga.exp(y) * 0.1 + y)
    loss = ga.sum(y)
    graph = ga.Graph([x], [loss, ga.grad(loss, x)])
    assert len(graph.nodes) > 1000
    start = time.perf_counter()
    graph.draw()
    assert time.perf_counter() - start < 1
