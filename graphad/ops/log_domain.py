"""Functions of exponentials in the form in which nothing overflows, vanishes or cancels; rewriting brings them in.

Users write log(Σ exp(x)) and the like; `rules/stable.py` puts these ops in its place. Their derivatives are as precise
as their values: where one weight of a softmax exceeds one half, 1 - weight is found as the sum of the others.
"""

import math
from collections.abc import Sequence

import numpy as np

from graphad.ir.core import Case, Custom, Domain, Elementwise, Node, op
from graphad.ir.types import TensorType, TupleType
from graphad.ops import log_domain_helpers as helpers
from graphad.ops.attributes import Axes, Flag
from graphad.ops.elementwise import add, exp, expm1, square, tanh, unary
from graphad.ops.fit import real_floats, reduced_shape, stretch, sum, unreduce
from graphad.ops.kinks import absolute
from graphad.ops.piecewise import greater, where
from graphad.ops.powers import hypot
from graphad.ops.special import SCIPY, erfc, erfcx
from graphad.ops.special import unary as special_unary
from graphad.ops.tuples import items

_ROWS = (helpers.columns_of, helpers.largest, helpers.total_of)  # what the functions below reduce by
_CASES = (Case((2, 3)), Case((2, 3), axis=0), Case((2, 3, 4), axis=(0, 2)), Case(("n", 3), axis=1), Case(()))


def _deviation(t: Node, weights: Node, axis: Axes) -> Node:
    """t - Σ weights·t: t is counted from its element of a weight above one half, so that nothing cancels."""
    t = t - sum(where(greater(weights, 0.5), t, 0), axis, keepdims=True)
    return t - sum(weights * t, axis, keepdims=True)


@op(
    numpy="logsumexp({x}, {axis}, {keepdims})",
    derivative=Custom(
        lambda g, out, x, axis, keepdims: (unreduce(g, x, axis, keepdims) * softmax(x, axis),),
        lambda t, out, x, axis, keepdims: sum(softmax(x, axis) * t[0], axis, keepdims=keepdims),
    ),
    coerce=real_floats,
    cases=(*_CASES, Case((2, 3), axis=1, keepdims=True), Case((0, 3), axis=1)),
    latex=r"\operatorname{{logsumexp}}_{{{axis}}}\left({x}\right)",
    helpers=(helpers.logsumexp, *_ROWS),
    name="logsumexp",
)
def log_sum_exp(x: Node, axis: Axes = None, keepdims: Flag = False) -> TensorType:
    """log Σ exp(x) over the given axes, all unless given; that of nothing is -inf. Its derivative is `softmax`."""
    return TensorType(reduced_shape(x, axis, keepdims), x.dtype)


@op(
    numpy="softmax({x}, {axis})",
    derivative=Custom(
        lambda g, out, x, axis: (out * _deviation(g, out, axis),),
        lambda t, out, x, axis: out * _deviation(t[0], out, axis),
    ),
    coerce=real_floats,
    cases=_CASES,
    latex=r"\operatorname{{softmax}}_{{{axis}}}\left({x}\right)",
    helpers=(helpers.softmax, *_ROWS),
)
def softmax(x: Node, axis: Axes = None) -> TensorType:
    """exp(x) / Σ exp(x) over the given axes, all unless given: positive, adding up to 1."""
    return x.type


def _both_vjp(g: Sequence[Node | None], out: Node, x: Node, axis: Axes) -> Sequence[Node | None]:
    """That of `softmax` and that of `logsumexp` together."""
    weights, _ = items(out)
    to_softmax, to_log = g
    terms = [] if to_softmax is None else [weights * _deviation(to_softmax, weights, axis)]
    terms += [] if to_log is None else [weights * stretch(to_log, x.shape)]
    return (add(*terms) if len(terms) == 2 else terms[0] if terms else None,)


@op(
    numpy="softmax_and_log({x}, {axis})",
    derivative=Custom(_both_vjp),
    coerce=real_floats,
    cases=_CASES,
    latex=r"\left(\operatorname{{softmax}}_{{{axis}}}\left({x}\right), "
    r"\operatorname{{logsumexp}}_{{{axis}}}\left({x}\right)\right)",
    helpers=(helpers.softmax_and_log, helpers.softmax, helpers.logsumexp, *_ROWS),
)
def softmax_and_log(x: Node, axis: Axes = None) -> TensorType:
    """`softmax`, and `logsumexp` with keepdims, by one exponential: two results."""
    return TupleType((x.type, TensorType(reduced_shape(x, axis, True), x.dtype)))


def _balance_transpose(g: Node, out: Node, x: Node, weights: Node, axis: Axes) -> Sequence[Node | None]:
    heavy = greater(weights, 0.5)
    return where(heavy, 0, g - sum(where(heavy, g, 0), axis, keepdims=True)), None


@op(
    numpy="balance({x}, {weights}, {axis})",
    derivative=Custom(
        _balance_transpose,
        lambda t, out, x, weights, axis: None if t[0] is None else balance(t[0], weights, axis),
    ),
    coerce=real_floats,
    latex=r"\operatorname{{balance}}_{{{axis}}}\left({x}, {weights}\right)",
    cases=(Case((2, 3), np.array([[0.6, 0.3, 0.1], [0.4, 0.3, 0.3]]), axis=1), Case((3,), np.array([0.2, 0.1, 0.7]))),
    helpers=(helpers.balance,),
)
def balance(x: Node, weights: Node, axis: Axes = None) -> TensorType:
    """x, which adds up to 0 over the axes: the element of a weight above one half is found as minus the others.

    Where x = g - weights·Σg, that element is a difference of nearly equal numbers; the others are not.
    """
    return x.type


