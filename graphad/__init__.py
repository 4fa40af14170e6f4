"""graphad: declare a graph, get its gradient graph, compile both to readable NumPy.

Declare -> differentiate -> rewrite -> lower -> run, export, draw. README.md is the start,
`docs/architecture.md` the map, `namespace.py` the list of functions.
"""

import sys as _sys
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
from graphad.study import check_grads as check_grads
from graphad.study import derivation as derivation
from graphad.study import plot_function as plot_function
from graphad.study import trace_table as trace_table

__version__ = "0.1.0"


def load(path: str | _Path) -> Graph:
    """The graph in a .json file that `Graph.save` wrote. Raises SerializationError saying what is wrong with it."""
    return _serialize.load(path, _BY_NAME)


def _namespace(node: Node) -> _Any:
    return _sys.modules[__name__]


_install(__array_namespace__=_namespace)
_install_later("graphad.autodiff.loops", "scan_vjp", "scan_jvp")
_install_later("graphad.check.gradients", "check_grads")
_install_later("graphad.train.gradients", "check_gradients")
_install_later("graphad.draw.save", "Graph.draw", "Graph.save", "Function.save")
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
