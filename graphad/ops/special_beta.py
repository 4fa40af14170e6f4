"""The beta function and the incomplete beta function; read `special_gamma.py` first.

The attributes ``i`` and ``j`` count derivatives with respect to the parameters a and b.
"""

import math
from collections.abc import Sequence

from graphad.ir.core import Case, Domain, Elementwise, Node
from graphad.ir.types import TensorType
from graphad.ops import special_gamma_helpers as numeric
from graphad.ops.elementwise import POSITIVE, log1p
from graphad.ops.piecewise import where
from graphad.ops.special import SCIPY, Order, binary, elementwise, sympy_derivative
from graphad.ops.special_gamma import digamma, log_or_zero, polygamma, total

_CASES = (
    Case((2, 3), (2, 3), (2, 3)),
    Case((3,), (), (2, 1)),
    Case((), (), ()),
    Case((0,), (1,), ()),
    Case(("n",), (), ()),
)
_DOMAINS = (Domain(0.5, 4.0), Domain(0.5, 4.0), Domain(0.05, 0.95))


@binary(
    numpy="special.beta({a}, {b})",
    derivative=Elementwise(
        lambda a, b, out: (out * (digamma(a) - digamma(a + b)), out * (digamma(b) - digamma(a + b)))
    ),
    imports=SCIPY,
    sympy=lambda sp, a, b: sp.beta(a, b),
    latex=r"\operatorname{{B}}\left({a}, {b}\right)",
    domain=POSITIVE,
)
def beta(a: Node, b: Node) -> TensorType:
    """The beta function, Γ(a)·Γ(b) / Γ(a+b)."""
    return a.type


@binary(
    numpy="special.betaln({a}, {b})",
    derivative=Elementwise(lambda a, b, out: (digamma(a) - digamma(a + b), digamma(b) - digamma(a + b))),
    imports=SCIPY,
    sympy=lambda sp, a, b: sp.log(sp.Abs(sp.beta(a, b))),
    latex=r"\log\left|\operatorname{{B}}\left({a}, {b}\right)\right|",
    domain=POSITIVE,
)
def betaln(a: Node, b: Node) -> TensorType:
    """log |B(a, b)|."""
    return a.type


def _beta_density_partials(a: Node, b: Node, x: Node, out: Node, i: int, j: int) -> Sequence[Node]:
    """By a and b: times its logarithmic derivative; by x: the next of its kind, times the powers of x and 1 - x."""
    p, q, both = a - (1 + i), b - (1 + j), digamma(a + b)
    up = where((x == 0) & (p == 0), 0, p * beta_density(a, b, x, i + 1, j))
    down = where((x == 1) & (q == 0), 0, q * beta_density(a, b, x, i, j + 1))
    by_a = out * log_or_zero(x, out) + out * (both - digamma(a))
    return by_a, out * _log1p_or_zero(x, out) + out * (both - digamma(b)), up - down


def _log1p_or_zero(x: Node, density: Node) -> Node:
    """log(1 - x) as a factor of a density; where both vanish, the density wins."""
    return log1p(where((x == 1) & (density == 0), 0, -x))


@elementwise(
    numpy="beta_density({a}, {b}, {x}, {i}, {j}, special)",
    derivative=Elementwise(_beta_density_partials),
    imports=SCIPY,
    sympy=lambda sp, a, b, x, i=0, j=0: x ** (a - 1 - i) * (1 - x) ** (b - 1 - j) / sp.beta(a, b),
    latex=r"\frac{{{x}^{{{a} - 1 - {i}}} \cdot \left(1 - {x}\right)^{{{b} - 1 - {j}}}}}"
    r"{{\operatorname{{B}}\left({a}, {b}\right)}}",
    cases=_CASES,
    domain=_DOMAINS,
    helpers=(
        numeric.beta_density,
        numeric.log_beta_term,
        numeric.log_gamma_ratio,
        numeric.deviance,
        numeric.stirling_rest,
    ),
)
def beta_density(a: Node, b: Node, x: Node, i: Order = 0, j: Order = 0) -> TensorType:
    """x^(a-1-i)·(1-x)^(b-1-j) / B(a, b): the density of the beta distribution, divided by x^i (1-x)^j."""
    return x.type


def _beta_density_by(a: Node, b: Node, x: Node, i: int, j: int) -> Node:
    """Its derivative, i times by a and j times by b, by Leibniz's rule from the logarithmic derivative."""
    if not i + j:
        return beta_density(a, b, x)
    m, n = (i - 1, j) if i else (i, j - 1)  # what the first derivative is differentiated by
    parts = []
    for p in range(m + 1):
        for r in range(n + 1):
            slope = _beta_slope(a, b, x, m - p, n - r, by_a=i > 0)
            parts.append(math.comb(m, p) * math.comb(n, r) * _beta_density_by(a, b, x, p, r) * slope)
    return total(parts)


def _beta_slope(a: Node, b: Node, x: Node, m: int, n: int, by_a: bool) -> Node:
    """The derivative, m times by a and n times by b, of that of the log density by a (or b)."""
    density, own, times = beta_density(a, b, x), a if by_a else b, m if by_a else n
    both = _psi(m + n, a + b)
    if n if by_a else m:
        return both
    if times:
        return both - _psi(times, own)
    return both - _psi(0, own) + (log_or_zero(x, density) if by_a else _log1p_or_zero(x, density))


def _psi(n: int, x: Node) -> Node:
    return polygamma(x, n) if n else digamma(x)


def _betainc_partials(a: Node, b: Node, x: Node, out: Node, i: int, j: int) -> Sequence[Node]:
    return betainc(a, b, x, i + 1, j), betainc(a, b, x, i, j + 1), _beta_density_by(a, b, x, i, j)


@elementwise(
    numpy=lambda node: (
        "betainc_by({a}, {b}, {x}, {i}, {j}, special)"
        if node.attrs["i"] + node.attrs["j"]
        else "special.betainc({a}, {b}, {x})"
    ),
    derivative=Elementwise(_betainc_partials),
    imports=SCIPY,
    sympy=lambda sp, a, b, x, i=0, j=0: sympy_derivative(
        sp, lambda s, t: sp.betainc_regularized(s, t, 0, x), (a, i), (b, j)
    ),
    latex=r"I^{{({i},{j})}}\left({a}, {b}, {x}\right)",
    cases=_CASES,
    domain=_DOMAINS,
    helpers=(
        numeric.betainc_by,
        numeric.log_beta_series,
        numeric.log_gamma_series,
        numeric.exponential_series,
        numeric.double_exponential,
        numeric.log_beta_term,
        numeric.log_gamma_ratio,
        numeric.deviance,
        numeric.stirling_rest,
    ),
)
def betainc(a: Node, b: Node, x: Node, i: Order = 0, j: Order = 0) -> TensorType:
    """The regularized incomplete beta function, ∫₀ˣ t^(a-1) (1-t)^(b-1) dt / B(a, b); ``i``, ``j``: derivatives."""
    return x.type


OPS = (beta, betaln, beta_density, betainc)
