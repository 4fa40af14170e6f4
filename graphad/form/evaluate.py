"""The value of one node on arrays, through its own NumPy form."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from graphad.errors import GraphError
from graphad.form.template import name
from graphad.form.text import numpy_form
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import evaluate

Array = np.ndarray[Any, Any]


def evaluate_node(
    node: Node, operands: Sequence[Array], sizes: Mapping[str, int], rng: np.random.Generator | None = None
) -> Array:
    """One node on values, checked against its declared type."""
    if "constant" in node.op.traits:
        return np.array(node.attrs["value"])
    if "size" in node.op.traits:
        return np.asarray(evaluate(node.attrs["value"], sizes), node.dtype)
    names = [f"_{k}" for k in range(len(operands))]
    code = _compiled(numpy_form(node, [name(n) for n in names]).text)
    scope = {"np": np, "rng": rng, **sizes, **{h.__name__: h for h in node.op.helpers}}
    result = np.asarray(eval(code, scope, dict(zip(names, operands, strict=True))))
    expected = tuple(evaluate(s, sizes) for s in node.shape)
    if result.shape != expected or result.dtype != node.dtype:
        what = f"{label(node)} came out as {result.dtype}{list(result.shape)}, declared as {node.type}"
        fail(GraphError, what, node, hint="a slice or a named size assumes more than the arrays have")
    return result


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    return compile(text, f"<{text}>", "eval")
