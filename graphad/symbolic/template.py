r"""Operands put into the LaTeX template of an op, with brackets where the place of an operand needs them.

A template is a format string, ``\frac{{{x}}}{{1 + \left|{x}\right|}}``. What stands beside a placeholder within its
group says how tightly an operand must bind: nothing is needed between braces, more beside a sign of operation. A dot
stands for a product and a caret for a power of elements: where matrices stand, they become ⊙.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from graphad.symbolic.tex import Level, Tex, base

_TOKEN = re.compile(r"\\left\\?.|\\right\\?.[a-z]*|\\[a-zA-Z]+|\\.|\{\{|\}\}|\{\w+\}|\s+|\d+|.")
_DELIMITER = re.compile(r"\\(left|right)(\\[a-zA-Z|{}]+|.)")
_RELATIONS = {"=", "<", ">", r"\neq", r"\leq", r"\geq", r"\land", r"\lor", r"\oplus", "&", r"\ll", r"\gg", r"\mathbin"}
_SUMS = {"+", "-"}
_PRODUCTS = {r"\cdot", r"\,", r"\star", r"\bmod", "/", "*", r"\odot"}
_BIG = {r"\sum", r"\prod", r"\max", r"\min"}
_NOTHING = ("^{(0)}", "^{(0,0)}", "_{}", " - 0}")  # derivatives of order 0, axes that are not given
_CARET = re.compile(r"(\\operatorname\{\{\w+\}\}|\\?\b[A-Za-z]+)?\^(\{\{|\w)")


class Place(NamedTuple):
    """A placeholder of a template: its operand, the level that it needs, and the text that follows."""

    name: str
    need: Level
    tail: str


class Parsed(NamedTuple):
    """A template taken apart; ``level`` is that of the whole."""

    head: str
    places: tuple[Place, ...]
    level: Level


def fill(template: str, values: Mapping[str, Tex], elementwise: bool = False) -> Tex:
    """The template with operands in it; ``elementwise``: its products and powers are those of elements of arrays."""
    parsed = parse(elementwise_form(template) if elementwise else template)
    text = parsed.head
    for place in parsed.places:
        operand = values[place.name].within(place.need)
        text += (base(operand) if place.tail.startswith("^") else operand) + place.tail
    for nothing in _NOTHING:
        text = text.replace(nothing, nothing[-1] if nothing[0] == " " else "")
    return Tex(text, parsed.level)


def elementwise_form(template: str) -> str:
    r"""The template with ⊙ for products and powers; what is a power of a function's name stays."""

    def caret(found: re.Match[str]) -> str:
        if found[1]:
            return found[0]
        return r"^{{\odot " + ("" if found[2] == "{{" else found[2] + "}}")

    return _CARET.sub(caret, template).replace(r"\cdot", r"\odot")


@lru_cache(maxsize=1024)
def parse(template: str) -> Parsed:
    """Take a template apart."""
    tokens = _tokens(template)
    needs = [_need(tokens, k) for k, t in enumerate(tokens) if _is_place(t)]
    pieces: list[str] = []
    names: list[str] = []
    text = ""
    for token in tokens:
        if _is_place(token):
            pieces.append(text)
            names.append(token[1:-1])
            text = ""
        else:
            text += {"{{": "{", "}}": "}"}.get(token, token)
    pieces.append(text)
    places = [Place(n, need, tail) for n, need, tail in zip(names, needs, pieces[1:], strict=True)]
    return Parsed(pieces[0], tuple(places), _level(tokens))


def _tokens(template: str) -> list[str]:
    tokens = []
    k = 0
    while k < len(template):
        found = _DELIMITER.match(template, k) or _TOKEN.match(template, k)
        assert found is not None
        tokens.append(found[0])
        k = found.end()
    return tokens


def _is_place(token: str) -> bool:
    return len(token) > 2 and token[0] == "{" and token[1] != "{"


def _beside(tokens: list[str], k: int, step: int) -> str:
    """The next token that is no space."""
    k += step
    while 0 <= k < len(tokens) and tokens[k].isspace():
        k += step
    return tokens[k] if 0 <= k < len(tokens) else ""


def _need(tokens: list[str], k: int) -> Level:
    left, right = _beside(tokens, k, -1), _beside(tokens, k, 1)
    return max(Level.BARE if _after_words(tokens, k) else _need_after(left), _need_before(right))


def _after_words(tokens: list[str], k: int) -> bool:
    """Whether words stand before a placeholder, or the beginning of an environment: nothing that binds."""
    return re.search(r"\\(text|begin)\{\{[^{}]*\}\}\s*$", "".join(tokens[:k])) is not None


def _need_after(left: str) -> Level:
    if left in ("", "{{", ",", r"\\", "&", "|") or left.startswith(r"\left"):
        return Level.BARE
    if left in _RELATIONS:
        return Level.SUM
    if left in _SUMS:
        return Level.SUM if left == "+" else Level.BIG
    if left in _PRODUCTS:
        return Level.POWER if left in ("/", r"\bmod") else Level.PRODUCT
    return Level.PRODUCT if left in _BIG else Level.ATOM


def _need_before(right: str) -> Level:
    if right in ("", "}}", ",", r"\\", "&", "|") or right.startswith(r"\right"):
        return Level.BARE
    if right in _RELATIONS:
        return Level.SUM
    if right in _SUMS:
        return Level.SUM
    return Level.ATOM if right in ("^", "_") else Level.POWER if right in ("/", r"\bmod") else Level.PRODUCT


def _ends_item(token: str) -> bool:
    """Whether something may be multiplied that stands before the next token."""
    return _is_place(token) or token.startswith(r"\right") or token.isdigit()


def _level(tokens: list[str]) -> Level:
    """What a template is at its outside: the loosest sign at depth 0."""
    depth, items, found, powers = 0, 0, Level.ATOM, False
    after = ""
    for token in tokens:
        if token.isspace():
            continue
        closing = token == "}}" or token.startswith(r"\right") or token == r"\end"
        depth -= closing
        if depth == 0 and not closing:
            if token in _RELATIONS or token == r"\begin":
                found = min(found, Level.RELATION)
            elif token in _SUMS:
                found = min(found, Level.SUM)
            elif token in _BIG:
                found = min(found, Level.BIG)
            elif token in _PRODUCTS:
                found = min(found, Level.PRODUCT)
            elif token == "^":
                powers = True
            elif token == r"\frac":
                found = min(found, Level.PRODUCT)
            elif _ends_item(after) and (_is_place(token) or token.startswith("\\")):
                items += 1
        depth += token == "{{" or token.startswith(r"\left") or token == r"\begin"
        after = token
    return min(found, Level.PRODUCT if items else Level.POWER if powers else Level.ATOM)
