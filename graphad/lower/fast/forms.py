"""How an op writes its result into a buffer: ``np.add(x, y, out)``.

The NumPy text of most ops is one operator or one ufunc; the form with an output follows from it. Other ops make a fresh
array.
"""

import ast
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from graphad.form.literals import number
from graphad.form.template import Expr
from graphad.form.text import numpy_form
from graphad.ir.core import Node
from graphad.ir.dims import Dim, Size, product
from graphad.lower.parts import copy
from graphad.lower.program import Apply, Assign, Ref
from graphad.ops.attributes import all_axes
from graphad.ops.casts import astype
from graphad.ops.contract import matmul
from graphad.ops.elementwise import divide, power, sigmoid, sum_n
from graphad.ops.fit import is_uniform, sum, uniform_value
from graphad.ops.index import concatenate, place, place_all, put
from graphad.ops.indexing import text
from graphad.ops.log_domain import softmax
from graphad.ops.piecewise import equal, where
from graphad.ops.reduce import max as max_op
from graphad.ops.reduce import mean
from graphad.ops.reduce import min as min_op

_OPERATORS: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.Pow: "power",
    ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor",
    ast.LShift: "left_shift",
    ast.RShift: "right_shift",
    ast.USub: "negative",
    ast.Invert: "invert",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
SHORT = 256  # elements of a row
NARROW = 65  # elements of rows that are added to one another
_KEYWORD = ("np.maximum", "np.minimum")  # which take no third positional argument
_REDUCERS = {sum: "np.add.reduce", mean: "np.add.reduce", max_op: "np.maximum.reduce", min_op: "np.minimum.reduce"}
_POWERS = {2: "np.square({x}, {out})", 0.5: "np.sqrt({x}, {out})", -1: "np.reciprocal({x}, {out})"}


@lru_cache(maxsize=1024)
def ufunc(form: str) -> str | None:
    """The ufunc behind the NumPy text of an op on placeholders, or None.

    >>> ufunc("{x} + {y}"), ufunc("np.tanh({x})"), ufunc("np.where({c}, {x}, {y})")
    ('np.add', 'np.tanh', None)
    """
    try:
        tree = ast.parse(form.replace("{", "").replace("}", ""), mode="eval").body
    except SyntaxError:
        return None
    parts: Sequence[ast.AST] = ()
    name: str | None = None
    match tree:
        case ast.BinOp(left, operator, right):
            name, parts = _OPERATORS.get(type(operator)), (left, right)
        case ast.UnaryOp(operator, operand):
            name, parts = _OPERATORS.get(type(operator)), (operand,)
        case ast.Compare(left, [operator], [right]):
            name, parts = _OPERATORS.get(type(operator)), (left, right)
        case ast.Call(ast.Attribute(ast.Name("np"), attr), args, []) if isinstance(getattr(np, attr, None), np.ufunc):
            name, parts = attr, args
    plain = all(isinstance(p, ast.Name | ast.Constant) for p in parts)
    return f"np.{name}" if name and plain else None


def is_ufunc(node: Node) -> bool:
    """Whether the op is one ufunc: its result may take the place of an operand."""
    return node.op is not sum_n and isinstance(node.op.numpy, str) and ufunc(node.op.numpy) is not None


def into(node: Node, operands: Sequence[Expr], out: str) -> list[str] | None:
    """The statements that compute ``node`` into the array ``out``; None where NumPy offers none.

    A short sum (`short_sum`) may be given two operands, whose products it adds up.

    The first statement may overwrite the first operand; none but the last reads operands after ``out`` was written,
    except `sum_n`, which must not share memory with its third and later operands.
    """
    texts = [x.text for x in operands]
    if is_ufunc(node) and node.op not in (divide, power):
        return [ufunc_call(node, texts, out)]
    if node.op is sum_n:
        first = f"np.add({texts[0]}, {texts[1]}, {out})" if len(texts) > 1 else f"np.copyto({out}, {texts[0]})"
        return [first, *(f"np.add({out}, {x}, {out})" for x in texts[2:])]
    if node.op is matmul:
        return [f"np.matmul({texts[0]}, {texts[1]}, {out})"]
    if node.op is where:
        return _chosen(node, texts, out)
    if node.op is sigmoid:
        return [f"sigmoid({texts[0]}, {out})"]
    if node.op is softmax:
        return [f"{numpy_form(node, operands).text[:-1]}, {out})"]
    if subscripts := short_sum(node):
        place_of = out
        if node.attrs["keepdims"]:
            is_last = subscripts.endswith(f">{subscripts[: node.ndim - 1]}")
            place_of = f"{out}[..., 0]" if is_last else f"{out}[{'0, ' * (node.ndim - 1)}:]"
        call = f"{row_sum(subscripts, texts)}, out={place_of})"
        return [call, f"np.divide({out}, {mean_count(node)}, {out})"] if node.op is mean else [call]
    if reducer(node) and node.attrs.get("dtype") is None and node.ndim:
        call = reduction(node, texts[0], out)
        if takes_rows(node):
            call = f"over_rows({str(reducer(node)).removesuffix('.reduce')}, {texts[0]}, {out})"
        return [call, f"np.divide({out}, {mean_count(node)}, {out})"] if node.op is mean else [call]
    if moved := _moved(node, texts, out):
        return moved
    if node.op is divide and (inverse := _exact_inverse(node.inputs[1])):
        return [f"np.multiply({texts[0]}, {number(inverse)}, {out})"]
    if node.op is power and (form := _POWERS.get(uniform_value(node.inputs[1]))) and node.dtype.kind == "f":
        return [form.format(x=texts[0], out=out)]
    return [ufunc_call(node, texts, out)] if is_ufunc(node) else None


