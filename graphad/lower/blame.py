"""check_nan="blame": when a result holds nan or inf, run again node by node and name the value where it began.

One bad element is traced from an output back to its source. At each node the bad elements of the inputs are exchanged
for harmless ones: where the result stays bad, the node itself made it; else a search by halves finds an element of an
input that carries it. So a masked branch, or an infinity that later becomes zero, is never followed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np

from graphad.errors import NonFiniteError
from graphad.form.evaluate import Array, evaluate_node
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin
from graphad.lower.interpret import interpret_all
from graphad.lower.sizes import solve

FILLERS = ((1.0, 0.0), (0.4, 0.5), (1.2, 0.7))  # harmless values: lowest, and how far above it they lie


class Spot(NamedTuple):
    """One element of one value: of which result of the node (0 unless it has several), at which flat place."""

    node: Node
    part: int
    place: int


@dataclass(frozen=True)
class Saved:
    """What a call started from: a second run sees the same values and draws the same numbers."""

    arrays: Sequence[Array]
    draws: np.random.BitGenerator | None

    def generator(self) -> np.random.Generator | None:
        """A generator in the state that the caller's was in."""
        return None if self.draws is None else np.random.Generator(self.draws)


class Blame:
    """Checks the results of a function and names the source of the first bad one."""

    def __init__(self, declared: Graph, graph: Graph, targets: Sequence[Node]) -> None:
        self.declared, self.graph = declared, graph
        self._targets = [k for k, x in enumerate(graph.inputs) if x in set(targets)]

    def save(self, arrays: Sequence[Array], rng: np.random.Generator | None) -> Saved:
        """Keep what the call will change: inputs that are updated in place, and the state of the generator."""
        kept = [a.copy() if k in self._targets else a for k, a in enumerate(arrays[: len(self.graph.inputs)])]
        if rng is None:
            return Saved(kept, None)
        draws = type(rng.bit_generator)(0)
        draws.state = rng.bit_generator.state
        return Saved(kept, draws)

    def check(self, result: Any, arrays: Sequence[Array], saved: Saved) -> None:
        """Raise NonFiniteError when a result or an updated input holds nan or inf; updates are then taken back."""
        if all(map(_is_finite, _leaves(result))) and all(_is_finite(arrays[k]) for k in self._targets):
            return
        for k in self._targets:
            arrays[k][...] = saved.arrays[k]
        with np.errstate(all="ignore"):
            self._name(saved)

    def _name(self, saved: Saved) -> NoReturn:
        sizes = solve(self.graph, [a.shape for a in saved.arrays])
        values: Mapping[Node, Any] = interpret_all(self.graph, saved.arrays, saved.generator())
        results = set(self.graph.outputs)
        output = next((n for n in self.graph.nodes if n in results and not _is_finite(values[n])), None)
        if output is None:
            raise NonFiniteError("a result holds nan or inf, but not in a second run of the same call")
        spot = _culprit(_trace(_first_bad(output, values), values, sizes, self.graph), values)
        written = self.declared.outputs[next(k for k, y in enumerate(self.graph.outputs) if y is output)]
        as_written = self._as_written(spot.node, written, saved, sizes)
        if as_written is not None:
            spot, values = as_written
        raise _error(output, spot, values, self.declared, self.graph)

    def _as_written(
        self, node: Node, output: Node, saved: Saved, sizes: Mapping[str, int]
    ) -> tuple[Spot, Mapping[Node, Any]] | None:
        """The source in the graph that the user declared, where a rewrite made the node and that is the same op.

        A constant that a pass computed is looked up, too. Other rewritten nodes compute something else than the user's
        nodes do, which may well overflow elsewhere.
        """
        if self.graph.is_input(node) or any(n.op is node.op and n.origin is node.origin for n in self.declared.nodes):
            return None
        values = interpret_all(self.declared, saved.arrays, saved.generator())
        if _is_finite(values[output]):
            return None
        spot = _culprit(_trace(_first_bad(output, values), values, sizes, self.declared), values)
        return (spot, values) if spot.node.op is node.op or "constant" in node.op.traits else None


def _leaves(result: Any) -> Iterator[Array]:
    if isinstance(result, (tuple, dict)):
        for r in result.values() if isinstance(result, dict) else result:
            yield from _leaves(r)
    else:
        yield result


