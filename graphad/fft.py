"""Discrete Fourier transforms by NumPy's names, as `numpy.fft`: functions of nodes.

Single precision stays single, integers become double. Sizes may be named: along an axis of size n, `rfft` gives
n // 2 + 1, and `irfft` 2 · (m - 1) of m unless it is told. For ``norm`` "backward" (the default) the inverse has the
factor 1/n, for "forward" the transform, for "ortho" both have 1/√n. Gradients of complex values pair without
conjugation: dL = Re(Σ g·dz), see `ops/casts.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, AxisError
from graphad.functional.layout import part
from graphad.ir.core import Node, Op, fail
from graphad.ir.dims import Dim, Size
from graphad.ir.origin import composite
from graphad.ops import fft as ops
from graphad.ops.attributes import as_int, normal_axis
from graphad.ops.casts import conj
from graphad.ops.elementwise import divide, multiply
from graphad.ops.index import concatenate
from graphad.ops.leaves import arange, as_node

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


def __dir__() -> list[str]:
    return __all__


# Over one axis ------------------------------------------------------------------------------------------------------


def _over_one(op: Op, x: Node, n: Size | None, axis: int, norm: str | None) -> Node:
    axes = (normal_axis(axis, [x]),)
    return op(x, axes, ops.natural_sizes(op.name, x, axes) if n is None else (n,), norm)


@composite
def fft(a: Any, n: Size | None = None, axis: int = -1, norm: str | None = None) -> Node:
    """The discrete Fourier transform along an axis, Σ a[j]·exp(-2πi·j·k / n), as `numpy.fft.fft`.

    The axis is cut or filled up with zeros to ``n`` first. Raises AxisError, ShapeError (no points), ArgumentError.
    """
    return _over_one(ops.fft, as_node(a), n, axis, norm)


@composite
def ifft(a: Any, n: Size | None = None, axis: int = -1, norm: str | None = None) -> Node:
    """The inverse of `fft`, as `numpy.fft.ifft`."""
    return _over_one(ops.ifft, as_node(a), n, axis, norm)


@composite
def rfft(a: Any, n: Size | None = None, axis: int = -1, norm: str | None = None) -> Node:
    """The first n // 2 + 1 elements of the `fft` of real numbers, as `numpy.fft.rfft`. DTypeError for complex ones."""
    return _over_one(ops.rfft, as_node(a), n, axis, norm)


@composite
def irfft(a: Any, n: Size | None = None, axis: int = -1, norm: str | None = None) -> Node:
    """The ``n`` real numbers whose `rfft` is a, as `numpy.fft.irfft`; of m elements 2 · (m - 1) unless n is given.

    The imaginary parts of elements 0 and n / 2 are not read: their gradient is 0.
    """
    return _over_one(ops.irfft, as_node(a), n, axis, norm)


@composite
def hfft(a: Any, n: Size | None = None, axis: int = -1, norm: str | None = None) -> Node:
    """The real `fft` of numbers that are conjugate to each other end to end, of which a is the first half."""
    return _over_one(ops.irfft, conj(a), n, axis, ops.swapped(norm))


@composite
def ihfft(a: Any, n: Size | None = None, axis: int = -1, norm: str | None = None) -> Node:
    """The inverse of `hfft`: the first half of the `ifft` of real numbers. DTypeError for complex ones."""
    return conj(_over_one(ops.rfft, as_node(a), n, axis, ops.swapped(norm)))


# Over several axes --------------------------------------------------------------------------------------------------


def _over_several(op: Op, x: Node, s: Sequence[Size | None] | None, axes: Any, norm: str | None) -> Node:
    if axes is None:
        axes = range(-x.ndim if s is None else -len(s), 0)
    if not isinstance(axes, Sequence):
        fail(ArgumentError, f"{op.name}n: axes must be a sequence of ints, not {axes!r}", x)
    axes = tuple(normal_axis(k, [x]) for k in axes)
    if not axes and op in (ops.rfft, ops.irfft):
        fail(AxisError, f"{op.name}n: at least one axis is needed", x)
    if s is not None and len(s) != len(axes):
        fail(ArgumentError, f"{op.name}n: s has {len(s)} sizes for {len(axes)} axes", x)
    if not axes:
        return x
    natural = ops.natural_sizes(op.name, x, axes)
    given = zip(s or natural, natural, axes, strict=True)
    sizes = [n if size is None else x.shape[k] if size == -1 else size for size, n, k in given]
    if len(set(axes)) == len(axes):
        return op(x, axes, sizes, norm)
    if op is ops.irfft:  # an axis is named twice: one transform after the other
        return op(_over_several(ops.ifft, x, sizes[:-1], axes[:-1], norm), axes[-1:], sizes[-1:], norm)
    rest = ops.ifft if op is ops.ifft else ops.fft
    return _over_several(rest, op(x, axes[-1:], sizes[-1:], norm), sizes[:-1], axes[:-1], norm)


