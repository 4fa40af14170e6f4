"""Generated source, loaded: the function that runs, and who owns each line of it."""

import builtins
import hashlib
import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from graphad.errors import ArgumentError
from graphad.form.evaluate import missing_import
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.budget import Rewrite, within
from graphad.lower.build import build
from graphad.lower.cache import Cache, Entry
from graphad.lower.emit import Printer, Source, emit, render, uses_rng
from graphad.lower.fast.fusion import LARGE
from graphad.lower.fast.peak import program_peak
from graphad.lower.fast.printer import FastPrinter
from graphad.lower.fast.program import BIG, PASSES, FastProgram, build_fast
from graphad.lower.fast.threads import with_threads
from graphad.lower.fast.writer import DirectPrinter
from graphad.lower.laps import Laps
from graphad.lower.notes import Parts, add_note
from graphad.lower.program import Expression, Program
from graphad.passes.base import Report
from graphad.passes.opened import Open
from graphad.passes.phases import Phases

STYLES = ("fast", "readable")


@dataclass(frozen=True)
class Lowering:
    """A graph as declared, how it is rewritten, the structure of its results and the inputs that are updated.

    Rewriting waits until it is needed: source that was kept in the ``cache`` under ``key`` does without.
    """

    declared: Graph
    rewrite: Callable[[Graph], tuple[Graph, Report]]
    structure: Any
    targets: tuple[Node, ...]
    name: str
    cache: Cache | None = None
    key: str | None = None
    threads: int = 1
    passes: tuple[str, ...] = PASSES
    sizes: Mapping[str, int] = field(default_factory=dict)
    room: int = BIG

    @property
    def has_budget(self) -> bool:
        """Whether memory is more precious than time."""
        return self.room < BIG

    @cached_property
    def rewritten(self) -> tuple[Graph, Report]:
        """The graph that programs are made of, and what was done to it."""
        return self.rewrite(self.declared)

    @property
    def graph(self) -> Graph:
        """The graph after rewriting."""
        return self.rewritten[0]

    def program(self, style: str, laps: Laps | None = None) -> Program:
        """The program in a style."""
        graph, laps = self.graph, laps or Laps()
        laps.start()
        if style == "fast":
            return self.fast_program(graph, laps)
        return build(graph, self.structure, self.targets, width)

    def fast_program(self, graph: Graph, lap: Callable[[str], object] = str) -> Program:
        """The program of the fast style for any graph with these results."""
        if "fuse" in self.passes:
            graph = Open().run(graph)
            graph = graph if self.has_budget else Phases().run(graph)  # what is computed again stays as it is
        return build_fast(graph, self.structure, self.targets, width, self.passes, self.sizes, self.room, lap)

    def within(self, max_bytes: int, ways: Sequence[Rewrite]) -> "Lowering":
        """The lowering that keeps a memory budget, by the best of several ways to rewrite the graph."""
        tight = replace(self, room=min(BIG - 1, max_bytes))

        def predict(graph: Graph) -> int:
            return program_peak(tight.fast_program(graph), self.threads).evaluate(self.sizes)

        return replace(tight, rewrite=within(ways, max_bytes, self.sizes, predict))

    def code(self, style: str) -> "Code":
        """The program in a style, loaded."""
        if self.cache is None or self.key is None:
            return Code(partial(self.program, style), self.name, style, self.threads)
        key = f"{self.key}-{style}"
        kept = self.cache.load(key)
        code = Code(partial(self.program, style), self.name, style, self.threads, kept)
        if kept is None:
            self.cache.store(key, Entry(code.source, asdict(code.facts)))
        return code


def printed(program: Program, name: str, style: str, doc: str = "") -> Source:
    """The source of a program in a style."""

    def printer(program: Program) -> type[Printer]:
        return Printer if style != "fast" else FastPrinter if isinstance(program, FastProgram) else DirectPrinter

    return emit(program, name, doc, printer)


class _Short(dict[Node, str]):
    """Names before names are given: the user's, or two letters."""

    def __missing__(self, node: Node) -> str:
        return node.name or "t0"


def width(expression: Expression) -> int:
    """How many columns an expression takes, more or less."""
    return len(render(expression, _Short()).text)


@dataclass(frozen=True)
class Facts:
    """What running needs to know of a program: the function that makes its workspace, and what its arrays hold."""

    work: str
    draws: bool
    imports: Sequence[str]
    extents: Sequence[str]


class Code:
    """The source of a program: ``run`` is the function ``name`` in it, ``scope`` the module it lives in.

    Source that was ``kept`` runs as it is; the program is then made when somebody asks for it.
    """

    def __init__(
        self, make: Callable[[Laps], Program], name: str, style: str, threads: int = 1, kept: Entry | None = None
    ) -> None:
        self._make, self.name, self._style, self._threads = make, name, style, threads
        self.laps = Laps()  # of the parts of lowering
        if kept is None:
            self.facts, self.source = self._facts(), self._text()
        else:
            self.facts, self.source = Facts(**kept.facts), kept.source
        self.file = f"<graphad {name} {hashlib.sha256(self.source.encode()).hexdigest()[:12]}>"
        self.scope = self._load()
        self.run = self.scope[name]

    def _load(self) -> dict[str, Any]:
        linecache.cache[self.file] = (len(self.source), None, self.source.splitlines(keepends=True), self.file)
        scope: dict[str, Any] = {}
        self.laps.start()
        try:
            exec(builtins.compile(self.source, self.file, "exec"), scope)
        except ImportError as problem:
            missing_import(problem, tuple(self.facts.imports))
        self.laps("exec")
        if self._threads > 1 and "borders" in scope:
            scope |= with_threads(self._threads)
        return scope

    @cached_property
    def program(self) -> Program:
        """The statements before printing."""
        return self._make(self.laps)

    @cached_property
    def emitted(self) -> Source:
        """What the printer made of the program."""
        program = self.program
        self.laps.start()
        source = printed(program, self.name, self._style)
        self.laps("print")
        return source

    def _text(self) -> str:
        return "\n".join(self.emitted.imports) + "\n\n\n" + self.emitted.text

    def _facts(self) -> Facts:
        if self.name in self.emitted.helpers:
            what = f"{self.name!r} is the name of a helper that the generated code calls"
            raise ArgumentError(what, hint="choose another name=")
        return Facts(self.emitted.work, uses_rng(self.program), self.emitted.imports, self.program.extents)

    @cached_property
    def lines(self) -> Mapping[int, Node]:
        """The node that each line of ``source`` (counted from 1) computes."""
        if self._text() != self.source:  # what was kept is not what would be made now
            return {}
        head = len(self.emitted.imports) + 2
        return {k + head: n for k, n in self.emitted.lines.items()}

    def explain(self, problem: Exception) -> None:
        """Say which of the user's lines the failing part of the generated code comes from."""
        add_note(problem, self.file, self.source, self.lines, Parts(self.program, self.emitted.names))

    def is_small(self, sizes: Mapping[str, int]) -> bool:
        """Whether all arrays of loops and buffers have few elements; never where they are known to have many."""
        return bool(sizes) and all(eval(text, {}, dict(sizes)) < LARGE for text in self.facts.extents)

    def workspace(self, sizes: Mapping[str, int]) -> tuple[Any, ...]:
        """The last arguments of ``run``: the arrays that a call works in, if it needs any."""
        make = self.scope.get(self.facts.work)
        if make is None:
            return ()
        code = make.__code__
        return (make(**{s: sizes[s] for s in code.co_varnames[: code.co_argcount]}),)
