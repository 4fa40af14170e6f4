"""What is shown of a training: table, file, plots, progress."""

import builtins
import csv
import io

import numpy as np
import pytest
from rich.console import Console
from training import line, noisy_model

import graphad as ga
from graphad.errors import ArgumentError, MissingDependencyError
from graphad.train import progress
from graphad.train.snapshot import At

ROWS = tuple({"epoch": k, "loss": 1 / k, "val_loss": 2 / k, "confusion": [[k]], "seconds": 0.5} for k in range(1, 31))
HISTORY = ga.train.History(ROWS)


def train(**options):
    options = {"epochs": 2, "batch_size": 8, "progress": False} | options
    model = options.pop("model", None) or noisy_model()
    return ga.train.fit(model, ga.nn.mse_loss, ga.optim.adam(0.01), line(), **options)


def test_a_history_is_a_table():
    text = str(HISTORY)
    lines = text.splitlines()
    assert lines[0].split() == ["epoch", "loss", "val_loss", "seconds"]
    assert lines[2].split() == ["1", "1", "2", "0.5"]
    assert lines[4].split() == ["3", "0.3333", "0.6667", "0.5"]
    assert "…" in text
    assert len(lines) == 23
    assert str(ga.train.History()) == "history: no epochs"
    assert len(str(ga.train.History(ROWS[:20])).splitlines()) == 22


def test_columns():
    np.testing.assert_array_equal(HISTORY.column("loss"), [1 / k for k in range(1, 31)])
    assert HISTORY.column("confusion").shape == (30, 1, 1)
    assert len(HISTORY) == 30
    assert list(HISTORY) == list(ROWS)
    with pytest.raises(ArgumentError, match=r"no column 'lost'.*\n.*epoch, loss"):
        HISTORY.column("lost")


