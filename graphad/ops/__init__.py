"""Every operator, each declared in one contiguous block; `ALL_OPS` lists them all."""

from graphad.ir.core import Op
from graphad.ops import casts, contract, elementwise, fit, index, kinks, layout, leaves, operators, piecewise, random, reduce, tuples

ALL_OPS: tuple[Op, ...] = (
    *leaves.OPS,
    *casts.OPS,
    *tuples.OPS,
    *fit.OPS,
    *layout.OPS,
    *piecewise.OPS,
    *elementwise.OPS,
    *kinks.OPS,
    *index.OPS,
    *reduce.OPS,
    *contract.OPS,
    *random.OPS,
)
OPERATORS = operators.OPERATORS
BY_NAME = {op.name: op for op in ALL_OPS}
