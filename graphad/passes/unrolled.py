"""What the steps of an unrolled loop do alike is done for all of them at once. Read `stacks.py`.

The gradient of a weight that every step uses is a sum over the steps, Σₜ xₜᵀ @ dₜ: one product of all xₜ, one below
the other, with all dₜ. Products of the steps of one array with one matrix are one product before the loop. Such choices
depend on the users of nodes all over the graph, so this pass comes after the algebra; it tells of what it does as rules
do. Whether it is done depends on what it costs to put values side by side (measured; elements of one step):

- a sum of products of (k, m) and (k, n) matrices: copies of no more than 2·m·n elements, or than a call is worth;
- other sums: nothing that is copied is larger than a call is worth (`SMALL`), or it lies side by side already;
- stacks and concatenations, where values are copied anyway: an operation on all steps copies no more.
"""

import builtins
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.dims import Size
from graphad.ir.graph import Graph, toposort
from graphad.ir.origin import inside
from graphad.ops.attributes import all_axes
from graphad.ops.contract import LETTERS, matmul
from graphad.ops.contract import _einsum as einsum
from graphad.ops.elementwise import add, multiply, sum_n
from graphad.ops.fit import sum
from graphad.ops.index import concatenate, getitem, stack
from graphad.ops.indexing import FULL
from graphad.ops.layout import matrix_transpose, reshape, transpose
from graphad.passes.cse import Cse
from graphad.passes.exchange import exchanged, like, on_behalf
from graphad.passes.stacks import LARGE, SMALL, Members, Stack, Stacks, factors_of, rows_of, signature, steps_of
from graphad.rules.einsums import assumed
from graphad.rules.engine import Table, tell

LEAST = 4  # products that are worth being gathered
MANY = 8  # other values


@dataclass(frozen=True)
class Unrolled:
    """One operation for all steps of an unrolled loop, where the steps do not need each other."""

    name: str = "unrolled"

    def run(self, graph: Graph) -> Graph:
        """The graph with products and sums over steps gathered; values agree up to rounding."""
        if not any(_is_candidate(node) for node in graph.nodes):
            return graph
        found = _Loop(graph.nodes, graph.outputs, frozenset(graph.inputs)).replaced()
        return Cse().run(exchanged(graph, found)) if found else graph


def _is_candidate(node: Node) -> bool:
    if node.op is matmul:
        return any(x.op is getitem for x in node.inputs)
    return node.op in (sum_n, stack, concatenate) and len(node.inputs) >= LEAST


# What is told, for one node alone -------------------------------------------------------------------------------------


def product_of_steps(node: Node) -> Node | None:
    """x[t] @ W = (x @ W)[t]: the product with all of x is computed once, for all steps."""
    found = _step_times(_alone(node).stacks, node)
    return None if found is None else _part_of_product(node, found, 0, found.array.shape[found.axis])


def gathered_terms(node: Node) -> Node | None:
    """Σₜ aₜᵀ @ bₜ = [a₁ … aₙ]ᵀ @ [b₁ … bₙ], Σₜ f(aₜ) = the sum over f([a₁ … aₙ])."""
    return _alone(node).replaced().get(node) if node.op is sum_n else None


def gathered_parts(node: Node) -> Node | None:
    """[f(a₁) … f(aₙ)] = f([a₁ … aₙ])."""
    return _alone(node).replaced().get(node) if node.op in (stack, concatenate) else None


RULES: Table = {
    matmul: (product_of_steps,),
    sum_n: (gathered_terms,),
    stack: (gathered_parts,),
    concatenate: (gathered_parts,),
}  # what is told


def _alone(node: Node) -> "_Loop":
    return _Loop(toposort([node]), [node], frozenset())


# Of the whole graph ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _StepTimes:
    """A product of one step of an array, along an axis, with a matrix."""

    array: Node
    axis: int
    step: int
    matrix: Node
    first: bool  # whether the step is the first operand


