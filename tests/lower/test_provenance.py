"""Every node of a compiled graph knows the user's line, every backward node its forward node, every line its node.

Counted after all passes, at orders one and two, over the examples, the demo, the golden models, models of each
sub-namespace and every case of every op.
"""

import ast
import re
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from example_budgets import FOLDER, PLAIN, run
from golden.models import MODELS
from support import all_calls, concrete

import graphad as ga
from graphad import demo
from graphad.errors import DifferentiationError
from graphad.ir.graph import toposort
from graphad.ir.origin import Origin
from graphad.ir.types import carries_gradient
from graphad.lower.export import module_source
from graphad.passes import contractions, factorizations, opened, overlaps, unrolled
from graphad.passes.algebra import ALL
from graphad.passes.presets import PRESETS
from graphad.rules.engine import name_of

PACKAGE = str(Path(ga.__file__).parent)
OPTIMIZE = ["none", "full"]
TABLES = [ALL, factorizations.FINAL, *(m.RULES for m in (contractions, factorizations, opened, overlaps, unrolled))]
# What these make of a forward node is forward, too.
RULES = {"loop"} | {name_of(rule) for table in TABLES for rules in table.values() for rule in rules}


def is_users(origin):
    """Whether an origin names a line that a user wrote: outside of the package, or in its demo."""
    return origin.line > 0 and (not origin.file.startswith(PACKAGE) or origin.file == demo.__file__)


def lost_nodes(function, losses):
    """Nodes without the user's line; backward nodes without a forward node, or with one that nobody knows."""
    forward = {n.origin for n in with_bodies(toposort([*losses, *function.declared.inputs]))}
    lost = Counter()
    for node in function.graph.nodes:
        origin, twin = node.origin, node.origin.adjoint_of
        if not is_users(origin):
            lost[f"{node.op.name} made by {origin.made_by!r}: no line"] += 1
        elif twin is None:
            behind = any(x.origin.adjoint_of and x.origin not in forward for x in node.inputs)
            if origin not in forward and (behind or origin.made_by not in RULES):
                lost[f"{node.op.name} made by {origin.made_by!r}: no forward node"] += 1
        elif twin not in forward and not (is_users(twin) and twin.made_by):
            lost[f"{node.op.name} made by {origin.made_by!r}: unknown forward node {twin}"] += 1
    return lost


def with_bodies(nodes):
    """The nodes, and those of what loops do in each turn."""
    for node in nodes:
        yield node
        if "body" in node.attrs:
            yield from with_bodies(node.attrs["body"].nodes)


def lost_lines(function):
    """Lines of statements that belong to no node of the user."""
    tree = ast.parse(function.source)
    lines = {k for s in statements(tree, function.name) for k in range(s.lineno, s.end_lineno + 1)}
    known = {k for k, node in function.lines.items() if is_users(node.origin)}
    return [function.source.splitlines()[k - 1] for k in sorted(lines - known)]


def lost_comments(function):
    """Statements of the exported module that no comment leads back to the user."""
    text = module_source(function)
    rows = text.splitlines()
    return [
        rows[s.lineno - 1]
        for s in statements(ast.parse(text), function.name)
        if not isinstance(s, ast.Return)
        and not re.search(r"# .*\w+\.py:\d+", "\n".join(rows[s.lineno - 2 : s.end_lineno]))
    ]


def statements(tree, name):
    """The statements of the generated function, and the constants before it."""
    at = next(k for k, s in enumerate(tree.body) if isinstance(s, ast.FunctionDef) and s.name == name)
    constants = [s for s in tree.body[:at] if isinstance(s, ast.Assign) and s.targets[0].id != "GRAPH"]
    constants = [s for s in constants if not s.targets[0].id.startswith("c_")]  # numbers, which belong to no line
    loops = [f for f in tree.body[:at] if isinstance(f, ast.FunctionDef) and f.name.startswith(f"{name}_loop_")]
    body = [s for f in (*loops, tree.body[at]) for s in f.body]

    def is_text(s):
        return isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)

    return constants + [s for s in body if not is_text(s) and f"{name}_work(" not in ast.unparse(s)]


def audit(inputs, outputs, losses, **options):
    for optimize in OPTIMIZE:
        function = ga.compile(inputs, outputs, **{**options, "optimize": optimize})
        assert not lost_nodes(function, losses), optimize
        assert not lost_lines(function), optimize
        assert not lost_comments(function), optimize


