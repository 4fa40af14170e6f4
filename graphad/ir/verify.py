"""What a legal graph is: named invariants, each a small function that yields what is wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from graphad.errors import GraphadError, GraphError
from graphad.ir.core import Node, attrs_key, label
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin
from graphad.ir.types import TensorType, TupleType, as_dtype

Broken = Iterator[tuple[Node, str]]
_NO_FIT = (GraphadError, TypeError, ValueError, LookupError, AttributeError)  # what rules raise on wrong attributes


def inputs_are_named(graph: Graph) -> Broken:
    """No input is listed twice, a placeholder has the name that it was declared with, and no two inputs share one."""
    listed: set[Node] = set()
    names: set[str | None] = set()
    for x in graph.inputs:
        if x in listed:
            yield x, "is listed twice"
        elif "placeholder" in x.op.traits and (not x.name or x.name != x.attrs.get("name")):
            yield x, f"is declared as {x.attrs.get('name')!r} and named {x.name!r}"
        elif x.name and x.name in names:
            yield x, "shares its name with another input"
        listed.add(x)
        names.add(x.name)


def inputs_come_first(graph: Graph) -> Broken:
    """Every node stands after its own inputs: there is no cycle."""
    done: set[Node] = set()
    for node in graph.nodes:
        if not graph.is_input(node) and any(x not in done for x in node.inputs):
            yield node, "is used to compute itself"
        done.add(node)


def outputs_belong(graph: Graph) -> Broken:
    """Every output is a node of the graph."""
    known = set(graph.nodes)
    for y in graph.outputs:
        if not isinstance(y, Node):
            raise GraphError(f"graph {graph.name!r}: outputs_belong: {type(y).__name__} is not a node")
        if y not in known:
            yield y, "is an output that is not among the nodes"


def placeholders_are_inputs(graph: Graph) -> Broken:
    """What is given at the call is listed among the inputs."""
    for node in graph.nodes:
        if "placeholder" in node.op.traits and not graph.is_input(node):
            yield node, "is not among the inputs"


def random_nodes_are_leaves(graph: Graph) -> Broken:
    """A draw depends on the generator alone."""
    for node in graph.nodes:
        if "random" in node.op.traits and node.inputs:
            yield node, "draws random numbers and has inputs"


def attributes_are_normal(graph: Graph) -> Broken:
    """A node has its op's attributes, and normalizing one again changes nothing."""
    for node in graph.nodes:
        if node.attrs.keys() != node.op.defaults.keys():
            wrong = ", ".join(sorted(node.attrs.keys() ^ node.op.defaults.keys()))
            yield node, f"lacks attributes or has unknown ones: {wrong}"
            continue
        for key, normalize in node.op.normalize.items():
            value = node.attrs[key]
            try:
                again = normalize(value, node.inputs)
            except _NO_FIT as problem:
                yield node, f"has an attribute {key} that does not fit: {_first_line(problem)}"
                continue
            if attrs_key({key: again}) != attrs_key({key: value}):
                yield node, f"has an attribute {key} that is not in normal form"


def types_follow_rules(graph: Graph) -> Broken:
    """The stored type is what the op's type rule gives for the inputs."""
    for node in graph.nodes:
        if graph.is_input(node) and node.inputs:
            continue  # computed outside of this graph
        try:
            expected = node.op.type_rule(*node.inputs, **node.attrs)
        except _NO_FIT as problem:
            yield node, f"does not pass its type rule: {_first_line(problem)}"
            continue
        if expected != node.type:
            yield node, f"is stored as {node.type}, its type rule says {expected}"


def dtypes_are_supported(graph: Graph) -> Broken:
    """Dtypes are native and graphad computes with them."""
    for node in graph.nodes:
        for part in node.type.items if isinstance(node.type, TupleType) else (node.type,):
            try:
                known = as_dtype(part.dtype) == part.dtype
            except GraphadError:
                known = False
            if not known:
                yield node, f"has the dtype {part.dtype.str}"


def arrays_are_read_only(graph: Graph) -> Broken:
    """A constant cannot be changed behind the graph's back."""
    for node in graph.nodes:
        for value in node.attrs.values():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                yield node, "holds an array that can be written to"


def cotangents_fit(graph: Graph) -> Broken:
    """A cotangent has the type of the node that it belongs to."""
    types: defaultdict[Origin, list[TensorType]] = defaultdict(list)  # passes may give one origin to several nodes
    for node in graph.nodes:
        types[node.origin].append(node.type)
    for node in graph.nodes:
        forward = node.origin.adjoint_of
        if forward is None or not node.origin.is_cotangent or forward not in types:
            continue
        if node.type not in types[forward]:
            yield node, f"is the cotangent of {forward.name or 'a node'} : {types[forward][0]} but has type {node.type}"


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0] or type(problem).__name__


INVARIANTS: tuple[Callable[[Graph], Broken], ...] = (
    inputs_are_named,
    inputs_come_first,
    outputs_belong,
    placeholders_are_inputs,
    random_nodes_are_leaves,
    attributes_are_normal,
    types_follow_rules,
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
