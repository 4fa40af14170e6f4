"""Expressions that somebody types, such as ``x.T @ (d_h * (1 - h**2))``: read as a syntax tree and worked out by NumPy.

Nothing is executed as code: names are looked up in what is given, functions, methods and keywords in the tables below,
and anything else is refused; nothing that is given can be written to. Powers are taken of floating numbers, and arrays
are worked with up to LARGEST elements.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError

LONGEST, LARGEST = 2000, 10**6  # characters of an expression, elements of an array
Array = np.ndarray[Any, Any]


def _softmax(x: Any, axis: int | None = -1) -> Any:
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def _logsumexp(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _one_hot(labels: Any, n: Any) -> Any:
    return (np.asarray(labels)[..., None] == np.arange(min(int(n), 1000))) * 1.0


def _diag(x: Any) -> Any:
    return np.diag(x)  # beside the diagonal there is nothing to ask for: an array could get large


def _limited(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(shape: Any, *more: Any) -> Any:
        sizes = [int(s) for s in np.atleast_1d(np.asarray([shape, *more] if more else shape))]
        if len(sizes) > 8 or min(sizes, default=0) < 0 or float(np.prod(np.asarray(sizes, float))) > LARGEST:
            raise ArgumentError(f"an array of {sizes} elements is too large for an answer")
        return make(sizes)

    return made


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in "exp expm1 log log1p log2 log10 sqrt cbrt square sin cos tan sinh cosh tanh arcsin arccos arctan sign "
    "abs absolute maximum minimum where sum mean prod max min outer inner dot matmul multiply add subtract divide "
    "negative transpose reshape expand_dims squeeze trace ones_like zeros_like concatenate stack cumsum "
    "heaviside clip".split()
} | {
    "power": lambda x, y: _power(x, y),
    "diag": _diag,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "solve": np.linalg.solve,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "softmax": _softmax,
    "log_softmax": lambda x, axis=-1: x - _logsumexp(x, axis, True),
    "logsumexp": _logsumexp,
    "one_hot": _one_hot,
    "ones": _limited(np.ones),
    "zeros": _limited(np.zeros),
    "eye": _limited(lambda sizes: np.eye(sizes[0], sizes[-1])),
}
METHODS = ("sum", "mean", "prod", "max", "min", "reshape", "transpose", "squeeze", "ravel")
KEYWORDS = ("axis", "axes", "keepdims", "shape", "ddof")  # of them all, and of nothing that is written to
CONSTANTS = {"pi": np.pi, "e": np.e, "True": True, "False": False, "None": None}


def _power(x: Any, y: Any) -> Any:
    return np.power(np.asarray(x, float), np.asarray(y, float))


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.MatMult: np.matmul,
    ast.Pow: _power,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


def parse(text: str) -> ast.expr:
    """The syntax tree. Raises ArgumentError for text that is no expression."""
    if len(text) > LONGEST:
        raise ArgumentError(f"an answer has at most {LONGEST} characters")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise ArgumentError(f"not an expression: {text.strip()[:60]!r}") from problem


def evaluate(tree: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression. Raises ArgumentError for what is not allowed, and what NumPy raises."""
    try:
        with np.errstate(all="ignore"):
            return _Evaluator({name: _read_only(value) for name, value in names.items()}).value(tree)
    except RecursionError:
        raise ArgumentError("the expression is nested too deeply") from None


def _read_only(value: Any) -> Any:
    """The same array, which no function can take as the place of its result."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def _fitting(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function of arrays whose result is not too large; it is never made."""
    arrays = [x for a in arguments for x in (a if isinstance(a, tuple) else (a,))]
    shapes = [np.shape(x) for x in arrays if isinstance(x, np.ndarray | np.generic)]
    if _size(function, shapes) > LARGEST:
        raise ArgumentError("the arrays of an answer get too large")
    return function(*arguments, **keywords)


