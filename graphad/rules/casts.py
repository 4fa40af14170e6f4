"""Integers become floats by a node of their own: what is true of real numbers does not hold for those that wrap around.

NumPy takes the logarithm of an integer as it stands. Rules look through log(1 + x) and would find integers behind it,
of which 1 + x may be negative. Behind the cast that this makes visible no rule looks. Lowering leaves it out again.
"""

from graphad.ir.core import Node, Op
from graphad.ops.casts import cast
from graphad.ops.elementwise import (
    arctan,
    cos,
    cosh,
    exp,
    expm1,
    log,
    log1p,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
)
from graphad.ops.fit import broadcast_to, full_like, stretch, uniform_value
from graphad.ops.log_domain import log_softmax, log_sum_exp, softmax
from graphad.ops.powers import cbrt, exp2, hypot, log2, log10, logaddexp
from graphad.ops.special import erf, erfc, ndtr
from graphad.ops.special_beta import beta
from graphad.ops.special_gamma import gamma
from graphad.ops.trigonometry import arccos, arccosh, arcsin, arcsinh, arctanh
from graphad.rules.engine import Rule

OF_REALS = (
    *(sqrt, cbrt, hypot, exp, exp2, expm1, log, log2, log10, log1p, logaddexp, sigmoid, softplus),
    *(sin, cos, tan, arcsin, arccos, arctan, sinh, cosh, tanh, arcsinh, arccosh, arctanh),
    *(erf, erfc, ndtr, gamma, beta, softmax, log_softmax, log_sum_exp),
)


def cast_first(node: Node) -> Node | None:
    """f(x) = f(float(x)) for integers and booleans x, in the precision that NumPy chooses."""
    if node.inputs[0].dtype.kind not in "biu" or any(x.dtype.kind not in "biu" for x in node.inputs):
        return None
    if node.dtype.kind != "f":
        return None
    return node.op(*(_as_float(x, node) for x in node.inputs), **node.attrs)


def _as_float(x: Node, node: Node) -> Node:
    """The cast, before x is broadcast: fewer elements, and rules see what is one number."""
    value = uniform_value(x)
    if value is not None:
        return full_like(node, value)
    return stretch(cast(x.inputs[0], node.dtype), x.shape) if x.op is broadcast_to else cast(x, node.dtype)


EXACT: dict[Op, tuple[Rule, ...]] = dict.fromkeys(OF_REALS, (cast_first,))
