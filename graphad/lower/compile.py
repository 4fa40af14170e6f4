"""compile: graph in, Python function out."""

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from graphad.errors import ArgumentError, GraphError
from graphad.ir.core import Node, fail, label
from graphad.ir.graph import Graph
from graphad.ir.late import method as _late
from graphad.lower.blame import Blame
from graphad.lower.budget import alternatives, known_sizes
from graphad.lower.cache import cache_of, key_of
from graphad.lower.code import STYLES, Code, Lowering
from graphad.lower.cost import cost_of
from graphad.lower.fast.program import PASSES
from graphad.lower.pool import resolve
from graphad.lower.program import Program, flatten
from graphad.lower.runtime import Arguments, finished, finisher
from graphad.passes.base import Pass, Pipeline, Report
from graphad.passes.cost import Cost
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

    def __init__(self, lowering: Lowering, style: str, blame: bool) -> None:
        self.name, self.declared = lowering.name, lowering.declared
        self._lowering, self._code = lowering, lowering.code(style)
        self._run, self._file = self._code.run, self._code.file
        declared, targets = lowering.declared, lowering.targets
        self._works, self._draws = bool(self._code.facts.work), self._code.facts.draws
        self._arguments = Arguments(declared, self.name, targets, self._variant if self._works else None)
        result = finished(lowering.structure, declared.outputs[: len(declared.outputs) - len(targets)])
        self._finish = finisher(result)
        self._blame = Blame(declared, lowering.graph, targets) if blame else None
        is_plain = not (self._works or self._draws or blame)
        self._shortcut = self._arguments.shortcut(self._run, result) if is_plain else None
        self._small: list[Code] = []

    @property
    def graph(self) -> Graph:
        """The graph after rewriting; its outputs are the results, then the new values of ``updates``."""
        return self._lowering.graph

    @property
    def targets(self) -> tuple[Node, ...]:
        """The inputs that ``updates`` writes, in its order."""
        return self._lowering.targets

    @property
    def program(self) -> Program:
        """The statements before printing."""
        return self._code.program

    @property
    def source(self) -> str:
        """The generated code."""
        return self._code.source

    @property
    def lines(self) -> Mapping[int, Node]:
        """The node that each line of ``source`` (counted from 1) computes."""
        return self._code.lines

    @property
    def draws(self) -> bool:
        """Whether a call draws random numbers and needs ``rng=``."""
        return self._draws

    def report(self) -> Report:
        """What each pass did, hints, and what a call costs: memory as formulas in the named sizes."""
        return replace(self._lowering.rewritten[1], hints=self._hints, cost=self._cost)

    @cached_property
    def _hints(self) -> tuple[str, ...]:
        return hints(self.declared)

    @cached_property
    def _cost(self) -> Cost:
        program, lowering = self._code.program, self._lowering
        return cost_of(program, lowering.threads, lowering.sizes, self._code.laps.seconds)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{label(x)}: {x.type}" for x in self.graph.inputs)
        return f"<graphad function {self.name}({inputs})>"

    def __call__(self, *args: Any, rng: np.random.Generator | None = None, **kwargs: Any) -> Any:
        """Run. ``rng`` is needed where the graph draws random numbers. Raises ArgumentError, DTypeError, ShapeError."""
        if not kwargs and rng is None and (shortcut := self._shortcut) is not None:
            try:
                result = shortcut(*args)
            except Exception as problem:
                self._code.explain(problem)
                raise
            if result is not None:
                return result
        arrays: Sequence[Any]
        arrays, spaces = self._arguments.check(args, kwargs)
        if self._draws:
            if not isinstance(rng, np.random.Generator):
                hint = f"call {self.name}(..., rng=np.random.default_rng(0))"
                raise ArgumentError(f"{self.name} draws random numbers and needs rng=", hint=hint)
            arrays = [*arrays, rng]
        elif rng is not None:
            raise ArgumentError(f"{self.name} draws no random numbers: rng= has no use")
        saved = self._blame and self._blame.save(arrays, rng)
        try:
            if self._works:
                code, work = variant = spaces.take()
                result = (code.run if code else self._run)(*arrays, *work)
                spaces.give(variant)
            else:
                result = self._run(*arrays)
        except Exception as problem:
            for code in {self._code, *self._small}:
                code.explain(problem)
            raise
        if self._finish is not None:
            result = self._finish(result)
        if self._blame and saved:
            self._blame.check(result, arrays, saved)
        return result

    draw = _late("Function.draw", "draw(optimized=False, **options): see `graphad.draw.functions.draw_function`.")
    export = _late("Function.export")
    explain = _late("Function.explain")
    profile = _late("Function.profile")
    _repr_svg_, _repr_html_ = _late("Function._repr_svg_"), _late("Function._repr_html_")
    _repr_mimebundle_ = _late("Function._repr_mimebundle_")
    summary = _late(
        "Function.summary", "summary(depth=None, sizes=None): a table of layers with parameters, FLOPs, bytes."
    )
    _repr_latex_ = _late("Function._repr_latex_")
    save = _late("Function.save", "save(path, **options): .html (values=, sizes=, profile=), or as `Graph.save`.")

    def in_style(self, style: str) -> Program:
        """The statements in another style."""
        return self._lowering.program(style)

    def _variant(self, sizes: Mapping[str, int]) -> tuple[Code | None, tuple[Any, ...]]:
        """What runs for these sizes (None: ``source``), and its workspace: loops over tiles are for large arrays."""
        if not self._lowering.has_budget and self._code.is_small(sizes):
            return self._without_loops, ()
        return None, self._code.workspace(sizes)

    @cached_property
    def _without_loops(self) -> Code:
        code = self._lowering.code("readable")
        self._small.append(code)
        return code


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
    style: str = "fast",
    passes: Sequence[str] = PASSES,
    threads: int | None = None,
    cache: str | Path | bool | None = None,
    max_bytes: int | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Function:
    """Compile a graph to a Python function on NumPy arrays.

    ``inputs``: the nodes given at the call, in order. ``outputs``: a node, or lists, tuples and dicts of nodes; results
    come back in that structure (lists as tuples). ``optimize``: "none", "basic", "full", a Pipeline or passes.
    ``updates``: input -> new value, written in place after everything is computed. ``rewrites``: rules of your own (see
    `ga.rewrite`). ``verify``: check every pass on sampled inputs, or on those given here as lists of values; raises
    RewriteError. ``check_nan="blame"``: a call whose results hold nan or inf raises NonFiniteError, which names the
    first bad value on the way to them, and updates nothing.

    ``style``: "fast" computes in tiles and buffers that are used again, "readable" is the same without them.
    ``passes``: which of the fast style's are wanted: "schedule" (an order for little memory), "fuse" (loops over
    tiles), "reuse" (buffers), "threads". ``threads``: how many may share a loop; GRAPHAD_NUM_THREADS unless given, else
    one for each CPU; the results are the same bits for any number. ``cache``: a private folder where generated source
    is kept between runs, so that a graph that was compiled before needs no rewriting; GRAPHAD_CACHE_DIR unless given,
    False: none. ``max_bytes``: what a call may add to the memory in use, results and workspace included: forward values
    are computed again in the backward pass instead of being kept, as few as will do. ``sizes``: numbers of the named
    sizes that this is meant for. Raises MemoryBudgetError naming the least that was found, GraphError when an input is
    left out (it is named), ArgumentError for bad names.

    >>> import graphad as ga
    >>> x = ga.input("x", shape=("n",))
    >>> f = ga.compile([x], {"norm": ga.sqrt(ga.sum(x * x))}, name="norm")
    >>> float(f([3.0, 4.0])["norm"])
    5.0
    """
    _check_options(name, style, passes, check_nan, max_bytes)
    nodes: list[Node] = []
    structure = flatten(outputs, nodes)
    targets = dict(updates or {})
    declared = Graph(inputs, [*nodes, *targets.values()], name)
    _check_updates(declared, targets)
    numbers = known_sizes(declared, sizes)
    wanted = pipeline(optimize, rewrites)
    ways = [verified(p, verify).run for p in ([wanted] if max_bytes is None else alternatives(wanted))]
    kept = None if rewrites or verify or not isinstance(optimize, str) else cache_of(cache)
    count = resolve(threads) if "threads" in passes else 1
    options = {"optimize": optimize, "structure": structure, "passes": sorted(passes), "sizes": sorted(numbers.items())}
    options["targets"] = [k for t in targets for k, x in enumerate(declared.inputs) if x is t]  # as their new values
    options["budget"] = None if max_bytes is None else (max_bytes, count)
    key = key_of(declared, options) if kept else None
    lowering = Lowering(declared, ways[0], structure, tuple(targets), name, kept, key, count, tuple(passes), numbers)
    lowering = lowering if max_bytes is None else lowering.within(max_bytes, ways)
    return Function(lowering, style, check_nan == "blame")


def declared(graph: Graph | Function) -> Graph:
    """The graph as it was declared. Raises ArgumentError for what is none."""
    if isinstance(graph, Function):
        return graph.declared
    if not isinstance(graph, Graph):
        raise ArgumentError(f"a {type(graph).__name__} is no graph", hint="ga.Graph([x], [y]), or a compiled function")
    return graph


def _check_options(name: str, style: str, passes: Sequence[str], check_nan: str | None, max_bytes: int | None) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ArgumentError(f"{name!r} cannot be the name of a function", hint="use a Python identifier")
    if style not in STYLES:
        raise ArgumentError(f"style={style!r} is not known", hint='use "fast" or "readable"')
    if unknown := [p for p in passes if p not in PASSES]:
        raise ArgumentError(f"passes: {unknown[0]!r} is not known", hint=f"choose from {', '.join(PASSES)}")
    if max_bytes is not None and style != "fast":
        raise ArgumentError(
            "max_bytes is for the fast style, which uses memory again", hint='leave out style="readable"'
        )
    if check_nan not in (None, "blame"):
        raise ArgumentError(f"check_nan={check_nan!r} is not known", hint='use None or "blame"')


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
