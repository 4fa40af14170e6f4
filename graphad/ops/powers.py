"""Roots, powers and logarithms to other bases, and sums in the log domain; read `elementwise.py` first."""

import math
from typing import Any

import numpy as np

from graphad.ir.core import Domain, Elementwise, Node
from graphad.ir.origin import composite
from graphad.ir.types import TensorType, promote
from graphad.ops.casts import cast
from graphad.ops.elementwise import POSITIVE, binary, power, sigmoid, square, unary
from graphad.ops.fit import by_loop
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import isfinite, ufunc_type, where
from graphad.ops.singular import regular

LN2, LN10 = math.log(2), math.log(10)


def _reciprocal_partial(x: Node, out: Node) -> tuple[Node]:
    """-1 / x²."""
    divisor = regular(x)
    return (-square(out) if divisor is x else -square(1 / divisor),)


@unary(
    numpy="np.reciprocal({x})",
    derivative=Elementwise(_reciprocal_partial),
    sympy=lambda sp, x: 1 / x,
    latex=r"\frac{{1}}{{{x}}}",
    domain=(Domain(0.5, 3.0),),
)
def reciprocal(x: Node) -> TensorType:
    """1 / x; of integers the integer part, as in NumPy."""
    return ufunc_type(np.reciprocal)(x)


@unary(
    numpy="np.cbrt({x})",
    derivative=Elementwise(lambda x, out: (square(1 / regular(out)) / 3,)),
    sympy=lambda sp, x: sp.cbrt(x),
    latex=r"\sqrt[3]{{{x}}}",
    domain=POSITIVE,
)
def cbrt(x: Node) -> TensorType:
    """Real cube root, also of negative x; its derivative at 0 is infinite: a singular point."""
    return ufunc_type(np.cbrt)(x)


@unary(
    numpy="np.exp2({x})",
    derivative=Elementwise(lambda x, out: (LN2 * out,)),
    sympy=lambda sp, x: 2**x,
    latex="2^{{{x}}}",
)
def exp2(x: Node) -> TensorType:
    """2 to the power x."""
    return ufunc_type(np.exp2)(x)


@unary(
    numpy="np.log2({x})",
    derivative=Elementwise(lambda x, out: (1 / (LN2 * regular(x)),)),
    sympy=lambda sp, x: sp.log(x, 2),
    latex=r"\log_2\left({x}\right)",
    domain=POSITIVE,
)
def log2(x: Node) -> TensorType:
    """Logarithm to base 2."""
    return ufunc_type(np.log2)(x)


@unary(
    numpy="np.log10({x})",
    derivative=Elementwise(lambda x, out: (1 / (LN10 * regular(x)),)),
    sympy=lambda sp, x: sp.log(x, 10),
    latex=r"\log_{{10}}\left({x}\right)",
    domain=POSITIVE,
)
def log10(x: Node) -> TensorType:
    """Logarithm to base 10."""
    return ufunc_type(np.log10)(x)


@composite
def float_power(x: Any, y: Any) -> Node:
    """x to the power y in float64 (complex128 for complex operands), as `numpy.float_power`."""
    nodes = [v if isinstance(v, (int, float, complex)) else as_node(v) for v in (x, y)]
    wide = promote(np.dtype("float64"), *(v.dtype for v in nodes if isinstance(v, Node)))
    return power(*[cast(v, wide) if isinstance(v, Node) else v if isinstance(v, complex) else float(v) for v in nodes])


@binary(
    numpy="np.hypot({x}, {y})",
    coerce=by_loop(np.hypot),
    derivative=Elementwise(lambda x, y, out: (x / regular(out), y / regular(out))),
    sympy=lambda sp, x, y: sp.sqrt(x**2 + y**2),
    latex=r"\sqrt{{{x}^{{2}} + {y}^{{2}}}}",
    domain=(Domain(0.5, 3.0), Domain(0.5, 3.0)),
)
def hypot(x: Node, y: Node) -> TensorType:
    """The length of the hypotenuse, √(x² + y²), without overflow; the origin is a singular point."""
    return ufunc_type(np.hypot)(x, y)


def _lead(x: Node, y: Node) -> Node:
    """x - y, and 0 where both are the same infinity."""
    return where((x == y) & ~isfinite(x), 0, x - y)


@binary(
    numpy="np.logaddexp({x}, {y})",
    coerce=by_loop(np.logaddexp),
    derivative=Elementwise(lambda x, y, out: (sigmoid(_lead(x, y)), sigmoid(_lead(y, x)))),
    sympy=lambda sp, x, y: sp.log(sp.exp(x) + sp.exp(y)),
    latex=r"\log\left(\exp\left({x}\right) + \exp\left({y}\right)\right)",
)
def logaddexp(x: Node, y: Node) -> TensorType:
    """log(exp(x) + exp(y)) without overflow."""
    return ufunc_type(np.logaddexp)(x, y)


@binary(
    numpy="np.logaddexp2({x}, {y})",
    coerce=by_loop(np.logaddexp2),
    derivative=Elementwise(lambda x, y, out: (sigmoid(LN2 * _lead(x, y)), sigmoid(LN2 * _lead(y, x)))),
    sympy=lambda sp, x, y: sp.log(2**x + 2**y, 2),
    latex=r"\log_2\left(2^{{{x}}} + 2^{{{y}}}\right)",
)
def logaddexp2(x: Node, y: Node) -> TensorType:
    """log2(2**x + 2**y) without overflow."""
    return ufunc_type(np.logaddexp2)(x, y)


OPS = (reciprocal, cbrt, exp2, log2, log10, hypot, logaddexp, logaddexp2)
