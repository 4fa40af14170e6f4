"""``ga.trace_table(graph, values)``: a worked forward and backward pass as a table, one step per row.

Each row is one value: what it is called, the NumPy expression on values of rows above, the number, and the gradient
that belongs to it. Numbers, broadcasts, casts and transposes without a name are written inside the rows that use them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphad.draw.tables import Table, Tabular
from graphad.form import literals
from graphad.form.template import Expr, expr_of
from graphad.form.template import name as atom
from graphad.form.text import numpy_form
from graphad.ir.core import Constant, Node
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.ir.origin import Origin
from graphad.lower.compile import Function, declared
from graphad.lower.names import Names
from graphad.lower.values import run_values, value_lines
from graphad.ops.casts import astype
from graphad.ops.elementwise import add, subtract, sum_n
from graphad.ops.fit import broadcast_to
from graphad.ops.layout import transpose
from graphad.ops.piecewise import stop_gradient

INLINE = 40  # characters of an expression that is written inside another one
COLUMNS = ("step", "node", "equation", "value", "gradient", "rule")


class Row(NamedTuple):
    """One step; ``value`` and ``gradient`` (None where the graph has none) are what NumPy computed.

    ``phase``: "forward", then "backward", or "tangent" where nothing runs backward; ``rule``: how differentiation came
    to the step, such as "vjp of tanh".
    """

    step: int
    phase: str
    node: str
    equation: str
    value: Any
    gradient: Any
    rule: str


@dataclass(frozen=True, repr=False)
class TraceTable(Tabular):
    """The steps of one run; ``print`` shows them as wide as the terminal is, a notebook as an HTML table."""

    name: str
    rows: tuple[Row, ...]

    def _table(self) -> Table:
        graded = any(r.gradient is not None for r in self.rows)
        ruled = any(r.rule for r in self.rows)
        shown = [c for c in COLUMNS if (c != "gradient" or graded) and (c != "rule" or ruled)]
        groups = []
        for phase in dict.fromkeys(row.phase for row in self.rows):
            rows = [[_cell(row, column) for column in shown] for row in self.rows if row.phase == phase]
            if rows:
                groups.append((phase if ruled else "", rows))
        right, code = frozenset({"step"}), frozenset({"node", "equation", "value", "gradient"})
        return Table(
            f"{self.name}, step by step",
            tuple(shown),
            tuple(groups),
            right=right,
            code=code,
            label="node",
            tall=frozenset({"value", "gradient"}),
        )


def _cell(row: Row, column: str) -> str:
    value = getattr(row, column)
    if column in ("value", "gradient"):
        return "" if value is None else "\n".join(value_lines(value))
    return str(value)


def trace_table(
    graph: Graph | Function, values: Mapping[Any, Any], rng: np.random.Generator | None = None
) -> TraceTable:
    """Run a graph and tell each step: see `graphad.trace_table`.

    >>> import graphad as ga
    >>> w = ga.input("w")
    >>> loss = (2 * w + 1) ** 2
    >>> row = trace_table(ga.Graph([w], [loss, ga.grad(loss, w)]), {"w": 1.0}).rows[1]
    >>> row.step, row.node, row.equation, float(row.value), float(row.gradient)
    (2, 't0', '2 * w', 2.0, 6.0)
    """
    graph = declared(graph)
    found = run_values(graph, values, rng)
    names, equations = written(graph)
    gradients = cotangents(graph)
    tangents = all(n.origin.made_by.startswith("jvp") for n in graph.backward if n.origin.made_by)
    after = "tangent" if tangents else "backward"
    rows: list[Row] = []
    for node in equations:
        gradient = found[gradients[node]] if node in gradients else None
        phase = after if node in graph.backward else "forward"
        rule = node.origin.made_by if phase == after else ""
        rows.append(Row(len(rows) + 1, phase, names[node], equations[node], found[node], gradient, rule))
    return TraceTable(graph.name, tuple(rows))


def written(graph: Graph) -> tuple[dict[Node, str], dict[Node, str]]:
    """What each step is called and the expression that computes it: the forward pass, then the backward pass.

    A name is given once; values without one are t0, t1, …, their cotangents d_t0, d_t1, …
    """
    order = sorted(graph.nodes, key=lambda n: n in graph.backward)  # a stable sort
    names = Names(graph, (), called=False)
    known: dict[Node, Expr] = {}  # how users write a value
    equations: dict[Node, str] = {}
    for node in order:
        form = _form(graph, node, known)
        if _is_inlined(graph, node) and len(form.text) <= INLINE:
            known[node] = form
        else:
            known[node], equations[node] = atom(names.add(node)), form.text
    return {n: names.of[n] for n in equations}, equations


def _form(graph: Graph, node: Node, known: Mapping[Node, Expr]) -> Expr:
    if graph.is_input(node):
        return atom(node.op.name if "placeholder" in node.op.traits else "input")
    if node.op in (broadcast_to, astype, stop_gradient) and _is_inlined(graph, node):
        return known[node.inputs[0]]
    if node.op is transpose and _is_inlined(graph, node) and _undoes(node, node.inputs[0]):
        return known[node.inputs[0].inputs[0]]
    if "constant" in node.op.traits:
        return expr_of(literals.number(node.attrs["value"])) if not node.ndim else atom(f"constant : {node.type}")
    return numpy_form(node, [known[x] for x in node.inputs])


def _is_inlined(graph: Graph, node: Node) -> bool:
    """Whether a value may be written inside its users: it has no name and does no work to speak of."""
    if graph.is_input(node) or graph.is_output(node) or node.name or node.origin.is_cotangent:
        return False
    number = "constant" in node.op.traits and not node.ndim
    return number or "size" in node.op.traits or node.op in (broadcast_to, astype, stop_gradient, transpose)


def _undoes(node: Node, other: Node) -> bool:
    """Whether a transpose brings the axes of another one back into their order."""
    return other.op is transpose and [other.attrs["axes"][k] for k in node.attrs["axes"]] == list(range(node.ndim))


def cotangents(graph: Graph) -> dict[Node, Node]:
    """For each node the cotangent that belongs to it, where the graph has one; of several, the first.

    A sum hands its cotangent on as it is, so a term that is used nowhere else has that of the sum. What comes from the
    seed of a derivative of a derivative is no gradient of what the user declared.
    """
    of: dict[Origin, Node] = {}
    order: dict[Node, int] = {}
    for node in graph.nodes:
        order[node] = max((order[x] for x in node.inputs if x in order), default=0)
        if node.origin.made_by == "seed":
            order[node] = _depth(node.origin)
        if node.origin.is_cotangent and node.origin.adjoint_of is not None and order[node] <= 1:
            of.setdefault(node.origin.adjoint_of, node)
    found: dict[Node, Node] = {}
    for node in reversed(graph.nodes):
        if node.origin in of and of[node.origin].type == node.type:
            found[node] = of[node.origin]
        elif (user := _only_sum(graph, node)) in found:
            found[node] = found[user]
    return found


def _depth(origin: Origin) -> int:
    """Of which order the derivative is that a backward node belongs to."""
    depth = 0
    while origin.adjoint_of is not None:
        origin, depth = origin.adjoint_of, depth + 1
    return depth


def _only_sum(graph: Graph, node: Node) -> Node | None:
    """The sum that is the only differentiable forward user of a node, as a term that is added."""
    if graph.is_output(node) or node in graph.backward or node.dtype.kind not in "fc":
        return None
    users = [u for u in graph.users[node] if u not in graph.backward and not isinstance(u.op.derivative, Constant)]
    if len(users) != 1 or graph.is_input(users[0]):
        return None
    user = users[0]
    return user if user.op in (add, sum_n) or (user.op is subtract and user.inputs[0] is node) else None


install(trace_table=trace_table)
