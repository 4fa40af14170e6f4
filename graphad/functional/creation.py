"""Making arrays, and asking what an array is: asarray, linspace, tri, isclose, result_type."""

import builtins
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.functional.layout import broadcast_arrays, side_by_side
from graphad.functional.reductions import all
from graphad.ir.core import Node, fail
from graphad.ir.dims import Dim, Size
from graphad.ir.origin import composite
from graphad.ir.types import DType, Shape, as_dtype
from graphad.ops.casts import astype, cast
from graphad.ops.elementwise import exp, log, power
from graphad.ops.fit import full, full_like, zeros
from graphad.ops.index import stack
from graphad.ops.kinks import absolute
from graphad.ops.leaves import arange, as_node, constant, eye
from graphad.ops.piecewise import isfinite, isnan


@composite
def asarray(a: Any, dtype: Any = None, *, copy: bool | None = None) -> Node:
    """A node for a number, an array, a node, or nested lists in which nodes may occur. Raises ShapeError."""
    node = _joined(a)
    node = node if isinstance(node, Node) else as_node(np.asarray(node) if isinstance(node, (list, tuple)) else node)
    return node if dtype is None else astype(node, as_dtype(dtype))


def _joined(value: Any) -> Any:
    """Nested lists that hold a node, joined to one node; anything else as it is."""
    if not isinstance(value, (list, tuple)):
        return value
    parts = [_joined(v) for v in value]
    return stack([as_node(p) for p in parts]) if builtins.any(isinstance(p, (Node, Dim)) for p in parts) else value


def copy(a: Any) -> Node:
    """The node itself: nodes never change."""
    return as_node(a)


@composite
def linspace(
    start: Any, stop: Any, num: Size = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None
) -> Any:
    """``num`` evenly spaced values from ``start`` to ``stop``, along a new first axis, as `numpy.linspace`.

    The ends may be nodes and are differentiable; ``num`` may be a named size. ``retstep`` gives the spacing as well.
    """
    if not isinstance(num, Dim) and not builtins.any(isinstance(v, (Node, Dim)) for v in (start, stop)):
        values, step = np.linspace(start, stop, num, endpoint, retstep=True, dtype=dtype)
        return (constant(values), as_node(step)) if retstep else constant(values)
    first, last = _ends(start, stop)
    share = cast(arange(num), first.dtype) / cast(as_node(num - 1 if endpoint else num), first.dtype)
    share = share.reshape((num, *(1,) * first.ndim))
    values = full((num, *first.shape), first) if num == 1 else first * (1 - share) + last * share
    out = values if dtype is None else astype(values, as_dtype(dtype))
    return (out, (last - first) / (num - 1 if endpoint else num)) if retstep else out


def _ends(start: Any, stop: Any) -> list[Node]:
    """Both ends in one shape and one dtype, which is not an integer one."""
    nodes = broadcast_arrays(*side_by_side(start, stop))
    dtype = np.result_type(*(x.dtype for x in nodes))
    return [cast(x, dtype if dtype.kind in "fc" else np.dtype("float64")) for x in nodes]


@composite
def logspace(start: Any, stop: Any, num: Size = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None) -> Node:
    """``base`` to the power of `linspace`."""
    values = power(base, linspace(start, stop, num, endpoint))
    return values if dtype is None else astype(values, as_dtype(dtype))


@composite
def geomspace(start: Any, stop: Any, num: Size = 50, endpoint: bool = True, dtype: Any = None) -> Node:
    """``num`` values from ``start`` to ``stop``, both positive, each a constant multiple of the one before."""
    first, last = _ends(start, stop)
    values = exp(linspace(log(first), log(last), num, endpoint))
    return values if dtype is None else astype(values, as_dtype(dtype))


@composite
def tri(N: Size, M: Size | None = None, k: int = 0, dtype: Any = "float64") -> Node:
    """Ones on and below the k-th diagonal of an N by M matrix, zeros elsewhere."""
    rows, columns = arange(N).reshape((N, 1)), arange(N if M is None else M)
    return astype(rows + k >= columns, as_dtype(dtype))


def identity(n: Size, dtype: Any = "float64") -> Node:
    """The n by n identity matrix."""
    return eye(n, dtype=dtype)


def empty(shape: Any, dtype: Any = "float64") -> Node:
    """An array of zeros: nothing here is left to chance."""
    return zeros(shape, dtype)


def empty_like(prototype: Any, dtype: Any = None) -> Node:
    """Zeros of the shape and dtype of ``prototype``."""
    return full_like(prototype, 0, dtype)


# Questions ----------------------------------------------------------------------------------------------------------


@composite
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Node:
    """Whether |a - b| <= atol + rtol·|b|, element by element, as `numpy.isclose`."""
    x, y = as_node(a), as_node(b)
    close = (isfinite(y) & (absolute(x - y) <= atol + rtol * absolute(y))) | (x == y)
    return close | (isnan(x) & isnan(y)) if equal_nan else close


@composite
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Node:
    """Whether all elements are close, as a boolean node."""
    return all(isclose(a, b, rtol, atol, equal_nan))


@composite
def array_equal(a1: Any, a2: Any) -> Node:
    """Whether both have the same shape and the same elements, as a boolean node."""
    x, y = as_node(a1), as_node(a2)
    return all(x == y) if x.shape == y.shape else as_node(False)


def shape(a: Any) -> Shape:
    """The sizes of the axes."""
    return as_node(a).shape


def ndim(a: Any) -> int:
    """The number of axes."""
    return as_node(a).ndim


def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex."""
    return as_node(x).dtype.kind == "c"


def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex."""
    return not iscomplexobj(x)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that operands of these types have together, as `numpy.result_type`; Python numbers are weak."""
    plain = [v.dtype if isinstance(v, Node) else v for v in arrays_and_dtypes]
    if not plain:
        fail(ArgumentError, "result_type: at least one array or dtype is needed")
    return np.result_type(*plain)