def _parts(value: Any) -> tuple[Array, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_finite(value: Any) -> bool:
    return all(a.dtype.kind not in "fc" or bool(np.isfinite(a).all()) for a in _parts(value))


def _bad(array: Array) -> Array:
    """The flat indices of nan and inf."""
    return np.flatnonzero(~np.isfinite(array)) if array.dtype.kind in "fc" else np.zeros(0, np.intp)


def _first_bad(node: Node, values: Mapping[Node, Any]) -> Spot:
    return next(Spot(node, k, int(_bad(a)[0])) for k, a in enumerate(_parts(values[node])) if _bad(a).size)


def _trace(spot: Spot, values: Mapping[Node, Any], sizes: Mapping[str, int], graph: Graph) -> list[Spot]:
    """From a bad element to where it began, each a reason of the one before."""
    path = [spot]
    while not graph.is_input(path[-1].node) and (carrier := _carrier(path[-1], values, sizes)) is not None:
        path.append(carrier)
    return path


def _carrier(spot: Spot, values: Mapping[Node, Any], sizes: Mapping[str, int]) -> Spot | None:
    """A bad element of an input without which this element would not be bad; None where the node itself made it."""
    node = spot.node
    spots = [(x, k, _bad(a)) for x in dict.fromkeys(node.inputs) for k, a in enumerate(_parts(values[x]))]
    total = sum(len(indices) for _, _, indices in spots)

    def stays(count: int) -> bool:
        """Whether the element is bad when only the first ``count`` bad elements are left, whatever fills the rest."""
        return all(_is_bad(spot, _filled(spots, count, values, filler), values, sizes) for filler in FILLERS)

    if not total or stays(0):
        return None
    low, high = 0, total
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stays(middle) else (middle, high)
    for x, part, indices in spots:
        if low < len(indices):
            return Spot(x, part, int(indices[low]))
        low -= len(indices)
    raise AssertionError("the search stays among the bad elements")


def _filled(
    spots: Sequence[tuple[Node, int, Array]], count: int, values: Mapping[Node, Any], filler: tuple[float, float]
) -> dict[Node, Any]:
    """New values of inputs in which all bad elements but the first ``count`` are harmless."""
    rng = np.random.default_rng(0)
    changed: dict[Node, Any] = {}
    for x, part, indices in spots:
        if len(rest := indices[count:]):
            arrays = list(_parts(changed.get(x, values[x])))
            arrays[part] = arrays[part].copy()
            arrays[part].reshape(-1)[rest] = filler[0] + filler[1] * rng.random(len(rest))
            changed[x] = tuple(arrays) if isinstance(values[x], tuple) else arrays[0]
        count = max(0, count - len(indices))
    return changed


def _is_bad(spot: Spot, changed: Mapping[Node, Any], values: Mapping[Node, Any], sizes: Mapping[str, int]) -> bool:
    """Whether the element is nan or inf on changed inputs; not where the op refuses them."""
    operands = [changed.get(x, values[x]) for x in spot.node.inputs]
    try:
        result = evaluate_node(spot.node, operands, sizes)
    except (ValueError, ArithmeticError):  # LinAlgError is a ValueError
        return False
    return not np.isfinite(_parts(result)[spot.part].reshape(-1)[spot.place])


def _value(spot: Spot, values: Mapping[Node, Any]) -> Any:
    return _parts(values[spot.node])[spot.part].reshape(-1)[spot.place]


def _culprit(path: Sequence[Spot], values: Mapping[Node, Any]) -> Spot:
    """The end of the path; for an infinity that the user wrote, what first made nan of it."""
    last = path[-1]
    if "constant" in last.node.op.traits and not np.isnan(_value(last, values)):
        return next((s for s in reversed(path) if np.isnan(_value(s, values))), last)
    return last


def _written(origin: Origin, declared: Graph) -> Node | None:
    """The node of the user's graph with this origin."""
    return next((n for n in declared.nodes if n.origin is origin), None)


# What is said of it -------------------------------------------------------------------------------------------------


def _error(output: Node, spot: Spot, values: Mapping[Node, Any], declared: Graph, graph: Graph) -> NonFiniteError:
    node, origin = spot.node, spot.node.origin
    kind = "argument" if graph.is_input(node) else "constant" if "constant" in node.op.traits else node.op.name
    shape = _part(spot, values).shape
    where = str([int(i) for i in np.unravel_index(spot.place, shape)]) if shape else ""
    value = f"{_value(spot, values)}"
    if kind in ("argument", "constant"):
        what = f"{label(output)} is not finite: {kind} {node.name or ''}{where} is {value}"
    else:
        named = f"{node.name} = " if node.name else ""
        what = f"{label(output)} is not finite: {named}{kind} gave {value}" + (f" at {where}" if where else "")
    rows: list[tuple[str, ...]] = []
    if origin.location:
        rows.append(("in", origin.source_line() or "?", f"at {origin.location}"))
    served = origin.adjoint_of and _twin(origin.adjoint_of, declared, graph)
    if served:
        rows.append(("backward of", served, f"made by {origin.made_by}"))
    rows.append(("result", _row(_part(spot, values))))
    if not graph.is_input(node):
        rows += [(label(x), _row(a)) for x in dict.fromkeys(node.inputs) for a in _parts(values[x])]
    error = NonFiniteError(what, where=rows)
    error.op, error.file, error.line, error.forward = kind, origin.file, origin.line, served or ""
    return error


def _twin(origin: Origin, *graphs: Graph) -> str:
    """The forward node that a backward node serves, by its name or as it is written."""
    found = [n for g in graphs if (n := _written(origin, g)) is not None]
    return origin.name or origin.expression() or (label(found[0]) if found else origin.location)


def _part(spot: Spot, values: Mapping[Node, Any]) -> Array:
    return _parts(values[spot.node])[spot.part]


def _row(array: Array) -> str:
    """Shape, least and largest finite value, counts of nan and inf."""
    text = f"{array.dtype}{list(array.shape)}"
    if array.dtype.kind not in "fc":
        return text
    finite = array[np.isfinite(array)]
    span = "nothing finite"
    if finite.size:
        size = np.abs(finite) if array.dtype.kind == "c" else finite
        span = f"min {size.min():.4g}, max {size.max():.4g}"
    return f"{text:14s}  {span}, {int(np.isnan(array).sum())} nan, {int(np.isinf(array).sum())} inf"
