"""Values of many steps as one array: views of what is there, one operation for all steps, or a copy.

The steps are equal expressions of different values, as an unrolled loop leaves them behind. `unrolled.py` decides what
is gained by a stack; this module knows how to make it, and what it costs. Every stack is made once.
"""

import builtins
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

import numpy as np

from graphad.ir.core import Node, Op, attrs_key
from graphad.ir.dims import Size, product
from graphad.ops import ALL_OPS
from graphad.ops.attributes import all_axes
from graphad.ops.contract import matmul
from graphad.ops.elementwise import multiply
from graphad.ops.fit import broadcast_to, expand_dims, squeeze, stretch, sum
from graphad.ops.index import concatenate, getitem, stack
from graphad.ops.indexing import FULL, NEW, Pattern, Slice
from graphad.ops.layout import matrix_transpose, reshape, transpose
from graphad.ops.leaves import constant
from graphad.rules.einsums import assumed
from graphad.rules.patterns import as_pattern

SMALL = 1024  # elements of a step: to copy them costs less than a call
LARGE = 16384  # elements of a step, above which calls cost nothing beside the work
DEEPEST = 6  # operations on a step that become one on all steps

Members: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True)
class Stack:
    """The values of all steps along a new first axis; ``copied``: elements of a step that this copies."""

    node: Node
    copied: int
    copies: tuple[tuple[Members, Node], ...] = ()  # what is copied, and the arrays it is copied to


@dataclass
class Stacks:
    """Makes stacks for a node at height ``user``, on which none of their members may depend.

    Edges of the graph lead from higher to lower nodes: what is above the user does not depend on it. New edges that
    keep to this make no cycle.
    """

    uses: Counter[Node]
    cut: Collection[Node]  # the inputs of the graph: nothing behind them belongs to it
    height: dict[Node, int]  # the longest way to an output
    user: int = 0
    known: dict[Node, tuple[int, int]] = field(default_factory=dict)  # by member: number of the stack, place in it
    kept: dict[int, tuple[Node, int]] = field(default_factory=dict)  # by number: the stack, height of its lowest member
    numbers: "count[int]" = field(default_factory=count)
    gathered: set[Node] = field(default_factory=set)  # nodes that are computed for all steps at once already

    def keep(self, members: Members, node: Node) -> None:
        """Remember a stack for those who need the same values, or consecutive ones of them."""
        number = next(self.numbers)
        self.kept[number] = node, min(self.height[x] for x in members)
        for k, x in enumerate(members):
            self.known.setdefault(x, (number, k))

    def may_go(self, x: Node) -> bool:
        """Whether a node may go into an operation on all steps: it has one user, and no name of the user's."""
        named = x.name and x.origin.adjoint_of is None
        return self.uses[x] == 1 and bool(x.inputs) and not named and x not in self.cut and x not in self.gathered

    def alike(self, members: Members) -> bool:
        """Whether all are the same operation on operands of the same types, and may go into one on all steps."""
        return all(map(self.may_go, members)) and len({signature(x) for x in members}) == 1

    def stack(self, members: Members, depth: int = DEEPEST) -> Stack:
        """The members along a new first axis."""
        first = members[0]
        if all(x is first for x in members):
            return Stack(stretch(expand_dims(first, 0), (len(members), *first.shape)), 0)
        if all("constant" in x.op.traits for x in members):
            return Stack(constant(np.stack([x.attrs["value"] for x in members])), 0)
        elements = assumed(first.size) if first.ndim else SMALL + 1  # arithmetic with scalars is quick
        found = self._slices(members) or self._part(members)
        if found:
            return Stack(found[0], elements if found[0].op is transpose else 0)  # side by side only as a copy
        if depth and first.op in STEPWISE and elements <= LARGE and self.alike(members):
            inner = [self.stack(column, depth - 1) for column in zip(*(x.inputs for x in members), strict=True)]
            copied = builtins.sum(s.copied for s in inner)
            most = max(2 * elements, SMALL) if first.op is matmul else SMALL
            new = STEPWISE[first.op](members, [s.node for s in inner]) if copied <= most else None
            if new is not None:
                return Stack(new, copied, tuple(c for s in inner for c in s.copies))
        new = _copy(members)
        return Stack(new, elements, ((members, new),))

    def place_in_array(self, x: Node) -> tuple[Node, int, int] | None:
        """(y, axis, k) of a node y[..., k, ...] that takes one step of y."""
        if x.op is not getitem or x in self.cut:
            return None
        axes = [k for k, e in enumerate(x.attrs["index"]) if e != FULL]
        if len(axes) != 1 or not isinstance(x.attrs["index"][axes[0]], int):
            return None
        (y,), axis = x.inputs, axes[0]
        k, size = x.attrs["index"][axis], y.shape[axis]
        if k < 0:
            return (y, axis, size + k) if isinstance(size, int) else None
        return y, axis, k

    def _slices(self, members: Members) -> tuple[Node] | None:
        """x[a:b], whose elements are x[a], x[a + 1], …."""
        places = [self.place_in_array(x) for x in members]
        if places[0] is None:
            return None
        x, axis, start = places[0]
        for k, found in enumerate(places):
            if found is None or found[0] is not x or found[1:] != (axis, start + k):
                return None
        part = steps_of(x, axis, start, start + len(members))
        return (transpose(part, (axis, *(k for k in range(x.ndim) if k != axis))) if axis else part,)

    def _part(self, members: Members) -> tuple[Node] | None:
        """Consecutive members of a stack that is there."""
        if members[0] not in self.known:
            return None
        number, start = self.known[members[0]]
        node, lowest = self.kept[number]
        if lowest <= self.user or any(self.known.get(x) != (number, start + k) for k, x in enumerate(members)):
            return None
        return (steps_of(node, 0, start, start + len(members)),)


