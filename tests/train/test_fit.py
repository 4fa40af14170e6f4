"""`ga.train.fit`: what it reaches, how it divides the data, what it tells."""

import itertools
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from training import digits, line, mlp, noisy_model, same

import graphad as ga
from graphad.errors import ArgumentError, NonFiniteError, ShapeError
from graphad.train.data import DRAWS, ORDER, stream
from graphad.train.early import Book

SGD = ga.optim.sgd(0.05)


def train(model=None, data=None, **options):
    options = {"epochs": 3, "batch_size": 8, "progress": False} | options
    optimizer = options.pop("optimizer", SGD)
    return ga.train.fit(model or noisy_model(), ga.nn.mse_loss, optimizer, data or line(), **options)


def test_a_small_network_reads_digits():
    learn, test = digits()
    result = ga.train.fit(
        mlp(), ga.nn.cross_entropy, ga.optim.adam(1e-2), learn, epochs=10, metrics="accuracy", validation=0.1
    )
    assert result.stopped == "finished"
    assert result.evaluate(test)["accuracy"] > 0.95
    assert np.mean(result.predict(test[0]).argmax(1) == test[1]) == result.evaluate(test)["accuracy"]
    losses = result.history.column("loss")
    assert losses[-1] < losses[0] / 5


def test_steps_are_those_written_by_hand():
    """A linear model by plain NumPy: order of rows, the last smaller batch, the mean loss of an epoch."""
    x, y = line()
    model = ga.nn.Linear(4, 1, name="line")
    result = ga.train.fit(model, ga.nn.mse_loss, SGD, (x, y), epochs=2, batch_size=8, seed=3, progress=False)
    start = ga.nn.initial(model, 3)
    W, b = start["line_W"], start["line_b"]
    for epoch in range(2):
        order = stream(3, ORDER, epoch).permutation(50)
        assert sorted(order) == list(range(50))
        total = 0.0
        for chosen in itertools.batched(order, 8) if sys.version_info >= (3, 12) else chunks(order, 8):
            rest = x[list(chosen)] @ W + b - y[list(chosen)]
            total += np.sum(rest**2)
            dW, db = 2 * x[list(chosen)].T @ rest / len(chosen), 2 * rest.mean(0)
            W, b = W - 0.05 * dW, b - 0.05 * db
        np.testing.assert_allclose(result.history.column("loss")[epoch], total / 50, rtol=1e-12)
    np.testing.assert_allclose(result.values["line_W"], W, rtol=1e-12)
    np.testing.assert_allclose(result.values["line_b"], b, rtol=1e-12)


def chunks(order, size):
    return [order[k : k + size] for k in range(0, len(order), size)]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"batch_size": None}, [50]),
        ({"batch_size": 1}, [1] * 50),
        ({"batch_size": 8}, [8] * 6 + [2]),
        ({"batch_size": 8, "drop_last": True}, [8] * 6),
        ({"batch_size": 80}, [50]),
    ],
)
def test_batch_mini_batch_and_online(options, sizes):
    seen = []

    def watch(rng, x):
        seen.append(x.copy())
        return x

    x, y = line()
    train(data=(x, y), epochs=2, augment=watch, **options)
    assert [len(s) for s in seen] == sizes * 2
    rows = [tuple(map(tuple, np.concatenate(seen[k : k + len(sizes)]))) for k in (0, len(sizes))]
    assert len(set(rows[0])) == sum(sizes)
    assert set(rows[0]) <= set(map(tuple, x))
    assert (rows[0] == rows[1]) == (len(sizes) == 1)  # another order in each epoch


def test_without_shuffling_rows_keep_their_order():
    seen = []
    x, y = line()
    train(data=(x, y), epochs=1, shuffle=False, augment=lambda rng, x: seen.append(x.copy()) or x)
    np.testing.assert_array_equal(np.concatenate(seen), x)


def test_the_seed_decides_every_byte():
    options = {"validation": 0.2, "metrics": ["r2"], "optimizer": ga.optim.adam(0.01)}
    assert same(train(**options), train(**options))
    assert not same(train(**options), train(seed=1, **options))


def test_augmentation_changes_the_inputs_by_a_generator_of_its_own():
    def jitter(rng, x):
        return x + 0.1 * rng.standard_normal(x.shape)

    draws = []
    train(augment=lambda rng, x: draws.append(rng.random()) or x)
    assert len(set(draws)) == len(draws) == 21, "other numbers in each step"
    assert same(train(augment=jitter), train(augment=jitter))
    assert not same(train(augment=jitter), train())
    with pytest.raises(ShapeError, match="augment"):
        train(augment=lambda rng, x: x[:, :2])


