"""``ga.plot_function(f)``: four panels that show one function: wiring, equations, a line and a plane that it maps.

Read `function_maps.py` first: it says which functions can be shown; the panels of numbers are in `function_panels.py`
and `function_planes.py`.
"""

import io
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphad.autodiff.transforms import grad, vjp
from graphad.draw.dot import draw
from graphad.draw.function_maps import FunctionMap, function_map
from graphad.draw.function_panels import line_panel
from graphad.draw.function_planes import plane_panel
from graphad.draw.render import render
from graphad.draw.style import FAINT, INK
from graphad.draw.trace import written
from graphad.errors import ExportError, MissingDependencyError
from graphad.ir.core import Node, Op
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.ir.origin import Origin, inside
from graphad.lower.compile import compile
from graphad.ops.leaves import input
from graphad.symbolic.equations import equations

MOST_LINES = 7
LARGEST, WIDTH, ROOM = 15.0, 365.0, 130.0  # points: letters, the widest line, the height of all lines
CASES = re.compile(r"\\begin\{cases\}((?:(?!\\begin\{cases\}).)*?)\\end\{cases\}", re.S)
SAME = {
    r"\lVert": r"\|",
    r"\rVert": r"\|",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\land": r"\wedge",
    r"\lor": r"\vee",
    r"\lnot": r"\neg",
}
DPI = 160
JOINT = 14  # nodes; a larger graph is drawn without its gradient


def plot_function(
    function: Op | Callable[..., Any] | Graph | Node, domain: Any = None, values: Mapping[str, Any] | None = None
) -> Any:
    """Four panels that show a function: see `graphad.plot_function`."""
    shown = function_map(function, domain, values)
    figure = _figure(11.0, 7.6)
    parts = figure.subfigures(2, 2, height_ratios=[0.72, 1.0], width_ratios=[1.0, 1.0], wspace=0.02)
    summary = f":  {shown.summary}" if shown.summary and len(shown.summary) < 80 else ""
    figure.suptitle(f"{shown.name}{summary}", fontsize=12, x=0.02, ha="left")
    wiring_panel(parts[0, 0], shown)
    equation_panel(parts[0, 1], shown)
    line_panel(parts[1, 0], shown)
    plane_panel(parts[1, 1], shown)
    return figure


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise MissingDependencyError("plots need matplotlib", hint='pip install "graphad[plot]"') from problem
    return Figure(figsize=(width, height), layout="constrained")


# Wiring ---------------------------------------------------------------------------------------------------------------


def wiring_panel(part: Any, shown: FunctionMap) -> None:
    """The graph, with its gradient where that is small; its text where there is no Graphviz."""
    axes = part.subplots()
    axes.axis("off")
    axes.set_title("wiring", fontsize=9, loc="left")
    graph = _wired(shown)
    try:
        drawing = draw(graph, rankdir="LR", legend=False)
        drawing.attr("graph", dpi=str(DPI))
        picture = render(drawing.source, "png", timeout=20.0)
    except (MissingDependencyError, ExportError):
        axes.text(0, 0.95, str(graph), family="monospace", fontsize=7, va="top", transform=axes.transAxes)
        return
    from matplotlib.image import imread

    image = imread(io.BytesIO(picture))
    height, width = image.shape[:2]
    axes.imshow(image, interpolation="lanczos")
    axes.set_aspect("equal", anchor="NW")  # a small graph is not blown up
    axes.set(xlim=(0, max(width, 4.4 * DPI)), ylim=(max(height, 2.0 * DPI), 0))


def _wired(shown: FunctionMap) -> Graph:
    """The function and, while that stays readable, its gradient after rewriting."""
    if shown.partials is not None and shown.outputs == 1:
        inputs = shown.graph.inputs
        found = compile(inputs, [*shown.results, *shown.partials[0]], style="readable").graph
        if len(found.nodes) <= JOINT:
            return Graph(inputs, found.outputs, shown.name)
    return shown.graph


# Equations ------------------------------------------------------------------------------------------------------------


def equation_panel(part: Any, shown: FunctionMap) -> None:
    """The value and its derivative, as formulas, or as NumPy where a formula cannot be set."""
    axes = part.subplots()
    axes.axis("off")
    axes.set_title("equation", fontsize=9, loc="left")
    lines = [*_value_lines(shown), *_derivative_lines(shown)]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], r"$\ldots$"]
    sizes = [_size(line) for line in lines]
    squeeze = min(1.0, ROOM / max(1.0, sum(1.5 * height for _, height in sizes)))
    top = 0.96
    for line, (size, height) in zip(lines, sizes, strict=True):
        axes.text(0.0, top, line, fontsize=size * squeeze, color=INK, va="top", transform=axes.transAxes)
        top -= 1.5 * height * squeeze / (ROOM / 0.82)
    text = "\n".join(textwrap.wrap(_facts(shown), 86)[:4])
    axes.text(0.0, 0.0, text, fontsize=8, color=FAINT, va="bottom", transform=axes.transAxes)


