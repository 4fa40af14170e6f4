"""graphad: declare a graph, get its gradient graph, compile both to readable NumPy.

Declare -> differentiate -> rewrite -> lower -> run, export, draw. README.md is the start,
`docs/architecture.md` the map.
"""

import sys as _sys
from pathlib import Path as _Path
from typing import Any as _Any

from graphad import errors as errors
from graphad import methods as _methods  # noqa: F401  # fills the methods of Node
from graphad.autodiff.transforms import grad as grad
from graphad.autodiff.transforms import hessian as hessian
from graphad.autodiff.transforms import hvp as hvp
from graphad.autodiff.transforms import jacobian as jacobian
from graphad.autodiff.transforms import jvp as jvp
from graphad.autodiff.transforms import vjp as vjp
from graphad.draw import save as _save  # noqa: F401  # fills Graph.draw and Graph.save
from graphad.errors import GraphadError as GraphadError
from graphad.functional import log_softmax as log_softmax
from graphad.functional import logsumexp as logsumexp
from graphad.functional import softmax as softmax
from graphad.functional import std as std
from graphad.functional import var as var
from graphad.interop import networkx as _networkx  # noqa: F401  # fills Graph.to_networkx
from graphad.ir import serialize as _serialize
from graphad.ir.core import Node as Node
from graphad.ir.dims import Dim as Dim
from graphad.ir.graph import Graph as Graph
from graphad.ir.late import install as _install
from graphad.ir.origin import scope as scope
from graphad.ir.types import TensorType as TensorType
from graphad.ir.verify import verify as verify
from graphad.lower.compile import Function as Function
from graphad.lower.compile import compile as compile
from graphad.lower.export import export as _export  # noqa: F401  # fills Function.export
from graphad.lower.interpret import interpret as interpret
from graphad.ops import BY_NAME as _BY_NAME
from graphad.ops import random as random
from graphad.ops.contract import dot as dot
from graphad.ops.contract import einsum as einsum
from graphad.ops.contract import inner as inner
from graphad.ops.contract import matmul as matmul
from graphad.ops.contract import outer as outer
from graphad.ops.contract import tensordot as tensordot
from graphad.ops.elementwise import add as add
from graphad.ops.elementwise import arctan as arctan
from graphad.ops.elementwise import cos as cos
from graphad.ops.elementwise import cosh as cosh
from graphad.ops.elementwise import divide as divide
from graphad.ops.elementwise import exp as exp
from graphad.ops.elementwise import expm1 as expm1
from graphad.ops.elementwise import floor as floor
from graphad.ops.elementwise import floor_divide as floor_divide
from graphad.ops.elementwise import log as log
from graphad.ops.elementwise import log1p as log1p
from graphad.ops.elementwise import multiply as multiply
from graphad.ops.elementwise import negative as negative
from graphad.ops.elementwise import power as power
from graphad.ops.elementwise import remainder as remainder
from graphad.ops.elementwise import sigmoid as sigmoid
from graphad.ops.elementwise import sign as sign
from graphad.ops.elementwise import sin as sin
from graphad.ops.elementwise import sinh as sinh
from graphad.ops.elementwise import softplus as softplus
from graphad.ops.elementwise import sqrt as sqrt
from graphad.ops.elementwise import square as square
from graphad.ops.elementwise import subtract as subtract
from graphad.ops.elementwise import sum_n as sum_n
from graphad.ops.elementwise import tan as tan
from graphad.ops.elementwise import tanh as tanh
from graphad.ops.fit import astype as astype
from graphad.ops.fit import broadcast_to as broadcast_to
from graphad.ops.fit import expand_dims as expand_dims
from graphad.ops.fit import full as full
from graphad.ops.fit import full_like as full_like
from graphad.ops.fit import ones as ones
from graphad.ops.fit import ones_like as ones_like
from graphad.ops.fit import squeeze as squeeze
from graphad.ops.fit import sum as sum
from graphad.ops.fit import zeros as zeros
from graphad.ops.fit import zeros_like as zeros_like
from graphad.ops.index import concatenate as concatenate
from graphad.ops.index import flip as flip
from graphad.ops.index import one_hot as one_hot
from graphad.ops.index import split as split
from graphad.ops.index import stack as stack
from graphad.ops.index import take as take
from graphad.ops.kinks import absolute as absolute
from graphad.ops.kinks import clip as clip
from graphad.ops.kinks import maximum as maximum
from graphad.ops.kinks import minimum as minimum
from graphad.ops.kinks import relu as relu
from graphad.ops.layout import matrix_transpose as matrix_transpose
from graphad.ops.layout import moveaxis as moveaxis
from graphad.ops.layout import ravel as ravel
from graphad.ops.layout import reshape as reshape
from graphad.ops.layout import swapaxes as swapaxes
from graphad.ops.layout import transpose as transpose
from graphad.ops.leaves import arange as arange
from graphad.ops.leaves import constant as constant
from graphad.ops.leaves import eye as eye
from graphad.ops.leaves import input as input
from graphad.ops.leaves import parameter as parameter
from graphad.ops.leaves import size as size
from graphad.ops.piecewise import equal as equal
from graphad.ops.piecewise import greater as greater
from graphad.ops.piecewise import greater_equal as greater_equal
from graphad.ops.piecewise import isfinite as isfinite
from graphad.ops.piecewise import isnan as isnan
from graphad.ops.piecewise import less as less
from graphad.ops.piecewise import less_equal as less_equal
from graphad.ops.piecewise import logical_and as logical_and
from graphad.ops.piecewise import logical_not as logical_not
from graphad.ops.piecewise import logical_or as logical_or
from graphad.ops.piecewise import logical_xor as logical_xor
from graphad.ops.piecewise import not_equal as not_equal
from graphad.ops.piecewise import stop_gradient as stop_gradient
from graphad.ops.piecewise import where as where
from graphad.ops.reduce import argmax as argmax
from graphad.ops.reduce import argmin as argmin
from graphad.ops.reduce import max as max
from graphad.ops.reduce import mean as mean
from graphad.ops.reduce import min as min
from graphad.ops.reduce import prod as prod
from graphad.passes.base import Pipeline as Pipeline

__version__ = "0.1.0"

# The array API's other names for the same functions.
abs = absolute
concat = concatenate
permute_dims = transpose
pow = power
amax, amin = max, min
newaxis = None


def load(path: str | _Path) -> Graph:
    """The graph in a .json file that `Graph.save` wrote. Raises SerializationError saying what is wrong with it."""
    return _serialize.load(path, _BY_NAME)


def _namespace(node: Node) -> _Any:
    return _sys.modules[__name__]


_install(__array_namespace__=_namespace)
