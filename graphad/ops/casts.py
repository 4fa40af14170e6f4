"""The same numbers in another dtype, and the real and imaginary parts of complex numbers.

Convention for complex values, here and in every rule: the cotangent g of a value z is defined by dL = Re(Σ g·dz) for a
real L. It is the one of JAX and autograd. Holomorphic functions and plain transposes then need nothing special, and the
gradient of a real loss by z = x + iy is ∂L/∂x - i ∂L/∂y: the direction of steepest ascent is its conjugate.
"""

from typing import Any

import numpy as np

from graphad.ir.core import Case, Linear, Node, op
from graphad.ir.origin import here
from graphad.ir.types import DType, TensorType, ufunc_dtype
from graphad.ops.attributes import DTypeAttr
from graphad.ops.leaves import as_node, plain

_CASES = (Case((2, 3)), Case(()), Case((0,)), Case(("n",)))


def _loses_imaginary(source: DType, target: DType) -> bool:
    return source.kind == "c" and target.kind in "biuf"


@op(
    numpy=lambda node: (
        "{x}.real.astype({dtype})" if _loses_imaginary(node.inputs[0].dtype, node.dtype) else "{x}.astype({dtype})"
    ),
    derivative=Linear(lambda g, x, dtype: (cast(g, x.dtype),)),
    coerce=plain,
    latex="{x}",
    sympy=lambda sp, x: x,
    cases=(Case((2, 3), dtype="float32"), Case((), dtype="int64"), Case(("n",), dtype="float64")),
)
def astype(x: Node, dtype: DTypeAttr) -> TensorType:
    """The same values in another dtype, as in NumPy: floats become integers by truncation, complex numbers lose i·y."""
    return TensorType(x.shape, dtype)


def cast(x: Node, dtype: DType) -> Node:
    """`astype` where it is needed."""
    if x.dtype == dtype:
        return x
    if _loses_imaginary(x.dtype, dtype) and part_dtype(x.dtype) == dtype:
        return real.build((x,), {}, here(False))
    return astype.build((x,), {"dtype": dtype}, here(False))


def as_float(x: Any) -> Node:
    """An operand in which integers became float64, also beside float32."""
    node = as_node(x)
    return node if node.dtype.kind in "fc" else cast(node, np.dtype("float64"))


def part_dtype(dtype: DType) -> DType:
    """The dtype of the real part: float32 for complex64, float64 for complex128, else the dtype itself."""
    return np.empty(0, dtype).real.dtype


@op(
    numpy="{x}.real",
    derivative=Linear(lambda g, x: (cast(g, x.dtype),)),
    coerce=plain,
    sympy=lambda sp, x: sp.re(x),
    latex=r"\operatorname{{Re}}\left({x}\right)",
    cases=_CASES,
    traits=("elementwise", "view"),
)
def real(x: Node) -> TensorType:
    """The real part; a real array is its own."""
    return TensorType(x.shape, part_dtype(x.dtype))


@op(
    numpy=lambda node: "{x}.imag" if node.inputs[0].dtype.kind == "c" else "np.imag({x}).copy()",
    derivative=Linear(lambda g, x: (cast(g, x.dtype) * -1j if x.dtype.kind == "c" else g * 0,)),
    coerce=plain,
    sympy=lambda sp, x: sp.im(x),
    latex=r"\operatorname{{Im}}\left({x}\right)",
    cases=_CASES,
    traits=("elementwise", "view"),
)
def imag(x: Node) -> TensorType:
    """The imaginary part; zeros for a real array. Im z = Re(-i·z), so its cotangent is -i·g."""
    return TensorType(x.shape, part_dtype(x.dtype))


@op(
    numpy="np.conj({x})",
    derivative=Linear(lambda g, x: (conj(g),)),
    coerce=plain,
    sympy=lambda sp, x: sp.conjugate(x),
    latex=r"\overline{{{x}}}",
    cases=_CASES,
    traits=("elementwise",),
)
def conj(x: Node) -> TensorType:
    """The complex conjugate; a real array is its own."""
    return TensorType(x.shape, ufunc_dtype(np.conjugate, x.dtype))


OPS = (astype, real, imag, conj)
