"""`scan`: a Python function run once, on symbols, becomes the body of a loop."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphad.errors import ArgumentError, GraphError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size, parse_size
from graphad.ir.graph import Graph, rebuild, toposort
from graphad.ir.origin import Origin, here
from graphad.ir.types import TensorType
from graphad.ops.control import scan as scan_op
from graphad.ops.control import symbol
from graphad.ops.leaves import as_node
from graphad.ops.tuples import item

Step = Callable[[Any, Any], tuple[Any, Any]]


def scan(step: Step, init: Any, xs: Any = None, length: Any = None, reverse: bool = False) -> tuple[Any, Any]:
    """A loop: ``carry, y = step(carry, x)`` for each element x along the first axis of ``xs``, as `jax.lax.scan`.

    ``init`` is the first carry; ``init``, ``xs`` and y may be nodes, nested tuples, lists or dicts of them, or None.
    Returns the last carry and the y of all steps, stacked along a new first axis. Without ``xs`` there are ``length``
    steps (an int or a named size), and x is None; ``reverse`` begins at the last element. The step is called once, on
    symbols: neither source nor compile time grows with the number of steps, and the gradient is a scan again.

    Raises ArgumentError, ShapeError where lengths differ or a carry changes its type, GraphError where the step draws
    random numbers: draw them before, and hand them in with ``xs``.

    >>> import graphad as ga
    >>> x = ga.input("x", shape=("n",))
    >>> last, sums = ga.scan(lambda total, x: (total + x, total), 0.0, x)
    >>> f = ga.compile([x], [last, sums, ga.grad(last, x)])
    >>> [v.tolist() for v in f([1.0, 2.0, 4.0])]
    [7.0, [0.0, 1.0, 3.0], [1.0, 1.0, 1.0]]
    """
    began = Origin().serial
    first, shape_of_carry = _flat(init)
    given, shape_of_x = _flat(xs)
    turns = _length(given, length)
    names = _Names(step)
    carry = [names.symbol(x.type, x.name, 0) for x in first]
    element = [names.symbol(TensorType(x.shape[1:], x.dtype), x.name, 1) for x in given]
    after, shape_after, ys, shape_of_y = _stepped(step, shape_of_carry(carry), shape_of_x(element))
    _check_carry(carry, after, shape_of_carry(carry), shape_after(after))
    body, captured = _closed([*carry, *element], [*after, *ys], names, began)
    operands = [*first, *given, *captured]
    attrs = {"body": body, "carries": len(carry), "arrays": len(element), "length": turns, "reverse": bool(reverse)}
    node = scan_op.build(operands, attrs, here(False))
    results = [item(node, k) for k in range(len(carry) + len(ys))]
    return shape_of_carry(results[: len(carry)]), shape_of_y(results[len(carry) :])


def _stepped(step: Step, carry: Any, x: Any) -> tuple[list[Node], Any, list[Node], Any]:
    """The nodes of one step: of the carry after it, and of what it gives."""
    result = step(carry, x)
    if not isinstance(result, tuple) or len(result) != 2:
        what = f"scan: the step must return a pair (carry, y), not {type(result).__name__}"
        fail(ArgumentError, what, hint="return carry, None where a step gives nothing")
    return (*_flat(result[0]), *_flat(result[1]))


def _check_carry(before: Sequence[Node], after: Sequence[Node], *structures: Any) -> None:
    if len(before) != len(after) or _form(structures[0]) != _form(structures[1]):
        forms = [str(_form(s)).replace("Ellipsis", "node") for s in structures]
        fail(ArgumentError, f"scan: the carry is {forms[0]} before the step and {forms[1]} after it")
    for x, y in zip(before, after, strict=True):
        if x.type != y.type:
            what = f"scan: the carry {label(x)} enters the step as {x.type} and leaves it as {y.type}"
            fail(ShapeError, what, x, y, hint="give the first carry the shape and dtype that it has in the loop")


def _length(xs: Sequence[Node], length: Any) -> Size:
    """The number of steps, on which all must agree."""
    found = None if length is None else parse_size(length)
    for x in xs:
        if not x.ndim:
            fail(ShapeError, f"scan: {label(x)} has no axis to go along", x)
        if found is not None and x.shape[0] != found:
            fail(ShapeError, f"scan: {label(x)} has {x.shape[0]} elements along its first axis, not {found}", x, *xs)
        found = x.shape[0]
    if found is None:
        fail(ArgumentError, "scan: how many steps?", hint="give xs, or length=")
    return found


def _closed(symbols: list[Node], outputs: Sequence[Node], names: "_Names", began: int) -> tuple[Graph, list[Node]]:
    """The body, and the nodes from outside that it reads: what is the same in every step stays outside."""
    inside = set(symbols)
    made: dict[Node, Node] = {x: x for x in symbols}
    captured: list[Node] = []

    def within(x: Node) -> Node:
        if x not in made:
            is_number = "constant" in x.op.traits and not x.ndim
            made[x] = x if is_number and not any(x is y for y in outputs) else names.symbol(x.type, x.name, 2)
            captured.extend([] if made[x] is x else [x])
        return made[x]

    for node in toposort(outputs):
        if "random" in node.op.traits and node.origin.serial > began:
            fail(GraphError, "scan: a draw inside the step", node, hint="draw before the loop, and hand it in with xs")
        if node not in inside and any(x in inside for x in node.inputs):
            inside.add(node)
            made[node] = rebuild(node, [within(x) for x in node.inputs])
    results = [within(y) for y in outputs]
    return Graph([*symbols, *(made[x] for x in captured)], results, names.step), captured


class _Names:
    """Names for the inputs of a body: those of the nodes that they stand for, else of the step's parameters."""

    def __init__(self, step: Step) -> None:
        name = getattr(step, "__name__", "step")
        self.step = name if name.isidentifier() else "step"
        try:
            parameters = [p.name for p in inspect.signature(step).parameters.values()]
        except (TypeError, ValueError):
            parameters = []
        self._known = [*parameters[:2], *("carry", "x")[len(parameters[:2]) :], "c"]
        self._taken: set[str] = set()

    def symbol(self, type_: TensorType, name: str | None, role: int) -> Node:
        """A new input of the body."""
        wish = (name if role != 1 else None) or self._known[role]
        return symbol(wish, type_, self._taken, Origin(None, here(False).place))


def _flat(value: Any) -> tuple[list[Node], Callable[[Sequence[Any]], Any]]:
    """The nodes of a nested structure, and the function that puts others in their places."""
    leaves: list[Node] = []
    form = _taken_apart(value, leaves)

    def restored(nodes: Sequence[Any]) -> Any:
        return _put_together(form, iter(nodes))

    return leaves, restored


def _taken_apart(value: Any, leaves: list[Node]) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: _taken_apart(v, leaves) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return _sequence(type(value), [_taken_apart(v, leaves) for v in value])
    leaves.append(as_node(value))
    return ...


def _put_together(form: Any, nodes: Iterator[Any]) -> Any:
    if form is ...:
        return next(nodes)
    if isinstance(form, dict):
        return {key: _put_together(v, nodes) for key, v in form.items()}
    return None if form is None else _sequence(type(form), [_put_together(v, nodes) for v in form])


def _sequence(kind: Any, parts: list[Any]) -> Any:
    """A list, a tuple, or a tuple with named fields."""
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def _form(value: Any) -> Any:
    """A structure without its nodes."""
    return _taken_apart(value, [])
