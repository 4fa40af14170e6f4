"""Reverse mode: from cotangents of outputs to cotangents of inputs, as nodes.

Only nodes between ``wrt`` and the outputs are visited. The contributions of all uses of a node meet in one `sum_n`:
that node *is* "the gradients of a shared parameter are summed". Every node made here names the forward node it serves.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from graphad.autodiff.rules import Contribution, Cotangent, checked, vjp_rule
from graphad.ir.core import Constant, Node
from graphad.ir.graph import toposort
from graphad.ir.origin import Origin, inside
from graphad.ir.types import TupleType, carries_gradient
from graphad.ops.elementwise import sum_n

_Use: TypeAlias = tuple[Node, int] | None  # by whom, as which operand; None: an output


def active_nodes(order: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    """Of nodes in topological order those that depend differentiably on one of ``wrt``."""
    active = {x for x in wrt if carries_gradient(x.type)}
    for node in order:
        if node in active or not carries_gradient(node.type) or isinstance(node.op.derivative, Constant):
            continue
        if any(x in active for x in node.inputs):
            active.add(node)
    return active


def pull_back(outputs: Sequence[Node], wrt: Sequence[Node], cotangents: Sequence[Node]) -> list[Contribution]:
    """The cotangent of each of ``wrt``, or None where no output depends on it."""
    order = toposort(outputs)
    active = active_nodes(order, wrt)
    pending: dict[Node, list[tuple[Any, _Use]]] = {}
    for node, cotangent in zip(outputs, cotangents, strict=True):
        pending.setdefault(node, []).append((cotangent, None))
    born = Origin().serial
    found: dict[Node, Any] = {}
    for node in reversed(order):
        if node not in active or node not in pending:
            continue
        g = found[node] = _collect(node, pending.pop(node), born)
        if not any(x in active for x in node.inputs):
            continue
        with inside(_served(node, f"vjp of {node.op.name}")):
            contributions = vjp_rule(node, g)
        for k, (x, c) in enumerate(zip(node.inputs, contributions, strict=True)):
            if x in active and checked(c, x, node) is not None:
                pending.setdefault(x, []).append((c, (node, k)))
    return [found.get(x) for x in wrt]


def _served(node: Node, made_by: str) -> Origin:
    """The origin of a backward node: the user's line and scope of the forward node that it serves."""
    forward = node.origin
    return Origin(None, forward.place, forward.scope, forward, False, made_by)


def _collect(node: Node, contributions: Sequence[tuple[Any, _Use]], born: int) -> Cotangent:
    """The whole cotangent of a node; that of a tuple item by item, None where no use contributes."""
    if not isinstance(node.type, TupleType):
        return _add_up(node, contributions, born)
    columns = [[(c[k], use) for c, use in contributions if c[k] is not None] for k in range(len(node.type.items))]
    return tuple(_add_up(node, column, born) if column else None for column in columns)


def _add_up(node: Node, contributions: Sequence[tuple[Node, _Use]], born: int) -> Node:
    """The one contribution, or the sum of several with an edge label per use."""
    g = contributions[0][0]
    if len(contributions) > 1:
        with inside(_served(node, "sum over uses")):
            g = sum_n(*(c for c, _ in contributions))
        g.origin.uses = tuple(_label(use) for _, use in contributions)
    if not isinstance(node.type, TupleType):
        mark_cotangent(g, node, born)
    return g


def mark_cotangent(g: Node, node: Node, born: int) -> None:
    """Record that ``g``, if it was made after ``born``, is the cotangent of ``node``, and call it ``d_<name>``."""
    origin = g.origin
    if origin.serial > born and not origin.is_cotangent:
        origin.adjoint_of, origin.is_cotangent = node.origin, True
        if node.name and origin.name is None:
            origin.name = f"d_{node.name}"


def _label(use: _Use) -> str:
    """How an edge of a sum is labelled: through which op, and as which operand, the value was used."""
    if use is None:
        return "output"
    user, position = use
    operands = user.op.operands
    operand = operands[position] if position < len(operands) else str(position)
    return f"{user.name} = {user.op.name} · {operand}" if user.name else f"{user.op.name} · {operand}"