def test_running_statistics_are_updated_by_the_step_and_used_in_evaluation():
    x, y = line()
    result = train(data=(x, y), epochs=1, batch_size=None)
    start = ga.nn.initial(noisy_model(), 0)
    z = x @ start["first_W"] + start["first_b"]
    np.testing.assert_allclose(result.values["centered_mean"], 0.1 * z.mean(0), rtol=1e-12)
    v = result.values
    h = np.tanh((x @ v["first_W"] + v["first_b"] - v["centered_mean"]) * v["centered_scale"])
    np.testing.assert_allclose(result.predict(x), h @ v["last_W"] + v["last_b"], rtol=1e-12)
    loss = np.mean((h @ v["last_W"] + v["last_b"] - y) ** 2)
    np.testing.assert_allclose(result.evaluate((x, y))["loss"], loss, rtol=1e-12)
    np.testing.assert_allclose(result.evaluate((x, y), batch_size=7)["loss"], loss, rtol=1e-12)


def test_the_whole_step_is_one_function_to_draw_and_export(tmp_path):
    result = train(optimizer=ga.optim.adam(0.01))
    names = [x.name for x in result.step.declared.inputs]
    assert names == ["x", "y", *result.values, *result.state]
    assert "first_W" in result.step.graph.draw().source
    module = result.step.export(tmp_path / "step.py")
    subprocess.run([sys.executable, "-I", str(module), "--self-check"], check=True, capture_output=True)


def test_a_regularizer_is_part_of_the_loss():
    model = ga.nn.Linear(4, 1, name="line")
    x, y = line()
    plain = train(model, (x, y), epochs=30)
    small = train(model, (x, y), epochs=30, regularizer=lambda m: 1.0 * ga.sum(m.W**2), validation=(x, y))
    assert np.sum(small.values["line_W"] ** 2) < np.sum(plain.values["line_W"] ** 2) / 2
    penalty = np.sum(small.values["line_W"] ** 2)
    rest = np.mean((x @ small.values["line_W"] + small.values["line_b"] - y) ** 2)
    np.testing.assert_allclose(small.history.column("val_loss")[-1], rest + penalty, rtol=1e-12)


def test_several_inputs_several_targets_and_none():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40, 3))
    bilinear = ga.nn.Bilinear(3, 3, 1)
    target = np.sum(a * b, axis=1, keepdims=True)
    adam = ga.optim.adam(0.05)
    options = {"progress": False, "epochs": 60}
    result = ga.train.fit(bilinear, ga.nn.mse_loss, adam, ((a, b), target), **options)
    np.testing.assert_allclose(result.predict((a, b)), target, atol=1e-2)

    two = ga.nn.Linear(3, 2)
    result = ga.train.fit(two, lambda p, u, v: ga.mean((p[:, 0] - u) ** 2 + (p[:, 1] - v) ** 2), adam,
                          (a, (a[:, 0], a[:, 1])), **options)  # fmt: skip
    np.testing.assert_allclose(result.predict(a), a[:, :2], atol=5e-2)

    alone = ga.train.fit(ga.nn.Linear(3, 1, name="l"), lambda p: ga.mean((p - 1) ** 2), adam, (a,), **options)
    np.testing.assert_allclose(alone.values["l_b"], 1, atol=1e-2)
    assert set(alone.evaluate((a,))) == {"loss"}


@dataclass(frozen=True, eq=False)
class Two(ga.nn.Layer):
    """A prediction and something beside it, as a tuple or a dict."""

    line: ga.nn.Linear
    by_name: bool

    def forward(self, x):
        return {"y": self.line(x), "twice": 2 * x} if self.by_name else (self.line(x), 2 * x)


@pytest.mark.parametrize("by_name", [False, True])
def test_models_may_give_several_results(by_name):
    model, first = Two(ga.nn.Linear(4, 1, name="l"), by_name), "y" if by_name else 0
    x, y = line(600)
    result = ga.train.fit(model, lambda p, y: ga.nn.mse_loss(p[first], y), SGD, (x, y), epochs=1, progress=False)
    found = result.predict(x)
    np.testing.assert_allclose(found[first], x @ result.values["l_W"] + result.values["l_b"], rtol=1e-12)
    np.testing.assert_array_equal(found["twice" if by_name else 1], 2 * x)
    assert result.evaluate((x, y), metrics=[lambda p, y: float(len(p[first]))])["<lambda>"] == 600
    assert ga.train.activation_histograms(result, x, y).activations[-1].values.shape == (600, 4)


