"""``graphad draw`` and ``graphad page``."""

from typing import Any

import click
import numpy as np

from graphad.cli.options import STDOUT, Target, destination, on_target, only_given, out_option, to_stdout, wrote


@click.command()
@click.argument("target")
@click.option("--view", metavar="VIEW", help="joint (default), forward or backward.")
@click.option("--layout", metavar="LAYOUT", help="mirror (each gradient beside its value) or flow.")
@click.option("--depth", type=click.IntRange(0), help="Scopes nested deeper than this are drawn as one box.")
@click.option("--color-by", metavar="WHAT", help="dtype, flops, bytes or time, instead of what a card is.")
@click.option("--theme", metavar="THEME", help="light (default) or dark.")
@click.option("--rankdir", metavar="TB|LR", help="Top-down (default) or left to right.")
@click.option("--fold/--no-fold", default=None, help="Draw repeated structure once.")
@click.option("--legend/--no-legend", default=None, help="The row that explains colors.")
@out_option(".svg, .png, .pdf or .dot; - prints DOT", "NAME.svg")
@on_target(values=True)
def draw(target: Target, out: str, **options: Any) -> None:
    r"""Draw a graph, with its gradients beside it.

    TARGET is FILE.py:NAME, module:NAME or a graph's .json file. With --values each value is written beside its node.

    \b
    Examples:
      graphad draw model.py:loss
      graphad draw model.py:loss --wrt W1,b1 -o backward.png
      graphad draw model.py:loss --wrt all --values random --size batch=4
      graphad draw saved.json --view forward --rankdir LR -o -
    """
    timed = options["color_by"] == "time"  # which runs the graph
    values = target.values() if timed else target.values_if_asked()
    draws = {"rng": np.random.default_rng(target.seed)} if values is not None else {}
    given = only_given(**options, values=values, sizes=target.sizes or None, **draws)
    if out == STDOUT:
        to_stdout(target.graph.draw(**given).source)
        return
    path = destination(out, target, ".svg")
    target.graph.save(path, **given)
    wrote(path)


@click.command()
@click.argument("target")
@out_option(".html", "NAME.html")
@on_target(values=True)
def page(target: Target, out: str) -> None:
    r"""Write the interactive page of a graph.

    It is one file that opens without a network.

    \b
    Examples:
      graphad page model.py:loss --wrt all
      graphad page model.py:step --values data.npz -o model.html
    """
    path = destination(out, target, ".html")
    shown: Any = target.graph if target.wrt or target.loaded.function is None else target.loaded.function
    shown.save(path, **only_given(values=target.values_if_asked()))
    wrote(path)
