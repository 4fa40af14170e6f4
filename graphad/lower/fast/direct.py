"""Shorter ways to the same value: what NumPy's convenient functions do before they reach a ufunc is left out.

For small arrays the way to a ufunc costs more than the ufunc: `np.sum` takes three times as long as `np.add.reduce`,
and a Python number beside an array half as long again as an array without axes.
"""

import re
from collections.abc import Mapping, Sequence

from graphad.form import literals
from graphad.form.template import Expr, Precedence, expr_of
from graphad.form.template import name as atom
from graphad.form.text import numpy_form
from graphad.ir.core import Node
from graphad.lower.fast.forms import reducer, reduction
from graphad.lower.names import Names
from graphad.lower.program import Apply, Copy, Expression, Literal, Ref
from graphad.ops.contract import matmul
from graphad.ops.fit import uniform_value


class Direct:
    """Renders expressions; ``numbers`` are the names of arrays that stand for numbers, and what makes them."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.numbers: dict[str, str] = {}  # expression -> name

    def render(self, expression: Expression) -> Expr:
        """An expression as text."""
        match expression:
            case Literal(text):
                return expr_of(text)
            case Ref(node):
                return atom(self.names.of[node])
            case Copy(value):
                return atom(f"{self.render(value).within(Precedence.ATOM)}.copy()")
            case Apply(node, operands):
                return self._applied(node, operands)

    def _applied(self, node: Node, operands: Sequence[Expression]) -> Expr:
        if "elementwise" in node.op.traits and node.ndim:
            return numpy_form(node, [self._operand(x, n) for x, n in zip(operands, node.inputs, strict=True)])
        texts = [self.render(x) for x in operands]
        if node.op is matmul and node.inputs[0].ndim == node.inputs[1].ndim == 1:
            return atom(f"{texts[0].within(Precedence.ATOM)}.dot({texts[1].text})")
        if reducer(node) and node.attrs.get("dtype") is None:
            return expr_of(reduction(node, texts[0].text))
        return numpy_form(node, texts)

    def _operand(self, x: Expression, node: Node) -> Expr:
        """An operand of an elementwise op; a number becomes an array without axes."""
        value = uniform_value(node)
        if not isinstance(x, Literal) or value is None:
            return self.render(x)
        number = literals.number(node.dtype.type(value), point=True)
        short = literals.number(node.dtype.type(value))
        kind = "" if node.dtype.name in ("float64", "int64", "bool") else f", np.{node.dtype.name}"
        text = f"np.array({number}{kind})"
        if text not in self.numbers:
            wish = re.sub(r"\W", "_", short.replace("-", "minus_").replace("np.", ""))
            self.numbers[text] = self.names.unique(f"c_{wish}")
        return atom(self.numbers[text])


def definitions(numbers: Mapping[str, str]) -> list[str]:
    """The statements that make the arrays."""
    lines = [f"{name} = {text}" for text, name in numbers.items()]
    return ["# numbers as arrays: NumPy need not convert them at every call", *lines, "", ""] if lines else []
