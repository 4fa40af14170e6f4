r"""The user's names as symbols: ``W1`` is W₁, bold where it is an array, ``x_hat`` x̂, ``alpha`` α, ``d_W1`` W̄₁.

A bar stands for the derivative of the loss with respect to a value (Griewank & Walther 2008, section 3.1): the
cotangent of W₁ is W̄₁, that of W̄₁ has two bars. Values that the user gave no name are called t, or T where they are
matrices, and counted. A name that occurs several times, as in an unrolled loop, is counted in brackets: h⁽¹⁾, h⁽²⁾.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from graphad.ir.core import Node
from graphad.ir.origin import Origin
from graphad.ir.types import TupleType
from graphad.symbolic.tex import escape

GREEK = set(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
SHORT = {"lambda_": r"\lambda", "lamda": r"\lambda", "lam": r"\lambda", "eps": r"\epsilon"}
ACCENTS = {"hat": r"\hat", "tilde": r"\tilde"}
_PARTS = re.compile(r"([^\W\d_]+)(\d*)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Symbol:
    """A name as mathematics writes it; `tex` puts it together."""

    base: str
    sub: tuple[str, ...] = ()
    accent: str = ""
    bars: int = 0
    copy: int = 0  # of values with the same name

    def tex(self, bold: bool = False, indices: Sequence[str] = ()) -> str:
        r"""LaTeX, with indices of an element beside the subscript.

        >>> Symbol("W", ("1",), bars=1).tex(bold=True)
        '\\bar{\\mathbf{W}}_{1}'
        >>> Symbol("W", ("1",)).tex(indices=["i", "j"])
        'W_{1,i j}'
        """
        text = _bold(self.base) if bold else self.base
        bar = r"\overline" if self.base.startswith(r"\mathit") else r"\bar"
        for accent in [self.accent] * bool(self.accent) + [bar] * self.bars:
            text = f"{accent}{{{text}}}"
        parts = [*self.sub, *([" ".join(indices) if _single(indices) else ", ".join(indices)] if indices else [])]
        text += f"_{{{','.join(parts)}}}" if parts else ""
        return text + (f"^{{({self.copy})}}" if self.copy else "")


def _single(indices: Sequence[str]) -> bool:
    """Whether indices may stand side by side without a comma: letters and digits."""
    return all(re.fullmatch(r"[a-z]|\d|\\[a-z]+", i) for i in indices)


def _bold(base: str) -> str:
    if base.startswith(r"\mathit"):
        return base.replace(r"\mathit", r"\mathbf")
    return rf"\boldsymbol{{{base}}}" if base.startswith("\\") else rf"\mathbf{{{base}}}"


def symbol(name: str) -> Symbol:
    r"""The symbol of a name as a user writes it.

    >>> symbol("W1").tex(), symbol("x_hat").tex(), symbol("alpha_2").tex(), symbol("linear_2_W").tex()
    ('W_{1}', '\\hat{x}', '\\alpha_{2}', 'W_{\\mathrm{linear},2}')
    """
    if name.startswith("d_") and name[2:]:
        inner = symbol(name[2:])
        return replace(inner, bars=inner.bars + 1)
    if name in SHORT:
        return Symbol(SHORT[name])
    found = _PARTS.fullmatch(name.strip("_"))
    if found is None:
        return Symbol(rf"\mathit{{{escape(name)}}}")
    head, digits, rest = found.groups()
    if re.fullmatch("[A-Z][a-z]{1,2}", head) and head not in GREEK:
        head, rest = head[0], f"{head[1:]}{digits}_{rest}"  # Wx, Wxh
        digits = ""
    parts = [p for p in (digits, *rest.split("_")) if p]
    if len(head) > 1 and head not in GREEK and parts and (parts[-1].isalpha() and len(parts[-1]) == 1):
        head, parts = parts[-1], [head, *parts[:-1]]  # a layer's parameter: linear_2_W
    accent = next((ACCENTS[p] for p in parts if p in ACCENTS), "")
    return Symbol(_letter(head), tuple(_upright(p) for p in parts if p not in ACCENTS), accent)


def _letter(word: str) -> str:
    if word in SHORT or word in GREEK:
        return SHORT.get(word) or f"\\{word}"
    if not word.isascii():
        return _foreign(word)
    return word if len(word) == 1 else rf"\mathit{{{word}}}"


def _foreign(word: str) -> str:
    """A Greek letter by its name; other letters than those of the alphabet as text."""
    kind, _, letter = unicodedata.name(word, "").rpartition(" LETTER ") if len(word) == 1 else ("", "", "")
    name = letter.lower() if kind == "GREEK SMALL" else letter.capitalize()
    return f"\\{name}" if kind.startswith("GREEK") and name in GREEK else rf"\mathit{{\text{{{word}}}}}"


def _upright(part: str) -> str:
    """A subscript; words stand upright, so that they are no indices."""
    if part.isdigit():
        return part
    if not part.isascii():
        return _foreign(part)
    return f"\\{part}" if part in GREEK else rf"\mathrm{{{part}}}"


def symbols(
    nodes: Iterable[Node], belongs: Mapping[Node, Node] = MappingProxyType({}), meant: Collection[str] = ()
) -> dict[Node, Symbol]:
    """A symbol for each node, all different; the order of the nodes decides who is counted first.

    ``belongs``: cotangent -> the node that it belongs to, where its origin shall not say. ``meant``: letters that mean
    something else in the formulas, such as the size n, or the function σ; numbers are called otherwise.
    """
    listed = list(nodes)
    known: dict[Origin, Symbol] = {}
    taken: dict[Symbol, int] = {}
    found: dict[Node, Symbol] = {}
    repeated = Counter(symbol(n.name) for n in listed if n.name and not n.origin.is_cotangent)
    counted, other = Counter[str](), {Symbol(letter) for letter in meant}
    for node in (n for n in listed if not n.origin.is_cotangent):
        wish = symbol(node.name) if node.name else _next(node, counted, repeated)
        if wish in other and not isinstance(node.type, TupleType) and not node.ndim:
            wish = replace(wish, base=rf"\mathit{{{wish.base[1:]}}}") if wish.base[0] == "\\" else replace(wish, copy=2)
        if node.name and repeated[wish] > 1:
            wish = replace(wish, copy=1)
        found[node] = known[node.origin] = free(wish, taken)
    for node in (n for n in listed if n.origin.is_cotangent):
        base = found.get(belongs[node]) if node in belongs else None
        wish = _barred(node, known, counted, repeated) if base is None else replace(base, bars=base.bars + 1)
        found[node] = free(wish, taken)
    return found


def _barred(node: Node, known: dict[Origin, Symbol], counted: Counter[str], repeated: Counter[Symbol]) -> Symbol:
    """The symbol of a cotangent: that of what it belongs to, with a bar for each time that it was differentiated."""
    bars, origin = 0, node.origin
    while origin.is_cotangent and origin.adjoint_of is not None:
        bars, origin = bars + 1, origin.adjoint_of
    base = known.get(origin)
    if base is None:
        base = symbol(origin.name) if origin.name else _next(node, counted, repeated)
        known[origin] = base
    return replace(base, bars=bars)


def free(wish: Symbol, taken: dict[Symbol, int]) -> Symbol:
    """A symbol that is not taken: the one wished for, or with the next number; it is then taken.

    ``taken``: symbol -> the last number that was given to one like it.
    """
    found = wish
    while found in taken:
        taken[wish] = max(taken[wish], wish.copy, 1) + 1
        found = replace(wish, copy=taken[wish])
    taken[found] = 0
    return found


def _next(node: Node, counted: Counter[str], repeated: Counter[Symbol]) -> Symbol:
    """The next of the symbols for values without a name."""
    base = "C" if "constant" in node.op.traits else "T" if isinstance(node.type, TupleType) or node.ndim > 1 else "t"
    while True:
        counted[base] += 1
        wish = Symbol(base, (str(counted[base]),))
        if wish not in repeated:
            return wish
