"""Networks as estimators of scikit-learn: `GraphClassifier` and `GraphRegressor`.

They have `fit` and `predict` and pass scikit-learn's own checks, so pipelines, k-fold cross-validation, grid and random
search come from there. What `fit` finds are arrays and the recipe of the network; compiled functions are no part of an
estimator: they are made when needed, so estimators can be copied and pickled. Needs scikit-learn (extra `sklearn`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Self, final
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.lower.compile import Function, compile
from graphad.nn.activations import softmax
from graphad.nn.entropies import cross_entropy
from graphad.nn.layers.base import Layer, buffers, initial, parameters, training
from graphad.nn.losses import mse_loss
from graphad.ops.leaves import input
from graphad.train import perceptron
from graphad.train.early import EarlyStopping
from graphad.train.fit import fit as train
from graphad.train.history import History
from graphad.train.second_order import METHODS, minimize

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Node]
_FUNCTIONS: WeakKeyDictionary[Any, Function] = WeakKeyDictionary()  # of fitted estimators, for their predictions


class _Result(NamedTuple):
    """What both ways of training give."""

    values: dict[str, Array]
    history: History
    stopped: str


class _Network(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators share: arguments, training, and the function for predictions."""

    def __init__(
        self,
        hidden: Any = (32,),
        *,
        activation: Any = "tanh",
        optimizer: Any = "adam",
        learning_rate: float = 0.01,
        epochs: int = 100,
        batch_size: int | None = 32,
        alpha: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        model: Callable[[int, int], Layer] | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden, self.activation, self.model = hidden, activation, model
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.epochs, self.batch_size, self.alpha = epochs, batch_size, alpha
        self.early_stopping, self.validation_fraction, self.patience = early_stopping, validation_fraction, patience
        self.warm_start, self.random_state, self.verbose = warm_start, random_state, verbose

    def _train(self, X: Array, y: Array, n_out: int, loss: Loss, **learned: Any) -> Self:
        """Find the parameters of a network with ``n_out`` outputs for each row; set all attributes, or none.

        Ctrl-C is passed on, so that it ends a search, too; the estimator is then as good as the last epoch.
        """
        recipe = (X.shape[1], n_out, self.hidden, self.activation, self.model)
        model = perceptron.network(*recipe)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        start = vars(self).get("values_") if self.warm_start else None
        how = self._by_curvature if isinstance(self.optimizer, str) and self.optimizer in METHODS else self._by_steps
        result = how(model, X, y, lambda p, d: loss(perceptron.with_outputs(p, n_out), d), seed, start)
        names = [str(n.name) for n in (*parameters(model), *buffers(model))]
        self.values_ = {name: np.asarray(result.values[name]) for name in names}
        self.history_, self.n_iter_, self._recipe = result.history, len(result.history), recipe
        for name, value in learned.items():
            setattr(self, name, value)
        _FUNCTIONS.pop(self, None)
        if result.stopped == "interrupted":
            raise KeyboardInterrupt
        return self

    def _by_steps(self, model: Layer, X: Array, y: Array, loss: Loss, seed: int, start: Any) -> _Result:
        done = train(
            model,
            loss,
            perceptron.transform(self.optimizer, self.learning_rate),
            (X, y),
            epochs=self.epochs,
            batch_size=self.batch_size,
            validation=float(self.validation_fraction) if self.early_stopping else None,
            early_stopping=EarlyStopping(self.patience) if self.early_stopping else None,
            regularizer=perceptron.ridge(self.alpha),
            seed=seed,
            start=start,
            progress=bool(self.verbose),
        )
        return _Result(done.values, done.history, done.stopped)

    def _by_curvature(self, model: Layer, X: Array, y: Array, loss: Loss, seed: int, start: Any) -> _Result:
        """All data at once, by a method of `minimize`."""
        if self.early_stopping:
            raise ArgumentError(f"early_stopping: {self.optimizer} sees all data at once", hint="use alpha=")
        nodes = input("x", ("batch", X.shape[1])), input("y", ("batch", *y.shape[1:]), y.dtype)
        with training() as run:
            total = loss(model(nodes[0]), nodes[1])
        if run.updates:
            hint = 'use optimizer="adam", or a model without running statistics'
            raise ArgumentError(f"optimizer: {self.optimizer} cannot train a model that keeps statistics", hint=hint)
        penalty = perceptron.ridge(self.alpha)
        total = total if penalty is None else total + penalty(model)
        rows: list[dict[str, Any]] = []
        found = minimize(
            total,
            parameters(model),
            initial(model, seed) if start is None else start,
            self.optimizer,
            inputs={"x": X, "y": y},
            options={"maxiter": self.epochs},
            callback=lambda values, value: rows.append({"epoch": len(rows) + 1, "loss": value}),
        )
        return _Result(found.values, History(tuple(rows)), found.message)

    def _outputs(self, X: Any) -> Array:
        """What the network gives for each row, probabilities of classes for a classifier."""
        check_is_fitted(self, "values_")
        X = validate_data(self, X, dtype=np.float64, reset=False)
        function = _FUNCTIONS.get(self)
        if function is None:
            model = perceptron.network(*self._recipe)
            x = input("x", ("batch", self._recipe[0]))
            result = self._read(model(x))
            _FUNCTIONS[self] = function = compile([x, *parameters(model), *buffers(model)], result, name="predict")
        found: Array = function(X, *self.values_.values())
        return found

    def _read(self, prediction: Node) -> Node:
        return prediction


@final
class GraphClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A network for classes, any labels, that minimizes cross-entropy.

    ``hidden``: sizes of the hidden layers, () for logistic regression. ``activation``: a name, such as tanh, relu
    or gelu, or a function of a node. ``model``: a function (n_in, n_out) -> layer for another architecture; n_out
    is the number of classes. ``optimizer``: a name in `graphad.optim`, a function of the rate, a transform with its
    own; or a method of `minimize`, such as L-BFGS-B, which sees all data at once and needs no rate. ``epochs``:
    passes over the data, or iterations of `minimize`. ``batch_size``: None takes all rows. ``alpha``: ½ alpha Σ w²
    is added to the mean loss for all weights, not for biases. ``early_stopping``: hold ``validation_fraction`` of
    the rows out, stop after ``patience`` epochs that do not make their loss smaller, keep the best parameters.
    ``warm_start``: go on from the parameters of the last fit. ``verbose``: show how training goes on.

    Inputs should have about mean 0 and variance 1: put `StandardScaler` before it. Once fitted: ``classes_``,
    ``n_features_in_``, ``values_`` (arrays by name), ``history_`` (a row per epoch), ``n_iter_``. Raises ArgumentError,
    ShapeError for a model of another shape, NonFiniteError where training diverges; else what scikit-learn does.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> import graphad as ga
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), ga.train.GraphClassifier((8,), epochs=40, random_state=0))
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X (n, n_in) and their classes y (n,), of any dtype."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        classes, labels = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        before = vars(self).get("classes_") if self.warm_start else None
        if before is not None and not np.array_equal(before, classes):
            raise ValueError(f"warm_start: the classes were {before.tolist()}, now they are {classes.tolist()}")
        return self._train(X, labels.astype(np.int64), len(classes), cross_entropy, classes_=classes)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, in the order of ``classes_``: (n, classes)."""
        return self._outputs(X)

    def predict(self, X: Any) -> Array:
        """The most probable class of each row: (n,)."""
        probabilities = self._outputs(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def _read(self, prediction: Node) -> Node:
        return softmax(prediction, axis=1)


@final
class GraphRegressor(MultiOutputMixin, RegressorMixin, _Network):  # type: ignore[misc]
    """A network for one number per row or several, that minimizes the mean squared error.

    Arguments as for `GraphClassifier`. Targets are brought to mean 0 and variance 1 for training and predictions back,
    so that rates and alpha mean the same in all units; inputs are left as they are: put `StandardScaler` before it.

    >>> from sklearn.datasets import load_diabetes
    >>> import graphad as ga
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> model = ga.train.GraphRegressor((), optimizer="L-BFGS-B", epochs=500)  # no hidden layer: linear regression
    >>> round(model.fit((X - X.mean(0)) / X.std(0), y).score((X - X.mean(0)) / X.std(0), y), 3)
    0.518
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X (n, n_in) and their numbers y (n,) or (n, targets)."""
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        y = np.asarray(y, np.float64)
        columns = y.reshape(len(y), -1)
        mean, spread = columns.mean(axis=0), columns.std(axis=0)
        spread[spread == 0] = 1.0
        units = (mean, spread, y.ndim)
        return self._train(X, (columns - mean) / spread, columns.shape[1], mse_loss, _units=units)

    def predict(self, X: Any) -> Array:
        """The number or numbers of each row: (n,) or (n, targets), as in training."""
        outputs = self._outputs(X)
        mean, spread, axes = self._units
        found: Array = outputs * spread + mean
        return found if axes > 1 else found[:, 0]
