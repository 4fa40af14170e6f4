"""The value of one node on arrays, through its own NumPy form."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, NoReturn

import numpy as np

from graphad.errors import GraphError, MissingDependencyError
from graphad.form.template import name
from graphad.form.text import numpy_form
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import evaluate
from graphad.ir.types import TensorType, TupleType
from graphad.ops.control import scan

Array = np.ndarray[Any, Any]


def evaluate_node(
    node: Node,
    operands: Sequence[Any],
    sizes: Mapping[str, int],
    rng: np.random.Generator | None = None,
    each: Callable[[Any], Any] | None = None,
) -> Any:
    """One node on values, checked against its declared type; a tuple of arrays for an op with several results.

    ``each`` is applied to all values within a loop.
    """
    return evaluator(node, sizes, rng, each)(operands)


def evaluator(
    node: Node,
    sizes: Mapping[str, int],
    rng: np.random.Generator | None = None,
    each: Callable[[Any], Any] | None = None,
) -> Callable[[Sequence[Any]], Any]:
    """`evaluate_node` as a function of the operands: for nodes that are evaluated again and again."""
    if "constant" in node.op.traits:
        return lambda operands: np.array(node.attrs["value"])
    if "size" in node.op.traits:
        return lambda operands: np.asarray(evaluate(node.attrs["value"], sizes), node.dtype)
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    checks = [_checker(t, node, sizes) for t in types]
    if node.op is scan:
        return lambda operands: _all(checks, _run(node, operands, sizes, each))
    names = [f"_{k}" for k in range(len(node.inputs))]
    code = _compiled(numpy_form(node, [name(n) for n in names]).text)
    scope = {"np": np, "rng": rng, **sizes, **{h.__name__: h for h in node.op.helpers}}
    for line in node.op.imports:
        _import(line, scope)
    if isinstance(node.type, TupleType):
        return lambda operands: _all(checks, eval(code, scope, dict(zip(names, operands, strict=True))))
    (check,) = checks
    return lambda operands: check(eval(code, scope, dict(zip(names, operands, strict=True))))


def _all(checks: Sequence[Callable[[Any], Array]], results: Sequence[Any]) -> tuple[Array, ...]:
    return tuple(check(r) for check, r in zip(checks, results, strict=True))


def _items(node: Node) -> tuple[TensorType, ...]:
    assert isinstance(node.type, TupleType)
    return node.type.items


def _run(node: Node, operands: Sequence[Any], sizes: Mapping[str, int], each: Callable[[Any], Any] | None) -> list[Any]:
    """The results of a loop: the last carry, what each turn gave, and the carry before each turn."""
    body, count, end = node.attrs["body"], node.attrs["carries"], node.attrs["carries"] + node.attrs["arrays"]
    carry, arrays, shared = list(operands[:count]), operands[count:end], operands[end:]
    results = [np.empty([evaluate(s, sizes) for s in t.shape], t.dtype) for t in _items(node)[count:]]
    given, before = results[: len(results) - count], results[len(results) - count :]
    turns = range(evaluate(node.attrs["length"], sizes))
    for t in reversed(turns) if node.attrs["reverse"] else turns:
        for stack, value in zip(before, carry, strict=True):
            stack[t] = value
        found = dict(zip(body.inputs, [*carry, *(x[t] for x in arrays), *shared], strict=True))
        for inner in body.nodes:
            if inner not in found:
                value = evaluate_node(inner, [found[x] for x in inner.inputs], sizes, None, each)
                found[inner] = value if each is None else each(value)
        carry = [found[y] for y in body.outputs[:count]]
        for stack, y in zip(given, body.outputs[count:], strict=True):
            stack[t] = found[y]
    return [*carry, *results]


def _checker(type_: TensorType, node: Node, sizes: Mapping[str, int]) -> Callable[[Any], Array]:
    """Makes a value an array, which must be of the declared type."""
    expected = tuple(evaluate(s, sizes) for s in type_.shape)

    def check(value: Any) -> Array:
        result = np.asarray(value)
        if result.shape != expected or result.dtype != type_.dtype:
            what = f"{label(node)} came out as {result.dtype}{list(result.shape)}, declared as {type_}"
            fail(GraphError, what, node, hint="a slice or a named size assumes more than the arrays have")
        return result

    return check


def _import(line: str, scope: dict[str, Any]) -> None:
    """Run an import statement that an op needs."""
    try:
        exec(line, scope)
    except ImportError as problem:
        missing_import(problem, [line])


def missing_import(problem: ImportError, lines: Sequence[str]) -> NoReturn:
    """Say which package is not installed, and how to install it."""
    name = (problem.name or "").partition(".")[0] or "a package"
    what = f"the generated code needs {name}, which is not installed: {'; '.join(lines)}"
    raise MissingDependencyError(what, hint=f"pip install 'graphad[{name}]'") from problem


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    return compile(text, f"<{text}>", "eval")
