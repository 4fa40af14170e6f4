"""Products in normal form: constants gathered, equal factors counted, what cancels left out.

A chain of multiplications and divisions is a product of factors with exponents. Where the normal form costs less than
the chain, it takes its place; otherwise the chain stays as it was written. This changes rounding, and values where the
original is inf or nan on the way.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from graphad.ir.core import Node, Op
from graphad.ir.types import DType
from graphad.ops.elementwise import add, divide, exp, multiply, negative, power, sqrt, square, subtract
from graphad.ops.fit import broadcast_to, full_like, stretch, uniform_value
from graphad.ops.leaves import as_node
from graphad.ops.powers import exp2, reciprocal
from graphad.rules.engine import Rule, used_once
from graphad.rules.facts import is_nonzero

MOST = 16  # leaves of a chain: what is looked at from one node stays bounded

# Numbers --------------------------------------------------------------------------------------------------------------


def is_usable(value: Any, dtype: DType) -> bool:
    """Whether a number is finite in the dtype, and does not vanish there."""
    low, high = _limits(dtype)
    if dtype.kind in "iu":
        return isinstance(value, int) and low <= value <= high
    return bool(value == 0 or low <= abs(value) <= high)


@lru_cache
def _limits(dtype: DType) -> tuple[Any, Any]:
    if dtype.kind in "iu":
        whole: Any = np.iinfo(dtype.name)
        return int(whole.min), int(whole.max)
    real = np.finfo(dtype.name)
    return float(real.tiny), float(real.max)


# Products -------------------------------------------------------------------------------------------------------------


@dataclass
class _Product:
    """number · Π factor^exponent, what it costs as it was written, and how many things could be merged.

    ``seen`` holds the factors as they stood there.
    """

    number: Any = 1
    chances: int = -1
    factors: dict[Node, Any] = field(default_factory=dict)
    seen: dict[Node, list[tuple[Node, Any]]] = field(default_factory=dict)
    cost: int = 0


ARRAY_COST, EXP_COST, POWER_COST = 10, 60, 80  # of one operation on arrays, where one on scalars costs 1


def monomial(node: Node) -> tuple[Any, object]:
    """number and Π factor^exponent of a product, multiplied out also where its parts have other users."""
    found = _as_product(node, through=True)
    if found is None or not is_usable(found.number, node.dtype) or found.number == 0:
        return 1, node
    return found.number, frozenset(found.factors.items())


def _as_product(node: Node, through: bool = False) -> _Product | None:
    found, stack, leaves = _Product(), [(node, 1)], 0
    while stack:
        x, sign = stack.pop()
        if leaves + len(stack) > MOST:
            return None
        opened = (x is node or through or used_once(x)) and x.dtype == node.dtype
        value = uniform_value(x)
        if value is not None:
            if value == 0 or (sign < 0 and node.dtype.kind not in "fc"):
                return None
            found.number = found.number * value if sign > 0 else found.number / value
            found.chances += 1
            leaves += 1
        elif opened and x.op is multiply:
            stack += [(x.inputs[1], sign), (x.inputs[0], sign)]
            found.cost += ARRAY_COST
        elif opened and x.op is divide and x.inputs[0].dtype == node.dtype:
            stack += [(x.inputs[1], -sign), (x.inputs[0], sign)]
            found.cost += ARRAY_COST
        elif opened and x.op is reciprocal and node.dtype.kind in "fc":
            stack.append((x.inputs[0], -sign))
            found.cost += ARRAY_COST
            found.chances += 1
        elif opened and x.op is negative:
            stack.append((x.inputs[0], sign))
            found.number = -found.number
            found.chances += 1
            found.cost += ARRAY_COST
        else:
            base, exponent = _as_power(x) if opened else (x, 1)
            free = _is_free_exponential(x)
            found.chances += 2 * (base in found.factors) + free + _is_fixed_scalar(x)
            found.factors[base] = found.factors.get(base, 0) + sign * exponent
            found.seen.setdefault(base, []).append((x, sign))
            found.cost += _cost_of_power(exponent) + EXP_COST * free
            leaves += 1
    return found


def _as_power(x: Node) -> tuple[Node, Any]:
    """Base and exponent."""
    if x.op is square:
        return x.inputs[0], 2
    if x.op is sqrt and x.dtype.kind == "f":
        return x.inputs[0], 0.5
    if x.op is power and x.inputs[0].dtype == x.dtype:
        p = uniform_value(x.inputs[1])
        if p is not None and not p.imag and math.isfinite(p.real) and float(2 * p.real).is_integer():
            return x.inputs[0], int(p.real) if float(p.real).is_integer() else float(p.real)
    return x, 1


def _cost_of_power(p: Any) -> int:
    """NumPy has short ways for the square and the root."""
    return 0 if p == 1 else ARRAY_COST if p in (2, 0.5) else POWER_COST


def collected_factors(node: Node) -> Node | None:
    """a·x·(b·y)/x = (a·b)·y, xᵃ·xᵇ = xᵃ⁺ᵇ, eˣ·eʸ = eˣ⁺ʸ, wherever that costs less. x/x = 1 only where x is nonzero."""
    if node.dtype.kind not in "ifc":
        return None
    found = _as_product(node)
    if found is None or found.chances < 1 or not is_usable(found.number, node.dtype) or found.number == 0:
        return None
    cost = found.cost
    if len(found.factors) < 2 and not all(is_nonzero(x) for x, p in found.factors.items() if p == 0):
        return None
    parts = _Parts(node)
    for base, p in found.factors.items():
        if p != 0:
            parts.take(base, p, found.seen[base])
    parts.merge_exponentials()
    return parts.written(found.number) if parts.cost(found.number) < cost else None


class _Parts:
    """A product about to be written: fixed scalars, arrays above and below the line."""

    def __init__(self, node: Node) -> None:
        self.node, self.spent = node, 0
        self.scalars: tuple[list[Node], list[Node]] = ([], [])
        self.arrays: tuple[list[Node], list[Node]] = ([], [])

    def take(self, base: Node, p: Any, seen: list[tuple[Node, Any]]) -> None:
        """Add base^p; a factor that stood there alone stays as it is."""
        below = p < 0
        if len(seen) == 1:
            x, sign = seen[0]
            self.spent += _cost_of_power(p * sign)
            below = sign < 0
        else:
            x = self._raised(base, abs(p), len(seen))
        fixed = _is_fixed_scalar(x)
        (self.scalars if fixed else self.arrays)[below].append(x.inputs[0] if fixed else x)

    def _raised(self, base: Node, p: Any, most: int) -> Node:
        if p == 1:
            return base
        if p == 2 or p in range(3, most + 1):
            self.spent += ARRAY_COST * (p - 1)
            out = base
            for _ in range(p - 1):
                out = multiply(out, base)
            return out
        self.spent += _cost_of_power(p)
        return sqrt(base) if p == 0.5 else power(base, full_like(base, p))

    def merge_exponentials(self) -> None:
        """eˣ·eʸ = eˣ⁺ʸ, eˣ/eʸ = eˣ⁻ʸ, and the same for powers of one number."""
        above, below = self.arrays
        kinds: dict[object, tuple[list[Node], list[Node]]] = {}
        for k, side in enumerate(self.arrays):
            for x in side:
                if _is_free_exponential(x):
                    kinds.setdefault(_exponential(x), ([], []))[k].append(x)
                    self.spent += EXP_COST
        for over, under in kinds.values():
            if len(over) + len(under) < 2 or not over:
                continue
            total = over[0].inputs[-1]
            for x in over[1:]:
                total = add(total, x.inputs[-1])
            for x in under:
                total = subtract(total, x.inputs[-1])
            self.spent += (ARRAY_COST - EXP_COST) * (len(over) + len(under) - 1)
            above[:] = [x for x in above if all(x is not y for y in over)]
            below[:] = [x for x in below if all(x is not y for y in under)]
            above.append(over[0].op(*over[0].inputs[:-1], total))

    def cost(self, number: Any) -> int:
        """What the product will cost, beside the powers in it."""
        (above, below), scalars = self.arrays, len(self.scalars[0]) + len(self.scalars[1])
        leading = scalars > 0 or number != 1
        steps = max(len(above) - 1, 0) + len(below) + (leading and bool(above))
        return self.spent + ARRAY_COST * steps + scalars

    def written(self, number: Any) -> Node:
        """The product as nodes."""
        (above, below), node = self.arrays, self.node
        out, lower = _multiplied(above), _multiplied(below)
        if not self.scalars[0] and not self.scalars[1]:
            if number != 1 and out is not None:
                out = scaled_by(number, out)
            elif out is None:
                out = full_like(node, number)
        else:
            lead = stretch(self._scalar(number), node.shape)
            out = lead if out is None else multiply(lead, out)
        return out if lower is None else divide(out, lower)

    def _scalar(self, number: Any) -> Node:
        over, under = map(_multiplied, self.scalars)
        first = as_node(number, self.node.dtype)
        top = first if over is None else over if number == 1 else multiply(first, over)
        return top if under is None else divide(top, under)


def _multiplied(xs: list[Node]) -> Node | None:
    out = xs[0] if xs else None
    for x in xs[1:]:
        out = multiply(out, x)
    return out


def scaled_by(number: Any, x: Node) -> Node:
    """number · x, as a quotient where that is the rounder number."""
    if number == -1:
        return negative(x)
    inverse = 1 / number if x.dtype.kind in "fc" else number
    if not inverse.imag and float(inverse.real).is_integer() and not float(number.real).is_integer():
        return divide(x, full_like(x, inverse))
    return multiply(full_like(x, number), x)


def _exponential(x: Node) -> object:
    """What an exponential is a power of, or None."""
    if x.op in (exp, exp2) and x.dtype.kind in "fc":
        return x.op
    return (power, uniform_value(x.inputs[0])) if x.op is power and _positive_number(x.inputs[0]) else None


def _is_free_exponential(x: Node) -> bool:
    return _exponential(x) is not None and used_once(x)


def _positive_number(x: Node) -> bool:
    value = uniform_value(x)
    return value is not None and x.dtype.kind == "f" and bool(value > 0)


def _is_fixed_scalar(x: Node) -> bool:
    return x.op is broadcast_to and not x.inputs[0].ndim and is_fixed(x.inputs[0])


def is_fixed(x: Node, depth: int = 4) -> bool:
    """Whether a scalar depends on numbers and named sizes only."""
    if x.op.traits & {"constant", "size"}:
        return True
    return bool(x.inputs) and depth > 0 and all(is_fixed(y, depth - 1) for y in x.inputs)


def quotient_twice(node: Node) -> Node | None:
    """g·((x/y)/y) = (g/y)·(x/y), and so for -x: of what x/y gives to y, both parts are known from elsewhere."""
    if node.dtype.kind not in "fc":
        return None
    for g, q in (node.inputs, node.inputs[::-1]):
        minus, q = _without_minus(q)
        if q.op is not divide or not used_once(q):
            continue
        top, y = q.inputs
        second, top = _without_minus(top)
        if top.op is divide and top.inputs[1] is y and top.inputs[0].dtype == g.dtype and g is not q:
            out = multiply(divide(g, y), top)
            return out if minus is second else negative(out)
    return None


def _without_minus(x: Node) -> tuple[bool, Node]:
    return (True, x.inputs[0]) if x.op is negative and used_once(x) else (False, x)


CLOSE: dict[Op, tuple[Rule, ...]] = {
    negative: (collected_factors,),
    multiply: (quotient_twice, collected_factors),
    **dict.fromkeys((divide, reciprocal), (collected_factors,)),
}
