"""Elementwise functions that are others in disguise: positive, angle, fabs."""

from typing import Any

import numpy as np

from graphad.errors import DTypeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ops.casts import imag, real
from graphad.ops.kinks import absolute
from graphad.ops.leaves import as_node
from graphad.ops.trigonometry import arctan2, rad2deg


def positive(x: Any) -> Node:
    """``+x``: the node itself. Raises DTypeError for booleans, as NumPy does."""
    node = as_node(x)
    if node.dtype == np.bool_:
        fail(DTypeError, f"positive: {label(node)} is boolean", node, hint="use astype first")
    return node


@composite
def angle(z: Any, deg: bool = False) -> Node:
    """The angle of complex numbers in the plane, in radians (or degrees), as `numpy.angle`; that of 0 is 0.

    Real numbers have the angle 0 or π. At 0 the derivative is that of `arctan2`.
    """
    node = as_node(z)
    out = arctan2(imag(node), real(node))
    return rad2deg(out) if deg else out


@composite
def fabs(x: Any) -> Node:
    """|x| of real numbers. Raises DTypeError for complex ones."""
    node = as_node(x)
    if node.dtype.kind == "c":
        fail(DTypeError, f"fabs: {label(node)} is complex", node, hint="use ga.abs")
    return absolute(node if node.dtype.kind == "f" else node * 1.0)
