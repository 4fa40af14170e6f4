"""Layers that pool: the functions of `graphad.nn` with their arguments held. They have no parameters.

One class holds the arguments of each kind of pool; its subclasses say which function they call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

from graphad.ir.core import Node
from graphad.nn.adaptive_pooling import (
    Sizes,
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    global_avg_pool,
    global_max_pool,
)
from graphad.nn.convolution import Ints
from graphad.nn.layers.base import Layer
from graphad.nn.pooling import (
    arguments,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)


@dataclass(frozen=True, eq=False, repr=False)
class _MaxPool(Layer):
    """What max pools hold."""

    kernel: Ints
    stride: Ints | None = None
    padding: Ints = 0
    dilation: Ints = 1
    ceil_mode: bool = False

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Node]]

    def __post_init__(self) -> None:
        arguments(type(self).__name__, self.axes, self.kernel, self.stride, self.padding, self.dilation)

    def forward(self, x: Any) -> Node:
        return self.function(x, self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode)


@final
@dataclass(frozen=True, eq=False, repr=False)
class MaxPool1d(_MaxPool):
    """`max_pool1d`: the largest element of each window."""

    axes = 1
    function = staticmethod(max_pool1d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class MaxPool2d(_MaxPool):
    """`max_pool2d`: the largest element of each window; equal ones share the gradient.

    ``stride``: the kernel's size unless given. Raises ArgumentError, ShapeError.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", 6, 28, 28))
    >>> ga.nn.MaxPool2d(2)(x).type
    f64[batch, 6, 14, 14]
    """

    axes = 2
    function = staticmethod(max_pool2d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class MaxPool3d(_MaxPool):
    """`max_pool3d`: the largest element of each window."""

    axes = 3
    function = staticmethod(max_pool3d)


@dataclass(frozen=True, eq=False, repr=False)
class _AvgPool(Layer):
    """What average pools hold."""

    kernel: Ints
    stride: Ints | None = None
    padding: Ints = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Node]]

    def __post_init__(self) -> None:
        arguments(type(self).__name__, self.axes, self.kernel, self.stride, self.padding, 1)

    def forward(self, x: Any) -> Node:
        return self.function(x, self.kernel, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AvgPool1d(_AvgPool):
    """`avg_pool1d`: the mean of each window."""

    axes = 1
    function = staticmethod(avg_pool1d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AvgPool2d(_AvgPool):
    """`avg_pool2d`: the mean of each window.

    ``stride``: the kernel's size unless given. Raises ArgumentError, ShapeError.
    """

    axes = 2
    function = staticmethod(avg_pool2d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AvgPool3d(_AvgPool):
    """`avg_pool3d`: the mean of each window."""

    axes = 3
    function = staticmethod(avg_pool3d)


@dataclass(frozen=True, eq=False, repr=False)
class _AdaptivePool(Layer):
    """What pools into a given number of parts hold."""

    size: Sizes

    function: ClassVar[Callable[..., Node]]

    def forward(self, x: Any) -> Node:
        return self.function(x, self.size)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveAvgPool1d(_AdaptivePool):
    """`adaptive_avg_pool1d`: means over ``size`` parts of the axis."""

    function = staticmethod(adaptive_avg_pool1d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveAvgPool2d(_AdaptivePool):
    """`adaptive_avg_pool2d`: means over a grid of ``size`` parts, (rows, columns) or one int for both.

    Raises ArgumentError, ShapeError.
    """

    function = staticmethod(adaptive_avg_pool2d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveAvgPool3d(_AdaptivePool):
    """`adaptive_avg_pool3d`: means over a grid of ``size`` parts."""

    function = staticmethod(adaptive_avg_pool3d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveMaxPool1d(_AdaptivePool):
    """`adaptive_max_pool1d`: the largest elements of ``size`` parts of the axis."""

    function = staticmethod(adaptive_max_pool1d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveMaxPool2d(_AdaptivePool):
    """`adaptive_max_pool2d`: the largest elements of a grid of ``size`` parts, (rows, columns) or one int for both."""

    function = staticmethod(adaptive_max_pool2d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveMaxPool3d(_AdaptivePool):
    """`adaptive_max_pool3d`: the largest elements of a grid of ``size`` parts."""

    function = staticmethod(adaptive_max_pool3d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class GlobalAvgPool(Layer):
    """The mean of each channel over all positions: (batch, channels, *positions) becomes (batch, channels)."""

    keepdims: bool = False

    def forward(self, x: Any) -> Node:
        return global_avg_pool(x, self.keepdims)


@final
@dataclass(frozen=True, eq=False, repr=False)
class GlobalMaxPool(Layer):
    """The largest element of each channel over all positions: (batch, channels, *positions) to (batch, channels)."""

    keepdims: bool = False

    def forward(self, x: Any) -> Node:
        return global_max_pool(x, self.keepdims)
