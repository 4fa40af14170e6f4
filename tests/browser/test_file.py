"""The file itself: nothing gets in or out, names are text, large graphs open."""

import json
import os
from pathlib import Path

import pytest
from page_models import network

import graphad as ga
from graphad.draw.page import write
from graphad.errors import ExportError


def test_nothing_is_let_in(open_page):
    """The policy refuses scripts, pictures and connections that are not part of the file."""
    page = open_page("network")
    outcome = page.page.evaluate(
        """async () => {
          const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);
          let fetched = true;
          try { await fetch('https://example.org/'); } catch { fetched = false; }
          return [Boolean(window.ran), fetched];
        }"""
    )
    assert outcome == [False, False]
    assert any("Content Security Policy" in c for c in page.complaints)
    page.complaints.clear()


def test_names_are_text(open_page, tmp_path):
    """Whatever the user calls things, nothing of it is taken for markup or script."""
    evil = "<img src=x onerror=ran()></script><script>window.ran = 1</script>"
    x = ga.input("x")
    with ga.scope(evil):
        y = ga.exp(x)
    y.origin.name = evil
    path = ga.Graph([x], [y, ga.grad(y, x)], name=evil).save(tmp_path / "evil.html")
    page = open_page(path)
    page.page.keyboard.press("e")
    page.search("</script>")
    page.page.mouse.move(*page.middle(page.keys(".card")[-1]))
    assert page.page.evaluate("window.ran") is None
    assert page.page.locator("img").count() == 0
    assert page.page.title() == evil


def test_a_page_without_generated_code(open_page, tmp_path, monkeypatch):
    """All but the code can be used, and the page says why there is none."""

    def refuse(*args, **kwargs):
        raise ExportError("there is no code today")

    monkeypatch.setattr(write, "compile", refuse)
    graph, values = network()
    page = open_page(graph.save(tmp_path / "bare.html", values=values))
    assert "no code today" in page.text("#code-body")
    for key in ("e", "s", "n", "n", "Escape", "l", "l", "t", "]"):
        page.page.keyboard.press(key)
    page.search("d_W1")
    assert page.titles(".twin") == {"W1"}


@pytest.mark.parametrize("name", ["blocks", "chain"])
def test_large_graphs_open(open_page, pages, name, record_property):
    """Less than 3 MB, and opened quickly: the time is printed, since a loaded machine proves nothing."""
    size = pages[name].stat().st_size
    assert size < 3e6
    page = open_page(name)
    marks = page.page.evaluate("performance.getEntriesByType('mark').map((m) => m.startTime)")
    data = json.loads(page.page.text_content("#data"))
    assert len(page.keys()) < 120, "it opens collapsed"
    counts = f"{data['nodes']} nodes, {len(data['cards'])} cards"
    record_property(
        "note", f"{name}: {counts}, {size / 1e6:.2f} MB, graph after {marks[0]:.0f} ms, all {marks[1]:.0f} ms"
    )
    page.page.keyboard.press("e")
    assert 300 < len(page.keys()) < 2500


def test_screenshots(open_page):
    """Pictures for people to look at, in GRAPHAD_SCREENSHOTS if it is set; all are drawn in any case."""
    folder = Path(os.environ["GRAPHAD_SCREENSHOTS"]) if os.environ.get("GRAPHAD_SCREENSHOTS") else None
    for scheme, name in (("light", "page.png"), ("dark", "page_dark.png")):
        page = open_page("network", color_scheme=scheme)
        page.page.keyboard.press("e")
        page.hover("h")
        page.page.wait_for_timeout(300)
        picture = page.page.screenshot(path=folder / name if folder else None)
        assert len(picture) > 20_000
