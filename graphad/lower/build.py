"""From a graph to its program: schedule, select, inline, and make sure that results are fresh arrays."""

from collections.abc import Callable, Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.types import TupleType
from graphad.lower.alias import is_read_only, root
from graphad.lower.inline import inline
from graphad.lower.program import (
    Assign,
    Copy,
    Expression,
    Note,
    Program,
    Ref,
    Save,
    Statement,
    Write,
    applied,
    references,
)
from graphad.lower.schedule import schedule
from graphad.lower.select import is_literal, select
from graphad.ops.contract import matmul
from graphad.ops.control import scan
from graphad.ops.elementwise import power
from graphad.ops.fit import astype, sum
from graphad.ops.reduce import mean
from graphad.ops.tuples import item

Width = Callable[[Expression], int]


def build(graph: Graph, structure: Any, targets: Sequence[Node], width: Width, is_turn: bool = False) -> Program:
    """The program of a graph whose last ``len(targets)`` outputs are written into ``targets``, inputs of the graph.

    ``is_turn``: it is one turn of a loop, see `results_of`.
    """
    count = len(graph.outputs) - len(targets)
    outputs, updates = graph.outputs[:count], graph.outputs[count:]
    forward, backward = schedule(graph)
    keep = set(outputs)
    plain = unpacked([Assign(n, select(graph, n)) for n in (*forward, *backward) if is_computed(n)])
    writes = [Assign(t, Ref(u)) for t, u in zip(targets, updates, strict=True)]
    moved = inline([*needed(plain, [*outputs, *updates]), *writes], keep, width)
    body, writes = moved[: len(moved) - len(targets)], moved[len(moved) - len(targets) :]
    late = set(backward)
    first = [s for s in body if s.node not in late]
    second = [s for s in body if s.node in late]
    results, saved = results_of(graph, outputs, set(targets), is_turn)
    statements: list[Statement] = [*first, *([Note("backward")] if first and second else []), *second, *saved]
    if writes:
        statements += [Note("update"), *writes_of(graph, writes, set(targets))]
    constants = [n for n in graph.nodes if "constant" in n.op.traits and n.ndim and not graph.is_input(n)]

    def turn(loop: Node) -> Program:
        body = loop.attrs["body"]
        return build(body, turn_of(len(body.outputs)), (), width, is_turn=True)

    bodies = bodies_of(graph, turn)
    return Program(graph, tuple(statements), tuple(results), structure, tuple(targets), tuple(constants), bodies)


def bodies_of(graph: Graph, make: Callable[[Node], Program]) -> dict[Node, Program]:
    """What one turn of each loop does."""
    return {n: make(n) for n in graph.nodes if n.op is scan and not graph.is_input(n)}


def turn_of(results: int) -> Any:
    """How the function of a body hands back so many results."""
    return tuple(range(results)) if results != 1 else 0


def is_computed(node: Node) -> bool:
    """Whether a node needs a statement, or a part of one."""
    return not is_literal(node) and "constant" not in node.op.traits


def needed(statements: Sequence[Assign], results: Sequence[Node]) -> list[Assign]:
    """The statements that results need: a broadcast that NumPy makes by itself has lost its users by now."""
    used = set(results)
    needed = []
    for s in reversed(statements):
        if s.node in used or any(p in used for p in s.parts):
            used.update(references(s.value))
            needed.append(s)
    return needed[::-1]


def unpacked(statements: Sequence[Assign]) -> list[Assign]:
    """An op whose several results are used is taken apart in one statement: ``w, v = np.linalg.eigh(a)``."""
    parts: dict[Node, dict[int, Node]] = {}
    for s in statements:
        if s.node.op is item:
            parts.setdefault(s.node.inputs[0], {}).setdefault(s.node.attrs["index"], s.node)
    apart: list[Assign] = []
    for s in statements:
        if isinstance(s.node.type, TupleType) and len(found := parts.get(s.node, {})) > (s.node.op is not scan):
            apart.append(Assign(s.node, s.value, tuple(found.get(k) for k in range(len(s.node.type.items)))))
        elif s.node.op is not item or len(found := parts[s.node.inputs[0]]) <= (s.node.inputs[0].op is not scan):
            apart.append(s)
        elif (first := found[s.node.attrs["index"]]) is not s.node:
            apart.append(Assign(s.node, Ref(first)))
    return apart


def results_of(
    graph: Graph, outputs: Sequence[Node], targets: set[Node], is_turn: bool = False
) -> tuple[list[Expression | str], list[Save]]:
    """What is returned for each output, and the copies to be made before inputs are written over.

    The results of one turn of a loop may be one array twice: nothing is written to them.
    """
    results: list[Expression | str] = []
    saved: list[Save] = []
    taken: set[object] = set()
    for k, y in enumerate(outputs):
        if is_literal(y) and not graph.is_input(y):
            value = select(graph, y)
            results.append(value)
            continue
        base = root(graph, y)
        memory = (base.inputs[0], base.attrs["index"]) if base.op is item else base
        owned = graph.is_input(base) or "constant" in base.op.traits or is_read_only(graph, y)
        owned = owned or (memory in taken and not is_turn)
        taken.add(memory)
        if owned and base in targets:
            saved.append(Save(f"out{k}", y, Copy(Ref(y))))
            results.append(f"out{k}")
        else:
            results.append(Copy(Ref(y)) if owned else Ref(y))
    return results, saved


def writes_of(graph: Graph, writes: Sequence[Assign], targets: set[Node]) -> list[Statement]:
    """The writes in place; a new value is computed before them if it would read a target that is written, or may fail.

    Such as a factorization: a call that raises changes nothing.
    """
    early: list[Statement] = []
    late: list[Statement] = []
    for k, s in enumerate(writes):
        target, value = s.node, _literal_if(graph, s.value)
        reads = {root(graph, n) for n in references(value)} & targets
        if reads - {target} or (k > 0 and not all(map(cannot_fail, applied(value)))):
            slot = f"new{k}"
            early.append(Save(slot, target, Copy(value) if isinstance(value, Ref) else value))
            late.append(Write(target, slot))
        else:
            late.append(Write(target, value))
    return [*early, *late]


def cannot_fail(node: Node) -> bool:
    """Whether an op works for all values of its operands, as an index or a factorization does not."""
    if node.op is power and node.dtype.kind in "iu":  # which NumPy refuses for negative exponents
        return False
    return node.op in (astype, matmul, sum, mean) or not {"elementwise", "view"}.isdisjoint(node.op.traits)


def _literal_if(graph: Graph, value: Expression) -> Expression:
    """A literal for a reference to a scalar constant."""
    if isinstance(value, Ref) and is_literal(value.node) and not graph.is_input(value.node):
        return select(graph, value.node)
    return value
