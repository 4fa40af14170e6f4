"""Factorizations of matrices: cholesky, qr, eigh, svd, eig. Read `linalg.py` first.

Factors are not unique: eigenvectors and singular vectors may turn by a phase, and those of an eigenvalue that occurs
several times by any rotation among themselves. A loss that does not see this choice has a gradient; it alone is meant
here. Where two eigenvalues (or singular values) are equal up to rounding, the factor 1/(w_j - w_i) of the rules is
replaced by 0 (`_reciprocal`). To first order that is exact for every loss of the values alone, such as Σ f(w), and of
the spaces that belong to different values: what the factor multiplies is 0 there. It is not for V f(w) Vᵀ as a whole
matrix, nor for the second derivative of Σ f(w): both need f' inside the space, which a rule for w and V cannot know.

`eigh` and `cholesky` read one triangle, as NumPy does, yet take the matrix as Hermitian: so is its gradient.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Custom, Node, Op, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.types import TensorType, TupleType
from graphad.ops import linalg_helpers as helpers
from graphad.ops.attributes import Flag
from graphad.ops.casts import cast, conj, part_dtype, real
from graphad.ops.diagonals import tril
from graphad.ops.fit import expand_dims, sum
from graphad.ops.index import concatenate, index
from graphad.ops.kinks import absolute
from graphad.ops.layout import matrix_transpose
from graphad.ops.leaves import eye
from graphad.ops.linalg import (
    POSITIVE,
    adjoint,
    bar,
    check_sizes,
    euclidean_norm,
    matrix,
    solve,
    solve_triangular,
    square,
)
from graphad.ops.piecewise import where
from graphad.ops.tuples import items

ONE_BY_ONE = (Case((1, 1)), Case((2, 1, 1)), Case((0, 0)), Case(("n", 1, 1)))  # the only matrices that stay symmetric


def smaller(what: str, a: Node) -> Size:
    """The smaller of the two sizes of a matrix; of a number and a name the number, which `comparable` checks."""
    m, n = a.shape[-2:]
    if isinstance(m, int) and isinstance(n, int):
        return min(m, n)
    if m == n or isinstance(m, int):
        return m
    if not isinstance(n, int):
        fail(ShapeError, f"{what}: which size of {label(a)} is the smaller, {m} or {n}, is not known", a)
    return n


def comparable(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Coercion: as `matrix`; of a named size and a number the run checks that the number is the smaller."""
    (x,) = matrix(op, operands)
    m, n = x.shape[-2:]
    return [x] if isinstance(m, int) == isinstance(n, int) else [check_sizes(x, tall=isinstance(n, int))]


def _reciprocal(x: Node, values: Node) -> Node:
    """1 / x, and 0 where x is 0 up to the rounding errors that the computed ``values`` (…, n) have."""
    unit = float(np.finfo(part_dtype(x.dtype).name).eps)
    rounding = euclidean_norm(values, axis=-1, keepdims=True) * (8 * unit)
    none = absolute(x) <= (rounding if x.ndim == values.ndim else expand_dims(rounding, -1))
    return where(none, 0, 1 / where(none, 1, x))


def _gaps(w: Node) -> Node:
    """w_j - w_i."""
    return expand_dims(w, -2) - expand_dims(w, -1)


def _columns(x: Node, factors: Node) -> Node:
    """The columns of ``x`` times one factor each."""
    return x * expand_dims(factors, -2)


# cholesky -----------------------------------------------------------------------------------------------------------


def mirror(x: Node) -> Node:
    """The Hermitian matrix that has the lower triangle of ``x`` and the real part of its diagonal."""
    below = tril(x, -1)
    diagonal = cast(real(x), x.dtype) if x.dtype.kind == "c" else x
    return below + adjoint(below) + diagonal * eye(x.shape[-1], dtype=x.dtype)


def _cholesky_vjp(g: Node, out: Node, a: Node) -> Sequence[Node]:
    """½ L⁻ᴴ M L⁻¹, where M is Hermitian and has the lower triangle of Lᴴ g (Murray 2016)."""
    upper = adjoint(out)
    left = solve_triangular(upper, mirror(upper @ bar(g)))
    return (bar(adjoint(solve_triangular(upper, adjoint(left)))) * 0.5,)


