"""Variable names of the generated code: the user's, ``d_<name>`` for adjoints, t0, t1, … for the rest."""

import keyword
import re
from collections.abc import Iterable

from graphad.errors import GraphError
from graphad.ir.core import Node, fail
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin

RESERVED = frozenset({"np", "rng", "bytes", "complex"})  # what generated expressions mention


class Names:
    """Names of values in one function; every name is given once."""

    def __init__(self, graph: Graph, helpers: Iterable[str], called: bool = True, function: str = "") -> None:
        """``called``: whether users call the function, with its inputs by their names; ``function``: its own name."""
        self._taken = {*keyword.kwlist, *RESERVED, *graph.sizes, *helpers}
        self._count = 0
        self._next: dict[str, int] = {}  # where to go on counting for a wish: the same name 20 000 times stays quick
        self._by_origin: dict[Origin, str] = {}
        self.of: dict[Node, str] = {}
        for k, x in enumerate(graph.inputs):
            name = x.name or f"x{k}"
            if not called:
                name = self.unique(name)
            elif name == function:
                hint = f'give the function another name: ga.compile(..., name="{name}_function")'
                fail(GraphError, f"the function and its input are both called {name!r}", x, hint=hint)
            elif name in self._taken:
                what = f"the input name {name!r} is taken: by NumPy, the generator, a helper or a named size"
                fail(GraphError, what, x, hint="give the input another name")
            self._give(x, name)

    def inner(self, graph: Graph, reserved: Iterable[str]) -> "Names":
        """Names for a function beside this one, which sees the same constants and sizes but none of the variables."""
        found = Names.__new__(Names)
        found.of = {n: name for n, name in self.of.items() if "constant" in n.op.traits and not graph.is_input(n)}
        found._taken = {*keyword.kwlist, *RESERVED, *graph.sizes, *reserved, *found.of.values()}
        found._count, found._next, found._by_origin = 0, {}, {}
        return found

    def add(self, node: Node) -> str:
        """The name of a node that gets a statement."""
        name = self.of.get(node)
        if name is None:
            name = self.unique(self._wish(node))
            self._give(node, name)
        return name

    def unique(self, wish: str) -> str:
        """``wish``, or with the first number that makes it new."""
        name, k = wish, self._next.get(wish, 2)
        while name in self._taken:
            name, k = f"{wish}_{k}", k + 1
        self._next[wish] = k
        self._taken.add(name)
        return name

    def _wish(self, node: Node) -> str:
        if name := node.name:
            if name.isidentifier():
                return name if name.isascii() else re.sub(r"\W", "_", name)
            return "v_" + re.sub(r"\W", "_", name)
        forward = node.origin.adjoint_of
        if node.origin.is_cotangent and forward in self._by_origin:
            return f"d_{self._by_origin[forward]}"
        if node.origin.is_cotangent and forward is not None and (forward.name or "").isidentifier():
            return f"d_{forward.name}"
        while f"t{self._count}" in self._taken:
            self._count += 1
        return f"t{self._count}"

    def _give(self, node: Node, name: str) -> None:
        self._taken.add(name)
        self.of[node] = name
        self._by_origin.setdefault(node.origin, name)


def of_buffers(nodes: Iterable[Node]) -> str:
    """What names of buffers begin with: "b", or "buf" where a user calls a value b1 or the like."""
    return "buf" if any(re.fullmatch(r"b\d+", n.name or "") for n in nodes) else "b"
