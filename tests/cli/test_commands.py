"""What each command makes of its target."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graphad.cli.check import _apart

ESCAPE = "\x1b"


def python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, **options)


def command(*arguments, **options):
    """The command in a process of its own."""
    return python("-c", "from graphad.cli import main; main(prog_name='graphad')", *arguments, **options)


# draw ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"// made by")]
)
def test_drawings_by_ending(graphad, ending, start):
    graphad("draw", "model.py:loss", "-o", f"a.{ending}")
    assert Path(f"a.{ending}").read_bytes().startswith(start)


def test_options_of_drawings_are_passed_on(graphad):
    def dot(*options):
        return graphad("draw", "model.py:loss", "-o", "-", *options).stdout

    plain = dot()
    assert plain.startswith("// made by graphad")
    assert "d_W1" not in plain
    assert "d_W1" in dot("--wrt", "W1")
    assert all(f"d_{p}" in dot("--wrt", "all") for p in ("W1", "b1", "w2"))
    assert "d_x" not in dot("--wrt", "all")
    different = [
        ("--rankdir", "LR"),
        ("--theme", "dark"),
        ("--no-legend",),
        ("--depth", "0"),
        ("--color-by", "dtype"),
        ("--values", "data.npz"),
        ("--wrt", "all", "--view", "backward"),
        ("--wrt", "all", "--layout", "flow"),
        ("--wrt", "all", "--layout", "mirror"),
    ]
    texts = [plain, *(dot(*options) for options in different)]
    assert len(set(texts)) == len(texts)
    assert dot("--color-by", "time") != plain


def test_a_folder_takes_the_usual_name(graphad):
    Path("pictures").mkdir()
    assert graphad("draw", "model.py:loss", "-o", "pictures").stdout == "wrote pictures/loss.svg\n"
    assert Path("pictures/loss.svg").stat().st_size > 1000


def test_bad_options_are_refused_in_a_paragraph(graphad, folder):
    before = sorted(folder.iterdir())
    for options, words in [
        (("--view", "sideways"), "'joint'"),
        (("-o", "a.gif"), ".svg"),
        (("-o", "nowhere/a.svg"), "there is no folder nowhere"),
        (("--wrt", "W3"), "Did you mean W1"),
        (("--wrt", "nothing"), "The inputs are x, y, W1, b1, w2"),
        (("--loss", "los", "--wrt", "W1"), "Did you mean loss"),
        (("--values", "x=1"), "no value for y, W1, b1, w2"),
        (("--size", "batch"), "such as batch=4"),
        (("--size", "rows=4", "--values", "random"), "'rows' is no named size"),
        (("--values", "x=[[1,2]]", "--values", "random"), "x"),
    ]:
        said = graphad("draw", "model.py:loss", *options, code=2).stderr
        assert words in said, said
        assert len(said.splitlines()) <= 8
    assert sorted(folder.iterdir()) == before


def test_the_loss_is_asked_for_where_several_could_be_it(graphad):
    text = Path("model.py").read_text()
    Path("two.py").write_text(f"{text}\npenalty = ga.sum(W1**2)\ng = ga.Graph([x, y, W1, b1, w2], [loss, penalty])\n")
    assert "--loss NAME" in graphad("draw", "two.py:g", "--wrt", "W1", code=2).stderr
    dot = graphad("draw", "two.py:g", "--wrt", "W1", "--loss", "penalty", "-o", "-").stdout
    assert "d_W1" in dot
    assert "d_h" not in dot


# export, explain, profile -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["readable", "fast", "plain"])
def test_exported_modules_check_themselves(graphad, style):
    graphad("export", "model.py:loss", "--grad", "all", "--style", style, "-o", "out.py")
    done = python("out.py", "--self-check")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("d loss / d ") == 3
    source = graphad("export", "model.py:loss", "--grad", "all", "--style", style, "-o", "-").stdout
    assert source == Path("out.py").read_text()
    ast.parse(source)


def test_the_styles_differ(graphad):
    texts = {
        s: graphad("export", "model.py:loss", "--wrt", "all", "--style", s, "-o", "-").stdout
        for s in ("readable", "fast", "plain")
    }
    assert len(set(texts.values())) == 3


@pytest.mark.parametrize("style", ["readable", "plain"])
def test_updates_stay_in_place(graphad, style):
    for more in ([], ["--wrt", "b1"]):
        source = graphad("export", "model.py:step", "--style", style, *more, "-o", "-").stdout
        assert "Updated in place: W1" in source
        assert re.search(r"return loss(, d_b1)?\n", source)
        assert ("return loss, d_b1" in source) == bool(more)


def test_export_does_not_write_over_what_others_wrote(graphad):
    Path("loss.py").write_text("mine = 1\n")
    Path("compute_loss.py").write_text("mine = 1\n")
    assert "was not made by graphad" in graphad("export", "model.py:loss", code=2).stderr
    assert Path("compute_loss.py").read_text() == "mine = 1\n"
    assert "the file that the target comes from" in graphad("export", "model.py:loss", "-o", "model.py", code=2).stderr
    Path("compute_loss.py").unlink()
    graphad("export", "model.py:loss")
    graphad("export", "model.py:loss")
    assert "let it end in .py" in graphad("export", "model.py:loss", "-o", "out.txt", code=2).stderr


def test_explain(graphad):
    text = graphad("explain", "model.py:loss", "h").stdout
    assert "model.py:12: h = ga.tanh(x @ W1 + b1)" in text
    assert "generated" in text
    assert "vjp of matmul" in graphad("explain", "model.py:loss", "d_W1", "--wrt", "W1").stdout
    assert "vjp of matmul" in graphad("explain", "model.py:step", "d_h").stdout
    said = graphad("explain", "model.py:loss", "hh", code=2).stderr
    assert "Did you mean h?" in said
    assert "--wrt adds gradients" in said


def test_profile(graphad):
    text = graphad("profile", "model.py:step", "--values", "data.npz", "--repeat", "3").stdout
    assert "3 runs" in text
    assert "np.tanh" in text
    lines = graphad("profile", "model.py:loss", "--wrt", "all", "--by-line", "--size", "batch=20")
    assert "model.py:12" in lines.stdout
    assert "random values (seed 0) for x[20, 3]" in lines.stderr


def test_draws_need_nothing_more(graphad):
    Path("noisy.py").write_text(
        "import graphad as ga\nx = ga.input('x', (3,))\ny = ga.sum(x * ga.random.normal(0, 1, (3,)))\n"
    )
    for arguments in (["profile"], ["check"], ["trace"]):
        assert graphad(*arguments, "noisy.py:y", "--wrt", "x", "--seed", "3").stdout


# summary, trace, derive ---------------------------------------------------------------------------------------------


def test_summary_and_trace(graphad):
    text = graphad("summary", "model.py:loss", "--size", "batch=64").stdout
    assert "batch = 64" in text
    assert "hidden" in text
    table = graphad("trace", "model.py:loss", "--wrt", "W1", "--values", "data.npz").stdout
    assert "d_W1" in table
    again = graphad("trace", "model.py:loss", "--wrt", "W1", "--values", "data.json").stdout
    assert again == table


def test_derive(graphad):
    text = graphad("derive", "model.py:loss", "--wrt", "W1", "-o", "-").stdout
    assert text.startswith("# ")
    assert r"\mathbf{W}_{1}" in text
    graphad("derive", "model.py:loss", "-o", "a.tex")
    assert r"\documentclass" in Path("a.tex").read_text()
    index, sheet = (
        graphad("derive", "model.py:loss", *o, "-o", "-").stdout for o in (["--style", "index"], ["--worksheet"])
    )
    assert len({text, index, sheet}) == 3


def test_answers_are_checked(graphad):
    Path("mine.json").write_text(json.dumps({"1": "-2 * (h @ w2 - y) / batch"}))
    wrong = graphad("derive", "model.py:loss", "--check", "mine.json", code=1).stdout
    assert "wrong" in wrong
    assert "right" in graphad("derive", "model.py:loss", "--check", "answers.json").stdout
    assert "there is no file" in graphad("derive", "model.py:loss", "--check", "nothing.json", code=2).stderr
    Path("mine.json").write_text("[1]")
    assert "a JSON object" in graphad("derive", "model.py:loss", "--check", "mine.json", code=2).stderr


# check --------------------------------------------------------------------------------------------------------------

PLANTED = """
from dataclasses import replace
from graphad.ir.core import Elementwise
tanh = replace(ga.tanh, derivative=Elementwise(lambda x, out: (1 + out * out,)))
bad = ga.sum(tanh(x @ W1))
"""


def test_check_names_a_wrong_rule(graphad):
    Path("planted.py").write_text(Path("model.py").read_text() + PLANTED)
    good = graphad("check", "planted.py:loss", "--wrt", "all")
    assert "WRONG" not in good.stdout
    text = graphad("check", "planted.py:bad", code=1).stdout
    assert "WRONG gradients of bad" in text
    assert "wrong  tanh" in text
    assert re.search(r"planted.py:\d+: bad = ga.sum\(tanh\(x @ W1\)\)", text)


def test_check_compares_compiled_code(graphad, monkeypatch):
    check = sys.modules["graphad.cli.check"]
    compiled = check.compile

    def off_in_fast(inputs, outputs, style, **options):
        changed = [y * 1.0001 for y in outputs] if style == "fast" else outputs
        return compiled(inputs, changed, style=style, **options)

    monkeypatch.setattr(check, "compile", off_in_fast)
    text = graphad("check", "model.py:loss", code=1).stdout
    assert "WRONG compiled, fast" in text
    assert "in loss" in text
    assert text.count("ok    compiled") == 2


def test_how_far_results_are_apart(graphad):
    text = graphad("check", "model.py:loss", "--values", "data.npz", "--order", "1").stdout
    assert text.count("ok    compiled") == 3
    assert _apart(np.ones(3), np.ones(3) * (1 + 1e-12)) > 1e3
    assert _apart(np.ones(3), np.ones(3)) == 0
    assert _apart(np.array([np.nan, 1]), np.array([np.nan, 1])) == 0
    assert _apart(np.array([np.nan, 1]), np.array([1.0, 1])) == np.inf
    assert _apart(np.array([1, 2]), np.array([1, 3])) == np.inf


def test_check_finds_an_illegal_graph(graphad):
    Path("illegal.py").write_text(Path("model.py").read_text() + "b1.origin.name = 'another'\n")
    text = graphad("check", "illegal.py:loss", code=1).stdout
    assert "WRONG" in text
    assert "inputs_are_named" in text


# Processes ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
class TestProcesses:
    def test_exit_codes_and_streams(self):
        fine = command("draw", "model.py:loss", "-o", "-")
        assert (fine.returncode, fine.stderr) == (0, "")
        bad = command("draw", "model.py:los")
        assert (bad.returncode, bad.stdout) == (2, "")
        assert bad.stderr.startswith("Error: model.py has no name 'los'. Did you mean loss?")
        usage = command("draw")
        assert usage.returncode == 2
        assert "Missing argument 'TARGET'" in usage.stderr
        assert "Did you mean 'draw'" in command("drw").stderr

    def test_no_colors_where_it_is_piped(self):
        for arguments in (["trace", "model.py:loss", "--values", "random"], ["check", "model.py:loss"], ["--help"]):
            done = command(*arguments)
            assert done.returncode == 0
            assert ESCAPE not in done.stdout + done.stderr

    def test_debug_shows_the_traceback(self):
        Path("bad.py").write_text("import graphad as ga\nx = ga.input('x', (3,))\ny = x @ ga.ones((2, 2))\n")
        for arguments in (["--debug", "draw", "bad.py"], ["draw", "bad.py", "--debug"]):
            done = command(*arguments)
            assert "Traceback" in done.stderr
            assert "ShapeError" in done.stderr
        assert "Traceback" not in command("draw", "bad.py").stderr

    def test_unforeseen_exceptions_are_told_from_failed_checks(self):
        Path("odd.py").write_text(
            "import graphad as ga\na = ga.input('a', (2, 2))\ny = ga.sum(ga.linalg.cholesky(a))\n"
        )
        done = command("trace", "odd.py:y", "--values", "a=[[1, 2], [2, 1]]")
        assert done.returncode == 3
        assert "LinAlgError" in done.stderr
        assert "Traceback" not in done.stderr

    def test_the_same_bytes_in_every_process(self):
        a, b = (
            command("draw", "model.py:loss", "--wrt", "all", "--values", "random", "-o", "-").stdout for _ in range(2)
        )
        assert a == b


def test_the_module_is_the_program():
    done = python("-m", "graphad", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: graphad [OPTIONS] COMMAND")
