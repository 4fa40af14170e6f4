"""Data augmentation: `graphad.train.augment`, functions of arrays that give changed copies of images.

Each is called as ``f(rng, images)`` with a `numpy.random.Generator` and has its options as keywords, to be bound by
`functools.partial`. Images are (batch, height, width) or (batch, channels, height, width), of any real dtype, which the
result has, too; integers are rounded, and held within their range. Each image draws for itself; its channels change
together. The input stays as it is; the same state of the generator gives the same images.

>>> import numpy as np
>>> from functools import partial
>>> from graphad.train import augment
>>> change = augment.compose(augment.flip, partial(augment.random_crop, padding=2), augment.brightness)
>>> images = np.random.default_rng(0).random((8, 3, 32, 32))
>>> change(np.random.default_rng(1), images).shape
(8, 3, 32, 32)

Raises ArgumentError and ShapeError for what is no generator, no images, or an option out of its range; DTypeError.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.ir.types import shape_text
from graphad.ops.attributes import as_float, as_int

__all__ = ["brightness", "compose", "contrast", "flip", "random_crop", "rotate", "shift"]

Array = np.ndarray[Any, Any]
Change = Callable[[np.random.Generator, Array], Array]


def compose(*functions: Change) -> Change:
    """One change after the other, as one function (rng, images) -> images. Raises ArgumentError."""
    for k, function in enumerate(functions):
        if not callable(function):
            hint = "bind options by functools.partial(augment.rotate, degrees=5)"
            raise ArgumentError(f"compose: argument {k} is a {type(function).__name__}, not a function", hint=hint)

    def change(rng: np.random.Generator, images: Array) -> Array:
        images = _checked("compose", rng, images)
        result = images
        for function in functions:
            result = function(rng, result)
        return images.copy() if result is images else result

    return change


def flip(rng: np.random.Generator, images: Array, *, p: float = 0.5, axis: str = "horizontal") -> Array:
    """Mirrored with probability ``p``: left and right exchanged, or top and bottom for ``axis="vertical"``."""
    images, p = _checked("flip", rng, images), as_float(p, "flip: p", 0, 1)
    if axis not in ("horizontal", "vertical"):
        raise ArgumentError(f"flip: axis must be 'horizontal' or 'vertical', not {axis!r}")
    turned = images[..., ::-1] if axis == "horizontal" else images[..., ::-1, :]
    chosen, result = rng.random(len(images)) < p, images.copy()
    result[chosen] = turned[chosen]
    return result


def random_crop(
    rng: np.random.Generator,
    images: Array,
    *,
    padding: int = 4,
    size: int | tuple[int, int] | None = None,
    fill: float = 0,
) -> Array:
    """A part of ``size`` (height and width, those of the images unless given) from any place of the padded image.

    ``padding`` pixels of the value ``fill`` are put on every side first (He et al. 2016 take 4 for 32 by 32 pixels).
    """
    images = _checked("random_crop", rng, images)
    border = _count("random_crop: padding", padding)
    given = size if isinstance(size, tuple) else images.shape[-2:] if size is None else (size, size)
    height, width = (_count("random_crop: size", n) for n in given)
    value = _fill("random_crop", fill, images)
    padded = np.pad(images, [(0, 0)] * (images.ndim - 2) + [(border, border)] * 2, constant_values=value)
    if height > padded.shape[-2] or width > padded.shape[-1]:
        what = f"random_crop: the size {(height, width)} is larger than the padded images {padded.shape[-2:]}"
        raise ShapeError(what)
    top = rng.integers(0, padded.shape[-2] - height + 1, len(images))
    left = rng.integers(0, padded.shape[-1] - width + 1, len(images))
    rows, columns = top[:, None] + np.arange(height), left[:, None] + np.arange(width)
    return _at(padded, rows[:, :, None], columns[:, None, :])


def shift(rng: np.random.Generator, images: Array, *, pixels: int = 2, fill: float = 0) -> Array:
    """Moved by up to so many whole pixels up or down, and left or right; what is uncovered has the value ``fill``."""
    images = _checked("shift", rng, images)
    return random_crop(rng, images, padding=_count("shift: pixels", pixels), fill=fill)


def rotate(rng: np.random.Generator, images: Array, *, degrees: float = 15.0, fill: float = 0) -> Array:
    """Turned around the center by an angle drawn from ±``degrees``, bilinearly interpolated; outside is ``fill``."""
    images = _checked("rotate", rng, images)
    limit = as_float(degrees, "rotate: degrees", 0, math.inf)
    outside = _fill("rotate", fill, images)
    angle = np.deg2rad(rng.uniform(-limit, limit, len(images)))[:, None, None]
    height, width = images.shape[-2:]
    y = (np.arange(height) - (height - 1) / 2)[:, None]
    x = np.arange(width) - (width - 1) / 2
    rows = np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2
    columns = np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2
    return _fit(images.dtype, _bilinear(images, rows, columns, outside))


def brightness(
    rng: np.random.Generator, images: Array, *, amount: float = 0.2, limits: tuple[float, float] | None = None
) -> Array:
    """Each image times a factor drawn from [1 - amount, 1 + amount], at least 0; then held within ``limits``."""
    images = _checked("brightness", rng, images)
    changed = _factors("brightness", rng, images, amount) * images
    return _fit(images.dtype, changed, limits)


def contrast(
    rng: np.random.Generator, images: Array, *, amount: float = 0.2, limits: tuple[float, float] | None = None
) -> Array:
    """Each image's distance from its mean times a factor as of `brightness`; then held within ``limits``."""
    images = _checked("contrast", rng, images)
    factors = _factors("contrast", rng, images, amount)
    mean = images.mean(axis=tuple(range(1, images.ndim)), keepdims=True, dtype="float64")
    return _fit(images.dtype, mean + factors * (images - mean), limits)


