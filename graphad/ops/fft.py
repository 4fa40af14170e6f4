"""Discrete Fourier transforms over one axis or several: of complex numbers (fft, ifft), to and from real ones.

y[k] = Σ x[j]·exp(-2πi·j·k / n) with j and k from 0 to n - 1; the inverse has the other sign and the factor 1/n. The
matrix is symmetric, so under the pairing Re(Σ g·dz) of `casts.py` each of fft and ifft is its own transpose, whatever
its norm. `rfft` keeps the first half of the transform of real numbers, `irfft` makes real numbers of such a half; each
transpose is one transform more. Users call them by NumPy's names: see `graphad/fft.py`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np

from graphad.errors import ArgumentError, AxisError, DTypeError, ShapeError
from graphad.ir.core import Case, Linear, Node, Op, fail, label, op
from graphad.ir.dims import Dim, Size, parse_size
from graphad.ir.types import DType, Shape, TensorType
from graphad.ops.attributes import ShapeAttr, as_int, normal_axis
from graphad.ops.casts import cast, conj, part_dtype
from graphad.ops.diagonals import pad_zeros
from graphad.ops.fit import expand_dims
from graphad.ops.index import index
from graphad.ops.leaves import arange, as_node, plain
from graphad.ops.piecewise import where

# Attributes ---------------------------------------------------------------------------------------------------------


def _axes(value: Any, nodes: Sequence[Node]) -> tuple[int, ...]:
    return tuple(normal_axis(k, nodes) for k in value)


def _count(value: Any, nodes: Sequence[Node]) -> Size:
    """A number of points: an int of at least 1, or a named size."""
    size = parse_size(value) if isinstance(value, (Dim, str)) else as_int(value, "fft: the number of points", *nodes)
    if isinstance(size, int) and size < 1:
        fail(ShapeError, f"fft: {size} points have no transform", *nodes, hint="n must be at least 1")
    return size


def _counts(value: Any, nodes: Sequence[Node]) -> tuple[Size, ...]:
    return tuple(_count(n, nodes) for n in value)


def _norm(value: Any, nodes: Sequence[Node]) -> str | None:
    if value not in (None, "backward", "ortho", "forward"):
        fail(ArgumentError, f"fft: norm must be None, 'backward', 'ortho' or 'forward', not {value!r}", *nodes)
    return None if value == "backward" else value


Axes = Annotated[tuple[int, ...], _axes]
Counts = Annotated[tuple[Size, ...], _counts]
Norm = Annotated[str | None, _norm]


def natural_sizes(name: str, x: Node, axes: Sequence[int]) -> tuple[Size, ...]:
    """The numbers of points that a transform has unless they are given: of `irfft` an even one along the last axis."""
    sizes = tuple(x.shape[k] for k in axes)
    return (*sizes[:-1], 2 * (sizes[-1] - 1)) if name == "irfft" else sizes


def swapped(norm: str | None) -> str | None:
    """The norm with which the inverse transform has the factor that the transform has with this one."""
    return {None: "forward", "backward": "forward", "forward": None}.get(norm, norm)


# Sizes --------------------------------------------------------------------------------------------------------------


def _resize_numpy(node: Node) -> str:
    shapes = list(zip(node.inputs[0].shape, node.shape, strict=True))
    cut = ", ".join(":" if new == old else f":{new}" for old, new in shapes)
    widths = ", ".join("(0, 0)" if new == old else f"(0, np.maximum(0, {new - old}))" for old, new in shapes)
    return f"np.pad({{x}}[{cut}], [{widths}])"


@op(
    numpy=_resize_numpy,
    derivative=Linear(lambda g, x, shape: (resized(g, x.shape),)),
    coerce=plain,
    cases=(Case((3, 2), shape=(2, 4)), Case(("n",), shape=(5,)), Case(("n", 3), shape=(2, 3))),
)
def crop_or_pad(x: Node, shape: ShapeAttr) -> TensorType:
    """Each axis cut at its end, or filled up with zeros, to a new size: what a transform does when it is given n."""
    return TensorType(shape, x.dtype)


def resized(x: Node, shape: Shape) -> Node:
    """The array cut or filled up with zeros; `crop_or_pad` only where named sizes leave open which of the two."""
    gaps = [new - old for old, new in zip(x.shape, shape, strict=True)]
    known = [gap for gap in gaps if isinstance(gap, int)]
    if len(known) < len(gaps):
        return crop_or_pad(x, shape)
    if min(known, default=0) < 0:
        x = index(x, tuple(slice(new if gap < 0 else None) for new, gap in zip(shape, known, strict=True)))
    return pad_zeros(x, [(0, max(0, gap)) for gap in known]) if max(known, default=0) > 0 else x


# Transforms ---------------------------------------------------------------------------------------------------------


def _numpy(node: Node) -> str:
    """NumPy's shortest name for it: fft, fft2 over the last two axes, fftn."""
    (x,), name, axes = node.inputs, f"np.fft.{node.op.name}", node.attrs["axes"]
    given = node.attrs["s"] != natural_sizes(node.op.name, x, axes)
    last = axes == tuple(range(x.ndim - len(axes), x.ndim))
    if len(axes) == 1:
        n = f", n={node.attrs['s'][0]}" if given else ""
        return f"{name}({{x}}{n}{'' if last else f', axis={axes[0]}'}{{, norm}})"
    sizes = "{, s}" if given else ""
    if len(axes) == 2 and last:
        return f"{name}2({{x}}{sizes}{{, norm}})"
    return f"{name}n({{x}}{sizes}{'' if last and len(axes) == x.ndim and not given else '{, axes}'}{{, norm}})"


