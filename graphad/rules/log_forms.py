"""log of products, powers, sums and exponentials, pushed inwards until it meets what it undoes.

`log_of` is the mechanism: it gives log y in a form in which y itself is never computed, or None where that gains
nothing. All of this holds for real numbers only.

Equations such as log(a·b) = log a + log b need one factor that is known to be positive: then both sides are nan
together. What is said to be positive may be 0 for a float that underflows; that is the case these forms are for.
"""

import math
from collections.abc import Callable

from graphad.ir.core import Node, Op
from graphad.ir.dims import product
from graphad.ir.origin import here
from graphad.ops import reduce
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import (
    add,
    cosh,
    divide,
    exp,
    expm1,
    log,
    multiply,
    negative,
    power,
    sigmoid,
    sinh,
    softplus,
    sqrt,
    square,
    subtract,
)
from graphad.ops.fit import as_count, broadcast_to, expand_dims, full_like, is_uniform, squeeze, sum, uniform_value
from graphad.ops.index import gather, getitem
from graphad.ops.layout import reshape, transpose
from graphad.ops.log_domain import log1mexp, log_cosh, log_erfc, log_softmax, log_sum_exp, softmax
from graphad.ops.piecewise import stop_gradient, where
from graphad.ops.powers import LN2, cbrt, exp2, logaddexp, reciprocal
from graphad.ops.special import erfc, log_ndtr, ndtr
from graphad.rules.facts import bounds, is_nonnegative, is_positive
from graphad.rules.matching import is_wide, negated

DEPTH = 8
Form = Callable[[Node, int], Node | None]


def log_of(y: Node, depth: int = DEPTH) -> Node | None:
    """A node equal to log(y) that does not compute y, or None where there is nothing to gain."""
    form = _FORMS.get(y.op)
    return form(y, depth - 1) if form is not None and depth and y.dtype.kind == "f" else None


def best_log(y: Node, form: Node | None) -> Node:
    """The form that was found for log(y), or else the log of it, which of a number is a number."""
    if form is not None:
        return form
    known = uniform_value(y)
    if known is None or not 0 <= known < math.inf:
        return log(y)
    return full_like(y, math.log(known) if known else -math.inf)


def is_safe(y: Node) -> bool:
    """Whether y neither overflows nor comes near 0: its log is good as it stands."""
    b = bounds(y)
    return b.low > 0 and b.high < math.inf


def has_log(y: Node) -> bool:
    """Whether y is positive; where it is masked it may be 0, for nobody differentiates log 0 there."""
    return is_positive(y) or (y.op is where and is_nonnegative(y))


# Products -------------------------------------------------------------------------------------------------------------


def _product(y: Node, depth: int) -> Node | None:
    """log(a·b) = log a + log b, where one of them is positive."""
    a, b = y.inputs
    if not (is_positive(a) or is_positive(b)):
        return None
    log_a, log_b = log_of(a, depth), log_of(b, depth)
    if log_a is None and log_b is None:
        return None
    return add(best_log(a, log_a), best_log(b, log_b))


def _quotient(y: Node, depth: int) -> Node | None:
    """log(a/b) = log a - log b, where one of them is positive."""
    a, b = y.inputs
    if not (is_positive(a) or is_positive(b)):
        return None
    log_a, log_b = log_of(a, depth), log_of(b, depth)
    if log_a is None and log_b is None:
        return None
    return negated(best_log(b, log_b)) if is_uniform(a, 1) else subtract(best_log(a, log_a), best_log(b, log_b))


def _inverse(y: Node, depth: int) -> Node | None:
    """log(1/a) = -log a."""
    inner = log_of(y.inputs[0], depth)
    return None if inner is None else negated(inner)


def _power(y: Node, depth: int) -> Node | None:
    """log(a^p) = p·log a for positive a."""
    a, p = y.inputs
    inner = log_of(a, depth) if is_positive(a) else None
    return None if inner is None else p * inner


def _scaled(factor: float) -> Form:
    """log(√a) = log(a) / 2 and its like, for positive a."""

    def form(y: Node, depth: int) -> Node | None:
        (a,) = y.inputs
        inner = log_of(a, depth) if is_positive(a) else None
        return None if inner is None else factor * inner

    return form


# Sums -----------------------------------------------------------------------------------------------------------------


def _sum(y: Node, depth: int) -> Node | None:
    """log Σ a = logsumexp(log a), for positive terms; some may be masked by `where`."""
    (a,) = y.inputs
    if a.dtype != y.dtype or is_safe(a) or not has_log(a):
        return None
    inner = log_of(a, depth)
    return None if inner is None else log_sum_exp(inner, y.attrs["axis"], keepdims=y.attrs["keepdims"])


def _mean(y: Node, depth: int) -> Node | None:
    """log(Σ a / n) = log Σ a - log n."""
    total = _sum(y, depth)
    if total is None:
        return None
    (a,) = y.inputs
    count = product([a.shape[k] for k in all_axes(a, y.attrs["axis"])])
    return total - (math.log(count) if isinstance(count, int) and count else log(as_count(count, y.dtype)))


