"""NumPy as a person writes it: the objective as it stands, value and gradient by hand."""

from collections.abc import Callable
from typing import Any

from benchmarks.problem import Problem
from benchmarks.systems.namespace import NUMPY


def objective(problem: Problem) -> Callable[[], Any]:
    """The value."""
    return lambda: problem.function(NUMPY, *problem.params, *problem.consts)


def derivative(problem: Problem) -> Callable[[], Any]:
    """Value and gradient, or Hessian times directions."""
    return problem.reference
