"""The engine: one walk reaches the end, rules cannot loop, names and draws survive, old nodes keep their origin."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import GraphError
from graphad.ops.elementwise import add, exp, multiply, negative, subtract
from graphad.rules import engine
from graphad.rules.engine import Settled, rewrite, used_once, watching

x = ga.input("x", (3,))
V = [np.array([1.0, 2.0, 3.0])]


def check(graph, rules):
    """The rewritten graph, which has the same values."""
    after = rewrite(graph, rules)
    for a, b in zip(ga.interpret(graph, V), ga.interpret(after, V), strict=True):
        np.testing.assert_allclose(a, b)
    return after


def test_one_walk_reaches_the_end():
    """What a rule makes is rewritten, too, and users see it rewritten."""
    tried = []

    def to_subtract(node):
        tried.append(node)
        return subtract(node.inputs[0], negative(node.inputs[1]))

    def double_negative(node):
        return node.inputs[0].inputs[0] if node.inputs[0].op is negative else None

    y = ga.exp(x + negative(negative(ga.sin(x))))
    after = check(ga.Graph([x], y), {add: (to_subtract,), negative: (double_negative,)})
    assert [n.op.name for n in after.nodes] == ["input", "sin", "negative", "subtract", "exp"]
    assert len(tried) == 1


def test_a_second_walk_looks_only_at_what_may_have_changed():
    """A node that no rule fitted is tried again only where it, or what is behind it, has got or lost users."""
    tried = []

    def when_used_once(node):
        tried.append(node)
        return ga.sin(node.inputs[0].inputs[0]) if node.inputs[0].op is negative and used_once(node.inputs[0]) else None

    still, shared = ga.exp(ga.tanh(x)), negative(x)
    waiting = exp(shared)
    settled, rules = Settled(), {exp: (when_used_once,)}
    first = ga.Graph([x], still + waiting + shared)
    assert rewrite(first, rules, settled=settled) is first
    assert [n is m for n, m in zip(tried, [still, waiting], strict=True)] == [True, True]
    assert rewrite(first, rules, settled=settled) is first
    assert len(tried) == 2
    after = rewrite(ga.Graph([x], still + waiting), rules, settled=settled)
    assert len(tried) == 3 and tried[2] is waiting
    assert [n.op.name for n in after.nodes] == ["input", "tanh", "exp", "sin", "add"]


@pytest.mark.parametrize(
    "rules",
    [
        {add: (lambda n: subtract(n.inputs[0], -n.inputs[1]),), subtract: (lambda n: add(n.inputs[0], -n.inputs[1]),)},
        {add: (lambda n: add(*n.inputs),)},
        {negative: (lambda n: negative(negative(negative(n.inputs[0]))),)},
        {negative: (lambda n: negative(n.inputs[0] * 0.5) + negative(n.inputs[0] * 0.5),)},
        {exp: (lambda n: n + 0,)},
        {exp: (lambda n: negative(negative(n)),)},
    ],
    ids=["there and back", "the same again", "longer", "two for one", "holds itself", "holds itself deep down"],
)
def test_rules_cannot_loop(rules, monkeypatch):
    monkeypatch.setattr(engine, "MAX_STEPS", 8)  # a rule that doubles does so as often
    after = check(ga.Graph([x], ga.exp(x + negative(x))), rules)
    assert len(after.nodes) < 5000


def test_growth_is_bounded():
    """Also where every step is short: the number of rules applied depends on the size of the graph."""
    fired = []
    twice = {negative: (lambda n: negative(n.inputs[0] * 0.5) + negative(n.inputs[0] * 0.5),)}
    with watching(lambda rule, before, after: fired.append(rule)):
        rewrite(ga.Graph([x], negative(x)), twice)
    assert 0 < len(fired) <= 2 * engine.MAX_GROWTH


def test_a_wrong_type_is_refused():
    with pytest.raises(GraphError, match=r"turned f64\[3\] into f64\[\]"):
        rewrite(ga.Graph([x], ga.exp(x)), {exp: (lambda n: ga.sum(n),)})


def test_what_was_there_before_keeps_its_origin():
    kept = ga.sin(x)
    y = kept * 1.0
    after = check(ga.Graph([x], [kept, y]), {multiply: (lambda n: n.inputs[0],)})
    assert after.outputs[0] is kept
    assert after.outputs[1] is kept


def test_what_takes_a_place_takes_its_origin():
    y = ga.exp(x)
    made = check(ga.Graph([x], y), {exp: (lambda n: ga.sinh(n.inputs[0]) + ga.cosh(n.inputs[0]),)}).outputs[0]
    assert made.origin is y.origin
    assert {n.origin.line for n in made.inputs} == {y.origin.line}
    assert {n.origin.made_by for n in made.inputs} == {"<lambda>"}


def test_a_draw_is_never_doubled_for_a_name():
    draws = [ga.random.standard_normal((3,))]
    named = draws[0] * 1.0
    after = rewrite(ga.Graph([], named - draws[0]), {multiply: (lambda n: n.inputs[0],)})
    np.testing.assert_array_equal(ga.interpret(after, [], np.random.default_rng(0))[0], np.zeros(3))


def test_untouched_graphs_stay_themselves():
    graph = ga.Graph([x], ga.exp(x))
    assert rewrite(graph, {exp: (lambda n: None,)}) is graph
    assert rewrite(graph, {}) is graph
