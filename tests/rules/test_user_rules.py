"""Rules of users: they join the others, and their mistakes speak of the user's lines."""

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError, RewriteError
from graphad.ops.elementwise import exp
from graphad.passes.algebra import Algebra
from graphad.passes.fold import Fold


@ga.rewrite(exact=True, ops=[ga.sum])
def sum_of_one(node):
    """sum(x) = x, for a sum over axes of size 1."""
    (x,) = node.inputs
    return x if x.shape == node.shape else None


@ga.rewrite(exact=False)
def cube(node):
    """x · x · x = x³."""
    if node.op is not ga.multiply or node.inputs[0].op is not ga.multiply:
        return None
    (a, b), c = node.inputs[0].inputs, node.inputs[1]
    return a**3 if a is b and b is c else None


@pytest.mark.parametrize("optimize", ["none", "basic", "full", [Fold(), Algebra()]])
def test_rules_join_every_pipeline(optimize):
    x = ga.input("x", ("n", 1))
    y = ga.sum(ga.tanh(x), axis=1, keepdims=True) * 2
    f = ga.compile([x], y, optimize=optimize, rewrites=[sum_of_one])
    assert "sum" not in [n.op.name for n in f.graph.nodes]
    assert "sum_of_one" in str(f.report())
    np.testing.assert_array_equal(f(np.ones((2, 1))), 2 * np.tanh(np.ones((2, 1))))


def test_rules_reach_a_fixpoint_with_the_others():
    x = ga.input("x")
    f = ga.compile([x], (x * 1) * (x + 0) * x, optimize=[Fold(), Algebra()], rewrites=[cube])
    assert [n.op.name for n in f.graph.nodes] == ["input", "constant", "power"]
    assert float(f(2.0)) == 8.0


def test_what_a_rule_makes_goes_by_the_name_and_line_of_what_it_replaces():
    x = ga.input("x")
    volume = x * x * x
    f = ga.compile([x], ga.exp(volume), optimize="none", rewrites=[cube])
    node = f.graph.node("volume")
    assert node.op.name == "power"
    assert node.origin.place is volume.origin.place


def test_a_rule_is_still_a_function_with_its_docstring():
    x = ga.input("x")
    assert cube(x) is None
    assert (cube.__name__, cube.__doc__) == ("cube", "x · x · x = x³.")
    assert repr(cube) == "<rewrite cube: x · x · x = x³.>"


@ga.rewrite(exact=True, ops=[exp])
def raises(node):
    """exp(x) = oh."""
    return node.inputs[3]


@ga.rewrite(exact=True, ops=[exp])
def gives_a_number(node):
    """exp(x) = 1."""
    return 1.0


@ga.rewrite(exact=True, ops=[exp])
def gives_another_type(node):
    """exp(x) = sum(x)."""
    return ga.sum(node)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (raises, ["raised IndexError", "return node.inputs[3]"]),
        (gives_a_number, ["gave float 1.0", "return a node"]),
        (gives_another_type, ["turned f64[n] into f64[]", "keep shape and dtype"]),
    ],
    ids=lambda r: getattr(r, "name", ""),
)
@pytest.mark.parametrize("verify", [False, True])
def test_mistakes_name_the_rule_and_the_line(rule, words, verify):
    x = ga.input("x", ("n",))
    y = ga.exp(x)
    with pytest.raises(RewriteError) as caught:
        ga.compile([x], [y], rewrites=[rule], verify=verify)
    text = str(caught.value)
    assert caught.value.rule == rule.name
    assert isinstance(caught.value, ga.GraphadError)
    for word in [f"rewrite {rule.name} ", rule.__doc__, "y = ga.exp(x)", "test_user_rules.py:", *words]:
        assert word in text
    assert len(text.splitlines()) <= 12


def test_exceptions_of_rules_are_kept():
    x = ga.input("x", ("n",))
    with pytest.raises(RewriteError) as caught:
        ga.compile([x], [ga.exp(x)], rewrites=[raises])
    assert isinstance(caught.value.__cause__, IndexError)


def test_what_is_no_rule_is_refused():
    x = ga.input("x")
    with pytest.raises(ArgumentError, match=r"@ga\.rewrite"):
        ga.compile([x], x, rewrites=[lambda node: None])
    with pytest.raises(ArgumentError, match="mse"):
        ga.rewrite(exact=True, ops=["mse"])
    with pytest.raises(ArgumentError, match="not a function"):
        ga.rewrite(exact=True)(3)
    with pytest.raises(TypeError):
        ga.rewrite(ops=[exp])
