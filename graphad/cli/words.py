"""``graphad explain``, ``graphad summary`` and ``graphad trace``: what a graph is made of, in words and tables."""

import click

from graphad.cli.failing import Refused, did_you_mean, listed
from graphad.cli.options import Target, on_target


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
