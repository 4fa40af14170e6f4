"""Sums of products by BLAS: einsum as pairwise products of matrices, stacks of rows as one matrix.

`np.einsum` itself walks over all labels in one loop, ten to thirty times slower than a matrix product. The order of the
pairs is chosen by opt_einsum, for the sizes that are known. All rules change rounding.
"""

from collections.abc import Sequence
from functools import lru_cache

import opt_einsum

from graphad.errors import ArgumentError
from graphad.ir.core import Node, Op
from graphad.ir.dims import Size, evaluate, names, product
from graphad.ir.types import Shape
from graphad.ops.contract import _einsum as einsum
from graphad.ops.contract import matmul
from graphad.ops.elementwise import multiply
from graphad.ops.fit import broadcast_to, expand_dims, squeeze, sum
from graphad.ops.index import getitem
from graphad.ops.layout import matrix_transpose, reshape, transpose
from graphad.rules.engine import Rule, used_once

ASSUMED = 64  # the value that a named size has where sizes are compared
FEW = 4096  # products of two numbers: below, several short calls cost more than one loop of einsum
MATVEC = 64  # elements of each matrix, from which a stack of them times vectors is no loop of einsum
Term = tuple[str, Node]  # labels, value


def einsum_as_products(node: Node) -> Node | None:
    """An einsum is a chain of matrix products, in the order that costs least; what has no such form stays."""
    left, out = node.attrs["subscripts"].split("->")
    if len(node.inputs) < 2 or node.dtype.kind not in "fc":
        return None
    given = list(zip(left.split(","), node.inputs, strict=True))
    sizes = _sizes(given)
    if any(sizes[c] != s for c, s in zip(out, node.shape, strict=True)):
        return None
    terms = _unstretched(given, sizes)
    plan = _Plan(sizes)
    if len(terms) > 2 and plan.work("".join(labels for labels, _ in terms)) < FEW:
        return None
    for pair in _path(tuple(labels for labels, _ in terms), out, tuple(sorted(plan.counts.items()))):
        x, y = (terms[k] for k in pair)
        terms = [t for k, t in enumerate(terms) if k not in pair]
        terms.append(plan.product(x, y, out if not terms else "", {*out, *(c for labels, _ in terms for c in labels)}))
    ((labels, value),) = terms
    same = value.op is einsum and all(any(x is y for y in node.inputs) for x in value.inputs)
    if same and len(given) == 2:
        return None
    return value if labels == out else transpose(value, tuple(labels.index(c) for c in out))


def assumed(size: Size) -> int:
    """The number that a size is where named sizes have a middling value."""
    try:
        return max(1, evaluate(size, dict.fromkeys(names(size), ASSUMED)))
    except ArgumentError:  # it divides by what is 0 then
        return ASSUMED


def _sizes(terms: Sequence[Term]) -> dict[str, Size]:
    """The size of each label; a size of 1 stretches."""
    sizes: dict[str, Size] = {}
    for labels, x in terms:
        for c, size in zip(labels, x.shape, strict=True):
            if sizes.get(c, 1) == 1:
                sizes[c] = size
    return sizes


def _unstretched(terms: Sequence[Term], sizes: dict[str, Size]) -> list[Term]:
    """The operands without axes along which they only repeat, where another operand has the label."""
    terms = list(terms)
    for k, (labels, x) in enumerate(terms):
        others = {c for j, (s, _) in enumerate(terms) if j != k for c in s}
        inner = x.inputs[0] if x.op is broadcast_to else x
        if not all(c in others for c in _repeated(labels, inner, x.shape)):
            inner = x  # it also repeats along a label of its own
        gone = _repeated(labels, inner, tuple(sizes[c] for c in labels)) & others
        new = x.ndim - inner.ndim
        cut = tuple(i - new for i, c in enumerate(labels) if c in gone and i >= new)
        terms[k] = "".join(c for c in labels if c not in gone), squeeze(inner, cut) if cut else inner
    return terms


def _repeated(labels: str, x: Node, shape: Shape) -> set[str]:
    """The labels along which x repeats in a shape."""
    new = len(shape) - x.ndim
    return {c for i, c in enumerate(labels) if i < new or x.shape[i - new] != shape[i]}


@lru_cache(maxsize=1024)
def _path(labels: tuple[str, ...], out: str, counts: tuple[tuple[str, int], ...]) -> tuple[tuple[int, ...], ...]:
    """Which two operands are multiplied next; results come last in the list."""
    if len(labels) == 2:
        return ((0, 1),)
    known = dict(counts)
    shapes = [tuple(known[c] for c in s) for s in labels]
    path, _ = opt_einsum.contract_path(",".join(labels) + "->" + out, *shapes, shapes=True, optimize="auto")
    return tuple(tuple(sorted(pair)) for pair in path)


