"""The printer: a program as NumPy source. It only formats; every decision was made before.

One idea per line, the user's names, shape and user's line in a comment, at most 88 columns.
"""

import inspect
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from graphad.form import literals
from graphad.form.template import Expr, Precedence, expr_of
from graphad.form.template import name as atom
from graphad.form.text import numpy_form
from graphad.ir.core import Node, label
from graphad.ir.dims import names as size_names
from graphad.ir.dims import to_python
from graphad.ir.types import DType, Shape, TensorType, TupleType
from graphad.lower.alias import root
from graphad.lower.loops import Turn, fresh
from graphad.lower.names import Names
from graphad.lower.program import (
    Apply,
    Assign,
    Copy,
    Expression,
    Literal,
    Note,
    Program,
    Ref,
    Save,
    Statement,
    Write,
    applied,
    structure_text,
)
from graphad.lower.sizes import sources
from graphad.lower.wrap import WIDTH, wrap
from graphad.ops.control import scan


@dataclass(frozen=True)
class Source:
    """Generated source: ``text``, the node that each line (from 1) belongs to, and the names of values."""

    text: str
    lines: Mapping[int, Node]
    helpers: tuple[str, ...]
    imports: tuple[str, ...]
    names: Mapping[Node, str]
    work: str = ""  # the name of the function that makes the arrays of a call, if there is one


def render(expression: Expression, names: Mapping[Node, str]) -> Expr:
    """An expression as text."""
    match expression:
        case Literal(text):
            return expr_of(text)
        case Ref(node):
            return atom(names[node])
        case Copy(value):
            return atom(f"{render(value, names).within(Precedence.ATOM)}.copy()")
        case Apply(node, operands):
            return numpy_form(node, [render(x, names) for x in operands])


source_of = cache(inspect.getsource)  # which is slow
CALLED = re.compile(r"(?<![\w.])(\w+)\(")


def helpers_of(program: Program, without: Container[Node] = ()) -> dict[str, str]:
    """The source of every helper function that the program calls, by name: an op may offer more than a node needs.

    The nodes in ``without`` are computed without theirs.
    """
    helped = [n for e in program.expressions() for n in applied(e) if n.op.helpers and n not in without]
    offered = {h.__name__: h for n in helped for h in n.op.helpers}
    texts = [n.op.numpy if isinstance(n.op.numpy, str) else n.op.numpy(n) for n in helped]
    used: dict[str, str] = {}
    while texts:
        for name in set(CALLED.findall(texts.pop())) & offered.keys() - used.keys():
            used[name] = source_of(offered[name])
            texts.append(used[name])
    return dict(sorted(used.items()))


def imports_of(program: Program) -> tuple[str, ...]:
    """The import statements that the program needs: numpy, and scipy where one of its ops is computed by it."""
    lines = {line for e in program.expressions() for n in applied(e) for line in n.op.imports}
    return ("import numpy as np", *sorted(lines))


def uses_rng(program: Program) -> bool:
    """Whether the program draws random numbers."""
    return any("random" in n.op.traits for n in program.graph.nodes)


Style = Callable[[Program], "type[Printer]"]


def emit(program: Program, name: str, doc: str = "", style: Style | None = None) -> Source:
    """The helpers, constants and the function ``name`` that a program stands for; ``style`` says who prints it."""
    style = style or (lambda program: Printer)
    helpers = dict(sorted(item for p in _with_bodies(program) for item in style(p).helpers(p).items()))
    imports = style(program).imports(program)
    reserved = [*helpers, name, *(line.split()[-1] for line in imports)]
    names = Names(program.graph, [*reserved, *style(program).locals], function=name)
    printer = style(program)(program, names)
    for text in helpers.values():
        printer.lines += [*text.rstrip().splitlines(), "", ""]
    for node in program.constants:
        wish = node.name or "CONSTANT"
        names.of[node] = names.unique(wish.upper())
        text = f"{names.of[node]} = {literals.array(node.attrs['value'])}"
        printer.put([comment(node), *text.splitlines()], node)
    if program.constants:
        printer.lines += ["", ""]
    printer.turns(style, reserved)
    printer.function(name, doc)
    return Source("\n".join(printer.lines) + "\n", printer.owners, tuple(helpers), imports, names.of, printer.work)


