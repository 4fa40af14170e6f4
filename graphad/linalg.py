"""Linear algebra under NumPy's names, and SciPy's `solve_triangular` and `expm`; all of it takes stacks of matrices.

Factorizations return named tuples, as NumPy's do. At equal eigenvalues or singular values every derivative is finite,
and the gradient is right for a loss of the values alone and of the spaces that belong to different values. Two things
are not known there, and what is missing counts as 0: the second derivative of Σ f(w), and the gradient of V f(w) Vᴴ as
a whole matrix (see `ops/decompositions.py`); a function such as `expm` or `inv` has both. Derivatives pair without
conjugation for complex numbers (see `ops/casts.py`).
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError as LinAlgError

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.norms import matrix_norm as matrix_norm
from graphad.functional.norms import norm as norm
from graphad.functional.norms import vector_norm as vector_norm
from graphad.functional.products import cross as cross
from graphad.functional.products import multi_dot as multi_dot
from graphad.functional.products import vecdot as vecdot
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import product
from graphad.ir.origin import composite
from graphad.ir.types import promote
from graphad.ops import decompositions, determinants, diagonals
from graphad.ops import linalg as ops
from graphad.ops.attributes import as_int, normal_axis
from graphad.ops.casts import as_float, cast, part_dtype
from graphad.ops.contract import matmul as matmul
from graphad.ops.contract import tensordot as tensordot
from graphad.ops.determinants import det as det
from graphad.ops.elementwise import divide
from graphad.ops.fit import expand_dims, squeeze, stretch, sum, zeros
from graphad.ops.index import index
from graphad.ops.kinks import absolute
from graphad.ops.layout import matrix_transpose as matrix_transpose
from graphad.ops.layout import reshape, transpose
from graphad.ops.leaves import as_node, eye
from graphad.ops.linalg import expm as expm
from graphad.ops.linalg import inv as inv
from graphad.ops.linalg import pinv as pinv
from graphad.ops.linalg import solve as solve
from graphad.ops.piecewise import equal, not_equal, where
from graphad.ops.reduce import any as _any
from graphad.ops.tuples import items

__all__ = [
    "EigResult",
    "EighResult",
    "LinAlgError",
    "LstsqResult",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]


def __dir__() -> list[str]:
    return __all__


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Node
    eigenvectors: Node


class EigResult(NamedTuple):
    """Eigenvalues and eigenvectors (columns), both complex."""

    eigenvalues: Node
    eigenvectors: Node


class SVDResult(NamedTuple):
    """U, the singular values in descending order, and V conjugate transposed."""

    U: Node
    S: Node
    Vh: Node


class QRResult(NamedTuple):
    """Q with orthonormal columns, and an upper triangular R."""

    Q: Node
    R: Node


class SlogdetResult(NamedTuple):
    """Sign of the determinant, and the logarithm of its absolute value."""

    sign: Node
    logabsdet: Node


class LstsqResult(NamedTuple):
    """What `lstsq` returns."""

    x: Node
    residuals: Node
    rank: Node
    s: Node


# Factorizations -----------------------------------------------------------------------------------------------------


@composite
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """Eigenvalues and eigenvectors of Hermitian matrices, of which one triangle is read, as `numpy.linalg.eigh`."""
    return EighResult(*items(decompositions.eigh(a, UPLO)))


@composite
def eigvalsh(a: Any, UPLO: str = "L") -> Node:
    """Eigenvalues of Hermitian matrices in ascending order, as `numpy.linalg.eigvalsh`.

    Of Σ f(w), also with equal eigenvalues, the gradient is f'(A); the second derivative needs different eigenvalues.
    """
    return eigh(a, UPLO).eigenvalues


@composite
def eig(a: Any) -> EigResult:
    """Eigenvalues and eigenvectors of square matrices, as `numpy.linalg.eig`, but complex also where all are real."""
    return EigResult(*items(decompositions.eig(a)))


@composite
def eigvals(a: Any) -> Node:
    """Eigenvalues of square matrices, as `numpy.linalg.eigvals`, but complex also where all are real."""
    return eig(a).eigenvalues


@composite
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """The singular value decomposition, as `numpy.linalg.svd`; with ``compute_uv=False`` only the values.

    ``hermitian`` changes nothing: the general method is right for Hermitian matrices, too.
    """
    return SVDResult(*items(decompositions.svd(a, full_matrices))) if compute_uv else svdvals(a)


@composite
def svdvals(x: Any) -> Node:
    """Singular values in descending order, as `numpy.linalg.svdvals`."""
    return items(decompositions.svd(x, full_matrices=False))[1]


@composite
def qr(a: Any, mode: str = "reduced") -> Any:
    """Q and R with Q R = a, as `numpy.linalg.qr`; with ``mode="r"`` only R."""
    factors = QRResult(*items(decompositions.qr(a, "reduced" if mode == "r" else mode)))
    return factors.R if mode == "r" else factors


@composite
def cholesky(a: Any, /, *, upper: bool = False) -> Node:
    """The lower triangular L with L Lᴴ = a, or the upper triangular U with Uᴴ U = a, as `numpy.linalg.cholesky`."""
    return ops.adjoint(decompositions.cholesky(ops.adjoint(as_node(a)))) if upper else decompositions.cholesky(a)


@composite
def slogdet(a: Any) -> SlogdetResult:
    """Sign of the determinants and logarithm of their absolute values, as `numpy.linalg.slogdet`."""
    return SlogdetResult(*items(determinants.slogdet(a)))


# Systems ------------------------------------------------------------------------------------------------------------


@composite
def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Node:
    """The solution x of a·x = b with a triangular a, as `scipy.linalg.solve_triangular`; b is a vector or a matrix.

    ``trans`` 1 or "T" takes the transpose of a, 2 or "C" the conjugate transpose. The other triangle of a is not read
    and has the gradient 0. ``overwrite_b`` and ``check_finite`` have no effect. Raises ArgumentError, ShapeError.
    """
    (matrix,), right = ops.square(ops.solve_triangular, [a]), as_node(b)
    if trans not in (0, 1, 2, "N", "T", "C"):
        fail(ArgumentError, f"solve_triangular: trans must be 0, 1, 2, 'N', 'T' or 'C', not {trans!r}", matrix)
    if trans not in (0, "N"):
        matrix = matrix_transpose(matrix) if trans in (1, "T") else ops.adjoint(matrix)
        lower = not lower
    if right.ndim == 1:
        return squeeze(ops.solve_triangular(matrix, expand_dims(right, 1), lower, unit_diagonal), -1)
    return ops.solve_triangular(matrix, right, lower, unit_diagonal)


@composite
def lstsq(a: Any, b: Any, rcond: float | None = None) -> LstsqResult:
    """The x of least length that minimizes |b - a·x|, residuals, rank and singular values, as `numpy.linalg.lstsq`.

    b is a vector or has one column per system. The residuals Σ |b - a·x|² are empty where a has as many columns as rows
    or more; NumPy's are empty, too, where the rank is lower than the number of columns, which only the run knows.
    """
    dtype = promote(as_float(a).dtype, as_float(b).dtype)
    (matrix,), right = ops.matrix(pinv, [cast(as_node(a), dtype)]), cast(as_node(b), dtype)
    if matrix.ndim != 2 or right.ndim not in (1, 2) or right.shape[0] != matrix.shape[0]:
        fail(
            ShapeError,
            f"lstsq: {label(matrix)} {matrix.type} and {label(right)} {right.type} do not fit",
            matrix,
            right,
        )
    m, n = matrix.shape
    x = matmul(pinv(matrix, rtol=rcond), right)
    columns = right.shape[1:] or (1,)
    real = part_dtype(x.dtype)
    if decompositions.smaller("lstsq", matrix) == n and m != n:
        gap = absolute(right - matmul(matrix, x))
        residuals = reshape(sum(gap * gap, axis=0), columns)
    else:
        residuals = zeros((0,), real)
    rank = cast(matrix_rank(matrix, rtol=rcond), np.dtype("int32"))
    return LstsqResult(x, residuals, rank, svdvals(matrix))


@composite
def tensorinv(a: Any, ind: int = 2) -> Node:
    """The inverse of a as a map from its last axes to its first ``ind``, as `numpy.linalg.tensorinv`."""
    x = as_node(a)
    k = as_int(ind, "tensorinv: ind", x)
    if k <= 0:
        fail(ArgumentError, f"tensorinv: ind must be positive, not {k}", x)
    rows, columns = x.shape[:k], x.shape[k:]
    return reshape(inv(reshape(x, (product(rows), product(columns)))), (*columns, *rows))


@composite
def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Node:
    """The x with tensordot(a, x, x.ndim) = b, as `numpy.linalg.tensorsolve`; ``axes`` of a are moved to its end."""
    x, right = as_node(a), as_node(b)
    if axes is not None:
        last = [normal_axis(k, [x]) for k in axes]
        x = transpose(x, [k for k in range(x.ndim) if k not in last] + last)
    free = x.shape[right.ndim :]
    if product(free) != right.size:
        what = f"tensorsolve: {label(right)} has {right.size} elements, the unknowns {product(free)}"
        fail(ShapeError, what, x, right)
    return reshape(solve(reshape(x, (right.size, right.size)), reshape(right, (-1,))), free)


# Functions of a matrix ----------------------------------------------------------------------------------------------


@composite
def matrix_power(a: Any, n: int) -> Node:
    """The n-th power of square matrices, by repeated squaring; of negative n that of the inverse."""
    x = as_node(a)
    ops.square(inv, [x])
    count = as_int(n, "matrix_power: n", x)
    if count < 0:
        x, count = inv(x), -count
    if count == 0:
        return stretch(eye(x.shape[-1], dtype=x.dtype), x.shape)
    out = None
    while True:
        if count & 1:
            out = x if out is None else matmul(out, x)
        count >>= 1
        if not count:
            assert out is not None
            return out
        x = matmul(x, x)


@composite
def matrix_rank(A: Any, tol: float | None = None, hermitian: bool = False, *, rtol: float | None = None) -> Node:
    """The number of singular values above a cutoff, as `numpy.linalg.matrix_rank`; without a gradient."""
    x = as_node(A)
    if x.ndim < 2:
        return cast(_any(not_equal(x, 0)), np.dtype("int64"))
    return determinants.matrix_rank(x, tol, hermitian, rtol)


@composite
def cond(x: Any, p: Any = None) -> Node:
    """The condition number, as `numpy.linalg.cond`: |A|·|A⁻¹| in the norm p, that of a singular matrix is infinite."""
    (a,) = ops.matrix(pinv, [x])
    if 0 in a.shape[-2:]:
        fail(ShapeError, f"cond: {label(a)} has no elements", a)
    if p is None or p in (2, -2):
        s = svdvals(a)
        first, last = (index(s, (..., k)) for k in ((-1, 0) if p == -2 else (0, -1)))
        none = equal(last, 0)
        return where(none, math.inf, divide(first, where(none, 1, last)))
    singular = equal(slogdet(a).sign, 0)
    regular = where(ops.spread(singular), eye(a.shape[-1], dtype=a.dtype), a)
    return where(singular, math.inf, matrix_norm(regular, ord=p) * matrix_norm(inv(regular), ord=p))


@composite
def diagonal(x: Any, /, *, offset: int = 0) -> Node:
    """The diagonals of matrices, as `numpy.linalg.diagonal`: of the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


@composite
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Node:
    """The sums of the diagonals of matrices, as `numpy.linalg.trace`: of the last two axes."""
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


@composite
def outer(x1: Any, x2: Any, /) -> Node:
    """All products of an element of one vector and one of another, as `numpy.linalg.outer`. Raises ShapeError."""
    x, y = as_node(x1), as_node(x2)
    if x.ndim != 1 or y.ndim != 1:
        fail(ShapeError, f"outer: vectors are needed, not arrays of {x.ndim} and {y.ndim} axes", x, y)
    return expand_dims(x, 1) * y