def test_float32_stays_float32():
    x, y = (a.astype("float32") for a in line())
    result = train(ga.nn.Linear(4, 1, dtype="float32"), (x, y), optimizer=ga.optim.adam(0.1))
    assert {v.dtype for v in result.values.values()} == {np.dtype("float32")}
    assert result.predict(x.astype(float)).dtype == np.float32


def test_a_start_is_copied_and_checked():
    model = ga.nn.Linear(4, 1, name="line")
    W = np.ones((4, 1))
    result = train(model, start={"line_W": W}, epochs=1)
    assert np.all(W == 1)
    assert not np.all(result.values["line_W"] == 1)
    assert same(train(model, epochs=0), train(model, epochs=0, start=ga.nn.initial(model, 0)))
    for start, text in (
        ({"W": W}, "no array 'W'"),
        ({"line_W": W.T}, r"shape \(1, 4\)"),
        ({"line_W": W * np.nan}, "nan"),
        ({"line_W": W * 1j}, "complex128"),
    ):
        with pytest.raises(ga.GraphadError, match=text):
            train(model, start=start)


def test_arrays_of_an_initializer_are_copied():
    shared = np.ones((4, 1))
    train(ga.nn.Linear(4, 1, start=lambda rng, shape, dtype: shared), epochs=1)
    assert np.all(shared == 1)


def test_models_that_draw_in_evaluation_draw_the_same_each_time():
    model = ga.nn.Sequential(ga.nn.Linear(4, 1), lambda h: h + 0.1 * ga.random.standard_normal(h.shape))
    x, y = line()
    result = train(model, (x, y), validation=(x, y))
    assert result.history.column("val_loss")[-1] == result.evaluate((x, y))["loss"]
    np.testing.assert_array_equal(result.predict(x), result.predict(x))


def test_validation_is_held_out_by_the_seed_or_given():
    x, y = line()
    seen = []

    def watch(rng, x):
        seen.append(x.copy())
        return x

    result = train(data=(x, y), validation=0.2, augment=watch, epochs=1)
    assert len(np.concatenate(seen)) == 40
    assert list(result.history.columns) == ["epoch", "loss", "val_loss", "rate", "seconds"]
    given = train(data=(x, y), validation=line(20, seed=1), metrics=["r2"])
    assert "val_r2" in given.history.columns
    assert given.history.column("val_r2")[-1] == given.evaluate(line(20, seed=1))["r2"]
    assert given.history.column("val_loss")[-1] == given.evaluate(line(20, seed=1))["loss"]


def test_metrics_are_of_the_data_where_there_is_no_validation():
    def worst(prediction, target):
        return np.abs(prediction - target).max()

    x, y = line()
    result = train(data=(x, y), metrics=["r2", worst])
    assert result.history.column("worst")[-1] == np.abs(result.predict(x) - y).max()
    assert "val_loss" not in result.history.columns
    assert result.evaluate((x, y), metrics=[worst]).keys() == {"loss", "worst"}
    for metrics, text in ((["f1"], "'f1' is not known"), (["r2", "r2"], "twice"), ([3], "no function")):
        with pytest.raises(ArgumentError, match=text):
            train(metrics=metrics)


def test_confusion_is_kept_in_the_rows():
    learn, _ = digits()
    result = ga.train.fit(mlp(), ga.nn.cross_entropy, SGD, learn, epochs=2, metrics="confusion", progress=False)
    matrix = np.array(result.history.rows[-1]["confusion"])
    assert matrix.shape == (10, 10)
    assert matrix.sum() == 1500
    assert "confusion" not in str(result.history)


def test_early_stopping_gives_back_the_best():
    early = ga.train.EarlyStopping(patience=2, min_delta=1e-3)
    data, held_out = line(20), line(20, seed=1)
    result = train(data=data, validation=held_out, early_stopping=early, epochs=200, optimizer=ga.optim.adam(0.05))
    losses = result.history.column("val_loss")
    assert result.stopped == "early stopping"
    assert len(losses) < 200
    best, waited, at = np.inf, 0, 0
    for k, value in enumerate(losses):  # the rule, written again
        best, waited, at = (value, 0, k + 1) if value < best - 1e-3 else (best, waited + 1, at)
    assert (result.best_epoch, waited, len(losses)) == (at, 2, at + 2)
    assert result.evaluate(held_out)["loss"] == losses[at - 1]


