"""Inverse trigonometric and hyperbolic functions, sinc, degrees; the others are in `elementwise.py`."""

from typing import Annotated, Any

import numpy as np

from graphad.ir.core import Domain, Elementwise, Linear, Node
from graphad.ir.types import TensorType
from graphad.ops.elementwise import binary, sqrt, square, unary
from graphad.ops.fit import by_loop, floats
from graphad.ops.helpers import sinc as sinc_numpy
from graphad.ops.helpers import sine_quotient as sine_quotient_numpy
from graphad.ops.piecewise import ufunc_type
from graphad.ops.powers import hypot
from graphad.ops.singular import regular


@unary(
    numpy="np.arcsin({x})",
    derivative=Elementwise(lambda x, out: (1 / regular(sqrt((1 - x) * (1 + x))),)),
    sympy=lambda sp, x: sp.asin(x),
    latex=r"\arcsin\left({x}\right)",
    domain=(Domain(-0.9, 0.9),),
)
def arcsin(x: Node) -> TensorType:
    """Inverse sine, in radians; nan outside [-1, 1], at whose ends the derivative is infinite."""
    return ufunc_type(np.arcsin)(x)


@unary(
    numpy="np.arccos({x})",
    derivative=Elementwise(lambda x, out: (-1 / regular(sqrt((1 - x) * (1 + x))),)),
    sympy=lambda sp, x: sp.acos(x),
    latex=r"\arccos\left({x}\right)",
    domain=(Domain(-0.9, 0.9),),
)
def arccos(x: Node) -> TensorType:
    """Inverse cosine, in radians; nan outside [-1, 1], at whose ends the derivative is infinite."""
    return ufunc_type(np.arccos)(x)


def _arctan2_partials(y: Node, x: Node, out: Node) -> tuple[Node, Node]:
    """x / r² and -y / r², where r² = x² + y²; divided twice by r, which neither overflows nor vanishes."""
    r = regular(hypot(x, y))
    return x / r / r, -y / r / r


@binary(
    numpy="np.arctan2({y}, {x})",
    coerce=by_loop(np.arctan2),
    derivative=Elementwise(_arctan2_partials),
    sympy=lambda sp, y, x: sp.atan2(y, x),
    latex=r"\operatorname{{atan2}}\left({y}, {x}\right)",
    domain=(Domain(0.3, 3.0), Domain(-3.0, 3.0)),
)
def arctan2(y: Node, x: Node) -> TensorType:
    """The angle of the point (x, y) in (-π, π], as `numpy.arctan2`; the origin is a singular point."""
    return ufunc_type(np.arctan2)(y, x)


@unary(
    numpy="np.arcsinh({x})",
    derivative=Elementwise(lambda x, out: (1 / sqrt(square(x) + 1),)),
    sympy=lambda sp, x: sp.asinh(x),
    latex=r"\operatorname{{arsinh}}\left({x}\right)",
)
def arcsinh(x: Node) -> TensorType:
    """Inverse hyperbolic sine."""
    return ufunc_type(np.arcsinh)(x)


@unary(
    numpy="np.arccosh({x})",
    derivative=Elementwise(lambda x, out: (1 / regular(sqrt(x - 1) * sqrt(x + 1)),)),
    sympy=lambda sp, x: sp.acosh(x),
    latex=r"\operatorname{{arcosh}}\left({x}\right)",
    domain=(Domain(1.5, 4.0),),
)
def arccosh(x: Node) -> TensorType:
    """Inverse hyperbolic cosine; nan below 1, where its derivative is infinite."""
    return ufunc_type(np.arccosh)(x)


@unary(
    numpy="np.arctanh({x})",
    derivative=Elementwise(lambda x, out: (1 / regular((1 - x) * (1 + x)),)),
    sympy=lambda sp, x: sp.atanh(x),
    latex=r"\operatorname{{artanh}}\left({x}\right)",
    domain=(Domain(-0.9, 0.9),),
)
def arctanh(x: Node) -> TensorType:
    """Inverse hyperbolic tangent; infinite at ±1, nan beyond."""
    return ufunc_type(np.arctanh)(x)


def _order(value: Any, nodes: Any) -> int:
    return int(value)


@unary(
    numpy=lambda node: "sinc({x}, {order})" if node.attrs["order"] else "np.sinc({x})",
    derivative=Elementwise(lambda x, out, order: (sinc(x, order + 1),)),
    coerce=floats,
    sympy=lambda sp, x: sp.sinc(sp.pi * x),
    latex=r"\operatorname{{sinc}}^{{({order})}}\left({x}\right)",
    helpers=(sine_quotient_numpy, sinc_numpy),
)
def sinc(x: Node, order: Annotated[int, _order] = 0) -> TensorType:
    """sin(πx) / (πx), 1 at 0, as `numpy.sinc`; ``order`` asks for a derivative, which is exact at and around 0 as well.

    With z = πx the derivatives S_n of sin(z)/z obey z·S_n = sin(z + nπ/2) - n·S_(n-1) (Leibniz's rule).
    """
    return x.type


@unary(
    numpy="sine_quotient({x}, {order})",
    derivative=Elementwise(lambda x, out, order: (sine_quotient(x, order + 1),)),
    coerce=floats,
    sympy=lambda sp, x: sp.sinc(x),
    latex=r"\operatorname{{sinq}}^{{({order})}}\left({x}\right)",
    helpers=(sine_quotient_numpy,),
)
def sine_quotient(x: Node, order: Annotated[int, _order] = 0) -> TensorType:
    """sin(x) / x, 1 at 0; ``order`` as in `sinc`. Rewriting puts it in the place of the quotient."""
    return x.type


@unary(
    numpy="np.deg2rad({x})",
    derivative=Linear(lambda g, x: (deg2rad(g),)),
    sympy=lambda sp, x: x * sp.pi / 180,
    latex=r"\frac{{\pi}}{{180}} \cdot {x}",
)
def deg2rad(x: Node) -> TensorType:
    """Degrees to radians."""
    return ufunc_type(np.deg2rad)(x)


@unary(
    numpy="np.rad2deg({x})",
    derivative=Linear(lambda g, x: (rad2deg(g),)),
    sympy=lambda sp, x: x * 180 / sp.pi,
    latex=r"\frac{{180}}{{\pi}} \cdot {x}",
)
def rad2deg(x: Node) -> TensorType:
    """Radians to degrees."""
    return ufunc_type(np.rad2deg)(x)


OPS = (arcsin, arccos, arctan2, arcsinh, arccosh, arctanh, sinc, sine_quotient, deg2rad, rad2deg)
