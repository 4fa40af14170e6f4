"""The gamma function and its kin: polygamma, the incomplete gamma functions, zeta; read `special.py` first.

A derivative of an incomplete gamma function with respect to its parameter has no closed form. It is an integral of the
density times a polynomial in logarithms, computed by quadrature in `special_gamma_helpers.py` to ten digits or more;
the attribute ``order`` counts such derivatives, so that each op is its own derivatives of any order.
"""

import math
from collections.abc import Sequence

import numpy as np

from graphad.ir.core import Case, Domain, Elementwise, Node
from graphad.ir.types import TensorType
from graphad.ops import special_gamma_helpers as numeric
from graphad.ops.elementwise import POSITIVE, log
from graphad.ops.piecewise import where
from graphad.ops.special import SCIPY, Order, binary, sympy_derivative, unary

_SHAPE_AND_X = (Domain(0.5, 4.0), Domain(0.1, 5.0))


# Gamma --------------------------------------------------------------------------------------------------------------


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
    """The principal logarithm of Γ(x) as a real number: nan for negative x."""
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


def _polygamma_numpy(node: Node) -> str:
    return "special.polygamma({n}, {x})" + (".astype(np.float32)" if node.dtype == np.float32 else "")


@unary(
    numpy=_polygamma_numpy,
    derivative=Elementwise(lambda x, out, n: (polygamma(x, n + 1),)),
    imports=SCIPY,
    sympy=lambda sp, x, n: sp.polygamma(n, x),
    latex=r"\psi^{{({n})}}\left({x}\right)",
    cases=(Case((2, 3), n=1), Case((), n=2), Case((0,), n=1), Case(("n",), n=3)),
    domain=(Domain(0.5, 3.0),),
)
def polygamma(x: Node, n: Order) -> TensorType:
    """The n-th derivative of `digamma`."""
    return x.type


def _gamma_density_partials(a: Node, x: Node, out: Node, i: int) -> Sequence[Node]:
    """By a: times log x - ψ(a), 0 where the density is; by x: (a-1-i)·(the next of its kind) - itself."""
    power = a - (1 + i)
    slope = where((x == 0) & (power == 0), 0, power * gamma_density(a, x, i + 1))
    return out * log_or_zero(x, out) - out * digamma(a), slope - out


def log_or_zero(x: Node, density: Node) -> Node:
    """log x as a factor of a density; where both vanish, the density wins."""
    return log(where((x == 0) & (density == 0), 1, x))


@binary(
    numpy="gamma_density({a}, {x}, {i}, special)",
    derivative=Elementwise(_gamma_density_partials),
    imports=SCIPY,
    sympy=lambda sp, a, x, i=0: x ** (a - 1 - i) * sp.exp(-x) / sp.gamma(a),
    latex=r"\frac{{{x}^{{{a} - 1 - {i}}} \cdot \exp\left(-{x}\right)}}{{\Gamma\left({a}\right)}}",
    domain=_SHAPE_AND_X,
    helpers=(numeric.gamma_density, numeric.log_gamma_term, numeric.deviance, numeric.stirling_rest),
)
def gamma_density(a: Node, x: Node, i: Order = 0) -> TensorType:
    """x^(a-1-i)·exp(-x) / Γ(a): the density of the gamma distribution, divided by x^i."""
    return x.type


def _gamma_density_by_a(a: Node, x: Node, order: int) -> Node:
    """The derivative of that order: f' = f·(log x - ψ(a)), and Leibniz's rule."""
    terms = [gamma_density(a, x)]
    logs = [log_or_zero(x, terms[0]) - digamma(a), *(-polygamma(a, k) for k in range(1, order))]
    for k in range(order):
        parts = [math.comb(k, m) * terms[m] * logs[k - m] for m in range(k + 1)]
        terms.append(total(parts))
    return terms[order]


def total(parts: Sequence[Node]) -> Node:
    """Their sum."""
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def _gammainc_partials(a: Node, x: Node, out: Node, order: int) -> Sequence[Node]:
    return gammainc(a, x, order + 1), _gamma_density_by_a(a, x, order)


