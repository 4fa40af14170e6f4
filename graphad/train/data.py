"""What a model is trained on: arrays with one row for each example, checked and named before the first step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np

from graphad.errors import ArgumentError, DTypeError, NonFiniteError, ShapeError
from graphad.ir.types import shape_text

Array = np.ndarray[Any, Any]

SPLIT, ORDER, DRAWS, EVALUATION = 1, 2, 3, 4  # what a stream of random numbers is for


def stream(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """The generator for a purpose and the number of an epoch or step.

    It depends on nothing else: a position is all that must be kept to go on from there.
    """
    return np.random.default_rng([seed, purpose, number + 1])


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs ``x`` and targets ``y``, each with one row per example; ``y`` may be empty."""

    x: tuple[Array, ...]
    y: tuple[Array, ...]

    @property
    def rows(self) -> int:
        """How many examples."""
        return len(self.x[0])

    @cached_property
    def checksum(self) -> str:
        """What other values of the same shapes do not have."""
        found = 0
        for _, array in self.named():
            found = crc32(np.ascontiguousarray(array).data, found)
        return f"{found:08x}"

    def take(self, chosen: Any) -> "Data":
        """The examples at these indices, or of this slice."""
        return Data(tuple(a[chosen] for a in self.x), tuple(a[chosen] for a in self.y))

    def named(self) -> list[tuple[str, Array]]:
        """The arrays with their names: x or x1, x2, …, then y or y1, y2, …."""
        return [*zip(names("x", self.x), self.x, strict=True), *zip(names("y", self.y), self.y, strict=True)]


def names(letter: str, parts: Sequence[Any]) -> list[str]:
    """Such as ["x"], or ["x1", "x2"] for several."""
    return [letter] if len(parts) == 1 else [f"{letter}{k}" for k in range(1, len(parts) + 1)]


def as_data(what: str, given: Any) -> Data:
    """Data from ``(x, y)`` or ``(x,)``, where x and y are arrays or tuples of arrays.

    Raises ArgumentError, DTypeError, ShapeError and NonFiniteError, which name the array and the place in it.
    """
    if isinstance(given, Data):
        return given
    if not isinstance(given, tuple | list) or len(given) not in (1, 2):
        found = f"{len(given)} parts" if isinstance(given, tuple | list) else f"a {type(given).__name__}"
        raise ArgumentError(f"{what} must be (x, y) or (x,), not {found}", hint="several inputs: ((x1, x2), y)")
    x, y = _parts(given[0]), _parts(given[1]) if len(given) == 2 else ()
    if not x:
        raise ArgumentError(f"{what} has no x", hint="give (x, y), or (x,) for a loss without targets")
    data = Data(
        tuple(_array(f"{what}: {name}", a) for name, a in zip(names("x", x), x, strict=True)),
        tuple(_array(f"{what}: {name}", a) for name, a in zip(names("y", y), y, strict=True)),
    )
    _check_rows(what, data)
    for name, array in data.named():
        _check_finite(f"{what}: {name}", array)
    return data


def as_inputs(given: Any, like: Data) -> Data:
    """What a trained model is asked for: inputs alone, of the kind that it was trained with."""
    return conforming("predict", as_data("predict", (given,)), Data(like.x, ()))


def conforming(what: str, data: Data, like: Data) -> Data:
    """Other data with the dtypes of those trained with. Raises ArgumentError, ShapeError, DTypeError."""
    if (len(data.x), len(data.y)) != (len(like.x), len(like.y)):
        found, wanted = (f"{len(d.x)} inputs and {len(d.y)} targets" for d in (data, like))
        raise ArgumentError(f"{what} has {found}, the training data {wanted}")
    arrays = []
    for (name, a), (_, b) in zip(data.named(), like.named(), strict=True):
        if a.shape[1:] != b.shape[1:]:
            shapes = f"{shape_text(a.shape[1:])}, in training {shape_text(b.shape[1:])}"
            hint = f"one row alone: {name}[None]" if a.shape == b.shape[1:] else ""
            raise ShapeError(f"{what}: a row of {name} has shape {shapes}", hint=hint)
        if a.dtype != b.dtype and not np.can_cast(a.dtype, b.dtype, "same_kind"):
            hint = f"convert it: {name}.astype({str(b.dtype)!r})"
            raise DTypeError(f"{what}: {name} is {a.dtype}, in training {b.dtype}", hint=hint)
        with np.errstate(invalid="ignore"):
            converted = a.astype(b.dtype, copy=False)
        if b.dtype.kind in "iub" and (converted != a).any():
            raise DTypeError(f"{what}: {name} has values that {b.dtype}, the dtype in training, cannot hold")
        arrays.append(converted)
    return Data(tuple(arrays[: len(data.x)]), tuple(arrays[len(data.x) :]))


def split(data: Data, fraction: float, seed: int) -> tuple[Data, Data]:
    """Data for training and this fraction of them, chosen by the seed, for validation. Raises ArgumentError."""
    count = round(data.rows * fraction)
    if not 0 < fraction < 1 or not 0 < count < data.rows:
        hint = "give a number between 0 and 1, or (x, y)"
        raise ArgumentError(f"validation={fraction} of {data.rows} rows leaves nothing to train or validate", hint=hint)
    order = stream(seed, SPLIT).permutation(data.rows)
    return data.take(np.sort(order[count:])), data.take(np.sort(order[:count]))


def _parts(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


def _array(what: str, given: Any) -> Array:
    if np.ma.isMaskedArray(given):
        raise DTypeError(f"{what} is a masked array", hint="fill it, or give the mask as another input")
    try:
        array = np.asarray(given)
    except ValueError as problem:
        raise ShapeError(f"{what} is not an array: {problem}") from None
    if array.dtype.kind not in "biufc":
        hint = "give numbers; encode categories as integers, text as indices"
        raise DTypeError(f"{what} has dtype {array.dtype}, not numbers", hint=hint)
    if array.ndim == 0:
        raise ShapeError(f"{what} is a single number, not an array with one row per example")
    own = np.dtype(array.dtype.name)  # compiled functions look for this very object: other equal ones cost a conversion
    return array.view(own) if array.dtype == own else array.astype(own)


def _check_rows(what: str, data: Data) -> None:
    if len({len(a) for _, a in data.named()}) > 1:
        counts = ", ".join(f"{len(a)} rows of {name}" for name, a in data.named())
        raise ShapeError(f"{what}: lengths differ: {counts}", hint="row k of each belongs to example k")
    if not data.rows:
        raise ShapeError(f"{what} is empty: 0 rows")


def _check_finite(what: str, array: Array) -> None:
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        place = f"[{', '.join(map(str, bad[0]))}]"
        more = f", and {len(bad) - 1} more elements are not finite" if len(bad) > 1 else ""
        hint = "leave such rows out, or fill the gaps"
        raise NonFiniteError(f"{what}{place} is {array[tuple(bad[0])]}{more}", hint=hint)
