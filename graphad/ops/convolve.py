"""Convolution of two vectors; n-dimensional convolutions of neural networks are in `conv.py`."""

from collections.abc import Sequence
from typing import Annotated, Any

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Multilinear, Node, Op, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.types import TensorType
from graphad.ops.fit import promoting
from graphad.ops.index import flip, place
from graphad.ops.indexing import Slice


def _mode(value: Any, nodes: Sequence[Node]) -> str:
    if value not in ("full", "same", "valid"):
        fail(ArgumentError, f"convolve: mode must be 'full', 'same' or 'valid', not {value!r}", *nodes)
    return str(value)


def _vectors(op: Op, operands: Sequence[Any]) -> list[Node]:
    nodes = promoting(op, operands)
    for x in nodes:
        if x.ndim > 1 or 0 in x.shape:
            fail(ShapeError, f"convolve: {label(x)} must be a vector that is not empty", x)
    return [x.reshape(1) if not x.ndim else x for x in nodes]


def _convolve_transpose(g: Node, a: Node, v: Node, mode: str) -> Sequence[Node]:
    """The cotangent, put back into the full convolution, slides over the other operand turned around."""
    m, n = a.shape[0], v.shape[0]
    if mode != "full":
        start = _start(m, n, g.shape[0])
        g = place(g, (Slice(start, start + g.shape[0]),), (m + n - 1,))
    return convolve(g, flip(v), "valid"), convolve(g, flip(a), "valid")


def _start(m: Size, n: Size, length: Size) -> Size:
    """Where in the full convolution the elements of a shorter mode begin."""
    return (m + n - 1 - length) // 2


@op(
    numpy="np.convolve({a}, {v}{, mode})",
    derivative=Multilinear(_convolve_transpose),
    coerce=_vectors,
    cases=(
        Case((5,), (3,)),
        Case((3,), (5,)),
        Case((5,), (2,), mode="same"),
        Case((4,), (6,), mode="same"),
        Case((6,), (3,), mode="valid"),
        Case((2,), (5,), mode="valid"),
        Case(("n",), (3,)),
    ),
)
def convolve(a: Node, v: Node, mode: Annotated[str, _mode] = "full") -> TensorType:
    """Σ a[m]·v[n - m], as `numpy.convolve`: "full", or its middle part: "same" size as the longer one, or "valid".

    Raises ShapeError for an empty vector, or when named sizes leave open which of the two is longer.
    """
    m, n = a.shape[0], v.shape[0]
    if mode == "full":
        return TensorType((m + n - 1,), a.dtype)
    if isinstance(m, int) and isinstance(n, int):
        return TensorType((max(m, n) if mode == "same" else abs(m - n) + 1,), a.dtype)
    if m == n or isinstance(n, int):
        return TensorType((m if mode == "same" else m - n + 1,), a.dtype)
    rest = m - n  # g of a full convolution of named sizes: its length m = (n + k) - 1 is larger by a known number
    if mode == "valid" and not isinstance(rest, int):
        return TensorType((m - n + 1,), a.dtype)
    if isinstance(rest, int) and rest >= 0:
        return TensorType((m if mode == "same" else rest + 1,), a.dtype)
    fail(ShapeError, f"convolve: of the sizes {m} and {n} it is not known which is larger", a, v)


OPS = (convolve,)
