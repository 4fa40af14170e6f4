"""How many rows a tile of a loop has: what its pieces take should fit into the cache."""

from collections.abc import Iterable

from graphad.ir.core import Node
from graphad.ir.dims import Size, product
from graphad.ir.types import DType, Shape
from graphad.lower.fast.buffers import Plan
from graphad.lower.parts import copy
from graphad.lower.program import Loop
from graphad.ops import piecewise
from graphad.ops.elementwise import add, divide, multiply, negative, sqrt, square, subtract, sum_n
from graphad.ops.kinks import _clip as clip
from graphad.ops.kinks import absolute, maximum, minimum, relu

CACHE = 3 << 19  # bytes that the pieces of one tile should fit into: most of a second-level cache
MANY = 12  # pieces that share it
LONGER = 4  # times as long are the tiles of loops for threads
HEAVY = 1.25  # the mean weight of the ops of such loops
LIGHT = {  # ops of one vector instruction or few
    *piecewise.OPS,
    *(add, subtract, multiply, negative, square, absolute, maximum, minimum, sum_n, clip, relu, copy),
}


def rows_of_tile(loop: Loop, plan: Plan) -> Size | str:
    """How many rows a tile has: a number, or its text where the rows have a named size."""
    widths, heavy = _row_widths(loop, plan), is_heavy(loop)
    total, room = _sum(widths), _room(len(widths), heavy)
    if not isinstance(total, int):
        return f"max(1, {room} // max(1, {total}))"
    rows = max(1, room // max(total, 1))
    if heavy and isinstance(loop.length, int):  # eight chunks of as many tiles
        return max(1, -(-loop.length // (8 * -(-loop.length // (8 * rows)))))
    return rows - rows % 64 if rows > 64 else rows


def tile_bytes(loop: Loop, plan: Plan) -> int:
    """What the pieces of one tile may take: a part of the cache where they are few, since calls are no burden then.

    Threads hand the interpreter to each other at every call, so where they pay a call must take long.
    """
    return _room(len(_row_widths(loop, plan)), is_heavy(loop))


def _room(pieces: int, heavy: bool) -> int:
    return CACHE * min(pieces, MANY) // MANY * (LONGER if heavy else 1)


def is_heavy(loop: Loop) -> bool:
    """Whether a loop is bound by arithmetic, such as exponentials, rather than by memory: then threads pay."""
    weights = [_weight(m.node) for m in loop.members if m.axis is not None and "view" not in m.node.op.traits]
    return sum(weights) >= HEAVY * len(weights)


def _weight(node: Node) -> int:
    """How long an op takes for an element, more or less, where an addition takes 1."""
    if node.op in (divide, sqrt):
        return 2
    return 1 if node.op in LIGHT or "elementwise" not in node.op.traits else 5


def width_of_rows(loop: Loop, plan: Plan) -> Size:
    """The bytes of one row of all that a turn of a loop reads and writes."""
    return _sum(_row_widths(loop, plan))


def _sum(sizes: Iterable[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total


def _row_widths(loop: Loop, plan: Plan) -> list[Size]:
    widths: list[Size] = [row_bytes(b.shape, b.axis, b.dtype) for b in plan.slots]
    inside = {m.node for m in loop.members}
    seen: dict[tuple[Node, int], None] = {}
    for m in loop.members:
        seen.update({(x, a): None for x, a in m.cut.items() if a is not None and x not in inside})
        if m.node in loop.stored and m.axis is not None:
            seen[m.node, m.axis] = None
    return [*widths, *(row_bytes(x.shape, a, x.dtype) for x, a in seen)]


def row_bytes(shape: Shape, axis: int | None, dtype: DType) -> Size:
    """The bytes of one row of an array that is cut at ``axis``."""
    return product(s for k, s in enumerate(shape) if k != axis) * dtype.itemsize
