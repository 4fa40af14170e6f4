"""Counterexamples made small: what is below is cut to fresh inputs, arrays to numbers, numbers to simple ones.

``Wrong(graph, values)`` says whether a graph of one output still shows the mistake; whatever keeps it is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graphad.errors import GraphadError
from graphad.ir.core import Node
from graphad.ir.dims import Dim
from graphad.ir.graph import Graph, toposort
from graphad.ir.origin import Origin
from graphad.ir.types import TupleType
from graphad.ops.fit import broadcast_to
from graphad.ops.leaves import input
from graphad.passes.samples import Array, Sample, sizes_of

Wrong = Callable[[Graph, Sequence[Array]], bool]
DEEPEST = 24  # how far below its root a mistake is looked for, before the whole graph is taken
LETTERS = "xyzabcuvw"


@dataclass(frozen=True)
class Example:
    """A graph of one output, and values of its inputs."""

    graph: Graph
    values: tuple[Array, ...]

    @property
    def root(self) -> Node:
        """The output."""
        return self.graph.outputs[0]


def shrink(root: Node, sample: Sample, wrong: Wrong) -> Example | None:
    """The smallest example found of what is wrong at ``root`` on a sample; None where all is right with it alone."""
    cut = _shallowest(root, sample, wrong)
    if cut is None:
        return None
    example = _cut(root, sample, cut)
    for node in toposort([root], stop=cut):
        if node is root or node in cut or "placeholder" in node.op.traits:
            continue
        more = _cut(root, sample, {*cut, node})
        if len(more.graph.nodes) <= len(example.graph.nodes) and _holds(wrong, more):
            cut, example = {*cut, node}, more
    for simpler in (_as_numbers, _small_sizes, _simple_values):
        example = simpler(example, wrong)
    return example


def _holds(wrong: Wrong, example: Example) -> bool:
    """Whether the example still shows the mistake; one that cannot be built or run does not."""
    try:
        return wrong(example.graph, example.values)
    except (GraphadError, ArithmeticError, LookupError, TypeError, ValueError):
        return False


def _shallowest(root: Node, sample: Sample, wrong: Wrong) -> set[Node] | None:
    """The nodes to cut at: the nearest below the root at which the mistake still shows."""
    level, seen = [root], {root}
    for _ in range(DEEPEST):
        below = [x for n in level for x in n.inputs if x not in seen]
        level = list(dict.fromkeys(below))
        if not level:
            break
        seen.update(level)
        cut = {x for x in level if (x.inputs or "random" in x.op.traits) and not isinstance(x.type, TupleType)}
        if _holds(wrong, _cut(root, sample, cut)):
            return cut
    whole = {n for n in toposort([root]) if "random" in n.op.traits}
    return whole if _holds(wrong, _cut(root, sample, whole)) else None


def _cut(root: Node, sample: Sample, cut: set[Node]) -> Example:
    """The part between the root and the nodes of ``cut``, which become inputs with the values that they have."""
    made: dict[Node, Node] = {}
    inputs: list[Node] = []
    values: list[Array] = []
    names: set[str] = set()
    for node in toposort([root], stop=cut):
        if node in cut or "placeholder" in node.op.traits:
            made[node] = _fresh(node, names)
            inputs.append(made[node])
            values.append(sample.value(node))
        else:
            made[node] = node.op.build([made[x] for x in node.inputs], node.attrs, node.origin)
    return Example(Graph(inputs, [made[root]], "counterexample"), tuple(values))


def _fresh(node: Node, names: set[str], shape: tuple[int | Dim, ...] | None = None) -> Node:
    """An input of a node's type, under its name where it has a usable one."""
    wishes = [node.name or "", *LETTERS, *(f"x{k}" for k in range(1000))]
    name = next(w for w in wishes if w.isidentifier() and w not in names and w != "stand_in")
    names.add(name)
    attrs = {"name": name, "shape": node.shape if shape is None else shape, "dtype": node.dtype}
    return input.build((), attrs, Origin(name, node.origin.place))


def _as_numbers(example: Example, wrong: Wrong) -> Example:
    """The example on one element of its arrays, where all of it is elementwise."""
    graph = example.graph
    inner = [n for n in graph.nodes if n.inputs and n.op is not broadcast_to]
    plain = all("elementwise" in n.op.traits for n in inner) and all(n.ndim == 0 for n in graph.nodes if not n.inputs)
    whole = all(x.shape == example.root.shape for x in graph.inputs)
    if not example.root.ndim or not (plain or (whole and all("elementwise" in n.op.traits for n in inner))):
        return example
    sizes = sizes_of(graph, [v.shape for v in example.values])
    shape = Sample("shape", graph, example.values, sizes).value(example.root).shape
    for index in list(np.ndindex(*shape))[:64]:
        values = [np.asarray(np.broadcast_to(v, shape)[index]) for v in example.values]
        scalar = Example(_scalars(graph), tuple(values))
        if _holds(wrong, scalar):
            return scalar
    return example


def _scalars(graph: Graph) -> Graph:
    """An elementwise graph on numbers instead of arrays."""
    made: dict[Node, Node] = {}
    names: set[str] = set()
    for node in graph.nodes:
        if graph.is_input(node):
            made[node] = _fresh(node, names, ())
        elif node.op is broadcast_to:
            made[node] = made[node.inputs[0]]
        else:
            made[node] = node.op.build([made[x] for x in node.inputs], node.attrs, node.origin)
    return Graph([made[x] for x in graph.inputs], [made[y] for y in graph.outputs], graph.name)


def _small_sizes(example: Example, wrong: Wrong) -> Example:
    """The first one or two of every axis of a named size, where that is enough."""
    for name in example.graph.sizes:
        for size in (1, 2):
            values = [
                v[tuple(slice(size) if s == Dim(name) else slice(None) for s in x.shape)]
                for x, v in zip(example.graph.inputs, example.values, strict=True)
            ]
            smaller = Example(example.graph, tuple(values))
            if _holds(wrong, smaller):
                example = smaller
                break
    return example


def _simple_values(example: Example, wrong: Wrong) -> Example:
    """Round numbers, where they show the mistake as well: one for all elements, or each rounded."""
    for k in range(len(example.values)):
        for simple in _simpler(example.values[k]):
            values = [simple if i == k else v for i, v in enumerate(example.values)]
            if _holds(wrong, candidate := Example(example.graph, tuple(values))):
                example = candidate
                break
    return example


def _simpler(value: Array) -> list[Array]:
    if value.dtype.kind == "b":
        return []
    signs = (0, 1) if value.dtype.kind == "u" else (0, 1, -1, 2, -2)
    with np.errstate(all="ignore"):
        return [*(np.full_like(value, v) for v in signs), *(np.round(value, d).astype(value.dtype) for d in (0, 1, 2))]
