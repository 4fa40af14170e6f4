r"""The equation of a loop: what holds before it, what each turn computes, with the turn as a subscript.

``\mathbf{h}_{t} = \tanh\left(\mathbf{xs}_{t} \mathbf{W} + \mathbf{h}_{t-1} \mathbf{U}\right)`` for t = 1, …, n. A loop
that begins at the last element has what is handed on from t + 1.
"""

from collections.abc import Sequence
from dataclasses import replace

from graphad.ir.core import Node
from graphad.symbolic import tex
from graphad.symbolic.lines import Lines, choose
from graphad.symbolic.matrix import Matrix, writes
from graphad.symbolic.names import Symbol, free, symbol
from graphad.symbolic.tex import Tex

TURNS = "tsmqp"  # letters for the number of a turn


@writes("scan")
def _scan(m: Matrix, node: Node) -> Tex:
    return Tex(_Loop(m, node).text())


class _Loop:
    """One loop; ``m`` writes what is outside of it."""

    def __init__(self, m: Matrix, node: Node) -> None:
        self.m, self.node, self.body = m, node, node.attrs["body"]
        self.carries, self.end = node.attrs["carries"], node.attrs["carries"] + node.attrs["arrays"]
        taken = {*m.lines.graph.sizes, *self.body.sizes}
        self.turn = next(c for c in TURNS if c not in taken)
        reverse = node.attrs["reverse"]
        self.before = f"{self.turn}{'+' if reverse else '-'}1"
        length = tex.size(node.attrs["length"]).text
        self.first = f"{length}+1" if reverse else "0"
        self.last = "1" if reverse else length
        self.range = rf"{length}, \dots, 1" if reverse else rf"1, \dots, {length}"
        self.items = {n.attrs["index"]: n for n in m.lines.graph.users[node] if n in m.own}

    def text(self) -> str:
        """The lines, one below the other."""
        inner = Lines(self.body, self.own, {}, frozenset(), self.symbols())
        write = Matrix(inner)
        starts = [(self.carry(k, self.first), self.m.value(x).text) for k, x in self.starts]
        rows = [f"{left} = {right}" for left, right in starts if left != right]
        rows.append(rf"\text{{for }} {self.turn} = {self.range}\text{{:}}")
        rows += [rf"\quad {write.left(n)} = {tex.truth(write.right(n)).text}" for n in inner.equations]
        rows += [rf"\quad {left} = {right}" for left, right in self.results(write)]
        rows += [f"{self.m.left(self.items[k])} = {self.carry(k, self.last)}" for k in self.kept]
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    @property
    def starts(self) -> list[tuple[int, Node]]:
        return list(enumerate(self.node.inputs[: self.carries]))

    @property
    def kept(self) -> list[int]:
        """The carries whose last value somebody uses."""
        return [k for k in range(self.carries) if k in self.items]

    @property
    def own(self) -> tuple[Node, ...]:
        """The nodes of the body that have a line: those that its own choice gives one, and what it hands on."""
        given = range(self.carries, len(self.body.outputs))
        results = [y for k, y in enumerate(self.body.outputs) if k not in given or k in self.items]
        needed = self.body.subgraph(results)
        chosen = {*choose(needed).own, *results, *self.body.inputs}
        return tuple(n for n in needed.nodes if n in chosen)

    def carry(self, k: int, turn: str) -> str:
        """A value that is handed on, at a turn."""
        return _at(self.name(k), turn).tex(bold=self.body.inputs[k].ndim > 0)

    def name(self, k: int) -> Symbol:
        """What a value that is handed on is called, without a turn: as the step calls it."""
        after = self.body.outputs[k]
        name = after.name if not self.body.is_input(after) else None
        return symbol((name or self.body.inputs[k].name or "c").removeprefix("sum_"))

    def symbols(self) -> dict[Node, Symbol]:
        """The symbols within: what belongs to a turn has it for a subscript."""
        found: dict[Node, Symbol] = {}
        for k, x in enumerate(self.body.inputs):
            outer = self.m.own.get(self.node.inputs[k])
            if k < self.carries:
                found[x] = _at(self.name(k), self.before)
            elif k < self.end:
                found[x] = _at(outer or symbol(x.name or "x"), self.turn)
            else:
                found[x] = outer or symbol(x.name or "c")
        for k, y in enumerate(self.body.outputs[: self.carries]):
            found.setdefault(y, _at(self.name(k), self.turn))
        plain = Lines(self.body, tuple(n for n in self.own if n not in found)).symbol
        taken = dict.fromkeys(found.values(), 0)
        for n, s in plain.items():
            found[n] = free(_at(s, self.turn), taken)
        return found

    def results(self, write: Matrix) -> list[tuple[str, str]]:
        """What each turn gives, of what somebody uses."""
        count = len(self.body.outputs)
        values: Sequence[Node] = [*self.body.outputs[self.carries :], *self.body.inputs[: self.carries]]
        rows = []
        for k, value in enumerate(values, self.carries):
            if k in self.items and k < count + self.carries:
                left = _at(self.m.own[self.items[k]], self.turn).tex(bold=value.ndim > 0)
                rows.append((left, write.value(value).text))
        return rows + self.repeated(write)

    def repeated(self, write: Matrix) -> list[tuple[str, str]]:
        """Carries that leave as a value which has another symbol already."""
        symbols = write.own
        return [
            (self.carry(k, self.turn), write.value(y).text)
            for k, y in enumerate(self.body.outputs[: self.carries])
            if symbols[y] != _at(self.name(k), self.turn)
        ]


def _at(name: Symbol, turn: str) -> Symbol:
    return replace(name, sub=(*name.sub, turn))
