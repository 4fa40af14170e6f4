"""Sums in normal form: constants gathered, equal terms counted, common factors taken out, what cancels left out.

A chain of additions is a sum of terms with coefficients. Where the normal form takes fewer operations than the chain,
it takes its place; otherwise the chain stays as it was written. This changes rounding: it undoes what a compensated sum
does on purpose (``optimize="basic"`` leaves that alone).
"""

import math
from dataclasses import dataclass, field
from typing import Any

from graphad.ir.core import Node, Op
from graphad.ops.elementwise import add, divide, multiply, negative, subtract, sum_n
from graphad.ops.fit import broadcast_to, full_like, stretch, uniform_value
from graphad.ops.leaves import as_node
from graphad.rules.engine import Rule, used_once
from graphad.rules.factors import MOST, is_fixed, is_usable, monomial, scaled_by
from graphad.rules.scales import scaled, shorter


@dataclass
class _Sum:
    """Σ coefficient·term + constant, how many operations it was written with, and how many things could be merged."""

    terms: dict[Node, Any] = field(default_factory=dict)
    uses: dict[Node, int] = field(default_factory=dict)
    numbers: set[Any] = field(default_factory=set)
    constant: Any = 0
    operations: int = 0
    chances: int = -1  # one constant alone has nothing to merge with


def _as_sum(node: Node) -> _Sum | None:
    found, stack, leaves = _Sum(), [(node, 1)], 0
    while stack:
        x, factor = stack.pop()
        if leaves + len(stack) > MOST:
            return None
        value = uniform_value(x)
        opened = (x is node or used_once(x)) and value is None
        if opened and x.op in (add, sum_n):
            stack += [(y, factor) for y in reversed(x.inputs)]
            found.operations += len(x.inputs) - 1
        elif opened and x.op is subtract:
            stack += [(x.inputs[1], -factor), (x.inputs[0], factor)]
            found.operations += 1
        elif opened and x.op is negative:
            stack.append((x.inputs[0], -factor))
            found.operations += 1
            found.chances += 2
        elif opened and (parts := scaled(x)):
            stack.append((parts[0], factor * parts[1]))
            found.operations += 1
            found.chances += 2 * (parts[1] in found.numbers or -parts[1] in found.numbers)
            found.numbers.add(parts[1])
        elif value is not None:
            found.constant += factor * value
            found.chances += 1
            leaves += 1
        else:
            found.chances += 2 * (x in found.terms)
            found.terms[x] = found.terms.get(x, 0) + factor
            found.uses[x] = found.uses.get(x, 0) + 1
            leaves += 1
    return found


def collected_terms(node: Node) -> Node | None:
    """a·x + b·x + c + y + d = (a + b)·x + y + (c + d), a·x - a·y = a·(x - y), x - x = 0: where that is less work."""
    if node.dtype.kind not in "ifc":
        return None
    found = _as_sum(node)
    if found is not None and node.dtype.kind == "f":
        _merge_products(found)
    if (
        found is None
        or found.chances < 1
        or not all(is_usable(v, node.dtype) for v in (*found.terms.values(), found.constant))
    ):
        return None
    terms = {x: c for x, c in found.terms.items() if c != 0}
    scales = {x: abs(c) for x, c in terms.items() if c not in (1, -1)}
    parts = {x: shorter(c, x, found.uses[x]) for x, c in scales.items()} if node.dtype.kind == "f" else {}
    count = len(terms) + (found.constant != 0)
    needed = max(count - 1, 0) + sum(parts.get(x) is None for x in scales)
    needed += count > 0 and not any(_is_plus(c) for c in (*terms.values(), found.constant))
    if 1 < count < needed and found.constant == 0 and count < found.operations:
        unit = next((c for c in terms.values() if _is_plus(c)), next(iter(terms.values())))
        if unit not in (1, -1) and all(c in (unit, -unit) for c in terms.values()):
            return scaled_by(unit, _written_sum(node, {x: 1 if c == unit else -1 for x, c in terms.items()}, {}, 0))
    return _written_sum(node, terms, parts, found.constant) if needed < found.operations else None


def _merge_products(found: _Sum) -> None:
    """Terms that are the same product up to a number, however it was multiplied out, become one of them."""
    products = [x for x in found.terms if x.op in (multiply, divide)]
    if len(products) < 2 or not _have_common_parts(products):
        return
    groups: dict[object, list[tuple[Node, Any]]] = {}
    for x in products:
        number, key = monomial(x)
        groups.setdefault(key, []).append((x, number))
    for key, same in groups.items():
        divided = isinstance(key, frozenset) and any(power < 0 for _, power in key)
        if len(same) < 2 or (divided and sum(found.terms[x] * n for x, n in same) == 0):  # 1/x - 1/x is nan at 0, not 0
            continue
        kept, unit = next(((x, n) for x, n in same if any(y in found.terms for y in x.inputs)), same[0])
        found.operations += sum(used_once(x) for x, _ in same if x is not kept)
        found.terms[kept] = _rounded(sum(found.terms.pop(x) * (n / unit) for x, n in same))
        found.chances += 2


