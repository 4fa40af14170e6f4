"""Shorter ways to the same value: what NumPy's convenient functions do before they reach a ufunc is left out.

For small arrays the way to a ufunc costs more than the ufunc: `np.sum` takes three times as long as `np.add.reduce`,
and a Python number beside an array half as long again as an array without axes. Numbers by themselves are Python's:
see `scalars.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from graphad.form import literals
from graphad.form.template import Expr, Precedence, expr_of
from graphad.form.template import name as atom
from graphad.form.text import numpy_form
from graphad.ir.core import Node
from graphad.lower.fast.forms import mean_count, place_indices, placed, reducer, reduction, ufunc
from graphad.lower.fast.scalars import Scalars, is_vector
from graphad.lower.names import Names
from graphad.lower.program import Apply, Copy, Expression, Literal, Ref
from graphad.ops.contract import matmul
from graphad.ops.elementwise import divide, power, sum_n
from graphad.ops.fit import uniform_value
from graphad.ops.index import getitem, stack
from graphad.ops.kinks import absolute
from graphad.ops.piecewise import where
from graphad.ops.reduce import mean

FEW = 32  # rows and columns up to which `x.dot(y)` is quicker than `x @ y`
SMALL = 4096  # elements of an array that is made of parts by one call of `np.array`


class Direct:
    """Renders expressions.

    ``numbers`` are the names of arrays that stand for numbers, and what makes them; ``first`` are statements that must
    come before the one that is being rendered, with the nodes they belong to.
    """

    def __init__(self, names: Names, scalars: Scalars) -> None:
        self.names, self.scalars = names, scalars
        self.numbers: dict[str, str] = {}  # expression -> name
        self.first: list[tuple[str, Node]] = []
        self._python: dict[Node, str] = {}  # input without axes -> its name as a float, array -> its name as a list

    def value(self, expression: Expression) -> Expr:
        """An expression as text, whose value is NumPy's."""
        text = self.render(expression)
        return atom(f"np.float64({text.text})") if self._is_float(expression) else text

    def render(self, expression: Expression) -> Expr:
        """An expression as text; what is a float stays one."""
        match expression:
            case Literal(text):
                return expr_of(text)
            case Ref(node):
                return atom(self.names.of[node])
            case Copy(value):
                if self._is_float(value):
                    return self.value(value)
                return atom(f"{self.render(value).within(Precedence.ATOM)}.copy()")
            case Apply(node, operands):
                return self._number(node, operands) if node in self.scalars.floats else self._applied(node, operands)

    def _is_float(self, x: Expression) -> bool:
        """Whether the text of a value is that of a float; inputs by their own names are arrays."""
        return isinstance(x, Ref | Apply) and x.node in self.scalars.floats and x.node not in self.scalars.inputs

    def _applied(self, node: Node, operands: Sequence[Expression]) -> Expr:
        if node.op is stack and (found := self._joined(node, operands)):
            return found
        if node in self.scalars.tests:
            return numpy_form(node, [self._float(x, n) for x, n in zip(operands, node.inputs, strict=True)])
        texts = self.operands(node, operands)
        if node.op is matmul and _is_few(*node.inputs):
            return atom(f"{texts[0].within(Precedence.ATOM)}.dot({texts[1].text})")
        if reducer(node) and node.attrs.get("dtype") is None:
            total = reduction(node, texts[0].text)
            return expr_of(f"{total} / {mean_count(node)}" if node.op is mean else total)
        return numpy_form(node, texts)

    def operands(self, node: Node, operands: Sequence[Expression]) -> list[Expr]:
        """The operands of an op as text, for an op on arrays with arrays in place of numbers."""
        as_it_is = self.render if self._takes_floats(node, operands) else self.value
        if "elementwise" in node.op.traits and node.ndim and node.op is not power:  # x ** 2 knows a shorter way itself
            return [self._constant(x, n) or as_it_is(x) for x, n in zip(operands, node.inputs, strict=True)]
        return [as_it_is(x) for x in operands]

    def _number(self, node: Node, operands: Sequence[Expression]) -> Expr:
        """The text of what is a float."""
        if node.op is getitem:
            return self._element(node)
        if node.op is where:
            x, y = (self._float(v, n) for v, n in zip(operands[1:], node.inputs[1:], strict=True))
            condition = self.render(operands[0]).within(Precedence.OR)
            text = f"{x.within(Precedence.OR)} if {condition} else {y.within(Precedence.TERNARY)}"
            return Expr(text, Precedence.TERNARY)
        texts = [self._float(x, n) for x, n in zip(operands, node.inputs, strict=True)]
        if node.op is absolute:
            return atom(f"abs({texts[0].text})")
        plain = numpy_form(node, texts)
        if node.op is not divide or isinstance(operands[1], Literal):
            return plain
        dividend, divisor = (v.text for v in texts)
        return Expr(f"{plain.text} if {divisor} else np.divide({dividend}, {divisor})", Precedence.TERNARY)

    def _float(self, x: Expression, node: Node) -> Expr:
        """An operand as a float."""
        if isinstance(x, Literal):
            return expr_of(literals.number(uniform_value(node), point=True))
        return self._item(x)

    def _item(self, x: Expression) -> Expr:
        """A value without axes, as a float where it is known as one."""
        if isinstance(x, Ref) and x.node in self.scalars.inputs:
            return atom(self._in_python(x.node, "float", "float({})"))
        return self.render(x)

    def _element(self, node: Node) -> Expr:
        """One element of an array, read from the list of all or alone."""
        array, index = node.inputs[0], node.attrs["index"]
        if array not in self.scalars.lists:
            return atom(f"{self.names.of[array]}.item({', '.join(map(str, index))})")
        return atom(self._in_python(array, "list", "{}.tolist()") + "".join(f"[{k}]" for k in index))

    def _in_python(self, node: Node, kind: str, form: str) -> str:
        """The name of a value in Python's types, which is made before its first use."""
        if node not in self._python:
            name = self.names.of[node]
            self._python[node] = self.names.unique(f"{name}_{kind}")
            self.first.append((f"{self._python[node]} = {form.format(name)}", node))
        return self._python[node]

    def _joined(self, node: Node, operands: Sequence[Expression]) -> Expr | None:
        """A stack of small values by `np.array`, which takes a third of the time of `np.stack`."""
        rows = [self.scalars.rows.get(x.node, x) if isinstance(x, Ref) else x for x in operands]
        axis = node.attrs["axis"]
        if not isinstance(node.size, int) or node.size > SMALL or (axis and node.ndim > 2):
            return None
        if node.ndim == 2 and all(is_vector(x) for x in rows):
            table = [[self._item(v).text for v in x.operands] for x in rows if isinstance(x, Apply)]
            lines = [f"[{', '.join(line)}]" for line in (zip(*table, strict=True) if axis else table)]
            return atom(f"np.array([{', '.join(lines)}])")
        text = f"np.array([{', '.join(self._item(x).text for x in operands)}])"
        return atom(f"{text}.T.copy()" if axis else text)

    def _takes_floats(self, node: Node, operands: Sequence[Expression]) -> bool:
        """Whether floats may stand for float64 operands as they are.

        Beside other dtypes a float counts less; and between floats an operator would be Python's.
        """
        dtypes = {x.node.dtype.name for x in operands if isinstance(x, Ref | Apply)}  # not of what a cast made of it
        if "elementwise" not in node.op.traits or not dtypes <= {"float64", "bool"}:
            return False
        form = node.op.numpy if isinstance(node.op.numpy, str) else node.op.numpy(node)
        if form.startswith("np."):
            return node.op is where or ufunc(form) is not None
        alone = all(isinstance(x, Literal) or self._is_float(x) for x in operands)
        return not alone and (node.op is sum_n or ufunc(form) is not None)

    def _constant(self, x: Expression, node: Node) -> Expr | None:
        """A number as an array without axes; None for other operands."""
        value = uniform_value(node)
        if not isinstance(x, Literal) or value is None:
            return None
        number = literals.number(node.dtype.type(value), point=True)
        short = literals.number(node.dtype.type(value))
        kind = "" if node.dtype.name in ("float64", "int64", "bool") else f", np.{node.dtype.name}"
        text = f"np.array({number}{kind})"
        if text not in self.numbers:
            wish = re.sub(r"\W", "_", short.replace("-", "minus_").replace("np.", ""))
            self.numbers[text] = self.names.unique(f"c_{wish}")
        return atom(self.numbers[text])


def _is_few(x: Node, y: Node) -> bool:
    """Whether the dot method gives the bits of `@` and is quicker."""
    if x.ndim == y.ndim == 1:
        return True
    sizes = {*x.shape, *y.shape}
    return x.ndim == y.ndim == 2 and x.dtype.kind in "fc" and all(isinstance(s, int) and 1 < s <= FEW for s in sizes)


def placed_in_parts(node: Node, texts: Sequence[str], out: str, part: str) -> Iterator[str]:
    """The statements of `placed`, where what is added to gets the name ``part``: it is looked up once, not twice."""
    for place, x, line in zip(place_indices(node), texts, placed(node, texts, out), strict=True):
        yield from (f"{part} = {out}[{place}]", f"{part} += {x}") if line.startswith("np.add(") else (line,)


def definitions(numbers: Mapping[str, str]) -> list[str]:
    """The statements that make the arrays."""
    lines = [f"{name} = {text}" for text, name in numbers.items()]
    return ["# numbers as arrays: NumPy need not convert them at every call", *lines, "", ""] if lines else []
