"""``g.diff(other)``: what changed between two graphs, node by node.

Nodes are partners where they are the same object; else where op, attributes and partners of inputs agree; else where
they go by one origin, as a node and what a rule put in its place do. A partner that computes something else is changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from graphad.ir.core import Node, attrs_key
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.ir.late import method as _late
from graphad.ir.origin import Origin
from graphad.ir.text import node_texts


@dataclass(frozen=True, eq=False)
class Diff:
    """Two graphs, and which nodes belong together; prints as the lines that differ; ``draw()`` colors them.

    ``partners``: for nodes of ``after`` the node of ``before`` that they stand for. ``added`` nodes have none,
    ``removed`` ones are nobody's; ``changed`` are pairs (before, after) that compute something else, ``kept`` the rest.
    """

    before: Graph
    after: Graph
    partners: Mapping[Node, Node] = field(repr=False)
    first: Mapping[Node, Node] = field(repr=False)  # of nodes of ``before`` that are computed alike: the first

    @cached_property
    def added(self) -> tuple[Node, ...]:
        """Nodes of the second graph that stand for none of the first."""
        return tuple(n for n in self.after.nodes if n not in self.partners)

    @cached_property
    def removed(self) -> tuple[Node, ...]:
        """Nodes of the first graph that nothing of the second stands for."""
        found = set(self.partners.values())
        return tuple(n for n in self.before.nodes if n not in found)

    @cached_property
    def changed(self) -> tuple[tuple[Node, Node], ...]:
        """Pairs of a node and what computes its value now, in another way."""
        pairs = ((self.partners[n], n) for n in self.after.nodes if n in self.partners)
        return tuple((a, b) for a, b in pairs if not self._same(a, b))

    @cached_property
    def kept(self) -> tuple[Node, ...]:
        """Nodes of the second graph that are as they were."""
        changed = {b for _, b in self.changed}
        return tuple(n for n in self.after.nodes if n in self.partners and n not in changed)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self._outputs())

    def __repr__(self) -> str:
        counts = (len(self.added), len(self.removed), len(self.changed), len(self.kept))
        head = f"{self.before.name}: {len(self.before.nodes)} -> {len(self.after.nodes)} nodes"
        words = [f"{n} {word}" for n, word in zip(counts, ("added", "removed", "changed", "kept"), strict=True) if n]
        return "\n".join([f"{head}: {', '.join(words) or 'both empty'}", *self._lines()])

    def _lines(self) -> Iterator[str]:
        """The lines of the graphs' tables that differ: − before, + after; a changed node has both."""
        old, new = node_texts(self.before), node_texts(self.after)
        pairs = {b: a for a, b in self.changed}
        added = set(self.added)
        yield from (f"  - {old[n]}" for n in self.removed)
        for node in self.after.nodes:
            if node in pairs:
                yield f"  ~ {old[pairs[node]]}"
                yield f"    {new[node]}"
            elif node in added:
                yield f"  + {new[node]}"
        if self._outputs():
            for sign, graph, texts in (("-", self.before, old), ("+", self.after, new)):
                yield f"  {sign} return {', '.join(texts[y].partition(' ')[0] for y in graph.outputs)}"

    def _same(self, old: Node, new: Node) -> bool:
        """Whether partners compute the same from partners."""
        if old is new or (self.before.is_input(old) and self.after.is_input(new)):
            return True
        return _key(old, _seen_as(old.inputs, {}, self.first)) == _key(
            new, _seen_as(new.inputs, self.partners, self.first)
        )

    def _outputs(self) -> bool:
        """Whether other nodes are returned."""
        now = [self.partners.get(y) for y in self.after.outputs]
        return len(now) != len(self.before.outputs) or any(
            a is not b for a, b in zip(now, self.before.outputs, strict=True)
        )

    draw = _late("Diff.draw")


def _key(node: Node, inputs: Iterable[Node]) -> tuple[object, ...]:
    """Equal keys mean equal nodes over equal inputs."""
    return node.op, tuple(map(id, inputs)), attrs_key(node.attrs), node.type


def _seen_as(nodes: Iterable[Node], partners: Mapping[Node, Node], first: Mapping[Node, Node]) -> list[Node]:
    """The nodes of the first graph that stand for others, one for all that are computed alike."""
    known = (partners.get(x, x) for x in nodes)
    return [first.get(x, x) for x in known]


def diff(graph: Graph, other: Graph) -> Diff:
    """What changes from ``graph`` to ``other``, such as a graph before and after a pass: prints, and draws itself.

    >>> import graphad as ga
    >>> x = ga.input("x")
    >>> y = ga.exp(x) + 0
    >>> f = ga.compile([x], y)
    >>> len(f.declared.diff(f.graph).removed)
    2
    """
    partners: dict[Node, Node] = {}
    free = set(graph.nodes)
    equal: defaultdict[object, list[Node]] = defaultdict(list)
    by_origin: defaultdict[Origin, list[Node]] = defaultdict(list)
    first: dict[Node, Node] = {}
    for node in graph.nodes:
        alone = graph.is_input(node) or "random" in node.op.traits
        alike = equal[node if alone else _key(node, _seen_as(node.inputs, {}, first))]
        alike.append(node)
        first[node] = alike[0]
        by_origin[node.origin].append(node)
    names = {x.name: x for x in graph.inputs}

    def pair(new: Node, candidates: list[Node]) -> bool:
        old = next((n for n in candidates if n in free), None)
        if old is not None:
            partners[new] = old
            free.discard(old)
        return old is not None

    for node in other.nodes:  # the same object first, so that nothing else takes its place
        pair(node, [node])
    for x in other.inputs:
        if x not in partners and x.name in names and names[x.name].type == x.type:
            pair(x, [names[x.name]])
    for node in other.nodes:
        if node not in partners and not other.is_input(node):
            key = _key(node, _seen_as(node.inputs, partners, first))
            _ = pair(node, equal[key]) or pair(node, _alike(node, by_origin[node.origin]))
    return Diff(graph, other, partners, first)


def _alike(node: Node, candidates: list[Node]) -> list[Node]:
    """Nodes of one origin and one type, those with the same op first."""
    return sorted((n for n in candidates if n.type == node.type), key=lambda n: n.op is not node.op)


install(**{"Graph.diff": diff})
