"""Worked calls of every op, sampled values, numeric derivatives: what the tables of tests are made of."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import graphad as ga
from graphad.ir.core import Case, Domain, Node, Op
from graphad.ir.types import TupleType
from graphad.ops import ALL_OPS
from graphad.ops.casts import imag, real
from graphad.ops.leaves import input as declare
from graphad.ops.tuples import items

SIZES = {"n": 3, "m": 2}


class Call(NamedTuple):
    """A case of an op made concrete: nodes, the result node, values of the inputs."""

    op: Op
    inputs: list[Node]
    result: Node
    values: list[Any]


def sample(shape: Sequence[Any], domain: Domain, rng: np.random.Generator, dtype: str = "float64") -> Any:
    """Values inside a domain, all different and away from integers, so that no kink or tie is hit."""
    numbers = tuple(SIZES.get(s, s) if isinstance(s, str) else s for s in shape)
    width = domain.high - domain.low
    values = domain.low + width * (0.05 + 0.9 * rng.random(numbers))
    values = np.where(np.abs(values - np.rint(values)) < 0.03, values + 0.05 * width / 6, values)
    return np.asarray(np.abs(values) if np.dtype(dtype).kind == "u" else values, dtype=dtype)


def concrete(op: Op, case: Case, dtype: str = "float64", seed: int = 0) -> Call:
    """Build the call of a case; shapes become inputs with sampled values, arrays become constants or inputs."""
    rng = np.random.default_rng(seed)
    domains = op.domain or (Domain(),)
    nodes: list[Any] = []
    inputs, values = [], []
    for k, spec in enumerate(case.inputs):
        if isinstance(spec, np.ndarray) and spec.dtype.kind != "f":
            nodes.append(spec)
            continue
        value = (
            spec.astype(dtype)
            if isinstance(spec, np.ndarray)
            else sample(spec, domains[min(k, len(domains) - 1)], rng, dtype)
        )
        node = declare(f"x{k}", shape=value.shape if isinstance(spec, np.ndarray) else spec, dtype=dtype)
        nodes.append(node)
        inputs.append(node)
        values.append(value)
    return Call(op, inputs, one(op(*nodes, **case.attrs)), values)


def one(result: Node) -> Node:
    """Several results as one vector, complex ones by their real and imaginary parts."""
    several = isinstance(result.type, TupleType)
    if not several and result.dtype.kind != "c":
        return result
    parts = [
        p
        for x in (items(result) if several else [result])
        for p in ([real(x), imag(x)] if x.dtype.kind == "c" else [x])
    ]
    return ga.concatenate([ga.ravel(p) for p in parts])


def all_calls(dtype: str = "float64") -> Iterator[Any]:
    """Every case of every op, as pytest parameters' values with ids."""
    for op in ALL_OPS:
        for k, case in enumerate(op.cases):
            yield op, case, f"{op.name}-{k}"


def run(call: Call, optimize: str = "none") -> Any:
    return ga.compile(call.inputs, call.result, optimize=optimize)(*call.values)


def directional(f: Any, values: Sequence[Any], directions: Sequence[Any], h: float = 1e-6) -> Any:
    """Central difference of f along directions, Richardson-extrapolated: error of order h**4."""

    def central(step: float) -> Any:
        ahead = f(*[v + step * d for v, d in zip(values, directions, strict=True)])
        behind = f(*[v - step * d for v, d in zip(values, directions, strict=True)])
        return (np.asarray(ahead, float) - np.asarray(behind, float)) / (2 * step)

    return (4 * central(h) - central(2 * h)) / 3
