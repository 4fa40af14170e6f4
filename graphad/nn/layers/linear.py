"""Layers that multiply by a matrix, and containers: what a multilayer perceptron is made of."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import product
from graphad.nn import init
from graphad.nn.attention import embedding
from graphad.nn.layers.base import Layer, declare
from graphad.ops.attributes import as_int
from graphad.ops.contract import einsum, matmul
from graphad.ops.layout import reshape
from graphad.ops.leaves import as_node

_STANDARD_NORMAL = partial(init.normal, std=1.0)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Linear(Layer):
    """x @ W + b: x (..., n_in) becomes (..., n_out); W has shape (n_in, n_out).

    ``start`` gives the initial W, uniform on ±sqrt(6 / (n_in + n_out)) unless said; b starts with zeros. Raises
    ShapeError.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", 64))
    >>> hidden = ga.nn.Linear(64, 32)
    >>> ga.tanh(hidden(x)).type, hidden.W
    (f64[batch, 32], <hidden_W = parameter : f64[64, 32]>)
    """

    n_in: int
    n_out: int
    bias: bool = True
    start: init.Initializer = init.xavier_uniform
    dtype: Any = "float64"
    name: str | None = None
    W: Node = field(init=False)
    b: Node | None = field(init=False)

    def __post_init__(self) -> None:
        b = ((self.n_out,), init.zeros) if self.bias else None
        declare(self, self.name, dtype=self.dtype, W=((self.n_in, self.n_out), self.start), b=b)

    def forward(self, x: Any) -> Node:
        x = with_features("Linear", x, self.n_in)
        y = matmul(x, self.W)
        return y if self.b is None else y + self.b


@final
@dataclass(frozen=True, eq=False, repr=False)
class Bilinear(Layer):
    """x₁ᵀ W[k] x₂ + b[k] for each k: x1 (..., n_in1), x2 (..., n_in2) become (..., n_out); W (n_out, n_in1, n_in2).

    W starts uniform on ±sqrt(1 / n_in1), as in PyTorch. Raises ShapeError.
    """

    n_in1: int
    n_in2: int
    n_out: int
    bias: bool = True
    dtype: Any = "float64"
    name: str | None = None
    W: Node = field(init=False)
    b: Node | None = field(init=False)

    def __post_init__(self) -> None:
        b = ((self.n_out,), init.zeros) if self.bias else None
        sizes = (self.n_out, self.n_in1, self.n_in2)
        declare(self, self.name, dtype=self.dtype, W=(sizes, uniform_within(max(self.n_in1, 1) ** -0.5)), b=b)

    def forward(self, x1: Any, x2: Any) -> Node:
        x1 = with_features("Bilinear", x1, self.n_in1)
        x2 = with_features("Bilinear", x2, self.n_in2)
        y = einsum("...i,oij,...j->...o", x1, self.W, x2)
        return y if self.b is None else y + self.b


@final
@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Layer):
    """Row i of the table W (count, n_out) for each integer i: x (...) becomes (..., n_out).

    ``padding``: the index of a row that gets no gradient. W starts with N(0, 1). Raises DTypeError, ShapeError.
    """

    count: int
    n_out: int
    padding: int | None = None
    start: init.Initializer = _STANDARD_NORMAL
    dtype: Any = "float64"
    name: str | None = None
    W: Node = field(init=False)

    def __post_init__(self) -> None:
        declare(self, self.name, dtype=self.dtype, W=((self.count, self.n_out), self.start))

    def forward(self, x: Any) -> Node:
        return embedding(x, self.W, self.padding)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Flatten(Layer):
    """All axes from ``start`` on become one: (batch, 3, 8, 8) becomes (batch, 192). Raises ShapeError."""

    start: int = 1

    def forward(self, x: Any) -> Node:
        x = as_node(x)
        first = self.start + x.ndim if self.start < 0 else self.start
        if not 0 <= first < max(x.ndim, 1):
            fail(ShapeError, f"Flatten: {label(x)} has no axis {self.start}", x)
        return reshape(x, (*x.shape[:first], product(x.shape[first:])))


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class Sequential(Layer):
    """Layers and functions, one after the other: ``Sequential(Linear(64, 32), ga.tanh, Linear(32, 10))``.

    Takes indices and slices. Raises ArgumentError for what cannot be called.
    """

    steps: tuple[Callable[..., Any], ...]

    def __init__(self, *steps: Callable[..., Any]) -> None:
        check_steps("Sequential", steps)
        object.__setattr__(self, "steps", steps)

    def forward(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return x

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter(self.steps)

    def __getitem__(self, key: int | slice) -> Any:
        return Sequential(*self.steps[key]) if isinstance(key, slice) else self.steps[key]


@final
@dataclass(frozen=True, eq=False, repr=False)
class Residual(Layer):
    """x + inner(x), or shortcut(x) + inner(x) where ``inner`` changes the shape (He et al. 2016).

    Raises ArgumentError for what cannot be called.
    """

    inner: Callable[..., Any]
    shortcut: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        check_function("Residual: inner", self.inner)
        if self.shortcut is not None:
            check_function("Residual: shortcut", self.shortcut)

    def forward(self, x: Any) -> Any:
        return (x if self.shortcut is None else self.shortcut(x)) + self.inner(x)


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class Lambda(Layer):
    """A function of nodes, with arguments bound, as a layer: ``Lambda(ga.reshape, shape=(-1, 64))``.

    Raises ArgumentError for what cannot be called.
    """

    function: Callable[..., Any]
    options: dict[str, Any]

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        check_function("Lambda: function", function)
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "options", options)

    def forward(self, *x: Any) -> Any:
        return self.function(*x, **self.options)


def with_features(name: str, x: Any, features: int, axis: int = -1, hint: str = "") -> Node:
    """A node whose axis has so many features. Raises ShapeError, in the words of the layer."""
    if isinstance(x, tuple):
        hint = "recurrent layers give a sequence and a state: take the first, or use RecurrentStack for Sequential"
        raise ArgumentError(f"{name} takes one array, not {len(x)}", hint=hint)
    node = as_node(x)
    size = node.shape[axis] if -node.ndim <= axis < node.ndim else 0
    if (isinstance(size, int) or isinstance(features, int)) and size != features:
        what = f"{name}: {label(node)} is {node.type}, needs {features} features on axis {axis}"
        fail(ShapeError, what, node, hint=hint)
    return node


def check_counts(layer: Layer, *fields: str) -> None:
    """Raise ArgumentError for a field that is not an int of at least 1."""
    for which in fields:
        what = f"{type(layer).__name__}: {which}"
        count = as_int(getattr(layer, which), what)
        if count < 1:
            fail(ArgumentError, f"{what} must be at least 1, not {count}")


def check_function(what: str, value: Any, hint: str = "give a layer, or a function such as ga.nn.relu") -> None:
    """Raise ArgumentError for what nodes cannot be given to; also for the class of a layer, which would make one."""
    if isinstance(value, type) and issubclass(value, Layer):
        name = value.__name__
        raise ArgumentError(f"{what} is the class {name}, not a layer", hint=f"call it with its arguments: {name}(...)")
    if not callable(value):
        raise ArgumentError(f"{what} is a {type(value).__name__}, not a layer or a function", hint=hint)


def check_steps(name: str, steps: Iterable[Any]) -> None:
    """`check_function` of layers that follow each other."""
    for k, step in enumerate(steps):
        check_function(f"{name}: step {k}", step, "give layers and functions, one after the other, not in a list")


def uniform_within(limit: float) -> init.Initializer:
    """Uniform on ±limit, whatever the shape."""

    def start(rng: Any, shape: Any, dtype: Any = "float64") -> init.Array:
        return np.asarray(rng.uniform(-limit, limit, shape), dtype)

    return start
