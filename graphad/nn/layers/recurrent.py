"""Layers along a sequence, each one `graphad.scan`: RNN, LSTM, GRU; stacks.py puts several together.

A sequence is (T, batch, features), or (batch, T, features) with ``batch_first``; T may be a named size, and neither
source nor compile time grows with it. A call gives what the layer says at each step, and the last state. One step is
the method `Recurrent.cell`, for loops of your own and for sampling:

>>> import graphad as ga
>>> x = ga.input("x", ("T", "batch", 3))
>>> lstm = ga.nn.LSTM(3, 8)
>>> ys, (h, c) = lstm(x)
>>> ys.type, c.type
(f64[T, batch, 8], f64[batch, 8])
>>> last, again = ga.scan(lstm.cell, lstm.zero_state("batch"), x)
>>> again.type
f64[T, batch, 8]
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, final

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.loops import scan
from graphad.ir.core import Node, fail, label
from graphad.ir.origin import composite
from graphad.ir.types import DType, Shape, as_dtype, as_shape, broadcast_shapes, promote, shape_text
from graphad.nn import init
from graphad.nn.layers.base import Layer, declare, in_training
from graphad.nn.layers.linear import check_function, with_features
from graphad.ops.casts import cast
from graphad.ops.contract import matmul
from graphad.ops.elementwise import sigmoid, tanh
from graphad.ops.fit import broadcast_to, zeros
from graphad.ops.index import split
from graphad.ops.layout import swapaxes
from graphad.ops.leaves import as_node
from graphad.ops.piecewise import where
from graphad.ops.random import uniform

State = Any  # a node, or a tuple of the nodes that the layer says


class Recurrent(Layer):
    """What `RNN`, `LSTM` and `GRU` share: a `step`, and the loop around it. A layer of your own says `step`, too.

    >>> from dataclasses import dataclass
    >>> import graphad as ga
    >>> @dataclass(frozen=True, eq=False)
    ... class Leaky(ga.nn.Recurrent):
    ...     n_in: int
    ...     n_hidden: int
    ...
    ...     def __post_init__(self):
    ...         ga.nn.declare(self, W=((self.n_in, self.n_hidden), ga.nn.init.xavier_uniform))
    ...
    ...     def step(self, x, h):
    ...         return (0.9 * h + 0.1 * ga.tanh(x @ self.W),)
    >>> ys, h = Leaky(3, 8)(ga.input("x", ("T", "batch", 3)))
    >>> ys.type
    f64[T, batch, 8]
    """

    state: ClassVar[tuple[str, ...]] = ("h",)  # its parts; what the layer gives at each step is the first
    n_in: int
    n_hidden: int
    reverse: bool = False
    batch_first: bool = False
    zoneout: float | tuple[float, ...] = 0.0
    dtype: Any = "float64"

    @abstractmethod
    def step(self, x: Node, *state: Node) -> tuple[Node, ...]:
        """The parts of the state after one step, without zoneout, from x (batch, n_in) and those before it."""

    @composite
    def cell(self, state: State, x: Any, draws: tuple[Any, ...] | None = None) -> tuple[State, Node]:
        """The state after one step, and what the layer says, from x (batch, n_in): a step for `graphad.scan`.

        With zoneout, an element of the state stays as it is with this probability; outside of `training` the
        expectation takes the place of chance. ``draws``: uniform numbers (batch, n_hidden) for each part of the state.
        They are drawn here if they are not given, which loops refuse. Raises ShapeError, ArgumentError.
        """
        x = with_features(type(self).__name__, x, self.n_in)
        before = _parts(self, state)
        after = list(self.step(x, *before))
        for k, p in enumerate(_rates(self)):
            if p and in_training() is None:
                after[k] = p * before[k] + (1 - p) * after[k]
            elif p:
                chances = _draws(self, after[k].shape[:-1], after[k].dtype) if draws is None else draws
                after[k] = where(chances[k] < p, before[k], after[k])
        return _state(after), after[0]

    def zero_state(self, *sizes: Any, dtype: Any = None) -> State:
        """The state before the first step: zeros (*sizes, n_hidden), of the parameters' dtype unless given."""
        shape = (*as_shape(sizes), self.n_hidden)
        return _state([zeros(shape, dtype or self.dtype) for _ in self.state])

    def forward(self, x: Any, state: State = None) -> tuple[Node, State]:
        """What the layer says at all steps, and the last state; ``state``: the first, zeros unless given."""
        x = _time_first(self, x)
        given = None if state is None else _parts(self, state)
        dtype = promote(x.dtype, as_dtype(self.dtype), *(s.dtype for s in given or ()))
        rows = x.shape[1:-1]
        first = self.zero_state(*rows, dtype=dtype)
        if given is not None:
            first = _state([_fitted(self, k, s, rows, dtype) for k, s in zip(self.state, given, strict=True)])
        draws = _draws(self, x.shape[:-1], dtype) if in_training() is not None and any(_rates(self)) else None

        def step(state: State, x: Any) -> tuple[State, Node]:
            return self.cell(state, *x)

        step.__name__ = type(self).__name__.lower()  # so it is called in the generated code
        last, ys = scan(step, first, (x, draws), reverse=self.reverse)
        return swapaxes(ys, 0, 1) if self.batch_first else ys, last


