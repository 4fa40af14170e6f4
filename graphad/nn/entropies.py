"""Cross-entropies and divergences of probabilities; arguments as in `losses.py`."""

import math
from typing import Any

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.smooth import logsumexp
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import boxed
from graphad.ir.types import broadcast_shapes, shape_text
from graphad.nn.losses import beside, checked, pair, reduced, scaled, whole
from graphad.ops.casts import cast
from graphad.ops.elementwise import exp, log, softplus
from graphad.ops.fit import as_count, expand_dims, squeeze, stretch, sum
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import logical_and, where
from graphad.ops.sort import take_along
from graphad.ops.special import xlogy

LOG_LEAST = -100  # binary_cross_entropy cuts log(p) off below it
LEAST = math.exp(LOG_LEAST)


# Two classes --------------------------------------------------------------------------------------------------------


def _log_cut(p: Node) -> Node:
    """log(p), at least `LOG_LEAST`; the derivative where that holds is 0."""
    cut = logical_and(p >= 0, p < LEAST)
    return where(cut, LOG_LEAST, log(where(cut, 1, p)))


@boxed
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Node:
    """-t·log(p) - (1 - t)·log(1 - p) for probabilities p and targets t in [0, 1].

    The logarithms are at least -100, where their derivative is 0; outside [0, 1] the loss is nan. From logits take
    `binary_cross_entropy_with_logits`, which is precise everywhere. Raises ShapeError.
    """
    p, t = pair("binary_cross_entropy", input, target)
    return scaled("binary_cross_entropy", -(t * _log_cut(p) + (1 - t) * _log_cut(1 - p)), reduction, weight)


@boxed
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Node:
    """`binary_cross_entropy` of p = sigmoid(z): pos_weight·t·softplus(-z) + (1 - t)·softplus(z).

    Neither overflows nor cancels: at ±1e4, too, value and derivative are right. ``pos_weight`` weighs the positive
    class; it broadcasts to the shape of the logits. Raises ShapeError.

    >>> import graphad as ga
    >>> z = ga.input("z", (3,))
    >>> ga.compile([z], binary_cross_entropy_with_logits(z, [1, 1, 0], reduction="none"))([1e4, -1e4, 0.0])
    array([0.00000000e+00, 1.00000000e+04, 6.93147181e-01])
    """
    name = "binary_cross_entropy_with_logits"
    z, t = pair(name, input, target)
    positive = t * softplus(-z)
    if pos_weight is not None:
        w = beside(name, "pos_weight", pos_weight, z)
        if broadcast_shapes(w.shape, z.shape) != z.shape:
            what = f"{name}: pos_weight {shape_text(w.shape)} does not fit the logits {shape_text(z.shape)}"
            fail(ShapeError, what, w, z)
        positive = w * positive
    return scaled(name, positive + (1 - t) * softplus(z), reduction, weight)


# Several classes ----------------------------------------------------------------------------------------------------


@boxed
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Node:
    """-log softmax(z) at the right class, as logsumexp(z) - z there, from logits z (N, K, ...) or (K,).

    ``target``: integer labels (N, ...), or probabilities (one-hot rows among them) in the shape of the logits. Labels
    equal to ``ignore_index`` do not count; others out of range raise IndexError when the function runs. ``weight`` (K,)
    weighs the classes; the mean over labels is Σ w·loss / Σ w, that over probabilities divides by the number of rows.

    ``label_smoothing`` ε (Szegedy et al. 2016) mixes the target with the uniform distribution: the right class gets
    1 - (K-1)/K·ε, each other one ε/K. The form 1 - (K-1)·ε' and ε' is that with ε = K·ε'. Nothing
    overflows; a loss near 0 has the absolute rounding error of its logits. Raises ShapeError, DTypeError,
    ArgumentError.

    >>> import graphad as ga
    >>> z = ga.input("z", (1, 3))
    >>> ga.compile([z], cross_entropy(z, [[1, 0, 0]], reduction="none"))([[0.0, 1e4, 0.0]])
    array([10000.])
    """
    z = checked("cross_entropy", "input", input)
    if not 0 <= label_smoothing <= 1:
        fail(ArgumentError, f"cross_entropy: label_smoothing must lie between 0 and 1, not {label_smoothing}", z)
    axis = _class_axis("cross_entropy", z)
    total = logsumexp(z, axis, keepdims=True)
    if as_node(target).ndim != z.ndim:
        return _of_labels("cross_entropy", z, target, weight, ignore_index, reduction, label_smoothing, total)
    if (labels := as_node(target)).dtype.kind in "iu" and labels.shape[axis] == 1 != z.shape[axis]:
        what = f"cross_entropy: labels {shape_text(labels.shape)} for logits {shape_text(z.shape)}"
        fail(ShapeError, what, z, labels, hint="labels have no axis of classes: such as y[:, 0]")
    z, t = pair("cross_entropy", z, target)
    if label_smoothing:
        t = t * (1 - label_smoothing) + label_smoothing / as_count(z.shape[axis], z.dtype)
    if weight is not None:
        t = t * _class_weights("cross_entropy", weight, z)
    return reduced("cross_entropy", sum(t * (total - z), axis=axis), reduction)


