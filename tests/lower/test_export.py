"""Exported modules: numpy alone, equal to the compiled function, checking themselves in a fresh interpreter."""

import ast
import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, ExportError


def mlp():
    x, y = ga.input("x", ("batch", 5)), ga.input("y", ("batch",), "int64")
    W, b = ga.parameter("W", (5, 3)), ga.parameter("b", (3,))
    logits = ga.sigmoid(x @ W + b)
    loss = -ga.mean(ga.sum(ga.log_softmax(logits) * ga.one_hot(y, 3), axis=1))
    d_W, d_b = ga.grad(loss, [W, b])
    return ga.compile([x, y, W, b], {"loss": loss, "grads": [d_W, d_b]}, updates={W: W - 0.1 * d_W}, name="mlp")


def indexing():
    x, i = ga.input("x", ("n", 4)), ga.input("i", (3,), "int64")
    table = ga.constant(np.random.default_rng(0).standard_normal((40, 4)))
    y = ga.sum(x[i] * table[1:4]) + ga.sum(ga.exp(x[2:, ::-1])) + ga.sum(x.at[0].set(1.0) ** 2)
    return ga.compile([x, i], [y, ga.grad(y, x)], name="indexing")


def noisy():
    x = ga.input("x", ("n",))
    y = ga.sum(ga.tanh(x + ga.random.normal(0.0, 0.1, x.shape)))
    return ga.compile([x], [y, ga.grad(y, x)], name="noisy")


def single():
    x = ga.input("x", (4,), "float32")
    y = ga.sum(ga.softplus(x) * np.float32(0.1))
    return ga.compile([x], [y, ga.grad(y, x)], name="single")


def no_gradient():
    x = ga.input("x", (4,))
    return ga.compile([x], x + np.inf, name="no_gradient")


MAKES = [mlp, indexing, noisy, single, no_gradient]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(path):
    return subprocess.run(
        [sys.executable, "-I", str(path), "--self-check"], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("make", MAKES, ids=lambda m: m.__name__)
def test_module_checks_itself(make, tmp_path):
    f = make()
    path = f.export(tmp_path / f"{f.name}.py")
    done = check(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
    assert done.stdout.count("\n") >= 1
    assert done.stderr == ""


@pytest.mark.parametrize("make", MAKES, ids=lambda m: m.__name__)
def test_module_imports_numpy_alone(make, tmp_path):
    f = make()
    tree = ast.parse(f.export(tmp_path / "m.py").read_text())
    imports = [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert imports == ["import numpy as np"]
    assert len(next(n.value.value for n in tree.body if isinstance(n, ast.Assign))) == 16  # the graph's hash


def test_module_equals_the_compiled_function(tmp_path):
    f, g = mlp(), indexing()
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(6, 5)), rng.integers(0, 3, 6), rng.normal(size=(5, 3)), rng.normal(size=3)]
    a, b = ([v.copy() for v in values] for _ in range(2))
    ours, theirs = f(*a), load(f.export(tmp_path / "f.py")).mlp(*b)
    np.testing.assert_array_equal(a[2], b[2])
    assert not np.array_equal(a[2], values[2])
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=1e-15)
    for p, q in zip(ours["grads"], theirs["grads"], strict=True):
        np.testing.assert_array_equal(p, q)
    values = [rng.normal(size=(7, 4)), np.array([0, 3, 0])]
    for p, q in zip(g(*values), load(g.export(tmp_path / "g.py")).indexing(*values), strict=True):
        np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize(
    ("make", "right", "wrong"),
    [(mlp, "d_b = np.sum(", "d_b = 1.001 * np.sum("), (single, "d_x = 0.1 *", "d_x = 0.2 *")],
)
def test_a_corrupted_gradient_is_found(make, right, wrong, tmp_path):
    path = make().export(tmp_path / "bad.py")
    text = path.read_text()
    assert text.count(right) == 1, text
    path.write_text(text.replace(right, wrong))
    done = check(path)
    assert done.returncode == 1
    assert "FAIL d " in done.stdout


def test_a_wrong_result_type_is_found(tmp_path):
    path = no_gradient().export(tmp_path / "bad.py")
    text = path.read_text()
    assert text.count("    return t0\n") == 1, text
    path.write_text(text.replace("    return t0\n", "    return t0[1:]\n"))
    done = check(path)
    assert done.returncode == 1
    assert "FAIL" in done.stdout


def test_nothing_is_written_on_failure(tmp_path):
    f = single()
    with pytest.raises(ArgumentError, match="readable"):
        f.export(tmp_path / "m.py", style="shiny")
    with pytest.raises(ArgumentError, match=r"\.py"):
        f.export(tmp_path / "m.txt")
    with pytest.raises(ExportError, match="cannot write"):
        f.export(tmp_path / "none" / "m.py")
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_survives_a_failing_write(tmp_path, monkeypatch):
    import os

    path = tmp_path / "m.py"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ExportError, match="No space"):
        single().export(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["m.py"]
