"""Measure, print, and write the page: `make bench`, or `python -m benchmarks.run --help`.

workloads/ and objectives/ say what is computed, systems/ by whom; rounds.py measures (a process each: worker.py),
training/ the training steps of the examples, growth.py and compile_cost.py how time grows, limits.py what it is spent
on; report.py and plots.py show it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks import compile_cost, machine
from benchmarks.catalog import catalog, objective_recipes
from benchmarks.figures import Figures
from benchmarks.growth import FAMILIES, grown
from benchmarks.limits import limits
from benchmarks.plots import draw
from benchmarks.report import line, page
from benchmarks.rounds import measure
from benchmarks.systems import SYSTEMS
from benchmarks.training import compare
from benchmarks.training.cases import CASES
from benchmarks.training.compare import TWINS
from benchmarks.worker import Request

NAMED = ("workloads", "objectives", "training")  # parts whose cases have names
PARTS = (*NAMED, "limits", "growth", "compile")


@dataclass(frozen=True)
class Choice:
    """What the user asked for."""

    only: tuple[str, ...]
    systems: tuple[str, ...]
    parts: tuple[str, ...]
    quick: bool
    data: Path | None

    def names(self, part: str) -> list[str]:
        """The cases of a part."""
        objectives = objective_recipes(self.data)
        if part == "training":
            return [name for name in CASES if not self.only or name in self.only]
        known = [name for name in catalog(self.data) if (name in objectives) == (part == "objectives")]
        return [name for name in known if not self.only or name in self.only]


def measured(choice: Choice, figures: Figures, json_file: Path | None, tell: Callable[[str], None]) -> None:
    """Fill the figures; the file is written after every step."""
    rounds, limit = figures.rounds, figures.limit
    for part in ("workloads", "objectives"):
        for name in choice.names(part) if part in choice.parts else ():
            request = Request("", name, part == "objectives", choice.quick, data=choice.data)
            row = measure(request, choice.systems, rounds, limit, tell)
            figures.rows.setdefault(part, []).append(row)
            tell(line(row))
            figures.save(json_file)
    if "limits" in choice.parts:
        figures.limits = limits(choice.names("workloads"), choice.quick, tell)
        figures.save(json_file)
    if "growth" in choice.parts:
        for key in FAMILIES:
            request = Request("", "", small=choice.quick)
            figures.growth[key] = grown(key, request, choice.systems, rounds, limit, choice.quick, tell)
            figures.save(json_file)
    if "compile" in choice.parts:
        tell("compile times")
        figures.compile = compile_cost.costs(choice.quick)
        figures.save(json_file)
    # the last part, for a twin that disagrees ends the run
    twins = {system: module for system, module in TWINS.items() if system in choice.systems}
    for name in choice.names("training") if "training" in choice.parts else ():
        row = compare.measure(name, twins, rounds, limit, tell)
        figures.rows.setdefault("training", []).append(row)
        tell(line(row))
        figures.save(json_file)


def listed(text: str | None, known: Any, what: str) -> tuple[str, ...]:
    """A list with commas, each a known name. Raises BadParameter."""
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    for name in names:
        if name not in known:
            raise click.BadParameter(f"no {what} {name!r}; there are: {', '.join(known)}")
    return names


@click.command()
@click.option("--only", help="names of workloads, objectives and training steps, with commas")
@click.option("--systems", help=f"of {', '.join(SYSTEMS)}")
@click.option("--parts", help=f"of {', '.join(PARTS)}; without it all, with --only only what is named")
@click.option("--rounds", default=7, show_default=True, help="how often each system has its turn")
@click.option("--limit", default=300.0, show_default=True, help="seconds for building and the first call")
@click.option("--quick", is_flag=True, help="small sizes and one round: to see that it runs")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="a folder of ADBench")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="where figures go")
@click.option("--page", "page_file", type=click.Path(dir_okay=False, path_type=Path), help="write this page, images/")
@click.option(
    "--again",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="show the figures of such a file, measure none; of several files the first counts where parts meet",
)
@click.option("--note", multiple=True, help="what the page should say of the measuring")
def main(
    only: str | None,
    systems: str | None,
    parts: str | None,
    rounds: int,
    limit: float,
    quick: bool,
    data: Path | None,
    json_file: Path | None,
    page_file: Path | None,
    again: tuple[Path, ...],
    note: tuple[str, ...],
) -> None:
    """Measure graphad beside other systems; those that are not installed are left out."""
    if again:
        figures = Figures.load(again[0])
        for file in again[1:]:
            figures.take(Figures.load(file))
    else:
        names = listed(only, [*catalog(data), *CASES], "case")
        wanted = tuple(s for s in listed(systems, SYSTEMS, "system") or SYSTEMS if SYSTEMS[s].installed)
        chosen = listed(parts, PARTS, "part") or (NAMED if only else PARTS)
        figures = Figures(machine.describe(), 1 if quick else rounds, limit)
        measured(Choice(names, wanted, chosen, quick, data), figures, json_file, click.echo)
    figures.others += note
    if page_file is not None:
        draw(figures, page_file.parent / "images")
        page_file.write_text(page(figures))


if __name__ == "__main__":
    main()
