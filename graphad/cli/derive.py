"""``graphad derive``: backpropagation written out, as a solution or as a worksheet."""

import json
from pathlib import Path
from typing import Any

import click

from graphad.cli.failing import Refused
from graphad.cli.options import (
    ALL,
    STDOUT,
    Target,
    destination,
    loss_of,
    on_target,
    only_given,
    out_option,
    to_stdout,
    variables_of,
    wrote,
)
from graphad.symbolic.derivation import Worksheet, derivation


@click.command()
@click.argument("target")
@click.option("--style", default="matrix", show_default=True, metavar="STYLE", help="matrix, index or scalar.")
@click.option("--worksheet", is_flag=True, help="Leave the backward pass blank, to be filled in.")
@click.option("--check", "answers", default="", metavar="FILE", help="Check the answers in a .json file instead.")
@out_option(".md, .tex, .html or .pdf; - prints Markdown", "NAME.md")
@on_target(values=True)
def derive(target: Target, style: str, worksheet: bool, answers: str, out: str) -> None:
    r"""Write the gradients out by hand, step by step.

    Forward equations, then the chain rule in order. The gradients are by all parameters unless --wrt says by which.
    Answers to a worksheet are a JSON object: {"1": "2 * (h - y)", "2": "x.T @ d_h"}; the exit code is 1 when one is
    wrong.

    \b
    Examples:
      graphad derive model.py:loss --wrt W1 -o solution.tex
      graphad derive model.py:loss --worksheet --style index
      graphad derive model.py:loss --check answers.json
    """
    loss = target.loss if target.loss is not None else loss_of(target.loaded.graph, "")
    wrt = target.wrt or variables_of(target.loaded.graph, [ALL])
    values = only_given(values=target.values_if_asked())
    if answers:
        sheet = derivation(loss, wrt, style, target.name, worksheet=True, **values)
        assert isinstance(sheet, Worksheet)
        report = sheet.check(_answers(answers))
        click.echo(str(report))
        raise SystemExit(0 if report else 1)
    document = derivation(loss, wrt, style, target.name, worksheet=worksheet, **values)
    if out == STDOUT:
        to_stdout(document.markdown)
        return
    path = destination(out, target, ".md")
    document.save(path)
    wrote(path)


def _answers(file: str) -> dict[int, Any]:
    """Answers by the numbers of the blanks."""
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
        return {int(k): v for k, v in found.items()}
    except FileNotFoundError as problem:
        raise Refused(f"--check: there is no file {file}.") from problem
    except (OSError, ValueError, AttributeError) as problem:
        what = 'a JSON object with the number of each blank, such as {"1": "2 * x"}'
        raise Refused(f"--check: {file} does not hold {what}.") from problem
