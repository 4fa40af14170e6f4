"""The rewriting engine: rules `Node -> Node | None`, tried on every node until none applies.

A rule returns an equal node or None. What replaces a node takes over its origin, so names, scopes, source lines and the
links from adjoints to forward nodes survive. The number of sweeps is bounded: rules cannot loop.
"""

from collections.abc import Callable, Mapping, Sequence

from graphad.errors import GraphError
from graphad.ir.core import Node, Op, fail
from graphad.ir.graph import Graph, rebuild
from graphad.ir.origin import Origin, inside

Rule = Callable[[Node], Node | None]
MAX_SWEEPS = 20


def rewrite(graph: Graph, rules: Mapping[Op, Sequence[Rule]]) -> Graph:
    """Apply rules, indexed by the op of the node they look at, until nothing changes (at most MAX_SWEEPS sweeps)."""
    for _ in range(MAX_SWEEPS):
        changed = False

        def make(node: Node, inputs: Sequence[Node]) -> Node:
            nonlocal changed
            if graph.is_input(node):  # noqa: B023  # called within this sweep only
                return node
            new = rebuild(node, inputs)
            for rule in rules.get(new.op, ()):
                better = apply_rule(rule, new)
                if better is not None:
                    changed = True
                    return better
            return new

        made = graph.map(make)
        graph = Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)
        if not changed:
            break
    return graph


def apply_rule(rule: Rule, node: Node) -> Node | None:
    """What a rule puts in a node's place, under the origin of that node. Raises GraphError for a wrong type."""
    origin = node.origin
    template = origin.derived(getattr(rule, "__name__", "rewrite"), name=None)
    with inside(template):
        new = rule(node)
    if new is None or new is node:
        return None
    if new.type != node.type:
        fail(GraphError, f"rewrite {rule.__name__} turned {node.type} into {new.type}", node)
    return with_origin(new, origin, template)


def with_origin(new: Node, origin: Origin, template: Origin) -> Node:
    """``new`` under ``origin`` where it was made just now, or has no name and would take one over."""
    fresh = new.origin.serial > template.serial
    takes_name = bool(origin.name) and not new.name and "placeholder" not in new.op.traits
    return Node(new.op, new.inputs, new.attrs, new.type, origin) if fresh or takes_name else new
