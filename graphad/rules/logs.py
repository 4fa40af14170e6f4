"""Rules for logarithms. `log_forms.py` has the mechanism behind most of them: read it first."""

import math

from graphad.ir.core import Node, Op
from graphad.ops import reduce
from graphad.ops.determinants import det, slogdet
from graphad.ops.elementwise import (
    add,
    divide,
    exp,
    expm1,
    log,
    log1p,
    multiply,
    negative,
    power,
    sigmoid,
    softplus,
    subtract,
)
from graphad.ops.fit import is_uniform, sum, uniform_value
from graphad.ops.kinks import absolute
from graphad.ops.log_domain import log1mexp
from graphad.ops.piecewise import where
from graphad.ops.powers import LN2, hypot, log2, log10, reciprocal
from graphad.ops.special_beta import beta, betaln
from graphad.ops.special_gamma import gamma, gammaln
from graphad.ops.trigonometry import arcsinh, arctanh
from graphad.ops.tuples import items
from graphad.rules.engine import Rule
from graphad.rules.facts import bounds, is_nonnegative, is_positive
from graphad.rules.log_forms import log_of
from graphad.rules.matching import alike, beside, is_real, is_shifted, squared
from graphad.special import logsumexp


def log_inwards(node: Node) -> Node | None:
    """log of products, quotients, powers, sums and means of exponentials, sigmoids, softmaxes and their like.

    log(exp(x)) = x, log(a·b) = log a + log b, log Σ exp(x) = logsumexp(x), log(sigmoid(x)) = -softplus(-x), … for real
    numbers; see `log_of`.
    """
    return log_of(node.inputs[0])


def other_base_inwards(node: Node) -> Node | None:
    """log2 and log10 of the same: log(y) / log(base)."""
    inner = log_of(node.inputs[0])
    return None if inner is None else inner / (LN2 if node.op is log2 else math.log(10))


def log_of_weighted_sum(node: Node) -> Node | None:
    """log Σ w·exp(x), w of any sign, shifted by the largest x; left alone where x is shifted by something already."""
    (y,) = node.inputs
    if y.op is not sum or not is_real(y) or y.inputs[0].op is not multiply or y.dtype != y.inputs[0].dtype:
        return None
    a, b = y.inputs[0].inputs
    if b.op is not exp:
        a, b = b, a
    if b.op is not exp or a.op is exp or is_shifted(b.inputs[0]) or uniform_value(a) is not None:
        return None
    if 0 in y.inputs[0].shape:
        return None
    weighted: Node = logsumexp(b.inputs[0], y.attrs["axis"], a, y.attrs["keepdims"])
    return weighted


def log1p_inwards(node: Node) -> Node | None:
    """log1p(exp(x)) = softplus(x), log1p(-exp(x)) = log1mexp(x), log1p(-sigmoid(x)) = -softplus(x), for real x."""
    (x,) = node.inputs
    if x.op is expm1 and is_real(x):
        return x.inputs[0]
    if x.op is negative:
        (y,) = x.inputs
        if y.op is sigmoid:
            return negative(softplus(y.inputs[0]))
        inner = log_of(y) if is_positive(y) else None
        return None if inner is None else log1mexp(inner)
    inner = log_of(x) if is_positive(x) and bounds(x).high == math.inf else None
    return None if inner is None else softplus(inner)


def log_of_one_plus(node: Node) -> Node | None:
    """log(1 + x) = log1p(x) and log(1 - x) = log1p(-x)."""
    (y,) = node.inputs
    if y.op is subtract and is_uniform(y.inputs[0], 1):
        return log1p(negative(y.inputs[1]))
    x = beside(y, 1)
    return None if x is None else log1p(x)


def log_of_power(node: Node) -> Node | None:
    """log(x^p) = p·log(x), of even powers p·log|x|, for real x and a number p that is not 0; log(1/x) = -log(x)."""
    (y,) = node.inputs
    if not is_real(y):
        return None
    if (y.op is reciprocal or (y.op is divide and is_uniform(y.inputs[0], 1))) and is_real(y.inputs[-1]):
        return negative(log(y.inputs[-1]))
    x = squared(y)
    p = 2 if x is not None else uniform_value(y.inputs[1]) if y.op is power else None
    if not p or not math.isfinite(p):
        return None
    x = y.inputs[0]
    return p * log(absolute(x) if p % 2 == 0 and not is_nonnegative(x) else x)


def log_of_product_of_all(node: Node) -> Node | None:
    """log Π x = Σ log x, for positive x."""
    (y,) = node.inputs
    if y.op is not reduce.prod or y.dtype != y.inputs[0].dtype or not is_positive(y.inputs[0]) or not is_real(y):
        return None
    return sum(log(y.inputs[0]), y.attrs["axis"], keepdims=y.attrs["keepdims"])


def log_of_determinant(node: Node) -> Node | None:
    """log(det A) and log|det A| by `slogdet`, which does not overflow; of a negative determinant nan, as it was."""
    (y,) = node.inputs
    if y.op is absolute and y.inputs[0].op is det:
        return items(slogdet(y.inputs[0].inputs[0]))[1]
    if y.op is not det or not is_real(y):
        return None
    sign, size = items(slogdet(y.inputs[0]))
    return where(sign < 0, math.nan, size)


def log_of_gamma(node: Node) -> Node | None:
    """log Γ(x) = gammaln(x) and log B(a, b) = betaln(a, b), for positive arguments."""
    (y,) = node.inputs
    if y.op not in (gamma, beta) or not all(is_positive(x) for x in y.inputs):
        return None
    return (gammaln if y.op is gamma else betaln)(*y.inputs)


def log_of_area_functions(node: Node) -> Node | None:
    """log(x + √(x² + 1)) = arsinh(x), log((1 + x)/(1 - x)) = 2 artanh(x), for real x."""
    (y,) = node.inputs
    if y.op is divide:
        x, z = beside(y.inputs[0], 1), y.inputs[1]
        if x is not None and z.op is subtract and is_uniform(z.inputs[0], 1) and alike(x, z.inputs[1]) and is_real(x):
            return 2 * arctanh(x)
    if y.op is not add or not is_real(y):
        return None
    for x, root in (y.inputs, y.inputs[::-1]):
        if root.op is hypot and any(is_uniform(a, 1) and alike(b, x) for a, b in (root.inputs, root.inputs[::-1])):
            return arcsinh(x)
    return None


LOGS: dict[Op, tuple[Rule, ...]] = {
    log: (
        log_inwards,
        log_of_weighted_sum,
        log_of_area_functions,
        log_of_one_plus,
        log_of_power,
        log_of_product_of_all,
        log_of_determinant,
        log_of_gamma,
    ),
    log2: (other_base_inwards,),
    log10: (other_base_inwards,),
    log1p: (log1p_inwards,),
}
