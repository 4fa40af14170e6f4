"""What the commands share: the target, gradients to add, values of inputs, and where results are written."""

import functools
import keyword
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from graphad.autodiff.transforms import grad
from graphad.cli.failing import Refused, debug_option, did_you_mean, listed
from graphad.cli.load import Loaded, is_loss, load
from graphad.cli.values import read_values
from graphad.ir.atomic import write_atomic
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.types import carries_gradient
from graphad.lower.compile import Function, compile

Array = np.ndarray[Any, Any]
Command = Callable[..., Any]

ALL = "all"
STDOUT = "-"


@dataclass(frozen=True)
class Target:
    """What a command is about: the graph, with the gradients of ``loss`` by ``wrt`` if asked for, and values."""

    loaded: Loaded
    graph: Graph
    loss: Node | None
    wrt: tuple[Node, ...]
    texts: tuple[str, ...] = ()
    seed: int = 0
    sizes: Mapping[str, int] | None = None

    @property
    def name(self) -> str:
        """What files and functions are called after it."""
        name = re.sub(r"\W", "_", self.loaded.name)
        return name if name.isidentifier() and not keyword.iskeyword(name) else f"graph_{name}"

    @property
    def function_name(self) -> str:
        """What the generated function is called: not as one of its values."""
        taken = {n.name for n in self.graph.nodes}
        return f"compute_{self.name}" if self.name in taken else self.name

    def function(self, **options: Any) -> Function:
        """The Function itself where the target is one and nothing is asked of it, else the graph compiled."""
        given = self.loaded.function
        if given is not None and not options and not self.wrt:
            return given
        results, updates = self._results()
        outputs = results[0] if len(results) == 1 else results
        return compile(list(self.graph.inputs), outputs, name=self.function_name, updates=updates, **options)

    def _results(self) -> tuple[list[Node], dict[Node, Node]]:
        """The outputs that are returned, and the new values of inputs, which a Function declares behind them."""
        outputs, given = list(self.graph.outputs), self.loaded.function
        names = [x.name for x in given.program.updates] if given is not None else []
        if given is None or not names:
            return outputs, {}
        end = len(given.declared.outputs)
        start = end - len(names)
        inputs = {x.name: x for x in self.graph.inputs}
        updates = {inputs[name]: y for name, y in zip(names, outputs[start:end], strict=True)}
        return [*outputs[:start], *outputs[end:]], updates

    def values(self) -> dict[str, Array]:
        """Values of the inputs: those asked for, or random ones, which is said."""
        found = read_values(self.texts, self.graph, self.seed, self.sizes)
        if not self.texts and found:
            shapes = ", ".join(f"{k}{list(v.shape)}" if v.ndim else k for k, v in found.items())
            click.echo(f"random values (seed {self.seed}) for {shapes}; --values gives others", err=True)
        return found

    def values_if_asked(self) -> dict[str, Array] | None:
        """Values of the inputs, or None where none were asked for."""
        return read_values(self.texts, self.graph, self.seed, self.sizes) if self.texts else None


