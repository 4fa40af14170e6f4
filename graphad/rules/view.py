"""The stabilised view of a graph that is about to be differentiated.

Gradients are taken of the stable form of a function: those of log Σ exp(x) as it stands would be nan where its value
overflows. The nodes that one differentiates by are barriers: they keep their meaning, so no rule looks through them.
"""

from collections.abc import Mapping, Sequence

from graphad.ir.core import Node, attrs_key
from graphad.ir.graph import rebuild, toposort
from graphad.ops.leaves import stand_in
from graphad.rules.engine import Table, rewrite_nodes


def stabilized(outputs: Sequence[Node], wrt: Sequence[Node], rules: Table) -> tuple[list[Node], list[Node]]:
    """The outputs and the nodes of ``wrt`` after rewriting, which does not cross the latter.

    What no rule touches stays the node that it was.
    """
    chosen = {x for x in wrt if "placeholder" not in x.op.traits}
    if not chosen:
        return list(rewrite_nodes(outputs, rules)), list(wrt)
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
    return _filled_in(new[: len(outputs)], found, known), [found[stands[x]] if x in stands else x for x in wrt]


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
