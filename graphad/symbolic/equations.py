"""Equations of nodes and graphs: what stands left and right, which rule made it, which line of the user's it is.

`style`: "matrix" writes arrays as a whole, "index" their elements with indices, "scalar" every element for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.graph import Graph, toposort
from graphad.ir.types import TupleType
from graphad.symbolic import writers as _writers  # noqa: F401  # fills the tables of writers
from graphad.symbolic.index import Index, spelled_elements
from graphad.symbolic.ix import Ix
from graphad.symbolic.lines import Lines, choose
from graphad.symbolic.matrix import Matrix
from graphad.symbolic.tex import Tex, truth

STYLES = ("matrix", "index", "scalar")


@dataclass(frozen=True)
class Equation:
    """One line: ``left = right``, both LaTeX, of a node; ``rule`` is the op or the derivative rule that made it.

    ``place`` is the user's line, such as ``train.py:14``, "" when unknown.
    """

    node: Node
    left: str
    right: str
    rule: str
    place: str
    element: tuple[int, ...] | None = None  # of the element that a line is about, where each has its own

    @property
    def latex(self) -> str:
        """The line without delimiters."""
        return f"{self.left} = {self.right}"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex}$"


def check_style(style: str) -> None:
    """Raise ArgumentError for a style that is none."""
    if style not in STYLES:
        raise ArgumentError(f"unknown style {style!r}", hint=f"one of {', '.join(STYLES)}")


def writer(lines: Lines, style: str) -> Matrix:
    """What writes formulas in a style. Raises ArgumentError for an unknown one."""
    check_style(style)
    return Matrix(lines) if style == "matrix" else Index(lines, spelled=style == "scalar")


def equations(graph: Graph, style: str = "matrix") -> list[Equation]:
    """The equations of a graph: the forward ones, then those that differentiation made, each after what it needs."""
    lines = choose(graph)
    return written(lines, lines.equations, style)


def written(lines: Lines, nodes: Sequence[Node], style: str) -> list[Equation]:
    """The equations of some nodes; in the style "scalar" one for each element of a small array."""
    write = writer(lines, style)
    return [e for node in nodes for e in lines_of(write, node)]


def lines_of(write: Matrix, node: Node) -> list[Equation]:
    """The equation of a node, or those of its elements."""
    if isinstance(write, Index) and write.spelled and not isinstance(node.type, TupleType) and node.ndim:
        return _spelled(write, node)
    return [_equation(node, write.left(node), write.right(node))]


def _spelled(write: Index, node: Node) -> list[Equation]:
    positions = list(spelled_elements(node))
    if not positions:
        return [_equation(node, write.left(node), write.right(node))]
    places = [[Ix(constant=k) for k in position] for position in positions]
    return [
        _equation(node, write.symbol(node, at), write.made(node, at), position)
        for at, position in zip(places, positions, strict=True)
    ]


def _equation(node: Node, left: str, right: Tex, element: tuple[int, ...] | None = None) -> Equation:
    return Equation(node, left, truth(right).text, node.origin.made_by or node.op.name, node.origin.location, element)


def equation(node: Node, style: str = "matrix") -> Equation:
    r"""The equation of one node on what has a name, or is used several times, behind it; the first of several.

    >>> import graphad as ga
    >>> x, w = ga.input("x"), ga.parameter("w")
    >>> y = ga.tanh(w * x)
    >>> print(equation(y).latex)
    y = \tanh\left(w \, x\right)
    """
    return equations_of(node, style)[0]


def equations_of(node: Node, style: str = "matrix") -> list[Equation]:
    """The equation of one node; in the style "scalar" one for each element."""
    nodes = toposort([node])
    graph = Graph([n for n in nodes if "placeholder" in n.op.traits], [node])
    lines = choose(graph)
    if lines.is_item(node):
        (node,) = node.inputs  # one equation for all results
    if lines.is_given(node):
        write = writer(lines, style)
        return [_equation(node, write.left(node), Tex(rf"\text{{{node.op.name}}}"))]
    return written(lines, [node], style)
