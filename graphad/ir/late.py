"""Methods of Node and Graph whose meaning lives in a higher layer: the one table of the package.

`ir/` knows no operator and draws nothing, yet users write ``x + y``, ``x.sum()`` and ``g.draw()``. Each such method is
declared here as a look-up in METHODS, which `ops/operators.py`, `methods.py` and the package's `__init__` fill.
"""

from collections.abc import Callable
from typing import Any

METHODS: dict[str, Callable[..., Any]] = {}


def method(key: str) -> Callable[..., Any]:
    """A method that calls METHODS[key] with the same arguments."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return METHODS[key](self, *args, **kwargs)

    call.__name__ = call.__qualname__ = key
    return call


def install(**methods: Callable[..., Any]) -> None:
    """Fill the table."""
    METHODS.update(methods)