def test_an_improvement_must_be_larger_than_min_delta():
    early, book = ga.train.EarlyStopping(5, min_delta=0.1), Book()
    waited = []
    for loss in (1.0, 0.95, 0.91, 0.89, 0.85, np.nan, 0.7):
        book = book.with_row({"val_loss": loss}, early, {"W": np.array(loss)})
        waited.append(book.waited)
    assert waited == [0, 1, 2, 0, 1, 2, 0]
    assert (book.best, book.best_epoch, float(book.best_values["W"])) == (0.7, 7, 0.7)
    with pytest.raises(ArgumentError, match="patience"):
        ga.train.EarlyStopping(-1)
    with pytest.raises(ArgumentError, match="min_delta"):
        ga.train.EarlyStopping(1, min_delta=np.nan)
    with pytest.raises(ArgumentError, match="mode"):
        ga.train.EarlyStopping(1, mode="least")


def test_early_stopping_knows_what_should_grow():
    learn, test = digits()
    for monitor, grows in (("val_accuracy", True), ("val_loss", False)):
        early = ga.train.EarlyStopping(1, monitor=monitor)
        row = {"val_accuracy": 0.5, "val_loss": 0.5}
        assert (early.score(row) < 0) == grows
    early = ga.train.EarlyStopping(2, monitor="val_accuracy")
    result = ga.train.fit(
        mlp(), ga.nn.cross_entropy, ga.optim.adam(0.03), learn, validation=test, metrics="accuracy",
        early_stopping=early, epochs=40, progress=False,
    )  # fmt: skip
    assert result.evaluate(test)["accuracy"] == result.history.column("val_accuracy").max()
    with pytest.raises(ArgumentError, match="no column 'val_loss'"):
        train(early_stopping=ga.train.EarlyStopping())


def test_a_first_epoch_without_a_score_is_not_the_best():
    """nan is smaller than nothing and larger than nothing: the numbers after it would never be better."""
    for scores, best in (([np.nan, 3.0, 1.0, 2.0], 3), ([2.0, np.nan, 1.0, np.nan], 3), ([np.nan] * 4, 1)):
        left = iter(scores)
        stop = ga.train.EarlyStopping(9, monitor="score", mode="min")

        def score(prediction, target, left=left):
            return next(left)

        assert train(metrics=[score], early_stopping=stop, epochs=4).best_epoch == best


def test_metrics_are_real_numbers():
    for value in (1j, {"a": 1}, "good", None):
        with pytest.raises(ArgumentError, match=r"metrics: <lambda> gave a .*, not real numbers"):
            train(metrics=[lambda p, y, value=value: value], epochs=1)


def test_the_rate_falls_on_a_plateau():
    plateau = ga.optim.schedules.ReduceOnPlateau(0.1, factor=0.5, patience=0, threshold=0.5)
    result = train(optimizer=ga.optim.sgd, plateau=plateau, epochs=6, model=ga.nn.Linear(4, 1))
    again = ga.optim.schedules.ReduceOnPlateau(0.1, factor=0.5, patience=0, threshold=0.5)
    assert plateau == again, "the one that was given is not changed"
    rates = [0.1, *[again.update(loss) for loss in result.history.column("loss")]]
    assert list(result.history.column("rate")) == rates[:-1]
    assert len(set(rates)) > 2
    fixed = train(ga.nn.Linear(4, 1), optimizer=ga.optim.sgd(0.1), epochs=6)
    assert same(train(ga.nn.Linear(4, 1), optimizer=ga.optim.sgd, plateau=plateau, epochs=1),
                train(ga.nn.Linear(4, 1), optimizer=ga.optim.sgd(0.1), epochs=1))  # fmt: skip
    assert not same(fixed, result)
    with pytest.raises(ArgumentError, match="function of the rate"):
        train(plateau=plateau)
    with pytest.raises(ArgumentError, match="not a transform"):
        train(optimizer=ga.optim.sgd)


def test_the_history_shows_the_rate_of_a_schedule():
    schedule = ga.optim.schedules.linear(0.1, 21)
    result = train(optimizer=ga.optim.chain(ga.optim.clip(5.0), ga.optim.adam(schedule)))
    assert list(result.history.column("rate")) == [schedule(6), schedule(13), schedule(20)]
    every = train(optimizer=ga.optim.accumulate(ga.optim.sgd(schedule), 7))
    assert list(every.history.column("rate")) == [schedule(0), schedule(1), schedule(2)]


