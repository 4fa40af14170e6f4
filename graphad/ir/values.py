"""Attribute values as JSON: what JSON lacks is an object whose first key says its kind.

Exact in both directions: floats and arrays are written in hexadecimal digits, so nan, infinities and -0.0 survive.
`serialize.py` uses this for the attributes of nodes.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from graphad.errors import SerializationError
from graphad.ir.dims import Dim, parse_size
from graphad.ir.types import as_dtype

LARGE = 1024  # elements; a larger array goes to the .npz

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
FetchArray = Callable[[str], Array]


def encode_value(value: Any, arrays: Arrays | None) -> Any:
    """An attribute as JSON; large arrays are put into ``arrays`` unless it is None.

    Raises SerializationError for a value of another kind than attributes have.
    """
    match value:
        case np.ndarray() if arrays is not None and value.size > LARGE:
            key = f"a{len(arrays)}"
            arrays[key] = value
            return {"npz": key, "sha256": _hash(value)}
        case np.ndarray():
            return {"array": _bytes(value).hex(), "dtype": value.dtype.name, "shape": list(value.shape)}
        case np.dtype():
            return {"dtype": value.name}
        case Dim():
            return {"size": str(value)}
        case tuple() if hasattr(value, "_fields"):  # a slice: tuples of attributes have no named fields otherwise
            return {"slice": [encode_value(v, arrays) for v in value]}
        case tuple():
            return {"tuple": [encode_value(v, arrays) for v in value]}
        case float():
            return {"float": value.hex()}
        case None | bool() | int() | str():
            return value
    raise SerializationError(f"an attribute of type {type(value).__name__} cannot be saved")


def decode_value(value: Any, fetch: FetchArray) -> Any:
    """The attribute written as JSON; ``fetch`` gives the arrays that are not in the text.

    Slices are Python's: the op's normalization knows its own form. Raises SerializationError, TypeError, ValueError.
    """
    match value:
        case {"array": data, "dtype": name, "shape": shape}:
            dtype = as_dtype(name)
            return np.frombuffer(bytes.fromhex(data), dtype.newbyteorder("<")).astype(dtype).reshape(shape)
        case {"npz": key, "sha256": expected}:
            array = fetch(key)
            if _hash(array) != expected:
                raise SerializationError(f"the array {key} in the .npz file belongs to another graph")
            return array
        case {"dtype": name}:
            return as_dtype(name)
        case {"size": str(text)}:
            return parse_size(text)
        case {"slice": [_, _, _] as items}:
            return slice(*(decode_value(v, fetch) for v in items))
        case {"tuple": list(items)}:
            return tuple(decode_value(v, fetch) for v in items)
        case {"float": text}:
            return float.fromhex(text)
        case None | bool() | int() | str():
            return value
    raise SerializationError(f"not a value of an attribute: {str(value)[:60]}")


def no_arrays(key: str) -> Array:
    """Where a text stands alone, there are no arrays beside it."""
    raise SerializationError(f"the array {key} is in an .npz file", hint="read the graph from its file with ga.load")


def npz_arrays(path: Path) -> FetchArray:
    """The arrays of an .npz file, which is read when the first is asked for."""

    @cache
    def read() -> Arrays:
        try:
            with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
        except FileNotFoundError as problem:
            hint = "keep the .json and the .npz file in one folder, under the same name"
            raise SerializationError(
                f"{path.name} is missing: it holds the graph's large arrays", hint=hint
            ) from problem
        except Exception as problem:  # whatever NumPy and zipfile raise on a foreign file
            raise SerializationError(f"{path.name} cannot be read: {problem}") from problem

    def fetch(key: str) -> Array:
        if key not in read():
            raise SerializationError(f"{path.name} has no array {key!r}", hint="the file belongs to another graph")
        return read()[key]

    return fetch


def _bytes(value: Array) -> bytes:
    return value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()


def _hash(value: Array) -> str:
    return hashlib.sha256(_bytes(value)).hexdigest()[:16]
