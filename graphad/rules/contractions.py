"""Linear algebra: products in fewer operations, systems solved instead of inverted. All rules change rounding."""

import builtins
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import product as trial_values

import numpy as np

from graphad.ir.core import Node, Op
from graphad.ir.dims import Size, evaluate, names
from graphad.ops.contract import _einsum as einsum
from graphad.ops.contract import matmul
from graphad.ops.determinants import det
from graphad.ops.diagonals import diagonal, place_diagonal
from graphad.ops.elementwise import add, divide, multiply, subtract, sum_n
from graphad.ops.fit import astype, broadcast_to, expand_dims, full_like, sum
from graphad.ops.index import gather, getitem
from graphad.ops.indexing import ARRAY, FULL, NEW
from graphad.ops.kinks import _clip as clip
from graphad.ops.layout import matrix_transpose, transpose
from graphad.ops.leaves import _arange as arange
from graphad.ops.linalg import inv, solve
from graphad.ops.piecewise import equal, greater_equal, less, logical_and, where
from graphad.ops.reduce import argmax, argmin
from graphad.rules.engine import Rule, used_once
from graphad.rules.matching import two_factors
from graphad.rules.patterns import cut, takes_less

MOST = 8  # matrices of a chain whose order is looked at


def _is_transposed(x: Node) -> bool:
    """Whether a node exchanges the last two axes, and no others."""
    if x.op is not transpose or x.ndim < 2:
        return False
    return bool(x.attrs["axes"] == (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _flipped(x: Node) -> Node:
    return x.inputs[0] if _is_transposed(x) else matrix_transpose(x)


# Transposes -----------------------------------------------------------------------------------------------------------


def transposed_product(node: Node) -> Node | None:
    """(A @ B)ᵀ = Bᵀ @ Aᵀ, where one of A and B is a transpose itself."""
    (x,) = node.inputs
    if not _is_transposed(node) or x.op is not matmul or not used_once(x):
        return None
    a, b = x.inputs
    if a.ndim < 2 or b.ndim < 2 or a.shape[:-2] != b.shape[:-2] or not (_is_transposed(a) or _is_transposed(b)):
        return None
    return matmul(_flipped(b), _flipped(a))


def einsum_of_transposed(node: Node) -> Node | None:
    """A transposed operand of einsum gets its labels in the other order instead."""
    left, out = node.attrs["subscripts"].split("->")
    labels = left.split(",")
    if not any(x.op is transpose for x in node.inputs):
        return None
    operands = []
    for k, x in enumerate(node.inputs):
        if x.op is transpose:
            labels[k] = "".join(labels[k][x.attrs["axes"].index(j)] for j in range(x.ndim))
        operands.append(x.inputs[0] if x.op is transpose else x)
    return einsum(*operands, subscripts=",".join(labels) + "->" + out)


def einsum_of_matrices(node: Node) -> Node | None:
    """An einsum that is a matrix product, a transpose or a sum is written as one."""
    left, out = node.attrs["subscripts"].split("->")
    labels, xs = left.split(","), node.inputs
    if len(xs) == 1:
        return _einsum_of_one(labels[0], out, xs[0])
    if len(xs) != 2 or not all(1 <= len(s) <= 2 for s in labels) or any(set(x.shape) & {1} for x in xs):
        return None
    a, b = labels
    shared = [c for c in a if c in b]
    if len(shared) != 1 or shared[0] in out or len(out) != len(a) + len(b) - 2:
        return None
    (c,), x, y = shared, *xs
    if out and out[0] not in a:
        (a, b), (x, y) = (b, a), (y, x)
    if len(a) == 2 and a[0] == c:
        x = transpose(x)
    if len(b) == 2 and b[1] == c:
        y = transpose(y)
    return matmul(x, y)


def _einsum_of_one(labels: str, out: str, x: Node) -> Node | None:
    kept = [c for c in labels if c in out]
    gone = tuple(k for k, c in enumerate(labels) if c not in out)
    if x.dtype.kind not in "fc":
        return None
    y = sum(x, axis=gone) if gone else x
    return transpose(y, tuple(kept.index(c) for c in out))


# Sums of products -----------------------------------------------------------------------------------------------------


def sum_of_products(node: Node) -> Node | None:
    """Σ a·b = a @ b for vectors, and Σ a² = a @ a."""
    (x,) = node.inputs
    if x.ndim != 1 or node.ndim or node.dtype != x.dtype or x.dtype.kind not in "fc" or not used_once(x):
        return None
    factors = two_factors(x)
    return None if factors is None else matmul(*factors)


def sum_of_product(node: Node) -> Node | None:
    """Σᵢ (A @ B)ᵢⱼ = (Σᵢ Aᵢ) @ B, Σⱼ (A @ B)ᵢⱼ = A @ Σⱼ Bⱼ, and both for the sum of all."""
    (x,) = node.inputs
    if x.op is not matmul or x.dtype != node.dtype or node.attrs["keepdims"] or not used_once(x):
        return None
    a, b = x.inputs
    if a.ndim > 2 or b.ndim > 2 or not x.ndim:
        return None
    axes = node.attrs["axis"] if node.attrs["axis"] is not None else tuple(range(x.ndim))
    if a.ndim == 2 and 0 in axes:
        a = sum(a, axis=0)
    if b.ndim == 2 and x.ndim - 1 in axes:
        b = sum(b, axis=1)
    return matmul(a, b) if axes else None


def diagonal_of_product(node: Node) -> Node | None:
    """diag(A @ B)ᵢ = Σⱼ Aᵢⱼ Bⱼᵢ: the other elements of the product are not needed."""
    (x,) = node.inputs
    if x.op is not matmul or x.ndim != 2 or node.attrs["offset"] != 0 or not used_once(x):
        return None
    a, b = x.inputs
    if a.shape[0] != b.shape[1] or a.dtype.kind not in "fc" or 1 in (*a.shape, *b.shape):
        return None
    return einsum(a, b, subscripts="ij,ji->i")


def trace_of_product(node: Node) -> Node | None:
    """tr(A @ B) = Σᵢⱼ Aᵢⱼ Bⱼᵢ: sums of einsums leave out a label."""
    (x,) = node.inputs
    if x.op is not einsum or x.dtype != node.dtype or node.attrs["keepdims"] or not used_once(x) or not x.ndim:
        return None
    left, out = x.attrs["subscripts"].split("->")
    axes = node.attrs["axis"] if node.attrs["axis"] is not None else tuple(range(x.ndim))
    kept = "".join(c for k, c in enumerate(out) if k not in axes)
    return einsum(*x.inputs, subscripts=f"{left}->{kept}")


def common_matrix(node: Node) -> Node | None:
    """A @ x + B @ x = (A + B) @ x and A @ x + A @ y = A @ (x + y); also for differences and longer sums."""
    first = node.inputs[0]
    if first.op is not matmul or len(node.inputs) < 2:
        return None
    if not all(x.op is matmul and used_once(x) for x in node.inputs):
        return None
    for k in (0, 1):
        others = [x.inputs[1 - k] for x in node.inputs]
        same = all(x.inputs[k] is first.inputs[k] for x in node.inputs)
        if same and all(y.type == others[0].type for y in others):
            total = node.op(*others)
            return matmul(total, first.inputs[1]) if k else matmul(first.inputs[0], total)
    return None


# Parts of products ----------------------------------------------------------------------------------------------------


def part_of_product(node: Node) -> Node | None:
    """(A @ B)[i, j] = A[i] @ B[:, j]: only the rows and columns that are needed."""
    (x,), pattern = node.inputs, node.attrs["index"]
    if x.op is not matmul or NEW in pattern or not used_once(x) or not takes_less(x.shape, pattern):
        return None
    a, b = x.inputs
    if a.ndim > 2 or b.ndim > 2:
        return None
    entries = list(pattern)
    rows = entries.pop(0) if a.ndim == 2 and entries else FULL
    columns = entries.pop(0) if b.ndim == 2 and entries else FULL
    return matmul(cut(a, (rows,)), cut(b, (FULL, columns)))


# Diagonal matrices ----------------------------------------------------------------------------------------------------


def product_with_diagonal(node: Node) -> Node | None:
    """diag(v) @ A scales the rows of A, A @ diag(v) its columns."""
    a, b = node.inputs
    if (v := _of_diagonal(a)) is not None and b.ndim <= 2:
        return multiply(v if b.ndim == 1 else expand_dims(v, 1), b)
    if (v := _of_diagonal(b)) is not None:
        return multiply(a, v)
    return None


def _of_diagonal(x: Node) -> Node | None:
    """v of a square matrix diag(v)."""
    fits = x.op is place_diagonal and x.ndim == 2 and x.shape == x.inputs[0].shape * 2 and x.attrs["offset"] == 0
    return x.inputs[0] if fits and (x.attrs["axis1"], x.attrs["axis2"]) == (0, 1) else None


def system_with_diagonal(node: Node) -> Node | None:
    """solve(diag(v), b) = b / v and inv(diag(v)) = diag(1 / v); a zero in v gives inf and raises nothing."""
    a, *b = node.inputs
    v = _of_diagonal(a)
    if v is None:
        return None
    if not b:
        return place_diagonal(divide(full_like(v, 1), v), **a.attrs)
    return divide(b[0], v if b[0].ndim == 1 else expand_dims(v, 1)) if b[0].ndim <= 2 else None


# Systems --------------------------------------------------------------------------------------------------------------


def inverse_times(node: Node) -> Node | None:
    """A⁻¹ @ b = solve(A, b) and, for a vector b, b @ A⁻¹ = solve(Aᵀ, b)."""
    a, b = node.inputs
    if a.op is inv and used_once(a):
        return solve(a.inputs[0], b)
    if b.op is inv and used_once(b) and a.ndim == 1 and b.ndim == 2:
        return solve(_flipped(b.inputs[0]), a)
    return None


def inverse_twice(node: Node) -> Node | None:
    """(A⁻¹)⁻¹ = A."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is inv else None


def determinant_of(node: Node) -> Node | None:
    """det(Aᵀ) = det(A) and det(A⁻¹) = 1 / det(A)."""
    (x,) = node.inputs
    if _is_transposed(x):
        return det(x.inputs[0])
    return divide(full_like(node, 1), det(x.inputs[0])) if x.op is inv and used_once(x) else None


# Chains ---------------------------------------------------------------------------------------------------------------


def best_order(node: Node) -> Node | None:
    """(A @ B) @ C = A @ (B @ C): the order that costs least, whatever the named sizes are; constants come first."""
    if not any(x.op is matmul and used_once(x) for x in node.inputs):
        return None
    parts: list[Node] = []
    products: list[Node] = []
    stack = [node]
    while stack:
        x = stack.pop()
        if x.op is matmul and (x is node or used_once(x)) and all(1 <= y.ndim <= 2 for y in x.inputs):
            stack += x.inputs[::-1]
            products.append(x)
        else:
            parts.append(x)
    if not 2 < len(parts) <= MOST or any(x.ndim == 1 for x in parts[1:-1]):
        return None
    sizes = [_ends(parts[0])[0], *(x.shape[0] for x in parts[1:]), _ends(parts[-1])[1]]
    fixed = tuple("constant" in x.op.traits for x in parts)
    now = [(_ends(x.inputs[0])[0], x.inputs[1].shape[0], _ends(x.inputs[1])[1]) for x in products if not _is_fixed(x)]
    cuts = _better_order(tuple(sizes), fixed, tuple(now))
    return None if cuts is None else _multiplied(parts, dict(cuts), 0, len(parts) - 1)


def _ends(x: Node) -> tuple[Size, Size]:
    """Rows and columns of a matrix; a vector has one of either, wherever it stands."""
    return (x.shape[0], x.shape[1]) if x.ndim == 2 else (1, 1)


def _is_fixed(x: Node) -> bool:
    return "constant" in x.op.traits or (x.op is matmul and all(map(_is_fixed, x.inputs)))


Cuts = tuple[tuple[tuple[int, int], int], ...]


@lru_cache(maxsize=256)
def _better_order(sizes: tuple[Size, ...], fixed: tuple[bool, ...], now: tuple[tuple[Size, ...], ...]) -> Cuts | None:
    """Where to cut the chain, if that is never worse than now for any trial of the named sizes, and better for some."""
    known = sorted({name for s in sizes for name in names(s)})
    trials = list(trial_values((3, 40, 1000), repeat=len(known))) if len(known) < 4 else []
    if not trials:
        return None
    middle = dict(zip(known, trials[len(trials) // 2], strict=True))
    cuts = _best_cuts([evaluate(s, middle) for s in sizes], fixed)
    saved = 0
    for trial in trials:
        values = dict(zip(known, trial, strict=True))
        new = _cost([evaluate(s, values) for s in sizes], fixed, cuts)
        old = builtins.sum(math.prod(evaluate(s, values) for s in triple) for triple in now)
        if new > old:
            return None
        saved += old - new
    return tuple(cuts.items()) if saved else None


def _best_cuts(sizes: Sequence[int], fixed: Sequence[bool]) -> dict[tuple[int, int], int]:
    """The cheapest place to cut each part i…j of a chain (Cormen et al., Introduction to Algorithms, 15.2)."""
    n = len(fixed)
    cost, cuts = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            step = 0 if all(fixed[i : j + 1]) else 1
            trials = [
                (cost[i, k] + cost[k + 1, j] + step * sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], cuts[i, j] = min(trials)
    return cuts


def _cost(sizes: Sequence[int], fixed: Sequence[bool], cuts: dict[tuple[int, int], int]) -> int:
    """Multiplications that an order takes; products of constants take none."""
    total, stack = 0, [(0, len(fixed) - 1)]
    while stack:
        i, j = stack.pop()
        if i < j and not all(fixed[i : j + 1]):
            k = cuts[i, j]
            total += sizes[i] * sizes[k + 1] * sizes[j + 1]
            stack += [(i, k), (k + 1, j)]
    return total


def _multiplied(parts: Sequence[Node], cuts: dict[tuple[int, int], int], i: int, j: int) -> Node:
    if i == j:
        return parts[i]
    return matmul(_multiplied(parts, cuts, i, cuts[i, j]), _multiplied(parts, cuts, cuts[i, j] + 1, j))


# One-hot rows ---------------------------------------------------------------------------------------------------------


def one_hot_product(node: Node) -> Node | None:
    """one_hot(labels) @ W takes rows of W, and zeros for labels that are out of range."""
    a, w = node.inputs
    labels = _labels(a)
    if labels is None or w.ndim != 2:
        return None
    rows = w.shape[0]
    if not isinstance(rows, int) or rows == 0:
        return None
    if labels.op in (argmax, argmin) and labels.attrs["axis"] is not None:
        count = labels.inputs[0].shape[labels.attrs["axis"]]
        if isinstance(count, int) and count <= rows:
            return gather(w, labels, index=(ARRAY,))
    valid = expand_dims(logical_and(greater_equal(labels, 0), less(labels, rows)), labels.ndim)
    taken = gather(w, clip(labels, 0, rows - 1), index=(ARRAY,))
    return where(valid, taken, full_like(taken, 0))


def _labels(x: Node) -> Node | None:
    """What a one-hot array was made of: (labels[..., None] == arange(n)).astype(...)."""
    x = x.inputs[0] if x.op is astype and used_once(x) else x
    if x.op is not equal or not used_once(x):
        return None
    for one, other in (x.inputs, x.inputs[::-1]):
        column = one.inputs[0] if one.op is broadcast_to else one
        row = other.inputs[0] if other.op is broadcast_to else other
        counted = _counts_up(row, x.shape[-1])
        if counted and column.op is expand_dims and column.attrs["axis"] == (column.ndim - 1,):
            labels = column.inputs[0]
            if labels.op is astype and labels.inputs[0].dtype.kind in "iu":
                (labels,) = labels.inputs
            return labels if labels.dtype.kind in "iu" and (*labels.shape, x.shape[-1]) == x.shape else None
    return None


def _counts_up(row: Node, n: Size) -> bool:
    """Whether a vector is 0, 1, …, n - 1."""
    if row.ndim != 1 or row.shape[0] != n or not isinstance(n, int):
        return False
    if "constant" in row.op.traits:
        return bool(np.array_equal(row.attrs["value"], np.arange(n)))
    return row.op is arange and (row.attrs["start"], row.attrs["step"]) == (0, 1)


_SUMS: tuple[Rule, ...] = (common_matrix,)

CLOSE: dict[Op, tuple[Rule, ...]] = {
    transpose: (transposed_product,),
    einsum: (einsum_of_transposed, einsum_of_matrices),
    sum: (sum_of_product, trace_of_product, sum_of_products),
    diagonal: (diagonal_of_product,),
    getitem: (part_of_product,),
    matmul: (product_with_diagonal, inverse_times, one_hot_product, best_order),
    solve: (system_with_diagonal,),
    inv: (inverse_twice, system_with_diagonal),
    det: (determinant_of,),
    **dict.fromkeys((add, subtract, sum_n), _SUMS),
}