def _with_bodies(program: Program) -> Iterator[Program]:
    yield program
    for body in program.bodies.values():
        yield from _with_bodies(body)


class Printer:
    """Writes one program, a statement at a time; ``owners`` is the node that each line belongs to."""

    locals: tuple[str, ...] = ()  # names that the style itself uses
    work = ""

    def __init__(self, program: Program, names: Names) -> None:
        self.program, self.names = program, names
        self.lines: list[str] = []
        self.owners: dict[int, Node] = {}
        self.slots: dict[str, str] = {}
        self.turn: dict[Node, Turn] = {}  # the functions that loops call

    @staticmethod
    def helpers(program: Program) -> dict[str, str]:
        """The source of the functions that the program calls."""
        return helpers_of(program)

    @staticmethod
    def imports(program: Program) -> tuple[str, ...]:
        """The import statements that the program and its helpers need."""
        return imports_of(program)

    def add(self, code: str, node: Node, indent: str = "    ") -> None:
        """A statement, wrapped, with a comment on the node that it computes (before it, where it is long)."""
        lines, said = wrap(code, indent), comment(node)
        if len(lines) == 1 and len(lines[0]) + 2 + len(said) <= WIDTH:
            lines = [f"{lines[0]}  {said}"]
        else:
            lines = [f"{indent}{said}", *lines]
        self.put(lines, node)

    def insert(self, at: int, lines: Sequence[str], owners: Mapping[int, Node]) -> None:
        """Lines before line ``at`` (from 0), with the nodes of some, counted from 1."""
        if at < len(self.lines):
            self.owners = {k + len(lines) if k > at else k: n for k, n in self.owners.items()}
        self.owners |= {at + k: n for k, n in owners.items()}
        self.lines[at:at] = lines

    def put(self, lines: Sequence[str], node: Node | None) -> None:
        """Lines that belong to a node."""
        for line in lines:
            self.lines.append(line)
            if node is not None:
                self.owners[len(self.lines)] = node

    def turns(self, style: Style, reserved: list[str]) -> None:
        """The functions of one turn of each loop; the names that they make are added to ``reserved``."""
        for node, body in self.program.bodies.items():
            function = self.names.unique(body.graph.name)
            reserved.append(function)
            inner = style(body)(body, Names(body.graph, [*reserved, *style(body).locals], called=False))
            inner.turns(style, reserved)
            inner.function(function, f'"""One turn of {label(node)} ({node.origin.location})."""')
            self.insert(len(self.lines), [*inner.lines, "", ""], inner.owners)
            reserved += inner.globals()
            for name in inner.globals():
                self.names.unique(name)
            work = self.names.unique(f"{function}_arrays") if inner.work else ""
            handed = {body.graph.outputs[k] for k in body.handed}
            ends = body.graph.outputs[: node.attrs["carries"]]
            lent = [k for k, y in enumerate(ends) if root(body.graph, y) in handed]
            self.turn[node] = Turn(node, function, work, inner.made(), body.handed, lent)

    def globals(self) -> list[str]:
        """The names that this function's text defines outside of it."""
        return [self.work] if self.work else []

    def made(self) -> str:
        """The expression that makes the workspace."""
        return ""

    def function(self, name: str, doc: str) -> None:
        """The function from its header to its return."""
        body_at = len(self.lines)
        graph = self.program.graph
        rng = ["rng"] if uses_rng(self.program) else []
        self.put(self.prologue(), next(iter((*graph.outputs, *graph.inputs)), None))
        for statement in self.program.statements:
            self.statement(statement)
        texts = [self.slots[r] if isinstance(r, str) else self.text(r) for r in self.program.results]
        result = structure_text(self.program.structure, texts)
        self.put(wrap(f"return {_bare_tuple(result)}", "    "), next(iter((*graph.outputs, *graph.inputs)), None))
        header = wrap(f"def {name}({', '.join([*(self.names.of[x] for x in graph.inputs), *rng, *self.extra()])}):", "")
        header += [f"    {line}".rstrip() for line in doc.splitlines()]
        sizes = self.sizes(self.lines[body_at:])
        owners = {len(header) + k: x for k, (_, x) in enumerate(sizes, start=1)}
        self.insert(body_at, [*header, *(line for line, _ in sizes)], owners)

    def extra(self) -> list[str]:
        """Parameters after the inputs."""
        return []

    def prologue(self) -> list[str]:
        """The first lines of the body."""
        return []

    def text(self, expression: Expression) -> str:
        """An expression in the names of this function."""
        return render(expression, self.names.of).text

    def statement(self, s: Statement) -> None:
        """One statement."""
        match s:
            case Note(text):
                self.lines += ["", f"    # {text}"]
            case Assign(node, Apply(_, operands), parts) if node in self.turn:
                texts, owned = [self.text(x) for x in operands], [self._is_owned(x, node) for x in node.inputs]
                for line, about in self.turn[node].lines(self.names, texts, owned, parts, self.room):
                    self.add(line.strip(), about, " " * (4 + len(line) - len(line.lstrip())))
            case Assign(node, value, parts):
                text = self.text(value)
                names = ["_" if p is None else self.names.add(p) for p in parts] or [self.names.add(node)]
                self.add(f"{', '.join(names)} = {text}", node)
            case Save(slot, node, value):
                text = self.text(value)
                self.slots[slot] = self.names.unique(f"{self.names.of[node]}_{'copy' if slot[0] == 'o' else 'new'}")
                self.add(f"{self.slots[slot]} = {text}", node)
            case Write(target, value):
                text = self.slots[value] if isinstance(value, str) else self.text(value)
                self.add(f"{self.names.of[target]}[...] = {text}", value.node if isinstance(value, Apply) else target)

    def room(self, part: Node) -> str:
        """The array that the results of all turns of a loop are written to."""
        return fresh(part.type)

    def _is_owned(self, x: Node, loop: Node) -> bool:
        """Whether the last carry may be the array of the first: in a loop of no turns it is."""
        graph, length = self.program.graph, loop.attrs["length"]
        base = root(graph, x)
        if graph.is_input(base) or "constant" in base.op.traits or graph.is_output(x):
            return False
        return (isinstance(length, int) and length > 0) or (base is x and self._is_alone(x))

    def _is_alone(self, x: Node) -> bool:
        """Whether an array holds this value to the end, and nobody else has it."""
        return len(self.program.graph.users[x]) == 1

    def sizes(self, body: list[str]) -> list[tuple[str, Node]]:
        """Statements that learn the named sizes which the body mentions, and the inputs they look at."""
        known, found = sources(self.program.graph), []
        for size in mentioned(known, body):
            x, axis = known[size]
            comment = f"  # {x.origin.location}" if x.origin.location else ""
            found.append((f"    {size} = {_solved(x, axis, self.names.of[x])}{comment}", x))
        return found


