"""Eigenvalues and singular values alone, which cost a fraction of the whole factorization. Read `decompositions.py`.

Lowering takes them where nobody uses the vectors (`passes/factorizations.py`); before that, graphs have `eigh` and
`svd`, whose vectors the derivative needs.
"""

from collections.abc import Sequence
from typing import Annotated

from graphad.ir.core import Case, Custom, Node, op
from graphad.ir.types import TensorType
from graphad.ops.casts import part_dtype
from graphad.ops.decompositions import ONE_BY_ONE, _uplo, eigh, smaller, svd
from graphad.ops.fit import expand_dims
from graphad.ops.linalg import POSITIVE, adjoint, bar, matrix, square
from graphad.ops.tuples import items


def _eigenvalues_vjp(g: Node, out: Node, a: Node, UPLO: str) -> Sequence[Node]:
    """V (diag w̄) Vᴴ."""
    v = items(eigh(a, UPLO))[1]
    return (bar((v * expand_dims(g, -2)) @ adjoint(v)),)


@op(
    numpy="np.linalg.eigvalsh({a}{, UPLO})",
    derivative=Custom(_eigenvalues_vjp),
    coerce=square,
    cases=ONE_BY_ONE,
    traits=("symmetric",),
    domain=POSITIVE,
)
def eigvalsh(a: Node, UPLO: Annotated[str, _uplo] = "L") -> TensorType:
    """The eigenvalues (…, n) of Hermitian matrices, ascending, as `numpy.linalg.eigvalsh`."""
    return TensorType(a.shape[:-1], part_dtype(a.dtype))


def _singular_values_vjp(g: Node, out: Node, a: Node) -> Sequence[Node]:
    """U (diag s̄) Vᴴ."""
    u, _, vh = items(svd(a, full_matrices=False))
    return (bar((u * expand_dims(g, -2)) @ vh),)


@op(
    numpy="np.linalg.svd({a}, compute_uv=False)",
    derivative=Custom(_singular_values_vjp),
    coerce=matrix,
    cases=(*(Case(shape) for shape in ((3, 2), (2, 3), (3, 3), (2, 2, 2), (0, 0))), Case(("n", 1, 1))),
    domain=POSITIVE,
)
def svdvals(a: Node) -> TensorType:
    """The singular values in descending order, as `numpy.linalg.svdvals`."""
    return TensorType((*a.shape[:-2], smaller("svdvals", a)), part_dtype(a.dtype))


OPS = (eigvalsh, svdvals)
