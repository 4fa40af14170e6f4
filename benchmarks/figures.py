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
