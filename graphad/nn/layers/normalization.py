"""Layers that normalize: the functions of `graphad.nn` with learned gamma (scale) and beta (shift), running statistics.

gamma starts with ones, beta with zeros; ``affine=False`` leaves both out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, final

from graphad.errors import ArgumentError, ShapeError
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size
from graphad.ir.origin import christen
from graphad.ir.types import Shape, as_shape, shape_text
from graphad.nn import init
from graphad.nn.layers.base import Layer, Training, declare, in_training
from graphad.nn.layers.linear import check_counts, with_features
from graphad.nn.normalization import (
    batch_norm,
    batch_norm_statistics,
    group_norm,
    instance_norm,
    layer_norm,
    rms_norm,
)
from graphad.ops.leaves import as_node


@final
@dataclass(frozen=True, eq=False, repr=False)
class BatchNorm(Layer):
    """Each channel (axis 1) normalized over the batch and all positions, if any (Ioffe & Szegedy 2015).

    Inside `training` by the statistics of the batch. Then ``updates`` of the block has the new running ones,
    (1 - momentum)·old + momentum·that of the batch, with the unbiased variance, for ``compile(..., updates=)``. Outside
    by the running ones: the buffers mean and var, which start with zeros and ones. Raises ShapeError, ArgumentError.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", 4, 8, 8))
    >>> norm = ga.nn.BatchNorm(4)
    >>> with ga.nn.training() as run:
    ...     y = norm(x)
    >>> [(old.name, new.type) for old, new in run.updates.items()]
    [('norm_mean', f64[4]), ('norm_var', f64[4])]
    """

    features: int
    momentum: float = 0.1
    eps: float = 1e-5
    affine: bool = True
    dtype: Any = "float64"
    name: str | None = None
    gamma: Node | None = field(init=False)
    beta: Node | None = field(init=False)
    mean: Node = field(init=False)
    var: Node = field(init=False)

    def __post_init__(self) -> None:
        check_counts(self, "features")
        if not isinstance(self.momentum, Real) or not 0 <= self.momentum <= 1:
            hint = "it is the weight of the batch: 0.1 changes the running statistics by a tenth"
            fail(ArgumentError, f"BatchNorm: momentum must be from 0 to 1, not {self.momentum}", hint=hint)
        running = {"mean": ((self.features,), init.zeros), "var": ((self.features,), init.ones)}
        affine = _affine(self, self.features)
        declare(self, self.name, dtype=self.dtype, buffers=running, **affine, **running)

    def forward(self, x: Any) -> Node:
        x = with_features("BatchNorm", x, self.features, 1)
        run = in_training()
        if run is None:
            return batch_norm(x, self.mean, self.var, self.gamma, self.beta, eps=self.eps)
        y = batch_norm(x, weight=self.gamma, bias=self.beta, training=True, eps=self.eps)
        self._leave(x, run)
        return y

    def _leave(self, x: Node, run: Training) -> None:
        """The running statistics after this batch, for whoever compiles."""
        mean, var = run.current(self.mean), run.current(self.var)
        new = batch_norm_statistics(x, mean, var, self.momentum)
        for buffer, value in zip((self.mean, self.var), new, strict=True):
            christen(value.origin, f"new_{buffer.name}")
            run.updates[buffer] = value


@final
@dataclass(frozen=True, eq=False, repr=False)
class InstanceNorm(Layer):
    """Each channel (axis 1) of each image normalized over its positions (Ulyanov et al. 2016); affine unless said.

    No running statistics: it acts alike in training and evaluation. Raises ShapeError.
    """

    features: int
    eps: float = 1e-5
    affine: bool = True
    dtype: Any = "float64"
    name: str | None = None
    gamma: Node | None = field(init=False)
    beta: Node | None = field(init=False)

    def __post_init__(self) -> None:
        check_counts(self, "features")
        declare(self, self.name, dtype=self.dtype, **_affine(self, self.features))

    def forward(self, x: Any) -> Node:
        x = with_features("InstanceNorm", x, self.features, 1)
        return instance_norm(x, weight=self.gamma, bias=self.beta, eps=self.eps)


@final
@dataclass(frozen=True, eq=False, repr=False)
class GroupNorm(Layer):
    """``groups`` groups of channels (axis 1) of each image normalized together (Wu & He 2018).

    gamma and beta have one number per channel. Raises ShapeError, ArgumentError.
    """

    groups: int
    features: int
    eps: float = 1e-5
    affine: bool = True
    dtype: Any = "float64"
    name: str | None = None
    gamma: Node | None = field(init=False)
    beta: Node | None = field(init=False)

    def __post_init__(self) -> None:
        check_counts(self, "groups", "features")
        if self.features % self.groups:
            fail(ArgumentError, f"GroupNorm: {self.groups} groups do not divide {self.features} features")
        declare(self, self.name, dtype=self.dtype, **_affine(self, self.features))

    def forward(self, x: Any) -> Node:
        x = with_features("GroupNorm", x, self.features, 1)
        return group_norm(x, self.groups, self.gamma, self.beta, self.eps)


@final
@dataclass(frozen=True, eq=False, repr=False)
class LayerNorm(Layer):
    """Normalized over the last axes, whose sizes are ``shape``, an int or several (Ba et al. 2016).

    gamma and beta have the shape ``shape``. Raises ShapeError.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", "length", 64))
    >>> ga.nn.LayerNorm(64)(x).type
    f64[batch, length, 64]
    """

    shape: Size | Sequence[Size]
    eps: float = 1e-5
    affine: bool = True
    dtype: Any = "float64"
    name: str | None = None
    gamma: Node | None = field(init=False)
    beta: Node | None = field(init=False)

    def __post_init__(self) -> None:
        declare(self, self.name, dtype=self.dtype, **_affine(self, self.shape))

    def forward(self, x: Any) -> Node:
        x, shape = _with_last(self, x)
        return layer_norm(x, shape, self.gamma, self.beta, self.eps)


@final
@dataclass(frozen=True, eq=False, repr=False)
class RMSNorm(Layer):
    """x / √(mean of x² + eps)·gamma over the last axes, whose sizes are ``shape`` (Zhang & Sennrich 2019).

    No mean is subtracted, and there is no beta. ``eps``: that of x's dtype unless given. Raises ShapeError.
    """

    shape: Size | Sequence[Size]
    eps: float | None = None
    affine: bool = True
    dtype: Any = "float64"
    name: str | None = None
    gamma: Node | None = field(init=False)

    def __post_init__(self) -> None:
        gamma = _affine(self, self.shape)["gamma"]
        declare(self, self.name, dtype=self.dtype, gamma=gamma)

    def forward(self, x: Any) -> Node:
        x, shape = _with_last(self, x)
        return rms_norm(x, shape, self.gamma, self.eps)


def _affine(layer: Any, shape: Any) -> dict[str, Any]:
    """What `declare` gets for gamma and beta. Raises ShapeError for a shape without axes."""
    sizes = as_shape(shape)
    if not sizes:
        fail(ShapeError, f"{type(layer).__name__}: there is no axis to normalize in shape=()")
    if not layer.affine:
        return {"gamma": None, "beta": None}
    return {"gamma": (sizes, init.ones), "beta": (sizes, init.zeros)}


def _with_last(layer: Any, value: Any) -> tuple[Node, Shape]:
    """The node and the sizes of its last axes, in the words of the layer."""
    x, shape = as_node(value), as_shape(layer.shape)
    if x.shape[-len(shape) :] != shape:
        name = type(layer).__name__
        fail(ShapeError, f"{name}: {label(x)} is {x.type}, the last sizes must be {shape_text(shape)}", x)
    return x, shape
