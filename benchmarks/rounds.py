"""All systems on one problem: one process each, agreement first, then round by round in turn."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from statistics import median
from typing import Any

import numpy as np

from benchmarks.systems import PEERS
from benchmarks.worker import Answer, Request, Startable, work

Tell = Callable[[str], None]
# Seconds before each turn. The threads of the process that ran before (BLAS, OpenMP, Eigen) spin for a while, OpenBLAS
# about 30 ms, and take the cores from the next: after a pause of 0.01 s an MLP took 3.1 ms, after 0.3 s 1.2.
PAUSE = 0.3
# Seconds for the measuring of memory: tracemalloc looks up the line of each allocation, which takes longer the longer a
# function is; many minutes for one of 60 000 lines.
MEMORY = 30.0


@dataclass
class Row:
    """What was measured on one problem; each dictionary goes by system. Seconds, bytes; notes say what failed."""

    name: str
    derivative: dict[str, list[float]] = field(default_factory=dict)
    objective: dict[str, list[float]] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int | None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def enter(self, system: str, replies: dict[str, Any]) -> None:
        """What a worker said."""
        for what, reply in replies.items():
            if what == "memory":
                self.memory[system] = reply
            else:
                getattr(self, what).setdefault(system, []).append(reply)

    def lose(self, system: str, what: str, why: str) -> None:
        """Drop the figures of a system that did not come to the end; those that are whole stay."""
        self.notes[system] = f"{what}: {why}"
        if what == "memory":
            return
        for figures in (self.derivative, self.objective, self.first, self.memory):
            figures.pop(system, None)

    def seconds(self, system: str) -> float | None:
        """The median over rounds."""
        return median(self.derivative[system]) if system in self.derivative else None

    @property
    def best_peer(self) -> str | None:
        """The fastest of the other systems."""
        measured = [name for name in PEERS if name in self.derivative]
        return min(measured, key=lambda name: median(self.derivative[name])) if measured else None

    def speed(self, system: str) -> float | None:
        """The time of the best peer over that of ``system``; taken round by round, so that drift cancels."""
        return quotient(self.derivative, self.best_peer, self.derivative, system)

    def overhead(self, system: str) -> float | None:
        """The time of the derivative over that of the objective."""
        return quotient(self.derivative, system, self.objective, system)


def quotient(above: dict[str, list[float]], a: str | None, below: dict[str, list[float]], b: str) -> float | None:
    """The median of the quotients of all rounds."""
    if a not in above or b not in below:
        return None
    return median(x / y for x, y in zip(above[a], below[b], strict=True))


class Worker:
    """A process that holds one system's functions."""

    def __init__(self, request: Startable, limit: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=work, args=(theirs, request), daemon=True)
        self.process.start()
        theirs.close()
        self.answer = self._answer(limit)

    def _answer(self, limit: float) -> Answer:
        if not self.connection.poll(limit):
            self.kill()
            return Answer(refusal=f"no result within {limit:.0f} s")
        try:
            answer: Answer = self.connection.recv()
        except EOFError:
            return Answer(refusal="the process died")
        return answer

    def ask(self, order: str, limit: float) -> Any:
        """The reply to an order. Raises EOFError or OSError where there is none, TimeoutError where it is late."""
        self.connection.send(order)
        if not self.connection.poll(limit):
            self.kill()
            raise TimeoutError
        return self.connection.recv()

    def end(self) -> None:
        """Let the process end."""
        if self.process.is_alive():
            with suppress(OSError):
                self.connection.send("end")
            self.process.join(10)
            self.kill()

    def kill(self) -> None:
        """End it, and what it started: compilers."""
        self.process.kill()
        if self.process.pid and hasattr(os, "killpg"):
            with suppress(ProcessLookupError):  # `work` made a group of its own
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()


def agree(found: Sequence[Any], expected: Sequence[Any], single: bool) -> str:
    """What differs: empty if the results are equal up to rounding."""
    tolerance = 1e-3 if single else 1e-7
    if len(found) != len(expected):
        return f"{len(found)} results, not {len(expected)}"
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        a64, b64 = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a64.shape != b64.shape:
            return f"result {i} has shape {a64.shape}, not {b64.shape}"
        if not np.linalg.norm(np.ravel(a64 - b64)) <= tolerance * (np.linalg.norm(np.ravel(b64)) + 1e-12):
            return f"result {i} differs"
    return ""


def measure(request: Request, systems: Sequence[str], rounds: int, limit: float, tell: Tell) -> Row:
    """Ask every system in turn, ``rounds`` times; those that fail or disagree are left out with a note."""
    problem = request.problem()
    expected = problem.reference()
    row, workers = Row(request.name), {}
    for system in systems:
        worker = Worker(replace(request, system=system), limit)
        trouble = worker.answer.refusal
        if not trouble and (wrong := agree(worker.answer.results, expected, problem.single)):
            trouble = f"WRONG: {wrong}"
        if trouble:
            row.notes[system] = trouble
            tell(f"  {request.name}, {system}: {trouble}")
            worker.end()
        else:
            workers[system], row.first[system] = worker, worker.answer.first
    timed = ("derivative", "objective") if request.objective else ("derivative",)
    for _ in range(rounds):
        turns(row, workers, timed, limit)
    turns(row, workers, ("memory",), min(limit, MEMORY))
    for worker in workers.values():
        worker.end()
    return row


def turns(row: Row, workers: dict[str, Worker], orders: Sequence[str], patience: float) -> None:
    """Give every worker its turn and enter what it says; one that fails leaves a note and is dropped."""
    for system, worker in list(workers.items()):
        time.sleep(PAUSE)
        try:
            row.enter(system, {what: worker.ask(what, patience) for what in orders})
        except (EOFError, OSError) as error:
            why = f"no result within {patience:.0f} s" if isinstance(error, TimeoutError) else "the process died"
            row.lose(system, orders[-1], why)
            del workers[system]
