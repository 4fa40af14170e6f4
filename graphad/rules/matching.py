"""What several rules ask about the nodes behind a node. Every question looks at a few nodes only."""

from graphad.ir.core import Node, attrs_key
from graphad.ops import reduce
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import add, multiply, negative, power, square, subtract
from graphad.ops.fit import broadcast_to, expand_dims, is_uniform, squeeze, sum
from graphad.ops.index import getitem
from graphad.ops.indexing import FULL, NEW
from graphad.ops.layout import reshape
from graphad.ops.piecewise import stop_gradient, where

DEPTH = 6


def alike(a: Node, b: Node, depth: int = DEPTH) -> bool:
    """Whether two nodes are one, or built in the same way from the same nodes: what users wrote twice."""
    if a is b:
        return True
    if not depth or a.op is not b.op or a.type != b.type or not a.op.traits.isdisjoint({"placeholder", "random"}):
        return False
    if len(a.inputs) != len(b.inputs) or attrs_key(a.attrs) != attrs_key(b.attrs):
        return False
    return all(alike(x, y, depth - 1) for x, y in zip(a.inputs, b.inputs, strict=True))


def is_real(node: Node) -> bool:
    """Whether the values are real floats."""
    return node.dtype.kind == "f"


def is_wide(node: Node) -> bool:
    """Whether the values are float32 or float64, as special functions have them."""
    return node.dtype.kind == "f" and node.dtype.itemsize >= 4


def negated(x: Node) -> Node:
    """-x, without a double negation."""
    return x.inputs[0] if x.op is negative else negative(x)


def opposite(a: Node, b: Node) -> bool:
    """Whether a is -b, as it is written."""
    return (a.op is negative and alike(a.inputs[0], b)) or (b.op is negative and alike(b.inputs[0], a))


def beside(node: Node, value: float) -> Node | None:
    """x for value + x and x + value."""
    if node.op is not add:
        return None
    a, b = node.inputs
    return b if is_uniform(a, value) else a if is_uniform(b, value) else None


def squared(node: Node) -> Node | None:
    """x for x², in any of the ways to write it."""
    if node.op is square:
        return node.inputs[0]
    if node.op is power:
        return node.inputs[0] if is_uniform(node.inputs[1], 2) else None
    return node.inputs[0] if node.op is multiply and alike(node.inputs[0], node.inputs[1], 3) else None


def two_factors(node: Node) -> tuple[Node, Node] | None:
    """The factors of a product that was not repeated, or of a square."""
    if node.op in (square, power):
        x = squared(node)
        return None if x is None or x.dtype != node.dtype else (x, x)
    plain = node.op is multiply and all(x.op is not broadcast_to for x in node.inputs)
    return (node.inputs[0], node.inputs[1]) if plain else None


def spread(node: Node) -> Node:
    """What is broadcast."""
    return node.inputs[0] if node.op is broadcast_to else node


def is_total_of(total: Node, x: Node) -> bool:
    """Whether ``total``, spread over the shape of ``x``, is the sum of x along the axes that `total_axes` gives."""
    source = _summed(total)
    return source is not None and alike(source.inputs[0], x)


def total_axes(total: Node) -> tuple[int, ...]:
    """The axes of a total."""
    source = _summed(total)
    assert source is not None
    return all_axes(source.inputs[0], source.attrs["axis"])


def _summed(total: Node) -> Node | None:
    """The sum behind a value that lies over the same axes again: by keepdims, a new axis, or because they lead."""
    node = spread(total)
    inserted = None
    if node.op is expand_dims:
        inserted, node = node.attrs["axis"], node.inputs[0]
    elif node.op is getitem and all(e is NEW or e == FULL for e in node.attrs["index"]):
        inserted = tuple(k for k, e in enumerate(node.attrs["index"]) if e is NEW)
        node = node.inputs[0]
    if node.op is not sum or node.dtype != node.inputs[0].dtype:
        return None
    axes = all_axes(node.inputs[0], node.attrs["axis"])
    if node.attrs["keepdims"]:
        return node if inserted is None else None
    return node if axes == (inserted if inserted is not None else tuple(range(len(axes)))) else None


def is_constant_along(node: Node, axes: tuple[int, ...]) -> bool:
    """Whether a value is broadcast along these axes."""
    if node.op is not broadcast_to:
        return False
    source, lead = node.inputs[0], node.ndim - node.inputs[0].ndim
    return all(k < lead or (source.shape[k - lead] == 1 and node.shape[k] != 1) for k in axes)


def is_without(x: Node, kept: Node, axes: tuple[int, ...]) -> bool:
    """Whether x is ``kept`` without those axes, which are of size 1 there: reshaped, squeezed, or the only element."""
    short = spread(x)
    rest = [k for k in range(kept.ndim) if k not in axes]
    if short.ndim != len(rest) or short.ndim != x.ndim or short.shape != tuple(kept.shape[k] for k in rest):
        return False
    if short.op is getitem and any(e != (0 if k in axes else FULL) for k, e in enumerate(short.attrs["index"])):
        return False
    known = short.op in (reshape, squeeze, getitem) and all(kept.shape[k] == 1 for k in axes)
    return known and alike(short.inputs[0], kept)


def is_shifted(x: Node) -> bool:
    """Whether something like a largest element, or what is kept out of differentiation, was subtracted from x."""
    return x.op is subtract and spread(x.inputs[1]).op in (where, stop_gradient, reduce.max)
