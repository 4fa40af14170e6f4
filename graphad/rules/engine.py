"""The rewriting engine: rules are tried on every node until none applies.

A rule returns an equal node or None. What replaces a node takes over its origin, so names, scopes, source lines and the
links from adjoints to forward nodes survive. A rule looks at a node and at what is behind it; of its users it learns
only whether there are several (`used_once`). So one walk from the inputs up, which finishes what a rule made before it
goes on, leaves next to nothing to rewrite. Steps are bounded: rules cannot loop. No rule sees behind an input of the
graph, also where that is a node of a larger one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from types import MappingProxyType

from graphad.errors import GraphError
from graphad.ir.core import Node, Op, fail
from graphad.ir.graph import Graph, moved, toposort
from graphad.ir.origin import Origin, inside
from graphad.ops.leaves import stand_in

Rule = Callable[[Node], Node | None]
Table = Mapping[Op, Sequence[Rule]]
Watcher = Callable[[Rule, Node, Node], None]
MAX_STEPS = 100  # rules that lead from one node to another
MAX_GROWTH = 50  # rules applied in all, per node that was there
MANY = 4  # users of a node from which on rules make no difference between their numbers

_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())
_uses: ContextVar[Mapping[Node, int]] = ContextVar("uses", default=MappingProxyType({}))


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """While this runs, ``watcher(rule, before, after)`` is told of every rule that applied."""
    token = _watchers.set((*_watchers.get(), watcher))
    try:
        yield
    finally:
        _watchers.reset(token)


def tell(rule: Rule, before: Node, after: Node) -> None:
    """Let those who watch know that a rule applied."""
    for watcher in _watchers.get():
        watcher(rule, before, after)


def merge(*tables: Table) -> dict[Op, tuple[Rule, ...]]:
    """One table with the rules of several, in their order."""
    ops = dict.fromkeys(op for table in tables for op in table)
    return {op: tuple(rule for table in tables for rule in table.get(op, ())) for op in ops}


def name_of(rule: Rule) -> str:
    """What reports call a rule."""
    return getattr(rule, "__name__", type(rule).__name__)


def used_once(node: Node, times: int = 1) -> bool:
    """Whether a rule that takes the node apart leaves no other user behind: then none of its work is done twice.

    ``times``: how often the rule's own node uses it, which must be less than MANY.
    """
    return _uses.get().get(node, 0) <= times


class Settled:
    """Nodes that no rule applies to, as far as walks with the same rules have found, and how many users they had."""

    def __init__(self) -> None:
        self.nodes: set[Node] = set()
        self.uses: Mapping[Node, int] = {}

    def among(self, order: Sequence[Node], uses: Mapping[Node, int]) -> set[Node]:
        """Those in a graph where neither they nor anything behind them has got or lost users."""
        found: set[Node] = set()
        for node in order:
            if node in self.nodes and found.issuperset(node.inputs):
                now, before = uses[node], self.uses[node]
                if now == before or min(now, before) >= MANY:
                    found.add(node)
        return found


def rewrite(graph: Graph, rules: Table, anywhere: Sequence[Rule] = (), settled: Settled | None = None) -> Graph:
    """Apply rules by the op of the node they look at, then those for any op, until nothing changes.

    ``settled`` is what earlier calls with the same rules have found, which this one need not look at, and adds to.
    """
    cut = {x: stand_in(x) for x in graph.inputs if "placeholder" not in x.op.traits}
    opaque = graph.substitute(cut) if cut else graph
    outputs = _rewritten(opaque.nodes, opaque.outputs, rules, anywhere, settled)
    if all(a is b for a, b in zip(outputs, opaque.outputs, strict=True)):
        return graph
    result = Graph(opaque.inputs, outputs, graph.name)
    return result.substitute({s: x for x, s in cut.items()}) if cut else result


def rewrite_nodes(outputs: Sequence[Node], rules: Table) -> Sequence[Node]:
    """The same for all that the given nodes depend on; nodes that no rule touches stay themselves."""
    return _rewritten(toposort(outputs), outputs, rules)


def _rewritten(
    order: Sequence[Node],
    outputs: Sequence[Node],
    rules: Table,
    anywhere: Sequence[Rule] = (),
    settled: Settled | None = None,
) -> Sequence[Node]:
    """What stands for the outputs, the last of some nodes in topological order."""
    walk = _Walk(rules, tuple(anywhere), order, outputs, settled or Settled())
    token = _uses.set(walk.uses)
    try:
        with inside(walk.template):
            walk.finish(order)
            return [walk.final[y] for y in outputs]
    finally:
        _uses.reset(token)


class _Walk:
    """One walk over a graph. ``final`` tells what stands for each node that was visited, and has no more to rewrite.

    All rules run under one ``template`` of origins, filled in for each node: trying a rule must cost next to nothing.
    """

    def __init__(
        self,
        rules: Table,
        anywhere: tuple[Rule, ...],
        order: Sequence[Node],
        outputs: Sequence[Node],
        settled: Settled,
    ) -> None:
        self.table, self.anywhere = rules, anywhere
        self.rules: dict[Op, list[tuple[Rule, str]]] = {}  # with their names, of the ops that were met
        self.budget, self.template = MAX_GROWTH * len(order), Origin()
        self.uses = Counter(chain.from_iterable(node.inputs for node in order))
        self.uses.update(outputs)
        known = settled.among(order, self.uses)
        self.final: dict[Node, Node] = dict(zip(known, known, strict=True))
        settled.nodes, settled.uses = known, self.uses
        self.idle = known  # nodes that no rule applies to, with the users that they have
        self.replaced: dict[Node, tuple[Node, Node]] = {}  # by what a rule put in its place, and without that rule
        self.steps: dict[Node, int] = {}  # of nodes that rules made

    def finish(self, order: Sequence[Node]) -> None:
        """Find what stands for each node: no rule applies to it, nor to anything behind it."""
        final, stack = self.final, [*reversed(order)]
        while stack:
            node = stack[-1]
            if node in final:
                stack.pop()
            elif node in self.replaced:
                better, kept = self.replaced[node]
                self._settle(node, final.get(better, kept))  # kept: the rule's result holds the node itself
            elif waiting := [x for x in node.inputs if x not in final]:
                stack += waiting[::-1]
                if node in self.steps:
                    self.steps.update(dict.fromkeys(waiting, self.steps[node]))
            else:
                self._try(node, stack)

    def _settle(self, node: Node, result: Node) -> None:
        """``result`` stands for the node, and has its users."""
        self.final[node] = result
        if result is not node:
            if self.uses[result] < MANY:
                self.idle.discard(result)
            self.uses[result] += self.uses[node]

    def _try(self, node: Node, stack: list[Node]) -> None:
        """Apply the first rule that fits to a node whose inputs are finished; what it makes comes next."""
        final = self.final
        new = moved(node, [final[x] for x in node.inputs])
        steps = self.steps.get(node, 0)
        better = self._better(new) if steps < MAX_STEPS and self.budget > 0 else None
        if better is None:
            stack.pop()
            self._settle(node, new)
            final[new] = new
        else:
            self.budget -= 1
            self.replaced[node] = better, new
            if better not in self.final:
                self.steps[better] = steps + 1
                stack.append(better)

    def _better(self, node: Node) -> Node | None:
        """What the first rule that applies puts in the node's place. Raises GraphError for a wrong type."""
        rules = self.rules.get(node.op)
        if rules is None:
            rules = self.rules[node.op] = [(r, name_of(r)) for r in (*self.table.get(node.op, ()), *self.anywhere)]
        if not rules:
            self.idle.add(node)
            return None
        template, origin = self.template, node.origin
        template.place, template.scope, template.adjoint_of = origin.place, origin.scope, origin.adjoint_of
        for rule, name in rules:
            template.made_by = name
            new = rule(node)
            if new is None or new is node:
                continue
            if new.type != node.type:
                fail(GraphError, f"rewrite {name} turned {node.type} into {new.type}", node)
            tell(rule, node, new)
            result = with_origin(new, origin, template)
            template.serial = Origin().serial  # what the next rule makes is younger
            return result
        self.idle.add(node)
        return None


def with_origin(new: Node, origin: Origin, template: Origin) -> Node:
    """``new`` under ``origin`` where it was made just now, or has no name and would take one over."""
    fresh = new.origin.serial > template.serial
    takes_name = bool(origin.name) and not new.name and not new.op.traits & {"placeholder", "random"}
    return Node(new.op, new.inputs, new.attrs, new.type, origin) if fresh or takes_name else new
