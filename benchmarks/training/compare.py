"""A training step by several systems: graphad runs the example, the others get its data; equal losses, then time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from statistics import median

import click
import numpy as np

from benchmarks.rounds import Row, Tell, Worker, turns
from benchmarks.training.cases import CASES, Data, Step
from benchmarks.training.recorder import record
from benchmarks.worker import WARM, Answer, Orders

TWINS = {"torch": "benchmarks.training.torch_steps"}  # modules with fresh(name, data, rng) -> Step
CHECKED = 3  # steps whose losses must be equal
TURN, LEAST = 0.2, 5  # seconds and steps of a turn, at least


class Disagreement(click.ClickException):
    """A twin gives other losses: it or graphad is wrong, and times mean nothing."""


@dataclass(frozen=True)
class StepRequest:
    """Run the example and use its own step, or, given its data, the one of another system's ``module``."""

    name: str
    module: str = ""
    data: Data | None = None

    def start(self) -> tuple[Answer, Orders]:
        """The data and the losses of the first steps; "derivative" is then the median time of a step."""
        fresh: Callable[..., Step]
        start = time.perf_counter()
        if self.data is None:
            recorder = record(CASES[self.name])
            data, fresh = recorder.data, recorder.fresh
        else:
            data, fresh = self.data, partial(import_module(self.module).fresh, self.name, self.data)
        step = fresh(np.random.default_rng(0))
        losses = [step() for _ in range(CHECKED)]
        first = recorder.seconds if self.data is None else time.perf_counter() - start
        return Answer(first, (data, losses)), {"derivative": partial(seconds, fresh)}


def seconds(fresh: Callable[[], Step]) -> float:
    """The median time of a step, from the beginning of the training on, once it is warm."""
    step, times = fresh(), []
    end = time.perf_counter() + WARM
    while time.perf_counter() < end:
        step()
    end = time.perf_counter() + TURN
    while len(times) < LEAST or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return median(times)


def measure(name: str, twins: Mapping[str, str], rounds: int, limit: float, tell: Tell) -> Row:
    """graphad and the ``twins`` (modules by system) in turn. Raises Disagreement."""
    row = Row(name)
    workers = {"graphad": Worker(StepRequest(name), limit)}
    own = workers["graphad"].answer
    try:
        if not own.refusal:
            data, losses = own.results
            workers |= {s: Worker(StepRequest(name, module, data), limit) for s, module in twins.items()}
        for system, worker in list(workers.items()):
            if worker.answer.refusal:
                row.notes[system] = worker.answer.refusal
                tell(f"  {name}, {system}: {worker.answer.refusal}")
                workers.pop(system).end()
                continue
            check(name, system, worker.answer.results[1], losses)
            row.first[system] = worker.answer.first
        for _ in range(rounds):
            turns(row, workers, ("derivative",), limit)
    finally:
        for worker in workers.values():
            worker.end()
    return row


def check(name: str, system: str, found: list[float], expected: list[float]) -> None:
    """Raise Disagreement unless these are the same losses up to rounding."""
    tolerance = 1e-4 if CASES[name].single else 1e-9
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        if not abs(a - b) <= tolerance * abs(b):
            raise Disagreement(f"{name}: step {k + 1} of {system} has the loss {a:.12g}, that of graphad {b:.12g}")
