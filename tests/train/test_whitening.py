"""Whitening: identity covariance, the least change, few samples, and what scikit-learn asks of its transformers."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import linalg
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import graphad as ga
from graphad.errors import ArgumentError
from graphad.train import ZCA, pca_whitening, standardization, zca_whitening

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)) @ RNG.normal(size=(6, 6)) + RNG.normal(size=6)


def covariance(Z):
    return np.cov(Z, rowvar=False)


def test_standardized_features():
    Z = standardization().fit_transform(X)
    np.testing.assert_allclose(Z.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(Z.std(0), 1, rtol=1e-12)


@pytest.mark.parametrize("make", [pca_whitening, zca_whitening])
def test_the_covariance_is_the_identity(make):
    Z = make().fit_transform(X)
    np.testing.assert_allclose(Z.mean(0), 0, atol=1e-10)
    np.testing.assert_allclose(covariance(Z), np.eye(6), atol=1e-10)


def test_zca_is_the_inverse_square_root_of_the_covariance():
    for eps in (0.0, 0.3):
        W = zca_whitening(eps).fit(X).whitening_
        np.testing.assert_allclose(W, W.T, atol=1e-12)
        expected = linalg.inv(linalg.sqrtm(covariance(X) + eps * np.eye(6)))
        np.testing.assert_allclose(W, expected, rtol=1e-9, atol=1e-9)


def test_zca_is_the_whitening_that_is_closest_to_the_data():
    """Any other one is it, turned."""
    centered = X - X.mean(0)
    Z = zca_whitening().fit_transform(X)
    distance = np.linalg.norm(Z - centered)
    rng = np.random.default_rng(1)
    for _ in range(50):
        A = rng.choice([0.01, 1]) * rng.normal(size=(6, 6))
        turned = Z @ linalg.expm(A - A.T)
        np.testing.assert_allclose(covariance(turned), np.eye(6), atol=1e-9)
        assert np.linalg.norm(turned - centered) > distance
    assert np.linalg.norm(pca_whitening().fit_transform(X) - centered) > distance


@pytest.mark.parametrize("eps", [0.0, 0.2])
def test_directions_without_variance(eps):
    """Fewer samples than features, and a constant feature."""
    few = np.hstack([X[:4], np.ones((4, 1))])
    zca = ZCA(eps).fit(few)
    Z = zca.transform(few)
    assert np.isfinite(Z).all()
    found = np.linalg.eigvalsh(covariance(Z))
    C = covariance(few)
    values = np.linalg.eigvalsh(C)
    positive = values > 1e-9
    np.testing.assert_allclose(
        np.sort(found), np.sort(positive * values / np.where(positive, values + eps, 1)), atol=1e-9
    )
    if eps:
        expected = linalg.inv(linalg.sqrtm(C + eps * np.eye(7)).real)
        np.testing.assert_allclose(zca.whitening_, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("estimator", [ZCA(), ZCA(0.1)])
def test_it_is_a_transformer_of_scikit_learn(estimator):
    check_estimator(estimator, on_skip=None)


def test_dtype_pipeline_clone_and_pickle():
    single = X.astype("float32")
    zca = zca_whitening(0.1).fit(single)
    assert zca.transform(single).dtype == np.float32
    np.testing.assert_allclose(zca.transform(single), zca_whitening(0.1).fit_transform(X), atol=1e-4)
    assert clone(zca).get_params() == {"eps": 0.1}
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(zca)).transform(single), zca.transform(single))
    pipeline = make_pipeline(standardization(), zca_whitening())
    np.testing.assert_allclose(covariance(pipeline.fit_transform(X)), np.eye(6), atol=1e-9)
    with pytest.raises(ArgumentError, match="eps must be at least 0"):
        ZCA(-1.0).fit(X)


def test_without_scikit_learn_the_message_names_the_extra():
    code = """
import sys
sys.modules["sklearn"] = None
import graphad as ga
ga.train.augment
try:
    ga.train.zca_whitening
except ga.errors.MissingDependencyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == 'zca_whitening needs scikit-learn\n  hint: pip install "graphad[sklearn]"\n'
    assert ga.train.ZCA is ZCA
