"""How long the parts of lowering take."""

import time


class Laps:
    """A stopwatch: ``laps("fuse")`` adds the time since the lap before to ``seconds["fuse"]``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def start(self) -> None:
        """What was between is nobody's."""
        self._last = time.perf_counter()

    def __call__(self, name: str) -> None:
        """A part has ended."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now
