"""What is measured besides the loss, by functions of arrays: (prediction, target) -> number or matrix."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node
from graphad.ir.types import shape_text
from graphad.rules.facts import is_nonnegative
from graphad.train.data import Array

Metric = Callable[[Any, Any], Any]


def classes_of(prediction: Any, target: Any, threshold: float = 0.0) -> tuple[Array, Array]:
    """Predicted and right classes, as integers of one shape.

    ``prediction``: scores (N, K, ...), whose largest along axis 1 counts, logits and probabilities alike; scores of
    two classes (N,) or (N, 1), which are class 1 above ``threshold``; or the classes themselves, as integers.
    ``target``: classes (N, ...), or one-hot rows in the shape of the scores. Raises ShapeError.
    """
    scores, right = np.asarray(prediction), np.asarray(target)
    several = scores.ndim > 1 and scores.shape[1] > 1 and scores.dtype.kind == "f"
    if several and right.shape == scores.shape:
        return scores.argmax(1), right.argmax(1)
    if several:
        chosen = scores.argmax(1)
    else:
        chosen = (scores > threshold).astype(np.int64) if scores.dtype.kind == "f" else scores
        if chosen.ndim == right.ndim + 1 and chosen.shape[-1] == 1:
            chosen = chosen[..., 0]
    if right.ndim == chosen.ndim + 1 and right.shape[-1] == 1:
        right = right[..., 0]
    if chosen.shape != right.shape:
        shapes = f"prediction {shape_text(scores.shape)} and target {shape_text(np.shape(target))}"
        raise ShapeError(f"classes: {shapes} do not fit together")
    return chosen, right


def accuracy(prediction: Any, target: Any, threshold: float = 0.0) -> float:
    """The fraction of predictions that are right; arguments as for `classes_of`.

    >>> accuracy([[0.1, 2.0], [3.0, 0.5]], [1, 1])
    0.5
    >>> accuracy([-0.2, 0.7], [0, 1])
    1.0
    """
    chosen, right = classes_of(prediction, target, threshold)
    return float(np.mean(chosen == right))


def confusion_matrix(prediction: Any, target: Any, classes: int | None = None, threshold: float = 0.0) -> Array:
    """How often each class (row) was taken for each (column); int64 (K, K).

    K is ``classes``, or the number of scores, or one more than the largest class. Raises ShapeError, ArgumentError.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 1]])
    """
    chosen, right = (c.astype(np.int64).ravel() for c in classes_of(prediction, target, threshold))
    scores = np.asarray(prediction)
    if classes is None:
        columns = scores.shape[1] if scores.ndim > 1 and scores.dtype.kind == "f" else 0
        classes = max(
            columns, 2 if scores.dtype.kind == "f" else 0, chosen.max(initial=-1) + 1, right.max(initial=-1) + 1
        )
    bad = [c for c in (chosen, right) if c.size and not 0 <= c.min() <= c.max() < classes]
    if bad:
        worst = bad[0].min() if bad[0].min() < 0 else bad[0].max()
        raise ArgumentError(f"confusion_matrix: a class is {worst}, there are {classes}, from 0 on")
    counts = np.bincount(right * classes + chosen, minlength=classes * classes)
    return counts.reshape(classes, classes)


def r2_score(prediction: Any, target: Any) -> float:
    """1 - Σ(y - ŷ)² / Σ(y - mean y)², the mean over the columns; 1 is perfect, 0 as good as the mean.

    A column that is constant counts 1 if it is predicted exactly, else 0. Raises ShapeError.

    >>> r2_score([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    got, right = np.asarray(prediction, float), np.asarray(target, float)
    if got.ndim == right.ndim + 1 and got.shape[-1] == 1:
        got = got[..., 0]
    if right.ndim == got.ndim + 1 and right.shape[-1] == 1:
        right = right[..., 0]
    if got.shape != right.shape:
        shapes = f"prediction {shape_text(got.shape)} and target {shape_text(right.shape)}"
        raise ShapeError(f"r2_score: {shapes} do not fit together")
    rest = ((right - got) ** 2).sum(0)
    whole = ((right - right.mean(0)) ** 2).sum(0)
    scores = np.where(whole > 0, 1 - rest / np.where(whole > 0, whole, 1), np.where(rest > 0, 0.0, 1.0))
    return float(scores.mean())


NAMES: dict[str, Metric] = {"accuracy": accuracy, "r2": r2_score, "confusion": confusion_matrix}


def as_metrics(given: Iterable[str | Metric], prediction: Any) -> dict[str, Metric]:
    """Metrics by name.

    The ``prediction`` node tells scores of two classes apart: those that cannot be negative, such as the result of a
    sigmoid, are probabilities, which say class 1 above ½. Raises ArgumentError.
    """
    if isinstance(given, str) or callable(given):
        given = (given,)
    is_probability = isinstance(prediction, Node) and is_nonnegative(prediction)
    found: dict[str, Metric] = {}
    for metric in given:
        name = metric if isinstance(metric, str) else _name(metric)
        if isinstance(metric, str) and metric not in NAMES:
            hint = f"choose from {', '.join(NAMES)}, or give a function (prediction, target) -> number"
            raise ArgumentError(f"metrics: {metric!r} is not known", hint=hint)
        if name in found or not (isinstance(metric, str) or callable(metric)):
            raise ArgumentError(f"metrics: {name!r} " + ("is given twice" if name in found else "is no function"))
        function: Any = NAMES[metric] if isinstance(metric, str) else metric
        by_threshold = isinstance(metric, str) and name in ("accuracy", "confusion")
        found[name] = partial(function, threshold=0.5) if by_threshold and is_probability else function
    return found


def _name(metric: Any) -> str:
    inner = metric.func if isinstance(metric, partial) else metric
    return str(getattr(inner, "__name__", None) or type(inner).__name__)
