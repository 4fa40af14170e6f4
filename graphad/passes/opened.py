"""Softmax and logsumexp of large arrays in their steps: the loops of the fast style then keep them in cache.

For small arrays one helper function is quicker, see `factorizations.py`. Both use the same exponentials.
"""

from dataclasses import dataclass

from graphad.ir.core import Node
from graphad.ir.dims import product
from graphad.ir.graph import Graph
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import add, divide, exp, log, subtract
from graphad.ops.fit import full_like, squeeze, stretch, sum
from graphad.ops.log_domain import log_sum_exp, softmax
from graphad.ops.piecewise import isfinite, where
from graphad.ops.reduce import max
from graphad.passes.cse import Cse
from graphad.rules.engine import Table, rewrite

LARGE = 16_384  # elements, as for loops


def softmax_in_steps(node: Node) -> Node | None:
    """softmax(x) = w / Σw with w = exp(x - max x), for large x."""
    weights = _weights(node)
    if weights is None:
        return None
    return divide(weights, stretch(sum(weights, axis=node.attrs["axis"], keepdims=True), node.shape))


def logsumexp_in_steps(node: Node) -> Node | None:
    """logsumexp(x) = max x + log Σw with w = exp(x - max x), for large x."""
    weights = _weights(node)
    if weights is None:
        return None
    (x,), axis = node.inputs, node.attrs["axis"]
    out = add(_top(x, axis), log(sum(weights, axis=axis, keepdims=True)))
    return out if node.attrs["keepdims"] else squeeze(out, all_axes(x, axis))


def _weights(node: Node) -> Node | None:
    """exp(x - max x); None where x is small or an axis may be empty."""
    (x,), axis = node.inputs, node.attrs["axis"]
    size = product(x.shape)
    lengths = [x.shape[k] for k in all_axes(x, axis)]
    if (isinstance(size, int) and size < LARGE) or any(not isinstance(n, int) or n == 0 for n in lengths):
        return None
    return exp(subtract(x, stretch(_top(x, axis), x.shape)))


def _top(x: Node, axis: object) -> Node:
    """The largest elements, or 0 where they are infinite."""
    top = max(x, axis=axis, keepdims=True)
    return where(isfinite(top), top, full_like(top, 0))


RULES: Table = {softmax: (softmax_in_steps,), log_sum_exp: (logsumexp_in_steps,)}


@dataclass(frozen=True)
class Open:
    """Write softmax and logsumexp of large arrays in their steps, which share the exponentials."""

    name: str = "open"

    def run(self, graph: Graph) -> Graph:
        """The graph with exponentials, sums and logarithms instead; the values are the same."""
        if not any(node.op in RULES for node in graph.nodes):
            return graph
        opened = rewrite(graph, RULES)
        return graph if opened is graph else Cse().run(opened)
