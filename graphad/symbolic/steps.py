"""The steps of a worked solution: what `ga.derivation` writes down.

Given quantities, forward equations in the user's order, then the derivatives of the loss backwards, one step for each
application of a rule, at the end the gradients. The steps are those of reverse mode without any rewriting; what only
hands a derivative on (casts, numbers, new axes) is written within its step. Where a derivative is infinite or missing
the formula is shown as it is, while `ga.grad` takes 0 there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Any

import numpy as np

from graphad.autodiff.reverse import active_nodes, mark_cotangent, pull_back
from graphad.autodiff.transforms import grad
from graphad.ir.core import Node, label
from graphad.ir.graph import Graph, rebuild, toposort
from graphad.ir.origin import Origin, inside
from graphad.ir.types import TupleType
from graphad.lower.values import run_values
from graphad.ops.fit import ones_like, zeros_like
from graphad.symbolic import tex
from graphad.symbolic.equations import Equation, lines_of, writer
from graphad.symbolic.lines import Lines, chosen, is_silent
from graphad.symbolic.matrix import Matrix
from graphad.symbolic.rules import general as said
from graphad.symbolic.rules import rule_of, title

NUMBERS = {"b": r"\{0, 1\}", "i": r"\mathbb{Z}", "u": r"\mathbb{N}_0", "f": r"\mathbb{R}", "c": r"\mathbb{C}"}


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    ``kind``: "given", "forward", "backward" or "gradient"; ``title`` names the rules, ``general`` says each in general
    (LaTeX); ``lines`` are the equations, more than one where elements are spelled out or one derivative belongs to
    several values; ``name`` is what the value is called in answers, ``symbol`` what it is called in LaTeX; ``blank`` is
    the number of a blank of a worksheet.
    """

    kind: str
    title: str
    general: tuple[str, ...]
    lines: tuple[Equation, ...]
    node: Node
    name: str
    symbol: str  # of the whole value
    value: Any = None
    blank: int = 0

    @property
    def place(self) -> str:
        """The user's line, such as ``train.py:14``."""
        return self.node.origin.location


@dataclass(frozen=True)
class Plan:
    """The graph of a derivation: loss, wanted gradients, and for each value the derivative that belongs to it."""

    graph: Graph
    loss: Node
    wanted: tuple[Node, ...]
    cotangent: Mapping[Node, Node]  # forward -> backward
    forward: frozenset[Node]  # what the loss is computed from; of a second derivative the first one is a part
    lines: Lines = field(repr=False)


def plan(loss: Node, wanted: Sequence[Node], name: str) -> Plan:
    """Differentiate without rewriting, and choose the lines."""
    grad(loss, list(wanted))  # raises what is wrong with the arguments, in the user's words
    order = toposort([loss])
    active = active_nodes(order, wanted)
    inner = [n for n in order if n in active and not isinstance(n.type, TupleType)]
    born = Origin().serial
    with inside(Origin(None, loss.origin.place, loss.origin.scope, loss.origin, False, "seed")):
        seed = ones_like(loss)
    mark_cotangent(seed, loss, born)
    found = dict(zip(inner, pull_back([loss], inner, [seed]), strict=True))
    cotangent = {n: c for n, c in found.items() if c is not None}
    for x in wanted:
        if x not in cotangent:
            with inside(Origin(None, x.origin.place, x.origin.scope, x.origin, False, "unconnected")):
                cotangent[x] = zeros_like(x)
            mark_cotangent(cotangent[x], x, born)
    inputs = [n for n in order if "placeholder" in n.op.traits]
    inputs += [x for x in wanted if "placeholder" in x.op.traits and x not in set(order)]
    whole = Graph(inputs, [loss, *cotangent.values()], name)
    made = whole.map(lambda node, operands: operands[0] if _is_shift(node) else rebuild(node, operands))
    cotangent = {n: made[c] for n, c in cotangent.items()}
    graph = whole.subgraph([loss, *(cotangent[x] for x in wanted)])
    lines = _lines(graph, loss, wanted, cotangent, made.get(seed, seed))
    return Plan(graph, loss, tuple(wanted), cotangent, frozenset(order), lines)


def _is_shift(node: Node) -> bool:
    """Whether a node only keeps the derivative of a softmax precise: a shift that it takes off again."""
    if node.op.name != "subtract" or rule_of(node.origin.made_by) != "softmax":
        return False
    t, shift = node.inputs
    while shift.op.name == "broadcast_to":
        (shift,) = shift.inputs
    return shift.op.name == "sum" and shift.inputs[0].op.name == "where" and shift.inputs[0].inputs[1] is t


