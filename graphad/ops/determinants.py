"""Determinants: det and slogdet, and the matrix of cofactors, which is the gradient of det; the rank. Read `linalg.py`.

det is a polynomial: its derivatives exist for singular matrices as well. So the rule of det divides by nothing.
"""

from collections.abc import Sequence

import numpy as np

from graphad.errors import ArgumentError
from graphad.ir.core import Case, Constant, Custom, Node, fail, op
from graphad.ir.types import TensorType, TupleType
from graphad.ops import linalg_helpers as helpers
from graphad.ops.attributes import Flag
from graphad.ops.casts import cast, imag, part_dtype
from graphad.ops.fit import sum
from graphad.ops.layout import matrix_transpose
from graphad.ops.leaves import eye
from graphad.ops.linalg import POSITIVE, SQUARE, A, B, Cutoff, inv, matrix, spread, square
from graphad.ops.tuples import items


def _trace(x: Node) -> Node:
    """The trace of each matrix, as a 1 by 1 matrix."""
    return sum(x * eye(x.shape[-1], dtype=x.dtype), axis=(-2, -1), keepdims=True)


@op(
    numpy="np.linalg.det({a})",
    derivative=Custom(lambda g, out, a: (spread(g) * _cofactor(a),)),
    coerce=square,
    sympy=lambda sp, a: a.det(),
    latex=r"\det\left({a}\right)",
    cases=(*SQUARE, Case(np.diag([2.5, 0.0, 3.5])), Case(np.diag([0.0, 0.0, 3.5, 1.5]))),
    domain=POSITIVE,
)
def det(a: Node) -> TensorType:
    """The determinants of square matrices, as `numpy.linalg.det`; that of a 0 by 0 matrix is 1.

    The gradient is the matrix of cofactors. First and second derivatives are exact for singular matrices, too; from the
    third order on the matrix must be regular.
    """
    return TensorType(a.shape[:-2], a.dtype)


@op(
    numpy="cofactor({a})",
    derivative=Custom(lambda g, out, a: (_cofactor_tangent(a, g),), lambda t, out, a: _cofactor_tangent(a, t[0])),
    coerce=square,
    latex=r"\operatorname{{cof}}\left({a}\right)",
    cases=(Case(A), Case(B), Case((0, 0)), Case(("n", 1, 1))),
    helpers=(helpers.cofactor,),
    name="cofactor",
)
def _cofactor(a: Node) -> TensorType:
    """The matrix of cofactors, det(A) A⁻ᵀ wherever A is regular: the gradient of det. Needs no inverse."""
    return a.type


def _cofactor_tangent_vjp(g: Node, out: Node, a: Node, t: Node) -> Sequence[Node]:
    """⟨g, D cof(A)[t]⟩ is D² det(A)[t, g], symmetric in t and g; its derivative by A is D³ det, for regular A."""
    inverse = inv(a)
    p, q = inverse @ t, inverse @ g
    pq = p @ q
    linear = inverse * (_trace(p) * _trace(q) - _trace(pq)) - (q * _trace(p) + p * _trace(q)) @ inverse
    third = (linear + (pq + q @ p) @ inverse) * spread(det(a))
    return matrix_transpose(third), _cofactor_tangent(a, g)


@op(
    numpy="cofactor_tangent({a}, {t})",
    derivative=Custom(_cofactor_tangent_vjp),
    coerce=lambda op, operands: [square(op, [x])[0] for x in operands],
    cases=(Case(A, (3, 3)), Case(B, (2, 2, 2)), Case((0, 0), (0, 0))),
    helpers=(helpers.cofactor_tangent,),
    name="cofactor_tangent",
)
def _cofactor_tangent(a: Node, t: Node) -> TensorType:
    """The derivative of the matrix of cofactors of a in the direction t, also for singular a."""
    return a.type


def _slogdet_vjp(g: Sequence[Node | None], out: Node, a: Node) -> Sequence[Node | None]:
    """d log|det A| = Re t and, for complex A, d sign = i sign Im t with t = tr(A⁻¹ dA)."""
    to_sign, to_log = g
    weight = None if to_log is None else cast(to_log, a.dtype)
    if to_sign is not None and a.dtype.kind == "c":
        turn = 1j * cast(imag(to_sign * items(out)[0]), a.dtype)
        weight = turn if weight is None else weight + turn
    return (None if weight is None else spread(weight) * matrix_transpose(inv(a)),)


@op(
    numpy="np.linalg.slogdet({a})",
    derivative=Custom(_slogdet_vjp),
    coerce=square,
    cases=SQUARE,
    domain=POSITIVE,
)
def slogdet(a: Node) -> TensorType:
    """Sign and logarithm of the absolute value of the determinants, as `numpy.linalg.slogdet`.

    The gradient of the logarithm is A⁻ᵀ; the sign of a real matrix is constant.
    """
    stack = a.shape[:-2]
    return TupleType((TensorType(stack, a.dtype), TensorType(stack, part_dtype(a.dtype))))


@op(
    numpy="np.linalg.matrix_rank({a}{, tol}{, hermitian}{, rtol})",
    derivative=Constant(),
    coerce=matrix,
    latex=r"\operatorname{{rank}}\left({a}\right)",
    cases=(Case((3, 2)), Case((2, 2, 3), tol=0.1), Case((3, 3), hermitian=True), Case(("n", 2, 2), rtol=1e-9)),
)
def matrix_rank(a: Node, tol: Cutoff = None, hermitian: Flag = False, rtol: Cutoff = None) -> TensorType:
    """The number of singular values above ``tol`` (or ``rtol`` times the largest), as `numpy.linalg.matrix_rank`."""
    if tol is not None and rtol is not None:
        fail(ArgumentError, "matrix_rank: give tol or rtol, not both", a)
    return TensorType(a.shape[:-2], np.dtype("int64"))


OPS = (matrix_rank, det, _cofactor, _cofactor_tangent, slogdet)
