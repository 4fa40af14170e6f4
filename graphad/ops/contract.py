"""Contractions.

`einsum` is the one contraction: its adjoints are einsums again. `matmul` is its everyday form, which lowers to ``@``;
dot, outer, inner and tensordot are named cases of the two.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Case, Multilinear, Node, Op, fail, label, op
from graphad.ir.dims import Size
from graphad.ir.origin import composite
from graphad.ir.types import TensorType, as_dtype, broadcast_shapes
from graphad.ops.attributes import normal_axis
from graphad.ops.casts import cast
from graphad.ops.elementwise import multiply
from graphad.ops.fit import expand_dims, promoting, stretch, sum
from graphad.ops.index import index
from graphad.ops.layout import matrix_transpose, reshape
from graphad.ops.leaves import arange, as_node

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


# matmul -------------------------------------------------------------------------------------------------------------


def _matrices(op: Op, operands: Sequence[Any]) -> list[Node]:
    """Operands of one dtype and, where both are stacks of matrices, of one stack shape."""
    x, y = promoting(op, operands)
    if not x.ndim or not y.ndim:
        fail(ShapeError, "matmul: an operand is a scalar", x, y, hint="multiply by a scalar with *")
    inner_x, inner_y = x.shape[-1], y.shape[-2 if y.ndim > 1 else -1]
    if inner_x != inner_y:
        hint = f"did you mean {label(x)} @ {label(y)}.T ?" if y.shape[-1] == inner_x else ""
        fail(ShapeError, f"matmul: inner sizes differ: {inner_x} and {inner_y}", x, y, hint=hint)
    if y.ndim <= 2 or x.ndim == 1 or x.shape[:-2] == y.shape[:-2]:
        return [x, y]
    stack = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if stack is None:
        fail(ShapeError, "matmul: the stacks of matrices do not broadcast", x, y)
    return [stretch(x, (*stack, *x.shape[-2:])), stretch(y, (*stack, *y.shape[-2:]))]


def _matmul_transpose(g: Node, x: Node, y: Node) -> tuple[Node, Node]:
    """For matrices dX = G Yᵀ, dY = Xᵀ G; for a vector operand the products that its missing axis leaves over."""
    if x.ndim == 1 and y.ndim == 1:
        return g * y, g * x
    if y.ndim == 1:
        return expand_dims(g, -1) * y, reshape(g, -1) @ _rows(x)
    if x.ndim == 1:
        over_stack = y @ g if y.ndim == 2 else sum(y @ expand_dims(g, -1), axis=(*range(y.ndim - 2), -1))
        return over_stack, expand_dims(x, -1) * expand_dims(g, -2)
    to_x = g @ matrix_transpose(y)
    if y.ndim == 2:
        return to_x, _rows(x).T @ _rows(g)
    return to_x, matrix_transpose(x) @ g


def _rows(x: Node) -> Node:
    """A stack of matrices as one matrix of all their rows."""
    return x if x.ndim <= 2 else reshape(x, (-1, x.shape[-1]))


@op(
    numpy="{x} @ {y}",
    derivative=Multilinear(_matmul_transpose),
    coerce=_matrices,
    sympy=lambda sp, x, y: x * y,
    latex=r"{x} \, {y}",
    cases=(
        Case((2, 3), (3, 4)),
        Case((3,), (3,)),
        Case((2, 3), (3,)),
        Case((3,), (3, 2)),
        Case((4, 2, 3), (3, 2)),
        Case((4, 2, 3), (4, 3, 2)),
        Case((4, 1, 2, 3), (5, 3, 2)),
        Case((4, 2, 3), (3,)),
        Case((3,), (4, 3, 2)),
        Case((2, 3), (4, 3, 2)),
        Case((2, 0), (0, 3)),
        Case(("n", 3), (3, "m")),
    ),
    traits=("promotes",),
)
def matmul(x: Node, y: Node) -> TensorType:
    """Matrix product, as `numpy.matmul` in all ranks: vectors lose their axis, stacks broadcast. Raises ShapeError."""
    if y.ndim == 1:
        return TensorType(x.shape[:-1], x.dtype)
    if x.ndim == 1:
        return TensorType((*y.shape[:-2], y.shape[-1]), x.dtype)
    stack = x.shape[:-2] if x.ndim >= y.ndim else y.shape[:-2]
    return TensorType((*stack, x.shape[-2], y.shape[-1]), x.dtype)


# einsum -------------------------------------------------------------------------------------------------------------


def _label_sizes(subscripts: Sequence[str], operands: Sequence[Node]) -> dict[str, Size]:
    """The size of every label; sizes of 1 stretch. Raises ShapeError."""
    sizes: dict[str, Size] = {}
    for labels, x in zip(subscripts, operands, strict=True):
        for name, size in zip(labels, x.shape, strict=True):
            known = sizes.setdefault(name, size)
            if known == 1:
                sizes[name] = size
            elif size not in (known, 1):
                fail(ShapeError, f"einsum: index {name!r} has sizes {known} and {size}", *operands)
    return sizes


def _einsum_transpose(g: Node, *operands: Node, subscripts: str) -> list[Node]:
    """The cotangent of operand k: the einsum of g and the others onto the labels of k.

    Labels that only k has, and sums away, are spread over their axis.
    """
    left, out = subscripts.split("->")
    labels = left.split(",")
    cotangents = []
    for k, own in enumerate(labels):
        others = [(s, x) for i, (s, x) in enumerate(zip(labels, operands, strict=True)) if i != k]
        seen = set(out).union(*(s for s, _ in others))
        kept = "".join(name for name in own if name in seen)
        text = ",".join([out, *(s for s, _ in others)]) + "->" + kept
        result = _einsum(g, *(x for _, x in others), subscripts=text)
        lost = tuple(i for i, name in enumerate(own) if name not in seen)
        cotangents.append(stretch(expand_dims(result, lost) if lost else result, operands[k].shape))
    return cotangents


@op(
    numpy="np.einsum({subscripts}, {operands})",
    derivative=Multilinear(_einsum_transpose),
    coerce=promoting,
    cases=(
        Case((2, 3), (3, 4), subscripts="ij,jk->ik"),
        Case((2, 3), subscripts="ij->ji"),
        Case((2, 3), subscripts="ij->i"),
        Case((2, 3), (2, 4), subscripts="ij,ik->"),
        Case((2, 3), (3,), (2,), subscripts="ij,j,i->ij"),
        Case(("n", 3), ("n", 3), subscripts="ni,nj->ij"),
    ),
    name="einsum",
)
def _einsum(*operands: Node, subscripts: str) -> TensorType:
    """Sum of products over named axes, with explicit labels: each operand has its labels once, the output is given."""
    left, out = subscripts.split("->")
    sizes = _label_sizes(left.split(","), operands)
    return TensorType(tuple(sizes[name] for name in out), operands[0].dtype)


@composite
def einsum(subscripts: Any, *operands: Any, optimize: Any = None, dtype: Any = None) -> Node:
    """Sum of products over named axes, as `numpy.einsum`: ``einsum("bi,ij->bj", x, W)``.

    Ellipsis, repeated labels (diagonals), an omitted output and lists of numbers for labels, ``einsum(x, [0, 1], v,
    [1])``, are understood; ``optimize`` is ignored. Raises ArgumentError, ShapeError.
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists([subscripts, *operands])
    if dtype is not None:
        operands = tuple(cast(as_node(x), as_dtype(dtype)) for x in operands)
    nodes = [as_node(x) for x in operands]
    inputs, out = _parse_subscripts(subscripts, nodes)
    for k in range(len(nodes)):
        while len(set(inputs[k])) < len(inputs[k]):
            inputs[k], nodes[k] = _diagonal(inputs[k], nodes[k])
    sizes = _label_sizes(inputs, nodes)
    nodes = [stretch(x, tuple(sizes[name] for name in s)) for s, x in zip(inputs, nodes, strict=True)]
    return _einsum(*nodes, subscripts=",".join(inputs) + "->" + out)


