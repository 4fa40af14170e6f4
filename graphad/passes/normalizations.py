"""Where the rules of `rules/normalizations.py` are applied: they depend on all users of a node in the graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.origin import inside
from graphad.ops.contract import matmul
from graphad.ops.elementwise import add, divide, multiply, sum_n
from graphad.ops.layout import reshape, transpose
from graphad.passes.cse import Cse
from graphad.passes.exchange import exchanged, like, on_behalf
from graphad.rules.engine import Rule, tell
from graphad.rules.normalizations import (
    RULES,
    Rows,
    flattened,
    parts_of,
    quotient_again,
    root_of,
    rows_of,
    scale_after_product,
    scale_before_rows,
    scale_in_matrix,
    scale_of_matrix,
    shift_in_bias,
    shift_of_matrix,
)


@dataclass(frozen=True)
class Normalizations:
    """Scale and shift in the matrices of products instead of in their rows; one array kept for the gradient."""

    name: str = "norms"

    def run(self, graph: Graph) -> Graph:
        """The graph with less to do for each row; values agree up to rounding."""
        found: dict[Node, Node] = {}
        for x in graph.nodes:
            if x.op is divide and root_of(x) is not None:
                found |= _centered_again(graph, x)
            elif (rows := rows_of(x)) is not None:
                found |= _Readers(graph, x, rows).replaced()
        return Cse().run(exchanged(graph, found)) if found else graph


def _centered_again(graph: Graph, u: Node) -> dict[Node, Node]:
    """What takes the place of products with c, for u = c / σ."""
    found: dict[Node, Node] = {}
    for node in graph.users[u.inputs[0]]:
        if node.op is multiply and node.type == u.type:
            _take(found, quotient_again, node)
    return found


def _take(found: dict[Node, Node], rule: Rule, node: Node) -> bool:
    """Put what a rule makes of a node in its place."""
    with inside(like(node, rule.__name__)):
        new = rule(node)
    if new is not None:
        found[node] = on_behalf(new, node)
        tell(rule, node, found[node])
    return new is not None


class _Readers:
    """All that reads u·γ + β, and the gradient that goes back through it."""

    def __init__(self, graph: Graph, y: Node, rows: Rows) -> None:
        self.graph, self.y, self.rows = graph, y, rows
        self.found: dict[Node, Node] = {}

    def replaced(self) -> Mapping[Node, Node]:
        """What takes the place of which nodes; nothing where something else reads u·γ + β."""
        forward, backward = self._products()
        if not forward or not backward or self.graph.is_output(self.y):
            return {}
        for node in forward:
            users = self.graph.users[node]
            biased = len(users) == 1 and users[0].op is add and not self.graph.is_output(node)
            if not (biased and _take(self.found, shift_in_bias, users[0])):
                _take(self.found, scale_in_matrix, node)
        for node in backward:
            _take(self.found, scale_after_product, node)
        for total in self._gradients([node.inputs[1] for node in backward]):
            self._take_gradient(total)
        return self.found

    def _products(self) -> tuple[list[Node], list[Node]]:
        """The products with matrices, and with gradients of rows; none where there is another reader."""
        forward: dict[Node, None] = {}
        backward: dict[Node, None] = {}
        pending = [*self.graph.users[self.y]]
        while pending:
            node = pending.pop()
            if node.op in (reshape, transpose) and not self.graph.is_output(node):
                pending += self.graph.users[node]
            elif node.op is matmul and node.inputs[0] is self.y and node.inputs[1].ndim == 2:
                forward[node] = None
            elif node.op is matmul and flattened(node.inputs[0]) is self.y and node.inputs[1].ndim == 2:
                backward[node] = None
            else:
                return [], []
        return list(forward), list(backward)

    def _gradients(self, matrices: Sequence[Node]) -> list[Node]:
        """The sums of δ @ Wᵀ, for the δ of which uᵀ @ δ is computed."""
        known = {x: None for delta in matrices for x in (delta, *(delta.inputs if delta.op is reshape else ()))}
        terms = [x for delta in known for x in self.graph.users[delta] if x.op is matmul]
        sums = [x for term in terms for x in self.graph.users[term] if x.op in (add, sum_n)]
        found = [x for x in dict.fromkeys([*terms, *sums]) if not self.graph.is_output(x)]
        return [x for x in found if (parts := parts_of(x)) and all(delta in known for delta, _ in parts)]

    def _take_gradient(self, total: Node) -> None:
        """The gradient of u·γ + β is not computed where it goes on through γ, or to the gradients of γ and β."""
        rules: list[tuple[Rule, Node]] = []
        for node in self.graph.users[total]:
            if node.op is multiply and any(x is self.rows.u for x in node.inputs) and not self.graph.is_output(node):
                rules += [(scale_of_matrix, user) for user in self.graph.users[node]]
            else:
                rules.append((scale_before_rows if node.op is multiply else shift_of_matrix, node))
        tables = [RULES.get(node.op, ()) for _, node in rules]
        if all(rule in table and rule(node) is not None for (rule, node), table in zip(rules, tables, strict=True)):
            for rule, node in rules:
                _take(self.found, rule, node)
