"""Templates: no parenthesis is missing, none is redundant, and mistakes in a template are told when it is parsed."""

import ast
import functools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphad.errors import GraphError
from graphad.form.template import Expr, Precedence, Template, expr_of, name

OPERANDS, VARIADIC = ("x", "y", "z"), "xs"
parse = functools.cache(functools.partial(Template.parse, operands=OPERANDS, variadic=VARIADIC))


def render(template: str, *operands: str, attrs: dict[str, str | None] | None = None, xs: Sequence[str] = ()) -> str:
    args: dict[str, Expr | Sequence[Expr]] = {key: expr_of(text) for key, text in zip(OPERANDS, operands, strict=False)}
    return parse(template).render({**args, VARIADIC: [expr_of(text) for text in xs]}, attrs or {}).text


GOLDEN = [
    ("np.tanh({x})", ["a + b"], "np.tanh(a + b)"),
    ("np.tanh({x})", ["a if c else b"], "np.tanh(a if c else b)"),
    ("np.tanh({x})", ["a, b"], "np.tanh((a, b))"),
    ("{x} + {y}", ["a + b", "c"], "a + b + c"),
    ("{x} + {y}", ["a", "b + c"], "a + (b + c)"),
    ("{x} - {y}", ["a - b", "b - c"], "a - b - (b - c)"),
    ("{x} + {y}", ["a * b", "-c"], "a * b + -c"),
    ("{x} * {y}", ["a / b", "c / d"], "a / b * (c / d)"),
    ("{x} * {y}", ["a + b", "-1.0"], "(a + b) * -1.0"),
    ("{x} @ {y}", ["a @ b", "c.T"], "a @ b @ c.T"),
    ("-{x}", ["-a"], "--a"),
    ("-{x}", ["a * b"], "-(a * b)"),
    ("-{x}", ["a ** b"], "-a ** b"),
    ("{x} ** 2", ["-a"], "(-a) ** 2"),
    ("{x} ** 2", ["-1.0"], "(-1.0) ** 2"),
    ("{x} ** 2", ["2.0"], "2.0 ** 2"),
    ("{x} ** {y}", ["a ** b", "b ** c"], "(a ** b) ** b ** c"),
    ("{x} ** {y}", ["a", "-b"], "a ** -b"),
    ("{x} ** {y}", ["a", "b * c"], "a ** (b * c)"),
    ("{x}.T", ["a @ b"], "(a @ b).T"),
    ("{x}.T", ["f(a)[0].T"], "f(a)[0].T.T"),
    ("{x}.T", ["2"], "(2).T"),
    ("{x}.T", ["-1.0"], "(-1.0).T"),
    ("{x}.T", ["(a + b)"], "(a + b).T"),
    ("{x}.T", ["(a) + (b)"], "((a) + (b)).T"),
    ("{x}.T", ["(a), (b)"], "((a), (b)).T"),
    ("{x}.T", ["(a, b)"], "(a, b).T"),
    ("{x}[{y}]", ["a + b", "c + d"], "(a + b)[c + d]"),
    ("{x}[{y}]", ["a", "b, c"], "a[b, c]"),
    ("{x}({y})", ["a or b", "c or d"], "(a or b)(c or d)"),
    ("lambda: {x}", ["lambda: a"], "lambda: lambda: a"),
    ("{x}[{y}, ::-1]", ["a", "c + d"], "a[c + d, ::-1]"),
    ("{x}[{y}:]", ["a", "c + d"], "a[c + d:]"),
    ("{x} < {y}", ["a < b", "c | d"], "(a < b) < c | d"),
    ("{x} & {y}", ["a & b", "c < d"], "a & b & (c < d)"),
    ("~{x}", ["a | b"], "~(a | b)"),
    ("not {x}", ["a == b"], "not a == b"),
    ("{x} and {y}", ["a or b", "not c"], "(a or b) and not c"),
    ("{x} if {y} else {z}", ["a if b else c", "a", "a if b else c"], "(a if b else c) if a else a if b else c"),
    ("f(a, {x} if b else c)", ["lambda: a"], "f(a, (lambda: a) if b else c)"),
    ("1 / (1 + np.exp(-{x}))", ["a - b"], "1 / (1 + np.exp(-(a - b)))"),
    ("({x} + {y})", ["a", "b"], "(a + b)"),
    ("{x}", ["a + b"], "a + b"),
]


@pytest.mark.parametrize(("template", "operands", "expected"), GOLDEN)
def test_parentheses_stand_only_where_they_are_needed(template: str, operands: list[str], expected: str) -> None:
    assert render(template, *operands) == expected


