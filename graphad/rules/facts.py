"""What is known of the values of a node from how it is made: bounds, hence signs.

Everything here is about real numbers, not floats, and about elements that are not nan. Rounding is monotone, so
computed values obey the closed bounds, too: what is nonnegative here is so in the run. But exp(-1000) is positive as a
number and 0 as a float: of what `is_positive` or `is_nonzero` says, underflow is left aside. Integers wrap around, so
of their arithmetic nothing is known; of complex numbers nothing at all. A look is at most DEPTH nodes deep.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from graphad.ir.core import Node, Op
from graphad.ops import reduce
from graphad.ops.casts import astype
from graphad.ops.elementwise import (
    add,
    cos,
    cosh,
    divide,
    exp,
    expm1,
    log1p,
    multiply,
    negative,
    power,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    sum_n,
    tanh,
)
from graphad.ops.fit import broadcast_to, expand_dims, is_uniform, squeeze, uniform_value
from graphad.ops.fit import sum as sum_op
from graphad.ops.index import gather, getitem
from graphad.ops.kinks import absolute, maximum, minimum, relu
from graphad.ops.layout import reshape, transpose
from graphad.ops.leaves import size
from graphad.ops.linalg import euclidean_norm
from graphad.ops.log_domain import softmax
from graphad.ops.piecewise import equal, stop_gradient, where
from graphad.ops.powers import exp2, hypot, reciprocal
from graphad.ops.scan import cumsum
from graphad.ops.special import erf, erfc, erfcx, ndtr

DEPTH = 6
MOST_TERMS = 16  # of a long sum nothing is asked, so that a look stays short


class Bounds(NamedTuple):
    """low ≤ value ≤ high for every element; a bound that is ``open`` is not reached."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False


ANYTHING = Bounds()
NONNEGATIVE, POSITIVE = Bounds(low=0), Bounds(low=0, open_low=True)
Fact = Callable[[Node, int], Bounds]


def is_positive(node: Node) -> bool:
    """Whether every element is known to be above 0 as a real number; in floats it may underflow to 0."""
    low, _, strict, _ = bounds(node)
    return low > 0 or (low == 0 and strict)


def is_nonnegative(node: Node) -> bool:
    """Whether every element is known to be 0 or above, in floats as well."""
    return bounds(node).low >= 0


def is_nonzero(node: Node, depth: int = DEPTH) -> bool:
    """Whether no element is 0 as a real number; in floats it may underflow to 0."""
    if "constant" in node.op.traits:
        return bool(np.all(node.attrs["value"] != 0))
    if node.op is where and depth and _is_guarded(*node.inputs):
        return is_nonzero(node.inputs[1], depth - 1)
    if node.op in _KEEP_NONZERO and depth:
        return all(is_nonzero(x, depth - 1) for x in node.inputs) or _excludes_zero(bounds(node, depth))
    return _excludes_zero(bounds(node))


def _is_guarded(condition: Node, other: Node, x: Node) -> bool:
    """Whether a choice takes x only where x is not 0."""
    if condition.op is not equal:
        return False
    return any(a is x and is_uniform(b, 0) for a, b in (condition.inputs, condition.inputs[::-1]))


def _excludes_zero(b: Bounds) -> bool:
    return b.low > 0 or b.high < 0 or (b.low == 0 and b.open_low) or (b.high == 0 and b.open_high)


def bounds(node: Node, depth: int = DEPTH) -> Bounds:
    """The bounds that follow from the last few nodes."""
    kind = node.dtype.kind
    if kind == "b":
        return Bounds(0, 1)
    if "constant" in node.op.traits and kind != "c":
        return _of_array(node)
    fact = _FACTS.get(node.op)
    if depth and fact is not None and (kind == "f" or (kind in "iu" and node.op in _EXACT_ON_INTEGERS)):
        found = fact(node, depth - 1)
        return found if found.low <= found.high else ANYTHING  # nan: inf - inf
    return NONNEGATIVE if kind == "u" else ANYTHING


def _of_array(node: Node) -> Bounds:
    value = node.attrs["value"]
    if not value.ndim:
        number = value.item()
        return Bounds(number, number) if number == number else ANYTHING
    if not value.size or not np.all(value == value):
        return ANYTHING
    return Bounds(value.min().item(), value.max().item())


# Layout: the elements are those of the first input --------------------------------------------------------------------


def _same(node: Node, depth: int) -> Bounds:
    return bounds(node.inputs[0], depth)


