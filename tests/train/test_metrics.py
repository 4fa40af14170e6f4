"""Metrics against scikit-learn."""

from functools import partial

import numpy as np
import pytest
from sklearn import metrics as theirs
from training import line

import graphad as ga
from graphad.errors import ArgumentError, ShapeError
from graphad.train import accuracy, confusion_matrix, r2_score
from graphad.train.metrics import as_metrics

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.normal(size=(200, 5)), RNG.integers(0, 5, 200)
BINARY, BITS = RNG.normal(size=200), RNG.integers(0, 2, 200)
ONE_HOT = np.eye(5)[LABELS]


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        (LOGITS, LABELS),
        (np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True), LABELS),
        (LOGITS, ONE_HOT),
        (LOGITS, LABELS[:, None]),
        (LOGITS.argmax(1), LABELS),
        (LOGITS.astype("float32"), LABELS.astype("uint8")),
    ],
)
def test_classes_of_scores(prediction, target):
    assert accuracy(prediction, target) == theirs.accuracy_score(LABELS, LOGITS.argmax(1))
    np.testing.assert_array_equal(
        confusion_matrix(prediction, target), theirs.confusion_matrix(LABELS, LOGITS.argmax(1))
    )


@pytest.mark.parametrize("shape", [(200,), (200, 1)])
@pytest.mark.parametrize("bits", [BITS, BITS.astype(float), BITS.astype(bool), BITS[:, None]])
def test_two_classes_by_one_score(shape, bits):
    scores = BINARY.reshape(shape)
    assert accuracy(scores, bits) == theirs.accuracy_score(BITS, BINARY > 0)
    np.testing.assert_array_equal(confusion_matrix(scores, bits), theirs.confusion_matrix(BITS, BINARY > 0))
    probabilities = 1 / (1 + np.exp(-scores))
    assert accuracy(probabilities, bits, threshold=0.5) == accuracy(scores, bits)


def test_classes_of_pixels():
    scores, labels = RNG.normal(size=(4, 3, 5, 6)), RNG.integers(0, 3, (4, 5, 6))
    flat = np.moveaxis(scores, 1, -1).reshape(-1, 3).argmax(1)
    assert accuracy(scores, labels) == theirs.accuracy_score(labels.ravel(), flat)
    np.testing.assert_array_equal(confusion_matrix(scores, labels), theirs.confusion_matrix(labels.ravel(), flat))


def test_classes_that_never_occur_have_rows_too():
    assert confusion_matrix([[1.0, 0.0, 0.0]], [0]).shape == (3, 3)
    assert confusion_matrix([0, 1], [0, 1], classes=4).shape == (4, 4)
    assert confusion_matrix([-1.0], [0]).tolist() == [[1, 0], [0, 0]]
    with pytest.raises(ArgumentError, match="a class is 7"):
        confusion_matrix([0, 7], [0, 1], classes=4)
    with pytest.raises(ArgumentError, match="a class is -1"):
        confusion_matrix([0, 1], [-1, 1])


@pytest.mark.parametrize("shape", [(200,), (200, 3), (200, 1)])
def test_r2(shape):
    y, p = RNG.normal(size=(2, *shape))
    np.testing.assert_allclose(r2_score(p, y), theirs.r2_score(y, p), rtol=1e-14)
    np.testing.assert_allclose(r2_score(y + 0.1 * p, y), theirs.r2_score(y, y + 0.1 * p), rtol=1e-14)


def test_r2_of_constant_columns():
    y = np.stack([np.ones(5), np.ones(5), np.arange(5.0)], axis=1)
    p = np.stack([np.ones(5), np.zeros(5), np.arange(5.0) + 1], axis=1)
    assert r2_score(p, y) == theirs.r2_score(y, p)


def test_columns_of_one_are_vectors():
    y, p = RNG.normal(size=(2, 50))
    assert r2_score(p[:, None], y) == r2_score(p, y[:, None]) == r2_score(p, y)


@pytest.mark.parametrize("metric", [accuracy, confusion_matrix, r2_score])
def test_shapes_that_do_not_fit_are_refused(metric):
    with pytest.raises(ShapeError, match="do not fit"):
        metric(np.zeros((4, 3)), np.zeros(5, int))
    with pytest.raises(ShapeError, match="do not fit"):
        metric(np.zeros(4), np.zeros((4, 4)))


def test_fit_knows_probabilities_of_two_classes_from_scores():
    """The result of a sigmoid cannot be negative: above 0 would be class 1, always."""
    x, y = line(100)
    bits = (y > 0).astype(float)
    model = ga.nn.Linear(4, 1)
    adam = ga.optim.adam(0.1)
    options = {"epochs": 20, "metrics": ["accuracy", "confusion"], "progress": False}
    logits = ga.train.fit(model, ga.nn.binary_cross_entropy_with_logits, adam, (x, bits), **options)
    sigmoid = ga.nn.Sequential(model, ga.nn.sigmoid)
    probabilities = ga.train.fit(sigmoid, ga.nn.binary_cross_entropy, adam, (x, bits), **options)
    expected = theirs.accuracy_score(bits.ravel(), (logits.predict(x) > 0).ravel())
    assert expected > 0.9
    assert logits.evaluate((x, bits))["accuracy"] == expected
    found = probabilities.evaluate((x, bits))
    assert found["accuracy"] == theirs.accuracy_score(bits.ravel(), (probabilities.predict(x) > 0.5).ravel())
    assert found["accuracy"] > 0.9
    assert np.trace(found["confusion"]) == round(found["accuracy"] * 100)


def test_metrics_have_names():
    found = as_metrics([partial(accuracy, threshold=0.5), "r2"], None)
    assert list(found) == ["accuracy", "r2"]
    assert found["accuracy"]([0.2, 0.7], [0, 1]) == 1
    assert list(as_metrics(r2_score, None)) == ["r2_score"]
