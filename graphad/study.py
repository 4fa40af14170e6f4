"""Functions that explain, draw and check a graph: declared here, written in higher layers, imported when called."""

from collections.abc import Mapping
from typing import Any

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.late import method
from graphad.lower.compile import Function

_TRACE, _PLOT, _DERIVE, _CHECK = map(method, ("trace_table", "plot_function", "derivation", "check_grads"))


def trace_table(graph: Graph | Function, values: Mapping[Any, Any], rng: Any = None) -> Any:
    """Run a graph and tell each step as a row of a table: node, equation, value, and the gradient that belongs to it.

    ``values``: input (its name, or the node) -> number or array; ``rng``: for graphs that draw random numbers. The
    forward pass comes first, then the backward pass with the rules of differentiation, where the graph has one.
    ``print`` shows the table, a notebook shows HTML, ``rows`` are plain data. Of a compiled function it is the graph
    that was declared. Raises ArgumentError for inputs that are missing or not known, DTypeError, ShapeError.

    >>> import graphad as ga
    >>> x = ga.input("x")
    >>> y = ga.sin(x)
    >>> table = ga.trace_table(ga.Graph([x], [y, ga.grad(y, x)]), {"x": 0.0})
    >>> [(row.node, row.equation, float(row.value)) for row in table.rows[1:]]
    [('y', 'np.sin(x)', 0.0), ('d_y', '1', 1.0), ('t0', 'np.cos(x)', 1.0), ('d_x', 'd_y * t0', 1.0)]
    """
    return _TRACE(graph, values, rng)


def plot_function(function: Any, domain: Any = None, values: Mapping[str, Any] | None = None) -> Any:
    """Four panels that show a function of one or two real numbers, as a matplotlib Figure.

    The wiring, the equations of value and derivative, a line that the function maps to a line (arrows, stretch by the
    derivative as color), a plane and where it goes (a grid with the change of area, or values with the gradient).

    ``function``: an op, a function that makes nodes of nodes, or a Graph whose inputs are scalars or one vector of two
    numbers. ``domain``: (low, high), or one pair for each number; an op has its own. ``values``: fixes other inputs of
    a graph. Poles and jumps are not joined by lines, kinks are marked. Raises ArgumentError for what is no such
    function, MissingDependencyError without matplotlib (extra ``plot``).

    >>> import graphad as ga
    >>> figure = ga.plot_function(ga.tanh)                               # doctest: +SKIP
    >>> figure = ga.plot_function(lambda x: x * ga.sin(1 / x), (-1, 1))  # doctest: +SKIP
    """
    return _PLOT(function, domain, values)


def derivation(
    loss: Node,
    wrt: Any,
    style: str = "matrix",
    name: str | None = None,
    *,
    values: Any = None,
    worksheet: bool = False,
) -> Any:
    """The worked solution of a backpropagation exercise: forward equations, chain rule step by step, gradients.

    ``style``: "matrix", "index" or "scalar"; ``values``: input -> number or array, then each line shows its number;
    ``worksheet``: leave the backward pass blank, to be checked by ``.check({1: "..."})``. The result has ``.steps``,
    ``.markdown``, ``.latex``, ``.html``, ``.save(path)``; see `graphad.symbolic.derivation`. Raises
    DifferentiationError as `grad` does, ArgumentError for an unknown style.
    """
    return _DERIVE(loss, wrt, style, name, values=values, worksheet=worksheet)


def check_grads(
    graph: Graph | Function,
    values: Mapping[Any, Any] | None = None,
    order: int = 2,
    rtol: float = 1e-5,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
) -> Any:
    """Compare every derivative rule that a graph uses with differences: a report that names the faulty ones.

    Each node is checked by itself at the value that it has for ``values`` (input -> array; sampled unless given, with
    ``sizes`` for named sizes), in both modes and up to the ``order``. Kinks are said, and are no failures. The report
    prints as a table; ``report.ok``, ``report.failures``, ``report.faulty``. See `graphad.check.gradients.check_grads`.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,))
    >>> ga.check_grads(ga.Graph([x], [ga.tanh(x)])).ok
    True
    """
    return _CHECK(graph, values, order, rtol, seed, sizes)
