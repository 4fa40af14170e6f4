"""What happens around a call: arguments become arrays as declared, or an error in the user's words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError
from graphad.ir.core import Node, describe
from graphad.ir.graph import Graph
from graphad.lower.sizes import solve

Array = np.ndarray[Any, Any]


class Arguments:
    """Checks the arguments of a function; shapes that were seen before cost a look-up."""

    def __init__(self, graph: Graph, name: str, targets: Sequence[Node]) -> None:
        self._graph, self._name = graph, name
        self._inputs = [(x, x.dtype, x in set(targets)) for x in graph.inputs]
        self._names = [x.name or f"x{k}" for k, x in enumerate(graph.inputs)]
        self._seen: set[tuple[tuple[int, ...], ...]] = set()

    def arrays(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Array]:
        """The arrays of a call. Raises ArgumentError, DTypeError, ShapeError, each naming the input."""
        if kwargs or len(args) != len(self._inputs):
            args = self._ordered(args, kwargs)
        arrays = [
            value
            if type(value) is np.ndarray and value.dtype == dtype and (not is_target or value.flags.writeable)
            else _converted(x, value, is_target)
            for (x, dtype, is_target), value in zip(self._inputs, args, strict=True)
        ]
        shapes = tuple([a.shape for a in arrays])
        if shapes not in self._seen:
            solve(self._graph, shapes)
            self._seen.add(shapes)
        return arrays

    def _ordered(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        signature = f"{self._name}({', '.join(self._names)})"
        if len(args) > len(self._names):
            raise ArgumentError(f"{self._name} takes {len(self._names)} inputs, {len(args)} were given", hint=signature)
        given = dict(zip(self._names, args, strict=False))
        for key, value in kwargs.items():
            if key not in self._names:
                raise ArgumentError(f"{self._name} has no input named {key!r}", hint=signature)
            if key in given:
                raise ArgumentError(f"input {key!r} was given twice, by position and by name", hint=signature)
            given[key] = value
        missing = [n for n in self._names if n not in given]
        if missing:
            where = [describe(x) for x in self._graph.inputs if x.name in missing]
            raise ArgumentError(f"{self._name}: missing input: {', '.join(missing)}", where=where, hint=signature)
        return tuple(given[n] for n in self._names)


def _converted(x: Node, value: Any, is_target: bool) -> Array:
    """A value as an array of the declared dtype: numbers and lists are converted, arrays only where nothing is lost."""
    if isinstance(value, Node):
        raise ArgumentError(f"input {x.name!r} got a node, not an array", where=[describe(value)])
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise ArgumentError(f"input {x.name!r} is not an array: {problem}", where=[describe(x)]) from problem
    if is_target and (not isinstance(value, np.ndarray) or array.dtype != x.dtype or not array.flags.writeable):
        what = f"input {x.name!r} is updated in place and must be a writable {x.dtype} array"
        raise DTypeError(what, where=[describe(x)], hint=f"got {type(value).__name__} of dtype {array.dtype}")
    weak = not isinstance(value, (np.ndarray, np.generic)) and _same_kind(array, x)
    if array.dtype != x.dtype and not weak and not np.can_cast(array.dtype, x.dtype, "safe"):
        hint = f"convert it: {x.name}.astype({str(x.dtype)!r})"
        raise DTypeError(
            f"input {x.name!r} has dtype {array.dtype}, declared {x.dtype}", where=[describe(x)], hint=hint
        )
    return array.astype(x.dtype, copy=False)


def _same_kind(array: Array, x: Node) -> bool:
    """Whether Python numbers of this kind may stand for the declared dtype: ints for floats, not floats for ints."""
    return (array.dtype.kind in "biufc" and bool(np.can_cast(array.dtype, x.dtype, "same_kind"))) or array.size == 0


def as_arrays(result: Any) -> Any:
    """Results with NumPy scalars made 0-d arrays, in the same structure."""
    if isinstance(result, tuple):
        return tuple([as_arrays(r) for r in result])
    if isinstance(result, dict):
        return {k: as_arrays(v) for k, v in result.items()}
    return result if isinstance(result, np.ndarray) else np.asarray(result)
