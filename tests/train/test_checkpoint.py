"""Checkpoints: a training that is interrupted and goes on is the one that was never stopped, to the last bit."""

import json
import re

import numpy as np
import pytest
from training import line, noisy_model, same

import graphad as ga
from graphad.errors import ArgumentError, ExportError, SerializationError
from graphad.train.checkpoint import read_arrays, write_arrays


def jitter(rng, x):
    return x + 0.01 * rng.standard_normal(x.shape)


def train(path=None, model=None, **options):
    given = {
        "epochs": 6,
        "batch_size": 8,
        "progress": False,
        "validation": 0.2,
        "metrics": ["r2"],
        "early_stopping": ga.train.EarlyStopping(3),
        "plateau": ga.optim.schedules.ReduceOnPlateau(0.05, patience=0, factor=0.5),
        "augment": jitter,
    } | options
    data = given.pop("data", line())
    optimizer = given.pop("optimizer", lambda rate: ga.optim.chain(ga.optim.clip(1.0), ga.optim.adam(rate)))
    return ga.train.fit(model or noisy_model(), ga.nn.mse_loss, optimizer, data, checkpoint=path, **given)


class Stop:
    """Raises KeyboardInterrupt when it is asked for the ``count``-th time."""

    def __init__(self, count, then):
        self.left, self.then = count, then

    def __call__(self, *args):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.then(*args)


@pytest.mark.parametrize("step", [1, 2, 5, 6, 13, 17, 30])
def test_interrupted_and_resumed_is_uninterrupted(tmp_path, step):
    """In the middle of an epoch and at its end; the model draws numbers and keeps statistics; more than once."""
    whole = train()
    path = tmp_path / "run.npz"
    stopped = train(path, augment=Stop(step, jitter))
    assert stopped.stopped == "interrupted"
    again = train(path, augment=Stop(3, jitter))
    assert again.stopped == "interrupted" or step == 30
    resumed = train(path)
    assert resumed.stopped == whole.stopped
    assert same(whole, resumed)
    assert resumed.best_epoch == whole.best_epoch
    assert same(train(path), whole), "a training that is over is given back as it is"


@pytest.mark.parametrize("step", [6, 13, 20, 23])
def test_the_best_and_the_waiting_are_kept(tmp_path, step):
    """The loss falls, so that the first epoch stays the best; three epochs later it is over."""
    options = {"early_stopping": ga.train.EarlyStopping(3, mode="max"), "plateau": None}
    options["optimizer"] = ga.optim.adam(0.01)
    whole = train(**options)
    assert (whole.best_epoch, len(whole.history), whole.stopped) == (1, 4, "early stopping")
    path = tmp_path / "run.npz"
    stopped = train(path, **options | {"augment": Stop(min(step, 18), jitter)})
    assert stopped.stopped == "interrupted"
    resumed = train(path, **options)
    assert same(resumed, whole)
    assert resumed.best_epoch == 1
    assert same(train(path, **options), whole)


def test_resumed_after_a_kill_from_the_last_file(tmp_path):
    """Nothing is written on the way out: what counts is the file of the last epoch, or of the last steps."""
    whole = train()

    class Killed(BaseException):
        pass

    def kill(count):
        calls = iter(range(10**9))

        def augment(rng, x):
            if next(calls) == count:
                raise Killed
            return jitter(rng, x)

        return augment

    for every, expected in ((None, 10), (2, 12)):
        path = tmp_path / f"{every}.npz"
        with pytest.raises(Killed):
            train(ga.train.Checkpoint(path, every), augment=kill(13))
        seen = []
        resumed = train(path, augment=lambda rng, x, seen=seen: seen.append(1) or jitter(rng, x))
        assert same(whole, resumed)
        assert len(seen) == 5 * len(whole.history) - expected


def test_more_epochs_go_on(tmp_path):
    path = tmp_path / "run.npz"
    train(path, epochs=2, early_stopping=None)
    assert same(train(path, epochs=5, early_stopping=None), train(epochs=5, early_stopping=None))


def test_another_model_is_refused_with_names(tmp_path):
    path = tmp_path / "run.npz"
    train(path, epochs=1)
    layers = [ga.nn.Linear(4, 9, name="first"), ga.tanh, ga.nn.Linear(9, 1, name="other")]
    with pytest.raises(SerializationError, match="another model") as problem:
        train(path, ga.nn.Sequential(*layers))
    for text in (
        "other_W +missing in the",
        "last_W +not in the",
        r"first_W +float64\[4, 8\] in the .* float64\[4, 9\]",
    ):
        assert re.search(text, str(problem.value)), text
    layers = [ga.nn.Linear(4, 8, dtype="float32", name="first"), ga.nn.Linear(8, 1, name="last")]
    with pytest.raises(SerializationError, match="float32"):
        train(path, ga.nn.Sequential(*layers))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": 1}, "seed .*0 in the file, 1 now"),
        ({"batch_size": 4}, "batch_size"),
        ({"shuffle": False}, "shuffle"),
        ({"drop_last": True}, "drop_last"),
        ({"validation": 0.5}, "rows"),
        ({"data": line(seed=1)}, "data"),
        ({"plateau": ga.optim.schedules.ReduceOnPlateau(0.05, patience=0, factor=0.1)}, "plateau"),
        ({"early_stopping": ga.train.EarlyStopping(3, monitor="loss")}, "monitor"),
        ({"regularizer": lambda m: 0.1 * ga.sum(ga.nn.parameters(m)[0] ** 2)}, "step"),
    ],
)
def test_another_training_is_refused(tmp_path, options, text):
    path = tmp_path / "run.npz"
    train(path, epochs=1)
    with pytest.raises(SerializationError, match=text):
        train(path, **options)


