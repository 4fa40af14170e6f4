"""``ga.plot_function(f)``: four panels that show one function: wiring, equations, a line and a plane that it maps.

Read `function_maps.py` first: it says which functions can be shown; the panels of numbers are in `function_panels.py`
and `function_planes.py`.
"""

import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphad.autodiff.transforms import vjp
from graphad.draw.figure import new_figure
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
LARGEST, SMALLEST, WIDTH, ROOM = 15.0, 6.0, 365.0, 130.0  # points: letters, the widest line, the height of all
CASES = re.compile(r"\\begin\{cases\}((?:(?!\\begin\{cases\}).)*?)\\end\{cases\}", re.S)
SAME = {
    r"\left\lVert": r"\Vert ",
    r"\right\rVert": r"\Vert ",
    r"\left|": r"\vert ",
    r"\right|": r"\vert ",
    r"\lVert": r"\Vert ",
    r"\rVert": r"\Vert ",
    r"\mathbin{\&}": r"\;&\;",
    r"\mathbin{|}": r"\;\vert\;",
    r"\bmod": r"\;\mathrm{mod}\;",
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
    figure = new_figure(11.0, 6.9)
    parts = figure.subfigures(2, 2, height_ratios=[0.56, 1.0], width_ratios=[1.0, 1.0], wspace=0.02)
    summary = f":  {shown.summary}" if shown.summary and len(shown.summary) < 80 else ""
    figure.suptitle(f"{shown.name}{summary}", fontsize=12, x=0.02, ha="left")
    wiring_panel(parts[0, 0], shown)
    equation_panel(parts[0, 1], shown)
    line_panel(parts[1, 0], shown)
    plane_panel(parts[1, 1], shown)
    return figure


# Wiring ---------------------------------------------------------------------------------------------------------------


def wiring_panel(part: Any, shown: FunctionMap) -> None:
    """The graph, with its gradient where that is small; its text where there is no Graphviz."""
    axes = part.subplots()
    axes.axis("off")
    axes.set_title("wiring", fontsize=9, loc="left")
    graph = _wired(shown)
    try:
        drawing = graph.draw(rankdir="LR", legend=False)
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
    if shown.gradients is None:
        return shown.graph
    found = _rewritten(shown.graph.inputs, [*shown.graph.outputs, *shown.gradients])
    return Graph(found.inputs, found.outputs, shown.name) if len(found.nodes) <= JOINT else shown.graph


# Equations ------------------------------------------------------------------------------------------------------------


def equation_panel(part: Any, shown: FunctionMap) -> None:
    """The value and its derivative, as formulas, or as NumPy where a formula cannot be set."""
    axes = part.subplots()
    axes.axis("off")
    axes.set_title("equation", fontsize=9, loc="left")
    lines = [*_value_lines(shown), *_derivative_lines(shown)]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], Line(r"$\ldots$", LARGEST, LARGEST)]
    squeeze = min(1.0, ROOM / max(1.0, sum(1.5 * line.height for line in lines)))
    top = 0.96
    for line in lines:
        axes.text(0.0, top, line.text, fontsize=line.size * squeeze, color=INK, va="top", transform=axes.transAxes)
        top -= 1.5 * line.height * squeeze / (ROOM / 0.82)
    text = "\n".join(textwrap.wrap(_facts(shown), 86)[:4])
    axes.text(0.0, 0.0, text, fontsize=8, color=FAINT, va="bottom", transform=axes.transAxes)


class Line(NamedTuple):
    """A line of text or mathtext, the size of letters at which it fits, and the height that it takes, in points."""

    text: str
    size: float
    height: float


