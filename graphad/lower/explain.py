"""``ga.explain(node)`` and ``f.explain(name)``: where a value comes from, and what became of it.

User's line -> forward node -> derivative rule -> adjoint -> rewrites -> generated line. All of it is read off origins,
the report of the passes and the lines of the generated source; nothing is worked out anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphad.errors import GraphError
from graphad.form import literals
from graphad.form.template import Expr, expr_of
from graphad.form.template import name as atom
from graphad.form.text import numpy_form
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph, toposort
from graphad.ir.late import install
from graphad.ir.origin import Origin
from graphad.lower.compile import Function
from graphad.lower.program import Assign, Loop, applied
from graphad.ops.casts import astype
from graphad.ops.fit import broadcast_to

MOST = 8  # rewrites that are listed
NEAREST = 50  # users that are asked for the line which a broadcast or a number went into
WIDEST = 88  # columns of an expression


@dataclass(frozen=True)
class Explanation:
    """Rows of (what, text); prints as a short table."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        width = max((len(what) for what, _ in self.rows), default=0)
        return "\n".join([self.title, *(f"  {what.ljust(width)}  {text}".rstrip() for what, text in self.rows)])


def explain(node: Node) -> Explanation:
    """Where a node comes from: the user's line, the forward node it serves, the rule that made it.

    >>> import graphad as ga
    >>> x = ga.input("x")
    >>> y = ga.tanh(x)
    >>> str(ga.explain(ga.grad(y, x))).splitlines()[0]
    'd_x = d_y * (1 - np.square(y)) : f64[]'
    """
    return Explanation(_title(node), tuple(_story(node, toposort([node]))))


def explain_in(function: Function, what: Node | str) -> Explanation:
    """Where a value of a compiled function comes from, what rewriting made of it, and which line computes it.

    ``what``: a node, of the graph that was declared or of the rewritten one, or the name of one. Raises GraphError.
    """
    declared, graph = function.declared, function.graph
    node = _found(function, what) if isinstance(what, str) else what
    if node not in set(declared.nodes) and node not in set(graph.nodes):
        raise GraphError(f"{label(node)} is no node of function {function.name!r}")
    rows = [
        *_story(node, declared.nodes),
        *_adjoints(node, declared, graph),
        *_rewrites(function, node),
        *_generated(function, node),
    ]
    return Explanation(_title(node), tuple(rows))


def _found(function: Function, name: str) -> Node:
    """The node of a name: as declared, or as rewritten."""
    for graph in (function.declared, function.graph):
        for node in graph.nodes:
            if node.name == name:
                return node
    return function.declared.node(name)  # raises, and lists the names


def _title(node: Node) -> str:
    return f"{equation_text(node)} : {node.type}"


def equation_text(node: Node) -> str:
    """The node as one line of NumPy on named values and, unnamed, on what these are made of."""
    if "placeholder" in node.op.traits:
        return f"{label(node)} = {node.op.name}"
    text = _short(_form(node, 2).text)
    return f"{node.name} = {text}" if node.name else text


def _form(node: Node, depth: int) -> Expr:
    """An expression; values further down stand in it by name, or by op."""
    if "constant" in node.op.traits:
        return expr_of(literals.number(node.attrs["value"])) if not node.ndim else atom(f"constant[{node.size}]")
    if not node.inputs:
        return atom(label(node)) if "placeholder" in node.op.traits else numpy_form(node, [])
    operands = []
    for x in node.inputs:
        while x.op in (broadcast_to, astype) and not x.name:
            (x,) = x.inputs
        deep = not x.name and (depth or not x.inputs)
        operands.append(_form(x, depth - 1) if deep else atom(x.name or f"<{x.op.name}>"))
    return numpy_form(node, operands)


def form_text(node: Node) -> str:
    """The node as NumPy on its operands, in one short line."""
    return _short(_form(node, 1).text if node.inputs else label(node))


def derivative_text(node: Node) -> str:
    """The kind of derivative that the op of a node states."""
    kind = type(node.op.derivative).__name__.lower()
    return f"{kind} ({getattr(node.op.derivative, 'reason', '')})".replace(" ()", "")


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 4]} ..."


