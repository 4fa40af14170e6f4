"""Parameters as one vector: what optimizers that know no graph work on.

A `Problem` holds nodes, where the parameters start, and the data; `Problem.function` compiles nodes to a function of
the vector. The vector is float64; parameters of other dtypes are cast on the way in and out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, MissingDependencyError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.graph import toposort
from graphad.ir.types import shape_text
from graphad.lower.compile import compile
from graphad.ops.leaves import input
from graphad.optim.base import as_parameters

Array = np.ndarray[Any, Any]
Values = Mapping[str, Any] | Sequence[Any]


class Problem:
    """Nodes to be evaluated at ever new values of their parameters, while the data stay as they are.

    ``values``: where the parameters start, in order or by name; by name it may hold further inputs, such as buffers.
    ``inputs``: the arrays of all other inputs, by name. Raises ArgumentError when one is missing or unknown, when a
    parameter is no input or not real and floating, and when the nodes draw random numbers; ShapeError.
    """

    def __init__(
        self, what: str, outputs: Sequence[Node], parameters: Node | Sequence[Node], values: Values, inputs: Any
    ) -> None:
        self.what = what
        reached = toposort(outputs)
        self.parameters = as_parameters(what, parameters)
        if not self.parameters:
            raise ArgumentError(f"{what}: there are no parameters")
        owned = set(self.parameters)
        self.used = [n for n in reached if "placeholder" in n.op.traits and n not in owned]
        _check_no_draws(what, reached)
        arrays = self._named(values, inputs)
        self.data = {str(x.name): arrays[str(x.name)] for x in self.used}
        self._kept = {k: v for k, v in arrays.items() if isinstance(values, Mapping) and k in values}
        start = [_fitting(what, p, arrays[str(p.name)]) for p in self.parameters]
        self._shapes = [a.shape for a in start]
        self._ends = np.cumsum([a.size for a in start], dtype=int).tolist()
        self.start = self.join(start)

    def _named(self, values: Values, inputs: Any) -> dict[str, Any]:
        """All arrays that are given, by name; each name that is needed, and no other, is among them."""
        names = [str(p.name) for p in self.parameters]
        if not isinstance(values, Mapping):
            if len(values) != len(names):
                found = f"{len(names)} parameters ({', '.join(names)}), but {len(values)} arrays"
                raise ArgumentError(f"{self.what}: {found}")
            values = dict(zip(names, values, strict=True))
        inputs = dict(inputs or {})
        if twice := [n for n in inputs if n in values]:
            raise ArgumentError(f"{self.what}: {twice[0]} is given in values= and in inputs=")
        arrays = {**values, **inputs}
        needed = dict.fromkeys([*names, *[str(x.name) for x in self.used]])
        missing, unknown = [n for n in needed if n not in arrays], [n for n in arrays if n not in needed]
        if missing:
            hint = "values= takes parameters, inputs= all other inputs, by name"
            raise ArgumentError(f"{self.what}: no array for {', '.join(missing)}", hint=hint)
        unknown = [
            n for n in unknown if n not in values or n in (inputs or {})
        ]  # values may be those of a larger model
        if unknown:
            hint = f"the inputs are {', '.join(needed)}"
            raise ArgumentError(f"{self.what}: nothing is called {', '.join(map(str, unknown))}", hint=hint)
        return arrays

    def split(self, vector: Array) -> list[Array]:
        """The parameters that a vector stands for; those of float64 are views of it."""
        starts = [0, *self._ends[:-1]]
        pieces = zip(starts, self._ends, self._shapes, self.parameters, strict=True)
        return [vector[a:b].reshape(shape).astype(p.dtype, copy=False) for a, b, shape, p in pieces]

    def join(self, arrays: Sequence[Any]) -> Array:
        """The vector of such arrays, as float64."""
        return np.concatenate([np.ravel(a) for a in arrays], dtype=np.float64) if arrays else np.zeros(0)

    def named(self, vector: Array) -> dict[str, Array]:
        """The parameters by name, as copies, with all else that ``values`` held."""
        arrays = [a.copy() for a in self.split(vector)]
        return {**self._kept, **{str(p.name): a for p, a in zip(self.parameters, arrays, strict=True)}}

    def directions(self, nodes: Sequence[Node], prefix: str) -> list[Node]:
        """New inputs like these nodes: what a derivative is taken along."""
        taken = {str(x.name) for x in (*self.parameters, *self.used)}
        made = []
        for k, n in enumerate(nodes):
            name = f"{prefix}_{n.name or k}"
            while name in taken:
                name += "_"
            taken.add(name)
            made.append(input(name, n.shape, n.dtype))
        return made

    def function(self, outputs: Any, name: str, along: Sequence[Node] = (), **options: Any) -> Callable[..., Any]:
        """Outputs as a function of the vector, then of the arrays of ``along``."""
        run = compile([*self.parameters, *along, *self.used], outputs, name=name, **options)
        data = list(self.data.values())

        def at(vector: Array, *arrays: Array) -> Any:
            with np.errstate(all="ignore"):  # a line search may try places where a loss overflows: it turns back
                return run(*self.split(vector), *arrays, *data)

        return at


def scipy_optimize(what: str) -> Any:
    """The module `scipy.optimize`. Raises MissingDependencyError."""
    try:
        from scipy import optimize  # here, since graphad does without
    except ImportError as problem:
        raise MissingDependencyError(f"{what} needs SciPy", hint="pip install 'graphad[scipy]'") from problem
    return optimize


def limits(problem: Problem, bounds: Any) -> tuple[Array, Array]:
    """The least and the largest value of each entry of the vector, from ``(low, high)`` or such pairs by name.

    None is no bound. Raises ArgumentError for unknown names and what is no pair, ShapeError.
    """
    names = [str(p.name) for p in problem.parameters]
    by_name = bounds if isinstance(bounds, Mapping) else dict.fromkeys(names, bounds)
    if unknown := [k for k in by_name if k not in names]:
        raise ArgumentError(f"bounds: {unknown[0]} is not one of the parameters {', '.join(names)}")
    sides: tuple[list[Array], list[Array]] = ([], [])
    for name, array in zip(names, problem.split(problem.start), strict=True):
        pair = by_name.get(name)
        pair = (None, None) if pair is None else pair
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ArgumentError(f"bounds: those of {name} are not a pair", hint="(low, high); None is no bound")
        for side, value, free in zip(sides, pair, (-np.inf, np.inf), strict=True):
            try:
                side.append(np.broadcast_to(np.asarray(free if value is None else value, float), array.shape))
            except ValueError as problem_:
                raise ShapeError(f"bounds: {name} has shape {array.shape}, a bound {np.shape(value)}") from problem_
    low, high = problem.join(sides[0]), problem.join(sides[1])
    if not np.all(low <= high):
        raise ArgumentError("bounds: a lower bound is nan or above the upper one")
    return low, high


def _check_no_draws(what: str, nodes: Sequence[Node]) -> None:
    draw = next((n for n in nodes if "random" in n.op.traits), None)
    if draw is not None:
        hint = "build it outside of ga.nn.training(), or train by steps of ga.optim"
        fail(
            ArgumentError,
            f"{what} needs the same value at the same place, but random numbers are drawn",
            draw,
            hint=hint,
        )


def _fitting(what: str, p: Node, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        fail(ArgumentError, f"{what}: the array for {label(p)} holds {array.dtype}", p, hint="give real numbers")
    sizes = zip(p.shape, array.shape, strict=False)
    if array.ndim != p.ndim or any(isinstance(n, int) and n != m for n, m in sizes):
        fail(ShapeError, f"{what}: {label(p)} is {p.type}, the array has shape {shape_text(array.shape)}", p)
    return array
