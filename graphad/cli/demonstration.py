"""``graphad demo``."""

from pathlib import Path

import click
from rich.console import Console

from graphad.cli.failing import debug_option
from graphad.demo import run_demo


@click.command()
@click.option(
    "--out", default="graphad-demo", show_default=True, type=click.Path(path_type=Path), help="Folder for what is made."
)
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(1), help="Passes over the training data.")
@click.option("--seed", default=0, show_default=True, help="Seed of the data split, the weights and the batches.")
@debug_option
def demo(out: Path, epochs: int, seed: int) -> None:
    r"""Train a network on handwritten digits.

    With a generated step; it is drawn and exported, and the export is checked.

    \b
    Example:
      graphad demo --out digits --epochs 15
    """
    raise SystemExit(0 if run_demo(out, epochs, seed, Console()) else 1)
