"""What both printers of the fast style share: statements that write into a given array."""

from collections.abc import Sequence

from graphad.form.template import Expr
from graphad.ir.core import Node
from graphad.lower.emit import Printer
from graphad.lower.fast.forms import into
from graphad.lower.fast.program import FastProgram
from graphad.lower.names import Names
from graphad.lower.program import Program

COPIES = "np.copyto("  # returns None: the name of the value is given by a line of its own


class Writer(Printer):
    """A printer of statements with buffers."""

    def __init__(self, program: Program, names: Names) -> None:
        super().__init__(program, names)
        assert isinstance(program, FastProgram)
        self.fast = program

    def forms(self, node: Node, operands: Sequence[Expr], out: str) -> list[str]:
        """The statements, without the name of the value; none where NumPy offers no such form."""
        return into(node, operands, out) or []

    def write(self, node: Node, operands: Sequence[Expr], out: str, indent: str) -> None:
        """The statements that compute a node into ``out``."""
        forms = self.forms(node, operands, out)
        name = self.names.add(node)
        for form in forms[:-1]:
            self.add(form, node, indent)
        if name == out or not forms[-1].startswith("np.") or forms[-1].startswith(COPIES):
            self.add(forms[-1], node, indent)
            if name != out:
                self.add(f"{name} = {out}", node, indent)
        else:
            self.add(f"{name} = {forms[-1]}", node, indent)
