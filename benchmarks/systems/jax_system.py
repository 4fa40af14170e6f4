"""JAX, compiled by XLA for the processor."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.problem import Problem
from benchmarks.systems.namespace import Namespace

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")  # everyone else computes there
XP = Namespace(
    jnp,
    conv2d=lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "VALID"),
    max_pool2d=lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"),
    cholesky=jnp.linalg.cholesky,
    solve_lower=lambda L, y: jax.scipy.linalg.solve_triangular(L, y, lower=True),
)


def prepared(problem: Problem) -> tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]:
    """The function of params and float constants; indices are constants of the program."""
    params, floats = (
        tuple(map(jnp.asarray, arrays))
        for arrays in (problem.params, [a for a in problem.consts if a.dtype.kind != "i"])
    )

    def function(params: Any, floats: Any) -> Any:
        rest = iter(floats)
        return problem.function(XP, *params, *(a if a.dtype.kind == "i" else next(rest) for a in problem.consts))

    return function, params, floats


def objective(problem: Problem) -> Callable[[], Any]:
    """The value."""
    function, params, floats = prepared(problem)
    f = jax.jit(function)
    return lambda: jax.block_until_ready(f(params, floats))


def derivative(problem: Problem) -> Callable[[], Any]:
    """Value and gradient, or Hessian times directions (forward over reverse)."""
    function, params, floats = prepared(problem)
    if problem.directions:
        vectors = tuple(map(jnp.asarray, problem.directions))
        hvp = jax.jit(lambda p, c, v: jax.jvp(lambda q: jax.grad(function)(q, c), (p,), (v,))[1])
        return lambda: jax.block_until_ready(hvp(params, floats, vectors))
    f = jax.jit(jax.value_and_grad(function))

    def run() -> tuple[Any, ...]:
        value, gradients = jax.block_until_ready(f(params, floats))
        return value, *gradients

    return run