@op(
    numpy="np.linalg.cholesky({a})",
    derivative=Custom(_cholesky_vjp),
    coerce=square,
    latex=r"\operatorname{{chol}}\left({a}\right)",
    cases=ONE_BY_ONE,
    domain=POSITIVE,
)
def cholesky(a: Node) -> TensorType:
    """The lower triangular L with L Lᴴ = A, as `numpy.linalg.cholesky`, which reads the lower triangle of A.

    A counts as Hermitian: its gradient is the Hermitian one, half of it for each of two mirrored elements. A matrix
    that is not positive definite raises LinAlgError in the run.
    """
    return a.type


# Bases --------------------------------------------------------------------------------------------------------------


def _without_complement(basis: Node, cotangent: Node, k: Size) -> tuple[Node, Node]:
    """The first k columns B of a complete basis [B C] and their whole cotangent, B̄ - C C̄ᴴ B.

    C spans what is orthogonal to B, and only that has a derivative: dC = -B dBᴴ C up to a rotation of C.
    """
    first, rest = (..., slice(0, k)), (..., slice(k, basis.shape[-1]))
    b, c = index(basis, first), index(basis, rest)
    return b, index(cotangent, first) - c @ (adjoint(index(cotangent, rest)) @ b)


# qr -----------------------------------------------------------------------------------------------------------------


def _mode(value: Any, nodes: Sequence[Node]) -> str:
    if value not in ("reduced", "complete"):
        fail(ArgumentError, f"qr: mode {value!r} is not supported", *nodes, hint='use "reduced", "complete" or "r"')
    return str(value)


def _tall_qr_cotangent(q: Node, r: Node, to_q: Node, to_r: Node) -> Node:
    """(Q̄ + Q M) R⁻ᴴ, where M is Hermitian with the lower triangle of R R̄ᴴ - Q̄ᴴ Q (Walter and Lehmann 2010)."""
    middle = mirror(r @ adjoint(to_r) - adjoint(to_q) @ q)
    return adjoint(solve_triangular(r, adjoint(to_q + q @ middle)))


def _qr_vjp(g: Sequence[Node | None], out: Node, a: Node, mode: str) -> Sequence[Node | None]:
    """The rule of tall matrices; of wide ones A = [X Y], R = [U V]: X = Q U by that rule, and V = Qᴴ Y."""
    q, r = items(out)
    to_q, to_r = (part * 0 if given is None else bar(given) for part, given in zip((q, r), g, strict=True))
    m, n = a.shape[-2:]
    k = smaller("qr", a)
    if mode == "complete" and m != n and k == n:
        q, to_q = _without_complement(q, to_q, n)
        r, to_r = (index(x, (..., slice(0, n), slice(None))) for x in (r, to_r))
    if k == n:
        return (bar(_tall_qr_cotangent(q, r, to_q, to_r)),)
    first, rest = (..., slice(0, m)), (..., slice(m, n))
    to_q = to_q + index(a, rest) @ adjoint(index(to_r, rest))
    left = _tall_qr_cotangent(q, index(r, first), to_q, index(to_r, first))
    return (bar(concatenate([left, q @ index(to_r, rest)], axis=-1)),)


@op(
    numpy="np.linalg.qr({a}, {mode})",
    derivative=Custom(_qr_vjp),
    coerce=comparable,
    cases=(
        Case((3, 2)),
        Case(("n", 2)),
        Case((2, 3)),
        Case((2, 2, 2)),
        Case((2, 3, 2)),
        Case((3, 3), mode="complete"),
        Case((0, 0)),
    ),
)
def qr(a: Node, mode: Annotated[str, _mode] = "reduced") -> TensorType:
    """Q with orthonormal columns and an upper triangular R with Q R = A, as `numpy.linalg.qr`.

    The derivative holds for matrices (…, m, n) whose first min(m, n) columns are independent.
    """
    *stack, m, n = a.shape
    k = m if mode == "complete" else smaller("qr", a)
    return TupleType((TensorType((*stack, m, k), a.dtype), TensorType((*stack, k, n), a.dtype)))


