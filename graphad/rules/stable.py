"""Stable forms: the same function, computed without overflow or cancellation. They apply before differentiation, too."""

from graphad.ir.core import Node
from graphad.ops.elementwise import add, exp, log, log1p
from graphad.ops.fit import is_uniform
from graphad.rules.engine import Table


def log_of_one_plus(node: Node) -> Node | None:
    """log(1 + x) = log1p(x)."""
    (x,) = node.inputs
    if x.op is not add:
        return None
    a, b = x.inputs
    return log1p(b) if is_uniform(a, 1) else log1p(a) if is_uniform(b, 1) else None


def log_of_exp(node: Node) -> Node | None:
    """log(exp(x)) = x, for real x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is exp and node.dtype.kind == "f" else None


STABLE: Table = {log: (log_of_one_plus, log_of_exp)}
