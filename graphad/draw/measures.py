"""How much a card is: bytes, FLOPs, seconds, dtype; and the widths and colors that show it.

Named sizes are numbers here: those of the given values, those given as ``sizes=``, else 64 each.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphad.draw.style import Theme
from graphad.draw.view import Card
from graphad.form.evaluate import evaluate_node
from graphad.ir.core import Node
from graphad.ir.dims import Size, evaluate, names
from graphad.ir.graph import Graph
from graphad.ir.types import TupleType
from graphad.lower.cost import work
from graphad.lower.memory import bytes_of
from graphad.lower.sizes import solve

SIZE = 64  # what a named size is taken for when nobody says
COLORS = ("dtype", "time", "flops", "bytes")
UNITS = {"time": "s", "flops": "FLOP", "bytes": "B"}


@dataclass(frozen=True)
class Measures:
    """Numbers of nodes. ``sizes``: of named sizes; ``seconds``: measured, of nodes."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[Node, float] = field(default_factory=dict)

    def number(self, size: Size) -> int:
        """A size as a number."""
        known = {name: self.sizes.get(name, SIZE) for name in names(size)}
        return max(evaluate(size, known), 0)

    def bytes(self, node: Node) -> int:
        """The bytes of a node's value."""
        return self.number(bytes_of(node.type))

    def flops(self, node: Node) -> int:
        """Operations of a node; of a loop, those of all turns."""
        return self.number(work(node))

    def of(self, card: Card, what: str) -> float | str:
        """The measure of a card: a number, or the dtype of most of what it stands for."""
        if what == "dtype":
            kinds = [str(n.dtype) for n in card.nodes if not isinstance(n.type, TupleType)]
            return max(sorted(set(kinds)), key=kinds.count) if kinds else ""
        measure: Callable[[Node], float] = {
            "bytes": self.bytes,
            "flops": self.flops,
            "time": lambda n: self.seconds.get(n, 0.0),
        }[what]
        total = sum(map(measure, card.nodes))
        return total * (1 if what == "time" else card.count)


def seconds_of(graph: Graph, values: Mapping[Node, Any], rng: np.random.Generator | None) -> dict[Node, float]:
    """Seconds that each node takes on the values of its operands, alone: the least of three runs."""
    sizes = solve(graph, [np.shape(values[x]) for x in graph.inputs])
    found = {}
    for node in graph.nodes:
        if not graph.is_input(node) and node.inputs:
            operands, best = [values[x] for x in node.inputs], math.inf
            for _ in range(3):
                start = time.perf_counter()
                evaluate_node(node, operands, sizes, rng)
                best = min(best, time.perf_counter() - start)
            found[node] = best
    return found


def width_of(count: int) -> float:
    """The width of a line for so many bytes, by powers of ten: 0.8 for a number, 3.5 for a gigabyte."""
    return round(min(0.8 + 2.7 * math.log10(max(count, 8) / 8) / 8, 4.0), 2)


@dataclass(frozen=True)
class Scale:
    """Colors of numbers: steps of equal ratio between the least and the most, on the ramp of a theme."""

    low: float
    high: float
    colors: Sequence[str]

    def color(self, amount: float) -> str:
        """The color of a number; that of nothing for 0."""
        if amount <= 0:
            return self.colors[0]
        return self.colors[1 + self._step(amount)]

    def _step(self, amount: float) -> int:
        steps = len(self.colors) - 1
        part = math.log(max(amount, self.low) / self.low) / math.log(self.high / self.low)
        return min(int(part * steps), steps - 1)

    @property
    def bounds(self) -> list[float]:
        """Where each color begins, and where the last one ends."""
        steps = len(self.colors) - 1
        ratio = self.high / self.low
        return [self.low * ratio ** (k / steps) for k in range(steps + 1)]


def scale_of(amounts: Sequence[float], theme: Theme) -> Scale | None:
    """The scale for some numbers; None when all are 0. At least two powers of ten lie between its ends."""
    found = [a for a in amounts if a > 0]
    if not found:
        return None
    low = max(min(found), max(found) / 1e6)
    return Scale(low, max(max(found), 100 * low), theme.ramp)


def quantity(amount: float, unit: str) -> str:
    """A number with a unit, as 12 kB, 1.5 MFLOP, 30 µs.

    >>> quantity(12_345, "B"), quantity(1_500_000, "FLOP"), quantity(3e-5, "s"), quantity(8, "B")
    ('12 kB', '1.5 MFLOP', '30 µs', '8 B')
    """
    if amount <= 0:
        return f"0 {unit}"
    prefixes = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
    power = 3 * math.floor(math.log10(amount) / 3 + 1e-9)
    power = min(max(power, -9 if unit == "s" else 0), 15)
    scaled = amount / 10.0**power
    text = f"{scaled:.0f}" if scaled >= 10 or float(scaled).is_integer() else f"{scaled:.2g}"
    return f"{text} {prefixes[power]}{unit}"
