"""HIPS autograd: NumPy traced anew at every call."""

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
from autograd.scipy.linalg import solve_triangular

from benchmarks.problem import Problem
from benchmarks.systems.namespace import Namespace, conv2d_by_shifts, max_pool2d_by_slices

XP = Namespace(
    anp,
    conv2d=conv2d_by_shifts(anp),
    max_pool2d=max_pool2d_by_slices(anp),
    cholesky=anp.linalg.cholesky,
    solve_lower=lambda L, y: solve_triangular(L, y, lower=True),
    diagonal=lambda x: anp.diagonal(x, 0, -1, -2),  # the one form whose derivative it has
    take=lambda x, index, axis: x[index] if axis == 0 else x[:, index],
)


def objective(problem: Problem) -> Callable[[], Any]:
    """The value."""
    return lambda: problem.function(XP, *problem.params, *problem.consts)


def derivative(problem: Problem) -> Callable[[], Any]:
    """Value and gradient, or Hessian times directions (reverse over reverse)."""

    def function(params: Any) -> Any:
        return problem.function(XP, *params, *problem.consts)

    if problem.directions:
        product = autograd.hessian_vector_product(function)
        return lambda: product(problem.params, problem.directions)
    value_and_grad = autograd.value_and_grad(function)

    def run() -> tuple[Any, ...]:
        value, gradients = value_and_grad(problem.params)
        return value, *gradients

    return run
