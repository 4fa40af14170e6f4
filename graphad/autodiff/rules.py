"""One op's derivative fact, read both ways: cotangents of the inputs (vjp), the tangent of the result (jvp).

An op states one fact (see the kinds in `ir/core.py`); both directions are derived from it here, so they cannot drift
apart. What a rule returns is checked: a cotangent has the type of its input.
"""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, assert_never

from graphad.errors import DifferentiationError, RuleError
from graphad.ir.core import Constant, Custom, Elementwise, Linear, Multilinear, Node, Undefined, fail, label
from graphad.ir.types import TensorType, TupleType, carries_gradient, is_differentiable
from graphad.ops.elementwise import divide, sum_n
from graphad.ops.fit import cast, is_uniform, zeros_like
from graphad.ops.leaves import as_node, input
from graphad.ops.piecewise import where

Contribution = Node | None
Cotangent = Node | tuple[Contribution, ...]  # a tuple for a node with several results, None where one is not used
Transpose = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], Sequence[Contribution]]


def vjp_rule(node: Node, g: Cotangent) -> Sequence[Contribution]:
    """The cotangent of each input of ``node`` for the cotangent ``g`` of its result; None stands for zero."""
    x, attrs, fact = node.inputs, node.attrs, node.op.derivative
    match fact:
        case Linear(transpose) | Multilinear(transpose):
            return transpose(g, *x, **attrs)
        case Elementwise(partials):
            assert isinstance(g, Node)
            return [masked_product(g, p) for p in partials(*x, node, **attrs)]
        case Custom(vjp):
            return vjp(g, node, *x, **attrs)
        case Constant():
            return [None] * len(x)
        case Undefined(reason):
            _undefined(node, reason)
        case _:
            assert_never(fact)


def jvp_rule(node: Node, tangents: Sequence[Contribution], transpose: Transpose) -> Any:
    """The tangent of ``node`` (a tuple for several results) for the tangents of its inputs; None stands for zero.

    ``transpose(outputs, wrt, cotangents)`` is the reverse mode, needed where an op gives only its vjp.
    """
    x, attrs, fact = node.inputs, node.attrs, node.op.derivative
    match fact:
        case Constant():
            return None
        case Linear():
            return node.op(*map(_tangent_or_self, x, tangents), **attrs)
        case Multilinear():
            terms = [node.op(*x[:i], t, *x[i + 1 :], **attrs) for i, t in enumerate(tangents) if t is not None]
            return add_up(terms)
        case Elementwise(partials):
            pairs = zip(tangents, partials(*x, node, **attrs), strict=True)
            terms = [p for p in (masked_product(t, p) for t, p in pairs if t is not None) if p is not None]
            return add_up([cast(p, node.dtype) for p in terms])  # of a complex term, as in |z|, the real part counts
        case Custom(_, jvp):
            if jvp is not None:
                return jvp(tangents, node, *x, **attrs)
            return _transposed_vjp(node, tangents, transpose)
        case Undefined(reason):
            _undefined(node, reason)
        case _:
            assert_never(fact)


def masked_product(g: Node, partial: Node | float | None) -> Contribution:
    """g times a partial, with masks kept outside: where(c, g, 0)·p is where(c, g·p, 0).

    A branch that was not taken then contributes an exact zero, even where its partial is infinite or nan.
    """
    if partial is None or (isinstance(partial, (int, float)) and partial == 0):
        return None
    if isinstance(partial, (int, float)):
        return g if partial == 1 else -g if partial == -1 else g * partial
    masked = _under_mask(g, lambda inner: inner * partial)
    if masked is None:
        masked = _under_mask(partial, lambda inner: g if is_uniform(inner, 1) else g * inner)
    if masked is not None:
        return masked
    if partial.op is divide and is_uniform(partial.inputs[0], 1):
        return g / partial.inputs[1]
    return g * partial


def _under_mask(node: Node, f: Callable[[Node], Node]) -> Node | None:
    """where(c, f(x), 0) for where(c, x, 0), and where(c, 0, f(y)) for where(c, 0, y); None for other nodes."""
    if node.op is not where:
        return None
    condition, x, y = node.inputs
    if is_uniform(y, 0):
        return where(condition, f(x), 0)
    return where(condition, 0, f(y)) if is_uniform(x, 0) else None


def add_up(terms: Sequence[Node]) -> Contribution:
    """One n-ary sum, the term itself, or nothing."""
    return None if not terms else terms[0] if len(terms) == 1 else sum_n(*terms)


def checked(cotangent: Cotangent | None, primal: Node, rule: Node) -> Cotangent | None:
    """The cotangent, which must have its primal's type. Raises RuleError naming the faulty rule."""
    if isinstance(cotangent, tuple):
        assert isinstance(primal.type, TupleType)
        for part, type_ in zip(cotangent, primal.type.items, strict=True):
            _check(part, type_, primal, rule)
    else:
        _check(cotangent, primal.type, primal, rule)
    return cotangent


def _check(cotangent: Contribution, expected: TensorType, primal: Node, rule: Node) -> None:
    if cotangent is not None and cotangent.type != expected:
        fail(
            RuleError,
            f"the derivative rule of {rule.op.name} gave {cotangent.type} for an input of type {expected}",
            rule,
            primal,
            hint=f"mend the derivative of op {rule.op.name}",
        )


def _tangent_or_self(x: Node, tangent: Contribution) -> Node:
    """What a linear op is applied to: the tangent, zeros, or the input itself where it is an index or a mask."""
    if not carries_gradient(x.type):
        return x
    return zeros_like(x) if tangent is None else tangent


def _transposed_vjp(node: Node, tangents: Sequence[Contribution], transpose: Transpose) -> Any:
    """The jvp as the vjp of the vjp: u -> Σ cotangent_i(u) is linear, its transpose maps tangents to the result's."""
    several = isinstance(node.type, TupleType)
    us = tuple(_unknown(t) for t in (node.type.items if isinstance(node.type, TupleType) else (node.type,)))
    u = us if several else us[0]
    assert u is not None, "only nodes that carry a gradient are differentiated"
    cotangents = vjp_rule(node, u)
    pairs = [(c, t) for c, t in zip(cotangents, tangents, strict=True) if c is not None and t is not None]
    known = iter(transpose([c for c, _ in pairs], [u for u in us if u is not None], [t for _, t in pairs]))
    found = tuple(None if u is None else next(known) for u in us)
    return found if several else found[0]


def _unknown(type_: TensorType) -> Contribution:
    """A symbol for a cotangent; no trace of it is left, since a vjp is linear in it."""
    if not is_differentiable(type_.dtype):
        return None
    u = input("u", type_.shape, type_.dtype)
    u.origin.name = None
    return u


def _undefined(node: Node, reason: str) -> NoReturn:
    fail(DifferentiationError, f"{node.op.name} has no derivative: {reason}", node)


def as_cotangent(value: object, like: Node) -> Node:
    """A user's cotangent or tangent as a node of the type of ``like``."""
    node = cast(as_node(value, like.dtype), like.dtype)
    if node is not value:
        node.origin.adjoint_of = like.origin
    if node.shape != like.shape:
        fail(DifferentiationError, f"a cotangent or tangent of {label(like)} has shape {node.shape}", like, node)
    return node