def _checked(name: str, rng: Any, images: Any) -> Array:
    if not isinstance(rng, np.random.Generator):
        hint = f"use augment.{name}(np.random.default_rng(seed), images)" if name != "compose" else ""
        raise ArgumentError(f"{name}: rng must be a NumPy Generator, not {type(rng).__name__}", hint=hint)
    array = np.asarray(images)
    if array.dtype.kind not in "fiu":
        raise DTypeError(f"{name}: images must have a real dtype, not {array.dtype}")
    if array.ndim not in (3, 4) or 0 in array.shape[1:]:
        forms = "(batch, height, width) or (batch, channels, height, width)"
        hint = "flat rows: reshape them before, and back after it" if array.ndim == 2 else ""
        raise ShapeError(f"{name}: images must be {forms}, not {shape_text(array.shape)}", hint=hint)
    return array


def _count(what: str, value: Any) -> int:
    number = as_int(value, what)
    if number < 0:
        raise ArgumentError(f"{what} must not be negative, not {number}")
    return number


def _fill(name: str, value: Any, images: Array) -> float:
    """What stands where there is no image. Raises ArgumentError where the dtype of the images cannot hold it."""
    number = as_float(value, f"{name}: fill", -math.inf, math.inf)
    if _fit(images.dtype, np.asarray(number)) != number and images.dtype.kind in "iu":
        raise ArgumentError(f"{name}: images of {images.dtype} cannot hold the fill {number:g}")
    return number


def _per_image(values: Array, images: Array) -> Array:
    """One value for each image, in a shape that broadcasts."""
    return values.reshape(-1, *[1] * (images.ndim - 1))


def _factors(name: str, rng: np.random.Generator, images: Array, amount: float) -> Array:
    size = as_float(amount, f"{name}: amount", 0, math.inf)
    return _per_image(rng.uniform(max(0.0, 1 - size), 1 + size, len(images)), images)


def _at(images: Array, rows: Array, columns: Array) -> Array:
    """Pixels at whole positions (batch, …, …) that broadcast, for all channels."""
    which = np.arange(len(images))[:, None, None]
    if images.ndim == 3:
        return images[which, rows, columns]
    channels = np.arange(images.shape[1])[:, None, None]
    return images[which[:, None], channels, rows[:, None], columns[:, None]]


def _bilinear(images: Array, rows: Array, columns: Array, outside: float) -> Array:
    """Values between pixels, at (batch, height, width) positions; whatever is not on the image is ``outside``."""
    padded = np.pad(
        images.astype("float64"), [(0, 0)] * (images.ndim - 2) + [(1, 1)] * 2, constant_values=outside
    )  # one pixel on every side stands for all that is farther out
    height, width = padded.shape[-2:]
    y, x = np.clip(rows + 1, 0, height - 1), np.clip(columns + 1, 0, width - 1)
    top, left = np.minimum(np.floor(y), height - 2).astype(int), np.minimum(np.floor(x), width - 2).astype(int)
    down, right = y - top, x - left
    if images.ndim == 4:
        down, right = down[:, None], right[:, None]
    upper = (1 - right) * _at(padded, top, left) + right * _at(padded, top, left + 1)
    lower = (1 - right) * _at(padded, top + 1, left) + right * _at(padded, top + 1, left + 1)
    return np.asarray((1 - down) * upper + down * lower)


def _fit(dtype: np.dtype[Any], values: Array, limits: tuple[float, float] | None = None) -> Array:
    """Values within the limits, in a dtype; integers are rounded and held within what they can be."""
    if limits is not None:
        if not (isinstance(limits, tuple) and len(limits) == 2 and limits[0] <= limits[1]):
            raise ArgumentError(f"limits must be (low, high), not {limits!r}")
        values = np.clip(values, *limits)
    if dtype.kind in "iu":
        low, high = (float(n) for n in (np.iinfo(dtype).min, np.iinfo(dtype).max))
        if dtype.itemsize == 8:
            high = math.nextafter(high, 0)  # as a float the largest one is too large by 1
        values = np.clip(np.rint(values), low, high)
    return np.asarray(values, dtype)