def _cast(node: Node, depth: int) -> Bounds:
    """Casts to floats keep the value; those to integers may wrap around."""
    (x,) = node.inputs
    if node.dtype.kind == "f" and x.dtype.kind != "c":
        return bounds(x, depth)
    return Bounds(0, 1) if x.dtype.kind == "b" else NONNEGATIVE if node.dtype.kind == "u" else ANYTHING


def _either(node: Node, depth: int) -> Bounds:
    return _hull(bounds(node.inputs[1], depth), bounds(node.inputs[2], depth))


def _hull(a: Bounds, b: Bounds) -> Bounds:
    low, high = min(a.low, b.low), max(a.high, b.high)
    open_low = all(x.open_low or x.low > low for x in (a, b))
    return Bounds(low, high, open_low, all(x.open_high or x.high < high for x in (a, b)))


# Arithmetic -----------------------------------------------------------------------------------------------------------


def _sum_of(parts: list[Bounds]) -> Bounds:
    low, high = sum(p.low for p in parts), sum(p.high for p in parts)
    return Bounds(low, high, any(p.open_low for p in parts), any(p.open_high for p in parts))


def _add(node: Node, depth: int) -> Bounds:
    return _sum_of([bounds(x, depth) for x in node.inputs]) if len(node.inputs) <= MOST_TERMS else ANYTHING


def _opposite(a: Bounds) -> Bounds:
    return Bounds(-a.high, -a.low, a.open_high, a.open_low)


def _negative(node: Node, depth: int) -> Bounds:
    return _opposite(bounds(node.inputs[0], depth))


def _subtract(node: Node, depth: int) -> Bounds:
    x, y = node.inputs
    return _sum_of([bounds(x, depth), _opposite(bounds(y, depth))])


def _multiply(node: Node, depth: int) -> Bounds:
    x, y = node.inputs
    return _square(node, depth) if x is y else _product(bounds(x, depth), bounds(y, depth))


def _product(a: Bounds, b: Bounds) -> Bounds:
    """Of factors with known signs; the bounds themselves matter less than the sign."""
    if a.low >= 0 and b.low >= 0:
        strict = (a.low > 0 or a.open_low) and (b.low > 0 or b.open_low)
        low, high = a.low * b.low, math.inf if math.inf in (a.high, b.high) else a.high * b.high
        return Bounds(low, high, strict and (low == 0 or a.open_low or b.open_low), a.open_high or b.open_high)
    if a.high <= 0:
        return _opposite(_product(_opposite(a), b)) if b.low >= 0 or b.high <= 0 else ANYTHING
    return _opposite(_product(a, _opposite(b))) if b.high <= 0 and a.low >= 0 else ANYTHING


def _inverse(a: Bounds) -> Bounds:
    """Of positive numbers; of others nothing is known."""
    if a.low < 0:
        return _opposite(_inverse(_opposite(a))) if a.high < 0 or (a.high == 0 and a.open_high) else ANYTHING
    low = 0 if a.high == math.inf else 1 / a.high if a.high else math.inf
    return Bounds(low, 1 / a.low if a.low else math.inf, a.open_high or low == 0, a.open_low)


def _divide(node: Node, depth: int) -> Bounds:
    x, y = node.inputs
    return _product(bounds(x, depth), _inverse(bounds(y, depth)))


def _reciprocal(node: Node, depth: int) -> Bounds:
    return _inverse(bounds(node.inputs[0], depth))


def _square(node: Node, depth: int) -> Bounds:
    a = bounds(node.inputs[0], depth)
    if a.low >= 0 or a.high <= 0:
        return _product(a, a)
    return Bounds(0, max(a.low**2, a.high**2) if math.isfinite(a.low) and math.isfinite(a.high) else math.inf)


def _power(node: Node, depth: int) -> Bounds:
    """Even powers are nonnegative, all powers of positive numbers positive."""
    x, y = node.inputs
    p, base = uniform_value(y), bounds(x, depth)
    if base.low > 0 or (base.low == 0 and base.open_low):
        return POSITIVE
    if p is None:
        return NONNEGATIVE if base.low >= 0 else ANYTHING
    return NONNEGATIVE if p % 2 == 0 or base.low >= 0 else ANYTHING


# Functions ------------------------------------------------------------------------------------------------------------


def _within(low: float, high: float, open_low: bool = False, open_high: bool = False) -> Fact:
    found = Bounds(low, high, open_low, open_high)
    return lambda node, depth: found


def _rising(f: Callable[[float], float], least: Bounds) -> Fact:
    """Of an increasing function, a lower bound where its operand has one, and f(0) above where that is never positive.

    ``least`` holds in any case.
    """

    def fact(node: Node, depth: int) -> Bounds:
        a = bounds(node.inputs[0], depth)
        low = f(a.low) if a.low > 0 else 0.0
        high = f(0.0) if a.high <= 0 else least.high
        if a.low < 0 or low < least.low:
            return least._replace(high=high)
        return Bounds(max(low, least.low), high, a.open_low or (low == least.low and least.open_low))

    return fact


