"""The order of statements: for reading (draws, forward, backward), and for little memory.

The order for little memory is the best of three: that of `greedy.py`, depth-first, and the one for reading. Draws keep
the order in which the user made them: the same generator state gives the same numbers. What `recompute.py` made is run
on demand, right before its first user: not a moment earlier, however cheap.
"""

from collections.abc import Mapping, Sequence

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.greedy import Greedy, Table, is_draw, is_recomputed
from graphad.lower.memory import numbers

NOMINAL = 256  # what a named size is taken to be where its number is not known


def schedule(graph: Graph) -> tuple[list[Node], list[Node]]:
    """The computed nodes of a graph as (forward, backward), each in topological order.

    Backward is what depends on a node made by differentiation, those nodes, and what is computed again for them. Draws
    come first, in the order in which the user made them: the same generator state then gives the same numbers, whatever
    else is rewritten.
    """
    backward = graph.backward
    computed = [n for n in graph.nodes if not graph.is_input(n)]
    rest = [n for n in computed if not is_draw(n)]
    is_late = [n in backward or is_recomputed(n) for n in rest]
    first = [n for n, late in zip(rest, is_late, strict=True) if not late]
    second = [n for n, late in zip(rest, is_late, strict=True) if late]
    return _draws(graph) + first, _on_demand(second)


def low_memory(graph: Graph, sizes: Mapping[str, int] | None = None) -> list[Node]:
    """The computed nodes in an order of low peak memory.

    ``sizes``: numbers of named sizes; one without a number counts as 256. Deterministic; the time is linear, but for
    the logarithm of a heap.
    """
    return _best(graph, sizes)[0]


def low_memory_peak(graph: Graph, sizes: Mapping[str, int] | None = None) -> int:
    """The bytes in use at the worst moment of the order of `low_memory`, no operand written over."""
    return _best(graph, sizes)[1]


def _best(graph: Graph, sizes: Mapping[str, int] | None) -> tuple[list[Node], int]:
    table = _table(graph, sizes)
    orders = [Greedy(graph, table).run(), list(table.order), [n for part in schedule(graph) for n in part]]
    peaks = [table.peak(order) for order in orders]
    least = min(peaks)
    return orders[peaks.index(least)], least


def may_need(graph: Graph, count: int, sizes: Mapping[str, int] | None = None) -> bool:
    """Whether all values together take more than so many bytes, or something is computed again."""
    known = dict.fromkeys(graph.sizes, NOMINAL) | dict(sizes or {})
    computed = [n for n in graph.nodes if "view" not in n.op.traits and not graph.is_input(n)]
    return sum(numbers(computed, known).values()) > count or any(map(is_recomputed, computed))


def unhurried(graph: Graph, sizes: Mapping[str, int] | None = None) -> list[Node]:
    """The order of list scheduling, in which nothing of the backward pass is computed during the forward pass."""
    return Greedy(graph, _table(graph, sizes), early=False).run()


def _table(graph: Graph, sizes: Mapping[str, int] | None) -> Table:
    return Table(graph, _on_demand(_deep_first(graph)), dict.fromkeys(graph.sizes, NOMINAL) | dict(sizes or {}))


def _draws(graph: Graph) -> list[Node]:
    draws = [n for n in graph.nodes if is_draw(n) and not graph.is_input(n)]
    return sorted(draws, key=lambda n: n.origin.serial)


def _deep_first(graph: Graph) -> list[Node]:
    """Depth-first from the outputs, of several operands the one with the longest way to it first: others can wait."""
    depth: dict[Node, int] = {}
    for node in graph.nodes:
        depth[node] = 0 if graph.is_input(node) else 1 + max((depth[x] for x in node.inputs), default=0)
    draws = _draws(graph)[::-1]
    done = set(graph.inputs)
    order: list[Node] = []
    stack = [(y, False) for y in reversed(graph.outputs)]
    while stack:
        node, is_ready = stack.pop()
        if node in done:
            continue
        if is_draw(node):
            while node not in done:
                done.add(draws[-1])
                order.append(draws.pop())
        elif is_ready or not node.inputs:
            done.add(node)
            order.append(node)
        else:
            stack.append((node, True))
            stack += [(x, False) for x in sorted(node.inputs, key=depth.__getitem__) if x not in done]
    return order


def _on_demand(order: Sequence[Node]) -> list[Node]:
    """The order with recomputed nodes moved down to right before their first user."""
    waiting = {n for n in order if is_recomputed(n)}
    if not waiting:
        return list(order)
    result: list[Node] = []
    for node in order:
        if not is_recomputed(node):
            result += _demanded(node, waiting)
            result.append(node)
    return result


def _demanded(node: Node, waiting: set[Node]) -> list[Node]:
    """The nodes of ``waiting`` that ``node`` needs, in topological order; they are taken out of it."""
    found: list[Node] = []
    stack = [(x, False) for x in reversed(node.inputs)]
    while stack:
        x, is_ready = stack.pop()
        if is_ready:
            found.append(x)
        elif x in waiting:
            waiting.discard(x)
            stack.append((x, True))
            stack += [(y, False) for y in reversed(x.inputs)]
    return found
