"""SciPy's optimizers and Gauss-Newton on graphs: known optima, exact derivatives, few evaluations, clear errors."""

import sys

import numpy as np
import pytest
from scipy.optimize import approx_fprime, curve_fit
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import graphad as ga
from graphad.errors import ArgumentError, MissingDependencyError, NonFiniteError, ShapeError
from graphad.train import second_order
from graphad.train.flat import Problem
from graphad.train.least_squares import Residuals
from graphad.train.second_order import METHODS, Objective

rng = np.random.default_rng(0)


def rosenbrock(n=10, dtype="float64"):
    p = ga.parameter("p", (n,), dtype)
    return ga.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2), p


@pytest.mark.parametrize("method", METHODS)
def test_rosenbrock(method):
    loss, p = rosenbrock()
    start = np.full(10, 0.5)
    found = ga.train.minimize(loss, p, [start], method, tol=1e-10, options={"maxiter": 1000})
    assert found.success, found
    np.testing.assert_allclose(found.values["p"], 1, atol=1e-5)
    assert found.loss < 1e-10 and found.gradient_norm < 1e-3
    assert found.iterations <= found.evaluations < {"CG": 600, "Newton-CG": 150}.get(method, 120)
    assert (found.products > 0) == bool(METHODS[method])
    assert (start == 0.5).all()


def logistic(X, y, classes, C, dtype="float64"):
    """scikit-learn's multinomial objective: C Σ cross-entropy + ½‖W‖²."""
    x, t = ga.input("x", ("batch", X.shape[1]), dtype), ga.input("t", ("batch",), "int64")
    W, b = ga.parameter("W", (X.shape[1], classes), dtype), ga.parameter("b", (classes,), dtype)
    loss = C * ga.nn.cross_entropy(x @ W + b, t, reduction="sum") + ga.sum(W**2) / 2
    start = {"W": np.zeros((X.shape[1], classes)), "b": np.zeros(classes)}
    return loss, [W, b], start, {"x": X.astype(dtype), "t": y}


@pytest.mark.parametrize("method", ["L-BFGS-B", "Newton-CG", "trust-krylov"])
def test_logistic_regression_equals_scikit_learn(method):
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    reference = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(X, y)
    loss, parameters, start, data = logistic(X, y, 3, 0.5)
    tight = {"ftol": 1e-14, "gtol": 1e-9} if method == "L-BFGS-B" else {}
    found = ga.train.minimize(loss, parameters, start, method, inputs=data, tol=1e-9, options=tight)
    np.testing.assert_allclose(found.values["W"].T, reference.coef_, atol=1e-4)
    np.testing.assert_allclose(np.diff(found.values["b"]), np.diff(reference.intercept_), atol=1e-4)  # up to a shift
    assert found.evaluations < 80


def test_parameters_of_float32_stay_so():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    loss, parameters, start, data = logistic(X, y, 2, 0.1, "float32")
    found = ga.train.minimize(loss, parameters, start, inputs=data)
    exact = ga.train.minimize(*logistic(X, y, 2, 0.1)[:3], inputs={"x": X, "t": y})
    assert {a.dtype for a in found.values.values()} == {np.dtype("float32")}
    assert found.loss == pytest.approx(exact.loss, rel=1e-4)


def quadratic(n=8):
    A = rng.normal(size=(n, n))
    A = A @ A.T + np.eye(n)
    x, b = ga.parameter("x", (n,)), rng.normal(size=n)
    return x @ (A @ x) / 2 - b @ x, x, np.linalg.solve(A, b)


def test_second_order_methods_solve_a_quadratic_in_one_step():
    loss, x, solution = quadratic()
    found = ga.train.minimize(loss, x, [np.zeros(8)], "trust-exact", options={"initial_trust_radius": 100.0})
    assert found.iterations <= 2
    np.testing.assert_allclose(found.values["x"], solution, atol=1e-8)
    sphere, y = ga.sum((x - solution) ** 2), x  # one curvature: conjugate gradients need one product
    found = ga.train.minimize(sphere, y, [np.zeros(8)], "Newton-CG")
    assert found.products <= 2 and found.loss < 1e-20