def _log_softmax_vjp(g: Node, out: Node, x: Node, axis: Axes) -> Sequence[Node]:
    """g - p·Σg for p = softmax(x). It adds up to 0: so the element of a weight above one half is minus the others."""
    weights = softmax(x, axis)  # exp(out) would lose |out| ulp
    return (balance(g - weights * sum(g, axis, keepdims=True), weights, axis),)


@op(
    numpy="log_softmax({x}, {axis})",
    derivative=Custom(_log_softmax_vjp, lambda t, out, x, axis: _deviation(t[0], softmax(x, axis), axis)),
    coerce=real_floats,
    cases=_CASES,
    latex=r"\log \operatorname{{softmax}}_{{{axis}}}\left({x}\right)",
    helpers=(helpers.log_softmax, *_ROWS),
)
def log_softmax(x: Node, axis: Axes = None) -> TensorType:
    """log of `softmax`, precise also where that is near 0 or near 1."""
    return x.type


@unary(
    numpy="log_cosh({x})",
    derivative=Elementwise(lambda x, out: (tanh(x),)),
    coerce=real_floats,
    sympy=lambda sp, x: sp.log(sp.cosh(x)),
    latex=r"\log \cosh\left({x}\right)",
    helpers=(helpers.log_cosh,),
)
def log_cosh(x: Node) -> TensorType:
    """log(cosh(x)) without overflow."""
    return x.type


@unary(
    numpy="log1mexp({x})",
    derivative=Elementwise(lambda x, out: (exp(x) / expm1(x),)),
    coerce=real_floats,
    sympy=lambda sp, x: sp.log(1 - sp.exp(x)),
    latex=r"\log\left(1 - \exp\left({x}\right)\right)",
    domain=(Domain(-3.0, -0.2),),
    helpers=(helpers.log1mexp,),
)
def log1mexp(x: Node) -> TensorType:
    """log(1 - exp(x)) for negative x; -inf at 0, nan above."""
    return x.type


def _log_erfc_partial(x: Node, out: Node) -> Sequence[Node]:
    """-2/√π exp(-x²) / erfc(x); for positive x through `erfcx`, because both parts vanish."""
    tail = x > 0
    bulk = where(tail, 0, x)
    return (-2 / math.sqrt(math.pi) * where(tail, 1 / erfcx(where(tail, x, 0)), exp(-square(bulk)) / erfc(bulk)),)


@special_unary(
    numpy="log_erfc({x}, special)",
    derivative=Elementwise(_log_erfc_partial),
    imports=SCIPY,
    sympy=lambda sp, x: sp.log(sp.erfc(x)),
    latex=r"\log \operatorname{{erfc}}\left({x}\right)",
    helpers=(helpers.log_erfc,),
)
def log_erfc(x: Node) -> TensorType:
    """log of `erfc`, precise also where that vanishes."""
    return x.type


@unary(
    numpy="sech_squared({x})",
    derivative=Elementwise(lambda x, out: (-2 * tanh(x) * out,)),
    coerce=real_floats,
    sympy=lambda sp, x: 1 / sp.cosh(x) ** 2,
    latex=r"\operatorname{{sech}}\left({x}\right)^{{2}}",
    helpers=(helpers.sech_squared,),
)
def sech_squared(x: Node) -> TensorType:
    """1 / cosh(x)² = 1 - tanh(x)², precise also where it is small."""
    return x.type


@unary(
    numpy="{x} / (1 + np.abs({x}))",
    derivative=Elementwise(lambda x, out: (1 / square(1 + absolute(x)),)),
    coerce=real_floats,
    sympy=lambda sp, x: x / (1 + sp.Abs(x)),
    latex=r"\frac{{{x}}}{{1 + \left|{x}\right|}}",
)
def softsign(x: Node) -> TensorType:
    """x / (1 + |x|); by the quotient rule its derivative would cancel for large x."""
    return x.type


def _isru_partial(x: Node, out: Node) -> Sequence[Node]:
    """1 / (1 + x²)^(3/2), as powers of what cannot overflow."""
    inverse = 1 / hypot(1, x)
    return (inverse * square(inverse),)


@unary(
    numpy="{x} / np.hypot(1, {x})",
    derivative=Elementwise(_isru_partial),
    coerce=real_floats,
    sympy=lambda sp, x: x / sp.sqrt(1 + x**2),
    latex=r"\frac{{{x}}}{{\sqrt{{1 + {x}^{{2}}}}}}",
)
def isru(x: Node) -> TensorType:
    """x / √(1 + x²); by the quotient rule its derivative would cancel for large x."""
    return x.type


OPS = (
    log_sum_exp,
    softmax,
    softmax_and_log,
    balance,
    log_softmax,
    log_cosh,
    log1mexp,
    log_erfc,
    sech_squared,
    softsign,
    isru,
)
