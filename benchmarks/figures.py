"""All that one run measured, and its file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rounds import Row


@dataclass
class Figures:
    """Everything that was measured."""

    machine: dict[str, Any]
    rounds: int
    limit: float
    rows: dict[str, list[Row]] = field(default_factory=dict)
    growth: dict[str, list[Row]] = field(default_factory=dict)
    compile: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)  # what is of another run

    @property
    def parts(self) -> list[str]:
        """What was measured."""
        single = {"limits": self.limits, "growth": self.growth, "compile": self.compile}
        return [*self.rows, *(part for part, found in single.items() if found)]

    def take(self, other: "Figures") -> None:
        """Add the parts of another run that this one lacks."""
        new = [part for part in other.parts if part not in self.parts]
        self.rows |= {part: rows for part, rows in other.rows.items() if part in new}
        for part in ("limits", "growth", "compile"):
            if part in new:
                setattr(self, part, getattr(other, part))
        if new:
            how = f"{other.rounds} rounds, at most {other.limit:.0f} s for a first call"
            self.others.append(f"{' and '.join(new)}: a run of their own on {other.machine['date']}, {how}.")

    def save(self, file: Path | None) -> None:
        """As JSON."""
        if file is not None:
            file.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, file: Path) -> "Figures":
        """What `save` wrote."""
        figures = cls(**json.loads(file.read_text()))
        for rows in (figures.rows, figures.growth):
            for key, entries in rows.items():
                rows[key] = [Row(**entry) for entry in entries]
        return figures
