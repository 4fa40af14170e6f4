"""GraphClassifier and GraphRegressor: scikit-learn's own checks, known optima, pickling, searches, clear errors."""

import copy
import pickle
import sys
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import graphad as ga
from graphad.errors import ArgumentError, MissingDependencyError, ShapeError
from graphad.ir.core import Node
from graphad.nn.layers.base import in_training
from graphad.train import GraphClassifier, GraphRegressor
from graphad.train import estimators as estimators_module

STEPS = {"hidden": (8,), "epochs": 25, "learning_rate": 0.05}
WHOLE = {"hidden": (4,), "epochs": 60, "optimizer": "L-BFGS-B", "alpha": 1e-3}


@parametrize_with_checks([make(**how) for make in (GraphClassifier, GraphRegressor) for how in (STEPS, WHOLE)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y


# Known optima -------------------------------------------------------------------------------------------------------


def test_without_hidden_layers_it_is_logistic_regression(wine):
    X, y = wine
    C = 0.5
    reference = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
    model = GraphClassifier((), optimizer="Newton-CG", alpha=1 / (len(X) * C), epochs=100).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=1e-4)
    other = GraphClassifier((), optimizer="Newton-CG", alpha=2 / (len(X) * C), epochs=100).fit(X, y)
    assert np.abs(other.predict_proba(X) - reference.predict_proba(X)).max() > 1e-2  # alpha counts


def test_without_hidden_layers_it_is_ridge_regression(diabetes):
    X, y = diabetes
    reference = Ridge(alpha=len(X) * 0.1 / 2).fit(X, y)
    model = GraphRegressor((), optimizer="trust-exact", alpha=0.1, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), reference.predict(X), rtol=1e-4)
    steps = GraphRegressor((), alpha=0.1, batch_size=None, epochs=600, random_state=0).fit(X, y)
    np.testing.assert_allclose(steps.predict(X), reference.predict(X), rtol=1e-2)


def test_units_of_targets_do_not_matter(diabetes):
    X, y = diabetes
    model = GraphRegressor((4,), epochs=5, random_state=0)
    first, other = model.fit(X, y).predict(X), model.fit(X, 1e6 * y + 1e7).predict(X)
    np.testing.assert_allclose(other, 1e6 * first + 1e7, rtol=1e-6)


def test_several_targets(diabetes):
    X, y = diabetes
    Y = np.column_stack([y, -2 * y, X[:, 0]])
    model = GraphRegressor((16,), epochs=30, random_state=0).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.6
    assert GraphRegressor((), epochs=1).fit(X, y).predict(X).shape == y.shape


def test_labels_of_any_kind_and_probabilities(wine):
    X, y = wine
    names = np.array(["red", "white", "rosé"])[y]
    model = GraphClassifier((8,), epochs=30, random_state=0).fit(X, names)
    assert model.classes_.tolist() == ["red", "rosé", "white"]
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (model.classes_[p.argmax(axis=1)] == model.predict(X)).all()
    assert model.score(X, names) > 0.98


@pytest.mark.parametrize("activation", [*estimators_module.perceptron.ACTIVATIONS, ga.nn.softsign])
def test_every_activation_learns(activation, wine):
    model = GraphClassifier((12, 6), activation=activation, epochs=30, random_state=0).fit(*wine)
    assert model.score(*wine) > 0.97


@pytest.mark.parametrize("optimizer", [*estimators_module.perceptron.OPTIMIZERS, ga.optim.adam, ga.optim.sgd(0.5)])
def test_every_optimizer_lowers_the_loss(optimizer, wine):
    losses = GraphClassifier((4,), optimizer=optimizer, epochs=4, random_state=0).fit(*wine).history_.column("loss")
    assert losses[-1] < losses[0]


# Copies -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [STEPS, WHOLE])
def test_copies_predict_the_same_bytes(how, wine, diabetes):
    for make, (X, y) in ((GraphClassifier, wine), (GraphRegressor, diabetes)):
        model = make(**how, random_state=0).fit(X, y)
        early = pickle.loads(pickle.dumps(model))  # before the first prediction
        wanted = model.predict(X).tobytes()
        late = pickle.loads(pickle.dumps(model))
        for twin in (early, late, copy.deepcopy(model), make(**how, random_state=0).fit(X, y)):
            assert twin.predict(X).tobytes() == wanted
        other = make(**how, random_state=1).fit(X, y)
        assert other.values_["hidden_1_W"].tobytes() != model.values_["hidden_1_W"].tobytes()
        assert not hasattr(clone(model), "values_")


