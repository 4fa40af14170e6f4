"""Derivations of odd programs, documents with odd titles, and answers that want more than to be read."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from exercises import mlp

import graphad as ga
from graphad.errors import ArgumentError
from graphad.symbolic.documents import mathml

x, v = ga.input("x"), ga.input("v", (3,))


def test_a_loss_that_depends_on_none_of_the_variables():
    solution = ga.derivation(ga.sin(x), v)
    assert [s.title for s in solution.steps if s.kind == "backward"] == ["the loss does not depend on it"]
    assert solution.steps[-1].lines[0].right == r"\bar{\mathbf{v}}"


def test_no_symbol_gets_two_superscripts():
    z = ga.sin(x)
    z = ga.cos(z)
    loss = ga.arctan2(z, x) + z**2  # the rule has a hypot of squares in it
    for style in ("matrix", "index", "scalar"):
        for step in ga.derivation(loss, x, style=style).steps:
            for line in step.lines:
                assert mathml(line.latex).startswith("<math")  # which refuses x^{a}^{b}, as LaTeX does


@pytest.mark.parametrize("key", [(None,), (None, slice(None)), (None, ...)])
def test_a_vector_with_a_new_axis_before_it_is_a_row(key):
    y = v[key]
    assert y.to_latex().endswith(r"= \mathbf{v}^{\top}")
    column = v[:, None]
    assert column.to_latex().endswith(r"= \mathbf{v}")


def test_single_digits_of_half_precision():
    q = ga.parameter("q", (2,), "float16")
    assert r"\frac{\mathbf{q}}{3}" in ga.derivation(ga.sum(q / np.float16(3)), q).markdown


def test_complex_numbers_are_written_with_a_few_digits():
    z = ga.parameter("z", (2,), "complex128")
    text = ga.derivation(ga.sum(ga.abs(z)), z, values={"z": [1 / 3 + 2j / 3, 1j / 7]}).markdown
    assert r"0.3333 + 0.6667 \mathrm{i} \\ 0.1429 \mathrm{i}" in text


@pytest.mark.parametrize("title", ["$", "a $b", "one\ntwo", "\x00\ud800", "\\input{x} [l](u) `c` <b> {", "100 % #_^&~"])
def test_a_title_is_text_whatever_it_says(title, tmp_path):
    solution = ga.derivation(ga.sin(x), x, name=title)
    for ending in ("md", "tex", "html"):
        solution.save(tmp_path / f"a.{ending}")
    assert solution.markdown.split("\n")[1] == "" and solution.latex.count(r"\$") == title.count("$")
    assert r"\input" not in solution.latex and "[l](u)" not in solution.markdown
    body = solution.html[solution.html.index("<body>") :].replace("</html>", "").replace("&nbsp;", " ")
    assert (
        ET.fromstring(body.strip()).find("h1").text.strip()
        == "".join(c if c.isprintable() else " " for c in title).strip()
        or not title.isprintable()
    )


def test_what_is_no_node_is_said():
    for loss, wanted in [(None, x), (ga.sin(x), "x"), (ga.sin(x), None), (ga.sin(x), 3)]:
        with pytest.raises(ArgumentError, match="must be graphad nodes"):
            ga.derivation(loss, wanted)
    with pytest.raises(ArgumentError, match="values is a list"):
        ga.derivation(ga.sin(x), x, values=[1.0])
    with pytest.raises(ArgumentError, match="answers is a list"):
        ga.derivation(ga.sin(x), x, worksheet=True).check(["1"])


# Answers -------------------------------------------------------------------------------------------------------------


def sheet():
    loss, wanted, _ = mlp()
    return ga.derivation(loss, wanted, worksheet=True)


@pytest.mark.parametrize(
    "answer",
    [
        "multiply(h, 0, h)",  # NumPy would write into what is given
        "multiply(h, 0, out=h)",
        "exp(x, where=h)",  # what it leaves out is not initialized
        "sum(h, dtype='object')",
        "ones((1000, 1)) == ones((1, 99999))",
        "inner(ones((99999, 1)), ones((99999, 1)))",
        "diag(ones(3), 99999)",
        "ones((1000, 1000))[zeros(99999)]",
        "stack([ones(999999), ones(999999)])",
    ],
)
def test_answers_that_want_more(answer):
    report = sheet().check({6: answer, 7: "d_T1.sum(axis=0)", 5: "h.T @ d_z"})
    assert [a.right for a in report.answers] == [True, False, True]
    hint = report.answers[1].hint
    assert any(word in hint for word in ("read-only", "not allowed", "too large", "cannot be worked out")), hint


def test_a_mask_chooses_elements():
    y = ga.sum(ga.relu(v))
    blank = ga.derivation(y, v, worksheet=True)
    last = max(s.blank for s in blank.steps)
    assert blank.check({last: "(v > 0) * 1"})
    assert "the shape" in repr(blank.check({last: "v[v > 0] * 0 + 1"}))


def test_nothing_equals_infinity():
    loss = float("inf") * x
    blank = ga.derivation(loss, x, worksheet=True)
    assert not blank.check({1: "3"}) and blank.check({1: "1e999"})


def test_single_precision_may_be_rounded_otherwise():
    q = ga.parameter("q", (50,), "float32")
    blank = ga.derivation(ga.sum(ga.sigmoid(q) ** 2) ** 2, q, worksheet=True)
    last = max(s.blank for s in blank.steps)
    assert blank.check({last: "4 * sum(sigmoid(q)**2) * sigmoid(q)**2 / (1 + exp(q))"})