@final
@dataclass(frozen=True, eq=False, repr=False)
class RNN(Recurrent):
    """h ← activation(x @ W_x + h @ W_h + b) (Elman 1990): x (T, batch, n_in) gives h at all steps, and the last h.

    W_x starts uniform as in `Linear`, W_h orthogonal, b with zeros. ``zoneout`` (Krueger et al. 2017): the probability
    with which an element of the state stays as it is. ``reverse``: the last element comes first. ``batch_first``: x is
    (batch, T, n_in), and so are the results; `ga.train.fit` gives rows first, so its models need that. The batch axis
    may be missing. Raises ArgumentError, ShapeError.
    """

    n_in: int
    n_hidden: int
    activation: Callable[..., Any] = tanh
    reverse: bool = False
    batch_first: bool = False
    zoneout: float = 0.0
    start_x: init.Initializer = init.xavier_uniform
    start_h: init.Initializer = init.orthogonal
    dtype: Any = "float64"
    name: str | None = None
    W_x: Node = field(init=False)
    W_h: Node = field(init=False)
    b: Node = field(init=False)

    def __post_init__(self) -> None:
        check_function("RNN: activation", self.activation)
        _declare(self, b=((self.n_hidden,), init.zeros))

    def step(self, x: Node, *state: Node) -> tuple[Node, ...]:
        return (self.activation(matmul(x, self.W_x) + matmul(state[0], self.W_h) + self.b),)


