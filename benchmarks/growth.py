"""How time grows with size, depth and width."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.rounds import Row, Tell, measure
from benchmarks.worker import Request


@dataclass(frozen=True)
class Family:
    """One workload at several values of one of its arguments."""

    title: str
    recipe: str
    argument: str
    sizes: tuple[int, ...]


FAMILIES = {
    "n": Family("number of elements", "black_scholes_f64", "n", (100, 1000, 10_000, 100_000, 1_000_000)),
    "depth": Family("number of unrolled steps", "rnn_f32", "steps", (4, 16, 64, 256)),
    "width": Family("width of the layers", "mlp_f32", "width", (16, 64, 256, 1024)),
}


def grown(
    key: str, request: Request, systems: Sequence[str], rounds: int, limit: float, quick: bool, tell: Tell
) -> list[Row]:
    """One row for each size."""
    family = FAMILIES[key]
    rows = []
    for size in family.sizes[: 2 if quick else None]:
        tell(f"growth with {key}: {size}")
        sized = replace(request, name=family.recipe, arguments={family.argument: size})
        row = measure(sized, systems, rounds, limit, tell)
        row.size = size
        rows.append(row)
    return rows
