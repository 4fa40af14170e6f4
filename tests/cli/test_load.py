"""Targets: what a name finds, and the one paragraph that is said when it finds nothing."""

import sys
from pathlib import Path

import pytest

from graphad.cli.failing import Refused
from graphad.cli.load import load
from graphad.ir.graph import Graph
from graphad.lower.compile import Function

HEAD = "import graphad as ga\nx = ga.input('x', (3,))\ny = ga.sum(x * x)\n"


def write(text, name="other.py"):
    Path(name).write_text(HEAD + text)
    return name


def message(target):
    with pytest.raises(Refused) as problem:
        load(target)
    assert len(problem.value.message.splitlines()) <= 12
    return problem.value.message


@pytest.mark.usefixtures("folder")
class TestFound:
    def test_a_graph_a_function_a_loss_and_a_function_that_returns_one(self):
        write(
            "g = ga.Graph([x], [y], name='inner')\n"
            "f = ga.compile([x], y, name='f')\n"
            "def build(scale=2): return y * scale"
        )
        assert isinstance(load("other.py:g").graph, Graph)
        assert load("other.py:g").name == "g"
        assert isinstance(load("other.py:f").function, Function)
        assert [n.name for n in load("other.py:y").graph.inputs] == ["x"]
        assert load("other.py:build").graph.outputs[0].op.name == "multiply"
        assert load("model.py:forward").graph.name == "hidden"

    def test_without_a_name_the_only_one(self):
        assert load(write("g = ga.Graph([x], [y])\n_hidden = ga.Graph([x], [y])\nagain = g")).name == "g"
        assert load(write("")).name == "y"
        assert load("model.py").name == "step"
        assert load("saved.json").graph.name == "saved"

    def test_inputs_stand_in_the_order_of_their_declaration(self):
        assert [n.name for n in load("model.py:loss").graph.inputs] == ["x", "y", "W1", "b1", "w2"]

    def test_attributes_and_lists(self):
        write("class Box: pass\nbox = Box()\nbox.loss = y\nseveral = [y, x * 2]")
        assert load("other.py:box.loss").name == "loss"
        assert len(load("other.py:several").graph.outputs) == 2

    def test_a_module(self, monkeypatch):
        monkeypatch.syspath_prepend(".")
        Path("a_module_of_mine.py").write_text(HEAD)
        assert load("a_module_of_mine:y").name == "y"
        sys.modules.pop("a_module_of_mine")

    def test_the_file_is_run_as_its_own_folder_would(self, capsys):
        Path("deep").mkdir()
        Path("deep/beside_it.py").write_text("factor = 3")
        text = "from beside_it import factor\nprint('noise')\nz = y * factor\n"
        path, modules = list(sys.path), set(sys.modules)
        loaded = load(write(f"{text}if __name__ == '__main__': raise SystemExit(5)", "deep/model.py") + ":z")
        assert loaded.name == "z"
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "noise\n")
        assert sys.path == path
        assert set(sys.modules) - modules == {"beside_it"}
        sys.modules.pop("beside_it")

    def test_dataclasses_and_lines(self):
        text = "from __future__ import annotations\nfrom dataclasses import dataclass\n" + HEAD
        Path("other.py").write_text(text + "@dataclass\nclass C:\n    a: int = 1\nz = y * C().a\n")
        node = load("other.py:z").graph.outputs[0]
        assert node.origin.location == "other.py:9"
        assert node.origin.source_line() == "z = y * C().a"

    def test_a_file_named_as_a_module_of_python(self):
        assert load(write("", "random.py") + ":y").name == "y"
        assert not hasattr(__import__("random"), "y")


@pytest.mark.usefixtures("folder")
class TestRefused:
    def test_no_such_file(self):
        assert "there is no file modle.py. Did you mean model.py?" in message("modle.py:loss")
        assert "there is no folder nowhere" in message("nowhere/model.py:loss")
        assert "Did you mean saved.json" in message("savd.json")

    def test_no_such_name(self):
        said = message("model.py:los")
        assert "Did you mean loss?" in said
        assert all(word in said for word in ("step (Function)", "loss (loss)", "forward (function)"))
        assert "has no attribute 'nothing'" in message("model.py:loss.nothing")

    def test_several_and_none(self):
        said = message(write("g = ga.Graph([x], [y])\nf = ga.compile([x], y)"))
        assert "other.py:g (Graph), other.py:f (Function)" in said
        Path("empty.py").write_text("number = 3\n")
        assert "has no Graph, Function or loss" in message("empty.py")

    def test_something_else(self):
        assert "number is of type int" in message(write("number = 3") + ":number")
        assert "needs arguments (a)" in message(write("def wants(a): return y") + ":wants")

    def test_no_such_module(self):
        assert "there is no module nothing_of_the_kind" in message("nothing_of_the_kind:x")
        Path("lonely.py").write_text(HEAD)
        sys.path_importer_cache.clear()
        assert "no target" in message("")
        assert "no target" in message("a b c")

    def test_errors_in_the_file_name_its_line(self):
        assert message(write("z = undefined_name * 2")) == (
            "other.py:4: z = undefined_name * 2\nNameError: name 'undefined_name' is not defined"
        )
        said = message(write("bad = ga.ones((2, 3)) @ x.reshape(3, 1).T"))
        assert said.startswith("other.py:4: bad = ")
        assert "ShapeError: matmul" in said
        assert "other.py:5: return [][1]" in message(write("def build():\n    return [][1]") + ":build")
        assert "ModuleNotFoundError: No module named 'nowhere_to_be_found'" in message(
            write("import nowhere_to_be_found")
        )

    def test_what_is_no_python(self):
        Path("other.py").write_text("def f(:\n")
        assert "other.py:1 is no Python" in message("other.py")
        Path("other.py").write_bytes(b"\xff\xfe\x00bad")
        assert "other.py" in message("other.py")

    def test_a_file_that_ends_the_program(self):
        assert "ends the program (exit code 3)" in message(write("raise SystemExit(3)"))

    def test_json_that_is_no_graph(self, graphad):
        Path("no.json").write_text("{}")
        assert "no.json" in graphad("draw", "no.json", code=2).stderr
        assert "holds one graph" in message("saved.json:loss")
