"""The command line: ``graphad demo``."""

from pathlib import Path

import click
from rich.console import Console

from graphad.demo import run_demo
from graphad.errors import GraphadError


@click.group()
@click.version_option(package_name="graphad")
def main() -> None:
    """Graphs in, gradient graphs and readable NumPy out."""


@main.command()
@click.option(
    "--out", default="graphad-demo", show_default=True, type=click.Path(path_type=Path), help="Folder for what is made."
)
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(1), help="Passes over the training data.")
@click.option("--seed", default=0, show_default=True, help="Seed of the data split, the weights and the batches.")
def demo(out: Path, epochs: int, seed: int) -> None:
    r"""Train a network on the digits data with a generated step, draw it, export it, and check the export.

    \b
    Example:
      graphad demo --out /tmp/digits
    """
    try:
        succeeded = run_demo(out, epochs, seed, Console())
    except GraphadError as problem:
        raise click.ClickException(f"{type(problem).__name__}: {problem}") from problem
    raise SystemExit(0 if succeeded else 1)
