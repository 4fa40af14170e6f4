"""Constant folding: nodes whose inputs are all constants become constants. Exact: it computes what the call would."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphad.form.evaluate import Array, evaluate_node
from graphad.ir.core import Node
from graphad.ir.graph import Graph, rebuild
from graphad.ir.types import TupleType
from graphad.ops.fit import broadcast_to, uniform_value
from graphad.ops.leaves import constant

MAX_ELEMENTS = 65_536  # a larger result stays computed: source and memory would grow for no gain


@dataclass(frozen=True)
class Fold:
    """Evaluate what does not depend on inputs, draws or named sizes; broadcasts stay, they cost nothing."""

    name: str = "fold"

    def run(self, graph: Graph) -> Graph:
        """The graph with constant parts evaluated."""
        cut = frozenset(graph.inputs)

        def make(node: Node, inputs: Sequence[Node]) -> Node:
            if node in cut:
                return node
            new = rebuild(node, inputs)
            if inputs and not _is_known(inputs[0]):
                return new
            uniform = _repeated(new) if "constant" in new.op.traits else _uniform(new)
            if uniform is not None:
                return uniform
            return _constant(evaluate_node(new, [_value(x) for x in new.inputs], {}), new) if _foldable(new) else new

        made = graph.map(make)
        return graph.subgraph([made[y] for y in graph.outputs])


def _is_known(x: Node) -> bool:
    return "constant" in x.op.traits or uniform_value(x) is not None


def _foldable(node: Node) -> bool:
    constants = ["constant" in x.op.traits for x in node.inputs]
    if True not in constants or node.op is broadcast_to or isinstance(node.type, TupleType):
        return False
    if not all(isinstance(x.size, int) and x.size <= MAX_ELEMENTS for x in (node, *node.inputs)):
        return False
    return all(c or _is_filled(x) for c, x in zip(constants, node.inputs, strict=True))


def _is_filled(x: Node) -> bool:
    return x.op is broadcast_to and uniform_value(x) is not None


def _value(x: Node) -> Array:
    """The value of a constant, or of a broadcast one."""
    if "constant" in x.op.traits:
        value: Array = x.attrs["value"]
        return value
    return np.full(x.shape, uniform_value(x), x.dtype)


def _constant(value: Array, node: Node) -> Node:
    """The value under the origin of its node; one number for a whole array is no cotangent of it."""
    whole = value.shape == node.shape
    origin = node.origin if whole else node.origin.derived(node.origin.made_by, name=None, is_cotangent=False)
    return constant.build((), {"value": constant.normalize["value"](value, ())}, origin)


def _repeated(node: Node) -> Node | None:
    """A constant with the same number throughout: a broadcast scalar, of which rules know the value."""
    value = node.attrs["value"]
    if value.dtype.kind not in "fc" or not 1 < value.size <= MAX_ELEMENTS:
        return None
    first = value.flat[0]
    if value.flat[-1] != first or value.tobytes() != first.tobytes() * value.size:
        return None
    return broadcast_to.build([_constant(np.asarray(first), node)], {"shape": node.shape}, node.origin)


def _uniform(node: Node) -> Node | None:
    """An elementwise op on broadcast scalars: the broadcast of the op on the scalars."""
    if "elementwise" not in node.op.traits or not node.inputs or not node.ndim:
        return None
    if uniform_value(node.inputs[0]) is None:
        return None
    values = [uniform_value(x) for x in node.inputs]
    if any(v is None for v in values):
        return None
    scalars = [_constant(np.asarray(v, x.dtype), x) for v, x in zip(values, node.inputs, strict=True)]
    result = evaluate_node(node.op.build(scalars, node.attrs, node.origin), [c.attrs["value"] for c in scalars], {})
    return broadcast_to.build([_constant(result, node)], {"shape": node.shape}, node.origin)
