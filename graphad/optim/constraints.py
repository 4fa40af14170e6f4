"""What parameters must be after a step: transforms that come last in a `chain`, behind the learning rate."""

from typing import Any

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ops.attributes import normal_axis
from graphad.ops.elementwise import sqrt, square
from graphad.ops.fit import sum
from graphad.ops.kinks import maximum
from graphad.optim.base import Transform
from graphad.optim.transforms import in_range, stateless


def max_norm(limit: float, axis: int | tuple[int, ...] | None = None) -> Transform:
    """Holds the norm of the weights into each unit at ``limit`` or less, by scaling them (Srivastava et al. 2014).

    Put it last: ``chain(adam(), max_norm(3.0))``. The norm is over ``axis``; unless given over all that lead into a
    unit: axis 0 of a matrix (n_in, n_out), all but axis 0 of filters (out, in, *kernel). Parameters with fewer than two
    axes, such as biases, are left alone. Raises ArgumentError unless limit > 0, AxisError.
    """
    bound = in_range("max_norm: limit", limit)
    if bound == 0:
        raise ArgumentError("max_norm: limit must not be 0")

    def change(u: Node, p: Node) -> Node:
        if p.ndim < 2:
            return u
        moved = p + u
        norm = sqrt(sum(square(moved), axis=_incoming(p, axis), keepdims=True))
        return moved * (bound / maximum(norm, bound)) - p

    return stateless(change)


def _incoming(p: Node, axis: Any) -> tuple[int, ...]:
    """The axes that a norm is over."""
    if axis is None:
        return (0,) if p.ndim == 2 else tuple(range(1, p.ndim))
    return tuple(normal_axis(a, [p]) for a in (axis if isinstance(axis, tuple | list) else (axis,)))
