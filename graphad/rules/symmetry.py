"""Symmetric matrices, as far as it shows in how they are made: their transposes need not be told apart from them.

So the gradient of a likelihood solves with the covariance matrix itself, and both passes share one factorization.
"""

from graphad.ir.core import Elementwise, Node, Op, attrs_key
from graphad.ops.contract import matmul
from graphad.ops.diagonals import place_diagonal
from graphad.ops.elementwise import add, divide, multiply, negative, square, subtract, sum_n
from graphad.ops.fit import astype, broadcast_to
from graphad.ops.indexing import FULL, NEW
from graphad.ops.kinks import absolute
from graphad.ops.layout import transpose
from graphad.ops.leaves import _eye as eye
from graphad.rules.engine import Rule
from graphad.rules.patterns import as_pattern

DEPTH = 8
_BY_ELEMENT = {add, subtract, sum_n, multiply, divide, negative, astype}


def transpose_of_symmetric(node: Node) -> Node | None:
    """Aᵀ = A for sums, products and functions, element by element, of B Bᵀ, B + Bᵀ, x[:, None]·x, 1 and the like."""
    (x,) = node.inputs
    return x if node.ndim == 2 and node.attrs["axes"] == (1, 0) and mirrored(x, x) else None


def mirrored(a: Node, b: Node, depth: int = DEPTH) -> bool:
    """Whether two matrices are surely each other's transposes."""
    if a.ndim != 2 or a.shape != b.shape[::-1] or not depth:
        return False
    if (a.op is transpose and a.inputs[0] is b) or (b.op is transpose and b.inputs[0] is a):
        return True
    if a.op is not b.op or attrs_key(a.attrs) != attrs_key(b.attrs):
        return False
    if a.op is broadcast_to:
        return _repeated(a.inputs[0], b.inputs[0])
    if a.op is matmul:
        return mirrored(a.inputs[0], b.inputs[1], depth - 1) and mirrored(a.inputs[1], b.inputs[0], depth - 1)
    if a.op in (eye, place_diagonal):
        return a is b and a.attrs.get("k", a.attrs.get("offset")) == 0
    if a.op in (square, absolute) and a.inputs[0].op is subtract and b.inputs[0].op is subtract:
        return _pairwise(a.inputs[0].inputs, b.inputs[0].inputs[::-1], depth)
    if a.op in (add, multiply) and _pairwise(a.inputs, b.inputs[::-1], 2):  # B + Bᵀ; deeper would take too long
        return True
    return (a.op in _BY_ELEMENT or isinstance(a.op.derivative, Elementwise)) and _pairwise(a.inputs, b.inputs, depth)


def _pairwise(xs: tuple[Node, ...], ys: tuple[Node, ...], depth: int) -> bool:
    return all(mirrored(x, y, depth - 1) for x, y in zip(xs, ys, strict=True))


def _repeated(x: Node, y: Node) -> bool:
    """Whether what is broadcast is one number, or one vector that is the columns here and the rows there."""
    if not x.ndim:
        return x is y
    for column, row in ((x, y), (y, x)):
        if column.op is row.op and as_pattern(column) == (FULL, NEW) and as_pattern(row) in ((NEW,), (NEW, FULL)):
            return column.inputs[0] is row.inputs[0]
        if as_pattern(column) == (FULL, NEW) and column.inputs[0] is row:
            return True
    return False


CLOSE: dict[Op, tuple[Rule, ...]] = {transpose: (transpose_of_symmetric,)}
