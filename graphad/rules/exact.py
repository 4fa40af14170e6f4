"""Exact algebraic simplifications: each rule gives the same bits (the sign of a zero aside), also for inf and nan.

A rule's docstring is its equation. Rules that change rounding do not belong here.
"""

import numpy as np

from graphad.ir.core import Node, Op
from graphad.ir.types import DType
from graphad.ops.casts import cast, conj, imag, real
from graphad.ops.diagonals import tril, triu
from graphad.ops.elementwise import add, divide, floor, multiply, negative, power, sign, square, subtract, sum_n
from graphad.ops.fit import astype, full_like, is_uniform, sum, uniform_value
from graphad.ops.kinks import _clip as clip
from graphad.ops.kinks import absolute, fmax, fmin, maximum, minimum, relu
from graphad.ops.piecewise import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    stop_gradient,
)
from graphad.ops.sort import sort_along
from graphad.ops.steps import bitwise_and, bitwise_or, bitwise_xor, ceil, rint, trunc
from graphad.rules.engine import Rule
from graphad.rules.facts import is_nonnegative


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
    """x · 1 = x and x · (-1) = -x, for real x: of complex numbers ∞ · 1 has parts that are nan."""
    x, y = node.inputs
    if node.dtype.kind == "c":
        return None
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
    """x / 1 = x and x / (-1) = -x, for real x."""
    x, y = node.inputs
    if x.type != node.type or node.dtype.kind == "c":
        return None
    return x if is_uniform(y, 1) else negative(x) if is_uniform(y, -1) else None


def divide_negatives(node: Node) -> Node | None:
    """(-x) / (-y) = x / y, unless they are integers: of those, -x may wrap around."""
    x, y = node.inputs
    fits = x.op is negative and y.op is negative and x.dtype == node.dtype
    return divide(x.inputs[0], y.inputs[0]) if fits else None


def negative_difference(node: Node) -> Node | None:
    """-(x - y) = y - x."""
    (x,) = node.inputs
    return subtract(x.inputs[1], x.inputs[0]) if x.op is subtract else None


def double_negative(node: Node) -> Node | None:
    """-(-x) = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is negative else None


def power_one(node: Node) -> Node | None:
    """x ** 1 = x; for real numbers also x ** 0 = 1 and 1 ** y = 1, nan included."""
    x, y = node.inputs
    if is_uniform(y, 1) and x.dtype == node.dtype:
        return x
    return full_like(node, 1) if node.dtype.kind != "c" and (is_uniform(y, 0) or is_uniform(x, 1)) else None


def sum_n_zeros(node: Node) -> Node | None:
    """Zero terms are left out of a sum; a sum of one term is that term."""
    terms = [x for x in node.inputs if not is_uniform(x, 0)]
    if len(terms) == len(node.inputs):
        return terms[0] if len(terms) == 1 else None
    return sum_n(*terms) if len(terms) > 1 else (terms or node.inputs)[0]


def sum_of_negative(node: Node) -> Node | None:
    """sum(-x) = -sum(x), unless the sum has more bits than x: in x, -x may wrap around."""
    (x,) = node.inputs
    return negative(sum(x.inputs[0], **node.attrs)) if x.op is negative and x.dtype == node.dtype else None


def double_not(node: Node) -> Node | None:
    """not not x = x, for booleans."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is logical_not and x.inputs[0].dtype == bool else None


def same_dtype(node: Node) -> Node | None:
    """A cast to the dtype that x has is x."""
    (x,) = node.inputs
    return x if x.dtype == node.dtype else None


def gradient_is_taken(node: Node) -> Node | None:
    """stop_gradient(x) = x: once the gradient graph stands, the barrier has done its work."""
    return node.inputs[0]


# Comparisons, logic, bits ---------------------------------------------------------------------------------------------