def test_a_fit_stays_when_arguments_change(wine):
    X, y = wine
    model = GraphClassifier((8,), epochs=5, random_state=0).fit(X, y)
    wanted = model.predict_proba(X)
    model.set_params(hidden=(3,), activation="relu")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), wanted)
    changed = model.fit(X, y).predict_proba(X)
    assert not np.array_equal(changed, wanted) and model.values_["hidden_1_W"].shape == (13, 3)


def test_warm_start_goes_on(wine):
    X, y = wine
    cold, warm = (GraphClassifier((8,), epochs=5, random_state=0, warm_start=w).fit(X, y) for w in (False, True))
    first = warm.history_.column("loss")
    assert cold.fit(X, y).history_.column("loss")[0] == first[0]
    assert warm.fit(X, y).history_.column("loss")[0] < first[-1] * 1.2 < first[0]
    with pytest.raises(ValueError, match="classes were"):
        warm.fit(X, y + 1)
    assert warm.classes_.tolist() == [0, 1, 2]


def test_early_stopping_holds_rows_out(wine):
    model = GraphClassifier((8,), learning_rate=0.1, epochs=500, early_stopping=True, patience=3, random_state=0)
    model.fit(*wine)
    assert model.n_iter_ == len(model.history_) < 200 and "val_loss" in model.history_.columns


def test_verbose_shows_progress(wine, capsys):
    GraphClassifier((4,), epochs=2, verbose=True).fit(*wine)
    assert "loss" in capsys.readouterr().out
    GraphClassifier((4,), epochs=2).fit(*wine)
    assert capsys.readouterr().out == ""


# Searches -----------------------------------------------------------------------------------------------------------


def test_cross_validation_of_a_pipeline():
    X, y = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), GraphClassifier((8,), epochs=15, alpha=1e-3, random_state=0))
    scores = cross_val_score(pipeline, X, y, cv=StratifiedKFold(5, shuffle=True, random_state=0))
    assert scores.mean() > 0.96


