"""Conditions and choices: comparisons, logic, where.

Conditions are constant almost everywhere; `where` is linear in its two branches, and a gradient is masked by it
before anything else multiplies it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from graphad.ir.core import Case, Constant, Linear, Node, Op, op
from graphad.ir.types import TensorType, ufunc_dtype
from graphad.ops.fit import broadcasting, fit_shapes, full_like, promoting, zeros_like
from graphad.ops.leaves import as_node, plain


def ufunc_type(ufunc: np.ufunc) -> Callable[..., TensorType]:
    """The type rule of an elementwise op: the shape of its operands, the dtype that the NumPy ufunc gives."""

    def rule(*operands: Node, **attrs: object) -> TensorType:
        return TensorType(operands[0].shape, ufunc_dtype(ufunc, *[x.dtype for x in operands]))

    return rule


_MANY = (Case((2, 3), (2, 3)), Case((3,), (2, 1)), Case((), (3,)), Case((0,), (1,)), Case(("n", 2), (2,)))
condition = partial(op, derivative=Constant(), coerce=broadcasting, cases=_MANY, traits=("elementwise", "promotes"))


@condition(numpy="{x} == {y}", latex="{x} = {y}", sympy=lambda sp, x, y: sp.Eq(x, y))
def equal(x: Node, y: Node) -> TensorType:
    """x = y, elementwise."""
    return ufunc_type(np.equal)(x, y)


@condition(numpy="{x} != {y}", latex=r"{x} \neq {y}", sympy=lambda sp, x, y: sp.Ne(x, y))
def not_equal(x: Node, y: Node) -> TensorType:
    """x ≠ y, elementwise."""
    return ufunc_type(np.not_equal)(x, y)


@condition(numpy="{x} < {y}", latex="{x} < {y}", sympy=lambda sp, x, y: sp.Lt(x, y))
def less(x: Node, y: Node) -> TensorType:
    """x < y, elementwise."""
    return ufunc_type(np.less)(x, y)


@condition(numpy="{x} <= {y}", latex=r"{x} \leq {y}", sympy=lambda sp, x, y: sp.Le(x, y))
def less_equal(x: Node, y: Node) -> TensorType:
    """x ≤ y, elementwise."""
    return ufunc_type(np.less_equal)(x, y)


@condition(numpy="{x} > {y}", latex="{x} > {y}", sympy=lambda sp, x, y: sp.Gt(x, y))
def greater(x: Node, y: Node) -> TensorType:
    """x > y, elementwise."""
    return ufunc_type(np.greater)(x, y)


@condition(numpy="{x} >= {y}", latex=r"{x} \geq {y}", sympy=lambda sp, x, y: sp.Ge(x, y))
def greater_equal(x: Node, y: Node) -> TensorType:
    """x ≥ y, elementwise."""
    return ufunc_type(np.greater_equal)(x, y)


@condition(numpy="np.logical_and({x}, {y})", latex=r"{x} \land {y}", sympy=lambda sp, x, y: sp.And(x, y))
def logical_and(x: Node, y: Node) -> TensorType:
    """Both are nonzero."""
    return ufunc_type(np.logical_and)(x, y)


@condition(numpy="np.logical_or({x}, {y})", latex=r"{x} \lor {y}", sympy=lambda sp, x, y: sp.Or(x, y))
def logical_or(x: Node, y: Node) -> TensorType:
    """At least one is nonzero."""
    return ufunc_type(np.logical_or)(x, y)


@condition(numpy="np.logical_xor({x}, {y})", latex=r"{x} \oplus {y}", sympy=lambda sp, x, y: sp.Xor(x, y))
def logical_xor(x: Node, y: Node) -> TensorType:
    """Exactly one is nonzero."""
    return ufunc_type(np.logical_xor)(x, y)


_ONE = (Case((2, 3)), Case(()), Case(("n",)))


@condition(numpy="np.logical_not({x})", latex=r"\lnot {x}", sympy=lambda sp, x: sp.Not(x), cases=_ONE)
def logical_not(x: Node) -> TensorType:
    """x is zero."""
    return ufunc_type(np.logical_not)(x)


@condition(numpy="np.isfinite({x})", cases=_ONE)
def isfinite(x: Node) -> TensorType:
    """Neither infinite nor nan."""
    return ufunc_type(np.isfinite)(x)


@condition(numpy="np.isnan({x})", cases=_ONE)
def isnan(x: Node) -> TensorType:
    """Not a number."""
    return ufunc_type(np.isnan)(x)


def _choice(op: Op, operands: Sequence[Any]) -> list[Node]:
    """A boolean condition and two branches of one dtype, all of one shape."""
    choose, *branches = operands
    condition = as_node(choose)
    if condition.dtype != np.bool_:
        condition = not_equal(condition, 0)
    return fit_shapes(op, [condition, *promoting(op, branches)])


def _where_transpose(g: Node, condition: Node, x: Node, y: Node) -> Sequence[Node | None]:
    zero = zeros_like(g)
    return None, where(condition, g, zero), where(condition, zero, g)


@op(
    numpy="np.where({condition}, {x}, {y})",
    derivative=Linear(_where_transpose),
    coerce=_choice,
    sympy=lambda sp, c, x, y: sp.Piecewise((x, c), (y, True)),
    latex=r"\begin{{cases}} {x} & \text{{if }} {condition} \\ {y} & \text{{otherwise}} \end{{cases}}",
    cases=(
        Case(np.array([True, False, True]), (3,), (3,)),
        Case(np.array([[True], [False]]), (3,), ()),
        Case(np.array(True), (), ("n",)),
    ),
    traits=("elementwise", "promotes"),
)
def where(condition: Node, x: Node, y: Node) -> TensorType:
    """x where the condition holds, else y. The gradient goes to the chosen branch and is exactly zero for the other."""
    return TensorType(x.shape, x.dtype)


def indicator(condition: Node, like: Node) -> Node:
    """1 where the condition holds, else 0, in the dtype of ``like``: a mask as a partial derivative."""
    return where(condition, full_like(like, 1), zeros_like(like))


@op(
    numpy="{x}",
    derivative=Constant(),
    coerce=plain,
    cases=(Case((2, 3)),),
    traits=("view", "barrier"),
    latex="{x}",
)
def stop_gradient(x: Node) -> TensorType:
    """The same value, through which no gradient flows."""
    return x.type


OPS = (
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    logical_and,
    logical_or,
    logical_xor,
    logical_not,
    isfinite,
    isnan,
    where,
    stop_gradient,
)