def _moved(node: Node, texts: Sequence[str], out: str) -> list[str]:
    """The statements of an op that moves values; none for others."""
    if node.op is copy:
        return [f"np.copyto({out}, {texts[0]})"]
    if node.op is astype:
        return [f'np.copyto({out}, {texts[0]}, "unsafe")']
    if node.op is concatenate:
        return [f"np.concatenate([{', '.join(texts)}], {node.attrs['axis']}, {out})"]
    if node.op in (place, place_all):
        return [f"{out}.fill(0)", *placed(node, texts, out)]
    if node.op is put:
        index = text(node.attrs["index"]).format(**{f"arrays{k}": x for k, x in enumerate(texts[2:])})
        return [f"np.copyto({out}, {texts[0]})", f"{out}[{index}] = {texts[1]}"]
    return []


def ufunc_call(node: Node, texts: Sequence[str], out: str) -> str:
    """The call of an op's ufunc; of its operands, or of them and the numbers in its template: np.maximum({x}, 0)."""
    form = str(node.op.numpy)
    name, parts = ufunc(form), _parts(form)
    if parts != node.op.operands:
        given = dict(zip(node.op.operands, texts, strict=True))
        texts = [given.get(part, part) for part in parts]
    return f"{name}({', '.join(texts)}, {f'out={out}' if name in _KEYWORD else out})"


def guarded(s: Assign) -> Node | None:
    """The value x of ``where(x == 0, inf, x)``, which most often is x itself: `regular` puts it before divisions."""
    if not isinstance(s.value, Apply) or s.node.op is not where:
        return None
    x, last = guarded_value(s.node), s.value.operands[2]
    return x if isinstance(last, Ref) and last.node is x else None


def guard(operands: Sequence[Expr]) -> str:
    """The form of `guarded`: one look at the mask is cheaper than a copy."""
    condition, replacement, x = (o.text for o in operands)
    return f"np.where({condition}, {replacement}, {x}) if {condition}.any() else {x}"


def placed(node: Node, texts: Sequence[str], out: str) -> list[str]:
    """The statements that add values at their places in an array of zeros.

    ``out[1:] += x`` would copy the part onto itself after the addition; that is needed for single elements only.
    """
    indices = [node.attrs["index"]] if node.op is place else node.attrs["indices"]
    lines = []
    for k, (index, part, x) in enumerate(zip(indices, place_indices(node), texts, strict=True)):
        is_element = len(index) == node.ndim and all(isinstance(e, int | Dim) for e in index)
        spot = f"{out}[{part}]"
        lines.append(f"{spot} = {x}" if k == 0 else f"{spot} += {x}" if is_element else f"np.add({spot}, {x}, {spot})")
    return lines


def place_indices(node: Node) -> list[str]:
    """Where a `place` or `place_all` puts its values."""
    indices = [node.attrs["index"]] if node.op is place else node.attrs["indices"]
    return [text(index) for index in indices]


@lru_cache(maxsize=1024)
def _parts(form: str) -> tuple[str, ...]:
    """What the ufunc of a template is applied to: the names of operands, and numbers."""
    match ast.parse(form.replace("{", "").replace("}", ""), mode="eval").body:
        case ast.BinOp(left, _, right) | ast.Compare(left, _, [right]):
            parts: Sequence[ast.expr] = (left, right)
        case ast.UnaryOp(_, operand):
            parts = (operand,)
        case ast.Call(_, args, _):
            parts = args
        case _:
            parts = ()
    return tuple(ast.unparse(p) for p in parts)


def _exact_inverse(divisor: Node) -> float | None:
    """1 / divisor where that is a power of two: the product has the same bits and takes a third of the time."""
    value = uniform_value(divisor)
    if divisor.dtype.kind != "f" or value is None or not np.isfinite(value) or abs(np.frexp(value)[0]) != 0.5:
        return None
    return 1 / value if 1e-30 < abs(value) < 1e30 else None


