"""The source text of numbers, attributes and arrays."""

import math
from collections.abc import Container
from typing import Any

import numpy as np

from graphad.ir.core import Node
from graphad.ir.dims import Dim
from graphad.ir.types import numpy_name

INLINE_ELEMENTS = 8  # arrays up to this size are written as lists


def number(value: Any, point: bool = False) -> str:
    """A number as a Python scalar, shortest text that reads back as the same value of its dtype.

    Integral floats are written without a point unless ``point`` is set: beside a float array NumPy computes with the
    same number.
    """
    scalar = np.asarray(value)[()]
    if scalar.dtype.kind in "biu":
        return str(scalar)
    if scalar.dtype.kind == "c":
        if scalar.imag == 0 and not np.signbit(scalar.imag):
            return number(scalar.real, point)
        return f"complex({number(scalar.real)}, {number(scalar.imag)})"
    real = float(scalar)
    if not math.isfinite(real):
        return "np.nan" if math.isnan(real) else "np.inf" if real > 0 else "-np.inf"
    if real == 0:
        return "-0.0" if math.copysign(1, real) < 0 else "0.0" if point else "0"
    if not point and real.is_integer() and abs(real) < 1e6:
        return str(int(real))
    return str(scalar)


def dtype_text(dtype: np.dtype[Any]) -> str:
    """A dtype as an attribute of NumPy: np.float32, np.bool_."""
    return "np.bool_" if dtype.kind == "b" else f"np.{numpy_name(dtype)}"


def scalar(value: np.ndarray[Any, Any]) -> str:
    """A number that keeps its dtype on its own: np.float32(0.5)."""
    return f"{dtype_text(value.dtype)}({number(value)})"


def array(value: np.ndarray[Any, Any]) -> str:
    """An array as an expression of NumPy alone: a short list, or its bytes in hexadecimal digits."""
    if value.ndim == 0:
        return scalar(value)
    if value.size <= INLINE_ELEMENTS and value.size:
        texts = [number(v) for v in value.ravel()]
        shape = "" if value.ndim == 1 else f".reshape({value.shape})"
        return f"np.array([{', '.join(texts)}], {dtype_text(value.dtype)}){shape}"
    data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False).tobytes().hex()
    return f'np.frombuffer(bytes.fromhex("{data}"), "{value.dtype.newbyteorder("<").str}").reshape({value.shape})'


def attribute(value: Any) -> str:
    """A static attribute of an op."""
    if isinstance(value, np.dtype):
        return dtype_text(value)
    if isinstance(value, tuple):
        items = [attribute(v) for v in value]
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    if isinstance(value, (str, bool)) or value is None:
        return repr(value)
    return str(value) if isinstance(value, (Dim, int)) else number(value)


def attributes(node: Node, wanted: Container[str]) -> dict[str, str | None]:
    """The texts of some of a node's attributes; None for one that has its default value and may be left out."""
    texts: dict[str, str | None] = {}
    for key, value in node.attrs.items():
        default = node.op.defaults[key]
        if key not in wanted or isinstance(value, np.ndarray):
            continue
        if value is None or (type(value) is type(default) and value == default):
            texts[key] = None
        else:
            texts[key] = attribute(
                value[0] if key == "axis" and isinstance(value, tuple) and len(value) == 1 else value
            )
    return texts
