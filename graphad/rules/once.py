"""Work done on less: before values are repeated, where a mask lets them by, by one step instead of two."""

from graphad.ir.core import Node, Op
from graphad.ir.types import broadcast_shapes
from graphad.ops import ALL_OPS
from graphad.ops.attributes import all_axes
from graphad.ops.contract import matmul
from graphad.ops.elementwise import add, multiply
from graphad.ops.fit import broadcast_to, expand_dims, full_like, is_uniform, squeeze, stretch, sum, uniform_value
from graphad.ops.indexing import FULL, NEW
from graphad.ops.piecewise import where
from graphad.rules.engine import Rule, merge, used_once
from graphad.rules.facts import is_nonnegative
from graphad.rules.matching import two_factors
from graphad.rules.patterns import as_pattern
from graphad.rules.scales import scaled


def before_repeating(node: Node) -> Node | None:
    """f(broadcast(x), broadcast(y)) = broadcast(f(x, y)): NumPy may round a vector and a single value differently."""
    for x in node.inputs:
        if x.op is not broadcast_to:
            return None
    shape = broadcast_shapes(*(x.inputs[0].shape for x in node.inputs))
    if shape is None or shape == node.shape or all(uniform_value(x) is not None for x in node.inputs):
        return None
    return stretch(node.op(*(stretch(x.inputs[0], shape) for x in node.inputs), **node.attrs), node.shape)


def masked_factor(node: Node) -> Node | None:
    """where(c, a, 0)·x = where(c, a·x, 0) for a repeated scalar a: x may be infinite where c is false."""
    for mask, x in (node.inputs, node.inputs[::-1]):
        if mask.op is not where or mask is x or not used_once(mask) or mask.dtype != node.dtype:
            continue
        condition, yes, no = mask.inputs
        if x.op is broadcast_to and not x.inputs[0].ndim:
            return None  # `scaled_choice`
        if is_uniform(no, 0) and _is_scalar(yes):
            return where(condition, multiply(yes, x), full_like(node, 0))
        if is_uniform(yes, 0) and _is_scalar(no):
            return where(condition, full_like(node, 0), multiply(no, x))
    return None


def _is_scalar(x: Node) -> bool:
    return x.op is broadcast_to and not x.inputs[0].ndim


def zero_product(node: Node) -> Node | None:
    """A @ 0 = 0, also for infinite A."""
    x, y = node.inputs
    return full_like(node, 0) if is_uniform(x, 0) or is_uniform(y, 0) else None


def sum_of_scaled_rows(node: Node) -> Node | None:
    """Σⱼ Aᵢⱼ vⱼ = A @ v and Σᵢ vᵢ Aᵢⱼ = v @ A: a product of matrix and vector keeps no array of all terms."""
    (x,) = node.inputs
    if x.op is not multiply or x.ndim != 2 or node.ndim != 1 or node.dtype != x.dtype or x.dtype.kind not in "fc":
        return None
    (axis,) = all_axes(x, node.attrs["axis"])
    if not used_once(x):
        return None
    for a, b in (x.inputs, x.inputs[::-1]):
        if a.op is broadcast_to or b.op is not broadcast_to:
            continue
        v = b.inputs[0]
        if axis == 1 and v.shape == x.shape[1:]:
            return matmul(a, v)
        if axis == 0 and as_pattern(v) == (FULL, NEW) and v.inputs[0].shape == x.shape[:1]:
            return matmul(v.inputs[0], a)
    return None


def sum_of_positive_terms(node: Node) -> Node | None:
    """Σ (x + y) = Σ x + Σ y, where both are products of vectors, and nonnegative: then nothing cancels."""
    (x,) = node.inputs
    if x.op is not add or x.ndim != 1 or node.ndim or node.dtype != x.dtype or x.dtype.kind != "f":
        return None
    if not used_once(x) or x.inputs[0] is x.inputs[1] or not all(map(used_once, x.inputs)):
        return None
    products = [part[0] if (part := scaled(y)) is not None else y for y in x.inputs]
    if any(two_factors(y) is None or not used_once(y) for y in products) or not all(map(is_nonnegative, x.inputs)):
        return None
    return add(*(sum(y, **node.attrs) for y in x.inputs))


def sum_of_kept_sum(node: Node) -> Node | None:
    """The sum of a sum that kept its axes is one sum, with those axes put back."""
    (x,) = node.inputs
    if x.op is not sum or not x.attrs["keepdims"] or node.attrs["keepdims"] or not used_once(x):
        return None
    if x.dtype != node.dtype or x.inputs[0].dtype != x.dtype:
        return None
    first, second = all_axes(x.inputs[0], x.attrs["axis"]), all_axes(x, node.attrs["axis"])
    left = [k for k in range(x.ndim) if k not in second]
    back = tuple(k for k, axis in enumerate(left) if axis in first)
    total = sum(x.inputs[0], axis=tuple(sorted({*first, *second})))
    return expand_dims(total, back) if back else total


def squeezed_sum(node: Node) -> Node | None:
    """A sum that keeps its axes, squeezed, is the sum that does not keep them."""
    (x,) = node.inputs
    if x.op is not sum or not x.attrs["keepdims"] or not used_once(x):
        return None
    axes = all_axes(x.inputs[0], x.attrs["axis"])
    return sum(x.inputs[0], axis=axes, dtype=x.attrs.get("dtype")) if axes == node.attrs["axis"] else None


CLOSE: dict[Op, tuple[Rule, ...]] = merge(
    {
        matmul: (zero_product,),
        multiply: (masked_factor,),
        sum: (sum_of_kept_sum, sum_of_scaled_rows, sum_of_positive_terms),
        squeeze: (squeezed_sum,),
    },
    dict.fromkeys((op for op in ALL_OPS if "elementwise" in op.traits), (before_repeating,)),
)
