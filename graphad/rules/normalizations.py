"""Normalizations, u = c / σ and u·γ + β: what products and gradients compute without passing over all rows again.

A layer that trains after a normalization computes (u·γ + β) @ W, and its gradients (u·γ + β)ᵀ @ δ and δ @ Wᵀ. With
γ and β in the matrices, u @ (γ·W) and β @ W, γ·(uᵀ @ δ) and β·Σδ, δ @ (γ·W)ᵀ, nothing passes over all rows but the
products: the gradients of γ and β are sums over W and uᵀ @ δ too. It is done where all that reads u·γ + β are such
products, and the gradient of a matrix is among them: a call that only predicts one row would scale W for that alone.
No element of u is larger than the root of how many σ² is the mean of, so γ·W overflows only where the product did.

The gradient of c has a term c·(a/σ) = u·a: with u, which is kept in any case, c need not be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.dims import product
from graphad.ops.attributes import all_axes
from graphad.ops.contract import matmul
from graphad.ops.elementwise import add, divide, multiply, sqrt, square, sum_n
from graphad.ops.fit import broadcast_to, expand_dims, squeeze, stretch, sum, uniform_value
from graphad.ops.layout import reshape, transpose
from graphad.ops.reduce import mean
from graphad.rules.engine import Table


@dataclass(frozen=True)
class Rows:
    """What u·γ + β is made of: u, and the vectors, each along the last axis."""

    u: Node
    scale: Node
    shift: Node | None
    stretched: Node  # γ, once for each row


def rows_of(y: Node) -> Rows | None:
    """The parts of u·γ + β, or of u·γ, for a u with normalized rows; else None."""
    if y.op is multiply:
        return _scaled_rows(y, None)
    if y.op is add:
        for scaled, other in (y.inputs, y.inputs[::-1]):
            if scaled.op is multiply and other.op is broadcast_to and scaled.type == y.type:
                shift = _vector(other)
                return None if shift is None else _scaled_rows(scaled, shift)
    return None


def _scaled_rows(y: Node, shift: Node | None) -> Rows | None:
    for u, other in (y.inputs, y.inputs[::-1]):
        if u.type == y.type and y.ndim >= 2 and root_of(u) is not None:
            scale = _vector(other)
            return None if scale is None else Rows(u, scale, shift, other)
    return None


def _vector(x: Node) -> Node | None:
    """v, of a vector v that was stretched along all axes but the last."""
    v = x.inputs[0] if x.op is broadcast_to else None
    if v is None or v.dtype != x.dtype or not v.shape or v.shape[-1] != x.shape[-1]:
        return None
    if any(s != 1 for s in v.shape[:-1]) or x.shape[-1] == 1:
        return None
    return squeeze(v, axis=tuple(range(v.ndim - 1))) if v.ndim > 1 else v


def root_of(u: Node) -> Node | None:
    """σ, of a u that is c / σ with σ = √(mean of c² + …), or None."""
    if u.op is not divide:
        return None
    c, root = u.inputs
    while root.op in (broadcast_to, expand_dims, reshape):
        root = root.inputs[0]
    if root.op is not sqrt or root.dtype.kind != "f":
        return None
    (variance,) = root.inputs
    terms = variance.inputs if variance.op is add else (variance,)
    squares = [x.inputs[0] for x in terms if x.op is mean]
    return root if any(x.op is square and x.inputs[0] is c for x in squares) else None


def scale_in_matrix(node: Node) -> Node | None:
    """(u·γ + β) @ W = u @ (γ·W) + β @ W, where W is a matrix."""
    y, W = node.inputs
    rows = rows_of(y) if W.ndim == 2 else None
    if rows is None:
        return None
    out = matmul(rows.u, _scaled(W, rows.scale))
    return out if rows.shift is None else add(out, stretch(matmul(rows.shift, W), out.shape))


def shift_in_bias(node: Node) -> Node | None:
    """(u·γ + β) @ W + b = u @ (γ·W) + (b + β @ W), where W is a matrix and b a vector."""
    for x, other in (node.inputs, node.inputs[::-1]):
        b, rows = _vector(other), rows_of(x.inputs[0]) if x.op is matmul else None
        if b is not None and rows is not None and rows.shift is not None and x.inputs[1].ndim == 2:
            W = x.inputs[1]
            out = matmul(rows.u, _scaled(W, rows.scale))
            return add(out, stretch(add(b, matmul(rows.shift, W)), out.shape))
    return None


def scale_after_product(node: Node) -> Node | None:
    """(u·γ + β)ᵀ @ δ = γ·(uᵀ @ δ) + β·Σδ, where γ and β are columns and rows are summed."""
    turned, delta = node.inputs
    y = flattened(turned)
    rows = rows_of(y) if y is not None and delta.ndim == 2 else None
    if rows is None:
        return None
    out = multiply(_column(rows.scale, node), _gathered(rows.u, delta))
    if rows.shift is None:
        return out
    return add(out, multiply(_column(rows.shift, node), stretch(_total(delta), node.shape)))


def scale_before_rows(node: Node) -> Node | None:
    """(Σ δ @ Wᵀ)·γ = Σ δ @ (γ·W)ᵀ."""
    for total, other in (node.inputs, node.inputs[::-1]):
        scale, parts = _vector(other), parts_of(total)
        if scale is not None and parts:
            return _summed([matmul(delta, transpose(_scaled(W, scale), (1, 0))) for delta, W in parts])
    return None


def scale_of_matrix(node: Node) -> Node | None:
    """Σ (δ @ Wᵀ)·u over all rows, the gradient of γ, is Σ W·(uᵀ @ δ) over the columns of W."""
    (x,) = node.inputs
    if x.op is not multiply or not _sums_rows(node):
        return None
    for total, u in (x.inputs, x.inputs[::-1]):
        parts = parts_of(total)
        if parts and u.type == total.type:
            return _summed([sum(multiply(W, _gathered(u, _as_matrix(delta))), axis=1) for delta, W in parts])
    return None


def shift_of_matrix(node: Node) -> Node | None:
    """Σ δ @ Wᵀ over all rows, the gradient of β, is (Σ δ) @ Wᵀ."""
    parts = parts_of(node.inputs[0]) if _sums_rows(node) else []
    return _summed([matmul(W, _total(_as_matrix(delta))) for delta, W in parts]) if parts else None


def quotient_again(node: Node) -> Node | None:
    """c·(a/σ) = (c/σ)·a, where c is divided by σ anyway."""
    for c, other in (node.inputs, node.inputs[::-1]):
        w = other.inputs[0] if other.op is broadcast_to else None
        divisor = _divisor(w) if w is not None else None
        if w is None or divisor is None:
            continue
        u = divide(c, stretch(divisor, c.shape))
        if u.type == node.type and root_of(u) is divisor:
            return multiply(stretch(_undivided(w), node.shape), u)
    return None


RULES: Table = {
    matmul: (scale_in_matrix, scale_after_product),
    add: (shift_in_bias,),
    multiply: (scale_before_rows, quotient_again),
    sum: (scale_of_matrix, shift_of_matrix),
}


def _divisor(w: Node) -> Node | None:
    """σ, of (a / σ) times or divided by numbers."""
    while w.op in (multiply, divide) and uniform_value(w.inputs[1]) is not None:
        w = w.inputs[0]
    return w.inputs[1] if w.op is divide else None


def _undivided(w: Node) -> Node:
    """a with the numbers, of (a / σ) times or divided by numbers."""
    if uniform_value(w.inputs[1]) is None:
        return w.inputs[0]
    return w.op(_undivided(w.inputs[0]), w.inputs[1])


def _scaled(W: Node, scale: Node) -> Node:
    return multiply(_column(scale, W), W)


def _column(v: Node, like: Node) -> Node:
    return stretch(expand_dims(v, 1), (v.shape[0], like.shape[1]))


def flattened(turned: Node) -> Node | None:
    """y, of the transpose of y with all its rows one below the other."""
    x = _turned(turned)
    if x is None:
        return None
    y = x.inputs[0] if x.op is reshape else x
    return y if y.shape[-1] == x.shape[-1] else None


def _as_matrix(x: Node) -> Node:
    """x with all its rows one below the other."""
    return x if x.ndim == 2 else reshape(x, (product(x.shape[:-1]), x.shape[-1]))


def _gathered(u: Node, delta: Node) -> Node:
    """uᵀ @ δ, over all rows."""
    return matmul(transpose(_as_matrix(u), (1, 0)), delta)


def _total(delta: Node) -> Node:
    """The sum of all rows of a matrix, in the form that the gradient of a bias has."""
    x = delta.inputs[0] if delta.op is reshape and delta.inputs[0].shape[-1] == delta.shape[-1] else delta
    return sum(x, axis=tuple(range(x.ndim - 1)))


def _sums_rows(node: Node) -> bool:
    (x,) = node.inputs
    axes = all_axes(x, node.attrs["axis"])
    return x.ndim >= 2 and node.dtype == x.dtype and not node.attrs["keepdims"] and axes == tuple(range(x.ndim - 1))


def parts_of(total: Node) -> list[tuple[Node, Node]]:
    """δ and W of each term of Σ δ @ Wᵀ; empty where a term is something else."""
    terms = total.inputs if total.op in (add, sum_n) else (total,)
    found = [(x.inputs[0], W) for x in terms if x.op is matmul and (W := _turned(x.inputs[1])) is not None]
    return found if len(found) == len(terms) else []


def _turned(x: Node) -> Node | None:
    """W, of the transpose of a matrix W."""
    return x.inputs[0] if x.op is transpose and x.attrs["axes"] == (1, 0) else None


def _summed(terms: Sequence[Node]) -> Node:
    return terms[0] if len(terms) == 1 else add(*terms) if len(terms) == 2 else sum_n(*terms)