def _have_common_parts(products: list[Node]) -> bool:
    """Whether two products share an operand, or one of an operand: a quick look."""
    seen: set[Node] = set()
    for x in products:
        near = {z for y in x.inputs if uniform_value(y) is None for z in (y, *y.inputs)}
        if not seen.isdisjoint(near):
            return True
        seen |= near
    return False


def _rounded(c: Any) -> Any:
    """A whole number that rounding missed, or the number as it is."""
    near = round(c) if math.isfinite(c) else c
    return near if abs(c - near) <= 1e-15 * abs(c) else c


def _is_plus(c: Any) -> bool:
    return bool(c.imag or c.real > 0)


def _written_sum(node: Node, terms: dict[Node, Any], parts: dict[Node, Node | None], constant: Any) -> Node:
    """The sum, terms with a plus first; ``parts``: terms without their sign that take in their number."""
    plus = [_written_term(x, c, parts) for x, c in terms.items() if _is_plus(c)]
    minus = [_written_term(x, -c, parts) for x, c in terms.items() if not _is_plus(c)]
    if constant != 0:
        (plus if _is_plus(constant) else minus).append(full_like(node, constant if _is_plus(constant) else -constant))
    if not plus and not minus:
        return full_like(node, 0)
    out = plus[0] if plus else minus[0]
    for x in plus[1:]:
        out = add(out, x)
    for x in minus[not plus :]:
        out = subtract(out, x) if plus else add(out, x)
    return out if plus else negative(out)


def _written_term(x: Node, c: Any, parts: dict[Node, Node | None]) -> Node:
    part = parts.get(x)
    return part if part is not None else x if c == 1 else scaled_by(c, x)


def doubled(node: Node) -> Node | None:
    """c·x + c·x = 2c·x for a number c, or a scalar made of named sizes."""
    x, *others = node.inputs
    if x.op is not multiply or len(others) != 1 or others[0] is not x or not used_once(x, 2):
        return None
    if node.dtype.kind not in "fc":
        return None
    for k, factor in enumerate(x.inputs):
        scalar = factor.inputs[0] if factor.op is broadcast_to else factor
        if not scalar.ndim and is_fixed(scalar):
            return multiply(stretch(multiply(as_node(2, node.dtype), scalar), node.shape), x.inputs[1 - k])
    return None


def common_factor(node: Node) -> Node | None:
    """x·y + x·z = x·(y + z) and x/z + y/z = (x + y)/z; also for differences and longer sums."""
    first = node.inputs[0]
    if first.op not in (multiply, divide) or len(node.inputs) < 2 or node.dtype.kind not in "ifc":
        return None
    if not all(x.op is first.op and used_once(x) for x in node.inputs):
        return None
    for k in (1,) if first.op is divide else (0, 1):
        factor = first.inputs[k]
        rest = [_without(x, factor) for x in node.inputs]
        if all(x is not None and x.dtype == node.dtype for x in rest):
            total = node.op(*rest)
            return first.op(total, factor) if k else first.op(factor, total)
    return None


def minus_multiple(node: Node) -> Node | None:
    """x + (-c)·y = x - c·y for a number c, and so for quotients and products with -y."""
    if len(node.inputs) != 2 or node.dtype.kind != "f":
        return None
    x, y = node.inputs
    if (positive := _opposite(y)) is not None:
        return add(x, positive) if node.op is subtract else subtract(x, positive)
    if node.op is not subtract and (positive := _opposite(x)) is not None:
        return subtract(y, positive)
    return None


def _opposite(x: Node) -> Node | None:
    """-x for a product or quotient in which there is a minus to leave out."""
    if x.op not in (multiply, divide) or x.dtype.kind != "f" or not used_once(x):
        return None
    for k, factor in enumerate(x.inputs):
        value = uniform_value(factor)
        plain = factor.inputs[0] if factor.op is negative else None
        if value is not None and value < 0:
            plain = full_like(factor, -value)
        if plain is not None:
            return x.op(plain, x.inputs[1]) if k == 0 else x.op(x.inputs[0], plain)
    return None


def _without(x: Node, factor: Node) -> Node | None:
    """What is left of a product or quotient without a factor, or without a divisor."""
    a, b = x.inputs
    if b is factor:
        return a
    return b if a is factor and x.op is multiply else None


CLOSE: dict[Op, tuple[Rule, ...]] = {
    negative: (collected_terms,),
    **dict.fromkeys((add, sum_n), (doubled, common_factor, collected_terms, minus_multiple)),
    subtract: (common_factor, collected_terms, minus_multiple),
}
