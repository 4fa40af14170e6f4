"""What the tests of rewrite rules share: an expression before and after one rule, and its values."""

from typing import Any, NamedTuple

import numpy as np

import graphad as ga
from graphad.ir.dims import evaluate
from graphad.ir.graph import Graph
from graphad.passes.cse import Cse
from graphad.passes.fold import Fold
from graphad.rules.engine import rewrite, watching

SIZES = {"n": 4, "m": 3}
F, G = (5,), (4, 4)  # the usual vector and matrix


class Row(NamedTuple):
    """An expression, the shapes of its inputs, and their dtype."""

    rule: Any
    make: Any
    shapes: tuple[Any, ...] = (F, F, F)
    dtype: str = "float64"


def graph_of(row: Row) -> Graph:
    """The expression as rules see it: constants folded, equal nodes merged."""
    inputs = [ga.input(name, s, row.dtype) for name, s in zip("xyzuvw", row.shapes, strict=False)]
    made = row.make(*inputs)
    return Cse().run(Fold().run(Graph(inputs, made)))


def only(rule: Any, *tables: Any) -> dict[Any, Any]:
    """The tables with just this rule."""
    return {op: (rule,) for table in tables for op, rules in table.items() if rule in rules}


def applied(rule: Any, graph: Graph, *tables: Any) -> tuple[Graph, int]:
    """The graph under one rule, and how often it applied."""
    count = []
    with watching(lambda rule, before, after: count.append(rule)):
        after = rewrite(graph, only(rule, *tables))
    ga.verify(after)
    return Cse().run(Fold().run(after)), len(count)


def values(graph: Graph, seed: int = 0) -> list[Any]:
    """Random inputs, with zeros, negative numbers and large ones among them."""
    rng = np.random.default_rng(seed)
    found = []
    for x in graph.inputs:
        shape = tuple(SIZES.get(str(s), s) for s in x.shape)
        kind = x.dtype.kind
        if kind == "b":
            found.append(rng.random(shape) < 0.5)
        elif kind in "iu":
            found.append(rng.integers(0 if kind == "u" else -3, 4, shape).astype(x.dtype))
        else:
            found.append(
                (rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if kind == "c" else 0)).astype(x.dtype)
            )
    return found


def special(graph: Graph) -> list[Any]:
    """Inputs full of zeros of both signs, infinities and nan."""
    found = values(graph, 1)
    for k, x in enumerate(found):
        if x.dtype.kind == "f":
            found[k] = np.resize(np.roll([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.0], k), x.shape).astype(x.dtype)
    return found


def work(graph: Graph) -> int:
    """Elements that are computed or read; layout and constants cost nothing; matrix products and inverses cost more."""
    total = 0
    for node in graph.nodes:
        if not graph.is_input(node) and node.inputs and not node.op.traits & {"view", "constant"}:
            sizes = [evaluate(x.size, SIZES) for x in (node, *node.inputs)]
            each = {"inv": 30, "solve": 20, "power": 9, "exp": 6, "sum_n": len(sizes) - 2}.get(node.op.name, 1)
            inner = evaluate(node.inputs[0].shape[-1], SIZES) if node.op is ga.matmul else 0
            total += sizes[0] * inner or max(sizes) * each
    return total
