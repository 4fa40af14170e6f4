"""PyTensor, compiled by Numba (its default)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor import slinalg

from benchmarks.problem import Problem
from benchmarks.systems.namespace import Namespace, conv2d_by_shifts, max_pool2d_by_slices

XP = Namespace(
    pt,
    conv2d=conv2d_by_shifts(pt, lambda x: x.type.shape),
    max_pool2d=max_pool2d_by_slices(pt),
    cholesky=slinalg.cholesky,
    solve_lower=lambda L, y: slinalg.solve_triangular(L, y, lower=True),
)


class Variables:
    """A problem's variables, its value and the arrays to call with; indices become constants."""

    def __init__(self, problem: Problem) -> None:
        variables = [as_variable(a) for a in (*problem.params, *problem.consts)]
        self.params = variables[: len(problem.params)]
        self.value = problem.function(XP, *variables)
        pairs = [*zip(variables, (*problem.params, *problem.consts), strict=True)]
        pairs += [(as_variable(v), v) for v in problem.directions]
        self.directions = [v for v, _ in pairs[len(variables) :]]
        pairs = [(v, a) for v, a in pairs if a.dtype.kind != "i"]
        self.inputs, self.arrays = [v for v, _ in pairs], [a for _, a in pairs]

    def function(self, outputs: Any) -> Callable[[], Any]:
        """The compiled function; inputs that it does not need are allowed."""
        f = pytensor.function(self.inputs, outputs, mode="NUMBA", on_unused_input="ignore")
        f.trust_input = True
        return lambda: f(*self.arrays)


def as_variable(a: np.ndarray[Any, Any]) -> Any:
    """A variable of this array's type, a constant if it holds indices."""
    return pt.constant(a) if a.dtype.kind == "i" else pt.tensor(dtype=a.dtype.name, shape=a.shape)


def objective(problem: Problem) -> Callable[[], Any]:
    """The value."""
    variables = Variables(problem)
    return variables.function([variables.value])


def derivative(problem: Problem) -> Callable[[], Any]:
    """Value and gradient, or Hessian times directions (reverse over reverse)."""
    v = Variables(problem)
    gradients = pytensor.grad(v.value, v.params)
    if not problem.directions:
        return v.function([v.value, *gradients])
    along = sum((g * d).sum() for g, d in zip(gradients, v.directions, strict=True))
    return v.function(pytensor.grad(along, v.params))
