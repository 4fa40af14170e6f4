"""Which large arrays the fast style lets go of before its function ends: fresh ones, after they were read last."""

from collections.abc import Iterator

from graphad.ir.core import Node
from graphad.ir.types import TupleType
from graphad.lower.alias import is_view
from graphad.lower.fast.fusion import LARGE
from graphad.lower.fast.program import FastProgram
from graphad.lower.program import Apply, Assign, Loop, Ref, Statement, Write, references


def deleted(program: FastProgram) -> dict[int, list[Node]]:
    """The values whose names are deleted after a statement, by the place of the statement.

    The names of views go with what they are views of. Nothing is deleted that no later array could take the place of.
    """
    owner: dict[Node, Node] = {}
    names: dict[Node, list[Node]] = {}
    last: dict[Node, int] = {}
    end = -1
    for k, s in enumerate(program.statements):
        for x in read(s):
            if x in owner:
                last[owner[x]] = k
        for node, base in made(s):
            of = node if base is None else owner.get(base)
            if of is not None and node not in program.calls.home:
                owner[node] = of
                names.setdefault(of, []).append(node)
                last[of] = k
                end = k if of is node and large(node) else end
    kept = {owner[x] for r in program.results if not isinstance(r, str) for x in references(r) if x in owner}
    found: dict[int, list[Node]] = {}
    for of, k in last.items():
        if k < end and of not in kept and large(of):
            found.setdefault(k, []).extend(names[of])
    return found


def made(s: Statement) -> Iterator[tuple[Node, Node | None]]:
    """The values that have a name after a statement, each with what it is a view of, if it is one."""
    if isinstance(s, Loop):
        yield from ((m.node, None) for m in s.members if m.node in s.stored or m.axis is None)
    elif isinstance(s, Assign) and s.parts:
        yield from ((p, None) for p in s.parts if p is not None)
    elif isinstance(s, Assign):
        yield s.node, base_of(s)


def base_of(s: Assign) -> Node | None:
    """What a statement makes another name or a view of."""
    if isinstance(s.value, Ref):
        return s.value.node
    is_one = isinstance(s.value, Apply) and is_view(s.node)
    return next(iter(references(s.value)), None) if is_one else None


def read(s: Statement) -> Iterator[Node]:
    """The values that a statement reads."""
    if isinstance(s, Loop):
        yield from (x for m in s.members for x in m.cut)
    elif isinstance(s, Write):
        yield from () if isinstance(s.value, str) else references(s.value)
    elif hasattr(s, "value"):
        yield from references(s.value)


def large(node: Node) -> bool:
    """Whether an array, or one of several, is worth a line that deletes it."""
    sizes = [t.size for t in node.type.items] if isinstance(node.type, TupleType) else [node.size]
    return any(not isinstance(size, int) or size >= LARGE for size in sizes)
