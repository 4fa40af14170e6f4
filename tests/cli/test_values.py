"""Values of inputs on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad.cli.failing import Refused
from graphad.cli.values import read_values

x, n, z = ga.input("x", ("batch", 2)), ga.input("n", (), "int64"), ga.input("z", (), "complex128")
GRAPH = ga.Graph([x, n, z], [ga.sum(x) * n * z])


def read(*texts, graph=GRAPH, **options):
    return read_values(texts, graph, **options)


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones((4, 2)))
    np.savez("all.npz", x=np.zeros((3, 2)), n=2, z=1j)
    Path("all.json").write_text(json.dumps({"x": [[1, 2]], "n": 3, "z": 0}))


def test_numbers_lists_and_files():
    found = read("x=x.npy", "n=3", "z=1+2j")
    assert (found["x"].shape, int(found["n"]), complex(found["z"])) == ((4, 2), 3, 1 + 2j)
    assert read("x=[[1, 2.5]]", "n=-1", "z=0")["x"].tolist() == [[1.0, 2.5]]
    assert np.isnan(read("x=nan", "n=1", "z=1", graph=GRAPH)["x"])
    assert read("all.npz")["x"].shape == (3, 2)
    assert read("all.json")["x"].tolist() == [[1, 2]]
    assert read("all.npz", "n=7")["n"] == 7


def test_random_fills_in_what_is_missing():
    found = read("x=x.npy", "random", seed=1)
    assert found["x"].shape == (4, 2)
    assert set(found) == {"x", "n", "z"}
    assert read("random", sizes={"batch": 6})["x"].shape == (6, 2)
    assert read("random", seed=1)["x"].tolist() == read("random", seed=1)["x"].tolist()
    assert read("random", seed=1)["x"].tolist() != read("random", seed=2)["x"].tolist()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["x=x.npy"], "no value for n, z"),
        (["w=1", "random"], "there is no input 'w'"),
        (["X=1", "random"], "The inputs are x: f64[batch, 2], n: i64[], z: c128[]"),
        (["x=nothing.npy"], "there is no file nothing.npy"),
        (["nothing.npz"], "there is no file nothing.npz"),
        (["x=two"], "not a number, a list"),
        (["x=[1, [2, 3]]", "random"], "different lengths"),
        (["x='text'", "random"], "holds no numbers"),
        (["data"], "write x=1.5, x=x.npy, data.npz, data.json or random"),
        (["x=x.json"], "there is no file x.json"),
        (["bad.json"], "cannot be read"),
        (["list.json"], "expected values by name"),
        (["bad.npz"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(texts, words):
    Path("bad.json").write_text("{")
    Path("list.json").write_text("[1]")
    Path("bad.npz").write_bytes(b"no zip")
    with pytest.raises(Refused) as problem:
        read(*texts)
    assert words in problem.value.message
    assert "\n" not in problem.value.message
