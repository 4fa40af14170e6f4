"""Random values: `graphad.random`.

A node draws once per call from the `numpy.random.Generator` that the caller passes as ``rng=``; forward and backward
share the draw; the same generator state gives the same numbers.
"""

from typing import Any

import numpy as np

from graphad.ir.core import Constant, Node, op
from graphad.ir.origin import composite
from graphad.ir.types import TensorType
from graphad.ops.attributes import DTypeAttr, ShapeAttr
from graphad.ops.elementwise import add, multiply
from graphad.ops.fit import astype
from graphad.ops.leaves import plain
from graphad.ops.piecewise import less

FLOAT64 = np.dtype("float64")


@op(
    numpy="rng.standard_normal({shape}, {dtype})",
    derivative=Constant(),
    coerce=plain,
    traits=("random",),
    latex=r"\mathcal{{N}}\left(0, 1\right)",
)
def standard_normal(shape: ShapeAttr = (), dtype: DTypeAttr = FLOAT64) -> TensorType:
    """Independent draws from the normal distribution with mean 0 and variance 1; float64 or float32."""
    return TensorType(shape, dtype)


@op(
    numpy="rng.random({shape}, {dtype})",
    derivative=Constant(),
    coerce=plain,
    traits=("random",),
    name="random_uniform",
    latex=r"\mathcal{{U}}\left(0, 1\right)",
)
def _unit(shape: ShapeAttr = (), dtype: DTypeAttr = FLOAT64) -> TensorType:
    """Independent draws from the uniform distribution on [0, 1); float64 or float32."""
    return TensorType(shape, dtype)


@composite
def normal(loc: Any = 0.0, scale: Any = 1.0, shape: Any = (), dtype: Any = "float64") -> Node:
    """Normal draws with mean ``loc`` and standard deviation ``scale``, differentiable in both (reparameterized)."""
    return add(loc, multiply(scale, standard_normal(shape, dtype)))


@composite
def uniform(low: Any = 0.0, high: Any = 1.0, shape: Any = (), dtype: Any = "float64") -> Node:
    """Uniform draws on [low, high), differentiable in both."""
    draws = _unit(shape, dtype)
    if type(low) in (int, float) and type(high) in (int, float) and (low, high) == (0, 1):
        return draws  # as they are: no 0 + 1 * x in drawings
    return add(low, multiply(high - low, draws))


@composite
def bernoulli(p: Any, shape: Any = (), dtype: Any = "float64") -> Node:
    """1 with probability ``p``, else 0: independent draws, constant in p for differentiation."""
    return astype(less(_unit(shape, dtype), p), dtype)


OPS = (standard_normal, _unit)
