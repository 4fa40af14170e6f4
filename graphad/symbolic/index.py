r"""Formulas of elements: ``h_{i j} = \tanh\left(\sum_{k=1}^{64} x_{i k} W_{1,k j} + b_{1,j}\right)``.

Each op says what one element of its result is, from elements of its operands; broadcasts and transposes vanish. Ops
of linear algebra and the like, whose elements have no formula, are written as a whole:
``\left[\mathbf{A}^{-1}\right]_{i j}``. With ``spelled=True`` the indices are numbers and short sums are written out
(style "scalar"). Indices count from 1 (see `ix.py`); positions that an array holds, such as labels, count from 0 as in
the code.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from graphad.ir.core import Node
from graphad.ir.dims import Size
from graphad.ir.types import TupleType
from graphad.symbolic import tex
from graphad.symbolic.ix import Ix, letter
from graphad.symbolic.lines import Lines, is_number
from graphad.symbolic.matrix import Matrix, filled
from graphad.symbolic.names import Symbol
from graphad.symbolic.tex import Level, Tex

LETTERS = "ijklmnpqrsuvabcdefgh"
MANY = 12  # terms of a sum that is written out, and elements of an array that are spelled out
Writer = Callable[["Index", Node, Sequence[Ix]], Tex | None]
WRITERS: dict[str, Writer] = {}  # None as an answer: the element has no formula here
Condition = tuple[Ix, str, Ix]


def element_of(*names: str) -> Callable[[Writer], Writer]:
    """Register a function as the writer of elements of ops."""

    def register(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(names, writer))
        return writer

    return register


class Index(Matrix):
    """Writes the nodes of a graph as formulas of elements."""

    def __init__(self, lines: Lines, spelled: bool = False) -> None:
        super().__init__(lines)
        self.spelled = spelled
        taken = {s.tex()[:1] for s in self.own.values() if len(s.base) == 1 and not s.sub} | set(lines.graph.sizes)
        self.letters = [c for c in LETTERS if c not in taken] + [f"i_{{{k}}}" for k in range(1, 40)]
        self.used = 0
        self.whole = Matrix(lines)

    def left(self, node: Node) -> str:
        """An element of the node; a tuple, or what is no array of elements, as a whole."""
        return self.whole.left(node) if isinstance(node.type, TupleType) else self.symbol(node, self.axes(node))

    def mark(self, symbol: Symbol, node: Node) -> str:
        """A symbol with the indices of an element."""
        return symbol.tex(indices=[i.printed().text for i in self.axes(node)])

    def axes(self, node: Node) -> list[Ix]:
        """The indices of an element on the left."""
        return [letter(c) for c in self.letters[: node.ndim]]

    def symbol(self, node: Node, at: Sequence[Ix]) -> str:
        """An element of a value with a symbol."""
        return self.own[node].tex(indices=[i.printed().text for i in at])

    def right(self, node: Node) -> Tex:
        """What an element is made of."""
        if isinstance(node.type, TupleType):
            return self.whole.right(node)
        return self.made(node, self.axes(node))

    def made(self, node: Node, at: Sequence[Ix]) -> Tex:
        """What the element at some indices is made of."""
        self.used = max(self.used, node.ndim)
        result = self.element(node, at, expand=True)
        self.used = 0
        return result

    def element(self, node: Node, at: Sequence[Ix], expand: bool = False) -> Tex:
        """An element as an operand."""
        if node in self.apart and not expand:
            return Tex(self.symbol(node, at))
        if is_number(node):
            return tex.number(node.attrs["value"].flat[0])
        writer = WRITERS.get(node.op.name)
        if writer is None and "elementwise" in node.op.traits:
            return filled(node, [self.element(x, at) for x in node.inputs])
        found = writer(self, node, at) if writer else None
        return self.of_whole(node, at) if found is None else found

    def of_whole(self, node: Node, at: Sequence[Ix]) -> Tex:
        """An element of a value that is written as a whole."""
        value = self.whole.right(node)
        if not at:
            return value
        texts = [i.printed().text for i in at]
        apart = " " if all(len(t) == 1 for t in texts) else ", "
        return Tex(rf"\left[{value.text}\right]_{{{apart.join(texts)}}}")

    def over(self, sign: str, size: Size, body: Callable[[Ix], Tex], join: Callable[[Sequence[Tex]], Tex]) -> Tex:
        """A big operator over one axis, or its terms if they are few and spelled out."""
        if isinstance(size, int) and (size == 1 or (self.spelled and 0 < size <= MANY)):
            return join([body(Ix(constant=k)) for k in range(size)])
        name = self.fresh()
        inner = body(letter(name))
        limits = rf"_{{{name}=1}}^{{{tex.size(size).text}}}"
        if sign in (r"\max", r"\min"):
            limits = rf"_{{1 \leq {name} \leq {tex.size(size).text}}}"
        return Tex(f"{sign}{limits} {inner.within(Level.BIG)}", Level.BIG)

    def total(self, sizes: Sequence[Size], body: Callable[[Sequence[Ix]], Tex]) -> Tex:
        """A sum over several axes."""
        if not sizes:
            return body([])
        return self.over(r"\sum", sizes[0], lambda k: self.total(sizes[1:], lambda rest: body([k, *rest])), self.added)

    def added(self, terms: Sequence[Tex]) -> Tex:
        """A sum, without zeros where it is spelled out."""
        kept = [t for t in terms if t.text != "0"] if self.spelled else terms
        return tex.add(kept) if kept else tex.ZERO

    def fresh(self) -> str:
        """A letter that is not used in this equation."""
        self.used += 1
        return self.letters[self.used - 1]

    def given(self, conditions: Sequence[Condition], value: Callable[[], Tex], otherwise: Tex = tex.ZERO) -> Tex:
        """A value where conditions on indices hold, something else where not; what is known is decided here."""
        open_: list[str] = []
        for left, sign, right in conditions:
            known = _decided(left, sign, right)
            if known is False:
                return otherwise
            if known is None:
                open_.append(f"{left.printed().text} {_SIGNS[sign]} {right.printed().text}")
        if not open_:
            return value()
        condition = r" \land ".join(open_)
        if otherwise.text == "0" and all(sign == "=" for _, sign, _ in conditions):
            return tex.product([tex.iverson(Tex(condition)), value()], r" \, ")
        return tex.cases([(value(), rf"\text{{if }} {condition}"), (otherwise, r"\text{otherwise}")])


_SIGNS = {"=": "=", "<": "<", "<=": r"\leq"}


def _decided(left: Ix, sign: str, right: Ix) -> bool | None:
    """Whether a condition on indices holds, if that is known."""
    if left == right:
        return sign != "<"
    a, b = left.number, right.number
    if not isinstance(a, int) or not isinstance(b, int):
        return None
    return {"=": a == b, "<": a < b, "<=": a <= b}[sign]


def spelled_elements(node: Node) -> Iterator[tuple[int, ...]]:
    """The positions of all elements of a small array; nothing for others."""
    shape: Any = node.type.shape
    if all(isinstance(s, int) for s in shape) and 0 < node.size <= MANY:
        yield from product(*map(range, shape))
