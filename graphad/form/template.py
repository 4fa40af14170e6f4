"""Templates: how an op's `numpy=` string becomes source text with exactly the parentheses it needs.

A template is a Python expression with placeholders. It handles strings only and knows neither nodes nor ops:

    {x}              an operand                        np.tanh({x})      {x} @ {y}      {x}[{index}]
    {xs}             a variadic operand, as a list     np.concatenate([{xs}]{, axis})
    {xs: + }         the same, joined by an operator   {xs: + }
    {axis}           an attribute's text               np.expand_dims({x}, {axis})
    {, axis}         `, axis=<text>`, or nothing where the attribute is None (its default)
    {, axis:dims}    the same under another keyword: `, dims=<text>`

`Template.parse` reads the syntax tree once and learns how tightly the surroundings of each placeholder bind; `render`
compares that with the precedence of what is put there. Sums and products keep the grouping they were given: in floating
point `a + (b + c)` is not `a + b + c`. Where an argument, an element or an index stands, an attribute's text is put as
it is (an index may be `1:3, None`); elsewhere it is parenthesized by need. Read `Expr` first, then `Template`.
"""

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from graphad.errors import GraphError

_PLACEHOLDER = re.compile(r"\{(, )?(\w+)(?::([^{}]*))?\}")


class Precedence(IntEnum):
    """How tightly an expression binds: Python's operators, loosest first.

    BARE needs parentheses even as an argument (`a, b`); NUMBER is below ATOM because `2.T` is no attribute access.
    """

    BARE, LAMBDA, TERNARY, OR, AND, NOT, COMPARE, BITOR, BITXOR, BITAND = range(10)
    SHIFT, ADD, MUL, UNARY, POWER, NUMBER, ATOM = range(10, 17)


_PRECEDENCE: dict[type, Precedence] = {  # by the type of the operator or else of the expression; all others are atoms
    ast.Pow: Precedence.POWER,
    **dict.fromkeys((ast.UAdd, ast.USub, ast.Invert), Precedence.UNARY),
    **dict.fromkeys((ast.Mult, ast.MatMult, ast.Div, ast.FloorDiv, ast.Mod), Precedence.MUL),
    **dict.fromkeys((ast.Add, ast.Sub), Precedence.ADD),
    **dict.fromkeys((ast.LShift, ast.RShift), Precedence.SHIFT),
    **{ast.BitAnd: Precedence.BITAND, ast.BitXor: Precedence.BITXOR, ast.BitOr: Precedence.BITOR},
    **{ast.Compare: Precedence.COMPARE, ast.Not: Precedence.NOT, ast.And: Precedence.AND, ast.Or: Precedence.OR},
    **{ast.IfExp: Precedence.TERNARY, ast.Lambda: Precedence.LAMBDA, ast.Tuple: Precedence.BARE},
}


class Expr(NamedTuple):
    """The text of an expression, and the precedence of its outermost operator."""

    text: str
    precedence: Precedence

    def within(self, need: Precedence) -> str:
        """The text, in parentheses where it binds less tightly than ``need``."""
        return self.text if self.precedence >= need else f"({self.text})"


Args = Mapping[str, Expr | Sequence[Expr]]
Attrs = Mapping[str, str | None]


def name(text: str) -> Expr:
    """An identifier, or other text that never needs parentheses."""
    return Expr(text, Precedence.ATOM)


@lru_cache(maxsize=4096)
def expr_of(text: str) -> Expr:
    """The Python expression written in ``text``; GraphError if it is none."""
    tree = _parse(text)
    if text.endswith(")") and isinstance(_parse(f"{text}.a"), ast.Attribute):  # parentheses around the whole, or a call
        return name(text)
    is_number = isinstance(tree, ast.Constant) and type(tree.value) in (int, float, complex)
    return Expr(text, Precedence.NUMBER if is_number else _precedence(tree))


class _Operand(NamedTuple):
    """One operand or, with a separator, the operands of a sequence; the first of them may need less than the others."""

    name: str
    separator: str = ""
    first: Precedence = Precedence.LAMBDA
    other: Precedence = Precedence.LAMBDA
    whole: Precedence = Precedence.ATOM

    def expand(self, args: Args, attrs: Attrs) -> Expr:
        given = args[self.name]
        if isinstance(given, Expr) and not self.separator:
            return given
        if isinstance(given, Expr) or not self.separator or not given:
            raise KeyError(self.name)
        if len(given) == 1:
            return given[0]
        texts = [operand.within(self.other if k else self.first) for k, operand in enumerate(given)]
        return Expr(self.separator.join(texts), self.whole)