class _Plan:
    """How two operands are multiplied, for given sizes of the labels."""

    def __init__(self, sizes: dict[str, Size]) -> None:
        self.sizes = sizes
        self.counts = {c: assumed(s) for c, s in sizes.items()}

    def work(self, labels: str) -> int:
        """Products of two numbers, if there is one for each combination of the labels."""
        return int(product([self.counts[c] for c in sorted(set(labels))]))

    def product(self, x: Term, y: Term, out: str, keep: set[str]) -> Term:
        """Two operands as one, with the labels in ``keep``, in the order ``out`` if that is given."""
        x, y = self._alone(x, y, keep), self._alone(y, x, keep)
        a, b = x[0], y[0]
        stack, over = [c for c in a if c in b and c in keep], [c for c in a if c in b and c not in keep]
        rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
        if not over:
            return self._multiplied(x, y, out)
        if self._by_loop(a, b, stack, over, bool(rows), bool(columns)):
            labels = out or "".join(stack + rows + columns)
            return labels, einsum(x[1], y[1], subscripts=f"{a},{b}->{labels}")
        if columns and (not rows or _comes_first(columns, rows, out)):
            (x, y), (rows, columns) = (y, x), (columns, rows)
        return self._matrices(x, y, stack, rows, _as_stored(over, x, y), columns)

    def _by_loop(self, a: str, b: str, stack: Sequence[str], over: Sequence[str], rows: bool, columns: bool) -> bool:
        """Whether the loop of einsum is the faster one: it needs no copies, and no call for each small matrix."""
        if not rows and not columns:
            return bool(stack) or over != [c for c in b if c in over]
        if stack and not (rows and columns) and self.work("".join(c for c in a + b if c not in stack)) < MATVEC:
            return True
        merged = max(len(over), len(a) - len(stack) - len(over), len(b) - len(stack) - len(over)) > 1
        return merged and self.work(a + b) < FEW

    def _alone(self, x: Term, y: Term, keep: set[str]) -> Term:
        """An operand after the sum over labels that nothing else has."""
        gone = tuple(k for k, c in enumerate(x[0]) if c not in y[0] and c not in keep)
        return ("".join(c for k, c in enumerate(x[0]) if k not in gone), sum(x[1], axis=gone)) if gone else x

    def _multiplied(self, x: Term, y: Term, out: str) -> Term:
        """Products of elements, without a sum."""
        labels = out or x[0] + "".join(c for c in y[0] if c not in x[0])
        return labels, multiply(_spread(x, labels), _spread(y, labels))

    def _matrices(
        self, x: Term, y: Term, stack: Sequence[str], rows: Sequence[str], over: Sequence[str], columns: Sequence[str]
    ) -> Term:
        """The operands as stacks of matrices, views where they can be, multiplied."""
        a = self._merged(x, [stack, rows, over] if rows else [stack, over])
        if columns or (stack and rows):
            b = self._merged(y, [stack, over, columns] if columns else [stack, over])
            b = b if columns else expand_dims(b, b.ndim)
        else:
            b = self._merged(y, [over])
        value = matmul(a, b)
        labels = "".join([*stack, *rows, *columns])
        shape = tuple(self.sizes[c] for c in labels)
        if stack and not columns:
            value = squeeze(value, value.ndim - 1)
        return labels, value if value.shape == shape else reshape(value, shape)

    def _merged(self, x: Term, groups: Sequence[Sequence[str]]) -> Node:
        """An operand whose axes are one stack of labels, and then one axis for each group."""
        labels, value = x
        order = [c for group in groups for c in group]
        if order != list(labels):
            value = transpose(value, tuple(labels.index(c) for c in order))
        stack, *others = groups if len(groups) > 1 else ((), *groups)
        shape = (*(self.sizes[c] for c in stack), *(product([self.sizes[c] for c in group]) for group in others))
        return value if value.shape == shape else reshape(value, shape)


def _comes_first(columns: Sequence[str], rows: Sequence[str], out: str) -> bool:
    return bool(out) and out.index(columns[-1]) < out.index(rows[-1])


def _as_stored(over: list[str], x: Term, y: Term) -> list[str]:
    """The labels to sum over in the order of the larger operand, which then needs no copy."""
    larger = x if len(x[0]) >= len(y[0]) else y
    return sorted(over, key=larger[0].index)


def _spread(x: Term, labels: str) -> Node:
    """The operand with an axis for each label, of size 1 where it does not have it."""
    own, value = x
    order = [c for c in labels if c in own]
    if order != list(own):
        value = transpose(value, tuple(own.index(c) for c in order))
    new = tuple(k for k, c in enumerate(labels) if c not in own)
    first = next((k for k, c in enumerate(labels) if c in own), len(labels))
    new = tuple(k for k in new if k > first)  # NumPy adds the axes in front by itself
    return expand_dims(value, tuple(k - first for k in new)) if new else value


# Stacks of rows -------------------------------------------------------------------------------------------------------

_SCATTERED = {transpose, broadcast_to, getitem}  # as one matrix they would be copied


def rows_of_stack(node: Node) -> Node | None:
    """A stack of matrices times one matrix is all their rows times it: one product instead of many."""
    x, w = node.inputs
    if x.ndim < 3 or w.ndim > 2 or x.op in _SCATTERED or x.dtype.kind not in "fc":
        return None
    rows = reshape(x, (product(x.shape[:-1]), x.shape[-1]))
    return reshape(matmul(rows, w), node.shape)


def transposed_stack(node: Node) -> Node | None:
    """(A @ B)ᵀ = Bᵀ @ Aᵀ in a stack whose axes are exchanged, where rows come last: they are written side by side."""
    (x,), axes = node.inputs, node.attrs["axes"]
    n = x.ndim
    if x.op is not matmul or n < 3 or not used_once(x) or axes[-1] != n - 2 or any(y.ndim < 2 for y in x.inputs):
        return None
    if axes == (*range(n - 2), n - 1, n - 2) or x.inputs[0].shape[:-2] != x.inputs[1].shape[:-2]:
        return None
    a, b = (matrix_transpose(y) for y in x.inputs)
    other = {n - 1: n - 2, n - 2: n - 1}
    return transpose(matmul(b, a), tuple(other.get(k, k) for k in axes))


BY_BLAS: dict[Op, tuple[Rule, ...]] = {
    einsum: (einsum_as_products,),
    matmul: (rows_of_stack,),
    transpose: (transposed_stack,),
}