def signature(x: Node) -> object:
    """Equal for nodes that differ in the values of their operands only."""
    return x.op, attrs_key(x.attrs), tuple((y.shape, y.dtype, y.op is transpose) for y in x.inputs)


def steps_of(x: Node, axis: int, start: int, stop: Size) -> Node:
    """x[start:stop] along an axis, x itself if that is all of it."""
    if start == 0 and stop == x.shape[axis]:
        return x
    return getitem(x, (*[FULL] * axis, Slice(start or None, stop if stop != x.shape[axis] else None)))


def _copy(members: Members) -> Node:
    """The members side by side: `concatenate` takes a third of the time of `stack`."""
    first = members[0]
    if not first.ndim:
        return stack(*members)
    return reshape(concatenate(*members, axis=0), (len(members), *first.shape))


# Sums of products -----------------------------------------------------------------------------------------------------


def factors_of(members: Members) -> tuple[Members, Members] | None:
    """aₜ and bₜ of products aₜᵀ @ bₜ, also of a column and a row; the members are computed alike."""
    x = members[0]
    if x.op is matmul and x.ndim == 2 and x.inputs[0].op is transpose and x.inputs[1].ndim == 2:
        return tuple(m.inputs[0].inputs[0] for m in members), tuple(m.inputs[1] for m in members)
    if x.op is not multiply or x.ndim != 2:
        return None
    for column, row in ((0, 1), (1, 0)):
        a = [y for m in members if (y := _vector(m.inputs[column], (FULL, NEW))) is not None]
        b = [y for m in members if (y := _vector(m.inputs[row], (NEW,))) is not None]
        if len(a) == len(b) == len(members):
            return tuple(a), tuple(b)
    return None


def _vector(x: Node, pattern: Pattern) -> Node | None:
    """The vector that stands in every column of a matrix, (FULL, NEW), or in every row."""
    inner = x.inputs[0] if x.op is broadcast_to else x
    if x.op is broadcast_to and inner.ndim == 1 and pattern == (NEW,):
        return inner
    return inner.inputs[0] if inner.ndim == 2 and as_pattern(inner) == pattern else None


def rows_of(x: Node) -> Node:
    """A stack of matrices as one matrix of all their rows; a stack of vectors is one."""
    if x.ndim <= 2:
        return x
    shape = (product(x.shape[:-1]), x.shape[-1])
    return x.inputs[0] if x.op is reshape and x.inputs[0].shape == shape else reshape(x, shape)


# One operation on all steps -------------------------------------------------------------------------------------------


def _elementwise(members: Members, operands: Sequence[Node]) -> Node:
    return members[0].op(*operands, **members[0].attrs)


def _broadcast(members: Members, operands: Sequence[Node]) -> Node:
    shape, (x,) = members[0].shape, operands
    new = len(shape) + 1 - x.ndim
    return stretch(expand_dims(x, tuple(range(1, new + 1))) if new else x, (len(members), *shape))


def _moved_axes(members: Members, operands: Sequence[Node]) -> Node:
    axes = members[0].attrs["axis"]
    return members[0].op(operands[0], axis=tuple(k + 1 for k in ([axes] if isinstance(axes, int) else axes)))


def _transposed(members: Members, operands: Sequence[Node]) -> Node:
    return transpose(operands[0], (0, *(k + 1 for k in members[0].attrs["axes"])))


def _summed(members: Members, operands: Sequence[Node]) -> Node:
    axes = all_axes(members[0].inputs[0], members[0].attrs["axis"])
    return sum(operands[0], **{**members[0].attrs, "axis": tuple(k + 1 for k in axes)})


def _cut(members: Members, operands: Sequence[Node]) -> Node:
    return getitem(operands[0], (FULL, *members[0].attrs["index"]))


def _reshaped(members: Members, operands: Sequence[Node]) -> Node:
    return reshape(operands[0], (len(members), *members[0].shape))


def _multiplied(members: Members, operands: Sequence[Node]) -> Node | None:
    """Products with one matrix are one product, others a stack of them."""
    (a, b), (x, y) = members[0].inputs, operands
    if all(m.inputs[1] is b for m in members) and a.ndim <= 2 and b.ndim <= 2:
        return matmul(x, b)
    if all(m.inputs[0] is a for m in members) and b.ndim == 1:
        return matmul(y, matrix_transpose(a)) if a.ndim == 2 else matmul(y, a)
    if a.ndim == 1 and b.ndim == 1:
        return sum(multiply(x, y), axis=1)
    return matmul(x, y) if a.ndim >= 2 and b.ndim >= 2 else None


STEPWISE: dict[Op, Callable[[Members, Sequence[Node]], Node | None]] = {
    **{op: _elementwise for op in ALL_OPS if "elementwise" in op.traits and not op.variadic},
    broadcast_to: _broadcast,
    expand_dims: _moved_axes,
    squeeze: _moved_axes,
    transpose: _transposed,
    sum: _summed,
    getitem: _cut,
    reshape: _reshaped,
    matmul: _multiplied,
}
