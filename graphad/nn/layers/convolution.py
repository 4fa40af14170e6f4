"""Layers that convolve: `Conv1d`, `Conv2d`, `Conv3d` and their transposes, which hold the filters W and the biases b.

All six share fields, checks and `forward`, in ``_Convolution``; the arithmetic is that of `graphad.nn.conv2d`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from graphad.errors import ArgumentError
from graphad.ir.core import Node, fail
from graphad.nn import init
from graphad.nn.convolution import (
    Ints,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    ints,
    paddings,
)
from graphad.nn.layers.base import Layer, declare
from graphad.nn.layers.linear import check_counts, uniform_within, with_features


@dataclass(frozen=True, eq=False, repr=False)
class _Convolution(Layer):
    """What all convolutions hold; subclasses say which ``function`` of how many ``axes`` they call."""

    in_channels: int
    out_channels: int
    kernel: Ints
    stride: Ints = 1
    padding: Ints | str = 0
    dilation: Ints = 1
    groups: int = 1
    bias: bool = True
    start: init.Initializer | None = None
    dtype: Any = "float64"
    name: str | None = None
    W: Node = field(init=False)
    b: Node | None = field(init=False)

    axes: ClassVar[int]
    function: ClassVar[Callable[..., Node]]
    transposed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        kernel, (n_in, n_out) = self._checked(), (self.in_channels // self.groups, self.out_channels // self.groups)
        channels = (self.in_channels, n_out) if self.transposed else (self.out_channels, n_in)
        # `init.kaiming_uniform`, but for what one output sums in a transposed convolution or a group, too
        limit = init.gain("relu") * math.sqrt(3 / max(n_in * math.prod(kernel), 1))
        start = uniform_within(limit) if self.start is None else self.start
        b = ((self.out_channels,), init.zeros) if self.bias else None
        declare(self, self.name, dtype=self.dtype, W=((*channels, *kernel), start), b=b)

    def _checked(self) -> tuple[int, ...]:
        """The kernel, one size for each axis, once all arguments are found to be right."""
        name, n = type(self).__name__, self.axes
        kernel = ints(name, "kernel", self.kernel, n, least=1)
        stride = ints(name, "stride", self.stride, n, least=1)
        dilation = ints(name, "dilation", self.dilation, n, least=1)
        if self.transposed:
            ints(name, "padding", self.padding, n)
        else:
            paddings(name, self.padding, kernel, stride, dilation)
        check_counts(self, "in_channels", "out_channels", "groups")
        for which in ("in_channels", "out_channels"):
            channels = getattr(self, which)
            if channels % self.groups:
                fail(ArgumentError, f"{name}: {self.groups} groups do not divide {which}, {channels}")
        return kernel

    def forward(self, x: Any) -> Node:
        hint = f"the layout is (batch, channels{', size' * self.axes}); the batch axis may be left out"
        x = with_features(type(self).__name__, x, self.in_channels, -1 - self.axes, hint)
        options = ["stride", "padding", "dilation", "groups", *["output_padding"] * self.transposed]
        return self.function(x, self.W, self.b, **{k: getattr(self, k) for k in options})


@final
@dataclass(frozen=True, eq=False, repr=False)
class Conv1d(_Convolution):
    """`conv1d` with filters W (out_channels, in_channels // groups, width); arguments as in `Conv2d`."""

    axes = 1
    function = staticmethod(conv1d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Conv2d(_Convolution):
    """`conv2d` with filters W (out_channels, in_channels // groups, *kernel) and biases b (out_channels,).

    x (batch, in_channels, height, width), the batch may be missing. ``kernel``, ``stride``, ``padding`` (also "same",
    "valid") and ``dilation`` are ints or one int per axis. ``start`` gives the initial W; unless said it is uniform on
    ±sqrt(6 / n), n = in_channels // groups · kernel, which keeps the variance from relu to relu (`kaiming_uniform`;
    He et al. 2015). b starts with zeros. Raises ShapeError, ArgumentError.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", 3, 32, 32))
    >>> first = ga.nn.Conv2d(3, 16, 5, padding="same")
    >>> first(x).type, first.W
    (f64[batch, 16, 32, 32], <first_W = parameter : f64[16, 3, 5, 5]>)
    """

    axes = 2
    function = staticmethod(conv2d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Conv3d(_Convolution):
    """`conv3d` with filters W (out_channels, in_channels // groups, *kernel); arguments as in `Conv2d`."""

    axes = 3
    function = staticmethod(conv3d)


@dataclass(frozen=True, eq=False, repr=False)
class _Transposed(_Convolution):
    """What the transposes hold besides."""

    output_padding: Ints = 0

    transposed = True


@final
@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose1d(_Transposed):
    """`conv_transpose1d` with filters W (in_channels, out_channels // groups, width); see `ConvTranspose2d`."""

    axes = 1
    function = staticmethod(conv_transpose1d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose2d(_Transposed):
    """`conv_transpose2d` with filters W (in_channels, out_channels // groups, *kernel) and biases b (out_channels,).

    Arguments as in `Conv2d`; ``padding`` is given in ints, ``output_padding`` by its name. A ``start`` from `init` that
    is to count the inputs of an output needs ``mode="fan_out"`` here; that of `Conv2d` does without. A stride leaves
    each output the fewer inputs, which is not counted. Raises ShapeError, ArgumentError.

    >>> import graphad as ga
    >>> x = ga.input("x", ("batch", 16, 8, 8))
    >>> ga.nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1)(x).type
    f64[batch, 3, 16, 16]
    """

    axes = 2
    function = staticmethod(conv_transpose2d)


@final
@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose3d(_Transposed):
    """`conv_transpose3d` with filters W (in_channels, out_channels // groups, *kernel); see `ConvTranspose2d`."""

    axes = 3
    function = staticmethod(conv_transpose3d)