def _size(line: str) -> tuple[float, float]:
    """The size of letters at which a line fits, and the height that it then takes, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    width, height, *_ = MathTextParser("path").parse(line, 72, FontProperties(size=LARGEST))
    shrink = min(1.0, WIDTH / max(1.0, width))
    return LARGEST * shrink, max(height, LARGEST) * shrink


def _facts(shown: FunctionMap) -> str:
    """What the docstring says beyond the title, and where the function is shown."""
    where = ", ".join(
        f"{name} from {low:g} to {high:g}" for name, (low, high) in zip(shown.symbols, shown.domains, strict=True)
    )
    said = " ".join(shown.op.doc.split("\n\n")[0].split()) if shown.op else ""
    return f"{'' if said.rstrip('.') == shown.summary else said} Shown for {where}.".strip()


def _value_lines(shown: FunctionMap) -> list[str]:
    return _lines(shown.graph, [_result_symbol(shown)] if len(shown.graph.outputs) == 1 else [])


def _result_symbol(shown: FunctionMap) -> str:
    (y, *_) = shown.graph.outputs
    taken = {x.name for x in shown.graph.inputs}
    name = y.name or next(s for s in ("y", "z", "w", "v") if s not in taken)
    return rf"\mathbf{{{name}}}" if y.ndim else name


def _derivative_lines(shown: FunctionMap) -> list[str]:
    """Partial derivatives of a number; of a vector how a cotangent is pulled back."""
    if shown.partials is None:
        return [r"$\mathrm{no\ derivative}$"] if not shown.whole else []
    result = _result_symbol(shown)
    if shown.outputs == 1 and len(shown.free) == shown.inputs:
        lefts = [rf"\dfrac{{\partial {result}}}{{\partial {x}}}" for x in shown.symbols]
        if shown.inputs == 1:
            lefts = [rf"\dfrac{{d{result}}}{{d{shown.symbols[0]}}}"]
        return _lines(_rewritten(shown.graph.inputs, list(shown.partials[0])), lefts)
    (y, *more) = shown.graph.outputs
    if more:
        return []
    (x,) = shown.free
    with inside(Origin()):
        if y.ndim:
            g = input("g", y.shape)
            found, inputs = vjp(y, x, g, singular="nan"), [*shown.graph.inputs, g]
            left = rf"\bar{{\mathbf{{{x.name}}}}} = \mathbf{{g}}\,\partial {result} / \partial \mathbf{{{x.name}}}"
        else:
            found, inputs = grad(y, x, singular="nan"), list(shown.graph.inputs)
            left = rf"\nabla {result}"
    assert isinstance(found, Node)
    return _lines(_rewritten(inputs, [found]), [left])


def _rewritten(inputs: Any, outputs: list[Node]) -> Graph:
    return compile(inputs, outputs, style="readable").graph


def _lines(graph: Graph, lefts: list[str]) -> list[str]:
    """The equations of a graph, with ``lefts`` for its results; what cannot be set as a formula is written as NumPy."""
    names = dict(zip(graph.outputs, lefts, strict=False))
    plain, code = written(graph)
    lines = []
    for e in equations(graph):
        right = mathtext(e.right)
        if right.count(r"\frac") == 1:
            right = right.replace(r"\frac", r"\dfrac")
        line = f"${names.pop(e.node, e.left)} = {right}$"
        lines.append(line if _can_be_set(line) else f"{plain[e.node]} = {code[e.node]}".replace("$", r"\$"))
    return lines + [f"${left} = {_leaf(node)}$" for node, left in names.items()]


def _leaf(node: Node) -> str:
    """A result that has no equation of its own: a number or an input."""
    if "constant" in node.op.traits and not node.ndim:
        return f"{float(np.real(node.attrs['value'])):g}"
    return node.name or node.op.name


def mathtext(latex: str) -> str:
    r"""LaTeX in the part of it that matplotlib sets: cases on one line, other names of some signs.

    >>> print(mathtext(r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}"))
    \left\{ 1\;\mathrm{if}\;x > 0;\;\;0\;\mathrm{otherwise} \right.
    """
    while (found := CASES.search(latex)) is not None:
        rows = [[part.strip() for part in row.split("&")] for row in found[1].split(r"\\")]
        parts = []
        for value, *condition in rows:
            when = "".join(condition)
            said = r"\mathrm{otherwise}" if "otherwise" in when else rf"\mathrm{{if}}\;{when}"
            parts.append(rf"{value}\;{said}" if when else value)
        latex = latex[: found.start()] + r"\left\{ " + r";\;\;".join(parts) + r" \right." + latex[found.end() :]
    for old, new in SAME.items():
        latex = latex.replace(old, new)
    return latex


def _can_be_set(line: str) -> bool:
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(line)
    except ValueError:
        return False
    return True


install(plot_function=plot_function)
