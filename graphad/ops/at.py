"""``x.at[key]``: functional updates of a part of an array, after JAX's notation.

Where a place is named twice all values count, as if the updates came one after the other. Products and extremes need no
rule of their own for that: the values are brought into an order in which the last one written is the right one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphad.errors import DTypeError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import broadcast_shapes
from graphad.ops.elementwise import power
from graphad.ops.fit import cast, stretch
from graphad.ops.index import flip, gather, getitem, index, place, put, scatter_add
from graphad.ops.indexing import ARRAY, indexed_shape, parse
from graphad.ops.kinks import maximum, minimum
from graphad.ops.layout import ravel, reshape
from graphad.ops.leaves import arange, as_node
from graphad.ops.piecewise import equal, where
from graphad.ops.scan import linear_recurrence, shifted
from graphad.ops.sort import argsort


class At:
    """``x.at[key]``: where functional updates of ``x`` start; each gives a new array. Values broadcast to the part."""

    def __init__(self, x: Node, key: Any = ...) -> None:
        self._x, self._key = x, key

    def __getitem__(self, key: Any) -> "At":
        return At(self._x, key)

    def get(self) -> Node:
        """The part itself."""
        return index(self._x, self._key)

    def set(self, values: Any) -> Node:
        """A copy with ``values`` at the index; of several values for one place the last one stays."""
        return _set(self, values)

    def add(self, values: Any) -> Node:
        """A copy with ``values`` added at the index."""
        return _add(self, values)

    def subtract(self, values: Any) -> Node:
        """A copy with ``values`` subtracted at the index."""
        return _add(self, -as_node(values, self._x.dtype))

    def multiply(self, values: Any) -> Node:
        """A copy multiplied by ``values`` at the index; derivatives are exact where values are zero."""
        return _multiply(self, values)

    mul = multiply

    def divide(self, values: Any) -> Node:
        """A copy divided by ``values`` at the index."""
        return _multiply(self, 1 / as_node(values, self._x.dtype))

    def power(self, values: Any) -> Node:
        """A copy raised to the power of ``values`` at the index."""
        return _power(self, values)

    def min(self, values: Any) -> Node:
        """A copy with the smaller of old and new value at the index.

        At a tie each has the derivative one half; of several equal new values for one place one counts.
        """
        return _extreme(self, values, minimum)

    def max(self, values: Any) -> Node:
        """A copy with the larger of old and new value at the index; ties as in `min`."""
        return _extreme(self, values, maximum)


class _Part:
    """The part of ``x`` that a key names, and the values for it, of the part's shape."""

    def __init__(self, at: At, values: Any) -> None:
        self.x = at._x
        self.pattern, self.arrays = parse(self.x, at._key)
        shape = indexed_shape(self.x, self.pattern, self.arrays)
        node = as_node(values, self.x.dtype)
        if not np.can_cast(node.dtype, self.x.dtype, "same_kind"):
            what = f"at: {node.dtype} values do not fit into {label(self.x)}, which is {self.x.dtype}"
            fail(DTypeError, what, self.x, node, hint="use astype on one of them")
        if broadcast_shapes(node.shape, shape) != shape:
            fail(ShapeError, f"at: values of shape {node.shape} do not fit the part of shape {shape}", self.x, node)
        self.values = cast(stretch(node, shape), self.x.dtype)

    def of(self, x: Node) -> Node:
        """This part of an array."""
        if self.arrays:
            return gather(x, *self.arrays, index=self.pattern)
        return getitem(x, index=self.pattern)

    def put(self, values: Node) -> Node:
        """A copy of x with the values there."""
        return put(self.x, values, *self.arrays, index=self.pattern)

    def places(self) -> Node:
        """The position in the flattened x of each value."""
        return ravel(self.of(reshape(arange(self.x.size), self.x.shape)))

    def is_plain(self) -> bool:
        """Whether each place is certainly named once."""
        if not all("constant" in a.op.traits for a in self.arrays):
            return False
        arrays = np.broadcast_arrays(*(a.attrs["value"] for a in self.arrays)) if self.arrays else []
        spots = {tuple(spot) for spot in zip(*(a.ravel().tolist() for a in arrays), strict=True)}
        one_sided = all((a >= 0).all() or (a < 0).all() for a in arrays)  # -1 may be the same place as 5
        return not arrays or (len(spots) == arrays[0].size and one_sided)


@composite
def _set(at: At, values: Any) -> Node:
    part = _Part(at, values)
    return part.put(part.values)


@composite
def _add(at: At, values: Any) -> Node:
    part = _Part(at, values)
    x, pattern = part.x, part.pattern
    if part.arrays:
        return x + scatter_add(part.values, *part.arrays, index=pattern, shape=x.shape)
    return x + place(part.values, index=pattern, shape=x.shape)


def _in_order(part: _Part, order: Node, values: Node) -> Node:
    """A copy of x with the flat ``values`` written to the part's places in the given order."""
    flat = put(ravel(part.x), values, index(part.places(), order), index=(ARRAY,))
    return reshape(flat, part.x.shape)


@composite
def _multiply(at: At, values: Any) -> Node:
    part = _Part(at, values)
    if part.is_plain():
        return part.put(part.of(part.x) * part.values)
    places = part.places()
    order = argsort(places, 0)
    sorted_places, factors = index(places, order), index(ravel(part.values), order)
    again = equal(sorted_places, shifted(sorted_places, 0, -1))  # the place of the one before
    products = linear_recurrence(where(again, factors, 0), where(again, 0, factors), axis=0)
    return _in_order(part, order, index(ravel(part.x), sorted_places) * products)


@composite
def _power(at: At, values: Any) -> Node:
    part = _Part(at, values)
    if part.is_plain():
        return part.put(power(part.of(part.x), part.values))
    ones = At(stretch(as_node(1, part.x.dtype), part.x.shape), at._key)
    return power(part.x, _multiply(ones, values))


@composite
def _extreme(at: At, values: Any, extreme: Callable[[Node, Node], Node]) -> Node:
    part = _Part(at, values)
    new = extreme(part.of(part.x), part.values)
    if part.is_plain():
        return part.put(new)
    order = argsort(ravel(part.values), 0)
    order = flip(order) if extreme is minimum else order
    return _in_order(part, order, index(ravel(new), order))
