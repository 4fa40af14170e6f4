"""Bad data are named before the first step."""

import numpy as np
import pytest
from training import line

import graphad as ga
from graphad.errors import ArgumentError, DTypeError, GraphadError, NonFiniteError, ShapeError

X, Y = line(20)


def holed(array, place, value=np.nan):
    array = np.array(array)
    array[place] = value
    return array


def run(data, validation=None, model=None, loss=ga.nn.mse_loss, **options):
    calls = []
    options = {"epochs": 1, "progress": False} | options
    try:
        return ga.train.fit(
            ga.nn.Linear(4, 1) if model is None else model, loss, ga.optim.sgd(0.01), data, validation=validation,
            augment=lambda rng, x: calls.append(1) or x, **options,
        )  # fmt: skip
    except GraphadError:
        assert not calls, "a step was done"
        raise


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (X, ArgumentError, "data must be .x, y."),
        ((X, Y, Y), ArgumentError, "3 parts"),
        (((), Y), ArgumentError, "no x"),
        ((X, Y[:19]), ShapeError, "lengths differ: 20 rows of x, 19 rows of y"),
        (((X, X[:3]), Y), ShapeError, "20 rows of x1, 3 rows of x2, 20 rows of y"),
        ((X[:0], Y[:0]), ShapeError, "empty"),
        ((X.astype(object), Y), DTypeError, "x has dtype object"),
        ((X, np.array(["a"] * 20)), DTypeError, "y has dtype <U1"),
        ((X.astype("datetime64[s]"), Y), DTypeError, "datetime64"),
        ((3.0, Y), ShapeError, "x is a single number"),
        (([[1.0, 2.0], [3.0]], Y), ShapeError, "x is not an array"),
        ((np.ma.masked_array(X, X > 0), Y), DTypeError, "masked"),
        ((holed(X, (3, 2)), Y), NonFiniteError, r"x\[3, 2\] is nan$"),
        ((X, holed(Y, slice(5, 8), np.inf)), NonFiniteError, r"y\[5, 0\] is inf, and 2 more"),
        ((X[:, :3], Y), ShapeError, "Linear: x is .* needs 4 features"),
        ((X, np.hstack([Y, Y])), ShapeError, "mse_loss"),
    ],
)
def test_data_are_checked_before_the_first_step(data, error, text):
    with pytest.raises(error, match=text.removesuffix("$")) as problem:
        run(data)
    assert len(str(problem.value).splitlines()) <= 12
    if data is not None and error is not ShapeError and "must be" not in text and "no x" not in text:
        assert "hint" in str(problem.value) or "parts" in text


@pytest.mark.parametrize(
    ("validation", "error", "text"),
    [
        ((X,), ArgumentError, "validation has 1 inputs and 0 targets, the training data 1 inputs and 1 targets"),
        ((X[:, :2], Y), ShapeError, r"validation: a row of x has shape \[2\], in training \[4\]"),
        ((X, Y.astype(complex)), DTypeError, "validation: y is complex128, in training float64"),
        ((X, holed(Y, (0, 0))), NonFiniteError, r"validation: y\[0, 0\] is nan"),
        ((X[:0], Y[:0]), ShapeError, "validation is empty"),
    ],
)
def test_validation_data_are_like_those_of_training(validation, error, text):
    with pytest.raises(error, match=text):
        run((X, Y), validation)


def classify(labels, loss=ga.nn.cross_entropy, validation=None, shape=()):
    return run((X, labels), validation, ga.nn.Linear(4, 3), loss, batch_size=4)


def labels(place=None, value=0):
    found = np.arange(20) % 3
    return found if place is None else holed(found, place, value)


@pytest.mark.parametrize("value", [3, -1, 100])
@pytest.mark.parametrize("loss", [ga.nn.cross_entropy, lambda z, y: ga.nn.cross_entropy(2 * z, y, label_smoothing=0.1)])
def test_labels_out_of_range_are_named(value, loss):
    with pytest.raises(ArgumentError, match=rf"data: y\[13\] is {value}, the model has 3 classes") as problem:
        classify(labels(13, value), loss)
    assert "from 0 to 2" in str(problem.value)
    with pytest.raises(ArgumentError, match=rf"validation: y\[2\] is {value}"):
        classify(labels(), loss, (X, labels(2, value)))