class _Loop:
    """Finds what is done alike by many nodes, and what takes their place."""

    def __init__(self, nodes: Sequence[Node], outputs: Sequence[Node], cut: frozenset[Node]) -> None:
        self.nodes = [x for x in nodes if x not in cut]
        self.place = {x: k for k, x in enumerate(nodes)}
        uses = Counter(x for node in self.nodes for x in node.inputs)
        uses.update(outputs)
        height = dict.fromkeys(nodes, 0)
        for node in reversed(self.nodes):
            for x in node.inputs:
                height[x] = max(height[x], height[node] + 1)
        self.stacks = Stacks(uses, cut, height)
        self.found: dict[Node, Node] = {}

    def replaced(self) -> Mapping[Node, Node]:
        """What takes the place of which nodes."""
        self._products()
        for node in self.nodes:
            found = node.op is stack and node.attrs["axis"] == 0 and len(node.inputs) >= LEAST
            if found and not self.stacks.alike(node.inputs):
                self.stacks.keep(node.inputs, node)
        sums = [x for x in self.nodes if x.op is sum_n and len(x.inputs) >= LEAST and x.dtype.kind in "fc"]
        groups = [(node, group) for node in sums for group in self._groups(node)]
        groups.sort(key=lambda g: (g[1][0].op is not matmul, -len(g[1]), self.place[g[0]]))
        gathered: dict[Node, list[tuple[Members, Node]]] = {}
        for node, group in groups:
            with inside(like(node, "gathered_terms")):
                self.stacks.user = self.stacks.height[node]
                result = self._total(group)
            if result is not None:
                gathered.setdefault(node, []).append((group, result))
        for node, results in gathered.items():
            self._replace_terms(node, results)
        for node in self.nodes:
            if node.op in (stack, concatenate) and len(node.inputs) >= LEAST and node not in self.found:
                self._parts(node)
        return self.found

    def _replace_terms(self, node: Node, results: Sequence[tuple[Members, Node]]) -> None:
        gone = {x for group, _ in results for x in group}
        terms = [*(new for _, new in results), *(x for x in node.inputs if x not in gone)]
        with inside(like(node, "gathered_terms")):
            total = terms[0] if len(terms) == 1 else add(*terms) if len(terms) == 2 else sum_n(*terms)
        self.found[node] = on_behalf(total, node)
        self.stacks.gathered.add(node)
        tell(gathered_terms, node, self.found[node])

    def _groups(self, node: Node) -> list[Members]:
        """Terms of a sum that are computed alike, and the other ones; none stands there twice."""
        groups: dict[object, list[Node]] = {}
        for x in dict.fromkeys(node.inputs):
            alike = self.stacks.may_go(x) and x.type == node.type
            groups.setdefault(signature(x) if alike else None, []).append(x)
        once = Counter(node.inputs)
        return [tuple(g) for g in groups.values() if len(g) >= LEAST and all(once[x] == 1 for x in g)]

    # Products before the loop

    def _products(self) -> None:
        groups: dict[object, list[tuple[Node, _StepTimes]]] = {}
        for node in self.nodes:
            found = _step_times(self.stacks, node) if node.op is matmul else None
            if found is not None:
                groups.setdefault((found.array, found.axis, found.matrix, found.first), []).append((node, found))
        for group in groups.values():
            steps = {found.step for _, found in group}
            start, stop = min(steps), max(steps) + 1
            if len(steps) < LEAST or 3 * len(steps) < 2 * (stop - start):
                continue
            for node, found in group:
                self.found[node] = _part_of_product(node, found, start, stop)
                tell(product_of_steps, node, self.found[node])

    # Sums

    def _total(self, members: Members) -> Node | None:
        """The sum of terms that are computed alike."""
        factors = factors_of(members) if self.stacks.alike(members) else None
        if factors is not None:
            return self._product(*factors)
        (members,) = self._ordered((members,))
        x = members[0]
        if not self.stacks.alike(members):
            return self._sum((members,), lambda y: sum(y, axis=0))
        if x.op is sum and not x.attrs["keepdims"] and x.dtype == x.inputs[0].dtype:
            axes = (0, *(k + 1 for k in all_axes(x.inputs[0], x.attrs["axis"])))
            return self._sum((tuple(m.inputs[0] for m in members),), lambda y: sum(y, axis=axes))
        if x.op is multiply and assumed(x.size) <= LARGE:
            return self._sum(tuple(tuple(m.inputs[k] for m in members) for k in (0, 1)), _sum_of_multiplied)
        return self._sum((members,), lambda y: sum(y, axis=0))

    def _sum(self, columns: tuple[Members, ...], total: Callable[..., Node]) -> Node | None:
        """The sum over all steps, made of stacks of what it needs, unless more is copied than it is worth."""
        columns = self._ordered(columns)
        found = [self.stacks.stack(members) for members in columns]
        copied = builtins.sum(s.copied for s in found)
        if copied > (SMALL if len(columns[0]) >= MANY else 0):
            return None
        self._keep(*found)
        return total(*(s.node for s in found))

    def _keep(self, *found: Stack) -> None:
        for members, node in (c for s in found for c in s.copies):
            self.stacks.keep(members, node)

    def _product(self, a: Members, b: Members) -> Node | None:
        """Σₜ aₜᵀ @ bₜ; vectors are one row each."""
        a, b = self._ordered((a, b))
        x, y = self.stacks.stack(a), self.stacks.stack(b)
        if x.copied + y.copied > max(2 * assumed(a[0].shape[-1]) * assumed(b[0].shape[-1]), SMALL):
            return None
        self._keep(x, y)
        return matmul(matrix_transpose(rows_of(x.node)), rows_of(y.node))

    def _ordered(self, columns: tuple[Members, ...]) -> tuple[Members, ...]:
        """The terms in the order in which their operands lie side by side, or else are computed in the forward pass."""
        key = self._key(columns)
        order = sorted(range(len(key)), key=key.__getitem__)
        return tuple(tuple(members[k] for k in order) for members in columns)

    def _key(self, columns: tuple[Members, ...]) -> Sequence[int]:
        for members in columns:
            found = [self.stacks.place_in_array(x) for x in members]
            if len({(f[0], f[1]) if f else None for f in found}) == 1 and found[0]:
                return [f[2] for f in found if f]
        for members in columns:
            known = [self.stacks.known.get(x) for x in members]
            if len({k[0] if k else None for k in known}) == 1 and known[0]:
                return [k[1] for k in known if k]
        forward = [m for m in columns if m[0].origin.adjoint_of is None]
        return [self.place[x] for x in (forward or columns)[0]]

    # Stacks

    def _parts(self, node: Node) -> None:
        """A stack of values that are computed alike is computed at once."""
        members, axis = node.inputs, node.attrs["axis"]
        if (node.op is concatenate and axis) or not self.stacks.alike(members):
            return
        self.stacks.user = self.stacks.height[node]
        with inside(like(node, "gathered_parts")):
            found = self.stacks.stack(members)
            if any(group is members for group, _ in found.copies):
                return
            new = reshape(found.node, node.shape) if node.op is concatenate else found.node
            if node.op is stack and axis:
                new = transpose(new, (*range(1, axis + 1), 0, *range(axis + 1, new.ndim)))
        self._keep(found)
        self.found[node] = on_behalf(new, node)
        tell(gathered_parts, node, self.found[node])


def _sum_of_multiplied(x: Node, y: Node) -> Node:
    """Σₜ xₜ·yₜ, elementwise: the loop of einsum keeps no array of all terms."""
    labels = LETTERS[: x.ndim]
    return einsum(x, y, subscripts=f"{labels},{labels}->{labels[1:]}")


def _step_times(stacks: Stacks, node: Node) -> _StepTimes | None:
    a, b = node.inputs
    found = stacks.place_in_array(a)
    if found and b.ndim == 2 and found[1] < found[0].ndim - 1:
        return _StepTimes(*found, b, True)
    found = stacks.place_in_array(b)
    if found and b.ndim == 1 and a.ndim == 2 and found[1] == 0:
        return _StepTimes(*found, a, False)
    return None


def _part_of_product(node: Node, found: _StepTimes, start: int, stop: Size) -> Node:
    """A product from the product with all steps from ``start`` to ``stop``."""
    with inside(like(node, "product_of_steps")):
        steps = steps_of(found.array, found.axis, start, stop)
        whole = matmul(steps, found.matrix if found.first else matrix_transpose(found.matrix))
        return on_behalf(getitem(whole, (*[FULL] * found.axis, found.step - start)), node)
