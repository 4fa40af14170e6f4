"""The rewriting engine: rules are tried on every node until none applies.

A rule returns an equal node or None. What replaces a node takes over its origin, so names, scopes, source lines and the
links from adjoints to forward nodes survive. The number of sweeps and of steps at a node is bounded: rules cannot loop.
No rule sees behind an input of the graph, also where the input is an intermediate node of a larger one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from graphad.errors import GraphError
from graphad.ir.core import Node, Op, fail
from graphad.ir.graph import Graph, rebuild, toposort
from graphad.ir.origin import Origin, inside
from graphad.ops.leaves import stand_in

Rule = Callable[[Node], Node | None]
Table = Mapping[Op, Sequence[Rule]]
Watcher = Callable[[Rule, Node, Node], None]
MAX_SWEEPS = 20
MAX_STEPS = 20

_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """While this runs, ``watcher(rule, before, after)`` is told of every rule that applied."""
    token = _watchers.set((*_watchers.get(), watcher))
    try:
        yield
    finally:
        _watchers.reset(token)


def merge(*tables: Table) -> dict[Op, tuple[Rule, ...]]:
    """One table with the rules of several, in their order."""
    ops = dict.fromkeys(op for table in tables for op in table)
    return {op: tuple(rule for table in tables for rule in table.get(op, ())) for op in ops}


def name_of(rule: Rule) -> str:
    """What reports call a rule."""
    return getattr(rule, "__name__", type(rule).__name__)


def rewrite(graph: Graph, rules: Table, anywhere: Sequence[Rule] = ()) -> Graph:
    """Apply rules by the op of the node they look at, then those for any op, until nothing changes."""
    cut = {x: stand_in(x) for x in graph.inputs if "placeholder" not in x.op.traits}
    opaque = graph.substitute(cut) if cut else graph
    outputs = rewrite_nodes(opaque.outputs, rules, anywhere)
    if all(a is b for a, b in zip(outputs, opaque.outputs, strict=True)):
        return graph
    result = Graph(opaque.inputs, outputs, graph.name)
    return result.substitute({s: x for x, s in cut.items()}) if cut else result


def rewrite_nodes(outputs: Sequence[Node], rules: Table, anywhere: Sequence[Rule] = ()) -> Sequence[Node]:
    """The same for all that the given nodes depend on; nodes that no rule touches stay themselves."""
    for _ in range(MAX_SWEEPS):
        changed, outputs = _sweep(outputs, rules, anywhere)
        if not changed:
            break
    return outputs


def _sweep(outputs: Sequence[Node], rules: Table, anywhere: Sequence[Rule]) -> tuple[bool, Sequence[Node]]:
    """Whether a rule applied anywhere in one walk, and the outputs after it."""
    changed = False
    made: dict[Node, Node] = {}
    for node in toposort(outputs):
        new = rebuild(node, [made[x] for x in node.inputs])
        for _ in range(MAX_STEPS):
            better = _first((*rules.get(new.op, ()), *anywhere), new)
            if better is None:
                break
            new, changed = better, True
        made[node] = new
    return changed, [made[y] for y in outputs]


def _first(rules: Sequence[Rule], node: Node) -> Node | None:
    """What the first rule that applies puts in the node's place."""
    for rule in rules:
        better = apply_rule(rule, node)
        if better is not None:
            return better
    return None


def apply_rule(rule: Rule, node: Node) -> Node | None:
    """What a rule puts in a node's place, under the origin of that node. Raises GraphError for a wrong type."""
    origin = node.origin
    template = origin.derived(name_of(rule), name=None)
    with inside(template):
        new = rule(node)
    if new is None or new is node:
        return None
    if new.type != node.type:
        fail(GraphError, f"rewrite {name_of(rule)} turned {node.type} into {new.type}", node)
    for watcher in _watchers.get():
        watcher(rule, node, new)
    return with_origin(new, origin, template)


def with_origin(new: Node, origin: Origin, template: Origin) -> Node:
    """``new`` under ``origin`` where it was made just now, or has no name and would take one over."""
    fresh = new.origin.serial > template.serial
    takes_name = bool(origin.name) and not new.name and "placeholder" not in new.op.traits
    return Node(new.op, new.inputs, new.attrs, new.type, origin) if fresh or takes_name else new
