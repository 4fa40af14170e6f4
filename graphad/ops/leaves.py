"""Values without inputs: inputs, parameters, constants, sizes, ranges, identity matrices.

`as_node` turns what a user may write for an operand into a node.
"""

import keyword
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError
from graphad.ir.core import Case, Constant, Node, Op, fail, op
from graphad.ir.dims import Dim, Size, parse_size
from graphad.ir.origin import composite, here
from graphad.ir.types import DType, TensorType, as_dtype
from graphad.ops.attributes import DTypeAttr, ShapeAttr


def as_node(value: Any, *like: DType) -> Node:
    """A node for what a user may write as an operand.

    A node stays itself. A Python scalar or a named size becomes a constant of the dtype that NumPy 2 gives it beside
    ``like`` (Python scalars are weak), an array a constant of its own dtype. Raises ArgumentError for anything else.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, Dim):
        return size(value, dtype=np.result_type(*like, 0) if like else np.int64)
    if isinstance(value, (bool, int, float, complex)):
        try:
            return number(np.asarray(value, weak_dtype(value, *like)))
        except OverflowError:
            fail(DTypeError, f"the number {value} does not fit dtype {weak_dtype(value, *like)}")
    if isinstance(value, (np.ndarray, np.generic, list, tuple)):
        if not isinstance(value, (np.ndarray, np.generic)) and any(isinstance(v, Node) for v in value):
            fail(ArgumentError, "a list of nodes is not an array", hint="join nodes with ga.stack or ga.concatenate")
        return constant(value)
    fail(ArgumentError, f"a {type(value).__name__} cannot be an operand", hint="use a node, a number or a NumPy array")


def weak_dtype(value: bool | int | float | complex, *like: DType) -> DType:
    """The dtype of a Python number beside arrays of these dtypes."""
    kind = next(k for k in _KINDS if isinstance(value, k))
    return _weak_dtype(kind.__name__, *like)


_KINDS = (bool, int, float, complex)  # a bool is an int, too: it comes first
_EXAMPLES = {"bool": True, "int": 1, "float": 1.0, "complex": 1j}


@lru_cache(maxsize=1024)
def _weak_dtype(kind: str, *like: DType) -> DType:
    return np.result_type(*like, _EXAMPLES[kind]) if like else np.asarray(_EXAMPLES[kind]).dtype


def number(value: np.ndarray[Any, Any]) -> Node:
    """A scalar constant, as `constant` makes it of an array that nobody else holds."""
    value.flags.writeable = False
    return constant.build((), {"value": value}, here(False))


def unnamed_constant(array: Any) -> Node:
    """A constant that was made on the way to something else, and does not go by its name."""
    return constant.build((), {"value": _array(array, ())}, here(False))


def plain(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Coercion that changes nothing: every operand becomes a node, with its own shape and dtype."""
    return [as_node(x) for x in operands]


def _name(value: Any, nodes: Sequence[Node]) -> str:
    if not isinstance(value, str) or not value.isidentifier() or keyword.iskeyword(value):
        fail(ArgumentError, f"{value!r} cannot be the name of an input", hint="use a Python identifier, such as 'x'")
    return value


def _array(value: Any, nodes: Sequence[Node]) -> np.ndarray[Any, Any]:
    try:
        array = np.array(value)
    except ValueError as problem:
        raise ArgumentError(f"not an array: {problem}") from problem
    array = array.astype(as_dtype(array.dtype), copy=False)
    array.flags.writeable = False
    return array


def _size(value: Any, nodes: Sequence[Node]) -> Size:
    return parse_size(value)


def _scalar(value: Any, nodes: Sequence[Node]) -> Any:
    return value if isinstance(value, (Dim, int, float)) else value.item()


def _offset(value: Any, nodes: Sequence[Node]) -> int:
    try:
        return operator.index(value)
    except TypeError:
        fail(ArgumentError, f"eye: k must be an int, not {type(value).__name__}")


Name = Annotated[str, _name]
Offset = Annotated[int, _offset]
Scalar = Annotated[Size | float, _scalar]


@op(numpy="{name}", derivative=Constant(), coerce=plain, traits=("placeholder",))
def input(name: Name, shape: ShapeAttr = (), dtype: DTypeAttr = np.dtype("float64")) -> TensorType:
    """A value given at the call: data.

    ``name`` is a Python identifier; ``shape`` holds ints and names of sizes, which are learned from the arrays at each
    call; ``dtype`` is any NumPy boolean, integer, floating or complex dtype. Raises ArgumentError, ShapeError,
    DTypeError.
    """
    return TensorType(shape, dtype)


