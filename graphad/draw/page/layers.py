"""Numbers on the page: what each card costs, what value it has, how long its lines take.

Costs are formulas where a named size has no number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphad.draw.page.model import Model
from graphad.ir.core import Node
from graphad.ir.dims import Size, evaluate, names
from graphad.lower.budget import known_sizes
from graphad.lower.compile import Function
from graphad.lower.cost import work
from graphad.lower.memory import bytes_of
from graphad.lower.sizes import solve
from graphad.lower.values import run_values, short_value

THUMBNAIL = 400  # elements of an array that is shown as a picture
PICTURES = 60_000  # elements of all pictures


@dataclass
class Numbers:
    """Per card: FLOPs and bytes as numbers (or formulas), the value as text, its size as a number, seconds."""

    sizes: dict[str, int] = field(default_factory=dict)
    flops: list[int | str] = field(default_factory=list)
    bytes: list[int | str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    magnitudes: list[float | None] = field(default_factory=list)
    pictures: dict[int, list[Any]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    total: float = 0.0


def numbers_of(
    model: Model,
    values: Mapping[Any, Any] | None,
    sizes: Mapping[str, int] | None,
    rng: np.random.Generator | None,
) -> Numbers:
    """Costs, and values where the inputs have some. Raises what `run_values` raises, and ArgumentError."""
    found = Numbers(known_sizes(model.graph, sizes))
    known: Mapping[Node, Any] = {}
    if values is not None:
        known = run_values(model.graph, values, rng)
        found.sizes |= solve(model.graph, [np.shape(known[x]) for x in model.graph.inputs])
    for k, node in enumerate(model.nodes):
        found.flops.append(_number(work(node), found.sizes))
        found.bytes.append(_number(bytes_of(node.type), found.sizes))
        if values is not None:
            found.values.append(short_value(known[node]) if node in known else "")
            found.magnitudes.append(_magnitude(known.get(node)))
            _picture(found, k, known.get(node))
    return found


def _number(size: Size, sizes: Mapping[str, int]) -> int | str:
    return evaluate(size, sizes) if all(name in sizes for name in names(size)) else str(size)


def _magnitude(value: Any) -> float | None:
    """The mean of the absolute values, three digits of it."""
    if value is None or isinstance(value, tuple):
        return None
    array = np.asarray(value)
    if not array.size or array.dtype.kind not in "biufc":
        return None
    with np.errstate(all="ignore"):
        mean = float(np.mean(np.abs(array.astype(np.complex128 if array.dtype.kind == "c" else np.float64))))
    return float(f"{mean:.3g}") if np.isfinite(mean) else None


def _picture(found: Numbers, k: int, value: Any) -> None:
    """Rows of numbers of a small array, to be drawn as squares."""
    if value is None or isinstance(value, tuple):
        return
    array = np.asarray(value)
    if not 1 < array.size <= THUMBNAIL or array.ndim not in (1, 2) or array.dtype.kind not in "biuf":
        return
    if sum(len(rows) * len(rows[0]) for rows in found.pictures.values()) + array.size <= PICTURES:
        rows = np.atleast_2d(array).tolist()
        found.pictures[k] = [[_short(v) for v in row] for row in rows]


def _short(value: Any) -> float | None:
    """Three digits; None for what is not finite, which JSON has no word for."""
    return float(f"{value:.3g}") if np.isfinite(value) else None


def measured(found: Numbers, model: Model, function: Function, arguments: Sequence[Any], rng: Any) -> None:
    """Add the times of the lines of a compiled function, each to the card that the line computes."""
    profile = function.profile(*arguments, **({"rng": rng} if function.draws else {}))
    found.total = profile.total
    for row in profile.rows:
        card = model.card_of(row.node) if row.node is not None else None
        if card is not None:
            found.seconds[card] = found.seconds.get(card, 0.0) + row.seconds
