"""A derivation as a document: Markdown with formulas in dollars, LaTeX that stands alone, HTML with MathML.

All three are made from the same list of blocks: headings, sentences with formulas in them, displayed formulas.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from graphad.errors import MissingDependencyError
from graphad.lower.values import short_value
from graphad.symbolic import tex
from graphad.symbolic.steps import Step

MATRIX = 16  # elements of an array that a document writes out
DIGITS = 4
SECTIONS = {"given": "Given", "forward": "Forward pass", "backward": "Backward pass", "gradient": "Gradients"}
MARKS = {
    "matrix": r"A vector is a column; functions and fractions of arrays are taken element by element, $\odot$ is "
    r"their product, $\oslash$ their quotient, a power with $\odot$ that of elements; $\mathbf{1}_n$ is a column of "
    r"$n$ ones. Numbers of axes count from 0, as in the code.",
    "index": r"Indices count from 1; positions that an array holds (labels) count from 0, as in the code.",
    "scalar": r"Indices count from 1; positions that an array holds (labels) count from 0, as in the code.",
}


class Block(NamedTuple):
    """A piece of a document: "title", "section", "rule" (a numbered heading), "text", "formula", or "blank".

    A formula has a left and a right side, and a sign between; a blank has its number.
    """

    kind: str
    text: str
    sign: str = ""
    right: str = ""
    number: int = 0

    @property
    def pieces(self) -> list[str]:
        """The text, in turn plain and a formula; titles and the names of files are plain, dollars or not."""
        return self.text.split("$") if self.kind == "text" else [self.text]

    @property
    def formula(self) -> str:
        """Both sides."""
        return f"{self.text} {self.sign} {self.right or blank(self.number)}"


def blocks(title: str, style: str, steps: Sequence[Step]) -> Iterator[Block]:
    """The document."""
    yield Block("title", _printable(title))
    yield Block(
        "text", rf"A bar stands for the derivative of the loss: $\bar{{x}} = \partial L / \partial x$. {MARKS[style]}"
    )
    number = 0
    for kind, heading in SECTIONS.items():
        chosen = [s for s in steps if s.kind == kind]
        if chosen:
            yield Block("section", heading)
        for step in chosen:
            if kind == "backward":
                number += 1
                yield Block("rule", f"{number}. {step.title}" + (f" ({_printable(step.place)})" if step.place else ""))
                for general in step.general:
                    yield Block("text", f"${general}$")
            yield from _lines(step)
    if any(s.blank for s in steps):
        yield Block("section", "Names for answers")
        yield Block("text", ", ".join(f"{s.name}: ${s.lines[0].left}$" for s in steps if s.kind != "gradient"))


def _lines(step: Step) -> Iterator[Block]:
    """The formulas of a step, and its value: a number on the same line, an array on its own."""
    sign = r"\in" if step.kind == "given" else "="
    number = value(step.value) if step.value is not None and not step.blank else ""
    alone = not isinstance(step.value, tuple) and np.ndim(step.value) == 0
    for k, line in enumerate(step.lines):
        if step.blank and k == 0:
            yield Block("blank", step.symbol if line.element is not None else line.left, sign, number=step.blank)
        elif step.kind == "given" and number and alone:
            yield Block("formula", line.left, "=", rf"{number} \in {line.right}")
        elif not (step.blank and line.element is not None):
            short = (
                _digits(step.value[line.element]) if number and line.element is not None else number if alone else ""
            )
            same = not short or line.rule == "the same" or line.right == short
            yield Block("formula", line.left, sign, line.right if same else f"{line.right} = {short}")
    if number and not alone and step.lines[0].element is None and step.symbol:
        yield Block("formula", step.symbol, "=", number)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def blank(number: int) -> str:
    """The place of an answer."""
    return rf"\boxed{{\quad ({number}) \quad}}"


def value(number: Any) -> str:
    """A number, or a small array, with a few digits; of a large one its shape and range."""
    array = np.asarray(number) if not isinstance(number, tuple) else None
    if array is None or array.ndim > 2 or array.size > MATRIX or array.size == 0:
        return rf"\text{{{tex.escape(short_value(number).replace('×', ' x ').replace('…', '...'))}}}"
    if array.ndim == 0:
        return _digits(array[()])
    rows = array.reshape(len(array), -1)
    text = r" \\ ".join(" & ".join(map(_digits, row)) for row in rows)
    return rf"\begin{{pmatrix}} {text} \end{{pmatrix}}"


def _digits(scalar: Any) -> str:
    kind = np.asarray(scalar).dtype.kind
    if kind == "b":
        return str(int(scalar))
    if kind == "f" and np.isfinite(scalar):
        return tex.number(float(f"{scalar:.{DIGITS}g}")).text
    if kind == "c" and np.isfinite(scalar):
        return tex.number(complex(*(float(f"{part:.{DIGITS}g}") for part in (scalar.real, scalar.imag)))).text
    return tex.number(scalar).text


# Markdown -----------------------------------------------------------------------------------------------------------


def markdown(parts: Iterable[Block]) -> str:
    """GitHub's Markdown: formulas between dollars."""
    marks = {"title": "# {}\n", "section": "## {}\n", "rule": "**{}**\n", "text": "{}\n"}
    rows = []
    for group in _grouped(parts):
        if group[0].kind in marks:
            rows.append(marks[group[0].kind].format(_shielded(group[0].pieces)))
        else:
            rows.append(f"$$\n{_aligned(group, 'aligned')}\n$$\n")
    return "\n".join(rows)


