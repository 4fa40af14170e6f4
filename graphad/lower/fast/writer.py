"""What both printers of the fast style share: statements that write into a given array."""

from collections.abc import Iterable, Sequence

from graphad.form import literals
from graphad.form.template import Expr
from graphad.ir.core import Node
from graphad.lower.emit import Printer, helpers_of
from graphad.lower.fast.direct import Direct, definitions, placed_in_parts
from graphad.lower.fast.forms import into, placed
from graphad.lower.fast.program import FastProgram
from graphad.lower.fast.scalars import Scalars, scalars
from graphad.lower.names import Names
from graphad.lower.program import Apply, Assign, Copy, Expression, Program, Ref, Statement
from graphad.ops.index import place, place_all


def _returns_out(form: str) -> bool:
    """Whether a statement's value is the array that it writes; else a line of its own gives that a name."""
    if form.startswith(("keep(", "choose(")):
        return True
    return form.startswith("np.") and not form.startswith("np.copyto(") and not form.endswith("])")  # or a part of it


class DirectPrinter(Printer):
    """A printer of plain programs which takes the shorter ways, for speed."""

    def __init__(self, program: Program, names: Names) -> None:
        super().__init__(program, names)
        self.part = ""  # the name of a part of an array that is added to
        self.direct = Direct(names, Scalars() if isinstance(program, FastProgram) else scalars(program))

    @staticmethod
    def helpers(program: Program) -> dict[str, str]:
        """Those of the ops, but for what is written out."""
        return helpers_of(program, {s.node for s in program.statements if isinstance(s, Assign) and _is_written_out(s)})

    def function(self, name: str, doc: str) -> None:
        """The function, and before it the numbers that it uses."""
        at = len(self.lines)
        super().function(name, doc)
        self.insert(at, definitions(self.direct.numbers), {})

    def globals(self) -> list[str]:
        """With the numbers."""
        return [*super().globals(), *self.direct.numbers.values()]

    def text(self, expression: Expression) -> str:
        """An expression in the names of this function, after what it needs; a result is never a Python number."""
        return self._after_first(
            (self.direct.value if isinstance(expression, Ref | Copy) else self.direct.render)(expression)
        )

    def _after_first(self, expression: Expr) -> str:
        for line, node in self.direct.first:
            self.add(line, node)
        self.direct.first.clear()
        return expression.text

    def statement(self, s: Statement) -> None:
        """One statement; several for values that are placed in an array of zeros, none for the row of a matrix."""
        if isinstance(s, Assign) and s.node in self.direct.scalars.rows:
            return
        if not isinstance(s, Assign) or not _is_written_out(s):
            super().statement(s)
            return
        assert isinstance(s.value, Apply)
        texts = [self._after_first(self.direct.render(x)) for x in s.value.operands]
        name = self.names.add(s.node)
        kind = "" if s.node.dtype.name == "float64" else f", {literals.dtype_text(s.node.dtype)}"
        self.add(f"{name} = np.zeros({literals.attribute(s.node.shape)}{kind})", s.node)
        for line in self.placed(s.node, texts, name):
            self.add(line, s.node)

    def placed(self, node: Node, texts: Sequence[str], out: str) -> Iterable[str]:
        """The statements that add values at their places in an array of zeros."""
        self.part = self.part or self.names.unique("part")
        return placed_in_parts(node, texts, out, self.part)


def _is_written_out(s: Assign) -> bool:
    return isinstance(s.value, Apply) and s.node.op in (place, place_all)


class Writer(DirectPrinter):
    """A printer of statements with buffers."""

    def __init__(self, program: Program, names: Names) -> None:
        super().__init__(program, names)
        assert isinstance(program, FastProgram)
        self.fast = program

    def placed(self, node: Node, texts: Sequence[str], out: str) -> Iterable[str]:
        """The same without names for parts, which would keep a large array that is deleted."""
        return placed(node, texts, out)

    def forms(self, node: Node, operands: Sequence[Expr], out: str) -> list[str]:
        """The statements, without the name of the value; none where NumPy offers no such form."""
        return into(node, operands, out) or []

    def write(self, node: Node, operands: Sequence[Expr], out: str, indent: str) -> None:
        """The statements that compute a node into ``out``."""
        forms = self.forms(node, operands, out)
        name = self.names.add(node)
        for form in forms[:-1]:
            self.add(form, node, indent)
        if name == out or not _returns_out(forms[-1]):
            self.add(forms[-1], node, indent)
            if name != out:
                self.add(f"{name} = {out}", node, indent)
        else:
            self.add(f"{name} = {forms[-1]}", node, indent)
