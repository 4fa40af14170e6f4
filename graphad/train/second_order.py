"""Optimizers that look at the curvature: SciPy's, on the flattened parameters of a graph.

Gradients, Hessian-vector products and Hessians are graphs as well, hence exact: nothing is estimated by differences.
These methods see all data at once; for mini-batches there is `graphad.optim`. Sums of squares: least_squares.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphad.autodiff.transforms import grad, hvp
from graphad.errors import ArgumentError, NonFiniteError
from graphad.ir.core import Node
from graphad.train.flat import Array, Problem, Values, limits, scipy_optimize

METHODS = {  # which second derivatives each takes
    "L-BFGS-B": "",
    "BFGS": "",
    "CG": "",
    "Newton-CG": "hessp",
    "trust-ncg": "hessp",
    "trust-krylov": "hessp",
    "trust-exact": "hess",
}
Callback = Callable[[dict[str, Array], float], Any]


@dataclass(frozen=True)
class Minimized:
    """What an optimizer found.

    ``values``: the parameters by name. ``gradient_norm``: the Euclidean norm of the gradient there, with bounds of what
    it can still change. ``evaluations``: of loss and gradient. ``products``: of the Hessian with a vector; for least
    squares of the Jacobian or its transpose with a vector. ``success``: whether the method says that it has converged;
    if it does not, ``message`` says why.
    """

    values: dict[str, Array] = field(repr=False)
    loss: float
    gradient_norm: float
    iterations: int
    evaluations: int
    products: int
    message: str
    success: bool


def minimize(
    loss: Node,
    parameters: Node | Sequence[Node],
    values: Values,
    method: str = "L-BFGS-B",
    *,
    inputs: Mapping[str, Any] | None = None,
    bounds: Any = None,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
    callback: Callback | None = None,
) -> Minimized:
    """The parameters that make a scalar ``loss`` least, by a method of `scipy.optimize.minimize`.

    ``values``: where to start, by name or in the order of ``parameters``; they are not changed. ``inputs``: the arrays
    of all other inputs by name. ``method``: L-BFGS-B, BFGS, CG (these need gradients), Newton-CG, trust-ncg,
    trust-krylov (Hessian-vector products), trust-exact (the Hessian, by a product for each of its columns).
    ``bounds``: (low, high) for all parameters, or such pairs by name, with None where there is none; for L-BFGS-B.
    ``tol`` and ``options`` are SciPy's. ``callback``: called with the values by name and the loss after each iteration;
    it stops the search by returning True.

    Parameters of float32 stay so; the method itself computes in float64. Raises ArgumentError, ShapeError,
    NonFiniteError where the start has no finite loss or gradient, MissingDependencyError without SciPy.

    >>> import graphad as ga
    >>> p = ga.parameter("p", (2,))
    >>> rosenbrock = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
    >>> found = ga.train.minimize(rosenbrock, p, {"p": [-1.2, 1.0]}, "trust-exact")
    >>> found.success, found.values["p"].round(6)
    (True, array([1., 1.]))
    """
    _check(loss, method, bounds)
    optimize = scipy_optimize(f'minimize(method="{method}")')
    problem = Problem("minimize", [loss], parameters, values, inputs)
    objective = Objective(problem, loss)
    objective.check_start()
    pair = None if bounds is None else limits(problem, bounds)
    second: dict[str, Any] = {"hessp": objective.product, "hess": objective.hessian}
    more = {k: f for k, f in second.items() if k == METHODS[method]}
    more |= {} if pair is None else {"bounds": optimize.Bounds(*pair)}
    more |= {} if callback is None else {"callback": _told(problem, callback)}
    found = optimize.minimize(objective, problem.start, method=method, jac=True, tol=tol, options=options, **more)
    return objective.result(found, pair)


class Objective:
    """Loss and gradient as a function of the vector, and the products with the Hessian; it counts its calls."""

    def __init__(self, problem: Problem, loss: Node) -> None:
        self.problem, self.loss = problem, loss
        self.evaluations = self.products = 0
        self._first = [loss, *grad(loss, list(problem.parameters))]
        self._run = problem.function(self._first, "loss_and_gradient")
        self._along: Callable[..., Any] | None = None
        self._loss_at_start = np.inf

    def __call__(self, vector: Array) -> tuple[float, Array]:
        """Loss and gradient."""
        self.evaluations += 1
        loss, *gradients = self._run(vector)
        return float(loss), self.problem.join(gradients)

    def product(self, vector: Array, direction: Array) -> Array:
        """The Hessian times a direction."""
        self.products += 1
        if self._along is None:
            owned = list(self.problem.parameters)
            along = self.problem.directions(owned, "along")
            self._along = self.problem.function(hvp(self.loss, owned, along), "hessian_product", along)
        return self.problem.join(self._along(vector, *self.problem.split(direction)))

    def hessian(self, vector: Array) -> Array:
        """The Hessian, column by column."""
        columns = np.array([self.product(vector, e) for e in np.eye(vector.size)])
        return np.asarray(columns + columns.T) / 2

    def check_start(self) -> None:
        """Raise NonFiniteError, which names the first bad value, where the search cannot start."""
        problem = self.problem
        loss, gradient = self(problem.start)
        self._loss_at_start = loss
        self.evaluations -= 1  # the method repeats this one
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            problem.function(self._first, "loss_and_gradient", check_nan="blame")(problem.start)
            raise NonFiniteError(f"minimize: the loss at the start is {loss}, or its gradient is not finite")

    def result(self, found: Any, bounds: tuple[Array, Array] | None) -> Minimized:
        """What SciPy found, in graphad's words."""
        x, gradient = found.x, found.jac
        steepest = gradient if bounds is None else x - np.clip(x - gradient, *bounds)
        norm, loss = float(np.linalg.norm(steepest)), float(found.fun)
        problem = "" if np.isfinite(loss) and np.isfinite(norm) else "loss or gradient is not finite. "
        if loss > self._loss_at_start:  # a line search that met nan may go on from anywhere
            problem = f"the loss at the start was smaller, {self._loss_at_start:.6g}. "
        return Minimized(
            self.problem.named(x),
            loss,
            norm,
            int(found.nit),
            self.evaluations,
            self.products,
            f"{problem}{found.message}",
            bool(found.success) and not problem,
        )


def _told(problem: Problem, callback: Callback) -> Callable[..., None]:
    """A callback as SciPy calls it, by the name of its argument."""

    def after(intermediate_result: Any) -> None:
        if callback(problem.named(intermediate_result.x), float(intermediate_result.fun)) is True:
            raise StopIteration

    return after


def _check(loss: Any, method: str, bounds: Any) -> None:
    if not isinstance(loss, Node):
        raise ArgumentError(f"minimize: the loss is a {type(loss).__name__}, not a node")
    if method not in METHODS:
        raise ArgumentError(f"minimize: method={method!r} is not known", hint=f"choose from {', '.join(METHODS)}")
    if bounds is not None and method != "L-BFGS-B":
        raise ArgumentError(f"minimize: {method} knows no bounds", hint='use method="L-BFGS-B"')
