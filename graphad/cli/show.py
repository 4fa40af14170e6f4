"""Results in a terminal: tables by rich there, plain text without colors where the output is piped."""

from typing import Any

import click
from rich.console import Console


def show(result: Any) -> None:
    """Print a result: as rich shows it in a terminal, else as text."""
    console = Console()
    if console.is_terminal and hasattr(result, "__rich__"):
        console.print(result)
    else:
        click.echo(str(result))
