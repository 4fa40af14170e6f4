"""Training: `graphad.train`, what finds good parameters for a model and data.

What needs scikit-learn, `GraphClassifier`, `GraphRegressor` and the whitenings, is imported when it is first used.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from graphad.errors import MissingDependencyError as _MissingDependencyError
from graphad.train import augment as augment
from graphad.train.checkpoint import Checkpoint as Checkpoint
from graphad.train.checkpoint import load_parameters as load_parameters
from graphad.train.checkpoint import save_parameters as save_parameters
from graphad.train.early import EarlyStopping as EarlyStopping
from graphad.train.fit import fit as fit
from graphad.train.history import History as History
from graphad.train.least_squares import least_squares as least_squares
from graphad.train.metrics import accuracy as accuracy
from graphad.train.metrics import confusion_matrix as confusion_matrix
from graphad.train.metrics import r2_score as r2_score
from graphad.train.plots import Histograms as Histograms
from graphad.train.plots import activation_histograms as activation_histograms
from graphad.train.result import Fit as Fit
from graphad.train.second_order import Minimized as Minimized
from graphad.train.second_order import minimize as minimize

if _TYPE_CHECKING:
    from graphad.train.estimators import GraphClassifier as GraphClassifier
    from graphad.train.estimators import GraphRegressor as GraphRegressor


_LATER = dict.fromkeys(("GraphClassifier", "GraphRegressor"), "estimators")
_LATER |= dict.fromkeys(("ZCA", "pca_whitening", "standardization", "zca_whitening"), "whitening")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def __getattr__(name: str) -> _Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(_import_module(f"graphad.train.{_LATER[name]}"), name)
    except _MissingDependencyError:
        raise  # it says what is missing
    except ImportError as problem:
        hint = "pip install 'graphad[sklearn]'"
        raise _MissingDependencyError(f"{name} needs scikit-learn: {problem}", hint=hint) from problem
