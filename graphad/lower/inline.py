"""Which values get a statement of their own, and which are written where they are used.

A value keeps its own line when the user named it, when it is used more than once, when it is a result, or when the line
it would land in gets too long or too deep to read. The transpose of an input, which costs nothing, is written wherever
it is used. Everything moved is pure, so moving never changes a value.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from graphad.ir.core import Node
from graphad.lower.program import Apply, Assign, Expression, Ref, references
from graphad.ops.layout import transpose

MAX_WIDTH = 44  # of a part that moves
MAX_LINE = 64  # of the line it lands in
MAX_DEPTH = 3


def inline(statements: list[Assign], keep: set[Node], width: Callable[[Expression], int]) -> list[Assign]:
    """Put single-use, unnamed values into their users; ``width`` measures a text, ``keep`` are results."""
    uses = Counter(node for s in statements for node in references(s.value))
    inputs = {node for node in uses if "placeholder" in node.op.traits}
    waiting = _Waiting()
    kept: list[Assign] = []
    for s in statements:
        if isinstance(s.value, Ref):
            part = waiting.take(s.value.node)
            kept.append(s if part is None else Assign(s.node, part.value))
        elif isinstance(s.value, Apply) and "loop" in s.node.op.traits:
            kept += [Assign(x, part.value) for x in references(s.value) if (part := waiting.take(x))]
            kept.append(s)
        elif isinstance(s.value, Apply):
            part = _landed(s.value, waiting, kept, width(s.value))
            if s.node.op is transpose and s.node.ndim == 2 and s.node.inputs[0] in inputs and _is_plain(s.node, keep):
                waiting.anywhere[s.node] = part
            elif not s.parts and _moves(s.node, uses, keep) and part.depth <= MAX_DEPTH and part.width <= MAX_WIDTH:
                waiting.once[s.node] = part
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


@dataclass(slots=True)
class _Waiting:
    """The values without a line: those that are used once, and those that are written wherever they are used."""

    once: dict[Node, Part] = field(default_factory=dict)
    anywhere: dict[Node, Part] = field(default_factory=dict)

    def take(self, node: Node) -> Part | None:
        return self.once.pop(node, None) or self.anywhere.get(node)


def _landed(value: Apply, waiting: _Waiting, kept: list[Assign], width: int) -> Part:
    """The expression with waiting operands put in, as many as fit; the longest get their line back."""
    reads = dict.fromkeys(x.node for x in value.operands if isinstance(x, Ref))
    parts = {node: part for node in reads if (part := waiting.take(node))}
    width += sum(part.width for part in parts.values())
    for node in sorted(parts, key=lambda n: parts[n].width, reverse=True):
        if width <= MAX_LINE:
            break
        if node in waiting.anywhere:
            continue
        part = parts.pop(node)
        kept.append(Assign(node, part.value))
        width -= part.width
    operands = [parts[x.node].value if isinstance(x, Ref) and x.node in parts else x for x in value.operands]
    return Part(Apply(value.node, tuple(operands)), width, 1 + max((p.depth for p in parts.values()), default=0))


def _moves(node: Node, uses: Counter[Node], keep: set[Node]) -> bool:
    return uses[node] == 1 and _is_plain(node, keep)


def _is_plain(node: Node, keep: set[Node]) -> bool:
    return node not in keep and not node.name and "random" not in node.op.traits
