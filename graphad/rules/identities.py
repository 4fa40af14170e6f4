"""Identities of arithmetic and elementary functions that hold for numbers, if not for every float.

They change rounding, or the value where the original is inf, nan or out of range: exp(log(x)) = x also for negative x.
`terms.py` and `factors.py` have normal forms. A rule's docstring is its equation.
"""

from graphad.ir.core import Node, Op
from graphad.ops.elementwise import (
    add,
    arctan,
    cos,
    cosh,
    divide,
    exp,
    expm1,
    floor,
    floor_divide,
    log,
    log1p,
    multiply,
    negative,
    power,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
)
from graphad.ops.fit import full_like, is_uniform, uniform_value
from graphad.ops.index import getitem
from graphad.ops.indexing import NEW
from graphad.ops.kinks import absolute
from graphad.ops.powers import cbrt, exp2, log2
from graphad.ops.trigonometry import arccos, arccosh, arcsin, arcsinh, arctanh
from graphad.rules import factors, terms
from graphad.rules.engine import Rule, merge, used_once
from graphad.rules.facts import is_nonnegative, is_nonzero
from graphad.rules.patterns import cut, takes_less

# Zeros and ones -------------------------------------------------------------------------------------------------------


def times_zero(node: Node) -> Node | None:
    """x · 0 = 0, also for infinite x."""
    x, y = node.inputs
    return full_like(node, 0) if is_uniform(x, 0) or is_uniform(y, 0) else None


def complex_one(node: Node) -> Node | None:
    """z · 1 = z, z · (-1) = -z, z / 1 = z and z / (-1) = -z for complex z, also where z is infinite."""
    x, y = node.inputs
    if node.dtype.kind != "c":
        return None
    for factor, other in ((x, y), (y, x)) if node.op is multiply else ((y, x),):
        if other.type == node.type and (is_uniform(factor, 1) or is_uniform(factor, -1)):
            return other if is_uniform(factor, 1) else negative(other)
    return None


def divided_by_itself(node: Node) -> Node | None:
    """x / x = 1 and 0 / x = 0, where x is never 0."""
    x, y = node.inputs
    if not (x is y or is_uniform(x, 0)) or not is_nonzero(y):
        return None
    return full_like(node, 1 if x is y else 0)


def minus_itself(node: Node) -> Node | None:
    """x - x = 0, also for infinite x."""
    x, y = node.inputs
    return full_like(node, 0) if x is y else None


def floor_of_quotient(node: Node) -> Node | None:
    """x // 1 = floor(x) for floats, also for infinite x."""
    x, y = node.inputs
    return floor(x) if is_uniform(y, 1) and node.dtype.kind == "f" else None


# Powers and roots -----------------------------------------------------------------------------------------------------


def short_power(node: Node) -> Node | None:
    """x³ = x·x², x⁴ = (x²)², x^½ = √x, x⁻¹ = 1/x, x⁻² = 1/x²: for NumPy a power is many products."""
    x, y = node.inputs
    p = uniform_value(y)
    if p is None or x.type != node.type:
        return None
    if p == 3 and node.dtype.kind in "ifc":
        return multiply(x, square(x))
    if p == 4 and node.dtype.kind in "ifc":
        return square(square(x))
    if node.dtype.kind not in "fc":
        return None
    if p == 0.5 and node.dtype.kind == "f":
        return sqrt(x)
    return divide(full_like(x, 1), x if p == -1 else square(x)) if p in (-1, -2) else None


def power_of_power(node: Node) -> Node | None:
    """(xᵃ)ᵇ = xᵃᵇ for whole numbers a, b, and for any where x is never negative; (eˣ)ᵇ = eᵇˣ."""
    x, y = node.inputs
    b = uniform_value(y)
    if b is None or x.type != node.type or node.dtype.kind != "f":
        return None
    if x.op is exp and used_once(x):
        return exp(multiply(y, x.inputs[0]))
    if x.op is sqrt and b == 2:
        return x.inputs[0]
    a = uniform_value(x.inputs[1]) if x.op is power else None
    if a is None:
        return None
    whole = float(a).is_integer() and float(b).is_integer()
    return power(x.inputs[0], full_like(node, a * b)) if whole or is_nonnegative(x.inputs[0]) else None