def test_a_history_is_saved_as_csv(tmp_path):
    path = HISTORY.save(tmp_path / "run.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [float(r["loss"]) for r in rows] == list(HISTORY.column("loss"))
    assert list(rows[0]) == ["epoch", "loss", "val_loss", "seconds"]
    with pytest.raises(ArgumentError, match="csv"):
        HISTORY.save(tmp_path / "run.txt")


def test_losses_are_plotted(tmp_path):
    pytest.importorskip("matplotlib")
    result = train(validation=0.2, metrics=["r2"])
    figure = result.history.plot()
    first, second = figure.axes
    np.testing.assert_array_equal(first.lines[1].get_ydata(), result.history.column("val_loss"))
    assert [line.get_label() for line in first.lines] == ["loss", "val_loss"]
    assert second.get_title() == "val_r2"
    figure.savefig(tmp_path / "run.png")
    schedule = ga.optim.schedules.linear(0.1, 20)
    rated = ga.train.fit(noisy_model(), ga.nn.mse_loss, ga.optim.sgd(schedule), line(), epochs=2, progress=False)
    assert [a.get_title() for a in rated.history.plot().axes] == ["loss", "rate"]
    with pytest.raises(ArgumentError, match="no epochs"):
        ga.train.History().plot()


def test_plots_without_matplotlib_say_what_to_install(monkeypatch):
    importer = builtins.__import__

    def missing(name, *args):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return importer(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingDependencyError, match=r"graphad\[plot\]"):
        HISTORY.plot()


def sigmoid_tower(scale):
    layers = []
    for k in range(4):
        layers += [
            ga.nn.Linear(4, 4, name=f"l{k}", start=lambda rng, shape, dtype: rng.normal(0, scale, shape)),
            ga.tanh,
        ]
    return ga.nn.Sequential(*layers, ga.nn.Linear(4, 1, name="out"))


def test_histograms_show_vanishing_exploding_and_dead_units():
    x, y = line()
    small, large = (
        ga.train.activation_histograms(sigmoid_tower(scale), x, y, loss=ga.nn.mse_loss) for scale in (0.05, 5.0)
    )
    assert [s.name for s in small.activations] == ["l0: tanh", "l1: tanh", "l2: tanh", "l3: tanh", "out"]
    sizes = [s.values.std() for s in small.activations[:4]]
    assert sizes[0] > 5 * sizes[1] > 25 * sizes[2]
    gradients = [s.values.std() for s in small.gradients[:4]]
    assert gradients[3] > 5 * gradients[2] > 25 * gradients[1]
    assert np.abs(large.activations[3].values).mean() > 0.8, "saturated"
    model = ga.nn.Sequential(ga.nn.Linear(4, 3, name="a"), ga.nn.relu, ga.nn.Linear(3, 1, name="b"))
    values = {"a_W": np.zeros((4, 3)), "a_b": np.array([-1.0, 1.0, -1.0]), "b_W": np.ones((3, 1)), "b_b": np.zeros(1)}
    dead = ga.train.activation_histograms(model, x, values=values)
    assert dead.activations[0].dead == dead.activations[0].zeros == pytest.approx(2 / 3)
    assert "67%" in str(dead)
    assert dead.gradients == ()


def test_histograms_are_those_of_plain_numpy(tmp_path):
    x, y = line()
    model = sigmoid_tower(0.5)
    found = ga.train.activation_histograms(model, x, y, loss=ga.nn.mse_loss, seed=3)
    v, h, hidden = ga.nn.initial(model, 3), x, []
    for k in range(4):
        h = np.tanh(h @ v[f"l{k}_W"] + v[f"l{k}_b"])
        hidden.append(h)
    out = h @ v["out_W"] + v["out_b"]
    for spread, expected in zip(found.activations, [*hidden, out], strict=True):
        np.testing.assert_allclose(spread.values, expected, rtol=1e-12, atol=1e-14)
    d_out = 2 * (out - y) / len(x)
    np.testing.assert_allclose(found.gradients[4].values, d_out, rtol=1e-12)
    d_h = d_out @ v["out_W"].T
    np.testing.assert_allclose(found.gradients[3].values, d_h, rtol=1e-12)
    parameters = {s.name: s.values for s in found.parameters}
    assert list(parameters) == list(v)
    np.testing.assert_allclose(parameters["out_W"], h.T @ d_out, rtol=1e-12)
    np.testing.assert_allclose(parameters["l3_b"], (d_h * (1 - h**2)).sum(0), rtol=1e-12)
    pytest.importorskip("matplotlib")
    figure = found.plot()
    assert [a.get_title() for a in figure.axes if a.get_visible()][-1] == "d_out_W"
    figure.savefig(tmp_path / "histograms.png")


def test_a_layer_that_is_used_twice_is_shown_twice():
    layer = ga.nn.Linear(4, 4, name="a")
    model = ga.nn.Sequential(layer, ga.tanh, layer, ga.tanh, layer)
    found = ga.train.activation_histograms(model, line()[0])
    assert [s.name for s in found.activations] == ["a: tanh", "a: tanh 2", "a"]


def test_histograms_of_a_fit():
    model = noisy_model()
    result = train(model=model)
    found = ga.train.activation_histograms(result, *line())
    assert [s.name for s in found.activations] == ["first", "centered: divide", "last"]
    assert {s.name for s in found.parameters} == {str(p.name) for p in ga.nn.parameters(model)}
    np.testing.assert_allclose(
        found.activations[0].values, line()[0] @ result.values["first_W"] + result.values["first_b"], rtol=1e-12
    )
    with pytest.raises(ArgumentError, match="no array 'first_W'"):
        ga.train.activation_histograms(model, *line(), values={})


def test_without_a_terminal_there_is_a_line_per_epoch(capsys):
    train(progress=True, validation=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch 1/2  loss ")
    assert "val_loss" in lines[1]
    train(progress=False)
    out = capsys.readouterr()
    assert out.out == out.err == ""


def test_on_a_terminal_there_is_a_bar_with_loss_and_time_left(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "_console", lambda: Console(file=screen, force_terminal=True, width=100))
    with progress.Reporter(True, 3, 10) as reporter:
        reporter.step(At(0, 5), 0.25)
        reporter.epoch({"epoch": 1, "loss": 0.25, "seconds": 0.1})
        reporter.step(At(1, 5), 0.125)
    text = screen.getvalue()
    assert "epoch 1/3" in text
    assert "10/30" in text
    assert "loss 0.25" in text
    assert "0:0" in text or "-:--" in text, "the time left"
    train(progress=True)
    assert "20/20" in screen.getvalue() or "14/14" in screen.getvalue()


def test_a_fit_says_in_short_how_it_went():
    assert repr(train()).startswith("<fit: finished after 2 epochs, loss ")
    assert repr(train(epochs=0)) == "<fit: finished after 0 epochs>"
