"""What a call of a program costs: bytes in use and moved, operations; formulas in the named sizes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from graphad.ir.core import Node
from graphad.ir.dims import Size, evaluate, names, product
from graphad.ir.types import TupleType
from graphad.lower.alias import is_view
from graphad.lower.fast.peak import program_peak, workspace_bytes
from graphad.lower.fast.program import FastProgram
from graphad.lower.memory import bytes_of
from graphad.lower.program import Apply, Copy, Expression, Loop, Note, Program, Ref, applied
from graphad.lower.scratch import CONVOLUTIONS
from graphad.ops.contract import _einsum as einsum
from graphad.ops.contract import matmul
from graphad.ops.control import scan
from graphad.ops.fit import broadcast_to
from graphad.passes.cost import Amount, Cost

CUBIC = frozenset("inv solve det slogdet cholesky qr eigh eigvalsh svd svdvals pinv expm eig solve_triangular".split())


def cost_of(program: Program, threads: int, sizes: Mapping[str, int], seconds: Mapping[str, float]) -> Cost:
    """The cost of a call; numbers where all named sizes have one in ``sizes``."""
    known = all(name in sizes for name in program.graph.sizes)

    def amount(size: Size) -> Amount:
        return Amount(str(size), evaluate(size, sizes) if known or not names(size) else None)

    peak = program_peak(program, threads)
    text = str(peak).removesuffix(" bytes")
    nodes = dict.fromkeys(n for e in program.expressions() for n in applied(e))
    results = program.graph.outputs[: len(program.graph.outputs) - len(program.updates)]
    loops, slots = (program.loops, program.calls.slots) if isinstance(program, FastProgram) else ((), ())
    return Cost(
        Amount(text, peak.evaluate(sizes) if known or not any(map(names, peak.formulas)) else None),
        amount(workspace_bytes(program, threads)),
        amount(_sum(bytes_of(y.type) for y in results)),
        amount(_sum(_moved(program))),
        amount(_sum(map(operations, nodes))),
        len(loops),
        len(slots),
        dict(seconds),
    )


def operations(node: Node) -> Size:
    """Additions, multiplications and function values of a node, more or less."""
    if is_view(node) or not node.inputs or isinstance(node.inputs[0].type, TupleType):
        return 0
    x = node.inputs[0]
    if node.op is matmul:
        return 2 * product(node.shape) * x.shape[-1]
    if node.op is einsum:
        labels = "".join(node.attrs["subscripts"].split("->")[0].split(","))
        sizes = dict(zip(labels, (size for y in node.inputs for size in y.shape), strict=True))
        return 2 * product(sizes.values())
    if node.op.name in CONVOLUTIONS:
        filters, outputs = _roles(node)
        return 2 * product(outputs.shape) * product(filters.shape[1:])
    if node.op.name in CUBIC:
        return product(x.shape) * x.shape[-1]
    return product(node.shape if "elementwise" in node.op.traits else x.shape)


def work(node: Node) -> Size:
    """Operations of a node as tables and drawings count them: of a loop those of all its turns, of copies none."""
    if node.op is scan:
        turn = _sum(work(n) for n in node.attrs["body"].nodes)
        return turn * cast(Size, node.attrs["length"])
    return 0 if node.op is broadcast_to else operations(node)


def _roles(node: Node) -> tuple[Node, Node]:
    """The filter and the output of a convolution or of one of its transposes."""
    first, second = node.inputs[:2]
    return {"conv": (second, node), "conv_input_adjoint": (second, first)}.get(node.op.name, (node, second))


def _moved(program: Program) -> Iterator[Size]:
    """The bytes that statements read and write; in a loop, what comes from outside or goes there."""
    for s in program.statements:
        if isinstance(s, Loop):
            inside = {m.node for m in s.members}
            outside = {x: None for m in s.members for x in m.cut if x not in inside}
            stored = {m.node: None for m in s.members if m.node in s.stored or m.axis is None}
            yield from (bytes_of(x.type) for x in (*outside, *stored))
        elif not isinstance(s, Note) and not isinstance(s.value, str):
            yield from _moved_by(s.value)
    for r in program.results:
        if not isinstance(r, str):
            yield from _moved_by(r)


def _moved_by(value: Expression) -> Iterator[Size]:
    stack = [value]
    while stack:
        match stack.pop():
            case Copy(inner):
                stack.append(inner)
            case Apply(node, operands):
                stack += operands
                if not is_view(node):
                    read = [x.node for x in operands if isinstance(x, Ref | Apply)]
                    yield from (bytes_of(x.type) for x in (node, *read))


def _sum(sizes: Iterable[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total