def on_target(*, values: bool, sizes: bool = False) -> Callable[[Command], Command]:
    """Give a command with the argument TARGET the options around it; the function gets a `Target` first."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(target: str, wrt: str, loss: str, **rest: Any) -> Any:
            given = {k: rest.pop(k) for k in list(rest) if k in ("texts", "seed", "sizes")}
            return command(_prepared(load(target), wrt, loss, given), **rest)

        shared = [*_GRADIENTS, *(_VALUES if values else _SIZES if sizes else []), debug_option]
        for option in reversed(shared):
            run = option(run)
        return run

    return decorate


def _sizes(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> dict[str, int]:
    """Named sizes from texts such as batch=4."""
    sizes = {}
    for text in texts:
        name, _equals, number = text.partition("=")
        if not name.isidentifier() or not number.isdecimal():
            raise click.BadParameter(f"{text!r}: write a name and a number, such as batch=4")
        sizes[name] = int(number)
    return sizes


_GRADIENTS = [
    click.option(
        "--wrt",
        "--grad",
        default="",
        metavar="NAMES",
        help="Add the gradients by these inputs, such as W1,b1; 'all': by all parameters.",
    ),
    click.option("--loss", default="", metavar="NAME", help="Of which output, where several could be the loss."),
]
_SIZES = [
    click.option("--size", "sizes", multiple=True, callback=_sizes, metavar="NAME=N", help="A number for a named size.")
]
_VALUES = [
    click.option(
        "--values",
        "texts",
        multiple=True,
        metavar="VALUES",
        help="x=1.5, W=weights.npy, data.npz, data.json, or random for the rest; may be repeated.",
    ),
    click.option("--seed", default=0, show_default=True, help="Seed of random values and draws."),
    *_SIZES,
]


def _prepared(loaded: Loaded, wrt: str, loss: str, given: Mapping[str, Any]) -> Target:
    """The target with the gradients that were asked for."""
    graph = loaded.graph
    names = [n.strip() for n in wrt.split(",") if n.strip()]
    if not names:
        return Target(loaded, graph, loss_of(graph, loss) if loss else None, (), **given)
    chosen = loss_of(graph, loss)
    variables = variables_of(graph, names)
    known = set(graph.outputs)
    gradients = [g for g in grad(chosen, list(variables)) if g not in known]
    graph = Graph(graph.inputs, [*graph.outputs, *gradients], graph.name)
    return Target(loaded, graph, chosen, variables, **given)


def loss_of(graph: Graph, name: str) -> Node:
    """The output that is to be differentiated."""
    losses = [y for y in graph.outputs if is_loss(y) and y not in graph.backward]
    if name:
        found = [n for n in (*graph.outputs, *graph.nodes) if n.name == name]
        if not found:
            names = list(dict.fromkeys(n.name for n in graph.nodes if n.name))
            raise Refused(f"--loss: there is no node {name!r}.{did_you_mean(name, names)} It has {listed(names)}.")
        return found[0]
    if len(losses) == 1:
        return losses[0]
    known = listed(f"{y.name or y.op.name}: {y.type}" for y in graph.outputs)
    what = "several outputs could be the loss" if losses else "no output is a scalar that could be the loss"
    raise Refused(f"{what}; --loss NAME says which is. The outputs are {known}.")


def variables_of(graph: Graph, names: Sequence[str]) -> tuple[Node, ...]:
    """The nodes to differentiate by."""
    if list(names) == [ALL]:
        smooth = [x for x in graph.inputs if carries_gradient(x.type)]
        return tuple([x for x in smooth if "parameter" in x.op.traits] or smooth)
    found = []
    for name in names:
        node = next((n for n in graph.nodes if n.name == name), None)
        if node is None:
            inputs = [str(x.name) for x in graph.inputs if x.name]
            close = did_you_mean(name, (n.name for n in graph.nodes if n.name))
            raise Refused(f"--wrt: there is no {name!r}.{close} The inputs are {listed(inputs)}.")
        found.append(node)
    return tuple(found)


# Results ------------------------------------------------------------------------------------------------------------


def out_option(endings: str, default: str) -> Callable[[Command], Command]:
    """The option -o."""
    text = f"The file: {endings}. Default: {default}."
    return click.option("-o", "--out", default="", metavar="FILE", help=text)


def destination(out: str, target: Target, ending: str, name: str = "") -> Path:
    """Where to write; the name of the target with an ending unless a file was given. Never over the user's own file."""
    usual = f"{name or target.name}{ending}"
    path = Path(out or usual)
    path = path / usual if path.is_dir() else path
    if not path.parent.is_dir():
        raise Refused(f"-o {out}: there is no folder {path.parent}.")
    source = target.loaded.file
    if source and path.exists() and path.samefile(source):
        raise Refused(f"{path} is the file that the target comes from; -o FILE gives another place.")
    return path


def wrote(path: Path) -> None:
    """Say where the result is."""
    click.echo(f"wrote {path}")


def put(text: str, path: Path) -> None:
    """Write a text whole or not at all."""
    write_atomic(path, text)
    wrote(path)


def to_stdout(text: str) -> None:
    """A result on standard output, with nothing else."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def only_given(**options: Any) -> dict[str, Any]:
    """The options that were given: the others have the defaults that they have in Python."""
    return {k: v for k, v in options.items() if v is not None and v != ""}
