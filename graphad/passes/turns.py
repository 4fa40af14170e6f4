"""A loop taken apart, and put together again without what no result depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphad.ir.core import Node
from graphad.ir.dims import Size
from graphad.ir.graph import Graph, rebuild
from graphad.ir.origin import Origin
from graphad.ops.control import scan, symbol
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
        attrs = {"body": self.body, "carries": len(self.carries), "arrays": len(self.arrays)}
        attrs |= {"length": self.length, "reverse": self.reverse}
        return scan.build([*self.starts, *self.stacks, *self.values], attrs, self.origin)

    def results(self, made: Node, carries: Sequence[int], given: Sequence[int], every: int) -> dict[int, Node]:
        """The items of ``made``, this loop, by their places in an old loop, whose turn had ``every`` results.

        ``carries`` and ``given`` are the places there of the carries, and of the first of what a turn gives.
        """
        later = len(self.carries) + len(self.given)
        places = [*enumerate(carries), *enumerate(given, len(self.carries))]
        places += [(later + k, every + old) for k, old in enumerate(carries)]
        return {old: item.build((made,), {"index": place}, self.origin) for place, old in places}

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
        wish = like.name if like.name and like.name.isidentifier() else "t"
        origin = like.origin.derived("loop", name=None, uses=(), is_cotangent=False)
        self.arrays.append(symbol(wish, like.type, self.taken, origin))
        self.stacks.append(stack)
        return self.arrays[-1]

    def replace(self, replacements: Mapping[Node, Node], dropped: Mapping[Node, int] | None = None) -> None:
        """Exchange nodes of the body; of those ``dropped`` only the operand at the given place is left."""
        left = dropped or {}

        def make(node: Node, inputs: Sequence[Node]) -> Node:
            if node in replacements:
                return replacements[node]
            return inputs[left[node]] if node in left else rebuild(node, inputs)

        made = self.body.map(make)
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
    return turns.results(turns.build(), carries, given, every)


def _reached(body: Graph, results: Sequence[int]) -> set[Node]:
    """The symbols that results of a body depend on."""
    part = body.subgraph([body.outputs[k] for k in results])
    read = {x for node in part.nodes if not part.is_input(node) for x in node.inputs}
    return {x for x in part.inputs if x in read or part.is_output(x)}
