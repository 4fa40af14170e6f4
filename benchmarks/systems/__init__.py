"""The systems by name: which module makes one, what must be installed, how its memory is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True)
class System:
    """``module`` has `objective(problem, **options)` and `derivative(problem, **options)`.

    Both give a function without arguments that computes and waits for its results. ``traced``: everything large is
    allocated by NumPy, so that tracemalloc sees it; of other systems the growth of the process is taken.
    """

    module: str
    needs: str
    options: Mapping[str, Any] = field(default_factory=dict)
    traced: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be measured here."""
        return find_spec(self.needs) is not None


SYSTEMS = {
    "graphad": System("graphad_system", "graphad", traced=True),
    "graphad readable": System("graphad_system", "graphad", {"style": "readable"}, traced=True),
    "numpy": System("by_hand", "numpy", traced=True),
    "jax.jit": System("jax_system", "jax"),
    "torch.compile": System("torch_system", "torch", {"compiled": True}),
    "torch": System("torch_system", "torch"),
    "pytensor": System("pytensor_system", "pytensor"),
    "autograd": System("autograd_system", "autograd", traced=True),
    "casadi": System("casadi_system", "casadi"),
}
PEERS = tuple(name for name in SYSTEMS if not name.startswith("graphad") and name != "numpy")
