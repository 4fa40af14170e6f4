"""Which values get a statement of their own, and which are written where they are used.

A value keeps its own line when the user named it, when it is used more than once, when it is a result, or when the line
it would land in gets too long or too deep to read. Everything moved is pure, so moving never changes a value.
"""

from collections import Counter
from collections.abc import Callable

from graphad.ir.core import Node
from graphad.lower.program import Apply, Assign, Expression, Ref, references

MAX_WIDTH = 44  # of a part that moves
MAX_LINE = 64  # of the line it lands in
MAX_DEPTH = 3


def inline(statements: list[Assign], keep: set[Node], width: Callable[[Expression], int]) -> list[Assign]:
    """Put single-use, unnamed values into their users; ``width`` measures a text, ``keep`` are results."""
    uses = Counter(node for s in statements for node in references(s.value))
    waiting: dict[Node, Expression] = {}  # values that moved out of their own line and have not landed yet
    depths: dict[Node, int] = {}
    kept: list[Assign] = []
    for s in statements:
        if isinstance(s.value, Ref):
            kept.append(Assign(s.node, waiting.pop(s.value.node, s.value)))
            continue
        if not isinstance(s.value, Apply):
            kept.append(s)
            continue
        value = _filled(s.value, waiting)
        while width(value) > MAX_LINE and (longest := _longest(s.value, waiting, width)) is not None:
            kept.append(Assign(longest, waiting.pop(longest)))
            value = _filled(s.value, waiting)
        landed = [x.node for x in s.value.operands if isinstance(x, Ref) and x.node in waiting]
        for node in landed:
            waiting.pop(node, None)
        depths[s.node] = 1 + max((depths[n] for n in landed), default=0)
        if _moves(s.node, uses, keep) and depths[s.node] <= MAX_DEPTH and width(value) <= MAX_WIDTH:
            waiting[s.node] = value
        else:
            kept.append(Assign(s.node, value))
    return kept


def _moves(node: Node, uses: Counter[Node], keep: set[Node]) -> bool:
    return uses[node] == 1 and node not in keep and not node.name and "random" not in node.op.traits


def _filled(value: Apply, waiting: dict[Node, Expression]) -> Apply:
    """The expression with waiting values put in."""
    operands = (waiting.get(x.node, x) if isinstance(x, Ref) else x for x in value.operands)
    return Apply(value.node, tuple(operands))


def _longest(value: Apply, waiting: dict[Node, Expression], width: Callable[[Expression], int]) -> Node | None:
    """The operand whose waiting value is the longest."""
    there = [x.node for x in value.operands if isinstance(x, Ref) and x.node in waiting]
    return max(there, key=lambda n: width(waiting[n]), default=None)
