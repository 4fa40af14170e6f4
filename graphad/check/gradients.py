"""``ga.check_grads(graph, values)``: whether every derivative rule in a graph is right at the values of its nodes.

Each node is taken out and compared with differences as a function of its own, at its own operating point, so that a
wrong rule is named together with the user's line and not only seen in what it spoils. The graph as a whole is compared,
too: there, rewriting before differentiation and sums over uses take part.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphad.check.compare import NONE, OK, WRONG, Compare, Finding
from graphad.check.piece import Piece, piece_of, piece_of_graph
from graphad.check.points import by_node, sample_point
from graphad.check.report import STOPPED, GradientReport, NodeCheck
from graphad.errors import ArgumentError
from graphad.ir.core import Node, Undefined, attrs_key
from graphad.ir.dims import evaluate
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.ir.types import carries_gradient
from graphad.lower.compile import Function, declared
from graphad.lower.sizes import solve
from graphad.lower.values import run_values
from graphad.ops.control import scan
from graphad.ops.piecewise import stop_gradient
from graphad.ops.tuples import item
from graphad.passes.samples import quiet

LARGE = 1000  # nodes; of a larger graph only the first derivative is compared as a whole: rules are seen one by one
ALIKE = 25  # nodes of one op on inputs of the same types that are looked at
Values = Mapping[Node, Any]


def check_grads(
    graph: Graph | Function,
    values: Mapping[Any, Any] | None = None,
    order: int = 2,
    rtol: float = 1e-5,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
) -> GradientReport:
    """Compare every derivative rule that a graph uses with differences, and with itself in the other mode.

    ``values``: input (name or node) -> array, the point to check at; sampled unless given, with ``sizes`` for named
    sizes. ``order``: 2 checks second derivatives, too. ``rtol``: of a derivative (2e-3 where only single precision is
    there). ``seed``: of samples, draws, directions. Nodes at a kink or at the end of a domain are said to be so; they
    are no failures. Draws and what `stop_gradient` stops stay as they are. Integers have no derivative.

    The report prints as a table; ``report.ok``, ``report.failures``, ``report.faulty`` (names of the wrong rules).
    Raises ArgumentError, and what running the graph raises.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,))
    >>> print(ga.check_grads(ga.Graph([x], [ga.sum(ga.tanh(x) ** 2)]), {"x": [0.1, 0.2, 0.3]}))
    gradients of graph: 3 nodes, derivatives up to order 2: 3 right
    """
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"check_grads: order={order!r} is no order of a derivative", hint="use 1, 2, ...")
    if not isinstance(rtol, int | float) or not 0 < rtol < 1:
        raise ArgumentError(f"check_grads: rtol={rtol!r} is no tolerance", hint="a number between 0 and 1: 1e-5")
    graph = declared(graph)
    point = by_node(graph, sample_point(graph, seed, sizes)) if values is None else values
    with quiet():
        found = run_values(graph, point, np.random.default_rng(seed))
    known = solve(graph, [np.shape(found[x]) for x in graph.inputs])
    compare = Compare(order, rtol, np.random.default_rng(seed))
    nodes, left = _Nodes(compare, known).run(graph, found)
    return GradientReport(graph.name, order, tuple(nodes), _whole(graph, found, known, compare, nodes), left)


@dataclass(frozen=True)
class _Nodes:
    """Checks the nodes of a graph one by one."""

    compare: Compare
    sizes: Mapping[str, int]

    def run(self, graph: Graph, found: Values) -> tuple[list[NodeCheck], int]:
        """The checks, and how many nodes were left out."""
        fixed, seen, checks, left = _fixed(graph), Counter[object](), [], 0
        for node in graph.nodes:
            if graph.is_input(node) or not carries_gradient(node.type) or node.op is item:
                continue
            if not any(carries_gradient(x.type) and x not in fixed for x in node.inputs):
                continue
            kind = (node.op, attrs_key(node.attrs), *(x.type for x in node.inputs))
            seen[kind] += 1
            if seen[kind] > ALIKE:
                left += 1
                continue
            checks.append(self.check(node, found, fixed))
            checks += self._body(node, found) if node.op is scan else ()
        return checks, left

    def check(self, node: Node, found: Values, fixed: set[Node]) -> NodeCheck:
        """One node."""
        rule = node.op.name
        if node.op is stop_gradient:
            return NodeCheck(rule, STOPPED, node=node)
        if isinstance(node.op.derivative, Undefined):
            return NodeCheck(rule, NONE, 0.0, f"no derivative: {node.op.derivative.reason}", node)
        piece = piece_of(node, found, fixed.__contains__, self.sizes)
        finding = self.compare(piece)
        if finding.status == WRONG:
            return self._blamed(node, piece, finding)
        return NodeCheck(rule, finding.status, finding.error, finding.note, node)

    def _blamed(self, node: Node, piece: Piece, finding: Finding) -> NodeCheck:
        """A wrong rule: that of the node, by which operand, or that of an op which its derivative is made of."""
        first = replace(self.compare, order=1)
        alone = [first(replace(piece, moving=(x,))).status == WRONG for x in piece.moving]
        if not any(alone) and (inner := self._inner(piece)):
            rule, why = inner
            note = f"the derivative of {node.op.name} uses {rule}, whose rule is wrong: {why}"
            return NodeCheck(rule, WRONG, finding.error, note, node)
        which = [_operand(node, piece, k) for k, wrong in enumerate(alone) if wrong]
        by = f" (by {', '.join(which)})" if which and len(node.inputs) > 1 else ""
        return NodeCheck(node.op.name, WRONG, finding.error, f"{finding.note}{by}", node)

    def _inner(self, piece: Piece) -> tuple[str, str] | None:
        """The first wrong rule among the ops of a piece's derivatives, and what is wrong with it."""
        ones = [np.ones_like(piece.values[x]) for x in piece.moving]
        weights = [np.ones_like(y) for y in piece.run()]
        first = replace(self.compare, order=1)
        for derived, _ in (piece.reverse(weights), piece.forward(ones)):
            values = derived.everything({})
            own = set(piece.order)
            for node in derived.order:
                is_rule = node.inputs and carries_gradient(node.type) and node.op not in (item, stop_gradient)
                if node in own or not is_rule or isinstance(node.op.derivative, Undefined):
                    continue
                found = first(piece_of(node, values, set[Node]().__contains__, self.sizes))
                if found.status == WRONG:
                    return node.op.name, found.note
        return None

    def _body(self, node: Node, found: Values) -> Iterator[NodeCheck]:
        """The nodes within a loop, at the values of its first turn."""
        length = evaluate(node.attrs["length"], self.sizes)
        if not length:
            return
        body, carries, end = node.attrs["body"], node.attrs["carries"], node.attrs["carries"] + node.attrs["arrays"]
        turn = length - 1 if node.attrs["reverse"] else 0
        operands = [found[x] for x in node.inputs]
        values = [*operands[:carries], *(x[turn] for x in operands[carries:end]), *operands[end:]]
        point = Piece(body.outputs, (), dict(zip(body.inputs, values, strict=True)), self.sizes)
        checks, _ = self.run(body, point.everything({}))
        yield from checks


