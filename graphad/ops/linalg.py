"""Linear systems and functions of a square matrix: solve, inv, pinv, det, slogdet, cholesky, expm; the Euclidean norm.

Every op takes a stack of matrices (its last two axes) and keeps float32; integers become float64, as in `numpy.linalg`.
Rules are products of the op's own kind, so derivatives of any order follow. Cotangents pair without conjugation (see
`casts.py`): holomorphic functions need plain transposes; `adjoint` and `bar` are the identity on real numbers but for
the transpose. Factorizations with several results are in `decompositions.py`.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.ir.core import Case, Custom, Domain, Linear, Node, Op, fail, label, op
from graphad.ir.types import Shape, TensorType, broadcast_shapes, promote
from graphad.ops import linalg_helpers as helpers
from graphad.ops.attributes import Axes, Flag
from graphad.ops.casts import as_float, cast, conj, part_dtype
from graphad.ops.diagonals import tril, triu
from graphad.ops.fit import expand_dims, reduced_shape, squeeze, sum_to, unreduce
from graphad.ops.index import concatenate, index
from graphad.ops.layout import matrix_transpose
from graphad.ops.leaves import plain
from graphad.ops.singular import regular

# Matrices that stay regular as integers, as booleans, and where the tests take |a| + 1.
A = np.array([[4.3, 0.0, 0.7], [1.4, 3.2, 0.0], [0.0, 0.0, 5.1]])
B = np.array([[[2.3, 0.0], [1.4, 3.2]], [[-1.7, 0.6], [0.0, 4.1]]])
SQUARE = (Case(A), Case(B), Case((0, 0)), Case(("n", 1, 1)))
POSITIVE = (Domain(0.5, 3.0),)


# Operands -----------------------------------------------------------------------------------------------------------


def as_field(op: Op, x: Any) -> Node:
    """An operand as NumPy's linear algebra takes it: floats, but not float16."""
    node = as_float(x)
    if node.dtype == np.float16:
        fail(DTypeError, f"{op.name}: NumPy has no linear algebra for float16", node, hint='use x.astype("float32")')
    return node


