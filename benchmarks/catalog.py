"""Every recipe by name."""

from pathlib import Path

from benchmarks import objectives, workloads
from benchmarks.objectives.adbench import FOLDER, recipes
from benchmarks.problem import OBJECTIVES, WORKLOADS, Recipe

PARTS = (workloads, objectives)  # importing them fills the tables


def objective_recipes(data: Path | None = None) -> dict[str, Recipe]:
    """The objectives: those with bundled data, generated ones, and those of another folder."""
    return {**recipes(FOLDER), **OBJECTIVES, **(recipes(data) if data else {})}


def catalog(data: Path | None = None) -> dict[str, Recipe]:
    """Workloads, then objectives."""
    return {**WORKLOADS, **objective_recipes(data)}
