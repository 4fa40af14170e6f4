"""The one table of Python operators: dunder -> op, installed on Node."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphad.errors import NodeValueError
from graphad.ir.core import Node, fail, label
from graphad.ir.late import install
from graphad.ops.at import At
from graphad.ops.contract import matmul
from graphad.ops.elementwise import add, divide, floor_divide, multiply, negative, power, remainder, subtract
from graphad.ops.index import index
from graphad.ops.kinks import absolute
from graphad.ops.leaves import size
from graphad.ops.piecewise import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from graphad.ops.steps import bitwise_and, bitwise_or, bitwise_xor, divmod, invert, left_shift, right_shift, round


def _reflected(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: op(y, x)


def _positive(x: Node) -> Node:
    return x


def _bits(logic: Callable[..., Node], bitwise: Callable[..., Node], symbol: str) -> Callable[..., Node]:
    """``&``, ``|``, ``^`` and ``~``: logic on booleans, bitwise on integers; floats have no bits to show."""

    def apply(*operands: Any) -> Node:
        for x in operands:
            if isinstance(x, Node) and x.dtype.kind in "fc":
                what = f"{symbol} needs booleans or integers, {label(x)} is {x.dtype}"
                fail(NodeValueError, what, x, hint="compare first: x > 0")
        dtypes = [x.dtype if isinstance(x, Node) else np.asarray(x).dtype for x in operands]
        return (logic if all(d.kind == "b" for d in dtypes) else bitwise)(*operands)

    return apply


def _iterate(x: Node) -> Any:
    return (index(x, k) for k in range(len(x)))


_BINARY: dict[str, Callable[..., Any]] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "floordiv": floor_divide,
    "mod": remainder,
    "pow": power,
    "matmul": matmul,
    "and": _bits(logical_and, bitwise_and, "&"),
    "or": _bits(logical_or, bitwise_or, "|"),
    "xor": _bits(logical_xor, bitwise_xor, "^"),
    "lshift": left_shift,
    "rshift": right_shift,
    "divmod": divmod,
}

OPERATORS: dict[str, Callable[..., Any]] = {
    **{f"__{name}__": op for name, op in _BINARY.items()},
    **{f"__r{name}__": _reflected(op) for name, op in _BINARY.items()},
    "__neg__": negative,
    "__pos__": _positive,
    "__abs__": absolute,
    "__invert__": _bits(logical_not, invert, "~"),
    "__lt__": less,
    "__le__": less_equal,
    "__gt__": greater,
    "__ge__": greater_equal,
    "__eq__": equal,
    "__ne__": not_equal,
    "__getitem__": index,
    "__iter__": _iterate,
    "__round__": round,
    "at": At,
}

install(**OPERATORS, **{"Dim.node": size})