Sizes = Sequence[Size | None] | None
Axes = Sequence[int] | None


@composite
def fftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Node:
    """`fft` along several axes (all unless given), as `numpy.fft.fftn`; ``s`` holds a size for each, -1 keeps it."""
    return _over_several(ops.fft, as_node(a), s, axes, norm)


@composite
def ifftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Node:
    """The inverse of `fftn`, as `numpy.fft.ifftn`."""
    return _over_several(ops.ifft, as_node(a), s, axes, norm)


@composite
def rfftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Node:
    """`rfft` along the last of the axes and `fft` along the others, as `numpy.fft.rfftn`. Real numbers only."""
    return _over_several(ops.rfft, as_node(a), s, axes, norm)


@composite
def irfftn(a: Any, s: Sizes = None, axes: Axes = None, norm: str | None = None) -> Node:
    """The inverse of `rfftn`, real, as `numpy.fft.irfftn`; an odd size along the last axis must be given in ``s``."""
    return _over_several(ops.irfft, as_node(a), s, axes, norm)


@composite
def fft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Node:
    """`fftn` over the last two axes, as `numpy.fft.fft2`."""
    return fftn(a, s, axes, norm)


@composite
def ifft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Node:
    """`ifftn` over the last two axes, as `numpy.fft.ifft2`."""
    return ifftn(a, s, axes, norm)


@composite
def rfft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Node:
    """`rfftn` over the last two axes, as `numpy.fft.rfft2`."""
    return rfftn(a, s, axes, norm)


@composite
def irfft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Node:
    """`irfftn` over the last two axes, as `numpy.fft.irfft2`."""
    return irfftn(a, s, axes, norm)


# Frequencies --------------------------------------------------------------------------------------------------------


def _points(n: Any) -> Size:
    size = n if isinstance(n, Dim) else as_int(n, "fftfreq: n")
    if isinstance(size, int) and size < 1:
        fail(ArgumentError, f"fftfreq: n must be at least 1, not {size}")
    return size


def _frequencies(steps: Node, n: Size, d: Any) -> Node:
    return multiply(steps, divide(1.0, multiply(as_node(n, np.dtype("float64")), d)))


@composite
def fftfreq(n: Size, d: Any = 1.0) -> Node:
    """The frequencies of `fft`'s elements, 0, 1, …, -1 over n·d, as `numpy.fft.fftfreq`; n may be a named size."""
    n = _points(n)
    return _frequencies(concatenate([arange(0, (n + 1) // 2), arange(-(n // 2), 0)]), n, d)


@composite
def rfftfreq(n: Size, d: Any = 1.0) -> Node:
    """The frequencies of `rfft`'s elements, 0, 1, …, n // 2 over n·d, as `numpy.fft.rfftfreq`."""
    n = _points(n)
    return _frequencies(arange(n // 2 + 1), n, d)


def _turned(x: Node, axes: Any, first: Callable[[Size], Size]) -> Node:
    """Along each axis the part from ``first(size)`` on is put to the front."""
    for axis in range(x.ndim) if axes is None else axes if isinstance(axes, Sequence) else [axes]:
        k = normal_axis(axis, [x])
        cut = first(x.shape[k])
        if cut not in (0, x.shape[k]):
            x = concatenate([part(x, k, slice(cut, None)), part(x, k, slice(None, cut))], axis=k)
    return x


@composite
def fftshift(x: Any, axes: int | Sequence[int] | None = None) -> Node:
    """The frequency 0 moved from the front to the middle of the axes (all unless given), as `numpy.fft.fftshift`."""
    return _turned(as_node(x), axes, lambda n: (n + 1) // 2)


@composite
def ifftshift(x: Any, axes: int | Sequence[int] | None = None) -> Node:
    """The inverse of `fftshift`: the frequency 0 moved from the middle to the front, as `numpy.fft.ifftshift`."""
    return _turned(as_node(x), axes, lambda n: n // 2)