def audit_orders(inputs, outputs):
    """Compile the outputs with their gradients of the first and second order."""
    wrt = [x for x in inputs if carries_gradient(x.type)]
    first = [ga.sum(ga.real(y)) for y in outputs if carries_gradient(y.type)]
    if not wrt or not first:
        return audit(inputs, outputs, outputs)
    loss = ga.sum_n(*first)
    gradients = ga.grad(loss, wrt)
    audit(inputs, [loss, *gradients], [*outputs, loss])
    second = ga.sum_n(*[ga.sum(ga.real(g * g)) for g in gradients])
    return audit(inputs, [loss, *gradients, *ga.grad(second, wrt)], [*outputs, loss, second])


@pytest.fixture
def compiled(monkeypatch):
    """What was compiled: (inputs, outputs, options), with what depends on them as losses."""
    calls = []
    original = ga.compile

    def spy(inputs, outputs, **options):
        calls.append((inputs, outputs, options))
        return original(inputs, outputs, **options)

    monkeypatch.setattr(ga, "compile", spy)
    yield calls
    monkeypatch.undo()


def leaves(value):
    if isinstance(value, ga.Node):
        return [value]
    return [y for v in (value.values() if isinstance(value, dict) else value) for y in leaves(v)]


def audit_calls(calls, monkeypatch):
    assert calls
    for inputs, outputs, options in list(calls):
        nodes, updates = leaves(outputs), list((options.get("updates") or {}).values())
        audit(inputs, outputs, [*nodes, *updates], **options)
        audit_orders(inputs, [y for y in nodes if y.dtype.kind == "f"])


@pytest.mark.parametrize("name", PLAIN)
def test_examples(name, compiled, monkeypatch, capsys):
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    audit_calls(compiled, monkeypatch)


@pytest.mark.parametrize("name", ["tied_digits", "vae"])
def test_examples_with_layers(name, compiled, monkeypatch, capsys, tmp_path):
    run(name, tmp_path)
    audit_calls(compiled, monkeypatch)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_golden_models(model, compiled, monkeypatch):
    model()
    audit_calls(compiled, monkeypatch)


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_training_steps_with_loops(kind):
    x, y = ga.input("x", ("T", "batch", 3)), ga.input("y", ("batch",), "int64")
    layer, last = getattr(ga.nn, kind)(3, 8), ga.nn.Linear(8, 2)
    loss = ga.nn.cross_entropy(last(layer(x)[0][-1]), y)
    parameters = ga.nn.parameters([layer, last])
    adam = ga.optim.step(ga.optim.adam(), loss, parameters)
    nodes = [loss, *adam.updates.values()]
    audit([x, y, *parameters, *adam.state], loss, nodes, updates=adam.updates)


def test_demo():
    model = demo.declare()
    inputs = [model.x, model.y, *model.parameters]
    gradients = ga.grad(model.loss, list(model.parameters))
    updates = {p: p - 0.5 * d for p, d in zip(model.parameters, gradients, strict=True)}
    losses = [model.loss, model.prediction, *updates.values()]
    audit(inputs, [model.loss, *gradients], losses, updates=updates)
    audit_orders(inputs, [model.loss])


x, m, b = ga.input("x", ("n", 4)), ga.input("m", (4, 4)), ga.input("b", (4,))
image, kernel = ga.input("image", (2, 3, 8, 8)), ga.input("kernel", (4, 3, 3, 3))
query, tall = ga.input("query", (2, 5, 8)), ga.input("tall", (5, 3))
with ga.scope("positive"):
    spd = m @ m.T + 5 * ga.eye(4)
