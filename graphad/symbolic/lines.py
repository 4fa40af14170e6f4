"""Which values of a graph get an equation of their own, and which are written inside others.

A value has its own equation when the user named it, when it is a result or a gradient, when it is used several times,
or when the formula that it would stand in gets too long. Casts, broadcasts, numbers and sizes are written where they
are used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.types import TupleType
from graphad.ops import BY_NAME
from graphad.symbolic import tex
from graphad.symbolic.names import Symbol, symbols

LONGEST = 8  # operations in one formula
DEEPEST = 20  # brackets within each other, silent operations included
SILENT = {"astype", "stop_gradient", "check_regular", "check_sizes", "broadcast_to", "expand_dims", "squeeze"}
_TRANSPOSE = BY_NAME["transpose"]


@dataclass(frozen=True)
class Lines:
    """A graph with the nodes that have an equation, or are given, each with its symbol."""

    graph: Graph
    own: tuple[Node, ...]  # in the order of the graph
    belongs: Mapping[Node, Node] = field(
        default_factory=dict
    )  # cotangent -> what it belongs to, where origins shall not say
    numbers: frozenset[Node] = frozenset()  # of own: written as numbers where they are used
    named: Mapping[Node, Symbol] = field(default_factory=dict)  # the symbols, where somebody else has chosen them

    @cached_property
    def symbol(self) -> Mapping[Node, Symbol]:
        """Of each node with a symbol: inputs, arrays that are constants, and the left sides of equations."""
        if self.named:
            return self.named
        named = (n for n in self.own if not isinstance(n.type, TupleType) or self.graph.is_input(n))
        return symbols(named, self.belongs, meant(self.graph))

    @property
    def given(self) -> list[Node]:
        """Inputs and constant arrays."""
        return [n for n in self.own if self.is_given(n)]

    def is_given(self, node: Node) -> bool:
        """Whether a node stands for itself: an input, or an array of numbers."""
        array = "constant" in node.op.traits and not is_number(node)
        return self.graph.is_input(node) or array or not node.op.traits.isdisjoint(("random", "placeholder"))

    def is_item(self, node: Node) -> bool:
        """Whether a node is one of several results, which the equation of the op names."""
        return "item" in node.op.traits and not self.graph.is_input(node.inputs[0])

    @property
    def equations(self) -> list[Node]:
        """The left sides, forward before backward, each after what it needs."""
        nodes = [n for n in self.own if not self.is_given(n) and not self.is_item(n)]
        backward = self.graph.backward
        return [n for n in nodes if n not in backward] + [n for n in nodes if n in backward]


def meant(graph: Graph) -> set[str]:
    """Letters that mean something in the formulas of a graph: sizes, and functions and numbers with a Greek letter."""
    templates = {n.op.latex for n in graph.nodes}
    numbers = {tex.number(n.attrs["value"]).text for n in graph.nodes if is_number(n) and not n.ndim}
    greek = {letter for text in templates | numbers for letter in re.findall(r"\\[A-Za-z]+", text)}
    return {size for size in graph.sizes if len(size) == 1} | greek


def choose(graph: Graph) -> Lines:
    """The nodes that get a symbol. What a cotangent with a symbol belongs to gets one, too."""
    own = chosen(graph, frozenset())
    forward = {n.origin: n for n in reversed(graph.nodes) if not n.origin.is_cotangent}
    adjoints = {n.origin.adjoint_of for n in own if n.origin.is_cotangent}
    also = frozenset(forward[o] for o in adjoints if o in forward)
    own = own if also <= own else chosen(graph, also)
    return Lines(graph, tuple(n for n in graph.nodes if n in own), {}, _seeds(own))


def _seeds(own: set[Node]) -> frozenset[Node]:
    """The derivative of a loss with respect to itself: it has its line, and is 1 wherever it is used."""
    return frozenset(n for n in own if n.origin.is_cotangent and is_number(n) and not n.ndim)


def chosen(graph: Graph, also: frozenset[Node]) -> set[Node]:
    """The nodes that get a symbol; ``also`` are nodes that get one in any case."""
    uses = _uses(graph)
    weight: dict[Node, int] = {}
    depth: dict[Node, int] = {}
    own: set[Node] = set()
    for node in graph.nodes:
        if graph.is_input(node) or node in also or _stands_alone(graph, node, uses[node]):
            own.add(node)
        inner = [] if graph.is_input(node) else [x for x in node.inputs if x not in own]
        total = _cost(node) + sum(weight[x] for x in inner)
        for x in sorted(dict.fromkeys(inner), key=weight.__getitem__, reverse=True):
            if total <= LONGEST and depth[x] < DEEPEST:
                break
            if _cost(x) or depth[x] >= DEEPEST:
                own.add(x)
                total -= weight[x] * sum(y is x for y in inner)
        weight[node] = total
        depth[node] = 1 + max((depth[x] for x in inner if x not in own), default=0)
    return own


def _uses(graph: Graph) -> dict[Node, int]:
    """How often each node would be written; a cast, broadcast or transpose is written wherever it is used."""
    uses: dict[Node, int] = {}
    for node in reversed(graph.nodes):
        users = graph.users[node]
        uses[node] = sum(uses[u] if is_silent(u) else 1 for u in users)
    return uses


def is_silent(node: Node) -> bool:
    """Whether a node only arranges its operand: it may be written several times."""
    return not node.name and (node.op.name in SILENT or node.op is _TRANSPOSE)


def _cost(node: Node) -> int:
    return 0 if not node.inputs or node.op.name in SILENT else 1


def is_number(node: Node) -> bool:
    """Whether a node is written as a number: a scalar constant, or an array of one value."""
    if "constant" not in node.op.traits:
        return False
    value = node.attrs["value"]
    return value.ndim == 0 or (value.size > 0 and bool(np.all(value == value.flat[0])))


def _stands_alone(graph: Graph, node: Node, uses: int) -> bool:
    if "size" in node.op.traits:
        return graph.is_output(node)
    if "constant" in node.op.traits:
        return not is_number(node) or bool(node.name) or graph.is_output(node)
    if node.name or graph.is_output(node) or isinstance(node.type, TupleType):
        return True
    if not node.op.traits.isdisjoint(("random", "loop", "item")):
        return True
    read_by_loop = any("loop" in user.op.traits for user in graph.users[node]) and not _is_filled(node)
    return read_by_loop or (uses > 1 and not is_silent(node) and bool(node.inputs))


def _is_filled(node: Node) -> bool:
    """Whether a node is a number, or an array of one number."""
    return is_number(node) or (node.op.name == "broadcast_to" and is_number(node.inputs[0]))
