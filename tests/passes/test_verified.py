"""Verification: ten planted wrong rewrites and wrong passes are named, shrunk and reproduced; right graphs pass."""

from dataclasses import dataclass

import numpy as np
import pytest
from golden import models

import graphad as ga
from graphad.errors import RewriteError
from graphad.passes.agreement import agrees
from graphad.passes.samples import samples
from graphad.passes.verified import EXACT_RULES, Verified, is_exact, verified
from graphad.rules.engine import rewrite
from graphad.rules.stable import STABLE

from .test_passes import random_graph

HALF = 0.5


@ga.rewrite(exact=True, ops=[ga.subtract])
def sign_error(node):
    """x - y = y - x."""
    x, y = node.inputs
    return ga.subtract(y, x) if x.op is ga.exp else None


@ga.rewrite(exact=False, ops=[ga.sigmoid])
def wrong_constant(node):
    """sigmoid(x) = 0.5 + 0.5 tanh(x/2)."""
    (x,) = node.inputs
    return HALF + 0.5000001 * ga.tanh(x * HALF) if node.dtype == np.float64 else None


@ga.rewrite(exact=False, ops=[ga.sum])
def wrong_axis(node):
    """sum(x.T, 0) = sum(x, 0)."""
    (x,) = node.inputs
    if x.op.name != "transpose" or node.attrs["axis"] != (0,) or x.shape[0] != x.shape[1]:
        return None
    return ga.sum(x.inputs[0], axis=0)


@ga.rewrite(exact=True, ops=[ga.astype])
def wrong_dtype_edge(node):
    """A cast there and back is none."""
    (x,) = node.inputs
    return x.inputs[0] if x.op.name == "astype" and x.inputs[0].dtype == node.dtype else None


