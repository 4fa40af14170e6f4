"""Named sizes: how they are learned from the shapes of the arrays of a call, and what must then hold."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from graphad.errors import GraphError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Dim, Size, evaluate, names, solve_for_name
from graphad.ir.graph import Graph
from graphad.ops.index import assumptions


def sources(graph: Graph) -> dict[str, tuple[Node, int]]:
    """For each named size the input and axis to learn it from; an axis that is exactly the name comes first.

    Raises GraphError for a size that occurs only inside expressions of several names.
    """
    found: dict[str, tuple[Node, int]] = {}
    spots = [(x, k, s) for x in graph.inputs for k, s in enumerate(x.shape) if isinstance(s, Dim)]
    for x, k, size in spots:
        (first, *more) = names(size)
        if not more and size == Dim(first):
            found.setdefault(first, (x, k))
    for x, k, size in spots:
        (first, *more) = names(size)
        if not more and solve_for_name(size, evaluate(size, {first: 1})):  # linear in the one name
            found.setdefault(first, (x, k))
    for name in graph.sizes:
        if name not in found:
            hint = f'give an input an axis of size "{name}"'
            raise GraphError(f"the named size {name} cannot be learned from the inputs", hint=hint)
    return found


def solve(graph: Graph, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The value of every named size for the shapes of the inputs. Raises ShapeError naming input and both shapes."""
    given = dict(zip(graph.inputs, shapes, strict=True))
    for x, shape in given.items():
        if len(shape) != x.ndim:
            _mismatch(x, shape)
    sizes: dict[str, int] = {}
    for name, (x, axis) in sources(graph).items():
        solved = solve_for_name(x.shape[axis], given[x][axis])
        if solved is None:
            _mismatch(x, given[x])
        sizes[name] = solved[1]
    for x, shape in given.items():
        if tuple(evaluate(s, sizes) for s in x.shape) != shape:
            _mismatch(x, shape, sizes)
    _check_slices(graph, sizes)
    return sizes


def _mismatch(x: Node, shape: tuple[int, ...], sizes: Mapping[str, int] | None = None) -> NoReturn:
    known = ", ".join(f"{k} = {v}" for k, v in (sizes or {}).items() if any(k in names(s) for s in x.shape))
    hint = f"the other inputs say {known}" if known else ""
    fail(ShapeError, f"input {label(x)} has shape {list(shape)}, declared {x.type}", x, hint=hint)


def _check_slices(graph: Graph, sizes: Mapping[str, int]) -> None:
    """Slices of named sizes were assumed to lie within them."""
    for node in graph.nodes:
        for size, item, length in assumptions(node):
            n = evaluate(size, sizes)
            start, stop = (None if v is None else evaluate(v, sizes) for v in (item.start, item.stop))
            if len(range(*slice(start, stop, item.step).indices(n))) != evaluate(length, sizes):
                fail(ShapeError, f"the slice {_slice(item)} does not fit an axis of size {size} = {n}", node)


def _slice(item: tuple[Size | None, Size | None, int | None]) -> str:
    start, stop, step = ("" if v is None else str(v) for v in item)
    return f"{start}:{stop}" + (f":{step}" if step else "")
