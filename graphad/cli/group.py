"""The command ``graphad`` and its subcommands."""

import click

from graphad.cli.check import check
from graphad.cli.code import export, profile
from graphad.cli.demonstration import demo
from graphad.cli.derive import derive
from graphad.cli.failing import Group, debug_option
from graphad.cli.pictures import draw, page
from graphad.cli.words import explain, summary, trace

WIDTH = 100  # columns of help texts, at most
HELP = ["-h", "--help"]


@click.group(cls=Group, context_settings={"help_option_names": HELP, "max_content_width": WIDTH})
@click.version_option(package_name="graphad")
@debug_option
def main() -> None:
    r"""Graphs in, gradient graphs and readable NumPy out.

    A TARGET is FILE.py:NAME, module:NAME or a graph's .json file; NAME is a Graph, a compiled Function, a loss, or a
    function without arguments that returns one. Without NAME it is the only Graph or Function in the file.

    Exit codes: 0 all is fine; 1 a check failed; 2 a file, a name, a value or an option is not as it should be, or a
    package is missing; 3 something unforeseen.

    \b
    Examples:
      graphad draw model.py:loss --wrt all
      graphad check model.py:loss
    """


for command in (draw, page, derive, explain, trace, summary, export, check, profile, demo):
    main.add_command(command)
for command in (main, *main.commands.values()):  # docstrings are raw, and click looks for the sign itself
    command.help = (command.help or "").replace("\\b", "\b")


def help_text(command: click.Command, name: str) -> str:
    """What ``--help`` prints on a wide terminal."""
    context = click.Context(
        command, info_name=name, help_option_names=HELP, terminal_width=WIDTH, max_content_width=WIDTH
    )
    return command.get_help(context)