def _grouped(parts: Iterable[Block]) -> Iterator[list[Block]]:
    """Formulas that follow each other together, other blocks alone."""
    for formulas, group in groupby(parts, lambda b: b.kind in ("formula", "blank")):
        if formulas:
            yield list(group)
        else:
            yield from ([b] for b in group)


def _aligned(group: Sequence[Block], environment: str) -> str:
    """Formulas one below the other, aligned at their signs."""
    rows = " \\\\\n".join(f"{b.text} &{b.sign} {b.right or blank(b.number)}" for b in group)
    return f"\\begin{{{environment}}}\n{rows}\n\\end{{{environment}}}"


def _shielded(pieces: Sequence[str]) -> str:
    """Text with the signs of Markdown shielded, formulas as they are."""
    return "$".join(p if k % 2 else re.sub(r"([\\`*_<#\[\]$])", r"\\\1", p) for k, p in enumerate(pieces))


# LaTeX --------------------------------------------------------------------------------------------------------------

PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=25mm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\allowdisplaybreaks
\begin{document}
"""


def latex(parts: Iterable[Block]) -> str:
    """A document that pdflatex takes; it needs amsmath and geometry."""
    body = []
    for group in _grouped(parts):
        text = _words(group[0].pieces)
        match group[0].kind:
            case "title":
                body.append(rf"\section*{{{text}}}")
            case "section":
                body.append(rf"\subsection*{{{text}}}")
            case "rule":
                body.append(rf"\textbf{{{text}}}\nopagebreak")
            case "text":
                body.append(text)
            case _:  # no empty line before it, which would be a paragraph
                body[-1] += "\n" + _aligned(group, "align*")
    return PREAMBLE + "\n\n".join(body) + "\n\\end{document}\n"


_SIGNS = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SIGNS |= {"{": r"\{", "}": r"\}", "\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}", "$": r"\$"}


def _words(pieces: Sequence[str]) -> str:
    """Text for LaTeX, formulas as they are; letters that its fonts lack become question marks."""
    shown = ["".join(_SIGNS.get(c, c if ord(c) < 384 else "?") for c in p) for p in pieces[::2]]
    return "".join(p + (f"${pieces[2 * k + 1]}$" if 2 * k + 1 < len(pieces) else "") for k, p in enumerate(shown))


# HTML ---------------------------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
        color: #1a1a1a; background: #fff; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #bbb; }}
h3 {{ font-size: 1rem; margin: 1.2rem 0 0; }}
p {{ margin: .4rem 0; }}
.formula {{ overflow-x: auto; overflow-y: hidden; padding: .3rem 0 .3rem 2rem; }}
.blank {{ display: inline-block; min-width: 16rem; border-bottom: 1px solid; margin-left: .4em; color: #777; }}
math {{ font-size: 1.1em; }} mtd[columnalign="left"] {{ text-align: left; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e8e8e8; background: #161616; }} h2 {{ border-color: #555; }} }}
@media print {{ body {{ margin: 0; }} h3 {{ break-after: avoid; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(parts: Iterable[Block]) -> str:
    """A page that needs nothing else: formulas are MathML, which browsers draw by themselves."""
    listed = list(parts)
    return PAGE.format(title=html.escape(listed[0].text), body=fragment(listed))


def fragment(parts: Iterable[Block]) -> str:
    """The body of the page. Raises MissingDependencyError without latex2mathml."""
    tags = {"title": "h1", "section": "h2", "rule": "h3", "text": "p"}
    rows = []
    for b in parts:
        if b.kind == "formula":
            rows.append(f'<div class="formula">{mathml(b.formula, display=True)}</div>')
        elif b.kind == "blank":
            left = mathml(f"{b.text} {b.sign}", display=True)
            rows.append(f'<div class="formula">{left}<span class="blank">({b.number})</span></div>')
        else:
            text = "".join(mathml(p) if k % 2 else html.escape(p) for k, p in enumerate(b.pieces))
            rows.append(f"<{tags[b.kind]}>{text}</{tags[b.kind]}>")
    return "\n".join(rows)


def mathml(formula: str, display: bool = False) -> str:
    """A formula as MathML. Raises MissingDependencyError without latex2mathml."""
    try:
        from latex2mathml.converter import convert
    except ImportError as problem:
        what = "formulas in HTML need latex2mathml, which is not installed"
        raise MissingDependencyError(what, hint="pip install 'graphad[math]', or save as .md or .tex") from problem
    text = _BOLD.sub(_bold, str(convert(formula)))
    while (lined := _OVERLINE.sub(_LINE, text)) != text:
        text = lined
    return text.replace('display="inline"', 'display="inline" displaystyle="true"', 1) if display else text


_BOLD = re.compile(r'<(?:mi|mn) mathvariant="bold(?:-italic)?">(?:&#x([0-9A-F]+);|(\w))</(?:mi|mn)>')
_OVERLINE = re.compile(r'<mover>((?:(?!<mover>).)*?)<mo accent="true">&#x02015;</mo></mover>')
_LINE = r'<mrow style="border-top: 0.06em solid; padding-top: 0.08em">\1</mrow>'  # a bar as long as a word
_ALPHABETS = (  # first, last, first of the bold ones
    (0x30, 0x39, 0x1D7CE),
    (0x41, 0x5A, 0x1D400),
    (0x61, 0x7A, 0x1D41A),
    (0x391, 0x3A9, 0x1D71C),
    (0x3B1, 0x3C9, 0x1D736),
)


def _bold(found: re.Match[str]) -> str:
    """A bold letter as its own character: browsers leave the attribute out of account."""
    code = int(found[1], 16) if found[1] else ord(found[2])
    shift = next((bold - first for first, last, bold in _ALPHABETS if first <= code <= last), 0)
    return f"<mi>{chr(code + shift)}</mi>"
