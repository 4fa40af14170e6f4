"""Formulas of whole arrays of ops that mathematics has signs for: sums, products, powers, products of matrices."""

from collections.abc import Callable, Sequence
from typing import Any

from graphad.ir.core import Node
from graphad.ops.attributes import all_axes
from graphad.symbolic import tex
from graphad.symbolic.matrix import Matrix, matrix_product, ones, row, transposed, writes
from graphad.symbolic.tex import Tex


@writes("add", "sum_n")
def _add(m: Matrix, node: Node) -> Tex:
    return _terms(m, node, tex.add)


@writes("subtract")
def _subtract(m: Matrix, node: Node) -> Tex:
    return _terms(m, node, lambda terms: tex.subtract(*terms))


@writes("negative")
def _negative(m: Matrix, node: Node) -> Tex:
    return _terms(m, node, lambda terms: tex.negative(*terms))


def _terms(m: Matrix, node: Node, join: Callable[[Sequence[Tex]], Tex]) -> Tex:
    """Operands of a sum: numbers stand for all elements, unless nothing else is there."""
    values = [m.scalar(x) for x in node.inputs]
    texts = [m.value(x) if v is None else v for v, x in zip(values, node.inputs, strict=True)]
    if node.ndim == 0 or any(v is None for v in values):
        return join(texts)
    return tex.product([join(texts), ones(node.shape)])


@writes("multiply")
def _multiply(m: Matrix, node: Node) -> Tex:
    x, y = node.inputs
    left, right = m.scalar(x), m.scalar(y)
    if left is not None and right is not None:
        both = tex.product(tex.commuted(left, right), r" \, ")
        return both if node.ndim == 0 else tex.product([both, ones(node.shape)])
    if left is None and right is None:
        outer = _outer(m, x, y) or _outer(m, y, x)
        return outer or tex.hadamard(m.value(x), m.value(y))
    number, other = (left, y) if left is not None else (right, x)
    assert number is not None
    return tex.product([number, m.value(other)], r" \, ")


def _outer(m: Matrix, x: Node, y: Node) -> Tex | None:
    """The product of a column and a row, each spread over a matrix; None for other operands."""
    if x.ndim != 2 or any(z.op.name != "broadcast_to" or z in m.apart for z in (x, y)):
        return None
    (column,), (line,) = x.inputs, y.inputs
    if column.shape != (x.shape[0], 1) or line.shape not in ((x.shape[1],), (1, x.shape[1])):
        return None
    return matrix_product(m.value(column), row(m.value(line), line.ndim))


@writes("divide")
def _divide(m: Matrix, node: Node) -> Tex:
    x, y = node.inputs
    left, right = m.scalar(x), m.scalar(y)
    if right is not None:
        result = tex.fraction(m.value(x) if left is None else left, right)
        return tex.product([result, ones(node.shape)]) if node.ndim and left is not None else result
    return tex.hadamard(m.value(x) if left is None else left, m.value(y), r"\oslash")


@writes("square", "power")
def _power(m: Matrix, node: Node) -> Tex:
    x = node.inputs[0]
    base = m.scalar(x)
    exponent: Tex | None = Tex("2")
    if node.op.name == "power":
        exponent = m.scalar(node.inputs[1])
    if node.ndim and base is not None and exponent is not None:
        return tex.product([tex.power(base, exponent.text), ones(node.shape)])
    above = (m.value(node.inputs[1]) if exponent is None else exponent).text
    return tex.power(m.value(x) if base is None else base, rf"\odot {above}" if node.ndim else above)


@writes("matmul")
def _matmul(m: Matrix, node: Node) -> Tex:
    x, y = node.inputs
    left, right = m.value(x), m.value(y)
    if x.ndim == 1 and y.ndim > 1:
        return matrix_product(transposed(right), left)
    return matrix_product(row(left, x.ndim), right)


@writes("solve_triangular")
def _solve_triangular(m: Matrix, node: Node) -> Tex:
    """The inverse of a triangle of a matrix, with ones on its diagonal where that is asked for."""
    a, b = node.inputs
    name = "tril" if node.attrs["lower"] else "triu"
    words = r"_{\text{unit}}" if node.attrs["unit_diagonal"] else ""
    inverse = tex.power(tex.call(rf"\operatorname{{{name}}}{words}", m.value(a)), "-1")
    return matrix_product(inverse, m.value(b))


@writes("sum", "mean")
def _sum(m: Matrix, node: Node) -> Tex:
    (x,) = node.inputs
    axes = all_axes(x, node.attrs["axis"])
    value = m.value(x)
    if not axes:
        return value
    factor = []
    if node.op.name == "mean":
        count: Any = 1
        for k in axes:
            count = count * x.shape[k]
        factor = [tex.fraction(tex.ONE, tex.size(count))]
    if x.ndim > 2:
        words = ",".join(map(str, axes)) + (r",\text{keepdims}" if node.attrs["keepdims"] else "")
        return tex.call(rf"\operatorname{{{node.op.name}}}_{{{words}}}", value)
    rows, columns = ones((x.shape[0],)), ones((x.shape[-1],))
    if x.ndim == 1 or len(axes) == 2:
        inner = [transposed(rows), value] + ([columns] if x.ndim == 2 else [])
    elif tuple(axes) == (1,):
        inner = [value, columns]
    else:
        inner = [transposed(rows), value] if node.attrs["keepdims"] else [transposed(value), rows]
    return tex.product([*factor, matrix_product(*inner)])