def matrix(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Coercion: one matrix or stack of matrices."""
    x = as_field(op, operands[0])
    if x.ndim < 2:
        hint = "one matrix has 2 axes, a stack of matrices has more"
        fail(ShapeError, f"{op.name}: {label(x)} has {x.ndim} axes, needs 2 or more", x, hint=hint)
    return [x]


def square(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Coercion: one square matrix or stack of them."""
    (x,) = matrix(op, operands)
    if x.shape[-1] != x.shape[-2]:
        fail(ShapeError, f"{op.name}: {label(x)} is not square: {x.shape[-2]} by {x.shape[-1]}", x)
    return [x]


def _system(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Coercion: a square matrix and a right-hand side, in one dtype."""
    (a,), b = square(op, operands[:1]), as_field(op, operands[1])
    if not b.ndim:
        fail(ShapeError, f"{op.name}: the right-hand side is a scalar", a, b)
    rows = b.shape[0 if b.ndim == 1 else -2]
    if rows != a.shape[-1]:
        hint = "b is a vector only if it has one axis; write b[..., None] for a stack of vectors" if b.ndim > 1 else ""
        fail(ShapeError, f"{op.name}: the matrix has {a.shape[-1]} rows, the right-hand side {rows}", a, b, hint=hint)
    if broadcast_shapes(a.shape[:-2], b.shape[:-2]) is None:
        fail(ShapeError, f"{op.name}: the stacks of matrices do not broadcast", a, b)
    dtype = promote(a.dtype, b.dtype)
    return [cast(a, dtype), cast(b, dtype)]


def bar(x: Node) -> Node:
    """The complex conjugate of complex numbers; real ones stay as they are."""
    return conj(x) if x.dtype.kind == "c" else x


def adjoint(x: Node) -> Node:
    """The conjugate transpose."""
    return matrix_transpose(bar(x))


def spread(g: Node) -> Node:
    """One number per matrix, to be multiplied by the matrices."""
    return expand_dims(g, (g.ndim, g.ndim + 1)) if g.ndim else g


# Systems ------------------------------------------------------------------------------------------------------------


def _inv_vjp(g: Node, out: Node, a: Node) -> Sequence[Node]:
    """d(A⁻¹) = -A⁻¹ dA A⁻¹."""
    transposed = matrix_transpose(out)
    return (-(transposed @ g @ transposed),)


@op(
    numpy="np.linalg.inv({a})",
    derivative=Custom(_inv_vjp, lambda t, out, a: -(out @ t[0] @ out)),
    coerce=square,
    sympy=lambda sp, a: a.inv(),
    latex=r"{a}^{{-1}}",
    cases=SQUARE,
    domain=POSITIVE,
)
def inv(a: Node) -> TensorType:
    """The inverse of square matrices (…, n, n), as `numpy.linalg.inv`; a singular one raises LinAlgError in the run."""
    return a.type


def _solution_cotangents(g: Node, out: Node, a: Node, b: Node, back: Any) -> tuple[Node, Node]:
    """Of A x = b: the cotangent of b is λ = A⁻ᵀ g, that of A is -λ xᵀ; ``back`` solves with the transpose."""
    if b.ndim > 1:
        to_b = back(g)
        to_a = -(to_b @ matrix_transpose(out))
    elif g.ndim == 1:
        to_b = back(g)
        to_a = -(expand_dims(to_b, 1) * out)
    else:
        column = back(expand_dims(g, -1))
        to_b, to_a = squeeze(column, -1), -(column * expand_dims(out, -2))
    return sum_to(to_a, a.shape), sum_to(to_b, b.shape)


def _solution_type(a: Node, b: Node) -> TensorType:
    if b.ndim == 1:
        return TensorType(a.shape[:-1], a.dtype)
    stack: Shape = broadcast_shapes(a.shape[:-2], b.shape[:-2]) or ()
    return TensorType((*stack, *b.shape[-2:]), a.dtype)


@op(
    numpy="np.linalg.solve({a}, {b})",
    derivative=Custom(lambda g, out, a, b: _solution_cotangents(g, out, a, b, lambda h: solve(matrix_transpose(a), h))),
    coerce=_system,
    latex=r"{a}^{{-1}} {b}",
    cases=(
        Case(A, (3,)),
        Case(A, (3, 2)),
        Case(B, (2,)),
        Case(B, (3, 1, 2, 4)),
        Case(A, (2, 3, 1)),
        Case(A, (3, "m")),
        Case((0, 0), (0, 2)),
    ),
)
def solve(a: Node, b: Node) -> TensorType:
    """The solution x of a·x = b, as `numpy.linalg.solve`; b is a vector only if it has one axis. Raises ShapeError.

    Shapes: a (…, n, n) with b (n,) or (…, n, k); stacks broadcast. A singular a raises LinAlgError in the run.
    """
    return _solution_type(a, b)


def _triangular_vjp(g: Node, out: Node, a: Node, b: Node, lower: bool, unit_diagonal: bool) -> Sequence[Node]:
    def back(h: Node) -> Node:
        return solve_triangular(matrix_transpose(a), h, not lower, unit_diagonal)

    to_a, to_b = _solution_cotangents(g, out, a, b, back)
    return tril(to_a, -unit_diagonal) if lower else triu(to_a, int(unit_diagonal)), to_b


@op(
    numpy="solve_triangular({a}, {b}, {lower}, {unit_diagonal})",
    derivative=Custom(_triangular_vjp),
    coerce=_system,
    latex=r"{a}^{{-1}} {b}",
    cases=(
        Case(A, (3, 2)),
        Case(A, (3, 2), lower=True),
        Case(B, (2, 1), lower=True, unit_diagonal=True),
        Case(A, (2, 3, 1), unit_diagonal=True),
    ),
    helpers=(helpers.solve_triangular, helpers.solve_triangular_block),
)
def solve_triangular(a: Node, b: Node, lower: Flag = False, unit_diagonal: Flag = False) -> TensorType:
    """The solution X (…, n, k) of a·X = b, reading one triangle of a (…, n, n): the other has the gradient 0.

    With ``unit_diagonal`` the diagonal counts as ones and is not read either. A zero on it raises LinAlgError.
    """
    return _solution_type(a, b)


# Functions of a matrix ----------------------------------------------------------------------------------------------


def _expm_blocks(a: Node, e: Node) -> Node:
    """The derivative of exp at a in the direction e: the upper right block of exp [[a, e], [0, a]] (Van Loan 1978)."""
    top, bottom = concatenate([a, e], axis=-1), concatenate([a * 0, a], axis=-1)
    n = a.shape[-1]
    return index(expm(concatenate([top, bottom], axis=-2)), (..., slice(0, n), slice(n, 2 * n)))


@op(
    numpy="expm({a})",
    derivative=Custom(
        lambda g, out, a: (_expm_blocks(matrix_transpose(a), g),), lambda t, out, a: _expm_blocks(a, t[0])
    ),
    coerce=square,
    sympy=lambda sp, a: a.exp(),
    latex=r"\operatorname{{expm}}\left({a}\right)",
    cases=(Case((3, 3)), Case((2, 2, 2)), Case((0, 0)), Case(("n", 1, 1))),
    helpers=(helpers.expm,),
)
def expm(a: Node) -> TensorType:
    """The exponential of square matrices, as `scipy.linalg.expm`: scaling and squaring (Higham 2005)."""
    return a.type


def _pinv_vjp(g: Node, out: Node, a: Node, **attrs: Any) -> Sequence[Node]:
    """dP = -P dA P + P Pᴴ dAᴴ (1 - A P) + (1 - P A) dAᴴ Pᴴ P (Golub and Pereyra 1973)."""
    h, p = adjoint(bar(g)), adjoint(out)
    right = (h - a @ (out @ h)) @ (out @ p)
    left = (p @ out) @ (h - (h @ out) @ a)
    return (bar(right + left - p @ adjoint(h) @ p),)


def _cutoff(value: Any, nodes: Sequence[Node]) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        fail(ArgumentError, f"a cutoff must be a number, not {type(value).__name__}", *nodes)


def _relative_cutoff(value: Any, nodes: Sequence[Node]) -> float | str | None:
    return value if isinstance(value, str) and value == ABSENT else _cutoff(value, nodes)


Cutoff = Annotated[float | None, _cutoff]
ABSENT = "absent"  # rtol=None is not the same as no rtol: NumPy then takes max(m, n) times the rounding unit
RelativeCutoff = Annotated[float | str | None, _relative_cutoff]


def _pinv_numpy(node: Node) -> str:
    rtol = node.attrs["rtol"]
    return f"np.linalg.pinv({{a}}{{, rcond}}{{, hermitian}}{'' if rtol == ABSENT else f', rtol={rtol}'})"


@op(
    numpy=_pinv_numpy,
    derivative=Custom(_pinv_vjp),
    coerce=matrix,
    latex=r"{a}^{{+}}",
    cases=(
        *(Case((3, 2)), Case((2, 3)), Case(B), Case((2, 3, 2), rcond=1e-10), Case((0, 2)), Case(("n", 1, 1))),
        *(Case((3, 2), rtol=None), Case((3, 2), rtol=1e-9)),
    ),
    domain=POSITIVE,
)
def pinv(a: Node, rcond: Cutoff = None, hermitian: Flag = False, rtol: RelativeCutoff = ABSENT) -> TensorType:
    """The Moore-Penrose inverse (…, n, m) of (…, m, n), as `numpy.linalg.pinv`.

    Singular values up to ``rcond`` (or ``rtol``) times the largest count as 0: 1e-15 unless given, and for
    ``rtol=None`` max(m, n) times the rounding unit. The derivative is that at constant rank.
    """
    if rcond is not None and rtol != ABSENT:
        fail(ArgumentError, "pinv: give rcond or rtol, not both", a)
    return TensorType((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)


# Sizes that only the run knows --------------------------------------------------------------------------------------


@op(
    numpy="check_sizes({x}, {tall})",
    derivative=Linear(lambda g, x, tall: (g,)),
    coerce=plain,
    cases=(Case((3, 2), tall=True), Case((2, 3), tall=False), Case(("n", 2), tall=True)),
    helpers=(helpers.check_sizes,),
    latex="{x}",
    traits=("view",),
)
def check_sizes(x: Node, tall: Flag) -> TensorType:
    """The same matrix, of which the run checks that it has as many rows as columns or more (``tall``), or not more."""
    return x.type


# The Euclidean norm -------------------------------------------------------------------------------------------------


def _norm_vjp(g: Node, out: Node, x: Node, axis: Any, keepdims: bool) -> Sequence[Node]:
    """x̄ / |x|; x = 0 is a singular point."""
    return (unreduce(g / regular(out), x, axis, keepdims) * bar(x),)


@op(
    numpy="np.linalg.norm({x}{, axis}{, keepdims})",
    derivative=Custom(_norm_vjp),
    coerce=lambda op, operands: [as_float(operands[0])],
    latex=r"\operatorname{{norm}}_{{{axis}}}\left({x}\right)",
    cases=(
        Case((2, 3)),
        Case((2, 3), axis=0),
        Case((2, 3, 4), axis=(0, 2), keepdims=True),
        Case((0,)),
        Case(()),
        Case(("n", 3), axis=1),
    ),
    name="euclidean_norm",
)
def euclidean_norm(x: Node, axis: Axes = None, keepdims: Flag = False) -> TensorType:
    """√(Σ |x|²) over one axis, two, or all. All derivatives at x = 0 are taken as 0, a subgradient."""
    return TensorType(reduced_shape(x, axis, keepdims), part_dtype(x.dtype))


OPS = (inv, solve, solve_triangular, expm, pinv, check_sizes, euclidean_norm)