@pytest.mark.parametrize(
    ("template", "xs", "expected"),
    [
        ("np.concatenate([{xs}])", ["a + b", "c"], "np.concatenate([a + b, c])"),
        ("np.broadcast_arrays({xs})", ["a", "(b, c)", "d, e"], "np.broadcast_arrays(a, (b, c), (d, e))"),
        ("{xs: + }", ["a + b", "c + d", "e * f", "-g"], "a + b + (c + d) + e * f + -g"),
        ("{xs: * }", ["a * b", "c + d", "e / f"], "a * b * (c + d) * (e / f)"),
        ("-{xs: + }", ["a", "b"], "-(a + b)"),
        ("-{xs: + }", ["a * b"], "-(a * b)"),
        ("{xs: + }.T", ["a"], "a.T"),
        ("np.exp({xs: + })", ["a", "b"], "np.exp(a + b)"),
    ],
)
def test_variadic_operands_are_listed_or_joined(template: str, xs: list[str], expected: str) -> None:
    assert render(template, xs=xs) == expected


@pytest.mark.parametrize(
    ("template", "attrs", "expected"),
    [
        ("np.sum(a{, axis})", {"axis": None}, "np.sum(a)"),
        ("f(a{, axis}{, keepdims})", {"axis": "(0, 1)", "keepdims": "True"}, "f(a, axis=(0, 1), keepdims=True)"),
        ("np.sum(a{, axis:dims})", {"axis": "0"}, "np.sum(a, dims=0)"),
        ("f({shape}, dtype={dtype})", {"shape": "(n, 64)", "dtype": "np.int8"}, "f((n, 64), dtype=np.int8)"),
        ("a[{index}]", {"index": "1:3, None, ..."}, "a[1:3, None, ...]"),
        ("a[..., {index}]", {"index": "::2"}, "a[..., ::2]"),
        ("a ** {n}", {"n": "-1"}, "a ** -1"),
        ("a * {n}", {"n": "2 * n"}, "a * (2 * n)"),
        ("{n}.dtype", {"n": "2.0"}, "(2.0).dtype"),
        ("{n}", {"n": "n // 2"}, "n // 2"),
    ],
)
def test_attributes_are_put_by_their_text(template: str, attrs: dict[str, str | None], expected: str) -> None:
    assert render(template, attrs=attrs) == expected


@pytest.mark.parametrize(
    ("text", "precedence"),
    [
        ("a", Precedence.ATOM),
        ("None", Precedence.ATOM),
        ("True", Precedence.ATOM),
        ("'text'", Precedence.ATOM),
        ("f(a, b)", Precedence.ATOM),
        ("[a for a in b]", Precedence.ATOM),
        ("(a for a in b)", Precedence.ATOM),
        ("()", Precedence.ATOM),
        ("((a, b), c)", Precedence.ATOM),
        ("(a, b), (c, d)", Precedence.BARE),
        ("(a, b),", Precedence.BARE),
        ("a, f(b)", Precedence.BARE),
        ("2.0", Precedence.NUMBER),
        ("-2.0", Precedence.UNARY),
        ("1 + 2j", Precedence.ADD),
        ("a.b ** c", Precedence.POWER),
        ("a << b", Precedence.SHIFT),
        ("a ^ b", Precedence.BITXOR),
        ("a < b <= c", Precedence.COMPARE),
        ("not a", Precedence.NOT),
        ("lambda: (a)", Precedence.LAMBDA),
        ("a if b else (c)", Precedence.TERNARY),
    ],
)
def test_expr_of_finds_the_outermost_operator(text: str, precedence: Precedence) -> None:
    assert expr_of(text) == Expr(text, precedence)


ATOMS = ("a", "f(a)", "a[0]", "a.T", "'s'", "None", "(a + b)")
NUMBERS = ("2", "2.5", "1j")
LOOSE = ("-1.0", "a, b", "lambda: a", "not a", "a < b < c", "a if b else c", "a and b", "a or b")
OPERATORS = ("+", "-", "*", "@", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "<", "==", "and", "or")
TEMPLATES = (
    *(f"{{x}} {operator} {{y}}" for operator in OPERATORS),
    *("-{x}", "~{x}", "not {x}", "{x}.T", "{x}[{y}]", "{x}[{y}, {z}:2]", "{x}({y})", "f({x}, k={y})"),
    *("np.where({x}, {y}, {z})", "{x} if {y} else {z}", "lambda: {x}", "[{x}, {y}]", "{x}", "1 / (1 + np.exp(-{x}))"),
    *("f([{xs}]{, axis})", "f({xs})", "{xs: + }", "{xs: * }", "-{xs: @ }", "{xs: | } + {x}", "{x} ** {n}", "{n} - {x}"),
    *("f({x} < {y} < {z})", "{x} - {y} * {z}"),
)
CAREFUL = ("({x}, {y})", "({x} + {y})", "f(*{x})", "[a for a in {x} if {y}]")  # may show a parenthesis too many
Tree = str | tuple[str, tuple["Tree", ...], str]


