"""A folder with the sample model and the files that examples name; the command, run in it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import graphad as ga
from graphad.cli import main

SAMPLE = Path(__file__).parent / "sample"
ANSWERS = {"1": "2 * (h @ w2 - y) / batch"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(SAMPLE / "model.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    shapes = {"x": (5, 3), "y": (5,), "W1": (3, 4), "b1": (4,), "w2": (4,)}
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    np.savez("data.npz", **arrays)
    np.save("W1.npy", arrays["W1"])
    Path("data.json").write_text(json.dumps({name: a.tolist() for name, a in arrays.items()}))
    Path("answers.json").write_text(json.dumps(ANSWERS))
    a = ga.input("a", (2,))
    ga.Graph([a], [ga.sum(a * a)], name="saved").save("saved.json")
    return tmp_path


@pytest.fixture
def graphad(folder):
    """Run a command line; what it printed, and how it ended."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="graphad")
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        assert "Traceback" not in result.output
        return result

    return run
