"""A loop taken apart, and put together again without what no result depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphad.ir.core import Node
from graphad.ir.dims import Size
from graphad.ir.graph import Graph, rebuild
from graphad.ir.origin import Origin
from graphad.ops.control import scan
from graphad.ops.leaves import input
from graphad.ops.tuples import item

Results = Mapping[int, Node]  # by the index of an item of the old loop


@dataclass
class Turns:
    """A loop taken apart: symbols of the body with what they stand for, and what a turn makes of them."""

    carries: list[Node]
    starts: list[Node]
    ends: list[Node]  # the carries after the turn
    arrays: list[Node]
    stacks: list[Node]  # all elements of the arrays
    shared: list[Node]
    values: list[Node]
    given: list[Node]  # other results of the turn
    length: Size
    reverse: bool
    name: str
    origin: Origin
    taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, node: Node) -> "Turns":
        """A scan."""
        attrs, operands = node.attrs, node.inputs
        body, count = attrs["body"], attrs["carries"]
        end = count + attrs["arrays"]
        symbols, results = body.inputs, body.outputs
        return cls(
            carries=list(symbols[:count]),
            starts=list(operands[:count]),
            ends=list(results[:count]),
            arrays=list(symbols[count:end]),
            stacks=list(operands[count:end]),
            shared=list(symbols[end:]),
            values=list(operands[end:]),
            given=list(results[count:]),
            length=attrs["length"],
            reverse=attrs["reverse"],
            name=body.name,
            origin=node.origin,
            taken={x.name or "" for x in symbols},
        )

    def build(self) -> Node:
        """The scan."""
        body = Graph([*self.carries, *self.arrays, *self.shared], [*self.ends, *self.given], self.name)
        attrs = {"body": body, "carries": len(self.carries), "arrays": len(self.arrays)}
        attrs |= {"length": self.length, "reverse": self.reverse}
        return scan.build([*self.starts, *self.stacks, *self.values], attrs, self.origin)

    @property
    def body(self) -> Graph:
        """One turn."""
        return Graph([*self.carries, *self.arrays, *self.shared], [*self.ends, *self.given], self.name)

    @property
    def place(self) -> dict[Node, int]:
        """The arrays' symbols by position."""
        return {x: k for k, x in enumerate(self.arrays)}

    def array(self, like: Node, stack: Node) -> Node:
        """A new symbol for the elements of ``stack``."""
        wish = name = like.name if like.name and like.name.isidentifier() else "t"
        k = 2
        while name in self.taken:
            name, k = f"{wish}_{k}", k + 1
        self.taken.add(name)
        origin = like.origin.derived("loop", name=name, uses=(), is_cotangent=False)
        symbol = input.build((), {"name": name, "shape": like.shape, "dtype": like.dtype}, origin)
        self.arrays.append(symbol)
        self.stacks.append(stack)
        return symbol

    def replace(self, replacements: Mapping[Node, Node]) -> None:
        """Exchange nodes of the body."""
        made = self.body.map(lambda n, inputs: replacements[n] if n in replacements else rebuild(n, inputs))
        self.ends, self.given = ([made[y] for y in ys] for ys in (self.ends, self.given))


def needed_parts(graph: Graph, old: Node, new: Node) -> Results:
    """The loop without what no result depends on."""
    turns = Turns.of(new)
    count, every = len(turns.carries), len(turns.ends) + len(turns.given)
    used = {user.attrs["index"] for user in graph.users[old]}
    body = turns.body
    live = {k for k in range(count) if k in used or every + k in used}
    given = [k for k in range(count, every) if k in used]
    while True:
        reached = _reached(body, [*sorted(live), *given])
        found = {k for k, x in enumerate(turns.carries) if x in reached}
        if found <= live:
            break
        live |= found
    carries = sorted(live)
    arrays = [k for k, x in enumerate(turns.arrays) if x in reached]
    shared = [k for k, x in enumerate(turns.shared) if x in reached]
    turns.starts, turns.ends = ([xs[k] for k in carries] for xs in (turns.starts, turns.ends))
    turns.carries = [turns.carries[k] for k in carries]
    turns.arrays, turns.stacks = ([xs[k] for k in arrays] for xs in (turns.arrays, turns.stacks))
    turns.shared, turns.values = ([xs[k] for k in shared] for xs in (turns.shared, turns.values))
    turns.given = [turns.given[k - count] for k in given]
    made = turns.build()
    places = [*carries, *given, *(every + k for k in carries)]
    return {place: item.build((made,), {"index": k}, old.origin) for k, place in enumerate(places)}


def _reached(body: Graph, results: Sequence[int]) -> set[Node]:
    """The symbols that results of a body depend on."""
    part = body.subgraph([body.outputs[k] for k in results])
    read = {x for node in part.nodes if not part.is_input(node) for x in node.inputs}
    return {x for x in part.inputs if x in read or part.is_output(x)}