def trees(templates: Sequence[str], leaves: Sequence[str]) -> st.SearchStrategy[Tree]:
    def node(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        operands = st.lists(children, min_size=3, max_size=4).map(tuple)
        return st.tuples(st.sampled_from(templates), operands, st.sampled_from(["-1", "2 * n", "n + 1", "0"]))

    return st.recursive(st.sampled_from(leaves), node, max_leaves=14)


def rendered(tree: Tree) -> Expr:
    if isinstance(tree, str):
        return expr_of(tree)
    template, operands, attribute = tree
    exprs = [rendered(operand) for operand in operands]
    args: dict[str, Expr | Sequence[Expr]] = dict(zip(OPERANDS, exprs, strict=False))
    return parse(template).render({**args, VARIADIC: exprs[2:]}, {"n": attribute, "axis": attribute})


def parenthesized(tree: Tree) -> str:
    """The same tree with every operand in parentheses."""
    if isinstance(tree, str):
        return f"({tree})"
    text, operands, attribute = tree
    texts = [parenthesized(operand) for operand in operands]
    for separator in "+*@|":
        text = text.replace(f"{{xs: {separator} }}", "(" + f" {separator} ".join(texts[2:]) + ")")
    parts = {"{xs}": ", ".join(texts[2:]), "{n}": f"({attribute})", "{, axis}": f", axis={attribute}"}
    parts |= {f"{{{key}}}": operand for key, operand in zip(OPERANDS, texts, strict=False)}
    for placeholder, part in parts.items():
        text = text.replace(placeholder, part)
    return f"({text})"


def meaning(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(text, mode="eval"))
    except SyntaxError:
        return None


@settings(max_examples=300, deadline=None)
@given(trees((*TEMPLATES, *CAREFUL), (*ATOMS, *NUMBERS, *LOOSE)))
def test_no_parenthesis_is_missing(tree: Tree) -> None:
    expr = rendered(tree)
    assert meaning(expr.text) == meaning(parenthesized(tree)) is not None
    assert expr == expr_of(expr.text)


def pairs(text: str) -> list[tuple[int, int]]:
    found, opened = [], []
    for k, character in enumerate(text):
        if character == "(":
            opened.append(k)
        elif character == ")":
            found.append((opened.pop(), k))
    return found


@settings(max_examples=300, deadline=None)
@given(trees(TEMPLATES, (*ATOMS[:-1], *NUMBERS, *LOOSE)))
def test_no_parenthesis_is_redundant(tree: Tree) -> None:
    text = rendered(tree).text
    for start, stop in pairs(text):
        inner = text[start + 1 : stop]
        if inner not in NUMBERS:  # `2 .T` and `2.5.T` would do, but nobody writes them
            assert meaning(f"{text[:start]} {inner} {text[stop + 1 :]}".strip()) != meaning(text), (text, inner)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{x} +", "not a Python expression"),
        ("np.{x}", "{x} is not a whole expression"),
        ("[a for {x} in b]", "{x} is not a whole expression"),
        ("a{x}", "{x} is not a whole expression"),
        ("np.einsum('{x}')", "{x} is not a whole expression"),
        ("{ x }", "brace"),
        ("np.tanh({x)", "brace"),
        ("{w}", "{w} is unknown"),
        ("f({x}{, w})", "{w} is unknown"),
        ("f({y}{, x})", "{x} is an operand"),
        ("{x: + }", "{x} is an operand"),
        ("{n:name}", "{n} is an attribute"),
        ("[{x}{, n}]", "not a Python expression"),
        ("-{xs}", "{xs} is variadic"),
        ("({xs})", "{xs} is variadic"),
        ("f(k={xs})", "{xs} is variadic"),
        ("{xs: ** }", "{xs} is variadic"),
        ("{xs: + a + }", "{xs} is variadic"),
    ],
)
def test_a_mistake_in_a_template_is_told_when_it_is_parsed(template: str, message: str) -> None:
    with pytest.raises(GraphError) as caught:
        Template.parse(template, OPERANDS, VARIADIC, attributes=("n",))
    assert repr(template) in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("template", "args", "attrs", "missing"),
    [
        ("-{x}", {}, {}, "x"),
        ("-{x}", {"x": [name("a")]}, {}, "x"),
        ("f({xs})", {"xs": name("a")}, {}, "xs"),
        ("{xs: + }", {"xs": []}, {}, "xs"),
        ("f({n})", {}, {}, "n"),
        ("f({n})", {}, {"n": None}, "n"),
    ],
)
def test_render_names_what_is_missing(
    template: str, args: dict[str, Expr | Sequence[Expr]], attrs: dict[str, str | None], missing: str
) -> None:
    with pytest.raises(GraphError, match=f"'{missing}'"):
        parse(template).render(args, attrs)


def test_expr_of_rejects_text_that_is_no_expression() -> None:
    with pytest.raises(GraphError, match="not a Python expression: 'a ='"):
        expr_of("a =")
