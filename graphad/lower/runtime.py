"""What happens around a call: arguments become arrays as declared, or an error in the user's words.

The same shapes come again and again, so that case is kept short: one pass over the arguments, one look-up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError
from graphad.ir.core import Node, describe
from graphad.ir.graph import Graph
from graphad.ir.types import TupleType
from graphad.lower.program import structure_text
from graphad.lower.sizes import solve

Array = np.ndarray[Any, Any]
Make = Callable[[Mapping[str, int]], Any]

KNOWN = 1024  # tuples of shapes that are remembered
KEPT = 8  # tuples of shapes whose workspaces are kept, and workspaces of each


class Workspaces:
    """Workspaces for one tuple of shapes; each belongs to one call at a time, whatever thread that runs in.

    `take` one, run, `give` it back. They are made when needed, by ``make`` from the values of the named ``sizes``.
    """

    __slots__ = ("_free", "_make", "sizes")

    def __init__(self, sizes: Mapping[str, int], make: Make | None) -> None:
        self.sizes, self._make = sizes, make
        self._free: list[Any] = []  # pop and append are atomic

    def take(self) -> Any:
        """A workspace that nobody else has."""
        try:
            return self._free.pop()
        except IndexError:
            return self._make(self.sizes) if self._make else None

    def give(self, workspace: Any) -> None:
        """Hand a workspace back for later calls."""
        if len(self._free) < KEPT:
            self._free.append(workspace)


class Arguments:
    """Checks the arguments of a function; shapes that were seen before cost a look-up.

    ``make`` builds the workspace of a call from the values of the named sizes, for functions that need one.
    """

    def __init__(self, graph: Graph, name: str, targets: Sequence[Node], make: Make | None = None) -> None:
        self._graph, self._name, self._make = graph, name, make
        self._count = len(graph.inputs)
        written = set(targets)
        self._is_target = [x in written for x in graph.inputs]
        self._names = [x.name or f"x{k}" for k, x in enumerate(graph.inputs)]
        self._seen: dict[tuple[tuple[int, ...], ...], Workspaces] = {}
        self._look = _looker(graph, self._is_target, self._seen)

    def check(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Sequence[Array], Workspaces]:
        """The arrays of a call and the workspaces of their shapes.

        Raises ArgumentError, DTypeError, ShapeError, each naming the input.
        """
        if kwargs or len(args) != self._count:
            args = self._ordered(args, kwargs)
        found = self._look(*args)
        return (args, found) if found is not None else self._convert(args)

    def shortcut(self, run: Callable[..., Any], finished: str) -> Callable[..., Any]:
        """A whole call as a function of the arguments: None unless they are arrays as declared, of shapes seen before.

        ``finished`` is what `finished` makes of the result ``r`` of ``run``. For functions that need no workspace.
        """
        names, tests, shapes, scope = _as_declared(self._graph, self._is_target)
        fixed = {f"s_{x}": node.shape for x, node in zip(names, self._graph.inputs, strict=True)}
        if all(isinstance(size, int) for shape in fixed.values() for size in shape):
            tests += [f"{x}.shape == s_{x}" for x in names]
        else:
            tests += [f"{shapes} in seen"]
        parameters = ", ".join([*(f"{x}=None" for x in names), "*rest"])
        tests = ["not rest", *tests, f"(r := run({', '.join(names)})) is not None"]
        source = f"lambda {parameters}: {finished} if {' and '.join(tests)} else None"
        scope |= {**fixed, "seen": self._seen, "run": run, "asarray": np.asarray}
        call: Callable[..., Any] = eval(source, scope)
        return call

    def _convert(self, args: tuple[Any, ...]) -> tuple[Sequence[Array], Workspaces]:
        """The same for arguments that are no arrays of the declared dtype, and for new shapes."""
        arrays = [_converted(x, v, t) for x, v, t in zip(self._graph.inputs, args, self._is_target, strict=True)]
        shapes = tuple([a.shape for a in arrays])
        found = self._seen.get(shapes)
        if found is None:
            found = Workspaces(solve(self._graph, shapes), self._make)
            if len(self._seen) >= (KEPT if self._make else KNOWN):
                self._seen.clear()  # a call under way hands its workspace to what nobody refers to any more
            self._seen[shapes] = found
        return arrays, found

    def _ordered(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        rest = self._names[len(args) :]
        if len(args) + len(kwargs) == len(self._names) and all(name in kwargs for name in rest):
            return (*args, *(kwargs[name] for name in rest))
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


def _looker(graph: Graph, is_target: Sequence[bool], seen: dict[Any, Workspaces]) -> Callable[..., Workspaces | None]:
    """A function of the arguments: what was ``seen`` for their shapes, None unless all are arrays as declared.

    Every call runs it, so it is made for the graph: ``if type(x0) is ndarray and x0.dtype is d0: return seen((...))``.
    """
    names, tests, shapes, scope = _as_declared(graph, is_target)
    source = f"lambda {', '.join(names)}: seen({shapes}) if {' and '.join(tests) or True} else None"
    look: Callable[..., Workspaces | None] = eval(source, {**scope, "seen": seen.get})
    return look


def _as_declared(graph: Graph, is_target: Sequence[bool]) -> tuple[list[str], list[str], str, dict[str, Any]]:
    """Names of arguments, tests that they are arrays as declared, their shapes, and what these texts refer to."""
    names = [f"x{k}" for k in range(len(graph.inputs))]
    tests = [f"type({x}) is ndarray and {x}.dtype is d_{x}" for x in names]
    tests += [f"{x}.flags.writeable" for x, written in zip(names, is_target, strict=True) if written]
    shapes = f"({''.join(f'{x}.shape, ' for x in names)})"
    dtypes = {
        f"d_{x}": np.dtype(node.dtype.name) for x, node in zip(names, graph.inputs, strict=True)
    }  # as arrays have
    return names, tests, shapes, {"ndarray": np.ndarray, **dtypes}


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
    if array.dtype == x.dtype:
        return array
    if not _fits(value, array, x):
        hint = f"convert it: {x.name}.astype({str(x.dtype)!r})"
        raise DTypeError(
            f"input {x.name!r} has dtype {array.dtype}, declared {x.dtype}", where=[describe(x)], hint=hint
        )
    return array.astype(x.dtype)


def _fits(value: Any, array: Array, x: Node) -> bool:
    """Whether a value of another dtype may be converted: arrays where nothing is lost, and Python numbers of its kind.

    Ints may stand for floats, not floats for ints.
    """
    if np.can_cast(array.dtype, x.dtype, "safe"):
        return True
    weak = not isinstance(value, (np.ndarray, np.generic))
    kinds = array.dtype.kind in "biufc" and bool(np.can_cast(array.dtype, x.dtype, "same_kind"))
    return weak and (kinds or array.size == 0)


def finished(structure: Any, outputs: Sequence[Node]) -> str:
    """An expression in the result ``r`` of generated code: 0-d arrays take the place of NumPy's scalars in it.

    Such as ``(asarray(r[0]), r[1])``: a call has no time to look for them.
    """
    if all(y.ndim for y in outputs):
        return "r"
    texts = dict(_places(structure, "r"))
    for k, y in enumerate(outputs):
        if isinstance(y.type, TupleType):
            texts[k] = f"tuple(map(asarray, {texts[k]}))"
        elif not y.ndim:
            texts[k] = f"asarray({texts[k]})"
    return structure_text(structure, list(texts.values()))


def finisher(text: str) -> Callable[[Any], Any] | None:
    """The function of a result that gives what `finished` says; None where that is the result."""
    finish: Callable[[Any], Any] = eval(f"lambda r: {text}", {"asarray": np.asarray})
    return None if text == "r" else finish


def _places(structure: Any, text: str) -> Iterator[tuple[int, str]]:
    """For each result, by its number, the expression that reads it from the structure ``text``."""
    if isinstance(structure, int):
        yield structure, text
        return
    items = structure.items() if isinstance(structure, dict) else enumerate(structure)
    for key, value in items:
        yield from _places(value, f"{text}[{key!r}]")
