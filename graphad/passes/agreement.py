"""Whether what a rule puts in a node's place has the value that it promises.

Exact rules give the same bits, but for the sign of a zero and the payload of a nan. Others may change rounding: how
much rounding matters is measured, by computing both forms again with every value moved by a unit in the last place
(Monte Carlo arithmetic: Parker 1997); and what was inf or nan, at the end or on the way, may become finite, never the
other way round.
"""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

import numpy as np

from graphad.ir.core import Node
from graphad.ir.types import TupleType
from graphad.ops.fit import uniform_value
from graphad.passes.samples import Array, Sample, quiet

UNITS = 64  # in the last place, of the value and of what rounding does to it
DIRECTIONS = (1.0, -1.0, 0.0, 0.0, 0.0, 0.0)  # all values up, all down, each at random
DEEPEST = 64  # nodes of a rule's pattern


def same_bits(a: Any, b: Any) -> bool:
    """Whether two values are the same but for the sign of zeros and the payload of nans."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_bits, a, b))
    floating = a.dtype.kind in "fc"
    return a.dtype == b.dtype and a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=floating))


def identical(a: Any, b: Any) -> bool:
    """Whether two values have the same bits, so that nothing computed from them can differ."""
    if isinstance(a, tuple):
        return all(map(identical, a, b))
    same: bool = a.tobytes() == b.tobytes()
    return same


def agrees(sample: Sample, old: Node, new: Node, exact: bool) -> bool:
    """Whether ``new`` may stand for ``old`` on a sample; False also where only the new one cannot be computed."""
    try:
        before = sample.value(old)
    except Exception:  # nothing can be said here
        return True
    try:
        after = sample.value(new)
    except Exception:
        return not exact and not _finite(before)
    if same_bits(before, after):
        return True
    if exact or isinstance(before, tuple) or before.dtype.kind not in "fc":
        return False
    leaves = _common(old, new)
    return _close(sample, before, after, (old, new), leaves)


def _close(sample: Sample, before: Array, after: Array, forms: tuple[Node, Node], leaves: Collection[Node]) -> bool:
    inner = [sample.value(n) for n in _inside(forms[0], leaves)]
    if not all(map(_finite, inner)):
        return True  # the original overflowed on the way
    known = np.isfinite(before)
    if any(isinstance(v, np.ndarray) and not v.size for v in inner):
        known = known & np.isfinite(after)  # the sum of no values may become 0 times a value that is nan
    if not np.all(np.isfinite(after[known])):
        return False
    info = np.finfo(before.dtype)
    size = np.maximum(np.abs(before), np.abs(after)) * info.eps + info.tiny
    with quiet():
        room = UNITS * (size + sum(_rounding(sample, form, leaves) for form in forms))
        return bool(np.all((np.abs(before - after) <= room)[known]))


def _rounding(sample: Sample, node: Node, leaves: Collection[Node]) -> Array:
    """How far the value of a node moves when everything that it is computed from, except numbers, moves by one unit.

    A number is exact: (-1) ** 2.0000000000000004 would be nan.
    """
    order = [*_inside(node, leaves), node]
    rng = np.random.default_rng(0)
    base = sample.value(node)
    found = np.zeros(base.shape)
    for direction in DIRECTIONS:
        moved = {x: sample.value(x) for n in order for x in n.inputs}
        moved |= {x: _moved(v, direction, rng, 0.0) for x, v in moved.items() if not _is_number(x)}
        for n in order:
            move = partial(_moved, direction=direction, rng=rng, least=1.0)
            moved[n] = move(sample.apply(n, [moved[x] for x in n.inputs], move))
        distance = np.abs(moved[node] - base)
        found = np.fmax(found, np.where(np.isfinite(distance), distance, 0.0))
    return found


def _is_number(x: Node) -> bool:
    return not isinstance(x.type, TupleType) and uniform_value(x) is not None


def _moved(value: Any, direction: float, rng: np.random.Generator, least: float) -> Any:
    """Floating values moved by a unit in the last place up or down, and by ``least`` smallest normal numbers."""
    if isinstance(value, tuple):
        return tuple(_moved(v, direction, rng, least) for v in value)
    if value.dtype.kind not in "fc":
        return value
    info = np.finfo(value.dtype)
    sign = direction or rng.choice([-1.0, 1.0], value.shape)
    return np.asarray(value * (1 + info.eps * sign) + least * info.tiny * sign, value.dtype)


def _common(old: Node, new: Node) -> set[Node]:
    """The nodes nearest to ``new`` that ``old`` is computed from, too: what both forms start from."""
    behind = set(_behind([old], DEEPEST))
    found: set[Node] = set()
    seen: set[Node] = set()
    stack = [new]
    while stack and len(seen) < DEEPEST:
        node = stack.pop()
        if node in behind:
            found.add(node)
        elif node not in seen:
            seen.add(node)
            stack += node.inputs
    return found


def _behind(roots: Iterable[Node], limit: int) -> list[Node]:
    """At most ``limit`` nodes that the roots are computed from, nearest first."""
    found = list(dict.fromkeys(x for r in roots for x in r.inputs))
    seen = set(found)
    for node in found:
        for x in node.inputs:
            if x not in seen and len(found) < limit:
                seen.add(x)
                found.append(x)
    return found


def _inside(node: Node, leaves: Collection[Node]) -> list[Node]:
    """The nodes between the leaves and the node, inputs first, neither included."""
    if node in leaves:
        return []
    order: list[Node] = []
    done: set[Node] = set(leaves) | {node}
    stack = [(x, False) for x in node.inputs]
    while stack and len(done) < DEEPEST + len(leaves):
        top, expanded = stack.pop()
        if expanded:
            order.append(top)
        elif top not in done and top.inputs and _reaches(top, leaves):
            done.add(top)
            stack.append((top, True))
            stack += [(x, False) for x in top.inputs]
    return order


def _reaches(node: Node, leaves: Collection[Node]) -> bool:
    """Whether a node near by depends on a leaf."""
    return any(x in leaves for x in (node, *_behind([node], DEEPEST)))


def _finite(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_finite, value))
    return value.dtype.kind not in "fc" or bool(np.all(np.isfinite(value)))
