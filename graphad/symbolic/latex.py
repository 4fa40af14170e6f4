"""`node.to_latex()`, `g.to_latex()` and what notebooks show: equations as LaTeX."""

from collections.abc import Callable, Sequence

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.lower.compile import Function
from graphad.symbolic.equations import Equation, equation, equations, equations_of

SHOWN = 60  # equations in a notebook


def node_to_latex(node: Node, style: str = "matrix") -> str:
    """The equation of a node, without delimiters; in the style "scalar" those of its elements, one below the other.

    ``style``: "matrix", "index" or "scalar". Raises ArgumentError for another.
    """
    found = equations_of(node, style)
    return found[0].latex if len(found) == 1 else environment(found, "aligned")


def graph_to_latex(graph: Graph, style: str = "matrix") -> str:
    """All equations of a graph, forward before backward, in an ``align*`` environment.

    ``style``: "matrix", "index" or "scalar". Raises ArgumentError for another.
    """
    return environment(equations(graph, style), "align*")


def environment(lines: Sequence[Equation], name: str) -> str:
    """Equations one below the other, aligned at their equals sign."""
    rows = " \\\\\n".join(f"  {e.left} &= {e.right}" for e in lines)
    return f"\\begin{{{name}}}\n{rows}\n\\end{{{name}}}"


def _repr_graph(graph: Graph) -> str:
    found = equations(graph)
    text = environment(found[:SHOWN], "aligned")
    if len(found) > SHOWN:
        text = text.replace("\n\\end", f" \\\\\n  &\\;\\vdots \\quad \\text{{{len(found) - SHOWN} more}}\n\\end")
    return f"$$\n{text}\n$$"


def _repr_node(node: Node) -> str:
    return rf"$\displaystyle {equation(node).latex}$"


def _repr_function(function: Function) -> str:
    return _repr_graph(function.declared)


METHODS: dict[str, Callable[..., str]] = {
    "Node.to_latex": node_to_latex,
    "Node._repr_latex_": _repr_node,
    "Graph.to_latex": graph_to_latex,
    "Graph._repr_latex_": _repr_graph,
    "Function._repr_latex_": _repr_function,
}
install(**METHODS)
