"""Loops as nodes: `scan` runs one graph for each element along the first axis of its arrays, passing on a carry.

Its results are the last carry, what each turn gives (stacked), and the carry before each turn (stacked), which the
derivative reads; what nobody reads is neither computed nor kept. The body is a `Graph` whose inputs are the carry, one
element of each array, and what is the same in every turn. `functional/loops.py` makes it of a Python function;
`autodiff/loops.py` holds the derivative, which is again a scan, run the other way.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from graphad.errors import GraphError
from graphad.ir.core import Custom, Node, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.late import method as _late
from graphad.ir.origin import Origin
from graphad.ir.types import TensorType, TupleType
from graphad.ops.leaves import input, plain


def _as_is(value: Any, nodes: Sequence[Node]) -> Any:
    return value


Kept = Annotated[Any, _as_is]


@op(
    numpy="scan([{operands}])",
    derivative=Custom(_late("scan_vjp"), _late("scan_jvp")),
    coerce=plain,
    traits=("loop",),
    latex=r"\operatorname{{scan}}\left({operands}\right)",
)
def scan(*operands: Node, body: Kept, carries: Kept, arrays: Kept, length: Kept, reverse: Kept = False) -> TensorType:
    """The body once for each of ``length`` elements; of the operands the first are the ``carries``, then ``arrays``."""
    for k, (x, inner) in enumerate(zip(operands, body.inputs, strict=True)):
        expected = stacked(inner.type, length) if 0 <= k - carries < arrays else inner.type
        if x.type != expected:
            fail(GraphError, f"scan: {label(x)} has type {x.type}, the body takes {expected}", x, inner)
    for before, after in zip(body.inputs[:carries], body.outputs, strict=False):
        if before.type != after.type:
            fail(
                GraphError, f"scan: the carry {label(before)} enters as {before.type} and leaves as {after.type}", after
            )
    each = [stacked(y.type, length) for y in body.outputs[carries:]]
    ends = [x.type for x in operands[:carries]]
    return TupleType([*ends, *each, *(stacked(type_, length) for type_ in ends)])


def symbol(wish: str, type_: TensorType, taken: set[str], origin: Origin) -> Node:
    """A new input of a body: called as wished, or with the first number that makes the name new; it is then taken."""
    name, k = wish, 2
    while name in taken:
        name, k = f"{wish}_{k}", k + 1
    taken.add(name)
    origin.name = name
    return input.build((), {"name": name, "shape": type_.shape, "dtype": type_.dtype}, origin)


def stacked(type_: TensorType, length: Size) -> TensorType:
    """The type of the values of all turns."""
    return TensorType((length, *type_.shape), type_.dtype)


OPS = (scan,)
