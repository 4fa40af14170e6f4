"""The instances that stand in a folder of ADBench's data files: gmm/*.txt, ba/*.txt, lstm/*.txt, hand/."""

import re
from functools import partial
from pathlib import Path

from benchmarks.objectives import bundle, characters, hand, mixture
from benchmarks.problem import Recipe, Table

FOLDER = Path(__file__).resolve().parents[1] / "data"


def recipes(folder: Path) -> Table:
    """One recipe for each file, named after it."""
    table = Table()

    def enter(name: str, recipe: Recipe) -> None:
        table[name] = recipe

    for path in found(folder, "gmm/*.txt"):
        name = f"gmm_{path.stem}"
        enter(name, Recipe(name, partial(mixture.from_file, path=path)))
    for path in found(folder, "ba/*.txt"):
        name = path.stem.split("_")[0].replace("test", "ba_test")
        enter(name, Recipe(name, partial(bundle.from_file, path=path), small={"observations": 60}))
    for path in found(folder, "lstm/*.txt"):
        enter(path.stem, Recipe(path.stem, partial(characters.from_file, path=path), small={"steps": 4}))
    for kind in ("simple", "complicated"):
        for path in found(folder, f"hand/{kind}_small/*.txt"):
            points = re.sub(r".*_c", "", path.stem)
            arguments = {"path": path, "model": folder / "hand" / "model", "complicated": kind == "complicated"}
            name = f"hand_{kind}_{points}"
            enter(name, Recipe(name, partial(hand.from_file, **arguments)))
    return table


def found(folder: Path, pattern: str) -> list[Path]:
    """The files, smallest number first: ba2 stands before ba10."""
    return sorted(folder.glob(pattern), key=lambda p: [int(d) for d in re.findall(r"\d+", p.stem)])