def test_another_optimizer_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    train(path, epochs=1)
    with pytest.raises(SerializationError, match="m_first_W"):
        train(path, optimizer=ga.optim.sgd)


def test_damaged_files_are_refused(tmp_path):
    """Cut anywhere, or with any byte changed: the same arrays or an error, never others."""
    path = tmp_path / "run.npz"
    train(path, epochs=1)
    good, rng = path.read_bytes(), np.random.default_rng(0)
    arrays = read_arrays(path)
    for length in (0, 1, 10, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(SerializationError, match="cannot read"):
            train(path)
    refused = 0
    for place in rng.integers(0, len(good), 150):
        path.write_bytes(good[:place] + bytes([good[place] ^ (1 << rng.integers(8))]) + good[place + 1 :])
        try:
            found = read_arrays(path)
        except SerializationError:
            refused += 1
            continue
        if list(found) == list(arrays):
            assert all(found[k].tobytes() == v.tobytes() for k, v in arrays.items())
        else:
            with pytest.raises(SerializationError):
                train(path)
    assert refused > 75


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(SerializationError, match="no checkpoint"):
        train(path)
    np.savez(path, meta=np.array([{"a": 1}], object))
    with pytest.raises(SerializationError, match="cannot read"):
        train(path)
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(SerializationError, match="one array"):
        train(tmp_path / "one.npy")
    with pytest.raises(SerializationError):
        train(tmp_path)  # a folder
    train(tmp_path / "good.npz", epochs=1)
    arrays = read_arrays(tmp_path / "good.npz")
    meta = json.loads(arrays["meta"].tobytes())
    for key in meta:  # of another version
        text = json.dumps({k: v for k, v in meta.items() if k != key}).encode()
        write_arrays(path, arrays | {"meta": np.frombuffer(text, np.uint8)})
        with pytest.raises(SerializationError, match="no checkpoint"):
            train(path)
    write_arrays(path, arrays | {"more.w": np.zeros(3)})
    with pytest.raises(SerializationError, match="no checkpoint"):
        train(path)


def test_a_checkpoint_is_never_half_a_file(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    train(path, epochs=1)
    good = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ExportError, match="No space left"):
        train(path)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_reached_is_not_lost_with_the_disk(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    whole = train(epochs=1)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ExportError, match="No space left") as problem:
        train(tmp_path / "run.npz")
    assert same(problem.value.result, whole)
    assert problem.value.result.stopped == "not written"


def test_a_folder_that_is_not_there_is_known_before_the_first_step(tmp_path):
    calls = []
    with pytest.raises(ExportError, match="cannot be written"):
        train(tmp_path / "no" / "run.npz", augment=lambda rng, x: calls.append(1) or x)
    assert not calls


def test_integers_of_numpy_are_integers(tmp_path):
    path = tmp_path / "run.npz"
    train(path, epochs=np.int64(1), seed=np.int64(3), batch_size=np.int32(8), shuffle=np.True_)
    assert same(train(path, epochs=2, seed=3), train(epochs=2, seed=3))


def test_equal_trainings_write_equal_arrays(tmp_path):
    for name in ("a.npz", "b.npz"):
        train(tmp_path / name, epochs=2)
    a, b = (read_arrays(tmp_path / name) for name in ("a.npz", "b.npz"))
    assert list(a) == list(b)
    assert all(a[k].tobytes() == b[k].tobytes() for k in a if k != "meta")


def test_parameters_are_saved_and_loaded(tmp_path):
    path, model = tmp_path / "model.npz", noisy_model()
    result = train(model=model, epochs=1)
    result.save(path)
    values = ga.train.load_parameters(path, model)
    assert all(values[k].tobytes() == v.tobytes() for k, v in result.values.items())
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == set(result.values)
    ga.train.save_parameters(path, {"file": 3.0, "empty": np.zeros((0, 2), "float32")})
    found = ga.train.load_parameters(path)
    assert found["file"].shape == ()
    assert found["empty"].shape == (0, 2)
    with pytest.raises(SerializationError, match=r"first_W +missing"):
        ga.train.load_parameters(path, model)
    with pytest.raises(SerializationError, match="No such file"):
        ga.train.load_parameters(tmp_path / "none.npz")


def test_equal_arrays_give_equal_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, {"W": np.arange(3)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_every_is_a_number_of_steps():
    with pytest.raises(ArgumentError, match="every"):
        ga.train.Checkpoint("run.npz", 0)
