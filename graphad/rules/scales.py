"""Numbers multiplied where that costs least: into another number, or into a smaller array before it is repeated.

They change rounding, by one unit in the last place for each number that is moved.
"""

from typing import Any

from graphad.ir.core import Node, Op
from graphad.ops.attributes import all_axes
from graphad.ops.contract import matmul
from graphad.ops.elementwise import add, divide, multiply, negative, subtract
from graphad.ops.fit import broadcast_to, expand_dims, full_like, squeeze, stretch, sum, uniform_value
from graphad.ops.layout import reshape, transpose
from graphad.ops.reduce import mean
from graphad.rules.engine import Rule, used_once
from graphad.rules.factors import is_usable, scaled_by

DEPTH = 8


def scaled(x: Node) -> tuple[Node, Any] | None:
    """x and the number, of number · x."""
    if x.op is multiply:
        for factor, other in (x.inputs, x.inputs[::-1]):
            value = uniform_value(factor)
            if value is not None:
                return other, value
    if x.op is divide and x.inputs[0].dtype == x.dtype:
        value = uniform_value(x.inputs[1])
        return None if not value else (x.inputs[0], 1 / value)
    return None


def absorbed(number: Any, x: Node, spend: bool, times: int = 1, depth: int = DEPTH) -> Node | None:
    """number · x by another number in x; with ``spend`` also by one more operation, on what is repeated afterwards.

    None where there is no such way. ``times``: how often x is used by what is rewritten.
    """
    value = uniform_value(x)
    if value is not None:
        return full_like(x, number * value) if is_usable(number * value, x.dtype) else None
    if x.op is broadcast_to:
        inner = absorbed(number, x.inputs[0], spend, times, depth - 1) if depth else None
        if inner is None and spend:
            inner = _times(number, x.inputs[0])
        return None if inner is None else stretch(inner, x.shape)
    if not depth or not used_once(x, times) or any(y.dtype != x.dtype for y in x.inputs):
        return None
    if x.op is negative:
        return _times(-number, x.inputs[0])
    if (parts := scaled(x)) is not None:
        whole = number * parts[1]
        return _times(whole, parts[0]) if is_usable(whole, x.dtype) else None
    for k in _PLACES.get(x.op, ()):
        inner = absorbed(number, x.inputs[k], spend, _uses(x, k), depth - 1)
        if inner is not None:
            return x.op(*x.inputs[:k], inner, *x.inputs[k + 1 :], **x.attrs)
    return None


def _uses(x: Node, k: int) -> int:
    """How often x uses its k-th operand."""
    return [y is x.inputs[k] for y in x.inputs].count(True)


def _times(number: Any, x: Node) -> Node:
    return x if number == 1 else scaled_by(number, x)


_PLACES: dict[Op, tuple[int, ...]] = {
    **dict.fromkeys((expand_dims, squeeze, reshape, transpose, divide), (0,)),
    **dict.fromkeys((multiply, matmul), (0, 1)),
}


def scale_inwards(node: Node) -> Node | None:
    """a·(f(b·x)·y) = f(a·b·x)·y for numbers a, b and f that only moves or repeats; also through matrix products."""
    if node.dtype.kind not in "fc":
        return None
    parts = scaled(node)
    return None if parts is None else shorter(parts[1], parts[0])


def shorter(number: Any, x: Node, times: int = 1) -> Node | None:
    """number · x without an operation on arrays of its size more than x has, where that can be."""
    found = absorbed(number, x, False, times)
    return absorbed(number, x, True, times) if found is None else found


def number_outwards(node: Node) -> Node | None:
    """(a·x)·y = a·(x·y) and (a·x)/y = a·(x/y) for a number a, so that numbers meet; or x·(a·y) where y is repeated."""
    if node.dtype.kind not in "fc":
        return None
    for k, x in enumerate(node.inputs if node.op is multiply else node.inputs[:1]):
        parts = scaled(x)
        if parts is None or not used_once(x) or x.dtype != node.dtype or uniform_value(node.inputs[1 - k]) is not None:
            continue
        rest, number = parts
        if uniform_value(rest) is not None or x is node.inputs[1 - k]:
            continue
        inner = node.op(rest, node.inputs[1]) if k == 0 else node.op(node.inputs[0], rest)
        found = shorter(number, inner)
        return _times(number, inner) if found is None else found
    return None


def number_after_product(node: Node) -> Node | None:
    """(a·X) @ Y = a·(X @ Y) and X @ (a·Y) = a·(X @ Y) for a number a, where the product has fewer elements."""
    if node.dtype.kind not in "fc" or not isinstance(node.size, int):
        return None
    for k, x in enumerate(node.inputs):
        parts = scaled(x)
        if parts is None or not used_once(x) or x.dtype != node.dtype or uniform_value(parts[0]) is not None:
            continue
        if isinstance(x.size, int) and node.size < x.size:
            rest = (parts[0], node.inputs[1]) if k == 0 else (node.inputs[0], parts[0])
            return _times(parts[1], matmul(*rest))
    return None


def factor_and_multiple(node: Node) -> Node | None:
    """x + c·x·y = x·(1 + c·y) and x - c·x·y = x·(1 - c·y) for a number c: the sum with a number is the cheaper one."""
    if len(node.inputs) != 2 or node.dtype.kind not in "fc":
        return None
    for k, x in enumerate(node.inputs):
        term = node.inputs[1 - k]
        product, c = scaled(term) or (term, None)
        if product.op is not multiply or x is term or not used_once(term) or not used_once(product):
            continue
        other = next((b for a, b in (product.inputs, product.inputs[::-1]) if a is x), None)
        if other is None or uniform_value(x) is not None or uniform_value(other) is not None or other.dtype != x.dtype:
            continue
        one = full_like(x, 1)
        multiple = other if c is None else scaled_by(c, other)
        return multiply(x, node.op(one, multiple) if k == 0 else node.op(multiple, one))
    return None


def factor_out_of_sum(node: Node) -> Node | None:
    """Σᵢ xᵢⱼ·vⱼ = (Σᵢ xᵢⱼ)·vⱼ, and so for quotients and means: what is repeated along the axes comes after the sum."""
    (x,) = node.inputs
    if x.op not in (multiply, divide) or x.dtype != node.dtype or x.dtype.kind not in "fc" or not used_once(x):
        return None
    axes = all_axes(x, node.attrs["axis"])
    for k in (1, 0) if x.op is multiply else (1,):
        v, other = x.inputs[k], x.inputs[1 - k]
        if v.op is not broadcast_to or not v.inputs[0].ndim or other.op is broadcast_to or other.dtype != x.dtype:
            continue
        source, lead = v.inputs[0], v.ndim - v.inputs[0].ndim
        if not all(j < lead or source.shape[j - lead] == 1 for j in axes) or any(x.shape[j] in (0, 1) for j in axes):
            continue
        if not node.attrs["keepdims"]:
            gone = tuple(j - lead for j in axes if j >= lead)
            source = squeeze(source, gone) if gone else source
        return x.op(node.op(other, **node.attrs), stretch(source, node.shape))
    return None


CLOSE: dict[Op, tuple[Rule, ...]] = {
    **dict.fromkeys((multiply, divide), (scale_inwards, number_outwards)),
    matmul: (number_after_product,),
    **dict.fromkeys((add, subtract), (factor_and_multiple,)),
    **dict.fromkeys((sum, mean), (factor_out_of_sum,)),
}
