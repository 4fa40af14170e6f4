"""One factorization for all that needs it, and no more of it than somebody uses. Read `ops/linalg.py`.

Such choices depend on the users of a node, hence on the final graph: this pass comes after differentiation and after
all rules. It tells of what it does as rules do, so reports show it and ``verify=True`` checks it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.dims import Size, product
from graphad.ir.graph import Graph
from graphad.ir.origin import inside
from graphad.ops.attributes import all_axes
from graphad.ops.decompositions import eigh, svd
from graphad.ops.determinants import det, slogdet
from graphad.ops.elementwise import exp, multiply
from graphad.ops.fit import expand_dims, squeeze
from graphad.ops.index import concatenate, getitem, stack
from graphad.ops.indexing import FULL, Slice
from graphad.ops.leaves import eye
from graphad.ops.linalg import inv, solve
from graphad.ops.log_domain import log_sum_exp, softmax, softmax_and_log
from graphad.ops.spectra import eigvalsh, svdvals
from graphad.ops.tuples import item, items
from graphad.passes.cse import Cse
from graphad.passes.exchange import exchanged, like, on_behalf
from graphad.rules.engine import Table, rewrite, tell, used_once


@dataclass(frozen=True)
class Factor:
    """Share factorizations among systems and determinants of one matrix; leave out vectors that nobody uses."""

    name: str = "factor"

    def run(self, graph: Graph) -> Graph:
        """The graph with fewer and cheaper factorizations; values agree up to rounding."""
        if not any(node.op in _CONCERNED for node in graph.nodes):
            return graph
        graph = rewrite(graph, FINAL)
        found = {**_determinants(graph), **_systems(graph), **_exponentials(graph)}
        return Cse().run(exchanged(graph, found)) if found else graph


_SMALL = 4_096  # elements of what is not worth a loop of its own
_CONCERNED = {item, solve, inv, det, softmax}


def values_only(node: Node) -> Node | None:
    """eigh(A)[0] = eigvalsh(A) and svd(A)[1] = svdvals(A), where nobody uses the vectors."""
    (x,), k = node.inputs, node.attrs["index"]
    if (x.op, k) not in ((eigh, 0), (svd, 1)) or not used_once(x):
        return None
    return eigvalsh(*x.inputs, **x.attrs) if x.op is eigh else svdvals(*x.inputs)


FINAL: Table = {item: (values_only,)}


# Several nodes at once ------------------------------------------------------------------------------------------------


def shared_determinant(node: Node) -> Node | None:
    """det(A) = sign · exp(log|det A|), where slogdet(A) is computed anyway: NumPy finds det in just this way."""
    sign, log = items(slogdet(node.inputs[0]))
    return multiply(sign, exp(log))


def shared_system(node: Node) -> Node | None:
    """solve(A, b), solve(A, c), inv(A) = solve(A, [b c 1]): each column is found as before, A is factorized once."""
    return _solved_together([node])[0]


def shared_exponential(node: Node) -> Node | None:
    """softmax(x), logsumexp(x) by one exponential, where both are computed: for small x, whose loops are not fused."""
    both = items(softmax_and_log(node.inputs[0], axis=node.attrs["axis"]))
    if node.op is softmax:
        return both[0]
    return both[1] if node.attrs["keepdims"] else squeeze(both[1], all_axes(node.inputs[0], node.attrs["axis"]))


RULES: Table = {
    **FINAL,
    **dict.fromkeys((solve, inv), (shared_system,)),
    det: (shared_determinant,),
    softmax: (shared_exponential,),
    log_sum_exp: (shared_exponential,),
}  # what is told


def _determinants(graph: Graph) -> dict[Node, Node]:
    """What takes the place of each determinant whose logarithm is there, too."""
    known = {node.inputs[0]: node for node in graph.nodes if node.op is slogdet and not graph.is_input(node)}
    found = {}
    for node in graph.nodes:
        if node.op is det and not graph.is_input(node) and node.inputs[0] in known:
            with inside(like(node, "shared_determinant")):
                sign, log = items(known[node.inputs[0]])
                found[node] = on_behalf(multiply(sign, exp(log)), node)
            tell(shared_determinant, node, found[node])
    return found


def _systems(graph: Graph) -> dict[Node, Node]:
    """What takes the place of each system that is solved together with others.

    Systems on one level, counted by how many others lie behind them, do not need each other. Those of the backward pass
    stay apart from those of the forward pass, but for inverses that the forward pass could compute as well.
    """
    levels: dict[Node, int] = {}
    groups: dict[tuple[Node, int, bool], list[Node]] = {}
    for node in graph.nodes:
        if graph.is_input(node):
            levels[node] = 0
            continue
        level = levels[node] = max((levels[x] for x in node.inputs), default=0) + (node.op in (solve, inv))
        if node.op in (solve, inv) and all(x.ndim <= 2 for x in node.inputs):
            late = any(x in graph.backward for x in node.inputs)
            groups.setdefault((node.inputs[0], level, late), []).append(node)
    found = {}
    for members in groups.values():
        if len(members) > 1:
            together = dict(zip(members, _solved_together(members), strict=True))
            for node, new in together.items():
                tell(shared_system, node, new)
            found.update(together)
    return found


def _exponentials(graph: Graph) -> dict[Node, Node]:
    """What takes the place of softmax and logsumexp of the same small array."""
    pairs: dict[tuple[Node, object], list[Node]] = {}
    for node in graph.nodes:
        if node.op not in (softmax, log_sum_exp) or graph.is_input(node):
            continue
        size = product(node.inputs[0].shape)
        if isinstance(size, int) and size <= _SMALL:
            pairs.setdefault((node.inputs[0], node.attrs["axis"]), []).append(node)
    found = {}
    for members in pairs.values():
        if {x.op for x in members} == {softmax, log_sum_exp}:
            first = min(members, key=lambda x: x.origin.adjoint_of is not None)
            with inside(like(first, "shared_exponential")):
                made = [shared_exponential(x) for x in members]
            for node, new in zip(members, made, strict=True):
                if new is not None:
                    found[node] = on_behalf(new, node)
                    tell(shared_exponential, node, found[node])
    return found


def _solved_together(members: Sequence[Node]) -> list[Node]:
    """The solutions of systems with one matrix, as columns of one solution; vectors come first."""
    ordered = sorted(members, key=lambda x: (x.ndim, x.op is inv))
    first = next((x for x in ordered if x.origin.adjoint_of is None), ordered[0])
    matrix = first.inputs[0]
    with inside(like(first, "shared_system")):
        if all(x.ndim == 1 for x in ordered):
            sides = stack(*(x.inputs[1] for x in ordered), axis=1)
        else:
            sides = concatenate(*map(_columns, ordered), axis=1)
        solution = solve(matrix, sides)
    parts: dict[Node, Node] = {}
    start: Size = 0
    for node in ordered:
        stop = start + (1 if node.ndim == 1 else node.shape[1])
        entry = (
            start if node.ndim == 1 else Slice(start if start != 0 else None, stop if node is not ordered[-1] else None)
        )
        with inside(like(node, "shared_system")):
            parts[node] = on_behalf(getitem(solution, (FULL, entry)), node)
        start = stop
    return [parts[x] for x in members]


def _columns(system: Node) -> Node:
    """The right-hand sides of a system; those of an inverse are the unit vectors."""
    if system.op is inv:
        return eye(system.shape[0], dtype=system.dtype)
    return expand_dims(system.inputs[1], 1) if system.ndim == 1 else system.inputs[1]