def _absolute(node: Node, depth: int) -> Bounds:
    (x,) = node.inputs
    a = bounds(x, depth)
    if a.low >= 0:
        return a
    return _opposite(a) if a.high <= 0 else Bounds(0, max(-a.low, a.high)) if x.dtype.kind != "i" else ANYTHING


def _largest(node: Node, depth: int) -> Bounds:
    """maximum: at least as large as each operand."""
    a, b = (bounds(x, depth) for x in node.inputs)
    low, high = max(a.low, b.low), max(a.high, b.high)
    return Bounds(low, high, all(x.open_low or x.low < low for x in (a, b)), False)


def _smallest(node: Node, depth: int) -> Bounds:
    a, b = (bounds(x, depth) for x in node.inputs)
    return _opposite(_hull_up(_opposite(a), _opposite(b)))


def _hull_up(a: Bounds, b: Bounds) -> Bounds:
    low, high = max(a.low, b.low), max(a.high, b.high)
    return Bounds(low, high, all(x.open_low or x.low < low for x in (a, b)), False)


def _total(node: Node, depth: int) -> Bounds:
    """Sums keep a sign; those of an axis that may be empty can be 0."""
    (x,) = node.inputs
    a = bounds(x, depth)
    some = all(isinstance(s, int) and s > 0 for s in x.shape)
    if a.low >= 0:
        return Bounds(a.low if some else 0, math.inf, a.open_low and some)
    return Bounds(-math.inf, 0, False, a.open_high and some and a.high == 0) if a.high <= 0 else ANYTHING


def _running(node: Node, depth: int) -> Bounds:
    """Running sums: their first terms are bounded themselves, and a nonnegative rest adds to them."""
    a = bounds(node.inputs[0], depth)
    return Bounds(a.low, math.inf, a.open_low) if a.low >= 0 else ANYTHING


def _factors(node: Node, depth: int) -> Bounds:
    a = bounds(node.inputs[0], depth)
    return ANYTHING if a.low < 0 else POSITIVE if a.low > 0 or a.open_low else NONNEGATIVE


def _distance(node: Node, depth: int) -> Bounds:
    """hypot: positive where one operand is not 0."""
    return POSITIVE if any(_excludes_zero(bounds(x, depth)) for x in node.inputs) else NONNEGATIVE


_SHIFT = (broadcast_to, expand_dims, squeeze, reshape, transpose, stop_gradient, getitem, gather)
_KEEP_NONZERO = frozenset((*_SHIFT[:-2], negative, absolute, square, sqrt, multiply))
_EXACT_ON_INTEGERS = frozenset((*_SHIFT, where, astype, size, sign, maximum, minimum, relu, reduce.max, reduce.min))
_FACTS: dict[Op, Fact] = {
    **dict.fromkeys((*_SHIFT, reduce.max, reduce.min, reduce.mean), _same),
    astype: _cast,
    where: _either,
    size: _within(0, math.inf),
    add: _add,
    sum_n: _add,
    subtract: _subtract,
    negative: _negative,
    multiply: _multiply,
    divide: _divide,
    reciprocal: _reciprocal,
    square: _square,
    power: _power,
    absolute: _absolute,
    maximum: _largest,
    minimum: _smallest,
    sum_op: _total,
    cumsum: _running,
    reduce.prod: _factors,
    hypot: _distance,
    exp: _rising(lambda x: math.exp(min(x, 700)), POSITIVE),
    exp2: _rising(lambda x: 2 ** min(x, 1000), POSITIVE),
    cosh: _within(1, math.inf),
    softplus: _within(0, math.inf, True),
    sigmoid: _within(0, 1, True, True),
    softmax: _within(0, 1, True),
    tanh: _within(-1, 1, True, True),
    sin: _within(-1, 1),
    cos: _within(-1, 1),
    sign: _within(-1, 1),
    erf: _within(-1, 1, True, True),
    erfc: _within(0, 2, True, True),
    erfcx: _within(0, math.inf, True),
    ndtr: _within(0, 1, True, True),
    euclidean_norm: _within(0, math.inf),
    relu: _rising(lambda x: x, NONNEGATIVE),
    sqrt: _rising(math.sqrt, NONNEGATIVE),
    expm1: _rising(lambda x: math.expm1(min(x, 700)), Bounds(low=-1, open_low=True)),
    log1p: _rising(math.log1p, ANYTHING),
}
