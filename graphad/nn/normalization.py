"""Normalizations: subtract a mean, divide by a standard deviation; they differ in the axes. Arguments as in PyTorch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ShapeError
from graphad.functional.statistics import degrees_left, var
from graphad.ir.core import Node, fail, label
from graphad.ir.dims import Size, product
from graphad.ir.origin import composite
from graphad.ir.types import as_shape, shape_text
from graphad.ops.attributes import as_int
from graphad.ops.elementwise import sqrt, square
from graphad.ops.fit import as_count, expand_dims, squeeze
from graphad.ops.layout import reshape
from graphad.ops.leaves import as_node
from graphad.ops.reduce import mean


@composite
def batch_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Node:
    """Each channel (axis 1) normalized over the batch and all positions (Ioffe & Szegedy 2015).

    With ``training`` the statistics are those of the input, else the running ones. A graph changes nothing in place:
    `batch_norm_statistics` gives the new running statistics, for ``updates=`` of `compile`; ``momentum`` is used there
    and is an argument here for PyTorch's sake. Raises ShapeError, ArgumentError.
    """
    x = _with_channels("batch_norm", input)
    if training:
        axes = _all_but_channels(x)
        if product([x.shape[k] for k in axes]) == 1:
            fail(ShapeError, f"batch_norm: {label(x)} has one value per channel: there is no variance", x)
        return _affine("batch_norm", _normalized(x, axes, eps), weight, bias)
    if running_mean is None or running_var is None:
        fail(ArgumentError, "batch_norm: without training=True the running statistics are needed", x)
    center, spread = (_per_channel("batch_norm", x, v) for v in (running_mean, running_var))
    return _affine("batch_norm", (x - center) / sqrt(spread + eps), weight, bias)


@composite
def batch_norm_statistics(input: Any, running_mean: Any, running_var: Any, momentum: float = 0.1) -> tuple[Node, Node]:
    """The running mean and variance after a batch: (1 - momentum)·old + momentum·that of the batch.

    As in PyTorch the variance is the unbiased one, unlike that by which `batch_norm` divides.

    ``compile(..., updates={running_mean: new_mean, running_var: new_var})`` writes them into the arrays given.
    """
    x = _with_channels("batch_norm_statistics", input)
    axes = _all_but_channels(x)
    old = [as_node(v) for v in (running_mean, running_var)]
    for v in old:
        _per_channel("batch_norm_statistics", x, v)
    center = mean(x, axis=axes, keepdims=True)  # as in `batch_norm`, and so computed once for both
    spread = squeeze(var(x, axis=axes, keepdims=True, mean=center), axes)
    count = as_count(product([x.shape[k] for k in axes]), spread.dtype)
    new = (squeeze(center, axes), spread * (count / degrees_left(count, 1)))
    new_mean, new_var = ((1 - momentum) * a + momentum * b for a, b in zip(old, new, strict=True))
    return new_mean, new_var


@composite
def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Node:
    """Each channel of each image normalized over its positions (Ulyanov et al. 2016). Raises ShapeError.

    Without ``use_input_stats`` the running statistics are used, as in `batch_norm`.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    x = _with_channels("instance_norm", input)
    axes = tuple(range(2, x.ndim))
    if product([x.shape[k] for k in axes]) == 1:
        fail(ShapeError, f"instance_norm: {label(x)} has one value per channel: there is no variance", x)
    return _affine("instance_norm", _normalized(x, axes, eps), weight, bias)


@composite
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Node:
    """Groups of channels of each image normalized together (Wu & He 2018). Raises ShapeError."""
    x = _with_channels("group_norm", input)
    groups, channels = as_int(num_groups, "group_norm: num_groups", x), x.shape[1]
    if groups < 1 or channels % groups != 0:
        fail(ShapeError, f"group_norm: {groups} groups do not divide the {channels} channels of {label(x)}", x)
    parts = reshape(x, (x.shape[0], groups, channels // groups, *x.shape[2:]))
    out = reshape(_normalized(parts, tuple(range(2, parts.ndim)), eps), x.shape)
    return _affine("group_norm", out, weight, bias)


@composite
def layer_norm(
    input: Any, normalized_shape: Size | Sequence[Size], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Node:
    """Normalized over the last axes, whose shape is ``normalized_shape`` (Ba et al. 2016). Raises ShapeError."""
    x = as_node(input)
    axes = _last_axes("layer_norm", x, normalized_shape, weight, bias)
    return _scaled(_normalized(x, axes, eps), weight, bias)


@composite
def rms_norm(input: Any, normalized_shape: Size | Sequence[Size], weight: Any = None, eps: float | None = None) -> Node:
    """x / √(mean of x² + eps) over the last axes (Zhang & Sennrich 2019). ``eps``: that of the dtype unless given."""
    x = as_node(input)
    axes = _last_axes("rms_norm", x, normalized_shape, weight)
    small = float(np.finfo(x.dtype.name if x.dtype.kind == "f" else "float64").eps) if eps is None else eps
    return _scaled(x / sqrt(mean(square(x), axis=axes, keepdims=True) + small), weight, None)


def _normalized(x: Node, axes: tuple[int, ...], eps: float) -> Node:
    centered = x - mean(x, axis=axes, keepdims=True)
    return centered / sqrt(mean(square(centered), axis=axes, keepdims=True) + eps)


def _with_channels(name: str, value: Any) -> Node:
    x = as_node(value)
    if x.ndim < 2:
        fail(ShapeError, f"{name}: {label(x)} has {x.ndim} axes, needs (batch, channels, ...)", x)
    return x


def _all_but_channels(x: Node) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _per_channel(name: str, x: Node, value: Any) -> Node:
    """A vector over channels, shaped to broadcast against the input."""
    v = as_node(value)
    if v.shape != (x.shape[1],):
        what = f"{name}: {label(v)} has shape {shape_text(v.shape)}, needs [{x.shape[1]}], one number per channel"
        fail(ShapeError, what, x, v)
    return expand_dims(v, tuple(range(1, x.ndim - 1))) if x.ndim > 2 else v


def _affine(name: str, x: Node, weight: Any, bias: Any) -> Node:
    weight, bias = (None if v is None else _per_channel(name, x, v) for v in (weight, bias))
    return _scaled(x, weight, bias)


def _scaled(x: Node, weight: Any, bias: Any) -> Node:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _last_axes(name: str, x: Node, normalized_shape: Any, *parameters: Any) -> tuple[int, ...]:
    shape = as_shape(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        what = f"{name}: the last sizes of {label(x)} are not {shape_text(shape)}"
        fail(ShapeError, what, x, hint="normalized_shape names the sizes of the last axes")
    for v in parameters:
        if v is not None and as_node(v).shape != shape:
            fail(ShapeError, f"{name}: {label(as_node(v))} does not have the shape {shape_text(shape)}", x, as_node(v))
    return tuple(range(x.ndim - len(shape), x.ndim))
