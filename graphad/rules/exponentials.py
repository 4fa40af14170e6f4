"""Exponentials, sigmoids and softmaxes that neither overflow nor cancel; logarithms of them are in `logs.py`."""

import math

from graphad.ir.core import Node, Op
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import (
    add,
    divide,
    exp,
    expm1,
    log1p,
    multiply,
    negative,
    power,
    sigmoid,
    sinh,
    softplus,
    sqrt,
    subtract,
    tanh,
)
from graphad.ops.fit import is_uniform
from graphad.ops.kinks import absolute, maximum, relu
from graphad.ops.log_domain import log_softmax, log_sum_exp, sech_squared, softmax
from graphad.ops.powers import reciprocal
from graphad.ops.special import erf, erfc, ndtr
from graphad.rules.engine import Rule, used_once
from graphad.rules.facts import bounds
from graphad.rules.log_forms import has_log, log_of
from graphad.rules.matching import (
    alike,
    beside,
    is_constant_along,
    is_real,
    is_total_of,
    is_without,
    negated,
    opposite,
    spread,
    squared,
    total_axes,
)

# Complements ----------------------------------------------------------------------------------------------------------


def exp_less_one(node: Node) -> Node | None:
    """exp(x) - 1 = expm1(x) and 1 - exp(x) = -expm1(x)."""
    x, y = node.inputs
    if x.op is exp and is_uniform(y, 1):
        return expm1(x.inputs[0])
    return negative(expm1(y.inputs[0])) if y.op is exp and is_uniform(x, 1) else None


