"""Small budgets for the examples: enough to see that something is learned, a few seconds for each."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "examples"
SHARED = {"common"}  # what the examples share, and is none
BUDGETS: dict[str, dict[str, Any]] = {
    "batch_norm_study": {"epochs": 2},
    "char_rnn": {"steps": 60, "length": 32, "letters": 100},
    "digits_mlp": {"epochs": 4},
    "initialization_study": {"depth": 6, "steps": 60},
    "lenet": {"epochs": 1},
    "logistic_newton": {"steps": 9, "descent_steps": 50},
    "optimizer_race": {"steps": 100, "frames": 3},
    "physics_informed": {"steps": 200},
    "small_transformer": {"steps": 60, "count": 10},
    "tabular": {"epochs": 10},
    "tied_digits": {"epochs": 5},
    "universal_approximation": {"steps": 200},
    "vae": {"epochs": 5},
}
PLAIN = ("by_hand", "tied_autoencoder")  # without figures, and quick as they are


def run(name: str, out: Path) -> Any:
    """What an example's ``main`` gives with its small budget; figures go to the folder ``out``."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return import_module(name).main(out, **BUDGETS[name])
