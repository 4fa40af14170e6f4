"""A memory budget, met by computing forward values again in the backward pass instead of keeping them.

`recompute` tries, cheapest first: long sums as running sums; fewer values kept (`mincut.py`: what cheap ops give again
from others); segments of the forward pass computed again (`segments.py`). Every candidate is an ordinary graph, judged
by the peak that is predicted for its schedule, so nothing rests on the estimates that led to it. It must be the last
step before lowering: a later pass that merges equal nodes would undo it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NoReturn

from graphad.errors import ArgumentError, MemoryBudgetError
from graphad.ir.core import Node
from graphad.ir.dims import evaluate
from graphad.ir.graph import Graph, rebuild
from graphad.ir.types import TupleType
from graphad.lower.greedy import RECOMPUTED, is_recomputed
from graphad.lower.memory import memory_of, owner_of
from graphad.lower.mincut import cheapest, is_cheap
from graphad.lower.parts import slim
from graphad.lower.schedule import low_memory_peak, unhurried
from graphad.lower.segments import Profile, cut, kept, profile
from graphad.passes.cost import mebibytes

FASTER = 16  # how much longer an element of an elementwise op takes than a multiplication inside a product
Predict = Callable[[Graph], int]
STEPS, RATIO = 48, 0.93  # budgets that plans are made for: parts of what is needed without recomputation


def recompute(
    graph: Graph, max_bytes: int, sizes: Mapping[str, int] | None = None, predict: Predict | None = None
) -> Graph:
    """The graph, changed so that its predicted peak is at most ``max_bytes``; itself where it is already.

    ``sizes``: numbers for all named sizes. ``predict``: the bytes that a graph needs at its worst moment when it is
    run; by default those of `low_memory`. Random draws are never repeated. Values change by rounding at most, and that
    only where sums of many terms take another order. Raises MemoryBudgetError with the least number of bytes that was
    found, ArgumentError when a named size has no number.
    """
    numbers = _checked(graph, max_bytes, sizes)
    judge = predict or (lambda g: low_memory_peak(g, numbers))
    peaks = [judge(graph)]
    if peaks[0] <= max_bytes:
        return graph
    graph = slim(graph, numbers)
    peaks.append(judge(graph))
    if peaks[-1] <= max_bytes:
        return graph
    found = []
    for plans, guess in _families(graph, numbers, max_bytes):
        plan = _first_that_fits(plans, guess, judge, max_bytes, peaks)
        if plan is not None:
            found.append(plan)
    if not found:
        _impossible(graph, max_bytes, peaks)
    return min(found, key=lambda g: extra_work(g, numbers))


def _checked(graph: Graph, max_bytes: int, sizes: Mapping[str, int] | None) -> dict[str, int]:
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 0:
        raise ArgumentError(f"max_bytes={max_bytes!r} is no number of bytes", hint="such as max_bytes=200 * 2**20")
    missing = [name for name in graph.sizes if name not in (sizes or {})]
    if missing:
        known = ", ".join(f'"{name}": 512' for name in missing)
        what = f"max_bytes needs a number for the named size{'s' * (len(missing) > 1)} {', '.join(missing)}"
        raise ArgumentError(what, hint=f"say for which sizes the budget is meant: sizes={{{known}}}")
    return dict(sizes or {})


def _impossible(graph: Graph, max_bytes: int, peaks: Sequence[int]) -> NoReturn:
    floor, whole = min(peaks), peaks[0]
    what = f"{graph.name}: {mebibytes(max_bytes)} do not suffice, the least found is {mebibytes(floor)} ({floor} bytes)"
    problem = MemoryBudgetError(
        f"{what}; without a budget it is {mebibytes(whole)}", hint=f"max_bytes={floor}, or smaller inputs"
    )
    problem.floor, problem.max_bytes = floor, max_bytes
    raise problem


# Plans ----------------------------------------------------------------------------------------------------------------


def _families(
    graph: Graph, sizes: Mapping[str, int], max_bytes: int
) -> Iterator[tuple[list[Callable[[], Graph | None]], int]]:
    """Lists of plans, those that compute least again first, each with the one that should just do."""
    order = unhurried(graph, sizes)
    needed = read_by_backward(graph, order)
    fewer = cheapest(graph, order, needed, sizes)
    for wanted in (needed, fewer) if fewer != needed else (needed,):
        forward = profile(graph, order, sizes, wanted)
        budgets = [int(forward.demand * RATIO**k) for k in range(STEPS)]
        guess = next((k for k, budget in enumerate(budgets) if budget <= max_bytes), STEPS - 1)
        yield [partial(_plan, graph, forward, wanted, budget) for budget in budgets], guess


def _plan(graph: Graph, forward: Profile, wanted: set[Node], budget: int) -> Graph | None:
    cuts = cut(forward, budget)
    return None if cuts is None else with_recomputation(graph, kept(forward, cuts, wanted))


def _first_that_fits(
    plans: Sequence[Callable[[], Graph | None]], start: int, judge: Predict, max_bytes: int, peaks: list[int]
) -> Graph | None:
    """By bisection from a guess, since later plans need less memory; where none is found like that, one by one."""
    tried: dict[int, Graph | None] = {}

    def attempt(k: int) -> Graph | None:
        if k not in tried:
            graph = plans[k]()
            if graph is not None:
                peaks.append(judge(graph))
            tried[k] = graph if graph is not None and peaks[-1] <= max_bytes else None
        return tried[k]

    low, high, stride = start, start, 1
    while attempt(low) is not None and low > 0:
        low, high, stride = max(0, low - stride), low, 2 * stride
    while attempt(high) is None and high < len(plans) - 1:
        low, high, stride = high, min(len(plans) - 1, high + stride), 2 * stride
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if attempt(middle) is not None else (middle, high)
    found = attempt(low) or attempt(high)
    return found or next((g for k in range(len(plans)) if (g := attempt(k)) is not None), None)


def read_by_backward(graph: Graph, order: Sequence[Node]) -> set[Node]:
    """The forward nodes whose memory the backward pass reads."""
    buffer = memory_of(graph, order)
    found: dict[Node, None] = {}
    for node in order:
        if node in graph.backward:
            for x in node.inputs:
                owner = owner_of(buffer.get(x))
                if owner is not None and owner not in graph.backward:
                    found[owner] = None
    return set(found)


# The graph ------------------------------------------------------------------------------------------------------------


def with_recomputation(graph: Graph, keep: set[Node]) -> Graph:
    """The graph whose backward pass reads, of the forward values, only those of ``keep``, and computes others again.

    Results, draws, scalars and what owns no memory are kept in any case. Copies have the origin of what they repeat,
    but for ``made_by``, which says so.
    """
    order = [n for n in graph.nodes if not graph.is_input(n)]
    buffer = memory_of(graph, order)
    free = keep | {owner for y in graph.outputs if (owner := owner_of(buffer.get(y))) is not None}
    again: dict[Node, Node] = {}

    def is_kept(x: Node) -> bool:
        owner = owner_of(buffer.get(x))
        return owner is None or owner in free or "random" in owner.op.traits or _is_scalar(owner)

    def repeated(x: Node) -> Node:
        if x in graph.backward or graph.is_input(x) or is_kept(x):
            return made.get(x, x)
        stack = [x]
        while stack:
            node = stack[-1]
            waiting = [] if node in again else [y for y in node.inputs if y not in again and not is_kept(y)]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if node not in again:
                inputs = tuple(again.get(y, y) for y in node.inputs)
                again[node] = Node(node.op, inputs, node.attrs, node.type, node.origin.derived(RECOMPUTED))
        return again[x]

    made: dict[Node, Node] = {}
    for node in order:
        if node in graph.backward:
            made[node] = rebuild(node, [repeated(x) for x in node.inputs])
    return Graph(graph.inputs, [made.get(y, y) for y in graph.outputs], graph.name)


def _is_scalar(node: Node) -> bool:
    return not node.shape and not isinstance(node.type, TupleType)


def extra_work(graph: Graph, sizes: Mapping[str, int]) -> float:
    """An estimate of what is computed again: elements written, for products the multiplications."""
    total = 0.0
    for node in graph.nodes:
        if is_recomputed(node):
            counts = [evaluate(n.size, sizes) for n in (node, *node.inputs[:2])]
            total += counts[0] if is_cheap(node) else max(counts[0], math.prod(counts) ** 0.5 / FASTER)
    return total
