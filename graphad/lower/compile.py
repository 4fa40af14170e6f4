"""compile: graph in, Python function out."""

import builtins
import hashlib
import keyword
import linecache
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, GraphError
from graphad.form.evaluate import missing_import
from graphad.ir.core import Node, fail, label
from graphad.ir.graph import Graph
from graphad.ir.late import method as _late
from graphad.lower.blame import Blame
from graphad.lower.build import build
from graphad.lower.emit import emit, render, uses_rng
from graphad.lower.notes import Parts, add_note
from graphad.lower.program import Expression, Program, flatten
from graphad.lower.runtime import Arguments, as_arrays
from graphad.passes.base import Pass, Pipeline, Report
from graphad.passes.presets import pipeline
from graphad.passes.repetition import hints
from graphad.passes.verified import verified
from graphad.rules.user import UserRule


class Function:
    """A compiled graph: call it with arrays, by position or by name.

    ``source`` is the generated NumPy, ``program`` the statements before printing, ``graph`` the rewritten graph,
    ``report()`` what the passes did. Results are fresh arrays in the structure of ``outputs``; inputs are never
    written, except those in ``updates``.
    """

    def __init__(self, declared: Graph, program: Program, report: Report, name: str, blame: bool = False) -> None:
        self.name, self.declared, self.program, self._report = name, declared, program, report
        self._arguments = Arguments(program.graph, name, program.updates)
        self._draws = uses_rng(program)
        self._emitted = emit(program, name)
        if name in self._emitted.helpers:
            raise ArgumentError(
                f"{name!r} is the name of a helper that the generated code calls", hint="choose another name="
            )
        self._file = f"<graphad {name} {hashlib.sha256(self.source.encode()).hexdigest()[:12]}>"
        self._run = self._load()
        self._blame = Blame(declared, program.graph, program.updates) if blame else None

    @property
    def graph(self) -> Graph:
        """The graph after rewriting; its outputs are the results, then the new values of ``updates``."""
        return self.program.graph

    @property
    def source(self) -> str:
        """The generated code."""
        return "\n".join(self._emitted.imports) + "\n\n\n" + self._emitted.text

    @cached_property
    def lines(self) -> Mapping[int, Node]:
        """The node that each line of ``source`` (counted from 1) computes."""
        head = len(self._emitted.imports) + 2
        return {k + head: n for k, n in self._emitted.lines.items()}

    def report(self) -> Report:
        """What each pass did, and hints."""
        return replace(self._report, hints=self._hints)

    @cached_property
    def _hints(self) -> tuple[str, ...]:
        return hints(self.declared)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{label(x)}: {x.type}" for x in self.graph.inputs)
        return f"<graphad function {self.name}({inputs})>"

    def __call__(self, *args: Any, rng: np.random.Generator | None = None, **kwargs: Any) -> Any:
        """Run. ``rng`` is needed where the graph draws random numbers. Raises ArgumentError, DTypeError, ShapeError."""
        arrays: list[Any] = self._arguments.arrays(args, kwargs)
        if self._draws:
            if not isinstance(rng, np.random.Generator):
                hint = f"call {self.name}(..., rng=np.random.default_rng(0))"
                raise ArgumentError(f"{self.name} draws random numbers and needs rng=", hint=hint)
            arrays.append(rng)
        elif rng is not None:
            raise ArgumentError(f"{self.name} draws no random numbers: rng= has no use")
        saved = self._blame and self._blame.save(arrays, rng)
        try:
            result = as_arrays(self._run(*arrays))
        except Exception as problem:
            self._explain(problem)
            raise
        if self._blame and saved:
            self._blame.check(result, arrays, saved)
        return result

    export = _late("Function.export")
    explain = _late("Function.explain")

    def _load(self) -> Any:
        linecache.cache[self._file] = (len(self.source), None, self.source.splitlines(keepends=True), self._file)
        scope: dict[str, Any] = {}
        try:
            exec(builtins.compile(self.source, self._file, "exec"), scope)
        except ImportError as problem:
            missing_import(problem, self._emitted.imports)
        return scope[self.name]

    def _explain(self, problem: Exception) -> None:
        """Say which of the user's lines the failing part of the generated code comes from."""
        parts = Parts(self.program, self._emitted.names)
        add_note(problem, self._file, self.source, self.lines, parts)


def compile(
    inputs: Node | Sequence[Node],
    outputs: Any,
    *,
    name: str = "function",
    optimize: str | Pipeline | Sequence[Pass] = "full",
    updates: Mapping[Node, Node] | None = None,
    rewrites: Sequence[UserRule] = (),
    verify: bool | Sequence[Any] = False,
    check_nan: str | None = None,
) -> Function:
    """Compile a graph to a Python function on NumPy arrays.

    ``inputs``: the nodes given at the call, in order. ``outputs``: a node, or lists, tuples and dicts of nodes; results
    come back in that structure (lists as tuples). ``optimize``: "none", "basic", "full", a Pipeline or passes.
    ``updates``: input -> new value, written in place after everything is computed. ``rewrites``: rules of your own (see
    `ga.rewrite`). ``verify``: check every pass on sampled inputs, or on those given here as lists of values; raises
    RewriteError. ``check_nan="blame"``: a call whose results hold nan or inf raises NonFiniteError, which names the
    first bad value on the way to them, and updates nothing. Raises GraphError when an input is left out (it is named),
    ArgumentError for bad names.

    >>> import graphad as ga
    >>> x = ga.input("x", shape=("n",))
    >>> f = ga.compile([x], {"norm": ga.sqrt(ga.sum(x * x))}, name="norm")
    >>> float(f([3.0, 4.0])["norm"])
    5.0
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ArgumentError(f"{name!r} cannot be the name of a function", hint="use a Python identifier")
    if check_nan not in (None, "blame"):
        raise ArgumentError(f"check_nan={check_nan!r} is not known", hint='use None or "blame"')
    nodes: list[Node] = []
    structure = flatten(outputs, nodes)
    targets = dict(updates or {})
    declared = Graph(inputs, [*nodes, *targets.values()], name)
    _check_updates(declared, targets)
    graph, report = verified(pipeline(optimize, rewrites), verify).run(declared)
    program = build(graph, structure, list(targets), _width)
    return Function(declared, program, report, name, check_nan == "blame")


def _check_updates(graph: Graph, targets: Mapping[Node, Node]) -> None:
    for target, value in targets.items():
        if not graph.is_input(target):
            fail(GraphError, f"updates: {label(target)} is not an input", target, hint="only inputs can be updated")
        if target.type != value.type:
            fail(
                GraphError,
                f"updates: {label(target)} has type {target.type}, its new value {value.type}",
                target,
                value,
            )


class _Short(dict[Node, str]):
    """Names before names are given: the user's, or two letters."""

    def __missing__(self, node: Node) -> str:
        return node.name or "t0"


def _width(expression: Expression) -> int:
    return len(render(expression, _Short()).text)
