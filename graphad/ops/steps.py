"""Steps and parts: rounding, remainders, signs, bits. Their jumps contribute nothing to a derivative."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError
from graphad.ir.core import Case, Constant, Domain, Elementwise, Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import TensorType
from graphad.ops.elementwise import UNARY, binary, floor_divide, remainder, sign, unary
from graphad.ops.fit import by_loop, full_like
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import condition, indicator, isfinite, ufunc_type, where

step = partial(unary, derivative=Constant())


@step(numpy="np.ceil({x})", sympy=lambda sp, x: sp.ceiling(x), latex=r"\left\lceil {x} \right\rceil")
def ceil(x: Node) -> TensorType:
    """The smallest integer not below x; its derivative is zero wherever it has one."""
    return ufunc_type(np.ceil)(x)


@step(
    numpy="np.trunc({x})",
    sympy=lambda sp, x: sp.sign(x) * sp.floor(sp.Abs(x)),
    latex=r"\operatorname{{trunc}}\left({x}\right)",
)
def trunc(x: Node) -> TensorType:
    """The nearest integer towards zero; its derivative is zero wherever it has one."""
    return ufunc_type(np.trunc)(x)


@step(numpy="np.rint({x})", sympy=lambda sp, x: sp.floor(x + sp.Rational(1, 2)), latex=r"\left\lfloor {x} \right\rceil")
def rint(x: Node) -> TensorType:
    """The nearest integer, halves to even; its derivative is zero wherever it has one."""
    return ufunc_type(np.rint)(x)


def _decimals(value: Any, nodes: Sequence[Node]) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        fail(ArgumentError, f"round: decimals must be an int, not {type(value).__name__}", *nodes)
    return int(value)


@step(
    numpy="np.round({x}{, decimals})",
    sympy=lambda sp, x: sp.floor(x + sp.Rational(1, 2)),
    latex=r"\operatorname{{round}}_{{{decimals}}}\left({x}\right)",
)
def round(x: Node, decimals: Annotated[int, _decimals] = 0) -> TensorType:
    """Rounded to a number of decimals, halves to even, as `numpy.round`; its derivative is zero."""
    return TensorType(x.shape, np.dtype("float16") if x.dtype == bool else x.dtype)


@binary(
    numpy="np.fmod({x}, {y})",
    derivative=Elementwise(lambda x, y, out: (1, -trunc(x / y))),
    sympy=lambda sp, x, y: x - y * sp.sign(x / y) * sp.floor(sp.Abs(x / y)),
    latex=r"\operatorname{{fmod}}\left({x}, {y}\right)",
    domain=(Domain(), Domain(0.5, 3.0)),
)
def fmod(x: Node, y: Node) -> TensorType:
    """x - y·trunc(x / y), with the sign of x, as in C. Its jumps contribute nothing to the derivative."""
    return ufunc_type(np.fmod)(x, y)


@composite
def divmod(x: Any, y: Any) -> tuple[Node, Node]:
    """(x // y, x % y)."""
    return floor_divide(x, y), remainder(x, y)


@composite
def modf(x: Any) -> tuple[Node, Node]:
    """Fractional and integral part, both with the sign of x, as `numpy.modf`."""
    whole = trunc(as_node(x))
    return x - whole, whole


@binary(
    numpy="np.copysign({x}, {y})",
    coerce=by_loop(np.copysign),
    derivative=Elementwise(lambda x, y, out: (sign(x) * copysign(full_like(x, 1), y), None)),
    sympy=lambda sp, x, y: sp.Abs(x) * sp.sign(y),
    latex=r"\left|{x}\right| \cdot \operatorname{{sign}}\left({y}\right)",
)
def copysign(x: Node, y: Node) -> TensorType:
    """|x| with the sign bit of y; the derivative to x at x = 0 is 0."""
    return ufunc_type(np.copysign)(x, y)


@binary(
    numpy="np.heaviside({x}, {y})",
    coerce=by_loop(np.heaviside),
    derivative=Elementwise(lambda x, y, out: (None, indicator(x == 0, out))),
    sympy=lambda sp, x, y: sp.Heaviside(x, y),
    latex=r"\operatorname{{H}}\left({x}, {y}\right)",
)
def heaviside(x: Node, y: Node) -> TensorType:
    """0 for x < 0, y for x = 0, 1 for x > 0; the derivative to x is 0 everywhere."""
    return ufunc_type(np.heaviside)(x, y)


Filler = Annotated[float | None, lambda value, nodes: None if value is None else float(value)]


@unary(
    numpy="np.nan_to_num({x}{, nan}{, posinf}{, neginf})",
    derivative=Elementwise(lambda x, out, nan, posinf, neginf: (indicator(isfinite(x), x),)),
    sympy=lambda sp, x: x,
    latex=r"\operatorname{{finite}}\left({x}\right)",
    name="nan_to_num",
)
def _nan_to_num(x: Node, nan: Filler = 0.0, posinf: Filler = None, neginf: Filler = None) -> TensorType:
    """nan and infinities replaced by numbers, which carry no gradient."""
    return x.type


@composite
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Node:
    """nan replaced by ``nan``, infinities by ``posinf`` and ``neginf`` (the largest numbers unless given).

    Replaced elements carry no gradient. ``copy`` is there for NumPy's sake: a graph never changes its values.
    """
    return _nan_to_num(x, nan, posinf, neginf)


# Tests on one number -------------------------------------------------------------------------------------------------


@condition(numpy="np.isinf({x})", cases=UNARY)
def isinf(x: Node) -> TensorType:
    """Positive or negative infinity."""
    return ufunc_type(np.isinf)(x)


@condition(numpy="np.signbit({x})", cases=UNARY)
def signbit(x: Node) -> TensorType:
    """The sign bit is set: x < 0, or x is -0.0."""
    return ufunc_type(np.signbit)(x)


@composite
def isposinf(x: Any) -> Node:
    """Positive infinity. Raises DTypeError for complex numbers."""
    return _ordered("isposinf", x) == np.inf


@composite
def isneginf(x: Any) -> Node:
    """Negative infinity. Raises DTypeError for complex numbers."""
    return _ordered("isneginf", x) == -np.inf


def _ordered(name: str, x: Any) -> Node:
    node = as_node(x)
    if node.dtype.kind == "c":
        fail(DTypeError, f"{name}: {label(node)} is complex", node)
    return node


# Bits ---------------------------------------------------------------------------------------------------------------

_INTS = (np.array([[6, 3, -2], [0, 5, 9]]), np.array([1, 2, 4]))
bits = partial(condition, cases=(Case(*_INTS), Case(np.array(True), np.array([True, False]))))
shift = partial(condition, cases=(Case(*_INTS),))


@bits(numpy="{x} & {y}", latex=r"{x} \mathbin{{\&}} {y}")
def bitwise_and(x: Node, y: Node) -> TensorType:
    """Bitwise and of integers; logical and of booleans."""
    return ufunc_type(np.bitwise_and)(x, y)


@bits(numpy="{x} | {y}", latex=r"{x} \mathbin{{|}} {y}")
def bitwise_or(x: Node, y: Node) -> TensorType:
    """Bitwise or of integers; logical or of booleans."""
    return ufunc_type(np.bitwise_or)(x, y)


@bits(numpy="{x} ^ {y}", latex=r"{x} \mathbin{{\mathrm{{xor}}}} {y}")
def bitwise_xor(x: Node, y: Node) -> TensorType:
    """Bitwise exclusive or of integers; logical exclusive or of booleans."""
    return ufunc_type(np.bitwise_xor)(x, y)


@condition(numpy="~{x}", latex=r"\mathord{{\sim}} {x}", cases=(Case(_INTS[0]), Case(np.array(True))))
def invert(x: Node) -> TensorType:
    """All bits turned over; logical not of booleans."""
    return ufunc_type(np.invert)(x)


@shift(numpy="{x} << {y}", latex=r"{x} \ll {y}")
def left_shift(x: Node, y: Node) -> TensorType:
    """Bits moved to the left: x · 2**y."""
    return ufunc_type(np.left_shift)(x, y)


@shift(numpy="{x} >> {y}", latex=r"{x} \gg {y}")
def right_shift(x: Node, y: Node) -> TensorType:
    """Bits moved to the right: the floor of x / 2**y."""
    return ufunc_type(np.right_shift)(x, y)


@composite
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Node:
    """Of several choices the first whose condition holds, else ``default``, as `numpy.select`. Raises ArgumentError."""
    if len(condlist) != len(choicelist) or not condlist:
        fail(ArgumentError, f"select: {len(condlist)} conditions for {len(choicelist)} choices")
    for given in map(as_node, condlist):
        if given.dtype != np.bool_:
            fail(DTypeError, f"select: the condition {label(given)} is {given.dtype}, not boolean", given)
    out: Any = default
    for condition_, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition_, choice, out)
    return as_node(out)


OPS = (
    ceil,
    trunc,
    rint,
    round,
    fmod,
    copysign,
    heaviside,
    _nan_to_num,
    isinf,
    signbit,
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    invert,
    left_shift,
    right_shift,
)
