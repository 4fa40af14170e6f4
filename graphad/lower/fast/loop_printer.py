"""A loop as a function of its own: ``loop(start, stop, rows, scratch, arrays …)`` does the rows start … stop."""

from collections.abc import Sequence

from graphad.form.template import Expr
from graphad.form.text import numpy_form
from graphad.ir.core import Node
from graphad.ir.dims import Dim, Size
from graphad.ir.types import DType, Shape, numpy_name
from graphad.lower.emit import mentioned, render
from graphad.lower.fast.buffers import Plan
from graphad.lower.fast.forms import guard, guarded, place_indices, row_sum, short_sum
from graphad.lower.fast.program import FastProgram
from graphad.lower.fast.tile_sizes import rows_of_tile
from graphad.lower.fast.writer import Writer
from graphad.lower.names import Names, of_buffers
from graphad.lower.program import Apply, Loop, Member
from graphad.lower.wrap import wrap
from graphad.ops.attributes import all_axes
from graphad.ops.contract import matmul

LOCALS = ("start", "stop", "rows", "scratch", "lo", "hi")
INDENT, BODY = "    ", "        "


class LoopPrinter(Writer):
    """Writes the function of one loop. It has names of its own, so loops that do the same have the same text."""

    def __init__(self, program: FastProgram, names: Names, loop: Loop, plan: Plan) -> None:
        super().__init__(program, names.inner(program.graph, LOCALS))
        self.outer, self.loop, self.plan = names, loop, plan
        self.rows = rows_of_tile(loop, plan)
        self.inside = {m.node: m for m in loop.members}
        self.stored = [m.node for m in loop.members if m.node in loop.stored and m.axis is not None]
        self.sums = [m for m in loop.members if m.axis is None and not m.is_spread]
        self.spreads = [m for m in loop.members if m.is_spread]
        self.written = [*self.stored, *(m.node for m in self.spreads)]
        prefix = of_buffers([*self.inside, *self.outside()])
        self.buffers = [self.names.unique(f"{prefix}{slot.slot}") for slot in plan.slots]
        self.local: dict[Node, str] = {}  # the names of the pieces that the loop computes
        self.pieces: dict[tuple[Node, int], str] = {}  # those of the arrays that it is given
        self.given = [self.names.add(x) for x in (*self.outside(), *self.stored)]
        self.parts = {  # of arrays that pieces are added to
            m.node: [self.names.unique(f"{self.names.add(m.node)}_{k}") for k in range(len(m.node.inputs))]
            for m in self.spreads
        }
        self.named: list[str] = []  # sizes that the text mentions
        self.partial = {m.node: self.names.unique(f"{self.names.add(m.node)}_part") for m in self.sums}

    def outside(self) -> list[Node]:
        """The arrays that the loop reads from outside, constants left out: they are global."""
        found = dict.fromkeys(x for m in self.loop.members for x in m.cut if x not in self.inside)
        graph = self.fast.graph
        return [x for x in found if graph.is_input(x) or "constant" not in x.op.traits]

    def arguments(self) -> list[str]:
        """The names of what is read, what is written, and of named sizes, where the loop is called."""
        arrays = [self.outer.add(x) for x in (*self.outside(), *self.stored)]
        parts = [f"{self.outer.add(m.node)}[{k}]" for m in self.spreads for k in place_indices(m.node)]
        return [*arrays, *parts, *self.named]

    def parameters(self) -> list[str]:
        """What the function calls them."""
        return [*self.given, *(name for m in self.spreads for name in self.parts[m.node]), *self.named]

    def scratch(self) -> str:
        """The expression that makes the scratch arrays."""
        arrays = [empty(cut_shape(slot.shape, slot.axis, str(self.rows)), slot.dtype) for slot in self.plan.slots]
        return f"[({', '.join(arrays)}{',' if len(arrays) == 1 else ''})]"

    def body(self) -> list[str]:
        """The function but for its first line and its docstring; ``owners`` counts from there."""
        self._pieces()
        products = self.plan.summed
        for m in self.loop.members:
            if m.node not in products:
                self._member(m, *(x for x in m.cut if x in products))
        first = self.loop.members[0].node
        head = self._head()
        self.insert(0, head, {k: first for k in range(1, len(head) + 1)})
        if self.sums:
            found = ", ".join(self.partial[m.node] for m in self.sums)
            self.put(wrap(f"return {found}{',' if len(self.sums) == 1 else ''}", INDENT), first)
        self.named = mentioned(self.fast.graph.sizes, self.lines)
        return self.lines

    def key(self) -> str:
        """What decides whether two loops share a function, after `body`."""
        return "\n".join((self.scratch(), *self.parameters(), *self.lines))

    def first_lines(self, name: str) -> list[str]:
        """The first line and the docstring."""
        parameters = ["start", "stop", "rows", "scratch", *self.parameters()]
        return [
            *wrap(f"def {name}({', '.join(parameters)}):", ""),
            *docstring(f"Rows start to stop of {self._title()}."),
        ]

    def _head(self) -> list[str]:
        """What comes before the statements of a turn: buffers, sums, the loop, shorter buffers for its last turn."""
        head = []
        names = f"{', '.join(self.buffers)}{',' if len(self.buffers) == 1 else ''}"
        if self.buffers:
            head += wrap(f"{names} = scratch", INDENT)
        for m in self.sums:
            start = f"np.zeros({shape_text(m.node.shape)}, np.{m.node.dtype.name})" if m.node.ndim else "0"
            head.append(f"{INDENT}{self.partial[m.node]} = {start}")
        head += [f"{INDENT}for lo in range(start, stop, rows):", f"{BODY}hi = min(lo + rows, stop)"]
        if self.buffers:
            head.append(f"{BODY}if hi - lo < rows:")
            head += [
                f"{BODY}{INDENT}{b} = {b}[{slice_text(s.axis, ':hi - lo')}]"
                for b, s in zip(self.buffers, self.plan.slots, strict=True)
            ]
        return head

    def _title(self) -> str:
        named = [m.node.name for m in self.loop.members if m.node.name]
        lines = dict.fromkeys(m.node.origin.location for m in self.loop.members if m.node.origin.location)
        places = f"{next(iter(lines))} and {len(lines) - 1} more lines" if len(lines) > 1 else next(iter(lines), "")
        return f"{', '.join(dict.fromkeys(named[:4]))} ({places})" if named else places or "the loop"

    def _pieces(self) -> None:
        """Names for the pieces of arrays that come from outside or go there."""
        wanted: dict[tuple[Node, int], None] = {}
        for m in self.loop.members:
            wanted |= {(x, a): None for x, a in m.cut.items() if x not in self.inside and a is not None}
        wanted |= {(n, axis): None for n in self.stored if (axis := self.inside[n].axis) is not None}
        for x, axis in wanted:
            name = self.names.add(x)
            piece = self.pieces[x, axis] = self.names.unique(f"{name}_t")
            self.put([f"{BODY}{piece} = {name}[{slice_text(axis, 'lo:hi')}]"], x)
        self.local |= {n: self.pieces[n, axis] for n in self.stored if (axis := self.inside[n].axis) is not None}

    def _operands(self, m: Member) -> list[Expr]:
        value = m.statement.value
        assert isinstance(value, Apply)
        names = {x: self._name(x, axis) for x, axis in m.cut.items()}
        return [render(x, names) for x in value.operands]

    def _member(self, m: Member, product: Node | None = None) -> None:
        """The statement of one member; ``product``: what it adds up, which has no statement of its own."""
        node = m.node
        operands = self._operands(m if product is None else self.inside[product])
        operands *= 2 if product is not None and len(operands) == 1 else 1  # of a square
        if m.is_spread:
            for name, operand in zip(self.parts[node], operands, strict=True):
                axis = next(iter(m.cut.values())) or 0
                piece = f"{name}[{slice_text(axis, 'lo:hi')}]"
                self.add(f"np.add({piece}, {operand.text}, {piece})", node, BODY)
        elif m.axis is None:
            self.add(f"{self.partial[node]} += {self._part(m, operands)}", node, BODY)
        elif node in self.loop.stored:
            out = self.local[node]
            forms = self.forms(node, operands, out)
            for text in forms or [f"{out}[...] = {_piece(m, operands)}"]:
                self.add(text, node, BODY)
        elif node in self.plan.home:
            self.local[node] = self.names.add(node)
            self.write(node, operands, self.buffers[self.plan.home[node].slot], BODY)
        else:
            self.local[node] = self.names.add(node)
            text = guard(operands) if guarded(m.statement) is not None else _piece(m, operands)
            self.add(f"{self.local[node]} = {text}", node, BODY)

    def _name(self, x: Node, axis: int | None) -> str:
        if x in self.inside:
            return self.local[x]
        return self.names.add(x) if axis is None else self.pieces[x, axis]

    def _part(self, m: Member, operands: Sequence[Expr]) -> str:
        """What one piece adds to a sum."""
        node = m.node
        if node.op is matmul:
            texts = f"{operands[0].text}, {operands[1].text}"  # BLAS would wake its threads for the dot of each tile
            return f"np.matmul({texts})" if any(x.ndim > 1 for x in node.inputs) else f'np.einsum("a,a->", {texts})'
        if (subscripts := short_sum(node)) and not node.attrs["keepdims"]:
            return f"{row_sum(subscripts, [x.text for x in operands])})"
        axes = all_axes(node.inputs[0], node.attrs["axis"])
        whole = len(axes) == node.inputs[0].ndim
        axis = "None" if whole else str(axes[0]) if len(axes) == 1 else str(axes)
        dtype = node.attrs["dtype"]
        kind = f", np.{dtype.name}" if dtype else ""
        keep = ", keepdims=True" if node.attrs["keepdims"] and node.ndim else ""
        text = f"np.add.reduce({operands[0].text}, {axis}{kind}{keep})"
        return f"float({text})" if not node.ndim and node.dtype.name in ("float16", "float32") else text


