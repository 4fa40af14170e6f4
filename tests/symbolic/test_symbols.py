"""Names as symbols: what a user sees of a name, and that no two values share one."""

import numpy as np
import pytest
from exercises import EXERCISES
from golden.models import MODELS

import graphad as ga
from graphad.symbolic.lines import choose
from graphad.symbolic.names import symbol


@pytest.mark.parametrize(
    ("name", "tex"),
    [
        ("x", "x"),
        ("W1", "W_{1}"),
        ("W_1", "W_{1}"),
        ("W12", "W_{12}"),
        ("W_xh", r"W_{\mathrm{xh}}"),
        ("Wx", r"W_{\mathrm{x}}"),
        ("Wxh2", r"W_{\mathrm{xh2}}"),
        ("alpha", r"\alpha"),
        ("alpha_0", r"\alpha_{0}"),
        ("alpha_t", r"\alpha_{\mathrm{t}}"),
        ("Sigma", r"\Sigma"),
        ("lambda_", r"\lambda"),
        ("eps", r"\epsilon"),
        ("σ", r"\sigma"),
        ("x_hat", r"\hat{x}"),
        ("x1_tilde", r"\tilde{x}_{1}"),
        ("loss", r"\mathit{loss}"),
        ("hidden_layer", r"\mathit{hidden}_{\mathrm{layer}}"),
        ("linear_2_W", r"W_{\mathrm{linear},2}"),
        ("d_W1", r"\bar{W}_{1}"),
        ("d_d_x", r"\bar{\bar{x}}"),
        ("d_loss", r"\overline{\mathit{loss}}"),
        ("d", "d"),
        ("_", r"\mathit{\_}"),
        ("été", r"\mathit{\text{été}}"),
    ],
)
def test_names(name, tex):
    assert symbol(name).tex() == tex


def test_bold_and_indices():
    assert symbol("W1").tex(bold=True) == r"\mathbf{W}_{1}"
    assert symbol("gamma").tex(bold=True) == r"\boldsymbol{\gamma}"
    assert symbol("logits").tex(bold=True) == r"\mathbf{logits}"
    assert symbol("W1").tex(indices=["i", "j + 1"]) == "W_{1,i, j + 1}"


def graphs():
    for model in MODELS:
        yield model().declared
        yield model().graph
    for model in EXERCISES:
        loss, wanted, _ = model()
        yield ga.derivation(loss, wanted).plan.graph


def test_no_two_values_share_a_symbol():
    for graph in graphs():
        symbols = list(choose(graph).symbol.values())
        assert len({s.tex() for s in symbols}) == len({s.tex(bold=True) for s in symbols}) == len(symbols)


def test_a_name_that_occurs_several_times_is_counted():
    x = ga.input("x")
    h = x
    for _ in range(3):
        h = ga.tanh(h)
    assert h.to_latex() == r"h^{(3)} = \tanh\left(h^{(2)}\right)"


def test_cotangents_belong_to_what_they_are_of():
    x, w = ga.input("x"), ga.parameter("w")
    loss = ga.sin(ga.cos(w * x))
    assert r"\bar{w} = -\cos" in ga.grad(loss, w).to_latex() or r"\bar{w}" in ga.grad(loss, w).to_latex()
    graph = ga.Graph([x, w], [loss, ga.grad(loss, w)])
    text = graph.to_latex()
    for line in text.splitlines():
        if r"\bar{t}" in line.partition("&=")[0]:
            assert line.partition("&=")[0].strip().replace(r"\bar{t}", "t") + " &=" in text


def test_what_means_something_else_is_called_otherwise():
    n, sigma, pi, gamma = (ga.parameter(name) for name in ("n", "sigma", "pi", "Gamma"))
    x = ga.input("x", ("n",))
    with_meaning = ga.sum(ga.sigmoid(sigma * x) * n) + np.pi * pi + ga.special.gamma(gamma)
    named = {s.tex() for s in choose(ga.Graph([x, n, sigma, pi, gamma], [with_meaning])).symbol.values()}
    assert {"n^{(2)}", r"\mathit{sigma}", r"\mathit{pi}", r"\mathit{Gamma}"} <= named
    for style in ("matrix", "index"):
        for step in ga.derivation(with_meaning, [n, sigma, pi, gamma], style=style).steps:
            assert r"\bar{n} " not in step.lines[0].left and r"\bar{\sigma}" not in step.lines[0].latex
    plain = ga.Graph([n, sigma, pi, gamma], [n * sigma * pi * gamma])
    assert {"n", r"\sigma", r"\pi", r"\Gamma"} <= {s.tex() for s in choose(plain).symbol.values()}
