"""Trainings and parameters as files: written whole or not at all, read without pickle, refused where not fitting."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, SerializationError
from graphad.ir.atomic import write_atomic
from graphad.ir.types import shape_text
from graphad.nn.layers.base import buffers, parameters
from graphad.optim.schedules import ReduceOnPlateau
from graphad.train.data import Array, Data
from graphad.train.early import Book
from graphad.train.program import Program
from graphad.train.snapshot import At

FORMAT = "graphad training 1"
KINDS = ("value", "state", "best")
META = {"fingerprint", "at", "rows", "best", "best_epoch", "waited", "plateau"}


@dataclass(frozen=True)
class Checkpoint:
    """Where a training is kept: after every epoch, and after ``every`` steps inside one if that is given.

    `fit` goes on from the file at ``path``, an .npz, where there is one. It is refused by another model, step, batch
    size or seed; that the data are those of before is the caller's part. Raises ArgumentError.
    """

    path: str | Path
    every: int | None = None

    def __post_init__(self) -> None:
        if self.every is not None and (not isinstance(self.every, int) or self.every < 1):
            raise ArgumentError(f"Checkpoint: every must be a number of steps from 1, not {self.every!r}")


@dataclass(frozen=True, eq=False)
class Stored:
    """All that a training needs to go on: generators start anew from the seed and the place."""

    values: dict[str, Array]
    state: dict[str, Array]
    at: At
    book: Book


def write_arrays(path: str | Path, arrays: Mapping[str, Array]) -> None:
    """An .npz file that is complete or not there at all; equal arrays give equal bytes. Raises ExportError."""
    content = io.BytesIO()
    archive = zipfile.ZipFile(content, "w")
    try:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
        archive.close()
    except BaseException:
        archive.fp = None  # nothing is to be closed: an interrupt would come out as another error
        raise
    write_atomic(path, content.getvalue())


def read_arrays(path: str | Path) -> dict[str, Array]:
    """The arrays of an .npz file. Raises SerializationError for a file that is missing, damaged or holds objects."""
    try:
        file = np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array")
        return {name: file[name] for name in file.files}
    except Exception as problem:  # what zipfile and NumPy say of damaged bytes is of many kinds
        text = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise SerializationError(f"cannot read {path}: {text}", hint="the file is damaged or of another kind") from None


def save_parameters(path: str | Path, values: Mapping[str, Any]) -> None:
    """Write arrays by name, such as ``result.values``, as .npz: whole or not at all. Raises ExportError."""
    write_arrays(path, {name: np.asarray(value) for name, value in values.items()})


def load_parameters(path: str | Path, model: Any = None) -> dict[str, Array]:
    """The arrays that `save_parameters` wrote. With a ``model``, they must be its own in name, shape and dtype.

    Raises SerializationError, which says what does not fit.
    """
    values = read_arrays(path)
    if model is not None:
        nodes = [*parameters(model), *buffers(model)]
        check_names(str(path), values, {str(n.name): (n.shape, n.dtype) for n in nodes})
    return values


def check_names(path: str, found: Mapping[str, Array], wanted: Mapping[str, tuple[Any, Any]]) -> None:
    """Raise SerializationError unless these are the arrays wanted, by name, shape and dtype."""
    rows = [(name, "missing in the file") for name in wanted if name not in found]
    rows += [(name, "not in the model") for name in found if name not in wanted]
    for name, (shape, dtype) in wanted.items():
        if name in found and (found[name].shape != tuple(shape) or found[name].dtype != dtype):
            kinds = (f"{d}{shape_text(s)}" for d, s in ((found[name].dtype, found[name].shape), (dtype, shape)))
            rows.append((name, "{} in the file, {} in the model".format(*kinds)))
    if rows:
        raise SerializationError(f"{path} is of another model", where=rows, hint="give another path, or the same model")


def write_checkpoint(checkpoint: Checkpoint, stored: Stored, program: Program, settings: Any, data: Data) -> None:
    """Write all that `read_checkpoint` needs."""
    book = stored.book
    meta = {
        "format": FORMAT,
        "fingerprint": fingerprint(program, settings, data),
        "at": list(stored.at),
        "rows": book.rows,
        "best": book.best,
        "best_epoch": book.best_epoch,
        "waited": book.waited,
        "plateau": asdict(book.plateau) if book.plateau else None,
    }
    groups = zip(KINDS, (stored.values, stored.state, book.best_values), strict=True)
    arrays = {f"{kind}.{name}": a for kind, group in groups for name, a in group.items()}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    write_arrays(checkpoint.path, arrays)


def read_checkpoint(path: str | Path, fresh: Stored, program: Program, settings: Any, data: Data) -> Stored:
    """What `write_checkpoint` wrote. ``fresh`` is the beginning of this training, whose arrays it must match.

    Raises SerializationError, naming what does not fit.
    """
    arrays = read_arrays(path)
    groups: dict[str, dict[str, Array]] = {kind: {} for kind in KINDS}
    try:
        meta = json.loads(arrays.pop("meta").tobytes())
        known = meta["format"] == FORMAT and meta.keys() >= META
        for key, array in arrays.items():
            kind, _, name = key.partition(".")
            groups[kind][name] = array
    except (KeyError, ValueError, TypeError):
        known = False
    if not known:
        raise SerializationError(f"{path} is no checkpoint of fit", hint="give another path for the checkpoint")
    values, state, best = groups.values()
    for found, wanted in ((values, fresh.values), (state, fresh.state), (best, fresh.values if best else {})):
        check_names(str(path), found, {name: (a.shape, a.dtype) for name, a in wanted.items()})
    own = fingerprint(program, settings, data)
    theirs = meta["fingerprint"]
    differ = [(k, f"{theirs.get(k)} in the file, {own[k]} now") for k in own if theirs.get(k) != own[k]]
    if differ:
        hint = "use the same arguments to go on, another path to start anew"
        raise SerializationError(f"{path} is of another training", where=differ, hint=hint)
    plateau = ReduceOnPlateau(**meta["plateau"]) if meta["plateau"] else None
    book = Book(tuple(meta["rows"]), meta["best"], meta["best_epoch"], best, meta["waited"], plateau)
    in_order = {k: values[k] for k in fresh.values}, {k: state[k] for k in fresh.state}
    return Stored(in_order[0], in_order[1], At(*meta["at"]), book)


def fingerprint(program: Program, settings: Any, data: Data) -> dict[str, Any]:
    """What must be the same for a training to go on as if it had never stopped."""
    kept = ("seed", "batch_size", "shuffle", "drop_last")
    early, plateau = settings.early_stopping, settings.plateau
    numbers = {
        "plateau": plateau and [plateau.rate, plateau.factor, plateau.patience, plateau.threshold, plateau.floor],
        "monitor": early and [early.monitor, early.mode],  # what the best score is of
        **{k: getattr(settings, k) for k in kept},
    }
    return {"rows": data.rows, "data": data.checksum, **numbers, "step": program.digest}
