"""Named symbolic sizes, and the integer arithmetic that shape rules do with them.

A shape such as ``("batch", 64)`` holds sizes: an ``int``, or a ``Dim`` where the number is known only when the graph
runs. A ``Dim`` is an integer polynomial in canonical form, so ``==`` decides whether two sizes are the same. Its atoms
are names and the floor divisions that could not be simplified. Results without a name in them are plain ints; no
``Dim`` is a constant. A divisor counts as nonzero: ``n * m // n`` is ``m``.

Read ``Dim`` first, then ``_floordiv``: the only place where more happens than collecting terms.
"""

from __future__ import annotations

import ast
import keyword
import math
import reprlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral, Number
from typing import Any, ClassVar, NoReturn, TypeAlias, final

from graphad.errors import ArgumentError, NodeValueError, ShapeError
from graphad.ir.late import METHODS


def _operator(
    name: str, compute: Callable[[Size, Size], Size]
) -> tuple[Callable[[Dim, Size], Size], Callable[[Dim, Size], Size]]:
    """Make a method and its reflection: with a size they give a size, with another number a node."""
    compute = lru_cache(maxsize=4096)(compute)  # the same few sizes meet all over a graph
    as_node, reflected_as_node = _on_node(f"__{name}__"), _on_node(f"__r{name}__")

    def method(self: Dim, other: Size) -> Size:
        size = _as_size(other)
        return as_node(self, other) if size is None else compute(self, size)

    def reflected(self: Dim, other: Size) -> Size:
        size = _as_size(other)
        return reflected_as_node(self, other) if size is None else compute(size, self)

    return method, reflected


def _on_node(name: str) -> Callable[[Dim, Any], Any]:
    """The operator on the number that the size has at the call, a node; operands that are no numbers see to it."""

    def method(self: Dim, other: Any) -> Any:
        known = isinstance(other, Number | Dim) and not isinstance(other, bool)
        return getattr(METHODS["Dim.node"](self), name)(other) if known else NotImplemented

    return method


@final
@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class Dim:
    """A named size, or a polynomial in named sizes; immutable, hashable, with ``+ - * // %``.

    ``terms`` is the canonical form: pairs (monomial, coefficient), highest degree first. A monomial is the sorted
    tuple of its factors, with repetition; a factor, or atom, is a name or a ``FloorDiv``.

    Raises ``ArgumentError`` when ``name`` is not a Python identifier, and on division by the int 0. Whatever needs
    the number (``int``, ``bool``, ``range``, ``<``) raises ``NodeValueError``. Arithmetic that is none of sizes
    (``n / 2``, ``0.5 * n``, ``n**2``) gives a node, the number at the call.

    >>> n = Dim("n")
    >>> (12 * n + 5) // 4, (n + 1) // 2, n * 64 // n
    (3*n + 1, (n + 1) // 2, 64)
    """

    terms: Terms
    _hash: int
    __array_ufunc__: ClassVar[None] = None  # NumPy scalars leave the arithmetic to Dim

    def __new__(cls, name: str) -> Dim:
        """A named size."""
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ArgumentError(f"not a name for a size: {reprlib.repr(name)}", hint='use an identifier: "batch"')
        return _from_terms((((unicodedata.normalize("NFKC", name),), 1),))  # as Python reads identifiers

    def __reduce__(self) -> tuple[Callable[[Terms], Dim], tuple[Terms]]:
        return _from_terms, (self.terms,)  # without the hash, which differs between processes

    def __eq__(self, other: object) -> bool:
        return self.terms == other.terms if isinstance(other, Dim) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return to_python(self)

    __add__, __radd__ = _operator("add", lambda a, b: _collect(_terms(a) + _terms(b)))
    __sub__, __rsub__ = _operator("sub", lambda a, b: _collect(_terms(a) + _terms(-b)))
    __mul__, __rmul__ = _operator(
        "mul", lambda a, b: _collect((s + t, x * y) for s, x in _terms(a) for t, y in _terms(b))
    )
    __floordiv__, __rfloordiv__ = _operator("floordiv", lambda a, b: _floordiv(a, b))
    __mod__, __rmod__ = _operator("mod", lambda a, b: a - b * _floordiv(a, b))
    __truediv__, __rtruediv__ = _on_node("__truediv__"), _on_node("__rtruediv__")
    __pow__, __rpow__ = _on_node("__pow__"), _on_node("__rpow__")

    def __neg__(self) -> Size:
        return self * -1

    def _no_number(self, _other: object = None) -> NoReturn:
        hint = "compute with it (+ - * // %), or declare the input with an int for this size"
        raise NodeValueError(f"the named size {self} has no number before the graph runs", hint=hint)

    __bool__ = __int__ = __index__ = __float__ = _no_number
    __lt__ = __le__ = __gt__ = __ge__ = _no_number


