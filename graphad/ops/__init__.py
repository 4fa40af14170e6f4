"""Every operator, each declared in one contiguous block; `ALL_OPS` lists them all."""

from graphad.ir.core import Op
from graphad.ops import (
    casts,
    contract,
    diagonals,
    elementwise,
    fit,
    index,
    kinks,
    layout,
    leaves,
    operators,
    piecewise,
    powers,
    random,
    reduce,
    scan,
    sort,
    steps,
    trigonometry,
    tuples,
)

ALL_OPS: tuple[Op, ...] = (
    *leaves.OPS,
    *casts.OPS,
    *tuples.OPS,
    *fit.OPS,
    *layout.OPS,
    *piecewise.OPS,
    *elementwise.OPS,
    *powers.OPS,
    *trigonometry.OPS,
    *steps.OPS,
    *kinks.OPS,
    *index.OPS,
    *diagonals.OPS,
    *sort.OPS,
    *scan.OPS,
    *reduce.OPS,
    *contract.OPS,
    *random.OPS,
)
OPERATORS = operators.OPERATORS
BY_NAME = {op.name: op for op in ALL_OPS}
