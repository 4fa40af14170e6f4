"""Bessel functions; read `special.py` first.

Their derivatives are sums of neighbors, I_n' = (I_(n-1) + I_(n+1)) / 2 and J_n' = (J_(n-1) - J_(n+1)) / 2. In the
scaled I_n(x)·exp(-|x|) such sums cancel for large x: its derivatives are integrals, see `scaled_bessel`.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from graphad.errors import ArgumentError
from graphad.ir.core import Case, Domain, Elementwise, Node, fail
from graphad.ir.types import TensorType
from graphad.ops import special_helpers as numeric
from graphad.ops.special import SCIPY, Order, elementwise, sympy_derivative, unary

_CASES = (Case((2, 3), v=0), Case((), v=1), Case((0,), v=2), Case(("n",), v=0), Case((3,), v=0.5), Case((2,), v=-1))


def _real_order(value: Any, nodes: Sequence[Node]) -> int | float:
    """The order of a Bessel function: a real number, an int where it is whole."""
    try:
        v = float(value)
    except (TypeError, ValueError):
        fail(ArgumentError, f"the order of a Bessel function must be a number, not a {type(value).__name__}", *nodes)
    return int(v) if v.is_integer() else v


BesselOrder = Annotated[int | float, _real_order]


@elementwise(
    numpy=lambda node: f"special.i{node.attrs['v']}({{x}})" if node.attrs["v"] in (0, 1) else "special.iv({v}, {x})",
    derivative=Elementwise(lambda x, out, v: (iv(x, 1) if v == 0 else (iv(x, v - 1) + iv(x, v + 1)) / 2,)),
    imports=SCIPY,
    sympy=lambda sp, x, v: sp.besseli(v, x),
    latex=r"I_{{{v}}}\left({x}\right)",
    cases=_CASES,
    domain=(Domain(0.2, 4.0),),
)
def iv(x: Node, v: BesselOrder) -> TensorType:
    """The modified Bessel function of the first kind; nan for negative x unless the order v is whole."""
    return x.type


@elementwise(
    numpy=lambda node: f"special.j{node.attrs['v']}({{x}})" if node.attrs["v"] in (0, 1) else "special.jv({v}, {x})",
    derivative=Elementwise(lambda x, out, v: (-jv(x, 1) if v == 0 else (jv(x, v - 1) - jv(x, v + 1)) / 2,)),
    imports=SCIPY,
    sympy=lambda sp, x, v: sp.besselj(v, x),
    latex=r"J_{{{v}}}\left({x}\right)",
    cases=_CASES,
    domain=(Domain(0.2, 4.0),),
)
def jv(x: Node, v: BesselOrder) -> TensorType:
    """The Bessel function of the first kind; nan for negative x unless the order v is whole."""
    return x.type


@unary(
    numpy=lambda node: "scaled_bessel({x}, 0, {order}, special)" if node.attrs["order"] else "special.i0e({x})",
    derivative=Elementwise(lambda x, out, order: (i0e(x, order + 1),)),
    imports=SCIPY,
    sympy=lambda sp, x, order=0: sympy_derivative(sp, lambda t: sp.exp(-sp.Abs(t)) * sp.besseli(0, t), (x, order)),
    latex=r"\operatorname{{I0e}}^{{({order})}}\left({x}\right)",
    helpers=(numeric.scaled_bessel,),
)
def i0e(x: Node, order: Order = 0) -> TensorType:
    """exp(-|x|)·I₀(x), which does not overflow; ``order`` asks for a derivative. At its kink 0 the derivative is 0."""
    return x.type


@unary(
    numpy=lambda node: "scaled_bessel({x}, 1, {order}, special)" if node.attrs["order"] else "special.i1e({x})",
    derivative=Elementwise(lambda x, out, order: (i1e(x, order + 1),)),
    imports=SCIPY,
    sympy=lambda sp, x, order=0: sympy_derivative(sp, lambda t: sp.exp(-sp.Abs(t)) * sp.besseli(1, t), (x, order)),
    latex=r"\operatorname{{I1e}}^{{({order})}}\left({x}\right)",
    helpers=(numeric.scaled_bessel,),
)
def i1e(x: Node, order: Order = 0) -> TensorType:
    """exp(-|x|)·I₁(x), which does not overflow; ``order`` asks for a derivative. Where it jumps, at 0, it is 0."""
    return x.type


OPS = (iv, jv, i0e, i1e)
