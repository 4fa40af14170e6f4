"""Ctrl-C and nan: the last good state is kept, whenever they come."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from training import Noisy, line, noisy_model, same

import graphad as ga
from graphad.errors import NonFiniteError
from graphad.lower.compile import Function
from graphad.nn.init import ones
from graphad.train import loop
from graphad.train.snapshot import At, Snapshot

FOLDER = str(Path(loop.__file__).parent)


def train(path=None, **options):
    options = {"epochs": 4, "batch_size": 8, "progress": False, "validation": 0.2} | options
    model, optimizer = options.pop("model", noisy_model()), options.pop("optimizer", ga.optim.adam(0.02))
    return ga.train.fit(model, options.pop("loss", ga.nn.mse_loss), optimizer, line(), checkpoint=path, **options)


def after(count):
    """The arrays after so many steps, from trainings that end there; 5 steps make an epoch."""
    result = train(epochs=count // 5)
    assert count % 5 == 0
    return result


def test_an_interrupt_between_epochs_returns_what_was_reached():
    def interrupt(found):
        if len(found.history) == 3:
            raise KeyboardInterrupt

    result = train(on_epoch=interrupt)
    assert result.stopped == "interrupted"
    assert same(result, after(15))
    assert np.isfinite(result.evaluate(line())["loss"])


@pytest.mark.parametrize("count", [1, 7, 20])
@pytest.mark.parametrize("share", [0.02, 1e-9, 1e9])  # copies as usual, at the start of epochs only, at every step
def test_a_step_torn_by_an_interrupt_is_undone(monkeypatch, tmp_path, count, share):
    monkeypatch.setattr("graphad.train.snapshot.SHARE", share)
    whole, call, calls = train(), Function.__call__, []

    def torn(self, *arrays, **options):
        result = call(self, *arrays, **options)
        calls.append(self.name)
        if calls.count("training_step") == count and self.name == "training_step":
            for array in arrays[2:5]:
                array[...] = 1e6  # some parameters are written, others are not
            calls.append("training_step")
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Function, "__call__", torn)
    result = train(tmp_path / "run.npz")
    monkeypatch.setattr(Function, "__call__", call)
    assert result.stopped == "interrupted"
    assert len(result.history) == (count - 1) // 5
    assert np.isfinite(result.evaluate(line())["loss"])
    assert same(train(tmp_path / "run.npz"), whole)


def test_an_interrupt_at_any_line_loses_nothing(tmp_path, monkeypatch):
    """Python raises it between any two lines: here at many of those that `Loop.run` guards, one after the other."""
    monkeypatch.setattr("graphad.train.snapshot.SHARE", 1e9)  # a copy after each step, whatever the clock says
    count = stop = 0

    def trace(frame, event, argument):
        nonlocal count
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        if event == "line" and is_guarded(frame):
            count += 1
            if count == stop:
                raise KeyboardInterrupt
        return trace

    def is_guarded(frame):
        while frame is not None and frame.f_code is not loop.Loop._epoch.__code__:
            frame = frame.f_back
        return frame is not None

    def short(path=None):
        model = ga.nn.Sequential(Noisy(), ga.nn.Linear(4, 1, name="line"))
        return train(path, model=model, epochs=2, batch_size=15, metrics=["r2"])

    whole = short()
    sys.settrace(trace)
    short(tmp_path / "all.npz")
    sys.settrace(None)
    total = count
    assert total > 400
    for number in range(1, total, total // 25):
        path = tmp_path / f"{number}.npz"
        count, stop = 0, number
        sys.settrace(trace)
        result = short(path)
        sys.settrace(None)
        assert result.stopped == "interrupted", number
        assert same(short(path), whole), number


@dataclass(frozen=True, eq=False)
class Logarithm(ga.nn.Layer):
    """x · log w: nan when a step makes w negative."""

    w: ga.Node = field(init=False)

    def __post_init__(self):
        ga.nn.declare(self, "logarithm", w=((4,), ones))

    def forward(self, x):
        return ga.sum(x * ga.log(self.w), axis=1, keepdims=True)


LOG = (
    Path(__file__).read_text().splitlines().index("        return ga.sum(x * ga.log(self.w), axis=1, keepdims=True)")
    + 1
)


@pytest.mark.parametrize("share", [0.02, 1e-9, 1e9])
@pytest.mark.parametrize("size", [8, None])
def test_nan_stops_before_it_spoils_the_parameters_and_names_the_line(monkeypatch, tmp_path, share, size):
    monkeypatch.setattr("graphad.train.snapshot.SHARE", share)
    model, path = Logarithm(), tmp_path / "run.npz"
    options = {"model": model, "optimizer": ga.optim.sgd(0.5), "batch_size": size, "epochs": 60}
    with pytest.raises(NonFiniteError, match=r"epoch \d+, step \d+: .*log gave nan") as problem:
        train(path, **options)
    error = problem.value
    assert (Path(error.file), error.line, error.op) == (Path(__file__), LOG, "log")
    result = error.result
    assert result.stopped == "nan"
    assert all(np.isfinite(v).all() for v in result.values.values())
    assert np.isfinite(result.history.column("loss")).all()
    again = result.values["logarithm_w"].copy()
    assert (again < 0).any(), "the next step takes its logarithm"
    epochs = len(result.history)
    if size is None:
        before = train(**options | {"epochs": epochs})
        assert before.values["logarithm_w"].tobytes() == again.tobytes()
    resumed = train(path, **options | {"epochs": epochs})
    assert len(resumed.history) == epochs, "the checkpoint is that of the last good epoch"


def test_a_step_that_makes_parameters_infinite_is_undone(monkeypatch):
    """The loss is finite, the update is not; it is found at the end of the epoch, in which it is the last step."""
    monkeypatch.setattr("graphad.train.snapshot.SHARE", 1e-9)
    with np.errstate(over="ignore"):
        rate = 1e308 * 1.5
    with pytest.raises(NonFiniteError, match=r"epoch 1, step 1: new_line_W is not finite") as problem:
        train(model=ga.nn.Linear(4, 1, name="line"), optimizer=ga.optim.sgd(rate), batch_size=None)
    start = ga.nn.initial(ga.nn.Linear(4, 1, name="line"), 0)
    assert problem.value.result.values["line_W"].tobytes() == start["line_W"].tobytes()
    assert len(problem.value.result.history) == 0


def test_exploding_training_is_stopped_at_the_step_where_it_overflows():
    model = ga.nn.Linear(4, 1, name="line")
    with pytest.raises(NonFiniteError) as problem:
        train(model=model, optimizer=ga.optim.sgd(50.0), epochs=500, validation=None)
    found = problem.value.result
    assert "clipped gradients may help" in str(problem.value)
    size = np.abs(found.values["line_W"]).max()
    assert 1e100 < size < np.inf
    assert len(str(problem.value).splitlines()) <= 12


def test_nan_of_draws_is_found_with_the_same_draws():
    def loss(prediction, y):
        return ga.nn.mse_loss(prediction, y) + 1e-9 * ga.sum(ga.log(ga.random.uniform(shape=(3,)) - 0.02))

    with pytest.raises(NonFiniteError, match="log gave nan") as problem:
        train(loss=loss, epochs=100, validation=None)
    assert problem.value.file == __file__


def test_copies_cost_little():
    """A share of the time at most, also for many parameters."""
    snapshot = Snapshot([np.zeros(10**6)])
    assert snapshot.take(At())
    assert not snapshot.is_due()


def test_large_is_not_infinite():
    array = np.full(5, 1e308)
    snapshot = Snapshot([array, np.array([np.inf]), np.arange(3)])  # what is infinite from the beginning is not watched
    with np.errstate(over="ignore"):
        assert snapshot.take(At())
        array[2] = np.inf
        assert not snapshot.take(At(1))
        array[2] = np.nan
        assert not snapshot.is_good()
    snapshot.restore()
    assert snapshot.at == At()
    assert np.all(array == 1e308)