def _lines(graph: Graph, loss: Node, wanted: Sequence[Node], cotangent: Mapping[Node, Node], seed: Node) -> Lines:
    """A line for each derivative that a rule made, and for the value that it belongs to."""
    belongs: dict[Node, Node] = {}
    for n, c in cotangent.items():  # in the order of the forward pass: the last of the best
        if c not in belongs or _merit(n) >= _merit(belongs[c]):
            belongs[c] = n
    nodes = set(graph.nodes)
    kept = {c: n for c, n in belongs.items() if c in nodes and (n.name or not (_hands_on(c) or is_silent(n)))}
    also = frozenset([*kept, *kept.values(), loss, *wanted, *(cotangent[x] for x in wanted)])
    own = chosen(graph, frozenset(n for n in also if n in nodes))
    behind = {n for c, n in belongs.items() if c in own and n in nodes}
    own = own if behind <= own else chosen(graph, frozenset(n for n in also | behind if n in nodes))
    return Lines(graph, tuple(n for n in graph.nodes if n in own), belongs, frozenset([seed]))


def _merit(node: Node) -> int:
    """Which of several values with the same derivative it is shown for: one with a name, but no input."""
    return 0 if is_silent(node) else 1 if "placeholder" in node.op.traits else 3 if node.name else 2


def _hands_on(node: Node) -> bool:
    """Whether a derivative is another one, but for a sign, a number or its shape."""
    numbers = [x for x in node.inputs if _is_number(x)]
    return is_silent(node) or node.op.name == "negative" or (node.op.name in ("multiply", "divide") and bool(numbers))


def _is_number(node: Node) -> bool:
    while node.op.name in ("broadcast_to", "astype"):
        node = node.inputs[0]
    return not node.op.traits.isdisjoint(("constant", "size")) and not node.origin.is_cotangent


def steps(plan: Plan, style: str, values: Mapping[Any, Any] | None) -> list[Step]:
    """The steps of a worked solution."""
    lines = plan.lines
    draws = np.random.default_rng(0)  # of random values: the same in every document
    known = run_values(plan.graph, values, draws) if values is not None else {}
    names = answer_names(lines)
    found = [_given(n, lines, style, names, known) for n in lines.given]
    shared, write, made_by = _shared(plan), writer(lines, style), _first(plan)
    for node in _in_order(plan):
        equations = lines_of(write, node)
        if node not in plan.forward:
            equations += [_also(node, n, write) for n in shared.get(node, ())]
            words, general = _explained(plan, node, made_by)
            kind = "backward"
        else:
            words, general, kind = node.op.name, (), "forward"
        symbol = _whole(lines, node)
        found.append(Step(kind, words, general, tuple(equations), node, names.get(node, ""), symbol, known.get(node)))
    return found + [_gradient(plan, x, style, names, known) for x in plan.wanted]


def _whole(lines: Lines, node: Node) -> str:
    """The symbol of a value without indices."""
    return lines.symbol[node].tex(bold=node.ndim > 0) if node in lines.symbol else ""


def _in_order(plan: Plan) -> list[Node]:
    """The left sides, forward before backward, as the user and reverse mode went, each after what it needs."""
    waiting: dict[Node, int] = {}
    ready: list[tuple[bool, int, int, Node]] = []
    position = {n: (n not in plan.forward, n.origin.serial, k) for k, n in enumerate(plan.graph.nodes)}
    for node in plan.graph.nodes:
        inputs = () if plan.graph.is_input(node) else node.inputs
        waiting[node] = len(inputs)
        if not inputs:
            heappush(ready, (*position[node], node))
    found = []
    while ready:
        node = heappop(ready)[-1]
        found.append(node)
        for user in plan.graph.users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, (*position[user], user))
    wanted = set(plan.lines.equations)
    return [n for n in found if n in wanted]


