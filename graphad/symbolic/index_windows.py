"""Elements of windows and of the convolutions of neural networks: where in the input an element of a window lies."""

from collections.abc import Callable, Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ops.conv import per_axis
from graphad.symbolic import tex
from graphad.symbolic.index import Index, element_of
from graphad.symbolic.ix import Ix
from graphad.symbolic.tex import Tex


def _steps(node: Node, n: int) -> list[tuple[int, int]]:
    """Stride and dilation of each axis."""
    return list(zip(per_axis(node.attrs["stride"], n), per_axis(node.attrs["dilation"], n), strict=True))


def _reached(node: Node, positions: Sequence[Ix], kernel: Sequence[Ix]) -> list[Ix]:
    """Where an element of a window lies in the input."""
    steps = _steps(node, len(kernel))
    return [p * s + k * d for p, k, (s, d) in zip(positions, kernel, steps, strict=True)]


@element_of("windows")
def _windows(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    n = len(node.attrs["size"])
    lead = len(at) - 2 * n
    return w.element(node.inputs[0], [*at[:lead], *_reached(node, at[lead + n :], at[lead : lead + n])])


@element_of("overlap_add")
def _overlap_add(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,), n = node.inputs, len(node.attrs["size"])
    lead = len(at) - n
    return w.total(x.shape[lead:], lambda ks: _landing(w, node, x, at, ks, n, [*at[:lead], *ks]))


def _landing(w: Index, node: Node, x: Node, at: Sequence[Ix], ks: Sequence[Ix], n: int, inner: Sequence[Ix]) -> Tex:
    reached = _reached(node, ks[n:], ks[:n])
    return w.given([(q, "=", r) for q, r in zip(at[len(at) - n :], reached, strict=True)], lambda: w.element(x, inner))


@element_of("window_sum", "window_max")
def _window_reduced(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,), size = node.inputs, node.attrs["size"]
    lead = len(at) - len(size)

    def body(ks: Sequence[Ix]) -> Tex:
        return w.element(x, [*at[:lead], *_reached(node, at[lead:], ks)])

    return w.total(size, body) if node.op.name == "window_sum" else _largest(w, size, body)


def _largest(w: Index, sizes: Sequence[Any], body: Callable[[Sequence[Ix]], Tex]) -> Tex:
    if not sizes:
        return body([])
    return w.over(
        r"\max", sizes[0], lambda k: _largest(w, sizes[1:], lambda r: body([k, *r])), lambda t: tex.call(r"\max", *t)
    )


@element_of("window_spread")
def _window_spread(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (g,), size = node.inputs, node.attrs["size"]
    n, lead = len(size), len(at) - len(size)
    sizes = [*size, *g.shape[lead:]]
    return w.total(sizes, lambda ks: _landing(w, node, g, at, ks, n, [*at[:lead], *ks[n:]]))


@element_of("conv")
def _conv(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    x, f = node.inputs
    if node.attrs["groups"] != 1:
        return None
    b, o, *positions = at

    def body(ks: Sequence[Ix]) -> Tex:
        c, *k = ks
        return tex.product([w.element(f, [o, c, *k]), w.element(x, [b, c, *_reached(node, positions, k)])], r" \, ")

    return w.total(f.shape[1:], body)


@element_of("conv_input_adjoint")
def _conv_input_adjoint(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    g, f = node.inputs
    if node.attrs["groups"] != 1:
        return None
    b, c, *q = at
    n = len(q)

    def body(ks: Sequence[Ix]) -> Tex:
        o, kernel, positions = ks[0], ks[1 : 1 + n], ks[1 + n :]
        reached = _reached(node, positions, kernel)

        def term() -> Tex:
            return tex.product([w.element(f, [o, c, *kernel]), w.element(g, [b, o, *positions])], r" \, ")

        return w.given([(i, "=", r) for i, r in zip(q, reached, strict=True)], term)

    return w.total([f.shape[0], *f.shape[2:], *g.shape[2:]], body)


@element_of("conv_filter_adjoint")
def _conv_filter_adjoint(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    x, g = node.inputs
    if node.attrs["groups"] != 1:
        return None
    o, c, *k = at

    def body(ks: Sequence[Ix]) -> Tex:
        b, *p = ks
        return tex.product([w.element(g, [b, o, *p]), w.element(x, [b, c, *_reached(node, p, k)])], r" \, ")

    return w.total([g.shape[0], *g.shape[2:]], body)
