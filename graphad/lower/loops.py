"""How a `scan` is written: a function for one turn, and a Python `for` that calls it.

h = h0.copy()
hs = np.empty((T, batch, 32))
for k in range(T):
    h, hs[k] = cell(h, x[k], W, U, b)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from graphad.form import literals
from graphad.ir.core import Node
from graphad.ir.types import TensorType, TupleType
from graphad.lower.names import Names


@dataclass(frozen=True)
class Turn:
    """A loop and the function of one turn; ``work`` is the name of its workspace, which ``made`` makes."""

    node: Node
    function: str
    work: str = ""
    made: str = ""
    handed: Sequence[int] = ()  # the results that the function writes to arrays which it is given
    lent: Sequence[int] = ()  # the carries that are such arrays after a turn

    def lines(
        self,
        names: Names,
        operands: Sequence[str],
        is_owned: Sequence[bool],
        parts: Sequence[Node | None],
        room: Callable[[Node], str],
    ) -> Iterator[tuple[str, Node]]:
        """The statements, each with the node that its comment is about.

        ``is_owned``: whether an operand may be changed by nobody else; ``parts``: the results that somebody reads;
        ``room``: the array that a result of all turns is written to.
        """
        attrs, type_ = self.node.attrs, self.node.type
        assert isinstance(type_, TupleType)
        count, end = attrs["carries"], attrs["carries"] + attrs["arrays"]
        symbols = attrs["body"].inputs
        pairs = zip(parts[:count], symbols[:count], strict=True)
        carry = [names.unique(x.name or "carry") if p is None else names.add(p) for p, x in pairs]
        for name, start, owned, x in zip(carry, operands, is_owned, symbols, strict=False):
            yield f"{name} = {start if owned else f'{start}.copy()'}", x
        stacks = ["" if part is None else names.add(part) for part in parts[count:]]
        for name, part in zip(stacks, parts[count:], strict=True):
            if part is not None:
                yield f"{name} = {room(part)}", part
        if self.work:
            yield f"{self.work} = {self.made}", self.node
        k = names.unique("k")
        turns = f"range({literals.attribute(attrs['length'])})"
        yield f"for {k} in {f'reversed({turns})' if attrs['reverse'] else turns}:", self.node
        given, before = dict(enumerate(stacks[: len(stacks) - count], count)), stacks[len(stacks) - count :]
        for stack, name, x in zip(before, carry, symbols, strict=False):
            if stack:
                yield f"    {stack}[{k}] = {name}", x
        elements = [f"{x}[{k}]" for x in operands[count:end]]
        rooms = [f"{given.pop(place)}[{k}]" for place in self.handed]
        arguments = [*carry, *elements, *operands[end:], *rooms, *([self.work] if self.work else [])]
        targets = ", ".join([*carry, *(f"{stack}[{k}]" if stack else "_" for stack in given.values())])
        yield f"    {targets and f'{targets} = '}{self.function}({', '.join(arguments)})", self.node
        for place in self.lent:
            if parts[place] is not None:
                yield f"{carry[place]} = {carry[place]}.copy()", symbols[place]


def fresh(type_: TensorType) -> str:
    """The expression of a new array."""
    kind = "" if type_.dtype.name == "float64" else f", {literals.dtype_text(type_.dtype)}"
    return f"np.empty({literals.attribute(type_.shape)}{kind})"
