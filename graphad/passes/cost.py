"""What a call of a compiled function costs, as reports show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Amount:
    """A formula in the named sizes, and its number where all of them are known."""

    formula: str
    number: int | None

    def __str__(self) -> str:
        """For people: ``48128*batch + 1024 bytes = 47.0 MiB``, or the number alone."""
        if self.number is None:
            return f"{self.formula} bytes"
        text = mebibytes(self.number)
        return text if self.formula == str(self.number) else f"{self.formula} bytes = {text}"


@dataclass(frozen=True)
class Cost:
    """Of one call: the most bytes in use, those that stay for the next call, and those of the results.

    ``moved``: bytes read and written by statements and loops; ``operations``: additions, multiplications and function
    values, an estimate. ``seconds``: how long the parts of lowering took.
    """

    peak: Amount
    workspace: Amount
    results: Amount
    moved: Amount
    operations: Amount
    loops: int
    buffers: int
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """A table."""
        number = self.operations.number
        operations = self.operations.formula if number is None else f"{number:.3g}"
        lines = [
            f"  peak memory   {self.peak}",
            f"  workspace     {self.workspace}, in {_some(self.buffers, 'buffer')} and {_some(self.loops, 'loop')}",
            f"  results       {self.results}",
            f"  memory moved  {self.moved}",
            f"  operations    {operations}",
        ]
        times = ", ".join(f"{name} {1e3 * s:.2f}" for name, s in self.seconds.items())
        return "\n".join(["cost of a call", *lines, *([f"lowering took   {times} ms"] if times else [])])


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def mebibytes(count: int) -> str:
    """A number of bytes for people: ``"12.5 MiB"``."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
