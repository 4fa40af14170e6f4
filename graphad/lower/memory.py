"""How many bytes a program needs at its worst moment, as a formula in the named sizes.

A program is a list of `Step`: buffers made, buffers read. What is modelled is the fast style: a buffer is free again
after its last reader, and an elementwise step may write its result over an operand that nobody reads afterwards. (The
readable style lets go of a temporary when its function ends, or its variable is taken anew.) Views own no memory and
keep what they look at alive. Arguments and hoisted constants are not counted, results are: the number is what a call
adds to the memory of its caller. Scratch inside NumPy and BLAS counts where a step states it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.ir.core import Node
from graphad.ir.dims import Atom, Dim, Monomial, Size, evaluate, product
from graphad.ir.graph import Graph
from graphad.ir.types import TensorType, TupleType
from graphad.lower.alias import is_view
from graphad.ops.fit import broadcast_to
from graphad.ops.index import getitem
from graphad.ops.indexing import FULL
from graphad.ops.layout import reshape, transpose
from graphad.ops.tuples import item

Buffer = Hashable
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement. ``makes``: new buffers and their bytes; ``reads``: buffers that must be there.

    ``over``: those of ``reads`` whose memory the first buffer made may take over, if this step is their last reader.
    ``scratch``: bytes that are needed only while the step runs.
    """

    makes: tuple[tuple[Buffer, Size], ...]
    reads: tuple[Buffer, ...] = ()
    over: tuple[Buffer, ...] = ()
    scratch: Size = 0


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest of some sizes in bytes; prints as ``max(8*n*n, 16*n + 800) bytes``."""

    formulas: tuple[Size, ...]

    def evaluate(self, sizes: Mapping[str, int] | None = None) -> int:
        """The number of bytes. Raises ArgumentError when a named size has no value."""
        return max((evaluate(f, sizes or {}) for f in self.formulas), default=0)

    def __str__(self) -> str:
        shown = [str(f) for f in self.formulas[:4]] + ["…"] * (len(self.formulas) > 4)
        text = ", ".join(shown)
        return f"{text if len(shown) == 1 else f'max({text})'} bytes"


def bytes_of(type_: TensorType) -> Size:
    """The bytes of a value of this type."""
    if isinstance(type_, TupleType):
        return sum(map(bytes_of, type_.items))
    return type_.dtype.itemsize * product(type_.shape)


def numbers(nodes: Iterable[Node], sizes: Mapping[str, int]) -> dict[Node, int]:
    """The bytes of each node's value as a number. Raises ArgumentError when a named size has no value."""
    known: dict[TensorType, int] = {}
    found = {}
    for node in nodes:
        count = known.get(node.type)
        if count is None:
            count = known[node.type] = evaluate(bytes_of(node.type), sizes)
        found[node] = count
    return found


# The flow of memory ---------------------------------------------------------------------------------------------------


def _flow(steps: Sequence[Step], keep: Iterable[Buffer]) -> list[tuple[list[Size], Size, list[Size]]]:
    """For each step the sizes of what is allocated, of its scratch, and of what is free after it."""
    size: dict[Buffer, Size] = {}
    last: dict[Buffer, int] = {}
    for t, step in enumerate(steps):
        for buffer, count in step.makes:
            size[buffer] = count
            last[buffer] = t
        for buffer in step.reads:
            last[buffer] = t
    forever = set(keep)
    flow: list[tuple[list[Size], Size, list[Size]]] = []
    for t, step in enumerate(steps):
        own = [b for b, _ in step.makes]
        dying = {b: size[b] for b in (*step.reads, *own) if b in size and last[b] == t and b not in forever}
        made = [n for _, n in step.makes]
        taken = next((b for b in step.over if made and b in dying and dying[b] == made[0]), None)
        if taken is not None:
            made = made[1:]
            del dying[taken]
        flow.append((made, step.scratch, list(dying.values())))
    return flow


def timeline(steps: Sequence[Step], keep: Iterable[Buffer], sizes: Mapping[str, int] | None = None) -> list[int]:
    """The bytes in use during each step; ``keep`` are buffers that live to the end (the results)."""
    known: dict[Size, int] = {}

    def number(size: Size) -> int:
        if isinstance(size, int):
            return size
        if size not in known:
            known[size] = evaluate(size, sizes or {})
        return known[size]

    used, line = 0, []
    for made, scratch, freed in _flow(steps, keep):
        used += sum(map(number, made))
        line.append(used + number(scratch))
        used -= sum(map(number, freed))
    return line