def test_labels_that_the_loss_takes_are_good():
    classify(labels())
    classify(labels(3, -100))  # ignored by cross_entropy
    classify(labels(3, 7), lambda z, y: ga.nn.cross_entropy(z, y, ignore_index=7))
    run((X, (Y > 0).astype(int)))  # no classes at all
    run((X, Y > 0), loss=ga.nn.binary_cross_entropy_with_logits)


def test_what_is_predicted_is_like_what_was_trained_with():
    result = run((X, Y))
    for x, error, text in (
        (X[:, :2], ShapeError, "a row of x"),
        (holed(X, (1, 1)), NonFiniteError, r"predict: x\[1, 1\]"),
        ((X, X), ArgumentError, "2 inputs"),
        (X[:0], ShapeError, "empty"),
    ):
        with pytest.raises(error, match=text):
            result.predict(x)
    with pytest.raises(ArgumentError, match="evaluate has 1 inputs and 0 targets"):
        result.evaluate((X,))
    np.testing.assert_array_equal(result.predict(X.tolist()), result.predict(X))
    np.testing.assert_array_equal(result.predict(X, batch_size=3), result.predict(X, batch_size=20))


def test_other_integers_are_converted_where_they_fit():
    result = run((X, labels().astype("int8")), model=ga.nn.Linear(4, 3), loss=ga.nn.cross_entropy)
    assert result.evaluate((X, labels()))["loss"] > 0
    with pytest.raises(DTypeError, match="y has values that int8"):
        result.evaluate((X, labels(0, 300)))


def test_foreign_byte_order_is_no_matter():
    a, b = run((X, Y)), run((X.astype(">f8"), Y))
    assert all(a.values[k].tobytes() == v.tobytes() for k, v in b.values.items())


def squared(p, y):
    return ga.mean((p - y) ** 2)


@pytest.mark.parametrize(
    ("targets", "model", "loss"),
    [
        (Y[:, 0], None, squared),
        (Y, ga.nn.Sequential(ga.nn.Linear(4, 1), lambda p: p[:, 0]), squared),
        ((Y[:, 0] > 0), None, squared),
        (Y[:, 0], None, lambda p, y: ga.sum(ga.abs(ga.tanh(p) - 2 * y))),
        ((Y > 0)[:, 0], None, lambda p, y: ga.mean(ga.where(y, ga.softplus(-p), ga.softplus(p)))),
    ],
)
def test_a_loss_that_pairs_all_rows_is_refused(targets, model, loss):
    """(n, 1) against (n,) broadcasts to (n, n): a model that learns nothing, and no word about it."""
    with pytest.raises(ShapeError, match=r"the prediction \[batch.*\] and y \[batch.*\] become \[batch, batch\]"):
        run((X, targets), model=model, loss=loss)


def test_a_loss_may_mean_all_pairs():
    def ranking(p, y):
        return ga.mean(ga.softplus(-(p - p[:, 0]) * (y[:, None] - y[None, :])))

    def transport(p, y):
        return ga.mean((p - y[None, :]) ** 2)

    for loss in (ranking, transport, lambda p, y: squared(p, y[:, None]), lambda p, y: ga.mean(p @ y[None, :])):
        run((X, Y[:, 0]), loss=loss)


def test_augmentation_cannot_change_the_data_of_the_user():
    def shift(rng, x):
        x += 1
        return x

    for options in ({"shuffle": False}, {"batch_size": None}):
        x = X.copy()
        ga.train.fit(
            ga.nn.Linear(4, 1), ga.nn.mse_loss, ga.optim.sgd(0.01), (x, Y), augment=shift, progress=False, **options
        )
        np.testing.assert_array_equal(x, X)


def test_a_batch_of_one_row_has_no_variance():
    model = ga.nn.Sequential(ga.nn.BatchNorm(4), ga.nn.Linear(4, 1))
    for size in (1, 19):
        with pytest.raises(NonFiniteError, match=r"its batch is one row, .*drop_last"):
            ga.train.fit(model, ga.nn.mse_loss, ga.optim.sgd(0.01), (X, Y), batch_size=size, progress=False)
