"""From nodes to expressions: leave out what NumPy does by itself.

A graph says every broadcast and every cast; NumPy does most of them unasked. Here an operand that is a `broadcast_to`
or `astype` node is replaced by its source where the op's result keeps its shape and dtype, and scalar constants and
sizes
become literals where NumPy's weak promotion of Python numbers gives the declared dtype.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from graphad.form import literals
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.ir.types import Shape, broadcast_shapes
from graphad.lower.program import Apply, Expression, Literal, Ref
from graphad.ops.contract import matmul
from graphad.ops.elementwise import power, sum_n
from graphad.ops.fit import astype, broadcast_to
from graphad.ops.kinks import _clip as clip
from graphad.rules.casts import OF_REALS


def select(graph: Graph, node: Node) -> Expression:
    """The expression of one node: its op on its operands; a literal for a scalar constant or a size."""
    if is_literal(node):
        return Literal(standalone(node))
    if "constant" in node.op.traits:
        return Ref(node)
    operands = _without_casts(graph, node, _without_broadcasts(graph, node))
    if not any(map(is_literal, operands)):
        return Apply(node, tuple([Ref(x) for x in operands]))
    style = _literal_style(graph, node, operands)
    written = [_operand(graph, x, style) for x in operands]
    if style == "first":
        written[0] = _operand(graph, operands[0], "strong")
    return Apply(node, tuple(written))


def is_literal(node: Node) -> bool:
    """Whether a node is written as a number or a size wherever it is used."""
    return "size" in node.op.traits or ("constant" in node.op.traits and node.ndim == 0)


def standalone(node: Node) -> str:
    """The text of a literal that keeps its dtype by itself."""
    if "size" in node.op.traits:
        return f"{literals.dtype_text(node.dtype)}({node.attrs['value']})"
    return literals.scalar(node.attrs["value"])


def _operand(graph: Graph, x: Node, style: str) -> Expression:
    if graph.is_input(x) or not is_literal(x):
        return Ref(x)
    if style == "strong":
        return Literal(standalone(x))
    text = str(x.attrs["value"]) if "size" in x.op.traits else literals.number(x.attrs["value"], style == "point")
    return Literal(text)


def _without_broadcasts(graph: Graph, node: Node) -> list[Node]:
    """The operands with those broadcasts left out that the op makes itself."""
    operands = list(node.inputs)
    if "promotes" not in node.op.traits:
        return operands
    for k, x in enumerate(node.inputs):
        if x.op is not broadcast_to or graph.is_input(x):
            continue
        trial = [*operands[:k], x.inputs[0], *operands[k + 1 :]]
        if _result_shape(node, trial) == node.shape:
            operands = trial
    return operands


def _result_shape(node: Node, operands: Sequence[Node]) -> Shape | None:
    """The shape that NumPy gives the op on these operands."""
    if node.op is not matmul:
        return broadcast_shapes(*(x.shape for x in operands))
    x, y = operands
    if any(a.shape[-2:] != b.shape[-2:] for a, b in zip(operands, node.inputs, strict=True)):
        return None  # only the stack may be broadcast by matmul, never the matrices
    stack = broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return None if stack is None else (*stack, *node.shape[-2:])


def _without_casts(graph: Graph, node: Node, operands: list[Node]) -> list[Node]:
    """The operands with those casts left out that NumPy's promotion makes itself."""
    if "promotes" not in node.op.traits:
        return operands
    if node.op in OF_REALS:
        sources = [x.inputs[0] for x in operands if x.op is astype and not graph.is_input(x)]
        bare = [x for x in sources if x.dtype.kind in "biu"]
        done = len(bare) == len(operands) and node.op.type_rule(*bare, **node.attrs).dtype == node.dtype
        return bare if done else operands
    if len(operands) == 1:
        return operands
    for k, x in enumerate(operands):
        if x.op is not astype or graph.is_input(x):
            continue
        (source,) = x.inputs
        if node.op is power and source.dtype == np.bool_:  # NumPy squares booleans in int8
            continue
        trial = [*operands[:k], source, *operands[k + 1 :]]
        if _promoted(graph, trial) == x.dtype:
            operands = trial
    return operands


def _promoted(graph: Graph, operands: Sequence[Node], point: bool = False) -> np.dtype[np.generic] | None:
    """The common dtype that NumPy finds for operands whose literals are Python numbers; None when all are literals."""
    strong = [x.dtype for x in operands if graph.is_input(x) or not is_literal(x)]
    weak = [_python_number(x, point) for x in operands if is_literal(x) and not graph.is_input(x)]
    if not strong:
        return None
    try:
        return np.result_type(*strong, *weak)
    except OverflowError:
        return None


def _python_number(x: Node, point: bool) -> bool | int | float | complex:
    """What the literal's text evaluates to, as far as promotion is concerned."""
    if "size" in x.op.traits:
        return 1
    value: bool | int | float | complex = x.attrs["value"].item()
    if isinstance(value, complex) and not literals.number(x.attrs["value"]).startswith("complex"):
        value = value.real
    return 1 if not point and isinstance(value, float) and "." not in literals.number(x.attrs["value"]) else value


def _makes_arrays(node: Node, operands: Sequence[Node]) -> bool:
    """Whether the NumPy form makes arrays of its numbers, which take part in promotion: np.where(c, 1, 2), or SciPy."""
    if node.op is clip:
        return is_literal(operands[0])
    return node.op is not sum_n and bool(node.op.helpers or node.op.imports)


def _literal_style(graph: Graph, node: Node, operands: Sequence[Node]) -> str:
    """How literals are written so that the op's dtype stays: "plain" (1), "point" (1.0) or "strong" (np.float64(1)).

    "first": the first one strong, the others plain.
    """
    if node.op is broadcast_to and "constant" in operands[0].op.traits:
        return "plain"  # np.full, which is told the dtype
    if "promotes" not in node.op.traits:
        return "strong"
    expected = next((x.dtype for x in node.inputs if x.dtype != np.bool_), node.inputs[0].dtype)
    if expected != np.float64 and _makes_arrays(node, operands):
        return "strong"
    if _is_python(graph, node) and any(_needs_array(user) for user in graph.users[node]):
        return "strong"  # (2 / n).reshape(1) would fail
    promoted = _promoted(graph, operands)
    if promoted is None:  # numbers only: for Python 2 * n is an integer, and 2 / 0 an error
        return "first" if all(x.dtype == expected for x in operands) else "strong"
    if promoted == expected:
        return "plain"
    return "point" if _promoted(graph, operands, point=True) == expected else "strong"


def _needs_array(user: Node) -> bool:
    """Whether a Python number will not do where an op expects a scalar array."""
    return "promotes" not in user.op.traits and user.op is not broadcast_to


def _is_python(graph: Graph, node: Node) -> bool:
    """Whether the text of a scalar mentions Python numbers only."""
    if node.ndim:
        return False
    found = _of_numbers.get(graph)
    if found is None:
        found = _of_numbers[graph] = set()
        for x in graph.nodes:
            plain = "promotes" in x.op.traits and not x.ndim and x.dtype == np.float64
            if plain and not graph.is_input(x) and all(is_literal(y) or y in found for y in x.inputs):
                found.add(x)
    return node in found


_of_numbers: WeakKeyDictionary[Graph, set[Node]] = WeakKeyDictionary()