def _piece(m: Member, operands: Sequence[Expr]) -> str:
    """The expression of a member; a shape in its attributes becomes that of a piece."""
    node, shape = m.node, m.node.attrs.get("shape")
    if shape is not None and m.axis is not None:
        piece = tuple(Dim("hi") - Dim("lo") if k == m.axis else s for k, s in enumerate(shape))
        node = Node(node.op, node.inputs, {**node.attrs, "shape": piece}, node.type, node.origin)
    return numpy_form(node, operands).text


def slice_text(axis: int | None, piece: str) -> str:
    """An index that cuts one axis."""
    return ":, " * (axis or 0) + piece


def cut_shape(shape: Shape, axis: int | None, rows: str) -> Sequence[Size | str]:
    """A shape with the number of rows of a piece."""
    return [rows if k == axis else s for k, s in enumerate(shape)]


def empty(shape: Sequence[Size | str], dtype: DType) -> str:
    """A new array."""
    name = numpy_name(dtype)
    kind = "" if name == "float64" else f", np.{'bool_' if name == 'bool' else name}"
    return f"np.empty({shape_text(shape)}{kind})"


def shape_text(shape: Sequence[Size | str]) -> str:
    """A shape as a tuple."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def typed(text: str, node: Node) -> str:
    """A sum of parts in the dtype of the node."""
    return text if node.ndim else f"np.{node.dtype.name}({text})"


def docstring(text: str) -> list[str]:
    """A docstring of one line."""
    return [f'{INDENT}"""{text[:76]}"""']
