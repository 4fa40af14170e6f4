"""Generated source kept between runs: a folder of files, one for each compiled graph, found by content.

Rewriting is most of the time that compiling takes; a program that was compiled before, with the same graphad, NumPy and
Python, needs none of it. No locks: a file is written whole under another name and renamed, whoever comes last wins, and
what all write is the same. What is read is executed, so the folder must be private to the user (mode 0700, which is
checked where the system has owners); the checksum in each file is for torn and foreign files, not against an attacker.
"""

import contextlib
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, ExportError
from graphad.ir.atomic import write_atomic
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin
from graphad.ir.text import exact_text

FORMAT = "graphad-source-1"
SMALLEST = 200  # nodes: smaller graphs compile in the time that reading a file takes
MOST = 2000  # files in a folder; the oldest are deleted
PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Entry:
    """What a compiled graph leaves behind: its source, and facts about it that JSON can hold."""

    source: str
    facts: Mapping[str, Any]


def cache_of(option: str | Path | bool | None) -> "Cache | None":
    """The cache that ``compile(cache=...)`` asks for: a folder, False, or None: GRAPHAD_CACHE_DIR if that is set.

    Raises ArgumentError for a folder that cannot be made, or that others may write to.
    """
    if option is False:
        return None
    folder = os.environ.get("GRAPHAD_CACHE_DIR", "").strip() if option is None or option is True else option
    if not folder:
        if option is True:
            raise ArgumentError("cache=True needs a folder", hint="set GRAPHAD_CACHE_DIR, or write cache=folder")
        return None
    return Cache(folder)


class Cache:
    """A folder of entries. ``load`` gives None for whatever is not exactly what ``store`` has written."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            state = self.folder.stat()
        except OSError as problem:
            what = f"cache folder {folder}: {problem.strerror or problem}"
            raise ArgumentError(what, hint="choose a folder that exists and is writable") from problem
        if not _is_private(state):
            raise ArgumentError(
                f"cache folder {folder} is open to other users, who could put code there", hint=f"chmod 700 {folder}"
            )

    def load(self, key: str) -> Entry | None:
        """The entry of a key, if there is one."""
        try:
            with open(self._path(key), "rb") as file:
                if not _is_private(os.fstat(file.fileno())):
                    return None
                head, _, body = file.read().partition(b"\n")
        except OSError:
            return None
        if head.decode("ascii", "replace") != _head(key, body):
            return None
        found = json.loads(body)
        return Entry(found["source"], found["facts"])

    def store(self, key: str, entry: Entry) -> None:
        """Keep an entry; a folder that cannot be written to, or is full, is no reason to fail."""
        body = json.dumps({"source": entry.source, "facts": dict(entry.facts)}).encode()
        with contextlib.suppress(ExportError):
            write_atomic(self._path(key), f"{_head(key, body)}\n".encode() + body)
        self._prune()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _prune(self) -> None:
        """Delete the older half when there are too many files, those that a crash left half-written too."""
        with contextlib.suppress(OSError):
            names = [e.path for e in os.scandir(self.folder) if e.name.endswith((".json", ".tmp"))]
            if len(names) <= MOST:
                return
            ages = {}
            for name in names:
                with contextlib.suppress(OSError):
                    ages[name] = os.stat(name).st_mtime_ns
            for name in sorted(ages, key=lambda n: (ages[n], n))[: len(names) - MOST // 2]:
                with contextlib.suppress(OSError):
                    os.unlink(name)


def _head(key: str, body: bytes) -> str:
    return f"{FORMAT} {key} {hashlib.sha256(body).hexdigest()}"


def _is_private(state: os.stat_result) -> bool:
    """Whether only this user can write to it."""
    if not hasattr(os, "geteuid"):
        return True
    return state.st_uid in (os.geteuid(), 0) and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


# Keys ----------------------------------------------------------------------------------------------------------------


def key_of(graph: Graph, options: Mapping[str, object]) -> str | None:
    """What the source of a graph is kept under; None where it is not kept.

    Everything that the source depends on goes into it: the graph with names and lines (they are printed), ``options``
    (by repr), and the versions. Not kept are small graphs, and those with ops from outside this package: their code may
    change without notice.
    """
    if len(graph.nodes) < SMALLEST or not all(_is_ours(op.type_rule) for op in {n.op for n in graph.nodes}):
        return None
    digest = hashlib.sha256()
    settings = [f"{k}={v!r}" for k, v in sorted(options.items())]
    for line in (FORMAT, *_versions(), *settings, graph.name, *_lines(graph)):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _is_ours(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("graphad.")


@cache
def _versions() -> tuple[str, ...]:
    """Whose work the source is: Python, NumPy, SciPy and this package, down to the dates of its files."""
    files = []
    for path in sorted(PACKAGE.rglob("*.py")):
        state = path.stat()
        files.append(f"{path.relative_to(PACKAGE).as_posix()} {state.st_size} {state.st_mtime_ns}")
    found = find_spec("scipy")
    scipy = str(found and found.origin and (found.origin, os.stat(found.origin).st_mtime_ns))
    return (sys.version, np.__version__, scipy, hashlib.sha256("\n".join(files).encode()).hexdigest())


def _lines(graph: Graph) -> Iterator[str]:
    """The graph as text: nodes with all that can show in their source, then the origins that they refer to."""
    number = {n: k for k, n in enumerate(graph.nodes)}
    origins: dict[Origin, int] = {}
    for node in graph.nodes:
        of = origins.setdefault(node.origin, len(origins))
        inputs = "" if graph.is_input(node) else " ".join(str(number[x]) for x in node.inputs)
        attrs = ", ".join(f"{k}={exact_text(v)}" for k, v in node.attrs.items())
        yield f"{node.op.name} ({inputs}) {attrs} : {node.type} {of}"
        yield from (repr(body) for body in node.attrs.values() if isinstance(body, Graph))  # names and lines within
    yield f"in {[number[x] for x in graph.inputs]} out {[number[y] for y in graph.outputs]}"
    listed = list(origins)
    for o in listed:  # grows
        near = ([o.adjoint_of] if o.adjoint_of else []) + [q for pair in o.gradients for q in pair]
        for other in near:
            if other not in origins:
                origins[other] = len(origins)
                listed.append(other)
        links = [origins[other] for other in near]
        yield repr((o.name, o.location, o.scope, bool(o.adjoint_of), o.is_cotangent, o.made_by, o.uses, links))
    yield repr(sorted(range(len(listed)), key=lambda k: listed[k].serial))  # the order of draws, and of making
