"""Stable forms: the same function, computed without overflow or cancellation. They apply before differentiation, too.

A rule's docstring is its equation and its conditions. `logs.py` has those for logarithms, `exponentials.py` those for
exponentials, sigmoids and softmaxes; here are those for powers, roots and moments, and the table.
"""

from graphad.ir.core import Node
from graphad.ops import reduce
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import add, cos, divide, log, multiply, power, sin, sqrt, square, subtract
from graphad.ops.fit import expand_dims, is_uniform, sum, uniform_value
from graphad.ops.kinks import absolute
from graphad.ops.linalg import euclidean_norm
from graphad.ops.log_domain import isru, softsign
from graphad.ops.powers import hypot
from graphad.ops.special import xlogy
from graphad.ops.trigonometry import sine_quotient
from graphad.rules import casts
from graphad.rules.engine import Table, merge
from graphad.rules.exponentials import EXPONENTIALS
from graphad.rules.logs import LOGS
from graphad.rules.matching import alike, beside, is_real, is_wide, squared


def root_of_square(node: Node) -> Node | None:
    """√(x²) = |x|, for real x."""
    x = squared(node.inputs[0])
    return absolute(x) if x is not None and is_real(node) else None


def root_of_squares(node: Node) -> Node | None:
    """√(x² + y²) = hypot(x, y), for real x and y; one of them may be the number 1."""
    (total,) = node.inputs
    if total.op is not add or not is_real(node):
        return None
    x, y = (a if is_uniform(a, 1) else squared(a) for a in total.inputs)
    return None if x is None or y is None else hypot(x, y)


def root_of_sum_of_squares(node: Node) -> Node | None:
    """√(Σ x²) = ‖x‖, for real x and over one axis, two, or all: its derivatives at 0 are 0."""
    (total,) = node.inputs
    if total.op is not sum or not is_real(node) or total.inputs[0].dtype != total.dtype or not is_wide(node):
        return None
    x, axis = squared(total.inputs[0]), total.attrs["axis"]
    if x is None or (axis is not None and not 1 <= len(axis) <= 2):
        return None
    return euclidean_norm(x, axis, keepdims=total.attrs["keepdims"])


def square_of_norm(node: Node) -> Node | None:
    """‖x‖² = Σ x², |x|² = x² and hypot(x, y)² = x² + y², for real x: smooth where the root is not."""
    root = squared(node)
    if root is None or root.op not in (euclidean_norm, absolute, hypot) or not is_real(root.inputs[0]):
        return None
    if root.op is euclidean_norm:
        return sum(square(root.inputs[0]), root.attrs["axis"], keepdims=root.attrs["keepdims"])
    return add(*map(square, root.inputs)) if root.op is hypot else square(root.inputs[0])


def variance(node: Node) -> Node | None:
    """E[x²] - E[x]² = E[(x - E[x])²], for real x: does not cancel."""
    of_squares, of_mean = node.inputs
    mean = squared(of_mean)
    if mean is None or mean.op is not reduce.mean or of_squares.op is not reduce.mean or not is_real(node):
        return None
    (x,) = mean.inputs
    inner = squared(of_squares.inputs[0])
    if inner is None or not alike(inner, x) or mean.attrs != of_squares.attrs or x.dtype != node.dtype:
        return None
    center = mean if mean.attrs["keepdims"] or not mean.ndim else expand_dims(mean, all_axes(x, mean.attrs["axis"]))
    return reduce.mean(square(x - center), **mean.attrs)


def softsign_quotient(node: Node) -> Node | None:
    """x / (1 + |x|) = softsign(x), for real x: its derivative does not cancel for large x."""
    x, y = node.inputs
    size = beside(y, 1)
    return softsign(x) if size is not None and size.op is absolute and is_real(x) and alike(size.inputs[0], x) else None


def isru_quotient(node: Node) -> Node | None:
    """x / √(1 + x²) = isru(x), for real x: its derivative does not cancel for large x."""
    x, y = node.inputs
    if y.op is not hypot or not is_real(x):
        return None
    return isru(x) if any(is_uniform(a, 1) and alike(b, x) for a, b in (y.inputs, y.inputs[::-1])) else None


def quotient_with_sine(node: Node) -> Node | None:
    """sin(x) / x is 1 at 0, for real x: its derivatives do not cancel near 0."""
    x, y = node.inputs
    return sine_quotient(y) if x.op is sin and is_real(y) and alike(x.inputs[0], y) else None


def one_less_cosine(node: Node) -> Node | None:
    """1 - cos(x) = 2 sin(x/2)² and cos(x) - 1 = -2 sin(x/2)², for real x."""
    x, y = node.inputs
    if not is_real(node):
        return None
    if is_uniform(x, 1) and y.op is cos:
        return 2 * square(sin(y.inputs[0] / 2))
    return -2 * square(sin(x.inputs[0] / 2)) if is_uniform(y, 1) and x.op is cos else None


def difference_of_roots(node: Node) -> Node | None:
    """√(x + c) - √x = c / (√(x + c) + √x) for a number c > 0, and the other way round."""
    a, b = node.inputs
    if a.op is not sqrt or b.op is not sqrt or not is_real(node):
        return None
    for first, second, sign in ((a.inputs[0], b.inputs[0], 1), (b.inputs[0], a.inputs[0], -1)):
        for x, c in (first.inputs, first.inputs[::-1]) if first.op is add else ():
            step = uniform_value(c)
            if step is not None and step > 0 and alike(x, second):
                return divide(sign * step, a + b)
    return None


def times_own_log(node: Node) -> Node | None:
    """x·log(x) is 0 at x = 0, for real x."""
    for x, y in (node.inputs, node.inputs[::-1]):
        if y.op is log and is_wide(node) and alike(x, y.inputs[0]):
            return xlogy(x, x)
    return None


STABLE: Table = merge(
    casts.EXACT,
    LOGS,
    EXPONENTIALS,
    {
        sqrt: (root_of_square, root_of_squares, root_of_sum_of_squares),
        square: (square_of_norm,),
        power: (square_of_norm,),
        multiply: (square_of_norm, times_own_log),
        subtract: (variance, one_less_cosine, difference_of_roots),
        divide: (softsign_quotient, isru_quotient, quotient_with_sine),
    },
)
