"""Which values get a statement of their own, and which are written where they are used.

A value keeps its own line when the user named it, when it is used more than once, when it is a result, or when the line
it would land in gets too long or too deep to read. Everything moved is pure, so moving never changes a value.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.lower.program import Apply, Assign, Expression, Ref, references

MAX_WIDTH = 44  # of a part that moves
MAX_LINE = 64  # of the line it lands in
MAX_DEPTH = 3


def inline(statements: list[Assign], keep: set[Node], width: Callable[[Expression], int]) -> list[Assign]:
    """Put single-use, unnamed values into their users; ``width`` measures a text, ``keep`` are results."""
    uses = Counter(node for s in statements for node in references(s.value))
    waiting: dict[Node, Part] = {}
    kept: list[Assign] = []
    for s in statements:
        if isinstance(s.value, Ref):
            part = waiting.pop(s.value.node, None)
            kept.append(s if part is None else Assign(s.node, part.value))
        elif isinstance(s.value, Apply):
            part = _landed(s.value, waiting, kept, width(s.value))
            if not s.parts and _moves(s.node, uses, keep) and part.depth <= MAX_DEPTH and part.width <= MAX_WIDTH:
                waiting[s.node] = part
            else:
                kept.append(Assign(s.node, part.value, s.parts))
        else:
            kept.append(s)
    return kept


@dataclass(frozen=True, slots=True)
class Part:
    """A value that left its own line and has not landed in another yet; ``width`` and ``depth`` of its text."""

    value: Expression
    width: int
    depth: int


def _landed(value: Apply, waiting: dict[Node, Part], kept: list[Assign], width: int) -> Part:
    """The expression with waiting operands put in, as many as fit; the longest get their line back."""
    parts = {x.node: waiting.pop(x.node) for x in value.operands if isinstance(x, Ref) and x.node in waiting}
    width += sum(part.width for part in parts.values())
    for node in sorted(parts, key=lambda n: parts[n].width, reverse=True):
        if width <= MAX_LINE:
            break
        part = parts.pop(node)
        kept.append(Assign(node, part.value))
        width -= part.width
    operands = [parts[x.node].value if isinstance(x, Ref) and x.node in parts else x for x in value.operands]
    return Part(Apply(value.node, tuple(operands)), width, 1 + max((p.depth for p in parts.values()), default=0))


def _moves(node: Node, uses: Counter[Node], keep: set[Node]) -> bool:
    return uses[node] == 1 and node not in keep and not node.name and "random" not in node.op.traits