def _two_terms(y: Node, depth: int) -> Node | None:
    """log(a + b) = logaddexp(log a, log b) for positive a and b; log(1 + b) = softplus(log b)."""
    a, b = y.inputs
    if is_safe(y) or not (is_positive(a) and is_positive(b)):
        return None
    log_a, log_b = log_of(a, depth), log_of(b, depth)
    if log_a is None and log_b is None:
        return None
    if is_uniform(a, 1) or is_uniform(b, 1):
        return softplus(best_log(b, log_b) if is_uniform(a, 1) else best_log(a, log_a))
    return logaddexp(best_log(a, log_a), best_log(b, log_b))


def _difference(y: Node, depth: int) -> Node | None:
    """log(a - b) = log a + log(1 - exp(log b - log a)) for positive a and b; both are nan where a < b."""
    a, b = y.inputs
    if not (is_positive(a) and is_positive(b)):
        return None
    log_a, log_b = log_of(a, depth), log_of(b, depth)
    if log_b is None or (log_a is None and uniform_value(a) is None):
        return None
    if is_uniform(a, 1):
        return log1mexp(log_b)
    log_a = best_log(a, log_a)
    return log_a + log1mexp(log_b - log_a)


# Functions ------------------------------------------------------------------------------------------------------------


def _undone(y: Node, depth: int) -> Node:
    """log(exp(x)) = x."""
    return y.inputs[0]


def _base_two(y: Node, depth: int) -> Node:
    """log(2^x) = x·log 2."""
    return LN2 * y.inputs[0]


def _sigmoid(y: Node, depth: int) -> Node:
    """log(sigmoid(x)) = -softplus(-x)."""
    return negative(softplus(negated(y.inputs[0])))


def _softmax(y: Node, depth: int) -> Node:
    """log of the softmax."""
    return log_softmax(y.inputs[0], y.attrs["axis"])


def _cosh(y: Node, depth: int) -> Node:
    """log(cosh(x)), which neither overflows nor cancels near 0."""
    return log_cosh(y.inputs[0])


def _expm1(y: Node, depth: int) -> Node:
    """log(exp(x) - 1) = x + log(1 - exp(-x)), for positive x; both are nan for others."""
    (x,) = y.inputs
    return x + log1mexp(negated(x))


def _sinh(y: Node, depth: int) -> Node:
    """log(sinh(x)) = x + log(1 - exp(-2x)) - log 2, for positive x; both are nan for others."""
    (x,) = y.inputs
    return x + log1mexp(-2 * x) - LN2


def _opposite(y: Node, depth: int) -> Node | None:
    """log(-(exp(x) - 1)) = log1mexp(x)."""
    (x,) = y.inputs
    return log1mexp(x.inputs[0]) if x.op is expm1 else None


def _erfc(y: Node, depth: int) -> Node | None:
    """log(erfc(x)), also where erfc vanishes."""
    return log_erfc(y.inputs[0])


def _ndtr(y: Node, depth: int) -> Node | None:
    """log Φ(x), also where Φ vanishes."""
    return log_ndtr(y.inputs[0]) if is_wide(y) else None


# Layout ---------------------------------------------------------------------------------------------------------------


def _moved(y: Node, depth: int) -> Node | None:
    """log of elements that were moved or picked: move or pick the logs."""
    inner = log_of(y.inputs[0], depth)
    return None if inner is None else y.op.build((inner, *y.inputs[1:]), y.attrs, here(False))


def _chosen(y: Node, depth: int) -> Node | None:
    """log(where(c, a, b)) = where(c, log a, log b), where both have a good form or are numbers."""
    condition, *arms = y.inputs
    forms = [log_of(x, depth) for x in arms]
    numbers = [uniform_value(x) is not None and is_nonnegative(x) for x in arms]
    if numbers == [True, True] or any(f is None and not n for f, n in zip(forms, numbers, strict=True)):
        return None
    return where(condition, *map(best_log, arms, forms))


_FORMS: dict[Op, Form] = {
    **dict.fromkeys((broadcast_to, expand_dims, squeeze, reshape, transpose, getitem, gather, stop_gradient), _moved),
    where: _chosen,
    multiply: _product,
    divide: _quotient,
    reciprocal: _inverse,
    power: _power,
    sqrt: _scaled(1 / 2),
    square: _scaled(2),
    cbrt: _scaled(1 / 3),
    sum: _sum,
    reduce.mean: _mean,
    add: _two_terms,
    subtract: _difference,
    exp: _undone,
    exp2: _base_two,
    sigmoid: _sigmoid,
    softmax: _softmax,
    cosh: _cosh,
    sinh: _sinh,
    expm1: _expm1,
    negative: _opposite,
    erfc: _erfc,
    ndtr: _ndtr,
}
