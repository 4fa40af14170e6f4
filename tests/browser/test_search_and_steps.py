"""Search, steps through a run, and layers of numbers."""

import json
import re

import pytest
from page_models import network

import graphad as ga


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
    gone = page.page.locator("#code .line", has_text="- %").first
    assert "constant(" in gone.text_content()
    gone.hover()
    assert page.titles(".self"), "a line of what changed is linked to its card"
    page.page.select_option("#layer", "none")
    assert "np.tanh" in page.page.text_content("#code-body")
