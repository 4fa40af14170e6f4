"""Keys, mouse, fingers, light and dark, screen readers."""

import re

import numpy as np
import pytest

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def zoom(page):
    """Shift and scale of the drawing."""
    text = page.page.get_attribute("#world", "transform")
    return [float(x) for x in re.findall(r"-?[\d.]+", text)]


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


def test_lines_by_keyboard(open_page):
    page = open_page("network")
    page.page.locator("#source .line[tabindex='0']").focus()
    keys = page.page.keyboard
    for _ in range(20):
        if "h = ga.tanh" in page.page.evaluate("document.activeElement.textContent"):
            break
        keys.press("ArrowDown")
    assert any("np.tanh" in line for line in page.lines("code", "self"))
    keys.press("Enter")
    keys.press("Tab")
    assert "h" in page.titles(".self"), "what was chosen is opened and stays"


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
    assert any((label or "").startswith("hidden, scope, ") for label in labels)
