"""A formula as LaTeX together with how tightly it binds, and the ways to join formulas without changing their meaning.

A sum within a product gets brackets, a product within a sum does not. A big operator, such as a sum over an index,
takes along what is multiplied from the right: it may stand last in a product, and needs brackets elsewhere.
"""

import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from graphad.ir.dims import Dim, FloorDiv, Size


class Level(IntEnum):
    """What a formula is at its outside, from the loosest to the tightest."""

    BARE = 0  # anything, as between brackets
    RELATION = 1
    SUM = 2
    BIG = 3  # Σ, Π, max over an index
    HADAMARD = 4  # ⊙ and ⊘
    PRODUCT = 5
    POWER = 6
    ATOM = 7


class Tex(NamedTuple):
    """LaTeX and its level; ``minus``: what it is minus of, if it is."""

    text: str
    level: Level = Level.ATOM
    minus: "Tex | None" = None

    def within(self, need: Level) -> str:
        """The text, in brackets if it binds less tightly than needed."""
        return self.text if self.level >= need else rf"\left({self.text}\right)"

    @property
    def is_negative(self) -> bool:
        """Whether it starts with a minus, and so cannot follow an operator."""
        return self.text.startswith("-")


ONE, ZERO = Tex("1"), Tex("0")
CONSTANTS = {
    math.pi: Tex(r"\pi"),
    math.log(2): Tex(r"\ln\left(2\right)"),
    math.log(10): Tex(r"\ln\left(10\right)"),
    math.sqrt(2): Tex(r"\sqrt{2}"),
    math.sqrt(0.5): Tex(r"\frac{1}{\sqrt{2}}", Level.PRODUCT),
    math.sqrt(2 * math.pi): Tex(r"\sqrt{2 \pi}"),
    2 / math.sqrt(math.pi): Tex(r"\frac{2}{\sqrt{\pi}}", Level.PRODUCT),
    math.sqrt(math.pi) / 2: Tex(r"\frac{\sqrt{\pi}}{2}", Level.PRODUCT),
    math.sqrt(2 / math.pi): Tex(r"\sqrt{\frac{2}{\pi}}"),
}


def add(terms: Sequence[Tex]) -> Tex:
    """A sum; a term that is negative is subtracted."""
    text = terms[0].within(Level.SUM)
    for term in terms[1:]:
        minus = term.minus
        text += f" - {minus.within(Level.BIG)}" if minus else f" + {_after_sign(term, Level.SUM)}"
    return Tex(text, Level.SUM) if len(terms) > 1 else terms[0]


def subtract(x: Tex, y: Tex) -> Tex:
    """A difference."""
    if y.minus:
        return add([x, y.minus])
    return Tex(f"{x.within(Level.SUM)} - {_after_sign(y, Level.BIG)}", Level.SUM)


def _after_sign(term: Tex, need: Level) -> str:
    return rf"\left({term.text}\right)" if term.is_negative else term.within(need)


def negative(x: Tex) -> Tex:
    """Minus x."""
    return x.minus or Tex(f"-{_after_sign(x, Level.BIG)}", Level.SUM, x)


def without_signs(factors: Sequence[Tex]) -> tuple[list[Tex], bool]:
    """Factors without the minus that stands before them, and whether the product is negative."""
    return [f.minus or f for f in factors], sum(f.minus is not None for f in factors) % 2 == 1


def product(factors: Sequence[Tex], sign: str = " ") -> Tex:
    """A product written side by side; ``sign`` stands between, a dot where two numbers would run together."""
    kept = [f for f in factors if f.text != "1"] or [ONE]
    if len(kept) == 1:
        return kept[0]
    kept, minus = without_signs(kept)
    if minus:
        return negative(product(kept, sign))
    texts = [f.within(Level.PRODUCT) for f in kept[:-1]]
    last = kept[-1]
    texts.append(last.text if last.level == Level.BIG else _after_sign(last, Level.PRODUCT))
    text = texts[0]
    for t in texts[1:]:
        digits = t[0].isdigit() or (t.startswith((r"\frac{", r"\left\lfloor")) and text[-1].isdigit())
        text += (rf" \cdot {t}") if digits else f"{sign}{t}"
    return Tex(text, Level.BIG if last.level == Level.BIG else Level.PRODUCT)


def commuted(x: Tex, y: Tex) -> list[Tex]:
    """Two factors of a product, a number first."""
    return [y, x] if y.text[:1].isdigit() and not x.text[:1].isdigit() else [x, y]


