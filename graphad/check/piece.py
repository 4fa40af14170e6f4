"""A part of a graph as a function of its own: what is moved, what stays, and the values around which it is moved.

A node becomes a piece by putting placeholders in the place of its inputs. What depends on constants alone stays as it
is, since rules look at it; single and half precision become double where the op allows it, since differences in single
precision tell little.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from graphad.autodiff.forward import push_forward
from graphad.autodiff.reverse import pull_back
from graphad.autodiff.singular import policy
from graphad.autodiff.transforms import jvp, vjp
from graphad.errors import GraphadError
from graphad.form.evaluate import evaluator
from graphad.ir.core import Node, Op
from graphad.ir.graph import Graph, rebuild, toposort
from graphad.ir.origin import Origin
from graphad.ir.types import DType, TupleType, carries_gradient
from graphad.ops.fit import stretch, uniform_value
from graphad.ops.leaves import constant, input
from graphad.ops.tuples import items
from graphad.passes.samples import quiet

Array = np.ndarray[Any, Any]
SYMMETRIC = "symmetric"  # the trait of ops that read one triangle of a matrix
_WIDE = {"f": np.dtype("float64"), "c": np.dtype("complex128")}


@dataclass(frozen=True)
class Piece:
    """``outputs`` as a function of ``moving``, around ``values`` (of every placeholder).

    ``whole``: it is differentiated as users do it, with everything that `grad` does besides applying rules. What is
    ``symmetric`` moves as a symmetric matrix: ops that read one triangle have derivatives for such alone.
    """

    outputs: tuple[Node, ...]
    moving: tuple[Node, ...]
    values: Mapping[Node, Any]
    sizes: Mapping[str, int]
    whole: bool = False
    symmetric: frozenset[Node] = frozenset()

    @cached_property
    def order(self) -> list[Node]:
        """The nodes, each after its inputs."""
        return toposort(self.outputs)

    @cached_property
    def eps(self) -> float:
        """The relative precision of what is computed."""
        dtypes: list[Any] = [n.dtype for n in (*self.moving, *self.outputs) if n.dtype.kind in "fc"]
        return max((float(np.finfo(d).eps) for d in dtypes), default=1.0)

    @cached_property
    def overflows(self) -> bool:
        """Whether a value between what moves and the outputs is not finite."""
        found = self.everything({})
        arrays = [v for n, v in found.items() if n.inputs and not isinstance(v, tuple) and carries_gradient(n.type)]
        return self.whole and not all(np.isfinite(a).all() for a in arrays)

    @property
    def is_flat(self) -> bool:
        """Whether no output depends on what moves."""
        reached = set(self.order)
        return not any(x in reached for x in self.moving)

    def run(self, step: float = 0.0, directions: Sequence[Array] = ()) -> list[Any]:
        """The outputs with ``step`` times the directions added to what moves."""
        moved = {
            x: np.asarray(self.values[x] + step * v, x.dtype) for x, v in zip(self.moving, directions, strict=False)
        }
        found = self.everything(moved)
        return [found[y] for y in self.outputs]

    def everything(self, moved: Mapping[Node, Array]) -> dict[Node, Any]:
        """The value of every node, with new values of what ``moved``."""
        found = {**self.values, **moved}
        with quiet():
            for node, value in self._steps:
                found[node] = value([found[x] for x in node.inputs])
        return found

    @cached_property
    def _steps(self) -> list[tuple[Node, Callable[[Sequence[Any]], Any]]]:
        """How each node is computed."""
        return [(node, evaluator(node, self.sizes)) for node in self.order if node not in self.values]

    def reverse(self, weights: Sequence[Array]) -> tuple["Piece", list[int]]:
        """The cotangents of what moves for ``weights`` of the outputs, and to which each belongs (others are zero)."""
        given = placeholders(self.outputs, "w")
        if self.whole:
            found: Sequence[Node | None] = _all(vjp(self.outputs, self.moving, given))
        else:
            with policy("subgradient"):
                found = pull_back(self.outputs, self.moving, given)
        return self._derived(found, dict(zip(given, weights, strict=True)))

    def forward(self, directions: Sequence[Array]) -> tuple["Piece", list[int]]:
        """The tangents of the outputs along directions of what moves, and to which each belongs."""
        given = placeholders(self.moving, "t")
        if self.whole:
            found: Sequence[Node | None] = _all(jvp(self.outputs, self.moving, given))
        else:
            with policy("subgradient"):
                found = push_forward(self.outputs, self.moving, given)
        return self._derived(found, dict(zip(given, directions, strict=True)))

    def _derived(self, found: Sequence[Node | None], given: Mapping[Node, Array]) -> tuple["Piece", list[int]]:
        cast = {x: np.asarray(v, x.dtype) for x, v in given.items()}
        kept = [(k, y) for k, y in enumerate(found) if y is not None]
        piece = replace(self, outputs=tuple(y for _, y in kept), values={**self.values, **cast})
        return piece, [k for k, _ in kept]


def piece_of_graph(graph: Graph, values: Mapping[Node, Any], stays: frozenset[Op], sizes: Mapping[str, int]) -> Piece:
    """The outputs as a function of the inputs; draws and results of the ops in ``stays`` do not move."""
    try:
        return _whole(graph, values, stays, sizes, wide=True)
    except GraphadError:
        return _whole(graph, values, stays, sizes, wide=False)


def _whole(
    graph: Graph, values: Mapping[Node, Any], stays: frozenset[Op], sizes: Mapping[str, int], wide: bool
) -> Piece:
    known: dict[Node, Any] = {}

    def make(node: Node, inputs: Sequence[Node]) -> Node:
        if graph.is_input(node) or "random" in node.op.traits or node.op in stays:
            dtype = wide_dtype(node.dtype) if wide else node.dtype
            new = placeholder(node, f"x{len(known)}", dtype)
            known[new] = np.asarray(values[node], dtype)
            return new
        if not wide:
            return rebuild(node, inputs)
        if "constant" in node.op.traits:
            value = node.attrs["value"]
            return node if wide_dtype(value.dtype) == value.dtype else constant(value.astype(wide_dtype(value.dtype)))
        return node.op.build(inputs, wide_attrs(node), node.origin)

    made = graph.map(make)
    moving = tuple(made[x] for x in graph.inputs if carries_gradient(x.type))
    outputs = tuple(dict.fromkeys(made[y] for y in graph.outputs if carries_gradient(y.type)))
    triangles = any(SYMMETRIC in n.op.traits for n in graph.nodes)
    symmetric = frozenset(x for x in moving if triangles and _is_symmetric(known[x]))
    return Piece(outputs, moving, known, sizes, whole=True, symmetric=symmetric)


def _is_symmetric(a: Array) -> bool:
    return a.ndim > 1 and a.shape[-1] == a.shape[-2] and np.allclose(a, np.conj(np.swapaxes(a, -1, -2)))


def placeholders(nodes: Sequence[Node], letter: str) -> list[Node]:
    """A placeholder of the type of each node."""
    return [placeholder(x, f"{letter}{k}", x.dtype) for k, x in enumerate(nodes)]


def placeholder(x: Node, name: str, dtype: DType) -> Node:
    """An input of the shape of a node."""
    return input.build((), {"name": name, "shape": x.shape, "dtype": dtype}, Origin(name, x.origin.place))


def piece_of(node: Node, values: Mapping[Node, Any], fixed: Callable[[Node], bool], sizes: Mapping[str, int]) -> Piece:
    """A node as a function of its inputs at their ``values``; what is ``fixed`` depends on constants alone."""
    try:
        return _piece(node, values, fixed, sizes, wide=True)
    except GraphadError:  # the op is for one precision only
        return _piece(node, values, fixed, sizes, wide=False)


def _piece(
    node: Node, values: Mapping[Node, Any], fixed: Callable[[Node], bool], sizes: Mapping[str, int], wide: bool
) -> Piece:
    inputs, moving, known = [], [], {}
    for k, x in enumerate(node.inputs):
        dtype = wide_dtype(x.dtype) if wide else x.dtype
        value = np.asarray(values[x], dtype)
        stays = fixed(x)
        known_constant = _fixed(x, value) if stays else None
        inner = placeholder(x, f"x{k}", dtype) if known_constant is None else known_constant
        known[inner] = value
        inputs.append(inner)
        if not stays and carries_gradient(x.type):
            moving.append(inner)
    rebuilt = node.op.build(inputs, wide_attrs(node) if wide else node.attrs, node.origin)
    outputs = items(rebuilt) if isinstance(rebuilt.type, TupleType) else (rebuilt,)
    symmetric = frozenset(moving) if SYMMETRIC in node.op.traits else frozenset()
    smooth = tuple(y for y in outputs if carries_gradient(y.type))
    return Piece(smooth, tuple(moving), known, sizes, symmetric=symmetric)


def _all(nodes: Node | list[Node]) -> list[Node]:
    return [nodes] if isinstance(nodes, Node) else nodes


def wide_attrs(node: Node) -> dict[str, Any]:
    """The attributes with double in place of single and half precision."""
    return {k: wide_dtype(v) if isinstance(v, np.dtype) else v for k, v in node.attrs.items()}


def wide_dtype(dtype: DType) -> DType:
    """The double precision of a kind of numbers."""
    return _WIDE.get(dtype.kind, dtype)


def _fixed(x: Node, value: Array) -> Node | None:
    """A constant node as it is; in another precision where it is one number for all elements, else None."""
    if value.dtype == x.dtype:
        return x
    number = uniform_value(x)
    return None if number is None else stretch(constant(np.asarray(number, value.dtype)), x.shape)
