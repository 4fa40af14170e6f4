"""The main job, with a small budget."""

from click.testing import CliRunner

from graphad.cli import main
from graphad.demo import declare, training_step


def test_demo_makes_everything(tmp_path):
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path / "made"), "--epochs", "15"])
    assert result.exit_code == 0, result.output
    made = sorted(p.name for p in (tmp_path / "made").iterdir())
    assert made == ["backward.svg", "digits.html", "digits_step.py", "forward.svg"]
    assert "all as it should be" in result.output
    assert "test accuracy" in result.output


def test_demo_fails_honestly_when_it_has_not_learned(tmp_path, monkeypatch):
    monkeypatch.setattr("graphad.demo.GOAL", 1.01)
    result = CliRunner().invoke(main, ["demo", "--out", str(tmp_path), "--epochs", "1"])
    assert result.exit_code == 1
    assert "not as it should be" in result.output


def test_tied_weight_is_summed():
    step = training_step(declare(), 0.1)
    d_W = next(n for n in step.graph.nodes if n.name == "d_W")
    assert d_W.op.name == "sum_n"
    assert len(d_W.inputs) == 2
