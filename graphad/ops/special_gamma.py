"""The gamma function and its kin: polygamma, beta, incomplete gamma and beta functions, zeta; read `special.py` first.

Derivatives with respect to the parameters of the incomplete functions have no closed form. They are integrals of the
density times a polynomial in logarithms, computed by quadrature in `special_helpers.py`; the attributes ``order``,
``by_a`` and ``by_b`` ask for them, so that they, too, have derivatives of any order.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from graphad.ir.core import Case, Domain, Elementwise, Node
from graphad.ir.types import TensorType
from graphad.ops import special_helpers as numeric
from graphad.ops.attributes import as_int
from graphad.ops.elementwise import BINARY, POSITIVE, log, log1p, unary as _unary
from graphad.ops.piecewise import where
from graphad.ops.special import SCIPY, Order, binary, elementwise, unary

SHAPES = (Domain(0.5, 4.0), Domain(0.1, 5.0))
_TERNARY = (Case((2, 3), (2, 3), (2, 3)), Case((3,), (), (2, 1)), Case((), (), ()), Case((0,), (1,), ()))


@unary(
    numpy="special.gamma({x})",
    derivative=Elementwise(lambda x, out: (out * digamma(x),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.gamma(x),
    latex=r"\Gamma\left({x}\right)",
    domain=POSITIVE,
)
def gamma(x: Node) -> TensorType:
    """The gamma function ∫₀^∞ t^(x-1) exp(-t) dt; nan at negative integers."""
    return x.type


@unary(
    numpy="special.gammaln({x})",
    derivative=Elementwise(lambda x, out: (digamma(x),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.log(sp.Abs(sp.gamma(x))),
    latex=r"\log\left|\Gamma\left({x}\right)\right|",
    domain=POSITIVE,
)
def gammaln(x: Node) -> TensorType:
    """log |Γ(x)|, infinite at 0 and the negative integers."""
    return x.type


@unary(
    numpy="special.loggamma({x})",
    derivative=Elementwise(lambda x, out: (digamma(x),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.loggamma(x),
    latex=r"\log\Gamma\left({x}\right)",
    domain=POSITIVE,
)
def loggamma(x: Node) -> TensorType:
    """The principal logarithm of Γ(x), nan for negative x."""
    return x.type


@unary(
    numpy="special.digamma({x})",
    derivative=Elementwise(lambda x, out: (polygamma(x, 1),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.digamma(x),
    latex=r"\psi\left({x}\right)",
    domain=POSITIVE,
)
def digamma(x: Node) -> TensorType:
    """The derivative of log Γ(x); nan at negative integers."""
    return x.type


@unary(
    numpy=lambda node: f"{(-1.0) ** (node.attrs['n'] + 1) * math.gamma(node.attrs['n'] + 1)} * special.zeta({node.attrs['n'] + 1}, {{x}})",
    derivative=Elementwise(lambda x, out, n: (polygamma(x, n + 1),)),
    imports=SCIPY,
    sympy=lambda sp, x, n: sp.polygamma(n, x),
    latex=r"\psi^{{({n})}}\left({x}\right)",
    cases=tuple(Case(shape, n=n) for shape, n in (((2, 3), 1), ((), 2), ((0,), 1), (("n",), 3))),
    domain=POSITIVE,
)
def polygamma(x: Node, n: Order) -> TensorType:
    """The n-th derivative of digamma, n ≥ 1: (-1)^(n+1) n! ζ(n+1, x)."""
    return x.type
