"""Boxes that open, and what lights up together."""

import json

import graphad as ga


def test_opens_with_closed_boxes(open_page):
    page = open_page("network")
    assert page.titles() == {"x", "y", "hidden", "output", "loss"}
    assert page.page.title() == "network"


def test_a_click_opens_a_box_and_another_closes_it(open_page):
    page = open_page("network")
    page.click("hidden")
    assert {"W1", "b1", "h", "d_W1", "d_b1"} <= page.titles()
    assert page.page.get_attribute(f"[data-key={page.key('hidden')}]", "aria-expanded") == "true"
    page.click("hidden")
    assert page.titles() == {"x", "y", "hidden", "output", "loss"}


def test_open_things_do_not_overlap(open_page):
    """What has been moved to make room stands clear of the rest."""
    page = open_page("network")
    page.page.keyboard.press("e")
    boxes = page.page.eval_on_selector_all(
        ".item.card, .item.box",
        "es => es.map(e => { const r = e.querySelector('.shape').getBoundingClientRect();"
        " return [e.dataset.key, r.left, r.top, r.right, r.bottom] })",
    )
    assert len(boxes) == 26
    for k, (a, l1, t1, r1, b1) in enumerate(boxes):
        for b, l2, t2, r2, b2 in boxes[:k]:
            assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, (a, b)


def test_wires_end_where_things_stand(open_page):
    """Every wire begins and ends at the border of a card, a box or a port."""
    page = open_page("blocks")
    for title in ("block1", "attention"):
        page.click(title)
    loose = page.page.evaluate(
        """() => {
          const spots = [...document.querySelectorAll('.item .shape, rect.open, .port')].map((e) => e.getBBox
            ? [e.getBBox(), e.closest('.item')?.transform.baseVal.consolidate()?.matrix] : null);
          const rects = spots.map(([b, m]) => [b.x + (m?.e || 0), b.y + (m?.f || 0), b.width, b.height]);
          const near = (p) => rects.some(([x, y, w, h]) => p.x > x - 3 && p.x < x + w + 3 &&
            (Math.abs(p.y - y) < 7 || Math.abs(p.y - y - h) < 7 || (p.y > y && p.y < y + h)));
          return [...document.querySelectorAll('.wire:not(.cut)')].filter((w) =>
            !near(w.getPointAtLength(0)) || !near(w.getPointAtLength(w.getTotalLength()))).length;
        }"""
    )
    assert page.page.locator(".wire").count() > 40
    assert loose == 0


def test_a_loop_opens_to_its_body(open_page):
    page = open_page("recurrent")
    assert "scan step" in page.titles()
    before = len(page.keys())
    page.click("scan step")
    assert len(page.keys()) > before + 4
    assert {"h0", "x", "h"} <= page.titles(".card")
    assert page.page.get_attribute(f"[data-key={page.key('scan step')}]", "aria-expanded") == "true"


def test_hover_lights_up_what_belongs_together(open_page):
    """The adjoint, the user's lines of both, the generated lines of both, and the rewrites."""
    page = open_page("network")
    page.page.keyboard.press("e")
    page.page.keyboard.press("0")
    page.hover("h")
    assert page.titles(".self") == {"h"}
    assert page.titles(".twin") == {"d_h"}
    assert page.lines("source", "self") == ["h = ga.tanh(x @ W1 + b1)"]
    assert page.lines("source", "twin") == ["scores = h @ W2 + b2"]
    assert [line.split("  #")[0] for line in page.lines("code", "self")] == ["h = np.tanh(x @ W1 + b1)"]
    assert [line.split("  #")[0] for line in page.lines("code", "twin")] == ["d_h = d_t0 @ W2.T"]
    assert page.page.locator("path.adjoint").count() == 1
    details = page.text("#details")
    assert "h = np.tanh(x @ W1 + b1)" in details and "f64[batch, 5]" in details and "d_h" in details
    page.page.mouse.move(5, 5)
    assert not page.titles(".self") and not page.lines("source", "self")


def test_hover_on_the_adjoint_lights_up_the_primal(open_page):
    page = open_page("network")
    page.page.keyboard.press("e")
    page.page.keyboard.press("0")
    page.hover("d_W1")
    assert page.titles(".twin") == {"W1"}
    assert "Is the adjoint of" in page.text("#details")


def test_a_closed_box_stands_for_the_adjoint_inside(open_page):
    page = open_page("network")
    page.click("output")
    page.hover("scores")
    assert "loss" in page.titles(".twin")


def test_rewrites_of_a_card_are_listed(open_page):
    page = open_page("network")
    data = json.loads(page.page.text_content("#data"))
    card = data["rewrites"][0][4]
    page.page.keyboard.press("e")
    page.page.keyboard.press("0")
    page.page.mouse.move(*page.middle(f"c{card}"))
    assert data["rewrites"][0][1] in page.text("#details .rewrites")


def test_a_line_lights_up_its_cards(open_page):
    page = open_page("network")
    page.page.keyboard.press("e")
    page.page.locator("#source .line", has_text="scores = h @ W2 + b2").hover()
    assert "scores" in page.titles(".self")
    page.page.locator("#code .line", has_text="d_W2 =").hover()
    assert page.titles(".self") == {"d_W2"}
    assert page.titles(".twin") == {"W2"}
    page.page.locator("#code .line", has_text="d_W2 =").click()
    page.page.mouse.move(5, 5)
    assert page.titles(".self") == {"d_W2"}, "what was clicked stays"


def test_fast_code_is_linked_too(open_page):
    page = open_page("blocks")
    page.page.click("#code-tabs [data-style=fast]")
    page.search("d_W3")
    lit = page.lines("code", "self")
    assert any("d_W3" in line for line in lit)


def test_code_opens_at_the_function_below_its_helpers(open_page, tmp_path):
    x = ga.input("x", ("batch", 4))
    path = ga.Graph([x], [ga.sum(ga.nn.softmax(ga.nn.log_softmax(x, 1), 1) ** 2)], name="spread").save(
        tmp_path / "a.html"
    )
    page = open_page(path)
    top = page.page.locator("#code-body").bounding_box()
    line = page.page.locator("#code .line", has_text="def spread(").bounding_box()
    assert top["y"] - 1 <= line["y"] <= top["y"] + top["height"] - line["height"], "in sight"
    assert page.page.evaluate("document.getElementById('code-body').scrollTop") > 0
