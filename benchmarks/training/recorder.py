"""What an example trains: its own compiled step, recorded while the example calls it.

So nothing of an example is said twice: sizes, dtypes, data, initial values and the way of calling are its own. The
example runs until it has called the step a few times, and is then stopped.
"""

import io
import sys
import time
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import graphad
from benchmarks.training.cases import Arrays, Case, Data, Step

FOLDER = Path(__file__).parents[2] / "examples"
BATCHES = 8  # how many are recorded, and then used in turn


class Enough(Exception):  # noqa: N818  # it is no error
    """The example has called its step often enough."""


@dataclass
class Recorder:
    """Stands for the compiled step, which it calls and whose arguments it keeps.

    ``by_position``: how many are given so; ``generator``: whether one is given, too.
    """

    function: Any
    changing: frozenset[str]
    seconds: float  # of compiling and the first call
    starts: Arrays = field(default_factory=dict)
    batches: list[Arrays] = field(default_factory=list)
    by_position: int = 0
    generator: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the step gives. Raises Enough."""
        if len(self.batches) == BATCHES:
            raise Enough
        names = [x.name for x in self.function.declared.inputs]
        arrays = {n: np.array(a) for n, a in (*zip(names, args, strict=False), *kwargs.items()) if n != "rng"}
        if not self.batches:
            self.starts = {n: a for n, a in arrays.items() if n in self.changing}
            self.by_position, self.generator = len(args), "rng" in kwargs
        self.batches.append({n: a for n, a in arrays.items() if n not in self.changing})
        start = time.perf_counter()
        result = self.function(*args, **kwargs)
        self.seconds += time.perf_counter() - start if len(self.batches) == 1 else 0.0
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    @property
    def data(self) -> Data:
        """What was recorded."""
        return Data(self.starts, tuple(self.batches))

    def fresh(self, rng: np.random.Generator | None = None) -> Step:
        """The step from the beginning on, called as the example calls it; each call takes the next batch.

        It gives the loss; of a step without results the first number that it changes.
        """
        rng = np.random.default_rng(0) if rng is None else rng
        values = {n: a.copy() for n, a in self.starts.items()}
        names = [x.name for x in self.function.declared.inputs]
        calls = []
        for batch in self.batches:
            arrays = {n: (values | batch)[n] for n in names}
            pairs = list(arrays.items())
            by_name: dict[str, Any] = dict(pairs[self.by_position :]) | ({"rng": rng} if self.generator else {})
            calls.append(([a for _, a in pairs[: self.by_position]], by_name))
        function, following, changed = self.function, cycle(calls), next(iter(values.values()))

        def step() -> float:
            args, kwargs = next(following)
            result = function(*args, **kwargs)
            if isinstance(result, list | tuple):
                result = result[0] if result else changed.flat[0]
            return float(result)

        return step


def record(case: Case) -> Recorder:
    """Run the example until its step was called a few times. Raises LookupError if it never was."""
    found: list[Recorder] = []
    compile = graphad.compile

    def recording(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        function = compile(*args, **kwargs)
        if not kwargs.get("updates") or (case.function and kwargs.get("name") != case.function) or found:
            return function
        changing = frozenset(x.name for x in kwargs["updates"])
        found.append(Recorder(function, changing, time.perf_counter() - start))
        return found[0]

    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    example = import_module(case.example)
    with (
        patch("graphad.compile", recording),
        patch("graphad.train.program.compile", recording),
        redirect_stdout(io.StringIO()),
        suppress(Enough),
    ):
        case.run(example)
    if not found or not found[0].batches:
        raise LookupError(f"{case.example} never called a compiled step with updates")
    return found[0]