def _line(origin: Origin) -> str:
    return f"{origin.location}: {origin.source_line()}" if origin.location else "unknown"


def _story(node: Node, nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """What the origin says: line, scope, and for a backward node the way back to the user's own."""
    origin, of = node.origin, {n.origin: n for n in reversed(nodes)}
    yield "line", _line(origin)
    if origin.scope:
        yield "scope", " / ".join(origin.scope)
    if origin.adjoint_of is None:
        made = f"made by {origin.made_by}" if origin.made_by else "the user's own"
        yield "forward", f"{made}; the derivative of {node.op.name} is {derivative_text(node)}"
    seen = 0
    while origin.adjoint_of is not None and seen < MOST:
        forward = origin.adjoint_of
        part = "is the cotangent of" if origin.is_cotangent else "belongs to the cotangents of"
        yield ("adjoint" if not seen else ""), f"{part} {_name(forward, of)}"
        if origin.made_by:
            yield "rule", origin.made_by
        if forward in of:
            yield "forward", _title(of[forward])
        origin, seen = forward, seen + 1
    for loss, x in node.origin.gradients:
        yield "gradient", f"of {_name(loss, of)} with respect to {_name(x, of)}"
    if node.origin.uses:
        yield "adds up", "; ".join(node.origin.uses)


def _name(origin: Origin, of: dict[Origin, Node]) -> str:
    return origin.name or (label(of[origin]) if origin in of else f"a value at {origin.location or 'an unknown line'}")


def _adjoints(node: Node, declared: Graph, graph: Graph) -> Iterator[tuple[str, str]]:
    """The cotangents of a node, as declared and as they are now."""
    found = [n for n in declared.nodes if n.origin.is_cotangent and n.origin.adjoint_of is node.origin]
    for cotangent in found[:MOST]:
        yield "adjoint", f"{_title(cotangent)}   ({cotangent.origin.made_by or 'seed'})"


def _rewrites(function: Function, node: Node) -> Iterator[tuple[str, str]]:
    """The rules that applied where the node stood."""
    lines = []
    for step in function.report().steps:
        for rule, before, after in step.applied:
            if before.origin is node.origin:
                lines.append(f"{rule} in {step.name}: {form_text(before)} -> {form_text(after)}")
    for k, line in enumerate(lines[:MOST]):
        yield ("rewrites" if not k else ""), line
    if len(lines) > MOST:
        yield "", f"... and {len(lines) - MOST} more"
    if not lines:
        yield "rewrites", "none"


def _generated(function: Function, node: Node) -> Iterator[tuple[str, str]]:
    """The lines of the source that compute the node, or the statement that it is a part of."""
    graph, source = function.program.graph, function.source.splitlines()  # lowering may have rewritten more
    now = [n for n in graph.nodes if n is node] or [n for n in graph.nodes if n.origin is node.origin]
    if not now:
        yield "generated", "no line: it was merged with an equal value, folded or rewritten away"
        return
    if graph.is_input(now[0]):
        yield "generated", f"argument {label(now[0])} of {function.name}"
        return
    owner = _owner(function, now[0])
    lines = [k for k, n in function.lines.items() if n is owner]
    for k in lines:
        yield ("generated" if k == lines[0] else ""), f"line {k}: {source[k - 1].strip()}"
    if not lines:
        yield "generated", f"in the result of {function.name}"


def _owner(function: Function, node: Node) -> Node:
    """The node whose statement computes a node, or what it is left out of as NumPy does it by itself."""
    loops = [m.statement for s in function.program.statements if isinstance(s, Loop) for m in s.members]
    statements = [*loops, *(s for s in function.program.statements if isinstance(s, Assign))]
    parts = {n: s.node for s in statements for n in applied(s.value)}
    near = [node]
    for n in near:
        if n in parts:
            return parts[n]
        if len(near) < NEAREST:
            near += function.program.graph.users.get(n, ())
    return node


install(**{"Function.explain": explain_in})
