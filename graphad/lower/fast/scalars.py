"""Which values are Python floats: of two numbers Python makes a sum in a third of the time that NumPy's scalars take.

Elements that a program reads from an array one by one come as floats, and so do sums, differences and products of
floats: they are the same bits. A quotient is left to NumPy where it divides by 0, which for Python is an error; powers
and functions always are. What is neither arithmetic nor made for numbers gets a NumPy scalar again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphad.ir.core import Node
from graphad.lower.program import Apply, Assign, Copy, Expression, Literal, Program, Ref, references
from graphad.ops.elementwise import add, divide, multiply, negative, subtract, sum_n
from graphad.ops.fit import uniform_value
from graphad.ops.index import getitem, stack
from graphad.ops.kinks import absolute
from graphad.ops.piecewise import equal, greater, greater_equal, less, less_equal, not_equal, where

LEAST = 3  # operations on floats from which on the program is written with them
_COMPARISONS = (equal, not_equal, less, less_equal, greater, greater_equal)


@dataclass(frozen=True, slots=True)
class Scalars:
    """What a program computes in Python numbers.

    ``floats`` are Python floats (or, after a division by 0, NumPy's), among them the ``inputs`` without axes, which
    have a second name for that; ``tests`` are comparisons that are Python booleans; ``lists`` are arrays whose elements
    are read from a list; ``rows`` are vectors that are written into the array which they are the rows or columns of.
    """

    floats: frozenset[Node] = frozenset()
    inputs: frozenset[Node] = frozenset()
    tests: frozenset[Node] = frozenset()
    lists: frozenset[Node] = frozenset()
    rows: dict[Node, Apply] = field(default_factory=dict)


def scalars(program: Program) -> Scalars:
    """The Python numbers of a plain program."""
    found = [a for e in program.expressions() for a in _applications(e)]
    uses = Counter(n for e in program.expressions() for n in references(e))
    rows = _rows(program, found, uses)
    inputs = {x for x in program.graph.inputs if is_scalar(x)}
    reads = {a.node: a.node.inputs[0] for a in found if _is_read(a)}
    floats = inputs | reads.keys()
    arithmetic: list[Apply] = []
    for a in found:
        if a.node not in floats and _stays(a, floats):
            floats.add(a.node)
            arithmetic.append(a)
    if len(arithmetic) < LEAST:
        return Scalars(rows=rows)
    useful = {_node(x) for a in arithmetic for x in a.operands}
    floats = {n for n in floats if n in useful or not (n in inputs or n in reads)}
    counts = Counter(x for n, x in reads.items() if n in floats)
    lists = frozenset(x for x, count in counts.items() if isinstance(x.size, int) and x.size <= 4 * count)
    return Scalars(frozenset(floats), frozenset(inputs), frozenset(_tests(found, floats, uses)), lists, rows)


def is_scalar(node: Node) -> bool:
    """Whether the value is one float64."""
    return not node.ndim and node.dtype == np.float64


def _applications(expression: Expression) -> Iterator[Apply]:
    """The ops of an expression, the innermost first."""
    if isinstance(expression, Copy):
        yield from _applications(expression.value)
    elif isinstance(expression, Apply):
        for x in expression.operands:
            if not isinstance(x, Ref):
                yield from _applications(x)
        yield expression


def _node(x: Expression) -> Node | None:
    return x.node if isinstance(x, Ref | Apply) else None


def _is_read(a: Apply) -> bool:
    """Whether this is one element of an array, at a fixed place."""
    if a.node.op is not getitem or not is_scalar(a.node) or not isinstance(a.operands[0], Ref):
        return False
    index = a.node.attrs["index"]
    return len(index) == a.node.inputs[0].ndim > 0 and all(type(k) is int for k in index)


def _stays(a: Apply, floats: set[Node]) -> bool:
    """Whether an op on floats gives what NumPy's gives, bit by bit."""
    node, operands = a.node, a.operands
    if not is_scalar(node):
        return False
    if node.op is where:
        return _are_floats(operands[1:], node.inputs[1:], floats, least=0)
    if node.op is divide:
        x, y = operands
        divisor = uniform_value(node.inputs[1]) if isinstance(y, Literal) else None
        if not divisor and not (isinstance(y, Ref) and isinstance(x, Ref | Literal)):
            return False
    elif node.op not in (add, subtract, multiply, negative, sum_n, absolute):
        return False
    return _are_floats(operands, node.inputs, floats)


def _are_floats(operands: Sequence[Expression], nodes: Sequence[Node], floats: set[Node], least: int = 1) -> bool:
    """Whether operands are floats, or numbers beside at least so many floats."""
    numbers = [isinstance(x, Literal) for x in operands]
    if any(flag and uniform_value(n) is None for flag, n in zip(numbers, nodes, strict=True)):
        return False
    return numbers.count(False) >= least and all(
        flag or _node(x) in floats for flag, x in zip(numbers, operands, strict=True)
    )


def _tests(found: Sequence[Apply], floats: set[Node], uses: Counter[Node]) -> Iterator[Node]:
    """Comparisons of floats that only choices between floats look at."""
    chosen = [a.operands[0] for a in found if a.node.op is where and a.node in floats]
    inside = {x.node for x in chosen if isinstance(x, Apply)}
    alone = Counter(x.node for x in chosen if isinstance(x, Ref))
    for a in found:
        node = a.node
        if node.op not in _COMPARISONS or node.ndim or not _are_floats(a.operands, node.inputs, floats):
            continue
        if node in inside or alone[node] == uses[node] > 0:
            yield node


def _rows(program: Program, found: Sequence[Apply], uses: Counter[Node]) -> dict[Node, Apply]:
    """Vectors of scalars with a statement of their own that nothing but one matrix is made of."""
    made = {s.node: s.value for s in program.statements if isinstance(s, Assign) and isinstance(s.value, Apply)}
    rows: dict[Node, Apply] = {}
    for a in found:
        if a.node.op is stack and a.node.ndim == 2:
            parts = {x.node: made.get(x.node) for x in a.operands if isinstance(x, Ref)}
            inner = {n: v for n, v in parts.items() if v is not None and is_vector(v) and uses[n] == 1 and not n.name}
            if len(inner) == len(parts) and all(isinstance(x, Ref) or is_vector(x) for x in a.operands):
                rows |= inner
    return rows


def is_vector(x: Expression) -> bool:
    """Whether this is a vector made of scalars."""
    return isinstance(x, Apply) and x.node.op is stack and not x.node.inputs[0].ndim