def expm1_of_log1p(node: Node) -> Node | None:
    """expm1(log1p(x)) = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is log1p else None


def expm1_and_one(node: Node) -> Node | None:
    """expm1(x) + 1 = exp(x), and exp(x) + (-1) = expm1(x)."""
    x, y = beside(node, 1), beside(node, -1)
    if x is not None and x.op is expm1:
        return exp(x.inputs[0])
    return expm1(y.inputs[0]) if y is not None and y.op is exp else None


def complement(node: Node) -> Node | None:
    """1 - sigmoid(x) = sigmoid(-x), 1 - Φ(x) = Φ(-x), 1 - erf(x) = erfc(x), 1 - erfc(x) = erf(x)."""
    one, y = node.inputs
    if y.op not in (sigmoid, ndtr, erf, erfc) or not is_uniform(one, 1):
        return None
    (x,) = y.inputs
    return y.op(negated(x)) if y.op in (sigmoid, ndtr) else (erfc if y.op is erf else erf)(x)


def one_less_tanh_squared(node: Node) -> Node | None:
    """1 - tanh(x)² = sech(x)², for real x.

    As users write it, tanh(x)**2 or a product. The derivative of tanh says `square`: there the cheap form stays, whose
    error is small beside 1.
    """
    one, y = node.inputs
    if y.op not in (power, multiply) or not is_real(node) or not is_uniform(one, 1):
        return None
    t = squared(y)
    return sech_squared(t.inputs[0]) if t is not None and t.op is tanh else None


# Quotients ------------------------------------------------------------------------------------------------------------


def sigmoid_quotient(node: Node) -> Node | None:
    """y / (1 + exp(x)) = y·sigmoid(-x), exp(x) / (1 + exp(x)) = sigmoid(x), exp(x) / (exp(x) + exp(y)) = sigmoid(x-y).

    For real numbers, unless x is never positive: then nothing overflows.
    """
    top, bottom = node.inputs if node.op is divide else (None, node.inputs[0])
    if bottom.op is not add or not is_real(bottom) or bounds(bottom).high < math.inf:
        return None
    e = beside(bottom, 1)
    if e is not None and e.op is exp:
        (x,) = e.inputs
        if top is None or is_uniform(top, 1):
            return sigmoid(negated(x))
        return sigmoid(x) if alike(top, e) else top * sigmoid(negated(x))
    for a, b in (bottom.inputs, bottom.inputs[::-1]):
        if top is not None and a.op is exp and b.op is exp and alike(top, a):
            return sigmoid(a.inputs[0] - b.inputs[0])
    return None


def softmax_quotient(node: Node) -> Node | None:
    """exp(x) / Σ exp(x) = softmax(x), and more generally a / Σ a = softmax(log a) for a that `log_of` knows; real."""
    a, total = node.inputs
    if not is_real(a) or not is_total_of(total, a) or not has_log(a):
        return None
    inner = log_of(a)
    return None if inner is None else softmax(inner, total_axes(total))


def quotient_of_exponentials(node: Node) -> Node | None:
    """exp(x) / exp(y) = exp(x - y) and sigmoid(x) / sigmoid(-x) = exp(x), for real numbers."""
    a, b = node.inputs
    if a.op is exp and b.op is exp and is_real(a):
        return exp(a.inputs[0] - b.inputs[0])
    if a.op is sigmoid and b.op is sigmoid and opposite(a.inputs[0], b.inputs[0]):
        return exp(a.inputs[0])
    return None


def product_of_exponentials(node: Node) -> Node | None:
    """exp(x)·exp(y) = exp(x + y), for real numbers, unless both are needed anyway: one may overflow, one vanish."""
    a, b = node.inputs
    if a.op is not exp or b.op is not exp or a is b or not is_real(a) or not (used_once(a) or used_once(b)):
        return None
    return exp(a.inputs[0] + b.inputs[0])


def root_of_exp(node: Node) -> Node | None:
    """√exp(x) = exp(x / 2), for real x."""
    (x,) = node.inputs
    return exp(x.inputs[0] / 2) if x.op is exp and is_real(x) else None


def hyperbolic_quotient(node: Node) -> Node | None:
    """(exp(x) - exp(-x)) / 2 = sinh(x) and (exp(x) - exp(-x)) / (exp(x) + exp(-x)) = tanh(x), for real x."""
    a, b = node.inputs
    if a.op is not subtract or not is_real(a) or any(e.op is not exp for e in a.inputs):
        return None
    x, y = (e.inputs[0] for e in a.inputs)
    if not opposite(x, y):
        return None
    if is_uniform(b, 2):
        return sinh(x)
    if b.op is not add:
        return None
    p, q = a.inputs
    same = [alike(p, c) and alike(q, d) for c, d in (b.inputs, b.inputs[::-1])]
    return tanh(x) if any(same) else None


def softplus_in_parts(node: Node) -> Node | None:
    """max(x, 0) + log1p(exp(-|x|)) = softplus(x), for real x: its derivatives have no kink at 0."""
    for top, tail in (node.inputs, node.inputs[::-1]):
        if top.op not in (maximum, relu) or tail.op is not log1p or tail.inputs[0].op is not exp or not is_real(top):
            continue
        x = next((a for a in top.inputs if not is_uniform(a, 0)), top)
        (minus,) = tail.inputs[0].inputs
        if minus.op is not negative or minus.inputs[0].op is not absolute:
            continue
        (y,) = minus.inputs[0].inputs
        if (top.op is relu or any(is_uniform(a, 0) for a in top.inputs)) and (alike(x, y) or opposite(x, y)):
            return softplus(x)
    return None


# Shifts ---------------------------------------------------------------------------------------------------------------


def softmax_of_shifted(node: Node) -> Node | None:
    """softmax(x - c) = softmax(x) and log_softmax(x - c) = log_softmax(x), for c that is constant along the axes."""
    (x,) = node.inputs
    if x.op is not subtract or not is_constant_along(x.inputs[1], all_axes(x, node.attrs["axis"])):
        return None
    return node.op(x.inputs[0], node.attrs["axis"])


def log_sum_exp_unshifted(node: Node) -> Node | None:
    """log Σ exp(x - c) + c = log Σ exp(x), for c that is constant along the axes."""
    for total, c in (node.inputs, node.inputs[::-1]):
        if total.op is log_sum_exp and total.inputs[0].op is subtract:
            x, shift = total.inputs[0].inputs
            axes = all_axes(x, total.attrs["axis"])
            if not is_constant_along(shift, axes):
                continue
            same = alike(spread(shift), c if total.attrs["keepdims"] or not c.ndim else spread(c))
            same = same or (not total.attrs["keepdims"] and is_without(c, spread(shift), axes))
            if same:
                return log_sum_exp(x, total.attrs["axis"], keepdims=total.attrs["keepdims"])
    return None


def less_log_sum_exp(node: Node) -> Node | None:
    """x - log Σ exp(x) = log_softmax(x)."""
    x, y = node.inputs
    total = spread(y)
    if total.op is not log_sum_exp or not alike(total.inputs[0], x):
        return None
    axes = all_axes(x, total.attrs["axis"])
    aligned = total.attrs["keepdims"] or axes == tuple(range(len(axes)))
    return log_softmax(x, total.attrs["axis"]) if aligned else None


EXPONENTIALS: dict[Op, tuple[Rule, ...]] = {
    subtract: (exp_less_one, complement, one_less_tanh_squared, less_log_sum_exp),
    add: (expm1_and_one, softplus_in_parts, log_sum_exp_unshifted),
    expm1: (expm1_of_log1p,),
    divide: (sigmoid_quotient, softmax_quotient, quotient_of_exponentials, hyperbolic_quotient),
    reciprocal: (sigmoid_quotient,),
    multiply: (product_of_exponentials,),
    sqrt: (root_of_exp,),
    softmax: (softmax_of_shifted,),
    log_softmax: (softmax_of_shifted,),
}
