"""Which values get a statement of their own, and which are written where they are used.

A value keeps its own line when the user named it, when it is used more than once, when it is a result, or when the line
it would land in gets too long or too deep to read. Everything moved is pure, so moving never changes a value.
"""

from collections import Counter
from collections.abc import Callable

from graphad.ir.core import Node
from graphad.lower.program import Apply, Assign, Expression, Ref, references

MAX_WIDTH = 44
MAX_DEPTH = 3


def inline(statements: list[Assign], keep: set[Node], width: Callable[[Expression], int]) -> list[Assign]:
    """Put single-use, unnamed values into their users. ``width`` measures an expression's text, ``keep`` are results."""
    uses = Counter(node for s in statements for node in references(s.value))
    values: dict[Node, Expression] = {}
    depths: dict[Node, int] = {}
    kept = []
    for s in statements:
        value = s.value
        if isinstance(value, Apply):
            value, depth = _filled(value, values, depths)
            if _moves(s.node, uses, keep) and depth <= MAX_DEPTH and width(value) <= MAX_WIDTH:
                values[s.node], depths[s.node] = value, depth
                continue
        kept.append(Assign(s.node, value))
    return kept


def _moves(node: Node, uses: Counter[Node], keep: set[Node]) -> bool:
    return uses[node] == 1 and node not in keep and not node.name and "random" not in node.op.traits


def _filled(value: Apply, values: dict[Node, Expression], depths: dict[Node, int]) -> tuple[Apply, int]:
    """The expression with moved values put in, and its depth."""
    operands, depth = [], 1
    for operand in value.operands:
        if isinstance(operand, Ref) and operand.node in values:
            depth = max(depth, depths[operand.node] + 1)
            operand = values.pop(operand.node)
        operands.append(operand)
    return Apply(value.node, tuple(operands)), depth
