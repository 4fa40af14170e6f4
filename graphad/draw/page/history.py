"""What rewriting did, on the page: the rules that applied to each card, and what each pass changed."""

from operator import is_

from graphad.draw.page.model import Model
from graphad.ir.diff import Diff, diff
from graphad.ir.graph import Graph
from graphad.ir.text import node_texts
from graphad.lower.explain import MOST, form_text
from graphad.passes.base import Report, Step

LINES = 150  # of what a pass changed
ALL_LINES = 2000  # of all passes
REWRITES = 4000


def rewrites(model: Model, report: Report) -> list[list[object]]:
    """Pass, rule, the form before and after, and the card, for the first applications to each card."""
    found: list[list[object]] = []
    count: dict[int, int] = {}
    for step in report.steps:
        for rule, before, after in step.applied:
            card = model.card_of(before)
            if card is None or count.get(card, 0) >= MOST or len(found) >= REWRITES:
                continue
            count[card] = count.get(card, 0) + 1
            found.append([step.name, rule, form_text(before), form_text(after), card])
    return found


def passes(model: Model, report: Report) -> list[dict[str, object]]:
    """What each pass made of the graph: counts, rules, the cards that went or changed, and the lines that differ.

    Lines are for people to read; they are cut where they get long.
    """
    found: list[dict[str, object]] = []
    before, room = model.graph, ALL_LINES
    for step in report.steps:
        same = all(map(is_, step.outputs, before.outputs))
        after = before if same else Graph(before.inputs, step.outputs, before.name)
        entry = _changes(model, step, before, after, min(LINES, room))
        room -= len(entry["lines"])
        found.append(dict(entry))
        before = after
    return found


def _changes(model: Model, step: Step, before: Graph, after: Graph, most: int) -> dict[str, list[object]]:
    """One pass."""
    entry: dict[str, list[object]] = {"is": [step.name, step.before, step.after]}
    entry["fired"] = [[name, count] for name, count in step.fired.items()]
    if before is after:
        return entry | {"gone": [], "changed": [], "lines": []}
    changes = diff(before, after)
    alive = {model.card_of(n) for n in after.nodes}
    gone = model.cards_of(changes.removed)
    changed = model.cards_of([a for a, _ in changes.changed])
    entry["gone"] = [k for k in gone if k not in alive]
    entry["changed"] = list(dict.fromkeys([*changed, *(k for k in gone if k in alive)]))
    lines = _lines(model, changes)
    left = len(lines) - most
    entry["lines"] = [*lines[:most], *([[f"  … and {left} more", []]] if left > 0 else [])]
    return entry


def _lines(model: Model, changes: Diff) -> list[object]:
    """What differs in the tables of two graphs, each line with its cards: - is gone, + new, ~ now what follows."""
    old, new = node_texts(changes.before), node_texts(changes.after)
    was, added = {b: a for a, b in changes.changed}, set(changes.added)
    lines: list[object] = [[f"- {old[n]}", model.cards_of([n])] for n in changes.removed]
    for node in changes.after.nodes:
        if node in was:
            lines.append([f"~ {old[was[node]]}", model.cards_of([was[node]])])
        if node in was or node in added:
            lines.append([f"{'+' if node in added else ' '} {new[node]}", model.cards_of([node])])
    return lines
