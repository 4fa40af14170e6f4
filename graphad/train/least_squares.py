"""Sums of squares: Gauss-Newton on products with the exact Jacobian, and SciPy's `least_squares`.

A step p of Gauss-Newton minimizes ‖r + J p‖ (Nocedal and Wright 2006, section 10.3). Conjugate gradients find it from
products of J (forward mode) and Jᵀ (reverse mode) with vectors alone (CGLS: Björck 1996, section 7.4), so that neither
memory nor the size of the generated code grows with the number of residuals.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from graphad.autodiff.transforms import jvp, vjp
from graphad.errors import ArgumentError, NonFiniteError
from graphad.ir.core import Node, fail, label
from graphad.train.flat import Array, Problem, Values, limits, scipy_optimize
from graphad.train.second_order import Callback, Minimized

METHODS = ("gauss-newton", "lm", "trf")
HALVINGS = 30
SUFFICIENT = 1e-4  # of the decrease that the slope promises (Armijo)


def least_squares(
    residuals: Node | Sequence[Node],
    parameters: Node | Sequence[Node],
    values: Values,
    method: str = "gauss-newton",
    *,
    inputs: Mapping[str, Any] | None = None,
    bounds: Any = None,
    tol: float = 1e-8,
    max_iterations: int = 100,
    options: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
) -> Minimized:
    """The parameters that make ½ Σ r² least, over all elements r of the ``residuals``: nodes of any shapes.

    ``values``, ``inputs`` and ``bounds`` as in `minimize`; ``bounds`` are for trf. ``method``: gauss-newton (steps by
    conjugate gradients on products with the Jacobian, halved until they lead down), lm (Levenberg-Marquardt, MINPACK),
    trf (trust region); the last two are those of `scipy.optimize.least_squares`, which gets ``options`` and the
    Jacobian, computed by rows or by columns, whichever are fewer. ``tol``: the relative change of parameters, or its
    square that of the loss, at which gauss-newton stops; ftol, xtol and gtol of SciPy. ``callback``: as in `minimize`,
    for gauss-newton. ``max_iterations``: of gauss-newton; SciPy's max_nfev.

    Raises ArgumentError, ShapeError, NonFiniteError where the residuals at the start are not finite,
    MissingDependencyError without SciPy.

    >>> import numpy as np
    >>> import graphad as ga
    >>> t, y = ga.input("t", ("n",)), ga.input("y", ("n",))
    >>> a, k = ga.parameter("a"), ga.parameter("k")
    >>> times = np.linspace(0, 2, 20)
    >>> data = {"t": times, "y": 3 * np.exp(-1.5 * times)}
    >>> found = ga.train.least_squares(a * ga.exp(-k * t) - y, [a, k], [1.0, 1.0], inputs=data)
    >>> found.success, float(found.values["a"].round(6)), float(found.values["k"].round(6))
    (True, 3.0, 1.5)
    """
    nodes = _checked(residuals, method, bounds, callback, options)
    squares = Residuals(Problem("least_squares", nodes, parameters, values, inputs), nodes)
    squares.check_start()
    if method == "gauss-newton":
        return _gauss_newton(squares, tol, max_iterations, callback)
    return _by_scipy(squares, method, bounds, tol, max_iterations, dict(options or {}))


class Residuals:
    """The residuals as a vector that is a function of the parameters' vector, and products with its Jacobian."""

    def __init__(self, problem: Problem, nodes: Sequence[Node]) -> None:
        self.problem, self.nodes = problem, nodes
        self.evaluations = self.products = 0
        self._run = problem.function(nodes, "residuals")
        self._shapes = [np.shape(r) for r in self._run(problem.start)]
        self.count = sum(int(np.prod(s)) for s in self._shapes)
        self.precision = max(float(np.spacing(np.ones((), n.dtype))) for n in (*nodes, *problem.parameters)) ** 0.5

    def __call__(self, vector: Array) -> Array:
        """All residuals."""
        self.evaluations += 1
        return self.problem.join(self._run(vector))

    @cached_property
    def _forward(self) -> Callable[..., Any]:
        owned = list(self.problem.parameters)
        along = self.problem.directions(owned, "along")
        return self.problem.function(jvp(self.nodes, owned, along), "jacobian_times", along)

    @cached_property
    def _backward(self) -> Callable[..., Any]:
        weights = self.problem.directions(self.nodes, "weight")
        pulled = vjp(self.nodes, list(self.problem.parameters), weights)
        return self.problem.function(pulled, "jacobian_transposed_times", weights)

    def along(self, vector: Array, direction: Array) -> Array:
        """J times a direction."""
        self.products += 1
        return self.problem.join(self._forward(vector, *self.problem.split(direction)))

    def back(self, vector: Array, weights: Array) -> Array:
        """The transpose of J times weights."""
        self.products += 1
        ends = np.cumsum([int(np.prod(s)) for s in self._shapes])[:-1]
        parts = zip(np.split(weights, ends), self._shapes, self.nodes, strict=True)
        return self.problem.join(self._backward(vector, *[w.reshape(s).astype(n.dtype) for w, s, n in parts]))

    def jacobian(self, vector: Array) -> Array:
        """J, by rows or by columns."""
        if self.count < vector.size:
            return np.array([self.back(vector, e) for e in np.eye(self.count)]).reshape(self.count, vector.size)
        return np.array([self.along(vector, e) for e in np.eye(vector.size)]).T

    def check_start(self) -> None:
        """Raise NonFiniteError, which names the first bad value, where the search cannot start."""
        start = self.problem.start
        if not np.isfinite(self.problem.join(self._run(start))).all():
            self.problem.function(self.nodes, "residuals", check_nan="blame")(start)
            raise NonFiniteError("least_squares: the residuals at the start are not finite")

    def result(self, vector: Array, iterations: int, message: str, success: bool, steepest: Array) -> Minimized:
        """What was found."""
        residuals = self.problem.join(self._run(vector))
        loss, norm = float(residuals @ residuals) / 2, float(np.linalg.norm(steepest))
        counts = (iterations, self.evaluations, self.products)
        return Minimized(self.problem.named(vector), loss, norm, *counts, message, success)


