"""Forward mode: from tangents of inputs to tangents of outputs, as nodes."""

from collections.abc import Sequence
from typing import Any

from graphad.autodiff.reverse import active_nodes, pull_back
from graphad.autodiff.rules import Contribution, checked, jvp_rule
from graphad.ir.core import Node
from graphad.ir.graph import toposort
from graphad.ir.origin import Origin, inside
from graphad.ops.tuples import item


def push_forward(outputs: Sequence[Node], wrt: Sequence[Node], tangents: Sequence[Node]) -> list[Contribution]:
    """The tangent of each output, or None where it does not depend on ``wrt``."""
    order = toposort(outputs)
    active = active_nodes(order, wrt)
    found: dict[Node, Any] = dict(zip(wrt, tangents, strict=True))
    for node in order:
        if node in found or node not in active:
            continue
        forward = node.origin
        if node.op is item:
            parts = found.get(node.inputs[0], ())
            if isinstance(parts, tuple) and parts and (part := parts[node.attrs["index"]]) is not None:
                found[node] = part
            continue
        with inside(Origin(None, forward.place, forward.scope, forward, False, f"jvp of {node.op.name}")):
            tangent = checked(jvp_rule(node, [found.get(x) for x in node.inputs], pull_back), node, node)
        if tangent is not None:
            found[node] = tangent
            if isinstance(tangent, Node) and node.name and tangent.origin.name is None:
                tangent.origin.name = f"t_{node.name}"
    return [found.get(y) for y in outputs]