def _size(function: Callable[..., Any], shapes: Sequence[tuple[int, ...]]) -> float:
    """The number of elements of a result, at most; that of the operands where shapes do not go together."""
    sizes = [float(np.prod(s)) for s in shapes]
    if function is np.outer:
        return float(np.prod(sizes))
    if function in (np.concatenate, np.stack):
        return float(np.sum(sizes))
    if function in (_diag, _one_hot):
        return float(np.sum(sizes)) * max([1000.0, *sizes])
    if function is np.inner and len(shapes) == 2 and all(shapes):
        return sizes[0] / max(shapes[0][-1], 1) * sizes[1] / max(shapes[1][-1], 1)
    if function in (np.matmul, np.dot) and len(shapes) == 2 and all(shapes):
        return sizes[0] / max(shapes[0][-1], 1) * sizes[1] / max(shapes[1][-2:][0], 1)
    try:
        return float(np.prod(np.broadcast_shapes(*shapes)))
    except ValueError:
        return float(np.sum(sizes))


def _chosen(x: Any, index: Any) -> Any:
    """Elements of an array; positions that arrays hold give as many as there are, each with what it may stand for."""
    entries = index if isinstance(index, tuple) else (index,)
    positions = np.broadcast_shapes(*(np.shape(e) for e in entries if isinstance(e, np.ndarray)))
    if np.prod(np.asarray(positions, float)) * np.size(x) > LARGEST and positions:
        raise ArgumentError("the arrays of an answer get too large")
    return x[index]


class _Evaluator:
    """Works out a tree; each method is for one kind of expression."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def value(self, tree: Any) -> Any:
        match tree:
            case ast.Constant(value=bool() | int() | float() | None as value):
                return value
            case ast.Constant(value=str() as value):
                return value
            case ast.Name(id=name):
                return self.look_up(name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return _fitting(BINARY[type(op)], self.number(left), self.number(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                x = self.number(operand)
                return -x if isinstance(x, int) and not isinstance(x, bool) else np.negative(x)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARE:
                return _fitting(COMPARE[type(op)], self.number(left), self.number(right))
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return tuple(self.value(item) for item in items)
            case ast.Subscript(value=value, slice=index):
                return _chosen(self.value(value), self.index(index))
            case ast.Attribute(value=value, attr="T"):
                return np.transpose(self.number(value))
            case ast.Attribute(value=value, attr="mT"):
                return np.swapaxes(self.number(value), -1, -2)
            case ast.Attribute(value=value, attr="shape"):
                return np.shape(self.number(value))
            case ast.Call():
                return self.call(tree)
        raise ArgumentError(f"not allowed in an answer: {ast.unparse(tree)[:60]}")

    def number(self, tree: ast.expr) -> Any:
        x = self.value(tree)
        if isinstance(x, str) or x is None:
            raise ArgumentError(f"no number: {ast.unparse(tree)[:60]}")
        return x

    def look_up(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise ArgumentError(f"{name!r} is not known here", hint=f"known are {', '.join(self.names)}")

    def index(self, tree: ast.expr) -> Any:
        match tree:
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(None if t is None else int(self.number(t)) for t in (lower, upper, step)))
            case ast.Tuple(elts=items):
                return tuple(self.index(item) for item in items)
            case ast.Constant(value=None | ast.Ellipsis as value):
                return value
        x = self.value(tree)
        if x is None or np.asarray(x).dtype == bool:
            return x  # a new axis, or a mask
        return np.asarray(x, int)

    def call(self, tree: ast.Call) -> Any:
        arguments = [self.value(a) for a in tree.args]
        if unknown := [str(k.arg) for k in tree.keywords if k.arg not in KEYWORDS]:
            raise ArgumentError(f"not allowed in an answer: {unknown[0]}=", hint=f"known are {', '.join(KEYWORDS)}")
        keywords = {str(k.arg): self.value(k.value) for k in tree.keywords}
        match tree.func:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np" | "ga"), attr=name) if name in FUNCTIONS:
                return _fitting(FUNCTIONS[name], *arguments, **keywords)
            case ast.Attribute(value=value, attr=name) if name in METHODS:
                return getattr(np.asarray(self.number(value)), name)(*arguments, **keywords)
        raise ArgumentError(f"not a function for answers: {ast.unparse(tree.func)[:60]}")
