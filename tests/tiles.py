"""Small arrays as if they were large: what tests of loops, buffers and threads share.

`tiny` makes tiles, caches and thresholds so small that arrays of a few elements take the ways of large ones. `check`
compares a graph, compiled in every variant of the fast style, with the interpreter.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.ir.dims import evaluate
from graphad.lower import code
from graphad.lower.fast import buffers, fusion, lifetimes, program, threads, tile_sizes
from graphad.lower.fast.program import PASSES
from graphad.lower.interpret import interpret
from graphad.lower.program import Loop

ALL = tuple(PASSES)
FEWER = [tuple(p for p in ALL if p != left) for left in ALL]  # each with one pass left out
BITS = {2: 3e-3, 4: 2e-5, 8: 1e-11}  # relative tolerance by bytes of a real number: sums in pieces round differently


@contextmanager
def tiny(cache: int = 64) -> Iterator[None]:
    """Every array is large, a tile has a row or a few, and every loop has chunks for threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusion, "LARGE", 2)
        patch.setattr(fusion, "LOOP_BYTES", 0)
        patch.setattr(fusion, "_is_long", lambda length: not isinstance(length, int) or length >= 2)
        patch.setattr(buffers, "SMALL", 0)
        patch.setattr(program, "SMALL", 0)
        patch.setattr(program, "may_need", lambda *args: True)
        patch.setattr(tile_sizes, "CACHE", cache)
        patch.setattr(lifetimes, "LARGE", 2)
        patch.setattr(code, "LARGE", 0)
        patch.setattr(threads, "WORK", 0)
        yield


@contextmanager
def disjoint() -> Iterator[None]:
    """Chunks that could run at once run one by one instead, the last one first; none may write where another does.

    A race would be seen by chance alone; this sees what could become one.
    """

    def each(loop: Any, chunks: Any, count: int, rows: int, scratch: list[Any], given: tuple[Any, ...]) -> list[Any]:
        held = [a for a in given if isinstance(a, np.ndarray) and a.flags.writeable and a.size]
        parts, written = [], set()
        for start, stop in reversed(chunks):
            before = [a.copy() for a in held]
            own = tuple([np.full_like(b, 77) for b in scratch[0]])
            parts.append(loop(start, stop, rows, own, *given))
            fresh = {place for a, b in zip(held, before, strict=True) for place in _changed(a, b)}
            assert not fresh & written
            written |= fresh
        return parts[::-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "_each", each)
        yield


def _changed(array: Any, before: Any) -> set[int]:
    """The addresses of elements that are no longer what they were."""
    begin = array.__array_interface__["data"][0]
    same = (array == before) | ((array != array) & (before != before))
    return {begin + sum(k * s for k, s in zip(at, array.strides, strict=True)) for at in np.argwhere(~same).tolist()}


def arrays(inputs: Sequence[Any], sizes: dict[str, int] | None = None, seed: int = 0) -> list[Any]:
    """Random values for inputs, with zeros and negative numbers among them."""
    rng = np.random.default_rng(seed)
    return [_array(x, tuple(evaluate(s, sizes or {}) for s in x.shape), rng) for x in inputs]


def _array(x: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    kind = x.dtype.kind
    if kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if kind in "iu":
        return np.asarray(rng.integers(0 if kind == "u" else -3, 4, shape), x.dtype.name)
    values = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if kind == "c" else 0)
    return np.asarray(np.where(rng.random(shape) < 0.1, 0, values), x.dtype.name)


def flat(result: Any) -> list[Any]:
    """The arrays of a result in order."""
    if isinstance(result, dict):
        result = tuple(result.values())
    return [a for part in result for a in flat(part)] if isinstance(result, tuple) else [result]


def loops(function: Any) -> list[Loop]:
    """The loops of a compiled function."""
    return [s for s in function.program.statements if isinstance(s, Loop)]


def same_bits(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Shapes and dtypes are equal, values up to rounding."""
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        b = np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), k
        if b.dtype.kind not in "fc":
            np.testing.assert_array_equal(a, b, err_msg=f"result {k}")
            continue
        rtol = BITS[b.dtype.itemsize // (2 if b.dtype.kind == "c" else 1)]
        scale = np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * float(scale), err_msg=f"result {k}")


def frozen(values: Sequence[Any]) -> list[Any]:
    """Copies that cannot be written."""
    copies = [np.array(v) for v in values]
    for copy in copies:
        copy.flags.writeable = False
    return copies


@contextmanager
def quiet() -> Iterator[None]:
    """Means of nothing and divisions by zero are no news."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def called(function: Any, values: Sequence[Any], draws: bool = False) -> list[Any]:
    """The results of a call on inputs that cannot be written; they may not share memory."""
    values = frozen(values)
    with quiet():
        found = flat(function(*values, **({"rng": np.random.default_rng(5)} if draws else {})))
    for k, y in enumerate(found):
        assert y.flags.writeable
        assert not any(np.may_share_memory(y, z) for z in (*values, *found[:k])), k
    return found


def expected_of(graph: Any, values: Sequence[Any], draws: bool = False) -> list[Any]:
    with quiet():
        return [a for y in interpret(graph, values, np.random.default_rng(5) if draws else None) for a in flat(y)]


def check(
    inputs: Sequence[Any],
    outputs: Any,
    *calls: Sequence[Any],
    variants: Sequence[Sequence[str]] = (ALL, *FEWER, ()),
    threads: Sequence[int] = (1, 3),
    optimize: str = "none",
    draws: bool = False,
) -> Any:
    """Every variant equals the interpreter on every call, and gives the same bits again and for any number of threads.

    Where the interpreter raises, so does every variant. Returns the function of the first one.
    """
    functions = []
    graph = ga.compile(inputs, outputs, optimize=optimize, style="readable").graph  # rewritten once
    for passes in variants:
        made = [ga.compile(graph.inputs, graph.outputs, optimize="none", passes=passes, threads=t) for t in threads]
        functions.append(made[0])
        for values in calls:
            try:
                expected, first = expected_of(graph, values, draws), None
            except ValueError:  # the largest of no elements
                for f in made:
                    with pytest.raises(ValueError):
                        called(f, values, draws)
                continue
            for f in made:
                before: list[Any] = []
                for _ in range(2):
                    found = called(f, values, draws)
                    close(found, expected)
                    same_bits(found, found if first is None else first)
                    assert not any(np.may_share_memory(y, z) for y in found for z in before)
                    first, before = [y.copy() for y in found], found
                    for y in found:
                        y[...] = 7  # the next call must not mind
    return functions[0]


def gradients(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """The gradients of the sum of sines of the outputs; none where there is nothing to differentiate."""
    wrt = [x for x in inputs if x.dtype.kind in "fc"]
    parts = [ga.sum(ga.sin(ga.real(y))) for y in outputs if y.dtype.kind in "fc"]
    return ga.grad(ga.sum_n(*parts), wrt) if wrt and parts else []
