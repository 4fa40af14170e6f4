"""``graphad explain``, ``graphad summary`` and ``graphad trace``: what a graph is made of, in words and tables."""

from typing import Any

import click
import numpy as np

from graphad.cli.failing import Refused, did_you_mean, listed
from graphad.cli.options import Target, on_target, only_given
from graphad.cli.show import show
from graphad.draw.summary import summary as summary_of
from graphad.draw.trace import trace_table


@click.command()
@click.argument("target")
@click.argument("node")
@on_target(values=False)
def explain(target: Target, node: str) -> None:
    r"""Say where a value comes from and what became of it.

    The line of the file, the derivative rule, the rewrites, the generated code. NODE is the name of a value; the
    gradient by W is called d_W.

    \b
    Examples:
      graphad explain model.py:loss h
      graphad explain model.py:loss d_W1 --wrt all
    """
    function = target.function()
    names = [n.name for g in (function.declared, function.graph) for n in g.nodes if n.name]
    if node not in names:
        known = list(dict.fromkeys(names))
        hint = "" if target.wrt else " (--wrt adds gradients)"
        raise Refused(f"there is no value {node!r}.{did_you_mean(node, known)} There are {listed(known)}{hint}.")
    click.echo(str(function.explain(node)))


@click.command()
@click.argument("target")
@click.option("--depth", type=click.IntRange(0), help="How many levels of nested scopes get rows of their own.")
@on_target(values=False, sizes=True)
def summary(target: Target, **options: Any) -> None:
    r"""List layers with parameters, FLOPs and bytes.

    \b
    Examples:
      graphad summary model.py:loss
      graphad summary model.py:loss --wrt all --size batch=64 --depth 1
    """
    given = target.loaded.function if target.loaded.function is not None and not target.wrt else target.graph
    show(summary_of(given, **only_given(**options, sizes=target.sizes or None)))


@click.command()
@click.argument("target")
@on_target(values=True)
def trace(target: Target) -> None:
    r"""Run a graph and show each step with its value and gradient.

    \b
    Examples:
      graphad trace model.py:loss --values random --size batch=2
      graphad trace model.py:loss --wrt all --values data.npz
    """
    show(trace_table(target.graph, target.values(), np.random.default_rng(target.seed)))
