"""``verify=True``: every pass is checked on sampled inputs, and every rule that applied is held to its word.

After a pass the graph must be legal, and its outputs as they were. Each application of a rule is replayed on the values
of that place: no search is needed for the guilty one, and rules whose mistake the samples hide further down are found,
too. What is wrong is made small and raised as RewriteError, with a script that fails again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from graphad.errors import GraphadError, RewriteError
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph
from graphad.ir.origin import Origin, inside
from graphad.ir.verify import verify as check_invariants
from graphad.passes.agreement import agrees, identical, same_bits
from graphad.passes.algebra import EXACT
from graphad.passes.base import Pass, Pipeline
from graphad.passes.reproduce import one_line, script, value_line
from graphad.passes.samples import Array, Sample, samples, sizes_of
from graphad.passes.shrink import Example, shrink
from graphad.rules.engine import Rule, name_of, watching
from graphad.rules.user import UserRule, declared_at, equation

EXACT_RULES = frozenset(rule for rules in EXACT.values() for rule in rules)
SUBGRAPHS = 300  # of a graph that a pass gets wrong: so many are tried for the smallest
Given = bool | Sequence[Any]


def verified(pipeline: Pipeline, given: Given) -> Pipeline:
    """The pipeline with every pass checked; ``given``: True, or samples (values of the inputs) to check on."""
    if given is False:
        return pipeline
    check = _Check(() if isinstance(given, bool) else tuple(given))
    return Pipeline(tuple(Verified(p, check) for p in pipeline.passes), pipeline.observer)


def is_exact(rule: Rule) -> bool:
    """Whether a rule promises the same bits."""
    return rule.exact if isinstance(rule, UserRule) else rule in EXACT_RULES


@dataclass(frozen=True)
class Application:
    """A rule that applied: the node before and what it was replaced by."""

    rule: Callable[..., Any]
    before: Node
    after: Node


@dataclass(frozen=True)
class Verified:
    """A pass that is checked whenever it runs."""

    inner: Pass
    check: "_Check"

    @property
    def name(self) -> str:
        """The name of the pass itself."""
        return self.inner.name

    def run(self, graph: Graph) -> Graph:
        """What the pass gives. Raises RewriteError when it changes a value more than its rules state."""
        applied: list[Application] = []
        with watching(lambda rule, before, after: applied.append(Application(rule, before, after))):
            after = self.inner.run(graph)
        self.check(self.inner, graph, after, applied)
        return after


@dataclass
class _Check:
    """The samples, drawn for the first graph and kept: values are computed once for all passes."""

    given: tuple[Any, ...]
    found: list[Sample] = field(default_factory=list)

    def __call__(self, p: Pass, before: Graph, after: Graph, applied: Sequence[Application]) -> None:
        self.found = self.found or samples(before, self.given)
        for a in applied:
            for sample in self.found:
                if not agrees(sample, a.before, a.after, is_exact(a.rule)):
                    _blame_rule(p, a, sample)
        try:
            check_invariants(after)
        except GraphadError as problem:
            raise RewriteError(f"pass {p.name} made an illegal graph: {problem.what}", where=problem.where) from problem
        for sample in self.found:
            self._outputs(p, before, after, sample, applied)

    def _outputs(self, p: Pass, before: Graph, after: Graph, sample: Sample, applied: Sequence[Application]) -> None:
        """Outputs have the same bits, unless a rule changed some as it may: then that accounts for the difference."""
        changed = [k for k in range(len(before.outputs)) if _differ(sample, before.outputs[k], after.outputs[k])]
        if changed and not any(_differ(sample, a.before, a.after, identical) for a in applied):
            _blame_pass(p, before, after, changed[0], sample)


def _differ(sample: Sample, old: Node, new: Node, same: Callable[[Any, Any], bool] = same_bits) -> bool:
    """Whether two nodes have different values, or one of them none."""
    if old is new:
        return False
    try:
        expected = sample.value(old)
    except Exception:  # nothing is expected of a graph that cannot be run
        return False
    try:
        return not same(expected, sample.value(new))
    except Exception:
        return True


# What is wrong, made small and said --------------------------------------------------------------------------------


def apply(rule: Rule, node: Node) -> Node | None:
    """What a rule puts in a node's place."""
    with inside(Origin(place=node.origin.place)):
        new = rule(node)
    return None if new is node else new


