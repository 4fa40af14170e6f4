"""The derivative of `scan`: a scan from the last element to the first.

Its carry holds the cotangent of the forward carry and, for each value that is the same in every turn, the sum of its
cotangents so far. Each turn computes the body again from the carry before it, which the forward scan hands out, and
transposes it. It is an op like any other, so derivatives of any order follow.
"""

from collections.abc import Sequence
from typing import Any

from graphad.autodiff.forward import push_forward
from graphad.autodiff.reverse import pull_back
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.ir.origin import Origin, here
from graphad.ir.types import is_differentiable
from graphad.ops.control import scan, symbol
from graphad.ops.elementwise import add
from graphad.ops.fit import zeros_like
from graphad.ops.tuples import items
from graphad.rules.stable import STABLE
from graphad.rules.view import stabilized


def scan_vjp(g: Sequence[Node | None], out: Node, *operands: Node, **attrs: Any) -> list[Node | None]:
    """The cotangent of each operand."""
    body, carries, arrays = attrs["body"], attrs["carries"], attrs["arrays"]
    results = items(out)
    count = len(body.outputs)
    back = _Backward(body, carries, carries + arrays, [x is not None for x in g], out.origin)
    starts = [_or_zeros(g[k], operands[k]) for k in back.carried]
    sums = [zeros_like(operands[k]) for k in back.shared]
    given = [x for x in (*g[carries:count], *g[count:]) if x is not None]
    read = [*results[count:], *operands[carries : carries + arrays], *given]
    node = scan.build(
        [*starts, *sums, *read, *operands[carries + arrays :]],
        {
            "body": back.graph,
            "carries": len(starts) + len(sums),
            "arrays": len(read),
            "length": attrs["length"],
            "reverse": not attrs["reverse"],
        },
        Origin(None, out.origin.place, out.origin.scope, out.origin, False, "vjp of scan"),
    )
    found = items(node)
    cotangents: list[Node | None] = [None] * len(operands)
    order = [*back.carried, *back.shared, *back.elements]
    for k, cotangent in zip(order, found, strict=False):
        cotangents[k] = cotangent
    return cotangents


def _or_zeros(found: Node | None, like: Node) -> Node:
    return zeros_like(like) if found is None else found


class _Backward:
    """The body of the backward scan. ``carried``, ``shared`` and ``elements`` are positions among the operands.

    Its inputs: cotangents of the carry and sums of cotangents of what is shared; the carry before the turn, the
    elements of the turn, the cotangents of what it gave and of the carry before it; what is shared.
    """

    def __init__(self, body: Graph, carries: int, end: int, known: Sequence[bool], origin: Origin) -> None:
        differentiable = [k for k, x in enumerate(body.inputs) if is_differentiable(x.dtype)]
        self.carried = [k for k in differentiable if k < carries]
        self.elements = [k for k in differentiable if carries <= k < end]
        self.shared = [k for k in differentiable if k >= end]
        symbols = _Symbols(body, origin)
        d_carry = {k: symbols.make(body.inputs[k], "d_") for k in self.carried}
        sums = {k: symbols.make(body.inputs[k], "sum_d_") for k in self.shared}
        count = len(body.outputs)
        d_given = {k: symbols.make(body.outputs[k], "d_") for k in range(carries, count) if known[k]}
        d_before = {k: symbols.make(body.inputs[k], "d_") for k in range(carries) if known[count + k]}
        cotangents = {**d_carry, **d_given}
        wanted = [body.inputs[k] for k in differentiable]
        outputs = [body.outputs[k] for k in cotangents]
        pulled = pull_back(*stabilized(outputs, wanted, STABLE), list(cotangents.values()))
        found = {k: zeros_like(x) if g is None else g for k, x, g in zip(differentiable, wanted, pulled, strict=True)}
        for k, extra in d_before.items():
            if k in found:
                found[k] = add(found[k], extra)
        results = [found[k] for k in self.carried]
        results += [add(sums[k], found[k]) for k in self.shared]
        results += [found[k] for k in self.elements]
        inputs = [*d_carry.values(), *sums.values(), *body.inputs[:end], *d_given.values(), *d_before.values()]
        self.graph = Graph([*inputs, *body.inputs[end:]], results, f"{body.name}_backward")


class _Symbols:
    """New inputs of a body, with names of their own."""

    def __init__(self, body: Graph, origin: Origin) -> None:
        self._taken, self._origin = {x.name or "" for x in body.inputs}, origin

    def make(self, like: Node, prefix: str) -> Node:
        """A symbol of the type of ``like``, called after it."""
        origin = Origin(None, self._origin.place, self._origin.scope)
        return symbol(f"{prefix}{like.name or 'y'}", like.type, self._taken, origin)


def scan_jvp(tangents: Sequence[Node | None], out: Node, *operands: Node, **attrs: Any) -> tuple[Node | None, ...]:
    """The tangent of each result: a scan in the same direction, which reads the carries of the first."""
    body, carries = attrs["body"], attrs["carries"]
    end, count = carries + attrs["arrays"], len(body.outputs)
    symbols = _Symbols(body, out.origin)
    moving = [k for k, x in enumerate(body.inputs) if is_differentiable(x.dtype)]
    moving = [k for k in moving if k < carries or tangents[k] is not None]
    d = {k: symbols.make(body.inputs[k], "t_") for k in moving}
    ends = [k for k in moving if k < carries]
    given = [k for k in range(carries, count) if is_differentiable(body.outputs[k].dtype)]
    outputs = [body.outputs[k] for k in (*ends, *given)]
    pushed = push_forward(*stabilized(outputs, [body.inputs[k] for k in moving], STABLE), list(d.values()))
    found = [zeros_like(y) if t is None else t for y, t in zip(outputs, pushed, strict=True)]
    arrays, shared = [k for k in moving if carries <= k < end], [k for k in moving if k >= end]
    inputs = [*(d[k] for k in ends), *body.inputs[:end], *(d[k] for k in arrays)]
    inputs += [*body.inputs[end:], *(d[k] for k in shared)]
    starts = [_or_zeros(tangents[k], operands[k]) for k in ends]
    read = [*items(out)[count:], *operands[carries:end], *(_or_zeros(tangents[k], operands[k]) for k in arrays)]
    node = scan.build(
        [*starts, *read, *operands[end:], *(_or_zeros(tangents[k], operands[k]) for k in shared)],
        {
            "body": Graph(inputs, found, f"{body.name}_tangent"),
            "carries": len(starts),
            "arrays": len(read),
            "length": attrs["length"],
            "reverse": attrs["reverse"],
        },
        here(False),
    )
    order = [*ends, *given, *(count + k for k in ends)]
    made = dict(zip(order, items(node), strict=True))
    return tuple(made.get(k) for k in range(count + carries))


install(scan_vjp=scan_vjp, scan_jvp=scan_jvp)
