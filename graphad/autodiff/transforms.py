"""What users call: grad, vjp, jvp, hvp, jacobian, hessian. Nodes in, nodes out; repeat for any order.

Where an argument may be a node or a list of nodes, the answer has the same form: a node for a node, a list for a list.
An input that nothing depends on gets zeros of its type, never an error and never None.
"""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from graphad.autodiff.forward import push_forward
from graphad.autodiff.reverse import mark_cotangent, pull_back
from graphad.autodiff.rules import as_cotangent
from graphad.autodiff.singular import policy
from graphad.errors import ArgumentError, DifferentiationError
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import Origin, christen, inside
from graphad.ir.types import is_differentiable
from graphad.ops.fit import ones_like, stretch, zeros_like
from graphad.ops.index import place, stack
from graphad.ops.layout import reshape
from graphad.ops.leaves import constant
from graphad.rules.stable import STABLE
from graphad.rules.view import stabilized

Nodes = Node | Sequence[Node]


@overload
def grad(loss: Node, wrt: Node, *, singular: str = ...) -> Node: ...
@overload
def grad(loss: Node, wrt: Sequence[Node], *, singular: str = ...) -> list[Node]: ...
def grad(loss: Node, wrt: Nodes, *, singular: str = "subgradient") -> Node | list[Node]:
    """Gradient of a scalar with respect to one node (a node) or several (a list), as new nodes.

    Each has the shape and dtype of what it belongs to and is named ``d_<name>``. ``wrt`` may be any node, also an
    intermediate one. ``singular`` says what happens where a derivative is infinite or missing, as at sqrt(0): it is 0
    ("subgradient"), what the formula gives ("nan"), or an error of the compiled function ("raise").

    Raises DifferentiationError when ``loss`` is no real floating scalar, when ``wrt`` holds integers or booleans, or
    when an op on the way has no derivative.

    >>> import graphad as ga
    >>> t = ga.input("t")
    >>> d3 = ga.grad(ga.grad(ga.grad(t**3, t), t), t)
    >>> float(ga.compile([t], d3)(2.0))
    6.0
    """
    loss = _nodes([loss], "loss")[0]
    if loss.ndim:
        hint = "reduce it with ga.sum or ga.mean, or use ga.vjp or ga.jacobian"
        fail(DifferentiationError, f"grad needs a scalar, {label(loss)} has shape {loss.type}", loss, hint=hint)
    if loss.dtype.kind != "f":
        fail(DifferentiationError, f"grad needs a real floating value, {label(loss)} is {loss.dtype}", loss)
    variables = _nodes(wrt, "wrt")
    _check_wrt(variables)
    (loss,), inner = stabilized([loss], variables, STABLE)
    with policy(singular):
        found = _pull([loss], inner, None)
    for x, g in zip(variables, found, strict=True):
        christen(g.origin, x.name and f"d_{x.name}")
        g.origin.gradients += ((loss.origin, x.origin),)
    return _like(wrt, found)


def vjp(outputs: Nodes, wrt: Nodes, cotangents: Any, *, singular: str = "subgradient") -> Node | list[Node]:
    """Vector-Jacobian product: the gradient of Σ ⟨cotangent, output⟩ with respect to ``wrt``.

    ``cotangents`` are nodes, arrays or numbers, one per output and of its shape; ``singular`` as in `grad`. Raises
    DifferentiationError.
    """
    outs, inputs = _nodes(outputs, "outputs"), _nodes(wrt, "wrt")
    given = _paired(outs, cotangents, "cotangents")
    _check_wrt(inputs)
    with policy(singular):
        return _like(wrt, _pull(*stabilized(outs, inputs, STABLE), given))


def jvp(outputs: Nodes, wrt: Nodes, tangents: Any, *, singular: str = "subgradient") -> Node | list[Node]:
    """Jacobian-vector product: the derivative of the outputs along ``tangents`` of ``wrt``.

    ``tangents`` are nodes, arrays or numbers, one per node of ``wrt`` and of its shape; ``singular`` as in `grad`.
    Raises DifferentiationError.
    """
    outs, inputs = _nodes(outputs, "outputs"), _nodes(wrt, "wrt")
    _check_wrt(inputs)
    given = _paired(inputs, tangents, "tangents")
    with policy(singular):
        found = push_forward(*stabilized(outs, inputs, STABLE), given)
    return _like(outputs, [_zero(y) if t is None else t for y, t in zip(outs, found, strict=True)])


