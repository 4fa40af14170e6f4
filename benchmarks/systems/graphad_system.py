"""graphad."""

from collections.abc import Callable
from typing import Any

import graphad as ga
from benchmarks.problem import Problem
from benchmarks.systems.namespace import Namespace

XP = Namespace(
    ga,
    conv2d=ga.nn.conv2d,
    max_pool2d=lambda x: ga.nn.max_pool2d(x, 2),
    cholesky=ga.linalg.cholesky,
    solve_lower=lambda L, y: ga.linalg.solve_triangular(L, y, lower=True),
)


def declared(problem: Problem) -> tuple[list[ga.Node], list[ga.Node], ga.Node, list[Any]]:
    """Params, float constants, the value, and the arrays to call with; indices become constants of the graph."""
    params = [ga.input(f"p{i}", a.shape, a.dtype) for i, a in enumerate(problem.params)]
    consts = [a if a.dtype.kind == "i" else ga.input(f"c{i}", a.shape, a.dtype) for i, a in enumerate(problem.consts)]
    inputs = [c for c in consts if isinstance(c, ga.Node)]
    arrays = [*problem.params, *(a for a in problem.consts if a.dtype.kind != "i")]
    return params, inputs, problem.function(XP, *params, *consts), arrays


def objective(problem: Problem, **options: Any) -> Callable[[], Any]:
    """The value."""
    params, consts, value, arrays = declared(problem)
    f = ga.compile([*params, *consts], value, name="objective", **options)
    return lambda: f(*arrays)


def compiled(problem: Problem, **options: Any) -> tuple[Any, list[Any]]:
    """The function of value and gradient, or of the Hessian times directions, and the arrays to call it with."""
    params, consts, value, arrays = declared(problem)
    directions = [ga.input(f"v{i}", a.shape, a.dtype) for i, a in enumerate(problem.directions)]
    wanted = ga.hvp(value, params, directions) if directions else [value, *ga.grad(value, params)]
    f = ga.compile([*params, *consts, *directions], wanted, name="derivative", **options)
    return f, [*arrays, *problem.directions]


def derivative(problem: Problem, **options: Any) -> Callable[[], Any]:
    """Value and gradient, or Hessian times directions."""
    f, arrays = compiled(problem, **options)
    return lambda: f(*arrays)
