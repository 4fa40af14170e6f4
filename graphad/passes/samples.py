"""Sampled inputs, and the values that the nodes of any graph over the same inputs have on them.

Kinds of samples: inside the domains of the ops that read an input, signs, zeros, ties, large and special numbers, named
sizes small and different, empty arrays. A sample that NumPy refuses (an index out of range, a matrix without a Cholesky
factor) is no sample of the graph and is left out.
"""

import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphad.errors import ArgumentError
from graphad.form.evaluate import evaluate_node
from graphad.ir.core import Domain, Node
from graphad.ir.dims import Dim, evaluate, names, solve_for_name
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin

Array = np.ndarray[Any, Any]
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-8, -1e8, 3.0)


class Sample:
    """Values of inputs, and of every node that was asked for; each draw has its own numbers."""

    def __init__(self, kind: str, graph: Graph, values: Sequence[Array], sizes: Mapping[str, int]) -> None:
        self.kind, self.inputs, self.sizes = kind, tuple(values), dict(sizes)
        self._known: dict[Node, Any] = dict(zip(graph.inputs, values, strict=True))
        self._given: dict[Origin, Array] = {x.origin: v for x, v in self._known.items()}

    def knows(self, node: Node) -> bool:
        """Whether the value of a node has been computed."""
        return node in self._known

    def value(self, node: Node) -> Any:
        """The value of a node, a tuple for several results. Raises what NumPy raises."""
        known, stack = self._known, [node]
        with quiet():
            while stack:
                top = stack[-1]
                waiting = [] if top in known else [x for x in top.inputs if x not in known]
                if waiting:
                    stack += waiting
                else:
                    stack.pop()
                    if top not in known:
                        known[top] = self.apply(top, [known[x] for x in top.inputs])
        return known[node]

    def apply(self, node: Node, operands: Sequence[Any], each: Callable[[Any], Any] | None = None) -> Any:
        """The value of a node for values of its inputs; contiguous, so that sums of views add in the same order.

        ``each`` is applied to all values within a loop.
        """
        if "placeholder" in node.op.traits:
            if node.origin not in self._given:
                raise ArgumentError(f"{node.name} is not among the inputs")
            return self._given[node.origin]  # an input, or what stands for one
        seed = [zlib.crc32(self.kind.encode()), node.origin.serial]
        rng = np.random.default_rng(seed) if "random" in node.op.traits else None
        value = evaluate_node(node, operands, self.sizes, rng, each)
        return tuple(map(_whole, value)) if isinstance(value, tuple) else _whole(value)


def _whole(value: Any) -> Array:
    return np.array(value, order="C")


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of overflow and the like: samples are meant to bring them about."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# How the values of one input are drawn: domain, shape, generator -----------------------------------------------------

Draw = Callable[[Domain, tuple[int, ...], np.random.Generator], Any]


def _spread(low: float, high: float) -> Draw:
    return lambda domain, shape, rng: rng.uniform(low, high, shape)


