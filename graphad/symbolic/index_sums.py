"""Elements of ops that add, multiply or compare along axes: reductions, products of matrices, softmax, running sums."""

from collections.abc import Callable, Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ir.dims import Size, product
from graphad.ops.attributes import all_axes
from graphad.symbolic import tex
from graphad.symbolic.index import MANY, Index, element_of
from graphad.symbolic.ix import Ix, letter
from graphad.symbolic.tex import Level, Tex

Body = Callable[[Sequence[Ix]], Tex]


def _along(w: Index, node: Node, at: Sequence[Ix]) -> tuple[list[Size], Body]:
    """The sizes of the axes that a reduction goes along, and the element of its operand at indices along them."""
    (x,) = node.inputs
    axes = all_axes(x, node.attrs["axis"])
    kept = iter([i for k, i in enumerate(at) if k not in axes] if len(at) == x.ndim else at)
    outer = {k: next(kept) for k in range(x.ndim) if k not in axes}

    def body(inner: Sequence[Ix]) -> Tex:
        found = {**outer, **dict(zip(axes, inner, strict=True))}
        return w.element(x, [found[k] for k in range(x.ndim)])

    return [x.shape[k] for k in axes], body


def _nested(w: Index, sign: str, sizes: Sequence[Size], body: Body, join: Callable[[Sequence[Tex]], Tex]) -> Tex:
    if not sizes:
        return body([])
    return w.over(sign, sizes[0], lambda k: _nested(w, sign, sizes[1:], lambda r: body([k, *r]), join), join)


