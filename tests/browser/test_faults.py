"""The tests, tested: pages with a fault, and the test that must see it."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import test_boxes
import test_file
import test_hands
import test_search_and_steps as steps
from page_models import blocks, network

from graphad.draw.page import write


class Fault(NamedTuple):
    """What is wrong in the data, or in the scripts; ``seen`` is the test that must fail."""

    seen: Callable[..., None]
    data: Callable[[dict[str, Any]], dict[str, Any]] = dict
    old: str = ""
    new: str = ""


def one_line_down(data):
    return data | {"code": [c | {"lines": {k + 1: v for k, v in c["lines"].items()}} for c in data["code"]]}


FAULTS = {
    "no adjoints": Fault(test_boxes.test_hover_lights_up_what_belongs_together, lambda d: d | {"adjoints": {}}),
    "code off by one": Fault(test_boxes.test_hover_lights_up_what_belongs_together, one_line_down),
    "no rewrites": Fault(
        test_boxes.test_rewrites_of_a_card_are_listed, old="for (const row of rows) {", new="for (const row of []) {"
    ),
    "no room is made": Fault(
        test_boxes.test_open_things_do_not_overlap, old="t.x += (2 * before + grown - total) / 2;"
    ),
    "wires stay behind": Fault(
        test_boxes.test_wires_end_where_things_stand,
        old="line.points.map(([px, py]) => [px + x, py + y])",
        new="line.points",
    ),
    "steps backwards": Fault(
        steps.test_stepping_shows_values_as_the_program_computes_them, lambda d: d | {"order": d["order"][::-1]}
    ),
    "hits are not revealed": Fault(
        steps.test_search_goes_from_hit_to_hit, old="openAround(page, outward(page.model, page.model.cards[c].box));"
    ),
    "boxes do not add up": Fault(
        steps.test_closed_boxes_add_up,
        old="return model.within[b].reduce(",
        new="return model.within[b].slice(1).reduce(",
    ),
    "zoom runs away": Fault(
        test_hands.test_zoom_and_pan, old="view.x = px - ((px - view.x) * scale) / view.scale;", new="view.x = 0;"
    ),
    "no way to the adjoint": Fault(test_hands.test_a_goes_to_the_adjoint_and_back, old="a: toAdjoint,"),
    "no names": Fault(
        test_hands.test_everything_has_a_name_for_screen_readers,
        old='"aria-label": `${box.title}, ${box.kind}, ${box.note}, closed`,',
    ),
    "markup is let in": Fault(
        test_file.test_names_are_text,
        old='return draw("text", { x, y, class: name }, text);',
        new='const t = draw("text", { x, y, class: name }); t.innerHTML = text; return t;',
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_seen(name, open_page, monkeypatch, tmp_path):
    fault = FAULTS[name]
    embedded, script = write.embedded, write._script()
    assert not fault.old or script.count(fault.old) == 1, "the scripts have changed: mend the fault"
    faulty = script.replace(fault.old, fault.new) if fault.old else script
    monkeypatch.setattr(write, "_script", lambda: faulty)
    monkeypatch.setattr(write, "embedded", lambda data: embedded(fault.data(dict(data))))

    seen_pages = []

    def open_faulty(page, **options):
        if isinstance(page, str):
            graph, values = network() if page == "network" else (blocks(5), None)
            page = graph.save(tmp_path / f"{page}.html", values=values, profile=bool(values))
        opened = open_page(Path(page), **options)
        opened.page.set_default_timeout(1500)
        seen_pages.append(opened)
        return opened

    arguments = {"open_page": open_faulty, "tmp_path": tmp_path}
    wanted = inspect.signature(fault.seen).parameters
    with pytest.raises(Exception) as seen:  # of what kind is checked below
        fault.seen(**{key: arguments[key] for key in wanted})
    assert isinstance(seen.value, AssertionError) or "Timeout" in str(seen.value), seen.value
    for page in seen_pages:
        page.complaints.clear()  # a faulty page may complain
