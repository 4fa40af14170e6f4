"""What a turn of a loop need not do: what was done before, and what can be done for all turns at once.

KeptValues   a backward loop computes the values of its forward loop again: where that keeps them, it reads them
at_once      x[t] @ W for all t is one product; Σₜ aₜᵀ bₜ, a sum that is carried along, is one product of all a and b
"""

import builtins
from collections.abc import Callable, Mapping

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin, inside
from graphad.ir.types import TupleType
from graphad.ops.contract import matmul
from graphad.ops.control import scan
from graphad.ops.elementwise import add, sum_n
from graphad.ops.fit import is_uniform, sum
from graphad.ops.layout import reshape, transpose
from graphad.ops.tuples import item
from graphad.passes.turns import Results, Turns


class KeptValues:
    """The forward loops of a graph with what their backward loops would compute again."""

    def __init__(self, graph: Graph) -> None:
        self._again = {n: pair for n in graph.nodes if n.op is scan and (pair := _computed_again(n)) is not None}
        self._extra: dict[Node, list[Node]] = {}
        for forward, nodes in self._again.values():
            known = [*self._extra.setdefault(forward, []), *_given(forward)]
            self._extra[forward] += [n for n in nodes if not any(n is k for k in known)]
        self._made: dict[Node, Node] = {}  # the new loops
        self._place: dict[Node, dict[Node, int]] = {}  # which of their results are the values of the old bodies

    def __call__(self, graph: Graph, old: Node, new: Node) -> Results:
        """The change of one loop."""
        extra, again = self._extra.get(old, []), self._again.get(old)
        turns = Turns.of(new)
        every, count = len(turns.ends) + len(turns.given), len(turns.carries)
        turns.given += extra
        self._place[old] = {n: count + k for k, n in enumerate(turns.given)}
        if again is not None:
            forward, nodes = again
            made, place = self._made[forward], self._place[forward]
            turns.replace({n: turns.array(n, item.build((made,), {"index": place[n]}, n.origin)) for n in nodes})
        made = self._made[old] = turns.build()
        return turns.results(made, range(count), range(count, every), every)


def _computed_again(loop: Node) -> tuple[Node, list[Node]] | None:
    """The loop whose values a loop computes again, and those of them that the rest of its body reads."""
    body, count = loop.attrs["body"], loop.attrs["carries"]
    fed = dict(zip(body.inputs[count:], loop.inputs[count:], strict=True))
    forward = next((x.inputs[0] for x in fed.values() if _is_history(x)), None)
    if forward is None or forward.attrs["length"] != loop.attrs["length"]:
        return None
    same = _same_inputs(forward, fed)
    known, own = set(forward.attrs["body"].nodes), set(same)
    for node in body.nodes:
        if node in known and node.inputs and all(x in own or "constant" in x.op.traits for x in node.inputs):
            own.add(node)
    read = set(body.outputs) | {x for n in body.nodes if n not in own and not body.is_input(n) for x in n.inputs}
    found = [n for n in body.nodes if n in own and n not in same and n in read and _can_be_kept(n)]
    return (forward, found) if found else None


def _can_be_kept(node: Node) -> bool:
    return "view" not in node.op.traits and not isinstance(node.type, TupleType)


def _given(loop: Node) -> list[Node]:
    """What each turn gives beside the carry."""
    return list(loop.attrs["body"].outputs[loop.attrs["carries"] :])


def _is_history(x: Node) -> bool:
    if x.op is not item or x.inputs[0].op is not scan:
        return False
    return bool(x.attrs["index"] >= len(x.inputs[0].attrs["body"].outputs))


def _same_inputs(forward: Node, fed: Mapping[Node, Node]) -> set[Node]:
    """The symbols of the forward body that stand for the same values in the other body."""
    attrs = forward.attrs
    every = len(attrs["body"].outputs)
    found = set()
    for k, (symbol, operand) in enumerate(zip(attrs["body"].inputs, forward.inputs, strict=True)):
        x = fed.get(symbol)
        if x is None:
            continue
        if k >= attrs["carries"]:
            is_same = x is operand
        else:
            is_same = x.op is item and x.inputs[0] is forward and x.attrs["index"] == every + k
        if is_same:
            found.add(symbol)
    return found


# At once --------------------------------------------------------------------------------------------------------------


