"""What both printers of the fast style share: statements that write into a given array."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from graphad.form import literals
from graphad.form.template import Expr
from graphad.form.template import name as atom
from graphad.ir.core import Node
from graphad.lower.emit import Printer, helpers_of
from graphad.lower.fast.direct import Direct, definitions, placed_in_parts
from graphad.lower.fast.forms import into, is_ufunc, place_indices, placed, ufunc_call
from graphad.lower.fast.program import FastProgram
from graphad.lower.fast.scalars import Scalars, scalars
from graphad.lower.names import Names
from graphad.lower.program import Apply, Assign, Copy, Expression, Program, Ref, Statement, references
from graphad.ops.elementwise import divide, power
from graphad.ops.index import place, place_all, put


def _returns_out(form: str) -> bool:
    """Whether a statement's value is the array that it writes; else a line of its own gives that a name."""
    if form.startswith(("keep(", "choose(", "sigmoid(", "softmax(")):
        return True
    return form.startswith("np.") and not form.startswith("np.copyto(") and not form.endswith("])")  # or a part of it


class DirectPrinter(Printer):
    """A printer of plain programs which takes the shorter ways, for speed."""

    def __init__(self, program: Program, names: Names) -> None:
        super().__init__(program, names)
        self.part = ""  # the name of a part of an array that is added to
        is_fast = isinstance(program, FastProgram)
        self.direct = Direct(names, Scalars() if is_fast else scalars(program))
        self.straight = {} if is_fast else _straight(program)
        self.apart = {value.node for value in self.straight.values()}  # have no line of their own

    @staticmethod
    def helpers(program: Program) -> dict[str, str]:
        """Those of the ops, but for what is written out."""
        apart = {s.node for s in program.statements if isinstance(s, Assign) and _is_written_out(s)}
        if isinstance(program, FastProgram):
            apart |= {node for node in program.calls.home if node.op is put}
        return helpers_of(program, apart)

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
        found = (self.direct.value if isinstance(expression, Ref | Copy) else self.direct.render)(expression)
        self._flush()
        return found.text

    def _flush(self) -> None:
        """What must come before the statement that is being rendered."""
        for line, node in self.direct.first:
            self.add(line, node)
        self.direct.first.clear()

    def statement(self, s: Statement) -> None:
        """One statement; several for values that are placed in an array of zeros, none for what those write."""
        if isinstance(s, Assign) and s.node in self.direct.scalars.rows:
            return
        if isinstance(s, Assign) and s.node in self.apart:
            self.names.add(s.node)  # for what is said of errors
            return
        if not isinstance(s, Assign) or not _is_written_out(s):
            super().statement(s)
            return
        assert isinstance(s.value, Apply)
        straight = self.straight.get(s.node)
        operands = self.direct.operands(straight.node, straight.operands) if straight else []
        values = [atom("") if straight and not k else self.direct.render(x) for k, x in enumerate(s.value.operands)]
        self._flush()
        name = self.names.add(s.node)
        kind = "" if s.node.dtype.name == "float64" else f", {literals.dtype_text(s.node.dtype)}"
        shape = s.node.shape if s.node.ndim != 1 else s.node.shape[0]  # NumPy reads a number faster than a tuple
        self.add(f"{name} = np.zeros({literals.attribute(shape)}{kind})", s.node)
        lines = [(line, s.node) for line in self.placed(s.node, [x.text for x in values], name)]
        if straight:
            spot = f"{name}[{place_indices(s.node)[0]}]"
            lines[0] = ufunc_call(straight.node, [x.text for x in operands], spot), straight.node
        for line, node in lines:
            self.add(line, node)

    def placed(self, node: Node, texts: Sequence[str], out: str) -> Iterable[str]:
        """The statements that add values at their places in an array of zeros."""
        self.part = self.part or self.names.unique("part")
        return placed_in_parts(node, texts, out, self.part)


def _is_written_out(s: Assign) -> bool:
    return isinstance(s.value, Apply) and s.node.op in (place, place_all)


def _straight(program: Program) -> dict[Node, Apply]:
    """By arrays of zeros that values are placed in: the first value, where its ufunc may write it to its part.

    Nobody else may read it, and the statement before computes it. That saves an array and a copy.
    """
    uses = Counter(n for e in program.expressions() for n in references(e))
    found = {}
    for before, s in pairwise([None, *program.statements]):
        if not isinstance(s, Assign) or not isinstance(s.value, Apply) or not _is_written_out(s):
            continue
        first = s.value.operands[0]
        if (
            isinstance(before, Assign)
            and isinstance(first, Ref)
            and first.node is before.node
            and uses[first.node] == 1
        ):
            first = before.value
        if isinstance(first, Apply) and _is_call(first.node) and first.node.dtype == s.node.dtype:
            found[s.node] = first
    return found


def _is_call(node: Node) -> bool:
    """Whether an array is what one ufunc gives; quotients and powers have shorter ways."""
    return bool(node.ndim) and is_ufunc(node) and node.op not in (divide, power)


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
