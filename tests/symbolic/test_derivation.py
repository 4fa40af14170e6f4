"""Worked solutions: their steps, their documents, and worksheets that check answers."""

import shutil
import subprocess
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from exercises import EXERCISES, by_hand, logistic, mlp, siamese

import graphad as ga
from graphad.errors import ArgumentError, DifferentiationError, GraphadError, MissingDependencyError
from graphad.passes.samples import samples

SOLUTIONS = {  # of blanks, in the names of the sheet
    "by_hand": {
        1: "z - 1",
        2: "d_z * z * (1 - z)",
        3: "d_t2 / 2",
        4: "d_y2 * y2 * (1 - y2)",
        5: "x * d_t1",
    },
    "mlp": {
        1: "-one_hot(y, 5) / batch",
        2: "d_log_p - np.exp(log_p) * d_log_p.sum(axis=1, keepdims=True)",
        3: "d_z.sum(axis=0)",
        4: "d_z @ W2.T",
        5: "h.T @ d_z",
        6: "d_h * (1 - h**2)",
        7: "np.sum(d_T1, 0)",
        8: "np.transpose(x) @ d_T1",
    },
    "siamese": {
        1: "2 * (a - b)",
        2: "-d_a",
        3: "d_b * (1 - np.tanh(v @ W)**2)",
        4: "d_a - d_a * a * a",
        5: "u.T @ d_T1 + v.T @ d_T2",
    },
}


