"""The low-level program: what is computed in which statement, before any text is printed.

A program is a flat list of statements over expressions; an expression is a literal, a reference to a value, or an op
applied to expressions. Transformations (`select`, `inline`) decide; `names.py` and `emit.py` only write down.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphad.ir.core import Node, label
from graphad.ir.dims import Size
from graphad.ir.graph import Graph
from graphad.ops.index import place, place_all


@dataclass(frozen=True, slots=True)
class Literal:
    """Source text that stands for itself: a number, or a size."""

    text: str


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of an input, a hoisted constant or an earlier statement."""

    node: Node


@dataclass(frozen=True, slots=True)
class Apply:
    """An op's NumPy form on operands; ``node`` gives op, attributes and type."""

    node: Node
    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """A fresh array: what is returned or written must not share memory with an input or another result."""

    value: "Expression"


Expression = Literal | Ref | Apply | Copy


@dataclass(frozen=True, slots=True)
class Assign:
    """``name = value``; ``node`` is what the name belongs to.

    With ``parts`` it is ``a, _, b = value``: the items of a tuple, None for those that nobody needs.
    """

    node: Node
    value: Expression
    parts: tuple[Node | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Save:
    """``name = copy of value`` for result or update number ``slot`` of a kind ("out", "new")."""

    slot: str
    node: Node
    value: Expression


@dataclass(frozen=True, slots=True)
class Write:
    """``target[...] = value``: an update in place, after everything has been computed."""

    target: Node
    value: Expression | str


@dataclass(frozen=True, slots=True)
class Note:
    """A heading."""

    text: str


@dataclass(frozen=True, slots=True)
class Member:
    """A statement in a loop: the axis of its result that is cut (None: pieces add up), and of its operands."""

    statement: Assign
    axis: int | None
    cut: Mapping[Node, int | None]
    node: Node = field(init=False)  # what the statement computes

    def __post_init__(self) -> None:
        object.__setattr__(self, "node", self.statement.node)

    @property
    def is_spread(self) -> bool:
        """Whether pieces go to parts of an array that the loop is given."""
        return self.axis is None and self.node.op in (place, place_all)


@dataclass(frozen=True, slots=True)
class Loop:
    """Statements over one axis of ``length``; ``stored`` are the nodes that are read outside."""

    length: Size
    members: tuple[Member, ...]
    stored: frozenset[Node]


Statement = Assign | Save | Write | Note | Loop


@dataclass(frozen=True, slots=True, repr=False)
class Program:
    """What a function does. ``results`` has one entry per output: an expression, or the slot of a `Save`.

    Prints as one line per statement, with ops instead of NumPy.
    """

    graph: Graph
    statements: tuple[Statement, ...]
    results: tuple[Expression | str, ...]
    structure: Any
    updates: tuple[Node, ...] = ()
    constants: tuple[Node, ...] = field(default=())
    bodies: Mapping[Node, "Program"] = field(default_factory=dict)  # of loops: what one turn does
    handed: tuple[int, ...] = ()  # of a turn: the outputs that it writes to arrays of its caller, its last inputs

    @property
    def extents(self) -> tuple[str, ...]:
        """The sizes of what loops and buffers hold, as Python expressions in the named sizes."""
        return ()

    def expressions(self) -> Iterator[Expression]:
        """The expression of every statement and result."""
        for s in self.statements:
            if isinstance(s, Loop):
                yield from (m.statement.value for m in s.members)
            elif not isinstance(s, Note) and not isinstance(s.value, str):
                yield s.value
        yield from (r for r in self.results if not isinstance(r, str))
        for body in self.bodies.values():
            yield from body.expressions()

    def __repr__(self) -> str:
        lines = []
        for s in self.statements:
            match s:
                case Note(text):
                    lines.append(f"# {text}")
                case Loop(length, members):
                    lines.append(f"for the {length} rows of an axis:")
                    lines += [f"    {label(m.node)} = {_text(m.statement.value)}" for m in members]
                case Assign(node, value, parts):
                    names = ", ".join("_" if p is None else label(p) for p in parts) or label(node)
                    lines.append(f"{names} = {_text(value)}")
                case Save(slot, _, value):
                    lines.append(f"{slot} = {_text(value)}")
                case Write(target, value):
                    lines.append(f"{label(target)}[...] = {_text(value)}")
        return "\n".join([*lines, f"return {structure_text(self.structure, [_text(r) for r in self.results])}"])


def _text(value: Expression | str) -> str:
    """An expression as ops on names."""
    match value:
        case str() | Literal():
            return value if isinstance(value, str) else value.text
        case Ref(node):
            return label(node)
        case Copy(inner):
            return f"copy({_text(inner)})"
        case Apply(node, operands):
            return f"{node.op.name}({', '.join(map(_text, operands))})"


def references(expression: Expression) -> list[Node]:
    """The values that an expression reads."""
    if isinstance(expression, Apply):
        found: list[Node] = []
        for operand in expression.operands:
            if isinstance(operand, Ref):
                found.append(operand.node)
            elif not isinstance(operand, Literal):
                found += references(operand)
        return found
    if isinstance(expression, Ref):
        return [expression.node]
    return references(expression.value) if isinstance(expression, Copy) else []


def applied(expression: Expression) -> list[Node]:
    """The nodes that an expression computes."""
    if isinstance(expression, Apply):
        found = [expression.node]
        for operand in expression.operands:
            if not isinstance(operand, Ref | Literal):
                found += applied(operand)
        return found
    return applied(expression.value) if isinstance(expression, Copy) else []


# The structure of outputs: how a flat list of results is handed back ------------------------------------------------


def flatten(value: Any, leaves: list[Node]) -> Any:
    """Append the nodes of nested lists, tuples and dicts to ``leaves``; returns the structure with indices."""
    if isinstance(value, Node):
        leaves.append(value)
        return len(leaves) - 1
    if isinstance(value, dict):
        return {str(k): flatten(v, leaves) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(flatten(v, leaves) for v in value)
    leaves.append(value)  # refused, by name of its type, when the graph is made
    return len(leaves) - 1


def structure_text(structure: Any, texts: Sequence[str]) -> str:
    """The return expression of a structure, given the text of each result."""
    if isinstance(structure, int):
        return texts[structure]
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {structure_text(v, texts)}" for k, v in structure.items()) + "}"
    items = [structure_text(v, texts) for v in structure]
    return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
