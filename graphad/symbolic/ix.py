r"""An index of an element: a letter, a number, ``i + k - 1``, or what a formula gives (``x_{y_i + 1}``).

Inside, indices count from 0 as in the code; printed, they count from 1 as in textbooks. A letter i stands for the
number i - 1 of the code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphad.ir.dims import Dim, Size
from graphad.symbolic import tex
from graphad.symbolic.tex import Tex


@dataclass(frozen=True)
class Ix:
    """Σ coefficient · letter + constant, counted from 0; ``value`` is what a formula adds."""

    terms: Mapping[str, int] = field(default_factory=dict)
    constant: Size = 0
    value: Tex | None = None

    @property
    def number(self) -> Size | None:
        """The number that it is, if it is one."""
        return self.constant if not self.terms and self.value is None else None

    def __add__(self, other: "Ix | Size") -> "Ix":
        if not isinstance(other, Ix):
            return Ix(self.terms, self.constant + other, self.value)
        letters = dict.fromkeys([*self.terms, *other.terms])
        terms = {k: self.terms.get(k, 0) + other.terms.get(k, 0) for k in letters}
        both = [v for v in (self.value, other.value) if v is not None]
        value = None if not both else tex.add(both)
        return Ix({k: c for k, c in terms.items() if c}, self.constant + other.constant, value)

    def __mul__(self, times: int) -> "Ix":
        value = None if self.value is None else tex.product([tex.number(times), self.value], r" \, ")
        return Ix({k: c * times for k, c in self.terms.items()}, self.constant * times, value)

    def code(self) -> Tex:
        """The number, counted from 0, where it stands for a value."""
        return self._text(-sum(self.terms.values()))

    def printed(self) -> Tex:
        """The index, counted from 1."""
        return self._text(1 - sum(self.terms.values()))

    def _text(self, shift: int) -> Tex:
        parts: list[Any] = [tex.product([Tex(str(c)), Tex(k)], r" \, ") for k, c in self.terms.items() if c > 0]
        parts += [self.value] if self.value is not None else []
        parts += [tex.negative(tex.product([Tex(str(-c)), Tex(k)], r" \, ")) for k, c in self.terms.items() if c < 0]
        constant = self.constant + shift
        if isinstance(constant, Dim) and parts and constant.terms[0][1] < 0:
            return tex.subtract(tex.add(parts), tex.size(-constant))
        if isinstance(constant, Dim) or constant or not parts:
            parts.append(tex.size(constant))
        return tex.add(parts)


def letter(name: str) -> Ix:
    """The index that a letter is."""
    return Ix({name: 1})
