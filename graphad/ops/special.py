"""Special functions, after `scipy.special`: error functions, the normal distribution, logits and entropies.

What NumPy can do as well is written in NumPy; the rest calls SciPy, which generated code imports only then. float32
stays float32; every other real dtype becomes float64. `special_gamma.py` and `special_bessel.py` have the other
families, `special_helpers.py` the numerics that SciPy does not offer.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np

from graphad.errors import DTypeError
from graphad.ir.core import Domain, Elementwise, Node, Op, fail, op
from graphad.ir.types import TensorType
from graphad.ops import special_helpers as numeric
from graphad.ops.attributes import as_int
from graphad.ops.elementwise import BINARY, UNARY, exp, log, log1p, square
from graphad.ops.fit import broadcasting, cast
from graphad.ops.piecewise import where
from graphad.ops.singular import regular

SCIPY = ("from scipy import special",)
SQRT_PI, SQRT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)
UNIT = (Domain(0.05, 0.95),)


def real_floats(op: Op, operands: Sequence[Any]) -> list[Node]:
    """The operands broadcast, all float32 or all float64. Raises DTypeError for complex ones."""
    nodes = broadcasting(op, operands)
    dtype = nodes[0].dtype
    if dtype.kind == "c":
        fail(DTypeError, f"{op.name}: not defined here for complex numbers", *nodes, hint="use x.real, or abs(x)")
    return nodes if dtype == np.float32 else [cast(x, np.dtype("float64")) for x in nodes]


def order_of_derivative(value: Any, nodes: Sequence[Node]) -> int:
    """The hidden attribute of an op that is its own derivatives."""
    return as_int(value, "order", *nodes)


Order = Annotated[int, order_of_derivative]
elementwise = partial(op, coerce=real_floats, traits=("elementwise", "promotes"))
unary = partial(elementwise, cases=UNARY)
binary = partial(elementwise, cases=BINARY)


def both_zero_as_one(x: Node, y: Node) -> Node:
    """y as a denominator under x, where 0 / 0 shall be 0."""
    return where((x == 0) & (y == 0), 1, y)


def sympy_derivative(sp: Any, f: Any, *points: Any) -> Any:
    """The SymPy form of a derivative of f at (argument, order), ..., whatever expressions the arguments are."""
    variables = [sp.Dummy(f"t{k}", real=True) for k in range(len(points))]
    orders = [(t, order) for t, (_, order) in zip(variables, points, strict=True) if order]
    body = f(*variables)
    places = [x for x, _ in points]
    return sp.Subs(sp.diff(body, *orders) if orders else body, variables, places).doit()


# Error functions ----------------------------------------------------------------------------------------------------


@unary(
    numpy="special.erf({x})",
    derivative=Elementwise(lambda x, out: (2 / SQRT_PI * exp(-square(x)),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.erf(x),
    latex=r"\operatorname{{erf}}\left({x}\right)",
)
def erf(x: Node) -> TensorType:
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
    return x.type


@unary(
    numpy="special.erfc({x})",
    derivative=Elementwise(lambda x, out: (-2 / SQRT_PI * exp(-square(x)),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.erfc(x),
    latex=r"\operatorname{{erfc}}\left({x}\right)",
)
def erfc(x: Node) -> TensorType:
    """1 - erf(x), precise where that is small."""
    return x.type


@unary(
    numpy="special.erfinv({x})",
    derivative=Elementwise(lambda x, out: (SQRT_PI / 2 * exp(square(out)),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.erfinv(x),
    latex=r"\operatorname{{erfinv}}\left({x}\right)",
    domain=(Domain(-0.95, 0.95),),
)
def erfinv(x: Node) -> TensorType:
    """The inverse of `erf`: infinite at ±1, nan beyond."""
    return x.type


@unary(
    numpy="special.erfcinv({x})",
    derivative=Elementwise(lambda x, out: (-SQRT_PI / 2 * exp(square(out)),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.erfinv(1 - x),
    latex=r"\operatorname{{erfcinv}}\left({x}\right)",
    domain=(Domain(0.05, 1.9),),
)
def erfcinv(x: Node) -> TensorType:
    """The inverse of `erfc`: infinite at 0 and 2, nan beyond."""
    return x.type


@unary(
    numpy=lambda node: "erfcx({x}, {order}, special)" if node.attrs["order"] else "special.erfcx({x})",
    derivative=Elementwise(lambda x, out, order: (erfcx(x, order + 1),)),
    imports=SCIPY,
    sympy=lambda sp, x, order=0: sympy_derivative(sp, lambda t: sp.exp(t**2) * sp.erfc(t), (x, order)),
    latex=r"\operatorname{{erfcx}}^{{({order})}}\left({x}\right)",
    helpers=(numeric.erfcx,),
)
def erfcx(x: Node, order: Order = 0) -> TensorType:
    """exp(x²)·erfc(x), which neither overflows nor vanishes for large x; ``order`` asks for a derivative.

    The derivatives f_n obey f_(n+1) = 2x·f_n + 2n·f_(n-1) with f_0' = 2x·f_0 - 2/√π. For large x, where this cancels,
    they are found from the ratios f_n / f_(n-1), a continued fraction (Gautschi 1967).
    """
    return x.type


# The normal distribution --------------------------------------------------------------------------------------------


@unary(
    numpy="special.ndtr({x})",
    derivative=Elementwise(lambda x, out: (exp(-0.5 * square(x)) / SQRT_2PI,)),
    imports=SCIPY,
    sympy=lambda sp, x: (1 + sp.erf(x / sp.sqrt(2))) / 2,
    latex=r"\Phi\left({x}\right)",
)
def ndtr(x: Node) -> TensorType:
    """The distribution function of the standard normal distribution."""
    return x.type


@unary(
    numpy="special.ndtri({x})",
    derivative=Elementwise(lambda x, out: (SQRT_2PI * exp(0.5 * square(out)),)),
    imports=SCIPY,
    sympy=lambda sp, x: sp.sqrt(2) * sp.erfinv(2 * x - 1),
    latex=r"\Phi^{{-1}}\left({x}\right)",
    domain=UNIT,
)
def ndtri(x: Node) -> TensorType:
    """The inverse of `ndtr`: quantiles of the standard normal distribution."""
    return x.type


def _log_ndtr_partial(x: Node, out: Node) -> Sequence[Node]:
    """φ(x) / Φ(x); for negative x through `erfcx`, because both parts vanish."""
    negative = x < 0
    tail = math.sqrt(2 / math.pi) / erfcx(where(negative, x, 0) * -math.sqrt(0.5))
    bulk = where(negative, 0, x)
    return (where(negative, tail, exp(-0.5 * square(bulk)) / (SQRT_2PI * ndtr(bulk))),)


@unary(
    numpy="special.log_ndtr({x})",
    derivative=Elementwise(_log_ndtr_partial),
    imports=SCIPY,
    sympy=lambda sp, x: sp.log((1 + sp.erf(x / sp.sqrt(2))) / 2),
    latex=r"\log \Phi\left({x}\right)",
)
def log_ndtr(x: Node) -> TensorType:
    """log of `ndtr`, precise in both tails."""
    return x.type


# Logits -------------------------------------------------------------------------------------------------------------


@unary(
    numpy="logit({x})",
    derivative=Elementwise(lambda x, out: (1 / regular(x * (1 - x)),)),
    sympy=lambda sp, x: sp.log(x / (1 - x)),
    latex=r"\log\left(\frac{{{x}}}{{1 - {x}}}\right)",
    domain=UNIT,
    helpers=(numeric.logit,),
)
def logit(x: Node) -> TensorType:
    """log(x / (1 - x)), the inverse of `expit`: infinite at 0 and 1, nan outside."""
    return x.type


# Entropies ----------------------------------------------------------------------------------------------------------


@binary(
    numpy="xlogy({x}, {y})",
    derivative=Elementwise(lambda x, y, out: (log(y), x / regular(both_zero_as_one(x, y)))),
    sympy=lambda sp, x, y: x * sp.log(y),
    latex=r"{x} \cdot \log\left({y}\right)",
    domain=(Domain(), Domain(0.1, 3.0)),
    helpers=(numeric.xlogy,),
)
def xlogy(x: Node, y: Node) -> TensorType:
    """x·log(y), and 0 where x is 0; at x = y = 0 its derivative with respect to y is 0."""
    return x.type


@binary(
    numpy="xlog1py({x}, {y})",
    derivative=Elementwise(lambda x, y, out: (log1p(y), x / regular(both_zero_as_one(x, 1 + y)))),
    sympy=lambda sp, x, y: x * sp.log(1 + y),
    latex=r"{x} \cdot \log\left(1 + {y}\right)",
    domain=(Domain(), Domain(-0.9, 3.0)),
    helpers=(numeric.xlog1py,),
)
def xlog1py(x: Node, y: Node) -> TensorType:
    """x·log(1 + y), and 0 where x is 0; at x = 0, y = -1 its derivative with respect to y is 0."""
    return x.type


@unary(
    numpy="entr({x})",
    derivative=Elementwise(lambda x, out: (-log(x) - 1,)),
    sympy=lambda sp, x: -x * sp.log(x),
    latex=r"-{x} \cdot \log\left({x}\right)",
    domain=(Domain(0.1, 3.0),),
    helpers=(numeric.entr, numeric.xlogy),
)
def entr(x: Node) -> TensorType:
    """-x·log(x), 0 at 0 (with an infinite derivative), -inf below."""
    return x.type


def _rel_entr_partials(x: Node, y: Node, out: Node) -> Sequence[Node]:
    """log(x / y) + 1 and -x / y."""
    y = both_zero_as_one(x, y)
    return log(x / y) + 1, -x / regular(y)


@binary(
    numpy="rel_entr({x}, {y})",
    derivative=Elementwise(_rel_entr_partials),
    sympy=lambda sp, x, y: x * sp.log(x / y),
    latex=r"{x} \cdot \log\left(\frac{{{x}}}{{{y}}}\right)",
    domain=(Domain(0.1, 3.0), Domain(0.1, 3.0)),
    helpers=(numeric.rel_entr,),
)
def rel_entr(x: Node, y: Node) -> TensorType:
    """x·log(x / y); 0 where x = 0 and y ≥ 0, inf where x or y is outside of its domain.

    The derivative with respect to x at x = 0 is -inf; with respect to y it is 0 there, also at y = 0.
    """
    return x.type


def _kl_div_partials(x: Node, y: Node, out: Node) -> Sequence[Node]:
    """log(x / y) and 1 - x / y, which is computed without cancellation."""
    y = both_zero_as_one(x, y)
    return log(x / y), (y - x) / regular(y)


@binary(
    numpy="kl_div({x}, {y})",
    derivative=Elementwise(_kl_div_partials),
    sympy=lambda sp, x, y: x * sp.log(x / y) - x + y,
    latex=r"{x} \cdot \log\left(\frac{{{x}}}{{{y}}}\right) - {x} + {y}",
    domain=(Domain(0.1, 3.0), Domain(0.1, 3.0)),
    helpers=(numeric.kl_div, numeric.rel_entr),
)
def kl_div(x: Node, y: Node) -> TensorType:
    """x·log(x / y) - x + y; y where x = 0 and y ≥ 0, inf where x or y is outside of its domain.

    At x = y = 0 its derivative with respect to x is -inf, with respect to y it is 1, that of y.
    """
    return x.type


OPS = (
    erf,
    erfc,
    erfinv,
    erfcinv,
    erfcx,
    ndtr,
    ndtri,
    log_ndtr,
    logit,
    xlogy,
    xlog1py,
    entr,
    rel_entr,
    kl_div,
)
