"""Smooth elementwise functions and arithmetic, each in one block: type, NumPy form, partials, SymPy, LaTeX.

A partial is written in graph ops from the inputs and the result ``out``; vjp and jvp of any order follow from it.
Functions with kinks are in `piecewise.py` (conditions) and `kinks.py`.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from graphad.errors import ArgumentError, DTypeError
from graphad.ir.core import Case, Constant, Domain, Elementwise, Linear, Multilinear, Node, fail, op
from graphad.ir.types import TensorType, promote
from graphad.ops.fit import broadcasting, real_floats, uniform_value
from graphad.ops.helpers import add_all
from graphad.ops.helpers import sigmoid as sigmoid_numpy
from graphad.ops.helpers import softplus as softplus_numpy
from graphad.ops.piecewise import ufunc_type, where
from graphad.ops.singular import regular

UNARY = (Case((2, 3)), Case(()), Case((0,)), Case(("n", 2)))
BINARY = (Case((2, 3), (2, 3)), Case((3,), (2, 1)), Case((), (3,)), Case((0,), (1,)), Case(("n", 2), (2,)))

unary = partial(op, coerce=broadcasting, cases=UNARY, traits=("elementwise", "promotes"))
binary = partial(op, coerce=broadcasting, cases=BINARY, traits=("elementwise", "promotes"))
POSITIVE = (Domain(0.1, 3.0),)


# Arithmetic ---------------------------------------------------------------------------------------------------------


@binary(
    numpy="{x} + {y}",
    derivative=Linear(lambda g, x, y: (g, g)),
    sympy=lambda sp, x, y: x + y,
    latex="{x} + {y}",
)
def add(x: Node, y: Node) -> TensorType:
    """x + y."""
    return ufunc_type(np.add)(x, y)


@binary(
    numpy="{x} - {y}",
    derivative=Linear(lambda g, x, y: (g, -g)),
    sympy=lambda sp, x, y: x - y,
    latex="{x} - {y}",
)
def subtract(x: Node, y: Node) -> TensorType:
    """x - y. As in NumPy, not defined for booleans."""
    return ufunc_type(np.subtract)(x, y)


@binary(
    numpy="{x} * {y}",
    derivative=Multilinear(lambda g, x, y: (g * y, g * x)),
    sympy=lambda sp, x, y: x * y,
    latex=r"{x} \cdot {y}",
)
def multiply(x: Node, y: Node) -> TensorType:
    """x · y, elementwise."""
    return ufunc_type(np.multiply)(x, y)


def _quotient_partials(x: Node, y: Node, out: Node) -> tuple[Node, Node]:
    """1 / y and -x / y²."""
    divisor = regular(y)
    return 1 / divisor, -(out if divisor is y else x / divisor) / divisor


@binary(
    numpy="{x} / {y}",
    derivative=Elementwise(_quotient_partials),
    sympy=lambda sp, x, y: x / y,
    latex=r"\frac{{{x}}}{{{y}}}",
    domain=(Domain(), Domain(0.5, 3.0)),
)
def divide(x: Node, y: Node) -> TensorType:
    """x / y, elementwise; integers divide to float64."""
    return ufunc_type(np.true_divide)(x, y)


@binary(
    numpy="{x} // {y}",
    derivative=Constant(),
    sympy=lambda sp, x, y: sp.floor(x / y),
    latex=r"\left\lfloor {x} / {y} \right\rfloor",
    domain=(Domain(), Domain(0.5, 3.0)),
)
def floor_divide(x: Node, y: Node) -> TensorType:
    """The floor of x / y; its derivative is zero wherever it has one."""
    return ufunc_type(np.floor_divide)(x, y)


@binary(
    numpy="{x} % {y}",
    derivative=Elementwise(lambda x, y, out: (1, -floor(x / y))),
    sympy=lambda sp, x, y: sp.Mod(x, y),
    latex=r"{x} \bmod {y}",
    domain=(Domain(), Domain(0.5, 3.0)),
)
def remainder(x: Node, y: Node) -> TensorType:
    """x - y·floor(x / y), with the sign of y, as `numpy.remainder`. Its jumps contribute nothing to the derivative."""
    return ufunc_type(np.remainder)(x, y)


def _power_partials(x: Node, y: Node, out: Node) -> Sequence[Node | float]:
    """d/dx x^y = y x^(y-1), which is 0 and not nan at x = y = 0; d/dy x^y = x^y log x, 0 and not nan at x = 0.

    A constant exponent is simplified here, where it is known, so that x² has the derivative 2x and not 2 x^(2-1).
    """
    by_y = out * log(where((x == 0) | (out == 0), 1, x))
    p = uniform_value(y)
    if p is not None:
        base = x if p in (0, 1) or p.imag or p.real > 1 else regular(x)
        return (0 if p == 0 else 1 if p == 1 else 2 * x if p == 2 else p * base ** (p - 1)), by_y
    if np.result_type(x.dtype, y.dtype).kind == "c":
        return y * x ** where((x == 0) & (y == 0), 1, y - 1), by_y
    return y * regular(x, (x == 0) & (y < 1)) ** (y - 1), by_y


@binary(
    numpy="{x} ** {y}",
    derivative=Elementwise(_power_partials),
    sympy=lambda sp, x, y: x**y,
    latex=r"{x}^{{{y}}}",
    domain=(Domain(0.2, 2.0), Domain(-2.0, 2.0)),
)
def power(x: Node, y: Node) -> TensorType:
    """x to the power y. A negative x with a fractional y is nan, as in NumPy; integers take no negative y."""
    exponent = uniform_value(y) if x.dtype.kind in "iu" else None
    if exponent is not None and exponent < 0:
        fail(ArgumentError, "power: integers to negative powers are not integers", x, hint="x.astype('float64')")
    return ufunc_type(np.power)(x, y)


@unary(numpy="-{x}", derivative=Linear(lambda g, x: (-g,)), sympy=lambda sp, x: -x, latex="-{x}")
def negative(x: Node) -> TensorType:
    """-x. As in NumPy, not defined for booleans."""
    return ufunc_type(np.negative)(x)


_MANY = 100  # operands: Python cannot compile an expression of thousands of signs


@op(
    numpy=lambda node: "{xs: + }" if len(node.inputs) <= _MANY else "add_all([{xs}])",
    derivative=Linear(lambda g, *xs: tuple(g for _ in xs)),
    coerce=broadcasting,
    sympy=lambda sp, *xs: sp.Add(*xs),
    latex=r"\operatorname{{sum}}\left({xs}\right)",
    cases=(Case((2, 3), (2, 3), (2, 3)), Case((3,)), Case(("n",), ("n",))),
    traits=("elementwise", "promotes"),
    helpers=(add_all,),
)
def sum_n(*xs: Node) -> TensorType:
    """The sum of several values: where the gradients of a shared value meet, one edge per use."""
    return TensorType(xs[0].shape, promote(*(x.dtype for x in xs)))


# Exponentials and logarithms ----------------------------------------------------------------------------------------


@unary(
    numpy="np.exp({x})",
    derivative=Elementwise(lambda x, out: (out,)),
    sympy=lambda sp, x: sp.exp(x),
    latex=r"\exp\left({x}\right)",
)
def exp(x: Node) -> TensorType:
    """e to the power x."""
    return ufunc_type(np.exp)(x)


@unary(
    numpy="np.log({x})",
    derivative=Elementwise(lambda x, out: (1 / regular(x),)),
    sympy=lambda sp, x: sp.log(x),
    latex=r"\log\left({x}\right)",
    domain=POSITIVE,
)
def log(x: Node) -> TensorType:
    """Natural logarithm."""
    return ufunc_type(np.log)(x)


@unary(
    numpy="np.expm1({x})",
    derivative=Elementwise(lambda x, out: (out + 1,)),
    sympy=lambda sp, x: sp.exp(x) - 1,
    latex=r"\exp\left({x}\right) - 1",
)
def expm1(x: Node) -> TensorType:
    """exp(x) - 1, precise for small x."""
    return ufunc_type(np.expm1)(x)


@unary(
    numpy="np.log1p({x})",
    derivative=Elementwise(lambda x, out: (1 / regular(1 + x),)),
    sympy=lambda sp, x: sp.log(1 + x),
    latex=r"\log\left(1 + {x}\right)",
    domain=(Domain(-0.9, 3.0),),
)
def log1p(x: Node) -> TensorType:
    """log(1 + x), precise for small x."""
    return ufunc_type(np.log1p)(x)


@unary(
    numpy="np.sqrt({x})",
    derivative=Elementwise(lambda x, out: (0.5 / regular(out),)),
    sympy=lambda sp, x: sp.sqrt(x),
    latex=r"\sqrt{{{x}}}",
    domain=POSITIVE,
)
def sqrt(x: Node) -> TensorType:
    """Square root; nan for negative x. Its derivative at 0 is infinite: a singular point."""
    return ufunc_type(np.sqrt)(x)


@unary(
    numpy="np.square({x})",
    derivative=Elementwise(lambda x, out: (2 * x,)),
    sympy=lambda sp, x: x**2,
    latex=r"{x}^{{2}}",
)
def square(x: Node) -> TensorType:
    """x · x."""
    return ufunc_type(np.square)(x)


# Trigonometric and hyperbolic ---------------------------------------------------------------------------------------


@unary(
    numpy="np.sin({x})",
    derivative=Elementwise(lambda x, out: (cos(x),)),
    sympy=lambda sp, x: sp.sin(x),
    latex=r"\sin\left({x}\right)",
)
def sin(x: Node) -> TensorType:
    """Sine of x in radians."""
    return ufunc_type(np.sin)(x)


@unary(
    numpy="np.cos({x})",
    derivative=Elementwise(lambda x, out: (-sin(x),)),
    sympy=lambda sp, x: sp.cos(x),
    latex=r"\cos\left({x}\right)",
)
def cos(x: Node) -> TensorType:
    """Cosine of x in radians."""
    return ufunc_type(np.cos)(x)


@unary(
    numpy="np.tan({x})",
    derivative=Elementwise(lambda x, out: (1 + square(out),)),
    sympy=lambda sp, x: sp.tan(x),
    latex=r"\tan\left({x}\right)",
    domain=(Domain(-1.2, 1.2),),
)
def tan(x: Node) -> TensorType:
    """Tangent of x in radians."""
    return ufunc_type(np.tan)(x)


@unary(
    numpy="np.arctan({x})",
    derivative=Elementwise(lambda x, out: (1 / (1 + square(x)),)),
    sympy=lambda sp, x: sp.atan(x),
    latex=r"\arctan\left({x}\right)",
)
def arctan(x: Node) -> TensorType:
    """Inverse tangent, in radians."""
    return ufunc_type(np.arctan)(x)


@unary(
    numpy="np.sinh({x})",
    derivative=Elementwise(lambda x, out: (cosh(x),)),
    sympy=lambda sp, x: sp.sinh(x),
    latex=r"\sinh\left({x}\right)",
)
def sinh(x: Node) -> TensorType:
    """Hyperbolic sine."""
    return ufunc_type(np.sinh)(x)


@unary(
    numpy="np.cosh({x})",
    derivative=Elementwise(lambda x, out: (sinh(x),)),
    sympy=lambda sp, x: sp.cosh(x),
    latex=r"\cosh\left({x}\right)",
)
def cosh(x: Node) -> TensorType:
    """Hyperbolic cosine."""
    return ufunc_type(np.cosh)(x)


@unary(
    numpy="np.tanh({x})",
    derivative=Elementwise(lambda x, out: (1 - square(out),)),
    sympy=lambda sp, x: sp.tanh(x),
    latex=r"\tanh\left({x}\right)",
)
def tanh(x: Node) -> TensorType:
    """Hyperbolic tangent."""
    return ufunc_type(np.tanh)(x)


# Smooth activations -------------------------------------------------------------------------------------------------


@unary(
    numpy="sigmoid({x})",
    derivative=Elementwise(lambda x, out: (out * (1 - out),)),
    sympy=lambda sp, x: 1 / (1 + sp.exp(-x)),
    latex=r"\sigma\left({x}\right)",
    coerce=real_floats,
    helpers=(sigmoid_numpy,),
)
def sigmoid(x: Node) -> TensorType:
    """1 / (1 + exp(-x)), the logistic function, without overflow and to full relative precision on both sides."""
    return x.type


@unary(
    numpy="softplus({x})",
    coerce=real_floats,
    derivative=Elementwise(lambda x, out: (sigmoid(x),)),
    sympy=lambda sp, x: sp.log(1 + sp.exp(x)),
    latex=r"\log\left(1 + \exp\left({x}\right)\right)",
    helpers=(softplus_numpy,),
)
def softplus(x: Node) -> TensorType:
    """log(1 + exp(x)), without overflow."""
    return x.type


# Steps --------------------------------------------------------------------------------------------------------------


@unary(
    numpy="np.floor({x})",
    derivative=Constant(),
    sympy=lambda sp, x: sp.floor(x),
    latex=r"\left\lfloor {x} \right\rfloor",
)
def floor(x: Node) -> TensorType:
    """The largest integer not above x; its derivative is zero wherever it has one."""
    return ufunc_type(np.floor)(x)


@unary(
    numpy="np.sign({x})",
    derivative=Constant(),
    sympy=lambda sp, x: sp.sign(x),
    latex=r"\operatorname{{sign}}\left({x}\right)",
)
def sign(x: Node) -> TensorType:
    """-1, 0 or 1; its derivative is zero, also at 0. Of complex numbers x / |x| would be no step: DTypeError."""
    if x.dtype.kind == "c":
        fail(DTypeError, "sign: not defined here for complex numbers", x, hint="write x / ga.abs(x)")
    return ufunc_type(np.sign)(x)


OPS = (
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    remainder,
    power,
    negative,
    sum_n,
    exp,
    log,
    expm1,
    log1p,
    sqrt,
    square,
    sin,
    cos,
    tan,
    arctan,
    sinh,
    cosh,
    tanh,
    sigmoid,
    softplus,
    floor,
    sign,
)