@final
@dataclass(frozen=True, eq=False, repr=False)
class LSTM(Recurrent):
    """c ← f·c + i·g, h ← o·tanh(c) (Hochreiter & Schmidhuber 1997, Gers et al. 2000); the state is (h, c).

    i, f, o = sigmoid and g = tanh of the four blocks of x @ W_x + h @ W_h + b, in PyTorch's order i, f, g, o: W_x is
    (n_in, 4·n_hidden), b the sum of PyTorch's two. Each block starts by itself, as in `RNN`; f's part of b with
    ``forget_bias``, for which 1 is a good choice (Jozefowicz et al. 2015). ``zoneout`` may be a pair, for h and c.
    """

    state: ClassVar[tuple[str, ...]] = ("h", "c")
    n_in: int
    n_hidden: int
    forget_bias: float = 0.0
    reverse: bool = False
    batch_first: bool = False
    zoneout: float | tuple[float, float] = 0.0
    start_x: init.Initializer = init.xavier_uniform
    start_h: init.Initializer = init.orthogonal
    dtype: Any = "float64"
    name: str | None = None
    W_x: Node = field(init=False)
    W_h: Node = field(init=False)
    b: Node = field(init=False)

    def __post_init__(self) -> None:
        _declare(self, b=((4 * self.n_hidden,), partial(_second_of_four, value=self.forget_bias)), blocks=4)

    def step(self, x: Node, *state: Node) -> tuple[Node, ...]:
        h, c = state
        i, f, g, o = split(matmul(x, self.W_x) + matmul(h, self.W_h) + self.b, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c


@final
@dataclass(frozen=True, eq=False, repr=False)
class GRU(Recurrent):
    """h ← (1 - z)·n + z·h, n = tanh(x @ W_n + b_n + r·(h @ U_n + c_n)) (Cho et al. 2014), as in PyTorch.

    r and z are sigmoids; W_x (n_in, 3·n_hidden), W_h and the biases b_x and b_h hold the blocks r, z, n. The gate r
    multiplies after the product with W_h. Everything else as in `RNN`.
    """

    n_in: int
    n_hidden: int
    reverse: bool = False
    batch_first: bool = False
    zoneout: float = 0.0
    start_x: init.Initializer = init.xavier_uniform
    start_h: init.Initializer = init.orthogonal
    dtype: Any = "float64"
    name: str | None = None
    W_x: Node = field(init=False)
    W_h: Node = field(init=False)
    b_x: Node = field(init=False)
    b_h: Node = field(init=False)

    def __post_init__(self) -> None:
        sizes = (3 * self.n_hidden,)
        _declare(self, b_x=(sizes, init.zeros), b_h=(sizes, init.zeros), blocks=3)

    def step(self, x: Node, *state: Node) -> tuple[Node, ...]:
        (h,) = state
        x_gates, x_n = split(matmul(x, self.W_x) + self.b_x, [2 * self.n_hidden], axis=-1)
        h_gates, h_n = split(matmul(h, self.W_h) + self.b_h, [2 * self.n_hidden], axis=-1)
        r, z = split(sigmoid(x_gates + h_gates), 2, axis=-1)
        n = tanh(x_n + r * h_n)
        return (n + z * (h - n),)


def _declare(layer: Any, blocks: int = 1, **biases: Any) -> None:
    """The matrices of a layer, whose blocks of columns start each by itself, and its biases."""
    rates = _rates(layer)
    if len(rates) != len(layer.state) or not all(isinstance(p, int | float) and 0 <= p <= 1 for p in rates):
        what = f"zoneout must be a probability, or one for each part of the state ({', '.join(layer.state)})"
        raise ArgumentError(f"{type(layer).__name__}: {what}, not {layer.zoneout}")
    W_x = ((layer.n_in, blocks * layer.n_hidden), partial(_in_blocks, start=layer.start_x, blocks=blocks))
    W_h = ((layer.n_hidden, blocks * layer.n_hidden), partial(_in_blocks, start=layer.start_h, blocks=blocks))
    declare(layer, layer.name, dtype=layer.dtype, W_x=W_x, W_h=W_h, **biases)


def _in_blocks(rng: Any, shape: Any, dtype: Any = "float64", *, start: init.Initializer, blocks: int) -> init.Array:
    parts = [start(rng, (shape[0], shape[1] // blocks), dtype) for _ in range(blocks)]
    return np.concatenate(parts, axis=1)


def _second_of_four(rng: Any, shape: Any, dtype: Any = "float64", *, value: float) -> init.Array:
    """Zeros, but the second of four blocks has this value."""
    return np.repeat(np.array([0, value, 0, 0], dtype), shape[0] // 4)


def _rates(layer: Recurrent) -> tuple[float, ...]:
    """The zoneout of each part of the state."""
    given = layer.zoneout
    return tuple(given) if isinstance(given, tuple | list) else (given,) * len(layer.state)


def _draws(layer: Recurrent, sizes: Shape, dtype: DType) -> tuple[Any, ...]:
    """Uniform numbers for each part of the state that has zoneout."""
    shape, kind = (*sizes, layer.n_hidden), dtype if dtype == np.float32 else np.float64
    return tuple(uniform(shape=shape, dtype=kind) if p else None for p in _rates(layer))


def _time_first(layer: Recurrent, x: Any) -> Node:
    name = type(layer).__name__
    x = with_features(name, x, layer.n_in)
    axes = ("batch", "T", "features") if layer.batch_first else ("T", "batch", "features")
    if x.ndim < 2 + layer.batch_first:
        fail(ShapeError, f"{name}: {label(x)} is {x.type}, needs the axes ({', '.join(axes)})", x)
    return swapaxes(x, 0, 1) if layer.batch_first else x


def _parts(layer: Recurrent, state: State) -> tuple[Node, ...]:
    """A state as a tuple, whatever its number of parts."""
    parts = tuple(state) if isinstance(state, tuple | list) else (state,)
    if len(parts) != len(layer.state):
        names = ", ".join(layer.state)
        raise ArgumentError(f"{type(layer).__name__}: the state is ({names}), not {len(parts)} arrays")
    return tuple(map(as_node, parts))


def _fitted(layer: Recurrent, name: str, part: Node, rows: Shape, dtype: DType) -> Node:
    """A part of a given state, for all rows."""
    shape = (*rows, layer.n_hidden)
    if broadcast_shapes(part.shape, shape) != shape:
        what = f"{type(layer).__name__}: the state {name} is {shape_text(part.shape)}, needs {shape_text(shape)}"
        fail(ShapeError, what, part)
    fitted: Node = broadcast_to(cast(part, dtype), shape)
    return fitted


def _state(parts: list[Node]) -> State:
    """The only part, or the tuple of all."""
    return tuple(parts) if len(parts) > 1 else parts[0]