def peak(steps: Sequence[Step], keep: Iterable[Buffer] = ()) -> Peak:
    """The largest number of bytes in use, as a formula.

    Moments that need no more than another one for any sizes are left out: what is in use is a polynomial in the sizes,
    and one polynomial is at most another when each of its coefficients is.

    >>> n = Dim("n")
    >>> steps = [Step((("a", 8 * n),)), Step((("b", 8 * n),), ("a",)), Step((("c", 8),), ("b",))]
    >>> print(peak(steps, ["c"]))
    max(16*n, 8*n + 8) bytes
    """
    flow = _flow(steps, keep)
    column: dict[Monomial, int] = {}
    rows: list[tuple[int, int, int]] = []  # (moment, column, bytes)
    for t, (made, scratch, freed) in enumerate(flow):
        for sizes, moment, sign in ((made, 2 * t, 1), ([scratch], 2 * t, 1), ([scratch], 2 * t + 1, -1)):
            rows += [(moment, column.setdefault(m, len(column)), sign * c) for s in sizes for m, c in _terms(s)]
        rows += [(2 * t + 1, column.setdefault(m, len(column)), -c) for s in freed for m, c in _terms(s)]
    change = np.zeros((2 * len(flow), len(column)), np.int64)
    if rows:
        moments, columns, amounts = np.array(rows, np.int64).T
        np.add.at(change, (moments, columns), amounts)
    monomials = list(column)
    largest = _undominated(np.cumsum(change, axis=0)[::2])
    return Peak(tuple(_polynomial(monomials, row) for row in largest) or (0,))


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return size.terms if isinstance(size, Dim) else (((), size),) if size else ()


def _polynomial(monomials: Sequence[Monomial], row: Array) -> Size:
    return sum(int(c) * product(map(_atom, m)) for m, c in zip(monomials, row, strict=True) if c)


def _atom(atom: Atom) -> Size:
    return Dim(atom) if isinstance(atom, str) else atom.num // atom.den


def _undominated(rows: Array) -> list[Array]:
    """The rows of which no other is at least as large in every column, largest sum first."""
    if not rows.shape[1]:
        return []
    rows = np.unique(rows, axis=0)[::-1]
    rows = rows[np.argsort(-rows.sum(axis=1), kind="stable")]
    found = []
    while len(rows):
        found.append(rows[0])
        rows = rows[(rows > rows[0]).any(axis=1)]
    return found


# Graphs ---------------------------------------------------------------------------------------------------------------


def memory_of(graph: Graph, order: Sequence[Node]) -> dict[Node, Buffer | None]:
    """The buffer that each node's value lies in: its own, that of what it is a view of, None for what is not counted.

    Not counted are arguments, constants, and scalars spread over a shape where NumPy does that by itself.
    """
    buffer: dict[Node, Buffer | None] = dict.fromkeys(graph.inputs)
    for node in order:
        if not node.inputs and not node.op.traits.isdisjoint({"constant", "size"}):
            buffer[node] = None
        elif node.op is item and node.inputs[0] in buffer and not graph.is_input(node.inputs[0]):
            buffer[node] = (node.inputs[0], node.attrs["index"])
        elif is_view(node) and not copies(node):
            buffer[node] = buffer.get(node.inputs[0])
        elif _is_spread_by_numpy(graph, node):
            buffer[node] = None
        else:
            buffer[node] = node
    return buffer


def owner_of(buffer: Buffer | None) -> Node | None:
    """The node that a buffer of `memory_of` was made by."""
    owner = buffer[0] if isinstance(buffer, tuple) else buffer
    return owner if isinstance(owner, Node) else None


def copies(node: Node) -> bool:
    """Whether a reshape meets memory in another order: NumPy then copies. Inputs and copies count as contiguous."""
    if node.op is not reshape:
        return False
    x = node.inputs[0]
    while "view" in x.op.traits and x.inputs:
        if x.op is reshape:
            return False
        rows_only = x.op is getitem and all(entry == FULL for entry in x.attrs["index"][1:])
        if x.op in (transpose, broadcast_to) or (x.op is getitem and not rows_only):
            return True
        x = x.inputs[0]
    return False


def _is_spread_by_numpy(graph: Graph, node: Node) -> bool:
    if node.op.name != "broadcast_to" or "constant" not in node.inputs[0].op.traits or graph.is_output(node):
        return False
    return all("promotes" in user.op.traits for user in graph.users[node])


def steps_of(graph: Graph, order: Sequence[Node], in_place: bool = True) -> tuple[list[Step], list[Buffer]]:
    """One step for each node of an order, and the buffers of the results."""
    buffer = memory_of(graph, order)
    size: dict[TensorType, Size] = {}
    steps = []
    for node in order:
        reads = tuple(b for x in node.inputs if (b := buffer.get(x)) is not None)
        own = buffer[node]
        if node.op is item:
            reads = () if own is None else (own,)
        if own is None or own is not node:
            steps.append(Step((), reads))
        elif isinstance(node.type, TupleType):
            items = tuple(((node, k), bytes_of(t)) for k, t in enumerate(node.type.items))
            steps.append(Step(items, reads))
        else:
            if node.type not in size:
                size[node.type] = bytes_of(node.type)
            fits = in_place and "elementwise" in node.op.traits
            over = tuple(x for x in node.inputs if fits and buffer.get(x) is x and x.type == node.type)
            steps.append(Step(((node, size[node.type]),), reads, over))
    keep = [b for y in graph.outputs if (b := buffer.get(y)) is not None]
    return steps, keep


def predicted(graph: Graph, order: Sequence[Node], in_place: bool = True) -> Peak:
    """The peak of the computed nodes of a graph in an order."""
    return peak(*steps_of(graph, order, in_place))
