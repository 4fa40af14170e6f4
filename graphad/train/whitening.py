"""Standardization and whitening of inputs, as transformers of scikit-learn (extra ``sklearn``).

Whitened data has mean 0 and the identity as its covariance; of all matrices that whiten, that of ZCA changes the data
least (Kessy, Lewin & Strimmer 2018). Fit on the training data alone, then transform all: or put it in a pipeline.
Covariances count with n - 1, as in scikit-learn's PCA.

>>> import numpy as np
>>> from graphad.train.whitening import zca_whitening
>>> X = np.random.default_rng(0).normal(size=(100, 3)) @ [[1, 2, 0], [0, 1, 1], [1, 0, 3]]
>>> np.cov(zca_whitening().fit_transform(X), rowvar=False).round(6) + 0.0
array([[1., 0., 0.],
       [0., 1., 0.],
       [0., 0., 1.]])
"""

import math
from typing import Any

import numpy as np

from graphad.errors import MissingDependencyError
from graphad.ops.attributes import as_float

try:
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as problem:
    raise MissingDependencyError("whitening needs scikit-learn", hint='pip install "graphad[sklearn]"') from problem

__all__ = ["ZCA", "pca_whitening", "standardization", "zca_whitening"]

Array = np.ndarray[Any, Any]


class ZCA(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """(x - mean) @ W with the symmetric W = (C + eps)^(-1/2), C the covariance (Bell & Sejnowski 1997).

    Directions in which the data does not vary become 0 where eps is 0. ``eps > 0`` keeps those with little variance
    from being blown up: the covariance is then less than the identity. After `fit`: ``mean_`` (n_features,),
    ``whitening_`` (n_features, n_features). Raises ArgumentError unless eps ≥ 0.
    """

    def __init__(self, eps: float = 0.0) -> None:
        self.eps = eps

    def fit(self, X: Any, y: Any = None) -> "ZCA":
        """Learn mean and matrix from X (n_samples, n_features); at least two samples."""
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        eps = as_float(self.eps, "ZCA: eps", 0, math.inf)
        self.mean_ = X.mean(axis=0)
        _, spread, axes = np.linalg.svd(X - self.mean_, full_matrices=False)
        kept = spread > spread.max(initial=0) * max(X.shape) * np.finfo(X.dtype).eps
        rest = 1 / math.sqrt(eps) if eps else 0.0  # for directions without variance
        scales = np.full_like(spread, rest)
        scales[kept] = 1 / np.sqrt(spread[kept] ** 2 / (len(X) - 1) + eps)
        self.whitening_ = (axes.T * (scales - rest)) @ axes + rest * np.eye(X.shape[1], dtype=X.dtype)
        return self

    def transform(self, X: Any) -> Array:
        """X (n_samples, n_features), whitened; its dtype is kept where it is floating."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return np.asarray((X - self.mean_.astype(X.dtype)) @ self.whitening_.astype(X.dtype))


def standardization() -> Any:
    """Each feature with mean 0 and variance 1: scikit-learn's StandardScaler."""
    return StandardScaler()


def pca_whitening(n_components: Any = None) -> Any:
    """Principal components, each with variance 1: scikit-learn's PCA; all of them unless ``n_components`` is given."""
    return PCA(n_components, whiten=True)


def zca_whitening(eps: float = 0.0) -> ZCA:
    """`ZCA`: whitened, and as near to the data as can be."""
    return ZCA(eps)
