"""Special functions under the names, with the arguments and in the meaning of `scipy.special`.

All take nodes, arrays or numbers, broadcast them, and are differentiable to any order by every real argument, but for
orders and counts, which are plain numbers. float32 stays float32; other real dtypes become float64. Where NumPy has no
such function the generated code calls SciPy (``pip install 'graphad[scipy]'``): only then is it imported.

>>> import graphad as ga
>>> from graphad import special
>>> logits = ga.input("logits", (3,))
>>> gain = ga.sum(special.log_expit(logits))
>>> ga.compile([logits], ga.grad(gain, logits))([0.0, 1e3, -1e3])
array([0.5, 0. , 1. ])
"""

import math
import operator
from typing import Any

from graphad.errors import ArgumentError
from graphad.functional import smooth
from graphad.ir.core import Node, fail
from graphad.ir.origin import composite
from graphad.ops import special_bessel, special_gamma
from graphad.ops.attributes import all_axes, normal_axes
from graphad.ops.casts import as_float
from graphad.ops.elementwise import exp, log, negative, sigmoid, sign, softplus
from graphad.ops.fit import squeeze, sum
from graphad.ops.kinks import absolute
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import isfinite, stop_gradient, where
from graphad.ops.reduce import max
from graphad.ops.special import entr as entr
from graphad.ops.special import erf as erf
from graphad.ops.special import erfc as erfc
from graphad.ops.special import erfcinv as erfcinv
from graphad.ops.special import erfcx as erfcx
from graphad.ops.special import erfinv as erfinv
from graphad.ops.special import kl_div as kl_div
from graphad.ops.special import log_ndtr as log_ndtr
from graphad.ops.special import logit as logit
from graphad.ops.special import ndtr as ndtr
from graphad.ops.special import ndtri as ndtri
from graphad.ops.special import rel_entr as rel_entr
from graphad.ops.special import xlog1py as xlog1py
from graphad.ops.special import xlogy as xlogy
from graphad.ops.special_bessel import i0e as i0e
from graphad.ops.special_bessel import i1e as i1e
from graphad.ops.special_beta import beta as beta
from graphad.ops.special_beta import betainc as betainc
from graphad.ops.special_beta import betaln as betaln
from graphad.ops.special_gamma import digamma as digamma
from graphad.ops.special_gamma import gamma as gamma
from graphad.ops.special_gamma import gammainc as gammainc
from graphad.ops.special_gamma import gammaincc as gammaincc
from graphad.ops.special_gamma import gammaln as gammaln
from graphad.ops.special_gamma import loggamma as loggamma

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "expit",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "j0",
    "j1",
    "jv",
    "kl_div",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "loggamma",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "rel_entr",
    "softmax",
    "xlog1py",
    "xlogy",
    "zeta",
]


def __dir__() -> list[str]:
    return __all__


Axis = int | tuple[int, ...] | None
psi = digamma
expit = sigmoid


@composite
def log_expit(x: Any) -> Node:
    """log of `expit`, precise also where that vanishes."""
    return negative(softplus(negative(as_float(x))))


# Exponentials added up ----------------------------------------------------------------------------------------------


@composite
def softmax(x: Any, axis: Axis = None) -> Node:
    """exp(x) / Σ exp(x) over the axes, all of them unless ``axis`` is given."""
    return smooth.softmax(x, axis=axis)


@composite
def log_softmax(x: Any, axis: Axis = None) -> Node:
    """log of `softmax`."""
    return smooth.log_softmax(x, axis=axis)


@composite
def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log Σ b·exp(a) over the axes, without overflow; ``b`` is 1 unless given.

    A negative sum gives nan, or with ``return_sign`` a pair: log of its absolute value, its sign.
    """
    a = as_float(a)
    if b is None and not return_sign:
        return smooth.logsumexp(a, axis=axis, keepdims=keepdims)
    weights = as_node(1 if b is None else b, a.dtype)
    used = a if b is None else where(weights == 0, -math.inf, a)
    top = stop_gradient(max(used, axis=axis, keepdims=True))
    top = where(isfinite(top), top, 0)
    total = sum(weights * exp(used - top), axis=axis, keepdims=True)
    out, signs = log(absolute(total) if return_sign else total) + top, sign(total)
    if not keepdims:
        axes = all_axes(used, normal_axes(axis, [used]))
        out, signs = squeeze(out, axes), squeeze(signs, axes)
    return (out, signs) if return_sign else out


# With an order or a count -------------------------------------------------------------------------------------------


@composite
def polygamma(n: Any, x: Any) -> Node:
    """The n-th derivative of `digamma` at x; n is a whole number, n ≥ 0. Raises ArgumentError."""
    n = _count(n, "polygamma: n", 0)
    return special_gamma.polygamma(x, n) if n else digamma(x)


@composite
def multigammaln(a: Any, d: Any) -> Node:
    """log of the multivariate gamma function of dimension d, d(d-1)/4·log π + Σ log Γ(a - j/2) over j < d.

    Meant for a > (d - 1) / 2; SciPy raises for other values. Raises ArgumentError unless d is a whole number, d ≥ 1.
    """
    d = _count(d, "multigammaln: d", 1)
    terms = [gammaln(as_node(a) - j / 2 if j else a) for j in range(d)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total + d * (d - 1) / 4 * math.log(math.pi) if d > 1 else total


@composite
def zeta(x: Any, q: Any = None) -> Node:
    """Riemann's zeta function, or with q that of Hurwitz, the sum of (k + q)^(-x) over k ≥ 0 (nan for x < 1)."""
    return special_gamma.riemann_zeta(x) if q is None else special_gamma.hurwitz_zeta(x, q)


@composite
def iv(v: Any, x: Any) -> Node:
    """The modified Bessel function of the first kind; its order v is a plain number."""
    return special_bessel.iv(x, v)


@composite
def jv(v: Any, x: Any) -> Node:
    """The Bessel function of the first kind; its order v is a plain number."""
    return special_bessel.jv(x, v)


@composite
def i0(x: Any) -> Node:
    """The modified Bessel function I₀."""
    return special_bessel.iv(x, 0)


@composite
def i1(x: Any) -> Node:
    """The modified Bessel function I₁."""
    return special_bessel.iv(x, 1)


@composite
def j0(x: Any) -> Node:
    """The Bessel function J₀."""
    return special_bessel.jv(x, 0)


@composite
def j1(x: Any) -> Node:
    """The Bessel function J₁."""
    return special_bessel.jv(x, 1)


def _count(value: Any, what: str, least: int) -> int:
    """A whole number, as an int or a float. Raises ArgumentError."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        count = operator.index(value)
    except TypeError:
        fail(ArgumentError, f"{what} must be a whole number, not {type(value).__name__}")
    if count < least:
        fail(ArgumentError, f"{what} must be at least {least}, not {count}")
    return count