def _explained(plan: Plan, node: Node, made_by: Mapping[Any, Node]) -> tuple[str, tuple[str, ...]]:
    """The names of the rules that a line applies, in the order in which it does, and what each says in general."""
    rules: dict[str, Node] = {}
    stack, seen = [node], {node}
    while stack:
        top = stack.pop()
        if top.origin.made_by:
            rule = rule_of(top.origin.made_by)
            rules.pop(rule, None)  # what is found further down is applied earlier
            rules[rule] = top
        inner = [x for x in top.inputs if x not in plan.forward and x not in plan.lines.symbol and x not in seen]
        seen.update(inner)
        stack += inner
    kept = [r for r in reversed(rules) if r not in _QUIET] or list(reversed(rules))[:1]
    general = dict.fromkeys(said(r, made_by.get((r, rules[r].origin.place))) for r in kept)
    titles = list(dict.fromkeys(title(r) for r in kept))
    words = titles[0] if len(titles) == 1 else "; ".join(t.partition(":")[0] for t in titles)
    shorthand = "" if node.origin.is_cotangent or isinstance(node.type, TupleType) else "shorthand: "
    return shorthand + words, tuple(g for g in general if g)


_QUIET = {"expand_dims", "squeeze", "astype", "seed", "stop_gradient", "check_sizes", "add", "sum_n"}


def _first(plan: Plan) -> dict[Any, Node]:
    """The forward node for an op and a place: that whose rule made a derivative there."""
    return {(n.op.name, n.origin.place): n for n in reversed(plan.graph.nodes) if n in plan.forward}


def _shared(plan: Plan) -> dict[Node, list[Node]]:
    """Named values whose derivative is, as it stands, that of another value."""
    shared: dict[Node, list[Node]] = {}
    for n, c in plan.cotangent.items():
        if n.name and c in plan.lines.belongs and plan.lines.belongs[c] is not n and n in plan.lines.symbol:
            shared.setdefault(c, []).append(n)
    return shared


def _also(node: Node, of: Node, write: Matrix) -> Equation:
    """The line that says that the derivative of another value is the same."""
    base = write.own[of]
    left = write.mark(replace(base, bars=base.bars + 1), of)
    return Equation(node, left, write.left(node), "the same", node.origin.location)


def _given(node: Node, lines: Lines, style: str, names: Mapping[Node, str], known: Mapping[Node, Any]) -> Step:
    """A quantity that is given, and the set that it is from."""
    left = lines.symbol[node].tex(bold=style == "matrix" and node.ndim > 0)
    space = NUMBERS[node.dtype.kind]
    if node.ndim:
        space += f"^{{{tex.shape(node.shape)}}}"
    what = "parameter" if "parameter" in node.op.traits else "constant" if "constant" in node.op.traits else "input"
    what = "random" if "random" in node.op.traits else what
    line = Equation(node, left, space, what, node.origin.location)
    return Step("given", what, (), (line,), node, names[node], _whole(lines, node), known.get(node))


def _gradient(plan: Plan, x: Node, style: str, names: Mapping[Node, str], known: Mapping[Node, Any]) -> Step:
    """The result: the derivative with respect to one of the variables."""
    bold = style == "matrix"
    symbol = plan.lines.symbol
    below, above = symbol[x].tex(bold and x.ndim > 0), symbol[plan.loss].tex(bold and plan.loss.ndim > 0)
    c = plan.cotangent[x]
    left = rf"\frac{{\partial {above}}}{{\partial {below}}}"
    own = symbol[c] if plan.lines.belongs.get(c) is x else replace(symbol[x], bars=symbol[x].bars + 1)
    line = Equation(c, left, own.tex(bold and c.ndim > 0), "gradient", x.origin.location)
    return Step("gradient", f"gradient with respect to {label(x)}", (), (line,), c, names[c], left, known.get(c))


def answer_names(lines: Lines) -> dict[Node, str]:
    """What each value is called in an answer: as in the code, ``t1`` and ``d_t1`` where it has no name there."""
    found: dict[Node, str] = {}
    taken: set[str] = set()
    for node, symbol in lines.symbol.items():
        base = node.name if node.name and not symbol.copy and not symbol.bars else None
        plain = "".join(c for c in symbol.base.removeprefix(r"\mathit") if c.isalnum() or c == "_")
        accents = f"_{symbol.accent[1:]}" if symbol.accent else ""
        subs = "".join(c for c in "_".join(symbol.sub).replace(r"\mathrm", "") if c.isalnum() or c == "_")
        of = lines.belongs.get(node)
        if symbol.bars and of is not None and of in found:
            base = f"d_{found[of]}"
        name = base or "d_" * symbol.bars + plain + subs + accents + (f"_{symbol.copy}" if symbol.copy else "")
        while name in taken:
            name += "_"
        taken.add(name)
        found[node] = name
    return found