def _from_lists(parts: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """einsum's other notation, operand, labels, operand, labels, and the output's labels, as text and operands."""
    paired = len(parts) // 2 * 2
    lists = [*parts[1::2], *parts[paired:]]
    texts = ["".join("..." if k is Ellipsis else LETTERS[k] for k in labels) for labels in lists]
    return ",".join(texts[: paired // 2]) + "".join("->" + out for out in texts[paired // 2 :]), tuple(parts[:paired:2])


def _diagonal(labels: str, x: Node) -> tuple[str, Node]:
    """Take the diagonal over the first label that occurs twice; its axis comes first."""
    name = next(c for k, c in enumerate(labels) if c in labels[:k])
    first, second = labels.index(name), labels.rindex(name)
    if x.shape[first] != x.shape[second]:
        fail(ShapeError, f"einsum: index {name!r} has sizes {x.shape[first]} and {x.shape[second]}", x)
    along = arange(x.shape[first])
    key = tuple(along if k in (first, second) else slice(None) for k in range(x.ndim))
    rest = "".join(c for k, c in enumerate(labels) if k not in (first, second))
    apart = second - first > 1
    at = 0 if apart else first
    return rest[:at] + name + rest[at:], index(x, key)


def _parse_subscripts(subscripts: str, nodes: Sequence[Node]) -> tuple[list[str], str]:
    """Subscripts with the ellipsis written out in free letters and the output added where it is omitted."""
    compact = subscripts.replace(" ", "")
    left, arrow, out = compact.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(nodes):
        fail(ArgumentError, f"einsum: {subscripts!r} names {len(inputs)} operands, {len(nodes)} are given", *nodes)
    free = [c for c in LETTERS if c not in compact]
    hidden = [x.ndim - len(s.replace("...", "")) for s, x in zip(inputs, nodes, strict=True)]
    for s, x, n in zip(inputs, nodes, hidden, strict=True):
        if not all(c in LETTERS for c in s.replace("...", "", 1)):
            fail(ArgumentError, f"einsum: {s!r} is not a list of letters", x)
        if n < 0 or (n and "..." not in s):
            fail(ShapeError, f"einsum: {s!r} does not fit {label(x)}, which has {x.ndim} axes", x)
    dots = "".join(free[: max(hidden)])
    inputs = [s.replace("...", dots[len(dots) - n :]) for s, n in zip(inputs, hidden, strict=True)]
    if not arrow:
        once = sorted({c for c in "".join(inputs) if "".join(inputs).count(c) == 1 and c not in dots})
        return inputs, dots + "".join(once)
    out = out.replace("...", dots)
    if len(set(out)) < len(out) or not set(out) <= set("".join(inputs)):
        fail(ArgumentError, f"einsum: the output {out!r} must name labels of the inputs, each once", *nodes)
    return inputs, out


# Named forms --------------------------------------------------------------------------------------------------------


@composite
def tensordot(a: Any, b: Any, axes: Any = 2) -> Node:
    """Sum of products over the last ``axes`` of a and the first of b, or over two lists, as `numpy.tensordot`."""
    a, b = as_node(a), as_node(b)
    if isinstance(axes, (int, np.integer)):
        over_a, over_b = list(range(a.ndim - int(axes), a.ndim)), list(range(int(axes)))
    else:
        over_a, over_b = (np.ravel(s).tolist() for s in axes)
    over_a, over_b = [normal_axis(k, [a]) for k in over_a], [normal_axis(k, [b]) for k in over_b]
    if len(set(over_a)) < len(over_a) or len(set(over_b)) < len(over_b):
        fail(ArgumentError, "tensordot: an axis is named twice", a, b)
    if len(over_a) != len(over_b):
        fail(ArgumentError, f"tensordot: {len(over_a)} axes of a against {len(over_b)} of b", a, b)
    of_a = LETTERS[: a.ndim]
    of_b = list(LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(over_a, over_b, strict=True):
        if a.shape[i] != b.shape[j]:
            fail(ShapeError, f"tensordot: axis {i} has size {a.shape[i]}, axis {j} has size {b.shape[j]}", a, b)
        of_b[j] = of_a[i]
    out = [c for k, c in enumerate(of_a) if k not in over_a] + [c for k, c in enumerate(of_b) if k not in over_b]
    return _einsum(a, b, subscripts=f"{of_a},{''.join(of_b)}->{''.join(out)}")


@composite
def dot(a: Any, b: Any) -> Node:
    """`numpy.dot`: scaling, a matrix product up to two axes, else a sum over a's last and b's last but one."""
    a, b = as_node(a), as_node(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=([-1], [-1 if b.ndim == 1 else -2]))


@composite
def inner(a: Any, b: Any) -> Node:
    """Sum of products over the last axes, as `numpy.inner`."""
    a, b = as_node(a), as_node(b)
    return multiply(a, b) if not a.ndim or not b.ndim else tensordot(a, b, axes=([-1], [-1]))


@composite
def outer(a: Any, b: Any) -> Node:
    """All products of an element of a and one of b, both flattened, as `numpy.outer`."""
    a, b = as_node(a), as_node(b)
    return multiply(expand_dims(reshape(a, -1), 1), reshape(b, -1))


OPS = (matmul, _einsum)
