"""Training: `graphad.train`, what happens around a training step; arrays and loops, no new nodes.

What needs an extra is imported when it is first used.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

from graphad.train import augment as augment

_LATER = {name: "graphad.train.whitening" for name in ("ZCA", "pca_whitening", "standardization", "zca_whitening")}


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