def at_once(graph: Graph, old: Node, new: Node) -> Results:
    """The loop without products of an array's elements with a shared matrix, and without sums of products."""
    turns = Turns.of(new)
    count, every = len(turns.carries), len(turns.ends) + len(turns.given)
    used = {user.attrs["index"] for user in graph.users[old]}
    _hoist(turns)
    sums = _Sums(turns, {k for k in range(count) if k in used and every + k not in used})
    made = turns.build()
    kept = [k for k in range(count) if k not in sums.found]
    found = turns.results(made, kept, range(count, every), every)
    return found | {k: make(made) for k, make in sums.found.items()}


def _hoist(turns: Turns) -> None:
    """x[t] @ W by one product for all t."""
    body, replaced = turns.body, {}
    stacks = dict(zip(turns.arrays, turns.stacks, strict=True))
    values = dict(zip(turns.shared, turns.values, strict=True))
    for node in body.nodes:
        if node.op is matmul and not body.is_input(node):
            x, w = node.inputs
            if x in stacks and w in values and w.ndim == 2 and x.ndim in (1, 2):
                with inside(_of(node)):
                    product = matmul(_rows(stacks[x]) if x.ndim == 2 else stacks[x], values[w])
                    stack = reshape(product, (turns.length, *node.shape)) if x.ndim == 2 else product
                replaced[node] = turns.array(node, stack)
    if replaced:
        turns.replace(replaced)


class _Sums:
    """The carries that only add up: ``found`` says how their ends are computed from the loop."""

    def __init__(self, turns: Turns, candidates: set[int]) -> None:
        self._turns = turns
        self.found: dict[int, Callable[[Node], Node]] = {}
        self._users = turns.body.users
        self._stacked: dict[Node, int] = {}  # results of a turn, by their place among ``given``
        terms = {k: t for k in sorted(candidates) if (t := self._term(k)) is not None}
        for k, term in terms.items():
            if term.op is matmul and all(x.ndim == 2 for x in term.inputs) and term.inputs[0].op is transpose:
                self.found[k] = self._product(k, term.inputs[0].inputs[0], term.inputs[1])
        for k, term in terms.items():
            if k not in self.found and (term in self._stacked or term in turns.place):
                self.found[k] = self._plain(k, term)
        kept = [k for k in range(len(turns.carries)) if k not in self.found]
        self._starts = list(turns.starts)
        turns.starts, turns.ends = ([xs[k] for k in kept] for xs in (turns.starts, turns.ends))
        turns.carries = [turns.carries[k] for k in kept]

    def _term(self, k: int) -> Node | None:
        """What is added to a carry, if that is all that happens to it."""
        symbol, end = self._turns.carries[k], self._turns.ends[k]
        if symbol.dtype.kind not in "fc":  # NumPy adds up small integers in larger ones
            return None
        if end.op not in (add, sum_n) or len(end.inputs) != 2 or len(self._users[symbol]) != 1:
            return None
        if (
            self._users[end]
            or builtins.sum(x is end or x is symbol for x in (*self._turns.ends, *self._turns.given)) > 1
        ):
            return None  # somebody reads the sums on the way
        others = [x for x in end.inputs if x is not symbol]
        return others[0] if len(others) == 1 and others[0].type == symbol.type else None

    def _stack(self, x: Node) -> Callable[[Node], Node]:
        """The values of a node in all turns, given the loop."""
        turns = self._turns
        if x in turns.place:
            stack = turns.stacks[turns.place[x]]
            return lambda made: stack
        if x not in self._stacked:
            self._stacked[x] = len(turns.given)
            turns.given.append(x)
        place = self._stacked[x]
        return lambda made: item.build((made,), {"index": len(turns.carries) + place}, _of(x))

    def _product(self, k: int, a: Node, b: Node) -> Callable[[Node], Node]:
        left, right = self._stack(a), self._stack(b)
        return lambda made: _after(self._starts[k], matmul(transpose(_rows(left(made))), _rows(right(made))))

    def _plain(self, k: int, term: Node) -> Callable[[Node], Node]:
        stack = self._stack(term)
        return lambda made: _after(self._starts[k], sum(stack(made), axis=0))


def _after(start: Node, total: Node) -> Node:
    return total if is_uniform(start, 0) else add(start, total)


def _rows(stack: Node) -> Node:
    """The rows of all matrices of a stack, one below the other."""
    first, rows, columns = stack.shape
    return reshape(stack, (first * rows, columns))


def _of(node: Node) -> Origin:
    return node.origin.derived("loop", name=None, uses=(), is_cotangent=False)
