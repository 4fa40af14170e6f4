"""CasADi: scalar expressions (SX) in its virtual machine; vectors and small matrices only, and no broadcasting."""

import math
from collections.abc import Callable
from typing import Any

import casadi
import numpy as np

from benchmarks.problem import Problem
from benchmarks.systems.namespace import Namespace

LIMIT = 10_000  # every element of every array is an expression


def unsupported(*_: Any, **__: Any) -> Any:
    """What CasADi has no counterpart for."""
    raise NotImplementedError("no arrays with axes")


def total(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The sum of all elements."""
    return casadi.sum(x) if axis is None else unsupported()


XP = Namespace(
    casadi,
    sum=total,
    maximum=casadi.fmax,
    abs=casadi.fabs,
    max=lambda x, axis=None, keepdims=False: casadi.mmax(x) if axis is None else unsupported(),
    concatenate=lambda xs, axis=0: casadi.vertcat(*xs) if axis == 0 else unsupported(),
    **dict.fromkeys(
        "mean min einsum take reshape stack transpose where conv2d max_pool2d cholesky".split(), unsupported
    ),
)


def prepared(problem: Problem) -> tuple[list[Any], list[Any], Any, list[Any]]:
    """Params, all inputs, the value, the arrays to call with."""
    arrays = [*problem.params, *problem.consts]
    if any(a.ndim > 2 or a.dtype != np.float64 for a in arrays) or sum(a.size for a in arrays) > LIMIT:
        raise NotImplementedError(f"more than {LIMIT} scalars, more than two axes or single precision")
    symbols = [casadi.SX.sym(f"a{i}", *a.shape) for i, a in enumerate(arrays)]
    return symbols[: len(problem.params)], symbols, problem.function(XP, *symbols), arrays


def evaluator(inputs: list[Any], outputs: list[Any], arrays: list[Any], shapes: list[Any]) -> Callable[[], Any]:
    """A call through CasADi's buffers, the fastest it has; results are copied out, as every system's are fresh."""
    f = casadi.Function("f", inputs, [casadi.densify(y) for y in outputs])
    buffer, evaluate = f.buffer()
    held = [np.array(a.ravel(order="F")) for a in arrays]  # CasADi stores columns
    flat = [np.zeros(math.prod(shape)) for shape in shapes]
    for i, a in enumerate(held):
        buffer.set_arg(i, memoryview(a))
    for i, a in enumerate(flat):
        buffer.set_res(i, memoryview(a))
    results = [a.reshape(shape, order="F") for a, shape in zip(flat, shapes, strict=True)]

    alive = (f, buffer, held)  # what the call reads and Python must not free

    def run() -> Any:
        evaluate()
        return [a.copy() for a in results] if alive else []

    return run


def objective(problem: Problem) -> Callable[[], Any]:
    """The value."""
    _, inputs, value, arrays = prepared(problem)
    return evaluator(inputs, [value], arrays, [()])


def derivative(problem: Problem) -> Callable[[], Any]:
    """Value and gradient."""
    if problem.directions:
        unsupported()
    params, inputs, value, arrays = prepared(problem)
    gradients = [casadi.gradient(value, p) for p in params]
    return evaluator(inputs, [value, *gradients], arrays, [(), *(a.shape for a in problem.params)])
