"""The program of the fast style: steps in order, and the buffers that they write to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphad.ir.core import Node
from graphad.ir.dims import product, to_python
from graphad.ir.graph import Graph
from graphad.lower.alias import root
from graphad.lower.build import Width, bodies_of, build, is_computed, needed, results_of, turn_of, unpacked, writes_of
from graphad.lower.fast.buffers import SMALL, Plan, plan_calls, plan_pieces
from graphad.lower.fast.fusion import Step, fuse
from graphad.lower.fast.targets import in_place, rooms_of
from graphad.lower.parts import slim, with_copies
from graphad.lower.program import Assign, Loop, Program, Ref, Statement
from graphad.lower.schedule import NOMINAL, low_memory, may_need, schedule
from graphad.lower.select import select

_NONE = Plan({}, ())


@dataclass(frozen=True, slots=True, repr=False)
class FastProgram(Program):
    """A program whose statements are assignments and loops over tiles; ``calls`` and ``pieces`` are their buffers."""

    calls: Plan = _NONE
    pieces: Mapping[int, Plan] = field(default_factory=dict)  # by the place of the loop among the statements

    @property
    def loops(self) -> Sequence[tuple[Loop, Plan]]:
        """The loops with the buffers of their pieces."""
        return [(s, self.pieces[k]) for k, s in enumerate(self.statements) if isinstance(s, Loop)]

    @property
    def written_over(self) -> list[Node]:
        """The inputs that new values are written to as soon as they are computed."""
        return [b.target for b in self.calls.home.values() if b.target is not None and b.target not in self.rooms]

    @property
    def rooms(self) -> dict[Node, Node]:
        """The arrays of the caller that results of a turn are written to, with these results."""
        arrays = self.graph.inputs[len(self.graph.inputs) - len(self.handed) :]
        return dict(zip(arrays, (self.graph.outputs[k] for k in self.handed), strict=True))

    @property
    def extents(self) -> tuple[str, ...]:
        """The sizes of what loops and buffers hold, as Python expressions in the named sizes."""
        nodes = [*(m.node for loop, _ in self.loops for m in loop.members), *self.calls.home]
        return tuple(sorted({to_python(product(shape)) for shape in {n.shape for n in nodes}}))


BIG = 32 << 20  # bytes of arrays from which on an order for little memory is worth the time to find it
PASSES = ("schedule", "fuse", "reuse", "threads")  # what makes a program fast, each of which can be left out


def build_fast(
    graph: Graph,
    structure: Any,
    targets: Sequence[Node],
    width: Width,
    passes: Collection[str] = PASSES,
    sizes: Mapping[str, int] | None = None,
    room: int = BIG,
    lap: Callable[[str], object] = str,
    is_turn: bool = False,
    given: Sequence[int] = (),
) -> Program:
    """The fast program of a graph whose last ``len(targets)`` outputs are written into ``targets``, inputs of it.

    Where all arrays are small there is nothing to gain by loops and buffers: then it is the plain program. Values
    that take more than ``room`` together are put into an order for little memory, sums of many terms then take up each
    as soon as it is there, and small parts that outlive large arrays are copied. ``sizes``: what named sizes are likely
    to be; ``lap`` is told when each pass ends; ``is_turn``: it is one turn of a loop, whose caller has arrays for the
    results ``given``. Bodies of loops are lowered, too.
    """
    found = _lowered(graph, structure, targets, width, passes, sizes, room, lap, is_turn, given)

    def turn(loop: Node) -> Program:
        body, first = loop.attrs["body"], loop.attrs["carries"]
        read = {user.attrs["index"] for user in found.graph.users[loop]}
        given = [k for k in range(first, len(body.outputs)) if k in read]
        return build_fast(body, turn_of(len(body.outputs)), (), width, passes, sizes, room, is_turn=True, given=given)

    return replace(found, bodies=bodies) if (bodies := bodies_of(found.graph, turn)) else found


def _lowered(
    graph: Graph,
    structure: Any,
    targets: Sequence[Node],
    width: Width,
    passes: Collection[str],
    sizes: Mapping[str, int] | None,
    room: int,
    lap: Callable[[str], object],
    is_turn: bool,
    given: Sequence[int],
) -> Program:
    """The program, whose loops still have the bodies of the plain style."""
    if all(isinstance(n.size, int) and n.size <= SMALL for n in graph.nodes):
        return build(graph, structure, targets, width, is_turn)
    pays = "schedule" in passes and may_need(graph, room, sizes)
    if pays:
        graph = slim(graph, dict.fromkeys(graph.sizes, NOMINAL) | dict(sizes or {}))
    if "reuse" in passes:
        graph = with_copies(graph)
    count = len(graph.outputs) - len(targets)
    outputs, updates = graph.outputs[:count], graph.outputs[count:]
    order = low_memory(graph, sizes) if pays else [n for part in schedule(graph) for n in part]
    lap("schedule")
    plain = needed(unpacked([Assign(n, select(graph, n)) for n in order if is_computed(n)]), graph.outputs)
    steps: Sequence[Step] = fuse(plain, graph.outputs) if "fuse" in passes else plain
    lap("fuse")
    results, saved = results_of(graph, outputs, set(targets), is_turn)
    roots = {n: root(graph, n) for n in graph.nodes} if "reuse" in passes else {}
    over: dict[Node, Node] = {}
    if roots and targets:
        steps, over = in_place(steps, roots, dict(zip(targets, updates, strict=True)), outputs)
    rooms = rooms_of(graph, steps, given) if roots else {}
    pieces = {k: plan_pieces(s) for k, s in enumerate(steps) if isinstance(s, Loop)}
    handed = {outputs[k]: x for k, x in rooms.items()}
    calls = _planned(steps, roots, outputs, updates, over | handed)
    lap("reuse")
    if not pieces and not calls.home:
        return build(graph, structure, targets, width, is_turn)
    writes = [Assign(t, Ref(u)) for t, u in zip(targets, updates, strict=True) if over.get(u) is not t]
    statements: tuple[Statement, ...] = (*steps, *saved, *writes_of(graph, writes, set(targets)))
    made = FastProgram(
        graph, statements, tuple(results), structure, tuple(targets), _arrays(graph), calls=calls, pieces=pieces
    )
    return _with_rooms(made, rooms) if rooms else made


def _arrays(graph: Graph) -> tuple[Node, ...]:
    """The constants that are no numbers."""
    return tuple(n for n in graph.nodes if "constant" in n.op.traits and n.ndim and not graph.is_input(n))


def _planned(
    steps: Sequence[Step],
    roots: Mapping[Node, Node],
    outputs: Sequence[Node],
    updates: Sequence[Node],
    over: Mapping[Node, Node],
) -> Plan:
    """The buffers between steps; ``over``: what is written to arrays of the caller."""
    if not roots:
        return _NONE
    return plan_calls(steps, roots, {roots[y] for y in outputs}, [roots[u] for u in updates], over)


def _with_rooms(program: FastProgram, rooms: Mapping[int, Node]) -> FastProgram:
    """The program of a turn which is given arrays for some of its results, and hands back the others."""
    graph = Graph([*program.graph.inputs, *rooms.values()], program.graph.outputs, program.graph.name)
    results = tuple(r for k, r in enumerate(program.results) if k not in rooms)
    return replace(program, graph=graph, results=results, structure=turn_of(len(results)), handed=tuple(rooms))
