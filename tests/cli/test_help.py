"""Help texts: each example in them is run on the sample model, each option is explained, the page is current."""

import re
import shlex

import click
import pytest

from graphad.cli.group import help_text, main

COMMANDS = {name: command for name, command in sorted(main.commands.items())}


def examples(text: str) -> list[str]:
    return re.findall(r"^ +graphad (.*)$", text, re.M)


def help_of(command: click.Command, name: str) -> str:
    return help_text(command, f"graphad {name}".strip())


RUNS = [e for name, c in COMMANDS.items() for e in examples(help_of(c, name))] + examples(help_of(main, ""))


@pytest.mark.parametrize("line", dict.fromkeys(RUNS))
def test_each_example_runs(line, graphad, folder):
    before = set(folder.iterdir())
    result = graphad(*shlex.split(line))
    made = sorted(p.name for p in set(folder.iterdir()) - before)
    said = re.findall(r"^wrote (\S+)$", result.output, re.M)
    assert result.stdout
    if not line.startswith("demo"):
        assert made == sorted(said)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_and_explains_its_options(name):
    command = COMMANDS[name]
    text = help_of(command, name)
    assert len(examples(text)) >= (1 if name == "demo" else 2)
    assert all(e.split()[0] == name for e in examples(text))
    assert "\\b" not in text
    assert command.get_short_help_str(60).endswith((".", "s"))
    assert "..." not in command.get_short_help_str(60)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.help.endswith((".", "]"))


def test_exit_codes_are_said():
    text = " ".join(help_of(main, "").split())
    assert "Exit codes: 0" in text
    assert all(f"{code} " in text.partition("Exit codes:")[2] for code in (1, 2, 3))
