"""Several results of one op: the op gives a tuple, `item` takes one of them out.

A tuple node is never seen by users: `ga.linalg.eigh` and its like hand out the items. The cotangent of a tuple is a
Python tuple with a node, or None for an item that nothing used, per item.
"""

from typing import Annotated, Any

from graphad.ir.core import Linear, Node, op
from graphad.ir.types import TensorType, TupleType
from graphad.ops.leaves import plain


def _index(value: Any, nodes: Any) -> int:
    return int(value)


def _types(x: Node) -> tuple[TensorType, ...]:
    assert isinstance(x.type, TupleType), x.op.name
    return x.type.items


@op(
    numpy="{x}[{index}]",
    derivative=Linear(lambda g, x, index: (tuple(g if k == index else None for k in range(len(_types(x)))),)),
    coerce=plain,
    latex="{x}_{{{index}}}",
    traits=("item",),
)
def item(x: Node, index: Annotated[int, _index]) -> TensorType:
    """One of several results of an op."""
    return _types(x)[index]


def items(x: Node) -> tuple[Node, ...]:
    """All results of a tuple node."""
    return tuple(item(x, k) for k in range(len(_types(x))))


OPS = (item,)
