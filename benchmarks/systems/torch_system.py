"""PyTorch, eager or compiled by Inductor."""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from benchmarks.problem import Problem
from benchmarks.systems.namespace import Namespace


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's keywords for a reduction."""

    def call(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        return function(x) if axis is None else function(x, dim=axis, keepdim=keepdims)

    return call


def take(x: Any, index: Any, axis: int) -> Any:
    """NumPy's take."""
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    return x.index_select(axis, index.reshape(-1)).reshape(shape)


XP = Namespace(
    torch,
    **{name: reduced(getattr(torch, name)) for name in ("sum", "mean")},
    max=reduced(torch.amax),
    min=reduced(torch.amin),
    maximum=lambda a, b: torch.maximum(a, b) if torch.is_tensor(b) else torch.clamp(a, min=b),
    transpose=lambda x, axes: x.permute(axes),
    concatenate=lambda xs, axis=0: torch.cat(xs, dim=axis),
    stack=lambda xs, axis=0: torch.stack(xs, dim=axis),
    expand_dims=torch.unsqueeze,
    take=take,
    conv2d=functional.conv2d,
    max_pool2d=lambda x: functional.max_pool2d(x, 2),
    cholesky=torch.linalg.cholesky,
    solve_lower=lambda L, y: torch.linalg.solve_triangular(L, y[:, None], upper=False)[:, 0],
)


def prepared(problem: Problem, compiled: bool) -> tuple[Callable[..., Any], list[Any], list[Any]]:
    """The function, its params, its constants."""
    params = [torch.tensor(a, requires_grad=True) for a in problem.params]

    def function(*arguments: Any) -> Any:
        return problem.function(XP, *arguments)

    run = torch.compile(function, dynamic=False) if compiled else function
    return run, params, [torch.tensor(a) for a in problem.consts]


def objective(problem: Problem, compiled: bool = False) -> Callable[[], Any]:
    """The value."""
    function, params, consts = prepared(problem, compiled)

    def run() -> Any:
        with torch.no_grad():
            return function(*params, *consts)

    return run


def derivative(problem: Problem, compiled: bool = False) -> Callable[[], Any]:
    """Value and gradient, or Hessian times directions (forward over reverse)."""
    if problem.directions:
        return product(problem, compiled)
    function, params, consts = prepared(problem, compiled)

    def run() -> tuple[Any, ...]:
        value = function(*params, *consts)
        return value.detach(), *torch.autograd.grad(value, params)

    return run


def product(problem: Problem, compiled: bool) -> Callable[[], Any]:
    """Hessian times directions, by torch.func."""
    params, consts, vectors = (
        tuple(map(torch.tensor, arrays)) for arrays in (problem.params, problem.consts, problem.directions)
    )

    def hvp(params: Any, consts: Any, vectors: Any) -> Any:
        gradient = torch.func.grad(lambda p: problem.function(XP, *p, *consts))
        return torch.func.jvp(gradient, (params,), (vectors,))[1]

    run = torch.compile(hvp, dynamic=False) if compiled else hvp
    return lambda: run(params, consts, vectors)
