"""Convolutions whose results are pooled, phase by phase: elements of one place in their windows lie together.

Windows of s elements that do not overlap have s places, phases. Each phase is a convolution of every s-th position, and
all of them are one convolution (`ops/conv.py`): x is cut into its own phases, which become channels, the kernel stands
once for each phase of the result amid zeros. What is then done to windows goes through whole rows of memory, where
reading a window from the image means runs of a few elements:

    max over windows of conv(x, w) = max over phases of conv(x′, w′)

The kernel with its zeros has (K + s - 1)/K times as many elements along each axis, so this pays for few channels, such
as those of images. An infinite element of x meets these zeros as well: all windows that reach it are nan.

Positions with equal patches of x have equal results, but the phases of x′ come in another order for each phase of the
result, so these may differ in the last digit, and which of equal elements is the largest is left to rounding. That
makes no difference to the gradient of the kernel, whose patches are the same ones. For the gradient of x it would:
where that is wanted, the convolution stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product as pairs
from math import prod

import numpy as np

from graphad.ir.core import Node
from graphad.ir.dims import product
from graphad.ir.graph import Graph
from graphad.ir.origin import inside
from graphad.ops.conv import conv, conv_filter_adjoint, per_axis
from graphad.ops.elementwise import divide, multiply, sum_n
from graphad.ops.fit import expand_dims, full_like, stretch, sum
from graphad.ops.index import getitem, place_all
from graphad.ops.indexing import FULL, Pattern, Slice
from graphad.ops.layout import reshape, transpose
from graphad.ops.piecewise import equal, indicator, where
from graphad.ops.pool import max_share, window_max
from graphad.ops.reduce import max
from graphad.passes.cse import Cse
from graphad.passes.exchange import exchanged, like, on_behalf
from graphad.rules.einsums import assumed

LARGE = 16_384  # elements, as for loops
WINDOWS = 64  # of an image: smaller ones are laid side by side, as `conv` does it
ZEROS = 40  # products with zeros for each element of the result: more cost more than is gained


@dataclass(frozen=True)
class Phases:
    """Compute convolutions whose results are pooled phase by phase, where that is quicker."""

    name: str = "phases"

    def run(self, graph: Graph) -> Graph:
        """The graph with phases as channels; values agree up to rounding."""
        found: dict[Node, Node] = {}
        for node in graph.nodes:
            if node.op is conv and not graph.is_input(node):
                pooled = _Pooled.of(node, graph)
                if pooled is not None and pooled.pays:
                    found.update(pooled.in_phases())
        return Cse().run(exchanged(graph, found)) if found else graph


@dataclass(frozen=True)
class _Pooled:
    """A convolution, what takes the largest of windows of its result, and what the gradients of these are made of."""

    result: Node
    size: tuple[int, ...]  # of a window
    tops: Sequence[Node]
    shares: Mapping[Node, Sequence[Node]]  # with the gradients of the kernel that are made of each

    @classmethod
    def of(cls, result: Node, graph: Graph) -> "_Pooled | None":
        """All about a convolution, unless somebody uses its result in another way."""
        users = dict.fromkeys(graph.users[result])
        tops = [u for u in users if u.op is window_max]
        shares = {u: tuple(dict.fromkeys(graph.users[u])) for u in users if u.op is max_share}
        sizes = {_size(u, result) for u in users}
        if graph.is_output(result) or len(sizes) != 1 or any(map(graph.is_output, shares)):
            return None
        (size,) = sizes
        x, w = result.inputs
        for share, adjoints in shares.items():
            if share.dtype != result.dtype or not all(_is_adjoint(a, x, w, share) for a in adjoints):
                return None
        return cls(result, size, tops, shares) if size and _is_regular(result, size) else None

    @property
    def pays(self) -> bool:
        """Whether products with zeros cost less than short runs do, as measured; see `docs/performance.md`."""
        x, w = self.result.inputs
        kernel, channels, windows = w.shape[2:], x.shape[1], self.result.shape[2:]
        zeros = channels * (product(k + s - 1 for k, s in zip(kernel, self.size, strict=True)) - product(kernel))
        count = product(p // s for p, s in zip(windows, self.size, strict=True))
        return channels < self.count and zeros <= ZEROS and count >= WINDOWS and assumed(self.result.size) >= LARGE

    @property
    def count(self) -> int:
        """How many phases there are."""
        return prod(self.size)

    def in_phases(self) -> dict[Node, Node]:
        """What takes the place of which nodes."""
        x, w = self.result.inputs
        with inside(like(self.result, "in_phases")):
            parts = _split(_reached(x, self.result, self.size), self.size)
            wide = conv(parts, _split(_shifted(w, self.size), self.size))
            apart = reshape(wide, (x.shape[0], self.count, w.shape[0], *wide.shape[2:]))
            top = max(apart, axis=1)
        found = {node: on_behalf(top, node) for node in self.tops}
        top = found[self.tops[0]] if self.tops else top
        for share, adjoints in self.shares.items():
            with inside(like(share, "in_phases")):
                shared = reshape(_shared(share.inputs[0], apart, top), wide.shape)
            for node in adjoints:
                with inside(like(node, "in_phases")):
                    d_wide = conv_filter_adjoint(parts, shared, kernel=wide.inputs[1].shape[2:])
                    found[node] = on_behalf(_summed(d_wide, w, self.size), node)
        return found


def _size(user: Node, result: Node) -> tuple[int, ...] | None:
    """The size of the windows that a node takes the largest of; None where they overlap, or for another use."""
    if user.op not in (window_max, max_share) or (user.op is max_share and user.inputs[0] is result):
        return None
    size: tuple[int, ...] = user.attrs["size"]
    n = len(size)
    apart = per_axis(user.attrs["stride"], n) == size and set(per_axis(user.attrs["dilation"], n)) == {1}
    return size if apart else None


def _is_adjoint(node: Node, x: Node, w: Node, share: Node) -> bool:
    """Whether a node is the gradient of the kernel that is made of a share, and of nothing else."""
    found = node.op is conv_filter_adjoint and node.inputs[0] is x and node.inputs[1] is share
    return found and node.attrs["kernel"] == w.shape[2:] and _is_plain(node)


def _is_plain(node: Node) -> bool:
    """Whether a convolution, or its transpose, has no stride, dilation or groups."""
    steps = {*per_axis(node.attrs["stride"], 1), *per_axis(node.attrs["dilation"], 1)}
    return steps == {1} and node.attrs["groups"] == 1


def _is_regular(result: Node, size: tuple[int, ...]) -> bool:
    """Whether all sizes but the batch are known, and what a window reaches is as many phases of x in each axis."""
    x, w = result.inputs
    known = all(isinstance(s, int) for s in (*x.shape[1:], *w.shape)) and 0 not in (*x.shape[1:], *w.shape)
    if not known or not _is_plain(result) or result.dtype.name not in ("float32", "float64"):
        return False
    return (
        len(size) == x.ndim - 2
        and product(size) > 1
        and all((k - 1) % s == 0 for k, s in zip(w.shape[2:], size, strict=True))
    )


def _reached(x: Node, result: Node, size: Sequence[int]) -> Node:
    """The part of x that windows reach."""
    ends = [p // s * s + n - p for p, s, n in zip(result.shape[2:], size, x.shape[2:], strict=True)]
    if ends == list(x.shape[2:]):
        return x
    return getitem(x, (FULL, FULL, *[Slice(None, e) for e in ends]))


def _split(x: Node, size: Sequence[int]) -> Node:
    """(first, channels, *positions) as (first, phases·channels, *positions / size)."""
    n = len(size)
    cut = [v for p, s in zip(x.shape[2:], size, strict=True) for v in (p // s, s)]
    order = (0, *range(3, 2 * n + 2, 2), 1, *range(2, 2 * n + 2, 2))
    parts = transpose(reshape(x, (*x.shape[:2], *cut)), order)
    return reshape(parts, (x.shape[0], product(size) * x.shape[1], *cut[::2]))


def _whole(x: Node, size: Sequence[int]) -> Node:
    """The way back from `_split`."""
    n, count = len(size), product(size)
    parts = reshape(x, (x.shape[0], *size, x.shape[1] // count, *x.shape[2:]))
    order = (0, n + 1, *(k for axis in range(n) for k in (n + 2 + axis, 1 + axis)))
    sizes = [p * s for p, s in zip(x.shape[2:], size, strict=True)]
    return reshape(transpose(parts, order), (x.shape[0], x.shape[1] // count, *sizes))


def _shifts(w: Node, size: Sequence[int]) -> list[Pattern]:
    """Where the kernel stands in an array (*phases, outputs, channels, *kernel + size - 1)."""
    places = []
    for phase in pairs(*map(range, size)):
        spots = [Slice(a, a + k) for a, k in zip(phase, w.shape[2:], strict=True)]
        places.append((*phase, FULL, FULL, *spots))
    return places


def _shifted(w: Node, size: Sequence[int]) -> Node:
    """The kernel of each phase: (phases·outputs, channels, *kernel + size - 1)."""
    sizes = [k + s - 1 for k, s in zip(w.shape[2:], size, strict=True)]
    places = _shifts(w, size)
    all_phases = place_all(*[w] * len(places), indices=tuple(places), shape=(*size, *w.shape[:2], *sizes))
    return reshape(all_phases, (product(size) * w.shape[0], w.shape[1], *sizes))


def _summed(d_wide: Node, w: Node, size: Sequence[int]) -> Node:
    """The gradient of the kernel from that of `_split(_shifted(w))`."""
    whole = _whole(d_wide, size)
    whole = reshape(whole, (*size, *w.shape[:2], *whole.shape[2:]))
    return sum_n(*(getitem(whole, place) for place in _shifts(w, size)))


def _shared(g: Node, apart: Node, top: Node) -> Node:
    """Each element of g in equal shares where the largest of (batch, phases, …) are; nan where the largest is nan."""
    hits = indicator(equal(apart, stretch(expand_dims(top, 1), apart.shape)), apart)
    count = sum(hits, axis=1)
    share = divide(g, where(equal(count, full_like(count, 0)), full_like(count, np.nan), count))
    return multiply(hits, stretch(expand_dims(share, 1), apart.shape))
