"""How commands end, in one paragraph.

0: all is fine; 1: a check failed; 2: a file, a name, a value or an option is not as it should be, or a package is
missing; 3: something unforeseen.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import click

from graphad.errors import GraphadError

DEBUG = "graphad.debug"


class Refused(click.ClickException):
    """What the user asked for cannot be done; the message says what was found instead."""

    exit_code = 2


class Unforeseen(click.ClickException):
    """An exception that nobody thought of."""

    exit_code = 3


class Group(click.Group):
    """A group whose commands end with a message instead of a traceback, unless --debug was given."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises Refused for what is said against it."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort) as problem:
            if problem.__cause__ and ctx.find_root().meta.get(DEBUG):
                raise problem.__cause__ from None
            raise
        except GraphadError as problem:
            if ctx.find_root().meta.get(DEBUG):
                raise
            raise Refused(str(problem)) from problem
        except Exception as problem:
            if ctx.find_root().meta.get(DEBUG):
                raise
            raise Unforeseen(f"{type(problem).__name__}: {problem}\n--debug shows where it was raised") from problem


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta[DEBUG] = True


debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_remember,
    help="Show the whole traceback of an error.",
)


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names with commas, not too many."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question about close matches, or nothing."""
    close = get_close_matches(name, list(names), 3, 0.5)
    return f" Did you mean {' or '.join(close)}?" if close else ""