@element_of("sum", "mean")
def _sum(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    sizes, body = _along(w, node, at)
    result = w.total(sizes, body)
    if node.op.name == "sum" or not sizes:
        return result
    return tex.product([tex.fraction(tex.ONE, tex.size(product(sizes))), result], " ")


@element_of("prod")
def _prod(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    return _nested(w, r"\prod", *_along(w, node, at), lambda terms: tex.product(terms, r" \, "))


@element_of("max", "min")
def _extreme(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    name = "\\" + node.op.name
    return _nested(w, name, *_along(w, node, at), lambda terms: tex.call(name, *terms))


@element_of("logsumexp", "softmax", "log_softmax")
def _softmax(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    """With axes as `softmax` keeps them, the operand's own element is that of the result."""
    sizes, body = _along(w, node, at)
    total = w.total(sizes, lambda k: tex.call(r"\exp", body(k)))
    if node.op.name == "logsumexp":
        return tex.call(r"\log", total)
    own = w.element(node.inputs[0], at)
    if node.op.name == "softmax":
        return tex.fraction(tex.call(r"\exp", own), total)
    return tex.subtract(own, tex.call(r"\log", total))


@element_of("balance")
def _balance(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """What a derivative rule balances adds up to 0 already: it is the operand, but for rounding."""
    return w.element(node.inputs[0], at) if node.origin.made_by.startswith("vjp of") else None


@element_of("euclidean_norm")
def _norm(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    complex_ = node.inputs[0].dtype.kind == "c"
    sizes, body = _along(w, node, at)

    def square(k: Sequence[Ix]) -> Tex:
        x = body(k)
        return tex.power(Tex(rf"\left|{x.text}\right|") if complex_ else x, "2")

    return Tex(rf"\sqrt{{{w.total(sizes, square).text}}}")


@element_of("matmul")
def _matmul(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    x, y = node.inputs
    tail = at[len(at) - (x.ndim > 1) - (y.ndim > 1) :]
    stack = list(at[: len(at) - len(tail)])
    row = [tail[0]] if x.ndim > 1 else []
    column = [tail[-1]] if y.ndim > 1 else []

    def body(k: Sequence[Ix]) -> Tex:
        left = w.element(x, [*stack[: max(x.ndim - 2, 0)], *row, *k])
        right = w.element(y, [*stack[: max(y.ndim - 2, 0)], *k, *column])
        return tex.product([left, right], r" \, ")

    return w.total([x.shape[-1]], body)


@element_of("einsum")
def _einsum(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    left, out = node.attrs["subscripts"].split("->")
    labels = left.split(",")
    sizes: dict[str, Size] = {}
    for names, x in zip(labels, node.inputs, strict=True):
        for name, size in zip(names, x.shape, strict=True):
            sizes[name] = size if sizes.get(name, 1) == 1 else sizes[name]
    summed = [name for name in sizes if name not in out]

    def body(inner: Sequence[Ix]) -> Tex:
        found = {**dict(zip(out, at, strict=True)), **dict(zip(summed, inner, strict=True))}
        factors = [
            w.element(x, [Ix() if s == 1 else found[c] for c, s in zip(names, x.shape, strict=True)])
            for names, x in zip(labels, node.inputs, strict=True)
        ]
        return tex.product(factors, r" \, ")

    return w.total([sizes[name] for name in summed], body)


@element_of("tril", "triu")
def _triangle(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,) = node.inputs
    i, j = at[-2:]
    bound = i + node.attrs["k"]
    condition = (j, "<=", bound) if node.op.name == "tril" else (bound, "<=", j)
    return w.given([condition], lambda: w.element(x, at[-1:] if x.ndim == 1 else at))


def _until(w: Index, sign: str, end: Ix, body: Callable[[Ix], Tex], join: Callable[[Sequence[Tex]], Tex]) -> Tex:
    """A big operator from the first element up to ``end``."""
    if w.spelled and isinstance(end.number, int) and end.number < MANY:
        return join([body(Ix(constant=k)) for k in range(end.number + 1)])
    name = w.fresh()
    return Tex(f"{sign}_{{{name}=1}}^{{{end.printed().text}}} {body(letter(name)).within(Level.BIG)}", Level.BIG)


@element_of("cumsum", "cumprod")
def _running(w: Index, node: Node, at: Sequence[Ix]) -> Tex:
    (x,), axis = node.inputs, node.attrs["axis"]
    sign, join = (r"\sum", w.added) if node.op.name == "cumsum" else (r"\prod", lambda t: tex.product(t, r" \, "))
    return _until(w, sign, at[axis], lambda k: w.element(x, [*at[:axis], k, *at[axis + 1 :]]), join)


@element_of("linear_recurrence")
def _recurrence(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """The closed form: Σ over k of b_k times all later factors."""
    (a, b), axis = node.inputs, node.attrs["axis"]
    end = at[axis]
    if w.spelled:
        return None

    def place(k: Ix) -> list[Ix]:
        return [*at[:axis], k, *at[axis + 1 :]]

    def term(k: Ix) -> Tex:
        name = w.fresh()
        later = w.element(a, place(letter(name))).within(Level.BIG)
        start = (k + 1).printed().text
        factors = Tex(rf"\prod_{{{name}={start}}}^{{{end.printed().text}}} {later}", Level.BIG)
        return tex.product([w.element(b, place(k)), factors], r" \, ")

    return _until(w, r"\sum", end, term, w.added)


@element_of("convolve")
def _convolve(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """Σ a_k v_l over all k + l that make up the position in the full convolution."""
    a, v = node.inputs
    m, n = a.shape[0], v.shape[0]
    start: Any = 0 if node.attrs["mode"] == "full" else (m + n - 1 - node.shape[0]) // 2
    position = at[0] + start

    def body(pair: Sequence[Ix]) -> Tex:
        k, j = pair
        return w.given([(position, "=", k + j)], lambda: tex.product([w.element(a, [k]), w.element(v, [j])], r" \, "))

    return w.total([m, n], body)


@element_of("fft", "ifft", "rfft")
def _fourier(w: Index, node: Node, at: Sequence[Ix]) -> Tex | None:
    """The discrete Fourier transform, where nothing is cut or padded."""
    (x,), axes = node.inputs, node.attrs["axes"]
    if any(x.shape[k] != n for k, n in zip(axes, node.attrs["s"], strict=True)) or node.attrs["norm"] is not None:
        return None
    inverse = node.op.name == "ifft"

    def body(inner: Sequence[Ix]) -> Tex:
        found = dict(zip(axes, inner, strict=True))
        angles = [
            tex.fraction(tex.product([j.code(), at[k].code()], r" \, "), tex.size(x.shape[k])) for k, j in found.items()
        ]
        angle = tex.product([Tex("2"), Tex(r"\pi"), Tex(r"\mathrm{i}"), tex.add(angles)], r" \, ")
        wave = tex.call(r"\exp", angle if inverse else tex.negative(angle))
        return tex.product([w.element(x, [found.get(k, i) for k, i in enumerate(at)]), wave], r" \, ")

    total = w.total([x.shape[k] for k in axes], body)
    return (
        tex.product([tex.fraction(tex.ONE, tex.size(product(x.shape[k] for k in axes))), total]) if inverse else total
    )