def _chosen(node: Node, texts: Sequence[str], out: str) -> list[str] | None:
    """A choice without branches: for numbers that add up exactly by arithmetic, else by the helpers named here."""
    helper = choice_helper(node)
    mask, x, y = texts
    if helper == "keep":
        return [f"keep({mask}, {x}, {out})"]
    if helper == "choose":
        return [f"choose({mask}, {x}, {y}, {out})"]
    if helper is None:
        return None
    high, low = (uniform_value(n) for n in node.inputs[1:])
    first = f"np.copyto({out}, {mask})" if high - low == 1 else f"np.multiply({mask}, {number(high - low)}, {out})"
    return [first, *([f"np.add({out}, {number(low)}, {out})"] if low else [])]


def choice_helper(node: Node) -> str | None:
    """How a choice is written into an array: by "keep", "choose", without a helper (""), or not at all (None)."""
    if node.op is not where or node.dtype.name not in ("float32", "float64") or guarded_value(node) is not None:
        return None
    mask, x, y = node.inputs
    high, low = uniform_value(x), uniform_value(y)
    if mask.dtype != np.bool_ or any(v.dtype != node.dtype for v in (x, y)):
        return None
    if high is not None and low is not None:
        top, bottom = np.array([high, low], node.dtype)
        return "" if np.isfinite([high, low]).all() and bottom + (top - bottom) == top else None
    return "keep" if low == 0 and not np.signbit(low) and high is None else "choose"


def guarded_value(node: Node) -> Node | None:
    """x of ``where(x == 0, inf, x)``, or with nan for inf."""
    condition, replacement, x = node.inputs
    if condition.op is not equal or condition.inputs[0] is not x or not is_uniform(condition.inputs[1], 0):
        return None
    value = uniform_value(replacement)
    return x if value is not None and not np.isfinite(value) else None


def short_sum(node: Node) -> str:
    """The subscripts of a sum or mean over a short last axis, or over all axes but a short last one.

    `np.einsum` takes a third of the time of `np.add.reduce` there. "" for all else.
    """
    if node.op not in (sum, mean) or node.attrs["dtype"] is not None or node.dtype.name not in ("float32", "float64"):
        return ""
    (x,) = node.inputs
    if not 2 <= x.ndim <= 8 or x.dtype != node.dtype:
        return ""
    letters, length, axes = "abcdefgh"[: x.ndim], x.shape[-1], all_axes(x, node.attrs["axis"])
    if axes == (x.ndim - 1,) and length in range(2, SHORT):
        return f"{letters}->{letters[:-1]}"
    if axes == tuple(range(x.ndim - 1)) and length in range(1, NARROW) and _are_many(x.shape[:-1]):
        return f"{letters}->{letters[-1]}"
    return ""


def row_sum(subscripts: str, texts: Sequence[str]) -> str:
    """The call of `np.einsum`, still open, that adds up an array, or the products of two."""
    given, result = subscripts.split("->")
    return f'np.einsum("{",".join([given] * len(texts))}->{result}", {", ".join(texts)}'


def takes_rows(node: Node) -> bool:
    """Whether a reduction goes over rows that are short, or may be: `over_rows` is quicker for those."""
    if reducer(node) is None or node.attrs.get("dtype") is not None or node.dtype.name not in ("float32", "float64"):
        return False
    (x,) = node.inputs
    if x.ndim < 2 or x.dtype != node.dtype or all_axes(x, node.attrs["axis"]) != (x.ndim - 1,) or short_sum(node):
        return False
    length = x.shape[-1]
    return not isinstance(length, int) or (node.op in (max_op, min_op) and 1 < length < 16)


def _are_many(sizes: Sequence[Size]) -> bool:
    """Whether there are, or may be, more rows than the call of `np.einsum` costs."""
    rows = product(sizes)
    return not isinstance(rows, int) or rows >= SHORT


def reducer(node: Node) -> str | None:
    """The ufunc's method behind a reduction; None for other ops, and for means that NumPy takes in another dtype."""
    if node.op is mean and node.inputs[0].dtype != node.dtype:
        return None
    return _REDUCERS.get(node.op)


def reduction(node: Node, x: str, out: str = "") -> str:
    """A reduction by a ufunc; for a mean what is added up, still to be divided by `mean_count`."""
    axes = all_axes(node.inputs[0], node.attrs["axis"])
    whole = len(axes) == node.inputs[0].ndim
    axis = "None" if whole else str(axes[0]) if len(axes) == 1 else str(axes)
    keep = ", keepdims=True" if node.attrs["keepdims"] and node.ndim else ""
    return f"{reducer(node)}({x}, {axis}{f', None, {out}' if out else ''}{keep})"


def mean_count(node: Node) -> str:
    """How many elements a mean is over."""
    (x,) = node.inputs
    count = str(product(x.shape[k] for k in all_axes(x, node.attrs["axis"])))
    return count if count.isalnum() else f"({count})"
