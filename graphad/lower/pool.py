"""Threads: the chunks of a loop run by the caller and by helpers from one pool of the process.

NumPy lets go of the interpreter lock inside its loops, so chunks that are large enough run side by side. Which thread
runs a chunk is left to chance, its borders and the order of the results are not: the bits are those of a serial run.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from importlib import import_module
from threading import Lock
from typing import Any

from graphad.errors import ArgumentError

Chunks = Sequence[tuple[int, int]]

_inside: ContextVar[bool] = ContextVar("graphad_inside_loop", default=False)


def resolve(threads: int | None = None) -> int:
    """How many threads to use: as asked, else by GRAPHAD_NUM_THREADS, else the CPUs that this process may use."""
    given: Any = threads
    source = "threads"
    if threads is None:
        source, given = "GRAPHAD_NUM_THREADS", os.environ.get("GRAPHAD_NUM_THREADS", "").strip()
        if not given:
            return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        count = int(given)
    except (TypeError, ValueError):
        count = 0
    if count < 1 or isinstance(given, float | bool):
        raise ArgumentError(f"{source}={given!r} is no number of threads", hint="use 1, 2, ...")
    return count


def each(function: Callable[..., Any], chunks: Chunks, threads: int, *args: Any, products: bool = False) -> list[Any]:
    """``[function(start, stop, *args) for start, stop in chunks]``, by up to ``threads`` threads at once.

    The caller works too. Helpers see its context (`np.errstate` among it). The first chunk that fails, in order, gives
    the exception; later ones are not begun. A loop inside a chunk runs serially. ``products``: the chunks hold matrix
    products, which BLAS would spread over threads of its own: it is held to one meanwhile, and where that cannot be
    done (no threadpoolctl) the chunks run one by one.
    """
    if threads < 2 or len(chunks) < 2 or _inside.get():
        return [function(start, stop, *args) for start, stop in chunks]
    if products and not _blas.can_hold:
        return [function(start, stop, *args) for start, stop in chunks]
    work = _Work(function, chunks, args)
    with _blas.held() if products else nullcontext():
        helpers = _start(work, min(threads, len(chunks)) - 1)
        try:
            work.run()
        finally:
            work.waiting.clear()
            for helper in helpers:
                if not helper.cancel():  # it has begun
                    helper.result()
    return work.results()


@contextmanager
def serial() -> Iterator[None]:
    """Loops started inside the block run on the thread that starts them."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


class _Work:
    """The chunks of one loop: those that wait, in order, and what came of the others."""

    def __init__(self, function: Callable[..., Any], chunks: Chunks, args: tuple[Any, ...]) -> None:
        self.function, self.args = function, args
        self.waiting = deque(enumerate(chunks))  # popleft is atomic
        self.done: list[Any] = [None] * len(chunks)
        self.failures: list[tuple[int, BaseException]] = []

    def run(self) -> None:
        """Take chunks until none is left; called by every thread of the loop."""
        with serial():
            while True:
                try:
                    k, (start, stop) = self.waiting.popleft()
                except IndexError:
                    return
                try:
                    self.done[k] = self.function(start, stop, *self.args)
                except BaseException as problem:  # kept for the caller
                    self.failures.append((k, problem))
                    self.waiting.clear()  # those before it have all begun

    def results(self) -> list[Any]:
        """The results in the order of the chunks, or the first failure in that order."""
        if self.failures:
            raise min(self.failures, key=lambda f: f[0])[1]
        return self.done


# The pool ------------------------------------------------------------------------------------------------------------


class _Pool:
    """The helpers of the process: made when first needed, more of them when a loop asks for more."""

    def __init__(self) -> None:
        self.lock, self.size = Lock(), 0
        self.executor: ThreadPoolExecutor | None = None

    def submit(self, work: _Work, count: int) -> list[Future[None]]:
        with self.lock:
            if self.executor is None or self.size < count:
                old, self.size = self.executor, count
                self.executor = ThreadPoolExecutor(count, "graphad")
                if old is not None:
                    old.shutdown(wait=False)  # what it was given still runs
            helpers = []
            for _ in range(count):
                try:
                    helpers.append(self.executor.submit(copy_context().run, work.run))
                except RuntimeError:  # no more threads, or the interpreter shuts down: the caller does what is left
                    break
            return helpers


_pool = _Pool()


def _start(work: _Work, count: int) -> list[Future[None]]:
    return _pool.submit(work, count)


class _Blas:
    """Holds BLAS to one thread while any loop with products runs, and gives back what it had when the last ends."""

    def __init__(self) -> None:
        self.lock, self.depth = Lock(), 0
        self.controller: Any = None
        self.limit: Any = None
        self.known: bool | None = None

    @property
    def can_hold(self) -> bool:
        """Whether threadpoolctl is installed."""
        if self.known is None:
            try:
                self.controller = import_module("threadpoolctl").ThreadpoolController().select(user_api="blas")
                self.known = True
            except ImportError:
                self.known = False
        return self.known

    @contextmanager
    def held(self) -> Iterator[None]:
        """One thread for BLAS inside the block; blocks nest, also of several threads."""
        with self.lock:
            self.depth += 1
            if self.depth == 1:
                self.limit = self.controller.limit(limits=1)
        try:
            yield
        finally:
            with self.lock:
                self.depth -= 1
                if self.depth == 0:
                    self.limit.restore_original_limits()


_blas = _Blas()


def _after_fork() -> None:
    """A child has none of the threads, and perhaps a lock that one of them held."""
    global _pool, _blas
    _pool = _Pool()
    _blas = _Blas()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
