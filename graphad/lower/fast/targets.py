"""Which new values are computed straight into the inputs that they replace, so that nothing is copied afterwards.

What writes to inputs comes last, and holds nothing that can fail for the values that it gets: a call that raises has
changed nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.build import cannot_fail
from graphad.lower.fast.buffers import has_form, is_done_with, is_large, made_in, reads_of
from graphad.lower.fast.fusion import Step
from graphad.lower.program import Assign, Loop
from graphad.ops.control import symbol


def in_place(
    steps: Sequence[Step], roots: Mapping[Node, Node], updates: Mapping[Node, Node], outputs: Sequence[Node]
) -> tuple[Sequence[Step], dict[Node, Node]]:
    """The steps, those that write to inputs and what needs them last, and the input that each new value is written to.

    ``updates``: input -> new value; ``roots``: what each view is a view of. From the step on that writes the new value
    nothing may read the old one, except element by element what is written there; results never share memory with it.
    Where all are small a copy costs less than the test that arrays share no memory.
    """
    writable = {node: (step, s) for step in steps for node, s in _writable(step)}
    taken = {roots[y] for y in outputs}
    wishes: dict[Node, Node] = {}
    for target, value in updates.items():
        others = {roots[u] for x, u in updates.items() if x is not target}
        if (
            value in writable
            and cannot_fail(value)
            and value not in taken
            and value not in wishes
            and target not in taken | others
        ):
            wishes[value] = target
    late = _late(steps, wishes)[1]
    if not any(map(is_large, wishes)) or not all(cannot_fail(n) for step in late for n in made_in(step)):
        return steps, {}
    last = {roots.get(r, r): k for k, step in enumerate(late) for r in reads_of(step)}
    place = {id(step): k for k, step in enumerate(late)}
    found = {}
    for value, target in wishes.items():
        step, s = writable[value]
        k, end = place[id(step)], last.get(target, -1)
        if end < k or (end == k and _is_free(step, s, target, roots)):
            found[value] = target
    early, late = _late(steps, found)
    return [*early, *late], found


def rooms_of(graph: Graph, steps: Sequence[Step], places: Sequence[int]) -> dict[int, Node]:
    """By their places those results of a turn that can be written to arrays of its caller, and symbols for these."""
    writable = {node for step in steps for node, _ in _writable(step)}
    rooms: dict[Node, int] = {}
    for k in places:
        if graph.outputs[k] in writable and graph.outputs[k].ndim:
            rooms.setdefault(graph.outputs[k], k)
    taken = {x.name or "" for x in graph.inputs}
    return {k: symbol(_wish(y), y.type, taken, y.origin.derived("loop", name=None)) for y, k in rooms.items()}


def _wish(y: Node) -> str:
    return y.name if y.name and y.name.isidentifier() else "out"


def _late(steps: Sequence[Step], values: Mapping[Node, Node]) -> tuple[list[Step], list[Step]]:
    """The other steps, and those that make one of the values or need one that does."""
    moved: set[Node] = set(values)
    parts: tuple[list[Step], list[Step]] = ([], [])
    for step in steps:
        made = list(made_in(step))
        is_late = not moved.isdisjoint(made) or not moved.isdisjoint(reads_of(step))
        parts[is_late].append(step)
        if is_late:
            moved.update(made)
    return parts


def _writable(step: Step) -> Iterator[tuple[Node, Assign]]:
    """The values that a step can write into a given array, each with its statement."""
    if isinstance(step, Loop):
        for m in step.members:
            if m.node in step.stored and m.axis is not None and not m.is_spread:
                yield m.node, m.statement
    elif has_form(step):
        yield step.node, step


def _is_free(step: Step, s: Assign, target: Node, roots: Mapping[Node, Node]) -> bool:
    """Whether a step that reads the target does so before it writes over it, and not through views."""
    through = [r for r in reads_of(step) if roots.get(r, r) is target and r is not target]
    return not through and is_done_with(step, s, target)