def _real(op: Op, operands: Sequence[Any]) -> list[Node]:
    (x,) = plain(op, operands)
    if x.dtype.kind == "c":
        what = f"{op.name}: {label(x)} is complex, the transform takes real numbers"
        fail(DTypeError, what, x, hint="use ga.fft.fft, or ga.real of the operand")
    return [x]


def _type(x: Node, axes: Sequence[int], s: Sequence[Size], dtype: DType) -> TensorType:
    if len(set(axes)) < len(axes):
        fail(AxisError, f"fft: axes {tuple(axes)} name an axis twice", x)
    if len(s) != len(axes):
        fail(ArgumentError, f"fft: {len(s)} numbers of points for {len(axes)} axes", x)
    sizes = dict(zip(axes, s, strict=True))
    return TensorType(tuple(sizes.get(k, n) for k, n in enumerate(x.shape)), dtype)


def _complex(x: Node) -> DType:
    return np.result_type(x.dtype, 1j)


def _cases(*sizes: int | str) -> tuple[Case, ...]:
    return tuple(Case((n,), axes=(0,), s=(n,)) for n in sizes)


_CASES = (
    *_cases(4, 5, 1, "n"),
    Case((3,), axes=(0,), s=(5,), norm="ortho"),
    Case((5, 2), axes=(0,), s=(4,), norm="forward"),
    Case((2, 3), axes=(0, 1), s=(2, 3)),
    Case((2, 3, 2), axes=(2, 0), s=(2, 3)),
    Case((2, "n"), axes=(1,), s=(2,)),
)
transform = partial(op, numpy=_numpy, cases=_CASES)


@transform(
    derivative=Linear(lambda g, x, axes, s, norm: (resized(cast(fft(g, axes, s, norm), x.dtype), x.shape),)),
    coerce=plain,
    latex=r"\mathcal{{F}}\left({x}\right)",
)
def fft(x: Node, axes: Axes, s: Counts, norm: Norm = None) -> TensorType:
    """The discrete Fourier transform with ``s`` points along ``axes``, complex; x is cut or filled up to ``s``."""
    return _type(x, axes, s, _complex(x))


@transform(
    derivative=Linear(lambda g, x, axes, s, norm: (resized(cast(ifft(g, axes, s, norm), x.dtype), x.shape),)),
    coerce=plain,
    latex=r"\mathcal{{F}}^{{-1}}\left({x}\right)",
)
def ifft(x: Node, axes: Axes, s: Counts, norm: Norm = None) -> TensorType:
    """The inverse of `fft`."""
    return _type(x, axes, s, _complex(x))


@transform(
    derivative=Linear(lambda g, x, axes, s, norm: (resized(cast(fft(g, axes, s, norm), x.dtype), x.shape),)),
    coerce=_real,
)
def rfft(x: Node, axes: Axes, s: Counts, norm: Norm = None) -> TensorType:
    """`fft` of real numbers without its second half: n // 2 + 1 along the last of the axes, the rest is conjugate.

    The transpose fills the missing half with zeros, transforms, and takes the real part.
    """
    return _type(x, axes, (*s[:-1], s[-1] // 2 + 1), _complex(x))


def _irfft_transpose(g: Node, x: Node, axes: tuple[int, ...], s: tuple[Size, ...], norm: str | None) -> Sequence[Node]:
    """What `irfft` reads once has the weight 1, what also stands for its conjugate the weight 2.

    Those read once are elements 0 and n / 2, of which only the real part counts.
    """
    spectrum = conj(rfft(g, axes, s, swapped(norm)))
    last, n = axes[-1], s[-1]
    one, two = as_node(1.0, g.dtype), as_node(2.0, g.dtype)
    weights = where(2 * arange(n // 2 + 1) % n == 0, one, two)
    if last < g.ndim - 1:
        weights = expand_dims(weights, tuple(range(1, g.ndim - last)))
    return (resized(cast(spectrum * weights, x.dtype), x.shape),)


@transform(
    derivative=Linear(_irfft_transpose),
    coerce=plain,
    cases=(*_CASES, *(Case((3,), axes=(0,), s=(n,)) for n in (4, 5, 2, 8)), Case((2, 3, 2), axes=(2, 0), s=(2, 4))),
)
def irfft(x: Node, axes: Axes, s: Counts, norm: Norm = None) -> TensorType:
    """The real numbers of which x is the `rfft`, ``s`` of them: the inverse transform of the half and its conjugate."""
    dtype = x.dtype if len(axes) == 1 else _complex(x)  # NumPy: float16 stays along one axis only
    return _type(x, axes, s, np.result_type(part_dtype(dtype), 1.0))


OPS = (crop_or_pad, fft, ifft, rfft, irfft)
