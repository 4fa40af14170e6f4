"""graphad: declare a graph, get its gradient graph, compile both to readable NumPy.

Declare -> differentiate -> rewrite -> lower -> run, export, draw. README.md is the start,
`docs/architecture.md` the map, `namespace.py` the list of functions.
"""

import sys as _sys
from collections.abc import Mapping as _Mapping
from pathlib import Path as _Path
from typing import Any as _Any

from numpy import bool_ as bool_
from numpy import complex64 as complex64
from numpy import complex128 as complex128
from numpy import e as e
from numpy import euler_gamma as euler_gamma
from numpy import finfo as finfo
from numpy import float16 as float16
from numpy import float32 as float32
from numpy import float64 as float64
from numpy import iinfo as iinfo
from numpy import inf as inf
from numpy import int8 as int8
from numpy import int16 as int16
from numpy import int32 as int32
from numpy import int64 as int64
from numpy import isdtype as isdtype
from numpy import nan as nan
from numpy import newaxis as newaxis
from numpy import pi as pi
from numpy import uint8 as uint8
from numpy import uint16 as uint16
from numpy import uint32 as uint32
from numpy import uint64 as uint64

from graphad import errors as errors
from graphad import fft as fft
from graphad import linalg as linalg
from graphad import methods as _methods  # noqa: F401  # fills the methods of Node
from graphad import nn as nn
from graphad import optim as optim
from graphad import special as special
from graphad import train as train
from graphad.autodiff.transforms import grad as grad
from graphad.autodiff.transforms import hessian as hessian
from graphad.autodiff.transforms import hvp as hvp
from graphad.autodiff.transforms import jacobian as jacobian
from graphad.autodiff.transforms import jvp as jvp
from graphad.autodiff.transforms import vjp as vjp
from graphad.errors import GraphadError as GraphadError
from graphad.ir import diff as _diff  # noqa: F401  # fills Graph.diff
from graphad.ir import serialize as _serialize
from graphad.ir.core import Node as Node
from graphad.ir.dims import Dim as Dim
from graphad.ir.graph import Graph as Graph
from graphad.ir.late import install as _install
from graphad.ir.late import install_later as _install_later
from graphad.ir.late import method as _method
from graphad.ir.origin import scope as scope
from graphad.ir.types import TensorType as TensorType
from graphad.ir.verify import verify as verify
from graphad.lower.compile import Function as Function
from graphad.lower.compile import compile as compile
from graphad.lower.explain import explain as explain
from graphad.lower.export import export as _export  # noqa: F401  # fills Function.export
from graphad.lower.interpret import interpret as interpret
from graphad.namespace import *  # noqa: F403
from graphad.ops import BY_NAME as _BY_NAME
from graphad.ops import random as random
from graphad.ops.leaves import constant as constant
from graphad.ops.leaves import input as input
from graphad.ops.leaves import parameter as parameter
from graphad.ops.leaves import size as size
from graphad.ops.piecewise import stop_gradient as stop_gradient
from graphad.passes.base import Pipeline as Pipeline
from graphad.rules.user import rewrite as rewrite

__version__ = "0.1.0"


def load(path: str | _Path) -> Graph:
    """The graph in a .json file that `Graph.save` wrote. Raises SerializationError saying what is wrong with it."""
    return _serialize.load(path, _BY_NAME)


_trace_table, _plot_function = _method("trace_table"), _method("plot_function")


def trace_table(graph: Graph | Function, values: _Mapping[_Any, _Any], rng: _Any = None) -> _Any:
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
    return _trace_table(graph, values, rng)


def plot_function(function: _Any, domain: _Any = None, values: _Mapping[str, _Any] | None = None) -> _Any:
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
    return _plot_function(function, domain, values)


def _namespace(node: Node) -> _Any:
    return _sys.modules[__name__]


_derivation = _method("derivation")


def derivation(
    loss: Node,
    wrt: _Any,
    style: str = "matrix",
    name: str | None = None,
    *,
    values: _Any = None,
    worksheet: bool = False,
) -> _Any:
    """The worked solution of a backpropagation exercise: forward equations, chain rule step by step, gradients.

    ``style``: "matrix", "index" or "scalar"; ``values``: input -> number or array, then each line shows its number;
    ``worksheet``: leave the backward pass blank, to be checked by ``.check({1: "..."})``. The result has ``.steps``,
    ``.markdown``, ``.latex``, ``.html``, ``.save(path)``; see `graphad.symbolic.derivation`. Raises
    DifferentiationError as `grad` does, ArgumentError for an unknown style.
    """
    return _derivation(loss, wrt, style, name, values=values, worksheet=worksheet)


_install(__array_namespace__=_namespace)
_install_later("graphad.autodiff.loops", "scan_vjp", "scan_jvp")
_install_later("graphad.draw.save", "Graph.draw", "Graph.save")
_install_later(
    "graphad.draw.reprs",
    *(f"{kind}._repr_{form}_" for kind in ("Node", "Graph", "Function") for form in ("svg", "html", "mimebundle")),
)
_install_later("graphad.draw.trace", "trace_table")
_install_later("graphad.draw.function_view", "plot_function")
_install_later("graphad.draw.summary", "Graph.summary", "Function.summary")
_install_later("graphad.draw.diff", "Diff.draw")
_install_later("graphad.draw.functions", "Function.draw")
_install_later("graphad.interop.networkx", "Graph.to_networkx")
_install_later("graphad.lower.profile", "Function.profile")
_install_later("graphad.symbolic.latex", "Node.to_latex", "Node._repr_latex_", "Graph.to_latex", "Graph._repr_latex_")
_install_later("graphad.symbolic.latex", "Function._repr_latex_")
_install_later("graphad.symbolic.derivation", "derivation")