_TRUE_FOR_EQUALS = (equal, less_equal, greater_equal)
_OPPOSITE = {equal: not_equal, not_equal: equal}
_OPPOSITE_ORDER = {less: greater_equal, greater_equal: less, greater: less_equal, less_equal: greater}


def compared_with_itself(node: Node) -> Node | None:
    """x < x and x > x are false; where x cannot be nan, x != x is false and x == x, x <= x, x >= x are true."""
    x, y = node.inputs
    if x is not y:
        return None
    if node.op in (less, greater):
        return full_like(node, False)
    return full_like(node, node.op in _TRUE_FOR_EQUALS) if x.dtype.kind in "biu" else None


def negated_comparison(node: Node) -> Node | None:
    """not (x == y) is x != y and the other way round; not (x < y) is x >= y where nothing can be nan."""
    (x,) = node.inputs
    if x.op in _OPPOSITE:
        return _OPPOSITE[x.op](*x.inputs)
    if x.op in _OPPOSITE_ORDER and x.inputs[0].dtype.kind in "biu":
        return _OPPOSITE_ORDER[x.op](*x.inputs)
    return None


def idempotent(node: Node) -> Node | None:
    """x ∘ x = x for and, or, the larger and the smaller of two."""
    x, y = node.inputs
    return x if x is y and x.type == node.type else None


def exclusive_self(node: Node) -> Node | None:
    """x xor x = 0."""
    x, y = node.inputs
    return full_like(node, 0) if x is y else None


def known_logic(node: Node) -> Node | None:
    """x and true = x, x and false = false, x or false = x, x or true = true, for booleans."""
    neutral = node.op is logical_and
    for known, other in (node.inputs, node.inputs[::-1]):
        value = uniform_value(known)
        if value is not None and other.dtype == bool:
            return other if bool(value) is neutral else full_like(node, not neutral)
    return None


# Limits ---------------------------------------------------------------------------------------------------------------


def limited_twice(node: Node) -> Node | None:
    """max(max(x, a), b) = max(x, max(a, b)) for numbers a, b, and the same with min; max(max(x, y), y) = max(x, y)."""
    for bound, inner in (node.inputs, node.inputs[::-1]):
        if inner.op is not node.op:
            continue
        for first, x in (inner.inputs, inner.inputs[::-1]):
            if first is bound:
                return inner
            if uniform_value(first) is not None and uniform_value(bound) is not None:
                return node.op(x, node.op(first, bound))
    return None


def never_limited(node: Node) -> Node | None:
    """max(x, -inf) = x and min(x, inf) = x, for floats; max(x, 0) = x where x is never negative."""
    bound = -np.inf if node.op is maximum else np.inf
    for limit, x in (node.inputs, node.inputs[::-1]):
        if x.dtype.kind == "f" and is_uniform(limit, bound):
            return x
        if node.op is maximum and is_uniform(limit, 0) and is_nonnegative(x):
            return x
    return None


def clipped_twice(node: Node) -> Node | None:
    """clip(clip(x, a, b), a, b) = clip(x, a, b); clip(x, -inf, inf) = x."""
    x, low, high = node.inputs
    if x.op is clip and x.inputs[1] is low and x.inputs[2] is high:
        return x
    return x if x.dtype.kind == "f" and is_uniform(low, -np.inf) and is_uniform(high, np.inf) else None


def never_negative(node: Node) -> Node | None:
    """|x| = x and max(x, 0) = x where x is never negative."""
    (x,) = node.inputs
    return x if x.type == node.type and is_nonnegative(x) else None


# Functions of one value -----------------------------------------------------------------------------------------------


def even(node: Node) -> Node | None:
    """|-x| = |x| and (-x)² = x²; of real numbers also |x|² = x². Unsigned integers have another |-x|."""
    (x,) = node.inputs
    plain = x.op is negative or (x.op is absolute and node.op is square)
    return node.op(x.inputs[0]) if plain and x.inputs[0].dtype.kind in "if" else None


