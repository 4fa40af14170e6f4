"""PyTorch: the step that belongs to a case, with the data that the example used."""

from itertools import cycle

import numpy as np
import torch

from benchmarks.training import twins
from benchmarks.training.cases import Data, Step
from benchmarks.training.torch_parts import Chance, Start


def fresh(name: str, data: Data, rng: np.random.Generator | None = None) -> Step:
    """The step from the beginning on; each call takes the next batch. With ``rng`` noise is as in graphad."""
    step = getattr(twins, name)(Start(data.starts))
    following = cycle([{n: torch.tensor(a) for n, a in batch.items()} for batch in data.batches])
    chance = Chance(rng)
    return lambda: step(next(following), chance)