def test_derivatives_are_those_of_the_loss():
    """Gradient, products and Hessian at a point, beside differences; and a planted mistake is found so."""
    X, y = load_wine(return_X_y=True)
    loss, parameters, _, data = logistic(StandardScaler().fit_transform(X)[:, :4], y, 3, 1.0)
    start = {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    objective = Objective(Problem("minimize", [loss], parameters, start, data), loss)
    place = objective.problem.start
    numeric = approx_fprime(place, lambda v: objective(v)[0], 1e-7)
    np.testing.assert_allclose(objective(place)[1], numeric, rtol=1e-4, atol=1e-3)
    H = objective.hessian(place)
    numeric = approx_fprime(place, lambda v: objective(v)[1], 1e-7)
    np.testing.assert_allclose(H, numeric, rtol=1e-4, atol=1e-3)
    direction = rng.normal(size=place.size)
    np.testing.assert_allclose(objective.product(place, direction), H @ direction, rtol=1e-9)


def test_a_wrong_gradient_is_no_success(monkeypatch):
    right = second_order.grad
    monkeypatch.setattr(second_order, "grad", lambda loss, wrt: [-g for g in right(loss, wrt)])
    loss, p = rosenbrock(4)
    found = ga.train.minimize(loss, p, [np.zeros(4)])
    assert not found.success and found.message


def test_bounds():
    centers = np.array([-2.0, 0.3, 4.0])
    p = ga.parameter("p", (3,))
    loss = ga.sum((p - centers) ** 2)
    found = ga.train.minimize(loss, p, [np.zeros(3)], bounds=(None, 1.0))
    np.testing.assert_allclose(found.values["p"], [-2, 0.3, 1], atol=1e-6)
    assert found.success and found.gradient_norm < 1e-5  # of what is free to move
    one = ga.train.minimize(loss, p, [np.zeros(3)], bounds={"p": ([0, 0, 0], [9, 9, 0.2])})
    np.testing.assert_allclose(one.values["p"], [0, 0.3, 0.2], atol=1e-6)


def test_callback_sees_each_iteration_and_stops():
    loss, p = rosenbrock(4)
    seen = []
    found = ga.train.minimize(loss, p, [np.zeros(4)], callback=lambda v, value: seen.append((v["p"], value)))
    assert len(seen) == found.iterations
    for values, value in seen:  # each a copy of its own
        assert value == pytest.approx(
            sum(100 * (values[1:] - values[:-1] ** 2) ** 2 + (1 - values[:-1]) ** 2), rel=1e-9
        )
    assert [s[1] for s in seen] == sorted([s[1] for s in seen], reverse=True)
    stopped = ga.train.minimize(loss, p, [np.zeros(4)], "BFGS", callback=lambda v, value: value < seen[4][1])
    assert not stopped.success and stopped.iterations < found.iterations


def test_named_sizes_of_parameters_and_what_a_larger_model_has():
    x, w = ga.input("x", ("n", "k")), ga.parameter("w", ("k",))
    X = rng.normal(size=(30, 5))
    found = ga.train.minimize(
        ga.mean((x @ w - 1) ** 2), w, {"w": np.zeros(5), "other": np.ones(2)}, "trust-ncg", inputs={"x": X}, tol=1e-10
    )
    np.testing.assert_allclose(found.values["w"], np.linalg.lstsq(X, np.ones(30))[0], atol=1e-6)
    squares = ga.train.least_squares(x @ w - 1, w, [np.zeros(5)], inputs={"x": X})
    np.testing.assert_allclose(squares.values["w"], found.values["w"], atol=1e-6)


def test_a_layer_with_buffers_starts_from_its_initial_values():
    """What `initial` gives may hold more than parameters: it is handed back with them."""
    x = ga.input("x", ("batch", 4))
    model = ga.nn.Sequential(ga.nn.Linear(4, 3), ga.tanh, ga.nn.Linear(3, 1))
    shift = ga.input("shift", (1,))
    loss = ga.mean((model(x) + shift) ** 2)
    start = ga.nn.initial(model, 0) | {"shift": np.ones(1)}
    found = ga.train.minimize(loss, ga.nn.parameters(model), start, inputs={"x": rng.normal(size=(20, 4))})
    assert found.success and list(found.values)[-1] != "x" and set(found.values) == set(start)
    assert found.loss < 1e-6


# Least squares ------------------------------------------------------------------------------------------------------


def curve(points=40, noise=0.05):
    t, y = ga.input("t", ("n",)), ga.input("y", ("n",))
    a, k, c = ga.parameter("a"), ga.parameter("k"), ga.parameter("c")
    times = np.linspace(0, 4, points)
    values = 2.5 * np.exp(-1.3 * times) + 0.5 + noise * rng.normal(size=points)
    return a * ga.exp(-k * t) + c - y, [a, k, c], {"t": times, "y": values}


@pytest.mark.parametrize("method", ["gauss-newton", "lm", "trf"])
def test_curve_fit_equals_scipy(method):
    residuals, parameters, data = curve()
    found = ga.train.least_squares(residuals, parameters, [1.0, 1.0, 0.0], method, inputs=data)
    best, _ = curve_fit(lambda t, a, k, c: a * np.exp(-k * t) + c, data["t"], data["y"], [1.0, 1.0, 0.0], xtol=1e-12)
    assert found.success, found
    np.testing.assert_allclose([float(v) for v in found.values.values()], best, rtol=1e-5)
    assert found.evaluations < 30 and found.gradient_norm < 1e-5
    fitted = best[0] * np.exp(-best[1] * data["t"]) + best[2] - data["y"]
    assert found.loss == pytest.approx(fitted @ fitted / 2)


def test_gauss_newton_solves_linear_problems_at_once():
    X = rng.normal(size=(50, 6)) * 10.0 ** np.arange(-2, 4)
    w, y = ga.parameter("w", (6,)), rng.normal(size=50)
    found = ga.train.least_squares(X @ w - y, w, [np.zeros(6)])
    assert found.success and found.iterations <= 2
    np.testing.assert_allclose(found.values["w"], np.linalg.lstsq(X, y)[0], rtol=1e-6)


def test_gauss_newton_takes_the_least_solution_where_there_are_many():
    X, y = rng.normal(size=(4, 9)), rng.normal(size=4)
    w = ga.parameter("w", (9,))
    found = ga.train.least_squares(X @ w - y, w, [np.zeros(9)])
    assert found.success
    np.testing.assert_allclose(found.values["w"], np.linalg.pinv(X) @ y, rtol=1e-8)


def test_gauss_newton_halves_steps_that_lead_up():
    """From 3, whole steps on arctan(x) go to and fro with ever larger values."""
    x = ga.parameter("x")
    found = ga.train.least_squares(ga.arctan(x), x, [3.0])
    assert found.success and abs(found.values["x"]) < 1e-8
    assert found.evaluations > found.iterations + 1  # some were halved


def test_several_residuals_and_rosenbrock():
    p = ga.parameter("p", (10,))
    residuals = [10 * (p[1:] - p[:-1] ** 2), 1 - p[:-1]]
    for method in ("gauss-newton", "lm", "trf"):
        found = ga.train.least_squares(residuals, p, [np.full(10, 0.5)], method)
        assert found.success and found.loss < 1e-16, found
        np.testing.assert_allclose(found.values["p"], 1, atol=1e-6)


@pytest.mark.parametrize("count", [3, 12])
def test_jacobian_by_rows_and_by_columns(count):
    X = rng.normal(size=(count, 5))
    x, w = ga.input("x", ("n", 5)), ga.parameter("w", (5,))
    f = Residuals(Problem("least_squares", [ga.tanh(x @ w)], w, [np.ones(5)], {"x": X}), [ga.tanh(x @ w)])
    np.testing.assert_allclose(f.jacobian(np.ones(5)), (1 - np.tanh(X @ np.ones(5)) ** 2)[:, None] * X)
    assert f.products == min(count, 5)


def test_gauss_newton_of_float32_ends():
    data = curve()[-1]
    t, y = ga.input("t", ("n",), "float32"), ga.input("y", ("n",), "float32")
    a, k = ga.parameter("a", (), "float32"), ga.parameter("k", (), "float32")
    data = {k: v.astype("float32") for k, v in data.items()}
    found = ga.train.least_squares(a * ga.exp(-k * t) + 0.5 - y, [a, k], [1.0, 1.0], inputs=data)
    assert found.success and found.values["k"].dtype == "float32"
    assert float(found.values["k"]) == pytest.approx(1.3, abs=0.2)


def test_bounds_of_trf():
    residuals, parameters, data = curve()
    found = ga.train.least_squares(residuals, parameters, [1.0, 1, 0], "trf", inputs=data, bounds={"k": (None, 1.0)})
    assert found.values["k"] == pytest.approx(1.0)


# Errors -------------------------------------------------------------------------------------------------------------


def call(**changes):
    x, w = ga.input("x", ("n", 3)), ga.parameter("w", (3,))
    given = {
        "loss": ga.sum((x @ w - 1) ** 2),
        "parameters": w,
        "values": [np.zeros(3)],
        "inputs": {"x": np.ones((5, 3))},
    }
    return ga.train.minimize(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"inputs": None}, ArgumentError, "no array for x"),
        ({"inputs": {"x": np.ones((5, 3)), "z": 1}}, ArgumentError, "nothing is called z"),
        ({"inputs": {"x": np.ones((5, 4))}}, ShapeError, "x"),
        ({"values": [np.zeros(4)]}, ShapeError, "w is f64"),
        ({"inputs": {"x": np.ones((5, 3)), "w": 1}}, ArgumentError, "w is given in values= and"),
        ({"values": [np.zeros(3), 1]}, ArgumentError, "2 arrays"),
        ({"values": {"v": np.zeros(3)}}, ArgumentError, "no array for w"),
        ({"values": [np.array(["a"] * 3)]}, ArgumentError, "real numbers"),
        ({"method": "newton"}, ArgumentError, "trust-krylov"),
        ({"method": "BFGS", "bounds": (0, 1)}, ArgumentError, "L-BFGS-B"),
        ({"bounds": (1, 0)}, ArgumentError, "above"),
        ({"bounds": {"v": (0, 1)}}, ArgumentError, "not one of the parameters w"),
        ({"bounds": 3}, ArgumentError, "pair"),
        ({"bounds": ([0, 0], 1)}, ShapeError, "w has shape"),
        ({"parameters": []}, ArgumentError, "no parameters"),
        ({"parameters": [ga.input("q") + 1]}, ArgumentError, "not a parameter"),
        ({"loss": 3.0}, ArgumentError, "not a node"),
        ({"inputs": {"x": np.full((5, 3), np.nan)}}, NonFiniteError, "x"),
    ],
)
def test_errors_say_what_is_wrong(changes, error, words):
    with pytest.raises(error, match=words) as caught:
        call(**changes)
    assert len(str(caught.value).splitlines()) <= 12


