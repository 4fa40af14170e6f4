"""What is measured: a scalar function written once against a namespace `xp`, its arguments, its gradient by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Results = tuple[Any, ...]


@dataclass(frozen=True)
class Problem:
    """`function(xp, *params, *consts)` is a scalar, differentiated with respect to every param.

    Float constants are arguments of the function that a system compiles; integer ones (indices) are part of it.
    With ``directions``, one for each param, the Hessian times them is wanted instead of value and gradient.
    ``by_hand(*params, *consts, *directions)`` gives the same results in NumPy, written by a person.
    """

    function: Callable[..., Any]
    params: tuple[Array, ...]
    consts: tuple[Array, ...]
    by_hand: Callable[..., Results]
    directions: tuple[Array, ...] = ()

    def reference(self) -> Results:
        """What every system must find."""
        return self.by_hand(*self.params, *self.consts, *self.directions)

    @property
    def single(self) -> bool:
        """Whether it is computed in single precision."""
        return self.params[0].dtype == np.float32


@dataclass(frozen=True)
class Recipe:
    """How to make a problem: ``make(rng, **arguments)``; ``small`` are the arguments that tests use."""

    name: str
    make: Callable[..., Problem]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)

    def problem(self, small: bool = False, **others: Any) -> Problem:
        """The problem itself; the same numbers at every call."""
        return self.make(np.random.default_rng(0), **{**self.arguments, **(self.small if small else {}), **others})


class Table(dict[str, Recipe]):
    """Recipes by name, in the order of their definition."""

    def recipe(
        self, name: str, small: Mapping[str, Any] | None = None, **arguments: Any
    ) -> Callable[[Callable[..., Problem]], Callable[..., Problem]]:
        """A decorator: the function makes the problem ``name`` when called with these arguments."""

        def enter(make: Callable[..., Problem]) -> Callable[..., Problem]:
            self[name] = Recipe(name, make, arguments, small or {})
            return make

        return enter


WORKLOADS = Table()
OBJECTIVES = Table()
