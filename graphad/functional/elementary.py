"""Elementwise functions that are others in disguise: positive, angle, fabs, sign."""

from typing import Any

import numpy as np

from graphad.errors import DTypeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ops.casts import cast, imag, real
from graphad.ops.elementwise import sign as sign_op
from graphad.ops.kinks import absolute
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import where
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
    out = arctan2(imag(node), real(node)) if node.dtype.kind == "c" else arctan2(0, node)
    return rad2deg(out) if deg else out


@composite
def fabs(x: Any) -> Node:
    """|x| of real numbers. Raises DTypeError for complex ones."""
    node = as_node(x)
    if node.dtype.kind == "c":
        fail(DTypeError, f"fabs: {label(node)} is complex", node, hint="use ga.abs")
    return absolute(cast(node, np.fabs(np.empty(0, node.dtype)).dtype))


@composite
def sign(x: Any) -> Node:
    """-1, 0 or 1, whose derivative is zero, also at 0; of complex numbers x / |x|, and 0 for 0, as `numpy.sign`."""
    node = as_node(x)
    if node.dtype.kind != "c":
        return sign_op(node)
    length = absolute(node)
    return where(length == 0, 0, node / where(length == 0, 1, length))
