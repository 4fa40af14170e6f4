"""Values of inputs from the command line: numbers, .npy, .npz and .json files, or random ones."""

import ast
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphad.check.points import sample_point
from graphad.cli.failing import Refused, did_you_mean, listed
from graphad.ir.core import label
from graphad.ir.graph import Graph

Array = np.ndarray[Any, Any]
RANDOM = "random"
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "true": True, "false": False}


def read_values(
    texts: Sequence[str], graph: Graph, seed: int = 0, sizes: Mapping[str, int] | None = None
) -> dict[str, Array]:
    """Values by the names of the inputs; later texts win. Raises Refused for what is missing or not known.

    A text is ``x=1.5``, ``W=weights.npy``, ``data.npz``, ``data.json``, or ``random``, which fills in the rest.
    """
    given: dict[str, Array] = {}
    for text in texts:
        if text != RANDOM:
            given |= _read(text)
    names = [x.name or f"x{k}" for k, x in enumerate(graph.inputs)]
    for name in given:
        if name not in names:
            raise Refused(f"--values: there is no input {name!r}.{did_you_mean(name, names)} {_inputs(graph)}")
    if RANDOM in texts or not texts:
        return sample_point(graph, seed, sizes, given)
    if missing := [n for n in names if n not in given]:
        ways = f"--values {missing[0]}=... gives one, --values random all that are left out"
        raise Refused(f"--values: no value for {listed(missing)}; {ways}. {_inputs(graph)}")
    return given


def _inputs(graph: Graph) -> str:
    return f"The inputs are {listed(f'{label(x)}: {x.type}' for x in graph.inputs)}."


def _read(text: str) -> dict[str, Array]:
    """The values that one text gives."""
    name, equals, value = text.partition("=")
    if equals and name.isidentifier():
        return {name: _value(value, name)}
    path = Path(text)
    if path.suffix not in (".npz", ".json"):
        raise Refused(f"--values {text}: write x=1.5, x=x.npy, data.npz, data.json or random.")
    content = _file(path)
    if not isinstance(content, Mapping):
        raise Refused(f'--values {text}: expected values by name, such as {{"x": [1, 2]}}.')
    return {str(k): _array(v, str(k)) for k, v in content.items()}


def _value(text: str, name: str) -> Array:
    if text.endswith((".npy", ".json")):
        return _array(_file(Path(text)), name)
    if text.lower() in _WORDS:
        return np.asarray(_WORDS[text.lower()])
    try:
        return _array(ast.literal_eval(text.strip()), name)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as problem:
        kinds = "a number, a list such as [1, 2], or a .npy or .json file"
        raise Refused(f"--values {name}={text}: not {kinds}.") from problem


def _file(path: Path) -> Any:
    """What a file holds."""
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        with path.open("rb") as handle:
            content = np.load(handle, allow_pickle=False)
            return dict(content) if isinstance(content, np.lib.npyio.NpzFile) else content
    except FileNotFoundError as problem:
        raise Refused(f"--values: there is no file {path}.") from problem
    except Exception as problem:  # whatever NumPy, zipfile and json raise on a foreign file
        raise Refused(f"--values: {path} cannot be read: {type(problem).__name__}: {problem}") from problem


def _array(value: Any, name: str) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise Refused(f"--values {name}: rows of different lengths are no array.") from problem
    if array.dtype.kind not in "biufc":
        raise Refused(f"--values {name}: {str(value)[:60]} holds no numbers.")
    return array