def line_of(text: str) -> Line | None:
    """The line, as large as it fits; None for mathtext that matplotlib cannot set."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    try:
        width, height, *_ = MathTextParser("path").parse(text, 72, FontProperties(size=LARGEST))
    except ValueError:
        return None
    shrink = min(1.0, WIDTH / max(1.0, width))
    return Line(text, LARGEST * shrink, max(height, LARGEST) * shrink)


def _facts(shown: FunctionMap) -> str:
    """What the docstring says beyond the title, and where the function is shown."""
    where = ", ".join(
        f"{name} from {low:g} to {high:g}" for name, (low, high) in zip(shown.symbols, shown.domains, strict=True)
    )
    return f"{'' if shown.doc.rstrip('.') == shown.summary else shown.doc} Shown for {where}.".strip()


def _value_lines(shown: FunctionMap) -> list[Line]:
    outputs = shown.graph.outputs
    return _lines(shown.graph, [(y, _symbol(shown, y)) for y in outputs] if len(outputs) == 1 else [])


def _symbol(shown: FunctionMap, y: Node) -> str:
    """What the result is called: its name, or the first free letter."""
    taken = {x.name for x in shown.graph.inputs}
    name = y.name if y.name and len(y.name) < 6 else next(s for s in ("y", "z", "w", "v") if s not in taken)
    name = name.replace("_", r"\_")
    return rf"\mathbf{{{name}}}" if y.ndim else name


def _derivative_lines(shown: FunctionMap) -> list[Line]:
    """Partial derivatives of a number; of a vector how a cotangent is pulled back."""
    (y, *more) = shown.graph.outputs
    if shown.partials is None:
        return [] if shown.whole else [Line("no derivative", LARGEST, LARGEST)]
    if more:
        return []
    found: Sequence[Node]
    result, inputs = _symbol(shown, y), list(shown.graph.inputs)
    if y.ndim:
        (x,) = shown.free
        with inside(Origin()):
            g = input("g", y.shape)
            found = [node for node in (vjp(y, x, g, singular="nan"),) if isinstance(node, Node)]
        inputs.append(g)
        lefts = [rf"\bar{{\mathbf{{{x.name}}}}} = \mathbf{{g}}\,\partial {result} / \partial \mathbf{{{x.name}}}"]
    else:
        found = shown.gradients or ()
        lefts = [rf"\nabla {result}"] if shown.free[0].ndim else [_partial(result, shown, x) for x in shown.free]
    graph = _rewritten(inputs, [y, *found])
    again, *gradients = graph.outputs
    computed = any(again is d for d in gradients)
    named = list(zip(gradients, lefts, strict=True))
    return _lines(graph, named, None if computed else again, result)


def _partial(result: str, shown: FunctionMap, x: Node) -> str:
    d = "d" if shown.inputs == 1 else r"\partial"
    return rf"\dfrac{{{d} {result}}}{{{d} {x.name}}}"


def _rewritten(inputs: Any, outputs: list[Node]) -> Graph:
    return compile(inputs, outputs, style="readable").graph


def _lines(
    graph: Graph, names: Sequence[tuple[Node, str]], leave_out: Node | None = None, known: str = ""
) -> list[Line]:
    """The equations of a graph, with names for its results; what cannot be set as a formula is written as NumPy.

    ``leave_out``: a result whose equation stands elsewhere, under the name ``known``.
    """
    plain, code = written(graph)
    all_equations = equations(graph)
    found = [e for e in all_equations if e.node is not leave_out]
    formulas = [mathtext(e.right) for e in found]
    for e in all_equations:
        if e.node is leave_out:  # other lines mention it by what it is called above
            formulas = [f.replace(e.left, known) for f in formulas]
    lines = []
    for e, right in zip(found, formulas, strict=True):
        lefts = [name for node, name in names if node is e.node]
        if not lefts or any(e.left in other for other in formulas if other is not right):
            lefts.append(e.left)  # which other lines mention
        if right.count(r"\frac") == 1:
            right = right.replace(r"\frac", r"\dfrac")
        left = " = ".join(lefts)
        line = line_of(f"${left} = {right}$") or line_of(f"{plain[e.node]} = {code[e.node]}".replace("$", r"\$"))
        assert line is not None  # what has no dollar is set as it stands
        lines.append(line if line.size >= SMALLEST else Line(f"${left} = \\ldots$", LARGEST, LARGEST))
    done = {e.node for e in found} | {leave_out}
    rest = (line_of(f"${name} = {_leaf(node)}$") for node, name in names if node not in done)
    return lines + [line for line in rest if line is not None]


def _leaf(node: Node) -> str:
    """A result that has no equation of its own: a number or an input."""
    if "constant" in node.op.traits and not node.ndim:
        return f"{float(np.real(node.attrs['value'])):g}"
    name = node.name or node.op.name
    letter = name.removeprefix("d_").replace("_", r"\_")
    letter = rf"\mathbf{{{letter}}}" if node.ndim else letter
    return rf"\bar{{{letter}}}" if name.startswith("d_") else letter


def mathtext(latex: str) -> str:
    r"""LaTeX in the part of it that matplotlib sets: cases on one line, other names of some signs.

    >>> print(mathtext(r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}"))
    \left\{ 1\;\mathrm{if}\;x > 0;\;\;0\;\mathrm{otherwise} \right.
    """
    while (found := CASES.search(latex)) is not None:
        rows = [[part.strip() for part in row.split("&")] for row in found[1].split(r"\\")]
        parts = []
        for value, *condition in rows:
            when = re.sub(r"^\\text\{if ?\}", "", "".join(condition)).strip()
            said = r"\mathrm{otherwise}" if "otherwise" in when else rf"\mathrm{{if}}\;{when}"
            parts.append(rf"{value}\;{said}" if when else value)
        latex = latex[: found.start()] + r"\left\{ " + r";\;\;".join(parts) + r" \right." + latex[found.end() :]
    for old, new in SAME.items():
        latex = latex.replace(old, new)
    return re.sub(r"\d+\.\d{5,}", lambda number: f"{float(number[0]):.5g}", latex)


install(plot_function=plot_function)