@pytest.mark.parametrize("model", EXERCISES, ids=lambda m: m.__name__)
def test_gradients_are_those_of_grad(model):
    loss, wanted, _ = model()
    plan = ga.derivation(loss, wanted).plan
    expected = ga.Graph(plan.graph.inputs, ga.grad(loss, wanted))
    for point in samples(plan.graph)[:3]:
        for mine, theirs in zip(plan.graph.outputs[1:], expected.outputs, strict=True):
            np.testing.assert_allclose(point.value(mine), point.value(theirs), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", EXERCISES, ids=lambda m: m.__name__)
def test_each_line_uses_only_what_stands_above_it(model):
    loss, wanted, _ = model()
    solution = ga.derivation(loss, wanted)
    lines, known = solution.plan.lines, set()
    for step in solution.steps:
        if step.kind not in ("given", "gradient"):
            stack = list(step.node.inputs)
            while stack:
                x = stack.pop()
                if x in lines.symbol and "item" not in x.op.traits:
                    assert x in known, step
                else:
                    stack += x.inputs
        known.add(step.node)
    kinds = [s.kind for s in solution.steps]
    assert kinds == sorted(kinds, key=["given", "forward", "backward", "gradient"].index)


def test_the_steps_of_a_network():
    loss, wanted, values = mlp()
    solution = ga.derivation(loss, wanted, values=values)
    titles = [s.title for s in solution.steps if s.kind == "backward"]
    assert titles[0] == "the loss with respect to itself"
    assert "chain rule through tanh" in titles and "product rule for matrices" in titles
    assert any(t.startswith("broadcasting") for t in titles)
    step = next(s for s in solution.steps if s.title == "chain rule through tanh")
    assert step.lines[0].right == r"\bar{\mathbf{h}} \odot \left(1 - \mathbf{h}^{\odot 2}\right)"
    assert step.general == (r"y = \tanh\left(u\right): \quad \frac{\partial y}{\partial u} = 1 - y^{2}",)
    assert step.place.startswith("exercises.py:")
    h = next(s for s in solution.steps if s.name == "h")
    np.testing.assert_allclose(h.value, np.tanh(values["x"] @ values["W1"] + values["b1"]))


def test_shared_weights_are_summed_over_their_uses():
    loss, wanted, _ = siamese()
    last = [s for s in ga.derivation(loss, wanted).steps if s.kind == "backward"][-1]
    assert "sum over uses" in last.title
    assert last.lines[0].right.count("+") == 1


def test_numbers_stand_beside_the_formulas():
    loss, wanted, values = by_hand()
    text = ga.derivation(loss, wanted, values=values).markdown
    assert r"y_{1} &= \sigma\left(0.5 \, x + 1\right) = 0.8176" in text
    assert r"x &= 1 \in \mathbb{R}" in text
    assert r"\frac{\partial \mathit{error}}{\partial w} &= \bar{w} = -0.00563" in text


def test_scalar_style_spells_elements_out():
    x, w = ga.input("x", (2,)), ga.parameter("w", (2,))
    y = ga.tanh(ga.sum(x * w))
    text = ga.derivation(y, w, style="scalar").markdown
    assert (
        r"w_{1}" in text
        and r"\bar{w}_{2} &=" in text
        and r"\sum" not in text.partition("Forward")[2].partition("Back")[0]
    )


def test_a_variable_that_the_loss_does_not_depend_on():
    x, w = ga.input("x"), ga.parameter("w")
    y = ga.tanh(x)
    solution = ga.derivation(y, [x, w])
    assert solution.steps[-1].title == "gradient with respect to w"
    assert solution.steps[-1].lines[0].right == r"\bar{w}"
    assert any("does not depend" in s.title for s in solution.steps)


def test_errors_are_those_of_grad():
    x = ga.input("x", (3,))
    y = ga.tanh(x)
    with pytest.raises(DifferentiationError, match="scalar"):
        ga.derivation(y, x)
    with pytest.raises(ArgumentError, match="unknown style"):
        ga.derivation(ga.sum(y), x, style="words")
    with pytest.raises(ArgumentError, match="no value for x"):
        ga.derivation(ga.sum(y), x, values={})


# Documents ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["matrix", "index", "scalar"])
@pytest.mark.parametrize("model", EXERCISES, ids=lambda m: m.__name__)
def test_documents(model, style):
    loss, wanted, values = model()
    solution = ga.derivation(loss, wanted, style=style, values=values)
    assert solution.markdown.count("$$") % 2 == 0 and solution.markdown.startswith("# Gradient of ")
    assert solution.latex.startswith("\\documentclass") and solution.latex.endswith("\\end{document}\n")
    page = solution.html
    assert "http" not in page.replace("http://www.w3.org/1998/Math/MathML", "")
    body = page[page.index("<body>") :].replace("</html>", "").replace("&nbsp;", " ")
    assert ET.fromstring(body.strip()).tag == "body"


def test_save(tmp_path):
    loss, wanted, _ = by_hand()
    solution = ga.derivation(loss, wanted, name="A <network> & its 100 % gradient_")
    for ending in ("md", "tex", "html"):
        path = solution.save(tmp_path / f"solution.{ending}")
        assert "gradient" in path.read_text(encoding="utf-8")
    assert "&lt;network&gt;" in (tmp_path / "solution.html").read_text()
    assert r"100 \% gradient\_" in (tmp_path / "solution.tex").read_text()
    with pytest.raises(ArgumentError, match=r"\.docx"):
        solution.save(tmp_path / "solution.docx")


def test_a_browser_prints_where_there_is_no_pdflatex(tmp_path, monkeypatch):
    """A stand-in for the browser, which writes down what it is asked."""
    browser = tmp_path / "chromium"
    browser.write_text(
        '#!/bin/sh\ncase "$*" in *sheet.html*) printf "%%PDF-1.4 /CreationDate (D:20260102030405" ;; esac > sheet.pdf\n'
    )
    browser.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(browser) if name == "chromium" else None)
    loss, wanted, _ = by_hand()
    path = ga.derivation(loss, wanted).save(tmp_path / "solution.pdf")
    assert path.read_bytes() == b"%PDF-1.4 /CreationDate (D:19700101000000"
    browser.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(GraphadError, match="chromium did not set the document: exit 3"):
        ga.derivation(loss, wanted).save(tmp_path / "other.pdf")
    assert not (tmp_path / "other.pdf").exists()


