"""Loops of generated code with threads: they take the place of `in_chunks` and `in_waves` in memory."""

from collections.abc import Callable
from dis import get_instructions
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

from graphad.lower.fast import chunk_helpers
from graphad.lower.pool import each

borders: Callable[[int, int], list[tuple[int, int]]] = chunk_helpers.borders

WORK = 4 << 20  # bytes of buffers that a loop must go through before threads pay


def with_threads(threads: int) -> dict[str, Callable[..., Any]]:
    """The functions by the names that generated code calls."""

    def in_chunks(loop: Any, length: int, rows: int, scratch: list[Any], *arrays: Any) -> list[Any]:
        if length <= rows:
            return [loop(0, length, rows, scratch[0], *arrays)]
        chunks = borders(length, rows)
        if len(chunks) == 1 or not _pays(length, rows, scratch):
            return [loop(start, stop, rows, scratch[0], *arrays) for start, stop in chunks]
        return _each(loop, chunks, threads, rows, scratch, arrays)

    def in_waves(loop: Any, length: int, rows: int, scratch: list[Any], *arrays: Any) -> list[Any]:
        chunks = borders(length, rows)
        parts: list[Any] = [None] * len(chunks)
        count = threads if _pays(length, rows, scratch) else 1
        for first in (0, 1):
            parts[first::2] = _each(loop, chunks[first::2], count, rows, scratch, arrays)
        return parts

    return {"in_chunks": in_chunks, "in_waves": in_waves}


def _pays(length: int, rows: int, scratch: list[Any]) -> bool:
    return bool(sum([b.nbytes for b in scratch[0]]) * length >= WORK * rows)


def _each(loop: Any, chunks: Any, threads: int, rows: int, scratch: list[Any], arrays: tuple[Any, ...]) -> list[Any]:
    """The chunks side by side; every thread has scratch arrays of its own, which stay in the workspace."""
    pattern = scratch[0]

    def run(start: int, stop: int) -> Any:
        try:
            own = scratch.pop()
        except IndexError:
            own = tuple([np.empty_like(b) for b in pattern])
        part = loop(start, stop, rows, own, *arrays)
        scratch.append(own)
        return part

    return each(run, chunks, threads, products=_has_products(loop.__code__))


@cache
def _has_products(code: CodeType) -> bool:
    """Whether a loop holds matrix products, which BLAS would spread over threads of its own."""
    return "matmul" in code.co_names or any(
        i.opname == "BINARY_OP" and i.argrepr == "@" for i in get_instructions(code)
    )
