"""NumPy's methods on nodes (``x.sum(axis=0)``) and NumPy's functions on nodes (``np.tanh(x)``).

The two tables below are the whole of it; Python's operators are in `ops/operators.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from graphad import functional
from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail
from graphad.ir.late import install
from graphad.ops import contract, elementwise, fit, index, kinks, layout, piecewise, reduce


def _varargs(op: Callable[..., Node]) -> Callable[..., Node]:
    """``x.reshape(2, 3)`` and ``x.reshape((2, 3))`` mean the same."""

    def call(x: Node, *items: Any) -> Node:
        if len(items) == 1 and (items[0] is None or isinstance(items[0], (tuple, list))):
            return op(x, items[0])
        return op(x, items) if items else op(x)

    return call


install(
    sum=fit.sum,
    prod=reduce.prod,
    mean=reduce.mean,
    var=functional.var,
    std=functional.std,
    max=reduce.max,
    min=reduce.min,
    argmax=reduce.argmax,
    argmin=reduce.argmin,
    reshape=_varargs(layout.reshape),
    ravel=layout.ravel,
    flatten=layout.ravel,
    transpose=_varargs(layout.transpose),
    swapaxes=layout.swapaxes,
    squeeze=fit.squeeze,
    astype=fit.astype,
    take=index.take,
    dot=contract.dot,
    clip=kinks.clip,
    T=layout.transpose,
    mT=layout.matrix_transpose,
)

# NumPy's name -> the function on nodes. A NumPy function that is not here raises, naming itself.
NUMPY: Mapping[str, Callable[..., Any]] = {
    **{
        op.name: op
        for op in (*piecewise.OPS, *elementwise.OPS, *kinks.OPS, fit.sum, *reduce.OPS, contract.matmul)
        if op.name != "clip"
    },
    **{
        f.__name__: f
        for f in (
            fit.expand_dims,
            fit.squeeze,
            fit.broadcast_to,
            fit.zeros_like,
            fit.ones_like,
            fit.full_like,
            layout.reshape,
            layout.transpose,
            layout.swapaxes,
            layout.moveaxis,
            layout.ravel,
            layout.matrix_transpose,
            index.take,
            index.flip,
            index.concatenate,
            index.stack,
            index.split,
            kinks.clip,
            contract.dot,
            contract.inner,
            contract.outer,
            contract.tensordot,
            contract.einsum,
            functional.var,
            functional.std,
        )
    },
    "abs": kinks.absolute,
    "amax": reduce.max,
    "amin": reduce.min,
    "permute_dims": layout.transpose,
    "pow": elementwise.power,
    "astype": fit.astype,
}


def _unknown(name: str) -> NoReturn:
    fail(ArgumentError, f"np.{name} does not take graphad nodes", hint="see dir(graphad) for what there is")


def _array_ufunc(self: Node, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    name = ufunc.__name__
    if method != "__call__":
        _unknown(f"{name}.{method}")
    if name not in NUMPY:
        _unknown(name)
    return NUMPY[name](*inputs, **kwargs)


def _array_function(self: Node, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if func.__name__ not in NUMPY:
        _unknown(func.__name__)
    return NUMPY[func.__name__](*args, **kwargs)


install(__array_ufunc__=_array_ufunc, __array_function__=_array_function)
