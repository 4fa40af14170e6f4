"""NumPy's methods on nodes (``x.sum(axis=0)``) and NumPy's functions on nodes (``np.tanh(x)``).

A NumPy function is the one of the same name in `namespace.py`, `linalg.py` or `fft.py`, a SciPy ufunc that in
`special.py`. Python's operators are in `ops/operators.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from graphad import fft, linalg, namespace, special
from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail
from graphad.ir.late import install
from graphad.ops.fit import expand_dims
from graphad.ops.leaves import as_node


def _varargs(op: Callable[..., Node]) -> Callable[..., Node]:
    """``x.reshape(2, 3)`` and ``x.reshape((2, 3))`` mean the same."""

    def call(x: Node, *items: Any, **kwargs: Any) -> Node:
        if len(items) == 1 and (items[0] is None or isinstance(items[0], (tuple, list))):
            return op(x, items[0], **kwargs)
        return op(x, items, **kwargs) if items else op(x, **kwargs)

    return call


install(
    **{
        name: getattr(namespace, name)
        for name in (
            *("sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin", "all", "any"),
            *("cumsum", "cumprod", "argsort", "trace", "diagonal", "ravel", "swapaxes", "squeeze", "repeat"),
            *("astype", "take", "dot", "clip", "round", "conj", "conjugate", "searchsorted", "choose", "copy"),
        )
    },
    reshape=_varargs(namespace.reshape),
    transpose=_varargs(namespace.transpose),
    flatten=namespace.ravel,
    T=namespace.transpose,
    mT=namespace.matrix_transpose,
    real=namespace.real,
    imag=namespace.imag,
)

# The module of a NumPy function -> the functions on nodes by name. One that is not there raises, naming itself.
NUMPY: Mapping[str, Mapping[str, Any]] = {
    "numpy": {**vars(namespace), "size": lambda a: a.size, "i0": special.i0},
    "numpy.linalg": vars(linalg),
    "numpy.fft": vars(fft),
    "scipy.special": vars(special),
}
REDUCE = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logaddexp": "logsumexp"}
REDUCE |= {"logical_and": "all", "logical_or": "any"}
ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}


def _call(module: str, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    called = f"{module.replace('numpy', 'np')}.{name}"
    if kwargs.get("out") is not None:
        fail(ArgumentError, f"{called}: out is not taken", hint="nodes never change; use the result")
    function = NUMPY.get(module, {}).get(name)
    if not callable(function):
        _unknown(called)
    return function(*args, **kwargs)


def _unknown(called: str) -> NoReturn:
    fail(ArgumentError, f"{called} does not take graphad nodes", hint="see dir(graphad) for what there is")


def _array_ufunc(self: Node, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    name = ufunc.__name__
    if method == "__call__":
        return _call(
            "numpy" if isinstance(getattr(np, name, None), np.ufunc) else "scipy.special", name, inputs, kwargs
        )
    if method == "outer":
        x, y = map(as_node, inputs)
        spread = expand_dims(x, tuple(range(x.ndim, x.ndim + y.ndim))) if y.ndim else x
        return _array_ufunc(self, ufunc, "__call__", spread, y, **kwargs)
    by_name = {"reduce": REDUCE, "accumulate": ACCUMULATE}.get(method, {})
    if name not in by_name:
        _unknown(f"np.{name}.{method}")
    return _call("numpy", by_name[name], inputs, {"axis": 0, **kwargs})


def _array_function(self: Node, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _call(func.__module__, func.__name__, args, kwargs)


install(__array_ufunc__=_array_ufunc, __array_function__=_array_function)
