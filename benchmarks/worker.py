"""One process for one system and one problem: it builds, answers with its results, and then measures when asked."""

import ctypes
import gc
import importlib
import os
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.catalog import catalog
from benchmarks.problem import Problem
from benchmarks.systems import SYSTEMS

SECONDS = 0.06  # how long one round of one system takes, if a call is shorter
WARM = 0.02  # how long it runs before that: its own threads and caches wake up
Run = Callable[[], Any]
Orders = dict[str, Callable[[], Any]]  # what a process can be asked for


@dataclass(frozen=True)
class Answer:
    """The seconds of building and the first call, and the results; or why there are none."""

    first: float = 0.0
    results: tuple[Any, ...] = ()
    refusal: str = ""


class Startable(Protocol):
    """What a process is to do; it goes there as bytes."""

    def start(self) -> tuple[Answer, Orders]:
        """The first answer, and what can be asked for then."""


@dataclass(frozen=True)
class Request:
    """What to measure; ``objective``: the objective alone, too. The rest makes the problem."""

    system: str
    name: str
    objective: bool = False
    small: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)
    data: Path | None = None

    def problem(self) -> Problem:
        """The problem."""
        return catalog(self.data)[self.name].problem(self.small, **self.arguments)

    def start(self) -> tuple[Answer, Orders]:
        """Build and call; then it can be asked for "derivative", "objective" (seconds a call), "memory" (bytes)."""
        system, problem = SYSTEMS[self.system], self.problem()
        module = importlib.import_module(f"benchmarks.systems.{system.module}")

        def build() -> Run:
            return module.derivative(problem, **system.options)

        start = time.perf_counter()
        runs = {"derivative": build()}
        results = runs["derivative"]()
        first = time.perf_counter() - start
        if self.objective:
            runs["objective"] = module.objective(problem, **system.options)
            runs["objective"]()
        orders: Orders = {what: partial(seconds, run) for what, run in runs.items()}
        orders["memory"] = lambda: traced(build) if system.traced else resident(runs["derivative"])
        return Answer(first, tuple(np.asarray(x) for x in results)), orders


def work(connection: Connection, request: Startable) -> None:
    """Start, answer, then obey until the order is "end"."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # so that compilers that it starts end with it
    warnings.simplefilter("ignore")  # those of the systems measured
    try:
        answer, orders = request.start()
        connection.send(answer)
    except Exception as error:  # whatever a system says is a result
        connection.send(Answer(refusal=f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"))
        return
    while (order := connection.recv()) != "end":
        connection.send(orders[order]())


def seconds(run: Run) -> float:
    """The mean time of a call, over enough calls to fill a round, once it is warm."""
    end = time.perf_counter() + WARM
    while True:
        start = time.perf_counter()
        run()
        now = time.perf_counter()
        if now > end:
            break
    calls = max(1, min(10_000, int(SECONDS / max(now - start, 1e-7))))
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def traced(build: Callable[[], Run]) -> int:
    """The most bytes that Python and NumPy held during the first call of a function just built, workspace included."""
    run = build()
    gc.collect()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def resident(run: Run) -> int | None:
    """By how much the resident memory of the process grows in a call, at its highest; None where Linux does not tell.

    What the C library keeps of earlier calls is given back before.
    """
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest
        before = kilobytes("VmRSS")
        run()
        return 1024 * max(0, kilobytes("VmHWM") - before)
    except (OSError, AttributeError, TypeError):
        return None


def kilobytes(key: str) -> int:
    """A figure of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))