# eigh ---------------------------------------------------------------------------------------------------------------


def _uplo(value: Any, nodes: Sequence[Node]) -> str:
    if not isinstance(value, str) or value.upper() not in ("L", "U"):
        fail(ArgumentError, f"eigh: UPLO must be 'L' or 'U', not {value!r}", *nodes)
    return value.upper()


def _eigh_vjp(g: Sequence[Node | None], out: Node, a: Node, UPLO: str) -> Sequence[Node | None]:
    """V (diag w̄ + F∘(Vᴴ V̄)) Vᴴ with F_ij = 1/(w_j - w_i), made Hermitian (Giles 2008)."""
    to_w, to_v = g
    w, v = items(out)
    columns = None if to_w is None else _columns(v, to_w)
    if to_v is not None:
        turned = v @ (_reciprocal(_gaps(w), w) * (adjoint(v) @ bar(to_v)))
        columns = turned if columns is None else columns + turned
    if columns is None:
        return (None,)
    whole = columns @ adjoint(v)
    return (bar(whole if to_v is None else (whole + adjoint(whole)) * 0.5),)


@op(
    numpy="np.linalg.eigh({a}{, UPLO})",
    derivative=Custom(_eigh_vjp),
    coerce=square,
    cases=ONE_BY_ONE,
    domain=POSITIVE,
)
def eigh(a: Node, UPLO: Annotated[str, _uplo] = "L") -> TensorType:
    """Eigenvalues (…, n), ascending, and eigenvectors (columns) of Hermitian matrices, as `numpy.linalg.eigh`.

    Equal eigenvalues have the gradients that the module's text describes.
    """
    return TupleType((TensorType(a.shape[:-1], part_dtype(a.dtype)), a.type))


# svd ----------------------------------------------------------------------------------------------------------------


def _turn(basis: Node, cotangent: Node) -> Node:
    """Bᴴ B̄ - B̄ᴴ B: the cotangent of a rotation of the basis."""
    product = adjoint(basis) @ cotangent
    return product - adjoint(product)


def _rotations(s: Node, x: Node | None, y: Node | None) -> Node | None:
    """½ (D∘(X + Y) + S∘(X - Y)), D_ij = 1/(s_j - s_i), S_ij = 1/(s_j + s_i); X and Y are the turns of U and V.

    The usual form (Townsend 2016) has s_j/(s_j² - s_i²) = ½ (S + D) on X and s_i/(s_j² - s_i²) = ½ (D - S) on Y. Split
    so, the part with S is exact where s_i = s_j, too: a loss that does not see U and V turned together has X + Y = 0
    there. Complex matrices need the diagonal of S∘(X - Y) for the phases (Wan and Zhang 2019).
    """
    if x is not None and y is not None:
        together, apart = x + y, x - y
    elif x is not None:
        together, apart = x, x
    elif y is not None:
        together, apart = y, -y
    else:
        return None
    sums = expand_dims(s, -2) + expand_dims(s, -1)
    return (_reciprocal(_gaps(s), s) * together + _reciprocal(sums, s) * apart) * 0.5


def _outside(basis: Node, x: Node) -> Node:
    """The part of ``x`` that is orthogonal to the basis."""
    return x - basis @ (adjoint(basis) @ x)


def _leading(basis: Node, cotangent: Node | None, k: Size) -> tuple[Node, Node | None]:
    """As `_without_complement`, of a basis that may be complete and may have no cotangent."""
    if basis.shape[-1] == k:
        return basis, cotangent
    if cotangent is None:
        return index(basis, (..., slice(0, k))), None
    return _without_complement(basis, cotangent, k)