def _fixed(graph: Graph) -> set[Node]:
    """The nodes that depend on no input and no draw."""
    fixed: set[Node] = set()
    for node in graph.nodes:
        if not graph.is_input(node) and "random" not in node.op.traits and all(x in fixed for x in node.inputs):
            fixed.add(node)
    return fixed


def _operand(node: Node, piece: Piece, k: int) -> str:
    """The operand that the k-th moving input of a node's piece is."""
    first = piece.outputs[0]
    rebuilt = first.inputs[0] if first.op is item else first
    place = next(i for i, x in enumerate(rebuilt.inputs) if x is piece.moving[k])
    names = node.op.operands
    return f"operand {names[place]}" if place < len(names) else f"operand {place}"


def _whole(
    graph: Graph, found: Values, sizes: Mapping[str, int], compare: Compare, nodes: list[NodeCheck]
) -> NodeCheck | None:
    """The outputs by the inputs, differentiated as users do it; None where there is nothing to differentiate."""
    piece = piece_of_graph(graph, found, frozenset({stop_gradient}), sizes)
    if not piece.moving or not piece.outputs:
        return None
    large = len(graph.nodes) > LARGE
    finding = (replace(compare, order=1) if large else compare)(piece)
    note = finding.note
    if finding.status == WRONG and not any(c.status == WRONG for c in nodes):
        note += "; each rule is right by itself"
    return NodeCheck("", finding.status, finding.error, note) if finding.status != OK else NodeCheck("", OK)


install(check_grads=check_grads)
