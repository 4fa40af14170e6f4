"""The stabilised view of a graph that is about to be differentiated.

Gradients are taken of the stable form of a function: those of log Σ exp(x) as it stands would be nan where its value
overflows. The nodes that one differentiates by are barriers: they keep their meaning, so no rule looks through them.
"""

from collections.abc import Mapping, Sequence
from operator import is_
from typing import NamedTuple

from graphad.ir.core import Node, attrs_key
from graphad.ir.graph import rebuild, toposort
from graphad.ops.leaves import stand_in
from graphad.rules.engine import Table, rewrite_nodes


class _View(NamedTuple):
    """What was asked for last with a node as the first output, and the answer."""

    outputs: tuple[Node, ...]
    barriers: tuple[Node, ...]
    rules: Table
    found: tuple[list[Node], list[Node]]

    def answers(self, outputs: Sequence[Node], barriers: Sequence[Node], rules: Table) -> bool:
        """Whether this is the same question."""
        pairs = [(self.outputs, outputs), (self.barriers, barriers)]
        return rules is self.rules and all(len(a) == len(b) and all(map(is_, a, b)) for a, b in pairs)


def stabilized(outputs: Sequence[Node], wrt: Sequence[Node], rules: Table) -> tuple[list[Node], list[Node]]:
    """The outputs and the nodes of ``wrt`` after rewriting, which does not cross the latter.

    What no rule touches stays the node that it was. The first output keeps the answer, so that many gradients of one
    loss rewrite it once, and answers live no longer than what they are about.
    """
    barriers = [x for x in wrt if "placeholder" not in x.op.traits]
    view: _View | None = getattr(outputs[0], "_view", None) if outputs else None
    if view is None or not view.answers(outputs, barriers, rules):
        view = _View(tuple(outputs), tuple(barriers), rules, _rewritten(outputs, barriers, rules))
        if outputs:
            object.__setattr__(outputs[0], "_view", view)
    new, inner = view.found
    stands = dict(zip(barriers, inner, strict=True))
    return list(new), [stands.get(x, x) for x in wrt]


def _rewritten(outputs: Sequence[Node], wrt: Sequence[Node], rules: Table) -> tuple[list[Node], list[Node]]:
    """The outputs after rewriting, and what stands for the nodes of ``wrt``, which are no inputs."""
    if not wrt:
        return list(rewrite_nodes(outputs, rules)), []
    chosen = set(wrt)
    order = toposort([*outputs, *chosen])
    barriers = [x for x in order if x in chosen]
    stands = {x: stand_in(x) for x in barriers}
    opaque: dict[Node, Node] = {}
    for node in order:
        opaque[node] = rebuild(node, [stands.get(x, opaque[x]) for x in node.inputs])
    new = rewrite_nodes([*(stands.get(y, opaque[y]) for y in outputs), *(opaque[x] for x in barriers)], rules)
    known = {_key(node, node.inputs): node for node in order if node.inputs}
    found: dict[Node, Node] = {}
    for x, definition in zip(barriers, new[len(outputs) :], strict=True):
        found[stands[x]] = _filled_in([definition], found, known)[0]
    return _filled_in(new[: len(outputs)], found, known), [found[stands[x]] for x in wrt]


def _key(node: Node, inputs: Sequence[Node]) -> object:
    return node.op, tuple(map(id, inputs)), attrs_key(node.attrs), node.origin.serial


def _filled_in(nodes: Sequence[Node], values: Mapping[Node, Node], known: Mapping[object, Node]) -> list[Node]:
    """The nodes with stand-ins exchanged for what they stand for; those that were there before are found again."""
    made: dict[Node, Node] = {}
    for node in toposort(nodes):
        inputs = [made[x] for x in node.inputs]
        before = known.get(_key(node, inputs)) if inputs else None
        made[node] = before if before is not None else values[node] if node in values else rebuild(node, inputs)
    return [made[y] for y in nodes]