def _large(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    return rng.choice([-1.0, 1.0], shape) * 10 ** rng.uniform(0, 4, shape)


def _positive_definite(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    a = rng.standard_normal(shape)
    return a @ np.swapaxes(a, -1, -2) + shape[-1] * np.eye(shape[-1]) if a.ndim > 1 and shape[-1] == shape[-2] else a


KINDS: tuple[tuple[str, int, Draw], ...] = (  # name, smallest named size, values
    ("domain", 3, lambda domain, shape, rng: rng.uniform(domain.low, domain.high, shape)),
    ("normal", 4, lambda domain, shape, rng: rng.standard_normal(shape)),
    ("negative", 2, _spread(-3.0, -0.1)),
    ("positive", 5, _spread(0.1, 3.0)),
    ("unit", 3, _spread(0.05, 0.95)),
    ("zeros", 3, lambda domain, shape, rng: np.zeros(shape)),
    ("integral", 3, lambda domain, shape, rng: rng.integers(-2, 3, shape).astype(float)),
    ("large", 2, _large),
    ("special", 4, lambda domain, shape, rng: rng.choice(SPECIAL, shape)),
    ("matrices", 3, _positive_definite),
    ("single", 1, lambda domain, shape, rng: rng.standard_normal(shape)),
    ("empty", 0, lambda domain, shape, rng: rng.standard_normal(shape)),
)
SIZES = (6, 12, 24, 48)  # tried where slices and offsets need longer axes


def samples(graph: Graph, given: Sequence[Any] = ()) -> list[Sample]:
    """Samples that the graph can be computed on: those given (values of the inputs in order), or one of each kind.

    Raises ArgumentError where there is none.
    """
    if given:
        return [_given(graph, values, f"given {k}") for k, values in enumerate(given)]
    domains = [domain_of(graph, x) for x in graph.inputs]
    found, problem = [], None
    for kind, base, draw in KINDS:
        for size, safe in [(base, False), (base, True), *((s, True) for s in SIZES)]:
            if kind in ("single", "empty") and size in SIZES:
                break
            sizes = {name: size + (k if base > 1 else 0) for k, name in enumerate(graph.sizes)}
            try:
                sample = Sample(kind, graph, _drawn(graph, domains, sizes, kind, draw, safe), sizes)
                for y in graph.outputs:
                    sample.value(y)
            except Exception as refused:  # whatever NumPy, SciPy or a size says against it
                problem = refused
                continue
            found.append(sample)
            break
    if not found:
        reason = f"{type(problem).__name__}: {problem}".partition("\n")[0]
        hint = "give values of the inputs that it can be run on: verify=[[...], ...]"
        raise ArgumentError(f"verify: graph {graph.name!r} runs on none of the sampled inputs: {reason}", hint=hint)
    return found


def _given(graph: Graph, values: Any, kind: str) -> Sample:
    """A sample of the user's: a list of values, or one by the names of the inputs."""
    listed = [values[x.name] for x in graph.inputs] if isinstance(values, Mapping) else list(values)
    if len(listed) != len(graph.inputs):
        raise ArgumentError(f"verify: {len(listed)} values for {len(graph.inputs)} inputs")
    arrays = [np.asarray(v, x.dtype) for x, v in zip(graph.inputs, listed, strict=True)]
    return Sample(kind, graph, arrays, sizes_of(graph, [a.shape for a in arrays]))


def sizes_of(graph: Graph, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The named sizes that the shapes of the inputs say."""
    sizes: dict[str, int] = {}
    for x, shape in zip(graph.inputs, shapes, strict=True):
        for size, number in zip(x.shape, shape, strict=True):
            if isinstance(size, Dim) and len(names(size)) == 1 and (solved := solve_for_name(size, number)):
                sizes.setdefault(*solved)
    return sizes


def _drawn(
    graph: Graph, domains: Sequence[Domain], sizes: Mapping[str, int], kind: str, draw: Draw, safe: bool
) -> list[Array]:
    """Values of the inputs; ``safe``: integers 0 and 1 only, which most axes can be indexed with."""
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    values = []
    for x, domain in zip(graph.inputs, domains, strict=True):
        shape = tuple(evaluate(s, sizes) for s in x.shape)
        values.append(drawn_as(x.dtype, domain, shape, kind, draw, rng, safe))
    return values


def drawn_as(
    dtype: Any, domain: Domain, shape: tuple[int, ...], kind: str, draw: Draw, rng: np.random.Generator, safe: bool
) -> Array:
    """Values of a dtype: whole numbers of both signs and, where large ones are asked for, the ends of the range."""
    if dtype.kind == "b":
        return np.zeros(shape, bool) if kind == "zeros" else rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu" and kind != "zeros":
        low, high = (0, 2) if safe else (0, 4) if dtype.kind == "u" else (-2, 3)
        ends = np.iinfo(dtype)
        values = rng.integers(low, high, shape)
        if kind == "large" and not safe:
            return rng.choice(np.array([ends.min, ends.max, ends.max - 1, 7], dtype), shape)
        return np.asarray(np.maximum(np.abs(values), 1) if kind == "positive" else values).astype(dtype)
    with quiet():
        values = draw(domain, shape, rng)
        if dtype.kind == "c":
            values = values + 1j * draw(domain, shape, rng)
        return np.asarray(values).astype(dtype)


def domain_of(graph: Graph, x: Node) -> Domain:
    """Where the first op that reads an input, views of it included, says that it may be sampled."""
    users = list(graph.users[x])
    for user in users:
        if user.op.domain:
            k = next((k for k, i in enumerate(user.inputs) if i is x), 0)
            return user.op.domain[min(k, len(user.op.domain) - 1)]
        if "view" in user.op.traits and len(users) < 50:
            users += graph.users[user]  # looked at next
    return Domain()