def test_on_epoch_sees_what_was_reached_and_may_stop():
    rows = []

    def watch(found):
        rows.append(found.history.rows[-1])
        assert found.stopped == "running"
        assert found.evaluate(line())["loss"] > 0
        return len(rows) == 2

    result = train(on_epoch=watch, epochs=5)
    assert result.stopped == "on_epoch"
    assert tuple(rows) == result.history.rows
    kept = []
    result = train(on_epoch=kept.append, epochs=3)
    assert not np.array_equal(kept[0].values["last_W"], kept[1].values["last_W"]), "these are not the living arrays"
    assert same(kept[2], result)
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": -1}, "epochs must be an integer from 0"),
        ({"epochs": 2.0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": None}, "seed"),
        ({"early_stopping": 3}, "early_stopping is a int"),
        ({"checkpoint": 3}, "checkpoint is a int"),
        ({"augment": 3}, "augment"),
        ({"drop_last": True, "batch_size": 100}, "50 rows make no batch of 100"),
        ({"validation": 0.001}, "leaves nothing"),
        ({"validation": 1.5}, "leaves nothing"),
        ({"model": ga.tanh}, "not a layer"),
        ({"model": ga.nn.Sequential(ga.tanh)}, "no parameters"),
        ({"optimizer": 0.1}, "not a transform"),
    ],
)
def test_bad_arguments_are_named(options, text):
    with pytest.raises(ArgumentError, match=text):
        train(**options)


def test_a_loss_must_be_one_real_number():
    for loss, text in (
        (lambda p, y: (p - y) ** 2, "real scalar"),
        (lambda p, y: 3.0, "not a node"),
        ("mse", "not a function"),
    ):
        with pytest.raises(ArgumentError, match=text):
            ga.train.fit(noisy_model(), loss, SGD, line(), progress=False)


def test_arguments_of_the_loss_and_the_model_are_counted():
    with pytest.raises(ArgumentError, match="the loss does not take 2 arguments") as caught:
        ga.train.fit(noisy_model(), lambda p: ga.mean(p), SGD, line(), progress=False)
    assert "loss(prediction, y1" in caught.value.hint
    with pytest.raises(ArgumentError, match="the loss does not take 1 arguments: missing a required argument"):
        ga.train.fit(noisy_model(), ga.nn.mse_loss, SGD, line()[:1], progress=False)
    with pytest.raises(ArgumentError, match="the model does not take 2 arguments"):
        ga.train.fit(noisy_model(), ga.nn.mse_loss, SGD, (line()[:1] * 2, line()[1]), progress=False)


@dataclass(frozen=True, eq=False)
class Reader(ga.nn.Layer):
    """The last thing that a recurrent layer says."""

    inner: ga.nn.Layer
    head: ga.nn.Layer

    def forward(self, x):
        return self.head(self.inner(x)[0][:, -1])


@pytest.mark.parametrize(
    "inner",
    [
        lambda **o: ga.nn.RNN(3, 4, **o),
        lambda **o: ga.nn.RecurrentStack(ga.nn.GRU(3, 4, **o), ga.nn.LSTM(4, 4, **o)),
        lambda **o: ga.nn.Bidirectional(ga.nn.LSTM(3, 2, **o), ga.nn.LSTM(3, 2, reverse=True, **o)),
    ],
)
def test_recurrent_layers_do_not_take_shuffled_rows_for_steps(inner):
    x = np.random.default_rng(0).normal(size=(20, 5, 3))
    given = {"epochs": 1, "progress": False}
    with pytest.raises(ArgumentError, match="runs along the rows of x") as caught:
        ga.train.fit(Reader(inner(), ga.nn.Linear(4, 1)), ga.nn.mse_loss, SGD, (x, x[:, 0, :1]), **given)
    assert "batch_first=True" in caught.value.hint
    for options in ({"batch_first": True}, {}):  # rows that are steps keep their order
        model = Reader(inner(**options), ga.nn.Linear(4, 1))
        ga.train.fit(model, ga.nn.mse_loss, SGD, (x, x[:, 0, :1]), shuffle=bool(options), **given)


@pytest.mark.parametrize(("rows", "hint"), [(33, "its batch is one row"), (34, "lower learning rate")])
def test_a_batch_of_one_row_is_said_to_have_no_variance(rows, hint):
    model = ga.nn.Sequential(ga.nn.Linear(2, 1), ga.nn.BatchNorm(1))
    x = np.random.default_rng(0).normal(size=(rows, 2))
    rate = 0.1 if rows == 33 else 1e300

    with pytest.raises(NonFiniteError) as caught:
        ga.train.fit(model, ga.nn.mse_loss, ga.optim.sgd(rate), (x, x[:, :1] * 1e9), epochs=9, progress=False)
    assert hint in caught.value.hint


def test_random_numbers_of_a_step_depend_on_its_number_alone():
    draws = [stream(0, DRAWS, k).random() for k in range(3)]
    assert len(set(draws)) == 3
    assert draws[1] == stream(0, DRAWS, 1).random()