eigenvalues, eigenvectors = ga.linalg.eigh(spd)
q, r = ga.linalg.qr(tall)
sign, logdet = ga.linalg.slogdet(spd)
mean, deviation = ga.mean(x, axis=0), ga.std(x, axis=0)
MODELS_OF_NAMESPACES = {
    "log_softmax": ([x], ga.nn.log_softmax(x)),
    "softmax by hand": ([x], ga.exp(x) / ga.sum(ga.exp(x), axis=1, keepdims=True)),
    "logsumexp by hand": ([x], ga.log(ga.sum(ga.exp(x), axis=1))),
    "cross entropy by hand": ([x], -ga.sum(ga.log(1 / (1 + ga.exp(-x))))),
    "gelu": ([x], ga.nn.gelu(x)),
    "silu": ([x], ga.nn.silu(x)),
    "softplus": ([x], ga.nn.softplus(x)),
    "convolution": ([image, kernel], ga.nn.conv2d(image, kernel)),
    "pooling": ([image], ga.nn.max_pool2d(image, 2)),
    "layer norm": ([x, b], ga.nn.layer_norm(x, (4,)) * b),
    "attention": ([query], ga.nn.scaled_dot_product_attention(query, query, query)),
    "standardized": ([x], (x - mean) / deviation),
    "solve": ([m, b], ga.linalg.solve(spd, b)),
    "inverse": ([m, b], ga.linalg.inv(spd) @ b),
    "eigh": ([m], eigenvectors * ga.log(eigenvalues)),
    "cholesky": ([m], ga.linalg.cholesky(spd)),
    "qr": ([tall], q @ r + q),
    "slogdet": ([m], sign * logdet),
    "log of det": ([m], ga.log(ga.linalg.det(spd))),
    "norm": ([x], ga.linalg.norm(x) ** 2),
    "svd": ([tall], ga.linalg.svd(tall, full_matrices=False)[1]),
    "fft": ([b], ga.abs(ga.fft.fft(b)) ** 2),
    "rfft": ([x], ga.fft.irfft(ga.fft.rfft(x) * 2)),
    "erf": ([x], ga.special.erf(x) * ga.special.gammaln(x * x + 1)),
    "logsumexp": ([x], ga.special.logsumexp(x, axis=1)),
    "bessel": ([x], ga.special.j0(x)),
    "einsum": ([x, m], ga.einsum("ni,ij,nj->n", x, m, x)),
    "where": ([x], ga.where(x > 0, ga.log(x), ga.square(x) - 1)),
    "gather": ([x, b], x[:, np.array([0, 2, 2])] * b[1:]),
    "sorted": ([b], ga.cumsum(ga.sort(b)) * ga.flip(b)),
    "noise": ([x], x * ga.random.standard_normal(x.shape)),
    "constants": ([x], ga.sum((x * 1 + 0) * ga.log(ga.constant(np.arange(1.0, 5.0))))),
}


@pytest.mark.parametrize("name", MODELS_OF_NAMESPACES)
def test_namespaces(name):
    inputs, y = MODELS_OF_NAMESPACES[name]
    audit_orders(inputs, [y])


@pytest.mark.parametrize(("op", "case", "name"), list(all_calls()), ids=lambda v: v if isinstance(v, str) else "")
def test_every_op(op, case, name):
    call = concrete(op, case)
    try:
        audit_orders(call.inputs, [call.result])
    except DifferentiationError:
        audit(call.inputs, [call.result], [call.result])