def test_random_numbers_are_refused():
    w = ga.parameter("w", (3,))
    with pytest.raises(ArgumentError, match="random numbers are drawn"):
        ga.train.minimize(ga.sum(w * ga.random.normal(shape=(3,))), w, [np.zeros(3)])


def test_the_start_is_named_where_it_has_no_loss():
    x = ga.parameter("x")
    depth = ga.log(x)
    with pytest.raises(NonFiniteError, match="log"):
        ga.train.minimize(depth**2, x, [-1.0])
    with pytest.raises(NonFiniteError, match="log"):
        ga.train.least_squares(depth, x, [-1.0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "newton"}, "gauss-newton, lm, trf"),
        ({"bounds": (0, 1)}, "trf"),
        ({"options": {"x_scale": 1}}, "max_iterations"),
        ({"method": "lm", "callback": print}, "callback"),
        ({"method": "lm"}, "2 residuals for 3"),
        ({"residuals": []}, "no residuals"),
        ({"residuals": [1.0]}, "not a node"),
        ({"residuals": ga.input("i", (2,), "int64")}, "not real and floating"),
    ],
)
def test_errors_of_least_squares(settings, words):
    w = ga.parameter("w", (3,))
    with pytest.raises(ArgumentError, match=words):
        ga.train.least_squares(**({"residuals": w[:2], "parameters": w, "values": [np.ones(3)]} | settings))


def test_scipy_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    loss, p = rosenbrock(3)
    with pytest.raises(MissingDependencyError, match="needs SciPy"):
        ga.train.minimize(loss, p, [np.zeros(3)])
    found = ga.train.least_squares([10 * (p[1:] - p[:-1] ** 2), 1 - p[:-1]], p, [np.zeros(3)])
    assert found.success


def test_what_is_above_the_start_is_no_minimum():
    """log w is not finite for w ≤ 0, where the line search looks; SciPy may then end far above the start, content."""
    w = ga.parameter("w", (4, 1))
    found = ga.train.minimize(ga.sum(ga.log(w)), w, {"w": np.ones((4, 1))})
    assert not (found.success and found.loss > 0)
    assert found.loss <= 0 or "at the start was smaller, 0" in found.message
