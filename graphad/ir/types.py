"""TensorType: the static shape and dtype of a value, and the arithmetic of both.

Shapes hold ints and named sizes (`Dim`). Two sizes are equal when their canonical forms are; a size 1 stretches to any
other, a named size only to itself. Dtypes promote as in NumPy 2: Python scalars are weak, everything else is strong.
Read `dims.py` first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from graphad.errors import DTypeError
from graphad.ir.dims import Dim, Size, parse_size, product

Shape = tuple[Size, ...]
DType = np.dtype[np.generic]

KINDS = "biufc"  # bool, signed, unsigned, real floating, complex floating
_LETTER = {"i": "i", "u": "u", "f": "f", "c": "c"}


@lru_cache
def numpy_name(dtype: DType) -> str:
    """NumPy's name of a dtype, which it is slow to find."""
    return dtype.name


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape and dtype of a value; prints as ``f64[batch, 10]``.

    >>> TensorType((2, parse_size("n")), np.dtype("float32"))
    f32[2, n]
    """

    shape: Shape
    dtype: DType

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> Size:
        """Number of elements, an int or an expression in named sizes."""
        return _elements(self.shape)

    def __repr__(self) -> str:
        return f"{dtype_name(self.dtype)}{shape_text(self.shape)}"


@lru_cache(maxsize=4096)
def _elements(shape: Shape) -> Size:
    return product(shape)


class TupleType(TensorType):
    """The types of several results of one op. A tuple has no shape and no dtype of its own: it is only taken apart.

    >>> TupleType((TensorType((2,), np.dtype("float64")), TensorType((), np.dtype("int64"))))
    (f64[2], i64[])
    """

    __slots__ = ("items",)
    items: tuple[TensorType, ...]

    def __init__(self, items: Iterable[TensorType]) -> None:
        TensorType.__init__(self, (), np.dtype("V"))
        object.__setattr__(self, "items", tuple(items))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TupleType) and self.items == other.items

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        return f"({', '.join(map(repr, self.items))})"


def dtype_name(dtype: DType) -> str:
    """The short name of a dtype: f64, i32, bool, c128."""
    return "bool" if dtype.kind == "b" else f"{_LETTER[dtype.kind]}{8 * dtype.itemsize}"


def shape_text(shape: Shape) -> str:
    """The text of a shape: ``[batch, 10]``, ``[]`` for a scalar."""
    return "[" + ", ".join(map(str, shape)) + "]"


def as_shape(value: object) -> Shape:
    """A user's shape (int, string, `Dim`, or a sequence of them) as a tuple of sizes.

    Raises ShapeError for a negative size and ArgumentError for anything that is no size.
    """
    if type(value) is tuple and all(type(s) is Dim or (type(s) is int and s >= 0) for s in value):
        return value
    items = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return tuple(map(parse_size, items))


def as_dtype(value: object) -> DType:
    """A user's dtype as a native NumPy dtype. Raises DTypeError for what graphad cannot compute with.

    >>> as_dtype("float32")
    dtype('float32')
    """
    try:
        dtype = np.dtype(value)  # type: ignore[call-overload]
    except TypeError as problem:
        raise DTypeError(
            f"{value!r} is not a dtype", hint='use a NumPy dtype such as "float64" or np.int64'
        ) from problem
    if dtype.kind not in KINDS or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise DTypeError(
            f"dtype {dtype} is not supported",
            hint="use bool, (u)int8 to (u)int64, float16, float32, float64, complex64 or complex128",
        )
    native: DType = dtype if dtype.isnative else dtype.newbyteorder("=")  # NumPy's own object: arrays made with it, too
    return native


def is_differentiable(dtype: DType) -> bool:
    """Whether values of this dtype carry gradients: floating and complex ones do, integers and booleans do not."""
    return dtype.kind in "fc"


def carries_gradient(type: TensorType) -> bool:
    """Whether a value of this type, or one item of a tuple, is differentiable."""
    parts = type.items if isinstance(type, TupleType) else (type,)
    return any(is_differentiable(part.dtype) for part in parts)


def broadcast_pair(a: Size, b: Size) -> Size | None:
    """The common size of two axes, or None when they do not fit."""
    if a == b or b == 1:
        return a
    return b if a == 1 else None


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: Shape) -> Shape | None:
    """NumPy's broadcasting of shapes, or None when two sizes do not fit.

    >>> broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    longest = max(shapes, key=len)
    out = list(longest)
    for shape in shapes:
        if shape == longest:
            continue
        for k, size in enumerate(shape, len(out) - len(shape)):
            common = broadcast_pair(out[k], size)
            if common is None:
                return None
            out[k] = common
    return tuple(out)


def broadcast_axes(source: Shape, target: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of ``target`` that broadcasting ``source`` adds in front, and those it stretches from size 1."""
    lead = len(target) - len(source)
    stretched = tuple(lead + k for k, s in enumerate(source) if s == 1 and target[lead + k] != 1)
    return tuple(range(lead)), stretched


@lru_cache(maxsize=4096)
def promote(*dtypes: DType) -> DType:
    """NumPy 2 promotion of strong dtypes."""
    try:
        return np.result_type(*dtypes)
    except TypeError as problem:
        raise DTypeError(f"dtypes {', '.join(map(str, dtypes))} have no common dtype") from problem


@lru_cache(maxsize=4096)
def ufunc_dtype(ufunc: np.ufunc, *dtypes: DType) -> DType:
    """The result dtype of a NumPy ufunc on the given dtypes. Raises DTypeError when NumPy has no loop for them."""
    try:
        return ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))[len(dtypes)]
    except TypeError as problem:
        names = ", ".join(map(str, dtypes))
        raise DTypeError(f"{ufunc.__name__}: not defined for dtype {names}") from problem
