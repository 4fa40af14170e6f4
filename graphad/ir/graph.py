"""Graph: inputs, outputs and everything between them, in a fixed topological order.

A graph is immutable; passes map a graph to a graph. Nothing here recurses over the depth of a graph. Read `core.py`
first; `verify.py` says what a legal graph is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import is_
from typing import Any

from graphad.errors import GraphError
from graphad.ir.core import Node, describe, fail, label
from graphad.ir.dims import names as names_in
from graphad.ir.late import method as _late


def toposort(outputs: Iterable[Node], stop: Iterable[Node] = ()) -> list[Node]:
    """The ancestors of ``outputs``, inputs first, each once; nodes in ``stop`` are kept and not looked behind.

    The order is that of a depth-first walk from left to right, hence the same in every run. Raises GraphError when a
    node is used to compute itself, which only a broken rule or pass can bring about.
    """
    barrier = set(stop)
    done: dict[Node, None] = {}
    entered: set[Node] = set()
    for root in outputs:
        stack = [root]
        while stack:
            node = stack[-1]
            if node not in entered and node not in barrier:
                entered.add(node)
                if waiting := [i for i in node.inputs if i not in done]:
                    if not entered.isdisjoint(waiting):
                        again = next(i for i in waiting if i in entered)
                        raise GraphError(f"{label(again)} is used to compute itself", where=[describe(again)])
                    stack += waiting[::-1]
                    continue
            done[node] = None
            stack.pop()
    return list(done)


def rebuild(node: Node, inputs: Sequence[Node]) -> Node:
    """The node on other inputs (the node itself when they are its own); keeps attributes and origin."""
    if all(map(is_, inputs, node.inputs)):
        return node
    return node.op.build(inputs, node.attrs, node.origin)


def moved(node: Node, inputs: Sequence[Node]) -> Node:
    """`rebuild` for inputs that are known to have the types of the node's own."""
    if all(map(is_, inputs, node.inputs)):
        return node
    return Node(node.op, tuple(inputs), node.attrs, node.type, node.origin)


