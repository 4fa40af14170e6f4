"""Which training steps are measured: an example, how to run it, and which of its functions is meant."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]
Step = Callable[[], float]  # one step, which gives the loss


@dataclass(frozen=True)
class Data:
    """What any system needs to train as the example does: the arrays that change, at first, and those of each call."""

    starts: Arrays
    batches: tuple[Arrays, ...]


def main(example: ModuleType) -> Any:
    """The example as it is."""
    return example.main()


def approximation(example: ModuleType) -> Any:
    """The widest of its networks."""
    x = np.linspace(-1, 1, 256)[:, None]
    return example.learn(max(example.WIDTHS), x, example.target(x), 4000)


@dataclass(frozen=True)
class Case:
    """``run(example)`` calls the step: the first function with updates, or that with the name ``function``.

    ``single``: it computes in single precision.
    """

    example: str
    run: Callable[[ModuleType], Any] = main
    function: str | None = None
    single: bool = False


CASES = {
    "digits_mlp": Case("digits_mlp"),
    "lenet": Case("lenet", single=True),
    "tied_digits": Case("tied_digits"),
    "tied_autoencoder": Case("tied_autoencoder"),
    "vae": Case("vae"),
    "char_rnn": Case("char_rnn"),
    "char_rnn_f32": Case("char_rnn", lambda example: example.main(dtype="float32"), single=True),
    "small_transformer": Case("small_transformer", single=True),
    "small_transformer_f64": Case("small_transformer", lambda example: example.main(dtype="float64")),
    "physics_informed": Case("physics_informed"),
    "universal_approximation": Case("universal_approximation", approximation),
    "tabular_wine": Case("tabular", lambda example: example.wine(60)),
    "tabular_cancer": Case("tabular", lambda example: example.cancer(60)),
    "tabular_diabetes": Case("tabular", lambda example: example.diabetes(300)),
    "batch_norm_study": Case("batch_norm_study", lambda example: example.learn(True, example.digits(), 20)),
    "initialization_xor": Case(
        "initialization_study", lambda example: example.symmetry(300, example.init.xavier_uniform)
    ),
    "optimizer_race_adam": Case(
        "optimizer_race", lambda example: example.trajectory(example.OPTIMIZERS["Adam"](lr=0.1), 300)
    ),
    "logistic_newton": Case("logistic_newton", function="newton"),
    "logistic_descent": Case("logistic_newton", function="descend"),
}
