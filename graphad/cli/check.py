"""``graphad check``: the graph is legal, compiled code computes what is declared, every derivative rule is right."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
import numpy as np
from rich.console import Console

from graphad.check.gradients import check_grads
from graphad.check.points import sample_point
from graphad.check.report import GradientReport
from graphad.cli.code import STYLES
from graphad.cli.options import Target, on_target
from graphad.errors import GraphadError
from graphad.ir.graph import Graph
from graphad.ir.verify import INVARIANTS, verify
from graphad.lower.compile import compile
from graphad.lower.values import run_values
from graphad.passes.samples import quiet

SAMPLES = 3  # of the inputs, unless values are given
CLOSE = 1e3  # times the rounding of the numbers: what rewriting may change


@click.command()
@click.argument("target")
@click.option("--order", default=2, show_default=True, type=click.IntRange(1, 4), help="Of the derivatives checked.")
@on_target(values=True)
def check(target: Target, order: int) -> None:
    r"""Check a graph, its code and its derivatives.

    It is legal; compiled in each style it computes what it does run node by node; each derivative rule agrees with
    differences. Values of the inputs are sampled unless given. The exit code is 1 when something is wrong.

    \b
    Examples:
      graphad check model.py:loss
      graphad check model.py:loss --wrt all --order 1 --values data.npz
    """
    points = _points(target)
    good = [_said(*line) for line in (*_legal(target.graph), *_agreement(target, points))]
    report = check_grads(target.graph, points[0], order=order, seed=target.seed)
    _said(report.ok, report.summary())
    show_rows(report)
    raise SystemExit(0 if all(good) and report.ok else 1)


def show_rows(report: GradientReport) -> None:
    """What is not simply right: a table by rich in a terminal, text elsewhere."""
    console = Console()
    if console.is_terminal and report.rows():
        console.print(report.table(title=False))
    elif report.rows():
        click.echo(report.details())


def _said(good: bool, text: str) -> bool:
    click.echo(f"{'ok   ' if good else 'WRONG'} {text}")
    return good


def _points(target: Target) -> list[Mapping[str, Any]]:
    """The values given, or some samples."""
    if target.texts:
        return [target.values()]
    return [sample_point(target.graph, target.seed + k, target.sizes) for k in range(SAMPLES)]


def _legal(graph: Graph) -> Iterator[tuple[bool, str]]:
    try:
        verify(graph)
    except GraphadError as problem:
        yield False, str(problem)
    else:
        yield True, f"legal graph: {len(graph.nodes)} nodes, {len(INVARIANTS)} invariants"


def _agreement(target: Target, points: list[Mapping[str, Any]]) -> Iterator[tuple[bool, str]]:
    """Each style beside the graph run node by node."""
    graph, seed = target.graph, target.seed
    with quiet():
        values = [run_values(graph, p, np.random.default_rng(seed)) for p in points]
    for style, (options, text) in STYLES.items():
        function = compile(list(graph.inputs), list(graph.outputs), name=target.function_name, style=text, **options)
        worst, where = 0.0, ""
        for point, expected in zip(points, values, strict=True):
            draws = {"rng": np.random.default_rng(seed)} if function.draws else {}
            with quiet():
                found = function(*point.values(), **draws)
            for y, array in zip(graph.outputs, found, strict=True):
                apart = _apart(array, expected[y])
                if not apart <= worst:
                    worst, where = apart, y.name or y.op.name
        good = worst <= CLOSE
        place = "" if good else f" in {where}"
        count = f"{len(points)} samples" if len(points) > 1 else "the values given"
        yield good, f"compiled, {style}: as node by node within {worst:.1f} roundings{place}, on {count}"


def _apart(a: Any, b: Any) -> float:
    """The largest difference of two arrays, in units of the rounding of the largest number; nan equals nan."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind not in "fc":
        return 0.0 if np.array_equal(a, b) else np.inf
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        size = np.max(np.abs(b[np.isfinite(b)]), initial=np.finfo(b.dtype).tiny)
        apart = np.where(same, 0.0, np.abs(a - b) / (size * np.finfo(b.dtype).eps))
    return float(np.max(np.where(np.isnan(apart), np.inf, apart), initial=0.0))