def test_grid_search():
    X, y = load_wine(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), GraphClassifier(epochs=10, random_state=0))
    grid = {"graphclassifier__hidden": [(), (8,)], "graphclassifier__learning_rate": [1e-5, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_["graphclassifier__learning_rate"] == 1e-2 and search.best_score_ > 0.9


def test_random_search_in_log_space():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    pipeline = make_pipeline(StandardScaler(), GraphRegressor((8,), epochs=10))
    space = {
        "graphregressor__learning_rate": loguniform(1e-4, 1e-1),
        "graphregressor__alpha": loguniform(1e-5, 1),
        "graphregressor__hidden": [(4,), (8, 4)],
    }
    folds = KFold(3, shuffle=True, random_state=0)
    search = RandomizedSearchCV(pipeline, space, n_iter=6, cv=folds, random_state=1).fit(X, y)
    assert search.best_score_ > 0.42
    assert search.best_estimator_.predict(X).shape == y.shape


def test_a_search_survives_a_rate_that_diverges(diabetes):
    rates = {"learning_rate": [0.01, 1e200]}
    search = GridSearchCV(GraphRegressor((4,), activation="relu", optimizer="sgd", epochs=3), rates, cv=2)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(*diabetes)
    assert search.best_params_["learning_rate"] == 0.01


# Models of one's own ------------------------------------------------------------------------------------------------


def deep(n_in, n_out):
    body = ga.nn.Sequential(ga.nn.Linear(16, 16), ga.nn.relu)
    return ga.nn.Sequential(ga.nn.Linear(n_in, 16), ga.nn.Residual(body), ga.nn.Linear(16, n_out))


@dataclass(frozen=True, eq=False, repr=False)
class Centered(ga.nn.Layer):
    """Less the mean of the batch in training, less its running mean afterwards."""

    n: int
    mean: Node = field(init=False)

    def __post_init__(self):
        ga.nn.declare(self, "centered", buffers=("mean",), mean=((self.n,), ga.nn.init.zeros))

    def forward(self, x):
        run = in_training()
        if run is None:
            return x - self.mean
        run.updates[self.mean] = 0.9 * run.current(self.mean) + 0.1 * ga.mean(x, axis=0)
        return x - ga.mean(x, axis=0)


def centered(n_in, n_out):
    return ga.nn.Sequential(Centered(n_in), ga.nn.Linear(n_in, n_out))


def noisy(n_in, n_out):
    return ga.nn.Sequential(Noise(), ga.nn.Linear(n_in, n_out))


class Noise(ga.nn.Layer):
    def forward(self, x):
        return x if in_training() is None else x * ga.random.bernoulli(0.9, (13,))


def test_a_model_of_ones_own(wine):
    X, y = wine
    model = GraphClassifier(model=deep, epochs=20, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.98
    assert pickle.loads(pickle.dumps(model)).predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_running_statistics_are_kept(wine):
    X, y = wine
    model = GraphClassifier(model=centered, epochs=60, random_state=0).fit(X + 5, y)
    np.testing.assert_allclose(model.values_["centered_mean"], 5, atol=0.5)
    assert model.score(X + 5, y) > 0.98
    again = pickle.loads(pickle.dumps(model))
    assert again.predict_proba(X[:1]).tobytes() == model.predict_proba(X[:1]).tobytes()
    with pytest.raises(ArgumentError, match="keeps statistics"):
        clone(model).set_params(optimizer="BFGS").fit(X, y)


def test_noise_of_training_is_gone_in_predictions(wine):
    X, y = wine
    model = GraphClassifier(model=noisy, epochs=30, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.97
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ArgumentError, match="random numbers"):
        clone(model).set_params(optimizer="BFGS").fit(X, y)


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"hidden": (0,)}, ArgumentError, "hidden"),
        ({"hidden": ("8",)}, ArgumentError, "hidden"),
        ({"activation": "tan"}, ArgumentError, "leaky_relu"),
        ({"optimizer": "adan"}, ArgumentError, "adamw"),
        ({"optimizer": 3}, ArgumentError, "adamw"),
        ({"alpha": -1.0}, ArgumentError, "alpha"),
        ({"alpha": float("nan")}, ArgumentError, "alpha"),
        ({"model": 3}, ArgumentError, "model must be a function"),
        ({"model": lambda n, m: ga.tanh}, ArgumentError, "model must be a function"),
        ({"model": lambda n, m: ga.nn.Linear(n, m + 1)}, ShapeError, r"\(batch, 3\)"),
        ({"early_stopping": True, "optimizer": "BFGS"}, ArgumentError, "all data at once"),
    ],
)
def test_errors_say_what_is_wrong(settings, error, words, wine):
    model = GraphClassifier(**settings)
    with pytest.raises(error, match=words) as caught:
        model.fit(*wine)
    assert len(str(caught.value).splitlines()) <= 12
    assert not hasattr(model, "values_") and not hasattr(model, "classes_")


def test_ctrl_c_ends_a_search_and_leaves_a_model(wine, monkeypatch):
    real = estimators_module.train

    monkeypatch.setattr(estimators_module, "train", lambda *a, **k: replace(real(*a, **k), stopped="interrupted"))
    model = GraphClassifier((4,), epochs=10, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*wine)
    assert model.score(*wine) > 0.8


def test_scikit_learn_is_asked_for(monkeypatch):
    monkeypatch.delitem(sys.modules, "graphad.train.estimators")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(MissingDependencyError, match="scikit-learn") as caught:
        _ = ga.train.GraphClassifier
    assert "graphad[sklearn]" in str(caught.value)
    with pytest.raises(AttributeError, match="nothing"):
        _ = ga.train.nothing


def test_names_of_columns_are_kept_and_compared(diabetes):
    pandas = pytest.importorskip("pandas")
    X, y = diabetes
    frame = pandas.DataFrame(X[:, :3], columns=["age", "sex", "bmi"])
    model = GraphRegressor((), epochs=3).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["age", "sex", "bmi"] and model.n_features_in_ == 3
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"bmi": "weight"}))
