"""where: what is known of its condition, and sums and multiples of several under one condition. Exact."""

from graphad.ir.core import Node, Op
from graphad.ops.elementwise import add, divide, multiply, negative, subtract, sum_n
from graphad.ops.fit import full_like, is_uniform, uniform_value
from graphad.ops.kinks import maximum, minimum
from graphad.ops.piecewise import logical_and, logical_not, where
from graphad.rules.engine import Rule, used_once


def same_branches(node: Node) -> Node | None:
    """where(c, x, x) = x."""
    _, x, y = node.inputs
    return x if x is y else None


def known_condition(node: Node) -> Node | None:
    """where(true, x, y) = x and where(false, x, y) = y."""
    condition, x, y = node.inputs
    return x if is_uniform(condition, True) else y if is_uniform(condition, False) else None


def negated_condition(node: Node) -> Node | None:
    """where(not c, x, y) = where(c, y, x)."""
    condition, x, y = node.inputs
    if condition.op is not logical_not or condition.inputs[0].dtype != bool:
        return None
    return where(condition.inputs[0], y, x)


def condition_known_inside(node: Node) -> Node | None:
    """where(c, where(c, x, y), z) = where(c, x, z) and where(c, x, where(c, y, z)) = where(c, x, z)."""
    condition, x, y = node.inputs
    if x.op is where and x.inputs[0] is condition:
        return where(condition, x.inputs[1], y)
    return where(condition, x, y.inputs[2]) if y.op is where and y.inputs[0] is condition else None


def condition_known_deeper(node: Node) -> Node | None:
    """where(c, x, where(d, y, where(c, z, u))) = where(c, x, where(d, y, u)), and so for each place."""
    condition, *arms = node.inputs
    for k, arm in enumerate(arms):
        if arm.op is not where or not used_once(arm):
            continue
        inner = list(arm.inputs)
        for j in (1, 2):
            if inner[j].op is where and inner[j].inputs[0] is condition:
                inner[j] = inner[j].inputs[1 + k]
        if any(a is not b for a, b in zip(inner, arm.inputs, strict=True)):
            arms[k] = where(*inner)
            return where(condition, *arms)
    return None


def nested_choice(node: Node) -> Node | None:
    """where(c, where(d, x, y), y) = where(c and d, x, y)."""
    condition, x, y = node.inputs
    if x.op is not where or x.inputs[2] is not y or not used_once(x):
        return None
    return where(logical_and(condition, x.inputs[0]), x.inputs[1], y)


def choice_of_truth(node: Node) -> Node | None:
    """where(c, true, false) = c and where(c, false, true) = not c, for booleans."""
    condition, x, y = node.inputs
    if node.dtype != bool:
        return None
    if is_uniform(x, True) and is_uniform(y, False):
        return condition
    return logical_not(condition) if is_uniform(x, False) and is_uniform(y, True) else None


def scaled_choice(node: Node) -> Node | None:
    """where(c, x, 0)·a = where(c, x·a, 0) for a number a, and so for x / a and -x: choices stand outside."""
    x, *rest = node.inputs
    if rest and x.op is not where and node.op is multiply:
        rest, x = [x], rest[0]
    if x.op is not where or not used_once(x):
        return None
    condition, yes, no = x.inputs
    if not is_uniform(yes, 0) and not is_uniform(no, 0):
        return None
    if rest and not _is_scale(rest[0], node):
        return None
    if node.dtype != x.dtype:
        return None
    zero = full_like(node, 0)
    chosen = [zero if is_uniform(arm, 0) else node.op(arm, *rest) for arm in (yes, no)]
    return where(condition, *chosen)


def _is_scale(x: Node, node: Node) -> bool:
    """Whether 0 times (or divided by) this number is 0."""
    value = uniform_value(x)
    return value is not None and abs(value) < float("inf") and not (node.op is divide and value == 0)


def choices_together(node: Node) -> Node | None:
    """where(c, x, y) ∘ where(c, z, u) = where(c, x ∘ z, y ∘ u), where one side of that costs nothing."""
    x, y, *rest = node.inputs if len(node.inputs) > 1 else (node, node)  # the first two terms of a sum, in their order
    if x.op is not where or not used_once(x):
        return None
    merged = _together(node, x, y)
    if merged is None or not rest:
        return merged
    return add(merged, *rest) if len(rest) == 1 else sum_n(merged, *rest)


def _together(node: Node, x: Node, y: Node) -> Node | None:
    if y.op is not where or y.inputs[0] is not x.inputs[0] or x is y or not used_once(y) or x.dtype != node.dtype:
        return None
    op = add if node.op is sum_n else node.op
    arms = list(zip(x.inputs[1:], y.inputs[1:], strict=True))
    if not any(_is_free(op, a, b) for a, b in arms):
        return None
    return where(x.inputs[0], *(_combined(op, a, b) for a, b in arms))


def _is_free(op: Op, a: Node, b: Node) -> bool:
    if uniform_value(a) is not None and uniform_value(b) is not None:
        return True
    return (op is add and (is_uniform(a, 0) or is_uniform(b, 0))) or (op is subtract and is_uniform(b, 0))


def _combined(op: Op, a: Node, b: Node) -> Node:
    if op in (add, subtract) and is_uniform(b, 0):
        return a
    return b if op is add and is_uniform(a, 0) else op(a, b)


EXACT: dict[Op, tuple[Rule, ...]] = {
    where: (
        same_branches,
        known_condition,
        negated_condition,
        condition_known_inside,
        condition_known_deeper,
        nested_choice,
        choice_of_truth,
    ),
    **dict.fromkeys((multiply, divide, negative), (scaled_choice,)),
    **dict.fromkeys((add, subtract, sum_n, multiply, maximum, minimum), (choices_together,)),
    multiply: (scaled_choice, choices_together),
}
