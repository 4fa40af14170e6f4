"""``g.summary()``: what a graph is made of, one row per layer: ops, output, parameters, FLOPs, bytes.

A row is a scope (`ga.scope`, or a layer of `ga.nn`), or, outside of scopes, a value that the user named with the
unnamed steps that lead to it. What differentiation made counts in the row that it serves, in a column of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphad.draw.tables import Table, Tabular
from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.ir.dims import Size, substitute
from graphad.ir.graph import Graph
from graphad.ir.late import install
from graphad.ir.origin import Origin
from graphad.ir.types import TensorType, TupleType
from graphad.lower.alias import is_view
from graphad.lower.budget import known_sizes
from graphad.lower.compile import Function
from graphad.lower.cost import work
from graphad.lower.fast.peak import program_peak
from graphad.lower.memory import bytes_of
from graphad.ops.casts import astype
from graphad.ops.fit import broadcast_to
from graphad.ops.piecewise import stop_gradient
from graphad.ops.tuples import item
from graphad.passes.cost import mebibytes

NOTE = (
    "FLOPs: additions, multiplications and function values, an estimate. "
    "Bytes: of the values of the forward pass; views take none."
)
QUIET = (broadcast_to, astype, item, stop_gradient)  # what a person would not call a step of a layer

Key = Node | tuple[str, ...]  # of a row: a value outside of scopes, or a path of scopes


@dataclass(frozen=True)
class Row:
    """A layer: how often each kind of op occurs, the type of the result, and what it takes.

    ``flops`` and ``backward`` count operations of the forward and the backward pass; sizes may be formulas.
    """

    name: str
    ops: Mapping[str, int]
    output: TensorType | None = None
    parameters: Size = 0
    flops: Size = 0
    backward: Size = 0
    bytes: Size = 0


@dataclass(frozen=True, repr=False)
class Summary(Tabular):
    """``rows`` and totals as data; ``print`` shows a table, a notebook the same as HTML.

    ``parameter_bytes`` are those of all parameters; ``sizes`` the numbers that named sizes were given.
    """

    name: str
    rows: tuple[Row, ...]
    parameter_bytes: Size
    sizes: Mapping[str, int]
    memory: str = ""

    @property
    def parameters(self) -> Size:
        """Numbers in all parameters."""
        return _sum(r.parameters for r in self.rows)

    @property
    def flops(self) -> Size:
        """Operations of the forward pass."""
        return _sum(r.flops for r in self.rows)

    @property
    def backward(self) -> Size:
        """Operations of what differentiation made."""
        return _sum(r.backward for r in self.rows)

    @property
    def bytes(self) -> Size:
        """Bytes of all values of the forward pass."""
        return _sum(r.bytes for r in self.rows)

    def _table(self) -> Table:
        differentiated = self.backward != 0
        columns = ["layer", "ops", "output", "parameters", "FLOPs", *["backward"] * differentiated, "bytes"]
        rows = [self._cells(row, differentiated) for row in self.rows]
        total = Row("total", {}, None, self.parameters, self.flops, self.backward, self.bytes)
        notes = [NOTE, *[f"Parameters take {_bytes(self.parameter_bytes)}."] * (self.parameter_bytes != 0)]
        notes += [f"One call needs at most {self.memory} besides its arguments."] * bool(self.memory)
        given = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        return Table(
            f"{self.name}{f' for {given}' if given else ''}",
            tuple(columns),
            (("", rows),),
            [self._cells(total, differentiated)],
            " ".join(notes),
            frozenset(columns[3:]),
            label="layer",
        )

    def _cells(self, row: Row, differentiated: bool) -> list[str]:
        kinds = ", ".join(f"{kind} × {n}" if n > 1 else kind for kind, n in row.ops.items())
        output = "" if row.output is None else str(row.output)
        counts = [row.parameters, row.flops, *[row.backward] * differentiated]
        return [row.name, kinds, output, *(_count(c) for c in counts), _bytes(row.bytes).removesuffix(" bytes")]


def summary(graph: Graph | Function, depth: int | None = None, sizes: Mapping[str, int] | None = None) -> Summary:
    """One row per layer, with parameters, FLOPs and bytes; `print` shows the table, ``rows`` are plain data.

    ``depth``: how many levels of nested scopes get rows of their own (all unless given); a row does not count what
    stands in the rows of its inner scopes. ``sizes``: numbers for named sizes; those that have none stay formulas.
    A compiled function shows the graph after rewriting, and the most memory that a call needs. Raises ArgumentError
    for a name that is no named size, and for a depth below 1.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", 4))
    >>> model = ga.nn.Sequential(ga.nn.Linear(4, 8), ga.tanh, ga.nn.Linear(8, 3))
    >>> s = ga.Graph([x, *ga.nn.parameters(model)], model(x), name="model").summary(sizes={"batch": 10})
    >>> [(row.name, row.parameters, row.flops) for row in s.rows]
    [('x', 0, 0), ('linear', 40, 720), ('tanh', 0, 80), ('linear_2', 27, 510)]
    >>> s.parameters, s.parameter_bytes
    (67, 536)
    """
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 1):
        raise ArgumentError(
            f"summary: depth={depth!r} is no number of levels", hint="use an int of at least 1, or None"
        )
    memory = ""
    if isinstance(graph, Function):
        numbers = known_sizes(graph.declared, sizes)
        memory = _peak(graph, numbers)
        graph = graph.graph
    else:
        numbers = known_sizes(graph, sizes)
    found = (_row(graph, key, nodes, numbers) for key, nodes in _rows(graph, depth).items())
    rows = tuple(r for r in found if r.ops or any(n != 0 for n in (r.parameters, r.flops, r.backward, r.bytes)))
    parameters = [x for x in graph.inputs if "parameter" in x.op.traits]
    stored = substitute(_sum(bytes_of(p.type) for p in parameters), numbers)
    return Summary(graph.name, rows, stored, numbers, memory)


def _peak(function: Function, sizes: Mapping[str, int]) -> str:
    """The most memory of a call: a number where all named sizes have one, else a formula."""
    if len(sizes) < len(function.declared.sizes):
        return str(program_peak(function.program, 1))
    small = function._code.is_small(sizes)  # then no loop runs, and no workspace is taken
    return mebibytes(program_peak(function.in_style("readable") if small else function.program, 1).evaluate(sizes))


def _rows(graph: Graph, depth: int | None) -> dict[Key, list[Node]]:
    """The nodes of each row, rows in the order in which their results come."""
    place = _places(graph, depth)
    nodes: dict[Key, list[Node]] = {}
    last: dict[Key, int] = {}
    for number, node in enumerate(graph.nodes):
        key = place[node]
        nodes.setdefault(key, []).append(node)
        if "parameter" not in node.op.traits and node not in graph.backward:
            last[key] = number
    return {key: nodes[key] for key in sorted(nodes, key=lambda k: last.get(k, len(graph.nodes)))}


def _places(graph: Graph, depth: int | None) -> dict[Node, Key]:
    """The row that each node counts in."""
    parameters = [x for x in graph.inputs if "parameter" in x.op.traits]
    place: dict[Node, Key] = {x: x for x in graph.inputs}
    forward = [n for n in graph.nodes if n not in place and n not in graph.backward]
    backward = [n for n in graph.nodes if n in graph.backward]
    for node in reversed(forward):
        place[node] = node.origin.scope[:depth] or _joined(graph, node, place)
    for x in parameters:
        users = [u for u in graph.users[x] if u in place and not graph.is_input(u)]
        place[x] = place[users[0]] if users else x
    served = {n.origin: n for n in (*graph.inputs, *forward)}
    scopes = {key for key in place.values() if isinstance(key, tuple)}
    for node in reversed(backward):
        path = node.origin.scope[:depth]
        twin = None if path in scopes else _twin(graph, node, served)
        place[node] = place[twin] if twin is not None else path or _joined(graph, node, place)
    return place


def _twin(graph: Graph, node: Node, served: Mapping[Origin, Node]) -> Node | None:
    """The forward node whose derivative a backward node computes; None for what is made of gradients."""
    origin = node.origin
    while origin.adjoint_of is not None and origin.adjoint_of not in served:
        origin = origin.adjoint_of
    if origin.adjoint_of is None:
        return None
    primal = served[origin.adjoint_of]
    if origin.is_cotangent:  # what a rule gives for an operand of a node is work for the node
        for user in graph.users[primal]:
            if user.origin in served and origin.made_by.startswith(f"vjp of {user.op.name}"):
                return user
    return primal


def _joined(graph: Graph, node: Node, place: Mapping[Node, Key]) -> Key:
    """A node outside of scopes counts with its first user, unless it has a name or is a result."""
    users = [u for u in graph.users[node] if u in place]
    if not users or graph.is_output(node) or (node.name and node.op not in QUIET):
        return node
    key = place[users[0]]
    return key if isinstance(key, Node) or _is_quiet(node) else node


def _is_quiet(node: Node) -> bool:
    return node.op in QUIET or not node.inputs


def _row(graph: Graph, key: Key, nodes: Sequence[Node], sizes: Mapping[str, int]) -> Row:
    members = set(nodes)
    forward = [n for n in nodes if n not in graph.backward and "parameter" not in n.op.traits]
    steps = [n for n in (forward or nodes) if not (_is_quiet(n) or graph.is_input(n))]
    given = [n for n in nodes if graph.is_input(n) and "parameter" not in n.op.traits]
    results = [n for n in forward or nodes if graph.is_output(n) or not members.issuperset(graph.users[n])]
    made = [n for n in nodes if not graph.is_input(n)]
    parameters = [n for n in nodes if "parameter" in n.op.traits]

    def total(counts: Iterable[Size]) -> Size:
        return substitute(_sum(counts), sizes)

    output = results[-1].type if results else None
    return Row(
        name=" / ".join(key) if isinstance(key, tuple) else _name(key, steps),
        ops=Counter(n.op.name for n in (*given, *steps)),
        output=None if output is None else _concrete(output, sizes),
        parameters=total(n.size for n in parameters),
        flops=total(work(n) for n in made if n not in graph.backward),
        backward=total(work(n) for n in made if n in graph.backward),
        bytes=total(bytes_of(n.type) for n in forward if not _is_free(graph, n)),
    )


def _name(node: Node, steps: Sequence[Node]) -> str:
    """What a row outside of scopes is called: its name, or its last op."""
    return node.name or (steps[-1].op.name if steps else node.op.name)


def _is_free(graph: Graph, node: Node) -> bool:
    """Whether a value takes no memory of its own: a view, or a number that stands in the code."""
    if graph.is_input(node):
        return False
    return is_view(node) or node.op in (broadcast_to, item) or (not node.inputs and not node.ndim)


def _concrete(type_: TensorType, sizes: Mapping[str, int]) -> TensorType:
    """The type with numbers for the sizes that have one."""
    if isinstance(type_, TupleType):
        return TupleType(_concrete(t, sizes) for t in type_.items)
    return TensorType(tuple(substitute(s, sizes) for s in type_.shape), type_.dtype)


def _sum(sizes: Iterable[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total


def _count(size: Size) -> str:
    return (f"{size:,}" if size else "") if isinstance(size, int) else str(size)


def _bytes(size: Size) -> str:
    return (mebibytes(size) if size else "") if isinstance(size, int) else f"{size} bytes"


install(**{"Graph.summary": summary, "Function.summary": summary})