def test_a_pdflatex_that_does_not_come_back_is_said(tmp_path, monkeypatch):
    def hang(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(shutil, "which", lambda program: program)
    monkeypatch.setattr(subprocess, "run", hang)
    loss, wanted, _ = EXERCISES[1]()
    with pytest.raises(GraphadError, match="did not finish the document in 120 s"):
        ga.derivation(loss, wanted).save(tmp_path / "sheet.pdf")
    assert not list(tmp_path.iterdir())


def test_a_missing_pdflatex_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    loss, wanted, _ = by_hand()
    with pytest.raises(MissingDependencyError, match="pdflatex"):
        ga.derivation(loss, wanted).save(tmp_path / "solution.pdf")
    assert not list(tmp_path.iterdir())


def test_it_shows_itself():
    loss, wanted, _ = by_hand()
    solution = ga.derivation(loss, wanted)
    assert solution._repr_markdown_() == solution.markdown
    assert repr(solution).splitlines()[0] == "Gradient of error with respect to w: 16 steps"


# Worksheets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [by_hand, mlp, siamese], ids=lambda m: m.__name__)
def test_right_answers(model):
    loss, wanted, _ = model()
    sheet = ga.derivation(loss, wanted, worksheet=True)
    solution = SOLUTIONS[model.__name__]
    assert [s.blank for s in sheet.steps if s.blank] == list(solution)
    report = sheet.check(solution)
    assert report, report
    assert repr(report).splitlines() == [f"{k}  right" for k in solution]
    assert r"\boxed{\quad (1) \quad}" in sheet.markdown and r"\boxed" not in sheet.solution.markdown
    for step in sheet.steps:
        if step.blank:
            assert step.lines[0].latex not in sheet.markdown


@pytest.mark.parametrize(
    ("model", "number", "answer", "hint"),
    [
        (by_hand, 1, "1 - z", "sign"),
        (by_hand, 1, "2 * (z - 1)", "a factor of 2 too many"),
        (by_hand, 1, "(z - 1) / 2", "a factor of 2 is missing"),
        (by_hand, 2, "z * (1 - z)", "the factor d_z is missing"),
        (by_hand, 5, "d_t1 * x * w", "a factor w too many"),
        (by_hand, 5, "d_w", "not known"),
        (by_hand, 5, "nothing", "not known"),
        (by_hand, 5, "x +", "not an expression"),
        (by_hand, 5, "__import__('os').getcwd()", "not a function"),
        (by_hand, 5, "x.__class__", "not allowed"),
        (by_hand, 5, "ones(10**9)", "too large"),
        (by_hand, 5, "[x for x in (1, 2)]", "not allowed"),
        (by_hand, 5, "(" * 900 + "x" + ")" * 900, "not an expression"),
        (mlp, 1, "-one_hot(y, 5)", "divided by batch"),
        (mlp, 3, "d_z", "the sum over axis 0"),
        (mlp, 4, "d_z @ W2", "cannot be worked out"),
        (mlp, 5, "d_z.T @ h", "transposed"),
        (mlp, 6, "d_h", "another one"),
        (mlp, 8, "x @ d_T1", "cannot be worked out"),
        (mlp, 3, "d_z.sum()", "shape"),
        (mlp, 6, "T2", "shape"),
        (mlp, 6, "h > 0", "another one"),
        (mlp, 6, "'h'", "no number"),
        (mlp, 6, "(h, x)", "cannot be worked out"),
        (mlp, 6, "h[1e400]", "cannot be worked out"),
        (mlp, 6, "outer(ones(1000), ones(1000))[:, :, None] * ones(9)", "too large"),
        (mlp, 6, "diag(ones(9999))", "too large"),
        (mlp, 6, "ones((9999, 1)) @ ones((1, 9999))", "too large"),
        (mlp, 6, "outer(outer(outer(h, h), h), outer(h, h))", "too large"),
    ],
)
def test_wrong_answers_get_a_hint(model, number, answer, hint):
    loss, wanted, _ = model()
    sheet = ga.derivation(loss, wanted, worksheet=True)
    report = sheet.check({number: answer})
    assert not report
    assert hint in repr(report), report


def test_nodes_and_arrays_are_answers_too():
    loss, wanted, values = logistic()
    w, b = wanted
    sheet = ga.derivation(loss, [w, b], values=values, worksheet=True)
    last = max(s.blank for s in sheet.steps)
    right = next(s.value for s in sheet.steps if s.blank == last)
    assert sheet.check({last: ga.grad(loss, w)})
    assert sheet.check({last: right}) and not sheet.check({last: 2 * right})
    assert "compared with values" in repr(ga.derivation(loss, w, worksheet=True).check({1: np.zeros(3)}))
    with pytest.raises(ArgumentError, match="no blank 99"):
        sheet.check({99: "0"})


def test_a_deep_graph_takes_no_recursion():
    x = y = ga.input("x")
    for _ in range(3000):
        y = ga.sin(y)
    began = time.perf_counter()
    solution = ga.derivation(y, x)
    assert len(solution.steps) > 6000
    assert solution.markdown.count("chain rule through sin") == 3000
    assert time.perf_counter() - began < 60