def hadamard(x: Tex, y: Tex, sign: str = r"\odot") -> Tex:
    """The product (or quotient) element by element; products of matrices and quotients in it get brackets."""
    (x, y), minus = without_signs([x, y])
    if minus:
        return negative(hadamard(x, y, sign))
    left, right = (
        z.text if z.level == Level.HADAMARD and sign == r"\odot" and r"\oslash" not in z.text else z.within(Level.POWER)
        for z in (x, y)
    )
    return Tex(f"{left} {sign} {right}", Level.HADAMARD)


def fraction(x: Tex, y: Tex) -> Tex:
    """A fraction; with the denominator 1 the numerator. It counts as a product where it is raised to a power."""
    if x.minus:
        return negative(fraction(x.minus, y))
    return x if y.text == "1" else Tex(rf"\frac{{{x.text}}}{{{y.text}}}", Level.PRODUCT)


def power(x: Tex, y: str) -> Tex:
    """x to the y."""
    return Tex(f"{base(x.within(Level.ATOM))}^{{{y}}}", Level.POWER)


def base(text: str) -> str:
    """What a power is taken of: LaTeX refuses a second superscript, such as that of the third of several h."""
    return text if "^" not in text or text.startswith(r"\left(") else f"{{{text}}}"


def call(name: str, *arguments: Tex) -> Tex:
    """A function of arguments."""
    return Tex(rf"{name}\left({', '.join(a.text for a in arguments)}\right)")


def operator(name: str) -> str:
    """An upright name of a function."""
    return rf"\operatorname{{{escape(name)}}}"


def iverson(condition: Tex) -> Tex:
    """1 where a condition holds, else 0 (Iverson's bracket)."""
    return Tex(rf"\left[{condition.text}\right]")


def truth(value: Tex) -> Tex:
    """A condition as a number; a value that is one already stays."""
    return iverson(value) if value.level <= Level.RELATION and not value.text.startswith(r"\begin") else value


def cases(pairs: Iterable[tuple[Tex, str]]) -> Tex:
    """Different formulas by condition."""
    rows = r" \\ ".join(rf"{x.text} & {condition}" for x, condition in pairs)
    return Tex(rf"\begin{{cases}} {rows} \end{{cases}}", Level.BIG)


def escape(text: str) -> str:
    """Text for text mode of a formula."""
    return text.replace("_", r"\_").replace("%", r"\%").replace("&", r"\&").replace("#", r"\#")


def number(value: Any) -> Tex:
    """A number, with the digits that give it back."""
    scalar = np.asarray(value)[()]
    if scalar.dtype.kind == "b":
        return Tex(r"\mathrm{true}" if scalar else r"\mathrm{false}")
    if scalar.dtype.kind == "c":
        real, imaginary = number(scalar.real), product([number(scalar.imag), Tex(r"\mathrm{i}")])
        return real if scalar.imag == 0 else imaginary if scalar.real == 0 else add([real, imaginary])
    if scalar.dtype.kind == "f" and not math.isfinite(scalar):
        return Tex(r"\mathrm{nan}") if math.isnan(scalar) else signed(scalar, Tex(r"\infty"))
    if float(abs(scalar)) in CONSTANTS:
        return signed(scalar, CONSTANTS[float(abs(scalar))])
    text = str(abs(int(scalar))) if float(scalar).is_integer() and abs(float(scalar)) < 1e6 else str(abs(scalar))
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return signed(scalar, Tex(text.removesuffix(".0")))
    scale = rf"10^{{{int(exponent)}}}"
    if mantissa in ("1", "1.0"):
        return signed(scalar, Tex(scale, Level.POWER))
    return signed(scalar, Tex(rf"{mantissa.removesuffix('.0')} \cdot {scale}", Level.PRODUCT))


def signed(value: Any, tex: Tex) -> Tex:
    """The formula of an absolute value with the sign of the value."""
    return negative(tex) if value < 0 else tex


def size(value: Size) -> Tex:
    """A named size, or a polynomial in named sizes."""
    if not isinstance(value, Dim):
        return number(value)
    terms = []
    for monomial, coefficient in value.terms:
        factors = [size_name(a) if isinstance(a, str) else _floor(a) for a in monomial]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, Tex(str(abs(coefficient))))
        terms.append(signed(coefficient, product(factors, r" \, ")))
    return add(terms)


def _floor(atom: FloorDiv) -> Tex:
    return Tex(rf"\left\lfloor \frac{{{size(atom.num).text}}}{{{size(atom.den).text}}} \right\rfloor")


def size_name(name: str) -> Tex:
    """A named size: a letter as it is, a word upright."""
    return Tex(name if len(name) == 1 and name.isascii() else rf"\mathrm{{{escape(name)}}}")


def shape(sizes: Sequence[Size]) -> str:
    r"""Sizes of axes: ``3 \times n``."""
    return r" \times ".join(size(s).within(Level.PRODUCT) for s in sizes)