def root_of_square(node: Node) -> Node | None:
    """√(x²) = |x| for real x, also where x² overflows."""
    (x,) = node.inputs
    squared = x.op is square or (x.op is power and is_uniform(x.inputs[1], 2))
    if x.op is multiply and x.inputs[0] is x.inputs[1]:
        squared = True
    return absolute(x.inputs[0]) if squared and x.inputs[0].type == node.type and node.dtype.kind == "f" else None


def square_of_root(node: Node) -> Node | None:
    """(√x)² = x and √x · √x = x."""
    x = node.inputs[0]
    root = x.op is sqrt and all(y is x for y in node.inputs)
    return x.inputs[0] if root and x.inputs[0].type == node.type else None


# Inverse functions ----------------------------------------------------------------------------------------------------

# f(g(x)) = x for real x. Inverses of periodic functions are not undone the other way round: arcsin(sin(x)) is not x.
INVERSE: dict[Op, tuple[Op, ...]] = {
    exp: (log,),
    expm1: (log1p,),
    log1p: (expm1,),
    exp2: (log2,),
    log2: (exp2,),
    sin: (arcsin,),
    cos: (arccos,),
    tan: (arctan,),
    sinh: (arcsinh,),
    arcsinh: (sinh,),
    cosh: (arccosh,),
    tanh: (arctanh,),
    arctanh: (tanh,),
}


def inverse_pair(node: Node) -> Node | None:
    """exp(log(x)) = x, and so for all pairs in INVERSE."""
    (x,) = node.inputs
    fits = x.op in INVERSE[node.op] and node.dtype.kind == "f" and x.inputs[0].type == node.type
    return x.inputs[0] if fits else None


def cube_of_cube_root(node: Node) -> Node | None:
    """(∛x)³ = x."""
    x, y = node.inputs
    return x.inputs[0] if x.op is cbrt and is_uniform(y, 3) and x.inputs[0].type == node.type else None


# Parity, Pythagoras ---------------------------------------------------------------------------------------------------

_ODD = (sin, tan, arctan, sinh, tanh, arcsin, arcsinh, arctanh, cbrt)


def even_function(node: Node) -> Node | None:
    """cos(-x) = cos(x), cos(|x|) = cos(x), and so for cosh."""
    (x,) = node.inputs
    plain = x.op is negative or (x.op is absolute and x.inputs[0].type == x.type)
    return node.op(x.inputs[0]) if plain and node.dtype.kind == "f" else None


def odd_function(node: Node) -> Node | None:
    """-f(-x) = f(x) for sin, tan, sinh, tanh, their inverses and the cube root."""
    (x,) = node.inputs
    twice = x.op in _ODD and node.dtype.kind == "f" and x.inputs[0].op is negative
    return x.op(x.inputs[0].inputs[0]) if twice else None


def pythagoras(node: Node) -> Node | None:
    """sin²x + cos²x = 1."""
    x, y = (_squared(a) for a in node.inputs)
    if x is None or y is None or {x.op, y.op} != {sin, cos} or x.inputs[0] is not y.inputs[0]:
        return None
    return full_like(node, 1)


def _squared(x: Node) -> Node | None:
    """What a node is the square of."""
    if x.op is square or (x.op is power and is_uniform(x.inputs[1], 2)):
        return x.inputs[0]
    return x.inputs[0] if x.op is multiply and x.inputs[0] is x.inputs[1] else None


# Parts of elementwise results -----------------------------------------------------------------------------------------


def index_of_elementwise(node: Node) -> Node | None:
    """f(x, y)[i] = f(x[i], y[i]), where that computes less: NumPy may round a vector and a part of it differently."""
    (x,), pattern = node.inputs, node.attrs["index"]
    if "elementwise" not in x.op.traits or not x.inputs or NEW in pattern or not used_once(x):
        return None
    if not takes_less(x.shape, pattern):
        return None
    return x.op(*(cut(y, pattern) for y in x.inputs), **x.attrs)


CLOSE: dict[Op, tuple[Rule, ...]] = merge(
    {
        multiply: (complex_one, times_zero, square_of_root),
        divide: (complex_one, divided_by_itself),
        floor_divide: (floor_of_quotient,),
        subtract: (minus_itself,),
        power: (cube_of_cube_root, power_of_power, short_power),
        sqrt: (root_of_square,),
        square: (square_of_root,),
        negative: (odd_function,),
        add: (pythagoras,),
        getitem: (index_of_elementwise,),
        **dict.fromkeys(INVERSE, (inverse_pair,)),
    },
    {cos: (even_function,), cosh: (even_function,)},
    terms.CLOSE,
    factors.CLOSE,
)