@binary(
    numpy=lambda node: (
        "gammainc_by_a({a}, {x}, {order}, special)" if node.attrs["order"] else "special.gammainc({a}, {x})"
    ),
    derivative=Elementwise(_gammainc_partials),
    imports=SCIPY,
    sympy=lambda sp, a, x, order=0: sympy_derivative(sp, lambda s: sp.lowergamma(s, x) / sp.gamma(s), (a, order)),
    latex=r"P^{{({order})}}\left({a}, {x}\right)",
    domain=_SHAPE_AND_X,
    helpers=(
        numeric.gammainc_by_a,
        numeric.log_gamma_series,
        numeric.exponential_series,
        numeric.double_exponential,
        numeric.log_gamma_term,
        numeric.deviance,
        numeric.stirling_rest,
    ),
)
def gammainc(a: Node, x: Node, order: Order = 0) -> TensorType:
    """The regularized lower incomplete gamma function, ∫₀ˣ t^(a-1) exp(-t) dt / Γ(a); ``order``: a derivative by a."""
    return x.type


@binary(
    numpy="special.gammaincc({a}, {x})",
    derivative=Elementwise(lambda a, x, out: (-gammainc(a, x, 1), -gamma_density(a, x))),
    imports=SCIPY,
    sympy=lambda sp, a, x: sp.uppergamma(a, x) / sp.gamma(a),
    latex=r"Q\left({a}, {x}\right)",
    domain=_SHAPE_AND_X,
)
def gammaincc(a: Node, x: Node) -> TensorType:
    """1 - gammainc(a, x), precise where that is small."""
    return x.type


# Zeta ---------------------------------------------------------------------------------------------------------------


@unary(
    numpy=lambda node: "zeta_by_s({x}, {order}, special)" if node.attrs["order"] else "special.zeta({x})",
    derivative=Elementwise(lambda x, out, order: (riemann_zeta(x, order + 1),)),
    imports=SCIPY,
    sympy=lambda sp, x, order=0: sympy_derivative(sp, sp.zeta, (x, order)),
    latex=r"\zeta^{{({order})}}\left({x}\right)",
    domain=(Domain(1.2, 5.0),),
    helpers=(numeric.zeta_by_s, numeric.euler_maclaurin, numeric.log_gamma_series, numeric.exponential_series),
)
def riemann_zeta(x: Node, order: Order = 0) -> TensorType:
    """Riemann's zeta function, the sum of k^(-x) over k ≥ 1, continued to all real x; ``order``: a derivative."""
    return x.type


def _hurwitz_zeta_partials(x: Node, q: Node, out: Node, order: int) -> Sequence[Node]:
    """By q: -x·ζ(x+1, q), differentiated ``order`` times by x."""
    by_q = -x * hurwitz_zeta(x + 1, q, order)
    return hurwitz_zeta(x, q, order + 1), by_q - order * hurwitz_zeta(x + 1, q, order - 1) if order else by_q


@binary(
    numpy=lambda node: "hurwitz_zeta_by_s({x}, {q}, {order})" if node.attrs["order"] else "special.zeta({x}, {q})",
    derivative=Elementwise(_hurwitz_zeta_partials),
    imports=SCIPY,
    sympy=lambda sp, x, q, order=0: sympy_derivative(sp, lambda s: sp.zeta(s, q), (x, order)),
    latex=r"\zeta^{{({order})}}\left({x}, {q}\right)",
    domain=(Domain(1.2, 5.0), Domain(0.3, 3.0)),
    helpers=(numeric.hurwitz_zeta_by_s, numeric.euler_maclaurin),
)
def hurwitz_zeta(x: Node, q: Node, order: Order = 0) -> TensorType:
    """The zeta function of Hurwitz, the sum of (k + q)^(-x) over k ≥ 0, x > 1; ``order``: a derivative by x."""
    return x.type


OPS = (
    gamma,
    gammaln,
    loggamma,
    digamma,
    polygamma,
    gamma_density,
    gammainc,
    gammaincc,
    riemann_zeta,
    hurwitz_zeta,
)
