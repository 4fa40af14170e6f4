"""The interactive page in a real browser: what a person can do with it is done here."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from page_models import network

import graphad as ga

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def zoom(page):
    """Shift and scale of the drawing."""
    text = page.page.get_attribute("#world", "transform")
    return [float(x) for x in re.findall(r"-?[\d.]+", text)]


# Boxes ----------------------------------------------------------------------------------------------------------------


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


# Light ----------------------------------------------------------------------------------------------------------------


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


# Search ---------------------------------------------------------------------------------------------------------------


def test_search_goes_from_hit_to_hit(open_page):
    page = open_page("blocks")
    page.page.fill("#search", "W17")
    assert page.text("#count") == "0/" + page.text("#count").split("/")[1]
    page.page.press("#search", "Enter")
    assert page.titles(".self") == {"W17"}, "an exact name comes first, its boxes are opened"
    assert page.titles(".twin") == {"d_W17"}
    page.page.press("#search", "Enter")
    assert page.text("#count").startswith("2/")
    page.page.press("#search", "Shift+Enter")
    assert page.text("#count").startswith("1/")
    x, y = page.middle(page.key("W17"))
    box = page.page.locator("#scene").bounding_box()
    assert box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"], "the hit is in sight"


@pytest.mark.parametrize(
    ("text", "kind"), [("tanh", "node"), ("hidden", "scope"), ("ga.mean", "line"), ("np.mean", "readable")]
)
def test_search_finds_ops_scopes_lines(open_page, text, kind):
    page = open_page("network")
    page.page.fill("#search", text)
    assert kind in page.page.locator("#hits .kind").all_text_contents()


def test_search_says_when_there_is_nothing(open_page):
    page = open_page("network")
    page.page.fill("#search", "no such thing")
    assert page.text("#hits") == "nothing found"
    page.page.press("#search", "Enter")
    page.page.press("#search", "Escape")
    assert page.page.input_value("#search") == ""


# Steps ----------------------------------------------------------------------------------------------------------------


def test_stepping_shows_values_as_the_program_computes_them(open_page):
    graph, values = network()
    loss, d_W1, *_ = ga.compile(graph.inputs, list(graph.outputs))(**values)
    page = open_page("network")
    page.page.keyboard.press("e")
    seen = {}
    page.page.click("#steps")
    for _ in range(40):
        text = page.text("#step-text")
        seen.setdefault(text.split(" = ")[0], (page.text("#phase"), text))
        page.page.keyboard.press("n")
    assert seen["loss"][1].endswith(f"= {loss:.4g}") and seen["loss"][0].startswith("forward")
    assert f"{d_W1.min():.4g} … {d_W1.max():.4g}" in seen["d_W1"][1] and seen["d_W1"][0].startswith("backward")
    assert seen["x"][0].startswith("given")
    assert [k for k in seen if k in ("x", "h", "scores", "loss", "d_h", "d_W1")] == [
        "x", "h", "scores", "loss", "d_h", "d_W1"
    ]  # fmt: skip


def test_stepping_goes_back_slides_plays_and_ends(open_page):
    page = open_page("network")
    page.page.keyboard.press("e")
    page.page.keyboard.press("s")
    for _ in range(5):
        page.page.keyboard.press("n")
    assert page.text("#phase").endswith("6/26")
    page.page.click("#previous")
    assert page.text("#phase").endswith("5/26")
    page.page.locator("#step").fill("20")
    assert page.text("#phase").endswith("21/26")
    assert len(page.keys(".now")) == 1 and len(page.keys(".done")) == 21
    page.page.click("#play")
    page.page.locator("#phase", has_text="22/26").wait_for(timeout=10_000)
    page.page.click("#play")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#stepbar").is_hidden() and not page.keys(".now")


def test_a_closed_box_is_one_step_forward_and_one_backward(open_page):
    page = open_page("network")
    page.page.click("#steps")
    seen = {"given": [], "forward": [], "backward": []}
    for _ in range(20):
        (now,) = page.titles(".now")
        phase = seen[page.text("#phase").split()[0]]
        phase += [now] if phase[-1:] != [now] else []
        page.page.click("#next")
    assert seen["forward"] == ["hidden", "output", "loss"]
    assert seen["backward"] == ["loss", "output", "hidden"]


# Layers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["time", "flops", "bytes", "values"])
def test_layers_write_numbers_on_cards(open_page, layer):
    page = open_page("network")
    page.page.keyboard.press("e")
    page.page.select_option("#layer", layer)
    note = page.page.locator(f"[data-key={page.key('h')}] .note").text_content()
    unit = {"time": r"[\d.]+ [µm]?s", "flops": r"10 FLOP", "bytes": r"80 B", "values": r"2×5: .*…"}[layer]
    assert re.match(unit, note), note
    assert page.text("#legend")


def test_closed_boxes_add_up(open_page):
    page = open_page("network")
    page.page.select_option("#layer", "flops")
    data = json.loads(page.page.text_content("#data"))
    total = sum(data["numbers"]["flops"])
    shown = 0
    for title in ("hidden", "output", "loss"):
        number, *unit = page.page.locator(f"[data-key={page.key(title)}] .note").text_content().split()
        shown += float(number) * (1e3 if unit == ["kFLOP"] else 1)
    assert shown == pytest.approx(total, rel=0.01)


def test_times_stand_beside_lines(open_page):
    page = open_page("network")
    page.page.select_option("#layer", "time")
    costs = [t for t in page.page.locator("#code .cost").all_text_contents() if t]
    assert len(costs) > 5 and all(re.fullmatch(r"[\d.]+ [µm]?s", t) for t in costs)


def test_layers_without_data_cannot_be_chosen(open_page):
    page = open_page("recurrent")
    assert page.page.locator("#layer option[value=values]").is_disabled()
    assert page.page.locator("#layer option[value=time]").is_disabled()
    page.page.select_option("#layer", "bytes")
    assert "T" in page.page.locator(f"[data-key={page.key('xs')}] .note").text_content(), "a formula"


def test_passes_are_shown_one_by_one(open_page):
    page = open_page("network")
    page.page.keyboard.press("e")
    page.page.select_option("#layer", "passes")
    names = []
    page.page.locator("#pass").fill("0")
    for k in range(10):
        names.append(page.text("#pass-name").split()[1].rstrip(":"))
        if k < 9:
            page.page.keyboard.press("]")
    assert names[:4] == ["fold", "stabilize", "cse", "simplify"]
    page.page.locator("#pass").fill("2")
    assert page.keys('[data-state="changed"]')
    assert "- %" in page.text("#code-body") and "constant(" in page.text("#code-body")
    page.page.select_option("#layer", "none")
    assert "np.tanh" in page.page.text_content("#code-body")


# Keys, pointers, looks ------------------------------------------------------------------------------------------------


def test_everything_by_keyboard(open_page):
    page = open_page("network")
    keys = page.page.keyboard
    for _ in range(12):
        keys.press("Tab")
        if page.page.evaluate("document.activeElement.dataset.key || ''"):
            break
    first = page.page.evaluate("document.activeElement.dataset.key")
    assert first, "the graph is reached by Tab"
    keys.press("ArrowDown")
    second = page.page.evaluate("document.activeElement.dataset.key")
    assert second != first
    assert page.keys(".self") == [second], "focus lights up as hover does"
    focused = page.page.locator(f"[data-key={second}] .shape").last
    assert float(focused.evaluate("e => getComputedStyle(e).strokeWidth.replace('px', '')")) > 2, "focus is seen"
    while "box" not in page.page.evaluate("document.activeElement.getAttribute('class')"):
        keys.press("ArrowDown")
    keys.press("Enter")
    assert len(page.keys()) > 5
    assert page.page.evaluate("document.activeElement.dataset.key").startswith("b"), "focus stays on the box"
    keys.press("c")
    assert len(page.keys()) == 5
    keys.press("?")
    assert page.page.locator("#help").is_visible()
    keys.press("Escape")
    assert page.page.locator("#help").is_hidden()
    keys.press("/")
    assert page.page.evaluate("document.activeElement.id") == "search"


def test_a_goes_to_the_adjoint_and_back(open_page):
    page = open_page("blocks")
    page.search("W3")
    page.page.press("#search", "Escape")
    page.page.keyboard.press("a")
    assert page.titles(".self") == {"d_W3"}
    page.page.keyboard.press("a")
    assert page.titles(".self") == {"W3"}


def test_zoom_and_pan(open_page):
    page = open_page("network")
    x0, _, s0 = zoom(page)
    page.page.mouse.move(500, 300)
    page.page.mouse.wheel(0, -200)
    x1, y1, s1 = zoom(page)
    assert s1 > s0
    world = [(500 - x) / s for x, s in ((x0, s0), (x1, s1))]
    assert world[0] == pytest.approx(world[1], abs=1), "the point under the pointer stays"
    page.page.mouse.move(60, 400)
    page.page.mouse.down()
    page.page.mouse.move(160, 430, steps=4)
    page.page.mouse.up()
    x2, y2, s2 = zoom(page)
    assert (x2 - x1, y2 - y1) == pytest.approx((100, 30), abs=30) and s2 == s1
    page.page.click("#zoom-out")
    assert zoom(page)[2] < s2
    page.page.keyboard.press("0")
    page.page.keyboard.press("+")
    assert zoom(page)[2] == pytest.approx(s0 * 1.25, rel=0.2)


def test_dark_and_light(open_page):
    def ground(page):
        return page.page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = open_page("network", color_scheme="light"), open_page("network", color_scheme="dark")
    assert ground(light) == "rgb(255, 255, 255)" and ground(dark) != ground(light)
    light.page.click("#theme")
    assert ground(light) == ground(dark)
    dark.page.keyboard.press("t")
    assert ground(dark) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(open_page, scheme):
    """4.5 to 1, after WCAG 2.2, for what is written on cards and in panels."""
    page = open_page("network", color_scheme=scheme)
    page.page.keyboard.press("e")
    pairs = page.page.evaluate(
        """() => {
          const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
          const rgb = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
          const found = [];
          for (const card of document.querySelectorAll('.card, .box')) {
            const ground = rgb(getComputedStyle(card.querySelector('.shape:last-of-type, .shape')).fill);
            for (const t of card.querySelectorAll('text'))
              found.push([t.textContent, rgb(getComputedStyle(t).fill), ground]);
          }
          for (const e of document.querySelectorAll('#bar h1, #details dt, #details dd, .line code, .line .comment')) {
            let at = e; while (getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)') at = at.parentElement;
            found.push([e.textContent, rgb(getComputedStyle(e).color), rgb(getComputedStyle(at).backgroundColor)]);
          }
          return found;
        }"""
    )
    assert len(pairs) > 60
    for text, ink, ground in pairs:
        a, b = sorted((_luminance(ink), _luminance(ground)))
        assert (b + 0.05) / (a + 0.05) >= 4.5, (text, ink, ground)


def _luminance(rgb):
    channels = [c / 255 for c in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_phone(open_page):
    """One panel at a time, tabs at the bottom, nothing wider than the screen, fingers instead of a mouse."""
    page = open_page("network", **PHONE)
    assert page.page.locator("#tabs").is_visible() and not page.page.locator("#details").is_visible()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    page.page.touchscreen.tap(*page.middle(page.key("hidden")))
    assert "h" in page.titles()
    page.page.touchscreen.tap(*page.middle(page.key("h")))
    assert page.titles(".self") == {"h"}
    assert "np.tanh" in page.text("#peek")
    page.page.tap("#tabs [data-tab=code]")
    assert page.page.locator("#code").is_visible() and not page.page.locator("#graph").is_visible()
    assert page.page.locator("#code .line.self").is_visible()
    page.page.tap("#tabs [data-tab=details]")
    assert "d_h" in page.text("#details")
    for button in page.page.locator("#tabs button").all():
        assert button.bounding_box()["height"] >= 44, "a finger hits it"


def test_two_fingers_zoom(open_page):
    page = open_page("network", **PHONE)
    before = zoom(page)[2]
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind, *points):
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]},
        )

    touch("touchStart", (150, 600), (240, 600))
    for k in range(1, 8):
        touch("touchMove", (150 - 10 * k, 600), (240 + 10 * k, 600))
    touch("touchEnd")
    assert zoom(page)[2] > 1.5 * before


def test_everything_has_a_name_for_screen_readers(open_page):
    page = open_page("network")
    page.page.keyboard.press("s")
    nameless = page.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, svg, [role], section, aside')].filter((e) =>
             !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && !e.textContent.trim()
             && e.getAttribute('role') !== 'status' && !e.closest('[hidden]')).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    labels = page.page.eval_on_selector_all("[role=treeitem]", "es => es.map(e => e.getAttribute('aria-label'))")
    assert any(label.startswith("hidden, scope, ") for label in labels)


# The file -------------------------------------------------------------------------------------------------------------


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
    evil = '</script><script>window.ran = 1</script><img src=x onerror="window.ran = 2">'
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


@pytest.mark.parametrize("name", ["blocks", "chain"])
def test_large_graphs_open(open_page, pages, name, capsys):
    """Less than 3 MB, and opened quickly: the time is printed, since a loaded machine proves nothing."""
    size = pages[name].stat().st_size
    assert size < 3e6
    page = open_page(name)
    ready = page.page.evaluate("performance.now()")
    data = json.loads(page.page.text_content("#data"))
    assert len(page.keys()) < 120, "it opens collapsed"
    with capsys.disabled():
        counts = f"{data['nodes']} nodes, {len(data['cards'])} cards"
        print(f"\n{name}: {counts}, {size / 1e6:.2f} MB, {ready:.0f} ms until all is there")
    page.page.keyboard.press("e")
    assert 300 < len(page.keys()) < 2500


def test_screenshots(open_page):
    """Pictures for people to look at, in GRAPHAD_SCREENSHOTS if it is set; all are drawn in any case."""
    folder = Path(os.environ["GRAPHAD_SCREENSHOTS"]) if os.environ.get("GRAPHAD_SCREENSHOTS") else None
    for scheme in ("light", "dark"):
        page = open_page("network", color_scheme=scheme)
        page.click("hidden")
        page.hover("h")
        picture = page.page.screenshot(path=folder / f"page_{scheme}.png" if folder else None)
        assert len(picture) > 20_000
