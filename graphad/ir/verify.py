"""What a legal graph is: named invariants, each a small function that yields what is wrong."""

from collections.abc import Callable, Iterator

import numpy as np

from graphad.errors import GraphadError, GraphError
from graphad.ir.core import Node, attrs_key, label
from graphad.ir.graph import Graph
from graphad.ir.types import KINDS

Broken = Iterator[tuple[Node, str]]


def inputs_are_named(graph: Graph) -> Broken:
    """Every placeholder among the inputs has a name, and no two share one."""
    seen: set[str] = set()
    for x in graph.inputs:
        if "placeholder" in x.op.traits and not x.name:
            yield x, "has no name"
        if x.name and x.name in seen:
            yield x, "shares its name with another input"
        seen.add(x.name or "")


def inputs_come_first(graph: Graph) -> Broken:
    """Every node stands after its own inputs: there is no cycle."""
    done: set[Node] = set()
    for node in graph.nodes:
        if not graph.is_input(node) and any(x not in done for x in node.inputs):
            yield node, "is used to compute itself"
        done.add(node)


def placeholders_are_inputs(graph: Graph) -> Broken:
    """What is given at the call is listed among the inputs."""
    for node in graph.nodes:
        if "placeholder" in node.op.traits and not graph.is_input(node):
            yield node, "is not among the inputs"


def types_follow_rules(graph: Graph) -> Broken:
    """The stored type is what the op's type rule gives for the inputs."""
    for node in graph.nodes:
        if graph.is_input(node) and node.inputs:
            continue
        try:
            expected = node.op.type_rule(*node.inputs, **node.attrs)
        except (GraphadError, TypeError, LookupError, AttributeError) as problem:
            yield node, f"does not pass its type rule: {str(problem).splitlines()[0]}"
            continue
        if expected != node.type:
            yield node, f"is stored as {node.type}, its type rule says {expected}"


def attributes_are_normal(graph: Graph) -> Broken:
    """Normalizing an attribute again changes nothing."""
    for node in graph.nodes:
        for key, normalize in node.op.normalize.items():
            value = node.attrs.get(key)
            if attrs_key({key: normalize(value, node.inputs)}) != attrs_key({key: value}):
                yield node, f"has an attribute {key} that is not in normal form"


def dtypes_are_supported(graph: Graph) -> Broken:
    """Dtypes are native and of a kind that graphad computes with."""
    for node in graph.nodes:
        if node.dtype.kind not in KINDS or not node.dtype.isnative:
            yield node, f"has the dtype {node.dtype}"


def arrays_are_read_only(graph: Graph) -> Broken:
    """A constant cannot be changed behind the graph's back."""
    for node in graph.nodes:
        for value in node.attrs.values():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                yield node, "holds an array that can be written to"


def cotangents_fit(graph: Graph) -> Broken:
    """A cotangent has the type of the node that it belongs to."""
    by_origin = {n.origin: n for n in graph.nodes}
    for node in graph.nodes:
        forward = by_origin.get(node.origin.adjoint_of) if node.origin.adjoint_of else None
        if node.origin.is_cotangent and forward is not None and forward.type != node.type:
            yield node, f"is the cotangent of {label(forward)} : {forward.type} but has type {node.type}"


INVARIANTS: tuple[Callable[[Graph], Broken], ...] = (
    inputs_are_named,
    inputs_come_first,
    placeholders_are_inputs,
    types_follow_rules,
    attributes_are_normal,
    dtypes_are_supported,
    arrays_are_read_only,
    cotangents_fit,
)


def verify(graph: Graph) -> None:
    """Raise GraphError naming the first broken invariant and the node; return None for a legal graph."""
    for invariant in INVARIANTS:
        for node, problem in invariant(graph):
            place = node.origin.location
            where = [(label(node), node.op.name, f"at {place}" if place else "")]
            raise GraphError(f"graph {graph.name!r}: {invariant.__name__}: {label(node)} {problem}", where=where)
