"""Loops on several threads: results in order, same bits, failures, context, forks, shutdown, BLAS."""

import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from graphad.errors import ArgumentError
from graphad.lower import pool
from graphad.lower.pool import each, resolve

CHUNKS = [(k, k + 10) for k in range(0, 100, 10)]


def test_resolve(monkeypatch):
    monkeypatch.delenv("GRAPHAD_NUM_THREADS", raising=False)
    assert resolve(3) == 3
    assert 1 <= resolve() <= (os.cpu_count() or 1)
    monkeypatch.setenv("GRAPHAD_NUM_THREADS", " 5 ")
    assert resolve() == 5
    assert resolve(2) == 2
    for bad in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv("GRAPHAD_NUM_THREADS", bad)
        with pytest.raises(ArgumentError, match="GRAPHAD_NUM_THREADS"):
            resolve()
    for wrong in (0, True, 1.5, "many"):
        with pytest.raises(ArgumentError, match="threads="):
            resolve(wrong)


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_results_come_in_order(threads):
    def chunk(start, stop, scale):
        time.sleep(0.001 * (start % 30 == 0))
        return scale * start, stop

    assert each(chunk, CHUNKS, threads, 2) == [(2 * a, b) for a, b in CHUNKS]
    assert each(chunk, [], threads, 2) == []


def test_bits_do_not_depend_on_the_number_of_threads():
    x = np.random.default_rng(0).standard_normal(100_000)
    chunks = [(k, min(k + 7001, x.size)) for k in range(0, x.size, 7001)]
    sums = {sum(each(lambda a, b: np.sum(np.exp(x[a:b])), chunks, t)) for t in (1, 2, 3, 5)}
    assert len(sums) == 1


def test_threads_do_run_side_by_side():
    barrier = threading.Barrier(3)
    assert len(set(each(lambda a, b: (barrier.wait(5), threading.get_ident())[1], CHUNKS[:3], 3))) == 3


@pytest.mark.parametrize("threads", [1, 4])
def test_the_first_failure_in_order_is_raised(threads):
    begun = []

    def chunk(start, stop):
        begun.append(start)
        if start >= 30:
            time.sleep(0.02 * (start == 30))  # a later chunk fails first
            problem = ValueError(start)
            problem.add_note(f"in chunk {start}")
            raise problem

    with pytest.raises(ValueError, match="30") as caught:
        each(chunk, CHUNKS, threads)
    assert caught.value.__notes__ == ["in chunk 30"]
    assert "chunk" in [e.name for e in caught.traceback]
    assert len(begun) < len(CHUNKS)
    assert each(lambda a, b: a, CHUNKS, threads) == [a for a, _ in CHUNKS]


def test_an_interrupt_ends_the_loop_when_every_thread_has_stopped():
    running = []

    def chunk(start, stop):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        running.append(start)
        time.sleep(0.05)
        running.pop()

    with pytest.raises(KeyboardInterrupt):
        each(chunk, CHUNKS, 3)
    assert not running


def test_helpers_see_the_context_of_the_caller():
    barrier = threading.Barrier(2)

    def chunk(start, stop):
        barrier.wait(5)
        return np.ones(3) / np.zeros(3)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        each(chunk, CHUNKS[:2], 2)
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(each(chunk, CHUNKS[:2], 2)) == 2


def test_a_loop_inside_a_chunk_is_serial():
    def inner(start, stop):
        return threading.get_ident()

    def outer(start, stop):
        return {*each(inner, CHUNKS, 4)} == {threading.get_ident()}

    assert all(each(outer, CHUNKS, 4))
    assert not pool._inside.get()


def test_many_callers_at_once():
    def call(k):
        return each(lambda a, b: a + k, CHUNKS, 3) == [a + k for a, _ in CHUNKS]

    with ThreadPoolExecutor(8) as callers:
        assert all(callers.map(call, range(200)))


def test_without_threads_the_caller_does_all(monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    assert each(lambda a, b: a, CHUNKS, 4) == [a for a, _ in CHUNKS]


SCRIPT = """
import atexit, os, sys, threading, warnings
import numpy as np
from graphad.lower.pool import each
warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads
chunks = [(k, k + 1) for k in range(8)]
loop = lambda: each(lambda a, b: float(np.ones(10_000).sum()) + a, chunks, 4)
atexit.register(lambda: print("late", len(loop())))
want = loop()
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        barrier = threading.Barrier(2)  # two threads run, or it breaks
        os._exit(0 if loop() == want and len(each(lambda a, b: barrier.wait(10), chunks[:2], 2)) == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
print("done")
"""


def test_forks_and_shutdown():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert run.stdout.split() == ["done", "late", "8"]


def blas_threads():
    return {k["num_threads"] for k in pool._blas.controller.info()}


@pytest.fixture
def blas(monkeypatch):
    fresh = pool._Blas()
    monkeypatch.setattr(pool, "_blas", fresh)
    return fresh


def test_blas_is_held_to_one_thread_and_let_go(blas):
    control = pytest.importorskip("threadpoolctl")
    assert blas.can_hold
    with control.threadpool_limits(2, "blas"):
        assert each(lambda a, b: blas_threads(), CHUNKS, 2, products=True) == [{1}] * len(CHUNKS)
        assert blas_threads() == {2}
        with blas.held(), blas.held():
            pass
        first, second = blas.held(), blas.held()
        first.__enter__(), second.__enter__()
        first.__exit__(None, None, None)  # the loop that began last ends last
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {2}
        with pytest.raises(ZeroDivisionError):
            each(lambda a, b: 1 / 0, CHUNKS, 2, products=True)
        assert blas_threads() == {2}


def test_without_threadpoolctl_products_run_serially(blas, monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert set(each(lambda a, b: threading.get_ident(), CHUNKS, 4, products=True)) == {threading.get_ident()}