def applied_twice(node: Node) -> Node | None:
    """f(f(x)) = f(x) for |x|, max(x, 0), sign and rounding to integers, whichever way."""
    (x,) = node.inputs
    rounded = node.op in _ROUNDING and x.op in _ROUNDING
    return x if (x.op is node.op or rounded) and x.type == node.type else None


def arranged_twice(node: Node) -> Node | None:
    """What is sorted is sorted already, and a triangle has nothing outside: the same op once more changes nothing."""
    x = node.inputs[0]
    return x if x.op is node.op and x.attrs == node.attrs and x.type == node.type else None


def whole_number(node: Node) -> Node | None:
    """Integers are rounded already."""
    (x,) = node.inputs
    return x if x.dtype.kind in "iu" and x.type == node.type else None


def conjugated_twice(node: Node) -> Node | None:
    """conj(conj(z)) = z; a real number is its own conjugate and its own real part."""
    (x,) = node.inputs
    if x.type == node.type and x.dtype.kind != "c":
        return x
    return x.inputs[0] if x.op is conj and node.op is conj else None


def part_of_complex(node: Node) -> Node | None:
    """Re(conj(z)) = Re z; of a real number cast to complex the real part is the number, the imaginary part 0."""
    (x,) = node.inputs
    if node.op is real and x.op is conj:
        return real(x.inputs[0])
    if x.op is astype and x.inputs[0].type == node.type:
        return x.inputs[0] if node.op is real else full_like(node, 0)
    return None


def cast_twice(node: Node) -> Node | None:
    """A cast to a dtype that holds all values of x, and from there to another, is one cast."""
    (x,) = node.inputs
    if x.op is not astype or not _holds(x.inputs[0].dtype, x.dtype):
        return None
    return cast(x.inputs[0], node.dtype)


_BITS = {"f": {2: 11, 4: 24, 8: 53}, "c": {8: 24, 16: 53}}


def _holds(small: DType, large: DType) -> bool:
    """Whether every value of a dtype is one of another, so that nothing is lost on the way."""
    if small.kind == "c" or not np.can_cast(small, large):
        return False
    return small.kind not in "iu" or large.kind in "iu" or 8 * small.itemsize <= _BITS[large.kind][large.itemsize]


_ROUNDING = (floor, ceil, rint, trunc)

EXACT: dict[Op, tuple[Rule, ...]] = {
    add: (add_zero, add_negative),
    subtract: (subtract_zero, subtract_negative),
    multiply: (multiply_one, multiply_negatives),
    divide: (divide_one, divide_negatives),
    negative: (double_negative, negative_difference),
    power: (power_one,),
    sum_n: (sum_n_zeros,),
    sum: (sum_of_negative,),
    logical_not: (double_not, negated_comparison),
    logical_and: (idempotent, known_logic),
    logical_or: (idempotent, known_logic),
    logical_xor: (exclusive_self,),
    bitwise_and: (idempotent,),
    bitwise_or: (idempotent,),
    bitwise_xor: (exclusive_self,),
    maximum: (idempotent, limited_twice, never_limited),
    minimum: (idempotent, limited_twice, never_limited),
    fmax: (idempotent,),
    fmin: (idempotent,),
    clip: (clipped_twice,),
    absolute: (never_negative, applied_twice, even),
    relu: (never_negative, applied_twice),
    square: (even,),
    sign: (applied_twice,),
    **dict.fromkeys((sort_along, tril, triu), (arranged_twice,)),
    conj: (conjugated_twice,),
    real: (conjugated_twice, part_of_complex),
    imag: (part_of_complex,),
    astype: (same_dtype, cast_twice),
    stop_gradient: (gradient_is_taken,),
    **dict.fromkeys(_ROUNDING, (whole_number, applied_twice)),
    **dict.fromkeys((*_OPPOSITE, *_OPPOSITE_ORDER), (compared_with_itself,)),
}