def _sample(graph: Graph, values: Sequence[Array]) -> Sample:
    return Sample("counterexample", graph, values, sizes_of(graph, [np.shape(v) for v in values]))


def _blame_rule(p: Pass, a: Application, sample: Sample) -> NoReturn:
    """Raise RewriteError for a rule that gave another value."""

    def wrong(graph: Graph, values: Sequence[Array]) -> bool:
        new = apply(a.rule, graph.outputs[0])
        return new is not None and not agrees(_sample(graph, values), graph.outputs[0], new, is_exact(a.rule))

    example = shrink(a.before, sample, wrong)
    name = name_of(a.rule)
    promise = "the same bits" if is_exact(a.rule) else "the same value up to rounding"
    rule = ("rule", equation(a.rule) or name, _at(declared_at(a.rule)))
    after = apply(a.rule, example.root) if example else a.after
    _raise(f"rewrite {name} does not give {promise}", rule, p, a, example, after, sample)


def _blame_pass(p: Pass, before: Graph, after: Graph, k: int, sample: Sample) -> NoReturn:
    """Raise RewriteError for a pass that changes an output by other means than rules."""

    def wrong(graph: Graph, values: Sequence[Array]) -> bool:
        return _differ(_sample(graph, values), graph.outputs[0], p.run(graph).outputs[0])

    old = before.outputs[k]
    a = Application(p.run, old, after.outputs[k])
    inner = [n for n in before.subgraph([old]).nodes if n.inputs and not before.is_input(n)]
    example = None
    for root in [*inner[:SUBGRAPHS], old]:
        example = shrink(root, sample, wrong) if _changes(p, before, root, sample) else None
        if example is not None:
            break
    new = p.run(example.graph).outputs[0] if example else a.after
    _raise(f"pass {p.name} changes the value of {label(old)}", ("pass", repr(p), ""), p, a, example, new, sample)


def _changes(p: Pass, graph: Graph, root: Node, sample: Sample) -> bool:
    """Whether the pass alone gives a node another value."""
    return _differ(sample, root, p.run(graph.subgraph([root])).outputs[0])


def _raise(
    what: str, rule: tuple[str, ...], p: Pass, a: Application, example: Example | None, new: Node | None, sample: Sample
) -> NoReturn:
    """The error: rule, both forms, values of the inputs, both results, the user's line."""
    by_rule = isinstance(a.rule, UserRule) or rule[0] == "rule"
    name = name_of(a.rule) if by_rule else p.name
    origin = a.before.origin
    line = ("in", origin.source_line() or "?", f"at {origin.location}") if origin.location else ("in", label(a.before))
    if example is None or new is None:  # only where it stands
        rows = [rule, ("before", _result(sample, a.before)), ("after", _result(sample, a.after)), line]
        raise RewriteError(what, where=rows, hint=f"on sampled inputs ({sample.kind})", rule=name)
    small = _sample(example.graph, example.values)
    names = {x: str(x.name) for x in example.graph.inputs}
    given = [
        (names[x], f"{value_line(v)} : {x.type}") for x, v in zip(example.graph.inputs, example.values, strict=True)
    ]
    rows = [
        rule,
        ("before", one_line(example.root, names)),
        ("after", one_line(new, names)),
        *(given if len(given) <= 3 else [*given[:2], ("...", f"{len(given) - 2} more inputs")]),
        ("gives", f"{_result(small, example.root)} before"),
        ("", f"{_result(small, new)} after"),
        line,
    ]
    text = script(example, a.rule if by_rule else None, is_exact(a.rule), p)
    hint = "print(error.reproduction) shows a script that fails again"
    raise RewriteError(what, where=rows, hint=hint, rule=name, reproduction=text)


def _result(sample: Sample, node: Node) -> str:
    try:
        return value_line(sample.value(node))
    except Exception as problem:  # the new form may fail where the old one does not
        return f"{type(problem).__name__}: {problem}".partition("\n")[0]


def _at(place: str) -> str:
    return f"declared at {place}" if place else ""