v = ga.input("v", (4,))
vector = ga.tanh(m @ b)
scalar = ga.sum(vector**3) + ga.nn.softmax(b)[0]
unused = ga.input("unused", (2,))
inverse, product, root = ga.linalg.inv(spd), ga.cumprod(b), ga.sum(ga.sqrt(b)) + ga.linalg.norm(b)
total = ga.sum(ga.grad(scalar, b))
inner, second = ga.sum(ga.grad(scalar, vector) ** 2), ga.sum(ga.grad(total, b))
TRANSFORMS = {
    "vjp": lambda: ga.vjp(vector, [m, b], v),
    "vjp of a number": lambda: ga.vjp(scalar, b, 2.0),
    "jvp": lambda: ga.jvp([vector, scalar], b, v),
    "jvp of a product": lambda: ga.jvp(inverse, m, m),
    "jvp from a vjp": lambda: ga.jvp(product, b, v),
    "hvp": lambda: ga.hvp(scalar, b, v),
    "jacobian": lambda: ga.jacobian(vector, [m, b]),
    "jacobian of a number": lambda: ga.jacobian(scalar, b),
    "hessian": lambda: ga.hessian(scalar, b),
    "unconnected": lambda: [*ga.grad(scalar, [b, unused]), ga.jacobian(vector, unused), ga.jvp(vector, unused, unused)],
    "an inner node": lambda: ga.grad(scalar, vector),
    "an inner node twice": lambda: ga.grad(inner, b),
    "third order": lambda: ga.grad(second, b),
    "singular points": lambda: ga.grad(root, b, singular="raise"),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    result = TRANSFORMS[name]()
    audit([m, b, v, unused], leaves(result), [vector, scalar, inverse, product, root, inner, total, second])


class Forgetful:
    """A pass that loses what nodes stand for."""

    name = "forgetful"

    def __init__(self, origin):
        self.origin = origin

    def run(self, graph):
        made = graph.map(lambda n, inputs: n if graph.is_input(n) else n.op.build(inputs, n.attrs, self.origin(n)))
        return ga.Graph(graph.inputs, [made[y] for y in graph.outputs])


def test_the_count_can_fail():
    loss = ga.sum(ga.tanh(x))
    d_x = ga.grad(loss, x)
    unlinked = lambda n: n.origin.derived("forgetful", adjoint_of=None)  # noqa: E731
    strange = lambda n: n.origin.derived("forgetful", adjoint_of=n.origin.adjoint_of and Origin("nobody"))  # noqa: E731
    for origin in (lambda n: Origin(), unlinked, strange):
        function = ga.compile([x], [loss, d_x], optimize=[*PRESETS["full"], Forgetful(origin)])
        assert lost_nodes(function, [loss])
    plain = ga.compile([x], [loss, d_x], optimize=[Forgetful(lambda n: Origin())], style="readable")
    assert len(lost_lines(plain)) == len(lost_comments(plain)) + 1 >= 3
    function = ga.compile([x], [loss, d_x], optimize=[Forgetful(lambda n: Origin())])
    assert sum("np.tanh(" in line or "np.square(" in line for line in lost_lines(function)) == 2  # in a loop


# --- failures ---


def note_of(function, *values, rng=None):
    with pytest.raises((ValueError, FloatingPointError, IndexError, TypeError, ArithmeticError)) as caught:
        function(*values, **({"rng": rng} if rng else {}))
    return caught.value.__notes__[-1]


def line_of(mark):
    rows = Path(__file__).read_text().splitlines()
    return next(k for k, row in enumerate(rows, start=1) if row.endswith(f"# {mark}"))


@pytest.mark.parametrize("optimize", OPTIMIZE)
def test_a_failure_ends_in_a_note_with_the_line(optimize):
    f = ga.compile([m], ga.linalg.inv(m), optimize=optimize)  # singular
    assert f"test_provenance.py:{line_of('singular')}" in note_of(f, np.zeros((4, 4)))

    shifted = m - 1
    inverse = ga.linalg.inv(shifted) * 2  # inlined
    f = ga.compile([m], ga.sum(inverse) + 1, optimize=optimize)
    assert f"test_provenance.py:{line_of('inlined')}" in note_of(f, np.ones((4, 4)))

    parts = [ga.linalg.cholesky(m)]  # a part of a statement
    parts.append(parts[0] * 2 + 1)
    f = ga.compile([m], ga.sum(parts[1]), optimize=optimize)
    assert f"test_provenance.py:{line_of('a part of a statement')}" in note_of(f, -np.eye(4))

    k = ga.input("k", (3,), "int64")
    picked = [b[k]]  # an index
    f = ga.compile([b, k], ga.tanh(picked[0]) + 1, optimize=optimize)
    assert f"test_provenance.py:{line_of('an index')}" in note_of(f, np.ones(4), [0, 1, 9])

    loss = ga.sum(ga.sqrt(b))  # in the backward pass
    f = ga.compile([b], ga.grad(loss, b, singular="raise"), optimize=optimize)
    assert f"test_provenance.py:{line_of('in the backward pass')}" in note_of(f, np.zeros(4))


def test_a_failing_update_names_its_line():
    inverse = ga.linalg.inv(m)  # an update
    f = ga.compile([m], [], updates={m: inverse})
    assert f"test_provenance.py:{line_of('an update')}" in note_of(f, np.zeros((4, 4)))


def test_deep_graph():
    u = h = ga.input("u", (2,))
    for _ in range(20_000):
        h = ga.sin(h)
    loss = ga.sum(h)
    value, d_u = ga.compile([u], [loss, ga.grad(loss, u)])([0.5, 1.0])
    assert 0 < value < 0.1
    assert np.all(d_u > 0)


@pytest.mark.parametrize("optimize", OPTIMIZE)
def test_wide_graph(optimize):
    u = ga.input("u", (2,))
    loss = ga.sum(ga.sum_n(*[ga.sin(u) for _ in range(20_000)]))
    value, d_u = ga.compile([u], [loss, ga.grad(loss, u)], optimize=optimize)([0.5, 1.0])
    np.testing.assert_allclose(value, 20_000 * np.sin([0.5, 1.0]).sum(), rtol=1e-12)
    np.testing.assert_allclose(d_u, 20_000 * np.cos([0.5, 1.0]), rtol=1e-12)
