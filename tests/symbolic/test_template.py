"""Operands in the LaTeX template of an op: brackets where the place needs them, and only there."""

import pytest

from graphad.ops import ALL_OPS
from graphad.symbolic.template import elementwise_form, fill, parse
from graphad.symbolic.tex import Level, Tex, number, product

SUM, POWER, FRACTION = Tex("a + b", Level.SUM), Tex("a^{2}", Level.POWER), Tex(r"\frac{a}{b}", Level.PRODUCT)


@pytest.mark.parametrize(
    ("template", "operand", "text", "level"),
    [
        (r"\sin\left({x}\right)", SUM, r"\sin\left(a + b\right)", Level.ATOM),
        (r"\frac{{1}}{{{x}}}", SUM, r"\frac{1}{a + b}", Level.PRODUCT),
        (r"{x}^{{2}}", SUM, r"\left(a + b\right)^{2}", Level.POWER),
        (r"{x}^{{2}}", POWER, r"\left(a^{2}\right)^{2}", Level.POWER),
        (r"{x}^{{2}}", FRACTION, r"\left(\frac{a}{b}\right)^{2}", Level.POWER),
        (r"{x} \cdot \log\left({x}\right)", SUM, r"\left(a + b\right) \cdot \log\left(a + b\right)", Level.PRODUCT),
        (r"1 - {x}", SUM, r"1 - \left(a + b\right)", Level.SUM),
        (r"{x} + 1", SUM, "a + b + 1", Level.SUM),
        (r"\lnot {x}", SUM, r"\lnot \left(a + b\right)", Level.ATOM),
        (r"\left|{x}\right|", SUM, r"\left|a + b\right|", Level.ATOM),
        (r"\sqrt[3]{{{x}}}", SUM, r"\sqrt[3]{a + b}", Level.ATOM),
        (r"{x} < 1", SUM, "a + b < 1", Level.RELATION),
        (r"{x} \bmod 2", Tex(r"a \, b", Level.PRODUCT), r"\left(a \, b\right) \bmod 2", Level.PRODUCT),
    ],
)
def test_brackets(template, operand, text, level):
    assert fill(template, {"x": operand}) == (text, level, None)


def test_an_elementwise_template_has_products_and_powers_of_elements():
    assert elementwise_form(r"{x} \cdot {y}^{{2}}") == r"{x} \odot {y}^{{\odot 2}}"
    assert elementwise_form(r"\left(1 - {x}\right)^{{{y}}}") == r"\left(1 - {x}\right)^{{\odot {y}}}"
    for label in (r"\Phi^{{-1}}\left({x}\right)", r"P^{{({n})}}\left({x}\right)", r"\operatorname{{f}}^{{(1)}}"):
        assert elementwise_form(label) == label


def test_the_derivative_of_order_zero_is_the_function():
    values = {"x": Tex("a"), "order": Tex("0")}
    assert (
        fill(r"\operatorname{{sinc}}^{{({order})}}\left({x}\right)", values).text
        == r"\operatorname{sinc}\left(a\right)"
    )


@pytest.mark.parametrize("op", ALL_OPS, ids=lambda op: op.name)
def test_templates_of_all_ops_are_taken_apart(op):
    parsed = parse(op.latex)
    names = {place.name for place in parsed.places}
    assert names <= {*op.operands, op.variadic, *op.defaults}


def test_signs():
    minus = Tex("-a", Level.SUM, Tex("a"))
    assert product([minus, Tex("b")]).text == "-a b"
    assert product([minus, minus]).text == "a a"
    assert product([number(2.0), number(0.5)], r" \, ").text == r"2 \cdot 0.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (-2.0, "-2"),
        (1e-5, "10^{-5}"),
        (-1.5e-7, r"-1.5 \cdot 10^{-7}"),
        (float("inf"), r"\infty"),
        (3.141592653589793, r"\pi"),
        (True, r"\mathrm{true}"),
        (7, "7"),
        (2 - 1j, r"2 - \mathrm{i}"),
    ],
)
def test_numbers(value, text):
    assert number(value).text == text