@ga.rewrite(exact=True, ops=[ga.sqrt])
def wrong_at_negative(node):
    """sqrt(x·x) = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is ga.multiply and x.inputs[0] is x.inputs[1] else None


@ga.rewrite(exact=True, ops=[ga.where])
def wrong_at_zero(node):
    """where(x > 0, x, y) = where(x >= 0, x, y)."""
    c, x, y = node.inputs
    if c.op is not ga.greater or c.inputs[0] is not x:
        return None
    return ga.where(ga.greater_equal(*c.inputs), x, y)


@ga.rewrite(exact=False, ops=[ga.sum])
def wrong_for_named_sizes(node):
    """sum(broadcast(x)) = 3 x, for three elements."""
    (x,) = node.inputs
    if x.op.name != "broadcast_to" or x.inputs[0].ndim or x.ndim != 1 or isinstance(x.shape[0], int):
        return None
    return 3 * x.inputs[0]


@ga.rewrite(exact=False, ops=[ga.multiply])
def wrong_broadcasting(node):
    """x · v = x · v, with v laid along the other axis."""
    x, y = node.inputs
    if y.op.name != "broadcast_to" or y.inputs[0].ndim != 1 or y.shape[0] != y.shape[1]:
        return None
    return x * ga.expand_dims(y.inputs[0], 1)


@ga.rewrite(exact=False, ops=[ga.log])
def wrong_in_float32(node):
    """log(x + c) = log(x), for small c."""
    (x,) = node.inputs
    return ga.log(x.inputs[0]) if x.op is ga.add and node.dtype == np.float32 else None


@ga.rewrite(exact=False, ops=[ga.multiply])
def wrong_for_integers(node):
    """(x // 2) · 2 = x."""
    x, _ = node.inputs
    return x.inputs[0] if x.op is ga.floor_divide and node.dtype.kind == "i" else None


def _x(shape=("n", 3), dtype="float64"):
    return ga.input("x", shape, dtype)


def _dtype_edge(x):
    return x.astype("float32").astype("float64")


PLANTED = [
    (sign_error, lambda x: ga.exp(x) - ga.tanh(x) * 2 - x, _x()),
    (wrong_constant, lambda x: ga.sum(ga.sigmoid(x * 2)), _x()),
    (wrong_axis, lambda x: ga.exp(ga.sum(ga.tanh(x).T, axis=0)), _x((3, 3))),
    (wrong_dtype_edge, lambda x: _dtype_edge(x) + 1, _x()),
    (wrong_at_negative, lambda x: ga.sum(ga.sqrt(x * x)), _x()),
    (wrong_at_zero, lambda x: ga.where(x > 0, x, ga.exp(x)), _x()),
    (wrong_for_named_sizes, lambda x: ga.sum(ga.broadcast_to(ga.mean(x), x.shape[:1])), _x()),
    (wrong_broadcasting, lambda x: ga.exp(x) * ga.sum(x, axis=0), _x((3, 3))),
    (wrong_in_float32, lambda x: ga.mean(ga.log(ga.square(x) + 0.01)), _x(dtype="float32")),
    (wrong_for_integers, lambda x: (x // 2) * 2 - 1, _x(dtype="int64")),
]


@pytest.mark.parametrize(("rule", "make", "x"), PLANTED, ids=lambda p: getattr(p, "name", ""))
def test_planted_wrong_rewrite_is_named_shrunk_and_reproduced(rule, make, x):
    y = ga.tanh(make(x) * 1)
    with pytest.raises(RewriteError) as caught:
        ga.compile([x], {"y": y, "more": ga.exp(x) + 0}, optimize="basic", rewrites=[rule], verify=True)
    error = caught.value
    assert error.rule == rule.name
    lines = str(error).splitlines()
    assert len(lines) <= 12
    assert rule.name in lines[0]
    assert rule.__doc__ in lines[1]
    assert "test_verified.py:" in lines[1]
    assert "reproduction" in lines[-1]
    with pytest.raises(RewriteError, match=rule.name) as again:
        exec(error.reproduction, {})
    assert again.value.rule == rule.name
    scope = {"ga": ga}
    exec(error.reproduction.rpartition("ga.compile(")[0], scope)
    assert len(scope["graph"].nodes) <= 5


@pytest.mark.parametrize(
    ("rule", "make", "x"), [PLANTED[k] for k in (0, 1, 3, 7)], ids=lambda p: getattr(p, "name", "")
)
def test_planted_wrong_rewrite_is_named_among_all_other_rules(rule, make, x):
    y = make(x)
    with pytest.raises(RewriteError, match=rule.name):
        ga.compile([x], [y], rewrites=[rule], verify=True)


def test_wrong_rules_pass_where_verification_is_off():
    rule, make, x = PLANTED[0]
    ga.compile([x], make(x), rewrites=[rule])


@dataclass(frozen=True)
class DropsTerms:
    """A pass that loses the second term of every sum, by itself."""

    name: str = "drops_terms"

    def run(self, graph):
        def make(node, inputs):
            return inputs[0] if node.op is ga.add and node.type == inputs[0].type else ga.ir.graph.rebuild(node, inputs)

        made = graph.map(lambda n, i: n if graph.is_input(n) else make(n, i))
        return ga.Graph(graph.inputs, [made[y] for y in graph.outputs], graph.name)


def test_wrong_pass_is_named_and_shrunk():
    x, y = _x(), ga.input("y", ("n", 3))
    z = ga.exp(ga.tanh(x) * 3) + ga.square(y)
    with pytest.raises(RewriteError, match="drops_terms") as caught:
        ga.compile([x, y], [ga.sum(z), ga.sum(x)], optimize=[DropsTerms()], verify=True)
    assert "exp" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 12
    assert "DropsTerms" in caught.value.reproduction
    with pytest.raises(RewriteError, match="drops_terms"):
        exec(caught.value.reproduction, {})


def doubles(node):
    """x + y = 2 x."""
    return 2 * node.inputs[0]


@dataclass(frozen=True)
class Doubles:
    """A pass that applies a wrong rule, a plain function, by the engine."""

    name: str = "pass_of_rules"

    def run(self, graph):
        return rewrite(graph, {ga.add: (doubles,)})


def test_plain_rules_of_a_pass_are_named():
    x = _x()
    with pytest.raises(RewriteError) as caught:
        ga.compile([x], ga.tanh(x + ga.exp(x)) + 1, optimize=[Doubles()], verify=True)
    assert caught.value.rule == "doubles"
    with pytest.raises(RewriteError, match="doubles"):
        exec(caught.value.reproduction, {})


def fails(node):
    """exp(x) = exp(reshape(x)), into a shape that does not fit."""
    (x,) = node.inputs
    return ga.exp(ga.broadcast_to(ga.reshape(x, (-1,))[2:3], node.shape))


def test_results_that_cannot_be_computed_are_reported():
    rule = ga.rewrite(exact=True, ops=[ga.exp])(fails)
    x = _x(("n",))
    y = ga.exp(x)
    with pytest.raises(RewriteError, match="fails") as caught:
        ga.compile([x], y, optimize="none", rewrites=[rule], verify=True)
    assert len(str(caught.value).splitlines()) <= 12


def test_every_rule_of_the_package_is_exact_or_not():
    assert all(map(is_exact, EXACT_RULES))
    assert not any(is_exact(rule) for rules in STABLE.values() for rule in rules)


@pytest.mark.parametrize("seed", range(30))
def test_no_false_alarm_over_random_graphs(seed):
    graph = random_graph(seed)
    ga.compile(graph.inputs, graph.outputs, verify=True)


@pytest.mark.parametrize("model", models.MODELS, ids=lambda m: m.__name__)
def test_no_false_alarm_over_the_golden_models(model, monkeypatch):
    compile = ga.compile
    seen = []
    monkeypatch.setattr(ga, "compile", lambda *a, **k: seen.append(compile(*a, **k, verify=True)))
    model()
    assert seen


def _spd(a):
    return a @ a.mT + 3 * ga.eye(3)


GRAPHS = {
    "softmax": lambda x, a: ga.sum(ga.log(ga.nn.softmax(x)) * x),
    "naive_logsumexp": lambda x, a: ga.log(ga.sum(ga.exp(x), axis=1)),
    "naive_sigmoid": lambda x, a: ga.sum(-ga.log(1 / (1 + ga.exp(-x)))),
    "log1p": lambda x, a: ga.sum(ga.log(1 + ga.square(x))),
    "layer_norm": lambda x, a: (x - ga.mean(x, axis=1, keepdims=True)) / ga.std(x, axis=1, keepdims=True),
    "norm": lambda x, a: ga.linalg.norm(x) ** 2,
    "solve": lambda x, a: ga.sum(ga.linalg.solve(_spd(a), ga.sum(x, axis=0))),
    "logdet": lambda x, a: ga.log(ga.linalg.det(_spd(a))),
    "cholesky": lambda x, a: ga.sum(ga.linalg.cholesky(_spd(a))),
    "eigh": lambda x, a: ga.sum(ga.linalg.eigh(_spd(a))[0]),
    "inverse": lambda x, a: ga.sum(ga.linalg.inv(_spd(a)) @ a),
    "attention": lambda x, a: ga.sum(ga.nn.softmax((x @ a) @ x.mT) @ x),
    "gelu": lambda x, a: ga.sum(ga.nn.gelu(x @ a)),
    "variance": lambda x, a: ga.var(x) + ga.sum(ga.cumsum(x, axis=0)),
    "indices": lambda x, a: ga.sum(x[:, ga.argmax(a, axis=0)] * a[0]),
    "powers": lambda x, a: ga.sum(ga.abs(x) ** 1.5) + ga.sum(x**2),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", GRAPHS)
def test_no_false_alarm_over_examples(name, dtype):
    x, a = ga.input("x", ("n", 3), dtype), ga.parameter("a", (3, 3), dtype)
    y = GRAPHS[name](x, a)
    loss = ga.sum(y)
    ga.compile([x, a], [y, *ga.grad(loss, [x, a])], verify=True)


def test_random_numbers_and_inner_inputs_are_sampled():
    x = _x()
    h = ga.exp(x)
    noisy = ga.random.standard_normal(h.shape) * 1 + h
    ga.compile([h], [noisy, ga.sum(noisy + 0)], verify=True)


def test_samples_are_varied_and_computable():
    x, k = _x(), ga.input("k", ("m",), "int64")
    found = samples(ga.Graph([x, k], [x[:, k]]))
    assert {"zeros", "negative", "special", "empty", "domain"} <= {s.kind for s in found}
    assert len({tuple(s.sizes.items()) for s in found}) >= 5
    assert all(s.sizes["n"] != s.sizes["m"] for s in found if s.kind not in ("single", "empty"))
    assert any(np.isnan(s.inputs[0]).any() for s in found)


def test_inputs_that_are_indices_or_in_a_domain_are_sampled_there():
    p = ga.input("p", (4,))
    found = samples(ga.Graph([p], [ga.arcsin(ga.broadcast_to(p, (2, 4)))]))
    (domain,) = [s for s in found if s.kind == "domain"]
    assert np.abs(domain.inputs[0]).max() < 0.9


def test_given_samples_are_used():
    rule, make, x = PLANTED[4]
    y = make(x)
    basic = {"optimize": "basic", "rewrites": [rule]}
    ga.compile([x], y, **basic, verify=[[np.ones((2, 3))], {"x": np.zeros((1, 3))}])
    with pytest.raises(RewriteError, match=rule.name):
        ga.compile([x], y, **basic, verify=[[-np.ones((2, 3))]])
    with pytest.raises(ga.errors.ArgumentError, match="0 values for 1 inputs"):
        ga.compile([x], y, verify=[[]])


def test_graph_that_runs_on_no_sample_says_so():
    x = ga.input("x", (2, 3))
    y = ga.reshape(x, (3, 2))
    object.__setattr__(y, "attrs", {"shape": (4, 4), "order": "C"})
    with pytest.raises(ga.errors.ArgumentError, match="verify=\\[\\["):
        ga.compile([x], y, optimize="basic", verify=True)


def test_rounding_is_allowed_to_inexact_rules_as_far_as_it_matters():
    x = ga.input("x", (200,))
    graph = ga.Graph([x], [ga.log(1 + x)])
    (sample,) = samples(graph, [[np.geomspace(1e-20, 1e3, 200)]])
    assert agrees(sample, graph.outputs[0], ga.log1p(x), exact=False)
    assert not agrees(sample, graph.outputs[0], ga.log1p(x), exact=True)
    assert not agrees(sample, graph.outputs[0], ga.log1p(x) * (1 + 1e-12), exact=False)


def test_inexact_rules_may_make_values_finite_and_never_the_other_way_round():
    x = ga.input("x", (3,))
    overflows, stable = ga.log(ga.exp(x)), x * 1
    (sample,) = samples(ga.Graph([x], [overflows]), [[np.array([-1e4, 1e4, 1.0])]])
    assert agrees(sample, overflows, stable, exact=False)
    assert not agrees(sample, stable, overflows, exact=False)


def test_every_pass_of_a_pipeline_is_checked_and_keeps_its_name():
    pipeline = ga.Pipeline((DropsTerms(),))
    assert verified(pipeline, False) is pipeline
    assert [type(p) for p in verified(pipeline, True).passes] == [Verified]
    x = _x()
    steps = [ga.compile([x], x + 0, verify=v).report().steps for v in (True, False)]
    assert [s.name for s in steps[0]] == [s.name for s in steps[1]]
    assert steps[0][-1].after == 1