@boxed
def nll_loss(input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Node:
    """-log p at the right class, from log probabilities (N, K, ...) or (K,) and integer labels; see `cross_entropy`.

    After `log_softmax` it is precise also relative to losses near 0, and slower than `cross_entropy`.
    """
    x = checked("nll_loss", "input", input)
    _class_axis("nll_loss", x)
    return _of_labels("nll_loss", x, target, weight, ignore_index, reduction, 0, 0)


def _class_axis(name: str, x: Node) -> int:
    if x.ndim == 0:
        fail(ShapeError, f"{name}: {label(x)} must have an axis of classes", x)
    return 1 if x.ndim > 1 else 0


def _class_weights(name: str, weight: Any, x: Node) -> Node:
    """The weights of the classes beside ``x``."""
    w, classes = beside(name, "weight", weight, x), x.shape[_class_axis(name, x)]
    if w.shape != (classes,):
        fail(ShapeError, f"{name}: weight {shape_text(w.shape)} must hold one number for each of {classes} classes", w)
    return expand_dims(w, tuple(range(1, x.ndim - 1)))


def _of_labels(
    name: str, x: Node, target: Any, weight: Any, ignored: int, reduction: str, smoothing: float, total: Any
) -> Node:
    """``total`` minus the scores at the labels, smoothed, weighted and reduced."""
    axis = _class_axis(name, x)
    classes = x.shape[axis]
    labels = whole(name, "target", target)
    if labels.shape != (*x.shape[:axis], *x.shape[axis + 1 :]):
        what = f"{name}: labels {shape_text(labels.shape)} do not fit the input {shape_text(x.shape)}"
        fail(ShapeError, what, labels, x, hint=f"the classes are axis {axis} of the input")
    counts = labels != ignored
    place = where(counts, where(labels < 0, classes, labels), 0)  # a negative label must not count from the end
    place = expand_dims(place, axis)
    losses, own = squeeze(total - take_along(x, place, axis), axis), cast(counts, x.dtype)
    w = None if weight is None else stretch(_class_weights(name, weight, x), x.shape)
    if w is not None:
        chosen = squeeze(take_along(w, place, axis), axis)
        losses, own = losses * chosen, own * chosen
    if smoothing:
        each = total - x if w is None else (total - x) * w
        losses = losses * (1 - smoothing) + sum(each, axis=axis) * (smoothing / as_count(classes, x.dtype))
    return reduced(name, where(counts, losses, 0), reduction, sum(own))


@boxed
def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False, weight: Any = None) -> Node:
    """t·(log t - x): the divergence of q from the target t, x = log q; 0 where t is 0 (Kullback & Leibler 1951).

    The target is given by its logarithm if ``log_target``. The divergence itself is the "sum", "batchmean" divides it
    by the size of the first axis, "mean" by the number of elements, also where ``weight`` is given. Raises ShapeError.
    """
    x, t = pair("kl_div", input, target)
    losses = exp(t) * (t - x) if log_target else xlogy(t, t) - t * x
    if reduction == "batchmean":
        total = scaled("kl_div", losses, "sum", weight)
        return total / as_count(losses.shape[0] if losses.ndim else 1, losses.dtype)
    return scaled("kl_div", losses, reduction, weight)
