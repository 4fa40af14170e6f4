"""The largest of a window: what is done to each element alike is done to the largest alone.

After a convolution that is three quarters of the work of max(z, 0), of its mask and of the sum for a bias, for windows
of 2×2. Values agree where they are finite; sums are added in another order.
"""

from graphad.ir.core import Node, Op
from graphad.ops.attributes import all_axes
from graphad.ops.elementwise import add
from graphad.ops.fit import broadcast_to, is_uniform, stretch, sum, zeros
from graphad.ops.kinks import relu
from graphad.ops.piecewise import greater, where
from graphad.ops.pool import max_share, window_max
from graphad.rules.engine import Rule, used_once


def pooled_before_limited(node: Node) -> Node | None:
    """The maximum over windows of max(z, 0) is max(m, 0), where m is that of z."""
    (x,) = node.inputs
    return relu(window_max(x.inputs[0], **node.attrs)) if x.op is relu and used_once(x) and _shrinks(node) else None


def pooled_before_shifted(node: Node) -> Node | None:
    """The maximum over windows of z + b is m + b, where m is that of z and b does not change within a window."""
    (x,) = node.inputs
    found = _shifted(x, node) if used_once(x) and _shrinks(node) else None
    if found is None:
        return None
    z, b = found
    return add(window_max(z, **node.attrs), stretch(b, node.shape))


def shared_before_shifted(node: Node) -> Node | None:
    """max_share(g, z + b) = max_share(g, z) where b does not change within a window: z tells more apart than z + b."""
    g, x = node.inputs
    found = _shifted(x, node)
    return max_share(g, found[0], **node.attrs) if found else None


def _shifted(x: Node, node: Node) -> tuple[Node, Node] | None:
    """z and b of a sum z + b, where b was stretched along all axes of the windows."""
    if x.op is not add or x.dtype.kind != "f":
        return None
    count = len(node.attrs["size"])
    for b, z in (x.inputs, x.inputs[::-1]):
        source = b.inputs[0] if b.op is broadcast_to else None
        if source is not None and all(s == 1 for s in source.shape[-count:]):
            return z, source
    return None


def masked_before_shared(node: Node) -> Node | None:
    """where(z > 0, max_share(g, max(z, 0)), 0) = max_share(where(m > 0, g, 0), z), where m is the maximum of z."""
    mask, share, zero = node.inputs
    if mask.op is not greater or share.op is not max_share or not used_once(share) or not is_uniform(zero, 0):
        return None
    (z, bound), (g, x) = mask.inputs, share.inputs
    if x.op is not relu or x.inputs[0] is not z or not used_once(x, 2) or not is_uniform(bound, 0):
        return None
    top = window_max(z, **share.attrs)
    kept = where(greater(top, zeros(top.shape, z.dtype)), g, zeros(g.shape, g.dtype))
    return max_share(kept, z, **share.attrs) if node.type == share.type and _shrinks(top) else None


def sum_of_shares(node: Node) -> Node | None:
    """Shares add up to what was shared: the sum of max_share(g, x) over all axes of its windows is that of g."""
    (x,) = node.inputs
    if x.op is not max_share or x.dtype != node.dtype or x.inputs[0].dtype != x.dtype:
        return None
    windows = range(x.ndim - len(x.attrs["size"]), x.ndim)
    return sum(x.inputs[0], **node.attrs) if set(windows) <= set(all_axes(x, node.attrs["axis"])) else None


def _shrinks(top: Node) -> bool:
    """Whether there are fewer windows than elements."""
    stride = top.attrs["stride"]
    return stride != 1 if isinstance(stride, int) else any(s != 1 for s in stride)


CLOSE: dict[Op, tuple[Rule, ...]] = {
    window_max: (pooled_before_limited, pooled_before_shifted),
    max_share: (shared_before_shifted,),
    where: (masked_before_shared,),
    sum: (sum_of_shares,),
}