def _gauss_newton(f: Residuals, tol: float, max_iterations: int, callback: Callback | None) -> Minimized:
    x = f.problem.start
    r = f(x)
    done, success, message = 0, False, "the largest number of iterations was reached"
    for done in range(1, max_iterations + 1):
        gradient, step = _step(f, x, r)
        slope, loss = float(gradient @ step), float(r @ r) / 2
        if -slope <= tol**2 * loss:
            success, message = True, "no step leads further down than rounding does"
            done -= 1
            break
        rate, ahead = _halved(f, x, step, loss, slope)
        if rate == 0:
            success = bool(np.linalg.norm(step) <= f.precision * (tol + np.linalg.norm(x)))
            message = (
                "rounding hides smaller steps" if success else "no step in the direction of Gauss-Newton leads down"
            )
            break
        x, r = x + rate * step, ahead
        if callback is not None and callback(f.problem.named(x), float(r @ r) / 2) is True:
            message = "stopped by the callback"
            break
        if rate * np.linalg.norm(step) <= tol * (tol + np.linalg.norm(x)):
            success, message = True, "the parameters hardly change"
            break
    return f.result(x, done, message, success, f.back(x, r))


def _step(f: Residuals, x: Array, r: Array) -> tuple[Array, Array]:
    """The gradient Jᵀr, and the step p that minimizes ‖r + J p‖: CGLS from p = 0, which gives the least such step.

    Without rounding it needs no more products than there are parameters or residuals; twice as many are allowed.
    """
    left, step = -r, np.zeros_like(x)
    down = f.back(x, left)
    gradient, direction = -down, down
    first = size = float(down @ down)
    for _ in range(2 * min(x.size, r.size)):
        if size <= 1e-24 * first:
            break
        change = f.along(x, direction)
        curvature = float(change @ change)
        if not 0 < curvature < np.inf:  # the residuals do not change in this direction
            break
        rate = size / curvature
        step, left = step + rate * direction, left - rate * change
        down = f.back(x, left)
        before, size = size, float(down @ down)
        direction = down + size / before * direction
    return gradient, step


def _halved(f: Residuals, x: Array, step: Array, loss: float, slope: float) -> tuple[float, Array]:
    """The largest of 1, ½, ¼, … that leads far enough down, 0 if none does, and the residuals there."""
    rate, ahead = 1.0, np.zeros(0)
    for _ in range(HALVINGS):
        ahead = f(x + rate * step)
        if float(ahead @ ahead) / 2 <= loss + SUFFICIENT * rate * slope:  # False for nan
            return rate, ahead
        rate /= 2
    return 0.0, ahead


def _by_scipy(
    f: Residuals, method: str, bounds: Any, tol: float, max_iterations: int, options: dict[str, Any]
) -> Minimized:
    optimize, x = scipy_optimize(f'least_squares(method="{method}")'), f.problem.start
    if method == "lm" and f.count < x.size:
        found = f"{f.count} residuals for {x.size} values of parameters"
        raise ArgumentError(f"least_squares: {found}", hint='lm needs as many; use "gauss-newton" or "trf"')
    low, high = limits(f.problem, bounds)
    settings = {"ftol": tol, "xtol": tol, "gtol": tol, "max_nfev": max_iterations * (1 if method == "trf" else 10)}
    found = optimize.least_squares(
        f, np.clip(x, low, high), f.jacobian, method=method, bounds=(low, high), **(settings | options)
    )
    steepest = found.x - np.clip(found.x - found.grad, low, high)
    return f.result(found.x, int(found.njev or 0), str(found.message), bool(found.success), steepest)


def _checked(
    residuals: Node | Sequence[Node], method: str, bounds: Any, callback: Any, options: Any
) -> tuple[Node, ...]:
    nodes = (residuals,) if isinstance(residuals, Node) else tuple(residuals)
    for r in nodes:
        if not isinstance(r, Node):
            raise ArgumentError(f"least_squares: a residual is a {type(r).__name__}, not a node")
        if r.dtype.kind != "f":
            fail(ArgumentError, f"least_squares: {label(r)} is {r.dtype}, not real and floating", r)
    if not nodes:
        raise ArgumentError("least_squares: there are no residuals")
    if method not in METHODS:
        raise ArgumentError(f"least_squares: method={method!r} is not known", hint=f"choose from {', '.join(METHODS)}")
    if bounds is not None and method != "trf":
        raise ArgumentError(f"least_squares: {method} knows no bounds", hint='use method="trf"')
    if method == "gauss-newton" and options:
        raise ArgumentError("least_squares: options are for lm and trf", hint="use tol= and max_iterations=")
    if method != "gauss-newton" and callback is not None:
        raise ArgumentError(f"least_squares: {method} knows no callback", hint='use method="gauss-newton"')
    return nodes
