"""Exact algebraic simplifications: each rule gives the same bits (the sign of a zero aside), also for inf and nan.

A rule's docstring is its equation. Rules that change rounding do not belong here.
"""

from graphad.ir.core import Node, Op
from graphad.ops.elementwise import add, divide, multiply, negative, power, subtract, sum_n
from graphad.ops.fit import astype, broadcast_to, expand_dims, is_uniform, squeeze, stretch, sum
from graphad.ops.layout import reshape, transpose
from graphad.ops.piecewise import logical_not, stop_gradient, where
from graphad.rules.engine import Rule


def add_zero(node: Node) -> Node | None:
    """x + 0 = x."""
    x, y = node.inputs
    return x if is_uniform(y, 0) else y if is_uniform(x, 0) else None


def add_negative(node: Node) -> Node | None:
    """x + (-y) = x - y."""
    x, y = node.inputs
    if y.op is negative:
        return subtract(x, y.inputs[0])
    return subtract(y, x.inputs[0]) if x.op is negative else None


def subtract_zero(node: Node) -> Node | None:
    """x - 0 = x and 0 - x = -x."""
    x, y = node.inputs
    return x if is_uniform(y, 0) else negative(y) if is_uniform(x, 0) else None


def subtract_negative(node: Node) -> Node | None:
    """x - (-y) = x + y."""
    x, y = node.inputs
    return add(x, y.inputs[0]) if y.op is negative else None


def multiply_one(node: Node) -> Node | None:
    """x · 1 = x and x · (-1) = -x."""
    x, y = node.inputs
    for factor, other in ((x, y), (y, x)):
        if is_uniform(factor, 1):
            return other
        if is_uniform(factor, -1):
            return negative(other)
    return None


def multiply_negatives(node: Node) -> Node | None:
    """(-x) · (-y) = x · y."""
    x, y = node.inputs
    return multiply(x.inputs[0], y.inputs[0]) if x.op is negative and y.op is negative else None


def divide_one(node: Node) -> Node | None:
    """x / 1 = x."""
    x, y = node.inputs
    return x if is_uniform(y, 1) and x.type == node.type else None


def divide_negatives(node: Node) -> Node | None:
    """(-x) / (-y) = x / y."""
    x, y = node.inputs
    return divide(x.inputs[0], y.inputs[0]) if x.op is negative and y.op is negative else None


def double_negative(node: Node) -> Node | None:
    """-(-x) = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is negative else None


def power_one(node: Node) -> Node | None:
    """x ** 1 = x."""
    x, y = node.inputs
    return x if is_uniform(y, 1) and x.dtype == node.dtype else None


def sum_n_zeros(node: Node) -> Node | None:
    """Zero terms are left out of a sum; a sum of one term is that term."""
    terms = [x for x in node.inputs if not is_uniform(x, 0)]
    if len(terms) == len(node.inputs):
        return terms[0] if len(terms) == 1 else None
    return sum_n(*terms) if len(terms) > 1 else (terms or node.inputs)[0]


def sum_of_negative(node: Node) -> Node | None:
    """sum(-x) = -sum(x)."""
    (x,) = node.inputs
    return negative(sum(x.inputs[0], **node.attrs)) if x.op is negative else None


def same_branches(node: Node) -> Node | None:
    """where(c, x, x) = x."""
    _, x, y = node.inputs
    return x if x is y else None


def known_condition(node: Node) -> Node | None:
    """where(true, x, y) = x and where(false, x, y) = y."""
    condition, x, y = node.inputs
    return x if is_uniform(condition, True) else y if is_uniform(condition, False) else None


def double_not(node: Node) -> Node | None:
    """not not x = x, for booleans."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is logical_not and x.inputs[0].dtype == bool else None


def same_dtype(node: Node) -> Node | None:
    """A cast to the dtype that x has is x."""
    (x,) = node.inputs
    return x if x.dtype == node.dtype else None


def same_shape(node: Node) -> Node | None:
    """A broadcast or reshape to the shape that x has is x."""
    (x,) = node.inputs
    return x if x.shape == node.shape else None


def broadcast_twice(node: Node) -> Node | None:
    """broadcast(broadcast(x)) = broadcast(x)."""
    (x,) = node.inputs
    return stretch(x.inputs[0], node.shape) if x.op is broadcast_to else None


def reshape_twice(node: Node) -> Node | None:
    """reshape(reshape(x)) = reshape(x)."""
    (x,) = node.inputs
    return reshape(x.inputs[0], node.shape) if x.op is reshape else None


def transpose_twice(node: Node) -> Node | None:
    """Two permutations of axes are one; the identity is none."""
    (x,), axes = node.inputs, node.attrs["axes"]
    if axes == tuple(range(x.ndim)):
        return x
    return transpose(x.inputs[0], tuple(x.attrs["axes"][a] for a in axes)) if x.op is transpose else None


def squeeze_expanded(node: Node) -> Node | None:
    """squeeze(expand_dims(x, axis), axis) = x, and the other way round."""
    (x,) = node.inputs
    inverse = {squeeze: expand_dims, expand_dims: squeeze}[node.op]
    return x.inputs[0] if x.op is inverse and x.attrs["axis"] == node.attrs["axis"] else None


def gradient_is_taken(node: Node) -> Node | None:
    """stop_gradient(x) = x: once the gradient graph stands, the barrier has done its work."""
    return node.inputs[0]


EXACT: dict[Op, tuple[Rule, ...]] = {
    add: (add_zero, add_negative),
    subtract: (subtract_zero, subtract_negative),
    multiply: (multiply_one, multiply_negatives),
    divide: (divide_one, divide_negatives),
    negative: (double_negative,),
    power: (power_one,),
    sum_n: (sum_n_zeros,),
    sum: (sum_of_negative,),
    where: (same_branches, known_condition),
    logical_not: (double_not,),
    astype: (same_dtype,),
    broadcast_to: (same_shape, broadcast_twice),
    reshape: (same_shape, reshape_twice),
    transpose: (transpose_twice,),
    squeeze: (squeeze_expanded,),
    expand_dims: (squeeze_expanded,),
    stop_gradient: (gradient_is_taken,),
}