@op(numpy="{name}", derivative=Constant(), coerce=plain, traits=("placeholder", "parameter"))
def parameter(name: Name, shape: ShapeAttr = (), dtype: DTypeAttr = np.dtype("float64")) -> TensorType:
    """A value given at the call that is meant to be learned. Same arguments as `input`; drawings tell the two apart."""
    return TensorType(shape, dtype)


def stand_in(x: Node) -> Node:
    """A placeholder for a node, of its type and origin: what looks at it sees nothing of how ``x`` is made."""
    return input.build((), {"name": "stand_in", "shape": x.shape, "dtype": x.dtype}, x.origin)


@op(numpy="{value}", derivative=Constant(), coerce=plain, traits=("constant",))
def constant(value: Annotated[Any, _array]) -> TensorType:
    """A fixed array, copied when the node is built."""
    return TensorType(value.shape, value.dtype)


@op(numpy="{value}", derivative=Constant(), coerce=plain, traits=("size",))
def size(value: Annotated[Size, _size], dtype: DTypeAttr = np.dtype("int64")) -> TensorType:
    """The number that a named size has at the call, as a scalar: ``size(x.shape[0])``."""
    return TensorType((), dtype)


@op(
    numpy="np.eye({n}, {m}{, k}, dtype={dtype})",
    derivative=Constant(),
    coerce=plain,
    latex=r"\mathbf{{I}}_{{{n} \times {m}}}",
    cases=(Case(n=3, m=3), Case(n=2, m=4, k=1)),
    name="eye",
)
def _eye(
    n: Annotated[Size, _size], m: Annotated[Size, _size], k: Offset = 0, dtype: DTypeAttr = np.dtype("float64")
) -> TensorType:
    """Ones on the k-th diagonal of an n by m matrix, zeros elsewhere."""
    return TensorType((n, m), dtype)


@composite
def eye(n: Size, m: Size | None = None, k: int = 0, dtype: Any = "float64") -> Node:
    """Ones on the k-th diagonal of an n by m matrix, zeros elsewhere; m is n unless given."""
    return _eye(n, n if m is None else m, k, dtype)


def arange_size(start: Size | float, stop: Size | float, step: Size | float) -> Size:
    """The number of elements of ``np.arange(start, stop, step)``: ceil((stop - start) / step), at least 0."""
    if any(isinstance(v, Dim) for v in (start, stop, step)):
        first, last, stride = (v if isinstance(v, Dim) else int(v) for v in (start, stop, step))
        return -(-(last - first) // stride)
    return max(0, int(np.ceil((stop - start) / step)))  # type: ignore[operator,arg-type]  # numbers, no Dim


def _arange_numpy(node: Node) -> str:
    plain_range = (node.attrs["start"], node.attrs["step"]) == (0, 1) and node.dtype == np.int64
    return "np.arange({stop})" if plain_range else "np.arange({start}, {stop}, {step}, dtype={dtype})"


@op(
    numpy=_arange_numpy,
    derivative=Constant(),
    coerce=plain,
    latex=r"\operatorname{{range}}\left({start}, {stop}, {step}\right)",
    cases=(Case(start=0, stop=5), Case(start=1, stop=8, step=3), Case(start=0.0, stop=1.0, step=0.25, dtype="float64")),
    name="arange",
)
def _arange(start: Scalar, stop: Scalar, step: Scalar = 1, dtype: DTypeAttr = np.dtype("int64")) -> TensorType:
    """Evenly spaced values from start up to, not including, stop."""
    return TensorType((arange_size(start, stop, step),), dtype)


@composite
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Node:
    """Evenly spaced values in [start, stop), as `numpy.arange`; ``stop`` may be a named size. Raises ArgumentError."""
    if stop is None:
        start, stop = 0, start
    if any(isinstance(v, Node) for v in (start, stop, step)):
        fail(ArgumentError, "arange: bounds must be numbers or sizes, not nodes", hint="use x.shape[0] for a size")
    if not isinstance(step, Dim) and step == 0:
        fail(ArgumentError, "arange: step must not be zero")
    floating = any(isinstance(v, (float, np.floating)) for v in (start, stop, step))
    return _arange(start, stop, step, dtype or ("float64" if floating else "int64"))


OPS = (input, parameter, constant, size, _eye, _arange)
