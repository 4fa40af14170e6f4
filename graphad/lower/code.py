"""Generated source, loaded: the function that runs, and who owns each line of it."""

import builtins
import hashlib
import linecache
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphad.errors import ArgumentError
from graphad.form.evaluate import missing_import
from graphad.ir.core import Node
from graphad.ir.graph import Graph
from graphad.lower.build import build
from graphad.lower.emit import Printer, Source, emit, render
from graphad.lower.fast.printer import FastPrinter
from graphad.lower.fast.program import FastProgram, build_fast
from graphad.lower.notes import Parts, add_note
from graphad.lower.program import Expression, Program


STYLES = ("fast", "readable")


@dataclass(frozen=True)
class Lowering:
    """A rewritten graph with the structure of its results and the inputs that are updated: what programs are made of."""

    graph: Graph
    structure: Any
    targets: tuple[Node, ...]
    name: str

    def program(self, style: str) -> Program:
        """The program in a style."""
        return (build_fast if style == "fast" else build)(self.graph, self.structure, self.targets, width)

    def code(self, style: str) -> "Code":
        """The program in a style, loaded."""
        return Code(self.program(style), self.name)


def printed(program: Program, name: str, doc: str = "") -> Source:
    """The source of a program of either style."""
    return emit(program, name, doc, FastPrinter if isinstance(program, FastProgram) else Printer)


class _Short(dict[Node, str]):
    """Names before names are given: the user's, or two letters."""

    def __missing__(self, node: Node) -> str:
        return node.name or "t0"


def width(expression: Expression) -> int:
    """How many columns an expression takes, more or less."""
    return len(render(expression, _Short()).text)


class Code:
    """The source of a program: ``run`` is the function ``name`` in it, ``scope`` the module it lives in."""

    def __init__(self, program: Program, name: str) -> None:
        self.program = program
        self.emitted = printed(program, name)
        if name in self.emitted.helpers:
            raise ArgumentError(
                f"{name!r} is the name of a helper that the generated code calls", hint="choose another name="
            )
        self.source = "\n".join(self.emitted.imports) + "\n\n\n" + self.emitted.text
        self.file = f"<graphad {name} {hashlib.sha256(self.source.encode()).hexdigest()[:12]}>"
        self.scope = self._load()
        self.run = self.scope[name]

    def _load(self) -> dict[str, Any]:
        linecache.cache[self.file] = (len(self.source), None, self.source.splitlines(keepends=True), self.file)
        scope: dict[str, Any] = {}
        try:
            exec(builtins.compile(self.source, self.file, "exec"), scope)
        except ImportError as problem:
            missing_import(problem, self.emitted.imports)
        return scope

    @cached_property
    def lines(self) -> Mapping[int, Node]:
        """The node that each line of ``source`` (counted from 1) computes."""
        head = len(self.emitted.imports) + 2
        return {k + head: n for k, n in self.emitted.lines.items()}

    def explain(self, problem: Exception) -> None:
        """Say which of the user's lines the failing part of the generated code comes from."""
        add_note(problem, self.file, self.source, self.lines, Parts(self.program, self.emitted.names))

    def workspace(self, sizes: Mapping[str, int]) -> tuple[Any, ...]:
        """The last arguments of ``run``: the arrays that a call works in, if it needs any."""
        make = self.scope.get(self.emitted.work)
        if make is None:
            return ()
        code = make.__code__
        return (make(**{s: sizes[s] for s in code.co_varnames[: code.co_argcount]}),)