def mentioned(names: Iterable[str], lines: Iterable[str]) -> list[str]:
    """Those of some names that lines of code mention, comments left out."""
    text = "\n".join([line.split("  #")[0] for line in lines])
    return [name for name in names if re.search(rf"\b{name}\b", text)]


def comment(node: Node) -> str:
    """What a comment says of a node: its type and the user's line; of a loop the line alone."""
    if node.op is scan:
        return f"# {node.origin.location}".rstrip()
    type_ = repr(node.type) if isinstance(node.type, TupleType) else _type_text(node.shape, node.dtype)
    return f"# {type_}  {node.origin.location}".rstrip()


@lru_cache(maxsize=4096)
def _type_text(shape: Shape, dtype: DType) -> str:
    return repr(TensorType(shape, dtype))


def _solved(x: Node, axis: int, name: str) -> str:
    """The named size of an axis from the array's shape: undo ``c*size + k``."""
    size, text = x.shape[axis], f"{name}.shape[{axis}]"
    (variable,) = size_names(size)
    if to_python(size) == variable:
        return text
    at0, at1 = (eval(to_python(size), {variable: v}) for v in (0, 1))
    shifted = f"({text} - {at0})" if at0 else text
    return f"{shifted} // {at1 - at0}" if at1 - at0 != 1 else shifted.strip("()")


def _bare_tuple(text: str) -> str:
    """``(a, b)`` as ``a, b`` after return; short tuples only, long ones keep the parentheses that let them wrap."""
    short = (
        text != "()"
        and text.startswith("(")
        and text.endswith(")")
        and not text.endswith(",)")
        and len(text) < WIDTH - 12
    )
    if short and expr_of(text[1:-1]).precedence == Precedence.BARE:
        return text[1:-1]
    return text