@final
@dataclass(frozen=True, slots=True)
class FloorDiv:
    """The atom ``num // den``, reduced as far as ``_floordiv`` can; an int ``den`` is at least 2."""

    num: Size
    den: Size

    def __str__(self) -> str:
        num, den = to_python(self.num), to_python(self.den)
        num = f"({num})" if len(_terms(self.num)) > 1 else num
        return f"{num} // {den}" if den.isidentifier() or den.isdigit() else f"{num} // ({den})"


Size: TypeAlias = int | Dim
Atom: TypeAlias = str | FloorDiv
Monomial: TypeAlias = tuple[Atom, ...]
Term: TypeAlias = tuple[Monomial, int]
Terms: TypeAlias = tuple[Term, ...]


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes, 1 for none: the number of elements of a shape."""
    return math.prod(sizes)


@lru_cache(maxsize=4096)
def names(size: Size) -> tuple[str, ...]:
    """The names in a size, sorted."""
    found: set[str] = set()
    for atom in (atom for monomial, _ in _terms(size) for atom in monomial):
        found.update([atom] if isinstance(atom, str) else names(atom.num) + names(atom.den))
    return tuple(sorted(found))


def substitute(size: Size, mapping: Mapping[str, Size]) -> Size:
    """The size with names replaced, all at once; names that ``mapping`` lacks stay.

    Raises ``ArgumentError`` when this makes a division by zero.

    >>> substitute(Dim("n") * Dim("m"), {"n": Dim("m") + 1})
    m*m + m
    """

    def value(atom: Atom) -> Size:
        if isinstance(atom, str):
            return mapping[atom] if atom in mapping else Dim(atom)
        return _floordiv(substitute(atom.num, mapping), substitute(atom.den, mapping))

    return sum(coefficient * product(map(value, monomial)) for monomial, coefficient in _terms(size))


def evaluate(size: Size, sizes: Mapping[str, int]) -> int:
    """The number that a size is, given the values of its names.

    Raises ``ArgumentError`` when a name has no value or a divisor is zero.

    >>> evaluate((Dim("n") + 1) // 2, {"n": 6})
    3
    """
    if isinstance(size, int):
        return size
    for name in names(size):
        if name not in sizes:
            raise ArgumentError(f"the named size {name!r} has no value", hint=f"known: {', '.join(sizes) or 'none'}")

    def value(atom: Atom) -> int:
        if isinstance(atom, str):
            return int(sizes[atom])
        return int(_floordiv(evaluate(atom.num, sizes), evaluate(atom.den, sizes)))

    return sum(coefficient * math.prod(map(value, monomial)) for monomial, coefficient in size.terms)


def solve_for_name(size: Size, value: int) -> tuple[str, int] | None:
    """The name in a size ``c*name + k`` and the value it has when the size is ``value``.

    None when the size has another form, or no integer of at least 0 fits.

    >>> solve_for_name(2 * Dim("n") + 1, 7)
    ('n', 3)
    """
    coefficient, atom, constant = _linear(size)
    if not isinstance(atom, str):
        return None
    solution, rest = divmod(value - constant, coefficient)
    return (atom, solution) if rest == 0 and solution >= 0 else None


def to_python(size: Size) -> str:
    """The size as a Python expression in its names; ``parse_size`` reads it back.

    >>> to_python(2 * (Dim("n") // 3) - Dim("n") + 1)
    '-n + 2*(n // 3) + 1'
    """
    text = ""
    for monomial, coefficient in _terms(size):
        sign, count = "-" if coefficient < 0 else "+" * bool(text), abs(coefficient)
        if count == 1 and len(monomial) == 1 and (text or not sign):  # a leading minus binds tighter than a bare //
            factors = [str(monomial[0])]
        else:
            factors = [str(count)] * (count != 1 or not monomial)
            factors += [atom if isinstance(atom, str) else f"({atom})" for atom in monomial]
        text += (f" {sign} " if text else sign) + "*".join(factors)
    return text or "0"


def parse_size(value: object) -> Size:
    """The size that a user wrote: an int, a ``Dim``, a name, or an expression in names with ``+ - * //``.

    Raises ``ShapeError`` when the value is a negative number and ``ArgumentError`` when it is no size.

    >>> parse_size("batch"), parse_size("(2*n + 1) // 2"), parse_size(64)
    (batch, n, 64)
    """
    if isinstance(value, str) and value.isidentifier() and not keyword.iskeyword(value):
        return Dim(value)
    try:
        size = _parse_node(ast.parse(value.strip(), mode="eval").body) if isinstance(value, str) else _as_size(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        size = None
    if size is None:
        raise ArgumentError(f"not a size: {reprlib.repr(value)}", hint='use an int, a name such as "n", or "2*n + 1"')
    if isinstance(size, int) and size < 0:
        raise ShapeError(f"a size is never negative: {reprlib.repr(value)}")
    return size


def _terms(size: Size) -> Terms:
    if isinstance(size, Dim):
        return size.terms
    return (((), size),) if size else ()


@lru_cache(maxsize=4096)  # equal sizes are most often one object, which dicts and tuples see at once
def _from_terms(terms: Terms) -> Dim:
    dim = object.__new__(Dim)
    object.__setattr__(dim, "terms", terms)
    object.__setattr__(dim, "_hash", hash(terms))
    return dim


def _as_size(value: object) -> Size | None:
    if isinstance(value, Dim):
        return value
    return int(value) if isinstance(value, (int, Integral)) and not isinstance(value, bool) else None


def _collect(terms: Iterable[Term]) -> Size:
    """The sum of terms in canonical form."""
    total: defaultdict[Monomial, int] = defaultdict(int)
    for monomial, coefficient in terms:
        total[tuple(sorted(monomial, key=str))] += coefficient
    # Graded lexicographic order, highest first: products keep it, which makes polynomial division well defined.
    kept = tuple(sorted((t for t in total.items() if t[1]), key=lambda t: (-len(t[0]), [str(atom) for atom in t[0]])))
    if kept and kept[0][0]:
        return _from_terms(kept)
    return kept[0][1] if kept else 0


def _floordiv(num: Size, den: Size) -> Size:
    """The polynomial quotient plus the floor of what remains, so that ``(a + k*d) // d == a // d + k``."""
    if den == 0:
        raise ArgumentError(f"the size ({num}) // 0 divides by zero")
    if _terms(den)[0][1] < 0:
        num, den = -num, -den
    quotient = _quotient(num, den)
    rest = num - quotient * den
    if rest == 0 or (isinstance(rest, int) and isinstance(den, int)):
        return quotient
    if isinstance(den, int):  # floor(x / (c*d)) is floor(floor(x/c) / d) for d > 0: cancel factors, merge floors
        shared = math.gcd(den, *(coefficient for monomial, coefficient in _terms(rest) if monomial))
        if shared > 1:
            return quotient + _floordiv(_floordiv(rest, shared), den // shared)
        coefficient, atom, constant = _linear(rest)
        if isinstance(atom, FloorDiv) and coefficient == 1:
            return quotient + _floordiv(atom.num + constant * atom.den, atom.den * den)
    return quotient + _collect([((FloorDiv(rest, den),), 1)])


def _quotient(num: Size, den: Size) -> Size:
    """The quotient of polynomials; coefficients divide as ints do, which makes it unique."""
    lead, divisor = _terms(den)[0]
    quotient: Size = 0
    while terms := _terms(num):
        monomial, coefficient = terms[0]
        ratio = tuple((Counter(monomial) - Counter(lead)).elements())
        count, left = divmod(coefficient, divisor) if len(ratio) == len(monomial) - len(lead) else (0, coefficient)
        multiple = _collect([(ratio, count)])
        quotient, num = quotient + multiple, num - multiple * den - _collect([(monomial, left)])
    return quotient


def _linear(size: Size) -> tuple[int, Atom | None, int]:
    """The parts of ``coefficient*atom + constant``; atom None for any other form."""
    constant = sum(coefficient for monomial, coefficient in _terms(size) if not monomial)
    match _terms(size - constant):
        case (((atom,), coefficient),):
            return coefficient, atom, constant
    return 0, None, 0


def _parse_node(node: ast.expr) -> Size:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return Dim(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_parse_node(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _parse_node(left) + _parse_node(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _parse_node(left) - _parse_node(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _parse_node(left) * _parse_node(right)
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return _floordiv(_parse_node(left), _parse_node(right))
    raise ValueError("not an expression of sizes")