def hvp(loss: Node, wrt: Nodes, vectors: Any, *, singular: str = "subgradient") -> Node | list[Node]:
    """Hessian-vector product: the derivative of the gradient along ``vectors`` (Pearlmutter 1994)."""
    inputs = _nodes(wrt, "wrt")
    along = _paired(inputs, vectors, "vectors")
    return _like(wrt, _list(jvp(grad(loss, inputs, singular=singular), inputs, along, singular=singular)))


def jacobian(output: Node, wrt: Nodes, *, singular: str = "subgradient") -> Node | list[Node]:
    """All partial derivatives: shape ``output.shape + wrt.shape``, one reverse pass per element of ``output``.

    Raises ShapeError when the output has named sizes: its number of elements must be known.
    """
    inputs = _nodes(wrt, "wrt")
    (out,) = _nodes([output], "output")
    if not isinstance(out.size, int):
        fail(DifferentiationError, f"jacobian: {label(out)} has named sizes", out, hint="give its shape in numbers")
    _check_wrt(inputs)
    view, inner = stabilized([out], inputs, STABLE)
    with policy(singular):
        rows = [_pull(view, inner, [_basis(out, k)]) for k in range(out.size)]
    columns = [[row[i] for row in rows] for i in range(len(inputs))]
    return _like(wrt, [_rows(c, out, x) for c, x in zip(columns, inputs, strict=True)])


def hessian(loss: Node, wrt: Node, *, singular: str = "subgradient") -> Node:
    """All second derivatives of a scalar with respect to one node: shape ``wrt.shape + wrt.shape``."""
    return _list(jacobian(grad(loss, wrt, singular=singular), wrt, singular=singular))[0]


def _basis(out: Node, k: int) -> Node:
    with inside(_on_behalf(out, "seed")):
        one = constant(np.ones((), out.dtype))
        return place(one, tuple(int(i) for i in np.unravel_index(k, out.shape)), out.shape) if out.ndim else one


def _rows(rows: list[Node], out: Node, x: Node) -> Node:
    shape = (*out.shape, *x.shape)
    with inside(_on_behalf(x, "jacobian")):
        parts = stack(rows) if rows else zeros_like(x)
    joined = reshape(parts, shape) if rows else stretch(parts, shape)  # at the user's line, by the user's name
    joined.origin.adjoint_of = x.origin
    return joined


def _pull(outputs: Sequence[Node], wrt: Sequence[Node], cotangents: Sequence[Node] | None) -> list[Node]:
    """Reverse mode with typed zeros for what nothing depends on; cotangents of ones unless given."""
    born = Origin().serial
    if cotangents is None:
        cotangents = []
        for y in outputs:
            with inside(_on_behalf(y, "seed")):
                cotangents.append(ones_like(y))
            mark_cotangent(cotangents[-1], y, born)
    found = pull_back(outputs, wrt, cotangents)
    gradients = [_zero(x) if c is None else c for x, c in zip(wrt, found, strict=True)]
    for x, c, g in zip(wrt, found, gradients, strict=True):
        if c is None:
            mark_cotangent(g, x, born)
    return gradients


def _zero(x: Node) -> Node:
    """The derivative of what nothing depends on."""
    with inside(_on_behalf(x, "unconnected")):
        return zeros_like(x)


def _on_behalf(x: Node, made_by: str) -> Origin:
    """The origin of nodes that serve ``x``."""
    return Origin(None, x.origin.place, x.origin.scope, x.origin, False, made_by)


def _check_wrt(wrt: Sequence[Node]) -> None:
    for x in wrt:
        if not is_differentiable(x.dtype):
            hint = 'declare it with a floating dtype, such as dtype="float64"'
            fail(DifferentiationError, f"{label(x)} holds {x.dtype}: there is no derivative by it", x, hint=hint)


def _nodes(value: Any, what: str) -> list[Node]:
    items = [value] if isinstance(value, Node) else list(value)
    for item in items:
        if not isinstance(item, Node):
            fail(ArgumentError, f"{what} must be graphad nodes, got {type(item).__name__}")
    return items


def _paired(nodes: Sequence[Node], values: Any, what: str) -> list[Node]:
    items = list(values) if isinstance(values, (list, tuple)) else [values]
    if len(items) != len(nodes):
        fail(ArgumentError, f"{len(items)} {what} for {len(nodes)} nodes", *nodes)
    return [as_cotangent(v, n) for v, n in zip(items, nodes, strict=True)]


def _like(form: Nodes, nodes: list[Node]) -> Node | list[Node]:
    return nodes[0] if isinstance(form, Node) else nodes


def _list(value: Node | list[Node]) -> list[Node]:
    return [value] if isinstance(value, Node) else value
