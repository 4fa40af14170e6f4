"""Losses against PyTorch's numbers, plain formulas, differences; extremes, conventions, errors."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from support import directional

import graphad as ga
from graphad import nn
from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.ops.leaves import input as declare

RNG = np.random.default_rng(0)
CASES = json.loads(Path(__file__).with_name("losses_reference.json").read_text())["cases"]
IDS = [f"{k}-{case['name']}" for k, case in enumerate(CASES)]


def arrays(options):
    return {k: np.array(v) if isinstance(v, list) else v for k, v in options.items()}


def apply(case, nodes, **options):
    x = [nn.log_softmax(nodes[0])] if case["name"] == "ctc_loss" else nodes
    return getattr(nn, case["name"])(*x, *map(np.array, case["others"]), **arrays(case["options"]) | options)


def single(value):
    return value.astype("float32") if isinstance(value, np.ndarray) and value.dtype == np.float64 else value


def inputs(case, dtype="float64"):
    values = [np.array(v, dtype) for v in case["floats"]]
    return [declare(f"x{k}", v.shape, dtype) for k, v in enumerate(values)], values


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients_are_those_of_torch(case, reduction):
    nodes, values = inputs(case)
    loss = apply(case, nodes, reduction=reduction)
    gradients = ga.grad(ga.sum(loss**2) if reduction == "none" else loss, nodes)
    got, *slopes = ga.compile(nodes, [loss, *gradients])(*values)
    expected = case["results"][reduction]
    np.testing.assert_allclose(got, expected["value"], rtol=1e-11, atol=1e-13)
    for mine, theirs in zip(slopes, expected["gradients"], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
    assert np.shape(got) == np.shape(expected["value"])


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_float32_stays_float32(case):
    nodes, values = inputs(case, "float32")
    options = {k: single(v) for k, v in arrays(case["options"]).items()}
    changed = case | {"others": [single(np.array(v)) for v in case["others"]]}
    loss = apply(changed, nodes, **options)
    got, *slopes = ga.compile(nodes, [loss, *ga.grad(loss, nodes)])(*values)
    assert {got.dtype, *(s.dtype for s in slopes)} == {np.dtype("float32")}
    np.testing.assert_allclose(got, case["results"]["mean"]["value"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_second_derivatives_against_differences(case):
    nodes, values = inputs(case)
    tangents = [declare(f"t{k}", v.shape) for k, v in enumerate(values)]
    direction = [RNG.standard_normal(v.shape) for v in values]
    if case["floats"][-1][0] == [0.2, 0.3, 0.5]:
        direction[-1] *= 0.01
    loss = ga.sum(ga.sin(apply(case, nodes, reduction="none")))
    first = ga.compile(nodes, ga.grad(loss, nodes))
    second = ga.compile([*nodes, *tangents], ga.hvp(loss, nodes, tangents))(*values, *direction)
    for k, got in enumerate(second):
        numeric = directional(lambda *a, k=k: first(*a)[k], values, direction)
        np.testing.assert_allclose(got, numeric, rtol=1e-5, atol=1e-6)


# Plain formulas -----------------------------------------------------------------------------------------------------


def run(f, *values):
    nodes = [declare(f"a{k}", np.shape(v), np.asarray(v).dtype) for k, v in enumerate(values)]
    return ga.compile(nodes, f(*nodes))(*values)


X, Y = RNG.standard_normal((2, 5, 3)) * 2
P, T = RNG.random((2, 5, 3))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def cosine(a, b):
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


FORMULAS = [
    (nn.mse_loss, (X, Y), (X - Y) ** 2),
    (nn.half_squared_error, (X, Y), (X - Y) ** 2 / 2),
    (nn.l1_loss, (X, Y), np.abs(X - Y)),
    (nn.huber_loss, (X, Y), np.where(np.abs(X - Y) < 1, (X - Y) ** 2 / 2, np.abs(X - Y) - 0.5)),
    (nn.smooth_l1_loss, (X, Y), np.where(np.abs(X - Y) < 1, (X - Y) ** 2 / 2, np.abs(X - Y) - 0.5)),
    (nn.binary_cross_entropy, (P, T), -T * np.log(P) - (1 - T) * np.log(1 - P)),
    (nn.binary_cross_entropy_with_logits, (X, T), np.log(1 + np.exp(X)) - T * X),
    (nn.hinge_loss, (X, np.sign(Y)), np.maximum(0, 1 - np.sign(Y) * X)),
    (nn.cross_entropy, (X, np.array([2, 0, 1, 1, 0])), -np.log(softmax(X))[range(5), [2, 0, 1, 1, 0]]),
    (nn.cross_entropy, (X, softmax(Y)), -(softmax(Y) * np.log(softmax(X))).sum(1)),
    (nn.kl_div, (X, P), P * (np.log(P) - X)),
    (nn.cosine_embedding_loss, (X, Y, np.ones(5)), 1 - cosine(X, Y)),
    (nn.cosine_embedding_loss, (X, Y, -np.ones(5)), np.maximum(0, cosine(X, Y))),
]


@pytest.mark.parametrize(("loss", "values", "expected"), FORMULAS)
def test_plain_formulas(loss, values, expected):
    np.testing.assert_allclose(run(lambda *a: loss(*a, reduction="none"), *values), expected, rtol=1e-11)
    np.testing.assert_allclose(run(lambda *a: loss(*a, reduction="sum"), *values), expected.sum(), rtol=1e-11)
    np.testing.assert_allclose(run(lambda *a: loss(*a, reduction="mean"), *values), expected.mean(), rtol=1e-11)


def test_label_smoothing_of_both_forms():
    """1 - (K-1)·ε for the right class and ε for the others is label_smoothing = K·ε."""
    eps, labels = 0.07, np.array([2, 0, 1, 1, 0])
    target = np.where(np.eye(3)[labels] == 1, 1 - 2 * eps, eps)
    expected = -(target * np.log(softmax(X))).sum(1)
    got = run(lambda z: nn.cross_entropy(z, labels, reduction="none", label_smoothing=3 * eps), X)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    one_hot = run(lambda z, t: nn.cross_entropy(z, t, reduction="none", label_smoothing=3 * eps), X, np.eye(3)[labels])
    np.testing.assert_allclose(one_hot, expected, rtol=1e-12)


def test_means_per_example():
    expected = (P * (np.log(P) - X)).sum() / 5
    np.testing.assert_allclose(run(lambda x, p: nn.kl_div(x, p, reduction="batchmean"), X, P), expected, rtol=1e-12)
    np.testing.assert_allclose(run(nn.cosine_similarity, X, Y), cosine(X, Y), rtol=1e-12)
    np.testing.assert_allclose(run(nn.cosine_similarity, X, Y[0]), cosine(X, Y[0]), rtol=1e-12)
    short = np.array([[3e-10, 4e-10]])
    np.testing.assert_allclose(run(lambda x: nn.cosine_similarity(x, x, eps=1e-9), short), [0.25], rtol=1e-12)
    np.testing.assert_allclose(run(lambda x: nn.mse_loss(x, 1), X), np.mean((X - 1) ** 2), rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "others"),
    [
        (nn.smooth_l1_loss, (Y,)),
        (nn.kl_div, (P,)),
        (nn.hinge_loss, (np.sign(Y),)),
        (nn.cosine_embedding_loss, (Y, [1, -1, 1, -1, 1])),
        (nn.triplet_margin_loss, (Y, Y[::-1])),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_weights_multiply_each_loss(loss, others):
    each = run(lambda x: loss(x, *others, reduction="none"), X)
    w = np.random.default_rng(5).random(each.shape)
    got = run(lambda x: [loss(x, *others, reduction=r, weight=w) for r in ("none", "sum", "mean")], X)
    for value, expected in zip(got, (w * each, np.sum(w * each), np.mean(w * each)), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12)
    with pytest.raises(ShapeError, match="weight"):
        run(lambda x: loss(x, *others, weight=np.ones(7)), X)


@pytest.mark.parametrize(
    "loss", [nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.binary_cross_entropy_with_logits, nn.hinge_loss]
)
def test_named_batch_size(loss):
    x, y = declare("x", ("n", 3)), declare("y", ("n", 3))
    f = ga.compile([x, y], [loss(x, y), ga.grad(loss(x, y), x)])
    for rows in (2, 5):
        value, slope = f(X[:rows], Y[:rows])
        np.testing.assert_allclose(value, run(loss, X[:rows], Y[:rows]), rtol=1e-12)
        assert slope.shape == (rows, 3)


def test_named_classes_and_batches():
    z, labels = declare("z", ("n", "k")), declare("labels", ("n",), "int64")
    loss = nn.cross_entropy(z, labels, label_smoothing=0.3)
    value, slope = ga.compile([z, labels], [loss, ga.grad(loss, z)])(X, np.array([2, 0, 1, 1, 0]))
    target = 0.7 * np.eye(3)[[2, 0, 1, 1, 0]] + 0.1
    np.testing.assert_allclose(value, -(target * np.log(softmax(X))).sum(1).mean(), rtol=1e-12)
    np.testing.assert_allclose(slope, (softmax(X) - target) / 5, rtol=1e-12)


# Extremes -----------------------------------------------------------------------------------------------------------


def value_and_slope(f, *values, dtype="float64"):
    x = declare("x", np.shape(values[0]), dtype)
    loss = f(x, *values[1:], reduction="none")
    return ga.compile([x], [loss, ga.grad(ga.sum(loss), x)])(np.array(values[0], dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits(dtype):
    value, slope = value_and_slope(
        nn.binary_cross_entropy_with_logits, [1e4, 1e4, -1e4, -1e4], [1, 0, 1, 0], dtype=dtype
    )
    np.testing.assert_array_equal(value, [0, 1e4, 1e4, 0])
    np.testing.assert_array_equal(slope, [0, 1, -1, 0])
    z = [[1e4, -1e4, 0.0]] * 3
    for target in ([0, 1, 2], np.eye(3)):
        value, slope = value_and_slope(nn.cross_entropy, z, target, dtype=dtype)
        np.testing.assert_array_equal(value, [0, 2e4, 1e4])
        np.testing.assert_array_equal(slope, [[0, 0, 0], [1, -1, 0], [1, 0, -1]])


def test_small_losses_do_not_cancel():
    value, slope = value_and_slope(nn.binary_cross_entropy_with_logits, [50.0, -50.0], [1, 0])
    np.testing.assert_allclose(value, np.exp([-50, -50]), rtol=1e-12)
    np.testing.assert_allclose(slope, [-np.exp(-50), np.exp(-50)], rtol=1e-12)
    value, slope = value_and_slope(lambda z, y, **o: nn.nll_loss(nn.log_softmax(z), y, **o), [[50.0, 0.0]], [0])
    np.testing.assert_allclose(value, [np.exp(-50)], rtol=1e-12)
    np.testing.assert_allclose(slope, [[-np.exp(-50), np.exp(-50)]], rtol=1e-12)


def test_probabilities_at_their_ends():
    value, slope = value_and_slope(nn.binary_cross_entropy, [0.0, 0.0, 1.0, 1.0], [0, 1, 0, 1])
    np.testing.assert_array_equal(value, [0, 100, 100, 0])
    np.testing.assert_array_equal(slope, [1, 0, 0, -1])
    with np.errstate(invalid="ignore"):
        value, _ = value_and_slope(nn.binary_cross_entropy, [-0.1, 1.1, np.nan], 0.5)
    assert np.all(np.isnan(value))


@pytest.mark.parametrize("loss", [nn.huber_loss, nn.smooth_l1_loss])
def test_huber_far_out_and_at_its_kinks(loss):
    value, slope = value_and_slope(loss, [1e300, -1e300, 1.0, -1.0, 0.0], 0)
    np.testing.assert_allclose(value, [1e300, 1e300, 0.5, 0.5, 0])
    np.testing.assert_array_equal(slope, [1, -1, 1, -1, 0])


def test_zero_vectors_and_zero_targets_have_finite_gradients():
    zero = np.zeros((2, 3))
    value, slope = value_and_slope(nn.cosine_embedding_loss, zero, np.ones((2, 3)), [1, -1])
    np.testing.assert_array_equal(value, [1, 0])
    assert np.all(np.isfinite(slope))
    value, slope = value_and_slope(nn.kl_div, [[-1.0, -2.0]], [[0, 1]])
    np.testing.assert_array_equal(value, [[0, 2]])
    np.testing.assert_array_equal(slope, [[0, -1]])
    value, slope = value_and_slope(lambda a, **o: nn.triplet_margin_loss(a, a, a, eps=0.0, **o), zero)
    np.testing.assert_array_equal(value, [1, 1])
    np.testing.assert_array_equal(slope, zero)


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_out_of_range_are_refused(label):
    z, labels = declare("z", (2, 3)), declare("labels", (2,), "int64")
    f = ga.compile([z, labels], nn.cross_entropy(z, labels))
    with pytest.raises(IndexError):
        f(np.zeros((2, 3)), np.array([0, label]))


def test_labels_with_an_axis_too_many_are_told_so():
    with pytest.raises(ShapeError, match=r"labels \[5, 1\] for logits \[5, 3\]") as caught:
        nn.cross_entropy(X, np.zeros((5, 1), "int64"))
    assert "y[:, 0]" in caught.value.hint


def test_no_labels_at_all():
    z = declare("z", (2, 3))
    loss = nn.cross_entropy(z, [-100, -100])
    with np.errstate(invalid="ignore"):
        value, slope = ga.compile([z], [loss, ga.grad(loss, z)])(X[:2])
    assert np.isnan(value)  # the mean of nothing
    np.testing.assert_array_equal(slope, 0)


def test_ignored_labels_count_for_nothing():
    z = declare("z", (3, 3))
    loss = nn.cross_entropy(z, [0, -100, 2])
    value, slope = ga.compile([z], [loss, ga.grad(loss, z)])(X[:3])
    np.testing.assert_allclose(value, -np.log(softmax(X))[[0, 2], [0, 2]].mean(), rtol=1e-12)
    np.testing.assert_array_equal(slope[1], 0)


# CTC ----------------------------------------------------------------------------------------------------------------


def spelled(path, blank):
    return [k for k, _ in itertools.groupby(path) if k != blank]


def by_all_paths(probabilities, labels, blank=0):
    """The probability of the labels: the sum over all sequences of frames that spell them."""
    frames, classes = probabilities.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=frames):
        if spelled(path, blank) == list(labels):
            total += np.prod(probabilities[range(frames), path])
    return total


@pytest.mark.parametrize("blank", [0, 1])
@pytest.mark.parametrize("labels", [[], [2], [2, 2], [2, 3], [3, 2, 3], [2, 2, 2]])
def test_ctc_is_the_sum_over_all_alignments(labels, blank):
    p = softmax(RNG.standard_normal((5, 1, 4)))
    padded = np.array([[*labels, *[-7] * (4 - len(labels))]])
    got = run(lambda x: nn.ctc_loss(ga.log(x), padded, 5, len(labels), blank=blank, reduction="sum"), p)
    np.testing.assert_allclose(np.exp(-got), by_all_paths(p[:, 0], labels, blank), rtol=1e-12)


def test_ctc_where_no_alignment_exists():
    z = declare("z", (3, 4, 3))
    arguments = [[1, 1], [1, 2], [1, 0], [0, 0]], [2, 1, 0, 0], [2, 2, 1, 0]
    for zero_infinity, bad in ((False, np.inf), (True, 0)):
        loss = nn.ctc_loss(nn.log_softmax(z), *arguments, reduction="none", zero_infinity=zero_infinity)
        total = ga.sum(loss)
        hessian = ga.hvp(total, z, np.ones((3, 4, 3)))
        value, slope, second = ga.compile([z], [loss, ga.grad(total, z), hessian])(RNG.standard_normal((3, 4, 3)))
        np.testing.assert_array_equal(value, [bad, bad, bad, 0])
        np.testing.assert_array_equal(slope, 0)
        np.testing.assert_array_equal(second, 0)


def test_ctc_with_impossible_frames():
    """Probabilities 0 as -inf: exact value, zero gradient there, the right one elsewhere."""
    p = np.array([[[0.0, 0.5, 0.5]], [[0.3, 0.7, 0.0]], [[0.4, 0.0, 0.6]]])
    x = declare("x", p.shape)
    loss = nn.ctc_loss(x, [[1, 2]], 3, 2)
    with np.errstate(divide="ignore"):
        logs = np.log(p)
    value, slope = ga.compile([x], [loss, ga.grad(loss, x)])(logs)
    np.testing.assert_allclose(value, -np.log(0.5 * 0.7 * 0.6 + 0.5 * 0.3 * 0.6) / 2, rtol=1e-12)
    np.testing.assert_allclose(slope[:, 0] * -2, [[0, 1, 0], [0.3, 0.7, 0], [0, 0, 1]], rtol=1e-12, atol=1e-15)


def test_ctc_with_a_frame_that_fits_no_label():
    x = declare("x", (3, 1, 4))
    loss = nn.ctc_loss(x, [[1, 2]], 3, 2)
    logs = np.full((3, 1, 4), np.log(0.25))
    logs[0, 0] = [-np.inf, -np.inf, -np.inf, 0]
    value, slope = ga.compile([x], [loss, ga.grad(loss, x)])(logs)
    assert value == np.inf
    np.testing.assert_array_equal(slope, 0)


@pytest.mark.parametrize("label", [-1, 3])
def test_ctc_refuses_labels_out_of_range(label):
    x, labels = declare("x", (4, 1, 3)), declare("labels", (1, 2), "int64")
    f = ga.compile([x, labels], nn.ctc_loss(x, labels, 4, 2))
    with pytest.raises(IndexError):
        f(np.zeros((4, 1, 3)), np.array([[1, label]]))


def test_ctc_with_named_sizes():
    x, labels = declare("x", (4, "n", 3)), declare("labels", ("n", "s"), "int64")
    sizes = declare("sizes", ("n",), "int64")
    loss = nn.ctc_loss(nn.log_softmax(x), labels, 4, sizes, reduction="none")
    f = ga.compile([x, labels, sizes], [loss, ga.grad(ga.sum(loss), x)])
    z = RNG.standard_normal((4, 2, 3))
    value, slope = f(z, np.array([[1, 2], [2, 0]]), np.array([2, 1]))
    p = softmax(z)
    expected = [-np.log(by_all_paths(p[:, 0], [1, 2])), -np.log(by_all_paths(p[:, 1], [2]))]
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    assert slope.shape == z.shape


@pytest.mark.parametrize("T", [1, 2, 7])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ctc_with_a_named_number_of_frames(T, dtype):
    def results(frames, lengths):
        x = declare("x", (frames, 2, 4), dtype)
        sizes = declare("lengths", (2,), "int64")
        loss = nn.ctc_loss(nn.log_softmax(x), [[1, 1, 3], [2, 3, 0]], sizes, [3, 2], reduction="none")
        slope = ga.grad(ga.sum(ga.where(loss < np.inf, loss, 0)), x)
        return ga.compile([x, sizes], [loss, slope])(z, np.array(lengths))

    z = RNG.standard_normal((T, 2, 4)).astype(dtype)
    for mine, theirs in zip(results("T", [T, max(T - 1, 1)]), results(T, [T, max(T - 1, 1)]), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12 if dtype == "float64" else 1e-5, atol=1e-6)
        assert mine.dtype == dtype
    expected = [-np.log(by_all_paths(softmax(z)[:, 0], [1, 1, 3]))] if T == 7 else [np.inf]
    np.testing.assert_allclose(results("T", [T, T])[0][:1], expected, rtol=1e-5)


def test_the_source_of_ctc_does_not_grow():
    def source(frames):
        x, labels = declare("x", (frames, 2, 4)), declare("labels", (2, 3), "int64")
        loss = nn.ctc_loss(nn.log_softmax(x), labels, frames, 3)
        return ga.compile([x, labels], [loss, ga.grad(loss, x)], style="readable").source

    assert len(source(400).splitlines()) == len(source(40).splitlines()) < 250


# Errors -------------------------------------------------------------------------------------------------------------

Z = declare("z", (4, 3))
V = declare("v", (4,))
L = declare("l", (5, 4, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.mse_loss(Z, Z, reduction="avg"), ArgumentError, "'mean', 'sum' or 'none', not 'avg'"),
        (lambda: nn.mse_loss(Z, V), ShapeError, r"input \[4, 3\] and target \[4\] differ in shape"),
        (lambda: nn.mse_loss(Z, Z, weight=V), ShapeError, r"weight \[4\] does not fit the losses \[4, 3\]"),
        (lambda: nn.mse_loss(Z * 1j, Z), DTypeError, "input must be real, not complex128"),
        (lambda: nn.huber_loss(Z, Z, delta=0), ArgumentError, "delta must be positive, but is 0"),
        (lambda: nn.smooth_l1_loss(Z, Z, beta=-1), ArgumentError, "beta must not be negative, but is -1"),
        (lambda: nn.binary_cross_entropy_with_logits(Z, Z, pos_weight=V), ShapeError, r"pos_weight \[4\] does not"),
        (lambda: nn.cross_entropy(Z, V), DTypeError, "target must hold integers, not float64"),
        (lambda: nn.cross_entropy(Z, [0, 1]), ShapeError, r"labels \[2\] do not fit the input \[4, 3\]"),
        (lambda: nn.cross_entropy(Z, Z, label_smoothing=2), ArgumentError, "label_smoothing must lie between"),
        (lambda: nn.cross_entropy(Z, Z, [1, 2]), ShapeError, r"weight \[2\] must hold one number for each of 3"),
        (lambda: nn.cross_entropy(V[0], 0), ShapeError, "must have an axis of classes"),
        (lambda: nn.cosine_embedding_loss(Z, Z, Z), ShapeError, "need the shapes"),
        (lambda: nn.cosine_similarity(Z, declare("w", (2, 3))), ShapeError, "do not fit"),
        (lambda: nn.triplet_margin_loss(Z, Z, V), ShapeError, "must have one shape"),
        (lambda: nn.ctc_loss(Z, [[1]], 1, 1), ShapeError, "z has 2 axes, needs 3"),
        (lambda: nn.ctc_loss(L, [1, 2], 1, 1), ShapeError, r"targets \[2\] must have the shape \(4, labels\)"),
        (lambda: nn.ctc_loss(L, [[1]] * 4, [1, 2], 1), ShapeError, r"input_lengths \[2\] must have the shape \(4,\)"),
        (lambda: nn.ctc_loss(L, [[1]] * 4, [5, 6, 1, 1], 1), ArgumentError, "input_lengths must lie between 0 and 5"),
        (lambda: nn.ctc_loss(L, [[1]] * 4, 5, 2), ArgumentError, "target_lengths must lie between 0 and 1"),
        (lambda: nn.ctc_loss(L, [[1]] * 4, 5, -1), ArgumentError, "target_lengths must lie between 0 and 1"),
        (lambda: nn.ctc_loss(L, [[1.0]] * 4, 1, 1), DTypeError, "targets must hold integers, not float64"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
