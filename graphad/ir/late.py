"""Methods of Node and Graph whose meaning lives in a higher layer: the one table of the package.

`ir/` knows no operator and draws nothing, yet users write ``x + y``, ``x.sum()`` and ``g.draw()``. Each such method is
declared here as a look-up in METHODS, which `ops/operators.py`, `methods.py` and the package's `__init__` fill. What
is seldom called, such as drawing, is imported when it is.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

METHODS: dict[str, Callable[..., Any]] = {}
_MODULES: dict[str, str] = {}  # that fill in a method when they are imported


def method(key: str, doc: str | None = None) -> Callable[..., Any]:
    """A method that calls METHODS[key] with the same arguments; ``doc`` is what `help` says of it."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (METHODS.get(key) or _imported(key))(self, *args, **kwargs)

    call.__name__, call.__qualname__, call.__doc__ = key.rpartition(".")[2], key, doc
    return call


def _imported(key: str) -> Callable[..., Any]:
    import_module(_MODULES[key])
    return METHODS[key]


def install_later(module: str, *keys: str) -> None:
    """These methods are installed by a module that is imported when one of them is first called."""
    _MODULES.update(dict.fromkeys(keys, module))


def install(**methods: Callable[..., Any]) -> None:
    """Fill the table."""
    METHODS.update(methods)
