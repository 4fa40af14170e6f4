"""Recurrent layers put together: in both directions, and on top of each other. Read recurrent.py first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from graphad.errors import ArgumentError
from graphad.ir.core import Node
from graphad.nn.layers.base import Layer
from graphad.nn.layers.linear import check_steps
from graphad.nn.layers.recurrent import Recurrent, State
from graphad.ops.index import concatenate


@final
@dataclass(frozen=True, eq=False, repr=False)
class Bidirectional(Layer):
    """What two layers say, side by side: the second begins at the end, ``reverse=True`` (Schuster & Paliwal 1997).

    ``Bidirectional(LSTM(3, 8), LSTM(3, 8, reverse=True))``: x (T, batch, 3) gives (T, batch, 16) and a pair of states;
    ``state`` is such a pair, too. ``batch_first`` is that of both layers. Raises ArgumentError.
    """

    forward_layer: Recurrent
    backward_layer: Recurrent

    def __post_init__(self) -> None:
        both = (self.forward_layer, self.backward_layer)
        if not all(isinstance(part, Recurrent) for part in both):
            raise ArgumentError("Bidirectional: needs two recurrent layers, such as LSTM(3, 8)")
        if [part.reverse for part in both] != [False, True]:
            hint = "Bidirectional(LSTM(3, 8), LSTM(3, 8, reverse=True))"
            raise ArgumentError("Bidirectional: the second layer, and only it, must have reverse=True", hint=hint)
        if both[0].batch_first != both[1].batch_first:
            raise ArgumentError("Bidirectional: batch_first must be the same for both layers")

    def forward(self, x: Any, state: State = None) -> tuple[Node, State]:
        first, second = _states("Bidirectional", state, 2)
        ahead, h = self.forward_layer(x, first)
        back, k = self.backward_layer(x, second)
        return concatenate(ahead, back, axis=-1), (h, k)


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class RecurrentStack(Layer):
    """Recurrent layers on top of each other: ``RecurrentStack(LSTM(3, 8), Dropout(0.2), GRU(8, 8))``.

    Gives what the last one says at all steps, and a tuple of the last states, one for each recurrent layer; ``state``
    is such a tuple, too. Layers and functions that are not recurrent take the whole sequence. `Sequential` hands on all
    that a layer gives, state and all, and so is not for these. Raises ArgumentError.
    """

    steps: tuple[Callable[..., Any], ...]

    def __init__(self, *steps: Callable[..., Any]) -> None:
        check_steps("RecurrentStack", steps)
        object.__setattr__(self, "steps", steps)

    def forward(self, x: Any, state: State = None) -> tuple[Any, State]:
        recurrent = [isinstance(s, Recurrent | Bidirectional | RecurrentStack) for s in self.steps]
        waiting = iter(_states("RecurrentStack", state, sum(recurrent)))
        last = []
        for step, has_state in zip(self.steps, recurrent, strict=True):
            if has_state:
                x, h = step(x, next(waiting))
                last.append(h)
            else:
                x = step(x)
        return x, tuple(last)


def _states(name: str, given: State, count: int) -> tuple[Any, ...]:
    """The states of several layers."""
    if given is None:
        return (None,) * count
    if not isinstance(given, tuple | list) or len(given) != count:
        raise ArgumentError(f"{name}: the state is a tuple of {count}, one for each recurrent layer")
    return tuple(given)