def _svd_vjp(g: Sequence[Node | None], out: Node, a: Node, full_matrices: bool) -> Sequence[Node | None]:
    """U (rotations + diag s̄) Vᴴ + (1 - U Uᴴ) Ū S⁻¹ Vᴴ + U S⁻¹ V̄ᴴ (1 - V Vᴴ)."""
    u, s, vh = items(out)
    v, (m, n) = adjoint(vh), a.shape[-2:]
    to_u, to_s = (None if part is None else bar(part) for part in g[:2])
    to_v = None if g[2] is None else matrix_transpose(g[2])
    if full_matrices and m != n:
        u, to_u = _leading(u, to_u, s.shape[-1])
        v, to_v = _leading(v, to_v, s.shape[-1])
        vh = adjoint(v)
    middle = _rotations(s, None if to_u is None else _turn(u, to_u), None if to_v is None else _turn(v, to_v))
    columns = None if middle is None else u @ middle
    if to_s is not None:
        columns = _columns(u, to_s) if columns is None else columns + _columns(u, to_s)
    if columns is None:
        return (None,)
    inverse = _reciprocal(s, s)
    if to_u is not None and m != s.shape[-1]:
        columns = columns + _columns(_outside(u, to_u), inverse)
    whole = columns @ vh
    if to_v is not None and n != s.shape[-1]:
        whole = whole + _columns(u, inverse) @ adjoint(_outside(v, to_v))
    return (bar(whole),)


@op(
    numpy="np.linalg.svd({a}, full_matrices={full_matrices})",
    derivative=Custom(_svd_vjp),
    coerce=comparable,
    cases=(
        *(Case(shape, full_matrices=False) for shape in ((3, 2), (2, 3), (3, 3), (2, 2, 2), (2, 3, 1))),
        Case((3, 3)),
        Case((0, 0)),
        Case(("n", 1, 1)),
    ),
    domain=POSITIVE,
)
def svd(a: Node, full_matrices: Flag = True) -> TensorType:
    """U, the singular values S in descending order, and Vᴴ with U diag(S) Vᴴ = A, as `numpy.linalg.svd`.

    Equal singular values, and those that are 0, have the gradients that the module's text describes.
    """
    *stack, m, n = a.shape
    k = smaller("svd", a)
    rows, columns = (m, n) if full_matrices else (k, k)
    u, vh = TensorType((*stack, m, rows), a.dtype), TensorType((*stack, columns, n), a.dtype)
    return TupleType((u, TensorType((*stack, k), part_dtype(a.dtype)), vh))


# eig ----------------------------------------------------------------------------------------------------------------


def _eig_vjp(g: Sequence[Node | None], out: Node, a: Node) -> Sequence[Node | None]:
    """V⁻ᴴ (diag w̄ + F̄∘(Vᴴ V̄ - Vᴴ V diag Re Vᴴ V̄)) Vᴴ with F_ij = 1/(w_j - w_i), for eigenvectors of length 1."""
    to_w, to_v = (None if part is None else conj(part) for part in g)
    w, v = items(out)
    one = eye(a.shape[-1], dtype=w.dtype)
    middle = None if to_w is None else one * expand_dims(to_w, -2)
    if to_v is not None:
        product = adjoint(v) @ to_v
        lengths = cast(real(sum(conj(v) * to_v, axis=-2)), w.dtype)
        turned = _reciprocal(conj(_gaps(w)), w) * (product - _columns(adjoint(v) @ v, lengths))
        middle = turned if middle is None else middle + turned
    if middle is None:
        return (None,)
    return (cast(conj(solve(adjoint(v), middle @ adjoint(v))), a.dtype),)


@op(
    numpy="eig({a})",
    derivative=Custom(_eig_vjp),
    coerce=square,
    cases=(Case(np.array([[4.2, 1.1, 0.5], [0.9, 3.3, 0.3], [0.4, 0.2, 1.1]])), Case((0, 0)), Case(("n", 1, 1))),
    helpers=(helpers.eig,),
)
def eig(a: Node) -> TensorType:
    """Eigenvalues (…, n) and eigenvectors (columns, of length 1) of any square matrix, as `numpy.linalg.eig`.

    Always complex: whether those of a real matrix are real is known in the run only. The derivative is that of
    eigenvectors whose phase does not matter; a matrix that is not diagonalizable has none.
    """
    dtype = np.result_type(a.dtype, np.complex64)
    return TupleType((TensorType(a.shape[:-1], dtype), TensorType(a.shape, dtype)))


OPS = (cholesky, qr, eigh, svd, eig)
