"""The one table of Python operators: dunder -> op, installed on Node."""

from collections.abc import Callable
from typing import Any

from graphad.errors import NodeValueError
from graphad.ir.core import Node, fail, label
from graphad.ir.late import install
from graphad.ops.contract import matmul
from graphad.ops.elementwise import add, divide, floor_divide, multiply, negative, power, remainder, subtract
from graphad.ops.index import At, index
from graphad.ops.kinks import absolute
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


def _reflected(op: Callable[..., Node]) -> Callable[..., Node]:
    return lambda x, y: op(y, x)


def _positive(x: Node) -> Node:
    return x


def _logic(op: Callable[..., Node], symbol: str) -> Callable[..., Node]:
    """``&``, ``|``, ``^`` and ``~`` are logic on booleans; on numbers they would be bitwise and are refused."""

    def apply(*operands: Any) -> Node:
        for x in operands:
            if isinstance(x, Node) and x.dtype != bool:
                fail(
                    NodeValueError, f"{symbol} needs booleans, {label(x)} is {x.dtype}", x, hint="compare first: x > 0"
                )
        return op(*operands)

    return apply


def _iterate(x: Node) -> Any:
    return (index(x, k) for k in range(len(x)))


_BINARY: dict[str, Callable[..., Node]] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "floordiv": floor_divide,
    "mod": remainder,
    "pow": power,
    "matmul": matmul,
    "and": _logic(logical_and, "&"),
    "or": _logic(logical_or, "|"),
    "xor": _logic(logical_xor, "^"),
}

OPERATORS: dict[str, Callable[..., Any]] = {
    **{f"__{name}__": op for name, op in _BINARY.items()},
    **{f"__r{name}__": _reflected(op) for name, op in _BINARY.items()},
    "__neg__": negative,
    "__pos__": _positive,
    "__abs__": absolute,
    "__invert__": _logic(logical_not, "~"),
    "__lt__": less,
    "__le__": less_equal,
    "__gt__": greater,
    "__ge__": greater_equal,
    "__eq__": equal,
    "__ne__": not_equal,
    "__getitem__": index,
    "__iter__": _iterate,
    "at": At,
}

install(**OPERATORS)