class _Attribute(NamedTuple):
    """An attribute's text after ``prefix``, which is the `, axis=` of an optional one."""

    name: str
    prefix: str
    verbatim: bool

    def expand(self, args: Args, attrs: Attrs) -> Expr:
        if (text := attrs[self.name]) is not None:
            return name(self.prefix + text) if self.verbatim else expr_of(text)
        if not self.prefix:
            raise KeyError(self.name)
        return name("")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template.

    >>> product = Template.parse("{x} * {y}", ("x", "y"))
    >>> product.render({"x": expr_of("a + b"), "y": name("c")}, {}).text
    '(a + b) * c'
    """

    text: str
    precedence: Precedence | None  # None: a lone placeholder, as loose as what is put there
    head: str
    places: tuple[tuple[_Operand | _Attribute, Precedence, str], ...]  # what, how tight it must be, the text after it

    def attributes(self) -> dict[str, bool]:
        """The attributes that the template mentions, and whether it needs their texts."""
        fillers = [filler for filler, _, _ in self.places if isinstance(filler, _Attribute)]
        return {f.name: any(g.name == f.name and not g.prefix for g in fillers) for f in fillers}

    @staticmethod
    def parse(
        text: str, operands: Collection[str], variadic: str | None = None, attributes: Collection[str] | None = None
    ) -> "Template":
        """The template written in ``text``; ``variadic`` is the operand that is a sequence, if there is one.

        Any other placeholder is an attribute: one of ``attributes``, where these are given. Raises GraphError for a
        placeholder that is unknown or stands where it cannot, and for text that is not a Python expression.
        """
        head, *rest = _PLACEHOLDER.split(text.strip())
        commas, words, specs, tails = (rest[k::4] for k in range(4))
        kinds = dict.fromkeys(words if attributes is None else attributes, "an attribute")
        kinds |= dict.fromkeys(operands, "an operand") | dict.fromkeys([variadic] if variadic else [], "variadic")
        prefixes = [f", {spec or word}=" if c else "" for c, word, spec in zip(commas, words, specs, strict=True)]
        marked = head + "".join(f"{prefixes[k]}__{k}__{tail}" for k, tail in enumerate(tails))
        places = []
        try:
            if "{" in marked or "}" in marked:
                raise GraphError("a brace belongs to no placeholder")
            spots = _spots(marked)
            for k, word in enumerate(words):
                spot = spots.get(f"__{k}__", (ast.Pass(), ""))
                kind = kinds.get(word, "unknown") if f"__{k}__" in spots else "not a whole expression"
                places.append((_filler(kind, word, prefixes[k], specs[k], *spot), _need(*spot), tails[k]))
            return Template(text, None if marked == "__0__" else expr_of(marked).precedence, head, tuple(places))
        except GraphError as error:
            raise GraphError(f"template {text!r}: {error.what}") from None

    def render(self, args: Args, attrs: Attrs) -> Expr:
        """The template with ``args`` (a sequence for the variadic operand) and ``attrs`` (None: left out) put in."""
        try:
            if self.precedence is None:
                return self.places[0][0].expand(args, attrs)
            pieces = [self.head]
            for filler, need, tail in self.places:
                pieces += (filler.expand(args, attrs).within(need), tail)
            return Expr("".join(pieces), self.precedence)
        except KeyError as missing:
            raise GraphError(f"template {self.text!r}: nothing fit to put in is given for {missing}") from None


def _filler(kind: str, word: str, prefix: str, spec: str | None, parent: ast.AST, field: str) -> _Operand | _Attribute:
    """What fills the placeholder of ``word`` that stands in ``field`` of ``parent``."""
    listed = field in ("args", "elts", "slice")  # where `a, b` is two items
    match kind, prefix, spec:
        case "an operand", "", None:
            return _Operand(word)
        case "an attribute", _, _ if prefix or spec is None:
            return _Attribute(word, prefix, listed or isinstance(parent, ast.keyword | ast.Slice))
        case "variadic", "", None if listed:
            return _Operand(word, ", ")
        case "variadic", "", str() if spec.strip() in ("+", "*", "@", "&", "|", "^"):
            joined = _parse(f"a{spec}b")
            return _Operand(word, spec, _need(joined, "left"), _need(joined, "right"), _precedence(joined))
    raise GraphError(f"{{{word}}} is {kind}, so it cannot be written like this")


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise GraphError(f"not a Python expression: {text!r} ({error.msg})") from None


def _spots(marked: str) -> dict[str, tuple[ast.AST, str]]:
    """The parent of every name in the expression ``marked``, and the field of the parent in which the name stands."""
    return {
        child.id: (parent, field)
        for parent in ast.walk(ast.Expression(_parse(marked)))
        for field, value in ast.iter_fields(parent)
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load)
    }


def _precedence(tree: ast.AST) -> Precedence:
    return _PRECEDENCE.get(type(getattr(tree, "op", tree)), Precedence.ATOM)


def _need(parent: ast.AST, field: str) -> Precedence:
    """How tightly an expression must bind to stand in ``field`` of ``parent`` without parentheses."""
    match parent, field:
        case (ast.Expression(), _) | (ast.Subscript(), "slice"):
            return Precedence.BARE
        case (ast.keyword() | ast.Slice() | ast.Tuple() | ast.List(), _):
            return Precedence.LAMBDA
        case (ast.Call(), "args") | (ast.IfExp(), "orelse"):
            return Precedence.LAMBDA
        case (ast.BinOp(op=ast.Pow()), "right"):
            return Precedence.UNARY
        case (ast.BinOp(op=ast.Pow()), _) | (ast.BinOp(), "right") | (ast.BoolOp() | ast.Compare() | ast.IfExp(), _):
            return Precedence(_precedence(parent) + 1)
    return _precedence(parent)