class Graph:
    """A static computation graph with named inputs.

    ``inputs``: nodes, usually from `ga.input` and `ga.parameter`; any other node cuts the graph there.
    ``outputs``: a node or a sequence of nodes. Raises GraphError when an output depends on an input that is not listed,
    when something else than a node is given, or when two inputs have the same name.

    >>> import graphad as ga
    >>> x = ga.input("x", shape=("n",))
    >>> g = ga.Graph([x], [ga.sum(x * x)], name="square_norm")
    >>> len(g.nodes)
    3
    """

    def __init__(self, inputs: Node | Sequence[Node], outputs: Node | Sequence[Node], name: str = "graph") -> None:
        self.inputs = _nodes(inputs, "inputs")
        self.outputs = _nodes(outputs, "outputs")
        self.name = name
        _check_inputs(self)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, inputs first, each after its own inputs."""
        reached = toposort(self.outputs, stop=self.inputs)
        return tuple(dict.fromkeys((*self.inputs, *reached)))

    @cached_property
    def users(self) -> Mapping[Node, tuple[Node, ...]]:
        """For every node the nodes that use it, in order; a node that uses it twice stands there twice."""
        users: dict[Node, list[Node]] = {n: [] for n in self.nodes}
        cut = set(self.inputs)
        for node in self.nodes:
            if node not in cut:
                for i in node.inputs:
                    users[i].append(node)
        return {n: tuple(u) for n, u in users.items()}

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The named sizes of the inputs, sorted."""
        return tuple(sorted({name for x in self.inputs for s in x.shape for name in names_in(s)}))

    @cached_property
    def backward(self) -> frozenset[Node]:
        """The nodes that differentiation made, and all that depends on them."""
        found: set[Node] = set()
        for node in self.nodes:
            if not self.is_input(node) and (node.origin.adjoint_of or any(x in found for x in node.inputs)):
                found.add(node)
        return frozenset(found)

    def is_input(self, node: Node) -> bool:
        """Whether the graph is cut at this node: nothing behind it belongs to the graph."""
        return node in self._cut

    def is_output(self, node: Node) -> bool:
        """Whether the node is an output (``in`` on a tuple of nodes would compare values, which nodes lack)."""
        return node in self._results

    @cached_property
    def _results(self) -> frozenset[Node]:
        return frozenset(self.outputs)

    @cached_property
    def _cut(self) -> frozenset[Node]:
        return frozenset(self.inputs)

    def substitute(self, replacements: Mapping[Node, Node]) -> "Graph":
        """The graph with nodes exchanged for others of the same type; inputs are exchanged too."""
        for old, new in replacements.items():
            if old.type != new.type:
                fail(GraphError, f"substitute: {label(old)} has type {old.type}, its replacement {new.type}", old, new)
        made = self.map(lambda node, inputs: replacements[node] if node in replacements else rebuild(node, inputs))
        return Graph([made[i] for i in self.inputs], [made[o] for o in self.outputs], self.name)

    def map(self, make: Callable[[Node, Sequence[Node]], Node]) -> dict[Node, Node]:
        """Walk the graph in order and call ``make(node, new_inputs)`` for each node; returns old node -> new node."""
        made: dict[Node, Node] = {}
        for node in self.nodes:
            made[node] = make(node, node.inputs if node in self._cut else [made[i] for i in node.inputs])
        return made

    def subgraph(self, outputs: Sequence[Node]) -> "Graph":
        """The part of the graph that ``outputs`` need, with the same inputs; the graph itself for its own outputs."""
        if len(outputs) == len(self.outputs) and all(map(is_, outputs, self.outputs)):
            return self
        return Graph(self.inputs, outputs, self.name)

    def node(self, name: str) -> Node:
        """The first node of that name. Raises GraphError listing the names when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(dict.fromkeys(n.name for n in self.nodes if n.name))
        raise GraphError(f"graph {self.name!r} has no node named {name!r}", hint=f"it has {known}")

    draw = _late("Graph.draw", "draw(view='joint', **options): a Digraph; see `graphad.draw.picture.draw`.")
    save = _late("Graph.save", "save(path, **options): .svg, .png, .pdf, .dot (options as for `draw`), .html or .json.")
    to_networkx = _late("Graph.to_networkx", "A networkx.MultiDiGraph of the same nodes.")
    diff = _late("Graph.diff", "diff(other): what changes from this graph to ``other``; it prints, and draws itself.")
    _repr_mimebundle_ = _late("Graph._repr_mimebundle_")
    __repr__ = _late("Graph.__repr__")


def _nodes(value: Any, what: str) -> tuple[Node, ...]:
    items = (value,) if isinstance(value, Node) or not isinstance(value, Iterable) else tuple(value)
    for item in items:
        if not isinstance(item, Node):
            raise GraphError(
                f"{what}: expected graphad nodes, got {type(item).__name__}",
                hint="build nodes with ga.input, ga.parameter, ga.constant and operators on them",
            )
    return items


def _check_inputs(graph: Graph) -> None:
    given = set(graph.inputs)
    if len(given) < len(graph.inputs):
        twice = next(n for k, n in enumerate(graph.inputs) if n in set(graph.inputs[:k]))
        fail(GraphError, f"input {label(twice)} is listed twice", twice)
    missing = [n for n in graph.nodes if "placeholder" in n.op.traits and n not in given]
    if missing:
        listed = ", ".join(map(label, missing))
        raise GraphError(
            f"graph {graph.name!r} depends on {listed}, which is not among its inputs",
            where=[describe(n) for n in missing],
            hint=f"add {listed} to the list of inputs",
        )
    seen: dict[str, Node] = {}
    for node in graph.inputs:
        other = seen.setdefault(node.name or "", node)
        if node.name and other is not node:
            fail(GraphError, f"two inputs are named {node.name!r}", other, node, hint="give each input its own name")
